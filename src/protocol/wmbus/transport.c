/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport layer (EN 13757-7):
 *
 *     no header     | CI |
 *     short header  | CI | ACC | ST | CFG 2 |
 *     long header   | CI | ID 4 | M 2 | VER | MED | ACC | ST | CFG 2 |
 *
 * With a long header the meter is the one named there, and the link address is an adapter or a
 * gateway. The order differs from the link layer's M ID VER MED, which is the order the
 * initialisation vectors want.
 */
#include "protocol/wmbus/layers.h"

#include "protocol/mbus/apl_error.h"
#include "protocol/mbus/fixed.h"
#include "protocol/wmbus/translate.h"

#include <string.h>

#define CLAUSE "EN 13757-7"
#define SHORT_HEADER 4
#define LONG_HEADER 12

enum header {
    HEADER_NONE,
    HEADER_SHORT,
    HEADER_LONG,
};

enum kind {
    KIND_UNKNOWN = 0,
    KIND_RECORDS,
    KIND_COMPACT,
    KIND_FORMAT,
    KIND_ERROR,
    KIND_ALARM,
    KIND_EMPTY,        /* transport layer only */
    KIND_MANUFACTURER, /* A0..B7 */
    KIND_COMMAND,      /* to a meter */
    KIND_FOREIGN,      /* another application protocol */
};

struct ci_row {
    enum kind kind;
    enum header header;
    bool msb_first;
    const char *name;
};

static const struct ci_row rows[256] = {
    [0x50] = {KIND_COMMAND,      HEADER_NONE,  false, "application reset"                           },
    [0x51] = {KIND_COMMAND,      HEADER_NONE,  false, "data to a meter"                             },
    [0x52] = {KIND_COMMAND,      HEADER_NONE,  false, "selection of a meter"                        },
    [0x53] = {KIND_COMMAND,      HEADER_LONG,  false, "application reset"                           },
    [0x54] = {KIND_COMMAND,      HEADER_NONE,  false, "request of the selected application"         },
    [0x55] = {KIND_COMMAND,      HEADER_LONG,  false, "request of the selected application"         },
    [0x56] = {KIND_COMMAND,      HEADER_NONE,  true,  "selection of a meter"                        },
    [0x5A] = {KIND_COMMAND,      HEADER_SHORT, false, "data to a meter"                             },
    [0x5B] = {KIND_COMMAND,      HEADER_LONG,  false, "data to a meter"                             },
    [0x5C] = {KIND_COMMAND,      HEADER_NONE,  false, "synchronisation"                             },
    [0x5F] = {KIND_COMMAND,      HEADER_LONG,  false, "transport of another standard"               },
    [0x60] = {KIND_COMMAND,      HEADER_LONG,  false, "DLMS/COSEM command"                          },
    [0x61] = {KIND_COMMAND,      HEADER_SHORT, false, "DLMS/COSEM command"                          },
    [0x64] = {KIND_COMMAND,      HEADER_LONG,  false, "OBIS command"                                },
    [0x65] = {KIND_COMMAND,      HEADER_SHORT, false, "OBIS command"                                },
    [0x66] = {KIND_FOREIGN,      HEADER_NONE,  false, "response of a selected application"          },
    [0x67] = {KIND_FOREIGN,      HEADER_SHORT, false, "response of a selected application"          },
    [0x68] = {KIND_FOREIGN,      HEADER_LONG,  false, "response of a selected application"          },
    [0x69] = {KIND_FORMAT,       HEADER_NONE,  false, "format of compact frames"                    },
    [0x6A] = {KIND_FORMAT,       HEADER_SHORT, false, "format of compact frames"                    },
    [0x6B] = {KIND_FORMAT,       HEADER_LONG,  false, "format of compact frames"                    },
    [0x6C] = {KIND_COMMAND,      HEADER_LONG,  false, "clock setting"                               },
    [0x6D] = {KIND_COMMAND,      HEADER_LONG,  false, "clock adjustment"                            },
    [0x6E] = {KIND_ERROR,        HEADER_SHORT, false, "application error"                           },
    [0x6F] = {KIND_ERROR,        HEADER_LONG,  false, "application error"                           },
    [0x70] = {KIND_ERROR,        HEADER_NONE,  false, "application error"                           },
    [0x71] = {KIND_ALARM,        HEADER_NONE,  false, "alarm"                                       },
    [0x72] = {KIND_RECORDS,      HEADER_LONG,  false, "response"                                    },
    [0x73] = {KIND_COMPACT,      HEADER_LONG,  false, "compact response"                            },
    [0x74] = {KIND_ALARM,        HEADER_SHORT, false, "alarm"                                       },
    [0x75] = {KIND_ALARM,        HEADER_LONG,  false, "alarm"                                       },
    [0x76] = {KIND_RECORDS,      HEADER_LONG,  true,  "response, most significant byte first"       },
    [0x77] = {KIND_COMPACT,      HEADER_LONG,  true,  "fixed structure, most significant byte first"},
    [0x78] = {KIND_RECORDS,      HEADER_NONE,  false, "response"                                    },
    [0x79] = {KIND_COMPACT,      HEADER_NONE,  false, "compact response"                            },
    [0x7A] = {KIND_RECORDS,      HEADER_SHORT, false, "response"                                    },
    [0x7B] = {KIND_COMPACT,      HEADER_SHORT, false, "compact response"                            },
    [0x7C] = {KIND_FOREIGN,      HEADER_LONG,  false, "DLMS/COSEM response"                         },
    [0x7D] = {KIND_FOREIGN,      HEADER_SHORT, false, "DLMS/COSEM response"                         },
    [0x7E] = {KIND_FOREIGN,      HEADER_LONG,  false, "OBIS (SML) response"                         },
    [0x7F] = {KIND_FOREIGN,      HEADER_SHORT, false, "OBIS (SML) response"                         },
    [0x80] = {KIND_EMPTY,        HEADER_LONG,  false, "transport layer without data"                },
    [0x81] = {KIND_FOREIGN,      HEADER_NONE,  false, "network layer"                               },
    [0x82] = {KIND_COMMAND,      HEADER_LONG,  false, "network management"                          },
    [0x83] = {KIND_COMMAND,      HEADER_NONE,  false, "network management"                          },
    [0x84] = {KIND_COMMAND,      HEADER_LONG,  false, "compact data to a meter"                     },
    [0x85] = {KIND_COMMAND,      HEADER_LONG,  false, "format request to a meter"                   },
    [0x87] = {KIND_FOREIGN,      HEADER_LONG,  false, "network management"                          },
    [0x88] = {KIND_FOREIGN,      HEADER_SHORT, false, "network management"                          },
    [0x89] = {KIND_FOREIGN,      HEADER_NONE,  false, "network management"                          },
    [0x8A] = {KIND_EMPTY,        HEADER_SHORT, false, "transport layer without data"                },
    [0x8B] = {KIND_EMPTY,        HEADER_LONG,  false, "transport layer without data"                },
    [0x9E] = {KIND_FOREIGN,      HEADER_SHORT, false, "transport of another standard"               },
    [0x9F] = {KIND_FOREIGN,      HEADER_LONG,  false, "transport of another standard"               },
    [0xA0 ... 0xB7] = {KIND_MANUFACTURER, HEADER_NONE,  false, "manufacturer's own"                          },
    [0xB8] = {KIND_COMMAND,      HEADER_NONE,  false, "baud rate 300"                               },
    [0xB9] = {KIND_COMMAND,      HEADER_NONE,  false, "baud rate 600"                               },
    [0xBA] = {KIND_COMMAND,      HEADER_NONE,  false, "baud rate 1200"                              },
    [0xBB] = {KIND_COMMAND,      HEADER_NONE,  false, "baud rate 2400"                              },
    [0xBC] = {KIND_COMMAND,      HEADER_NONE,  false, "baud rate 4800"                              },
    [0xBD] = {KIND_COMMAND,      HEADER_NONE,  false, "baud rate 9600"                              },
    [0xBE] = {KIND_COMMAND,      HEADER_NONE,  false, "baud rate 19200"                             },
    [0xBF] = {KIND_COMMAND,      HEADER_NONE,  false, "baud rate 38400"                             },
    [0xC0] = {KIND_COMMAND,      HEADER_LONG,  false, "image transfer"                              },
    [0xC1] = {KIND_FOREIGN,      HEADER_SHORT, false, "image transfer"                              },
    [0xC2] = {KIND_FOREIGN,      HEADER_LONG,  false, "image transfer"                              },
    [0xC3] = {KIND_COMMAND,      HEADER_LONG,  false, "security information"                        },
    [0xC4] = {KIND_FOREIGN,      HEADER_SHORT, false, "security information"                        },
    [0xC5] = {KIND_FOREIGN,      HEADER_LONG,  false, "security information"                        },
};

static struct ci_row row_of(uint8_t ci)
{
    if (ci < 0x20) {
        return (struct ci_row){KIND_FOREIGN, HEADER_NONE, false, "DLMS"};
    }
    return rows[ci];
}

static enum hyp_status refuse_application_error(struct hyp_opening *opening)
{
    const size_t left = hyp_opening_left(opening);
    const uint8_t code = left > 0 ? hyp_opening_at(opening)[0] : 0;
    const char *text = hyp_mbus_apl_error_text(code);
    (void)hyp_opening_refuse(opening, HYP_REFUSED, left > 0 ? opening->pos : opening->pos - 1,
                             "the meter answered with application error %02X: %s", code, text);
    opening->err->source = HYP_ERROR_DEVICE;
    opening->err->code = (int)code;
    return HYP_REFUSED;
}

static void note_status(struct hyp_opening *opening, size_t at, uint8_t status)
{
    char text[HYP_NOTE_TEXT_MAX];
    struct hyp_buf words;
    const char *names[8];
    const size_t count = hyp_status_byte_names(status, names);
    hyp_buf_init_fixed(&words, text, sizeof(text));
    hyp_buf_append_text(&words, count == 0 ? "no error" : names[0]);
    for (size_t i = 1; i < count; i++) {
        hyp_buf_append_text(&words, ", ");
        hyp_buf_append_text(&words, names[i]);
    }
    hyp_explain_add(opening->explain, HYP_NOTE_TRANSPORT, at, 1, "ST", "EN 13757-7 7.5.6", "%s",
                    hyp_buf_terminate(&words));
}

/*
 * What the configuration word says beside the encryption:
 *
 *     modes 0 and 5   B A S mmmmm NNNN CC R H
 *     mode 7          CC Z mmmmm NNNN IIII
 *
 * B and A tell when the meter can be reached, S a transmission at a fixed interval, CC what the
 * message holds, R and H whether it is repeated.
 */
static void append_access(struct hyp_buf *words, uint16_t config, uint8_t mode)
{
    static const char *const windows[4] = {"", ", reachable, not now",
                                           ", reachable for a moment", ", always reachable"};
    static const char *const contents[4] = {"", ", reserved content", ", static content",
                                            ", reserved content"};
    if (mode == 7) {
        hyp_buf_append_text(words, contents[config >> 14]);
        hyp_buf_append_text(words, (config & 1 << 13) != 0 ? ", counter follows" : "");
    } else if (mode == 0 || mode == 5) {
        hyp_buf_append_text(words, windows[config >> 14]);
        hyp_buf_append_text(words, (config & 1 << 13) != 0 ? ", synchronous" : "");
        hyp_buf_append_text(words, contents[config >> 2 & 3]);
        hyp_buf_append_text(words, (config & 2) != 0 ? ", repeated access" : "");
        hyp_buf_append_text(words, (config & 1) != 0 ? ", hop" : "");
    }
}

static void note_configuration(struct hyp_opening *opening, size_t at)
{
    const uint16_t config = opening->telegram->configuration;
    const uint8_t mode = opening->telegram->security_mode;
    char text[HYP_NOTE_TEXT_MAX];
    struct hyp_buf words;
    hyp_buf_init_fixed(&words, text, sizeof(text));
    hyp_buf_append_fmt(&words, "%04X: ", config);
    if (mode == 0) {
        hyp_buf_append_text(&words, "security mode 0, not encrypted");
    } else {
        hyp_buf_append_fmt(&words, "security mode %u, %s, %u blocks", mode,
                           hyp_security_mode_text(mode), config >> 4 & 0xF);
    }
    append_access(&words, config, mode);
    hyp_explain_add(opening->explain, HYP_NOTE_SECURITY, at, 2, "CFG", CLAUSE, "%s",
                    hyp_buf_terminate(&words));
}

static void note_short(struct hyp_opening *opening, size_t at)
{
    const uint8_t *bytes = opening->telegram->plain + at;
    const uint16_t config = opening->telegram->configuration;
    hyp_explain_add(opening->explain, HYP_NOTE_TRANSPORT, at, 1, "ACC", CLAUSE,
                    "access number %u", bytes[0]);
    note_status(opening, at + 1, bytes[1]);
    if (opening->diehl == HYP_DIEHL_SCRAMBLED) {
        hyp_explain_add(opening->explain, HYP_NOTE_SECURITY, at + 2, 2, "CFG", "Diehl",
                        "%04X: mark of scrambled data; the upper byte is their check", config);
    } else {
        note_configuration(opening, at + 2);
    }
}

static void read_short(struct hyp_opening *opening)
{
    struct hyp_telegram *telegram = opening->telegram;
    const uint8_t *bytes = hyp_opening_at(opening);
    telegram->access = bytes[0];
    telegram->status = bytes[1];
    telegram->has_status = true;
    telegram->configuration = (uint16_t)(bytes[2] | bytes[3] << 8);
    telegram->security_mode = bytes[3] & 0x1F;
    if (opening->explain != NULL) {
        note_short(opening, opening->pos);
    }
    opening->pos += SHORT_HEADER;
}

static void note_long(struct hyp_opening *opening, size_t at)
{
    const struct hyp_meter_identity *meter = &opening->telegram->meter;
    struct hyp_explain *explain = opening->explain;
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, at, 4, "ID", CLAUSE, "%s", meter->id);
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, at + 4, 2, "M", CLAUSE, "%s",
                    meter->manufacturer);
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, at + 6, 1, "VER", CLAUSE, "version %02X",
                    meter->version);
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, at + 7, 1, "MED", CLAUSE, "%s",
                    hyp_medium_text(meter->medium));
}

/* A field of several bytes in the usual order, whichever the CI announced. */
static void copy_field(const struct hyp_opening *opening, uint8_t *out, const uint8_t *bytes,
                       size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = bytes[opening->telegram->lsb_first ? i : len - 1 - i];
    }
}

static void read_long(struct hyp_opening *opening)
{
    const uint8_t *bytes = hyp_opening_at(opening);
    uint8_t *address = opening->meter_address;
    copy_field(opening, address, bytes + 4, 2);
    copy_field(opening, address + 2, bytes, 4);
    memcpy(address + 6, bytes + 6, 2);
    hyp_identity_from_address(&opening->telegram->meter, address);
    opening->telegram->has_identity = true;
    if (opening->explain != NULL) {
        note_long(opening, opening->pos);
    }
    opening->pos += HYP_WMBUS_ADDRESS;
    read_short(opening);
}

static enum hyp_status read_header(struct hyp_opening *opening, const struct ci_row *row)
{
    static const size_t lens[] = {
        [HEADER_NONE] = 0, [HEADER_SHORT] = SHORT_HEADER, [HEADER_LONG] = LONG_HEADER};
    if (hyp_opening_left(opening) < lens[row->header]) {
        return hyp_opening_refuse(opening, HYP_MALFORMED, opening->pos - 1,
                                  "ends within the %s header of %s",
                                  row->header == HEADER_LONG ? "long" : "short", row->name);
    }
    if (row->header == HEADER_LONG) {
        read_long(opening);
    } else if (row->header == HEADER_SHORT) {
        read_short(opening);
    }
    return HYP_OK;
}

static void set_data(struct hyp_opening *opening, enum hyp_telegram_content content)
{
    struct hyp_telegram *telegram = opening->telegram;
    telegram->content = content;
    telegram->data_offset = opening->pos;
    telegram->data_len = hyp_opening_left(opening);
}

static enum hyp_status open_content(struct hyp_opening *opening, const struct ci_row *row)
{
    struct hyp_telegram *telegram = opening->telegram;
    switch (row->kind) {
    case KIND_RECORDS:
        set_data(opening, HYP_CONTENT_RECORDS);
        if (telegram->link == HYP_LINK_WMBUS && !row->msb_first && !hyp_rfmtx1_is(telegram)) {
            hyp_compact_learn(opening);
        }
        return HYP_OK;
    case KIND_COMPACT: return hyp_compact_open(opening);
    case KIND_FORMAT: return hyp_compact_open_format(opening);
    case KIND_ERROR: return refuse_application_error(opening);
    case KIND_ALARM:
        set_data(opening, HYP_CONTENT_ALARM);
        hyp_explain_add(opening->explain, HYP_NOTE_DATA, telegram->data_offset,
                        telegram->data_len, "alarm", CLAUSE, "alarm status");
        return HYP_OK;
    case KIND_MANUFACTURER: set_data(opening, HYP_CONTENT_MANUFACTURER); return HYP_OK;
    case KIND_EMPTY: opening->telegram->content = HYP_CONTENT_NONE; return HYP_OK;
    case KIND_UNKNOWN:
    case KIND_COMMAND:
    case KIND_FOREIGN: break;
    }
    return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos, "%s", row->name);
}

/* Fixed structure of old wired meters: ID 4, ACC, ST, MU 2, CNT1 4, CNT2 4. */
static enum hyp_status open_fixed(struct hyp_opening *opening)
{
    enum { FIXED_LEN = 16 };
    struct hyp_telegram *telegram = opening->telegram;
    const uint8_t *bytes = hyp_opening_at(opening);
    if (hyp_opening_left(opening) < FIXED_LEN) {
        return hyp_opening_refuse(opening, HYP_MALFORMED, opening->pos,
                                  "fixed data structure needs %d bytes, %zu are there",
                                  FIXED_LEN, hyp_opening_left(opening));
    }
    uint8_t address[HYP_WMBUS_ADDRESS] = {0};
    copy_field(opening, address + 2, bytes, 4);
    hyp_identity_from_address(&telegram->meter, address);
    /* No manufacturer, no version: an id alone is no identity. Medium: two bits of each unit.
     */
    telegram->meter.medium = hyp_mbus_fixed_medium(bytes[6], bytes[7]);
    telegram->access = bytes[4];
    telegram->status = bytes[5];
    hyp_explain_add(opening->explain, HYP_NOTE_ADDRESS, opening->pos, 4, "ID", CLAUSE, "%s",
                    telegram->meter.id);
    hyp_explain_add(opening->explain, HYP_NOTE_TRANSPORT, opening->pos + 4, 1, "ACC", CLAUSE,
                    "access number %u", bytes[4]);
    hyp_explain_add(opening->explain, HYP_NOTE_TRANSPORT, opening->pos + 5, 1, "ST", CLAUSE,
                    "%s, %s values", bytes[5] & 1 ? "binary" : "BCD",
                    bytes[5] & 2 ? "stored" : "present");
    set_data(opening, HYP_CONTENT_FIXED);
    return HYP_OK;
}

static enum hyp_status refuse_ci(struct hyp_opening *opening, uint8_t ci,
                                 const struct ci_row *row)
{
    if (row->kind == KIND_UNKNOWN) {
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos, "CI %02X is reserved",
                                  ci);
    }
    if (row->kind == KIND_COMMAND) {
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos,
                                  "CI %02X: %s, a command and no reading", ci, row->name);
    }
    return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos,
                              "CI %02X: %s is not supported", ci, row->name);
}

/* Bytes of a manufacturer's own layout become records where the layout is known. */
static enum hyp_status translate(struct hyp_opening *opening)
{
    const struct hyp_meter_identity *meter = &opening->telegram->meter;
    const size_t at = opening->telegram->data_offset;
    enum hyp_status status = hyp_translate(opening);
    switch (status) {
    case HYP_OK:
    case HYP_NOT_MINE: return HYP_OK;
    case HYP_WRONG_KEY:
        return hyp_opening_refuse(opening, status, at, "the keys of %s %s do not open it",
                                  meter->manufacturer, meter->id);
    default:
        return hyp_opening_refuse(opening, status, at,
                                  "not what %s meters of version %02X send behind CI %02X",
                                  meter->manufacturer, meter->version, opening->telegram->ci);
    }
}

enum hyp_status hyp_transport_open(struct hyp_opening *opening)
{
    struct hyp_telegram *telegram = opening->telegram;
    const uint8_t ci = hyp_opening_at(opening)[0];
    const bool scrambled = opening->diehl == HYP_DIEHL_SCRAMBLED;
    const struct ci_row row = row_of(scrambled ? 0x7A : ci);
    telegram->ci = ci;
    telegram->lsb_first = !row.msb_first;
    if (row.kind == KIND_UNKNOWN || row.kind == KIND_COMMAND || row.kind == KIND_FOREIGN) {
        return refuse_ci(opening, ci, &row);
    }
    hyp_explain_add(opening->explain, HYP_NOTE_TRANSPORT, opening->pos, 1, "CI", CLAUSE, "%s",
                    row.name);
    opening->pos += 1;
    telegram->payload_offset = opening->pos;
    if (row.kind == KIND_COMPACT && row.header == HEADER_LONG &&
        telegram->link == HYP_LINK_MBUS) {
        return open_fixed(opening);
    }
    enum hyp_status status = read_header(opening, &row);
    telegram->payload_offset = opening->pos;
    if (status == HYP_OK && scrambled) {
        return hyp_diehl_open(opening);
    }
    if (status == HYP_OK && row.header != HEADER_NONE) {
        status = hyp_security_open(opening, opening->pos - 2);
    }
    if (status == HYP_OK) {
        status = open_content(opening, &row);
    }
    return status == HYP_OK ? translate(opening) : status;
}
