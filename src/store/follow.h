/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follow: memory keeps up with what other processes (members) commit to the same database.
 *
 * Every transaction of every member counts up one row of the database and holds it to its end,
 * so transactions come one after the other and have a number each. A store knows up to which
 * number its memory is complete. A transaction that finds its own number to be the next one
 * goes on at once; any other first takes in what came between: new devices, points, rows of
 * intake log and frame log, and the rows of the table of changes, which tell what else memory
 * must do. A batch is therefore always planned against everything that is committed, and a
 * value that two members receive is one. Between transactions the writer thread looks from time
 * to time, and tells observers of readings that came to other members.
 *
 * A change names the last row of the log before it. Rows up to it are taken in before the
 * change, later ones after it: what one member has sealed leaves the memory of the others, and
 * what came after it stays. Taking in the same twice does no harm.
 *
 * Sealing, packing, thinning and wiping are the work of one member at a time, who has the lease
 * "care" in the sessions in which it writes.
 *
 * A store that has its PostgreSQL to itself follows one thing only: a commit that was given up
 * because the server went away, and that turns out to have happened. Its rows are read as those
 * of another member would be; what else memory must do was remembered. A store in files has no
 * follower: all of this is nothing then.
 */
#ifndef HYP_STORE_FOLLOW_H
#define HYP_STORE_FOLLOW_H

#include "store/core.h"
#include "store/load.h"
#include "store/plan.h"

struct hyp_follower;

/* What memory must follow beside new rows. */
enum hyp_change {
    HYP_CHANGE_CHUNK =
        1,            /* object = device: memory lets [first, last) go, sealed counts follow */
    HYP_CHANGE_SHOWN, /* object = device: its latest values and sealed counts follow */
    HYP_CHANGE_REMOVED,  /* object = device, first = its tenant */
    HYP_CHANGE_TRIMMED,  /* rows first .. last of the intake log are gone */
    HYP_CHANGE_PACKED,   /* rows up to last of the frame log are in blocks */
    HYP_CHANGE_REPLACED, /* frames were decoded again */
    HYP_CHANGE_FORGET,   /* object = device: memory lets readings of [first, last) go */
    /* For who watches the store; memory of the store has nothing to follow. */
    HYP_CHANGE_LINE,   /* object = line, perhaps gone, first = its tenant */
    HYP_CHANGE_DEVICE, /* object = device, new or changed, first = its tenant */
    HYP_CHANGE_ACCESS, /* users, sessions, tokens */
    HYP_CHANGE_TENANT, /* object = tenant */
    HYP_CHANGE_KEYS,   /* default keys */
    HYP_CHANGE_ORDER,  /* object = line: an order on it was passed on, or is further */
    HYP_CHANGE_COUNT,
};

/* HYP_OK | NO_MEMORY. It follows nothing before the load has ended. destroy: NULL is allowed.
 */
HYP_MUST_USE enum hyp_status hyp_follower_create(struct hyp_follower **ret_follower);
void *hyp_follower_destroy(struct hyp_follower *follower);

/* Says in the transaction that is open what the others must do. A failure is sticky. */
void hyp_follow_note(struct hyp_store *store, enum hyp_change change, int64_t object,
                     int64_t first, int64_t last);
/* The transaction has been begun: takes in what came since the last one. A failure is sticky in
 * the transaction. Inside the gate. */
void hyp_follow_begun(struct hyp_store *store);
/* The transaction has been committed. Inside the gate. */
void hyp_follow_committed(struct hyp_store *store);
/* The same for one that changed chunks; under the historian's lock for writing, so that readers
 * see memory and chunks change together. */
void hyp_follow_sealed(struct hyp_store *store, enum hyp_status status);

/*
 * Where loading begins and ends: everything in between is read at one moment. At the end a
 * member notes up to where its memory is complete.
 * @status   how loading went
 * Returns   `status`, or what the database says: then the store has not been loaded
 */
void hyp_follow_load_begin(struct hyp_store *store);
HYP_MUST_USE enum hyp_status hyp_follow_load_end(struct hyp_store *store,
                                                 enum hyp_status status);

/*
 * Looks whether others have written and takes it in. Takes the gate.
 * Returns   HYP_OK | BUSY (so far behind that only a start helps) | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_follow_poll(struct hyp_store *store);
/*
 * Has this member the care? Takes it when nobody else has; its work begins with the next call,
 * behind a poll. Takes the gate.
 */
bool hyp_follow_has_care(struct hyp_store *store);
/* Does this process take care of the database? Any thread, does not wait. */
bool hyp_follow_cares(const struct hyp_store *store);
/* The gate for a step of care, and out of it: what the step writes it writes in the sessions
 * that have the lease, or not at all. */
void hyp_follow_enter_care(struct hyp_store *store);
void hyp_follow_leave_care(struct hyp_store *store);
/* Has this member the lease of a line, in the session in which a transaction would be? Inside
 * the gate. */
bool hyp_follow_has_line(const struct hyp_store *store, hyp_line_id line);
/* Has anything come since the last call? */
bool hyp_follow_is_news(struct hyp_store *store);

/* --- alone (follow_late.c) --- */

/* Is it unknown what became of a commit that was given up? Until then nothing begins. Any
 * thread, does not wait. */
bool hyp_follow_is_unsure(const struct hyp_store *store);
/* Asks what became of it; what has happened memory takes in. Inside the gate.
 * Returns   HYP_OK (nothing is unknown) | BUSY, IO (not known yet) | what the database says */
HYP_MUST_USE enum hyp_status hyp_follow_settle(struct hyp_store *store);

/* Does a connection see the same chunks as memory? It has begun a snapshot; under the
 * historian's lock. */
HYP_MUST_USE enum hyp_status hyp_follow_agrees(struct hyp_store *store, struct hyp_db *db,
                                               bool *ret_agrees);

/* Readings of others that observers have not been told of. */
struct hyp_told {
    struct hyp_planned_row *rows;
    size_t row_count;
    size_t row_capacity;
    struct hyp_cell *cells;
    size_t cell_count;
    size_t cell_capacity;
};
/* Takes them over into *told, whose memory is used for the next ones, and what else is to be
 * told. Takes the gate. */
void hyp_follow_take_told(struct hyp_store *store, struct hyp_told *told,
                          struct hyp_store_changes *ret_changes);

/* How far devices and points are known, for hyp_load. */
struct hyp_load_place *hyp_follow_place(struct hyp_follower *follower);

#endif
