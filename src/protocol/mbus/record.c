/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data record (EN 13757-3 clause 6):
 *
 *   +-----+----------+-----+----------+--------+-----------+
 *   | DIF | DIFE 0.. | VIF | VIFE 0.. | (LVAR) | data ...  |
 *   +-----+----------+-----+----------+--------+-----------+
 *     dib.c            vif.c, vife.c     value.c, time.c, profile.c
 *
 * Records follow each other without separators, so one wrong length makes nonsense of all that
 * comes after: the walk stops at the first byte it cannot account for, and says which.
 * Special DIFs (low nibble F): 0F and 1F = the rest is the maker's (1F: more telegrams follow),
 * 2F = idle filler that may stand between any two records, 7F = a readout request, which only
 * makes sense towards a meter; some heat meters end their telegrams with one, and what is
 * behind it is not records. All others are reserved.
 *
 * Notes for the inspector are made from the finished record and the bytes, so that decoding
 * without explanation does no work for them.
 */
#include "protocol/mbus/record.h"

#include "protocol/mbus/dib.h"
#include "protocol/mbus/notes.h"
#include "protocol/mbus/profile.h"
#include "protocol/mbus/usual.h"
#include "protocol/mbus/value.h"
#include "protocol/mbus/vife.h"

#define DIF_MANUFACTURER 0x0F
#define DIF_MORE_FOLLOWS 0x1F
#define DIF_FILLER 0x2F
#define DIF_READOUT_REQUEST 0x7F

void hyp_mbus_records_init(struct hyp_mbus_records *records, const uint8_t *data, size_t len,
                           struct hyp_explain *explain)
{
    records->bytes = hyp_bytes_from(data, HYP_MIN(len, (size_t)HYP_LIMIT_FRAME_BYTES));
    records->index = 0;
    records->msb_first = false;
    records->keep_containers = false;
    records->explain = explain;
    records->more_follows = false;
    records->ended = false;
    records->profile.elements = NULL; /* none is open: nobody looks at the rest */
}

/* DIB and VIB of the record at the reader. */
static enum hyp_status parse_header(struct hyp_bytes *bytes, struct hyp_mbus_record *record,
                                    struct hyp_mbus_scale *ret_scale, struct hyp_error *err)
{
    size_t start = bytes->pos;
    uint8_t dif = hyp_mbus_take(bytes);
    hyp_mbus_record_begin(record, start, dif);
    if ((dif & 0x80) != 0) {
        enum hyp_status status = hyp_mbus_dife_parse(bytes, record, err);
        if (status != HYP_OK) {
            return status;
        }
    }
    record->dib_len = (uint8_t)(bytes->pos - start);
    enum hyp_status status = hyp_mbus_vib_parse(bytes, record, ret_scale, err);
    record->vib_len = (uint16_t)(bytes->pos - start - record->dib_len);
    return status;
}

static enum hyp_status parse_record(struct hyp_mbus_records *records,
                                    struct hyp_mbus_record *record, struct hyp_error *err)
{
    struct hyp_mbus_scale scale;
    enum hyp_status status = parse_header(&records->bytes, record, &scale, err);
    if (status == HYP_OK) {
        status = hyp_mbus_data_take(&records->bytes, record, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_mbus_value_decode(record, &scale, records->msb_first);
    if (record->qualifier.what == HYP_MBUS_PROFILE && !records->keep_containers) {
        hyp_mbus_profile_open(&records->profile, record, &records->bytes);
    }
    return HYP_OK;
}

static void take_rest(struct hyp_mbus_records *records, struct hyp_mbus_record *record)
{
    struct hyp_bytes *bytes = &records->bytes;
    size_t start = bytes->pos;
    hyp_mbus_record_begin(record, start, bytes->data[start]);
    record->dib_len = 1;
    record->vib_len = 0;
    record->function = HYP_FUNCTION_INSTANTANEOUS;
    record->storage = 0;
    record->table = HYP_VIF_MANUFACTURER;
    record->code = 0;
    record->quantity = HYP_QUANTITY_UNKNOWN;
    record->subject = HYP_QUANTITY_UNKNOWN;
    record->unit = HYP_UNIT_NONE;
    record->kind = HYP_VALUE_UNSET;
    record->quality = HYP_QUALITY_GOOD;
    record->text[0] = '\0';
    record->vif_text[0] = '\0';
    record->data = bytes->data + start + 1;
    record->data_len = (uint16_t)(bytes->len - start - 1);
    record->manufacturer_data = true;
    record->more_follows = record->dif == DIF_MORE_FOLLOWS;
    records->more_follows = record->more_follows;
    records->ended = true;
    bytes->pos = bytes->len;
}

/* An element has the header of its container. */
static void take_element(struct hyp_mbus_records *records, struct hyp_mbus_record *record)
{
    struct hyp_bytes again = hyp_bytes_from(records->bytes.data, records->bytes.len);
    struct hyp_mbus_scale scale;
    again.pos = records->profile.container;
    /* The container was parsed before, so its header cannot fail now. */
    HYP_IGNORE(parse_header(&again, record, &scale, NULL));
    hyp_mbus_profile_next(&records->profile, record, &scale);
}

static void skip_filler(struct hyp_mbus_records *records)
{
    struct hyp_bytes *bytes = &records->bytes;
    size_t start = bytes->pos;
    while (bytes->pos < bytes->len && bytes->data[bytes->pos] == DIF_FILLER) {
        bytes->pos++;
    }
    if (records->explain != NULL && bytes->pos > start) {
        records->explain->record = -1;
        hyp_mbus_notes_filler(records->explain, start, bytes->pos - start);
    }
}

/* Parses the record again, for the words; kept apart because good telegrams never come here. */
static __attribute__((noinline)) enum hyp_status refuse(struct hyp_mbus_records *records,
                                                        size_t start, struct hyp_error *err)
{
    struct hyp_mbus_record scratch;
    struct hyp_error reason;
    uint8_t dif = records->bytes.data[start];
    records->bytes.pos = start;
    records->bytes.failed = false;
    enum hyp_status status =
        (dif & 0x0F) == HYP_MBUS_DATA_SPECIAL
            ? hyp_error_set(&reason, HYP_UNSUPPORTED, (int64_t)start, "reserved DIF %02X", dif)
            : parse_record(records, &scratch, &reason);
    records->ended = true;
    records->bytes.pos = records->bytes.len;
    if (records->explain != NULL) {
        hyp_mbus_notes_refused(records->explain, start, (size_t)reason.offset,
                               records->bytes.len, reason.text);
        records->explain->record = -1;
    }
    if (err != NULL) {
        *err = reason;
    }
    return status;
}

static enum hyp_status next_on_wire(struct hyp_mbus_records *records,
                                    struct hyp_mbus_record *record, struct hyp_error *err)
{
    size_t start = records->bytes.pos;
    uint8_t dif = records->bytes.data[start];
    if ((dif & 0x0F) == HYP_MBUS_DATA_SPECIAL) {
        if (dif == DIF_MANUFACTURER || dif == DIF_MORE_FOLLOWS || dif == DIF_READOUT_REQUEST) {
            take_rest(records, record);
            return HYP_OK;
        }
        return refuse(records, start, err);
    }
    return parse_record(records, record, NULL) == HYP_OK ? HYP_OK : refuse(records, start, err);
}

static void explain_record(struct hyp_mbus_records *records,
                           const struct hyp_mbus_record *record)
{
    struct hyp_explain *explain = records->explain;
    explain->record = (int16_t)(records->index - 1);
    if (record->manufacturer_data) {
        hyp_mbus_notes_rest(explain, record);
    } else if (record->profile_element != 0) {
        hyp_mbus_notes_element(explain, records->bytes.data, record);
    } else {
        hyp_mbus_notes_record(explain, records->bytes.data, record);
    }
    explain->record = -1;
}

/* Any record, element of a profile, or the end. */
static __attribute__((noinline)) enum hyp_status
next_of_any_kind(struct hyp_mbus_records *records, struct hyp_mbus_record *record,
                 struct hyp_error *err)
{
    if (hyp_mbus_profile_is_open(&records->profile)) {
        take_element(records, record);
    } else {
        if (!records->ended) {
            skip_filler(records);
        }
        if (records->ended || records->bytes.pos >= records->bytes.len) {
            records->ended = true;
            return HYP_NOT_FOUND;
        }
        enum hyp_status status = next_on_wire(records, record, err);
        if (status != HYP_OK) {
            return status;
        }
    }
    records->index++;
    if (records->explain != NULL) {
        explain_record(records, record);
    }
    return HYP_OK;
}

enum hyp_status hyp_mbus_records_next(struct hyp_mbus_records *records,
                                      struct hyp_mbus_record *ret_record, struct hyp_error *err)
{
    if (records->explain == NULL && !records->msb_first &&
        records->bytes.pos < records->bytes.len &&
        !hyp_mbus_profile_is_open(&records->profile) &&
        hyp_mbus_usual_parse(&records->bytes, ret_record)) {
        records->index++;
        return HYP_OK;
    }
    return next_of_any_kind(records, ret_record, err);
}
