/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "support/rows.h"

struct number_row {
    const char *name;
    const char *text;
    bool u64_ok;
    uint64_t u64;
    bool i64_ok;
    int64_t i64;
};

static const struct number_row number_rows[] = {
    {"zero",          "0",                       true,  0,          true,  0        },
    {"leading zeros", "007",                     true,  7,          true,  7        },
    {"negative",      "-7",                      false, 0,          true,  -7       },
    {"negative zero", "-0",                      false, 0,          true,  0        },
    {"largest i64",   "9223372036854775807",     true,  INT64_MAX,  true,  INT64_MAX},
    {"smallest i64",  "-9223372036854775808",    false, 0,          true,  INT64_MIN},
    {"below",         "-9223372036854775809",    false, 0,          false, 0        },
    {"largest u64",   "18446744073709551615",    true,  UINT64_MAX, false, 0        },
    {"above",         "18446744073709551616",    false, 0,          false, 0        },
    {"far above",     "99999999999999999999999", false, 0,          false, 0        },
    {"empty",         "",                        false, 0,          false, 0        },
    {"sign only",     "-",                       false, 0,          false, 0        },
    {"plus",          "+1",                      false, 0,          false, 0        },
    {"blank",         " 1",                      false, 0,          false, 0        },
    {"tail",          "1 ",                      false, 0,          false, 0        },
    {"fraction",      "1.0",                     false, 0,          false, 0        },
    {"two signs",     "--1",                     false, 0,          false, 0        },
};

static void check_number(void **state)
{
    const struct number_row *row = *state;
    uint64_t u = 5;
    int64_t i = 5;
    assert_int_equal(hyp_str_to_u64(hyp_str_from(row->text), &u),
                     row->u64_ok ? HYP_OK : HYP_INVALID);
    assert_true(u == (row->u64_ok ? row->u64 : 5));
    assert_int_equal(hyp_str_to_i64(hyp_str_from(row->text), &i),
                     row->i64_ok ? HYP_OK : HYP_INVALID);
    assert_true(i == (row->i64_ok ? row->i64 : 5));
}

struct hex_row {
    const char *name;
    const char *text;
    enum hyp_status status;
    size_t len;     /* bytes when ok */
    int64_t offset; /* of the failure */
    const char *bytes;
};

static const struct hex_row hex_rows[] = {
    {"upper",            "0AFF",               HYP_OK,      2, 0,  "\x0A\xFF"        },
    {"lower and blanks", "0a ff\t10\r\n",      HYP_OK,      3, 0,  "\x0A\xFF\x10"    },
    {"separators",       "0a:ff-10_20",        HYP_OK,      4, 0,  "\x0A\xFF\x10\x20"},
    {"empty",            "",                   HYP_OK,      0, 0,  ""                },
    {"odd",              "0AF",                HYP_INVALID, 0, 3,  NULL              },
    {"blank in a byte",  "0 AF",               HYP_INVALID, 0, 1,  NULL              },
    {"letter",           "0AXF",               HYP_INVALID, 0, 2,  NULL              },
    {"too long",         "000102030405060708", HYP_LIMIT,   0, 17, NULL              },
};

static void check_hex(void **state)
{
    const struct hex_row *row = *state;
    uint8_t out[8];
    size_t len = 99;
    struct hyp_error err = {0};
    enum hyp_status status =
        hyp_hex_decode(hyp_str_from(row->text), out, sizeof(out), &len, &err);
    assert_int_equal(status, row->status);
    if (status == HYP_OK) {
        assert_int_equal(len, row->len);
        if (len > 0) {
            assert_memory_equal(out, row->bytes, len);
        }
    } else {
        assert_int_equal(len, 99);
        assert_int_equal(err.offset, row->offset);
        assert_true(strlen(err.text) > 0);
    }
}

static void hex_numbers(void **state)
{
    (void)state;
    uint64_t value = 0;
    assert_int_equal(hyp_str_hex_to_u64(HYP_STR("FFFFFFFFffffffff"), &value), HYP_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(hyp_str_hex_to_u64(HYP_STR("0"), &value), HYP_OK);
    assert_int_equal(value, 0);
    assert_int_equal(hyp_str_hex_to_u64(HYP_STR(""), &value), HYP_INVALID);
    assert_int_equal(hyp_str_hex_to_u64(HYP_STR("0x1"), &value), HYP_INVALID);
    assert_int_equal(hyp_str_hex_to_u64(HYP_STR("00000000000000001"), &value), HYP_INVALID);
}

static void splitting(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *parts[4];
        size_t count;
    } rows[] = {
        {"a,b,c", {"a", "b", "c"}, 3},
        {"a,",    {"a", ""},       2},
        {",",     {"", ""},        2},
        {"",      {""},            1},
        {"abc",   {"abc"},         1},
    };
    for (size_t r = 0; r < HYP_ARRAY_LEN(rows); r++) {
        struct hyp_str rest = hyp_str_from(rows[r].text);
        struct hyp_str part;
        size_t count = 0;
        while (hyp_str_split_next(&rest, ',', &part)) {
            assert_true(count < rows[r].count);
            assert_true(hyp_str_equal(part, hyp_str_from(rows[r].parts[count])));
            count++;
        }
        assert_int_equal(count, rows[r].count);
    }
}

static void trimming(void **state)
{
    (void)state;
    assert_true(hyp_str_equal(hyp_str_trim(HYP_STR(" \t a b \r\n")), HYP_STR("a b")));
    assert_int_equal(hyp_str_trim(HYP_STR(" \n ")).len, 0);
    assert_int_equal(hyp_str_trim((struct hyp_str){0}).len, 0);
}

static void comparing(void **state)
{
    (void)state;
    assert_true(hyp_str_equal_nocase(HYP_STR("Kamstrup"), HYP_STR("kAMSTRUP")));
    assert_false(hyp_str_equal_nocase(HYP_STR("\xC3\x86"), HYP_STR("\xC3\xA6")));
    assert_false(hyp_str_equal_nocase(HYP_STR("a"), HYP_STR("ab")));
    assert_true(hyp_str_compare(HYP_STR("a"), HYP_STR("b")) < 0);
    assert_true(hyp_str_compare(HYP_STR("ab"), HYP_STR("a")) > 0);
    assert_true(hyp_str_compare(HYP_STR("\xFF"), HYP_STR("a")) > 0);
    assert_int_equal(hyp_str_compare(HYP_STR("a"), HYP_STR("a")), 0);
    assert_true(hyp_str_has_prefix(HYP_STR("abc"), HYP_STR("ab")));
    assert_true(hyp_str_has_prefix(HYP_STR("abc"), HYP_STR("")));
    assert_false(hyp_str_has_prefix(HYP_STR("a"), HYP_STR("ab")));
    assert_true(hyp_str_has_suffix(HYP_STR("abc"), HYP_STR("bc")));
    assert_false(hyp_str_has_suffix(HYP_STR("c"), HYP_STR("bc")));
    assert_int_equal(hyp_str_find_char(HYP_STR("abc"), 'c'), 2);
    assert_int_equal(hyp_str_find_char(HYP_STR("abc"), 'x'), -1);
    assert_int_equal(hyp_str_find_char((struct hyp_str){0}, 'x'), -1);
    assert_int_equal(hyp_str_from(NULL).len, 0);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, number_rows, check_number);
    TEST_ROWS(&list, hex_rows, check_hex);
    TEST_ONE(&list, hex_numbers);
    TEST_ONE(&list, splitting);
    TEST_ONE(&list, trimming);
    TEST_ONE(&list, comparing);
    return test_list_run(&list, "str");
}
