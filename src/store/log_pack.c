/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_pack.h"

#include "base/attr.h"
#include "base/limits.h"
#include "store/log_format.h"
#include "store/reserve.h"
#include "store/sequence_format.h"

#include <stdlib.h>

/* Fewer readings are not worth a shape. */
#define USES_MIN 4
/* Of what a shape's readings would take without it, one of so many is told from. */
#define WEIGHED_EVERY 16u

void hyp_log_pack_init(struct hyp_log_pack *pack)
{
    *pack = (struct hyp_log_pack){0};
    hyp_buf_init_heap(&pack->fields, HYP_LIMIT_LOG_BLOB);
}

void hyp_log_pack_finish(struct hyp_log_pack *pack)
{
    free(pack->columns);
    hyp_buf_finish(&pack->fields);
    *pack = (struct hyp_log_pack){0};
}

void hyp_log_pack_reset(struct hyp_log_pack *pack)
{
    pack->shape_count = 0;
    pack->last = 0;
    pack->column_count = 0;
}

/* --- seeing --- */

/* The step between the points of two columns; INT64_MIN when it has no place in a shape. */
static int64_t step_between(int64_t before, int64_t point)
{
    int64_t step = (int64_t)((uint64_t)point - (uint64_t)before);
    return step < INT32_MIN || step > INT32_MAX ? INT64_MIN : step;
}

static uint8_t meaning_of(const struct hyp_column *column, const struct hyp_cell *cell)
{
    bool usable = hyp_quality_is_usable((enum hyp_quality)cell->quality);
    return (uint8_t)((usable ? column->value_kind : HYP_VALUE_UNSET) << 4 | cell->quality);
}

/* Everything but texts. */
static bool is_packable(const struct hyp_column *columns, const struct hyp_cell *cells,
                        size_t count)
{
    int64_t before = count > 0 ? columns[cells[0].column].point : 0;
    for (size_t i = 0; i < count; i++) {
        const struct hyp_column *column = &columns[cells[i].column];
        if (column->value_kind == HYP_VALUE_TEXT ||
            step_between(before, column->point) == INT64_MIN) {
            return false;
        }
        before = column->point;
    }
    return count > 0 && count <= UINT16_MAX;
}

static bool has_shape(const struct hyp_log_pack *pack, const struct hyp_log_shape *shape,
                      const struct hyp_column *columns, const struct hyp_cell *cells,
                      size_t count)
{
    if (shape->columns != count) {
        return false;
    }
    const struct hyp_log_column *model = &pack->columns[shape->first];
    /* All is compared: it nearly always agrees, and then nothing has to be foretold. */
    int64_t before = columns[cells[0].column].point;
    uint64_t steps = 0;
    unsigned others = 0;
    for (size_t i = 0; i < count; i++) {
        const struct hyp_column *column = &columns[cells[i].column];
        int64_t step = (int64_t)((uint64_t)column->point - (uint64_t)before);
        steps |= (uint64_t)(step ^ model[i].step);
        others |= (uint8_t)(cells[i].exp10 ^ model[i].exp10);
        others |= (unsigned)(cells[i].quality ^ model[i].quality);
        others |= (unsigned)(column->value_kind ^ model[i].kind);
        before = column->point;
    }
    return steps == 0 && others == 0;
}

static enum hyp_status add_shape(struct hyp_log_pack *pack, const struct hyp_column *columns,
                                 const struct hyp_cell *cells, size_t count)
{
    enum hyp_status status = hyp_reserve(&pack->columns, &pack->column_capacity,
                                         pack->column_count + count, sizeof(*pack->columns));
    if (status != HYP_OK) {
        return status;
    }
    pack->last = pack->shape_count;
    pack->shapes[pack->shape_count++] =
        (struct hyp_log_shape){.first = pack->column_count, .columns = (uint32_t)count};
    int64_t before = columns[cells[0].column].point;
    for (size_t i = 0; i < count; i++) {
        const struct hyp_column *column = &columns[cells[i].column];
        pack->columns[pack->column_count++] =
            (struct hyp_log_column){.least = cells[i].payload,
                                    .most = cells[i].payload,
                                    .step = (int32_t)step_between(before, column->point),
                                    .exp10 = cells[i].exp10,
                                    .quality = cells[i].quality,
                                    .kind = column->value_kind,
                                    .meaning = meaning_of(column, &cells[i])};
        before = column->point;
    }
    return HYP_OK;
}

/* Finds the shape; HYP_LOG_SHAPES = none. */
static unsigned find_shape(const struct hyp_log_pack *pack, const struct hyp_column *columns,
                           const struct hyp_cell *cells, size_t count)
{
    if (pack->shape_count > 0 &&
        has_shape(pack, &pack->shapes[pack->last], columns, cells, count)) {
        return pack->last;
    }
    for (unsigned i = 0; i < pack->shape_count; i++) {
        if (i != pack->last && has_shape(pack, &pack->shapes[i], columns, cells, count)) {
            return i;
        }
    }
    return HYP_LOG_SHAPES;
}

/* Bytes of a number as a varint: one for every seven bits. */
static unsigned varint_bytes(uint64_t value)
{
    return (hyp_bit_length(value | 1) * 9 + 64) / 64;
}

static uint64_t plain_bytes(const struct hyp_cell *cells, size_t count)
{
    uint64_t bytes = count;
    for (size_t i = 0; i < count; i++) {
        bytes += varint_bytes(hyp_buf_zigzag(cells[i].payload));
    }
    return bytes;
}

enum hyp_status hyp_log_pack_see(struct hyp_log_pack *pack, const struct hyp_column *columns,
                                 const struct hyp_cell *cells, size_t count, uint8_t *ret_shape)
{
    *ret_shape = 0;
    unsigned found = count == 0 ? HYP_LOG_SHAPES : find_shape(pack, columns, cells, count);
    if (found == HYP_LOG_SHAPES) {
        if (pack->shape_count == HYP_LOG_SHAPES || !is_packable(columns, cells, count)) {
            return HYP_OK;
        }
        enum hyp_status status = add_shape(pack, columns, cells, count);
        if (status != HYP_OK) {
            return status;
        }
        found = pack->last;
    }
    struct hyp_log_shape *shape = &pack->shapes[found];
    struct hyp_log_column *model = &pack->columns[shape->first];
    for (size_t i = 0; i < count; i++) {
        int64_t payload = cells[i].payload;
        model[i].least = HYP_MIN(model[i].least, payload);
        model[i].most = HYP_MAX(model[i].most, payload);
    }
    if (shape->uses % WEIGHED_EVERY == 0) {
        shape->plain_bytes += WEIGHED_EVERY * plain_bytes(cells, count);
    }
    shape->uses++;
    pack->last = found;
    *ret_shape = (uint8_t)(found + 1);
    return HYP_OK;
}

/* --- beginning --- */

/* Numbers the shapes that are shorter than their values one by one. Returns how many, and the
 * bits of all their fields. */
static unsigned number_shapes(struct hyp_log_pack *pack, uint64_t *ret_bits)
{
    unsigned kept = 0;
    *ret_bits = 0;
    for (unsigned i = 0; i < pack->shape_count; i++) {
        struct hyp_log_shape *shape = &pack->shapes[i];
        shape->bits = 0;
        shape->number = 0;
        for (uint32_t c = 0; c < shape->columns; c++) {
            struct hyp_log_column *column = &pack->columns[shape->first + c];
            uint64_t range = (uint64_t)column->most - (uint64_t)column->least;
            column->width = (uint8_t)hyp_bit_length(range);
            shape->bits += column->width;
        }
        uint64_t bits = shape->bits * shape->uses;
        uint64_t table = (uint64_t)shape->columns * HYP_LOG_COLUMN_BYTES;
        if (shape->uses >= USES_MIN && table + bits / 8 < shape->plain_bytes) {
            shape->number = (uint8_t)++kept;
            *ret_bits += bits;
        }
    }
    return kept;
}

static void write_shape(const struct hyp_log_pack *pack, const struct hyp_log_shape *shape,
                        struct hyp_buf *out)
{
    hyp_buf_append_varint(out, shape->columns);
    for (uint32_t c = 0; c < shape->columns; c++) {
        const struct hyp_log_column *column = &pack->columns[shape->first + c];
        hyp_buf_append_le32(out, (uint32_t)column->step);
        hyp_buf_append_u8(out, (uint8_t)column->exp10);
        hyp_buf_append_u8(out, column->meaning);
        hyp_buf_append_u8(out, column->width);
        hyp_buf_append_le64(out, (uint64_t)column->least);
    }
}

bool hyp_log_pack_begin(struct hyp_log_pack *pack, struct hyp_buf *out, int64_t frame_row,
                        size_t readings)
{
    uint64_t bits;
    unsigned kept = number_shapes(pack, &bits);
    if (kept == 0) {
        return false;
    }
    hyp_log_begin(&pack->writer, out, frame_row, readings);
    if (hyp_buf_status(out) == HYP_OK) {
        out->data[pack->writer.start] = HYP_LOG_PACKED;
    }
    hyp_buf_append_u8(out, (uint8_t)kept);
    for (unsigned i = 0; i < pack->shape_count; i++) {
        if (pack->shapes[i].number != 0) {
            write_shape(pack, &pack->shapes[i], out);
        }
    }
    size_t bytes = (size_t)((bits + 7) / 8);
    hyp_buf_append_varint(out, bytes);
    hyp_buf_reset(&pack->fields);
    pack->bits =
        (struct hyp_bit_writer){.at = hyp_buf_room(&pack->fields, bytes + sizeof(uint64_t))};
    pack->device_step = 0;
    pack->base = 0;
    pack->base_step = 0;
    pack->delay = 0;
    pack->origin = 0;
    return true;
}

/* --- readings --- */

static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* What is as in the reading before costs a bit; what is not follows the head. */
static void write_head(struct hyp_log_pack *pack, const struct hyp_log_reading *reading,
                       uint8_t number, int64_t base)
{
    struct hyp_log_writer *writer = &pack->writer;
    int64_t device_step = minus(reading->device, writer->device);
    int64_t base_step = number == 0 ? pack->base_step : minus(base, pack->base);
    int64_t delay = minus(reading->receive, reading->time);
    uint8_t origin = (uint8_t)(reading->kind << 4 | reading->source);
    bool same_steps = device_step == pack->device_step && base_step == pack->base_step;
    bool same_origin = delay == pack->delay && origin == pack->origin;
    bool same_time = reading->time == writer->time;
    unsigned head = number | (same_time ? HYP_LOG_SAME_TIME : 0u) |
                    (same_origin ? HYP_LOG_SAME_ORIGIN : 0u) |
                    (reading->frame != 0 ? HYP_LOG_HAS_FRAME : 0u) |
                    (same_steps ? HYP_LOG_SAME_STEPS : 0u);
    struct hyp_buf *out = writer->out;
    hyp_buf_append_u8(out, (uint8_t)head);
    if (!same_steps) {
        hyp_buf_append_svarint(out, device_step);
        if (number != 0) {
            hyp_buf_append_svarint(out, base_step);
        }
    }
    if (!same_time) {
        hyp_buf_append_svarint(out, minus(reading->time, writer->time));
    }
    if (!same_origin) {
        hyp_buf_append_svarint(out, delay);
        hyp_buf_append_u8(out, origin);
    }
    if (reading->frame != 0) {
        hyp_buf_append_varint(out, reading->frame);
    }
    writer->device = reading->device;
    writer->time = reading->time;
    pack->device_step = device_step;
    pack->base_step = base_step;
    pack->base = number == 0 ? pack->base : base;
    pack->delay = delay;
    pack->origin = origin;
}

/* As many fields as go into one word are put together: where they end is the same in every
 * reading of a shape, so the branches are foretold. */
static void put_fields(struct hyp_bit_writer *writer, const struct hyp_log_column *columns,
                       const struct hyp_cell *cells, size_t count)
{
    struct hyp_bit_writer bits = *writer; /* bytes may be anything's: not kept in *writer */
    uint64_t word = 0;
    unsigned filled = 0;
    for (size_t c = 0; c < count; c++) {
        uint64_t field = (uint64_t)cells[c].payload - (uint64_t)columns[c].least;
        unsigned width = columns[c].width;
        if (filled + width > HYP_BITS_PUT_MAX) {
            hyp_bits_put(&bits, word, filled);
            word = 0;
            filled = 0;
        }
        if (width > HYP_BITS_PUT_MAX) {
            hyp_bits_put_long(&bits, field, width);
            continue;
        }
        word |= field << filled;
        filled += width;
    }
    hyp_bits_put(&bits, word, filled);
    *writer = bits;
}

bool hyp_log_pack_reading(struct hyp_log_pack *pack, const struct hyp_log_reading *reading,
                          uint8_t shape, int64_t base, const struct hyp_cell *cells)
{
    static const struct hyp_log_shape none;
    const struct hyp_log_shape *chosen = shape == 0 ? &none : &pack->shapes[shape - 1];
    write_head(pack, reading, chosen->number, base);
    if (chosen->number == 0) {
        hyp_buf_append_varint(pack->writer.out, reading->value_count);
        return false;
    }
    if (pack->bits.at == NULL) {
        return true; /* the builder of the fields knows */
    }
    put_fields(&pack->bits, &pack->columns[chosen->first], cells, chosen->columns);
    return true;
}

enum hyp_status hyp_log_pack_end(struct hyp_log_pack *pack)
{
    if (hyp_buf_status(&pack->fields) != HYP_OK) {
        return hyp_buf_status(&pack->fields);
    }
    const uint8_t *begin = pack->fields.data;
    size_t bytes = (size_t)(hyp_bits_flush(&pack->bits) - begin);
    hyp_buf_append(pack->writer.out, begin, bytes);
    return hyp_log_end(&pack->writer);
}
