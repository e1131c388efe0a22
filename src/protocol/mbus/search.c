/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe is a selection with some digits fixed and the rest wildcards:
 *
 *   nothing comes back       no meter below
 *   E5, then REQ_UD2         one clean answer that fits: a meter
 *                            anything else: several, go one level down
 *   garbled, no E5 in it     several, go one level down
 *
 * A meter found under wildcards is confirmed by its full address; when it does not answer to
 * that, what looked like its answer was two on top of each other.
 *
 * E5 means "one or more": two meters in perfect unison look like one until they send data. It
 * is taken after the line has been quiet for a gap, and also beside other bytes, because
 * converters that put a stray byte before every answer exist; the answer to REQ_UD2 decides.
 *
 * Levels 0..7 are the digits of the id from the last to the first, 8 medium, 9 version, 10 and
 * 11 the manufacturer, 12..19 the digits of the fabrication number (enhanced selection).
 */
#include "protocol/mbus/search.h"

#include "base/buf.h"
#include "protocol/mbus/talk.h"

#define LEVEL_MEDIUM 8
#define LEVEL_VERSION 9
#define LEVEL_MANUFACTURER_LOW 10
#define LEVEL_MANUFACTURER_HIGH 11
#define LEVEL_FABRICATION 12
#define DECIMAL_DIGITS 10
#define HEX_DIGITS 15   /* F is the wildcard */
#define BYTE_VALUES 255 /* FF is the wildcard */

/* Damaged answers in a row that no set of meters can cause: every collision leads to a silent
 * or clean probe within the levels there are. */
#define GARBLED_RUN_MAX (4 * HYP_MBUS_SEARCH_LEVELS)

enum step { STEP_DESELECT, STEP_RESET_ALL, STEP_SELECT, STEP_REQUEST };

void hyp_mbus_search_init(struct hyp_mbus_search *search, struct hyp_mbus_link *link,
                          struct hyp_mbus_found *items, size_t capacity)
{
    *search = (struct hyp_mbus_search){
        .findings = {.items = items, .capacity = capacity},
        .probing = HYP_MBUS_SECONDARY_ANY,
        .link = link,
    };
    search->exchange.timing = link->timing;
    search->exchange.baud = link->baud;
    search->exchange.give_up_noisy = true;
}

static bool is_digit_level(uint8_t level)
{
    return level < LEVEL_MEDIUM || level >= LEVEL_FABRICATION;
}

static uint32_t with_nibble(uint32_t value, unsigned position, uint8_t nibble)
{
    unsigned shift = 4 * position;
    return (value & ~(0x0Fu << shift)) | (uint32_t)nibble << shift;
}

/* The address that the levels up to the present one stand for. */
static struct hyp_mbus_secondary pattern(const struct hyp_mbus_search *search, unsigned levels)
{
    struct hyp_mbus_secondary address = HYP_MBUS_SECONDARY_ANY;
    address.fabrication = 0xFFFFFFFF;
    for (unsigned level = 0; level < levels; level++) {
        uint8_t value = search->value[level];
        if (level < LEVEL_MEDIUM) {
            address.id = with_nibble(address.id, level, value);
        } else if (level == LEVEL_MEDIUM) {
            address.medium = value;
        } else if (level == LEVEL_VERSION) {
            address.version = value;
        } else if (level == LEVEL_MANUFACTURER_LOW) {
            address.manufacturer = (uint16_t)((address.manufacturer & 0xFF00) | value);
        } else if (level == LEVEL_MANUFACTURER_HIGH) {
            address.manufacturer = (uint16_t)((address.manufacturer & 0x00FF) | value << 8);
        } else {
            address.has_fabrication = true;
            address.fabrication =
                with_nibble(address.fabrication, level - LEVEL_FABRICATION, value);
        }
    }
    return address;
}

unsigned hyp_mbus_search_permille(const struct hyp_mbus_search *search)
{
    unsigned done = 0;
    unsigned share = 1000;
    if (search->state == HYP_SESSION_DONE) {
        return 1000;
    }
    for (unsigned level = 0; level <= search->level && level < 3; level++) {
        done += share * search->value[level] / HEX_DIGITS;
        share /= HEX_DIGITS;
    }
    return done;
}

static struct hyp_session_io ended(const struct hyp_mbus_search *search)
{
    return (struct hyp_session_io){
        .state = search->state, .status = search->status, .deadline = HYP_NO_DEADLINE};
}

static struct hyp_session_io fail(struct hyp_mbus_search *search, enum hyp_status status,
                                  const char *reason)
{
    search->state = HYP_SESSION_FAILED;
    search->status = status;
    (void)hyp_text_copy(search->text, sizeof(search->text), hyp_str_from(reason));
    return ended(search);
}

static void add(struct hyp_mbus_findings *findings, const struct hyp_mbus_found *found)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct hyp_mbus_found *known = &findings->items[i];
        if (known->has_address && found->has_address &&
            hyp_mbus_secondary_equal(&known->address, &found->address)) {
            return;
        }
    }
    if (findings->count == findings->capacity) {
        findings->dropped++;
        return;
    }
    findings->items[findings->count++] = *found;
}

static size_t total(const struct hyp_mbus_search *search)
{
    return search->findings.count + search->findings.dropped;
}

/* An answer counts when it names a meter under the selection. With all digits fixed one without
 * a name is as good. */
static bool accept_answer(void *user, const struct hyp_mbus_frame *frame)
{
    const struct hyp_mbus_search *search = user;
    struct hyp_mbus_secondary meter;
    if (!hyp_mbus_frame_is_response(frame)) {
        return false;
    }
    if (!hyp_mbus_answer_identity(frame, &meter)) {
        return !search->confirming && search->level + 1 >= LEVEL_MEDIUM;
    }
    return hyp_mbus_answer_fits(&search->probing, &meter);
}

static struct hyp_session_io select_address(struct hyp_mbus_search *search,
                                            const struct hyp_mbus_secondary *address,
                                            hyp_mono now)
{
    uint8_t data[HYP_MBUS_SELECT_MAX];
    size_t len = hyp_mbus_select_encode(address, data);
    search->probing = *address;
    if (++search->probes > HYP_LIMIT_MBUS_PROBES) {
        return fail(search, HYP_LIMIT, "the search was given up: too many selections");
    }
    search->step = STEP_SELECT;
    search->exchange.settle = true;
    hyp_mbus_exchange_long(&search->exchange, HYP_MBUS_C_SND_UD, HYP_MBUS_ADDRESS_SELECTED,
                           HYP_MBUS_CI_SELECT, data, len, HYP_MBUS_EXPECT_ACK,
                           (uint8_t)(1 + HYP_MIN(search->link->retries, 254)));
    return hyp_mbus_exchange_start(&search->exchange, now);
}

static struct hyp_session_io select_next(struct hyp_mbus_search *search, hyp_mono now)
{
    struct hyp_mbus_secondary address = pattern(search, search->level + 1u);
    search->confirming = false;
    return select_address(search, &address, now);
}

static struct hyp_session_io request(struct hyp_mbus_search *search, hyp_mono now)
{
    search->step = STEP_REQUEST;
    search->exchange.settle = false;
    hyp_mbus_exchange_short(&search->exchange, HYP_MBUS_C_REQ_UD2 | HYP_MBUS_C_FCB,
                            HYP_MBUS_ADDRESS_SELECTED, HYP_MBUS_EXPECT_ANSWER, 2);
    return hyp_mbus_exchange_start(&search->exchange, now);
}

/* Is there another value to try at the present level? */
static bool next_value(struct hyp_mbus_search *search)
{
    uint8_t level = search->level;
    uint8_t limit = BYTE_VALUES;
    if (is_digit_level(level)) {
        size_t below = total(search) - search->found_before[level];
        bool hex = level == 0 || search->thorough || below < 2;
        limit = hex ? HEX_DIGITS : DECIMAL_DIGITS;
    }
    if (search->value[level] + 1 >= limit) {
        return false;
    }
    search->value[level]++;
    return true;
}

static void leave_unresolved(struct hyp_mbus_search *search, unsigned levels, bool no_data)
{
    struct hyp_mbus_found found = {
        .address = pattern(search, levels),
        .primary = -1,
        .collision = !no_data,
        .no_data = no_data,
    };
    add(&search->findings, &found);
}

/* On to the next selection, up the levels where one is exhausted. */
static struct hyp_session_io advance(struct hyp_mbus_search *search, hyp_mono now)
{
    while (!next_value(search)) {
        if (search->level == 0) {
            search->state = HYP_SESSION_DONE;
            return ended(search);
        }
        /* Something answered here, and nothing below could be named. */
        if (total(search) == search->found_before[search->level]) {
            leave_unresolved(search, search->level, false);
        }
        search->level--;
    }
    return select_next(search, now);
}

static struct hyp_session_io descend(struct hyp_mbus_search *search, bool silent, hyp_mono now)
{
    bool all_digits = search->level + 1 >= LEVEL_MEDIUM;
    bool deepest = search->level + 1 == HYP_MBUS_SEARCH_LEVELS;
    if (deepest || (all_digits && silent)) {
        leave_unresolved(search, search->level + 1u, silent);
        return advance(search, now);
    }
    search->level++;
    search->value[search->level] = 0;
    search->found_before[search->level] = total(search);
    return select_next(search, now);
}

static struct hyp_session_io take_meter(struct hyp_mbus_search *search, hyp_mono now)
{
    const struct hyp_mbus_frame *answer = &search->exchange.answer;
    struct hyp_mbus_found *found = &search->candidate;
    struct hyp_mbus_secondary meter;
    if (search->confirming) {
        add(&search->findings, found);
        return advance(search, now);
    }
    *found = (struct hyp_mbus_found){
        .address = search->probing, .has_address = true, .primary = answer->a};
    bool named = hyp_mbus_answer_identity(answer, &meter);
    if (named) {
        found->address = meter;
        found->address.has_fabrication = search->probing.has_fabrication;
        found->address.fabrication = search->probing.fabrication;
    }
    if (!named || hyp_mbus_secondary_equal(&found->address, &search->probing)) {
        add(&search->findings, found);
        return advance(search, now);
    }
    search->confirming = true;
    return select_address(search, &found->address, now);
}

static struct hyp_session_io after_select(struct hyp_mbus_search *search, hyp_mono now)
{
    switch (search->exchange.outcome) {
    case HYP_MBUS_GOT_ACK: search->garbled_run = 0; return request(search, now);
    case HYP_MBUS_WAITING:
    case HYP_MBUS_SILENT:
    case HYP_MBUS_GOT_ANSWER:
        search->garbled_run = 0;
        return search->confirming ? descend(search, false, now) : advance(search, now);
    case HYP_MBUS_GARBLED:
    case HYP_MBUS_FOREIGN: break;
    }
    if (search->exchange.acks > 0) {
        return request(search, now);
    }
    if (++search->garbled_run > GARBLED_RUN_MAX) {
        return fail(
            search, HYP_BAD_CHECK,
            "the line is too noisy for a search: every selection is answered by damaged "
            "bytes");
    }
    return descend(search, false, now);
}

static struct hyp_session_io after_request(struct hyp_mbus_search *search, hyp_mono now)
{
    enum hyp_mbus_outcome outcome = search->exchange.outcome;
    if (outcome == HYP_MBUS_GOT_ANSWER) {
        return take_meter(search, now);
    }
    bool silent = outcome == HYP_MBUS_SILENT || outcome == HYP_MBUS_GOT_ACK;
    return descend(search, silent && !search->confirming, now);
}

static struct hyp_session_io reset_all(struct hyp_mbus_search *search, uint8_t address,
                                       enum step step, hyp_mono now)
{
    search->step = (uint8_t)step;
    /* Whether anybody acknowledges does not matter; several may. */
    hyp_mbus_exchange_short(&search->exchange, HYP_MBUS_C_SND_NKE, address,
                            HYP_MBUS_EXPECT_NOTHING, 1);
    return hyp_mbus_exchange_start(&search->exchange, now);
}

static struct hyp_session_io proceed(struct hyp_mbus_search *search, struct hyp_session_io io,
                                     hyp_mono now)
{
    if (search->exchange.outcome == HYP_MBUS_WAITING) {
        return io;
    }
    switch ((enum step)search->step) {
    case STEP_DESELECT: return reset_all(search, HYP_MBUS_ADDRESS_ALL, STEP_RESET_ALL, now);
    case STEP_RESET_ALL: return select_next(search, now);
    case STEP_SELECT: return after_select(search, now);
    case STEP_REQUEST: break;
    }
    return after_request(search, now);
}

static struct hyp_session_io start(void *session, hyp_mono now)
{
    struct hyp_mbus_search *search = session;
    search->state = HYP_SESSION_RUNNING;
    search->exchange.accept = accept_answer;
    search->exchange.user = search;
    return reset_all(search, HYP_MBUS_ADDRESS_SELECTED, STEP_DESELECT, now);
}

static struct hyp_session_io feed(void *session, const uint8_t *bytes, size_t len, hyp_mono now)
{
    struct hyp_mbus_search *search = session;
    if (search->state != HYP_SESSION_RUNNING) {
        return ended(search);
    }
    return proceed(search, hyp_mbus_exchange_feed(&search->exchange, bytes, len, now), now);
}

static struct hyp_session_io tick(void *session, hyp_mono now)
{
    struct hyp_mbus_search *search = session;
    if (search->state != HYP_SESSION_RUNNING) {
        return ended(search);
    }
    return proceed(search, hyp_mbus_exchange_tick(&search->exchange, now), now);
}

static const char *error_text(const void *session)
{
    const struct hyp_mbus_search *search = session;
    return search->text;
}

const struct hyp_session_ops hyp_mbus_search_ops = {
    .name = "mbus.search",
    .start = start,
    .feed = feed,
    .tick = tick,
    .error_text = error_text,
};
