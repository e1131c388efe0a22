/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_column.h"

#include "model/value.h"
#include "store/chunk_choose.h"
#include "store/chunk_format.h"
#include "store/sequence.h"
#include "store/sequence_passes.h"
#include "store/series.h"

#include <string.h>

/* --- exponents and digits --- */

static bool is_usable(const struct hyp_cells *column, size_t i)
{
    return hyp_quality_is_usable((enum hyp_quality)column->qualities[i]);
}

static bool scale(int64_t digits, int places, int64_t *ret_digits)
{
    while (digits != 0 && places > 0) {
        if (__builtin_mul_overflow(digits, 10, &digits)) {
            return false;
        }
        places--;
    }
    *ret_digits = digits;
    return true;
}

static bool is_one_byte(const void *bytes, size_t n)
{
    return n == 0 || memcmp(bytes, (const uint8_t *)bytes + 1, n - 1) == 0;
}

/* Have all values the quality and the exponent of the first one? So they nearly always have. */
static bool is_uniform(const struct hyp_cells *column)
{
    return is_one_byte(column->qualities, column->cells) &&
           is_one_byte(column->exponents, column->cells);
}

void hyp_cells_look(struct hyp_cells *column)
{
    column->plain = is_usable(column, 0) && is_uniform(column);
    if (column->plain) {
        column->usable = column->cells;
        column->least = column->exponents[0];
        column->one_exponent = true;
        column->one_quality = true;
        column->scalable = true;
        return;
    }
    column->one_quality = is_one_byte(column->qualities, column->cells);
    column->usable = 0;
    column->least = INT8_MAX;
    column->one_exponent = true;
    bool any = false;
    int8_t first = 0;
    for (size_t i = 0; i < column->cells; i++) {
        if (!is_usable(column, i)) {
            continue;
        }
        column->usable++;
        first = any ? first : column->exponents[i];
        any = true;
        column->one_exponent &= column->exponents[i] == first;
        column->least = HYP_MIN(column->least, column->exponents[i]);
    }
    column->least = any ? column->least : 0;
    column->scalable = true;
    for (size_t i = 0; i < column->cells && !column->one_exponent && column->scalable; i++) {
        int64_t digits;
        column->scalable =
            !is_usable(column, i) ||
            scale(column->payloads[i], column->exponents[i] - column->least, &digits);
    }
}

/* Digits of value i at the least exponent; the column is scalable. */
static int64_t scaled(const struct hyp_cells *column, size_t i)
{
    int64_t digits = 0;
    HYP_IGNORE(scale(column->payloads[i], column->exponents[i] - column->least, &digits));
    return digits;
}

void hyp_cells_digits(const struct hyp_cells *column, int64_t *ret_digits)
{
    if (column->plain) {
        memcpy(ret_digits, column->payloads, column->cells * sizeof(*ret_digits));
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < column->cells; i++) {
        if (is_usable(column, i)) {
            ret_digits[n++] = scaled(column, i);
        }
    }
}

/* How the digits of a body are written. */
struct manner {
    enum hyp_chunk_exponents how;
    const struct hyp_chunk_reference *reference; /* NULL = none */
    const int64_t *line;                         /* of the reference, by row */
};

static void write_digits(struct hyp_buf *data, const struct hyp_cells *column,
                         const struct manner *manner, struct hyp_chunk_work *work)
{
    size_t n = 0;
    struct hyp_sequence_habit *habit =
        column->habit == NULL ? NULL : &column->habit->digits[manner->line != NULL];
    if (column->plain && manner->line == NULL) {
        hyp_sequence_write(data, column->payloads, column->cells, work->scratch, habit);
        return;
    }
    for (size_t i = 0; column->plain && i < column->cells; i++) {
        uint64_t line = (uint64_t)manner->line[column->row[i]];
        work->numbers[n++] = (int64_t)((uint64_t)column->payloads[i] - line);
    }
    bool as_they_came = manner->how <= HYP_CHUNK_RAW;
    for (size_t i = 0; !column->plain && i < column->cells; i++) {
        if (is_usable(column, i)) {
            uint64_t digits =
                (uint64_t)(as_they_came ? column->payloads[i] : scaled(column, i));
            uint64_t line = manner->line == NULL ? 0 : (uint64_t)manner->line[column->row[i]];
            work->numbers[n++] = (int64_t)(digits - line);
        }
    }
    hyp_sequence_write(data, work->numbers, n, work->scratch, habit);
}

static void write_exponents(struct hyp_buf *data, const struct hyp_cells *column,
                            struct hyp_chunk_work *work)
{
    size_t n = 0;
    for (size_t i = 0; i < column->cells; i++) {
        if (is_usable(column, i)) {
            work->numbers[n++] = column->exponents[i];
        }
    }
    hyp_sequence_write(data, work->numbers, n, work->scratch, NULL);
}

static bool all_shortest(const struct hyp_cells *column)
{
    for (size_t i = 0; i < column->cells; i++) {
        if (is_usable(column, i) &&
            hyp_chunk_shortest_exponent(scaled(column, i), column->least) !=
                column->exponents[i]) {
            return false;
        }
    }
    return true;
}

/* --- body --- */

static void write_row_numbers(struct hyp_buf *data, const struct hyp_cells *column,
                              struct hyp_chunk_work *work)
{
    for (size_t i = 0; i < column->cells; i++) {
        work->numbers[i] = column->row[i];
    }
    hyp_sequence_write(data, work->numbers, column->cells, work->scratch, NULL);
}

static void write_qualities(struct hyp_buf *data, const struct hyp_cells *column,
                            struct hyp_chunk_work *work)
{
    for (size_t i = 0; i < column->cells; i++) {
        work->numbers[i] = column->qualities[i];
    }
    hyp_sequence_write(data, work->numbers, column->cells, work->scratch, NULL);
}

static void write_body_as(struct hyp_buf *data, const struct hyp_cells *column,
                          const struct manner *manner, struct hyp_chunk_work *work)
{
    enum hyp_chunk_exponents how = manner->how;
    bool one = column->one_quality;
    unsigned flags = (unsigned)how | (one ? HYP_CHUNK_ONE_QUALITY : 0u) |
                     (manner->reference != NULL ? HYP_CHUNK_REFERENCE : 0u);
    hyp_buf_append_u8(data, (uint8_t)flags);
    if (manner->reference != NULL) {
        hyp_chunk_reference_write(data, manner->reference);
    }
    if (column->cells != column->rows->row_count) {
        write_row_numbers(data, column, work);
    }
    if (how == HYP_CHUNK_ONE_EXPONENT || how == HYP_CHUNK_SHORTEST) {
        hyp_buf_append_u8(data, (uint8_t)column->least);
    } else {
        write_exponents(data, column, work);
    }
    if (one) {
        hyp_buf_append_u8(data, column->qualities[0]);
    } else {
        write_qualities(data, column, work);
    }
    write_digits(data, column, manner, work);
}

/* Of two bodies written one after the other from `start` and `second` on keeps the shorter. */
static bool keep_shorter(struct hyp_buf *data, size_t start, size_t second)
{
    size_t len = data->len - second;
    if (hyp_buf_status(data) != HYP_OK || len >= second - start) {
        data->len = second;
        return false;
    }
    memmove(data->data + start, data->data + second, len);
    data->len = start + len;
    return true;
}

/* Where exponents differ, the ways to keep them are tried and the shortest one stays. */
static enum hyp_chunk_exponents write_plain_body(struct hyp_buf *data,
                                                 const struct hyp_cells *column,
                                                 struct hyp_chunk_work *work)
{
    struct manner manner = {.how = HYP_CHUNK_ONE_EXPONENT};
    if (column->one_exponent) {
        write_body_as(data, column, &manner, work);
        return manner.how;
    }
    size_t start = data->len;
    struct manner raw = {.how = HYP_CHUNK_RAW};
    write_body_as(data, column, &raw, work);
    if (!column->scalable) {
        return raw.how;
    }
    manner.how = all_shortest(column) ? HYP_CHUNK_SHORTEST : HYP_CHUNK_SCALED;
    size_t second = data->len;
    write_body_as(data, column, &manner, work);
    /* A column that others refer to has digits of one exponent. */
    if (column->is_source && hyp_buf_status(data) == HYP_OK) {
        memmove(data->data + start, data->data + second, data->len - second);
        data->len -= second - start;
        return manner.how;
    }
    return keep_shorter(data, start, second) ? manner.how : raw.how;
}

static void write_body(struct hyp_buf *data, const struct hyp_cells *column,
                       struct hyp_chunk_work *work)
{
    size_t start = data->len;
    bool only_reference = column->is_sure && column->one_exponent;
    struct manner manner = {.how = HYP_CHUNK_ONE_EXPONENT};
    if (!only_reference) {
        manner.how = write_plain_body(data, column, work);
    }
    if (column->reference == NULL || manner.how == HYP_CHUNK_RAW) {
        return;
    }
    size_t second = data->len;
    manner.reference = column->reference;
    manner.line = work->line;
    hyp_chunk_chooser_line(work->chooser, column->reference, work->line);
    write_body_as(data, column, &manner, work);
    if (!only_reference) {
        keep_shorter(data, start, second);
    }
}

/* --- statistics --- */

static void add_to_stats(struct hyp_chunk_stats *stats, int64_t digits)
{
    if (stats->count == 0) {
        stats->first = digits;
        stats->min = digits;
        stats->max = digits;
    }
    stats->last = digits;
    stats->min = HYP_MIN(stats->min, digits);
    stats->max = HYP_MAX(stats->max, digits);
    stats->sum += digits;
    stats->count++;
}

static void make_plain_stats(const struct hyp_cells *column, struct hyp_chunk_stats *stats)
{
    const int64_t *payloads = column->payloads;
    stats->count = column->cells;
    stats->first = payloads[0];
    stats->last = payloads[column->cells - 1];
    struct hyp_pass_range range = hyp_passes()->range(payloads, column->cells);
    stats->min = range.least;
    stats->max = range.most;
    stats->sum = range.sum;
}

/* Statistics over the shown version of every instant. */
static void make_stats(const struct hyp_cells *column, struct hyp_chunk_stats *stats)
{
    *stats = (struct hyp_chunk_stats){.exp10 = column->least};
    if (column->plain && column->distinct) {
        make_plain_stats(column, stats);
        return;
    }
    const struct hyp_row *rows = column->rows->rows;
    for (size_t i = 0; i < column->cells;) {
        size_t shown = i;
        size_t next = i + 1;
        for (;
             next < column->cells && rows[column->row[next]].time == rows[column->row[i]].time;
             next++) {
            if (hyp_series_is_better(column->qualities[next], rows[column->row[next]].kind,
                                     column->qualities[shown], rows[column->row[shown]].kind)) {
                shown = next;
            }
        }
        if (is_usable(column, shown)) {
            add_to_stats(stats, scaled(column, shown));
        }
        i = next;
    }
}

/* Does max - min fit, as the head wants it? */
static bool is_writable(const struct hyp_chunk_stats *stats)
{
    int64_t range;
    return stats->count > 0 && !__builtin_sub_overflow(stats->max, stats->min, &range);
}

static void append_varint128(struct hyp_buf *out, unsigned __int128 value)
{
    while (value >= 0x80) {
        hyp_buf_append_u8(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    hyp_buf_append_u8(out, (uint8_t)value);
}

static bool is_constant(const struct hyp_chunk_stats *stats)
{
    return stats->min == stats->max;
}

static void write_stats(struct hyp_buf *head, const struct hyp_chunk_stats *stats,
                        bool with_count)
{
    if (with_count) {
        hyp_buf_append_varint(head, stats->count);
    }
    hyp_buf_append_u8(head, (uint8_t)stats->exp10);
    hyp_buf_append_svarint(head, stats->first);
    if (is_constant(stats)) {
        return;
    }
    hyp_buf_append_svarint(head, stats->last - stats->first);
    hyp_buf_append_varint(head, (uint64_t)(stats->first - stats->min));
    hyp_buf_append_varint(head, (uint64_t)(stats->max - stats->min));
    hyp_int128 rest = stats->sum - (hyp_int128)stats->min * (hyp_int128)stats->count;
    append_varint128(head, (unsigned __int128)rest);
}

/* --- column --- */

void hyp_cells_write(const struct hyp_cells *column, uint8_t kind, int64_t step,
                     struct hyp_chunk_work *work, struct hyp_buf *head, struct hyp_buf *data)
{
    size_t start = data->len;
    write_body(data, column, work);
    struct hyp_chunk_stats stats = {0};
    if (kind == HYP_VALUE_DECIMAL && column->scalable) {
        make_stats(column, &stats);
    }
    bool has_stats = is_writable(&stats);
    bool with_count = has_stats && stats.count != column->usable;
    uint8_t flags = kind;
    flags |= column->cells == column->rows->row_count ? HYP_CHUNK_EVERY_ROW : 0u;
    flags |= column->usable == column->cells ? HYP_CHUNK_ALL_USABLE : 0u;
    flags |= has_stats ? HYP_CHUNK_STATS : 0u;
    flags |= has_stats && is_constant(&stats) ? HYP_CHUNK_CONSTANT : 0u;
    flags |= with_count ? HYP_CHUNK_COUNT : 0u;
    hyp_buf_append_varint(head, (uint64_t)step);
    hyp_buf_append_u8(head, flags);
    if ((flags & HYP_CHUNK_EVERY_ROW) == 0) {
        hyp_buf_append_varint(head, column->cells);
    }
    if ((flags & HYP_CHUNK_ALL_USABLE) == 0) {
        hyp_buf_append_varint(head, column->usable);
    }
    hyp_buf_append_varint(head, data->len - start);
    if (has_stats) {
        write_stats(head, &stats, with_count);
    }
}
