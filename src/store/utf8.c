/* SPDX-License-Identifier: Apache-2.0 */
#include "store/utf8.h"

#include "base/status.h"

#include <stdint.h>

/* Bytes of the character that `text` begins with; 0 when it is none that a server takes. */
static size_t character_len(const uint8_t *text, size_t len)
{
    static const struct {
        uint8_t mask, lead, least, most; /* of the second byte */
        uint8_t len;
    } rows[] = {
        {0xE0, 0xC0, 0x80, 0xBF, 2},
        {0xFF, 0xE0, 0xA0, 0xBF, 3},
        {0xFF, 0xED, 0x80, 0x9F, 3},
        {0xF0, 0xE0, 0x80, 0xBF, 3},
        {0xFF, 0xF0, 0x90, 0xBF, 4},
        {0xFF, 0xF4, 0x80, 0x8F, 4},
        {0xFC, 0xF0, 0x80, 0xBF, 4},
    };
    uint8_t lead = text[0];
    if (lead < 0x80) {
        return lead == 0 ? 0 : 1;
    }
    for (size_t i = 0; lead >= 0xC2 && i < HYP_ARRAY_LEN(rows); i++) {
        if ((lead & rows[i].mask) != rows[i].lead) {
            continue;
        }
        bool good = rows[i].len <= len && text[1] >= rows[i].least && text[1] <= rows[i].most;
        for (size_t k = 2; good && k < rows[i].len; k++) {
            good = (text[k] & 0xC0) == 0x80;
        }
        return good ? rows[i].len : 0;
    }
    return 0;
}

bool hyp_utf8_is_clean(struct hyp_str text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = character_len((const uint8_t *)text.ptr + at, text.len - at);
        if (len == 0) {
            return false;
        }
        at += len;
    }
    return true;
}

void hyp_utf8_clean(char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t taken = character_len((const uint8_t *)text + at, len - at);
        if (taken == 0) {
            text[at] = '?';
        }
        at += HYP_MAX(taken, (size_t)1);
    }
}
