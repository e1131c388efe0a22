/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: raw bytes as received, kept beside the readings they gave.
 *
 * Two stages. A batch's frames are one row of frame_log in the main database, in the same
 * transaction as its readings, so both are there or neither. When some hundred kilobytes have
 * gathered they are sorted, compressed and moved as one block to the frames database, whose age
 * and size limits are enforced a block at a time. A crash between the two leaves frames in
 * both; the block wins at the next start.
 *
 * The number of a frame is (row of frame_log) << 12 | (index in its batch), so it says where to
 * look and grows with time.
 */
#ifndef HYP_STORE_FRAMES_H
#define HYP_STORE_FRAMES_H

#include "base/map.h"
#include "store/core.h"
#include "store/frame_codec.h"

#include <assert.h>

#define HYP_FRAME_INDEX_BITS 12
static_assert(1 << HYP_FRAME_INDEX_BITS == HYP_LIMIT_BATCH_FRAMES, "an index fits its bits");

static inline int64_t hyp_frame_number(int64_t log_row, uint32_t index)
{
    return log_row << HYP_FRAME_INDEX_BITS | index;
}

/* A row of frame_log in memory. */
struct hyp_pending_frames {
    int64_t log_row;
    uint8_t *blob;
    size_t len;
    uint32_t count;
};

struct hyp_frames {
    pthread_rwlock_t lock; /* of all but the two flags, which are the writer's */
    struct hyp_pending_frames *pending;
    size_t pending_count;
    size_t pending_capacity;
    size_t pending_bytes;
    int64_t packed_row;   /* last row of frame_log that is in a block */
    int64_t stored_bytes; /* of all blocks */
    int64_t stored_frames;
    bool check_limits;    /* the oldest block may be due */
    bool rows_left;       /* the log may still have rows that are in a block */
    struct hyp_map found; /* marks of frames that may come again (resent.h); the writer's */
    size_t found_count;
    struct hyp_map replaced; /* frame number -> number of the frame in its place (replaced.h) */
};

/* HYP_OK | NO_MEMORY. destroy frees what is pending, which is in the database; NULL is allowed.
 */
HYP_MUST_USE enum hyp_status hyp_frames_create(struct hyp_frames **ret_frames);
void *hyp_frames_destroy(struct hyp_frames *frames);
/* Reads what is pending, at start. */
HYP_MUST_USE enum hyp_status hyp_frames_load(struct hyp_store *store, struct hyp_error *err);

/* Whose the frames are; 0 = several tenants'. */
hyp_tenant_id hyp_frames_tenant(const struct hyp_kept_frame *kept, size_t count);

/* --- parts of it, for a store that is open; inside the gate --- */

/* What is in blocks. HYP_OK | what the database says */
HYP_MUST_USE enum hyp_status hyp_frames_load_totals(struct hyp_store *store);
/* Rows of the frame log behind `after` are pending. HYP_OK | NO_MEMORY | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_frames_load_rows(struct hyp_store *store, int64_t after);
/* The last row of the frame log that is known. */
int64_t hyp_frames_last_row(const struct hyp_frames *frames);
/* Pending rows up to `last_row` are forgotten here. */
void hyp_frames_let_go(struct hyp_frames *frames, int64_t last_row);

/*
 * Writes frames to the frame log, inside the gate's transaction.
 * @ret_pending  to be given to keep after the commit, or to drop
 */
HYP_MUST_USE enum hyp_status hyp_frames_log(struct hyp_store *store,
                                            const struct hyp_kept_frame *kept, size_t count,
                                            struct hyp_pending_frames *ret_pending);
/* Room for `count` more pending rows, so that keep cannot fail. */
HYP_MUST_USE enum hyp_status hyp_frames_reserve(struct hyp_store *store, size_t count);
/* Takes over a committed row; room was reserved. */
void hyp_frames_keep(struct hyp_store *store, struct hyp_pending_frames *pending);
/* Frees one whose transaction was rolled back. */
void hyp_frames_drop(struct hyp_pending_frames *pending);

/* Frames kept, pending and packed. */
uint64_t hyp_frames_count(struct hyp_store *store);

/*
 * One small step of care: packing, age, size. Takes the gate itself.
 * Returns   true when something was done and more may be waiting
 */
bool hyp_frames_step(struct hyp_store *store);

/* Moves all pending frames into a block, however few. Inside the gate, without transaction.
 * HYP_OK | what the databases say */
HYP_MUST_USE enum hyp_status hyp_frames_pack(struct hyp_store *store);
/* Deletes what a failure or a crash behind a block has left of it in the log; before anything
 * is taken out of a block. Inside the gate, without transaction. HYP_OK | what it says */
HYP_MUST_USE enum hyp_status hyp_frames_forget_packed(struct hyp_store *store);
/* Counts what a commit added to the blocks, or took away. */
void hyp_frames_note_stored(struct hyp_frames *frames, int64_t bytes, int64_t count,
                            int64_t packed_row);

/* Frames of a device that came from `first` to `last`, both included. */
struct hyp_frame_span {
    hyp_device_id device;
    int64_t first;
    int64_t last;
};
/*
 * Takes such frames out of the next block that may have some (frame_erase.c). Inside the gate,
 * without transaction.
 * @block       the block of the call before, 0 at first; follows
 * @ret_erased  frames that are gone
 * Returns      HYP_OK | NOT_FOUND (no further block has any) | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_frames_erase_step(struct hyp_store *store,
                                                   const struct hyp_frame_span *span,
                                                   int64_t *block, uint64_t *ret_erased);

#endif
