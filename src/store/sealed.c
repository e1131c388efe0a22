/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sealed.h"

#include "base/bytes.h"
#include "store/crc32c.h"

#define VERSION 1
#define HEAD_BYTES 5
#define IS_TEXT 0x80u /* in the quality: the payload is a text */

static bool has_text(const struct hyp_column *column)
{
    return column->value_kind == HYP_VALUE_TEXT &&
           hyp_quality_is_usable((enum hyp_quality)column->quality);
}

static void write_point(const struct hyp_historian *historian, const struct hyp_column *column,
                        const struct hyp_arrival *arrival, struct hyp_buf *out)
{
    hyp_buf_append_svarint(out,
                           (int64_t)((uint64_t)arrival->receive - (uint64_t)arrival->time));
    hyp_buf_append_svarint(out, arrival->frame);
    hyp_buf_append_u8(out, column->origin);
    hyp_buf_append_u8(out, (uint8_t)(column->quality | (has_text(column) ? IS_TEXT : 0u)));
    hyp_buf_append_u8(out, (uint8_t)column->exp10);
    if (has_text(column)) {
        struct hyp_str text = hyp_text_pool_get(&historian->texts, (uint32_t)column->payload);
        hyp_buf_append_varint(out, text.len);
        hyp_buf_append_str(out, text);
    } else {
        hyp_buf_append_svarint(out, column->payload);
    }
}

void hyp_sealed_write_shown(const struct hyp_historian *historian,
                            const struct hyp_series *series, struct hyp_buf *out)
{
    size_t start = out->len;
    hyp_buf_append_u8(out, VERSION);
    hyp_buf_append_le32(out, 0);
    size_t count = 0;
    for (uint32_t c = 0; c < series->committed_columns; c++) {
        count += series->columns[c].quality != HYP_QUALITY_UNSET;
    }
    hyp_buf_append_varint(out, count);
    int64_t point = 0;
    int64_t time = 0;
    for (uint32_t c = 0; c < series->committed_columns; c++) {
        const struct hyp_column *column = &series->columns[c];
        if (column->quality != HYP_QUALITY_UNSET) {
            const struct hyp_arrival *arrival = hyp_series_arrival(series, c);
            hyp_buf_append_varint(out, (uint64_t)(column->point - point));
            hyp_buf_append_svarint(out, (int64_t)((uint64_t)arrival->time - (uint64_t)time));
            write_point(historian, column, arrival, out);
            point = column->point;
            time = arrival->time;
        }
    }
    if (hyp_buf_status(out) == HYP_OK) {
        struct hyp_buf field;
        hyp_buf_init_fixed(&field, out->data + start + 1, sizeof(uint32_t));
        hyp_buf_append_le32(
            &field, hyp_crc32c(out->data + start + HEAD_BYTES, out->len - start - HEAD_BYTES));
    }
}

static enum hyp_status read_text(struct hyp_historian *historian, struct hyp_bytes *in,
                                 int64_t *ret_payload)
{
    size_t len = (size_t)hyp_bytes_varint(in);
    const char *bytes = (const char *)hyp_bytes_take(in, len);
    uint32_t number = 0;
    enum hyp_status status = HYP_MALFORMED;
    if (bytes != NULL) {
        status =
            hyp_historian_text(historian, (struct hyp_str){.ptr = bytes, .len = len}, &number);
    }
    *ret_payload = number;
    return status;
}

/* Reads one value and shows it, unless its column is UINT32_MAX. */
static enum hyp_status read_point(struct hyp_historian *historian, struct hyp_series *series,
                                  uint32_t column, struct hyp_row *row, struct hyp_bytes *in)
{
    row->receive = (int64_t)((uint64_t)row->time + (uint64_t)hyp_bytes_svarint(in));
    row->frame = hyp_bytes_svarint(in);
    uint8_t origin = hyp_bytes_u8(in);
    row->kind = origin >> 4;
    row->source = origin & 0x0F;
    uint8_t quality = hyp_bytes_u8(in);
    struct hyp_cell cell = {.column = (uint16_t)column,
                            .quality = (uint8_t)(quality & ~IS_TEXT),
                            .exp10 = (int8_t)hyp_bytes_u8(in)};
    enum hyp_status status = HYP_OK;
    if ((quality & IS_TEXT) != 0) {
        status = read_text(historian, in, &cell.payload);
    } else {
        cell.payload = hyp_bytes_svarint(in);
    }
    if (status != HYP_OK || hyp_bytes_failed(in) || cell.quality == HYP_QUALITY_UNSET ||
        cell.quality > HYP_QUALITY_LAST) {
        return status == HYP_OK ? HYP_MALFORMED : status;
    }
    if (column != UINT32_MAX) {
        hyp_series_show(series, row, &cell);
    }
    return HYP_OK;
}

enum hyp_status hyp_sealed_read_shown(struct hyp_historian *historian,
                                      struct hyp_series *series, struct hyp_str blob)
{
    struct hyp_bytes in = hyp_bytes_from((const uint8_t *)blob.ptr, blob.len);
    uint8_t version = hyp_bytes_u8(&in);
    uint32_t crc = hyp_bytes_le32(&in);
    if (hyp_bytes_failed(&in)) {
        return HYP_MALFORMED;
    }
    if (version != VERSION) {
        return HYP_UNSUPPORTED;
    }
    if (hyp_crc32c(in.data + HEAD_BYTES, in.len - HEAD_BYTES) != crc) {
        return HYP_BAD_CHECK;
    }
    uint64_t count = hyp_bytes_varint(&in);
    int64_t point = 0;
    struct hyp_row row = {.time = 0};
    uint32_t hint = 0;
    for (uint64_t i = 0; i < count; i++) {
        point = (int64_t)((uint64_t)point + hyp_bytes_varint(&in));
        row.time = (int64_t)((uint64_t)row.time + (uint64_t)hyp_bytes_svarint(&in));
        uint32_t column = hyp_series_find_point(series, point, hint);
        hint = column == UINT32_MAX ? hint : column + 1;
        enum hyp_status status = read_point(historian, series, column, &row, &in);
        if (status != HYP_OK) {
            return status;
        }
    }
    return HYP_OK;
}
