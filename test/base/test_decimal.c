/* SPDX-License-Identifier: Apache-2.0 */
#include "base/decimal.h"
#include "base/rng.h"

#include "support/rows.h"

#include <float.h>
#include <math.h>

static void assert_decimal(struct hyp_decimal got, int64_t digits, int exp10)
{
    assert_true(got.digits == digits);
    assert_int_equal(got.exp10, exp10);
}

struct parse_row {
    const char *name;
    const char *text;
    enum hyp_status status;
    int64_t digits;
    int exp10;
};

static const struct parse_row parse_rows[] = {
    {"whole",            "7",                     HYP_OK,          7,         0 },
    {"fraction",         "-12.50",                HYP_OK,          -1250,     -2},
    {"leading point",    ".5",                    HYP_OK,          5,         -1},
    {"trailing point",   "5.",                    HYP_OK,          5,         0 },
    {"exponent",         "1e3",                   HYP_OK,          1,         3 },
    {"plus exponent",    "1.5E+2",                HYP_OK,          15,        1 },
    {"minus exponent",   "1.5e-2",                HYP_OK,          15,        -3},
    {"leading zeros",    "0007",                  HYP_OK,          7,         0 },
    {"zero with scale",  "0.000",                 HYP_OK,          0,         -3},
    {"largest",          "9223372036854775807",   HYP_OK,          INT64_MAX, 0 },
    {"smallest",         "-9223372036854775808",  HYP_OK,          INT64_MIN, 0 },
    {"one above",        "9223372036854775808",   HYP_IMPLAUSIBLE, 0,         0 },
    {"one below",        "-9223372036854775809",  HYP_IMPLAUSIBLE, 0,         0 },
    {"too many digits",  "123456789012345678901", HYP_IMPLAUSIBLE, 0,         0 },
    {"exponent too big", "1e101",                 HYP_IMPLAUSIBLE, 0,         0 },
    {"exponent silly",   "1e999",                 HYP_INVALID,     0,         0 },
    {"empty",            "",                      HYP_INVALID,     0,         0 },
    {"sign only",        "-",                     HYP_INVALID,     0,         0 },
    {"point only",       ".",                     HYP_INVALID,     0,         0 },
    {"two points",       "1.2.3",                 HYP_INVALID,     0,         0 },
    {"plus sign",        "+1",                    HYP_INVALID,     0,         0 },
    {"comma",            "1,5",                   HYP_INVALID,     0,         0 },
    {"blank",            " 1",                    HYP_INVALID,     0,         0 },
    {"tail",             "1x",                    HYP_INVALID,     0,         0 },
    {"empty exponent",   "1e",                    HYP_INVALID,     0,         0 },
    {"hex",              "0x10",                  HYP_INVALID,     0,         0 },
    {"nan",              "nan",                   HYP_INVALID,     0,         0 },
};

static void check_parse(void **state)
{
    const struct parse_row *row = *state;
    struct hyp_decimal value = {.digits = 99, .exp10 = 9};
    assert_int_equal(hyp_decimal_parse(hyp_str_from(row->text), &value), row->status);
    if (row->status == HYP_OK) {
        assert_decimal(value, row->digits, row->exp10);
    } else {
        assert_decimal(value, 99, 9);
    }
}

struct format_row {
    const char *name;
    struct hyp_decimal value;
    const char *text;
};

static const struct format_row format_rows[] = {
    {"scale kept",        {1250, -2},       "12.50"                },
    {"tens",              {5, 1},           "50"                   },
    {"zero with scale",   {0, -3},          "0.000"                },
    {"zero with tens",    {0, 3},           "0"                    },
    {"negative fraction", {-5, -3},         "-0.005"               },
    {"18 decimals",       {1, -18},         "0.000000000000000001" },
    {"beyond 18",         {1, -19},         "1e-19"                },
    {"far above",         {12, 40},         "12e40"                },
    {"smallest",          {INT64_MIN, 0},   "-9223372036854775808" },
    {"smallest scaled",   {INT64_MIN, -18}, "-9.223372036854775808"},
};

static void check_format(void **state)
{
    const struct format_row *row = *state;
    char memory[64];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, sizeof(memory));
    hyp_decimal_format(&out, row->value);
    assert_string_equal(hyp_buf_terminate(&out), row->text);
    struct hyp_decimal back;
    assert_int_equal(hyp_decimal_parse(hyp_buf_view(&out), &back), HYP_OK);
    assert_int_equal(hyp_decimal_compare(back, row->value), 0);
}

struct rescale_row {
    const char *name;
    struct hyp_decimal value;
    int8_t exp10;
    enum hyp_status status;
    int64_t digits;
};

static const struct rescale_row rescale_rows[] = {
    {"finer",             {123, -1},      -3,  HYP_OK,          12300},
    {"coarser, exact",    {12300, -3},    -1,  HYP_OK,          123  },
    {"coarser, lossy",    {12345, -3},    -1,  HYP_IMPLAUSIBLE, 0    },
    {"overflow",          {INT64_MAX, 0}, -1,  HYP_IMPLAUSIBLE, 0    },
    {"zero goes far",     {0, -100},      100, HYP_OK,          0    },
    {"far",               {1, 30},        0,   HYP_IMPLAUSIBLE, 0    },
    {"smallest, coarser", {INT64_MIN, 0}, 1,   HYP_IMPLAUSIBLE, 0    },
};

static void check_rescale(void **state)
{
    const struct rescale_row *row = *state;
    struct hyp_decimal got = {0};
    assert_int_equal(hyp_decimal_rescale(row->value, row->exp10, &got), row->status);
    if (row->status == HYP_OK) {
        assert_decimal(got, row->digits, row->exp10);
    }
}

struct compare_row {
    const char *name;
    struct hyp_decimal a;
    struct hyp_decimal b;
    int order;
};

static const struct compare_row compare_rows[] = {
    {"same, other scale",  {123, -1},       {1230, -2},     0 },
    {"smaller",            {122, -1},       {1230, -2},     -1},
    {"negative",           {-5, 0},         {1, -90},       -1},
    {"zeros",              {0, 5},          {0, -5},        0 },
    {"zero and tiny",      {0, 0},          {1, -100},      -1},
    {"far apart",          {1, 50},         {INT64_MAX, 0}, 1 },
    {"far apart negative", {-1, 50},        {INT64_MIN, 0}, -1},
    {"largest digits",     {INT64_MAX, 18}, {INT64_MAX, 0}, 1 },
    {"extremes",           {INT64_MIN, 0},  {INT64_MAX, 0}, -1},
    {"nineteen apart",     {1, 19},         {INT64_MAX, 0}, 1 },
    {"eighteen apart",     {1, 18},         {INT64_MAX, 0}, -1},
};

static void check_compare(void **state)
{
    const struct compare_row *row = *state;
    int order = hyp_decimal_compare(row->a, row->b);
    assert_int_equal((order > 0) - (order < 0), row->order);
    order = hyp_decimal_compare(row->b, row->a);
    assert_int_equal((order > 0) - (order < 0), -row->order);
}

static void sums_and_products(void **state)
{
    (void)state;
    struct hyp_decimal got;
    assert_int_equal(
        hyp_decimal_add((struct hyp_decimal){125, -2}, (struct hyp_decimal){3, 0}, &got),
        HYP_OK);
    assert_decimal(got, 425, -2);
    assert_int_equal(
        hyp_decimal_add((struct hyp_decimal){INT64_MAX, 0}, (struct hyp_decimal){1, 0}, &got),
        HYP_IMPLAUSIBLE);
    assert_int_equal(
        hyp_decimal_add((struct hyp_decimal){1, 50}, (struct hyp_decimal){1, -50}, &got),
        HYP_IMPLAUSIBLE);
    assert_int_equal(
        hyp_decimal_multiply((struct hyp_decimal){-25, -1}, (struct hyp_decimal){4, -2}, &got),
        HYP_OK);
    assert_decimal(got, -100, -3);
    assert_int_equal(hyp_decimal_multiply((struct hyp_decimal){INT64_MAX, 0},
                                          (struct hyp_decimal){2, 0}, &got),
                     HYP_IMPLAUSIBLE);
    assert_int_equal(
        hyp_decimal_multiply((struct hyp_decimal){1, 100}, (struct hyp_decimal){1, 100}, &got),
        HYP_IMPLAUSIBLE);
    assert_int_equal(hyp_decimal_shift((struct hyp_decimal){7, -2}, 3, &got), HYP_OK);
    assert_decimal(got, 7, 1);
    assert_int_equal(hyp_decimal_shift((struct hyp_decimal){7, -2}, 300, &got),
                     HYP_IMPLAUSIBLE);
}

struct float_row {
    const char *name;
    double value;
    const char *single; /* shortest text of the float, NULL = refused */
    const char *twice;  /* of the double */
};

static const struct float_row float_rows[] = {
    {"tenth",         0.1,              "0.1",        "0.1"               },
    {"third",         1.0 / 3.0,        "0.33333334", "0.3333333333333333"},
    {"whole",         1500.0,           "1500",       "1500"              },
    {"negative",      -21.5,            "-21.5",      "-21.5"             },
    {"zero",          0.0,              "0",          "0"                 },
    {"negative zero", -0.0,             "0",          "0"                 },
    {"nan",           (double)NAN,      NULL,         NULL                },
    {"infinite",      (double)INFINITY, NULL,         NULL                },
    {"large",         16777217,         "16777216",   "16777217"          },
};

static void check_float(void **state)
{
    const struct float_row *row = *state;
    char memory[64];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, sizeof(memory));
    struct hyp_decimal got;
    enum hyp_status status = hyp_decimal_from_float((float)row->value, &got);
    assert_int_equal(status, row->single == NULL ? HYP_IMPLAUSIBLE : HYP_OK);
    if (row->single != NULL) {
        hyp_decimal_format(&out, got);
        assert_string_equal(hyp_buf_terminate(&out), row->single);
    }
    status = hyp_decimal_from_double(row->value, &got);
    assert_int_equal(status, row->twice == NULL ? HYP_IMPLAUSIBLE : HYP_OK);
    if (row->twice != NULL) {
        hyp_buf_reset(&out);
        hyp_decimal_format(&out, got);
        assert_string_equal(hyp_buf_terminate(&out), row->twice);
        double back = hyp_decimal_to_double(got);
        assert_true(back >= row->value && back <= row->value);
    }
}

static void extreme_floats(void **state)
{
    (void)state;
    struct hyp_decimal got;
    assert_int_equal(hyp_decimal_from_float(FLT_MAX, &got), HYP_OK);
    assert_int_equal(hyp_decimal_from_float(-FLT_MAX, &got), HYP_OK);
    assert_int_equal(hyp_decimal_from_float(FLT_MIN, &got), HYP_OK);
    assert_int_equal(hyp_decimal_from_double(DBL_MAX, &got), HYP_IMPLAUSIBLE);
    assert_int_equal(hyp_decimal_from_double(DBL_MIN, &got), HYP_OK);
    assert_decimal(got, 0, 0);
}

/* Against printf and strtof: the fewest digits that read back as the same number. */
static void floats_have_their_shortest_digits(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 754);
    for (int i = 0; i < 20000; i++) {
        uint32_t bits = 0;
        float value = 0;
        hyp_rng_fill(&seeded.rng, (uint8_t *)&bits, sizeof(bits));
        /* Half of them where meters are: 2^-20 .. 2^30. */
        if (i % 2 == 0) {
            bits = (bits & 0x807FFFFF) | (107 + bits / 7 % 51) << 23;
        }
        memcpy(&value, &bits, sizeof(value));
        struct hyp_decimal got;
        if (!isfinite(value) || fabsf(value) < 1e-30f ||
            hyp_decimal_from_float(value, &got) != HYP_OK) {
            continue;
        }
        char text[64];
        struct hyp_buf buf;
        float back = 0;
        int precision = 0;
        do {
            precision++;
            hyp_buf_init_fixed(&buf, text, sizeof(text));
            hyp_buf_append_fmt(&buf, "%.*e", precision - 1, (double)value);
            struct hyp_decimal shortest;
            assert_int_equal(
                hyp_decimal_parse(hyp_str_from(hyp_buf_terminate(&buf)), &shortest), HYP_OK);
            back = (float)hyp_decimal_to_double(shortest);
            if (memcmp(&back, &value, sizeof(back)) == 0 &&
                hyp_decimal_compare(shortest, got) != 0) {
                fail_msg("%s: not the shortest", text);
            }
        } while (memcmp(&back, &value, sizeof(back)) != 0 && precision < 9);
    }
}

/* Every decimal of up to fifteen digits survives the way through a double. */
static void doubles_give_back_their_decimals(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 755);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = 0;
        hyp_rng_fill(&seeded.rng, (uint8_t *)&bits, sizeof(bits));
        int64_t digits = (int64_t)(bits >> 8 & 0x1FFFFFFFFFFFF) >> (bits % 49);
        struct hyp_decimal wanted = {.digits = bits & 0x80 ? -digits : digits,
                                     .exp10 = (int8_t)(-(int)(bits >> 57) % 19)};
        struct hyp_decimal got;
        assert_int_equal(hyp_decimal_from_double(hyp_decimal_to_double(wanted), &got), HYP_OK);
        assert_int_equal(hyp_decimal_compare(got, wanted), 0);
        assert_true(got.digits == 0 || got.exp10 == 0 || got.digits % 10 != 0);
    }
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, parse_rows, check_parse);
    TEST_ROWS(&list, format_rows, check_format);
    TEST_ROWS(&list, rescale_rows, check_rescale);
    TEST_ROWS(&list, compare_rows, check_compare);
    TEST_ONE(&list, sums_and_products);
    TEST_ROWS(&list, float_rows, check_float);
    TEST_ONE(&list, extreme_floats);
    TEST_ONE(&list, floats_have_their_shortest_digits);
    TEST_ONE(&list, doubles_give_back_their_decimals);
    return test_list_run(&list, "decimal");
}
