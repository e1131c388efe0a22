/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/crc.h"

uint16_t sim_crc_en13757_part(uint16_t crc, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        crc = (uint16_t)(crc ^ (uint16_t)(data[i] << 8));
        for (int bit = 0; bit < 8; bit++) {
            uint16_t shifted = (uint16_t)(crc << 1);
            crc = (crc & 0x8000) != 0 ? (uint16_t)(shifted ^ 0x3D65) : shifted;
        }
    }
    return crc;
}

uint16_t sim_crc_en13757(const uint8_t *data, size_t len)
{
    return (uint16_t)~sim_crc_en13757_part(0, data, len);
}

uint16_t sim_crc_modbus(const uint8_t *data, size_t len)
{
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < len; i++) {
        crc = (uint16_t)(crc ^ data[i]);
        for (int bit = 0; bit < 8; bit++) {
            uint16_t shifted = (uint16_t)(crc >> 1);
            crc = (crc & 1) != 0 ? (uint16_t)(shifted ^ 0xA001) : shifted;
        }
    }
    return crc;
}
