/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AMBER (Wuerth) AMB8465, AMB8665 and Metis in command mode, 9600 8N1:
 *
 *     FF | command | length | payload | XOR of everything before
 *
 * Command 03 is a telegram without its L field and without block CRCs. A module set to tell
 * the signal strength puts one byte of it behind the telegram and counts it in the length;
 * nothing in the message says so, the line has to. Answers carry the command with bit 80.
 */
#include "protocol/receiver/receiver.h"

#include "protocol/wmbus/link.h"

#include <string.h>

#define START 0xFF
#define HEAD_LEN 3
#define COMMAND_TELEGRAM 0x03
#define LEAST_TELEGRAM 10

static int16_t to_dbm(uint8_t rssi)
{
    return (int16_t)((rssi >= 128 ? rssi - 256 : rssi) / 2 - 74);
}

void hyp_receiver_amb8465(const uint8_t *bytes, size_t len, bool with_rssi,
                          struct hyp_receiver_find *find)
{
    if (bytes[0] != START) {
        hyp_receiver_noise(find);
        return;
    }
    if (len < HEAD_LEN) {
        return;
    }
    size_t payload = bytes[2];
    size_t telegram = payload - (with_rssi && payload > 0 ? 1 : 0);
    bool is_telegram = bytes[1] == COMMAND_TELEGRAM;
    bool known = is_telegram || (bytes[1] & 0x80) != 0;
    if (!known || (is_telegram && telegram < LEAST_TELEGRAM) ||
        (is_telegram && len > HEAD_LEN && hyp_wmbus_function_find(bytes[HEAD_LEN]) == NULL)) {
        hyp_receiver_noise(find);
        return;
    }
    size_t total = HEAD_LEN + payload + 1;
    if (len < total) {
        return;
    }
    uint8_t sum = 0;
    for (size_t i = 0; i < total; i++) {
        sum = (uint8_t)(sum ^ bytes[i]);
    }
    if (sum != 0) {
        hyp_receiver_noise(find);
        return;
    }
    find->used = total;
    find->outcome = HYP_RECEIVED_OTHER;
    if (is_telegram) {
        find->outcome = HYP_RECEIVED_TELEGRAM;
        find->telegram[0] = (uint8_t)telegram;
        memcpy(find->telegram + 1, bytes + HEAD_LEN, telegram);
        find->len = telegram + 1;
        find->signal_dbm = with_rssi ? to_dbm(bytes[HEAD_LEN + telegram]) : 0;
    }
}
