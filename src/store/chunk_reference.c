/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_reference.h"

#include "model/value.h"

#define RELATION_MASK 0x03u
#define PRODUCT 0x04u

void hyp_chunk_reference_write(struct hyp_buf *out, const struct hyp_chunk_reference *reference)
{
    unsigned product = reference->count > 1 ? PRODUCT : 0u;
    hyp_buf_append_u8(out, (uint8_t)(reference->relation | product));
    for (size_t i = 0; i < reference->count; i++) {
        hyp_buf_append_varint(out, reference->columns[i]);
    }
    hyp_buf_append_svarint(out, reference->factor);
    if (reference->relation == HYP_RELATION_INTEGRAL) {
        hyp_buf_append_varint(out, (uint64_t)reference->unit);
    }
}

void hyp_chunk_reference_read(struct hyp_bytes *in, struct hyp_chunk_reference *reference)
{
    uint8_t kind = hyp_bytes_u8(in);
    *reference = (struct hyp_chunk_reference){
        .relation = kind & RELATION_MASK,
        .count = (kind & PRODUCT) != 0 ? HYP_REFERENCE_COLUMNS : 1,
        .unit = 1,
    };
    for (size_t i = 0; i < reference->count; i++) {
        uint64_t column = hyp_bytes_varint(in);
        in->failed |= column > UINT32_MAX;
        reference->columns[i] = (uint32_t)column;
    }
    reference->factor = hyp_bytes_svarint(in);
    if (reference->relation == HYP_RELATION_INTEGRAL) {
        reference->unit = (int64_t)hyp_bytes_varint(in);
    }
    in->failed |= (kind & ~(RELATION_MASK | PRODUCT)) != 0 || reference->unit <= 0 ||
                  (reference->relation != HYP_RELATION_LEVEL &&
                   reference->relation != HYP_RELATION_INTEGRAL);
}

void hyp_chunk_spread_digits(const struct hyp_chunk_cells *cells, const int64_t *digits,
                             size_t row_count, int64_t *ret_line)
{
    int64_t running = 0;
    size_t row = 0;
    for (size_t i = 0; i < cells->count; i++) {
        if (!hyp_quality_is_usable((enum hyp_quality)cells->qualities[i])) {
            continue;
        }
        for (; row < cells->rows[i]; row++) {
            ret_line[row] = running;
        }
        running = *digits++;
    }
    for (; row < row_count; row++) {
        ret_line[row] = running;
    }
}

void hyp_chunk_reference_source(const struct hyp_chunk_reference *reference,
                                const int64_t *const x[HYP_REFERENCE_COLUMNS], size_t row_count,
                                int64_t *ret_line)
{
    if (reference->count == 1) {
        for (size_t r = 0; r < row_count; r++) {
            ret_line[r] = x[0][r];
        }
        return;
    }
    for (size_t r = 0; r < row_count; r++) {
        ret_line[r] = (int64_t)((uint64_t)x[0][r] * ((uint64_t)x[1][r] - (uint64_t)x[2][r]));
    }
}

static int64_t times_factor(int64_t factor, int64_t x)
{
    __extension__ typedef __int128 wide;
    return (int64_t)((wide)factor * x >> 32);
}

static int64_t times_span(int64_t x, uint64_t span, int64_t unit)
{
    __extension__ typedef __int128 wide;
    return (int64_t)((wide)x * (wide)span / unit);
}

void hyp_chunk_reference_line(const struct hyp_chunk_reference *reference, const int64_t *times,
                              size_t row_count, int64_t *line)
{
    uint64_t sum = 0;
    /* The reader lets no other unit in; nothing here shall rest on that. */
    int64_t unit = reference->unit > 0 ? reference->unit : 1;
    bool integral = reference->relation == HYP_RELATION_INTEGRAL;
    for (size_t r = 0; r < row_count; r++) {
        if (!integral) {
            line[r] = times_factor(reference->factor, line[r]);
            continue;
        }
        uint64_t span = r == 0 ? 0 : (uint64_t)times[r] - (uint64_t)times[r - 1];
        /* The division is the dear part, and nearly every span is the unit. */
        int64_t part = span == (uint64_t)unit ? line[r] : times_span(line[r], span, unit);
        sum += (uint64_t)part;
        line[r] = times_factor(reference->factor, (int64_t)sum);
    }
}
