/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embit EMB-WMB modules, the EBI binary interface at 9600 8N1:
 *
 *     length 2 (whole message, high byte first) | message | payload | sum of all before
 *
 * Message E0 is a telegram: options 2 (high byte first), RSSI 1 (dBm, signed; option 8000),
 * time 4 (option 0008), and the telegram, L field first. Answers and notifications have bit 80.
 */
#include "protocol/receiver/receiver.h"

#include "protocol/wmbus/link.h"

#include <string.h>

#define HEAD_LEN 3
#define LEAST_MESSAGE (HEAD_LEN + 1)
#define OPTIONS_LEN 2
#define MESSAGE_TELEGRAM 0xE0
#define FROM_MODULE 0x80
#define WITH_RSSI 0x8000
#define WITH_TIME 0x0008
#define MESSAGE_MAX (HEAD_LEN + OPTIONS_LEN + 5 + HYP_RECEIVER_TELEGRAM_MAX + 1)
#define LONGEST_ANSWER 64 /* longer ones are garbage that looks like a start */

/* @payload  of a telegram message, its sum checked */
static void take_telegram(const uint8_t *payload, size_t len, struct hyp_receiver_find *find)
{
    find->outcome = HYP_RECEIVED_NOISE;
    if (len < OPTIONS_LEN) {
        return;
    }
    unsigned options = (unsigned)payload[0] << 8 | payload[1];
    size_t rssi = (options & WITH_RSSI) != 0 ? 1 : 0;
    size_t at = OPTIONS_LEN + rssi + ((options & WITH_TIME) != 0 ? 4 : 0);
    uint8_t stripped[HYP_WMBUS_TELEGRAM_MAX];
    struct hyp_wmbus_link link;
    if (len <= at ||
        hyp_wmbus_link_parse(payload + at, len - at, stripped, &link, NULL, NULL) != HYP_OK) {
        return;
    }
    find->outcome = HYP_RECEIVED_TELEGRAM;
    find->len = len - at;
    memcpy(find->telegram, payload + at, find->len);
    if (rssi != 0 && payload[OPTIONS_LEN] >= 128) {
        find->signal_dbm = (int16_t)(payload[OPTIONS_LEN] - 256);
    }
}

void hyp_receiver_embit(const uint8_t *bytes, size_t len, struct hyp_receiver_find *find)
{
    if (bytes[0] > MESSAGE_MAX >> 8) {
        hyp_receiver_noise(find);
        return;
    }
    if (len < HEAD_LEN) {
        return;
    }
    size_t total = (size_t)bytes[0] << 8 | bytes[1];
    bool telegram = bytes[2] == MESSAGE_TELEGRAM;
    if (total < LEAST_MESSAGE || total > (telegram ? MESSAGE_MAX : LONGEST_ANSWER) ||
        (bytes[2] & FROM_MODULE) == 0) {
        hyp_receiver_noise(find);
        return;
    }
    if (len < total) {
        return;
    }
    uint8_t sum = 0;
    for (size_t i = 0; i < total - 1; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    if (sum != bytes[total - 1]) {
        hyp_receiver_noise(find);
        return;
    }
    find->used = total;
    find->outcome = HYP_RECEIVED_OTHER;
    if (telegram) {
        take_telegram(bytes + HEAD_LEN, total - LEAST_MESSAGE, find);
    }
}
