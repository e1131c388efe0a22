/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/wmbus/translate.h"

#include "protocol/wmbus/walk.h"

#include <string.h>

#define DIF_REST 0x0F
#define DIF_REST_MORE 0x1F
#define DIF_FILLER 0x2F
#define ANY (-1)

/* Where in the application data a family's own bytes are. */
enum place {
    PLACE_CI,    /* behind a manufacturer's CI (A0..B7) */
    PLACE_WHOLE, /* the whole application data behind 2F 2F, not records at all */
    PLACE_REST,  /* behind DIF 0F, at the end of ordinary records */
    PLACE_BLOCK, /* in a record of variable length with VIF FF 5F */
};

/* Manufacturer codes as numbers: what the letters make. */
#define MAKER(a, b, c) (((a)-64) << 10 | ((b)-64) << 5 | ((c)-64))

static const struct family {
    uint16_t manufacturer;
    int version; /* ANY or one */
    int medium;  /* ANY or one */
    enum place place;
    hyp_translate_fn translate;
} families[] = {
    {MAKER('T', 'C', 'H'), ANY,  ANY,  PLACE_CI,    hyp_techem_translate            },
    {MAKER('D', 'M', 'E'), ANY,  ANY,  PLACE_CI,    hyp_prios_translate             },
    {MAKER('H', 'Y', 'D'), ANY,  ANY,  PLACE_CI,    hyp_prios_translate             },
    {MAKER('S', 'A', 'P'), ANY,  ANY,  PLACE_CI,    hyp_prios_translate             },
    {MAKER('E', 'W', 'T'), ANY,  ANY,  PLACE_CI,    hyp_prios_translate             },
    {MAKER('S', 'P', 'L'), ANY,  ANY,  PLACE_CI,    hyp_prios_translate             },
    {MAKER('A', 'P', 'T'), 0x04, 0x08, PLACE_CI,    hyp_apator_itn_translate        },
    {MAKER('A', 'P', 'A'), 0x04, 0x08, PLACE_CI,    hyp_apator_itn_translate        },
    {MAKER('A', 'P', 'T'), 0x09, 0x08, PLACE_CI,    hyp_apator_itn40_translate      },
    {MAKER('A', 'P', 'A'), 0x09, 0x08, PLACE_CI,    hyp_apator_itn40_translate      },
    {MAKER('A', 'P', 'T'), 0x0D, 0x08, PLACE_CI,    hyp_apator_itn40_translate      },
    {MAKER('A', 'P', 'A'), 0x0D, 0x08, PLACE_CI,    hyp_apator_itn40_translate      },
    {MAKER('A', 'P', 'A'), 0x14, 0x07, PLACE_CI,    hyp_apator_na1_translate        },
    {MAKER('A', 'P', 'T'), 0x0F, 0x0F, PLACE_CI,    hyp_apator_pulse_translate      },
    {MAKER('A', 'P', 'T'), 0x03, 0x03, PLACE_CI,    hyp_apator_pulse_translate      },
    {MAKER('A', 'P', 'T'), 0x04, 0x11, PLACE_CI,    hyp_apator_pulse_translate      },
    {MAKER('A', 'P', 'A'), 0x05, 0x07, PLACE_REST,  hyp_apator_162_translate        },
    {MAKER('A', 'P', 'A'), 0x05, 0x06, PLACE_REST,  hyp_apator_162_translate        },
    {MAKER('A', 'P', 'A'), 0x05, 0x07, PLACE_WHOLE, hyp_apator_162_old_translate    },
    {MAKER('A', 'P', 'A'), 0x05, 0x06, PLACE_WHOLE, hyp_apator_162_old_translate    },
    {MAKER('A', 'P', 'T'), 0x05, 0x07, PLACE_REST,  hyp_apator_162_translate        },
    {MAKER('A', 'P', 'T'), 0x05, 0x06, PLACE_REST,  hyp_apator_162_translate        },
    {MAKER('A', 'P', 'T'), 0x05, 0x07, PLACE_WHOLE, hyp_apator_162_old_translate    },
    {MAKER('A', 'P', 'T'), 0x05, 0x06, PLACE_WHOLE, hyp_apator_162_old_translate    },
    {MAKER('B', 'M', 'T'), 0x13, ANY,  PLACE_REST,  hyp_bmeters_hydrodigit_translate},
    {MAKER('B', 'M', 'T'), 0x15, ANY,  PLACE_REST,  hyp_bmeters_hydrodigit_translate},
    {MAKER('B', 'M', 'T'), 0x17, ANY,  PLACE_REST,  hyp_bmeters_hydrodigit_translate},
    {MAKER('B', 'M', 'T'), 0x05, ANY,  PLACE_WHOLE, hyp_rfmtx1_translate            },
    {MAKER('B', 'M', 'P'), ANY,  0x08, PLACE_REST,  hyp_bmeters_hydroclima_translate},
    {MAKER('B', 'F', 'W'), 0x02, 0x08, PLACE_WHOLE, hyp_bfw_translate               },
    {MAKER('Z', 'R', 'I'), 0x0B, 0x16, PLACE_REST,  hyp_zenner_translate            },
    {MAKER('G', 'W', 'F'), 0x3C, ANY,  PLACE_REST,  hyp_gwf_translate               },
    {MAKER('G', 'W', 'F'), 0x01, 0x0E, PLACE_REST,  hyp_gwf_translate               },
    {MAKER('Q', 'D', 'S'), ANY,  ANY,  PLACE_BLOCK, hyp_qundis_translate            },
    {MAKER('L', 'S', 'E'), ANY,  ANY,  PLACE_BLOCK, hyp_qundis_translate            },
};

static const struct family *find_family(const struct hyp_meter_identity *meter,
                                        enum place place)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(families); i++) {
        const struct family *family = &families[i];
        if (family->place == place &&
            family->manufacturer == (meter->manufacturer_code & 0x7FFF) &&
            (family->version == ANY || family->version == meter->version) &&
            (family->medium == ANY || family->medium == meter->medium)) {
            return family;
        }
    }
    return NULL;
}

/* --- reading and writing --- */

uint64_t hyp_translation_le(const struct hyp_translation *translation, size_t at, size_t len)
{
    uint64_t value = 0;
    for (size_t i = len; i > 0; i--) {
        value = value << 8 | translation->bytes[at + i - 1];
    }
    return value;
}

#define DIF_INT16 0x02
#define DIF_INT32 0x04
#define DIF_INT64 0x07

/* DIF, two DIFEs, VIB and eight bytes at most. */
#define RECORD_MAX 14

/* Writes the header of a record; returns its length. */
static size_t make_header(uint8_t bytes[static RECORD_MAX], uint8_t coding,
                          const struct hyp_register *reg)
{
    const bool extended = reg->storage > 1 || reg->subunit != 0;
    size_t len = 0;
    bytes[len++] = (uint8_t)((extended ? 0x80 : 0) | (reg->storage & 1) << 6 |
                             reg->function << 4 | coding);
    if (extended) {
        /* Storage bits 1..4, and the subunit's lowest bit in bit 6; one more DIFE above 31. */
        const bool more = reg->storage > 31;
        bytes[len++] =
            (uint8_t)((more ? 0x80 : 0) | reg->subunit << 6 | (reg->storage >> 1 & 0xF));
        if (more) {
            bytes[len++] = reg->storage >> 5;
        }
    }
    for (size_t i = 0; i < reg->vib.len; i++) {
        bytes[len++] = reg->vib.bytes[i];
    }
    return len;
}

/* A record in one piece: appending each of its bytes costs more than making it. */
static void put_record(struct hyp_translation *translation, uint8_t coding,
                       const struct hyp_register *reg, uint64_t raw, size_t raw_len)
{
    uint8_t bytes[RECORD_MAX];
    size_t len = make_header(bytes, coding, reg);
    for (size_t i = 0; i < raw_len; i++) {
        bytes[len++] = (uint8_t)(raw >> (8 * i));
    }
    hyp_buf_append(&translation->out, bytes, len);
}

void hyp_translation_put(struct hyp_translation *translation, const struct hyp_register *reg,
                         int64_t value)
{
    const bool wide = value < -INT32_MAX || value > INT32_MAX;
    put_record(translation, wide ? DIF_INT64 : DIF_INT32, reg, (uint64_t)value, wide ? 8 : 4);
}

void hyp_translation_put_absent(struct hyp_translation *translation,
                                const struct hyp_register *reg)
{
    /* EN 13757-3: not available */
    put_record(translation, DIF_INT32, reg, (uint64_t)1 << 31, 4);
}

void hyp_translation_put_i16(struct hyp_translation *translation,
                             const struct hyp_register *reg, size_t at)
{
    const int16_t value = hyp_translation_i16(translation, at);
    if (value == INT16_MIN) {
        hyp_translation_put_absent(translation, reg);
    } else {
        hyp_translation_put(translation, reg, value);
    }
}

#define VIF_DATE 0x6C
#define VIF_TIME 0x6D

void hyp_translation_put_raw_date(struct hyp_translation *translation, uint8_t function,
                                  uint8_t storage, const uint8_t bytes[static 2])
{
    const struct hyp_register reg = {hyp_vib1(VIF_DATE), function, storage, 0};
    put_record(translation, DIF_INT16, &reg, (uint64_t)(bytes[0] | bytes[1] << 8), 2);
}

/* Type G: day 5, year low 3 | month 4, year high 4. */
static void pack_date(const struct hyp_civil *date, uint8_t out[static 2])
{
    const unsigned year = (unsigned)date->year % 100;
    out[0] = (uint8_t)(date->day | (year & 7) << 5);
    out[1] = (uint8_t)(date->month | (year >> 3) << 4);
}

void hyp_translation_put_date(struct hyp_translation *translation, uint8_t function,
                              uint8_t storage, const struct hyp_civil *date)
{
    uint8_t bytes[2];
    if (hyp_civil_is_valid(date)) {
        pack_date(date, bytes);
        hyp_translation_put_raw_date(translation, function, storage, bytes);
    }
}

void hyp_translation_put_fault_date(struct hyp_translation *translation, uint8_t subunit,
                                    const struct hyp_civil *date)
{
    const struct hyp_register reg = {hyp_vib1(VIF_DATE), 3, 0, subunit};
    uint8_t bytes[2] = {0xFF, 0xFF}; /* type G: no date */
    if (hyp_civil_is_valid(date)) {
        pack_date(date, bytes);
    }
    put_record(translation, DIF_INT16, &reg, (uint64_t)(bytes[0] | bytes[1] << 8), 2);
}

struct hyp_civil hyp_translation_date(const struct hyp_translation *translation, size_t at)
{
    const unsigned raw = (unsigned)hyp_translation_le(translation, at, 2);
    return (struct hyp_civil){
        .year = (int16_t)(2000 + (raw >> 9)),
        .month = raw >> 5 & 0xF,
        .day = raw & 0x1F,
        .precision = HYP_CIVIL_DATE,
    };
}

void hyp_translation_put_time(struct hyp_translation *translation, uint8_t storage,
                              const struct hyp_civil *time)
{
    const struct hyp_register reg = {hyp_vib1(VIF_TIME), 0, storage, 0};
    uint8_t bytes[4];
    if (hyp_civil_is_valid(time)) {
        bytes[0] = time->minute;
        bytes[1] = time->hour;
        pack_date(time, bytes + 2);
        put_record(translation, DIF_INT32, &reg,
                   (uint64_t)(bytes[0] | bytes[1] << 8 | bytes[2] << 16) | (uint64_t)bytes[3]
                                                                               << 24,
                   sizeof(bytes));
    }
}

void hyp_translation_note(struct hyp_translation *translation, size_t at, size_t len,
                          const char *field, const char *format, ...)
{
    struct hyp_explain *explain = translation->opening->explain;
    if (explain == NULL) {
        return;
    }
    char text[HYP_NOTE_TEXT_MAX];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    va_list args;
    va_start(args, format);
    hyp_buf_append_vfmt(&buf, format, args);
    va_end(args);
    hyp_explain_add(explain, HYP_NOTE_DATA, translation->offset + at, len, field,
                    translation->meter->manufacturer, "%s", hyp_buf_terminate(&buf));
}

/* --- finding the bytes --- */

/* What was found: the family's bytes, and the ordinary records around them. */
struct found {
    const struct family *family;
    size_t start; /* of the family's bytes, in plain */
    size_t len;
    size_t records_len; /* ordinary records to keep, from data_offset on */
};

/* Behind DIF 0F; false when the records do not walk there. */
static bool find_rest(const struct hyp_telegram *telegram, struct found *found)
{
    const uint8_t *data = telegram->plain + telegram->data_offset;
    const size_t len = telegram->data_len;
    for (size_t at = 0; at < len;) {
        size_t value = 0;
        if (data[at] == DIF_FILLER) {
            at++;
            continue;
        }
        if (data[at] == DIF_REST || data[at] == DIF_REST_MORE) {
            found->records_len = at;
            found->start = telegram->data_offset + at + 1;
            found->len = len - at - 1;
            return true;
        }
        const size_t header = hyp_walk_header(data + at, len - at);
        if (header == 0 ||
            !hyp_walk_data(data[at], data + at + header, len - at - header, &value)) {
            return false;
        }
        at += header + value;
    }
    return false;
}

/* The walk-by block: `0D FF 5F LVAR ..`; it may stand anywhere between ordinary records. */
static bool find_block(const struct hyp_telegram *telegram, struct found *found)
{
    static const uint8_t head[] = {0x0D, 0xFF, 0x5F};
    const uint8_t *data = telegram->plain + telegram->data_offset;
    const size_t len = telegram->data_len;
    for (size_t at = 0; at + sizeof(head) < len;) {
        size_t value = 0;
        const size_t header = hyp_walk_header(data + at, len - at);
        if (data[at] == DIF_FILLER) {
            at++;
            continue;
        }
        if (header == 0 ||
            !hyp_walk_data(data[at], data + at + header, len - at - header, &value)) {
            return false;
        }
        if (header == sizeof(head) && memcmp(data + at, head, sizeof(head)) == 0) {
            found->records_len = len;
            found->start = telegram->data_offset + at + header + 1;
            found->len = value - 1;
            return true;
        }
        at += header + value;
    }
    return false;
}

static bool find_whole(const struct hyp_telegram *telegram, struct found *found)
{
    size_t at = 0;
    while (at < telegram->data_len && at < 2 &&
           telegram->plain[telegram->data_offset + at] == DIF_FILLER) {
        at++;
    }
    found->start = telegram->data_offset + at;
    found->len = telegram->data_len - at;
    found->records_len = 0;
    return true;
}

static bool find_own(const struct hyp_opening *opening, struct found *found)
{
    const struct hyp_telegram *telegram = opening->telegram;
    if (telegram->content == HYP_CONTENT_MANUFACTURER) {
        found->family = find_family(&telegram->meter, PLACE_CI);
        return found->family != NULL && find_whole(telegram, found);
    }
    if (telegram->content != HYP_CONTENT_RECORDS || telegram->data_len == 0) {
        return false;
    }
    if ((found->family = find_family(&telegram->meter, PLACE_REST)) != NULL &&
        find_rest(telegram, found)) {
        return true;
    }
    if ((found->family = find_family(&telegram->meter, PLACE_WHOLE)) != NULL) {
        return find_whole(telegram, found);
    }
    if ((found->family = find_family(&telegram->meter, PLACE_BLOCK)) != NULL) {
        return find_block(telegram, found);
    }
    return false;
}

/*
 * The ordinary records are copied in front of the translated ones, so that the data is in one
 * piece behind what was received.
 */
static void keep_records(struct hyp_translation *translation, const struct found *found)
{
    const struct hyp_telegram *telegram = translation->opening->telegram;
    hyp_buf_append(&translation->out, telegram->plain + telegram->data_offset,
                   found->records_len);
}

static void adopt(struct hyp_opening *opening, const struct hyp_translation *translation)
{
    struct hyp_telegram *telegram = opening->telegram;
    telegram->content = HYP_CONTENT_RECORDS;
    telegram->translated = true;
    telegram->data_offset = telegram->plain_len;
    telegram->data_len = translation->out.len;
    telegram->plain_len += translation->out.len;
    if (opening->explain != NULL) {
        opening->payload_stage = opening->explain->stage;
        opening->explain->stage = 1;
    }
}

static void note_kept(struct hyp_translation *translation, const struct found *found)
{
    const struct hyp_telegram *telegram = translation->opening->telegram;
    struct hyp_explain *explain = translation->opening->explain;
    if (explain != NULL && explain->stage == 0 && telegram->data_offset < found->start) {
        hyp_explain_add(explain, HYP_NOTE_OTHER, telegram->data_offset,
                        found->start - telegram->data_offset, "records", "",
                        "ordinary records; explained with the translated ones");
    }
}

enum hyp_status hyp_translate(struct hyp_opening *opening)
{
    struct hyp_telegram *telegram = opening->telegram;
    struct found found = {.family = NULL};
    if (telegram->link != HYP_LINK_WMBUS || !find_own(opening, &found)) {
        return HYP_NOT_MINE;
    }
    struct hyp_translation translation = {
        .meter = &telegram->meter,
        .ci = telegram->ci,
        .bytes = telegram->plain + found.start,
        .len = found.len,
        .offset = found.start,
        .opening = opening,
    };
    hyp_buf_init_fixed(&translation.out, telegram->plain + telegram->plain_len,
                       sizeof(telegram->plain) - telegram->plain_len);
    keep_records(&translation, &found);
    note_kept(&translation, &found);
    enum hyp_status status = found.family->translate(&translation);
    if (status == HYP_OK && hyp_buf_status(&translation.out) != HYP_OK) {
        status = HYP_LIMIT;
    }
    if (status == HYP_OK) {
        adopt(opening, &translation);
    }
    return status;
}
