/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of `hypocaust decode` to their JSON: what scripts and the scorer read.
 */
#include "support/rows.h"

#include "cmd/decoder.h"
#include "cmd/decoder_series.h"

#define OUTPUT_MAX ((size_t)1024 * 1024)

#define OMS_A                                                                                  \
    "2E44931578563412330333637A2A0020255923C95AAA26D1B2E7493BC2AD013EC4A6F6D3529B520EDFF0EA6D" \
    "EFC955B29D6D69EBF3EC8A"

/* The formatter breaks on long strings. */
/* clang-format off */
static const struct line_row {
    const char *name;
    const char *line;
    bool accept_plain;
    const char *json; /* the whole line */
} line_rows[] = {
    {"key on the line", OMS_A ";0102030405060708090A0B0C0D0E0F11", false,
     "{\"line\":7,\"ok\":true,\"link\":\"wmbus\",\"manufacturer\":\"ELS\",\"id\":\"12345678\",\"version\":51,"
     "\"medium\":\"gas\",\"medium_code\":3,\"profile\":\"generic_en13757\",\"access\":42,\"status\":[],"
     "\"encryption\":{\"mode\":5,\"state\":\"decrypted\"},\"records\":[{\"name\":\"volume\",\"quantity\":\"volume\","
     "\"unit\":\"m3\",\"value\":28504.27,\"quality\":\"good\",\"function\":\"instantaneous\",\"storage\":0,\"tariff\":0,"
     "\"subunit\":0},{\"name\":\"meter_time\",\"quantity\":\"time\",\"unit\":\"\",\"value\":\"2008-05-31T23:50\","
     "\"time\":\"2008-05-31T23:50\",\"quality\":\"good\",\"function\":\"instantaneous\",\"storage\":0,\"tariff\":0,"
     "\"subunit\":0},{\"name\":\"info_code\",\"quantity\":\"flags\",\"unit\":\"\",\"value\":0,\"quality\":\"good\","
     "\"function\":\"instantaneous\",\"storage\":0,\"tariff\":0,\"subunit\":0}]}\n"},
    {"no key", OMS_A, false,
     "{\"line\":7,\"ok\":false,\"error\":{\"code\":\"NO_KEY\",\"offset\":17,\"text\":\"encrypted (mode 5), and no key of "
     "ELS 12345678 is known\"},\"link\":\"wmbus\",\"manufacturer\":\"ELS\",\"id\":\"12345678\",\"version\":51,"
     "\"medium\":\"gas\",\"medium_code\":3,\"access\":42,\"status\":[],\"encryption\":{\"mode\":5,\"state\":\"no_key\"},"
     "\"records\":[]}\n"},
    {"not hex", "hello", false,
     "{\"line\":7,\"ok\":false,\"error\":{\"code\":\"INVALID\",\"offset\":0,\"text\":\"character 1 is not a hexadecimal "
     "digit\"}}\n"},
    {"not a key", OMS_A ";0102", false,
     "{\"line\":7,\"ok\":false,\"error\":{\"code\":\"INVALID\",\"text\":\"a key has 32 hex digits (AES) or 16 (DES, "
     "Diehl)\"}}\n"},
    {"walk stops early: what came before stays", "1744AE0C785634120107780B13436587FF00112233445566", false,
     "{\"line\":7,\"ok\":true,\"incomplete\":{\"code\":\"UNSUPPORTED\",\"offset\":16,\"text\":\"reserved DIF FF\"},"
     "\"link\":\"wmbus\",\"manufacturer\":\"CEN\",\"id\":\"12345678\",\"version\":1,\"medium\":\"water\",\"medium_code\":7,"
     "\"profile\":\"generic_water\",\"access\":0,\"status\":[],\"encryption\":{\"mode\":0,\"state\":\"none\"},"
     "\"records\":[{\"name\":\"volume\",\"quantity\":\"volume\",\"unit\":\"m3\",\"value\":876.543,\"quality\":\"good\","
     "\"function\":\"instantaneous\",\"storage\":0,\"tariff\":0,\"subunit\":0}]}\n"},
    {"trap 6: error digits are no number", "0F44AE0C785634120104780B2BDDDDBD", false,
     "{\"line\":7,\"ok\":true,\"link\":\"wmbus\",\"manufacturer\":\"CEN\",\"id\":\"12345678\",\"version\":1,"
     "\"medium\":\"heat\",\"medium_code\":4,\"profile\":\"generic_heat\",\"access\":0,\"status\":[],"
     "\"encryption\":{\"mode\":0,\"state\":\"none\"},\"records\":[{\"name\":\"power\",\"quantity\":\"power\",\"unit\":\"kW\","
     "\"value\":null,\"quality\":\"invalid\",\"function\":\"instantaneous\",\"storage\":0,\"tariff\":0,\"subunit\":0}]}\n"},
};
/* clang-format on */

static struct hyp_decoder *create(bool accept_plain, bool explain)
{
    const struct hyp_decoder_options options = {.accept_plain = accept_plain,
                                                .explain = explain};
    struct hyp_decoder *decoder = NULL;
    struct hyp_error err;
    if (hyp_decoder_create(&options, &decoder, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    return decoder;
}

static void check_line(void **state)
{
    const struct line_row *row = *state;
    struct hyp_decoder *decoder = create(row->accept_plain, false);
    struct hyp_decoded decoded;
    struct hyp_buf out;
    hyp_buf_init_heap(&out, OUTPUT_MAX);
    hyp_decoder_line(decoder, hyp_str_from(row->line), &decoded);
    hyp_decoded_write_json(&out, &decoded, 7);
    assert_string_equal(hyp_buf_terminate(&out), row->json);
    hyp_buf_finish(&out);
    hyp_decoder_destroy(decoder);
}

/* --- what a naive decoder gets wrong in records, seen from the outside --- */

static const struct trap_row {
    const char *name;
    const char *payload; /* records behind CI 78 of a heat meter */
    const char *has;
    const char *has_not; /* NULL: nothing */
} trap_rows[] = {
    {"trap 4: storage number above 32",                    "84840506010000000406020000",   "\"storage\":168",                 NULL                            },
    {"trap 4: tariff and subunit are kept",                "8450060100000004060200000000", "\"subunit\":1",
     NULL                                                                                                                                                     },
    {"trap 5: backward contributions are not the energy",  "04863C0A000000",               "\"value\":10,",
     "\"name\":\"energy\""                                                                                                                                    },
    {"trap 5: date of a maximum is a date",                "9410BB6F00001F3C",             "2024-12-31",                      "m3/h"                          },
    {"trap 6: value in error state is not the reading",    "3406E8030000",
     "\"function\":\"error\"",                                                                                                "\"function\":\"instantaneous\""},
    {"trap 6: date FFFF is none",                          "426CFFFF",                     "\"value\":null",                  "2127"                          },
    {"trap 7: 24 bits are signed",                         "032BFFFFFF",                   "\"value\":-0.001",                "16777"                         },
    {"trap 7: 48 bits are signed",                         "062BFFFFFFFFFFFF",             "\"value\":-0.001",                "28147"                         },
    {"trap 7: flags are unsigned",                         "02FD17FFFF",                   "\"value\":65535",                 "-1"                            },
    {"trap 12: age of the value is told",                  "017405",                       "\"name\":\"actuality_duration\"", NULL                            },
    {"trap 16: text unit before its extensions, reversed", "02FC034852257426B8",           "%RH",                             "HR%"                           },
    {"trap 17: FB 00 is a tenth of a megawatt hour",       "04FB0001000000",               "\"value\":100,",                  NULL                            },
    {"trap 17: FB 08 is a tenth of a gigajoule",           "04FB0801000000",               "\"value\":0.1",                   NULL                            },
    {"trap 17: mass in kilograms",                         "041B01000000",                 "\"value\":1,",                    NULL                            },
};

static void check_trap(void **state)
{
    const struct trap_row *row = *state;
    struct hyp_decoder *decoder = create(false, false);
    struct hyp_decoded decoded;
    struct hyp_buf out;
    char line[200];
    struct hyp_buf hex;
    hyp_buf_init_fixed(&hex, line, sizeof(line));
    hyp_buf_append_fmt(&hex, "%02X44AE0C78563412010478%s",
                       (unsigned)(10 + strlen(row->payload) / 2), row->payload);
    hyp_buf_init_heap(&out, OUTPUT_MAX);
    hyp_decoder_line(decoder, hyp_buf_view(&hex), &decoded);
    hyp_decoded_write_json(&out, &decoded, 1);
    const char *json = hyp_buf_terminate(&out);
    if (strstr(json, row->has) == NULL ||
        (row->has_not != NULL && strstr(json, row->has_not) != NULL)) {
        fail_msg("%s", json);
    }
    hyp_buf_finish(&out);
    hyp_decoder_destroy(decoder);
}

/* --- keys --- */

static void key_of_a_line_is_for_that_line_only(void **state)
{
    (void)state;
    struct hyp_decoder *decoder = create(false, false);
    struct hyp_decoded decoded;
    hyp_decoder_line(decoder, HYP_STR(OMS_A ";0102030405060708090A0B0C0D0E0F11"), &decoded);
    assert_int_equal(decoded.status, HYP_OK);
    hyp_decoder_line(decoder, HYP_STR(OMS_A), &decoded);
    assert_int_equal(decoded.status, HYP_NO_KEY);
    assert_int_equal(decoded.count, 0);
    hyp_decoder_destroy(decoder);
}

static const struct keys_row {
    const char *name;
    const char *text;
    enum hyp_status status;
    int64_t line;
    enum hyp_status decoded; /* what the telegram of 12345678 then gives */
} keys_rows[] = {
    {"own key",                        "# meters\n12345678;0102030405060708090A0B0C0D0E0F11\n", HYP_OK,      0, HYP_OK       },
    {"comma and blanks",               "12345678 , 0102030405060708090a0b0c0d0e0f11\r\n",       HYP_OK,      0, HYP_OK       },
    {"key for all",                    "*;0102030405060708090A0B0C0D0E0F11",                    HYP_OK,      0, HYP_OK       },
    {"own key before the one for all",
     "*;0102030405060708090A0B0C0D0E0F11\n12345678;00000000000000000000000000000000\n",         HYP_OK,
     0,                                                                                                         HYP_WRONG_KEY},
    {"somebody else's key",            "12345679;0102030405060708090A0B0C0D0E0F11\n",           HYP_OK,      0,
     HYP_NO_KEY                                                                                                              },
    {"no id",                          "\n\n;0102030405060708090A0B0C0D0E0F11\n",               HYP_INVALID, 3, HYP_NO_KEY   },
    {"short id",                       "1234;0102030405060708090A0B0C0D0E0F11\n",               HYP_INVALID, 1, HYP_NO_KEY   },
    {"no key",                         "12345678\n",                                            HYP_INVALID, 1, HYP_NO_KEY   },
    {"short key",                      "12345678;0102\n",                                       HYP_INVALID, 1, HYP_NO_KEY   },
};

static void check_keys(void **state)
{
    const struct keys_row *row = *state;
    struct hyp_decoder *decoder = create(false, false);
    struct hyp_decoded decoded;
    struct hyp_error err = {.offset = 0};
    assert_int_equal(hyp_decoder_add_keys(decoder, hyp_str_from(row->text), &err), row->status);
    assert_int_equal(err.offset, row->line);
    hyp_decoder_line(decoder, HYP_STR(OMS_A), &decoded);
    assert_int_equal(decoded.status, row->decoded);
    hyp_decoder_destroy(decoder);
}

static void a_hundred_thousand_keys(void **state)
{
    (void)state;
    struct hyp_decoder *decoder = create(false, false);
    struct hyp_decoded decoded;
    for (unsigned i = 0; i < 100000; i++) {
        char id[9];
        struct hyp_buf text;
        hyp_buf_init_fixed(&text, id, sizeof(id));
        hyp_buf_append_fmt(&text, "%08X", 0xF0000000U + i);
        assert_int_equal(hyp_decoder_add_key(decoder, hyp_buf_view(&text),
                                             HYP_STR("00000000000000000000000000000000"), NULL),
                         HYP_OK);
    }
    assert_int_equal(hyp_decoder_add_key(decoder, HYP_STR("12345678"),
                                         HYP_STR("0102030405060708090A0B0C0D0E0F11"), NULL),
                     HYP_OK);
    hyp_decoder_line(decoder, HYP_STR(OMS_A), &decoded);
    assert_int_equal(decoded.status, HYP_OK);
    hyp_decoder_destroy(decoder);
}

/* --- other output --- */

static void table_and_notes_name_values_and_bytes(void **state)
{
    (void)state;
    struct hyp_decoder *decoder = create(false, true);
    struct hyp_decoded decoded;
    struct hyp_buf out;
    hyp_buf_init_heap(&out, OUTPUT_MAX);
    hyp_decoder_line(decoder, HYP_STR(OMS_A ";0102030405060708090A0B0C0D0E0F11"), &decoded);
    hyp_decoded_write_table(&out, &decoded, 1);
    const char *text = hyp_buf_terminate(&out);
    assert_non_null(strstr(text, "ELS 12345678"));
    assert_non_null(strstr(text, "28504.27 m3"));
    assert_non_null(strstr(text, "frame format A"));
    assert_non_null(strstr(text, "2F 2F: the key is right"));
    assert_null(strstr(text, "0102030405060708"));
    hyp_buf_finish(&out);
    hyp_decoder_destroy(decoder);
}

/* WaterStar: bits of the info code; IME: a record of the maker's own; HYDRUS: the status byte.
 */
static void notes_say_what_the_profile_makes_of_the_bytes(void **state)
{
    (void)state;
    static const char *const telegrams[] = {
        "3944FA122162992202067A360420252F2F046D282A9E2704136A00000002FD17400004933C000000002F"
        "2F2F2F2F2F03FD0C08000002FD0B0011",
        "6875756808017278563412A525660202000000848020FF8748F6080000849020FF87489F08000084A020"
        "FF8748E2080000848020FF88482D0F0000849020FF8848460F000084A020FF8848640F0000848020FF89"
        "5900000000849020FF89592600000084A020FF89590000000002FF8A48F4011F0000000000B116",
        "1644A5117856341270077A01B000002F2F041339300000",
    };
    static const char *const words[] = {
        "flags 0040; info_code: leak_or_no_usage",
        "; frequency = 50.0 Hz",
        "; the maker's bits: reverse_flow",
    };
    struct hyp_decoder *decoder = create(true, true);
    for (size_t i = 0; i < HYP_ARRAY_LEN(telegrams); i++) {
        struct hyp_decoded decoded;
        struct hyp_buf out;
        hyp_buf_init_heap(&out, OUTPUT_MAX);
        hyp_decoder_line(decoder, hyp_str_from(telegrams[i]), &decoded);
        hyp_decoded_write_json(&out, &decoded, 1);
        const char *text = hyp_buf_terminate(&out);
        if (strstr(text, words[i]) == NULL) {
            fail_msg("not found: \"%s\" in %s", words[i], text);
        }
        hyp_buf_finish(&out);
    }
    hyp_decoder_destroy(decoder);
}

static void unit_sent_beside_the_one_used(void **state)
{
    (void)state;
    struct hyp_decoder *decoder = create(false, false);
    struct hyp_decoded decoded;
    struct hyp_buf out;
    hyp_buf_init_heap(&out, OUTPUT_MAX);
    hyp_decoder_line(decoder,
                     HYP_STR("6824246808027262303103A34C150216000000052E748D914185402ECB367641"
                             "8580402E02A2BE412516"),
                     &decoded);
    hyp_decoded_write_json(&out, &decoded, 1);
    hyp_decoded_write_table(&out, &decoded, 1);
    const char *text = hyp_buf_terminate(&out);
    assert_non_null(strstr(text, "\"name\":\"active_power\",\"quantity\":\"power\","
                                 "\"unit\":\"kW\",\"value\":18.194069"));
    assert_non_null(strstr(text,
                           "\"name\":\"reactive_power\",\"quantity\":\"reactive_power\","
                           "\"unit\":\"kW\",\"profile_unit\":\"kvar\",\"value\":15.388377"));
    assert_non_null(strstr(text, "23.829105 kVA (sent as kW)"));
    assert_null(strstr(text, "18.194069 kW (sent"));
    hyp_buf_finish(&out);
    hyp_decoder_destroy(decoder);
}

/* More bytes behind L than a receiver ever adds, and no frame format that explains them. */
static void wrong_length_is_repaired_in_test_data_only(void **state)
{
    (void)state;
    static const char line[] = "0A44AE0C785634120104780406A5000000041301000000";
    for (int accept = 0; accept < 2; accept++) {
        struct hyp_decoder *decoder = create(accept == 1, false);
        struct hyp_decoded decoded;
        hyp_decoder_line(decoder, HYP_STR(line), &decoded);
        assert_int_equal(decoded.status, accept == 1 ? HYP_OK : HYP_MALFORMED);
        assert_int_equal(decoded.length_repaired, accept == 1);
        assert_int_equal(decoded.count, accept == 1 ? 2 : 0);
        hyp_decoder_destroy(decoder);
    }
}

/* --- cyclic registers --- */

static const struct series_row {
    const char *name;
    uint8_t unit; /* FD code of the interval */
    int64_t interval;
    const char *base;
    uint64_t storage;
    const char *time; /* NULL: not said */
} series_rows[] = {
    {"base itself",               0x28, 1,  "2024-11-30",       8,    "2024-11-30"      },
    {"month end before",          0x28, 1,  "2024-11-30",       9,    "2024-10-31"      },
    {"leap day",                  0x28, 1,  "2024-11-30",       17,   "2024-02-29"      },
    {"over the year",             0x28, 1,  "2024-11-30",       19,   "2023-12-31"      },
    {"not a month end",           0x28, 1,  "2024-03-30",       9,    "2024-02-29"      },
    {"years",                     0x29, 1,  "2024-12-31",       10,   "2022-12-31"      },
    {"days",                      0x27, 1,  "2024-03-01T00:00", 9,    "2024-02-29T00:00"},
    {"quarter hours",             0x25, 15, "2024-03-01T00:00", 9,    "2024-02-29T23:45"},
    {"register before the base",  0x28, 1,  "2024-11-30",       7,    NULL              },
    {"further than any calendar", 0x29, 1,  "2024-11-30",       3000, NULL              },
};

static void check_series(void **state)
{
    const struct series_row *row = *state;
    struct hyp_series series = {.has_interval = false};
    struct hyp_civil time;
    struct hyp_mbus_record interval = {
        .table = HYP_VIF_FD,
        .code = row->unit,
        .storage = 8,
        .kind = HYP_VALUE_DECIMAL,
        .quality = HYP_QUALITY_GOOD,
        .decimal = {row->interval, 0}
    };
    struct hyp_mbus_record base = {.table = HYP_VIF_PRIMARY,
                                   .code = 0x6C,
                                   .storage = 8,
                                   .kind = HYP_VALUE_CIVIL,
                                   .quality = HYP_QUALITY_GOOD};
    assert_int_equal(hyp_civil_parse(hyp_str_from(row->base), &base.civil), HYP_OK);
    hyp_series_learn(&series, &interval);
    assert_false(hyp_series_time(&series, row->storage, &time));
    hyp_series_learn(&series, &base);
    assert_int_equal(hyp_series_time(&series, row->storage, &time), row->time != NULL);
    if (row->time != NULL) {
        char text[32];
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, text, sizeof(text));
        hyp_civil_format(&buf, &time);
        assert_string_equal(hyp_buf_terminate(&buf), row->time);
    }
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, line_rows, check_line);
    TEST_ROWS(&list, trap_rows, check_trap);
    TEST_ONE(&list, key_of_a_line_is_for_that_line_only);
    TEST_ROWS(&list, keys_rows, check_keys);
    TEST_ONE(&list, a_hundred_thousand_keys);
    TEST_ONE(&list, table_and_notes_name_values_and_bytes);
    TEST_ONE(&list, notes_say_what_the_profile_makes_of_the_bytes);
    TEST_ONE(&list, unit_sent_beside_the_one_used);
    TEST_ONE(&list, wrong_length_is_repaired_in_test_data_only);
    TEST_ROWS(&list, series_rows, check_series);
    return test_list_run(&list, "decoder");
}
