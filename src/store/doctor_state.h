/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the doctor (store/doctor.h) share; for nobody else.
 */
#ifndef HYP_STORE_DOCTOR_STATE_H
#define HYP_STORE_DOCTOR_STATE_H

#include "store/doctor.h"

#include "base/map.h"
#include "store/db.h"
#include "store/secret.h"

#include <stdbool.h>

struct hyp_visit {
    const struct hyp_doctor *doctor;
    enum hyp_finding_level worst;
    const char *check; /* under way */
    uint64_t findings; /* of this check */
    struct hyp_db *main;
    struct hyp_db *frames;
    struct hyp_secret secret;
    bool has_secret;
    struct hyp_map devices; /* id -> 1 of the table device, 0 of the table erasure */
    struct hyp_map points;  /* id -> device */
    bool no_memory;
    struct hyp_error away; /* why the database could not be asked; HYP_OK = it could */
};

/* Begins and ends a check, whose name must be a literal. The end says what was looked at if
 * nothing was found, or how many findings more than HYP_LIMIT_DOCTOR_FINDINGS there were. */
void hyp_visit_begin(struct hyp_visit *visit, const char *check);
void hyp_visit_end(struct hyp_visit *visit, const char *format, ...) HYP_PRINTF(2, 3);

/* Fills a finding; told with hyp_visit_tell once its sentence is in `what`. */
void hyp_visit_find(struct hyp_visit *visit, enum hyp_finding_level level, const char *remedy,
                    const char *format, ...) HYP_PRINTF(4, 5);
/* The same of a query that failed. */
void hyp_visit_failed(struct hyp_visit *visit, struct hyp_db *db, enum hyp_status status,
                      const char *what);

/* The database does not let us look: that says nothing of what is in it. The first reason is
 * what the whole visit returns, and nothing more is told. */
void hyp_visit_give_up(struct hyp_visit *visit, enum hyp_status status,
                       const struct hyp_error *err);

/* Goes on after a failure that has ended the read transaction; does nothing without one. */
void hyp_visit_resume(struct hyp_db *db);

/* --- of a PostgreSQL server (store/doctor_database.c) --- */

/* Connects for reading, to what is committed at this moment. */
HYP_MUST_USE enum hyp_status hyp_visit_connect(struct hyp_visit *visit, const char *suffix,
                                               struct hyp_db **ret_db, struct hyp_error *err);
/* Settings that acknowledging depends on. */
void hyp_visit_settings(struct hyp_visit *visit);
/* What the server can say of its tables and indexes. */
void hyp_visit_tables(struct hyp_visit *visit, struct hyp_db *db, const char *suffix,
                      const char *name);

/* The checks of store/doctor_rows.c: every row of a table is read and decoded; what is wrong is
 * told as a finding, damage of single rows included, so none of them fails. */
void hyp_visit_log(struct hyp_visit *visit);
void hyp_visit_chunks(struct hyp_visit *visit);
void hyp_visit_frame_log(struct hyp_visit *visit);
void hyp_visit_frame_blocks(struct hyp_visit *visit);

#endif
