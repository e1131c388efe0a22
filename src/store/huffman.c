/* SPDX-License-Identifier: Apache-2.0 */
#include "store/huffman.h"

#include <assert.h>

#define DIRECT 16u
#define DIRECT_BITS 4u
#define QUARTER_BITS 2u
#define FIRST_LENGTH 4u
#define LENGTH_BITS 4u
#define CODES (1u << HYP_HUFFMAN_LENGTH_MAX)

static unsigned symbol_of(uint64_t z)
{
    if (z < DIRECT) {
        return (unsigned)z;
    }
    unsigned b = 63u - (unsigned)__builtin_clzll(z);
    return DIRECT + (b - DIRECT_BITS) * 4u + (unsigned)(z >> (b - QUARTER_BITS) & 3u);
}

/* Plain bits behind the code of a symbol. */
static unsigned low_bits_of(unsigned symbol)
{
    return symbol < DIRECT ? 0 : (symbol - DIRECT) / 4u + DIRECT_BITS - QUARTER_BITS;
}

static uint64_t least_of(unsigned symbol)
{
    return symbol < DIRECT ? symbol
                           : (uint64_t)(4u + (symbol - DIRECT) % 4u) << low_bits_of(symbol);
}

/* --- lengths --- */

struct node {
    uint32_t count;
    uint16_t parent; /* 0 = none yet; node 0 is a leaf, and leaves are no parents */
};

/* Symbols in use by ascending count. Returns how many. */
static unsigned sort_used(const uint32_t counts[static HYP_HUFFMAN_SYMBOLS],
                          uint16_t used[static HYP_HUFFMAN_SYMBOLS])
{
    unsigned n = 0;
    for (unsigned s = 0; s < HYP_HUFFMAN_SYMBOLS; s++) {
        if (counts[s] == 0) {
            continue;
        }
        unsigned at = n++;
        for (; at > 0 && counts[used[at - 1]] > counts[s]; at--) {
            used[at] = used[at - 1];
        }
        used[at] = (uint16_t)s;
    }
    return n;
}

/* Lengths of a code for n >= 2 sorted symbols, by two queues. Returns the greatest length. */
static unsigned find_lengths(const uint32_t counts[static HYP_HUFFMAN_SYMBOLS],
                             const uint16_t *used, unsigned n, uint8_t *lengths)
{
    struct node nodes[2 * HYP_HUFFMAN_SYMBOLS];
    for (unsigned i = 0; i < n; i++) {
        nodes[i] = (struct node){.count = counts[used[i]]};
    }
    unsigned leaf = 0;
    unsigned inner = n;
    for (unsigned next = n; next < 2 * n - 1; next++) {
        nodes[next] = (struct node){0};
        for (unsigned child = 0; child < 2; child++) {
            bool take_leaf =
                leaf < n && (inner == next || nodes[leaf].count <= nodes[inner].count);
            unsigned taken = take_leaf ? leaf++ : inner++;
            nodes[next].count += nodes[taken].count;
            nodes[taken].parent = (uint16_t)next;
        }
    }
    uint8_t depth[2 * HYP_HUFFMAN_SYMBOLS];
    unsigned most = 0;
    depth[2 * n - 2] = 0;
    for (unsigned i = 2 * n - 2; i-- > 0;) {
        depth[i] = (uint8_t)(depth[nodes[i].parent] + 1u);
        if (i < n) {
            lengths[used[i]] = depth[i];
            most = depth[i] > most ? depth[i] : most;
        }
    }
    return most;
}

static unsigned reverse(unsigned code, unsigned length)
{
    unsigned reversed = 0;
    for (unsigned i = 0; i < length; i++) {
        reversed = reversed << 1 | (code >> i & 1u);
    }
    return reversed;
}

/* Canonical codes from lengths. False when the code is not exactly full. */
static bool assign_codes(struct hyp_huffman *huffman)
{
    unsigned of_length[HYP_HUFFMAN_LENGTH_MAX + 1] = {0};
    unsigned next[HYP_HUFFMAN_LENGTH_MAX + 1] = {0};
    unsigned used = 0;
    for (unsigned s = 0; s < HYP_HUFFMAN_SYMBOLS; s++) {
        if (huffman->lengths[s] > 0) {
            of_length[huffman->lengths[s]]++;
            used++;
        }
    }
    unsigned code = 0;
    for (unsigned length = 1; length <= HYP_HUFFMAN_LENGTH_MAX; length++) {
        next[length] = code;
        code = (code + of_length[length]) << 1;
    }
    for (unsigned s = 0; s < HYP_HUFFMAN_SYMBOLS; s++) {
        unsigned length = huffman->lengths[s];
        if (length > 0) {
            huffman->codes[s] = (uint16_t)reverse(next[length]++, length);
        }
    }
    return code == CODES << 1 || (used == 1 && of_length[1] == 1);
}

/* --- writing --- */

/* Bits of a length in the table; puts them when `bits` is not NULL. */
static unsigned put_length(struct hyp_bit_writer *bits, unsigned length, unsigned before)
{
    uint64_t field = 7u | (uint64_t)length << 3;
    unsigned width = 3 + LENGTH_BITS;
    if (length == before) {
        field = 0;
        width = 1;
    } else if (length == before + 1) {
        field = 1;
        width = 2;
    } else if (length + 1 == before && length > 0) {
        field = 3;
        width = 3;
    }
    if (bits != NULL) {
        hyp_bits_put(bits, field, width);
    }
    return width;
}

/* Bits of the whole table; puts them when `bits` is not NULL. */
static unsigned put_table(const struct hyp_huffman *huffman, struct hyp_bit_writer *bits)
{
    unsigned first = 0;
    while (huffman->lengths[first] == 0) {
        first++;
    }
    unsigned last = HYP_HUFFMAN_SYMBOLS - 1;
    while (huffman->lengths[last] == 0) {
        last--;
    }
    if (bits != NULL) {
        hyp_bits_put(bits, first | (last - first) << 8, 16);
    }
    unsigned width = 16;
    unsigned before = FIRST_LENGTH;
    for (unsigned s = first; s <= last; s++) {
        width += put_length(bits, huffman->lengths[s], before);
        before = huffman->lengths[s] > 0 ? huffman->lengths[s] : before;
    }
    return width;
}

uint64_t hyp_huffman_make(struct hyp_huffman *huffman, const uint64_t *z, size_t n)
{
    uint32_t counts[HYP_HUFFMAN_SYMBOLS] = {0};
    for (size_t i = 0; i < n; i++) {
        counts[symbol_of(z[i])]++;
    }
    uint32_t weights[HYP_HUFFMAN_SYMBOLS];
    memcpy(weights, counts, sizeof(weights));
    uint16_t used[HYP_HUFFMAN_SYMBOLS];
    unsigned symbols = sort_used(counts, used);
    memset(huffman->lengths, 0, sizeof(huffman->lengths));
    huffman->lengths[used[0]] = 1;
    while (symbols > 1 &&
           find_lengths(weights, used, symbols, huffman->lengths) > HYP_HUFFMAN_LENGTH_MAX) {
        /* Rare symbols have become too long: flatter weights, in the same order. */
        for (unsigned s = 0; s < HYP_HUFFMAN_SYMBOLS; s++) {
            weights[s] = weights[s] == 0 ? 0 : weights[s] / 2 + 1;
        }
    }
    uint64_t bits = put_table(huffman, NULL);
    for (unsigned i = 0; i < symbols; i++) {
        bits += (uint64_t)counts[used[i]] * (huffman->lengths[used[i]] + low_bits_of(used[i]));
    }
    return bits;
}

void hyp_huffman_put(struct hyp_huffman *huffman, struct hyp_bit_writer *bits,
                     const uint64_t *z, size_t n)
{
    bool full = assign_codes(huffman);
    assert(full);
    (void)full;
    put_table(huffman, bits);
    struct hyp_bit_writer out = *bits; /* bytes may be anything's: not kept in *bits */
    for (size_t i = 0; i < n; i++) {
        unsigned symbol = symbol_of(z[i]);
        unsigned low = low_bits_of(symbol);
        unsigned length = huffman->lengths[symbol];
        uint64_t rest = z[i] & (((uint64_t)1 << low) - 1);
        if (low <= 32) {
            hyp_bits_put(&out, huffman->codes[symbol] | rest << length, length + low);
        } else {
            hyp_bits_put(&out, huffman->codes[symbol], length);
            hyp_bits_put_long(&out, rest, low);
        }
    }
    *bits = out;
}

/* --- reading --- */

static unsigned get_length(struct hyp_bit_reader *bits, unsigned before)
{
    uint64_t word = hyp_bits_peek(bits);
    if ((word & 1) == 0) {
        bits->pos += 1;
        return before;
    }
    if ((word & 2) == 0) {
        bits->pos += 2;
        return before + 1;
    }
    if ((word & 4) == 0) {
        bits->pos += 3;
        return before - 1;
    }
    bits->pos += 3 + LENGTH_BITS;
    return (unsigned)(word >> 3) & ((1u << LENGTH_BITS) - 1u);
}

static bool get_table(struct hyp_bit_reader *bits, struct hyp_huffman *huffman)
{
    memset(huffman, 0, sizeof(*huffman));
    unsigned first = (unsigned)hyp_bits_get(bits, 8);
    unsigned last = first + (unsigned)hyp_bits_get(bits, 8);
    unsigned before = FIRST_LENGTH;
    for (unsigned s = first; s <= last; s++) {
        unsigned length = get_length(bits, before);
        if (s >= HYP_HUFFMAN_SYMBOLS || length > HYP_HUFFMAN_LENGTH_MAX) {
            return false;
        }
        huffman->lengths[s] = (uint8_t)length;
        before = length > 0 ? length : before;
    }
    return assign_codes(huffman);
}

/* What the next bits mean, in one word, so that the loop that waits for it loads only once:
 * bits of code and number together, plain ones of them, symbol. 0: no code begins like that. */
#define LOW_SHIFT 8
#define SYMBOL_SHIFT 16
#define FIELD_MASK 0xFFu

struct meanings {
    uint32_t by_code[CODES];
    uint64_t least[HYP_HUFFMAN_SYMBOLS]; /* number of each symbol in use */
};

static void list_meanings(const struct hyp_huffman *huffman, struct meanings *meanings)
{
    memset(meanings->by_code, 0, sizeof(meanings->by_code));
    for (unsigned s = 0; s < HYP_HUFFMAN_SYMBOLS; s++) {
        unsigned length = huffman->lengths[s];
        if (length == 0) {
            continue;
        }
        unsigned low = low_bits_of(s);
        meanings->least[s] = least_of(s);
        uint32_t meaning = (length + low) | low << LOW_SHIFT | s << SYMBOL_SHIFT;
        for (unsigned at = huffman->codes[s]; at < CODES; at += 1u << length) {
            meanings->by_code[at] = meaning;
        }
    }
}

/* One number that is too long to be read with others. False at a code that does not exist. */
static bool get_long(struct hyp_bit_reader *bits, const struct meanings *meanings,
                     uint64_t *ret_z)
{
    uint32_t meaning = meanings->by_code[hyp_bits_peek(bits) & (CODES - 1)];
    if (meaning == 0) {
        return false;
    }
    unsigned low = meaning >> LOW_SHIFT & FIELD_MASK;
    bits->pos += (meaning & FIELD_MASK) - low;
    *ret_z = meanings->least[meaning >> SYMBOL_SHIFT] + hyp_bits_get_long(bits, low);
    return true;
}

bool hyp_huffman_get(struct hyp_bit_reader *bits, uint64_t *z, size_t n)
{
    struct hyp_huffman huffman;
    if (!get_table(bits, &huffman)) {
        return false;
    }
    struct meanings meanings;
    list_meanings(&huffman, &meanings);
    for (size_t i = 0; i < n;) {
        /* As many numbers as are whole in the bits at hand. A code that reaches behind them is
         * longer than what is left, whatever the zeros there look like. */
        uint64_t word = hyp_bits_peek(bits);
        unsigned used = 0;
        while (i < n) {
            uint32_t meaning = meanings.by_code[word & (CODES - 1)];
            unsigned total = meaning & FIELD_MASK;
            if (used + total > HYP_BITS_PEEKED || meaning == 0) {
                break;
            }
            unsigned low = meaning >> LOW_SHIFT & FIELD_MASK;
            uint64_t rest = word >> (total - low);
            z[i++] =
                meanings.least[meaning >> SYMBOL_SHIFT] + (rest & (((uint64_t)1 << low) - 1));
            word >>= total;
            used += total;
        }
        bits->pos += used;
        if (used == 0 && !get_long(bits, &meanings, &z[i++])) {
            return false;
        }
    }
    return true;
}
