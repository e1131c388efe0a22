/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modbus master: the sessions "read these blocks" and "write this", sans I/O.
 *
 * The structs belong to the caller and are large enough for everything, so nothing is
 * allocated. Drive them through hyp_session_ops (protocol/session.h); read the result fields
 * when the state is DONE. One session at a time per link.
 */
#ifndef HYP_PROTOCOL_MODBUS_MASTER_H
#define HYP_PROTOCOL_MODBUS_MASTER_H

#include "base/limits.h"
#include "protocol/modbus/block.h"
#include "protocol/modbus/exchange.h"
#include "protocol/session.h"

/* Addresses a device was found not to have. The caller owns, keeps and stores the list. */
struct hyp_modbus_hole_list {
    struct hyp_modbus_hole *holes;
    size_t count;
    size_t capacity;
};

/* Extra requests one read session may spend on finding holes; the rest waits for the next. */
#define HYP_MODBUS_BISECT_REQUESTS_MAX HYP_LIMIT_MODBUS_BISECT

/*
 * Reads blocks into a snapshot: unit, function, start BE16, count BE16, data; repeated. A block
 * refused with "illegal address" is halved until the missing addresses are known; these are
 * added to the hole list and the rest is read. A block refused for another reason is left out.
 */
struct hyp_modbus_read {
    /* set by hyp_modbus_read_init */
    const struct hyp_modbus_block *blocks;
    uint8_t *snapshot;
    struct hyp_modbus_hole_list *holes; /* may be NULL: nothing is learned */
    uint32_t block_count;
    uint32_t capacity;
    uint8_t unit;

    /* results */
    uint8_t exception;      /* of the refusal seen last, 0 = none */
    bool snapshot_full;     /* data was dropped because `capacity` is too small */
    uint32_t len;           /* bytes of the snapshot */
    uint32_t blocks_read;   /* requests answered with data */
    uint32_t refused;       /* requests refused with an exception */
    uint32_t holes_learned; /* added to the list by this session */

    /* private */
    uint32_t next_block;
    uint16_t bisect_requests;
    uint8_t stack_len;
    struct hyp_modbus_block current;
    struct hyp_modbus_block refusal;   /* the piece refused last */
    struct hyp_modbus_block stack[12]; /* halves still to be read */
    struct hyp_modbus_exchange exchange;
    enum hyp_session_state state;
    enum hyp_status status;
};

/*
 * Prepares a read.
 * @link     outlives the session
 * @work     for the session's calls; see hyp_modbus_exchange_lend for sharing it
 * @blocks   outlive the session
 */
void hyp_modbus_read_init(struct hyp_modbus_read *read, struct hyp_modbus_link *link,
                          struct hyp_modbus_work *work, uint8_t unit,
                          const struct hyp_modbus_block *blocks, size_t block_count);
/*
 * Where the results of a prepared read go; before it starts.
 * @snapshot caller's memory of `capacity` bytes (hyp_modbus_snapshot_size)
 * @holes    may be NULL: nothing is learned
 */
void hyp_modbus_read_output(struct hyp_modbus_read *read, uint8_t *snapshot, size_t capacity,
                            struct hyp_modbus_hole_list *holes);
/*
 * For a driver with many sessions that share what they work in (hyp_modbus_exchange_lend): the
 * snapshot is worth keeping as soon as `len` is not 0. Moves what has been read so far.
 */
void hyp_modbus_read_keep_snapshot(struct hyp_modbus_read *read, uint8_t *snapshot,
                                   size_t capacity);
/* "modbus.read". FAILED: TIMEOUT, BAD_CHECK, MALFORMED, BUSY; REFUSED when no block at all was
 * read. */
extern const struct hyp_session_ops hyp_modbus_read_ops;

/* Bytes of a snapshot of these blocks. */
size_t hyp_modbus_snapshot_size(const struct hyp_modbus_block *blocks, size_t block_count);

/*
 * Writes with function 5, 6, 15 or 16 and, if wanted, reads back and compares.
 */
struct hyp_modbus_write {
    /* set by hyp_modbus_write_init */
    struct hyp_modbus_request request; /* data points to `data` below */
    uint8_t read_back;                 /* function 1-4 that reads it back, 0 = do not */

    /* results */
    uint8_t exception;                   /* 0 = none */
    uint8_t found[HYP_MODBUS_FRAME_MAX]; /* what was read back */
    size_t found_len;

    /* private */
    uint8_t data[HYP_MODBUS_FRAME_MAX];
    struct hyp_modbus_exchange exchange;
    struct hyp_modbus_work work;
    bool reading_back;
    enum hyp_session_state state;
    enum hyp_status status;
};

/*
 * Prepares a write. The struct must stay where it is until the session has ended.
 * @request    data is copied
 * @read_back  function that reads it back, 0 = trust the answer
 * Returns     HYP_OK | UNSUPPORTED (not a writing function) | INVALID (count, data, or a
 *             function that cannot read this back)
 */
HYP_MUST_USE enum hyp_status hyp_modbus_write_init(struct hyp_modbus_write *write,
                                                   struct hyp_modbus_link *link,
                                                   const struct hyp_modbus_request *request,
                                                   uint8_t read_back);
/* "modbus.write". FAILED: REFUSED (exception, or another value was read back), TIMEOUT ... */
extern const struct hyp_session_ops hyp_modbus_write_ops;

#endif
