/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Application errors: how a meter answers a request it cannot serve (CI 70, 6E, 6F;
 * EN 13757-3 clause 10).
 */
#ifndef HYP_PROTOCOL_MBUS_APL_ERROR_H
#define HYP_PROTOCOL_MBUS_APL_ERROR_H

#include <stdint.h>

/* The reason in English: "too many records requested". Never NULL. A reply without a code byte
 * means code 0. */
const char *hyp_mbus_apl_error_text(uint8_t code);

#endif
