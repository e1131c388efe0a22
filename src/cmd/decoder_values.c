/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/decoder_values.h"

#include "base/limits.h"
#include "device/phase.h"

#define MEDIUM_ELECTRICITY 0x02

enum hyp_unit hyp_decoded_sent_unit(const struct hyp_mbus_record *record,
                                    const struct hyp_value *value)
{
    struct hyp_decimal decimal = record->decimal;
    enum hyp_unit unit = record->unit;
    int exp10 = 0;
    if ((record->quantity != HYP_QUANTITY_ENERGY && record->quantity != HYP_QUANTITY_POWER) ||
        unit == value->unit || unit == HYP_UNIT_NONE || value->unit == HYP_UNIT_NONE ||
        value->kind != HYP_VALUE_DECIMAL || record->kind != HYP_VALUE_DECIMAL ||
        !hyp_quality_is_usable(value->quality) ||
        hyp_unit_canonical(unit, &exp10) == value->unit) {
        return value->unit;
    }
    const bool same = hyp_unit_normalise(&decimal, &unit) == HYP_OK &&
                      hyp_decimal_compare(decimal, value->decimal) == 0;
    return same ? unit : value->unit;
}

size_t hyp_decoded_add_total(uint8_t medium, struct hyp_decoded_record *records, size_t count)
{
    struct hyp_phase_powers powers = {.seen = 0};
    struct hyp_value total;
    if (medium != MEDIUM_ELECTRICITY || count == HYP_LIMIT_READING_VALUES) {
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        hyp_phase_powers_add(&powers, &records[i].value);
    }
    if (hyp_phase_powers_total(&powers, &total)) {
        records[count++] = (struct hyp_decoded_record){
            .value = total, .quantity = HYP_QUANTITY_POWER, .sent_unit = total.unit};
    }
    return count;
}
