/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CUL, nanoCUL and COC with culfw, 38400 8N1: text lines that end with CR LF.
 *
 *     b  <hex>   modes S and T, frame format A with its block CRCs
 *     bY <hex>   mode C, frame format B with its block CRCs
 *
 * With X21 four hex digits follow: link quality and RSSI. The block CRCs say where the telegram
 * ends, so they say whether those digits are there. Old firmware cuts long telegrams: such a
 * line, an odd number of digits or a wrong CRC is noise.
 */
#include "protocol/receiver/receiver.h"

#include "base/bytes.h"
#include "base/str.h"
#include "protocol/wmbus/link.h"

#include <string.h>

/* Longer lines are none of a CUL's. */
#define LINE_MAX (2 * HYP_LIMIT_FRAME_BYTES)
#define RSSI_TRAILING 2

static int16_t to_dbm(uint8_t rssi)
{
    return (int16_t)((rssi >= 128 ? rssi - 256 : rssi) / 2 - 74);
}

static void take_line(struct hyp_str line, struct hyp_receiver_find *find)
{
    find->outcome = HYP_RECEIVED_OTHER;
    if (!hyp_str_has_prefix(line, HYP_STR("b"))) {
        return; /* an answer, or a telegram of something that is no meter */
    }
    size_t skip = hyp_str_has_prefix(line, HYP_STR("bY")) ? 2 : 1;
    struct hyp_str hex = {line.ptr + skip, line.len - skip};
    uint8_t stripped[HYP_WMBUS_TELEGRAM_MAX];
    struct hyp_wmbus_link link;
    size_t len = 0;
    find->outcome = HYP_RECEIVED_NOISE;
    if (hyp_hex_decode(hex, find->telegram, sizeof(find->telegram), &len, NULL) != HYP_OK ||
        hyp_wmbus_link_parse(find->telegram, len, stripped, &link, NULL, NULL) != HYP_OK ||
        link.format == HYP_WMBUS_FORMAT_STRIPPED) {
        return;
    }
    find->outcome = HYP_RECEIVED_TELEGRAM;
    find->len = link.used;
    if (link.trailing == RSSI_TRAILING) {
        find->signal_dbm = to_dbm(find->telegram[link.used + 1]);
    }
}

void hyp_receiver_cul(const uint8_t *bytes, size_t len, struct hyp_receiver_find *find)
{
    if (bytes[0] != '\r' && bytes[0] != '\n' && (bytes[0] < 0x20 || bytes[0] > 0x7E)) {
        hyp_receiver_noise(
            find); /* it never says that: the port was set wrong, or plugged in */
        return;
    }
    const uint8_t *end = memchr(bytes, '\n', len < LINE_MAX ? len : LINE_MAX);
    if (end == NULL) {
        if (len >= LINE_MAX) {
            hyp_receiver_noise(find);
        }
        return;
    }
    size_t line_len = (size_t)(end - bytes);
    take_line(hyp_str_trim((struct hyp_str){(const char *)bytes, line_len}), find);
    find->used = line_len + 1;
}
