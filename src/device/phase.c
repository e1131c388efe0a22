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
