/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of the address fields and the status byte (EN 13757-7).
 */
#include "protocol/telegram.h"

#include "base/attr.h"

/* Techem sends device types of its own (43 62 72 80 C3 F0) that no standard assigns. */
static const char *const media[256] = {
    [0x00] = "other",
    [0x01] = "oil",
    [0x02] = "electricity",
    [0x03] = "gas",
    [0x04] = "heat",
    [0x05] = "steam",
    [0x06] = "warm_water",
    [0x07] = "water",
    [0x08] = "heat_cost_allocator",
    [0x09] = "compressed_air",
    [0x0A] = "cooling",
    [0x0B] = "cooling_inlet",
    [0x0C] = "heat_inlet",
    [0x0D] = "heat_cooling",
    [0x0E] = "bus_system",
    [0x0F] = "unknown",
    [0x10] = "irrigation",
    [0x11] = "data_logger",
    [0x12] = "gas_mixer",
    [0x14] = "calorific_value",
    [0x15] = "hot_water",
    [0x16] = "cold_water",
    [0x17] = "dual_water",
    [0x18] = "pressure",
    [0x19] = "analog_converter",
    [0x1A] = "smoke_detector",
    [0x1B] = "room_sensor",
    [0x1C] = "gas_detector",
    [0x1D] = "alarm_sensor",
    [0x1E] = "sensor",
    [0x1F] = "sensor",
    [0x20] = "breaker",
    [0x21] = "valve",
    [0x25] = "customer_unit",
    [0x28] = "waste_water",
    [0x29] = "garbage",
    [0x2A] = "carbon_dioxide",
    [0x31] = "gateway",
    [0x32] = "repeater",
    [0x33] = "repeater",
    [0x36] = "radio_converter_system",
    [0x37] = "radio_converter_meter",
    [0x38] = "wired_adapter",
    [0x43] = "heat",
    [0x62] = "warm_water",
    [0x72] = "cold_water",
    [0x80] = "heat_cost_allocator",
    [0xC3] = "heat",
    [0xF0] = "smoke_detector",
};

const char *hyp_medium_text(uint8_t medium)
{
    return media[medium] != NULL ? media[medium] : "reserved";
}

void hyp_manufacturer_to_text(uint16_t code, char ret_text[static 4])
{
    for (unsigned i = 0; i < 3; i++) {
        unsigned letter = code >> (10 - 5 * i) & 0x1F;
        ret_text[i] = letter >= 1 && letter <= 26 ? (char)('A' + letter - 1) : '?';
    }
    ret_text[3] = '\0';
}

uint16_t hyp_manufacturer_from_text(const char text[static 3])
{
    unsigned code = 0;
    for (unsigned i = 0; i < 3; i++) {
        code = code << 5 | ((unsigned)text[i] & 0x1F);
    }
    return (uint16_t)code;
}

const char *hyp_encryption_state_text(enum hyp_encryption_state state)
{
    static const char *const texts[] = {
        [HYP_ENCRYPTION_NONE] = "none",
        [HYP_ENCRYPTION_DECRYPTED] = "decrypted",
        [HYP_ENCRYPTION_NO_KEY] = "no_key",
        [HYP_ENCRYPTION_WRONG_KEY] = "wrong_key",
        [HYP_ENCRYPTION_ALREADY_PLAIN] = "already_plain",
        [HYP_ENCRYPTION_UNSUPPORTED] = "unsupported",
    };
    return texts[state];
}

size_t hyp_status_byte_names(uint8_t status, const char *ret_names[static 8])
{
    /* Bits 1 and 0 are one number; bits 7..5 belong to the manufacturer. */
    static const char *const application[] = {NULL, "busy", "application_error", "alarm"};
    static const char *const bits[] = {
        [2] = "power_low",      [3] = "permanent_error", [4] = "temporary_error",
        [5] = "manufacturer_5", [6] = "manufacturer_6",  [7] = "manufacturer_7",
    };
    size_t count = 0;
    if ((status & 3) != 0) {
        ret_names[count++] = application[status & 3];
    }
    for (unsigned bit = 2; bit < 8; bit++) {
        if ((status >> bit & 1) != 0) {
            ret_names[count++] = bits[bit];
        }
    }
    return count;
}
