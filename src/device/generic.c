/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two steps. First the VIF code gives a base name by table, in the order of the standard's
 * tables (EN 13757-3, 6.4). Then what else the record and the meter say bends it: the medium
 * (energy of an electricity meter is imported active energy), the direction (backward energy of
 * a heat meter is what it cooled), the function (on time in the error state is error time) and
 * the qualifiers that turn a value into its date, duration or count.
 *
 * What a name cannot carry goes into the label and makes a key of its own, so that an average
 * never gets into the series of the momentary value.
 */
#include "device/generic.h"

#include "base/map.h"
#include "device/generic_words.h"
#include "device/phase.h"
#include "device/profile.h"

#include <string.h>

/* Subunits from here to twice this stand for a meaning, see subunit_of_meaning. */
#define MEANING_SUBUNIT 0x4000u

/* HYP_NAME_UNKNOWN (0) = no name. Passwords and keys have none on purpose. */
static const uint16_t primary_names[128] = {
    [0x00 ... 0x0F] = HYP_NAME_ENERGY,
    [0x10 ... 0x17] = HYP_NAME_VOLUME,
    [0x18 ... 0x1F] = HYP_NAME_MASS,
    [0x20 ... 0x23] = HYP_NAME_ON_TIME,
    [0x24 ... 0x27] = HYP_NAME_OPERATING_TIME,
    [0x28 ... 0x37] = HYP_NAME_POWER,
    [0x38 ... 0x4F] = HYP_NAME_FLOW,
    [0x50 ... 0x57] = HYP_NAME_MASS_FLOW,
    [0x58 ... 0x5B] = HYP_NAME_FLOW_TEMPERATURE,
    [0x5C ... 0x5F] = HYP_NAME_RETURN_TEMPERATURE,
    [0x60 ... 0x63] = HYP_NAME_TEMPERATURE_DIFFERENCE,
    [0x64 ... 0x67] = HYP_NAME_OUTDOOR_TEMPERATURE,
    [0x68 ... 0x6B] = HYP_NAME_PRESSURE,
    [0x6C] = HYP_NAME_METER_DATE,
    [0x6D] = HYP_NAME_METER_TIME,
    [0x6E] = HYP_NAME_HCA_UNITS,
    [0x70 ... 0x73] = HYP_NAME_AVERAGING_DURATION,
    [0x74 ... 0x77] = HYP_NAME_ACTUALITY_DURATION,
    [0x78] = HYP_NAME_FABRICATION_NUMBER,
    [0x79] = HYP_NAME_EXPERIMENTAL,
    [0x7A] = HYP_NAME_BUS_ADDRESS,
};

static const uint16_t fb_names[128] = {
    [0x00 ... 0x01] = HYP_NAME_ENERGY,
    [0x02 ... 0x03] = HYP_NAME_REACTIVE_ENERGY,
    [0x04 ... 0x05] = HYP_NAME_APPARENT_ENERGY,
    [0x08 ... 0x09] = HYP_NAME_ENERGY,
    [0x0C ... 0x0F] = HYP_NAME_ENERGY,
    [0x10 ... 0x11] = HYP_NAME_VOLUME,
    [0x14 ... 0x17] = HYP_NAME_REACTIVE_POWER,
    [0x18 ... 0x19] = HYP_NAME_MASS,
    [0x1A ... 0x1B] = HYP_NAME_HUMIDITY,
    [0x20 ... 0x23] = HYP_NAME_VOLUME,
    [0x24 ... 0x26] = HYP_NAME_FLOW,
    [0x28 ... 0x29] = HYP_NAME_POWER,
    [0x2A ... 0x2B] = HYP_NAME_PHASE_ANGLE,
    [0x2C ... 0x2F] = HYP_NAME_FREQUENCY,
    [0x30 ... 0x31] = HYP_NAME_POWER,
    [0x34 ... 0x37] = HYP_NAME_APPARENT_POWER,
    [0x58 ... 0x67] = HYP_NAME_EXPERIMENTAL, /* Fahrenheit */
    [0x68] = HYP_NAME_HCA_RATING,
    [0x69] = HYP_NAME_EXPERIMENTAL,
    [0x6A ... 0x6E] = HYP_NAME_HCA_RATING,
    [0x70 ... 0x73] = HYP_NAME_EXPERIMENTAL, /* Fahrenheit */
    [0x74 ... 0x77] = HYP_NAME_SETTING_TEMPERATURE,
    [0x78 ... 0x7F] = HYP_NAME_EXPERIMENTAL,
};

static const uint16_t fd_names[128] = {
    [0x00 ... 0x03] = HYP_NAME_CREDIT,
    [0x04 ... 0x07] = HYP_NAME_EXPERIMENTAL,
    [0x08] = HYP_NAME_ACCESS_NUMBER,
    [0x09] = HYP_NAME_DEVICE_MEDIUM,
    [0x0A] = HYP_NAME_MANUFACTURER_CODE,
    [0x0B] = HYP_NAME_CONFIGURATION,
    [0x0C] = HYP_NAME_MODEL_VERSION,
    [0x0D] = HYP_NAME_HARDWARE_VERSION,
    [0x0E] = HYP_NAME_FIRMWARE_VERSION,
    [0x0F] = HYP_NAME_SOFTWARE_VERSION,
    [0x10 ... 0x11] = HYP_NAME_CUSTOMER_NUMBER,
    [0x17] = HYP_NAME_INFO_CODE,
    [0x18] = HYP_NAME_EXPERIMENTAL,
    [0x1A] = HYP_NAME_DIGITAL_OUTPUT,
    [0x1B] = HYP_NAME_DIGITAL_INPUT,
    [0x1C ... 0x1F] = HYP_NAME_EXPERIMENTAL,
    [0x20 ... 0x2A] = HYP_NAME_EXPERIMENTAL,
    [0x2B ... 0x2F] = HYP_NAME_DURATION,
    [0x30] = HYP_NAME_EVENT_TIME,
    [0x31 ... 0x39] = HYP_NAME_DURATION,
    [0x3A] = HYP_NAME_COUNT,
    [0x3C ... 0x3F] = HYP_NAME_DURATION,
    [0x40 ... 0x4F] = HYP_NAME_VOLTAGE,
    [0x50 ... 0x5F] = HYP_NAME_CURRENT,
    [0x60] = HYP_NAME_RESET_COUNTER,
    [0x61] = HYP_NAME_EVENT_COUNT,
    [0x62 ... 0x67] = HYP_NAME_EXPERIMENTAL,
    [0x68 ... 0x6B] = HYP_NAME_DURATION,
    [0x6C ... 0x6F] = HYP_NAME_BATTERY_OPERATING_TIME,
    [0x70] = HYP_NAME_EVENT_TIME,
    [0x71] = HYP_NAME_SIGNAL_STRENGTH,
    [0x74] = HYP_NAME_BATTERY_REMAINING,
    [0x75] = HYP_NAME_EVENT_COUNT,
};

static const uint16_t fd_second_names[128] = {
    [0x00] = HYP_NAME_EXPERIMENTAL,
    [0x02 ... 0x03] = HYP_NAME_BATTERY_REMAINING,
};

static const uint16_t *const name_tables[] = {
    [HYP_VIF_PRIMARY] = primary_names,
    [HYP_VIF_FB] = fb_names,
    [HYP_VIF_FD] = fd_names,
    [HYP_VIF_FD_SECOND] = fd_second_names,
};

/* For plain-text VIFs, whose text the record layer may have understood. */
static const uint16_t quantity_names[HYP_QUANTITY_COUNT_OF] = {
    [HYP_QUANTITY_ENERGY] = HYP_NAME_ENERGY,
    [HYP_QUANTITY_POWER] = HYP_NAME_POWER,
    [HYP_QUANTITY_VOLUME] = HYP_NAME_VOLUME,
    [HYP_QUANTITY_FLOW] = HYP_NAME_FLOW,
    [HYP_QUANTITY_TEMPERATURE] = HYP_NAME_TEMPERATURE,
    [HYP_QUANTITY_HUMIDITY] = HYP_NAME_HUMIDITY,
    [HYP_QUANTITY_RATIO] = HYP_NAME_RATIO,
    [HYP_QUANTITY_VOLTAGE] = HYP_NAME_VOLTAGE,
    [HYP_QUANTITY_CURRENT] = HYP_NAME_CURRENT,
    [HYP_QUANTITY_FREQUENCY] = HYP_NAME_FREQUENCY,
    [HYP_QUANTITY_PRESSURE] = HYP_NAME_PRESSURE,
};

/* --- media --- */

/* EN 13757-7 device types, and Techem's own (43, C3, 62, 72, 80). */
static const uint8_t medium_classes[256] = {
    [0x02] = HYP_MEDIUM_CLASS_ELECTRICITY,
    [0x04 ... 0x05] = HYP_MEDIUM_CLASS_HEAT,
    [0x06 ... 0x07] = HYP_MEDIUM_CLASS_WATER,
    [0x08] = HYP_MEDIUM_CLASS_HCA,
    [0x0A ... 0x0B] = HYP_MEDIUM_CLASS_COOLING,
    [0x0C ... 0x0D] = HYP_MEDIUM_CLASS_HEAT,
    [0x15 ... 0x17] = HYP_MEDIUM_CLASS_WATER,
    [0x1B] = HYP_MEDIUM_CLASS_ROOM,
    [0x28] = HYP_MEDIUM_CLASS_WATER,
    [0x43] = HYP_MEDIUM_CLASS_HEAT,
    [0x62] = HYP_MEDIUM_CLASS_WATER,
    [0x72] = HYP_MEDIUM_CLASS_WATER,
    [0x80] = HYP_MEDIUM_CLASS_HCA,
    [0xC3] = HYP_MEDIUM_CLASS_HEAT,
};

enum hyp_medium_class hyp_medium_class_of(uint8_t medium)
{
    return (enum hyp_medium_class)medium_classes[medium];
}

enum direction {
    DIRECTION_NONE = 0,
    DIRECTION_FORWARD,
    DIRECTION_BACKWARD,
};

/* What a base name means in a medium or direction. The first row that fits wins. */
struct bend_row {
    int8_t medium;    /* enum hyp_medium_class, -1 = any */
    int8_t direction; /* enum direction, -1 = any */
    uint16_t name;
};

#define MEDIUM(name) HYP_MEDIUM_CLASS_##name
static const struct bend_row energy_bends[] = {
    {MEDIUM(HEAT),        DIRECTION_BACKWARD, HYP_NAME_COOLING_ENERGY      },
    {MEDIUM(HEAT),        -1,                 HYP_NAME_ENERGY              },
    {MEDIUM(COOLING),     DIRECTION_BACKWARD, HYP_NAME_ENERGY_BACKWARD     },
    {MEDIUM(COOLING),     -1,                 HYP_NAME_COOLING_ENERGY      },
    {MEDIUM(ELECTRICITY), DIRECTION_BACKWARD, HYP_NAME_ACTIVE_ENERGY_EXPORT},
    {MEDIUM(ELECTRICITY), -1,                 HYP_NAME_ACTIVE_ENERGY_IMPORT},
    {-1,                  DIRECTION_FORWARD,  HYP_NAME_ENERGY_FORWARD      },
    {-1,                  DIRECTION_BACKWARD, HYP_NAME_ENERGY_BACKWARD     },
};
static const struct bend_row power_bends[] = {
    {MEDIUM(ELECTRICITY), DIRECTION_BACKWARD, HYP_NAME_ACTIVE_POWER_EXPORT},
    {MEDIUM(ELECTRICITY), -1,                 HYP_NAME_ACTIVE_POWER       },
};
static const struct bend_row reactive_energy_bends[] = {
    {-1, DIRECTION_FORWARD,  HYP_NAME_REACTIVE_ENERGY_IMPORT},
    {-1, DIRECTION_BACKWARD, HYP_NAME_REACTIVE_ENERGY_EXPORT},
};
static const struct bend_row volume_bends[] = {
    {-1, DIRECTION_FORWARD,  HYP_NAME_VOLUME_FORWARD },
    {-1, DIRECTION_BACKWARD, HYP_NAME_VOLUME_BACKWARD},
};
static const struct bend_row flow_temperature_bends[] = {
    {MEDIUM(WATER), -1, HYP_NAME_MEDIUM_TEMPERATURE  },
    {MEDIUM(HCA),   -1, HYP_NAME_RADIATOR_TEMPERATURE},
    {MEDIUM(ROOM),  -1, HYP_NAME_TEMPERATURE         },
};
static const struct bend_row outdoor_temperature_bends[] = {
    {MEDIUM(WATER), -1, HYP_NAME_AMBIENT_TEMPERATURE},
    {MEDIUM(HCA),   -1, HYP_NAME_ROOM_TEMPERATURE   },
    {MEDIUM(ROOM),  -1, HYP_NAME_ROOM_TEMPERATURE   },
};
#undef MEDIUM

/* By base name; most names mean the same everywhere. */
#define BENDS(rows)                                                                            \
    {                                                                                          \
        (rows), HYP_ARRAY_LEN(rows)                                                            \
    }
static const struct {
    const struct bend_row *rows;
    size_t count;
} bends[HYP_NAME_COUNT_OF] = {
    [HYP_NAME_ENERGY] = BENDS(energy_bends),
    [HYP_NAME_POWER] = BENDS(power_bends),
    [HYP_NAME_REACTIVE_ENERGY] = BENDS(reactive_energy_bends),
    [HYP_NAME_VOLUME] = BENDS(volume_bends),
    [HYP_NAME_FLOW_TEMPERATURE] = BENDS(flow_temperature_bends),
    [HYP_NAME_OUTDOOR_TEMPERATURE] = BENDS(outdoor_temperature_bends),
};
#undef BENDS

static enum hyp_name bend_by_medium(enum hyp_name base, enum hyp_medium_class medium,
                                    uint8_t direction)
{
    for (size_t i = 0; i < bends[base].count; i++) {
        const struct bend_row *row = &bends[base].rows[i];
        if ((row->medium < 0 || row->medium == (int)medium) &&
            (row->direction < 0 || row->direction == direction)) {
            return (enum hyp_name)row->name;
        }
    }
    return base;
}

/* Subunits of heat meters that count volume are their pulse inputs. */
static bool is_pulse_input(const struct hyp_mbus_record *record, enum hyp_name base,
                           enum hyp_medium_class medium)
{
    return base == HYP_NAME_VOLUME && record->subunit > 0 &&
           (medium == HYP_MEDIUM_CLASS_HEAT || medium == HYP_MEDIUM_CLASS_COOLING);
}

/* --- names --- */

static enum hyp_name base_name(const struct hyp_mbus_record *record)
{
    if (record->table <= HYP_VIF_FD_SECOND) {
        return (enum hyp_name)name_tables[record->table][record->code & 0x7F];
    }
    if (record->table != HYP_VIF_TEXT) {
        return HYP_NAME_UNKNOWN;
    }
    enum hyp_name name = (enum hyp_name)quantity_names[record->quantity];
    return name == HYP_NAME_UNKNOWN ? HYP_NAME_EXPERIMENTAL : name;
}

/* Records whose qualifier makes them a date, a duration or a count of what the VIF names. */
static enum hyp_name name_of_what(const struct hyp_mbus_record *record)
{
    switch ((enum hyp_mbus_what)record->qualifier.what) {
    case HYP_MBUS_VALUE: break;
    case HYP_MBUS_COUNT_OF_LIMIT: return HYP_NAME_EVENT_COUNT;
    case HYP_MBUS_TIME_OF_LIMIT:
    case HYP_MBUS_TIME_OF: return HYP_NAME_EVENT_TIME;
    case HYP_MBUS_DURATION_OF_LIMIT:
    case HYP_MBUS_DURATION_OF: return HYP_NAME_DURATION;
    case HYP_MBUS_LIMIT_VALUE:
    case HYP_MBUS_VALUE_DURING:
    case HYP_MBUS_LEAKAGE:
    case HYP_MBUS_OVERFLOW_VALUE:
    case HYP_MBUS_PROFILE:
    case HYP_MBUS_OBIS: return HYP_NAME_EXPERIMENTAL;
    }
    return HYP_NAME_UNKNOWN;
}

static enum hyp_name error_state_name(enum hyp_name base)
{
    switch (base) {
    case HYP_NAME_ON_TIME:
    case HYP_NAME_OPERATING_TIME: return HYP_NAME_ERROR_TIME;
    case HYP_NAME_METER_DATE:
    case HYP_NAME_METER_TIME: return HYP_NAME_ERROR_DATE;
    default: return HYP_NAME_UNKNOWN;
    }
}

/* Dates: 6D of storage 0 is the meter's clock, of a storage the date of its values. */
static enum hyp_name date_name(const struct hyp_mbus_record *record, enum hyp_name base)
{
    bool clock = record->kind == HYP_VALUE_CIVIL && record->civil.precision != HYP_CIVIL_DATE;
    bool dated = record->storage > 0 || record->function != HYP_FUNCTION_INSTANTANEOUS;
    if (base == HYP_NAME_METER_TIME && dated) {
        return HYP_NAME_METER_DATE;
    }
    return base == HYP_NAME_METER_DATE && clock && !dated ? HYP_NAME_METER_TIME : base;
}

static enum hyp_name choose_name(const struct hyp_mbus_record *record, uint8_t medium)
{
    enum hyp_name base = base_name(record);
    if (base == HYP_NAME_UNKNOWN) {
        return base;
    }
    enum hyp_name special = HYP_NAME_UNKNOWN;
    if (record->vife_count > 0) {
        special = name_of_what(record);
    }
    if (special != HYP_NAME_UNKNOWN) {
        return special;
    }
    enum hyp_medium_class class = hyp_medium_class_of(medium);
    const enum hyp_name bent =
        bend_by_medium(date_name(record, base), class, record->qualifier.direction);
    if (record->vife_count > 0 && hyp_generic_is_derived(record, bent)) {
        return HYP_NAME_EXPERIMENTAL;
    }
    if (base == HYP_NAME_INFO_CODE && record->qualifier.oms_standard) {
        return HYP_NAME_OMS_INFO_CODE;
    }
    if (record->function == HYP_FUNCTION_ERROR) {
        special = error_state_name(base);
        if (special != HYP_NAME_UNKNOWN) {
            return special;
        }
    }
    if (base == HYP_NAME_BATTERY_OPERATING_TIME && record->qualifier.future) {
        return HYP_NAME_BATTERY_REMAINING;
    }
    if (is_pulse_input(record, base, class)) {
        return HYP_NAME_PULSE_VOLUME;
    }
    return hyp_vocabulary_unit_suits(bent, record->unit) ? bent : HYP_NAME_EXPERIMENTAL;
}

/*
 * A subunit of its own for every meaning that has no name of its own: the average power must
 * not become a point of the series of power, nor the date of the maximum flow one of the date
 * of the maximum power. It depends on the VIF and its VIFEs only, never on the order of the
 * records.
 */
static uint16_t subunit_of_meaning(const struct hyp_mbus_record *record)
{
    uint8_t bytes[2 + HYP_MBUS_VIFE_MAX + HYP_LIMIT_RECORD_TEXT] = {(uint8_t)record->table,
                                                                    record->code};
    size_t len = 2;
    memcpy(bytes + len, record->vife, record->vife_count);
    len += record->vife_count;
    if (record->table == HYP_VIF_TEXT) {
        size_t text_len = strlen(record->vif_text);
        memcpy(bytes + len, record->vif_text, text_len);
        len += text_len;
    }
    return (uint16_t)(MEANING_SUBUNIT | (hyp_hash_bytes(bytes, len) & (MEANING_SUBUNIT - 1)));
}

void hyp_generic_key(const struct hyp_mbus_record *record, uint8_t medium,
                     struct hyp_point_key *ret_key)
{
    enum hyp_name name = choose_name(record, medium);
    *ret_key = (struct hyp_point_key){
        .name = (uint16_t)name,
        .function = (uint8_t)record->function,
        .storage = record->storage,
        .tariff = record->tariff,
        .subunit = record->subunit,
    };
    if (name == HYP_NAME_ERROR_TIME || name == HYP_NAME_ERROR_DATE) {
        ret_key->function = HYP_FUNCTION_INSTANTANEOUS; /* the name says it */
    }
    if (name != HYP_NAME_UNKNOWN && hyp_generic_is_qualified(record, name)) {
        ret_key->subunit = subunit_of_meaning(record);
    } else if (record->vife_count == 0) {
        return; /* most records */
    } else if (name != HYP_NAME_UNKNOWN && hyp_phase_of_maker(record) != 0) {
        ret_key->subunit = hyp_phase_subunit(record, name);
    } else if (record->qualifier.phase != 0) {
        ret_key->subunit = (uint16_t)(ret_key->subunit * 8 + record->qualifier.phase);
    } else if (record->qualifier.quadrant != 0) {
        ret_key->subunit = (uint16_t)(ret_key->subunit * 8 + record->qualifier.quadrant);
    }
}
