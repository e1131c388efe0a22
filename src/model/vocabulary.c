/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vocabulary.h"

#include <assert.h>

struct unit_row {
    const char *text;
    enum hyp_unit canonical;
    int8_t exp10;
};

static const struct unit_row unit_rows[] = {
#define X(name, text, canonical, exp10)                                                        \
    [HYP_UNIT_##name] = {(text), HYP_UNIT_##canonical, (exp10)},
#include "model/unit.def"
#undef X
};
static_assert(HYP_ARRAY_LEN(unit_rows) == HYP_UNIT_COUNT_OF, "one row per unit");

static const char *const quantity_texts[] = {
#define X(name, text) [HYP_QUANTITY_##name] = (text),
#include "model/quantity.def"
#undef X
};
static_assert(HYP_ARRAY_LEN(quantity_texts) == HYP_QUANTITY_COUNT_OF, "one text per quantity");

static const struct hyp_word words[] = {
#define X(id, name_text, quantity_id, unit_id, aggregation_id, meaning_text)                   \
    [HYP_NAME_##id] = {.name = (name_text),                                                    \
                       .meaning = (meaning_text),                                              \
                       .quantity = HYP_QUANTITY_##quantity_id,                                 \
                       .unit = HYP_UNIT_##unit_id,                                             \
                       .aggregation = HYP_AGGREGATION_##aggregation_id},
#include "model/vocabulary.def"
#undef X
};
static_assert(HYP_ARRAY_LEN(words) == HYP_NAME_COUNT_OF, "one row per name");

static const char *const aggregation_texts[] = {
    [HYP_AGGREGATION_COUNTER] = "counter",
    [HYP_AGGREGATION_GAUGE] = "gauge",
    [HYP_AGGREGATION_STATE] = "state",
};

const struct hyp_word *hyp_vocabulary_word(enum hyp_name name)
{
    return &words[name];
}

enum hyp_status hyp_vocabulary_find(struct hyp_str text, enum hyp_name *ret_name)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(words); i++) {
        if (hyp_str_equal(text, hyp_str_from(words[i].name))) {
            *ret_name = (enum hyp_name)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

const char *hyp_unit_text(enum hyp_unit unit)
{
    return unit_rows[unit].text;
}

const char *hyp_unit_symbol(enum hyp_unit unit)
{
    static const char *const symbols[HYP_UNIT_COUNT_OF] = {
        [HYP_UNIT_M3] = "m³",
        [HYP_UNIT_M3_PER_H] = "m³/h",
        [HYP_UNIT_M3_PER_MIN] = "m³/min",
        [HYP_UNIT_M3_PER_S] = "m³/s",
        [HYP_UNIT_DEG_C] = "°C",
        [HYP_UNIT_DEG_F] = "°F",
        [HYP_UNIT_M3_DEG_C] = "m³·°C",
        [HYP_UNIT_DEG] = "°",
        [HYP_UNIT_HCA] = "units",
        [HYP_UNIT_PERCENT_RH] = "% RH",
    };
    return symbols[unit] != NULL ? symbols[unit] : hyp_unit_text(unit);
}

enum hyp_status hyp_unit_find(struct hyp_str text, enum hyp_unit *ret_unit)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(unit_rows); i++) {
        if (hyp_str_equal(text, hyp_str_from(unit_rows[i].text))) {
            *ret_unit = (enum hyp_unit)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

const char *hyp_quantity_text(enum hyp_quantity quantity)
{
    return quantity_texts[quantity];
}

enum hyp_status hyp_quantity_find(struct hyp_str text, enum hyp_quantity *ret_quantity)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(quantity_texts); i++) {
        if (hyp_str_equal(text, hyp_str_from(quantity_texts[i]))) {
            *ret_quantity = (enum hyp_quantity)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

const char *hyp_aggregation_text(enum hyp_aggregation aggregation)
{
    return aggregation_texts[aggregation];
}

enum hyp_unit hyp_unit_canonical(enum hyp_unit unit, int *ret_exp10)
{
    *ret_exp10 = unit_rows[unit].exp10;
    return unit_rows[unit].canonical;
}

enum hyp_status hyp_unit_normalise(struct hyp_decimal *value, enum hyp_unit *unit)
{
    int exp10;
    enum hyp_unit canonical = hyp_unit_canonical(*unit, &exp10);
    enum hyp_status status = hyp_decimal_shift(*value, exp10, value);
    if (status == HYP_OK) {
        *unit = canonical;
    }
    return status;
}

/* Canonical units of quantities that have several families. */
/* clang-format off */
static const enum hyp_unit unit_families[][6] = {
    [HYP_QUANTITY_ENERGY] = {HYP_UNIT_KWH, HYP_UNIT_GJ, HYP_UNIT_GCAL},
    [HYP_QUANTITY_POWER] = {HYP_UNIT_KW, HYP_UNIT_GJ_PER_H},
    [HYP_QUANTITY_FLOW] = {HYP_UNIT_M3_PER_H, HYP_UNIT_M3_PER_MIN, HYP_UNIT_M3_PER_S},
    [HYP_QUANTITY_RATIO] = {HYP_UNIT_PERCENT},
    [HYP_QUANTITY_DURATION] = {HYP_UNIT_S, HYP_UNIT_MIN, HYP_UNIT_H, HYP_UNIT_D, HYP_UNIT_MONTH,
                               HYP_UNIT_Y},
};
/* clang-format on */

bool hyp_vocabulary_unit_suits(enum hyp_name name, enum hyp_unit unit)
{
    const struct hyp_word *word = hyp_vocabulary_word(name);
    int exp10 = 0;
    enum hyp_unit canonical = hyp_unit_canonical(unit, &exp10);
    if (word->unit == HYP_UNIT_COUNT && unit == HYP_UNIT_NONE) {
        return true; /* nobody writes "count" behind a number */
    }
    if (word->unit != HYP_UNIT_NONE) {
        return canonical == word->unit;
    }
    if (word->quantity >= HYP_ARRAY_LEN(unit_families) ||
        unit_families[word->quantity][0] == HYP_UNIT_NONE) {
        return true;
    }
    if (unit == HYP_UNIT_NONE) {
        return word->quantity == HYP_QUANTITY_RATIO;
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(unit_families[0]); i++) {
        if (unit_families[word->quantity][i] == canonical) {
            return true;
        }
    }
    return false;
}
