/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/mbus/latin1.h"

void hyp_mbus_latin1_reversed(const uint8_t *text, size_t len,
                              char ret_utf8[static HYP_LIMIT_RECORD_TEXT])
{
    size_t out = 0;
    size_t first = 0;
    while (len > first && text[len - 1] == 0) {
        len--;
    }
    while (first < len && text[first] == 0) {
        first++;
    }
    for (size_t i = len; i > first && out + 2 < HYP_LIMIT_RECORD_TEXT; i--) {
        uint8_t c = text[i - 1];
        if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
            ret_utf8[out++] = '?';
        } else if (c < 0x80) {
            ret_utf8[out++] = (char)c;
        } else {
            ret_utf8[out++] = (char)(0xC0 | c >> 6);
            ret_utf8[out++] = (char)(0x80 | (c & 0x3F));
        }
    }
    ret_utf8[out] = '\0';
}
