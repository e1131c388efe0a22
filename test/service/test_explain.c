/* SPDX-License-Identifier: Apache-2.0 */
#include "fresh.h"

#include "service/explain.h"

/* A wired long frame around a long header and the given records. */
static size_t wired(uint8_t *out, const char *serial_le, const char *records)
{
    uint8_t body[128];
    size_t len = 0;
    size_t more = 0;
    uint8_t sum = 0;
    static const uint8_t head[] = {0x08, 0x01, 0x72};
    static const uint8_t rest[] = {0x2D, 0x2C, 0x35, 0x04, 0x01, 0x00, 0x00, 0x00};
    memcpy(body, head, sizeof(head));
    len = sizeof(head);
    assert_int_equal(hyp_hex_decode(hyp_str_from(serial_le), body + len, 4, &more, NULL),
                     HYP_OK);
    len += more;
    memcpy(body + len, rest, sizeof(rest));
    len += sizeof(rest);
    assert_int_equal(
        hyp_hex_decode(hyp_str_from(records), body + len, sizeof(body) - len, &more, NULL),
        HYP_OK);
    len += more;
    out[0] = out[3] = 0x68;
    out[1] = out[2] = (uint8_t)len;
    memcpy(out + 4, body, len);
    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + body[i]);
    }
    out[4 + len] = sum;
    out[5 + len] = 0x16;
    return len + 6;
}

static struct hyp_explanation explain(const uint8_t *bytes, size_t len,
                                      enum hyp_raw_protocol protocol,
                                      const struct hyp_profile *profile)
{
    struct hyp_explanation explanation;
    struct hyp_error err = {0};
    const struct hyp_explain_request request = {
        .bytes = bytes, .len = len, .protocol = protocol, .profile = profile};
    if (hyp_explain_bytes(t.service, &t.reader, &request, &t.arena, &explanation, &err) !=
        HYP_OK) {
        fail_msg("%s", err.text);
    }
    return explanation;
}

/* Every byte of stage 0 up to `len` has a note that covers it, there or in stage 1. */
static void assert_covered(const struct hyp_explanation *explanation, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        bool covered = false;
        for (size_t i = 0; i < explanation->note_count; i++) {
            const struct hyp_note *note = &explanation->notes[i];
            covered = covered || (at >= note->offset && at < (size_t)note->offset + note->len);
        }
        if (!covered) {
            fail_msg("byte %zu has no note", at);
        }
    }
}

static void a_wired_frame(void **state)
{
    uint8_t bytes[256];
    (void)state;
    size_t len = wired(bytes, "78563412", "04130A000000 0406D2040000");
    struct hyp_explanation explanation = explain(bytes, len, HYP_RAW_UNSET, NULL);
    assert_true(explanation.ok);
    assert_string_equal(explanation.link, "mbus");
    assert_true(explanation.has_meter);
    assert_string_equal(explanation.meter.id, "12345678");
    assert_string_equal(explanation.meter.manufacturer, "KAM");
    assert_int_equal(explanation.stages[0].len, len);
    assert_memory_equal(explanation.stages[0].bytes, bytes, len);
    assert_true(explanation.value_count >= 2);
    assert_true(explanation.profile[0] != '\0');
    assert_covered(&explanation, len);
}

static void several_frames_back_to_back(void **state)
{
    uint8_t bytes[512];
    (void)state;
    size_t first = wired(bytes, "78563412", "04130A000000");
    size_t second = wired(bytes + first, "78563412", "0406D2040000");
    struct hyp_explanation one = explain(bytes, first, HYP_RAW_MBUS, NULL);
    struct hyp_explanation both = explain(bytes, first + second, HYP_RAW_MBUS, NULL);
    assert_true(both.ok);
    assert_int_equal(both.stages[0].len, first + second);
    assert_true(both.value_count > one.value_count);
    assert_covered(&both, first + second);
    for (size_t i = 0; i < both.note_count; i++) {
        size_t stage_len = both.stages[both.notes[i].stage].len;
        assert_true((size_t)both.notes[i].offset + both.notes[i].len <= stage_len);
    }
}

static void a_damaged_second_frame(void **state)
{
    uint8_t bytes[512];
    (void)state;
    size_t first = wired(bytes, "78563412", "04130A000000");
    size_t second = wired(bytes + first, "78563412", "0406D2040000");
    bytes[first + second - 2] ^= 0xFF;
    struct hyp_explanation explanation = explain(bytes, first + second, HYP_RAW_MBUS, NULL);
    assert_false(explanation.ok);
    assert_int_equal(explanation.error.status, HYP_BAD_CHECK);
    assert_true(explanation.error.offset >= (int64_t)first);
    assert_true(explanation.error.text[0] != '\0');
    assert_true(explanation.value_count > 0); /* the first frame's values are good */
}

static const struct refusal_row {
    const char *name;
    const char *hex;
} refusal_rows[] = {
    {"one byte",       "68"                              },
    {"an empty frame", "6800006816"                      },
    {"wrong start",    "0102030405060708090A"            },
    {"lengths differ", "680506680801720000000A16"        },
    {"only ones",      "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"},
    {"a short frame",  "105B015C16"                      },
};

static void refuses(void **state)
{
    const struct refusal_row *row = *state;
    uint8_t bytes[64];
    size_t len;
    open_service(NULL);
    assert_int_equal(hyp_hex_decode(hyp_str_from(row->hex), bytes, sizeof(bytes), &len, NULL),
                     HYP_OK);
    struct hyp_explanation explanation = explain(bytes, len, HYP_RAW_UNSET, NULL);
    assert_false(explanation.ok);
    assert_int_not_equal(explanation.error.status, HYP_OK);
    assert_true(explanation.error.text[0] != '\0');
    assert_int_equal(explanation.stages[0].len, len);
    close_service(NULL);
}

static void limits_and_rights(void **state)
{
    static uint8_t bytes[HYP_LIMIT_FRAME_BYTES * HYP_LIMIT_MULTI_TELEGRAMS + 1];
    struct hyp_explanation explanation;
    struct hyp_scope nobody = hyp_scope_make(t.admin.tenant, 1, HYP_ROLE_NONE);
    struct hyp_explain_request request = {.bytes = bytes, .len = 10};
    (void)state;
    assert_int_equal(
        hyp_explain_bytes(t.service, &nobody, &request, &t.arena, &explanation, NULL),
        HYP_DENIED);
    request.len = 0;
    assert_int_equal(
        hyp_explain_bytes(t.service, &t.reader, &request, &t.arena, &explanation, NULL),
        HYP_INVALID);
    request.len = sizeof(bytes);
    assert_int_equal(
        hyp_explain_bytes(t.service, &t.reader, &request, &t.arena, &explanation, NULL),
        HYP_INVALID);
}

static void a_modbus_snapshot(void **state)
{
    /* unit 5, function 3, from 2060, four registers; then one bit block */
    static const uint8_t bytes[] = {5, 3, 0x08, 0x0B, 0, 4, 0x01, 0x0A, 0xFF, 0xFE, 0,
                                    7, 0, 0,    5,    1, 0, 0,    0,    3,    0x05};
    (void)state;
    struct hyp_explanation explanation =
        explain(bytes, sizeof(bytes), HYP_RAW_MODBUS_SNAPSHOT, NULL);
    assert_true(explanation.ok);
    assert_string_equal(explanation.link, "modbus");
    assert_covered(&explanation, sizeof(bytes));
    bool found = false;
    for (size_t i = 0; i < explanation.note_count; i++) {
        found = found || strstr(explanation.notes[i].meaning, "2060: 65534 (signed -2") != NULL;
    }
    assert_true(found);
    struct hyp_explanation cut =
        explain(bytes, sizeof(bytes) - 1, HYP_RAW_MODBUS_SNAPSHOT, NULL);
    assert_false(cut.ok);
    assert_int_equal(cut.error.status, HYP_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(a_wired_frame),          WITH_SERVICE(several_frames_back_to_back),
        WITH_SERVICE(a_damaged_second_frame), WITH_SERVICE(limits_and_rights),
        WITH_SERVICE(a_modbus_snapshot),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    TEST_ROWS(&list, refusal_rows, refuses);
    return test_list_run(&list, "explain");
}
