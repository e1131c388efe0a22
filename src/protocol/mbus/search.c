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
 * Several E5 with a clean answer behind them are several meters of which one was faster: it is
 * taken, and the place is entered all the same.
 *
 * E5 means "one or more": two meters in perfect unison look like one until they send data. It
 * is taken after the line has been quiet for a gap, and also beside other bytes, because
 * converters that put a stray byte before every answer exist; the answer to REQ_UD2 decides.
 *
 * What is fixed one after the other are the levels of level.h. What the caller's pattern fixes
 * is part of every selection and takes no level, so those in use are a list, `order`, and
 * `depth` says how many of them the present selection fixes.
 *
 * Two meters with decimal digits explain a collision, and a third with a letter would not show.
 * In the end places with several meters are therefore visited again, for A to E (crowd.h).
 *
 * A collision has at least two meters. Where fewer were found below one, an answer was lost,
 * and the place is searched a second time, what lies below it once.
 */
#include "protocol/mbus/search.h"

#include "base/buf.h"
#include "protocol/mbus/level.h"
#include "protocol/mbus/talk.h"

#define DECIMAL_DIGITS 10
#define HEX_DIGITS 15     /* F is the wildcard */
#define BYTE_VALUES 255   /* FF is the wildcard */
#define MEDIA_IN_USE 0x44 /* those above are reserved */
#define PROGRESS_LEVELS 3
#define LETTERS_PERMILLE 900 /* share of the first part in what is shown as done */
#define FREE_PLACES 20       /* visited for letters although none has been seen */

/* Damaged answers in a row that no set of meters can cause: every collision leads to a silent
 * or clean probe within the levels there are. */
#define GARBLED_RUN_MAX (4 * HYP_MBUS_SEARCH_LEVELS)

enum step { STEP_DESELECT, STEP_RESET_ALL, STEP_SELECT, STEP_REQUEST };

void hyp_mbus_search_init(struct hyp_mbus_search *search, struct hyp_mbus_link *link,
                          struct hyp_mbus_found *items, size_t capacity)
{
    *search = (struct hyp_mbus_search){
        .findings = {.items = items, .capacity = capacity},
        .within = HYP_MBUS_SECONDARY_ANY,
        .probing = HYP_MBUS_SECONDARY_ANY,
        .link = link,
    };
    search->exchange.timing = link->timing;
    search->exchange.baud = hyp_mbus_link_switch(link);
    search->exchange.give_up_noisy = true;
}

/* The address that the first `depth` open levels stand for. */
static struct hyp_mbus_secondary pattern(const struct hyp_mbus_search *search, unsigned depth)
{
    struct hyp_mbus_secondary address = search->within;
    if (!address.has_fabrication) {
        address.fabrication = 0xFFFFFFFF;
    }
    for (unsigned i = 0; i < depth; i++) {
        hyp_mbus_level_fix(&address, search->order[i], search->value[i]);
    }
    return address;
}

/* Are all digits of the id in the present selection? */
static bool has_whole_id(const struct hyp_mbus_search *search)
{
    return search->depth >= search->order_len ||
           search->order[search->depth] >= HYP_MBUS_LEVEL_MEDIUM;
}

unsigned hyp_mbus_search_permille(const struct hyp_mbus_search *search)
{
    unsigned done = 0;
    unsigned share = 1000;
    if (search->state == HYP_SESSION_DONE) {
        return 1000;
    }
    if (search->lettering) {
        return search->lettered;
    }
    if (!search->thorough) {
        share = LETTERS_PERMILLE;
    }
    for (unsigned i = 0; i < search->depth && i < PROGRESS_LEVELS; i++) {
        unsigned values = hyp_mbus_level_is_digit(search->order[i]) ? HEX_DIGITS : BYTE_VALUES;
        if (search->repeating[i]) {
            /* A second pass does not take back what the first has shown. */
            return HYP_MIN(done + share, search->thorough ? 999u : LETTERS_PERMILLE);
        }
        done += share * search->value[i] / values;
        share /= values;
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
        return !search->confirming && has_whole_id(search);
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
    /* Who takes longer than others is heard beside them only by waiting for it. */
    search->exchange.settle_ms = search->thorough ? search->exchange.timing.answer_ms : 0;
    hyp_mbus_exchange_long(&search->exchange, HYP_MBUS_C_SND_UD, HYP_MBUS_ADDRESS_SELECTED,
                           HYP_MBUS_CI_SELECT, data, len, HYP_MBUS_EXPECT_ACK,
                           (uint8_t)(1 + HYP_MIN(search->link->retries, 254)));
    return hyp_mbus_exchange_start(&search->exchange, now);
}

static struct hyp_session_io select_next(struct hyp_mbus_search *search, hyp_mono now)
{
    struct hyp_mbus_secondary address = pattern(search, search->depth);
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

static size_t found_below(const struct hyp_mbus_search *search)
{
    return search->resolved - search->resolved_before[search->depth - 1];
}

/*
 * Values to try at the deepest level, the last not included. Two meters explain a collision:
 * then hex digits are left out, and no more of the 255 values of a byte are tried, since more
 * than two meters with one number are a rarity; unless the search is thorough.
 */
static uint8_t value_limit(const struct hyp_mbus_search *search)
{
    unsigned at = search->depth - 1u;
    bool explained = found_below(search) >= 2;
    if (hyp_mbus_level_is_digit(search->order[at])) {
        bool decimal = explained && search->collided[at] && !search->repeating[at];
        return decimal && !search->thorough ? DECIMAL_DIGITS : HEX_DIGITS;
    }
    if (explained && !search->thorough) {
        return 0;
    }
    return explained && search->order[at] == HYP_MBUS_LEVEL_MEDIUM ? MEDIA_IN_USE : BYTE_VALUES;
}

/* Is there another value to try at the deepest level? */
static bool next_value(struct hyp_mbus_search *search)
{
    unsigned at = search->depth - 1u;
    if (search->value[at] + 1 < value_limit(search)) {
        search->value[at]++;
        return true;
    }
    if (search->collided[at] && found_below(search) < 2 && !search->repeating[at] &&
        hyp_mbus_level_is_digit(search->order[at])) {
        search->repeating[at] = true;
        search->value[at] = 0;
        return true;
    }
    return false;
}

static void resolve(struct hyp_mbus_search *search, const struct hyp_mbus_found *found)
{
    search->resolved++;
    hyp_mbus_findings_add(&search->findings, found);
}

static void leave_unresolved(struct hyp_mbus_search *search, unsigned levels, bool no_data)
{
    struct hyp_mbus_found found = {
        .address = pattern(search, levels),
        .primary = -1,
        .collision = !no_data,
        .no_data = no_data,
    };
    resolve(search, &found);
}

static struct hyp_session_io done(struct hyp_mbus_search *search)
{
    search->state = HYP_SESSION_DONE;
    return ended(search);
}

/* One level down, because somebody has answered, or several at once; or as the first step. */
static void enter_level(struct hyp_mbus_search *search, bool answered, bool collided)
{
    unsigned at = search->depth++;
    search->value[at] = 0;
    search->answered[at] = answered;
    search->collided[at] = collided;
    search->repeating[at] = false;
    search->resolved_before[at] = search->resolved;
}

static void crowds_init(struct hyp_mbus_search *search)
{
    /* Letters of the first level have been tried; a pattern has no such level. */
    uint8_t first = search->order_len == HYP_MBUS_SEARCH_LEVELS ? 1 : 0;
    hyp_mbus_crowds_init(&search->crowds, &search->findings, search->order, search->order_len,
                         first);
}

static bool is_worth_letters(struct hyp_mbus_search *search)
{
    size_t places = 0;
    if (search->thorough) {
        return false; /* it has tried them */
    }
    if (hyp_mbus_findings_have_letters(&search->findings)) {
        return true;
    }
    crowds_init(search);
    while (places <= FREE_PLACES && hyp_mbus_crowds_next(&search->crowds)) {
        places++;
    }
    return places <= FREE_PLACES;
}

/* To the next place with several meters, where A to E are tried. Returns false at the end. */
static bool next_place(struct hyp_mbus_search *search)
{
    if (!search->lettering) {
        if (!is_worth_letters(search)) {
            return false;
        }
        crowds_init(search);
        search->lettering = true;
        search->lettered = LETTERS_PERMILLE;
    }
    if (!hyp_mbus_crowds_next(&search->crowds)) {
        return false;
    }
    const struct hyp_mbus_crowds *crowds = &search->crowds;
    unsigned share =
        (999 - LETTERS_PERMILLE) * (unsigned)crowds->item / (unsigned)search->findings.count;
    search->lettered = (uint16_t)HYP_MAX(search->lettered, LETTERS_PERMILLE + share);
    for (unsigned i = 0; i < crowds->depth; i++) {
        search->value[i] = hyp_mbus_crowds_digit(crowds, i);
        search->repeating[i] = false;
    }
    search->floor = crowds->depth;
    search->depth = crowds->depth;
    enter_level(search, false, false);
    search->value[crowds->depth] = DECIMAL_DIGITS;
    return true;
}

/* On to the next selection, up the levels where one is exhausted. */
static struct hyp_session_io advance(struct hyp_mbus_search *search, hyp_mono now)
{
    while (search->depth > search->floor && !next_value(search)) {
        /* Something answered here, and nothing below could be named. */
        if (search->answered[search->depth - 1] && found_below(search) == 0) {
            leave_unresolved(search, search->depth - 1u, false);
        }
        search->depth--;
    }
    if (search->depth == search->floor && !next_place(search)) {
        return done(search);
    }
    return select_next(search, now);
}

static bool is_in_repeat(const struct hyp_mbus_search *search)
{
    for (unsigned i = 0; i < search->depth; i++) {
        if (search->repeating[i]) {
            return true;
        }
    }
    return false;
}

enum below { BELOW_COLLISION, BELOW_SILENCE, BELOW_STRANGER };

static struct hyp_session_io descend(struct hyp_mbus_search *search, enum below why,
                                     hyp_mono now)
{
    bool deepest = search->depth == search->order_len;
    bool silent = why == BELOW_SILENCE;
    if (deepest || (silent && has_whole_id(search))) {
        leave_unresolved(search, search->depth, silent);
        return advance(search, now);
    }
    /* Below a second pass nothing is repeated: passes would multiply. */
    enter_level(search, true, why == BELOW_COLLISION && !is_in_repeat(search));
    return select_next(search, now);
}

/* Is it worth looking for others beside a meter that was found? Twins are for the thorough. */
static bool may_split(const struct hyp_mbus_search *search)
{
    uint8_t deepest = search->thorough ? HYP_MBUS_LEVEL_FABRICATION : HYP_MBUS_LEVEL_MEDIUM;
    return search->depth < search->order_len && search->order[search->depth] < deepest;
}

static struct hyp_session_io take_meter(struct hyp_mbus_search *search, hyp_mono now)
{
    const struct hyp_mbus_frame *answer = &search->exchange.answer;
    struct hyp_mbus_found *found = &search->candidate;
    struct hyp_mbus_secondary meter;
    if (search->confirming) {
        resolve(search, found);
        return search->crowded && may_split(search) ? descend(search, BELOW_STRANGER, now)
                                                    : advance(search, now);
    }
    search->crowded = search->acks > 1;
    *found = (struct hyp_mbus_found){
        .address = search->probing, .has_address = true, .primary = answer->a};
    bool named = hyp_mbus_answer_identity(answer, &meter);
    if (named) {
        found->address = meter;
        found->address.has_fabrication = search->probing.has_fabrication;
        found->address.fabrication = search->probing.fabrication;
    }
    if (!named || hyp_mbus_secondary_equal(&found->address, &search->probing)) {
        resolve(search, found);
        return advance(search, now);
    }
    search->confirming = true;
    return select_address(search, &found->address, now);
}

static struct hyp_session_io after_select(struct hyp_mbus_search *search, hyp_mono now)
{
    search->acks = search->exchange.acks;
    switch (search->exchange.outcome) {
    case HYP_MBUS_GOT_ACK: search->garbled_run = 0; return request(search, now);
    case HYP_MBUS_WAITING:
    case HYP_MBUS_SILENT:
    case HYP_MBUS_GOT_ANSWER:
        search->garbled_run = 0;
        return search->confirming ? descend(search, BELOW_COLLISION, now)
                                  : advance(search, now);
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
    return descend(search, BELOW_COLLISION, now);
}

static struct hyp_session_io after_request(struct hyp_mbus_search *search, hyp_mono now)
{
    enum hyp_mbus_outcome outcome = search->exchange.outcome;
    if (outcome == HYP_MBUS_GOT_ANSWER) {
        return take_meter(search, now);
    }
    if (search->confirming || outcome == HYP_MBUS_GARBLED) {
        return descend(search, BELOW_COLLISION, now);
    }
    bool silent = outcome == HYP_MBUS_SILENT || outcome == HYP_MBUS_GOT_ACK;
    return descend(search, silent ? BELOW_SILENCE : BELOW_STRANGER, now);
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

/*
 * A pattern is tried as it is: on most buses one meter fits it, or none. Without one the
 * search begins with the first digit, because that everybody answers is known before.
 */
static struct hyp_session_io begin(struct hyp_mbus_search *search, hyp_mono now)
{
    for (uint8_t level = 0; level < HYP_MBUS_SEARCH_LEVELS; level++) {
        if (hyp_mbus_level_is_open(&search->within, level)) {
            search->order[search->order_len++] = level;
        }
    }
    if (search->order_len == HYP_MBUS_SEARCH_LEVELS) {
        enter_level(search, false, false);
    }
    return select_next(search, now);
}

static struct hyp_session_io proceed(struct hyp_mbus_search *search, struct hyp_session_io io,
                                     hyp_mono now)
{
    if (search->exchange.outcome == HYP_MBUS_WAITING) {
        return io;
    }
    switch ((enum step)search->step) {
    case STEP_DESELECT: return reset_all(search, HYP_MBUS_ADDRESS_ALL, STEP_RESET_ALL, now);
    case STEP_RESET_ALL: return begin(search, now);
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
