/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/wmbus/walk.h"

#define EXTENSION 0x80
#define CHAIN_MAX 10
#define VIF_TEXT 0x7C
#define DIF_FILLER 0x2F
#define DIF_REST 0x0F
#define DIF_REST_MORE 0x1F

/* Bytes of the chain that starts at `at` and goes on while bit 7 is set; 0 when cut or too
 * long.
 */
static size_t chain(const uint8_t *bytes, size_t len, size_t at)
{
    size_t count = 0;
    while (at + count < len && count <= CHAIN_MAX) {
        if ((bytes[at + count++] & EXTENSION) == 0) {
            return count;
        }
    }
    return 0;
}

size_t hyp_walk_header(const uint8_t *bytes, size_t len)
{
    if (len == 0 || (bytes[0] & 0xF) == 0xF) {
        return 0;
    }
    size_t at = chain(bytes, len, 0);
    if (at == 0 || at >= len) {
        return 0;
    }
    if ((bytes[at] & 0x7F) != VIF_TEXT) {
        size_t vib = chain(bytes, len, at);
        return vib == 0 ? 0 : at + vib;
    }
    /* Plain text unit: VIF, length, text, and only then the extensions. */
    const bool extended = (bytes[at] & EXTENSION) != 0;
    if (at + 1 >= len) {
        return 0;
    }
    at += 2 + (size_t)bytes[at + 1];
    if (at > len) {
        return 0;
    }
    if (!extended) {
        return at;
    }
    size_t extensions = chain(bytes, len, at);
    return extensions == 0 ? 0 : at + extensions;
}

/* Bytes behind the length byte; -1 when it is reserved. */
static int variable_len(uint8_t lvar)
{
    if (lvar <= 0xBF) {
        return lvar;
    }
    if (lvar <= 0xC9) {
        return lvar - 0xC0;
    }
    if (lvar >= 0xD0 && lvar <= 0xD9) {
        return lvar - 0xD0;
    }
    if (lvar >= 0xE0 && lvar <= 0xEF) {
        return lvar - 0xE0;
    }
    if (lvar >= 0xF0 && lvar <= 0xF4) {
        return 4 * (lvar - 0xEC);
    }
    return lvar == 0xF5 ? 48 : lvar == 0xF6 ? 64 : -1;
}

bool hyp_walk_data(uint8_t dif, const uint8_t *data, size_t len, size_t *ret_len)
{
    /* D is variable, F no record. */
    static const uint8_t lens[16] = {0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, 0, 6, 0};
    const uint8_t coding = dif & 0xF;
    size_t need = lens[coding];
    if (coding == 0xD) {
        const int variable = len > 0 ? variable_len(data[0]) : -1;
        if (variable < 0) {
            return false;
        }
        need = 1 + (size_t)variable;
    }
    if (need > len) {
        return false;
    }
    *ret_len = need;
    return true;
}

bool hyp_walk_all(const uint8_t *bytes, size_t len, size_t *ret_records)
{
    size_t at = 0;
    size_t records = 0;
    bool whole = true;
    while (at < len && whole) {
        if (bytes[at] == DIF_FILLER) {
            at++;
            continue;
        }
        if (bytes[at] == DIF_REST || bytes[at] == DIF_REST_MORE) {
            break;
        }
        size_t data = 0;
        const size_t header = hyp_walk_header(bytes + at, len - at);
        whole = header > 0 &&
                hyp_walk_data(bytes[at], bytes + at + header, len - at - header, &data);
        at += header + data;
        records++;
    }
    if (ret_records != NULL) {
        *ret_records = records;
    }
    return whole;
}
