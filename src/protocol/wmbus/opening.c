/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/wmbus/layers.h"

#include "base/buf.h"

enum hyp_status hyp_opening_refuse(struct hyp_opening *opening, enum hyp_status status,
                                   size_t offset, const char *format, ...)
{
    struct hyp_error *err = opening->err;
    struct hyp_buf text;
    *err = (struct hyp_error){
        .status = status,
        .offset = (int64_t)hyp_telegram_input_offset(opening->telegram, offset),
    };
    hyp_buf_init_fixed(&text, err->text, sizeof(err->text));
    va_list args;
    va_start(args, format);
    hyp_buf_append_vfmt(&text, format, args);
    va_end(args);
    (void)hyp_buf_terminate(&text);
    if (opening->explain != NULL && offset < opening->end) {
        hyp_explain_add(opening->explain, HYP_NOTE_ERROR, offset, opening->end - offset,
                        hyp_status_name(status), "", "%s", err->text);
    }
    return status;
}

void hyp_opening_enter_plain(struct hyp_opening *opening, size_t len, const char *meaning)
{
    struct hyp_explain *explain = opening->explain;
    if (explain == NULL) {
        return;
    }
    if (explain->stage == 0) {
        hyp_explain_add(explain, HYP_NOTE_SECURITY, opening->pos, len, "encrypted",
                        "EN 13757-7", "%s", meaning);
        size_t tail = hyp_opening_left(opening) - len;
        if (tail > 0) {
            hyp_explain_add(explain, HYP_NOTE_OTHER, opening->pos + len, tail, "plain part",
                            "EN 13757-7", "not encrypted; explained with the decrypted bytes");
        }
        explain->stage = 1;
    }
}

void hyp_identity_from_address(struct hyp_meter_identity *identity,
                               const uint8_t address[static HYP_WMBUS_ADDRESS])
{
    static const char digits[] = "0123456789ABCDEF";
    uint32_t id = (uint32_t)address[2] | (uint32_t)address[3] << 8 |
                  (uint32_t)address[4] << 16 | (uint32_t)address[5] << 24;
    identity->manufacturer_code = (uint16_t)(address[0] | address[1] << 8);
    hyp_manufacturer_to_text(identity->manufacturer_code, identity->manufacturer);
    identity->id_raw = id;
    for (size_t i = 0; i < 8; i++) {
        identity->id[i] = digits[id >> (28 - 4 * i) & 0xF];
    }
    identity->id[8] = '\0';
    identity->version = address[6];
    identity->medium = address[7];
}

bool hyp_opening_key(const struct hyp_opening *opening, const struct hyp_meter_identity *meter,
                     struct hyp_aes_key *ret_key)
{
    const struct hyp_telegram_context *context = opening->context;
    return context != NULL && context->find_key != NULL &&
           context->find_key(context->user, meter, ret_key);
}
