/* SPDX-License-Identifier: Apache-2.0 */
/* Check sums of the simulator's protocols, bit by bit from the definitions. */
#ifndef SIM_CRC_H
#define SIM_CRC_H

#include <stddef.h>
#include <stdint.h>

/* CRC-16/EN-13757: polynomial 3D65, initial 0, complemented. */
uint16_t sim_crc_en13757(const uint8_t *data, size_t len);
/* The same, continued over several pieces: start with 0, complement at the end yourself. */
uint16_t sim_crc_en13757_part(uint16_t crc, const uint8_t *data, size_t len);
/* Modbus RTU: polynomial A001 reflected, initial FFFF; sent low byte first. */
uint16_t sim_crc_modbus(const uint8_t *data, size_t len);

#endif
