/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows follow the tables of EN 13757-3:2018 in their order: 6.4.2 (primary), 6.4.4 (after
 * FD), its second level (after FD FD), 6.4.5 (after FB). A macro with a number in its name
 * fills that many codes whose exponent grows by one. Codes without a row are reserved; their
 * zeros say: no quantity, no unit, read as the rule says (type B).
 *
 * Two places differ from printed sources: mass is 10^(n-3) kg, and FB 08/09 is in GJ (one
 * well-known library prints "reserved" there). Feet and gallons are turned into metric units by
 * exact factors. No decimal factor leads from Fahrenheit to Celsius, so that it keeps its unit;
 * no name of the vocabulary takes it, and nobody mistakes it for Celsius. Gallons and
 * Fahrenheit (FB 22 to 27, 58 to 67, 70 to 73) were taken out of the standard in 2004; meters
 * from before still send them.
 */
#include "protocol/mbus/vif.h"

#include <string.h>

#define ROW(code, q, u, e, c, words)                                                           \
    [code] = {.text = (words),                                                                 \
              .quantity = HYP_QUANTITY_##q,                                                    \
              .unit = HYP_UNIT_##u,                                                            \
              .exp10 = (e),                                                                    \
              .coding = HYP_MBUS_CODING_##c}
#define ROW2(code, q, u, e, c, words)                                                          \
    ROW(code, q, u, e, c, words), ROW((code) + 1, q, u, (e) + 1, c, words)
#define ROW4(code, q, u, e, c, words)                                                          \
    ROW2(code, q, u, e, c, words), ROW2((code) + 2, q, u, (e) + 2, c, words)
#define ROW8(code, q, u, e, c, words)                                                          \
    ROW4(code, q, u, e, c, words), ROW4((code) + 4, q, u, (e) + 4, c, words)
#define ROW16(code, q, u, e, c, words)                                                         \
    ROW8(code, q, u, e, c, words), ROW8((code) + 8, q, u, (e) + 8, c, words)
/* seconds, minutes, hours, days */
#define TIMES(code, c, words)                                                                  \
    ROW(code, DURATION, S, 0, c, words), ROW((code) + 1, DURATION, MIN, 0, c, words),          \
        ROW((code) + 2, DURATION, H, 0, c, words), ROW((code) + 3, DURATION, D, 0, c, words)
/* hours, days, months, years */
#define SPANS(code, c, words)                                                                  \
    ROW(code, DURATION, H, 0, c, words), ROW((code) + 1, DURATION, D, 0, c, words),            \
        ROW((code) + 2, DURATION, MONTH, 0, c, words),                                         \
        ROW((code) + 3, DURATION, Y, 0, c, words)
#define FACTOR(code, q, u, e, f, words)                                                        \
    [code] = {.text = (words),                                                                 \
              .quantity = HYP_QUANTITY_##q,                                                    \
              .unit = HYP_UNIT_##u,                                                            \
              .exp10 = (e),                                                                    \
              .factor = HYP_MBUS_FACTOR_##f}
/* of an allocator: unsigned, in 2^-12 */
#define RATING(code, words)                                                                    \
    [code] = {.text = (words),                                                                 \
              .quantity = HYP_QUANTITY_RATIO,                                                  \
              .coding = HYP_MBUS_CODING_UNSIGNED,                                              \
              .factor = HYP_MBUS_FACTOR_2_POW_MINUS_12}

/* clang-format off */
const struct hyp_mbus_vif hyp_mbus_vif_primary[128] = {
    ROW8 (0x00, ENERGY,                 WH,       -3, SIGNED,     "energy"),
    ROW8 (0x08, ENERGY,                 J,         0, SIGNED,     "energy"),
    ROW8 (0x10, VOLUME,                 M3,       -6, SIGNED,     "volume"),
    ROW8 (0x18, MASS,                   KG,       -3, SIGNED,     "mass"),
    TIMES(0x20,                                       SIGNED,     "on time"),
    TIMES(0x24,                                       SIGNED,     "operating time"),
    ROW8 (0x28, POWER,                  W,        -3, SIGNED,     "power"),
    ROW8 (0x30, POWER,                  J_PER_H,   0, SIGNED,     "power"),
    ROW8 (0x38, FLOW,                   M3_PER_H, -6, SIGNED,     "volume flow"),
    ROW8 (0x40, FLOW,                   M3_PER_MIN, -7, SIGNED,   "volume flow"),
    ROW8 (0x48, FLOW,                   M3_PER_S, -9, SIGNED,     "volume flow"),
    ROW8 (0x50, MASS_FLOW,              KG_PER_H, -3, SIGNED,     "mass flow"),
    ROW4 (0x58, TEMPERATURE,            DEG_C,    -3, SIGNED,     "flow temperature"),
    ROW4 (0x5C, TEMPERATURE,            DEG_C,    -3, SIGNED,     "return temperature"),
    ROW4 (0x60, TEMPERATURE_DIFFERENCE, K,        -3, SIGNED,     "temperature difference"),
    ROW4 (0x64, TEMPERATURE,            DEG_C,    -3, SIGNED,     "external temperature"),
    ROW4 (0x68, PRESSURE,               BAR,      -3, SIGNED,     "pressure"),
    ROW  (0x6C, TIME,                   NONE,      0, TIME,       "date"),
    ROW  (0x6D, TIME,                   NONE,      0, TIME,       "date and time"),
    ROW  (0x6E, HCA,                    HCA,       0, SIGNED,     "heat cost allocator units"),
    TIMES(0x70,                                       SIGNED,     "averaging duration"),
    TIMES(0x74,                                       SIGNED,     "actuality duration"),
    ROW  (0x78, IDENTIFIER,             NONE,      0, IDENTIFIER, "fabrication number"),
    ROW  (0x79, IDENTIFIER,             NONE,      0, IDENTIFIER, "enhanced identification"),
    ROW  (0x7A, IDENTIFIER,             NONE,      0, IDENTIFIER, "bus address"),
};

static const struct hyp_mbus_vif fb_rows[128] = {
    ROW2 (0x00, ENERGY,                 MWH,      -1, SIGNED,     "energy"),
    ROW2 (0x02, REACTIVE_ENERGY,        KVARH,     0, SIGNED,     "reactive energy"),
    ROW2 (0x04, APPARENT_ENERGY,        KVAH,      0, SIGNED,     "apparent energy"),
    ROW2 (0x08, ENERGY,                 GJ,       -1, SIGNED,     "energy"),
    ROW4 (0x0C, ENERGY,                 MCAL,     -1, SIGNED,     "energy"),
    ROW2 (0x10, VOLUME,                 M3,        2, SIGNED,     "volume"),
    ROW4 (0x14, REACTIVE_POWER,         KVAR,     -3, SIGNED,     "reactive power"),
    ROW2 (0x18, MASS,                   T,         2, UNSIGNED,   "mass"),
    ROW2 (0x1A, HUMIDITY,               PERCENT_RH, -1, UNSIGNED, "relative humidity"),
    FACTOR(0x20, VOLUME,                M3,        0, CUBIC_FEET, "volume, cubic feet"),
    FACTOR(0x21, VOLUME,                M3,       -1, CUBIC_FEET, "volume, 0.1 cubic feet"),
    FACTOR(0x22, VOLUME,                M3,       -1, GALLONS,    "volume, 0.1 US gallon"),
    FACTOR(0x23, VOLUME,                M3,        0, GALLONS,    "volume, US gallon"),
    FACTOR(0x24, FLOW,                  M3_PER_MIN, -3, GALLONS,  "volume flow, 0.001 US gallon/min"),
    FACTOR(0x25, FLOW,                  M3_PER_MIN, 0, GALLONS,   "volume flow, US gallon/min"),
    FACTOR(0x26, FLOW,                  M3_PER_H,  0, GALLONS,    "volume flow, US gallon/h"),
    ROW2 (0x28, POWER,                  MW,       -1, SIGNED,     "power"),
    ROW  (0x2A, ANGLE,                  DEG,      -1, SIGNED,     "phase angle, voltage to voltage"),
    ROW  (0x2B, ANGLE,                  DEG,      -1, SIGNED,     "phase angle, voltage to current"),
    ROW4 (0x2C, FREQUENCY,              HZ,       -3, SIGNED,     "frequency"),
    ROW2 (0x30, POWER,                  GJ_PER_H, -1, SIGNED,     "power"),
    ROW4 (0x34, APPARENT_POWER,         KVA,      -3, SIGNED,     "apparent power"),
    ROW4 (0x58, TEMPERATURE,            DEG_F,    -3, SIGNED,     "flow temperature, Fahrenheit"),
    ROW4 (0x5C, TEMPERATURE,            DEG_F,    -3, SIGNED,     "return temperature, Fahrenheit"),
    ROW4 (0x60, TEMPERATURE_DIFFERENCE, DEG_F,    -3, SIGNED,     "temperature difference, Fahrenheit"),
    ROW4 (0x64, TEMPERATURE,            DEG_F,    -3, SIGNED,     "external temperature, Fahrenheit"),
    RATING(0x68, "allocator rating factor K"),
    ROW  (0x69, POWER,                  W,         0, UNSIGNED,   "allocator thermal output rating KQ"),
    RATING(0x6A, "allocator thermal coupling KC"),
    RATING(0x6B, "allocator thermal coupling, room side"),
    RATING(0x6C, "allocator thermal coupling, heater side"),
    RATING(0x6D, "allocator low temperature factor KT"),
    RATING(0x6E, "allocator display factor KD"),
    ROW4 (0x70, TEMPERATURE,            DEG_F,    -3, SIGNED,     "temperature limit, Fahrenheit"),
    ROW4 (0x74, TEMPERATURE,            DEG_C,    -3, SIGNED,     "temperature limit"),
    ROW8 (0x78, POWER,                  W,        -3, SIGNED,     "cumulated maximum power"),
};

static const struct hyp_mbus_vif fd_rows[128] = {
    ROW4 (0x00, CURRENCY,               CURRENCY, -3, SIGNED,     "credit"),
    ROW4 (0x04, CURRENCY,               CURRENCY, -3, SIGNED,     "debit"),
    ROW  (0x08, COUNT,                  NONE,      0, IDENTIFIER, "unique message identification"),
    ROW  (0x09, IDENTIFIER,             NONE,      0, IDENTIFIER, "medium"),
    ROW  (0x0A, IDENTIFIER,             NONE,      0, IDENTIFIER, "manufacturer"),
    ROW  (0x0B, IDENTIFIER,             NONE,      0, IDENTIFIER, "parameter set"),
    ROW  (0x0C, IDENTIFIER,             NONE,      0, IDENTIFIER, "model or version"),
    ROW  (0x0D, IDENTIFIER,             NONE,      0, IDENTIFIER, "hardware version"),
    ROW  (0x0E, IDENTIFIER,             NONE,      0, IDENTIFIER, "firmware version"),
    ROW  (0x0F, IDENTIFIER,             NONE,      0, IDENTIFIER, "software version"),
    ROW  (0x10, IDENTIFIER,             NONE,      0, IDENTIFIER, "customer location"),
    ROW  (0x11, IDENTIFIER,             NONE,      0, IDENTIFIER, "customer"),
    ROW  (0x12, IDENTIFIER,             NONE,      0, IDENTIFIER, "access code of the user"),
    ROW  (0x13, IDENTIFIER,             NONE,      0, IDENTIFIER, "access code of the operator"),
    ROW  (0x14, IDENTIFIER,             NONE,      0, IDENTIFIER, "access code of the system operator"),
    ROW  (0x15, IDENTIFIER,             NONE,      0, IDENTIFIER, "access code of the developer"),
    ROW  (0x16, IDENTIFIER,             NONE,      0, IDENTIFIER, "password"),
    ROW  (0x17, FLAGS,                  NONE,      0, FLAGS,      "error flags"),
    ROW  (0x18, FLAGS,                  NONE,      0, FLAGS,      "error mask"),
    ROW  (0x19, IDENTIFIER,             NONE,      0, IDENTIFIER, "security key"),
    ROW  (0x1A, FLAGS,                  NONE,      0, FLAGS,      "digital output"),
    ROW  (0x1B, FLAGS,                  NONE,      0, FLAGS,      "digital input"),
    ROW  (0x1C, COUNT,                  BAUD,      0, UNSIGNED,   "baud rate"),
    ROW  (0x1D, COUNT,                  NONE,      0, UNSIGNED,   "response delay, bit times"),
    ROW  (0x1E, COUNT,                  NONE,      0, UNSIGNED,   "retries"),
    ROW  (0x1F, FLAGS,                  NONE,      0, FLAGS,      "remote control"),
    ROW  (0x20, COUNT,                  NONE,      0, UNSIGNED,   "first storage number"),
    ROW  (0x21, COUNT,                  NONE,      0, UNSIGNED,   "last storage number"),
    ROW  (0x22, COUNT,                  NONE,      0, UNSIGNED,   "size of storage block"),
    ROW  (0x23, IDENTIFIER,             NONE,      0, IDENTIFIER, "tariff and subunit descriptor"),
    TIMES(0x24,                                       UNSIGNED,   "storage interval"),
    ROW  (0x28, DURATION,               MONTH,     0, UNSIGNED,   "storage interval"),
    ROW  (0x29, DURATION,               Y,         0, UNSIGNED,   "storage interval"),
    ROW  (0x2A, IDENTIFIER,             NONE,      0, IDENTIFIER, "operator specific data"),
    ROW  (0x2B, DURATION,               S,         0, UNSIGNED,   "time point, second"),
    TIMES(0x2C,                                       UNSIGNED,   "duration since last readout"),
    ROW  (0x30, TIME,                   NONE,      0, TIME,       "start of tariff"),
    ROW  (0x31, DURATION,               MIN,       0, UNSIGNED,   "duration of tariff"),
    ROW  (0x32, DURATION,               H,         0, UNSIGNED,   "duration of tariff"),
    ROW  (0x33, DURATION,               D,         0, UNSIGNED,   "duration of tariff"),
    TIMES(0x34,                                       UNSIGNED,   "period of tariff"),
    ROW  (0x38, DURATION,               MONTH,     0, UNSIGNED,   "period of tariff"),
    ROW  (0x39, DURATION,               Y,         0, UNSIGNED,   "period of tariff"),
    ROW  (0x3A, COUNT,                  COUNT,     0, SIGNED,     "dimensionless value"),
    ROW  (0x3B, UNKNOWN,                NONE,      0, BYTES,      "wireless M-Bus container"),
    TIMES(0x3C,                                       UNSIGNED,   "period of nominal transmissions"),
    ROW16(0x40, VOLTAGE,                V,        -9, SIGNED,     "voltage"),
    ROW16(0x50, CURRENT,                A,       -12, SIGNED,     "current"),
    ROW  (0x60, COUNT,                  COUNT,     0, UNSIGNED,   "reset counter"),
    ROW  (0x61, COUNT,                  COUNT,     0, UNSIGNED,   "cumulation counter"),
    ROW  (0x62, STATE,                  NONE,      0, IDENTIFIER, "control signal"),
    ROW  (0x63, COUNT,                  NONE,      0, UNSIGNED,   "day of week"),
    ROW  (0x64, COUNT,                  NONE,      0, UNSIGNED,   "week number"),
    ROW  (0x65, TIME,                   NONE,      0, TIME,       "time point of day change"),
    ROW  (0x66, STATE,                  NONE,      0, IDENTIFIER, "state of parameter activation"),
    ROW  (0x67, IDENTIFIER,             NONE,      0, IDENTIFIER, "special supplier information"),
    SPANS(0x68,                                       UNSIGNED,   "duration since last cumulation"),
    SPANS(0x6C,                                       UNSIGNED,   "operating time of the battery"),
    ROW  (0x70, TIME,                   NONE,      0, TIME,       "time of battery change"),
    ROW  (0x71, LEVEL,                  DBM,       0, SIGNED,     "received signal level"),
    ROW  (0x72, UNKNOWN,                NONE,      0, BYTES,      "daylight saving rule"),
    ROW  (0x73, UNKNOWN,                NONE,      0, BYTES,      "listening window"),
    ROW  (0x74, DURATION,               D,         0, UNSIGNED,   "remaining battery life"),
    ROW  (0x75, COUNT,                  COUNT,     0, UNSIGNED,   "number of stops"),
    ROW  (0x76, UNKNOWN,                NONE,      0, BYTES,      "manufacturer container"),
};

static const struct hyp_mbus_vif fd_second_rows[128] = {
    ROW  (0x00, IDENTIFIER,             NONE,      0, IDENTIFIER, "selected application"),
    ROW  (0x02, DURATION,               MONTH,     0, UNSIGNED,   "remaining battery life"),
    ROW  (0x03, DURATION,               Y,         0, UNSIGNED,   "remaining battery life"),
};
/* clang-format on */

static const struct hyp_mbus_vif ef_row;
static const struct hyp_mbus_vif text_row = {.text = "plain text unit"};
static const struct hyp_mbus_vif manufacturer_row = {.text = "manufacturer specific",
                                                     .coding = HYP_MBUS_CODING_IDENTIFIER};
static const struct hyp_mbus_vif any_row = {.text = "any VIF"};

const struct hyp_mbus_vif_rows hyp_mbus_vif_tables[HYP_VIF_ANY + 1] = {
    [HYP_VIF_PRIMARY] = {hyp_mbus_vif_primary, 0x7F},
    [HYP_VIF_FB] = {fb_rows,              0x7F},
    [HYP_VIF_FD] = {fd_rows,              0x7F},
    [HYP_VIF_FD_SECOND] = {fd_second_rows,       0x7F},
    [HYP_VIF_EF] = {&ef_row,              0   },
    [HYP_VIF_TEXT] = {&text_row,            0   },
    [HYP_VIF_MANUFACTURER] = {&manufacturer_row,    0   },
    [HYP_VIF_ANY] = {&any_row,             0   },
};

const char *hyp_mbus_vif_text(enum hyp_vif_table table, uint8_t code)
{
    const char *text = hyp_mbus_vif_row(table, code)->text;
    return text == NULL ? "reserved" : text;
}

struct hyp_decimal hyp_mbus_factor_value(enum hyp_mbus_factor factor)
{
    static const struct hyp_decimal values[] = {
        [HYP_MBUS_FACTOR_NONE] = {1,           0  },
        [HYP_MBUS_FACTOR_2_POW_MINUS_12] = {244140625,   -12},
        [HYP_MBUS_FACTOR_CUBIC_FEET] = {28316846592, -12},
        [HYP_MBUS_FACTOR_GALLONS] = {3785411784,  -12},
    };
    return values[factor];
}

bool hyp_mbus_vif_text_unit(const char *text, enum hyp_quantity *ret_quantity,
                            enum hyp_unit *ret_unit)
{
    static const struct {
        const char *text;
        enum hyp_quantity quantity;
        enum hyp_unit unit;
    } rows[] = {
        {"%RH",    HYP_QUANTITY_HUMIDITY, HYP_UNIT_PERCENT_RH},
        {"% BATT", HYP_QUANTITY_RATIO,    HYP_UNIT_PERCENT   },
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        if (strcmp(text, rows[i].text) == 0) {
            *ret_quantity = rows[i].quantity;
            *ret_unit = rows[i].unit;
            return true;
        }
    }
    return false;
}
