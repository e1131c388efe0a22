/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/mbus/apl_error.h"

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

static const char *const texts[] = {
    [0x00] = "unspecified error",
    [0x01] = "unimplemented CI field",
    [0x02] = "request too long for its buffer",
    [0x03] = "too many records",
    [0x04] = "premature end of a record",
    [0x05] = "more than 10 DIFE bytes",
    [0x06] = "more than 10 VIFE bytes",
    [0x08] = "application busy",
    [0x09] = "too many readouts",
    [0x10] = "access denied",
    [0x11] = "unknown application or command",
    [0x12] = "parameter missing or wrong",
    [0x13] = "unknown receiver address",
    [0x14] = "decryption failed",
    [0x15] = "encryption method not supported",
    [0x16] = "signature method not supported",
    [0xF0] = "dynamic application error",
};

const char *hyp_mbus_apl_error_text(uint8_t code)
{
    bool named = code < HYP_ARRAY_LEN(texts) && texts[code] != NULL;
    return named ? texts[code] : "reserved error code";
}
