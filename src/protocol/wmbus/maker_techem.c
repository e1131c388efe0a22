/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Techem, proprietary telegrams (CI A0, A1, A2: families of firmware). Behind the CI:
 *
 *     allocator   | kind | prev date 2 | prev units 2 | curr date 2 | curr units 2 | [x] |
 *                 | room temperature 2 | radiator temperature 2 | ...
 *     water       | kind | prev date 2 | prev 2 (0.1 m3) | curr date 2 | curr 2 (0.1 m3) | ...
 *     water, 50   | x x | date 2 | now 3 (0.1 m3) | x | half months (0.1 m3): h0 h1 x h2 h3 ..|
 *     Compact V   | kind | prev date 2 | prev 3 (kWh) | x | curr 3 (kWh) | ...
 *     vario 4     | kind | prev date 2 | prev 2 (MJ) | x x | curr 2 (MJ) | ...
 *     smoke       | kind | date 2 | ...
 *
 * Version 94 of the allocator has one byte (x) more before the temperatures. Water and heat
 * count from the due date on, so the meter reads previous + current. Dates are 5 bits day, 4
 * bits month, 7 bits year; the current one has no year: it is the first such day after the
 * previous.
 *
 * Version 50 of the water meter counts through; its half months are consumption, the running
 * one first. Up to the 15th the running month has one half, h0, afterwards two. (Facts:
 * wmbusmeters, driver mkradio3a.)
 */
#include "protocol/wmbus/translate.h"

enum kind {
    KIND_ALLOCATOR,
    KIND_ALLOCATOR_94,
    KIND_WATER,
    KIND_WATER_HALVES,
    KIND_COMPACT,
    KIND_VARIO,
    KIND_SMOKE,
};

static const struct model {
    uint8_t medium;
    uint8_t version;
    enum kind kind;
} models[] = {
    {0x80, 0x45, KIND_ALLOCATOR   },
    {0x80, 0x64, KIND_ALLOCATOR   },
    {0x80, 0x69, KIND_ALLOCATOR   },
    {0x80, 0x94, KIND_ALLOCATOR_94},
    {0x62, 0x50, KIND_WATER_HALVES},
    {0x62, 0x70, KIND_WATER       },
    {0x62, 0x74, KIND_WATER       },
    {0x62, 0x95, KIND_WATER       },
    {0x72, 0x50, KIND_WATER_HALVES},
    {0x72, 0x70, KIND_WATER       },
    {0x72, 0x74, KIND_WATER       },
    {0x72, 0x95, KIND_WATER       },
    {0x04, 0x22, KIND_COMPACT     },
    {0x04, 0x39, KIND_COMPACT     },
    {0x04, 0x45, KIND_COMPACT     },
    {0x43, 0x22, KIND_COMPACT     },
    {0x43, 0x39, KIND_COMPACT     },
    {0x43, 0x45, KIND_COMPACT     },
    {0x43, 0x71, KIND_COMPACT     },
    {0xC3, 0x22, KIND_COMPACT     },
    {0xC3, 0x39, KIND_COMPACT     },
    {0xC3, 0x45, KIND_COMPACT     },
    {0x04, 0x27, KIND_VARIO       },
    {0xC3, 0x27, KIND_VARIO       },
    {0xF0, 0x76, KIND_SMOKE       },
};

static const struct model *find_model(const struct hyp_meter_identity *meter)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(models); i++) {
        if (models[i].medium == meter->medium && models[i].version == meter->version) {
            return &models[i];
        }
    }
    return NULL;
}

/* Day and month of the current period; day 0 means the 1st, month 0 December. */
static struct hyp_civil current_date(const struct hyp_translation *translation,
                                     const struct hyp_civil *previous, size_t at)
{
    const unsigned raw = (unsigned)hyp_translation_le(translation, at, 2);
    const unsigned day = raw >> 4 & 0x1F;
    const unsigned month = raw >> 9 & 0xF;
    struct hyp_civil date = {
        .year = previous->year,
        .month = (uint8_t)(month == 0 ? 12 : month),
        .day = (uint8_t)(day == 0 ? 1 : day),
        .precision = HYP_CIVIL_DATE,
    };
    if (date.month < previous->month ||
        (date.month == previous->month && date.day <= previous->day)) {
        date.year++;
    }
    return date;
}

static void note_previous(struct hyp_translation *translation, const struct hyp_civil *date)
{
    hyp_translation_note(translation, 0, 1, "kind", "kind of telegram or status %02X",
                         translation->bytes[0]);
    hyp_translation_note(translation, 1, 2, "due date", "%04d-%02u-%02u", date->year,
                         date->month, date->day);
}

static void put_current_date(struct hyp_translation *translation,
                             const struct hyp_civil *previous, size_t at)
{
    const struct hyp_civil date = current_date(translation, previous, at);
    hyp_translation_note(translation, at, 2, "date", "%04d-%02u-%02u (sent without year)",
                         date.year, date.month, date.day);
    hyp_translation_put_date(translation, 0, 0, &date);
}

#define VIF_HCA 0x6E
#define VIF_VOLUME_100_L 0x15
#define VIF_KWH 0x06
#define VIF_MJ 0x0E
#define VIF_RADIATOR 0x59 /* flow temperature, 0.01 degC */
#define VIF_ROOM 0x65     /* external temperature, 0.01 degC */

static void put_temperature(struct hyp_translation *translation, uint8_t vif, size_t at,
                            const char *what)
{
    const struct hyp_register reg = {hyp_vib1(vif), 0, 0, 0};
    hyp_translation_note(translation, at, 2, what, "%d x 0.01 °C",
                         hyp_translation_i16(translation, at));
    hyp_translation_put_i16(translation, &reg, at);
}

static void translate_allocator(struct hyp_translation *translation,
                                const struct hyp_civil *previous, size_t temperatures)
{
    const int64_t due = (int64_t)hyp_translation_le(translation, 3, 2);
    const int64_t now = (int64_t)hyp_translation_le(translation, 7, 2);
    hyp_translation_note(translation, 3, 2, "units", "%lld at the due date", (long long)due);
    put_current_date(translation, previous, 5);
    hyp_translation_note(translation, 7, 2, "units", "%lld since the due date", (long long)now);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(VIF_HCA), 0, 0, 0}, now);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(VIF_HCA), 0, 1, 0}, due);
    put_temperature(translation, VIF_ROOM, temperatures, "room");
    put_temperature(translation, VIF_RADIATOR, temperatures + 2, "radiator");
}

/* Previous and current part of a counter of `size` bytes each. */
static void translate_counter(struct hyp_translation *translation, uint8_t vif, size_t current,
                              size_t size)
{
    const int64_t due = (int64_t)hyp_translation_le(translation, 3, size);
    const int64_t since = (int64_t)hyp_translation_le(translation, current, size);
    hyp_translation_note(translation, 3, size, "previous", "%lld up to the due date",
                         (long long)due);
    hyp_translation_note(translation, current, size, "current", "%lld since the due date",
                         (long long)since);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(vif), 0, 0, 0},
                        due + since);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(vif), 0, 1, 0}, due);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(vif), 0, 0, 1}, since);
}

/* --- half months --- */

#define HALVES_AT 8
#define STORAGE_RUNNING_MONTH 16

/* Half month `n` back from the running one: two in three bytes. */
static size_t half_at(size_t n)
{
    return HALVES_AT + n / 2 * 3 + n % 2;
}

static void put_month(struct hyp_translation *translation, size_t back, int64_t value)
{
    const struct hyp_register reg = {hyp_vib1(VIF_VOLUME_100_L), 0,
                                     (uint8_t)(STORAGE_RUNNING_MONTH + back), 1};
    hyp_translation_put(translation, &reg, value);
}

static void translate_halves(struct hyp_translation *translation)
{
    const uint8_t *bytes = translation->bytes;
    const struct hyp_civil date = hyp_translation_date(translation, 2);
    const int64_t now = (int64_t)hyp_translation_le(translation, 4, 3);
    hyp_translation_note(translation, 0, 2, "not known", "meaning not known");
    hyp_translation_note(translation, 2, 2, "date", "%04d-%02u-%02u", date.year, date.month,
                         date.day);
    hyp_translation_note(translation, 4, 3, "volume", "%lld x 0.1 m³", (long long)now);
    hyp_translation_put_date(translation, 0, 0, &date);
    hyp_translation_put(translation,
                        &(struct hyp_register){hyp_vib1(VIF_VOLUME_100_L), 0, 0, 0}, now);
    /* The first month has the halves up to `next`; each one before it has two. */
    size_t next = date.day <= 15 ? 1 : 2;
    for (size_t back = 0, first = 0; half_at(next - 1) < translation->len; back++) {
        int64_t value = 0;
        for (size_t n = first; n < next; n++) {
            value += bytes[half_at(n)];
        }
        put_month(translation, back, value);
        first = next;
        next += 2;
    }
    if (translation->len > 7) {
        hyp_translation_note(translation, 7, translation->len - 7, "half months",
                             "consumption x 0.1 m³, the running half first");
    }
}

static void translate_smoke(struct hyp_translation *translation)
{
    /* Bit 0 of the first byte is the alarm. */
    const struct hyp_register flags = {hyp_vib2(0xFD, 0x17), 0, 0, 0};
    hyp_translation_put(translation, &flags, translation->bytes[0] & 1);
}

static size_t least_len(enum kind kind)
{
    static const size_t lens[] = {
        [KIND_ALLOCATOR] = 13,   [KIND_ALLOCATOR_94] = 14, [KIND_WATER] = 9,
        [KIND_WATER_HALVES] = 7, [KIND_COMPACT] = 10,      [KIND_VARIO] = 9,
        [KIND_SMOKE] = 3,
    };
    return lens[kind];
}

enum hyp_status hyp_techem_translate(struct hyp_translation *translation)
{
    const struct model *model = find_model(translation->meter);
    if (model == NULL || translation->ci < 0xA0 || translation->ci > 0xA2) {
        return HYP_NOT_MINE;
    }
    if (translation->len < least_len(model->kind)) {
        return HYP_MALFORMED;
    }
    if (model->kind == KIND_WATER_HALVES) {
        const struct hyp_civil date = hyp_translation_date(translation, 2);
        if (!hyp_civil_is_valid(&date)) {
            return HYP_MALFORMED;
        }
        translate_halves(translation);
        return HYP_OK;
    }
    const struct hyp_civil previous = hyp_translation_date(translation, 1);
    if (!hyp_civil_is_valid(&previous)) {
        return HYP_MALFORMED;
    }
    note_previous(translation, &previous);
    switch (model->kind) {
    case KIND_ALLOCATOR: translate_allocator(translation, &previous, 9); break;
    case KIND_ALLOCATOR_94: translate_allocator(translation, &previous, 10); break;
    case KIND_WATER:
        put_current_date(translation, &previous, 5);
        translate_counter(translation, VIF_VOLUME_100_L, 7, 2);
        break;
    case KIND_WATER_HALVES: break; /* done above: it has no due date */
    case KIND_COMPACT: translate_counter(translation, VIF_KWH, 7, 3); break;
    case KIND_VARIO:
        put_current_date(translation, &previous, 5);
        translate_counter(translation, VIF_MJ, 7, 2);
        break;
    case KIND_SMOKE:
        translate_smoke(translation);
        hyp_translation_put_date(translation, 0, 0, &previous);
        return HYP_OK;
    }
    hyp_translation_put_date(translation, 0, 1, &previous);
    return HYP_OK;
}
