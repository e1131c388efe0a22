/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as data records. The first byte chooses the byte order. What comes out must lie in
 * the message, and neither notes nor the expansion of profiles may change it.
 */
#include "protocol/mbus/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOTES_MAX 8192
#define RECORDS_MAX (HYP_LIMIT_FRAME_BYTES * 2)

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_text(const char *text)
{
    require(memchr(text, '\0', HYP_LIMIT_RECORD_TEXT) != NULL);
}

static void check_record(const struct hyp_mbus_record *record, const uint8_t *data, size_t size)
{
    require(record->quality != HYP_QUALITY_UNSET);
    require(record->data_len == 0 ||
            (record->data >= data && record->data + record->data_len <= data + size));
    require((size_t)record->offset + record->dib_len + record->vib_len <= size);
    require(record->quantity < HYP_QUANTITY_COUNT_OF &&
            record->subject < HYP_QUANTITY_COUNT_OF);
    require(record->unit < HYP_UNIT_COUNT_OF);
    if (record->manufacturer_data) {
        return;
    }
    check_text(record->vif_text);
    check_text(record->text);
    if (!hyp_quality_is_usable(record->quality)) {
        return;
    }
    if (record->kind == HYP_VALUE_CIVIL) {
        require(hyp_civil_is_valid(&record->civil));
    }
    if (record->has_time) {
        require(hyp_civil_is_valid(&record->time));
    }
}

/* A number of all that was decoded, to compare two walks. */
static uint64_t mix(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x100000001B3u;
}

static uint64_t mix_value(uint64_t sum, const struct hyp_mbus_record *record)
{
    sum = mix(sum, record->kind);
    if (!hyp_quality_is_usable(record->quality)) {
        return sum;
    }
    switch (record->kind) {
    case HYP_VALUE_UNSET: break;
    case HYP_VALUE_DECIMAL:
        sum = mix(sum, (uint64_t)record->decimal.digits);
        return mix(sum, (uint64_t)(record->decimal.exp10 + 128));
    case HYP_VALUE_CIVIL: return mix(sum, (uint64_t)hyp_civil_to_seconds(&record->civil));
    case HYP_VALUE_FLAGS: return mix(sum, record->flags);
    case HYP_VALUE_TEXT: return mix(sum, strlen(record->text));
    }
    return sum;
}

static uint64_t mix_record(uint64_t sum, const struct hyp_mbus_record *record)
{
    sum = mix(sum, record->offset);
    sum = mix(sum, (uint64_t)record->dib_len << 16 | (uint64_t)record->vib_len << 8);
    sum = mix(sum, record->storage);
    sum = mix(sum, (uint64_t)record->tariff << 16 | record->subunit);
    sum = mix(sum, (uint64_t)record->function << 8 | record->record_error);
    sum = mix(sum, (uint64_t)record->table << 16 | (uint64_t)record->code << 8);
    sum = mix(sum, (uint64_t)record->vife_count << 8 | record->qualifier.what);
    sum = mix(sum, (uint64_t)record->quantity << 8 | record->quality);
    sum = mix(sum, (uint64_t)record->subject << 8 | record->unit);
    sum = mix(sum, record->data_len);
    return mix_value(sum, record);
}

struct walk {
    enum hyp_status status;
    int64_t offset;
    size_t count;
    uint64_t sum;
};

static struct walk walk(const uint8_t *data, size_t size, bool msb_first, bool containers,
                        struct hyp_explain *explain)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    struct hyp_error err = {.offset = -1};
    struct walk result = {.status = HYP_OK};
    hyp_mbus_records_init(&records, data, size, explain);
    records.msb_first = msb_first;
    records.keep_containers = containers;
    size = records.bytes.len;
    while ((result.status = hyp_mbus_records_next(&records, &record, &err)) == HYP_OK) {
        check_record(&record, data, size);
        require(++result.count <= RECORDS_MAX);
        if (record.profile_element == 0) {
            result.sum = mix_record(result.sum, &record);
        }
    }
    result.offset = err.offset;
    if (result.status != HYP_NOT_FOUND) {
        require(result.status == HYP_MALFORMED || result.status == HYP_UNSUPPORTED);
        require(result.offset >= 0 && (size_t)result.offset <= size && err.text[0] != '\0');
    }
    require(hyp_mbus_records_next(&records, &record, &err) == HYP_NOT_FOUND);
    return result;
}

static void check_notes(const struct hyp_explain *explain, size_t size)
{
    static uint8_t covered[HYP_LIMIT_FRAME_BYTES];
    memset(covered, 0, sizeof(covered));
    require(explain->dropped == 0);
    for (size_t i = 0; i < explain->count; i++) {
        const struct hyp_note *note = &explain->notes[i];
        require((size_t)note->offset + note->len <= size);
        memset(covered + note->offset, 1, note->len);
    }
    require(memchr(covered, 0, size) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hyp_note notes[NOTES_MAX];
    struct hyp_explain explain;
    if (size == 0) {
        return 0;
    }
    bool msb_first = (data[0] & 1) != 0;
    data++;
    size = HYP_MIN(size - 1, (size_t)HYP_LIMIT_FRAME_BYTES);
    hyp_explain_init(&explain, notes, NOTES_MAX);
    struct walk plain = walk(data, size, msb_first, false, NULL);
    struct walk explained = walk(data, size, msb_first, false, &explain);
    struct walk containers = walk(data, size, msb_first, true, NULL);
    require(plain.status == explained.status && plain.offset == explained.offset);
    require(plain.count == explained.count && plain.sum == explained.sum);
    require(containers.status == plain.status && containers.sum == plain.sum);
    check_notes(&explain, size);
    return 0;
}
