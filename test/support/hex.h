/* SPDX-License-Identifier: Apache-2.0 */
/* Hex texts in test rows: blanks allowed, a bad digit fails the test. Includes support/rows.h.
 */
#ifndef HYP_TEST_SUPPORT_HEX_H
#define HYP_TEST_SUPPORT_HEX_H

#include "support/rows.h"

#include "base/str.h"

static inline size_t test_hex(const char *hex, uint8_t *out, size_t capacity)
{
    size_t len = 0;
    struct hyp_error err;
    if (hyp_hex_decode(hyp_str_from(hex), out, capacity, &len, &err) != HYP_OK) {
        fail_msg("bad hex in a row: %s (%s)", hex, err.text);
    }
    return len;
}

#endif
