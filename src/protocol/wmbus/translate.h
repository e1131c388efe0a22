/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translation of a manufacturer's own layout into data records of EN 13757-3.
 *
 * A family's decoder reads its bytes (with a note on each field) and writes what they say as
 * ordinary records. So everything behind it, names, units, store and inspector, needs no second
 * path. Values keep their digits: integers with the exponent of the VIF.
 *
 * Conventions where the standard has no word: storage 0 is now, 1 the last due date, 2.. those
 * before it, 16 the running month, 17 the last month end, 18.. the months before it; subunit 1
 * is the consumption since the due date or within that month, beside subunit 0, the counter.
 */
#ifndef HYP_PROTOCOL_WMBUS_TRANSLATE_H
#define HYP_PROTOCOL_WMBUS_TRANSLATE_H

#include "model/time.h"
#include "protocol/wmbus/layers.h"

/* The value information of a record, as bytes; VIFs of the tables that families need. */
struct hyp_vib {
    uint8_t len;
    uint8_t bytes[3];
};

static inline struct hyp_vib hyp_vib1(uint8_t vif)
{
    return (struct hyp_vib){.len = 1, .bytes = {vif}};
}

static inline struct hyp_vib hyp_vib2(uint8_t vif, uint8_t vife)
{
    return (struct hyp_vib){
        .len = 2, .bytes = {vif, vife}
    };
}

/* Which register of the meter a record is. */
struct hyp_register {
    struct hyp_vib vib;
    uint8_t function; /* 0 instantaneous, 1 maximum, 2 minimum, 3 in error state */
    uint8_t storage;
    uint8_t subunit; /* 0 or 1 */
};

/* The bytes a family's decoder reads, and the records it writes. */
struct hyp_translation {
    const struct hyp_meter_identity *meter;
    uint8_t ci;
    const uint8_t *bytes; /* what is the family's own: behind CI, or behind DIF 0F */
    size_t len;
    size_t offset; /* of `bytes` in the telegram's plain, for notes */
    struct hyp_opening *opening;
    struct hyp_buf out;
};

/* Little endian number of `len` (1..8) bytes at `at`; the caller has checked the length. */
uint64_t hyp_translation_le(const struct hyp_translation *translation, size_t at, size_t len);

/* The same of two bytes, with their sign: temperatures may be below zero. */
static inline int16_t hyp_translation_i16(const struct hyp_translation *translation, size_t at)
{
    return (int16_t)(uint16_t)hyp_translation_le(translation, at, 2);
}

/* Two BCD digits; what is none counts on (calendar days are proved by who uses them). */
static inline unsigned hyp_translation_bcd(uint8_t byte)
{
    return (byte >> 4) * 10u + (byte & 0xFu);
}

/* Appends a record with an integer value. */
void hyp_translation_put(struct hyp_translation *translation, const struct hyp_register *reg,
                         int64_t value);
/* Appends a record that says: this register holds nothing. */
void hyp_translation_put_absent(struct hyp_translation *translation,
                                const struct hyp_register *reg);
/* Appends the signed number of two bytes at `at`; 8000 says: nothing measured. */
void hyp_translation_put_i16(struct hyp_translation *translation,
                             const struct hyp_register *reg, size_t at);
/* Appends a date (type G), or a date with time (type F, EN 13757-3) of the present; nothing
 * when it is no calendar day. */
void hyp_translation_put_date(struct hyp_translation *translation, uint8_t function,
                              uint8_t storage, const struct hyp_civil *date);
void hyp_translation_put_time(struct hyp_translation *translation, uint8_t storage,
                              const struct hyp_civil *time);
/* Appends the two bytes of a type G date as they are (invalid ones stay what they are). */
void hyp_translation_put_raw_date(struct hyp_translation *translation, uint8_t function,
                                  uint8_t storage, const uint8_t bytes[static 2]);

/*
 * Appends the date of a fault (function "in error state"); "no value" when it is no calendar
 * day.
 * @subunit   0 or 1: makers that keep the dates of two kinds of fault
 */
void hyp_translation_put_fault_date(struct hyp_translation *translation, uint8_t subunit,
                                    const struct hyp_civil *date);
/* The date at `at`: 5 bits day, 4 bits month, 7 bits year since 2000, little endian. */
struct hyp_civil hyp_translation_date(const struct hyp_translation *translation, size_t at);

/* Notes on a field; offsets within `bytes`. */
void hyp_translation_note(struct hyp_translation *translation, size_t at, size_t len,
                          const char *field, const char *format, ...) HYP_PRINTF(5, 6);

/*
 * Replaces or completes the application data of the opened telegram when its manufacturer has a
 * layout of its own that is known. Returns HYP_OK (translated), NOT_MINE (nothing done) or why
 * the bytes are not what the family sends.
 */
HYP_MUST_USE enum hyp_status hyp_translate(struct hyp_opening *opening);

/*
 * A family's decoder; its layout is drawn at the top of its file. Unless it returns OK nothing
 * of what it has written is kept.
 * Returns  HYP_OK | NOT_MINE (a CI, kind or length of another layout: left to others)
 *        | MALFORMED (bytes are not what it sends) | WRONG_KEY (of layouts with a key)
 */
typedef enum hyp_status (*hyp_translate_fn)(struct hyp_translation *translation);

/*
 * One for each layout; hyp_translate chooses by manufacturer, version and medium of the meter.
 * prios: Diehl's IZAR water modules. qundis: the walk-by block. apator: pulse modules, E-ITN 30
 * and 40 allocators, NA-1 water, AT-WMBUS-16-2 water (162; `old` is its firmware without DIF
 * 0F). rfmtx1: BMeters' radio module, old firmware. bfw: BFW 240 allocators.
 */
enum hyp_status hyp_techem_translate(struct hyp_translation *translation);
enum hyp_status hyp_prios_translate(struct hyp_translation *translation);
enum hyp_status hyp_qundis_translate(struct hyp_translation *translation);
enum hyp_status hyp_apator_pulse_translate(struct hyp_translation *translation);
enum hyp_status hyp_apator_itn_translate(struct hyp_translation *translation);
enum hyp_status hyp_apator_itn40_translate(struct hyp_translation *translation);
enum hyp_status hyp_apator_na1_translate(struct hyp_translation *translation);
enum hyp_status hyp_apator_162_translate(struct hyp_translation *translation);
enum hyp_status hyp_apator_162_old_translate(struct hyp_translation *translation);
enum hyp_status hyp_bmeters_hydrodigit_translate(struct hyp_translation *translation);
enum hyp_status hyp_bmeters_hydroclima_translate(struct hyp_translation *translation);
enum hyp_status hyp_rfmtx1_translate(struct hyp_translation *translation);
enum hyp_status hyp_bfw_translate(struct hyp_translation *translation);
enum hyp_status hyp_zenner_translate(struct hyp_translation *translation);
enum hyp_status hyp_gwf_translate(struct hyp_translation *translation);

#endif
