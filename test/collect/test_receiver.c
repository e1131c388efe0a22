/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What receivers say, whole, byte by byte and cut in two at every place: the same telegrams,
 * the same signal, the same amount of noise.
 */
#include "receivers.h"
#include "support/rows.h"

#include "collect/stream.h"

struct row {
    const char *name;
    enum hyp_receiver_kind kind;
    bool text; /* `input` is text, not hex */
    const char *input;
    const char *found; /* "HEX dBm HEX dBm"; empty = none */
    bool noise;
};

#define WHOLE "1E" RX_CONTENT

static const struct row rows[] = {
    {"im871a: time, RSSI and CRC",                HYP_RECEIVER_IM871A,       false, RX_IM871A,                        WHOLE " -70;",               false},
    {"im871a: nothing behind",                    HYP_RECEIVER_IM871A,       false, RX_IM871A_PLAIN,                  WHOLE " 0;",                 false},
    {"im871a: an answer between two",             HYP_RECEIVER_IM871A,       false,
     RX_IM871A RX_IM871A_PING RX_IM871A,                                                                              WHOLE " -70;" WHOLE " -70;", false},
    {"im871a: after garbage",                     HYP_RECEIVER_IM871A,       false, "00A5FFA5C2" RX_IM871A,           WHOLE " -70;",
     true                                                                                                                                               },
    {"im871a: a start in garbage",                HYP_RECEIVER_IM871A,       false, "A5A5E203" RX_IM871A,
     WHOLE " -70;",                                                                                                                                true },
    {"im871a: wrong CRC, then a good one",        HYP_RECEIVER_IM871A,       false,
     "A5E2031E" RX_CONTENT "0102030469CBD8" RX_IM871A,                                                                WHOLE " -70;",               true },
    {"im871a: cut",                               HYP_RECEIVER_IM871A,       false, "A5E2031E442D2C",                 "",                          false},
    {"amb8465",                                   HYP_RECEIVER_AMB8465,      false, RX_AMB8465,                       WHOLE " 0;",                 false},
    {"amb8465: with RSSI",                        HYP_RECEIVER_AMB8465_RSSI, false, RX_AMB8465_RSSI,                  WHOLE " -90;",
     false                                                                                                                                              },
    {"amb8465: an answer between two",            HYP_RECEIVER_AMB8465,      false,
     RX_AMB8465 RX_AMB8465_REPLY RX_AMB8465,                                                                          WHOLE " 0;" WHOLE " 0;",     false},
    {"amb8465: after garbage",                    HYP_RECEIVER_AMB8465,      false, "FFFF0310FF03" RX_AMB8465,
     WHOLE " 0;",                                                                                                                                  true },
    {"amb8465: wrong sum, then a good one",       HYP_RECEIVER_AMB8465,      false,
     "FF031E" RX_CONTENT "57" RX_AMB8465,                                                                             WHOLE " 0;",                 true },
    {"cul: mode T",                               HYP_RECEIVER_CUL_T,        true,  "b" RX_FORMAT_A "\r\n",           RX_FORMAT_A " 0;",           false},
    {"cul: mode T with signal",                   HYP_RECEIVER_CUL_T,        true,  "b" RX_FORMAT_A "40E0\r\n",
     RX_FORMAT_A " -90;",                                                                                                                          false},
    {"cul: mode C",                               HYP_RECEIVER_CUL_C,        true,  "bY" RX_FORMAT_B "\r\n",          RX_FORMAT_B " 0;",
     false                                                                                                                                              },
    {"cul: mode C with signal",                   HYP_RECEIVER_CUL_C,        true,  "bY" RX_FORMAT_B "40E0\r\n",
     RX_FORMAT_B " -90;",                                                                                                                          false},
    {"cul: answers and other telegrams",          HYP_RECEIVER_CUL_T,        true,
     "V 1.66 CUL868\r\nTMODE\r\n\r\nb" RX_FORMAT_A "\r\n",                                                            RX_FORMAT_A " 0;",           false},
    {"cul: a wrong digit",                        HYP_RECEIVER_CUL_T,        true,
     "b1F442D2C99563412680744B27A55\r\nb" RX_FORMAT_A "\r\n",                                                         RX_FORMAT_A " 0;",           true },
    {"cul: cut to an odd number of digits",       HYP_RECEIVER_CUL_T,        true,
     "b1E442D2C99563412680744B27A5\r\nb" RX_FORMAT_A "\r\n",                                                          RX_FORMAT_A " 0;",           true },
    {"cul: after garbage",                        HYP_RECEIVER_CUL_T,        true,
     "\xFF\x01"
     "b" RX_FORMAT_A "\r\n",
     RX_FORMAT_A " 0;",                                                                                                                            true },
    {"cul: without block CRCs",                   HYP_RECEIVER_CUL_T,        true,  "b1E" RX_CONTENT "\r\n",          "",                          true },
    {"rc1180",                                    HYP_RECEIVER_RC1180,       false, RX_RC1180 RX_RC1180,              WHOLE " 0;" WHOLE " 0;",     false},
    {"rc1180: with RSSI",                         HYP_RECEIVER_RC1180_RSSI,  false, RX_RC1180_RSSI RX_RC1180_RSSI,
     WHOLE " -70;" WHOLE " -70;",                                                                                                                  false},
    {"rc1180: after garbage",                     HYP_RECEIVER_RC1180,       false, "00FF0A11" RX_RC1180,             WHOLE " 0;",
     true                                                                                                                                               },
    {"iu891a: escapes and RSSI",                  HYP_RECEIVER_IU891A,       false, RX_IU891A,                        WHOLE " -77;",               false},
    {"iu891a: an answer between two",             HYP_RECEIVER_IU891A,       false,
     RX_IU891A RX_IU891A_PING RX_IU891A,                                                                              WHOLE " -77;" WHOLE " -77;", false},
    {"iu891a: the end of a missed message first", HYP_RECEIVER_IU891A,       false,
     "0102C0" RX_IU891A,                                                                                              WHOLE " -77;",               true },
    {"iu891a: a start in garbage",                HYP_RECEIVER_IU891A,       false, "C00920FF" RX_IU891A RX_IU891A,
     WHOLE " -77;" WHOLE " -77;",                                                                                                                  true },
    {"iu891a: a wrong escape",                    HYP_RECEIVER_IU891A,       false, "C0DB01C0" RX_IU891A,             WHOLE " -77;",
     true                                                                                                                                               },
    {"iu891a: cut",                               HYP_RECEIVER_IU891A,       false, "C009200102",                     "",                          false},
    {"embit: with RSSI",                          HYP_RECEIVER_EMBIT,        false, RX_EMBIT,                         WHOLE " -81;",               false},
    {"embit: with RSSI and time",                 HYP_RECEIVER_EMBIT,        false, RX_EMBIT_TIME,                    WHOLE " -81;",
     false                                                                                                                                              },
    {"embit: neither",                            HYP_RECEIVER_EMBIT,        false, RX_EMBIT_PLAIN,                   WHOLE " 0;",                 false},
    {"embit: a state between two",                HYP_RECEIVER_EMBIT,        false, RX_EMBIT RX_EMBIT_STATE RX_EMBIT,
     WHOLE " -81;" WHOLE " -81;",                                                                                                                  false},
    {"embit: after garbage",                      HYP_RECEIVER_EMBIT,        false, "FF1700FF" RX_EMBIT,              WHOLE " -81;",
     true                                                                                                                                               },
    {"embit: wrong sum, then a good one",         HYP_RECEIVER_EMBIT,        false, "000584101A" RX_EMBIT,
     WHOLE " -81;",                                                                                                                                true },
    {"chips: mode T",                             HYP_RECEIVER_CHIPS,        true,  RX_CHIPS_T "\r\n",                RX_FORMAT_A " 0;",           false},
    {"chips: mode T, preamble taken away",        HYP_RECEIVER_CHIPS,        true,  RX_CHIPS_T_BARE "\n",
     RX_FORMAT_A " 0;",                                                                                                                            false},
    {"chips: mode C, format A",                   HYP_RECEIVER_CHIPS,        true,  RX_CHIPS_C_A "\n",                RX_FORMAT_A " 0;",
     false                                                                                                                                              },
    {"chips: mode C, format B",                   HYP_RECEIVER_CHIPS,        true,  RX_CHIPS_C_B "\n",                RX_FORMAT_B " 0;",
     false                                                                                                                                              },
    {"chips: count of bits in braces",            HYP_RECEIVER_CHIPS,        true,
     "codes : {512}" RX_CHIPS_T "\n",                                                                                 RX_FORMAT_A " 0;",           false},
    {"chips: JSON",                               HYP_RECEIVER_CHIPS,        true,
     "{\"rows\":[{\"len\":512,\"data\":\"" RX_CHIPS_C_B "\"}]}\n",                                                    RX_FORMAT_B " 0;",           false},
    {"chips: words are no noise",                 HYP_RECEIVER_CHIPS,        true,
     "Tuned to 868.950MHz.\n" RX_CHIPS_T "\n",                                                                        RX_FORMAT_A " 0;",           false},
    {"chips: one chip wrong",                     HYP_RECEIVER_CHIPS,        true,
     "AAAAAAAAAAA1E9B938E1D89DA4B2B2D16E1A73562C9B8E46727332CACB2C02CB2CE1A5E271D1ACB2CB38735A3"
     "349DA2C7533385D389A9ACB2CB2C5E534B2EE9C\n" RX_CHIPS_T "\n",
     RX_FORMAT_A " 0;",                                                                                                                            true },
    {"chips: mode S",                             HYP_RECEIVER_CHIPS,        true,  RX_CHIPS_S "\n",                  RX_FORMAT_A " 0;",           false},
    {"chips: mode S, preamble taken away",        HYP_RECEIVER_CHIPS,        true,  RX_CHIPS_S_BARE "\n",
     RX_FORMAT_A " 0;",                                                                                                                            false},
    {"chips: mode S, the other way round",        HYP_RECEIVER_CHIPS,        true,  RX_CHIPS_S_SWAPPED "\n",
     "",                                                                                                                                           true },
    {"chips: cut",                                HYP_RECEIVER_CHIPS,        true,  RX_CHIPS_T,                       "",                          false},
};

static void note(struct hyp_buf *out, const struct hyp_piece *piece)
{
    for (size_t i = 0; i < piece->len; i++) {
        hyp_buf_append_fmt(out, "%02X", piece->bytes[i]);
    }
    hyp_buf_append_fmt(out, " %d;", piece->signal_dbm);
}

static void take_all(struct hyp_stream *stream, struct hyp_buf *out)
{
    struct hyp_piece piece;
    while (hyp_stream_next(stream, false, &piece)) {
        note(out, &piece);
    }
}

/* In two pieces, the first `first` long; with first 0 byte by byte. */
static void check_cut(const struct row *row, const uint8_t *bytes, size_t len, size_t first)
{
    char text[1024];
    struct hyp_buf out;
    struct hyp_stream stream;
    hyp_buf_init_fixed(&out, text, sizeof(text));
    hyp_stream_init(&stream, row->kind);
    for (size_t at = 0; at < len;) {
        size_t step = first == 0 ? 1 : at == 0 ? first : len - at;
        hyp_stream_feed(&stream, bytes + at, step);
        take_all(&stream, &out);
        at += step;
    }
    assert_string_equal(hyp_buf_terminate(&out), row->found);
    assert_int_equal(stream.skipped > 0, row->noise);
    hyp_stream_finish(&stream);
}

static void check(void **state)
{
    const struct row *row = *state;
    uint8_t bytes[1024];
    size_t len = strlen(row->input);
    if (row->text) {
        memcpy(bytes, row->input, len);
    } else {
        assert_int_equal(
            hyp_hex_decode(hyp_str_from(row->input), bytes, sizeof(bytes), &len, NULL), HYP_OK);
    }
    for (size_t first = 0; first <= len; first++) {
        check_cut(row, bytes, len, first);
    }
}

/* Half a telegram before a pause is none; the next is not swallowed. */
static void a_pause_ends_half_a_telegram(void **state)
{
    (void)state;
    static const uint8_t half[] = {0x40, 0x44, 0x2D, 0x2C, 0x99};
    uint8_t bytes[64];
    size_t len = 0;
    assert_int_equal(hyp_hex_decode(HYP_STR(RX_RC1180), bytes, sizeof(bytes), &len, NULL),
                     HYP_OK);
    struct hyp_stream stream;
    struct hyp_piece piece;
    hyp_stream_init(&stream, HYP_RECEIVER_RC1180);
    hyp_stream_feed(&stream, half, sizeof(half));
    assert_false(hyp_stream_next(&stream, false, &piece));
    hyp_stream_gap(&stream);
    hyp_stream_feed(&stream, bytes, len);
    assert_true(hyp_stream_next(&stream, false, &piece));
    assert_int_equal(piece.len, len);
    assert_int_equal(stream.skipped, 1);
    hyp_stream_finish(&stream);
}

static void every_receiver_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < HYP_RECEIVER_KIND_COUNT; i++) {
        enum hyp_receiver_kind kind = (enum hyp_receiver_kind)i;
        enum hyp_receiver_kind found;
        assert_int_equal(
            hyp_receiver_kind_find(hyp_str_from(hyp_receiver_kind_text(kind)), &found), HYP_OK);
        assert_int_equal(found, kind);
    }
    enum hyp_receiver_kind none;
    assert_int_equal(hyp_receiver_kind_find(HYP_STR("im872a"), &none), HYP_NOT_FOUND);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, rows, check);
    TEST_ONE(&list, a_pause_ends_half_a_telegram);
    TEST_ONE(&list, every_receiver_has_a_name);
    return test_list_run(&list, "receiver");
}
