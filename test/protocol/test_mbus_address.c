/* SPDX-License-Identifier: Apache-2.0 */
/* Secondary addresses: text both ways, wire bytes, wildcards. */
#include "support/hex.h"

#include "protocol/mbus/address.h"

static const struct text_row {
    const char *name; /* the text to read */
    const char *formatted;
    const char *wire;
} text_rows[] = {
    {"12345678.KAM.35.04",          "12345678.KAM.35.04",          "78563412 2D2C 35 04"},
    {"12345678",                    "12345678.*.*.*",              "78563412 FFFF FF FF"},
    {"12345678.*.*.04",             "12345678.*.*.04",             "78563412 FFFF FF 04"},
    {"FFFF5678.KAM",                "FFFF5678.KAM.*.*",            "7856FFFF 2D2C FF FF"},
    {"00149C06.APA.40.04",          "00149C06.APA.40.04",          "069C1400 0106 40 04"},
    {"123456782D2C3504",            "12345678.KAM.35.04",          "78563412 2D2C 35 04"},
    {"00000007FFFFFFFF",            "00000007.*.*.*",              "07000000 FFFF FF FF"},
    {"12345678.AC2D.35.04",         "12345678.AC2D.35.04",         "78563412 2DAC 35 04"},
    {"12345678.KAM.35.04.00000815", "12345678.KAM.35.04.00000815", "78563412 2D2C 35 04"},
};

static void check_text(void **state)
{
    const struct text_row *row = *state;
    struct hyp_mbus_secondary address;
    char text[HYP_MBUS_SECONDARY_TEXT_MAX];
    uint8_t expected[8];
    uint8_t wire[8];
    struct hyp_buf buf;
    assert_int_equal(hyp_mbus_secondary_parse(hyp_str_from(row->name), &address), HYP_OK);
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_mbus_secondary_format(&buf, &address);
    assert_int_equal(hyp_buf_status(&buf), HYP_OK);
    assert_string_equal(hyp_buf_terminate(&buf), row->formatted);
    hyp_mbus_secondary_encode(&address, wire);
    assert_int_equal(test_hex(row->wire, expected, sizeof(expected)), 8);
    assert_memory_equal(wire, expected, 8);
    struct hyp_mbus_secondary back = hyp_mbus_secondary_decode(wire);
    back.has_fabrication = address.has_fabrication;
    back.fabrication = address.fabrication;
    assert_true(hyp_mbus_secondary_equal(&back, &address));
}

/* What narrows a search; NULL: refused. */
static const struct pattern_row {
    const char *name;
    const char *formatted;
} pattern_rows[] = {
    {"12",                                     "12FFFFFF.*.*.*"    },
    {"12??56",                                 "12FF56FF.*.*.*"    },
    {"12345678",                               "12345678.*.*.*"    },
    {"1A.KAM",                                 "1AFFFFFF.KAM.*.*"  },
    {".KAM.35",                                "FFFFFFFF.KAM.35.*" },
    {"*.*.*.04",                               "FFFFFFFF.*.*.04"   },
    {"FFFFFFFFFFFFFF04",                       "FFFFFFFF.*.*.04"   },
    {"12345678.KAM.35.04",                     "12345678.KAM.35.04"},
    {"",                                       NULL                },
    {"123456789",                              NULL                },
    {"12X",                                    NULL                },
    {"*1",                                     NULL                },
    {"12.KA",                                  NULL                },
    {"12.KAM.35.04.FFFFFFFF.0000000000000000", NULL                },
};

static void check_pattern(void **state)
{
    const struct pattern_row *row = *state;
    struct hyp_mbus_secondary address;
    char text[HYP_MBUS_SECONDARY_TEXT_MAX];
    struct hyp_buf buf;
    enum hyp_status status = hyp_mbus_pattern_parse(hyp_str_from(row->name), &address);
    if (row->formatted == NULL) {
        assert_int_equal(status, HYP_INVALID);
        return;
    }
    assert_int_equal(status, HYP_OK);
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_mbus_secondary_format(&buf, &address);
    assert_string_equal(hyp_buf_terminate(&buf), row->formatted);
}

static const struct bad_row {
    const char *name;
} bad_rows[] = {
    {""},           {"1234567"},          {"123456789"},
    {"1234567G"},   {"12345678."},        {"12345678.kam"},
    {"12345678.K"}, {"12345678.KAM.3"},   {"12345678.KAM.35.04.1.2"},
    {"."},          {"12345678.KAM.35."}, {"123456782D2C350X"},
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    struct hyp_mbus_secondary address;
    assert_int_equal(hyp_mbus_secondary_parse(hyp_str_from(row->name), &address), HYP_INVALID);
}

static const struct match_row {
    const char *name;
    const char *pattern;
    const char *meter;
    bool matches;
} match_rows[] = {
    {"equal",                    "12345678.KAM.35.04", "12345678.KAM.35.04",  true },
    {"any",                      "FFFFFFFF",           "12345678.KAM.35.04",  true },
    {"digit wildcard",           "1F345678",           "12345678.KAM.35.04",  true },
    {"digit differs",            "1F345679",           "12345678.KAM.35.04",  false},
    {"leading zero counts",      "0F345678",           "12345678.KAM.35.04",  false},
    {"hex digit",                "FFFFFFFA",           "1234567A.KAM.35.04",  true },
    {"another make",             "12345678.LUG",       "12345678.KAM.35.04",  false},
    {"another version",          "12345678.KAM.34",    "12345678.KAM.35.04",  false},
    {"another medium",           "12345678.*.*.07",    "12345678.KAM.35.04",  false},
    {"bit 15 is another device", "12345678.KAM",       "12345678.AC2D.35.04", false},
};

static void check_match(void **state)
{
    const struct match_row *row = *state;
    struct hyp_mbus_secondary pattern;
    struct hyp_mbus_secondary meter;
    assert_int_equal(hyp_mbus_secondary_parse(hyp_str_from(row->pattern), &pattern), HYP_OK);
    assert_int_equal(hyp_mbus_secondary_parse(hyp_str_from(row->meter), &meter), HYP_OK);
    assert_int_equal(hyp_mbus_secondary_matches(&pattern, &meter), row->matches);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, text_rows, check_text);
    TEST_ROWS(&list, pattern_rows, check_pattern);
    TEST_ROWS(&list, bad_rows, check_bad);
    TEST_ROWS(&list, match_rows, check_match);
    return test_list_run(&list, "mbus_address");
}
