/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/decoder.h"

#include "base/map.h"
#include "cmd/decoder_series.h"
#include "cmd/decoder_values.h"
#include "protocol/inspect.h"
#include "protocol/mbus/fixed.h"
#include "protocol/wmbus/formats.h"
#include "protocol/wmbus/fragments.h"

#include <stdlib.h>
#include <string.h>

#define NOTES_MAX 2048
#define ARENA_MAX ((size_t)4 * 1024 * 1024)
#define SHORT_KEY 8

/* A meter has at most one key of each length. */
struct key_entry {
    struct hyp_aes_key aes;
    uint8_t small[SHORT_KEY];
    bool has_aes;
    bool has_small;
};

struct hyp_decoder {
    struct hyp_decoder_options options;
    struct hyp_telegram_context context;
    struct hyp_map key_index; /* id_raw -> index in keys */
    struct key_entry *keys;
    size_t key_count;
    size_t key_capacity;
    struct key_entry any_meter;
    struct key_entry line; /* key given on the line; comes first */
    struct hyp_formats formats;
    struct hyp_fragments fragments;
    struct hyp_library *library;
    struct hyp_telegram telegram;
    struct hyp_arena arena;
    struct hyp_explain explain;
    struct hyp_note *notes;
    struct hyp_decoded_record records[HYP_LIMIT_READING_VALUES];
    struct hyp_series series; /* of this telegram */
    uint8_t bytes[HYP_LIMIT_FRAME_BYTES];
    uint8_t repaired[UINT8_MAX + 1];
};

static const struct key_entry *find_entry(const struct hyp_decoder *decoder, uint32_t id)
{
    uint64_t index = 0;
    return hyp_map_get(&decoder->key_index, id, &index) ? &decoder->keys[index] : NULL;
}

static bool find_key(void *user, const struct hyp_meter_identity *meter,
                     struct hyp_aes_key *ret_key)
{
    const struct hyp_decoder *decoder = user;
    const struct key_entry *own = find_entry(decoder, meter->id_raw);
    const struct key_entry *const order[] = {&decoder->line, own, &decoder->any_meter};
    for (size_t i = 0; i < HYP_ARRAY_LEN(order); i++) {
        if (order[i] != NULL && order[i]->has_aes) {
            *ret_key = order[i]->aes;
            return true;
        }
    }
    return false;
}

static bool find_short_key(void *user, const struct hyp_meter_identity *meter,
                           uint8_t ret_key[static SHORT_KEY])
{
    const struct hyp_decoder *decoder = user;
    const struct key_entry *own = find_entry(decoder, meter->id_raw);
    const struct key_entry *const order[] = {&decoder->line, own, &decoder->any_meter};
    for (size_t i = 0; i < HYP_ARRAY_LEN(order); i++) {
        if (order[i] != NULL && order[i]->has_small) {
            memcpy(ret_key, order[i]->small, SHORT_KEY);
            return true;
        }
    }
    return false;
}

static const struct hyp_compact_format *find_format(void *user, uint16_t signature)
{
    const struct hyp_decoder *decoder = user;
    return hyp_formats_find(&decoder->formats, signature);
}

static void learn_format(void *user, const struct hyp_compact_format *format)
{
    struct hyp_decoder *decoder = user;
    /* Known or table full: compact frames of formats that are in it still open. */
    HYP_IGNORE(hyp_formats_learn(&decoder->formats, format));
}

enum hyp_status hyp_decoder_create(const struct hyp_decoder_options *options,
                                   struct hyp_decoder **ret_decoder, struct hyp_error *err)
{
    struct hyp_decoder *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory for the decoder");
    }
    decoder->options = *options;
    decoder->context = (struct hyp_telegram_context){
        .user = decoder,
        .find_key = find_key,
        .find_short_key = find_short_key,
        .find_format = find_format,
        .learn_format = learn_format,
        .accept_plain = options->accept_plain,
        .fragments = &decoder->fragments,
    };
    hyp_map_init(&decoder->key_index);
    hyp_formats_init(&decoder->formats);
    hyp_fragments_init(&decoder->fragments);
    hyp_formats_add_known(&decoder->formats);
    hyp_arena_init(&decoder->arena, ARENA_MAX);
    if (options->explain) {
        decoder->notes = calloc(NOTES_MAX, sizeof(*decoder->notes));
        if (decoder->notes == NULL) {
            hyp_decoder_destroy(decoder);
            return hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory for the notes");
        }
    }
    enum hyp_status status = hyp_library_create(&decoder->library, err);
    if (status != HYP_OK) {
        hyp_decoder_destroy(decoder);
        return status;
    }
    *ret_decoder = decoder;
    return HYP_OK;
}

void *hyp_decoder_destroy(struct hyp_decoder *decoder)
{
    if (decoder != NULL) {
        hyp_library_destroy(decoder->library);
        hyp_map_finish(&decoder->key_index);
        hyp_arena_finish(&decoder->arena);
        if (decoder->keys != NULL) {
            hyp_wipe(decoder->keys, decoder->key_capacity * sizeof(*decoder->keys));
        }
        free(decoder->keys);
        free(decoder->notes);
        hyp_wipe(decoder, sizeof(*decoder));
        free(decoder);
    }
    return NULL;
}

/* --- keys --- */

/* Takes a key of either length into the entry. */
static enum hyp_status parse_key(struct hyp_str text, struct key_entry *entry,
                                 struct hyp_error *err)
{
    uint8_t bytes[sizeof(entry->aes.bytes)];
    size_t len = 0;
    enum hyp_status status = hyp_hex_decode(text, bytes, sizeof(bytes), &len, NULL);
    if (status == HYP_OK && len == sizeof(bytes)) {
        memcpy(entry->aes.bytes, bytes, sizeof(bytes));
        entry->has_aes = true;
    } else if (status == HYP_OK && len == SHORT_KEY) {
        memcpy(entry->small, bytes, SHORT_KEY);
        entry->has_small = true;
    } else {
        status = hyp_error_set(err, HYP_INVALID, -1,
                               "a key has 32 hex digits (AES) or 16 (DES, Diehl)");
    }
    hyp_wipe(bytes, sizeof(bytes));
    return status;
}

static enum hyp_status entry_of(struct hyp_decoder *decoder, uint32_t id,
                                struct key_entry **ret_entry)
{
    uint64_t index = 0;
    if (hyp_map_get(&decoder->key_index, id, &index)) {
        *ret_entry = &decoder->keys[index];
        return HYP_OK;
    }
    if (decoder->key_count == decoder->key_capacity) {
        const size_t capacity = HYP_MAX(decoder->key_capacity * 2, (size_t)64);
        struct key_entry *grown = reallocarray(decoder->keys, capacity, sizeof(*decoder->keys));
        if (grown == NULL) {
            return HYP_NO_MEMORY;
        }
        decoder->keys = grown;
        decoder->key_capacity = capacity;
    }
    if (hyp_map_set(&decoder->key_index, id, decoder->key_count) != HYP_OK) {
        return HYP_NO_MEMORY;
    }
    *ret_entry = &decoder->keys[decoder->key_count++];
    **ret_entry = (struct key_entry){.has_aes = false};
    return HYP_OK;
}

enum hyp_status hyp_decoder_add_key(struct hyp_decoder *decoder, struct hyp_str id,
                                    struct hyp_str key, struct hyp_error *err)
{
    struct key_entry parsed = {.has_aes = false};
    struct key_entry *entry = &decoder->any_meter;
    uint64_t raw = 0;
    enum hyp_status status = parse_key(key, &parsed, err);
    if (status != HYP_OK) {
        return status;
    }
    if (!hyp_str_equal(id, HYP_STR("*"))) {
        if (id.len != 8 || hyp_str_hex_to_u64(id, &raw) != HYP_OK) {
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "\"%.*s\" is no meter id: eight digits, or * for all",
                                 HYP_STR_ARG(id));
        }
        status = entry_of(decoder, (uint32_t)raw, &entry);
        if (status != HYP_OK) {
            return hyp_error_set(err, status, -1, "no memory for keys");
        }
    }
    if (parsed.has_aes) {
        entry->aes = parsed.aes;
        entry->has_aes = true;
    } else {
        memcpy(entry->small, parsed.small, SHORT_KEY);
        entry->has_small = true;
    }
    hyp_wipe(&parsed, sizeof(parsed));
    return HYP_OK;
}

/* --- telegrams --- */

/* Completes the entry whose value is made, and counts it. */
static inline void count_record(struct hyp_decoder *decoder,
                                const struct hyp_mbus_record *record,
                                struct hyp_decoded *decoded)
{
    struct hyp_decoded_record *added = &decoder->records[decoded->count++];
    const enum hyp_quantity named =
        hyp_vocabulary_word((enum hyp_name)added->value.key.name)->quantity;
    added->quantity = named != HYP_QUANTITY_UNKNOWN ? named : record->quantity;
    added->sent_unit = hyp_decoded_sent_unit(record, &added->value);
    added->function = record->function;
    added->storage = record->storage;
    added->tariff = record->tariff;
    added->subunit = record->subunit;
    added->has_time = record->has_time;
    added->time = record->time;
    if (!added->has_time && added->value.kind == HYP_VALUE_DECIMAL) {
        added->has_time = hyp_series_time(&decoder->series, record->storage, &added->time);
    }
}

/* Adds the values that the profile takes out of the bits of a record; few profiles do. */
static void add_parts(struct hyp_decoder *decoder, const struct hyp_profile *profile,
                      const struct hyp_mbus_record *record, struct hyp_decoded *decoded)
{
    size_t at = 0;
    while (decoded->count < HYP_LIMIT_READING_VALUES &&
           hyp_device_record_part(profile, &decoder->telegram, record, &decoder->arena, &at,
                                  &decoder->records[decoded->count].value) == HYP_OK) {
        count_record(decoder, record, decoded);
    }
}

/* Adds what the profile makes of a record; records that are no values are left out. */
static enum hyp_status add_record(struct hyp_decoder *decoder,
                                  const struct hyp_profile *profile,
                                  const struct hyp_mbus_record *record,
                                  struct hyp_decoded *decoded)
{
    if (decoded->count == HYP_LIMIT_READING_VALUES) {
        return hyp_error_set(&decoded->error, HYP_LIMIT, record->offset, "more than %d records",
                             HYP_LIMIT_READING_VALUES);
    }
    enum hyp_status status =
        hyp_device_record_value(profile, &decoder->telegram, record, &decoder->arena,
                                &decoder->records[decoded->count].value);
    if (status == HYP_OK) {
        hyp_series_learn(&decoder->series, record);
        count_record(decoder, record, decoded);
    } else if (status != HYP_NOT_FOUND) {
        return hyp_error_set(&decoded->error, status, record->offset, "no memory for a value");
    }
    return HYP_OK;
}

static enum hyp_status walk_records(struct hyp_decoder *decoder,
                                    const struct hyp_profile *profile,
                                    struct hyp_decoded *decoded)
{
    const struct hyp_telegram *telegram = &decoder->telegram;
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    enum hyp_status status = HYP_OK;
    const bool parts = hyp_profile_has_parts(profile);
    hyp_mbus_records_init(&records, telegram->data, telegram->data_len,
                          decoder->options.explain ? &decoder->explain : NULL);
    records.msb_first = !telegram->lsb_first;
    while (status == HYP_OK &&
           (status = hyp_mbus_records_next(&records, &record, &decoded->error)) == HYP_OK) {
        status = add_record(decoder, profile, &record, decoded);
        if (parts && status == HYP_OK) {
            add_parts(decoder, profile, &record, decoded);
        }
    }
    return status == HYP_NOT_FOUND ? HYP_OK : status;
}

static enum hyp_status walk_fixed(struct hyp_decoder *decoder,
                                  const struct hyp_profile *profile,
                                  struct hyp_decoded *decoded)
{
    const struct hyp_telegram *telegram = &decoder->telegram;
    struct hyp_mbus_record counters[2];
    size_t count = 0;
    enum hyp_status status = hyp_mbus_fixed_decode(
        telegram->data, telegram->data_len, !telegram->lsb_first,
        decoder->options.explain ? &decoder->explain : NULL, counters, &count, &decoded->error);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = add_record(decoder, profile, &counters[i], decoded);
    }
    return status;
}

static enum hyp_status walk_content(struct hyp_decoder *decoder, struct hyp_decoded *decoded)
{
    const struct hyp_telegram *telegram = &decoder->telegram;
    const struct hyp_profile *profile = hyp_library_match(decoder->library, &telegram->meter);
    decoded->profile = hyp_profile_info(profile)->name;
    decoded->records = decoder->records;
    switch (telegram->content) {
    case HYP_CONTENT_RECORDS: return walk_records(decoder, profile, decoded);
    case HYP_CONTENT_FIXED: return walk_fixed(decoder, profile, decoded);
    case HYP_CONTENT_MANUFACTURER:
        return hyp_error_set(&decoded->error, HYP_UNSUPPORTED, 0,
                             "CI %02X: a form of %s's own that is not known", telegram->ci,
                             telegram->meter.manufacturer);
    case HYP_CONTENT_NONE:
    case HYP_CONTENT_ALARM: break;
    }
    return HYP_OK;
}

static void decode_content(struct hyp_decoder *decoder, struct hyp_decoded *decoded)
{
    const struct hyp_telegram *telegram = &decoder->telegram;
    enum hyp_status status = walk_content(decoder, decoded);
    decoded->count =
        hyp_decoded_add_total(telegram->meter.medium, decoder->records, decoded->count);
    if (status != HYP_OK) {
        struct hyp_error *error = &decoded->error;
        error->status = status;
        error->offset = (int64_t)hyp_telegram_input_offset(
            telegram, telegram->data_offset + (error->offset < 0 ? 0 : (size_t)error->offset));
        /* Records in front of the place where the walk stopped were understood. */
        decoded->status = decoded->count > 0 ? HYP_OK : status;
    } else {
        decoded->error.status = HYP_OK;
    }
}

static void reset(struct hyp_decoder *decoder, struct hyp_decoded *decoded)
{
    hyp_arena_reset(&decoder->arena);
    decoder->series = (struct hyp_series){.has_interval = false};
    hyp_explain_init(&decoder->explain, decoder->notes, decoder->notes != NULL ? NOTES_MAX : 0);
    decoded->status = HYP_OK;
    decoded->error.status = HYP_OK;
    decoded->error.text[0] = '\0';
    decoded->telegram = NULL;
    decoded->profile = NULL;
    decoded->records = NULL;
    decoded->count = 0;
    decoded->explain = decoder->options.explain ? &decoder->explain : NULL;
    decoded->bytes = NULL;
    decoded->len = 0;
    decoded->length_repaired = false;
}

/*
 * Some receiver programs print a wrong L. A telegram without CRCs is then not proved to be
 * whole, so collecting refuses it; of test data it is known.
 */
static bool is_length_too_small(const struct hyp_decoder *decoder,
                                const struct hyp_decoded *decoded)
{
    return decoder->options.accept_plain && decoded->status == HYP_MALFORMED &&
           decoded->error.offset == 0 && decoder->telegram.link == HYP_LINK_WMBUS &&
           decoded->len <= sizeof(decoder->repaired) &&
           (size_t)decoded->bytes[0] + 1 < decoded->len;
}

static void open_repaired(struct hyp_decoder *decoder, struct hyp_decoded *decoded)
{
    struct hyp_error error;
    struct hyp_explain *explain = decoder->options.explain ? &decoder->explain : NULL;
    memcpy(decoder->repaired, decoded->bytes, decoded->len);
    decoder->repaired[0] = (uint8_t)(decoded->len - 1);
    hyp_explain_init(&decoder->explain, decoder->notes, decoder->notes != NULL ? NOTES_MAX : 0);
    enum hyp_status status =
        hyp_telegram_open(decoder->repaired, decoded->len, HYP_LINK_WMBUS, &decoder->context,
                          &decoder->telegram, explain, &error);
    if (status == HYP_OK) {
        decoded->status = HYP_OK;
        decoded->error.status = HYP_OK;
        decoded->length_repaired = true;
    }
}

void hyp_decoder_telegram(struct hyp_decoder *decoder, const uint8_t *bytes, size_t len,
                          struct hyp_decoded *ret_decoded)
{
    reset(decoder, ret_decoded);
    struct hyp_explain *explain = decoder->options.explain ? &decoder->explain : NULL;
    ret_decoded->bytes = bytes;
    ret_decoded->len = len;
    ret_decoded->telegram = &decoder->telegram;
    ret_decoded->status = hyp_telegram_open(bytes, len, HYP_LINK_UNSET, &decoder->context,
                                            &decoder->telegram, explain, &ret_decoded->error);
    if (is_length_too_small(decoder, ret_decoded)) {
        open_repaired(decoder, ret_decoded);
    }
    if (ret_decoded->status == HYP_OK) {
        decode_content(decoder, ret_decoded);
    }
    if (explain != NULL) {
        const struct hyp_error *why = &ret_decoded->error;
        hyp_inspect_settle(explain, 0, bytes, len, &decoder->telegram,
                           why->status != HYP_OK ? why : NULL);
        if (ret_decoded->status == HYP_OK) {
            hyp_device_explain(hyp_library_match(decoder->library, &decoder->telegram.meter),
                               &decoder->telegram, &decoder->arena, explain, 0);
        }
    }
}

static enum hyp_status refuse_line(struct hyp_decoder *decoder, struct hyp_decoded *decoded,
                                   enum hyp_status status)
{
    /* What stands in `telegram` is of an earlier line. */
    decoded->telegram = NULL;
    decoded->status = status;
    decoder->line.has_aes = false;
    decoder->line.has_small = false;
    return status;
}

static enum hyp_status parse_line(struct hyp_decoder *decoder, struct hyp_str line,
                                  struct hyp_decoded *decoded, size_t *ret_len)
{
    struct hyp_str hex;
    struct hyp_str key;
    struct hyp_str rest = hyp_str_trim(line);
    decoder->line = (struct key_entry){.has_aes = false};
    if (!hyp_str_split_next(&rest, ';', &hex)) {
        return refuse_line(decoder, decoded,
                           hyp_error_set(&decoded->error, HYP_INVALID, 0, "empty line"));
    }
    if (hyp_str_split_next(&rest, ';', &key) && hyp_str_trim(key).len > 0) {
        enum hyp_status status = parse_key(hyp_str_trim(key), &decoder->line, &decoded->error);
        if (status != HYP_OK) {
            return refuse_line(decoder, decoded, status);
        }
    }
    enum hyp_status status = hyp_hex_decode(hyp_str_trim(hex), decoder->bytes,
                                            sizeof(decoder->bytes), ret_len, &decoded->error);
    return status == HYP_OK ? HYP_OK : refuse_line(decoder, decoded, status);
}

void hyp_decoder_line(struct hyp_decoder *decoder, struct hyp_str line,
                      struct hyp_decoded *ret_decoded)
{
    size_t len = 0;
    reset(decoder, ret_decoded);
    if (parse_line(decoder, line, ret_decoded, &len) == HYP_OK) {
        hyp_decoder_telegram(decoder, decoder->bytes, len, ret_decoded);
        hyp_wipe(&decoder->line, sizeof(decoder->line));
    }
}

const struct hyp_telegram_context *hyp_decoder_context(const struct hyp_decoder *decoder)
{
    return &decoder->context;
}
