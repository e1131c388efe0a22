/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/apdu.h"

#include "sim/civil.h"

#include <string.h>

/* Bytes of data by DIF data field; 0 = not a number this writer makes. */
static const uint8_t field_width[16] = {
    [0x1] = 1, [0x2] = 2, [0x3] = 3, [0x4] = 4, [0x6] = 6, [0x7] = 8,
    [0x9] = 1, [0xA] = 2, [0xB] = 3, [0xC] = 4, [0xE] = 6,
};

void sim_apdu_init(struct sim_apdu *apdu)
{
    apdu->len = 0;
    apdu->count = 0;
    apdu->overflow = false;
}

uint64_t sim_bcd(uint64_t value)
{
    uint64_t nibbles = 0;
    for (unsigned shift = 0; shift < 64; shift += 4) {
        nibbles |= (value % 10) << shift;
        value /= 10;
    }
    return nibbles;
}

static uint64_t coded(uint8_t field, unsigned width, int64_t value)
{
    if (field < 0x9) {
        return (uint64_t)value;
    }
    uint64_t nibbles = sim_bcd((uint64_t)(value < 0 ? -value : value));
    if (value < 0) {
        unsigned top = width * 8 - 4;
        nibbles = (nibbles & ~((uint64_t)0xF << top)) | (uint64_t)0xF << top;
    }
    return nibbles;
}

void sim_apdu_put_bytes(struct sim_apdu *apdu, const uint8_t *header, size_t header_len,
                        const uint8_t *data, size_t data_len)
{
    if (apdu->len + header_len + data_len > sizeof(apdu->bytes) ||
        apdu->count == SIM_APDU_RECORDS) {
        apdu->overflow = true;
        return;
    }
    apdu->records[apdu->count++] = (struct sim_record){.at = (uint16_t)apdu->len,
                                                       .header_len = (uint8_t)header_len,
                                                       .data_len = (uint8_t)data_len};
    memcpy(apdu->bytes + apdu->len, header, header_len);
    memcpy(apdu->bytes + apdu->len + header_len, data, data_len);
    apdu->len += header_len + data_len;
}

void sim_apdu_put(struct sim_apdu *apdu, const uint8_t *header, size_t header_len,
                  int64_t value)
{
    uint8_t field = header[0] & 0x0F;
    unsigned width = field_width[field];
    uint64_t bits = coded(field, width, value);
    uint8_t data[8];
    for (unsigned i = 0; i < width; i++) {
        data[i] = (uint8_t)(bits >> 8 * i);
    }
    sim_apdu_put_bytes(apdu, header, header_len, data, width);
}

void sim_apdu_put_text(struct sim_apdu *apdu, const uint8_t *header, size_t header_len,
                       const char *text)
{
    uint8_t data[33];
    size_t len = strlen(text);
    if (len > 32) {
        apdu->overflow = true;
        return;
    }
    data[0] = (uint8_t)len;
    for (size_t i = 0; i < len; i++) {
        data[1 + i] = (uint8_t)text[len - 1 - i];
    }
    sim_apdu_put_bytes(apdu, header, header_len, data, len + 1);
}

void sim_apdu_put_tail(struct sim_apdu *apdu, const uint8_t *bytes, size_t len)
{
    if (apdu->len + len > sizeof(apdu->bytes)) {
        apdu->overflow = true;
        return;
    }
    memcpy(apdu->bytes + apdu->len, bytes, len);
    apdu->len += len;
}

int64_t sim_type_g(int64_t utc_ms)
{
    struct sim_civil c = sim_civil_from_utc(utc_ms, SIM_ZONE_METER);
    int year = c.year - 2000;
    return (year & 7) << 5 | c.day | (year >> 3) << 12 | c.month << 8;
}

int64_t sim_type_f(int64_t utc_ms)
{
    struct sim_civil c = sim_civil_from_utc(utc_ms, SIM_ZONE_METER);
    return sim_type_g(utc_ms) << 16 | (int64_t)c.hour << 8 | c.minute;
}
