/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences: any numbers come back, and those of meters take few bits.
 */
#include "support/rows.h"

#include "base/attr.h"
#include "base/rng.h"
#include "store/lanes.h"
#include "store/sequence.h"
#include "store/sequence_passes.h"

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
    static uint64_t scratch[1000 * HYP_SEQUENCE_SCRATCH];
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
        hyp_sequence_write(&bytes, in, n, scratch, NULL);
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

/* --- habits --- */

#define HABIT_VALUES 1000
/* Of what was examined: numbers with rare spikes take so much more. */
#define LONGER_PART 20

static void fill(int64_t *values, size_t n, const struct pattern *p, struct hyp_rng *rng)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value = next_number(p, rng, i, value);
        values[i] = (int64_t)(value * (uint64_t)p->times);
    }
}

/* Writes the values and reads them again. Returns the bytes. */
static size_t write_with(const int64_t *values, size_t n, struct hyp_sequence_habit *habit)
{
    static int64_t out[HABIT_VALUES];
    static uint64_t scratch[HABIT_VALUES * HYP_SEQUENCE_SCRATCH];
    struct hyp_buf bytes;
    hyp_buf_init_heap(&bytes, 1u << 20);
    hyp_sequence_write(&bytes, values, n, scratch, habit);
    assert_int_equal(hyp_buf_status(&bytes), HYP_OK);
    struct hyp_bytes reader = hyp_bytes_from(bytes.data, bytes.len);
    hyp_sequence_read(&reader, out, n);
    assert_false(hyp_bytes_failed(&reader));
    assert_int_equal(hyp_bytes_left(&reader), 0);
    assert_memory_equal(values, out, n * sizeof(*values));
    size_t len = bytes.len;
    hyp_buf_finish(&bytes);
    return len;
}

/* What is written by habit is hardly longer than what is examined. */
static void a_habit_costs_little(void **state)
{
    const struct pattern *p = *state;
    static int64_t values[HABIT_VALUES];
    static const size_t lengths[] = {168, 744};
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 7 + p->bits);
    for (size_t l = 0; l < HYP_ARRAY_LEN(lengths); l++) {
        struct hyp_sequence_habit habit = {0};
        size_t examined = 0;
        size_t habitual = 0;
        for (int i = 0; i < 60; i++) {
            fill(values, lengths[l], p, &seeded.rng);
            examined += write_with(values, lengths[l], NULL);
            habitual += write_with(values, lengths[l], &habit);
        }
        assert_true(habitual <= examined + examined / LONGER_PART);
    }
}

/* Whatever comes after a habit was made comes back, and makes one of its own. */
static void habits_change(void **state)
{
    const struct pattern *p = *state;
    static int64_t values[HABIT_VALUES];
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 3 + p->bits);
    for (size_t other = 0; other < HYP_ARRAY_LEN(patterns); other++) {
        struct hyp_sequence_habit habit = {0};
        for (int i = 0; i < 10; i++) {
            fill(values, 744, p, &seeded.rng);
            write_with(values, 744, &habit);
        }
        size_t examined = 0;
        size_t habitual = 0;
        for (int i = 0; i < 60; i++) {
            fill(values, 744, &patterns[other], &seeded.rng);
            size_t least = write_with(values, 744, NULL);
            size_t written = write_with(values, 744, &habit);
            examined += i >= 30 ? least : 0;
            habitual += i >= 30 ? written : 0;
        }
        assert_true(habitual <= examined + examined / LONGER_PART);
    }
}

/* --- passes --- */

static void assert_same_range(const struct hyp_pass_range *a, const struct hyp_pass_range *b)
{
    assert_int_equal(a->least, b->least);
    assert_int_equal(a->most, b->most);
    assert_int_equal(a->mean, b->mean);
    assert_true(a->sum == b->sum);
}

/* Residuals of an order, centred, and the Rice parameters of all blocks. */
static void order_is_the_same(const int64_t *q, size_t n, unsigned order)
{
    static uint64_t a[1000];
    static uint64_t b[1000];
    struct hyp_pass_range narrow = hyp_passes_narrow.residuals(q, n, order, a);
    struct hyp_pass_range wide = hyp_passes_wide.residuals(q, n, order, b);
    assert_same_range(&narrow, &wide);
    assert_memory_equal(a, b, n * sizeof(*a));
    uint64_t bias = (uint64_t)narrow.mean;
    assert_true(hyp_passes_narrow.centre(a, n, bias) == hyp_passes_wide.centre(b, n, bias));
    assert_memory_equal(a, b, n * sizeof(*a));
    for (size_t begin = 1; begin < n; begin += RICE_BLOCK) {
        size_t count = HYP_MIN(n - begin, (size_t)RICE_BLOCK);
        uint64_t bits[2];
        unsigned k = hyp_passes_narrow.choose_k(a + begin, count, &bits[0]);
        assert_int_equal(hyp_passes_wide.choose_k(a + begin, count, &bits[1]), k);
        assert_true(bits[0] == bits[1]);
    }
}

/* On a processor with wide lanes both ways of each pass give the same, and the wide one is
 * used; on another one there is one way only. */
static void lanes_change_nothing(void **state)
{
    const struct pattern *p = *state;
    if (!hyp_lanes_are_wide()) {
        assert_ptr_equal(hyp_passes(), &hyp_passes_narrow);
        return;
    }
    assert_ptr_equal(hyp_passes(), &hyp_passes_wide);
    static int64_t in[1000];
    static uint64_t a[1000];
    static uint64_t b[1000];
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 7 + p->bits);
    static const size_t lengths[] = {2, 3, 4, 5, 63, 66, 129, 1000};
    for (size_t l = 0; l < HYP_ARRAY_LEN(lengths); l++) {
        size_t n = lengths[l];
        uint64_t value = 0;
        for (size_t i = 0; i < n; i++) {
            value = next_number(p, &seeded.rng, i, value);
            in[i] = (int64_t)(value * (uint64_t)p->times);
        }
        assert_true(hyp_passes_narrow.all_equal(in, n) == hyp_passes_wide.all_equal(in, n));
        struct hyp_pass_range narrow = hyp_passes_narrow.range(in, n);
        struct hyp_pass_range wide = hyp_passes_wide.range(in, n);
        assert_same_range(&narrow, &wide);
        narrow = hyp_passes_narrow.levels(in, n, a);
        wide = hyp_passes_wide.levels(in, n, b);
        assert_same_range(&narrow, &wide);
        assert_memory_equal(a, b, n * sizeof(*a));
        struct hyp_pass_runs few = hyp_passes_narrow.runs(a, n);
        struct hyp_pass_runs same = hyp_passes_wide.runs(a, n);
        assert_memory_equal(&few, &same, sizeof(few));
        for (unsigned order = 0; order < 3; order++) {
            order_is_the_same(in, n, order);
        }
    }
}

/* Sums beyond 64 bits are exact too. */
static void sums_are_exact(void **state)
{
    (void)state;
    static const int64_t rows[][3] = {
        {1,                2,         4            },
        {-7,               3,         3            },
        {INT64_MAX,        INT64_MAX, INT64_MAX - 3},
        {INT64_MIN,        INT64_MIN, 5            },
        {INT64_C(1) << 40, 1,         -1           },
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        hyp_int128 sum = (hyp_int128)rows[i][0] + rows[i][1] + rows[i][2];
        struct hyp_pass_range range = hyp_passes()->range(rows[i], 3);
        assert_true(range.sum == sum);
        assert_int_equal(range.mean, (int64_t)(sum / 3));
        assert_int_equal(range.least, HYP_MIN(rows[i][0], HYP_MIN(rows[i][1], rows[i][2])));
        assert_int_equal(range.most, HYP_MAX(rows[i][0], HYP_MAX(rows[i][1], rows[i][2])));
    }
}

static const struct stepped {
    const char *name;
    int64_t values[5];
    size_t n;
    uint64_t step; /* by division */
} steps[] = {
    {"no step",                     {1, 2, 4},                            3, 1         },
    {"hours of milliseconds",       {5, 3600005, 10800005, -3599995},     4, 3600000   },
    {"a power of two",              {0, 64, -128, 320},                   4, 64        },
    {"an odd one after a multiple", {7, 97, 52, 7, 22},                   5, 15        },
    {"equal ones first",            {9, 9, 9, 21},                        4, 12        },
    {"a difference that overflows", {INT64_MIN, INT64_MAX},               2, 1         },
    {"nearly all there are",        {0, INT64_MAX, -INT64_MAX},           3, INT64_MAX },
    {"half of all, negative",       {0, INT64_MIN / 2, INT64_MIN / 2, 0}, 4, 1ull << 62},
    {"the least number",            {0, INT64_MIN},                       2, 1         },
    {"a step that ends in a spike", {0, 1000, 5000, 5001},                4, 1         },
};

static void steps_are_divided_out(void **state)
{
    const struct stepped *p = *state;
    int64_t q[5];
    assert_true(hyp_pass_find_step(p->values, p->n) == p->step);
    if (p->step == 1) {
        return;
    }
    hyp_pass_divide(p->values, p->n, p->step, q);
    for (size_t i = 0; i < p->n; i++) {
        assert_int_equal(q[i], (p->values[i] - p->values[0]) / (int64_t)p->step);
    }
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, patterns, numbers_come_back);
    TEST_ROWS(&list, patterns, a_habit_costs_little);
    TEST_ROWS(&list, patterns, habits_change);
    TEST_ROWS(&list, patterns, lanes_change_nothing);
    TEST_ONE(&list, sums_are_exact);
    TEST_ROWS(&list, steps, steps_are_divided_out);
    return test_list_run(&list, "store-sequence");
}
