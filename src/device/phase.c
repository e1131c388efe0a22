/* SPDX-License-Identifier: Apache-2.0 */
#include "device/phase.h"

#define MAKER_VIFE 0x7F /* FF without its extension bit */
/* Behind the 1024 subunits that a record can name. */
#define PHASE_SUBUNIT 1024u

unsigned hyp_phase_of_maker(const struct hyp_mbus_record *record)
{
    size_t count = record->vife_count;
    if (!record->qualifier.manufacturer || record->subunit != 0) {
        return 0;
    }
    if (count > 0 && record->vife[count - 1] == 0) {
        count--;
    }
    const bool fits = count >= 2 && record->vife[count - 2] == MAKER_VIFE &&
                      record->vife[count - 1] >= 1 && record->vife[count - 1] <= 3;
    return fits ? record->vife[count - 1] : 0;
}

bool hyp_phase_has(enum hyp_name name)
{
    switch (name) {
    case HYP_NAME_ACTIVE_ENERGY_IMPORT:
    case HYP_NAME_ACTIVE_ENERGY_EXPORT:
    case HYP_NAME_REACTIVE_ENERGY:
    case HYP_NAME_REACTIVE_ENERGY_IMPORT:
    case HYP_NAME_REACTIVE_ENERGY_EXPORT:
    case HYP_NAME_APPARENT_ENERGY:
    case HYP_NAME_ACTIVE_POWER:
    case HYP_NAME_ACTIVE_POWER_EXPORT:
    case HYP_NAME_REACTIVE_POWER:
    case HYP_NAME_APPARENT_POWER:
    case HYP_NAME_VOLTAGE:
    case HYP_NAME_CURRENT:
    case HYP_NAME_PHASE_ANGLE: return true;
    default: return false;
    }
}

uint16_t hyp_phase_subunit(const struct hyp_mbus_record *record, enum hyp_name name)
{
    const unsigned phase = hyp_phase_of_maker(record);
    const bool plain = name == HYP_NAME_VOLTAGE || name == HYP_NAME_CURRENT;
    return (uint16_t)(plain ? phase : PHASE_SUBUNIT + phase);
}

void hyp_phase_powers_add(struct hyp_phase_powers *powers, const struct hyp_value *value)
{
    const struct hyp_point_key *key = &value->key;
    if (key->name != HYP_NAME_ACTIVE_POWER || key->storage != 0 || key->tariff != 0 ||
        key->function != HYP_FUNCTION_INSTANTANEOUS) {
        return;
    }
    if (key->subunit <= PHASE_SUBUNIT || key->subunit > PHASE_SUBUNIT + 3) {
        powers->has_total = powers->has_total || key->subunit == 0;
        return;
    }
    if (value->kind == HYP_VALUE_DECIMAL && value->quality == HYP_QUALITY_GOOD) {
        const unsigned phase = key->subunit - PHASE_SUBUNIT - 1;
        powers->phase[phase] = value->decimal;
        powers->seen |= 1u << phase;
    }
}

bool hyp_phase_powers_total(const struct hyp_phase_powers *powers, struct hyp_value *ret_total)
{
    struct hyp_decimal sum;
    if (powers->seen != 7 || powers->has_total ||
        hyp_decimal_add(powers->phase[0], powers->phase[1], &sum) != HYP_OK ||
        hyp_decimal_add(sum, powers->phase[2], &sum) != HYP_OK) {
        return false;
    }
    *ret_total = (struct hyp_value){
        .key = {.name = HYP_NAME_ACTIVE_POWER},
        .kind = HYP_VALUE_DECIMAL,
        .unit = HYP_UNIT_KW,
        .quality = HYP_QUALITY_ESTIMATED,
        .decimal = sum,
        .label = HYP_STR("sum of the phases"),
    };
    return true;
}

bool hyp_phase_total(const struct hyp_value *values, size_t count, struct hyp_value *ret_total)
{
    struct hyp_phase_powers powers = {.seen = 0};
    for (size_t i = 0; i < count; i++) {
        hyp_phase_powers_add(&powers, &values[i]);
    }
    return hyp_phase_powers_total(&powers, ret_total);
}
