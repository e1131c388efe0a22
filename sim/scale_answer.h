/* SPDX-License-Identifier: Apache-2.0 */
/* What the devices of the scale mode answer; pure functions of device, request and time. */
#ifndef SIM_SCALE_ANSWER_H
#define SIM_SCALE_ANSWER_H

#include <stddef.h>
#include <stdint.h>

/* A request kept while its answer waits: a Modbus TCP read is 12 bytes, an M-Bus frame fewer
 * that matter. */
#define SIM_SCALE_REQUEST 12
#define SIM_SCALE_ANSWER 264

/*
 * Takes the first request off a stream.
 * @ret_request  its first SIM_SCALE_REQUEST bytes
 * Returns       bytes used; 0 = incomplete; -1 = garbage, end the connection
 */
int sim_scale_modbus_request(const uint8_t *bytes, size_t len,
                             uint8_t ret_request[static SIM_SCALE_REQUEST]);
int sim_scale_mbus_request(const uint8_t *bytes, size_t len,
                           uint8_t ret_request[static SIM_SCALE_REQUEST]);

/*
 * Answers a request.
 * @device    number of the connection
 * @registers 0 .. registers-1 exist (wire addresses)
 * @second    makes values move
 * Returns    length of the answer; 0 = silence
 */
size_t sim_scale_modbus_answer(uint32_t device, unsigned registers, uint32_t second,
                               const uint8_t request[static SIM_SCALE_REQUEST],
                               uint8_t ret_bytes[static SIM_SCALE_ANSWER]);
/* @before  meters on the buses before this one */
size_t sim_scale_mbus_answer(uint32_t before, unsigned meters, uint32_t second,
                             const uint8_t request[static SIM_SCALE_REQUEST],
                             uint8_t ret_bytes[static SIM_SCALE_ANSWER]);

#endif
