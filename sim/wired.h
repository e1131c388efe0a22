/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wired M-Bus frames as a meter makes and reads them (EN 13757-2).
 *
 *     ack       E5
 *     short     10 C A CS 16
 *     long      68 L L 68 C A CI data.. CS 16          L counts C, A, CI and data
 */
#ifndef SIM_WIRED_H
#define SIM_WIRED_H

#include "sim/apdu.h"
#include "sim/meter.h"

#define SIM_WIRED_MAX 261
#define SIM_WIRED_ACK 0xE5

struct sim_wired {
    uint8_t bytes[SIM_WIRED_MAX];
    size_t len;
};

/* A request as understood by the slaves. */
struct sim_request {
    uint8_t control;
    uint8_t address;
    bool is_long;
    uint8_t ci;
    uint8_t data[252];
    size_t len;
};

enum sim_request_result {
    SIM_REQUEST_MORE = 0, /* incomplete: keep the bytes */
    SIM_REQUEST_READY,
    SIM_REQUEST_NOISE, /* not the beginning of a frame: drop *ret_used bytes */
};

/* Takes the first frame off a stream. @ret_used bytes consumed; 0 with MORE */
enum sim_request_result sim_request_parse(const uint8_t *bytes, size_t len,
                                          struct sim_request *ret_request, size_t *ret_used);

/* Two bytes of the manufacturer's three letters, as on the wire when sent low byte first. */
uint16_t sim_manufacturer_code(const char letters[static 3]);

/* Eight bytes as in a long header: id, manufacturer, version, medium. */
void sim_identity_bytes(const struct sim_identity *identity, uint8_t ret_bytes[static 8]);

/* RSP_UD with CI 72 around the records. @status status byte of the header */
void sim_wired_response(struct sim_wired *frame, uint8_t address,
                        const struct sim_identity *identity, uint8_t access, uint8_t status,
                        const struct sim_apdu *apdu);
/* 10 C A CS 16 */
void sim_wired_short(struct sim_wired *frame, uint8_t control, uint8_t address);
/* Any long frame; @len at most 252. */
void sim_wired_long(struct sim_wired *frame, uint8_t control, uint8_t address, uint8_t ci,
                    const uint8_t *data, size_t len);

#endif
