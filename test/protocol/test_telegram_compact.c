/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compact frames: a format is learned from a full frame or a format frame, a compact one
 * rebuilt with it has to be the full one, and nothing else is accepted. The telegrams are built
 * here.
 */
#include "support/rows.h"

#include "base/rng.h"
#include "protocol/telegram.h"
#include "protocol/wmbus/crc.h"
#include "protocol/wmbus/formats.h"

#define FRAME_MAX 260

static struct hyp_formats formats;
static struct hyp_telegram telegram;

static const struct hyp_compact_format *find_format(void *user, uint16_t signature)
{
    (void)user;
    return hyp_formats_find(&formats, signature);
}

static void learn_format(void *user, const struct hyp_compact_format *format)
{
    (void)user;
    HYP_IGNORE(hyp_formats_learn(&formats, format)); /* known already is as good */
}

static const struct hyp_telegram_context context = {
    .find_format = find_format,
    .learn_format = learn_format,
};

static size_t from_hex(const char *hex, uint8_t *out, size_t capacity)
{
    size_t len = 0;
    if (hyp_hex_decode(hyp_str_from(hex), out, capacity, &len, NULL) != HYP_OK) {
        fail_msg("bad hex in a row: %s", hex);
    }
    return len;
}

/* A stripped telegram of KAM 12345678 with this CI and payload. */
static enum hyp_status open_payload(uint8_t ci, const uint8_t *payload, size_t len,
                                    struct hyp_error *err)
{
    static const uint8_t head[] = {0x44, 0x2D, 0x2C, 0x78, 0x56, 0x34, 0x12, 0x30, 0x04};
    uint8_t bytes[FRAME_MAX];
    memcpy(bytes + 1, head, sizeof(head));
    bytes[10] = ci;
    memcpy(bytes + 11, payload, len);
    bytes[0] = (uint8_t)(10 + len);
    return hyp_telegram_open(bytes, 11 + len, HYP_LINK_WMBUS, &context, &telegram, NULL, err);
}

/* SIG CRC data, both low byte first. */
static size_t make_compact(const char *difvif_hex, const char *full_hex, const char *data_hex,
                           uint8_t *out)
{
    uint8_t bytes[FRAME_MAX];
    const uint16_t signature = hyp_wmbus_crc(bytes, from_hex(difvif_hex, bytes, sizeof(bytes)));
    const uint16_t crc = hyp_wmbus_crc(bytes, from_hex(full_hex, bytes, sizeof(bytes)));
    out[0] = (uint8_t)signature;
    out[1] = (uint8_t)(signature >> 8);
    out[2] = (uint8_t)crc;
    out[3] = (uint8_t)(crc >> 8);
    return 4 + from_hex(data_hex, out + 4, FRAME_MAX - 4);
}

/* --- learned from a full frame --- */

static const struct compact_row {
    const char *name;
    const char *full;   /* application data of the full frame */
    const char *difvif; /* its headers */
    const char *clean;  /* the full frame without fillers */
    const char *data;   /* its data */
} compact_rows[] = {
    {"two integers",              "0406112233440414AABBCCDD",           "04060414",       "0406112233440414AABBCCDD",
     "11223344AABBCCDD"                                                                                                                 },
    {"fillers belong to nothing", "2F2F0406112233442F0414AABBCCDD2F2F", "04060414",
     "0406112233440414AABBCCDD",                                                                                      "11223344AABBCCDD"},
    {"extensions",                "84100611223344C440024142FFFF",       "841006C44002",
     "84100611223344C440024142FFFF",                                                                                  "112233444142FFFF"},
    {"text carries its length",   "0D7803414243040601020304",           "0D780406",
     "0D7803414243040601020304",                                                                                      "0341424301020304"},
    {"plain text unit",           "02FC0348522574D411",                 "02FC0348522574", "02FC0348522574D411",       "D411"            },
};

static void check_compact(void **state)
{
    const struct compact_row *row = *state;
    uint8_t payload[FRAME_MAX];
    uint8_t clean[FRAME_MAX];
    struct hyp_error err = {.text = ""};
    hyp_formats_init(&formats);
    const size_t compact = make_compact(row->difvif, row->clean, row->data, payload);
    assert_int_equal(open_payload(0x79, payload, compact, &err), HYP_NOT_FOUND);

    uint8_t full[FRAME_MAX];
    const size_t full_len = from_hex(row->full, full, sizeof(full));
    assert_int_equal(open_payload(0x78, full, full_len, &err), HYP_OK);
    assert_int_equal(formats.count, 1);

    assert_int_equal(open_payload(0x79, payload, compact, &err), HYP_OK);
    const size_t clean_len = from_hex(row->clean, clean, sizeof(clean));
    assert_true(telegram.compact);
    assert_int_equal(telegram.data_len, clean_len);
    assert_memory_equal(telegram.data, clean, clean_len);
    /* An error within expanded records points at the compact frame, which is what came in. */
    assert_int_equal(hyp_telegram_input_offset(&telegram, telegram.data_offset + 1), 11);
}

/* Any change of any byte of a compact frame is noticed. */
static void changed_compact_frame_is_refused(void **state)
{
    (void)state;
    const struct compact_row *row = &compact_rows[0];
    uint8_t payload[FRAME_MAX];
    uint8_t full[FRAME_MAX];
    struct hyp_error err;
    hyp_formats_init(&formats);
    assert_int_equal(open_payload(0x78, full, from_hex(row->full, full, sizeof(full)), &err),
                     HYP_OK);
    const size_t len = make_compact(row->difvif, row->clean, row->data, payload);
    for (size_t bit = 0; bit < len * 8; bit++) {
        payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum hyp_status status = open_payload(0x79, payload, len, &err);
        assert_int_equal(status, bit < 16 ? HYP_NOT_FOUND : HYP_BAD_CHECK);
        payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_not_equal(open_payload(0x79, payload, cut, &err), HYP_OK);
    }
}

/* Trap 8: another format under the same signature must not decode with wrong meanings. */
static void format_of_a_collision_is_refused(void **state)
{
    (void)state;
    const struct compact_row *row = &compact_rows[0];
    uint8_t payload[FRAME_MAX];
    struct hyp_error err;
    const size_t len = make_compact(row->difvif, row->clean, row->data, payload);
    struct hyp_compact_format other = {
        .signature = (uint16_t)(payload[0] | payload[1] << 8),
        .len = 4,
        .difvif = {4, 0x14, 4, 6}
    };
    hyp_formats_init(&formats);
    assert_int_equal(hyp_formats_learn(&formats, &other), HYP_OK);
    assert_int_equal(open_payload(0x79, payload, len, &err), HYP_BAD_CHECK);
    assert_int_equal(telegram.data_len, 0);
}

/* --- format frames --- */

static void format_frame_is_learned_when_its_signature_fits(void **state)
{
    (void)state;
    uint8_t payload[FRAME_MAX];
    uint8_t difvif[FRAME_MAX];
    struct hyp_error err;
    const size_t len = from_hex("04060414", difvif, sizeof(difvif));
    const uint16_t signature = hyp_wmbus_crc(difvif, len);
    payload[0] = (uint8_t)(2 + len);
    payload[1] = (uint8_t)signature;
    payload[2] = (uint8_t)(signature >> 8);
    memcpy(payload + 3, difvif, len);
    hyp_formats_init(&formats);
    assert_int_equal(open_payload(0x69, payload, 3 + len, &err), HYP_OK);
    assert_int_equal(telegram.content, HYP_CONTENT_NONE);
    assert_non_null(hyp_formats_find(&formats, signature));
    payload[3] ^= 1;
    assert_int_equal(open_payload(0x69, payload, 3 + len, &err), HYP_BAD_CHECK);
    assert_int_equal(open_payload(0x69, payload, 2, &err), HYP_MALFORMED);
    assert_int_equal(formats.count, 1);
}

/* A manufacturer's rest has no length in any header: such a frame teaches nothing. */
static void frame_with_a_rest_teaches_nothing(void **state)
{
    (void)state;
    uint8_t payload[FRAME_MAX];
    struct hyp_error err;
    hyp_formats_init(&formats);
    assert_int_equal(open_payload(0x78, payload,
                                  from_hex("0406112233440F0102", payload, sizeof(payload)),
                                  &err),
                     HYP_OK);
    assert_int_equal(formats.count, 0);
}

/* --- table --- */

static void known_formats_are_found_by_their_checksum(void **state)
{
    (void)state;
    /* Kamstrup MULTICAL 21 and 603, as seen in the field. */
    static const uint16_t signatures[] = {0xA8ED, 0xB34D, 0x8C13};
    hyp_formats_init(&formats);
    hyp_formats_add_known(&formats);
    assert_true(formats.count >= 23);
    for (size_t i = 0; i < HYP_ARRAY_LEN(signatures); i++) {
        const struct hyp_compact_format *format = hyp_formats_find(&formats, signatures[i]);
        assert_non_null(format);
        assert_int_equal(hyp_wmbus_crc(format->difvif, format->len), signatures[i]);
    }
    assert_null(hyp_formats_find(&formats, 0x0001));
}

static void table_fills_up_and_says_so(void **state)
{
    (void)state;
    struct hyp_compact_format format = {
        .len = 2, .difvif = {1, 2}
    };
    hyp_formats_init(&formats);
    for (size_t i = 0; i < HYP_LIMIT_COMPACT_FORMATS; i++) {
        format.signature = (uint16_t)(i * 61); /* many share a slot */
        assert_int_equal(hyp_formats_learn(&formats, &format), HYP_OK);
        assert_int_equal(hyp_formats_learn(&formats, &format), HYP_EXISTS);
    }
    format.signature = 1;
    assert_int_equal(hyp_formats_learn(&formats, &format), HYP_LIMIT);
    format.signature = 61;
    format.len = 1;
    assert_int_equal(hyp_formats_learn(&formats, &format), HYP_OK);
    for (size_t i = 0; i < HYP_LIMIT_COMPACT_FORMATS; i++) {
        assert_non_null(hyp_formats_find(&formats, (uint16_t)(i * 61)));
    }
    assert_int_equal(hyp_formats_find(&formats, 61)->len, 1);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, compact_rows, check_compact);
    TEST_ONE(&list, changed_compact_frame_is_refused);
    TEST_ONE(&list, format_of_a_collision_is_refused);
    TEST_ONE(&list, format_frame_is_learned_when_its_signature_fits);
    TEST_ONE(&list, frame_with_a_rest_teaches_nothing);
    TEST_ONE(&list, known_formats_are_found_by_their_checksum);
    TEST_ONE(&list, table_fills_up_and_says_so);
    return test_list_run(&list, "telegram compact");
}
