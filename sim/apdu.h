/* SPDX-License-Identifier: Apache-2.0 */
/*
 * M-Bus application data being written by a meter: a row of records `DIF VIF.. data`.
 *
 * The caller writes the DIF/VIF bytes as literals; the data width and coding follow from the
 * DIF. Where each record's header ends is remembered, because compact frames send the data
 * alone. An append that does not fit sets a sticky overflow.
 *
 *     SIM_PUT(&apdu, 1234, 0x0C, 0x06);       12 34 kWh as eight BCD digits
 */
#ifndef SIM_APDU_H
#define SIM_APDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_APDU_BYTES 240 /* what fits behind a long header in a wired frame */
#define SIM_APDU_RECORDS 64

struct sim_record {
    uint16_t at;
    uint8_t header_len;
    uint8_t data_len;
};

struct sim_apdu {
    uint8_t bytes[SIM_APDU_BYTES];
    size_t len;
    struct sim_record records[SIM_APDU_RECORDS];
    size_t count;
    bool overflow;
};

void sim_apdu_init(struct sim_apdu *apdu);

/*
 * One number. DIF data field 1,2,3,4,6,7 = integer, 9..C,E = BCD (a negative one gets the F
 * nibble, one too long loses its high digits as a counter wheel does).
 */
void sim_apdu_put(struct sim_apdu *apdu, const uint8_t *header, size_t header_len,
                  int64_t value);
#define SIM_PUT(apdu, value, ...)                                                              \
    sim_apdu_put((apdu), (const uint8_t[]){__VA_ARGS__},                                       \
                 sizeof((const uint8_t[]){__VA_ARGS__}), (value))

/* One record with data given as bytes (error patterns, texts). */
void sim_apdu_put_bytes(struct sim_apdu *apdu, const uint8_t *header, size_t header_len,
                        const uint8_t *data, size_t data_len);

/* A text of at most 32 characters as LVAR, last character first. @header ends with the VIF */
void sim_apdu_put_text(struct sim_apdu *apdu, const uint8_t *header, size_t header_len,
                       const char *text);

/* Bytes that are no record: fillers, 0F/1F and the maker's own data. */
void sim_apdu_put_tail(struct sim_apdu *apdu, const uint8_t *bytes, size_t len);

/* Type F (date and time, minutes) and type G (date) of an instant on the meter's clock. */
int64_t sim_type_f(int64_t utc_ms);
int64_t sim_type_g(int64_t utc_ms);

/* Encodes decimal digits as nibbles: 1234 -> 0x1234. */
uint64_t sim_bcd(uint64_t value);

#endif
