/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange: one session with one device on a bus, of whatever protocol: sets it up from what
 * the station says, and turns its result into bytes for the intake. Loop thread only.
 */
#ifndef HYP_COLLECT_EXCHANGE_H
#define HYP_COLLECT_EXCHANGE_H

#include "collect/bus.h"
#include "model/reading.h"
#include "protocol/mbus/search.h"
#include "protocol/session.h"

#define HYP_EXCHANGE_HOLES 64

/* What a Modbus exchange has of its own once something must outlast a call. */
struct hyp_exchange_kept {
    struct hyp_modbus_work work;
    struct hyp_modbus_hole_list holes;
    struct hyp_modbus_hole items[HYP_EXCHANGE_HOLES];
};

/* What an exchange can hold. Reads are many at a time, and small: each has its own size. */
enum hyp_exchange_room {
    HYP_EXCHANGE_ANY = 0,
    HYP_EXCHANGE_MODBUS_READ,
    HYP_EXCHANGE_MBUS_READ,
    HYP_EXCHANGE_ROOM_COUNT,
};

/*
 * While ten thousand devices think about their answers, ten thousand exchanges wait. What they
 * need for the moment of a call only is therefore shared (struct hyp_exchange_pool) and lent;
 * `out` and `kept` are NULL until there is something to keep. Sessions other than reads have
 * their memory inside and own `out` from the start.
 */
struct hyp_exchange {
    struct hyp_session session;
    struct hyp_entry *entry; /* owned while the exchange runs */
    uint8_t *out;            /* what the device said; own memory */
    const uint8_t *answer; /* the same after hyp_exchange_collect, valid until the next call */
    uint32_t capacity;
    uint32_t len;
    enum hyp_raw_protocol protocol;
    enum hyp_exchange_room room; /* `state` ends with this member, if it is not ANY */
    bool answered : 1;           /* bytes have come */
    bool cancelled : 1;          /* nobody wants the result any more */
    bool again : 1;              /* the device was changed: what comes counts for nothing */
    bool daily : 1;              /* the daily registers were asked too */
    bool starved : 1;            /* there was no memory for what had to be kept */
    uint32_t reported;           /* findings of a search that the order has */
    struct hyp_plan *plan;
    struct hyp_exchange_kept *kept;
    union {
        struct hyp_exchange *next; /* in the pool */
        struct hyp_modbus_read modbus;
        struct hyp_mbus_read mbus;
        struct hyp_mbus_scan mbus_scan;
        struct hyp_mbus_search mbus_search;
        struct hyp_mbus_command mbus_command;
    } state;
};

/* Idle exchanges, for use again, and what the busy ones share. */
struct hyp_exchange_pool {
    struct hyp_exchange *free[HYP_EXCHANGE_ROOM_COUNT];
    uint32_t free_count[HYP_EXCHANGE_ROOM_COUNT]; /* at most HYP_LIMIT_EXCHANGE_SPARE */
    struct hyp_exchange_kept shared;
    uint8_t *out; /* lent to those that have no own */
    uint32_t capacity;
};
/* Frees the idle ones and what they share; none may be out. Leaves it all zero. */
void hyp_exchange_pool_finish(struct hyp_exchange_pool *pool);
/* Frees the idle ones. */
void hyp_exchange_pool_trim(struct hyp_exchange_pool *pool);
/*
 * Takes an idle exchange of the pool, or a new one, cleared but for memory of its own; give
 * ends what it still holds (plan, kept memory) and makes it idle again, or frees it when enough
 * are.
 * Returns  NULL without memory
 */
struct hyp_exchange *hyp_exchange_take(struct hyp_exchange_pool *pool,
                                       enum hyp_exchange_room room);
void hyp_exchange_give(struct hyp_exchange_pool *pool, struct hyp_exchange *exchange);

/*
 * The session's calls at the loop's time; they lend what is shared, and keep what must outlast
 * the call. Without memory for that the session has FAILED with NO_MEMORY. What is to be sent
 * may be in shared memory: it is sent before the next call for any exchange.
 */
struct hyp_session_io hyp_exchange_start(struct hyp_exchange *exchange, struct hyp_bus *bus);
struct hyp_session_io hyp_exchange_feed(struct hyp_exchange *exchange, struct hyp_bus *bus,
                                        const uint8_t *bytes, size_t len);
struct hyp_session_io hyp_exchange_tick(struct hyp_exchange *exchange, struct hyp_bus *bus);
/* Why the session has failed, one sentence; valid until the next call of it. */
const char *hyp_exchange_error_text(const struct hyp_exchange *exchange);

/*
 * Prepares the session for entry->station.
 * Returns  HYP_OK (start it) | INVALID, UNSUPPORTED (the device cannot be read: err) |
 *          NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_exchange_prepare(struct hyp_exchange *exchange,
                                                  struct hyp_bus *bus, struct hyp_entry *entry,
                                                  struct hyp_error *err);
/* Is it a step of a scan? */
static inline bool hyp_exchange_is_scan(const struct hyp_exchange *exchange)
{
    return exchange->entry->station == NULL;
}

/* Does it tell a meter something, instead of reading it? */
static inline bool hyp_exchange_is_command(const struct hyp_exchange *exchange)
{
    return exchange->entry->order != NULL &&
           exchange->entry->order->job.kind == HYP_JOB_COMMAND;
}

/*
 * The session is done: answer, len and protocol are set; what was learned goes to the station.
 */
void hyp_exchange_collect(struct hyp_exchange *exchange, struct hyp_bus *bus);

/* Room for so many bytes in its own `out`. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_exchange_need(struct hyp_exchange *exchange, size_t capacity);

/* Room for so many bytes in the pool's `out`. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_exchange_need_shared(struct hyp_exchange_pool *pool,
                                                      size_t capacity);

/* Working memory of its own, in `kept`. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_exchange_need_work(struct hyp_exchange *exchange);

/* --- exchange_mbus.c, exchange_modbus.c --- */

/* Does it talk M-Bus, wherever to? Else it talks Modbus. */
bool hyp_bus_is_mbus(const struct hyp_bus *bus);
/*
 * A read of entry->station, for hyp_exchange_prepare. A Modbus one asks the registers of a poll
 * class: those shown live, those of the day when none were read since midnight at the place of
 * the zone, else the usual ones.
 * Returns  HYP_OK | INVALID (no address, no profile that tells registers)
 *        | UNSUPPORTED (the profile has no register that the device has) | NO_MEMORY;
 *          err is a sentence
 */
HYP_MUST_USE enum hyp_status hyp_exchange_prepare_mbus(struct hyp_exchange *exchange,
                                                       struct hyp_bus *bus,
                                                       const struct hyp_station *station,
                                                       struct hyp_error *err);
HYP_MUST_USE enum hyp_status hyp_exchange_prepare_modbus(struct hyp_exchange *exchange,
                                                         struct hyp_bus *bus,
                                                         struct hyp_station *station,
                                                         struct hyp_error *err);
/* Before and after each call of the session. keep: HYP_OK | NO_MEMORY */
void hyp_exchange_lend_modbus(struct hyp_exchange *exchange, struct hyp_exchange_pool *pool);
HYP_MUST_USE enum hyp_status hyp_exchange_keep_modbus(struct hyp_exchange *exchange,
                                                      const struct hyp_exchange_pool *pool);
void hyp_exchange_lend_mbus(struct hyp_exchange *exchange, struct hyp_exchange_pool *pool);
HYP_MUST_USE enum hyp_status hyp_exchange_keep_mbus(struct hyp_exchange *exchange,
                                                    const struct hyp_exchange_pool *pool);
/* The answer of a Modbus read; holes that were found and the day of daily registers go to the
 * station. */
void hyp_exchange_collect_modbus(struct hyp_exchange *exchange, struct hyp_bus *bus);
/* A bus's link as its settings have it: times, repeats, framing. */
void hyp_bus_init_mbus(struct hyp_bus *bus);
/* The next session on a serial line talks at this rate; 0 = the line's own. */
void hyp_bus_mbus_baud(struct hyp_bus *bus, uint32_t baud);
void hyp_bus_init_modbus(struct hyp_bus *bus);

/* --- what a bus keeps for its protocol --- */

/* Either of the two, by the kind of the line. */
void hyp_bus_protocol_init(struct hyp_bus *bus);
/* A new connection: what was remembered of the old one is void. */
void hyp_bus_protocol_opened(struct hyp_bus *bus);

/* Whom a station's sessions talk to. HYP_OK | INVALID (err: what the device lacks) */
HYP_MUST_USE enum hyp_status hyp_station_mbus_target(const struct hyp_station *station,
                                                     struct hyp_mbus_target *ret_target,
                                                     struct hyp_error *err);

/* --- exchange_command.c --- */

/* Can this station be told that? HYP_OK | UNSUPPORTED | INVALID (err) */
HYP_MUST_USE enum hyp_status hyp_meter_command_check(const struct hyp_meter_command *command,
                                                     const struct hyp_station *station,
                                                     struct hyp_error *err);
/*
 * The command of entry->order, for hyp_exchange_prepare. It goes to the secondary address of a
 * station whose serial number is known, however it is read: new meters share a primary one.
 * Returns  HYP_OK | UNSUPPORTED, INVALID (what it cannot be told)
 */
HYP_MUST_USE enum hyp_status hyp_exchange_prepare_command(struct hyp_exchange *exchange,
                                                          struct hyp_bus *bus,
                                                          const struct hyp_entry *entry,
                                                          struct hyp_error *err);
/* The meter has taken it. */
void hyp_meter_command_done(const struct hyp_exchange *exchange, struct hyp_bus *bus);

/* --- scan.c --- */

/* Can the line be searched like this? HYP_OK | INVALID | UNSUPPORTED (err) */
HYP_MUST_USE enum hyp_status hyp_scan_check(const struct hyp_bus *bus,
                                            const struct hyp_scan *scan, struct hyp_error *err);
/* How many addresses a scan looks at, at all rates; of a search: how its progress counts. */
uint32_t hyp_scan_total(const struct hyp_scan *scan);

/* Prepares the next step of entry->order's scan. HYP_OK | NO_MEMORY | as hyp_scan_check */
HYP_MUST_USE enum hyp_status hyp_scan_prepare(struct hyp_exchange *exchange,
                                              struct hyp_bus *bus, struct hyp_entry *entry,
                                              struct hyp_error *err);
/* A step goes on: reports what has been found so far. */
void hyp_scan_progress(struct hyp_exchange *exchange, struct hyp_bus *bus);
/*
 * A step has ended.
 * Returns  true when the scan goes on: the entry has to be queued again; false: it is over and
 *          the order has ended
 */
bool hyp_scan_step_done(struct hyp_exchange *exchange, struct hyp_bus *bus,
                        struct hyp_session_io io);

#endif
