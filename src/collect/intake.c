/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/intake.h"

#include "base/limits.h"
#include "collect/reception.h"

#include <stdlib.h>
#include <string.h>

#define SNAPSHOT_UNIT_AT 0

void hyp_intake_init(struct hyp_intake *intake, const struct hyp_collect_config *config,
                     struct hyp_stations *stations, struct hyp_outbox *outbox)
{
    intake->library = config->library;
    intake->zone = config->zone;
    intake->observer = &config->observer;
    intake->stations = stations;
    intake->outbox = outbox;
    hyp_heard_init(&intake->heard);
    hyp_map_init(&intake->formats);
    hyp_fragments_init(&intake->fragments);
}

void hyp_intake_finish(struct hyp_intake *intake)
{
    size_t cursor = 0;
    uint64_t signature;
    uint64_t format;
    while (hyp_map_next(&intake->formats, &cursor, &signature, &format)) {
        free((void *)(uintptr_t)format);
    }
    hyp_map_finish(&intake->formats);
    hyp_wipe(intake->key_sets, intake->key_set_count * sizeof(*intake->key_sets));
    free(intake->key_sets);
    hyp_heard_finish(&intake->heard);
}

/* --- whose is it --- */

static void say(struct hyp_arrived *arrived, const char *text)
{
    hyp_text_copy(arrived->text, sizeof(arrived->text), hyp_str_from(text));
}

static void say_other_meter(struct hyp_arrived *arrived)
{
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, arrived->text, sizeof(arrived->text));
    hyp_buf_append_fmt(&out,
                       "another meter answered: %s %s, version %u, medium %u; check the "
                       "address or the serial number",
                       arrived->meter.manufacturer, arrived->meter.id, arrived->meter.version,
                       arrived->meter.medium);
    hyp_buf_terminate(&out);
}

static enum hyp_status find_sender(struct hyp_intake *intake, const struct hyp_arrival *arrival,
                                   const struct hyp_telegram *telegram,
                                   struct hyp_arrived *arrived)
{
    arrived->has_meter = telegram->has_identity;
    arrived->meter = telegram->meter;
    arrived->encrypted = telegram->encryption != HYP_ENCRYPTION_NONE;
    struct hyp_station *expected = arrival->expected;
    if (expected != NULL) {
        if (telegram->has_identity && expected->has_serial &&
            !hyp_station_is(expected, &telegram->meter)) {
            say_other_meter(arrived);
            return HYP_IMPLAUSIBLE;
        }
        arrived->station = expected;
        return HYP_OK;
    }
    arrived->station =
        telegram->has_identity
            ? hyp_stations_match(intake->stations, arrival->tenant, &telegram->meter)
            : hyp_stations_at(intake->stations, arrival->line, telegram->primary_address);
    if (arrived->station == NULL) {
        say(arrived, "no configured meter has sent this");
        return HYP_NOT_FOUND;
    }
    return HYP_OK;
}

static void note_heard(struct hyp_intake *intake, const struct hyp_arrival *arrival,
                       const struct hyp_arrived *arrived)
{
    struct hyp_found_device found = {
        .line = arrival->line,
        .meter = arrived->meter,
        .primary_address = -1,
        .encrypted = arrived->encrypted,
        .signal_dbm = arrival->signal_dbm,
        .last_heard = arrival->received,
    };
    const struct hyp_profile *profile = hyp_library_match(intake->library, &arrived->meter);
    if (profile != NULL) {
        hyp_text_copy(found.profile, sizeof(found.profile),
                      hyp_str_from(hyp_profile_info(profile)->name));
    }
    if (hyp_heard_note(&intake->heard, arrival->tenant, &found) &&
        intake->observer->found != NULL) {
        intake->observer->found(intake->observer->user, &found);
    }
}

/* --- decoding --- */

/* Values of several telegrams of one answer, put together. */
struct gathering {
    struct hyp_value *values;
    size_t count;
    struct hyp_civil meter_time;
};

static bool has_key(const struct gathering *gathering, const struct hyp_point_key *key)
{
    for (size_t i = 0; i < gathering->count; i++) {
        if (hyp_point_key_equal(&gathering->values[i].key, key)) {
            return true;
        }
    }
    return false;
}

static enum hyp_status gather(struct gathering *gathering, struct hyp_arena *arena,
                              struct hyp_value *values, size_t count)
{
    if (gathering->count == 0) {
        gathering->values = values;
        gathering->count = count;
        return HYP_OK;
    }
    struct hyp_value *all =
        hyp_arena_alloc_array(arena, gathering->count + count, sizeof(*all));
    if (all == NULL) {
        return HYP_NO_MEMORY;
    }
    memcpy(all, gathering->values, gathering->count * sizeof(*all));
    gathering->values = all;
    for (size_t i = 0; i < count && gathering->count < HYP_LIMIT_READING_VALUES; i++) {
        if (!has_key(gathering, &values[i].key)) {
            gathering->values[gathering->count++] = values[i];
        }
    }
    return HYP_OK;
}

static struct hyp_reception_copy copy_from(const struct hyp_intake *intake,
                                           const struct hyp_arrival *arrival)
{
    const struct hyp_telegram *telegram = &intake->telegram;
    return (struct hyp_reception_copy){
        .line = arrival->source == HYP_SOURCE_AUTOMATIC ? arrival->line : (hyp_line_id){0},
        .received = arrival->received,
        .hash = hyp_hash_bytes(telegram->plain, telegram->received_len),
        .mark = hyp_raw_frame_mark(arrival->bytes, arrival->len),
        .signal_dbm = arrival->signal_dbm,
    };
}

/* Notes who heard it. Without memory every copy becomes a reading. */
static void note_copy(struct hyp_intake *intake, const struct hyp_arrival *arrival,
                      struct hyp_arrived *arrived)
{
    struct hyp_reception *reception = hyp_station_begin_reception(arrived->station);
    if (reception == NULL) {
        return;
    }
    intake->noted = reception;
    intake->before = *reception;
    const struct hyp_reception_copy copy = copy_from(intake, arrival);
    enum hyp_reception_result result = hyp_reception_note(reception, &copy, &arrived->copy_of);
    arrived->repeated = result != HYP_RECEPTION_NEW;
    arrived->joined = result == HYP_RECEPTION_JOINED;
}

static enum hyp_status decode_telegram(struct hyp_intake *intake,
                                       const struct hyp_arrival *arrival, const uint8_t *bytes,
                                       size_t len, struct hyp_arena *arena,
                                       struct gathering *gathering, struct hyp_arrived *arrived)
{
    struct hyp_telegram *telegram = &intake->telegram;
    struct hyp_error err = {0};
    memset(&telegram->meter, 0, sizeof(telegram->meter));
    telegram->has_identity = false;
    telegram->encryption = HYP_ENCRYPTION_NONE;
    enum hyp_status opened = hyp_intake_open(intake, arrival, bytes, len, &err);
    enum hyp_status found = HYP_OK;
    if (opened == HYP_OK || telegram->has_identity) {
        found = find_sender(intake, arrival, telegram, arrived);
    }
    if (found != HYP_OK) {
        return found;
    }
    if (opened != HYP_OK) {
        say(arrived, err.text);
        return opened;
    }
    if (arrival->protocol == HYP_RAW_WMBUS && arrival->arena == NULL &&
        arrival->again.id == 0) {
        note_copy(intake, arrival, arrived);
    }
    if (arrived->repeated) {
        return HYP_OK;
    }
    struct hyp_value *values = NULL;
    size_t count = 0;
    struct hyp_civil meter_time = {0};
    enum hyp_status decoded =
        hyp_device_values(intake->library, arrived->station->profile, telegram, arena, &values,
                          &count, &meter_time, &err);
    if (decoded != HYP_OK) {
        arrived->partial = true;
        say(arrived, err.text);
    }
    if (gathering->meter_time.year == 0) {
        gathering->meter_time = meter_time;
    }
    enum hyp_status gathered = gather(gathering, arena, values, count);
    return gathered != HYP_OK || decoded == HYP_NO_MEMORY ? HYP_NO_MEMORY
           : count > 0                                    ? HYP_OK
                                                          : decoded;
}

/* Length of the wired frame at the front of `len` bytes: 68 L L 68 ... 16, else all of them. */
static size_t first_frame(const uint8_t *bytes, size_t len)
{
    if (len >= 6 && bytes[0] == 0x68 && bytes[3] == 0x68 && bytes[1] == bytes[2]) {
        return HYP_MIN(len, (size_t)bytes[1] + 6);
    }
    return len;
}

/* One telegram, or the frames of a multi-telegram answer back to back. */
static enum hyp_status decode_telegrams(struct hyp_intake *intake,
                                        const struct hyp_arrival *arrival,
                                        struct hyp_arena *arena, struct gathering *gathering,
                                        struct hyp_arrived *arrived)
{
    enum hyp_status first = HYP_MALFORMED;
    for (size_t at = 0; at < arrival->len;) {
        size_t left = arrival->len - at;
        size_t len =
            arrival->protocol == HYP_RAW_MBUS ? first_frame(arrival->bytes + at, left) : left;
        enum hyp_status status = decode_telegram(intake, arrival, arrival->bytes + at, len,
                                                 arena, gathering, arrived);
        if (at == 0) {
            first = status;
        } else if (status != HYP_OK) {
            arrived->partial = true;
        }
        if (status == HYP_IMPLAUSIBLE || status == HYP_NO_MEMORY) {
            return status; /* a foreign frame spoils the whole answer */
        }
        at += len;
    }
    return gathering->count > 0 || arrived->repeated ? HYP_OK : first;
}

static enum hyp_status decode_snapshot(struct hyp_intake *intake,
                                       const struct hyp_arrival *arrival,
                                       struct hyp_arena *arena, struct gathering *gathering,
                                       struct hyp_arrived *arrived)
{
    struct hyp_station *station = arrival->expected;
    if (station == NULL && arrival->len > 0) {
        station =
            hyp_stations_at(intake->stations, arrival->line, arrival->bytes[SNAPSHOT_UNIT_AT]);
    }
    if (station == NULL) {
        say(arrived, "no configured device has this line and unit");
        return HYP_NOT_FOUND;
    }
    arrived->station = station;
    if (station->profile == NULL) {
        say(arrived, "the device has no profile that tells its registers: choose one");
        return HYP_UNSUPPORTED;
    }
    struct hyp_error err = {0};
    enum hyp_status status =
        hyp_device_modbus_values(station->profile, arrival->bytes, arrival->len, arena,
                                 &gathering->values, &gathering->count, &err);
    if (status != HYP_OK) {
        arrived->partial = gathering->count > 0;
        say(arrived, err.text);
    }
    return gathering->count > 0 ? HYP_OK : status;
}

/* --- keeping --- */

/* One that gave no reading is kept once, however many receivers have heard it. */
static void note_unread(struct hyp_intake *intake, const struct hyp_arrival *arrival,
                        struct hyp_arrived *arrived)
{
    struct hyp_reception_copy copy = copy_from(intake, arrival);
    if (copy.line.id != 0) {
        /* What is left of a telegram that was not opened is none: as it came, then. */
        copy.hash = arrived->has_meter ? copy.hash : copy.mark;
        arrived->repeated =
            hyp_unread_note(&intake->unread, arrival->tenant, &copy, &arrived->copy_of);
    }
}

/* Who else has heard a telegram that is there already. */
static enum hyp_status keep_copy(struct hyp_intake *intake, const struct hyp_arrival *arrival,
                                 const struct hyp_arrived *arrived)
{
    uint8_t mark[8];
    struct hyp_buf out;
    size_t index;
    hyp_buf_init_fixed(&out, mark, sizeof(mark));
    hyp_buf_append_le64(&out, arrived->copy_of);
    const struct hyp_raw_frame frame = {
        .line = arrival->line,
        .device = arrived->station == NULL ? (hyp_device_id){0} : arrived->station->id,
        .received = arrival->received,
        .protocol = HYP_RAW_COPY,
        .signal_dbm = arrival->signal_dbm,
        .bytes = mark,
        .len = sizeof(mark),
    };
    return hyp_outbox_add_frame(intake->outbox, &frame, &index);
}

static enum hyp_status keep_frame(struct hyp_intake *intake, const struct hyp_arrival *arrival,
                                  const struct hyp_arrived *arrived, enum hyp_status outcome,
                                  size_t *ret_index)
{
    bool foreign = outcome == HYP_IMPLAUSIBLE || arrived->station == NULL;
    struct hyp_raw_frame frame = {
        .line = arrival->line,
        .device = foreign ? (hyp_device_id){0} : arrived->station->id,
        .received = arrival->received,
        .protocol = (uint16_t)arrival->protocol,
        .signal_dbm = arrival->signal_dbm,
        .outcome = outcome,
        .replaces = arrival->again,
        .bytes = arrival->bytes,
        .len = HYP_MIN(arrival->len, (size_t)HYP_LIMIT_RAW_BYTES),
    };
    return hyp_outbox_add_frame(intake->outbox, &frame, ret_index);
}

static enum hyp_status keep_reading(struct hyp_intake *intake,
                                    const struct hyp_arrival *arrival,
                                    const struct hyp_arrived *arrived,
                                    const struct gathering *gathering, size_t frame)
{
    struct hyp_reading reading = {
        .device = arrived->station->id,
        .source_time = hyp_source_time(intake->zone, arrival->received, &gathering->meter_time,
                                       gathering->values, gathering->count),
        .receive_time = arrival->received,
        .kind = HYP_READING_CURRENT,
        .source = arrival->source,
        .frame = frame,
        .values = gathering->values,
        .value_count = gathering->count,
    };
    return hyp_outbox_add_reading(intake->outbox, &reading, &arrival->ticket);
}

/* The frame, and the reading when there is one. */
static enum hyp_status keep_new(struct hyp_intake *intake, const struct hyp_arrival *arrival,
                                const struct hyp_arrived *arrived,
                                const struct gathering *gathering, enum hyp_status outcome)
{
    size_t frame = HYP_NO_FRAME;
    enum hyp_status kept = keep_frame(intake, arrival, arrived, outcome, &frame);
    if (kept == HYP_OK && outcome == HYP_OK && arrived->station != NULL) {
        kept = keep_reading(intake, arrival, arrived, gathering, frame);
    }
    return kept;
}

static enum hyp_status take(struct hyp_intake *intake, const struct hyp_arrival *arrival,
                            struct hyp_arrived *ret_arrived)
{
    bool keep = arrival->arena == NULL;
    struct hyp_arena *arena = keep ? hyp_outbox_arena(intake->outbox) : arrival->arena;
    if (arena == NULL) {
        say(ret_arrived, "out of memory for a reading");
        return HYP_NO_MEMORY;
    }
    struct gathering gathering = {0};
    enum hyp_status status =
        arrival->protocol == HYP_RAW_MODBUS_SNAPSHOT
            ? decode_snapshot(intake, arrival, arena, &gathering, ret_arrived)
            : decode_telegrams(intake, arrival, arena, &gathering, ret_arrived);
    ret_arrived->values = gathering.values;
    ret_arrived->value_count = gathering.count;
    if (status == HYP_OK && gathering.count == 0 && !ret_arrived->repeated) {
        say(ret_arrived, "the telegram carries no values");
        status = HYP_UNSUPPORTED;
    }
    if (!keep || (arrival->again.id != 0 && status != HYP_OK)) {
        return status;
    }
    if (status != HYP_OK && status != HYP_NO_MEMORY && arrival->protocol == HYP_RAW_WMBUS) {
        note_unread(intake, arrival, ret_arrived);
    }
    if (ret_arrived->station == NULL && ret_arrived->has_meter &&
        arrival->protocol == HYP_RAW_WMBUS && status != HYP_IMPLAUSIBLE) {
        note_heard(intake, arrival, ret_arrived);
    }
    enum hyp_status kept = ret_arrived->copy_of != 0 ? keep_copy(intake, arrival, ret_arrived)
                           : ret_arrived->repeated
                               ? HYP_OK
                               : keep_new(intake, arrival, ret_arrived, &gathering, status);
    if (kept != HYP_OK) {
        say(ret_arrived, "out of memory for a reading");
        return kept;
    }
    return status;
}

enum hyp_status hyp_intake_take(struct hyp_intake *intake, const struct hyp_arrival *arrival,
                                struct hyp_arrived *ret_arrived)
{
    *ret_arrived = (struct hyp_arrived){0};
    intake->noted = NULL;
    enum hyp_status status = take(intake, arrival, ret_arrived);
    if (status == HYP_NO_MEMORY && intake->noted != NULL) {
        /* Not heard, then: the next copy of it is the first. */
        *intake->noted = intake->before;
    }
    return status;
}
