/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-16 of EN 13757: polynomial 3D65, start 0, not reflected, complemented at the end.
 *
 * Guards the blocks of wireless frames (sent high byte first), the payload of the extended link
 * layer and the signature and content of compact frames (both sent low byte first).
 */
#ifndef HYP_PROTOCOL_WMBUS_CRC_H
#define HYP_PROTOCOL_WMBUS_CRC_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `len` bytes. */
uint16_t hyp_wmbus_crc(const uint8_t *data, size_t len);

/*
 * The same over bytes that come in pieces: start with 0, feed every piece, complement the last
 * result (~).
 */
uint16_t hyp_wmbus_crc_feed(uint16_t crc, const uint8_t *data, size_t len);

#endif
