/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Import: lines of a CSV file become readings in the store, batch by batch, as fast as the
 * store commits them. Not for telegrams (hyp_field_intake decodes those).
 *
 * Lines are fed one by one. A line that cannot be understood is refused with its reason and the
 * rest goes on. Batches are committed in the order of the file, and what is known already is
 * not kept twice, so an import that was cut off goes on behind the last committed line, or
 * begins anew: both end with the same store. One thread at a time; feeding blocks while the
 * store is behind.
 */
#ifndef HYP_SERVICE_IMPORT_H
#define HYP_SERVICE_IMPORT_H

#include "model/zone.h"
#include "service/scope.h"
#include "service/service.h"

struct hyp_import;

struct hyp_import_config {
    struct hyp_str columns;      /* what titles mean, see csv_layout.h; may be empty */
    struct hyp_str device;       /* serial number of all lines; empty = a column says it */
    hyp_device_id id;            /* the same by its number in this plant; 0 = not given */
    const struct hyp_zone *zone; /* of times without one; NULL = the plant's */
    bool dry_run;                /* look at everything, keep nothing */
    /* A line was refused; for the first HYP_LIMIT_IMPORT_ERRORS. */
    void (*refused)(void *user, uint64_t line, const char *text);
    void *user;
};

struct hyp_import_counts {
    uint64_t lines; /* with readings, refused or not */
    uint64_t readings;
    uint64_t values;
    uint64_t refused; /* lines */
};

/* A place in a file. */
struct hyp_import_mark {
    uint64_t offset; /* bytes before the next line */
    uint64_t line;   /* lines before it, the title line among them */
    struct hyp_import_counts counts;
};

/*
 * Begins with the title line.
 * @titles    without its line end; changed
 * Returns    HYP_OK | DENIED | NOT_FOUND (the device) | INVALID (the titles, with the remedy) |
 *            NO_MEMORY
 * Ownership  caller destroys *ret_import
 */
HYP_MUST_USE enum hyp_status
hyp_import_create(struct hyp_service *service, const struct hyp_scope *scope,
                  const struct hyp_import_config *config, char *titles, size_t len,
                  struct hyp_import **ret_import, struct hyp_error *err);
/* Waits for what was handed to the store. NULL is allowed. Returns NULL. */
void *hyp_import_destroy(struct hyp_import *import);

/* Goes on where an earlier run had come to. Before the first line. */
void hyp_import_resume(struct hyp_import *import, const struct hyp_import_mark *mark);

/*
 * The next line.
 * @line      without its line end; changed
 * @size      with its line end, so that the mark knows where the next one begins
 * Returns    HYP_OK (also for a line that was refused) | why the store takes no more
 */
HYP_MUST_USE enum hyp_status hyp_import_line(struct hyp_import *import, char *line, size_t len,
                                             size_t size, struct hyp_error *err);
/* The last lines too: waits until everything is committed. HYP_OK | why the store takes no
 * more: what hyp_import_committed says is kept. */
HYP_MUST_USE enum hyp_status hyp_import_finish(struct hyp_import *import,
                                               struct hyp_error *err);

/* Up to where everything is committed. */
struct hyp_import_mark hyp_import_committed(struct hyp_import *import);
/* Where the reading is. */
struct hyp_import_mark hyp_import_position(const struct hyp_import *import);

#endif
