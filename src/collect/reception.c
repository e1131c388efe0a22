/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/reception.h"

#include "base/limits.h"

#include <assert.h>

static_assert(HYP_LIMIT_RECEIVERS <= 32, "hyp_reception_telegram.lines has a bit for each");

static struct hyp_reception_telegram *find_recent(struct hyp_reception *reception,
                                                  const struct hyp_reception_copy *copy)
{
    for (size_t i = 0; i < HYP_RECEPTION_RECENT; i++) {
        struct hyp_reception_telegram *telegram = &reception->recent[i];
        int64_t since = copy->received.ms - telegram->heard.ms;
        if (telegram->heard.ms != 0 && telegram->hash == copy->hash && since >= 0 &&
            since < HYP_LIMIT_COPY_MS) {
            return telegram;
        }
    }
    return NULL;
}

static uint32_t bit_of(size_t place)
{
    return UINT32_C(1) << place % 32;
}

static void forget_bit(struct hyp_reception *reception, size_t index)
{
    for (size_t i = 0; i < HYP_RECEPTION_RECENT; i++) {
        reception->recent[i].lines &= ~bit_of(index);
    }
}

/* The place of a line; a new one takes a free place or that of the one silent for longest. */
static size_t place_of(struct hyp_reception *reception, hyp_line_id line,
                       const struct hyp_reception_telegram *telegram, bool *ret_joined)
{
    size_t place = 0;
    *ret_joined = false;
    for (size_t i = 0; i < reception->count; i++) {
        if (reception->by[i].line.id == line.id) {
            return i;
        }
        place = reception->by[i].last_heard.ms < reception->by[place].last_heard.ms ? i : place;
    }
    if (reception->count < HYP_LIMIT_RECEIVERS) {
        place = reception->count++;
    }
    forget_bit(reception, place);
    reception->by[place] =
        (struct hyp_reception_line){.line = line, .missed_before = telegram->before};
    *ret_joined = true;
    return place;
}

/* The stronger of two signals; 0 = not known. */
static int16_t stronger(int16_t a, int16_t b)
{
    return a == 0 || (b != 0 && b > a) ? b : a;
}

/*
 * Returns whether the line had never heard the meter before.
 * @ret_first  it has not told of this telegram yet
 */
static bool note_line(struct hyp_reception *reception, struct hyp_reception_telegram *telegram,
                      const struct hyp_reception_copy *copy, bool *ret_first)
{
    bool joined;
    if (!telegram->counted) {
        telegram->counted = true;
        telegram->before = reception->telegrams++;
    }
    size_t place = place_of(reception, copy->line, telegram, &joined);
    struct hyp_reception_line *by = &reception->by[place];
    *ret_first = (telegram->lines & bit_of(place)) == 0;
    if (*ret_first) {
        /* Heard once, however many repeaters are in between. */
        by->telegrams++;
        by->last_dbm = copy->signal_dbm;
    } else {
        by->last_dbm = stronger(by->last_dbm, copy->signal_dbm);
    }
    by->best_dbm = stronger(by->best_dbm, copy->signal_dbm);
    by->last_heard = copy->received;
    telegram->lines |= bit_of(place);
    reception->changed = true;
    return joined;
}

enum hyp_reception_result hyp_reception_note(struct hyp_reception *reception,
                                             const struct hyp_reception_copy *copy,
                                             uint64_t *ret_mark)
{
    struct hyp_reception_telegram *telegram = find_recent(reception, copy);
    bool repeated = telegram != NULL;
    if (!repeated) {
        reception->newest = (uint8_t)((reception->newest + 1) % HYP_RECEPTION_RECENT);
        telegram = &reception->recent[reception->newest];
        *telegram = (struct hyp_reception_telegram){
            .hash = copy->hash, .mark = copy->mark, .heard = copy->received};
    }
    bool first = false;
    bool joined = copy->line.id != 0 && note_line(reception, telegram, copy, &first);
    *ret_mark = repeated && first ? telegram->mark : 0;
    return !repeated ? HYP_RECEPTION_NEW
           : joined  ? HYP_RECEPTION_JOINED
                     : HYP_RECEPTION_REPEATED;
}

void hyp_reception_export(const struct hyp_reception *reception, hyp_device_id device,
                          struct hyp_reception_state *ret_state)
{
    *ret_state = (struct hyp_reception_state){
        .device = device, .telegrams = reception->telegrams, .count = reception->count};
    const struct hyp_reception_telegram *newest = &reception->recent[reception->newest];
    for (size_t i = 0; i < reception->count; i++) {
        const struct hyp_reception_line *by = &reception->by[i];
        bool heard = (newest->lines & bit_of(i)) != 0;
        ret_state->by[i] = (struct hyp_heard_by){
            .line = by->line,
            .last_heard = by->last_heard,
            .telegrams = by->telegrams,
            .of = reception->telegrams - by->missed_before,
            .last_dbm = by->last_dbm,
            .best_dbm = by->best_dbm,
            .newest = heard,
        };
        ret_state->last_heard.ms = HYP_MAX(ret_state->last_heard.ms, by->last_heard.ms);
        if (heard) {
            ret_state->best_dbm = stronger(ret_state->best_dbm, by->last_dbm);
        }
    }
}

void hyp_reception_import(struct hyp_reception *reception,
                          const struct hyp_reception_state *state)
{
    reception->telegrams += state->telegrams;
    for (size_t i = 0; i < HYP_RECEPTION_RECENT; i++) {
        reception->recent[i].before += state->telegrams;
    }
    for (size_t i = 0; i < reception->count; i++) {
        reception->by[i].missed_before += state->telegrams;
    }
    for (size_t i = 0; i < state->count; i++) {
        const struct hyp_heard_by *old = &state->by[i];
        size_t place = 0;
        while (place < reception->count && reception->by[place].line.id != old->line.id) {
            place++;
        }
        if (place == HYP_LIMIT_RECEIVERS) {
            continue;
        }
        if (place == reception->count) {
            reception->by[reception->count++] = (struct hyp_reception_line){
                .line = old->line, .last_heard = old->last_heard, .last_dbm = old->last_dbm};
        }
        struct hyp_reception_line *by = &reception->by[place];
        by->telegrams += old->telegrams;
        by->best_dbm = stronger(by->best_dbm, old->best_dbm);
        by->missed_before = state->telegrams - HYP_MIN(old->of, state->telegrams);
    }
}
