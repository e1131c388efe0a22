/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders against byte vectors of the standards, not against the product's decoder. */
#include "support/rows.h"

#include "support/hex.h"

#include "sim/apdu.h"
#include "sim/civil.h"
#include "sim/crc.h"
#include "sim/radio.h"
#include "sim/wired.h"

static const struct crc_row {
    const char *name;
    uint16_t (*crc)(const uint8_t *data, size_t len);
    const char *hex;
    uint16_t expect;
} crc_rows[] = {
    {"EN 13757: 123456789",        sim_crc_en13757, "313233343536373839",     0xC2B7},
    {"EN 13757: 01FD1F01",         sim_crc_en13757, "01FD1F01",               0xCC22},
    {"Modbus: read A266 identity", sim_crc_modbus,  "0103080B0004",           0xAB37},
    {"Modbus: A266.1 1.02",        sim_crc_modbus,  "0103080041010A00010102", 0x928C},
};

static void check_crc(void **state)
{
    const struct crc_row *row = *state;
    uint8_t bytes[32];
    size_t len = test_hex(row->hex, bytes, sizeof(bytes));
    assert_int_equal(row->crc(bytes, len), row->expect);
}

static const struct maker_row {
    const char *name;
    uint16_t expect;
} maker_rows[] = {
    {"KAM", 0x2C2D},
    {"DFS", 0x10D3},
    {"LUG", 0x32A7},
    {"EFE", 0x14C5},
    {"ZRI", 0x6A49},
    {"SON", 0x4DEE},
    {"QDS", 0x4493},
    {"DME", 0x11A5},
    {"TCH", 0x5068},
};

static void check_maker(void **state)
{
    const struct maker_row *row = *state;
    assert_int_equal(sim_manufacturer_code(row->name), row->expect);
}

static const struct record_row {
    const char *name;
    uint8_t header[5];
    size_t header_len;
    int64_t value;
    const char *expect;
} record_rows[] = {
    {"BCD 8",                      {0x0C, 0x14},       2, 2850427,      "0C1427048502"        },
    {"BCD 6",                      {0x0B, 0x3B},       2, 1234,         "0B3B341200"          },
    {"BCD 12",                     {0x0E, 0x06},       2, 123456789012, "0E06129078563412"    },
    {"BCD minus",                  {0x0B, 0x61},       2, -12,          "0B611200F0"          },
    {"BCD minus, full",            {0x0A, 0x5A},       2, -123,         "0A5A23F1"            },
    {"BCD wheel runs over",        {0x09, 0x74},       2, 104,          "097404"              },
    {"int 16 minus",               {0x02, 0x59},       2, -1,           "0259FFFF"            },
    {"int 8",                      {0x01, 0x5B},       2, 11,           "015B0B"              },
    {"int 24",                     {0x03, 0x13},       2, 70000,        "0313701101"          },
    {"int 32 behind an extension", {0x84, 0x10, 0x06}, 3, 1,            "84100601000000"      },
    {"int 48",                     {0x06, 0x06},       2, 1,            "0606010000000000"    },
    {"int 64",                     {0x07, 0x06},       2, -2,           "0706FEFFFFFFFFFFFFFF"},
    {"maker's VIF",                {0x04, 0xFF, 0x22}, 3, 0x80,         "04FF2280000000"      },
};

static void check_record(void **state)
{
    const struct record_row *row = *state;
    uint8_t expect[32];
    size_t len = test_hex(row->expect, expect, sizeof(expect));
    struct sim_apdu apdu;
    sim_apdu_init(&apdu);
    sim_apdu_put(&apdu, row->header, row->header_len, row->value);
    assert_false(apdu.overflow);
    assert_int_equal(apdu.len, len);
    assert_memory_equal(apdu.bytes, expect, len);
    assert_int_equal(apdu.records[0].header_len, row->header_len);
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
    struct sim_civil civil = {
        .year = year, .month = month, .day = day, .hour = hour, .minute = minute};
    return sim_civil_to_utc(&civil, SIM_ZONE_METER);
}

/* 32 37 1F 15 is 2008-05-31 23:50 with the summer-time and invalid bits left out of it: OMS
 * annex N sets bit 0 of the hundred years, which a meter of this century need not. */
static void dates_are_coded_as_type_f_and_g(void **state)
{
    (void)state;
    assert_int_equal(sim_type_f(at(2008, 5, 31, 23, 50)), 0x151F1732);
    assert_int_equal(sim_type_g(at(2018, 12, 31, 0, 0)), 0x2C5F);
    assert_int_equal(sim_type_g(at(2026, 1, 1, 0, 0)), 0x3141);
}

static void an_apdu_that_overflows_says_so(void **state)
{
    (void)state;
    struct sim_apdu apdu;
    sim_apdu_init(&apdu);
    for (unsigned i = 0; i < 41; i++) {
        SIM_PUT(&apdu, 1, 0x04, 0x06);
    }
    assert_true(apdu.overflow);
    assert_int_equal(apdu.len, SIM_APDU_BYTES);
}

static void texts_are_sent_last_character_first(void **state)
{
    (void)state;
    static const uint8_t header[] = {0x0D, 0xFD, 0x11};
    static const uint8_t expect[] = {0x0D, 0xFD, 0x11, 0x03, 'C', 'B', 'A'};
    struct sim_apdu apdu;
    sim_apdu_init(&apdu);
    sim_apdu_put_text(&apdu, header, sizeof(header), "ABC");
    assert_int_equal(apdu.len, sizeof(expect));
    assert_memory_equal(apdu.bytes, expect, sizeof(expect));
}

static void a_response_is_framed_with_length_and_sum(void **state)
{
    (void)state;
    static const struct sim_identity identity = {
        .manufacturer = "KAM", .id = 0x12345678, .version = 0x35, .medium = 0x04};
    uint8_t expect[64];
    size_t len =
        test_hex("68 15 15 68 08 05 72 78563412 2D2C 35 04 07 04 0000 0C06 21430000 A6 16",
                 expect, sizeof(expect));
    struct sim_apdu apdu;
    struct sim_wired frame;
    sim_apdu_init(&apdu);
    SIM_PUT(&apdu, 4321, 0x0C, 0x06);
    sim_wired_response(&frame, 5, &identity, 7, 0x04, &apdu);
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.bytes, expect, len);
}

static const struct request_row {
    const char *name;
    const char *hex;
    enum sim_request_result expect;
    size_t used;
} request_rows[] = {
    {"short",            "10 7B 05 80 16",             SIM_REQUEST_READY, 5},
    {"short, half",      "10 7B 05",                   SIM_REQUEST_MORE,  0},
    {"short, bad sum",   "10 7B 05 81 16",             SIM_REQUEST_NOISE, 1},
    {"control",          "68 03 03 68 53 FE 50 A1 16", SIM_REQUEST_READY, 9},
    {"control, half",    "68 03 03 68 53",             SIM_REQUEST_MORE,  0},
    {"lengths differ",   "68 03 04 68 53 FE 50 A1 16", SIM_REQUEST_NOISE, 1},
    {"length too small", "68 02 02 68 53 FE 51 16",    SIM_REQUEST_NOISE, 1},
    {"lone byte",        "E5",                         SIM_REQUEST_NOISE, 1},
    {"nothing",          "",                           SIM_REQUEST_MORE,  0},
};

static void check_request(void **state)
{
    const struct request_row *row = *state;
    uint8_t bytes[32];
    size_t len = test_hex(row->hex, bytes, sizeof(bytes));
    struct sim_request request;
    size_t used;
    assert_int_equal(sim_request_parse(bytes, len, &request, &used), row->expect);
    assert_int_equal(used, row->used);
}

/* Total = L + 1 + 2 * (1 + ceil((L - 9) / 16)), and each block's CRC fits. */
static void format_a_has_a_crc_behind_every_block(void **state)
{
    (void)state;
    for (size_t len = 11; len <= 256; len++) {
        struct sim_telegram telegram = {.len = len};
        for (size_t i = 0; i < len; i++) {
            telegram.bytes[i] = (uint8_t)(i * 37);
        }
        telegram.bytes[0] = (uint8_t)(len - 1);
        sim_radio_add_crcs(&telegram);
        size_t l = len - 1;
        assert_int_equal(telegram.len, l + 1 + 2 * (1 + (l - 9 + 15) / 16));
        size_t begin = 0;
        while (begin < telegram.len) {
            size_t block = begin == 0 ? 10 : 16;
            if (begin + block + 2 > telegram.len) {
                block = telegram.len - begin - 2;
            }
            uint16_t crc = sim_crc_en13757(telegram.bytes + begin, block);
            assert_int_equal(telegram.bytes[begin + block], crc >> 8);
            assert_int_equal(telegram.bytes[begin + block + 1], crc & 0xFF);
            begin += block + 2;
        }
    }
}

/* Signature over the headers alone, check over everything, both low byte first. */
static void compact_frames_carry_signature_check_and_data(void **state)
{
    (void)state;
    struct sim_apdu apdu;
    uint8_t compact[SIM_APDU_BYTES + 4];
    uint8_t headers[16];
    size_t headers_len = test_hex("0406 04FF07 0259", headers, sizeof(headers));
    sim_apdu_init(&apdu);
    SIM_PUT(&apdu, 1000, 0x04, 0x06);
    SIM_PUT(&apdu, 2000, 0x04, 0xFF, 0x07);
    SIM_PUT(&apdu, 3000, 0x02, 0x59);
    uint8_t expect[32];
    size_t len = test_hex("0000 0000 E8030000 D0070000 B80B", expect, sizeof(expect));
    uint16_t signature = sim_crc_en13757(headers, headers_len);
    uint16_t content = sim_crc_en13757(apdu.bytes, apdu.len);
    expect[0] = (uint8_t)signature;
    expect[1] = (uint8_t)(signature >> 8);
    expect[2] = (uint8_t)content;
    expect[3] = (uint8_t)(content >> 8);
    assert_int_equal(sim_radio_compact(&apdu, compact), len);
    assert_memory_equal(compact, expect, len);
}

static const struct time_row {
    const char *name;
    const char *text;
    enum hyp_status status;
    int64_t ms;
} time_rows[] = {
    {"epoch",            "1970-01-01T00:00:00Z",     HYP_OK,      0            },
    {"leap day",         "2024-02-29T12:00:00Z",     HYP_OK,      1709208000000},
    {"fraction",         "2024-02-29T12:00:00.250Z", HYP_OK,      1709208000250},
    {"date alone",       "2026-01-01",               HYP_OK,      1767225600000},
    {"no month 13",      "2026-13-01",               HYP_INVALID, 0            },
    {"no hour 24",       "2026-01-01T24:00:00Z",     HYP_INVALID, 0            },
    {"words",            "yesterday",                HYP_INVALID, 0            },
    {"trailing garbage", "2026-01-01T00:00:00Zx",    HYP_INVALID, 0            },
    {"empty",            "",                         HYP_INVALID, 0            },
};

static void check_time(void **state)
{
    const struct time_row *row = *state;
    int64_t ms = -1;
    assert_int_equal(sim_iso_parse(hyp_str_from(row->text), &ms), row->status);
    if (row->status == HYP_OK) {
        assert_int_equal(ms, row->ms);
    }
}

static void the_calendar_agrees_with_itself(void **state)
{
    (void)state;
    for (int64_t ms = -SIM_DAY_MS * 800; ms < SIM_DAY_MS * 40000; ms += SIM_DAY_MS * 3 + 7000) {
        struct sim_civil civil = sim_civil_from_utc(ms, 0);
        assert_int_equal(sim_civil_to_utc(&civil, 0), ms);
    }
    assert_int_equal(sim_civil_from_utc(at(2026, 11, 21, 12, 0), 0).weekday, 6);
    assert_int_equal(sim_zone_people(at(2026, 3, 29, 1, 59)), 60);
    assert_int_equal(sim_zone_people(at(2026, 3, 29, 2, 0)), 120);
    assert_int_equal(sim_zone_people(at(2026, 10, 25, 1, 59)), 120);
    assert_int_equal(sim_zone_people(at(2026, 10, 25, 2, 0)), 60);
    assert_int_equal(sim_month_start(at(2026, 1, 15, 0, 0), 1), at(2025, 12, 1, 0, 0));
    assert_int_equal(sim_month_start(at(2026, 1, 15, 0, 0), 13), at(2024, 12, 1, 0, 0));
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, crc_rows, check_crc);
    TEST_ROWS(&list, maker_rows, check_maker);
    TEST_ROWS(&list, record_rows, check_record);
    TEST_ROWS(&list, request_rows, check_request);
    TEST_ROWS(&list, time_rows, check_time);
    TEST_ONE(&list, dates_are_coded_as_type_f_and_g);
    TEST_ONE(&list, an_apdu_that_overflows_says_so);
    TEST_ONE(&list, texts_are_sent_last_character_first);
    TEST_ONE(&list, a_response_is_framed_with_length_and_sum);
    TEST_ONE(&list, format_a_has_a_crc_behind_every_block);
    TEST_ONE(&list, compact_frames_carry_signature_check_and_data);
    TEST_ONE(&list, the_calendar_agrees_with_itself);
    return test_list_run(&list, "sim-codec");
}
