/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Migrations: brings a database to the schema this program knows, step by step.
 *
 * A database carries the number of its schema in the table schema_version, one row per step
 * applied. Each step is one transaction, so an interrupted start leaves a whole version.
 */
#ifndef HYP_STORE_MIGRATE_H
#define HYP_STORE_MIGRATE_H

#include "store/db.h"

struct hyp_migration {
    int version; /* 1, 2, 3 ... without gaps */
    const char *name;
    const char *sql; /* with {words} of the database layer */
};

struct hyp_migrations {
    const struct hyp_migration *rows;
    size_t count;
};

/* Embedded from store/migrations and store/frame_migrations. */
extern const struct hyp_migrations hyp_store_migrations;
extern const struct hyp_migrations hyp_frame_migrations;

/*
 * Applies what is missing.
 * @now      recorded with each step
 * @what     names the database in errors: a file name
 * Returns   HYP_OK | UNSUPPORTED when the database is newer than the program; both versions are
 *           in *err | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_migrate(struct hyp_db *db, const struct hyp_migrations *list,
                                         hyp_utc now, const char *what, struct hyp_error *err);

/* The same where nothing may be applied: UNSUPPORTED when something is missing too. */
HYP_MUST_USE enum hyp_status hyp_migrate_check(struct hyp_db *db,
                                               const struct hyp_migrations *list, hyp_utc now,
                                               const char *what, struct hyp_error *err);

/* The schema's number; 0 for an empty database. */
HYP_MUST_USE enum hyp_status hyp_migrate_version(struct hyp_db *db, int64_t *ret_version);

#endif
