/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Level: one part of a secondary address that a search fixes at a time. Private to the search.
 *
 * 0..7 are the digits of the id from the last to the first, 8 medium, 9 version, 10 and 11 the
 * manufacturer, 12..19 the digits of the fabrication number (enhanced selection).
 */
#ifndef HYP_PROTOCOL_MBUS_LEVEL_H
#define HYP_PROTOCOL_MBUS_LEVEL_H

#include "protocol/mbus/address.h"

#define HYP_MBUS_LEVEL_MEDIUM 8
#define HYP_MBUS_LEVEL_VERSION 9
#define HYP_MBUS_LEVEL_MANUFACTURER_LOW 10
#define HYP_MBUS_LEVEL_MANUFACTURER_HIGH 11
#define HYP_MBUS_LEVEL_FABRICATION 12

/* A digit, with F as the wildcard; else a byte, with FF. */
bool hyp_mbus_level_is_digit(uint8_t level);
/* Does the pattern leave this level open? */
bool hyp_mbus_level_is_open(const struct hyp_mbus_secondary *within, uint8_t level);
/* Sets that part of the address. @value 0..F for a digit, else a byte */
void hyp_mbus_level_fix(struct hyp_mbus_secondary *address, uint8_t level, uint8_t value);

#endif
