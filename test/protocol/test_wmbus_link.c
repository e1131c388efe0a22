/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link layer of wireless M-Bus: checksums, line code, and which of the frame formats a telegram
 * has. The encoders of formats A and B are this file's own.
 */
#include "support/rows.h"

#include "base/rng.h"
#include "protocol/wmbus/crc.h"
#include "protocol/wmbus/link.h"
#include "protocol/wmbus/three_of_six.h"

#define FRAME_MAX 400

static size_t from_hex(const char *hex, uint8_t *out, size_t capacity)
{
    size_t len = 0;
    if (hyp_hex_decode(hyp_str_from(hex), out, capacity, &len, NULL) != HYP_OK) {
        fail_msg("bad hex in a row: %s", hex);
    }
    return len;
}

/* --- CRC --- */

static const struct crc_row {
    const char *name;
    const char *hex;
    uint16_t crc;
} crc_rows[] = {
    {"crc check word",       "313233343536373839", 0xC2B7},
    {"crc of a short block", "01FD1F01",           0xCC22},
    {"crc of nothing",       "",                   0xFFFF},
    {"crc of one byte",      "00",                 0xFFFF},
};

static void check_crc(void **state)
{
    const struct crc_row *row = *state;
    uint8_t bytes[32];
    const size_t len = from_hex(row->hex, bytes, sizeof(bytes));
    assert_int_equal(hyp_wmbus_crc(bytes, len), row->crc);
    for (size_t cut = 0; cut <= len; cut++) {
        uint16_t crc = hyp_wmbus_crc_feed(0, bytes, cut);
        crc = hyp_wmbus_crc_feed(crc, bytes + cut, len - cut);
        assert_int_equal((uint16_t)~crc, row->crc);
    }
}

/* The definition, bit by bit: the tables of the codec must agree with it at every length. */
static void crc_agrees_with_the_polynomial(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    uint8_t bytes[70];
    hyp_rng_seeded_init(&seeded, 13757);
    hyp_rng_fill(&seeded.rng, bytes, sizeof(bytes));
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        unsigned crc = 0;
        for (size_t i = 0; i < len * 8; i++) {
            const unsigned bit = bytes[i / 8] >> (7 - i % 8) & 1;
            const unsigned top = crc >> 15 & 1;
            crc = (crc << 1) & 0xFFFF;
            crc ^= top != bit ? 0x3D65 : 0;
        }
        assert_int_equal(hyp_wmbus_crc(bytes, len), ~crc & 0xFFFF);
    }
}

/* --- 3-of-6 --- */

static const struct chips_row {
    const char *name;
    const char *chips;
    enum hyp_status status;
    const char *bytes; /* decoded before the bad symbol, too */
    int64_t offset;
} chips_rows[] = {
    {"3-of-6 of 00",                         "5960",     HYP_OK,        "00",   -1},
    {"3-of-6 of 2E 44",                      "3B271C",   HYP_OK,        "2E44", -1},
    {"3-of-6 all ones",                      "FFFF",     HYP_BAD_CHECK, "",     0 },
    {"3-of-6 second nibble bad",             "5800",     HYP_BAD_CHECK, "",     0 },
    {"3-of-6 second byte bad",               "59600000", HYP_BAD_CHECK, "00",   1 },
    {"3-of-6 three ones that are no symbol", "1CE0",     HYP_BAD_CHECK, "",     0 },
    {"3-of-6 too short for a byte",          "59",       HYP_OK,        "",     -1},
};

static void check_chips(void **state)
{
    const struct chips_row *row = *state;
    uint8_t chips[16];
    uint8_t want[16];
    uint8_t bytes[16];
    size_t len = 0;
    struct hyp_error err = {.offset = -1};
    const size_t chip_len = from_hex(row->chips, chips, sizeof(chips));
    const size_t want_len = from_hex(row->bytes, want, sizeof(want));
    assert_int_equal(hyp_three_of_six_decode(chips, chip_len, bytes, sizeof(bytes), &len, &err),
                     row->status);
    assert_int_equal(len, want_len);
    assert_memory_equal(bytes, want, want_len);
    assert_int_equal(err.offset, row->offset);
}

static void three_of_six_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[256];
    uint8_t chips[384];
    uint8_t back[256];
    size_t chip_len = 0;
    size_t len = 0;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t n = 1; n <= sizeof(bytes); n++) {
        assert_int_equal(hyp_three_of_six_encode(bytes, n, chips, sizeof(chips), &chip_len),
                         HYP_OK);
        assert_int_equal(hyp_three_of_six_decode(chips, chip_len, back, n, &len, NULL), HYP_OK);
        assert_int_equal(len, n);
        assert_memory_equal(back, bytes, n);
    }
    assert_int_equal(hyp_three_of_six_encode(bytes, 2, chips, 2, &chip_len), HYP_LIMIT);
}

/* --- telegrams --- */

/* OMS volume 2 annex N, security profile A, as sent in mode T. */
#define OMS_A                                                                                  \
    "2E44931578563412330333637A2A0020255923C95AAA26D1B2E7493BC2AD013EC4A6F6D3529B520EDFF0EA6D" \
    "EFC955B29D6D69EBF3EC8A"
#define B_SHORT "1444AE0C7856341201078C2027780B134365877AC5"

static const struct link_row {
    const char *name;
    const char *hex;
    enum hyp_status status;
    enum hyp_wmbus_format format;
    size_t len;
    size_t trailing;
    int64_t offset;
} link_rows[] = {
    {"format A",                           OMS_A,                                                  HYP_OK,        HYP_WMBUS_FORMAT_A,        47, 0, -1},
    {"format A and RSSI",                  OMS_A "4C",                                             HYP_OK,        HYP_WMBUS_FORMAT_A,        47, 1, -1},
    {"format A and three receiver bytes",  OMS_A "010203",                                         HYP_OK,        HYP_WMBUS_FORMAT_A,        47, 3,
     -1                                                                                                                                               },
    {"format A and four bytes too many",   OMS_A "01020304",                                       HYP_MALFORMED, 0,                         0,  0, 0 },
    {"format B",                           B_SHORT,                                                HYP_OK,        HYP_WMBUS_FORMAT_B,        19, 0, -1},
    {"format B and two receiver bytes",    B_SHORT "FFFF",                                         HYP_OK,        HYP_WMBUS_FORMAT_B,        19, 2, -1},
    {"stripped",                           "1244AE0C7856341201078C2027780B13436587",               HYP_OK,        HYP_WMBUS_FORMAT_STRIPPED,
     19,                                                                                                                                         0, -1},
    {"stripped and RSSI",                  "1244AE0C7856341201078C2027780B1343658799",             HYP_OK,
     HYP_WMBUS_FORMAT_STRIPPED,                                                                                                              19, 1, -1},
    {"stripped with L one too small",      "1144AE0C7856341201078C2027780B1343658799999999999999",
     HYP_MALFORMED,                                                                                               0,                         0,  0, 0 },
    {"stripped and cut",                   "1244AE0C7856341201078C2027780B134365",                 HYP_NEED_MORE, 0,                         0,  0, 0 },
    {"first block CRC of format A wrong",
     "2E44931578563412330333647A2A0020255923C95AAA26D1B2E7493BC2AD013EC4A6F6D3529B520EDFF0EA6D"
     "EFC955B29D6D69EBF3EC8A",                                                                     HYP_BAD_CHECK, 0,                         0,  0, 10},
    {"second block CRC of format A wrong",
     "2E44931578563412330333637A2A0020255923C95AAA26D1B2E7493BC2AE013EC4A6F6D3529B520EDFF0EA6D"
     "EFC955B29D6D69EBF3EC8A",                                                                     HYP_BAD_CHECK, 0,                         0,  0, 28},
    {"address only",                       "0944AE0C785634120107",                                 HYP_OK,        HYP_WMBUS_FORMAT_STRIPPED, 10, 0, -1},
    {"L too small for an address",         "0844AE0C785634120107",                                 HYP_MALFORMED, 0,                         0,  0, 0 },
    {"no telegram's C field",              "1245AE0C7856341201078C2027780B13436587",               HYP_MALFORMED, 0,                         0,  0,
     1                                                                                                                                                },
    {"two bytes",                          "1244",                                                 HYP_NEED_MORE, 0,                         0,  0, 2 },
    {"nothing",                            "",                                                     HYP_NEED_MORE, 0,                         0,  0, 0 },
};

static void check_link(void **state)
{
    const struct link_row *row = *state;
    uint8_t bytes[FRAME_MAX];
    uint8_t copy[HYP_WMBUS_TELEGRAM_MAX];
    struct hyp_wmbus_link link;
    struct hyp_error err = {.offset = -1};
    const size_t len = from_hex(row->hex, bytes, sizeof(bytes));
    assert_int_equal(hyp_wmbus_link_parse(bytes, len, copy, &link, NULL, &err), row->status);
    assert_int_equal(err.offset, row->offset);
    if (row->status != HYP_OK) {
        assert_true(err.text[0] != '\0');
        return;
    }
    assert_int_equal(link.format, row->format);
    assert_int_equal(link.len, row->len);
    assert_int_equal(link.trailing, row->trailing);
    assert_int_equal(link.used + link.trailing, len);
    assert_int_equal(copy[0], row->len - 1);
    for (size_t i = 1; i < link.len; i++) {
        assert_int_equal(copy[i], bytes[hyp_wmbus_link_input_offset(link.format, i)]);
    }
}

/* A telegram of `len` bytes without CRCs. */
static void make_telegram(struct hyp_rng *rng, uint8_t *out, size_t len)
{
    hyp_rng_fill(rng, out, len);
    out[0] = (uint8_t)(len - 1);
    out[1] = 0x44;
}

static size_t append_block(uint8_t *out, size_t at, const uint8_t *data, size_t len)
{
    const uint16_t crc = hyp_wmbus_crc(data, len);
    memcpy(out + at, data, len);
    out[at + len] = (uint8_t)(crc >> 8);
    out[at + len + 1] = (uint8_t)crc;
    return at + len + 2;
}

static size_t encode_a(const uint8_t *telegram, size_t len, uint8_t *out)
{
    size_t at = append_block(out, 0, telegram, 10);
    for (size_t i = 10; i < len; i += 16) {
        at = append_block(out, at, telegram + i, len - i < 16 ? len - i : 16);
    }
    return at;
}

static size_t encode_b(const uint8_t *telegram, size_t len, uint8_t *out)
{
    uint8_t copy[FRAME_MAX];
    memcpy(copy, telegram, len);
    copy[0] = (uint8_t)(len - 1 + (len <= 126 ? 2 : 4));
    size_t at = append_block(out, 0, copy, len < 126 ? len : 126);
    if (len > 126) {
        at = append_block(out, at, copy + 126, len - 126);
    }
    return at;
}

static void expect_same(const uint8_t *frame, size_t frame_len, const uint8_t *telegram,
                        size_t len, enum hyp_wmbus_format format)
{
    uint8_t copy[HYP_WMBUS_TELEGRAM_MAX];
    struct hyp_wmbus_link link;
    struct hyp_error err;
    enum hyp_status status = hyp_wmbus_link_parse(frame, frame_len, copy, &link, NULL, &err);
    if (status != HYP_OK || link.format != format || link.len != len ||
        memcmp(copy, telegram, len) != 0) {
        fail_msg("length %zu of format %d: %s", len, (int)format, err.text);
    }
}

static void every_length_in_every_format(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    uint8_t telegram[HYP_WMBUS_TELEGRAM_MAX];
    uint8_t frame[FRAME_MAX];
    hyp_rng_seeded_init(&seeded, 4);
    for (size_t len = 11; len <= 256; len++) {
        make_telegram(&seeded.rng, telegram, len);
        for (size_t extra = 0; extra <= 3; extra++) {
            memset(frame, 0x5A, sizeof(frame));
            const size_t a = encode_a(telegram, len, frame);
            expect_same(frame, a + extra, telegram, len, HYP_WMBUS_FORMAT_A);
            memset(frame, 0x5A, sizeof(frame));
            if (len <= 252) {
                const size_t b = encode_b(telegram, len, frame);
                expect_same(frame, b + extra, telegram, len, HYP_WMBUS_FORMAT_B);
            }
            memset(frame, 0x5A, sizeof(frame));
            memcpy(frame, telegram, len);
            expect_same(frame, len + extra, telegram, len, HYP_WMBUS_FORMAT_STRIPPED);
        }
    }
}

/* A telegram that lost its end is never taken for a shorter one. */
static void no_cut_is_accepted(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    uint8_t telegram[HYP_WMBUS_TELEGRAM_MAX];
    uint8_t frame[FRAME_MAX];
    uint8_t copy[HYP_WMBUS_TELEGRAM_MAX];
    struct hyp_wmbus_link link;
    hyp_rng_seeded_init(&seeded, 5);
    for (size_t len = 20; len <= 250; len += 23) {
        make_telegram(&seeded.rng, telegram, len);
        const size_t whole = encode_a(telegram, len, frame);
        for (size_t cut = 0; cut < whole; cut++) {
            /* As long as a stripped telegram of this L, a cut cannot be told from one. */
            if (cut >= len && cut <= len + 3) {
                continue;
            }
            if (hyp_wmbus_link_parse(frame, cut, copy, &link, NULL, NULL) == HYP_OK) {
                fail_msg("%zu of %zu bytes taken for a telegram", cut, whole);
            }
        }
    }
}

/* Every single bit error of a frame with CRCs is noticed. */
static void no_bit_error_is_accepted(void **state)
{
    (void)state;
    uint8_t frame[64];
    uint8_t copy[HYP_WMBUS_TELEGRAM_MAX];
    struct hyp_wmbus_link link;
    const size_t len = from_hex(OMS_A, frame, sizeof(frame));
    for (size_t bit = 0; bit < len * 8; bit++) {
        frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(hyp_wmbus_link_parse(frame, len, copy, &link, NULL, NULL), HYP_OK);
        frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, crc_rows, check_crc);
    TEST_ONE(&list, crc_agrees_with_the_polynomial);
    TEST_ROWS(&list, chips_rows, check_chips);
    TEST_ONE(&list, three_of_six_round_trip);
    TEST_ROWS(&list, link_rows, check_link);
    TEST_ONE(&list, every_length_in_every_format);
    TEST_ONE(&list, no_cut_is_accepted);
    TEST_ONE(&list, no_bit_error_is_accepted);
    return test_list_run(&list, "wmbus link");
}
