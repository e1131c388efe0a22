/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/feed.h"

#include "base/limits.h"
#include "collect/collector.h"
#include "collect/stream.h"

#include <stdlib.h>

/* Lines of one slice: some milliseconds of work. */
#define SLICE_LINES 256

struct hyp_feed {
    struct hyp_feed *next;
    uint64_t id;
    struct hyp_feed_order order;
    char *text;
    struct hyp_str rest;          /* not yet worked off */
    struct hyp_raw_frame *frames; /* instead of a text */
    size_t frame_count;
    size_t frame_next;
    struct hyp_intake_result result;
    uint64_t added;   /* readings given to the outbox */
    uint64_t settled; /* committed or given up */
    uint64_t line_number;
    bool read; /* all lines have been worked off */
};

/* --- lines --- */

static bool next_word(struct hyp_str *rest, struct hyp_str *ret_word)
{
    *rest = hyp_str_trim(*rest);
    ptrdiff_t end = hyp_str_find_char(*rest, ' ');
    size_t len = end < 0 ? rest->len : (size_t)end;
    *ret_word = (struct hyp_str){rest->ptr, len};
    rest->ptr += len;
    rest->len -= len;
    return len > 0;
}

enum hyp_status hyp_feed_line_parse(struct hyp_str line, struct hyp_feed_line *ret_line,
                                    struct hyp_error *err)
{
    struct hyp_str rest = hyp_str_trim(line);
    if (rest.len == 0 || rest.ptr[0] == '#') {
        return HYP_NOT_MINE;
    }
    struct hyp_feed_line found = {.hex = rest};
    struct hyp_str first;
    bool dated = next_word(&rest, &first) && hyp_str_find_char(first, '-') >= 0 &&
                 hyp_str_find_char(first, ':') >= 0;
    if (dated) {
        if (hyp_utc_parse(first, &found.time) != HYP_OK) {
            return hyp_error_set(err, HYP_MALFORMED, 0,
                                 "\"%.*s\" is no time: use 2026-01-31T00:00:00Z",
                                 HYP_STR_ARG(first));
        }
        found.has_time = true;
        if (!next_word(&rest, &found.link) || hyp_str_trim(rest).len == 0) {
            return hyp_error_set(err, HYP_MALFORMED, 0,
                                 "a line has three parts: time, link and hex digits");
        }
        static const struct hyp_str prefix = {"modbus:", 7};
        if (hyp_str_has_prefix(found.link, prefix)) {
            found.snapshot = true;
            found.link.ptr += prefix.len;
            found.link.len -= prefix.len;
        }
        found.hex = hyp_str_trim(rest);
    }
    *ret_line = found;
    return HYP_OK;
}

/* What there was no memory for is not refused for good: whoever feeds shall come again. */
static void note_shortage(struct hyp_feed *feed, enum hyp_status status)
{
    if (status == HYP_NO_MEMORY) {
        feed->result.status = status;
    }
}

static void note_error(struct hyp_feed *feed, const char *text)
{
    feed->result.refused++;
    if (feed->result.first_error[0] != '\0') {
        return;
    }
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, feed->result.first_error, sizeof(feed->result.first_error));
    hyp_buf_append_fmt(&out, "line %llu: %s", (unsigned long long)feed->line_number, text);
    hyp_buf_terminate(&out);
}

static enum hyp_status decode_hex(const struct hyp_feed_line *line, uint8_t *out,
                                  size_t capacity, struct hyp_arrival *arrival,
                                  struct hyp_error *err)
{
    size_t len = 0;
    enum hyp_status status = hyp_hex_decode(line->hex, out, capacity, &len, err);
    if (status != HYP_OK && !line->has_time) {
        /* Files of receivers' own text lines are welcome as well. */
        struct hyp_piece piece = {0};
        if (capacity >= HYP_LIMIT_FRAME_BYTES &&
            hyp_receiver_line_parse(line->hex, out, &piece) == HYP_OK) {
            len = piece.len;
            arrival->signal_dbm = piece.signal_dbm;
            status = HYP_OK;
        }
    }
    arrival->bytes = out;
    arrival->len = len;
    return status;
}

static void take_line(struct hyp_feeds *feeds, struct hyp_feed *feed, struct hyp_str text)
{
    struct hyp_collector *collector = feeds->collector;
    struct hyp_feed_line line;
    struct hyp_error err = {0};
    feed->line_number++;
    enum hyp_status status = hyp_feed_line_parse(text, &line, &err);
    if (status == HYP_NOT_MINE) {
        return;
    }
    feed->result.lines++;
    uint8_t bytes[HYP_LIMIT_RAW_BYTES];
    struct hyp_arrival arrival = {
        .tenant = feed->order.tenant,
        .line = feed->order.line,
        .source = feed->order.source,
        .ticket = {.kind = HYP_TICKET_FEED, .id = feed->id},
    };
    if (status == HYP_OK) {
        status = decode_hex(&line, bytes, sizeof(bytes), &arrival, &err);
    }
    if (status != HYP_OK) {
        note_error(feed, err.text);
        return;
    }
    arrival.received = line.has_time ? line.time : hyp_collector_utc(collector);
    arrival.protocol = line.snapshot ? HYP_RAW_MODBUS_SNAPSHOT
                                     : hyp_raw_protocol_of(arrival.bytes, arrival.len);
    if (line.link.len > 0) {
        const struct hyp_wire *wire =
            hyp_collector_wire_by_name(collector, feed->order.tenant, line.link);
        arrival.line = wire == NULL ? (hyp_line_id){0} : wire->id;
    }
    struct hyp_arrived arrived;
    status = hyp_intake_take(&collector->intake, &arrival, &arrived);
    if (status == HYP_OK) {
        feed->added += arrived.repeated ? 0 : 1;
    } else if (status == HYP_NOT_FOUND && arrived.station == NULL) {
        feed->result.unknown++;
    } else {
        note_shortage(feed, status);
        note_error(feed, arrived.text);
    }
}

/* --- stored frames --- */

static void take_frame(struct hyp_feeds *feeds, struct hyp_feed *feed,
                       const struct hyp_raw_frame *frame)
{
    const struct hyp_arrival arrival = {
        .tenant = feed->order.tenant,
        .line = frame->line,
        .protocol = (enum hyp_raw_protocol)frame->protocol,
        .bytes = frame->bytes,
        .len = frame->len,
        .received = frame->received,
        .signal_dbm = frame->signal_dbm,
        .source = feed->order.source,
        .ticket = {.kind = HYP_TICKET_FEED, .id = feed->id},
        .again = frame->replaces,
    };
    struct hyp_arrived arrived;
    enum hyp_status status = hyp_intake_take(&feeds->collector->intake, &arrival, &arrived);
    feed->result.lines++;
    if (status == HYP_OK) {
        feed->added++;
    } else {
        note_shortage(feed, status);
        feed->result.refused++;
    }
}

/* The next line or frame; false at the end. */
static bool take_next(struct hyp_feeds *feeds, struct hyp_feed *feed)
{
    struct hyp_str line;
    if (feed->frames != NULL) {
        if (feed->frame_next == feed->frame_count) {
            return false;
        }
        take_frame(feeds, feed, &feed->frames[feed->frame_next++]);
        return true;
    }
    if (!hyp_str_split_next(&feed->rest, '\n', &line)) {
        return false;
    }
    take_line(feeds, feed, line);
    return true;
}

/* --- feeds --- */

static void destroy(struct hyp_feed *feed)
{
    free(feed->text);
    free(feed->frames);
    free(feed);
}

static void unlink_feed(struct hyp_feeds *feeds, struct hyp_feed *feed)
{
    struct hyp_feed *before = NULL;
    struct hyp_feed *at = feeds->first;
    while (at != feed) {
        before = at;
        at = at->next;
    }
    *(before == NULL ? &feeds->first : &before->next) = feed->next;
    if (feeds->last == feed) {
        feeds->last = before;
    }
    feeds->count--;
}

static void end_if_settled(struct hyp_feeds *feeds, struct hyp_feed *feed)
{
    if (!feed->read || feed->settled < feed->added) {
        return;
    }
    unlink_feed(feeds, feed);
    feed->order.done(feed->order.user, &feed->result);
    destroy(feed);
}

static struct hyp_feed *next_unread(const struct hyp_feeds *feeds)
{
    struct hyp_feed *feed = feeds->first;
    while (feed != NULL && feed->read) {
        feed = feed->next;
    }
    return feed;
}

static void on_slice(struct hyp_timer *timer)
{
    struct hyp_feeds *feeds = HYP_CONTAINER_OF(timer, struct hyp_feeds, timer);
    struct hyp_outbox *outbox = &feeds->collector->outbox;
    struct hyp_feed *feed = next_unread(feeds);
    if (feed == NULL || hyp_outbox_is_full(outbox)) {
        return; /* room in the outbox wakes us */
    }
    for (int i = 0; i < SLICE_LINES && !hyp_outbox_is_full(outbox); i++) {
        if (!take_next(feeds, feed)) {
            feed->read = true;
            break;
        }
    }
    end_if_settled(feeds, feed);
    hyp_feeds_continue(feeds);
}

enum hyp_status hyp_feeds_init(struct hyp_feeds *feeds, struct hyp_collector *collector)
{
    *feeds = (struct hyp_feeds){.collector = collector};
    return hyp_timer_add(&collector->loop, &feeds->timer, on_slice);
}

void hyp_feeds_stop(struct hyp_feeds *feeds)
{
    hyp_timer_disarm(&feeds->collector->loop, &feeds->timer);
    while (feeds->first != NULL) {
        struct hyp_feed *feed = feeds->first;
        unlink_feed(feeds, feed);
        feed->result.status = HYP_CANCELLED;
        feed->order.done(feed->order.user, &feed->result);
        destroy(feed);
    }
}

void hyp_feeds_finish(struct hyp_feeds *feeds)
{
    if (feeds->collector != NULL) {
        hyp_timer_remove(&feeds->collector->loop, &feeds->timer);
    }
}

/* A feed without content at the end of the queue; NULL (and why) when there is no room. */
static struct hyp_feed *add_feed(struct hyp_feeds *feeds, const struct hyp_feed_order *order,
                                 enum hyp_status *ret_why)
{
    if (feeds->count >= HYP_LIMIT_FEEDS) {
        *ret_why = HYP_BUSY;
        return NULL;
    }
    struct hyp_feed *feed = calloc(1, sizeof(*feed));
    if (feed == NULL) {
        *ret_why = HYP_NO_MEMORY;
        return NULL;
    }
    feed->id = ++feeds->last_id;
    feed->order = *order;
    *(feeds->last == NULL ? &feeds->first : &feeds->last->next) = feed;
    feeds->last = feed;
    feeds->count++;
    return feed;
}

enum hyp_status hyp_feeds_add(struct hyp_feeds *feeds, char *text, size_t len,
                              const struct hyp_feed_order *order)
{
    enum hyp_status why = HYP_OK;
    struct hyp_feed *feed = add_feed(feeds, order, &why);
    if (feed == NULL) {
        return why;
    }
    feed->text = text;
    feed->rest = (struct hyp_str){text, len};
    hyp_feeds_continue(feeds);
    return HYP_OK;
}

enum hyp_status hyp_feeds_add_frames(struct hyp_feeds *feeds, struct hyp_raw_frame *frames,
                                     size_t count, const struct hyp_feed_order *order)
{
    enum hyp_status why = HYP_OK;
    struct hyp_feed *feed = add_feed(feeds, order, &why);
    if (feed == NULL) {
        return why;
    }
    feed->frames = frames;
    feed->frame_count = count;
    hyp_feeds_continue(feeds);
    return HYP_OK;
}

void hyp_feeds_committed(struct hyp_feeds *feeds, const struct hyp_ticket *ticket,
                         enum hyp_status status)
{
    struct hyp_feed *feed = feeds->first;
    while (feed != NULL && feed->id != ticket->id) {
        feed = feed->next;
    }
    if (feed == NULL) {
        return;
    }
    feed->settled += ticket->readings;
    if (status == HYP_OK) {
        feed->result.readings += ticket->readings;
    } else {
        feed->result.status = status;
    }
    end_if_settled(feeds, feed);
}

void hyp_feeds_continue(struct hyp_feeds *feeds)
{
    if (next_unread(feeds) != NULL && !hyp_timer_is_armed(&feeds->timer)) {
        hyp_timer_arm(&feeds->collector->loop, &feeds->timer,
                      hyp_loop_now(&feeds->collector->loop));
    }
}
