/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sequence.h"

#include "store/huffman.h"
#include "store/sequence_format.h"

static void read_runs(struct hyp_bytes *in, uint64_t *r, size_t n)
{
    uint64_t runs = hyp_bytes_varint(in);
    uint64_t value = 0;
    size_t at = 1;
    for (uint64_t run = 0; run < runs && !hyp_bytes_failed(in); run++) {
        value += (uint64_t)hyp_bytes_svarint(in);
        uint64_t len = hyp_bytes_varint(in);
        if (len >= n - at) {
            in->failed = true;
            return;
        }
        for (uint64_t i = 0; i <= len; i++) {
            r[at++] = value;
        }
    }
    in->failed |= at != n;
}

static struct hyp_bit_reader begin_bits(const struct hyp_bytes *in)
{
    return (struct hyp_bit_reader){.data = in->data + in->pos, .len = hyp_bytes_left(in)};
}

static void end_bits(struct hyp_bytes *in, const struct hyp_bit_reader *bits)
{
    hyp_bytes_skip(in, hyp_bits_bytes(bits));
}

static void read_packed(struct hyp_bytes *in, uint64_t *r, size_t n)
{
    uint64_t least = (uint64_t)hyp_bytes_svarint(in);
    unsigned width = hyp_bytes_u8(in);
    if (hyp_bytes_failed(in) || width > 64 || hyp_bytes_left(in) < ((n - 1) * width + 7) / 8) {
        in->failed = true;
        return;
    }
    struct hyp_bit_reader bits = begin_bits(in);
    for (size_t i = 1; i < n; i++) {
        r[i] = hyp_bits_get_long(&bits, width) + least;
    }
    end_bits(in, &bits);
}

static bool read_rice_block(struct hyp_bit_reader *reader, uint64_t *r, size_t n, uint64_t bias)
{
    unsigned k = (unsigned)hyp_bits_get(reader, RICE_K_BITS);
    if (k == RICE_ZERO_BLOCK) {
        for (size_t i = 0; i < n; i++) {
            r[i] = bias;
        }
        return true;
    }
    if (k > RICE_K_MAX) {
        return false;
    }
    struct hyp_bit_reader own = *reader; /* so that what is written cannot change it */
    struct hyp_bit_reader *bits = &own;
    uint64_t mask = ((uint64_t)1 << k) - 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t word = hyp_bits_peek(bits);
        unsigned unary = word == 0 ? 64 : (unsigned)__builtin_ctzll(word);
        if (unary < RICE_UNARY_MAX) {
            bits->pos += unary + 1 + k;
            uint64_t z = (uint64_t)unary << k | (word >> (unary + 1) & mask);
            r[i] = unzigzag(z) + bias;
        } else if (unary == RICE_UNARY_MAX) {
            bits->pos += RICE_UNARY_MAX + 1;
            r[i] = unzigzag(hyp_bits_get_long(bits, 64)) + bias;
        } else {
            return false;
        }
    }
    *reader = own;
    return true;
}

static void read_rice(struct hyp_bytes *in, uint64_t *r, size_t n)
{
    uint64_t bias = (uint64_t)hyp_bytes_svarint(in);
    struct hyp_bit_reader bits = begin_bits(in);
    bool good = !hyp_bytes_failed(in);
    for (size_t begin = 1; begin < n && good; begin += RICE_BLOCK) {
        size_t count = n - begin < RICE_BLOCK ? n - begin : RICE_BLOCK;
        good = read_rice_block(&bits, r + begin, count, bias);
    }
    if (good) {
        end_bits(in, &bits); /* fails when the bits went behind the end */
    } else {
        in->failed = true;
    }
}

static void read_huffman(struct hyp_bytes *in, uint64_t *r, size_t n)
{
    uint64_t bias = (uint64_t)hyp_bytes_svarint(in);
    struct hyp_bit_reader bits = begin_bits(in);
    if (hyp_bytes_failed(in) || !hyp_huffman_get(&bits, r + 1, n - 1)) {
        in->failed = true;
        return;
    }
    for (size_t i = 1; i < n; i++) {
        r[i] = unzigzag(r[i]) + bias;
    }
    end_bits(in, &bits);
}

/* Sums the residuals up again and puts first and step back in. */
static void restore(uint64_t *v, size_t n, unsigned order, uint64_t first, uint64_t step)
{
    v[0] = first;
    uint64_t slope = 0;
    uint64_t value = first;
    switch (order) {
    case 0:
        for (size_t i = 1; i < n; i++) {
            v[i] = v[i] * step + first;
        }
        return;
    case 1:
        for (size_t i = 1; i < n; i++) {
            value += v[i] * step;
            v[i] = value;
        }
        return;
    default:
        for (size_t i = 1; i < n; i++) {
            slope += v[i] * step;
            value += slope;
            v[i] = value;
        }
    }
}

void hyp_sequence_read(struct hyp_bytes *in, int64_t *values, size_t n)
{
    if (n == 0) {
        return;
    }
    uint8_t mode = hyp_bytes_u8(in);
    uint64_t first = (uint64_t)hyp_bytes_svarint(in);
    uint64_t step = (mode & MODE_STEP) != 0 ? hyp_bytes_varint(in) : 1;
    unsigned order = mode & ORDER_MASK;
    /* The differences were taken modulo 2^64, so the residuals are summed as such. */
    uint64_t *r = (uint64_t *)values;
    if (order > 2) {
        in->failed = true;
    }
    switch (mode >> METHOD_SHIFT & METHOD_MASK) {
    case METHOD_EQUAL: {
        uint64_t all = (uint64_t)hyp_bytes_svarint(in);
        for (size_t i = 1; i < n; i++) {
            r[i] = all;
        }
        break;
    }
    case METHOD_RUNS: read_runs(in, r, n); break;
    case METHOD_PACKED: read_packed(in, r, n); break;
    case METHOD_RICE: read_rice(in, r, n); break;
    case METHOD_HUFFMAN: read_huffman(in, r, n); break;
    default: in->failed = true; break;
    }
    if (hyp_bytes_failed(in)) {
        return;
    }
    restore(r, n, order, first, step);
}
