/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "support/rows.h"

#include <math.h>

struct text_row {
    const char *name;
    const char *text;
    const char *json;
};

static const struct text_row text_rows[] = {
    {"plain",          "abc",              "\"abc\""                                 },
    {"empty",          "",                 "\"\""                                    },
    {"quotes",         "a\"b\\c/",         "\"a\\\"b\\\\c/\""                        },
    {"controls",       "\n\r\t\x01\x1F",   "\"\\n\\r\\t\\u0001\\u001f\""             },
    {"delete",         "\x7F",             "\"\\u007f\""                             },
    {"two bytes",      "\xC3\xA6",         "\"\xC3\xA6\""                            },
    {"three bytes",    "\xE2\x82\xAC",     "\"\xE2\x82\xAC\""                        },
    {"four bytes",     "\xF0\x9F\x94\xA5", "\"\xF0\x9F\x94\xA5\""                    },
    {"latin-1 byte",   "\xE6rt",           "\"\xEF\xBF\xBDrt\""                      },
    {"cut sequence",   "a\xE2\x82",        "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""           },
    {"overlong",       "\xC0\xAF",         "\"\xEF\xBF\xBD\xEF\xBF\xBD\""            },
    {"overlong three", "\xE0\x80\xAF",     "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"surrogate",      "\xED\xA0\x80",     "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"above U+10FFFF", "\xF4\x90\x80\x80",
     "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""                          },
};

static void check_text(void **state)
{
    const struct text_row *row = *state;
    struct hyp_buf out;
    hyp_buf_init_heap(&out, 1000);
    struct hyp_json json;
    hyp_json_init(&json, &out);
    hyp_json_text(&json, row->text);
    assert_string_equal(hyp_buf_terminate(&out), row->json);
    hyp_buf_finish(&out);
}

static void nesting_places_commas(void **state)
{
    (void)state;
    struct hyp_buf out;
    hyp_buf_init_heap(&out, 1000);
    struct hyp_json json;
    hyp_json_init(&json, &out);
    hyp_json_object_begin(&json);
    hyp_json_member_text(&json, "a", "x");
    hyp_json_key(&json, "b");
    hyp_json_array_begin(&json);
    hyp_json_u64(&json, 1);
    hyp_json_array_begin(&json);
    hyp_json_array_end(&json);
    hyp_json_object_begin(&json);
    hyp_json_object_end(&json);
    hyp_json_bool(&json, false);
    hyp_json_null(&json);
    hyp_json_raw(&json, HYP_STR("[2]"));
    hyp_json_array_end(&json);
    hyp_json_member_i64(&json, "c", -5);
    hyp_json_member_u64(&json, "d", UINT64_MAX);
    hyp_json_member_bool(&json, "e", true);
    hyp_json_member_null(&json, "f");
    hyp_json_member_str(&json, "g\"", HYP_STR("y"));
    hyp_json_key(&json, "h");
    hyp_json_hex(&json, (const uint8_t[]){0x0A, 0xFF}, 2);
    hyp_json_object_end(&json);
    assert_string_equal(hyp_buf_terminate(&out),
                        "{\"a\":\"x\",\"b\":[1,[],{},false,null,[2]],\"c\":-5,"
                        "\"d\":18446744073709551615,\"e\":true,\"f\":null,\"g\\\"\":\"y\","
                        "\"h\":\"0AFF\"}");
    hyp_buf_finish(&out);
}

struct number_row {
    const char *name;
    double value;
    const char *json;
};

static const struct number_row number_rows[] = {
    {"tenth",          0.1,               "0.1"                    },
    {"negative",       -21.55,            "-21.55"                 },
    {"whole",          1e6,               "1000000"                },
    {"nan",            (double)NAN,       "null"                   },
    {"infinite",       -(double)INFINITY, "null"                   },
    {"beyond decimal", 1e300,             "1.0000000000000001e+300"},
};

static void check_number(void **state)
{
    const struct number_row *row = *state;
    struct hyp_buf out;
    hyp_buf_init_heap(&out, 100);
    struct hyp_json json;
    hyp_json_init(&json, &out);
    hyp_json_double(&json, row->value);
    assert_string_equal(hyp_buf_terminate(&out), row->json);
    hyp_buf_finish(&out);
}

static void decimals_keep_their_scale(void **state)
{
    (void)state;
    struct hyp_buf out;
    hyp_buf_init_heap(&out, 100);
    struct hyp_json json;
    hyp_json_init(&json, &out);
    hyp_json_array_begin(&json);
    hyp_json_decimal(&json, (struct hyp_decimal){1250, -2});
    hyp_json_decimal(&json, (struct hyp_decimal){3, 25});
    hyp_json_array_end(&json);
    assert_string_equal(hyp_buf_terminate(&out), "[12.50,3e25]");
    hyp_buf_finish(&out);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, text_rows, check_text);
    TEST_ONE(&list, nesting_places_commas);
    TEST_ROWS(&list, number_rows, check_number);
    TEST_ONE(&list, decimals_keep_their_scale);
    return test_list_run(&list, "json");
}
