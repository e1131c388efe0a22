/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed data structure and the names of application errors. */
#include "support/hex.h"

#include "protocol/mbus/apl_error.h"
#include "protocol/mbus/fixed.h"

static const struct row {
    const char *name;
    const char *hex; /* after the CI field */
    const char *expected;
    uint8_t medium;
    bool msb_first;
} rows[] = {
  /* clang-format off */
    {"water meter with a historic counter", "78563412 0A 00 E97E 01000000 35010000", "volume m3 0.001 s0; volume m3 0.135 s1; ", 0x07, false},
    {"heat meter, kWh and litres", "93929190 10 00 0569 31650000 69000000", "energy Wh 6531000 s0; volume m3 0.069 s0; ", 0x04, false},
    {"binary counters", "78563412 0A 01 C569 FF000000 02000000", "energy Wh 255000 s0; volume m3 0.002 s0; ", 0x07, false},
    {"stored at a fixed date", "78563412 0A 02 C569 31650000 02000000", "energy Wh 6531000 s1; volume m3 0.002 s1; ", 0x07, false},
    {"second counter not used", "78563412 0A 00 C57F 31650000 FFFFFFFF", "energy Wh 6531000 s0; ", 0x07, false},
    {"historic without a first counter", "78563412 0A 00 FFFE 00000000 31650000", "", 0x0F, false},
    {"error digits", "78563412 0A 00 C569 3165EB00 FFFFFFFF", "energy - invalid; volume - no_value; ", 0x07, false},
    {"joules, power, flow", "78563412 0A 00 0B30 05000000 07000000", "energy kJ 5 s0; flow m3/h 0.00007 s0; ", 0x00, false},
    {"the last of each decade", "78563412 0A 00 1325 05000000 07000000", "energy kJ 500000000 s0; power kJ/h 700000000 s0; ", 0x00, false},
    {"power and temperature", "78563412 0A 00 1738 05000000 12340200", "power W 5000 s0; temperature degC 23.412 s0; ", 0x00, false},
    {"allocator", "78563412 0A 00 39BF 05000000 00000000", "hca hca 5 s0; ", 0x08, false},
    {"time of day has no unit here", "78563412 0A 00 003F 05000000 00000000", "unknown  5 s0; ", 0x00, false},
    {"reserved unit", "78563412 0A 00 3D3F 05000000 00000000", "unknown  5 s0; ", 0x00, false},
    {"most significant byte first", "12345678 0A 00 C5A9 00006531 00000002", "energy Wh 6531000 s0; volume m3 0.002 s0; ", 0x04, true},
    {"mode 2 water", "12345678 0A 00 45E9 00006531 00000002", "energy Wh 6531000 s0; volume m3 0.002 s0; ", 0x07, true},
  /* clang-format on */
};

static void describe(struct hyp_buf *out, const struct hyp_mbus_record *record)
{
    hyp_buf_append_fmt(out, "%s ", hyp_quantity_text(record->quantity));
    if (!hyp_quality_is_usable(record->quality)) {
        hyp_buf_append_fmt(out, "- %s; ", hyp_quality_text(record->quality));
        return;
    }
    hyp_buf_append_fmt(out, "%s ", hyp_unit_text(record->unit));
    hyp_decimal_format(out, record->decimal);
    hyp_buf_append_fmt(out, " s%llu; ", (unsigned long long)record->storage);
}

static void check_row(void **state)
{
    const struct row *row = *state;
    uint8_t data[HYP_MBUS_FIXED_LEN];
    struct hyp_mbus_record records[2];
    struct hyp_note notes[8];
    struct hyp_explain explain;
    size_t count = 0;
    char text[256];
    struct hyp_buf out;
    size_t len = test_hex(row->hex, data, sizeof(data));
    hyp_explain_init(&explain, notes, HYP_ARRAY_LEN(notes));
    assert_int_equal(
        hyp_mbus_fixed_decode(data, len, row->msb_first, &explain, records, &count, NULL),
        HYP_OK);
    hyp_buf_init_fixed(&out, text, sizeof(text));
    for (size_t i = 0; i < count; i++) {
        describe(&out, &records[i]);
    }
    assert_string_equal(hyp_buf_terminate(&out), row->expected);
    assert_int_equal(hyp_mbus_fixed_medium(data[6], data[7]), row->medium);
    assert_int_equal(explain.count, 4);
}

static void check_too_short(void **state)
{
    (void)state;
    uint8_t data[HYP_MBUS_FIXED_LEN] = {0};
    struct hyp_mbus_record records[2];
    size_t count = 7;
    struct hyp_error err;
    assert_int_equal(
        hyp_mbus_fixed_decode(data, sizeof(data) - 1, false, NULL, records, &count, &err),
        HYP_MALFORMED);
    assert_int_equal(err.offset, 15);
    assert_int_equal(count, 7);
}

static const struct error_row {
    const char *name;
    uint8_t code;
    const char *text;
} error_rows[] = {
    {"application error 00",             0x00, "unspecified error"  },
    {"application error 08",             0x08, "application busy"   },
    {"application error 07 is reserved", 0x07, "reserved error code"},
    {"application error 10",             0x10, "access denied"      },
    {"application error FF is reserved", 0xFF, "reserved error code"},
};

static void check_error(void **state)
{
    const struct error_row *row = *state;
    assert_string_equal(hyp_mbus_apl_error_text(row->code), row->text);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, rows, check_row);
    TEST_ONE(&list, check_too_short);
    TEST_ROWS(&list, error_rows, check_error);
    return test_list_run(&list, "mbus_fixed");
}
