/* SPDX-License-Identifier: Apache-2.0 */
#include "store/huffman.h"

#include "store/lanes.h"

#include <assert.h>

#define DIRECT 16u
#define DIRECT_BITS 4u
#define QUARTER_BITS 2u
#define FIRST_LENGTH 4u
#define LENGTH_BITS 4u
#define CODES (1u << HYP_HUFFMAN_LENGTH_MAX)

/* Without a branch that nobody can foretell: numbers about DIRECT are as often below it. */
HYP_LANES_BODY unsigned symbol_of(uint64_t z)
{
    unsigned b = 63u - (unsigned)__builtin_clzll(z | DIRECT);
    unsigned quarter = (unsigned)(z >> (b - QUARTER_BITS)); /* 4..7 */
    unsigned far = DIRECT + (b - DIRECT_BITS) * 4u + quarter - 4u;
    return z < DIRECT ? (unsigned)z : far;
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

/* Symbols in use by ascending count, then by symbol. Returns how many. */
static unsigned sort_used(const uint32_t counts[static HYP_HUFFMAN_SYMBOLS],
                          uint16_t used[static HYP_HUFFMAN_SYMBOLS])
{
    uint64_t keys[HYP_HUFFMAN_SYMBOLS];
    unsigned n = 0;
    for (unsigned s = 0; s < HYP_HUFFMAN_SYMBOLS; s++) {
        if (counts[s] == 0) {
            continue;
        }
        uint64_t key = (uint64_t)counts[s] << 8 | s;
        unsigned at = n++;
        for (; at > 0 && keys[at - 1] > key; at--) {
            keys[at] = keys[at - 1];
        }
        keys[at] = key;
    }
    for (unsigned i = 0; i < n; i++) {
        used[i] = (uint16_t)(keys[i] & 0xFFu);
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

/* Two counts of each symbol, so that one need not wait for the same one before. */
HYP_LANES_BODY size_t count_symbols_body(const uint64_t *z, size_t n,
                                         uint32_t counts[static HYP_HUFFMAN_SYMBOLS])
{
    uint32_t others[HYP_HUFFMAN_SYMBOLS] = {0};
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        counts[symbol_of(z[i])]++;
        others[symbol_of(z[i + 1])]++;
    }
    if (i < n) {
        counts[symbol_of(z[i])]++;
    }
    for (unsigned s = 0; s < HYP_HUFFMAN_SYMBOLS; s++) {
        counts[s] += others[s];
    }
    return n;
}

HYP_LANES(size_t, count_symbols,
          (const uint64_t *z, size_t n, uint32_t counts[static HYP_HUFFMAN_SYMBOLS]),
          (z, n, counts))

uint64_t hyp_huffman_make(struct hyp_huffman *huffman, const uint64_t *z, size_t n)
{
    uint32_t counts[HYP_HUFFMAN_SYMBOLS] = {0};
    if (hyp_lanes_are_wide()) {
        count_symbols_wide(z, n, counts);
    } else {
        count_symbols_narrow(z, n, counts);
    }
    uint32_t weights[HYP_HUFFMAN_SYMBOLS];
    memcpy(weights, counts, sizeof(weights));
    uint16_t used[HYP_HUFFMAN_SYMBOLS];
    used[0] = 0; /* the compiler does not see that there is one */
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

/* How a symbol is written, in one word: its code, the code's length, the plain bits behind. */
#define WORD_LENGTH 16
#define WORD_LOW 24

static void list_words(const struct hyp_huffman *huffman, uint32_t words[HYP_HUFFMAN_SYMBOLS])
{
    for (unsigned s = 0; s < HYP_HUFFMAN_SYMBOLS; s++) {
        if (huffman->lengths[s] > 0) {
            words[s] = huffman->codes[s] | (uint32_t)huffman->lengths[s] << WORD_LENGTH |
                       (uint32_t)low_bits_of(s) << WORD_LOW;
        }
    }
}

struct field {
    uint64_t bits;
    unsigned width;
};

/* Code and plain bits of a number, of which there are at most 32. */
HYP_LANES_BODY struct field field_of(uint64_t z, uint32_t word)
{
    unsigned low = word >> WORD_LOW;
    unsigned length = word >> WORD_LENGTH & 0xFFu;
    uint64_t rest = z & (((uint64_t)1 << low) - 1);
    return (struct field){.bits = (word & (CODES - 1)) | rest << length, .width = length + low};
}

static void put_long(struct hyp_bit_writer *bits, uint64_t z, uint32_t word)
{
    unsigned low = word >> WORD_LOW;
    hyp_bits_put(bits, word & (CODES - 1), word >> WORD_LENGTH & 0xFFu);
    hyp_bits_put_long(bits, z & (((uint64_t)1 << low) - 1), low);
}

/* Two numbers at a time, where there is room for both. */
HYP_LANES_BODY struct hyp_bit_writer
put_numbers_body(struct hyp_bit_writer bits, const uint32_t *words, const uint64_t *z, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint32_t word = words[symbol_of(z[i])];
        uint32_t next = i + 1 < n ? words[symbol_of(z[i + 1])] : 0;
        if (word >> WORD_LOW > 32 || next >> WORD_LOW > 32) {
            put_long(&bits, z[i++], word);
            continue;
        }
        struct field first = field_of(z[i], word);
        struct field second = field_of(next == 0 ? 0 : z[i + 1], next);
        if (first.width + second.width <= HYP_BITS_PUT_MAX) {
            hyp_bits_put(&bits, first.bits | second.bits << first.width,
                         first.width + second.width);
        } else {
            hyp_bits_put(&bits, first.bits, first.width);
            hyp_bits_put(&bits, second.bits, second.width);
        }
        i += 2;
    }
    return bits;
}

HYP_LANES(struct hyp_bit_writer, put_numbers,
          (struct hyp_bit_writer bits, const uint32_t *words, const uint64_t *z, size_t n),
          (bits, words, z, n))

void hyp_huffman_put(struct hyp_huffman *huffman, struct hyp_bit_writer *bits,
                     const uint64_t *z, size_t n)
{
    bool full = assign_codes(huffman);
    assert(full);
    (void)full;
    put_table(huffman, bits);
    uint32_t words[HYP_HUFFMAN_SYMBOLS];
    list_words(huffman, words);
    *bits = hyp_lanes_are_wide() ? put_numbers_wide(*bits, words, z, n)
                                 : put_numbers_narrow(*bits, words, z, n);
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

HYP_LANES_BODY bool get_numbers_body(struct hyp_bit_reader *reader,
                                     const struct meanings *meanings, uint64_t *z, size_t n)
{
    struct hyp_bit_reader own = *reader; /* so that what is written cannot change it */
    for (size_t i = 0; i < n;) {
        /* As many numbers as are whole in the bits at hand. A code that reaches behind them is
         * longer than what is left, whatever the zeros there look like. */
        uint64_t word = hyp_bits_peek(&own);
        unsigned used = 0;
        while (i < n) {
            uint32_t meaning = meanings->by_code[word & (CODES - 1)];
            unsigned total = meaning & FIELD_MASK;
            if (used + total > HYP_BITS_PEEKED || meaning == 0) {
                break;
            }
            unsigned low = meaning >> LOW_SHIFT & FIELD_MASK;
            uint64_t rest = word >> (total - low);
            z[i++] =
                meanings->least[meaning >> SYMBOL_SHIFT] + (rest & (((uint64_t)1 << low) - 1));
            word >>= total;
            used += total;
        }
        own.pos += used;
        if (used == 0 && !get_long(&own, meanings, &z[i++])) {
            return false;
        }
    }
    *reader = own;
    return true;
}

HYP_LANES(bool, get_numbers,
          (struct hyp_bit_reader * reader, const struct meanings *meanings, uint64_t *z,
           size_t n),
          (reader, meanings, z, n))

bool hyp_huffman_get(struct hyp_bit_reader *bits, uint64_t *z, size_t n)
{
    struct hyp_huffman huffman;
    if (!get_table(bits, &huffman)) {
        return false;
    }
    struct meanings meanings;
    list_meanings(&huffman, &meanings);
    return hyp_lanes_are_wide() ? get_numbers_wide(bits, &meanings, z, n)
                                : get_numbers_narrow(bits, &meanings, z, n);
}
