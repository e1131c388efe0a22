/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two layers may note the same byte (check bytes are fillers to the record walk; a refusal
 * covers what the header has named). The one who spoke first keeps the byte; a refusal in the
 * middle of a named field turns that field into the error.
 */
#include "protocol/inspect.h"

#include "protocol/damaged.h"
#include "protocol/mbus/fixed.h"
#include "protocol/mbus/record.h"

#include <string.h>

#define GAP_FIELD "not decoded"
#define STAGES 2

static size_t end_of(const struct hyp_note *note)
{
    return (size_t)note->offset + note->len;
}

static bool is_error(const struct hyp_note *note)
{
    return note->layer == HYP_NOTE_ERROR;
}

static void drop(struct hyp_explain *explain, size_t at)
{
    explain->count--;
    memmove(&explain->notes[at], &explain->notes[at + 1],
            (explain->count - at) * sizeof(explain->notes[0]));
}

/* --- refusals --- */

/* The field that a refusal points into, or NULL. */
static struct hyp_note *field_at(struct hyp_explain *explain, size_t first,
                                 const struct hyp_note *error)
{
    for (size_t i = first; i < explain->count; i++) {
        struct hyp_note *note = &explain->notes[i];
        if (!is_error(note) && note->stage == error->stage && note->offset <= error->offset &&
            end_of(note) > error->offset) {
            return note;
        }
    }
    return NULL;
}

/* Where the next field begins behind the start of a refusal. */
static size_t next_field(const struct hyp_explain *explain, size_t first,
                         const struct hyp_note *error)
{
    size_t next = end_of(error);
    for (size_t i = first; i < explain->count; i++) {
        const struct hyp_note *note = &explain->notes[i];
        if (!is_error(note) && note->stage == error->stage && note->offset > error->offset) {
            next = HYP_MIN(next, (size_t)note->offset);
        }
    }
    return next;
}

static void place_errors(struct hyp_explain *explain, size_t first)
{
    for (size_t i = explain->count; i > first; i--) {
        struct hyp_note *error = &explain->notes[i - 1];
        if (!is_error(error)) {
            continue;
        }
        struct hyp_note *field = field_at(explain, first, error);
        if (field == NULL) {
            error->len = (uint16_t)(next_field(explain, first, error) - error->offset);
            continue;
        }
        field->layer = HYP_NOTE_ERROR;
        memcpy(field->meaning, error->meaning, sizeof(field->meaning));
        drop(explain, i - 1);
    }
}

/* --- order, overlaps, holes --- */

/* By stage and place; notes that begin together keep their order. Nearly sorted as they come.
 */
static void sort(struct hyp_explain *explain, size_t first)
{
    for (size_t i = first + 1; i < explain->count; i++) {
        struct hyp_note moved = explain->notes[i];
        size_t to = i;
        while (to > first && (explain->notes[to - 1].stage > moved.stage ||
                              (explain->notes[to - 1].stage == moved.stage &&
                               explain->notes[to - 1].offset > moved.offset))) {
            explain->notes[to] = explain->notes[to - 1];
            to--;
        }
        explain->notes[to] = moved;
    }
}

static void cut_overlaps(struct hyp_explain *explain, size_t first)
{
    size_t kept = first;
    size_t covered[STAGES] = {0};
    for (size_t i = first; i < explain->count; i++) {
        struct hyp_note note = explain->notes[i];
        size_t *until = &covered[note.stage];
        if (end_of(&note) <= *until || note.len == 0) {
            continue;
        }
        if (note.offset < *until) {
            note.len = (uint16_t)(end_of(&note) - *until);
            note.offset = (uint16_t)*until;
        }
        *until = end_of(&note);
        explain->notes[kept++] = note;
    }
    explain->count = kept;
}

struct gap {
    const char *field;
    const char *meaning;
};

static void add_gap(struct hyp_explain *explain, uint8_t stage, size_t from, size_t to,
                    const struct gap *gap)
{
    explain->stage = stage;
    explain->record = -1;
    explain->base = 0;
    if (to > from) {
        hyp_explain_add(explain, HYP_NOTE_OTHER, from, to - from, gap->field, "", "%s",
                        gap->meaning);
    }
}

/* @before  what to say of bytes in front of the first note, @behind of all others */
static void fill_holes(struct hyp_explain *explain, size_t first, uint8_t stage, size_t len,
                       const struct gap *before, const struct gap *behind)
{
    size_t count = explain->count;
    size_t at = 0;
    const struct gap *gap = before;
    for (size_t i = first; i < count; i++) {
        const struct hyp_note note = explain->notes[i];
        if (note.stage == stage) {
            add_gap(explain, stage, at, note.offset, gap);
            at = end_of(&note);
            gap = behind;
        }
    }
    add_gap(explain, stage, at, len, gap);
}

/* --- damaged telegrams --- */

/* No layer has said anything but that it refuses. */
static bool is_bare(const struct hyp_explain *explain, size_t first)
{
    for (size_t i = first; i < explain->count; i++) {
        const struct hyp_note *note = &explain->notes[i];
        if (!is_error(note) && strcmp(note->field, GAP_FIELD) != 0) {
            return false;
        }
    }
    return true;
}

static void note_damaged(struct hyp_explain *explain, size_t first, const uint8_t *bytes,
                         size_t len, enum hyp_link_kind link, const struct hyp_error *err)
{
    explain->count = first;
    explain->stage = 0;
    explain->record = -1;
    explain->base = 0;
    if (link == HYP_LINK_MBUS) {
        hyp_damaged_note_wired(explain, bytes, len);
    } else {
        hyp_damaged_note_wireless(explain, bytes, len);
    }
    size_t at = err->offset > 0 ? (size_t)err->offset : 0;
    if (len > 0) {
        hyp_explain_add(explain, HYP_NOTE_ERROR, HYP_MIN(at, len - 1), 1,
                        hyp_status_name(err->status), "", "%s", err->text);
    }
}

bool hyp_inspect_has_copy(const struct hyp_explain *explain, size_t first)
{
    for (size_t i = first; i < explain->count; i++) {
        if (explain->notes[i].stage == 1) {
            return true;
        }
    }
    return false;
}

void hyp_inspect_settle(struct hyp_explain *explain, size_t first, const uint8_t *bytes,
                        size_t len, const struct hyp_telegram *telegram,
                        const struct hyp_error *err)
{
    if (err != NULL && is_bare(explain, first)) {
        note_damaged(explain, first, bytes, len, telegram->link, err);
    }
    static const struct gap same = {"received", "explained with the bytes as received"};
    static const struct gap unused = {"rest", "belongs to no field"};
    static const struct gap refused = {GAP_FIELD, "before or behind the place of refusal"};
    place_errors(explain, first);
    sort(explain, first);
    cut_overlaps(explain, first);
    const struct gap *rest = err == NULL ? &unused : &refused;
    fill_holes(explain, first, 0, len, rest, rest);
    if (hyp_inspect_has_copy(explain, first)) {
        fill_holes(explain, first, 1, telegram->plain_len, &same,
                   err == NULL ? &same : &refused);
    }
    sort(explain, first);
}

/* --- the whole --- */

static enum hyp_status walk_records(const struct hyp_telegram *telegram,
                                    struct hyp_explain *explain, struct hyp_error *err)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    enum hyp_status status;
    hyp_mbus_records_init(&records, telegram->data, telegram->data_len, explain);
    records.msb_first = !telegram->lsb_first;
    do {
        status = hyp_mbus_records_next(&records, &record, err);
    } while (status == HYP_OK);
    return status == HYP_NOT_FOUND ? HYP_OK : status;
}

static enum hyp_status walk_content(const struct hyp_telegram *telegram,
                                    struct hyp_explain *explain, struct hyp_error *err)
{
    struct hyp_mbus_record counters[2];
    size_t count;
    switch (telegram->content) {
    case HYP_CONTENT_RECORDS: return walk_records(telegram, explain, err);
    case HYP_CONTENT_FIXED:
        return hyp_mbus_fixed_decode(telegram->data, telegram->data_len, !telegram->lsb_first,
                                     explain, counters, &count, err);
    case HYP_CONTENT_NONE:
    case HYP_CONTENT_ALARM:
    case HYP_CONTENT_MANUFACTURER: break;
    }
    return HYP_OK;
}

enum hyp_status hyp_inspect_telegram(const uint8_t *bytes, size_t len, enum hyp_link_kind link,
                                     const struct hyp_telegram_context *context,
                                     struct hyp_telegram *ret_tel, struct hyp_explain *explain,
                                     struct hyp_error *err)
{
    size_t first = explain->count;
    struct hyp_error why = {.offset = -1};
    explain->stage = 0;
    explain->record = -1;
    explain->base = 0;
    enum hyp_status status =
        hyp_telegram_open(bytes, len, link, context, ret_tel, explain, &why);
    if (status == HYP_OK) {
        why.offset = -1;
        status = walk_content(ret_tel, explain, &why);
        if (status != HYP_OK) {
            size_t at = why.offset < 0 ? 0 : (size_t)why.offset;
            why.offset = (int64_t)hyp_telegram_input_offset(ret_tel, ret_tel->data_offset + at);
        }
    }
    why.status = status;
    hyp_inspect_settle(explain, first, bytes, len, ret_tel, status == HYP_OK ? NULL : &why);
    if (err != NULL) {
        *err = why;
    }
    return status;
}
