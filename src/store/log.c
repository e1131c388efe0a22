/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log.h"

#include "base/limits.h"
#include "model/reading.h"
#include "store/crc32c.h"
#include "store/log_format.h"

#include <assert.h>

#define HEAD_BYTES 5 /* version and checksum */
#define OTHER 0x80u
#define STEP_SHIFT 4
#define STEP_FOLLOWS 7u
#define LOW_BITS 0x0Fu

/* Numbers that are in blobs for ever. */
static_assert(HYP_QUALITY_GOOD == 1 && HYP_QUALITY_ESTIMATED == 4 &&
                  HYP_QUALITY_NO_VALUE == 5 && HYP_QUALITY_DEVICE_ERROR == 9 &&
                  HYP_QUALITY_CORRECTED == 10,
              "qualities are appended, never renumbered");
static_assert(HYP_VALUE_DECIMAL == 1 && HYP_VALUE_CIVIL == 2 && HYP_VALUE_FLAGS == 3 &&
                  HYP_VALUE_TEXT == 4,
              "kinds of values are appended, never renumbered");
static_assert(HYP_READING_CURRENT == 1 && HYP_READING_HOUR == 2 && HYP_READING_DAY == 3 &&
                  HYP_READING_MONTH == 4 && HYP_READING_INTEGRATOR == 5 &&
                  HYP_READING_EVENT == 6,
              "kinds of readings are appended, never renumbered");
static_assert(HYP_SOURCE_AUTOMATIC == 1 && HYP_SOURCE_ON_DEMAND == 2 && HYP_SOURCE_FILE == 3 &&
                  HYP_SOURCE_MANUAL == 4 && HYP_SOURCE_PUSH == 5,
              "sources are appended, never renumbered");

static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* --- writing --- */

void hyp_log_begin(struct hyp_log_writer *writer, struct hyp_buf *out, int64_t frame_row,
                   size_t readings)
{
    *writer = (struct hyp_log_writer){.out = out, .start = out->len};
    hyp_buf_append_u8(out, HYP_LOG_PLAIN);
    hyp_buf_append_le32(out, 0);
    hyp_buf_append_varint(out, (uint64_t)frame_row);
    hyp_buf_append_varint(out, readings);
}

void hyp_log_reading(struct hyp_log_writer *writer, const struct hyp_log_reading *reading)
{
    struct hyp_buf *out = writer->out;
    hyp_buf_append_svarint(out, minus(reading->device, writer->device));
    hyp_buf_append_svarint(out, minus(reading->time, writer->time));
    hyp_buf_append_svarint(out, minus(reading->receive, reading->time));
    hyp_buf_append_u8(out, (uint8_t)(reading->kind << 4 | reading->source));
    hyp_buf_append_varint(out, reading->frame);
    hyp_buf_append_varint(out, reading->value_count);
    writer->device = reading->device;
    writer->time = reading->time;
}

/* Room for head, point step and digits. */
#define VALUE_ROOM (1 + 2 * HYP_BUF_VARINT_MAX)

static uint8_t *put_head(struct hyp_log_writer *writer, uint8_t *at,
                         const struct hyp_log_value *value, uint8_t rest)
{
    int64_t step = minus(value->point, writer->point);
    writer->point = value->point;
    if (step >= 1 && step <= (int64_t)STEP_FOLLOWS) {
        *at++ = (uint8_t)(rest | (uint8_t)(step - 1) << STEP_SHIFT);
        return at;
    }
    *at++ = (uint8_t)(rest | STEP_FOLLOWS << STEP_SHIFT);
    return hyp_buf_put_varint(at, hyp_buf_zigzag(step));
}

static void append_payload(struct hyp_buf *out, const struct hyp_log_value *value)
{
    hyp_buf_append_u8(out, value->kind);
    switch ((enum hyp_value_kind)value->kind) {
    case HYP_VALUE_UNSET: break;
    case HYP_VALUE_DECIMAL:
        hyp_buf_append_u8(out, (uint8_t)value->exp10);
        hyp_buf_append_svarint(out, value->payload);
        break;
    case HYP_VALUE_CIVIL: hyp_buf_append_svarint(out, value->payload); break;
    case HYP_VALUE_FLAGS: hyp_buf_append_varint(out, (uint64_t)value->payload); break;
    case HYP_VALUE_TEXT:
        hyp_buf_append_varint(out, value->text.len);
        hyp_buf_append_str(out, value->text);
        break;
    }
}

void hyp_log_value(struct hyp_log_writer *writer, const struct hyp_log_value *value)
{
    uint8_t *room = hyp_buf_room(writer->out, VALUE_ROOM);
    if (room == NULL) {
        return; /* the builder knows */
    }
    if (value->quality == HYP_QUALITY_GOOD && value->kind == HYP_VALUE_DECIMAL &&
        value->exp10 <= 0 && value->exp10 >= -(int)LOW_BITS) {
        uint8_t *end = put_head(writer, room, value, (uint8_t)-value->exp10);
        end = hyp_buf_put_varint(end, hyp_buf_zigzag(value->payload));
        hyp_buf_take(writer->out, (size_t)(end - room));
        return;
    }
    uint8_t *end = put_head(writer, room, value, (uint8_t)(OTHER | value->quality));
    hyp_buf_take(writer->out, (size_t)(end - room));
    if (hyp_quality_is_usable((enum hyp_quality)value->quality)) {
        append_payload(writer->out, value);
    }
}

enum hyp_status hyp_log_end(struct hyp_log_writer *writer)
{
    struct hyp_buf *out = writer->out;
    if (hyp_buf_status(out) != HYP_OK) {
        return hyp_buf_status(out);
    }
    const uint8_t *body = out->data + writer->start + HEAD_BYTES;
    uint32_t crc = hyp_crc32c(body, out->len - writer->start - HEAD_BYTES);
    struct hyp_buf field;
    hyp_buf_init_fixed(&field, out->data + writer->start + 1, sizeof(crc));
    hyp_buf_append_le32(&field, crc);
    return HYP_OK;
}

/* --- reading --- */

/* Is it a value that a shape can have? */
static bool is_column(const uint8_t *column)
{
    unsigned quality = column[HYP_LOG_MEANING_AT] & LOW_BITS;
    unsigned kind = column[HYP_LOG_MEANING_AT] >> 4;
    bool usable = hyp_quality_is_usable((enum hyp_quality)quality);
    return quality != HYP_QUALITY_UNSET && quality <= HYP_QUALITY_LAST &&
           (kind == HYP_VALUE_UNSET) != usable && kind < HYP_VALUE_TEXT &&
           column[HYP_LOG_WIDTH_AT] <= 64;
}

/* Notes where a shape is. @shape in/out, zeroed */
static void open_shape(struct hyp_bytes *in, struct hyp_log_known_shape *shape)
{
    uint64_t columns = hyp_bytes_varint(in);
    if (columns == 0 || columns > UINT16_MAX) {
        in->failed = true;
        return;
    }
    shape->at = (uint32_t)in->pos;
    shape->columns = (uint32_t)columns;
    const uint8_t *column = hyp_bytes_take(in, (size_t)columns * HYP_LOG_COLUMN_BYTES);
    for (uint32_t i = 0; column != NULL && i < shape->columns; i++) {
        shape->bits += column[HYP_LOG_WIDTH_AT];
        in->failed |= !is_column(column);
        column += HYP_LOG_COLUMN_BYTES;
    }
}

static void open_packed(struct hyp_log_reader *reader, struct hyp_bytes *in)
{
    reader->shape_count = hyp_bytes_u8(in);
    if (reader->shape_count == 0 || reader->shape_count > HYP_LOG_SHAPES) {
        in->failed = true;
        return;
    }
    for (unsigned i = 0; i < reader->shape_count; i++) {
        open_shape(in, &reader->shapes[i]);
    }
    uint64_t len = hyp_bytes_varint(in);
    if (hyp_bytes_failed(in) || len > hyp_bytes_left(in)) {
        in->failed = true;
        return;
    }
    in->len -= (size_t)len;
    reader->fields = (struct hyp_bit_reader){.data = in->data + in->len, .len = (size_t)len};
}

enum hyp_status hyp_log_open(struct hyp_log_reader *reader, const uint8_t *data, size_t len)
{
    struct hyp_bytes in = hyp_bytes_from(data, len);
    uint8_t version = hyp_bytes_u8(&in);
    uint32_t crc = hyp_bytes_le32(&in);
    if (hyp_bytes_failed(&in)) {
        return HYP_MALFORMED;
    }
    if (version != HYP_LOG_PLAIN && version != HYP_LOG_PACKED) {
        return HYP_UNSUPPORTED;
    }
    if (hyp_crc32c(data + HEAD_BYTES, len - HEAD_BYTES) != crc) {
        return HYP_BAD_CHECK;
    }
    *reader = (struct hyp_log_reader){0};
    reader->frame_row = (int64_t)hyp_bytes_varint(&in);
    reader->readings_left = hyp_bytes_varint(&in);
    if (version == HYP_LOG_PACKED) {
        open_packed(reader, &in);
    }
    reader->in = in;
    return hyp_bytes_failed(&in) ? HYP_MALFORMED : HYP_OK;
}

/* Is there nothing behind the last reading? */
static bool is_at_end(const struct hyp_log_reader *reader)
{
    return hyp_bytes_left(&reader->in) == 0 &&
           hyp_bits_bytes(&reader->fields) == reader->fields.len;
}

static void read_plain_head(struct hyp_log_reader *reader, struct hyp_log_reading *reading)
{
    struct hyp_bytes *in = &reader->in;
    reading->device = plus(reader->device, hyp_bytes_svarint(in));
    reading->time = plus(reader->time, hyp_bytes_svarint(in));
    reading->receive = plus(reading->time, hyp_bytes_svarint(in));
    reader->origin = hyp_bytes_u8(in);
    uint64_t frame = hyp_bytes_varint(in);
    uint64_t values = hyp_bytes_varint(in);
    /* A value takes two bytes at least, or one when it is absent. */
    in->failed |= frame > HYP_LIMIT_BATCH_FRAMES || values > hyp_bytes_left(in);
    reading->frame = (uint32_t)frame;
    reading->value_count = (uint32_t)HYP_MIN(values, (uint64_t)UINT32_MAX);
}

/* Begins the values of a reading of version 2. */
static void begin_values(struct hyp_log_reader *reader, unsigned number,
                         struct hyp_log_reading *reading)
{
    struct hyp_bytes *in = &reader->in;
    reader->column = NULL;
    if (number == 0) {
        uint64_t values = hyp_bytes_varint(in);
        in->failed |= values > hyp_bytes_left(in);
        reading->value_count = (uint32_t)HYP_MIN(values, (uint64_t)UINT32_MAX);
        return;
    }
    const struct hyp_log_known_shape *shape = &reader->shapes[number - 1];
    in->failed |= reader->fields.pos + shape->bits > reader->fields.len * 8;
    reader->base = plus(reader->base, reader->base_step);
    reader->packed_point = reader->base;
    reader->column = in->data + shape->at;
    reading->value_count = shape->columns;
}

static void read_packed_head(struct hyp_log_reader *reader, struct hyp_log_reading *reading)
{
    struct hyp_bytes *in = &reader->in;
    unsigned head = hyp_bytes_u8(in);
    unsigned number = head & HYP_LOG_SHAPE_MASK;
    if (number > reader->shape_count) {
        in->failed = true;
        return;
    }
    if ((head & HYP_LOG_SAME_STEPS) == 0) {
        reader->device_step = hyp_bytes_svarint(in);
        reader->base_step = number == 0 ? reader->base_step : hyp_bytes_svarint(in);
    }
    reading->device = plus(reader->device, reader->device_step);
    reading->time = reader->time;
    if ((head & HYP_LOG_SAME_TIME) == 0) {
        reading->time = plus(reader->time, hyp_bytes_svarint(in));
    }
    if ((head & HYP_LOG_SAME_ORIGIN) == 0) {
        reader->delay = hyp_bytes_svarint(in);
        reader->origin = hyp_bytes_u8(in);
    }
    reading->receive = plus(reading->time, reader->delay);
    if ((head & HYP_LOG_HAS_FRAME) != 0) {
        uint64_t frame = hyp_bytes_varint(in);
        in->failed |= frame == 0 || frame > HYP_LIMIT_BATCH_FRAMES;
        reading->frame = (uint32_t)frame;
    }
    begin_values(reader, number, reading);
}

enum hyp_status hyp_log_next(struct hyp_log_reader *reader, struct hyp_log_reading *ret_reading)
{
    if (reader->readings_left == 0) {
        return is_at_end(reader) ? HYP_NOT_FOUND : HYP_MALFORMED;
    }
    struct hyp_log_reading reading = {0};
    if (reader->shape_count == 0) {
        read_plain_head(reader, &reading);
    } else {
        read_packed_head(reader, &reading);
    }
    reading.kind = reader->origin >> 4;
    reading.source = reader->origin & LOW_BITS;
    if (hyp_bytes_failed(&reader->in) || reading.kind < HYP_READING_CURRENT ||
        reading.kind > HYP_READING_EVENT || reading.source < HYP_SOURCE_AUTOMATIC ||
        reading.source > HYP_SOURCE_PUSH) {
        return HYP_MALFORMED;
    }
    reader->device = reading.device;
    reader->time = reading.time;
    reader->values_left = reading.value_count;
    reader->readings_left--;
    *ret_reading = reading;
    return HYP_OK;
}

/* The next value of a reading with a shape; its fields are known to be there. */
static void read_packed_value(struct hyp_log_reader *reader, struct hyp_log_value *ret_value)
{
    struct hyp_bytes column = hyp_bytes_from(reader->column, HYP_LOG_COLUMN_BYTES);
    reader->column += HYP_LOG_COLUMN_BYTES;
    int32_t step = (int32_t)hyp_bytes_le32(&column);
    int8_t exp10 = (int8_t)hyp_bytes_u8(&column);
    uint8_t meaning = hyp_bytes_u8(&column);
    unsigned width = hyp_bytes_u8(&column);
    uint64_t least = hyp_bytes_le64(&column);
    uint64_t payload = least + hyp_bits_get_long(&reader->fields, width);
    reader->packed_point = plus(reader->packed_point, step);
    uint8_t kind = meaning >> 4;
    *ret_value =
        (struct hyp_log_value){.point = reader->packed_point,
                               .quality = meaning & LOW_BITS,
                               .kind = kind,
                               .exp10 = kind == HYP_VALUE_DECIMAL ? exp10 : 0,
                               .payload = kind == HYP_VALUE_UNSET ? 0 : (int64_t)payload};
}

static void read_payload(struct hyp_bytes *in, struct hyp_log_value *value)
{
    value->kind = hyp_bytes_u8(in);
    switch ((enum hyp_value_kind)value->kind) {
    case HYP_VALUE_DECIMAL:
        value->exp10 = (int8_t)hyp_bytes_u8(in);
        value->payload = hyp_bytes_svarint(in);
        return;
    case HYP_VALUE_CIVIL: value->payload = hyp_bytes_svarint(in); return;
    case HYP_VALUE_FLAGS: value->payload = (int64_t)hyp_bytes_varint(in); return;
    case HYP_VALUE_TEXT:
        value->text.len = (size_t)hyp_bytes_varint(in);
        value->text.ptr = (const char *)hyp_bytes_take(in, value->text.len);
        return;
    case HYP_VALUE_UNSET: break;
    }
    in->failed = true;
}

enum hyp_status hyp_log_next_value(struct hyp_log_reader *reader,
                                   struct hyp_log_value *ret_value)
{
    struct hyp_bytes *in = &reader->in;
    if (reader->values_left == 0) {
        return HYP_MALFORMED;
    }
    if (reader->column != NULL) {
        read_packed_value(reader, ret_value);
        reader->values_left--;
        return HYP_OK;
    }
    uint8_t head = hyp_bytes_u8(in);
    unsigned step = head >> STEP_SHIFT & 7u;
    int64_t move = step == STEP_FOLLOWS ? hyp_bytes_svarint(in) : (int64_t)step + 1;
    struct hyp_log_value value = {.point = plus(reader->point, move)};
    if ((head & OTHER) == 0) {
        value.quality = HYP_QUALITY_GOOD;
        value.kind = HYP_VALUE_DECIMAL;
        value.exp10 = (int8_t) - (int)(head & LOW_BITS);
        value.payload = hyp_bytes_svarint(in);
    } else {
        value.quality = (uint8_t)(head & LOW_BITS);
        if (value.quality == HYP_QUALITY_UNSET || value.quality > HYP_QUALITY_LAST) {
            return HYP_MALFORMED;
        }
        if (hyp_quality_is_usable((enum hyp_quality)value.quality)) {
            read_payload(in, &value);
        }
    }
    if (hyp_bytes_failed(in)) {
        return HYP_MALFORMED;
    }
    reader->point = value.point;
    reader->values_left--;
    *ret_value = value;
    return HYP_OK;
}
