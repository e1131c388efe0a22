/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feed: texts full of telegrams (a dropped file, an HTTP push, a month of history) on their way
 * through the intake. Worked off in slices between the events of the field, and not faster than
 * the sink commits. Loop thread only.
 *
 * A line is `time link HEX` or `HEX`; `time` is ISO 8601 with zone, `link` the name of a line,
 * with "modbus:" before it when HEX is a register snapshot (unit, function, start BE16, count
 * BE16, data; repeated). Empty lines and lines that start with # are skipped.
 */
#ifndef HYP_COLLECT_FEED_H
#define HYP_COLLECT_FEED_H

#include "collect/collect.h"
#include "collect/loop.h"
#include "collect/outbox.h"

struct hyp_feed;

struct hyp_feeds {
    struct hyp_collector *collector;
    struct hyp_feed *first;
    struct hyp_feed *last;
    size_t count;
    uint64_t last_id;
    struct hyp_timer timer; /* the next slice */
};

struct hyp_feed_order {
    hyp_tenant_id tenant;
    hyp_line_id line; /* of lines that name none */
    enum hyp_reading_source source;
    void (*done)(void *user, const struct hyp_intake_result *result);
    void *user;
};

/* HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_feeds_init(struct hyp_feeds *feeds,
                                            struct hyp_collector *collector);
/* Ends all feeds with CANCELLED. */
void hyp_feeds_stop(struct hyp_feeds *feeds);
/* After stop. Nothing for one that is all zero. */
void hyp_feeds_finish(struct hyp_feeds *feeds);

/*
 * Adds a text.
 * @text     memory from malloc, taken over on success
 * Returns   HYP_OK | BUSY | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_feeds_add(struct hyp_feeds *feeds, char *text, size_t len,
                                           const struct hyp_feed_order *order);
/*
 * Adds stored frames that are to be decoded again.
 * @frames   one piece of memory from malloc with the bytes behind the list, taken over on
 *           success
 * Returns   HYP_OK | BUSY | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_feeds_add_frames(struct hyp_feeds *feeds,
                                                  struct hyp_raw_frame *frames, size_t count,
                                                  const struct hyp_feed_order *order);
/* A batch with readings of a feed has been committed, or given up. */
void hyp_feeds_committed(struct hyp_feeds *feeds, const struct hyp_ticket *ticket,
                         enum hyp_status status);
/* There is room in the outbox again. */
void hyp_feeds_continue(struct hyp_feeds *feeds);

/* One line of a fed text, taken apart. */
struct hyp_feed_line {
    bool has_time;
    hyp_utc time;
    bool snapshot;
    struct hyp_str link; /* empty = none named */
    struct hyp_str hex;
};
/*
 * Takes one line apart; whether the digits are hex is found out by who reads them.
 * @line      with or without spaces and line end around it
 * @ret_line  views into it
 * Returns    HYP_OK | NOT_MINE (empty or comment) | MALFORMED (err)
 */
HYP_MUST_USE enum hyp_status
hyp_feed_line_parse(struct hyp_str line, struct hyp_feed_line *ret_line, struct hyp_error *err);

#endif
