/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/mbus/level.h"

bool hyp_mbus_level_is_digit(uint8_t level)
{
    return level < HYP_MBUS_LEVEL_MEDIUM || level >= HYP_MBUS_LEVEL_FABRICATION;
}

static uint8_t nibble_at(uint32_t value, unsigned position)
{
    return (uint8_t)(value >> (4 * position) & 0x0F);
}

static uint32_t with_nibble(uint32_t value, unsigned position, uint8_t nibble)
{
    unsigned shift = 4 * position;
    return (value & ~(0x0Fu << shift)) | (uint32_t)nibble << shift;
}

bool hyp_mbus_level_is_open(const struct hyp_mbus_secondary *within, uint8_t level)
{
    switch (level) {
    case HYP_MBUS_LEVEL_MEDIUM: return within->medium == 0xFF;
    case HYP_MBUS_LEVEL_VERSION: return within->version == 0xFF;
    case HYP_MBUS_LEVEL_MANUFACTURER_LOW: return (within->manufacturer & 0xFF) == 0xFF;
    case HYP_MBUS_LEVEL_MANUFACTURER_HIGH: return within->manufacturer >> 8 == 0xFF;
    default: break;
    }
    if (level < HYP_MBUS_LEVEL_MEDIUM) {
        return nibble_at(within->id, level) == 0x0F;
    }
    return !within->has_fabrication ||
           nibble_at(within->fabrication, level - HYP_MBUS_LEVEL_FABRICATION) == 0x0F;
}

void hyp_mbus_level_fix(struct hyp_mbus_secondary *address, uint8_t level, uint8_t value)
{
    if (level < HYP_MBUS_LEVEL_MEDIUM) {
        address->id = with_nibble(address->id, level, value);
    } else if (level == HYP_MBUS_LEVEL_MEDIUM) {
        address->medium = value;
    } else if (level == HYP_MBUS_LEVEL_VERSION) {
        address->version = value;
    } else if (level == HYP_MBUS_LEVEL_MANUFACTURER_LOW) {
        address->manufacturer = (uint16_t)((address->manufacturer & 0xFF00) | value);
    } else if (level == HYP_MBUS_LEVEL_MANUFACTURER_HIGH) {
        address->manufacturer = (uint16_t)((address->manufacturer & 0x00FF) | value << 8);
    } else {
        address->has_fabrication = true;
        address->fabrication =
            with_nibble(address->fabrication, level - HYP_MBUS_LEVEL_FABRICATION, value);
    }
}
