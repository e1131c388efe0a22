/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences: any numbers come back, and those of meters take few bits.
 */
#include "support/rows.h"

#include "base/rng.h"
#include "store/sequence.h"

static const struct pattern {
    const char *name;
    enum { ANY, LEVEL, COUNTER, RUNS, EQUAL, STEADY, SQUARES, SPIKES, STEPS } kind;
    unsigned bits;    /* of the noise */
    int64_t times;    /* every value is a multiple of it */
    size_t most_bits; /* per value that 1000 of them may take; 0 = any */
} patterns[] = {
    {"any 64-bit numbers",              ANY,     64, 1,    0 },
    {"any 33-bit numbers",              ANY,     33, 1,    35},
    {"any 3-bit numbers",               ANY,     3,  1,    5 },
    {"noise about a level",             LEVEL,   6,  1,    9 },
    {"a counter with noise",            COUNTER, 5,  1,    7 },
    {"a counter in steps of ten",       COUNTER, 5,  10,   7 },
    {"hundreds of 64-bit steps",        COUNTER, 64, 1,    0 },
    {"runs",                            RUNS,    20, 1,    4 },
    {"all equal",                       EQUAL,   40, 1,    1 },
    {"steady",                          STEADY,  20, 1,    1 },
    {"steady in hours of milliseconds", STEADY,  8,  3600, 1 },
    {"squares",                         SQUARES, 0,  1,    5 },
    {"a level with rare spikes",        SPIKES,  62, 1,    10},
    {"few different steps",             STEPS,   0,  1,    2 },
    {"few steps and any numbers",       STEPS,   64, 1,    4 },
};

static uint64_t noise(struct hyp_rng *rng, unsigned bits)
{
    uint64_t value;
    hyp_rng_fill(rng, (uint8_t *)&value, sizeof(value));
    return bits == 0 ? 0 : value >> (64 - bits);
}

static uint64_t next_number(const struct pattern *p, struct hyp_rng *rng, uint64_t i,
                            uint64_t before)
{
    switch (p->kind) {
    case ANY: return noise(rng, p->bits);
    case LEVEL: return 7500 + noise(rng, p->bits);
    case COUNTER: return before + 45 + noise(rng, p->bits);
    case RUNS: return hyp_rng_below(rng, 20) == 0 ? noise(rng, p->bits) : before;
    case EQUAL: return (uint64_t)INT64_MIN + p->bits;
    case STEADY: return before + (uint64_t)1 + p->bits;
    case SQUARES: return 5 * i * i - 1000 * i;
    case STEPS:
        if (p->bits > 0 && hyp_rng_below(rng, 300) == 0) {
            return noise(rng, p->bits);
        }
        return before + (hyp_rng_below(rng, 8) > 0 ? 700 : 700 + 31 * hyp_rng_below(rng, 3));
    case SPIKES: return hyp_rng_below(rng, 200) == 0 ? noise(rng, p->bits) : 40 + i % 7;
    }
    return 0;
}

static void numbers_come_back(void **state)
{
    const struct pattern *p = *state;
    static int64_t in[1000];
    static int64_t out[1000];
    static uint64_t scratch[1000];
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, p->bits + 100u * (unsigned)p->kind);
    static const size_t lengths[] = {0, 1, 2, 3, 4, 63, 64, 65, 66, 129, 999, 1000};
    for (size_t l = 0; l < HYP_ARRAY_LEN(lengths); l++) {
        size_t n = lengths[l];
        uint64_t value = 0;
        for (size_t i = 0; i < n; i++) {
            value = next_number(p, &seeded.rng, i, value);
            in[i] = (int64_t)(value * (uint64_t)p->times);
        }
        struct hyp_buf bytes;
        hyp_buf_init_heap(&bytes, 1u << 20);
        hyp_sequence_write(&bytes, in, n, scratch);
        hyp_buf_append_u8(&bytes, 0x5A); /* a sequence knows its end */
        assert_int_equal(hyp_buf_status(&bytes), HYP_OK);
        struct hyp_bytes reader = hyp_bytes_from(bytes.data, bytes.len);
        hyp_sequence_read(&reader, out, n);
        assert_false(hyp_bytes_failed(&reader));
        assert_int_equal(hyp_bytes_left(&reader), 1);
        assert_memory_equal(in, out, n * sizeof(*in));
        if (n == 1000 && p->most_bits > 0) {
            assert_true(bytes.len * 8 <= p->most_bits * n);
        }
        hyp_buf_finish(&bytes);
    }
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, patterns, numbers_come_back);
    return test_list_run(&list, "store-sequence");
}
