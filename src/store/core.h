/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core of the store: what its files share. Nobody outside src/store includes this.
 *
 * Writing: one connection per database file, lent to one caller at a time in the order they
 * came (the gate). Between begin and finish the caller owns the connections and may change the
 * historian's registry. Reading: a few read-only connections, lent for one query. A store in
 * memory has one connection for both, so its readers go through the gate too.
 */
#ifndef HYP_STORE_CORE_H
#define HYP_STORE_CORE_H

#include "store/db.h"
#include "store/outage.h"
#include "store/reserve.h"
#include "store/secret.h"
#include "store/store.h"

#include "base/rng.h"

#include <pthread.h>

#define HYP_CORE_READERS 4

struct hyp_historian;
struct hyp_frames;
struct hyp_intake;
struct hyp_sealer;
struct hyp_retainer;
struct hyp_follower;

/* A mutual exclusion that is fair: first come, first served. */
struct hyp_gate {
    pthread_mutex_t mutex;
    pthread_cond_t turn;
    uint64_t next;
    uint64_t serving;
};

/* The two database files of a folder as seen by one connection each. */
struct hyp_connections {
    struct hyp_db *main;
    struct hyp_db *frames;
};

struct hyp_reader_pool {
    pthread_mutex_t mutex;
    pthread_cond_t freed;
    struct hyp_connections all[HYP_CORE_READERS];
    bool taken[HYP_CORE_READERS];
};

struct hyp_store {
    char *folder;   /* NULL = in memory */
    char *database; /* URL of a PostgreSQL database; NULL = SQLite in the folder */
    char *schema;   /* in it; raw frames have one beside it */
    char *member;   /* this process among those that share the database; NULL = none do */
    bool alone;     /* nobody else had the database when it was opened */
    int database_tries;
    struct hyp_outage outage; /* of the database, as its connections know it */
    int lock_fd;              /* -1 = none */
    const struct hyp_clock *clock;
    struct hyp_log *log;
    struct hyp_rng *rng;
    int64_t frame_days;
    int64_t frame_bytes;
    uint64_t seal_readings;
    bool forget_pending;         /* there may be something to forget; inside the gate */
    int64_t forgotten_in_memory; /* what was taken out of memory since the start */
    int64_t forgotten_counted;   /* the request that forgotten_unsealed is of */
    uint64_t forgotten_unsealed; /* readings that were in memory and log alone */
    struct hyp_secret secret;
    uint64_t damaged; /* rows of the log left out at start */
    struct hyp_gate gate;
    struct hyp_connections write;
    struct hyp_reader_pool readers;
    struct hyp_historian *historian;
    struct hyp_frames *frames;
    struct hyp_intake *intake;
    struct hyp_sealer *sealer;
    struct hyp_retainer *retainer; /* NULL = readings are kept for ever */
    struct hyp_follower *follower; /* NULL = what is written is always known (SQLite) */
};

/* --- writing --- */

/* Waits for the gate and begins a transaction on the main database. A failure is sticky in the
 * connection and comes out of commit. Never NULL. */
struct hyp_db *hyp_core_begin(struct hyp_store *store);
/*
 * Commits (or rolls back when `status` or an earlier statement failed); keeps the gate.
 * @err      filled when the database failed; left alone when `status` came in as a failure
 * Returns   HYP_OK | the first failure
 */
HYP_MUST_USE enum hyp_status hyp_core_commit(struct hyp_store *store, enum hyp_status status,
                                             struct hyp_error *err, const char *what);
/* Opens the gate for the next caller. */
void hyp_core_release(struct hyp_store *store);
/* commit and release. */
HYP_MUST_USE enum hyp_status hyp_core_finish(struct hyp_store *store, enum hyp_status status,
                                             struct hyp_error *err, const char *what);
/* The gate alone, for work on the frames database. */
void hyp_core_enter(struct hyp_store *store);

/* --- reading --- */

/* Borrows connections for reading; give them back soon, from the same or another thread, with
 * all queries on them closed. Waits while all HYP_CORE_READERS are lent. Never fails. */
struct hyp_connections hyp_core_reader(struct hyp_store *store);
void hyp_core_reader_return(struct hyp_store *store, struct hyp_connections connections);

/* --- lists into the caller's arena --- */

/* A growing array of the arena; it doubles in its place where it is the last there. */
struct hyp_list {
    struct hyp_arena *arena;
    size_t size; /* of an element */
    void *items;
    size_t count;
    size_t capacity;
    bool failed; /* the arena is full */
};
/* An empty list of elements of `size` bytes; allocates nothing yet. */
void hyp_list_init(struct hyp_list *list, struct hyp_arena *arena, size_t size);
/* A new zeroed element at the end; NULL (and failed) when the arena is full. */
void *hyp_list_add(struct hyp_list *list);

/*
 * A query whose rows become a list:
 *
 *     struct hyp_rowset set;
 *     hyp_rowset_open(&set, store, arena, sizeof(struct hyp_group), "SELECT ...");
 *     hyp_query_bind_i64(&set.query, tenant.id);
 *     while ((group = hyp_rowset_next(&set)) != NULL) { ... hyp_query_i64(&set.query) ... }
 *     status = hyp_rowset_close(&set);
 */
struct hyp_rowset {
    struct hyp_store *store;
    struct hyp_connections reader;
    struct hyp_query query;
    struct hyp_list list;
};
/* Borrows a reader and opens the query; must be closed. @size of an element */
void hyp_rowset_open(struct hyp_rowset *set, struct hyp_store *store, struct hyp_arena *arena,
                     size_t size, const char *sql);
/* A zeroed element for the next row; NULL at the end, after a failure, or with a full arena. */
void *hyp_rowset_next(struct hyp_rowset *set);
/* Gives the reader back. The list is in set.list after HYP_OK. HYP_OK | LIMIT (arena) | what
 * the database says */
HYP_MUST_USE enum hyp_status hyp_rowset_close(struct hyp_rowset *set);

/* --- small parts --- */

/* The wall clock the store was opened with. */
hyp_utc hyp_core_now(struct hyp_store *store);

/* A secret as a column: a box, or nothing for an empty secret (that there is none is no
 * secret). Big enough for keys and passwords. */
struct hyp_box {
    uint8_t bytes[HYP_LIMIT_PASSWORD_MAX + HYP_SECRET_BOX_EXTRA];
    size_t len;
};
/* Closes a secret in a box. @len at most HYP_LIMIT_PASSWORD_MAX; 0 = an empty box */
void hyp_core_seal(struct hyp_store *store, const uint8_t *data, size_t len,
                   struct hyp_box *box);
/* Opens the box in the next column of the row; empty stays empty (length 0).
 * HYP_OK | WRONG_KEY | LIMIT (capacity) */
HYP_MUST_USE enum hyp_status hyp_core_unseal(struct hyp_store *store, struct hyp_query *query,
                                             uint8_t *out, size_t capacity, size_t *ret_len);

/* One row that says whether something exists for this tenant: HYP_OK | NOT_FOUND | failure.
 * @sql "SELECT 1 FROM line WHERE id = $1 AND tenant = $2" */
HYP_MUST_USE enum hyp_status hyp_core_exists(struct hyp_db *db, const char *sql, int64_t id,
                                             hyp_tenant_id tenant);
/* The same on a borrowed connection. */
HYP_MUST_USE enum hyp_status hyp_core_check(struct hyp_store *store, const char *sql,
                                            int64_t id, hyp_tenant_id tenant);

#define HYP_SQL_LINE_EXISTS "SELECT 1 FROM line WHERE id = $1 AND tenant = $2"
#define HYP_SQL_DEVICE_EXISTS "SELECT 1 FROM device WHERE id = $1 AND tenant = $2"

/*
 * Why an update by id, tenant and revision changed no row: NOT_FOUND or CONFLICT, with *err.
 * @sql as for exists; @what "line", "device"
 */
enum hyp_status hyp_core_explain_missed(struct hyp_db *db, const char *sql, int64_t id,
                                        hyp_tenant_id tenant, const char *what,
                                        struct hyp_error *err);

#endif
