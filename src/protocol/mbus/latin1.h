/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text on M-Bus: ISO 8859-1, last character first (EN 13757-3 6.3.3). Private to the record
 * decoder.
 */
#ifndef HYP_PROTOCOL_MBUS_LATIN1_H
#define HYP_PROTOCOL_MBUS_LATIN1_H

#include "base/limits.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the text in reading order as terminated UTF-8, cut at a character when it is longer.
 * Control characters become '?', padding with NUL at either end is dropped.
 */
void hyp_mbus_latin1_reversed(const uint8_t *text, size_t len,
                              char ret_utf8[static HYP_LIMIT_RECORD_TEXT]);

#endif
