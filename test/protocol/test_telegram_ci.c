/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every value of the CI field (EN 13757-7:2018 table 2): which header follows it, what the
 * message is, and what is said of those that are no reading. Over radio and wire; the
 * structures of before 1997 (76, 77, and 73 on a wire) beside the standard's. Status byte and
 * configuration word as the inspector explains them.
 */
#include "support/rows.h"

#include "protocol/telegram.h"

#define FRAME_MAX 64
#define NOTES_MAX 32

enum header { NONE, SHORT, LONG };

/* clang-format off */
static const struct ci {
    uint8_t first;
    uint8_t last;
    enum header header;
    enum hyp_status status;
    enum hyp_telegram_content content;
    const char *words; /* of the note on the CI, or in the refusal */
} table[] = {
    {0x00, 0x1F, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "DLMS is not supported"                    },
    {0x20, 0x4F, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "is reserved"                              },
    {0x50, 0x50, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "application reset, a command"             },
    {0x51, 0x51, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "data to a meter, a command"               },
    {0x52, 0x52, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "selection of a meter, a command"          },
    {0x53, 0x53, LONG,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "application reset, a command"             },
    {0x54, 0x55, LONG,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "request of the selected application, a command"},
    {0x56, 0x56, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "selection of a meter, a command"          }, /* MSB first */
    {0x57, 0x59, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "is reserved"                              },
    {0x5A, 0x5B, LONG,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "data to a meter, a command"               },
    {0x5C, 0x5C, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "synchronisation, a command"               },
    {0x5D, 0x5E, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "is reserved"                              },
    {0x5F, 0x5F, LONG,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "transport of another standard"            },
    {0x60, 0x61, LONG,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "DLMS/COSEM command, a command"            },
    {0x62, 0x63, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "is reserved"                              },
    {0x64, 0x65, LONG,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "OBIS command, a command"                  },
    {0x66, 0x68, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "response of a selected application is not supported"},
    {0x69, 0x69, NONE,  HYP_MALFORMED,   HYP_CONTENT_NONE,         "format frame of length 11"                },
    {0x6A, 0x6A, SHORT, HYP_MALFORMED,   HYP_CONTENT_NONE,         "format frame of length 11"                },
    {0x6B, 0x6B, LONG,  HYP_MALFORMED,   HYP_CONTENT_NONE,         "format frame of length 11"                },
    {0x6C, 0x6C, LONG,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "clock setting, a command"                 },
    {0x6D, 0x6D, LONG,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "clock adjustment, a command"              },
    {0x6E, 0x6E, SHORT, HYP_REFUSED,     HYP_CONTENT_NONE,         "application error 0B"                     },
    {0x6F, 0x6F, LONG,  HYP_REFUSED,     HYP_CONTENT_NONE,         "application error 0B"                     },
    {0x70, 0x70, NONE,  HYP_REFUSED,     HYP_CONTENT_NONE,         "application error 0B"                     },
    {0x71, 0x71, NONE,  HYP_OK,          HYP_CONTENT_ALARM,        "alarm"                                    },
    {0x72, 0x72, LONG,  HYP_OK,          HYP_CONTENT_RECORDS,      "response"                                 },
    {0x73, 0x73, LONG,  HYP_NOT_FOUND,   HYP_CONTENT_NONE,         "compact frame of format 130B"             },
    {0x74, 0x74, SHORT, HYP_OK,          HYP_CONTENT_ALARM,        "alarm"                                    },
    {0x75, 0x75, LONG,  HYP_OK,          HYP_CONTENT_ALARM,        "alarm"                                    },
    {0x76, 0x76, LONG,  HYP_OK,          HYP_CONTENT_RECORDS,      "response, most significant byte first"    },
    {0x77, 0x77, LONG,  HYP_NOT_FOUND,   HYP_CONTENT_NONE,         "compact frame of format 130B"             },
    {0x78, 0x78, NONE,  HYP_OK,          HYP_CONTENT_RECORDS,      "response"                                 },
    {0x79, 0x79, NONE,  HYP_NOT_FOUND,   HYP_CONTENT_NONE,         "compact frame of format 130B"             },
    {0x7A, 0x7A, SHORT, HYP_OK,          HYP_CONTENT_RECORDS,      "response"                                 },
    {0x7B, 0x7B, SHORT, HYP_NOT_FOUND,   HYP_CONTENT_NONE,         "compact frame of format 130B"             },
    {0x7C, 0x7D, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "DLMS/COSEM response is not supported"     },
    {0x7E, 0x7F, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "OBIS (SML) response is not supported"     },
    {0x80, 0x80, LONG,  HYP_OK,          HYP_CONTENT_NONE,         "transport layer without data"             },
    {0x81, 0x81, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "network layer is not supported"           },
    {0x82, 0x83, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "network management, a command"            },
    {0x84, 0x84, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "compact data to a meter, a command"       },
    {0x85, 0x85, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "format request to a meter, a command"     },
    {0x87, 0x89, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "network management is not supported"      },
    {0x8A, 0x8A, SHORT, HYP_OK,          HYP_CONTENT_NONE,         "transport layer without data"             },
    {0x8B, 0x8B, LONG,  HYP_OK,          HYP_CONTENT_NONE,         "transport layer without data"             },
    {0x91, 0x9D, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "is reserved"                              },
    {0x9E, 0x9F, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "transport of another standard"            },
    {0xA0, 0xB7, NONE,  HYP_OK,          HYP_CONTENT_MANUFACTURER, "manufacturer's own"                       },
    {0xB8, 0xB8, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "baud rate 300, a command"                 },
    {0xB9, 0xB9, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "baud rate 600, a command"                 },
    {0xBA, 0xBA, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "baud rate 1200, a command"                },
    {0xBB, 0xBB, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "baud rate 2400, a command"                },
    {0xBC, 0xBC, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "baud rate 4800, a command"                },
    {0xBD, 0xBD, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "baud rate 9600, a command"                },
    {0xBE, 0xBE, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "baud rate 19200, a command"               },
    {0xBF, 0xBF, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "baud rate 38400, a command"               },
    {0xC0, 0xC0, LONG,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "image transfer, a command"                },
    {0xC1, 0xC2, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "image transfer is not supported"          },
    {0xC3, 0xC3, LONG,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "security information, a command"          },
    {0xC4, 0xC5, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "security information is not supported"    },
    {0xC6, 0xFF, NONE,  HYP_UNSUPPORTED, HYP_CONTENT_NONE,         "is reserved"                              },
};
/* clang-format on */

static struct hyp_telegram telegram;
static struct hyp_note notes[NOTES_MAX];
static struct hyp_explain explain;
static struct hyp_error err;

/* Extended link layer and authentication layer: the CI of the message comes behind them. */
static bool is_layer(unsigned ci)
{
    return ci == 0x86 || (ci >= 0x8C && ci <= 0x90);
}

static const struct ci *find_row(unsigned ci)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(table); i++) {
        if (ci >= table[i].first && ci <= table[i].last) {
            return &table[i];
        }
    }
    fail_msg("no row for CI %02X", ci);
    return NULL;
}

/* CI, header and one record: 87654.3 l as a BCD number of three bytes. */
static size_t put_message(uint8_t ci, enum header header, uint8_t *out)
{
    static const uint8_t address[] = {0x44, 0x33, 0x22, 0x11, 0x2D, 0x2C, 0x1B, 0x04};
    static const uint8_t access[] = {0x27, 0x04, 0x00, 0x00};
    static const uint8_t record[] = {0x0B, 0x13, 0x43, 0x65, 0x87};
    size_t len = 0;
    out[len++] = ci;
    if (header == LONG) {
        memcpy(out + len, address, sizeof(address));
        len += sizeof(address);
    }
    if (header != NONE) {
        memcpy(out + len, access, sizeof(access));
        len += sizeof(access);
    }
    memcpy(out + len, record, sizeof(record));
    return len + sizeof(record);
}

static enum hyp_status open_bytes(const uint8_t *bytes, size_t len, enum hyp_link_kind link)
{
    hyp_explain_init(&explain, notes, NOTES_MAX);
    enum hyp_status status =
        hyp_telegram_open(bytes, len, link, NULL, &telegram, &explain, &err);
    assert_int_equal(explain.dropped, 0);
    return status;
}

static enum hyp_status open_radio(uint8_t ci, enum header header)
{
    uint8_t bytes[FRAME_MAX] = {0, 0x44, 0xAE, 0x0C, 0x78, 0x56, 0x34, 0x12, 0x01, 0x07};
    const size_t len = 10 + put_message(ci, header, bytes + 10);
    bytes[0] = (uint8_t)(len - 1);
    return open_bytes(bytes, len, HYP_LINK_WMBUS);
}

static enum hyp_status open_wire(uint8_t ci, enum header header)
{
    uint8_t bytes[FRAME_MAX] = {0x68, 0, 0, 0x68, 0x08, 0x05};
    const size_t l = 2 + put_message(ci, header, bytes + 6);
    bytes[1] = bytes[2] = (uint8_t)l;
    uint8_t sum = 0;
    for (size_t i = 0; i < l; i++) {
        sum = (uint8_t)(sum + bytes[4 + i]);
    }
    bytes[4 + l] = sum;
    bytes[5 + l] = 0x16;
    return open_bytes(bytes, l + 6, HYP_LINK_MBUS);
}

static const struct hyp_note *find_note(const char *field)
{
    for (size_t i = 0; i < explain.count; i++) {
        if (strcmp(notes[i].field, field) == 0) {
            return &notes[i];
        }
    }
    fail_msg("no note on %s", field);
    return NULL;
}

static void check_words(unsigned ci, enum hyp_status status, const char *words)
{
    const char *text = status == HYP_OK ? find_note("CI")->meaning : err.text;
    if (strstr(text, words) == NULL) {
        fail_msg("CI %02X: \"%s\" without \"%s\"", ci, text, words);
    }
}

static void check_header(const struct ci *row, bool radio, bool msb_first)
{
    const char *id = msb_first ? "44332211" : "11223344";
    assert_int_equal(telegram.has_status, row->header != NONE);
    assert_int_equal(telegram.has_identity, radio || row->header == LONG);
    if (row->header != NONE) {
        assert_int_equal(telegram.access, 0x27);
        assert_int_equal(telegram.status, 0x04);
    }
    if (radio || row->header == LONG) {
        assert_string_equal(telegram.meter.id, row->header == LONG ? id : "12345678");
    }
}

static void check_opened(const struct ci *row, unsigned ci, enum hyp_status status, bool radio)
{
    if (status != row->status) {
        fail_msg("CI %02X: %s", ci, hyp_status_name(status));
    }
    check_words(ci, status, row->words);
    if (status != HYP_UNSUPPORTED) { /* refused before the header */
        check_header(row, radio, ci == 0x76 || ci == 0x77);
    }
    if (status == HYP_OK) {
        const size_t data = row->content == HYP_CONTENT_NONE ? 0 : 5;
        assert_int_equal(telegram.content, row->content);
        assert_int_equal(telegram.data_len, data);
        assert_int_equal(telegram.lsb_first, ci != 0x76);
    }
}

static void check_radio(void **state)
{
    (void)state;
    for (unsigned ci = 0; ci <= 0xFF; ci++) {
        if (!is_layer(ci)) {
            const struct ci *row = find_row(ci);
            check_opened(row, ci, open_radio((uint8_t)ci, row->header), true);
        }
    }
}

/* On a wire 73 and 77 are the fixed structure: there were no compact frames. */
static void check_wire(void **state)
{
    (void)state;
    for (unsigned ci = 0; ci <= 0xFF; ci++) {
        if (is_layer(ci)) {
            continue;
        }
        const struct ci *row = find_row(ci);
        const enum hyp_status status = open_wire((uint8_t)ci, row->header);
        if (ci == 0x73 || ci == 0x77) {
            assert_int_equal(status, HYP_OK);
            assert_int_equal(telegram.content, HYP_CONTENT_FIXED);
            assert_int_equal(telegram.lsb_first, ci == 0x73);
            assert_string_equal(telegram.meter.id, ci == 0x73 ? "11223344" : "44332211");
            continue;
        }
        check_opened(row, ci, status, false);
    }
}

/* A header that is cut is refused, never read beyond its end. */
static void check_cut_headers(void **state)
{
    (void)state;
    for (unsigned ci = 0; ci <= 0xFF; ci++) {
        const struct ci *row = is_layer(ci) ? NULL : find_row(ci);
        if (row == NULL || row->header == NONE || row->status == HYP_UNSUPPORTED) {
            continue;
        }
        const size_t header = row->header == LONG ? 12 : 4;
        for (size_t left = 0; left < header; left++) {
            uint8_t bytes[FRAME_MAX] = {0,    0x44, 0xAE, 0x0C, 0x78,
                                        0x56, 0x34, 0x12, 0x01, 0x07};
            (void)put_message((uint8_t)ci, row->header, bytes + 10);
            bytes[0] = (uint8_t)(10 + left);
            assert_int_equal(open_bytes(bytes, 11 + left, HYP_LINK_WMBUS), HYP_MALFORMED);
        }
    }
}

/* --- status byte and configuration word --- */

static const struct note_row {
    const char *name;
    uint8_t status;
    uint16_t config;
    const char *field;
    const char *meaning;
} note_rows[] = {
    {"no error",             0x00, 0x0000, "ST",  "no error"                            },
    {"busy",                 0x01, 0x0000, "ST",  "busy"                                },
    {"application error",    0x02, 0x0000, "ST",  "application_error"                   },
    {"alarm",                0x03, 0x0000, "ST",  "alarm"                               },
    {"power low",            0x04, 0x0000, "ST",  "power_low"                           },
    {"permanent error",      0x08, 0x0000, "ST",  "permanent_error"                     },
    {"temporary error",      0x10, 0x0000, "ST",  "temporary_error"                     },
    {"all bits",             0xFF, 0x0000, "ST",
     "alarm, power_low, permanent_error, temporary_error, manufacturer_5, manufacturer_6, "
     "manufacturer_7"                                                                   },
    {"mode 0",               0,    0x0000, "CFG", "0000: security mode 0, not encrypted"},
    {"access: not now",      0,    0x4000, "CFG",
     "4000: security mode 0, not encrypted, reachable, not now"                         },
    {"access: short window", 0,    0xA000, "CFG",
     "A000: security mode 0, not encrypted, reachable for a moment, synchronous"        },
    {"access: always",       0,    0xC000, "CFG",
     "C000: security mode 0, not encrypted, always reachable"                           },
    {"static content",       0,    0x0008, "CFG",
     "0008: security mode 0, not encrypted, static content"                             },
    {"repeated",             0,    0x0003, "CFG",
     "0003: security mode 0, not encrypted, repeated access, hop"                       },
};

static void check_note(void **state)
{
    const struct note_row *row = *state;
    const uint8_t bytes[] = {0x13,
                             0x44,
                             0xAE,
                             0x0C,
                             0x78,
                             0x56,
                             0x34,
                             0x12,
                             0x01,
                             0x07,
                             0x7A,
                             0x27,
                             row->status,
                             (uint8_t)row->config,
                             (uint8_t)(row->config >> 8),
                             0x0B,
                             0x13,
                             0x43,
                             0x65,
                             0x87};
    assert_int_equal(open_bytes(bytes, sizeof(bytes), HYP_LINK_WMBUS), HYP_OK);
    assert_string_equal(find_note(row->field)->meaning, row->meaning);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, check_radio);
    TEST_ONE(&list, check_wire);
    TEST_ONE(&list, check_cut_headers);
    TEST_ROWS(&list, note_rows, check_note);
    return test_list_run(&list, "telegram_ci");
}
