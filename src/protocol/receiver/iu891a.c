/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IMST iU891A and iM881A-XL, the newer WiMOD interface at 115200 8N1, in SLIP:
 *
 *     C0 | service | message | payload | CRC 2 | C0        DB DC = C0, DB DD = DB
 *
 * Service 09, message 20 is a telegram:
 *
 *     time 4 | flags 3 | RSSI 1 (dBm, signed) | telegram, L field first
 *
 * The CRC is that of the iM871A, low byte first, over everything before it without the escapes.
 * A C0 with nothing before the next one is only the end of a message whose start was missed.
 */
#include "protocol/receiver/receiver.h"

#include "protocol/wmbus/link.h"

#include <string.h>

#define END 0xC0
#define ESCAPE 0xDB
#define ESCAPED_END 0xDC
#define ESCAPED_ESCAPE 0xDD
#define SERVICE_GATEWAY 0x09
#define MESSAGE_TELEGRAM 0x20
#define RSSI_AT 9
#define TELEGRAM_AT 10
#define CRC_LEN 2
#define LEAST_MESSAGE (2 + CRC_LEN)
#define MESSAGE_MAX (TELEGRAM_AT + HYP_RECEIVER_TELEGRAM_MAX + CRC_LEN)

/* What is between two C0, without escapes; 0 when an escape is wrong or it is too long. */
static size_t unescape(const uint8_t *bytes, size_t len, uint8_t out[static MESSAGE_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = bytes[i];
        if (byte == ESCAPE) {
            i++;
            if (i == len || (bytes[i] != ESCAPED_END && bytes[i] != ESCAPED_ESCAPE)) {
                return 0;
            }
            byte = bytes[i] == ESCAPED_END ? END : ESCAPE;
        }
        if (count == MESSAGE_MAX) {
            return 0;
        }
        out[count++] = byte;
    }
    return count;
}

static void take_message(const uint8_t *message, size_t len, struct hyp_receiver_find *find)
{
    find->outcome = HYP_RECEIVED_OTHER;
    if (message[0] != SERVICE_GATEWAY || message[1] != MESSAGE_TELEGRAM) {
        return;
    }
    uint8_t stripped[HYP_WMBUS_TELEGRAM_MAX];
    struct hyp_wmbus_link link;
    size_t telegram = len > TELEGRAM_AT ? len - TELEGRAM_AT : 0;
    if (telegram == 0 || hyp_wmbus_link_parse(message + TELEGRAM_AT, telegram, stripped, &link,
                                              NULL, NULL) != HYP_OK) {
        find->outcome = HYP_RECEIVED_NOISE;
        return;
    }
    find->outcome = HYP_RECEIVED_TELEGRAM;
    find->len = telegram;
    memcpy(find->telegram, message + TELEGRAM_AT, telegram);
    find->signal_dbm = (int16_t)(message[RSSI_AT] >= 128 ? message[RSSI_AT] - 256 : 0);
}

void hyp_receiver_iu891a(const uint8_t *bytes, size_t len, struct hyp_receiver_find *find)
{
    if (bytes[0] != END) {
        hyp_receiver_noise(find);
        return;
    }
    size_t look = HYP_MIN(len - 1, (size_t)2 * MESSAGE_MAX);
    const uint8_t *end = memchr(bytes + 1, END, look);
    if (end == NULL) {
        if (look == (size_t)2 * MESSAGE_MAX) {
            hyp_receiver_noise(find);
        }
        return;
    }
    size_t escaped = (size_t)(end - bytes) - 1;
    if (escaped == 0) {
        find->outcome = HYP_RECEIVED_OTHER;
        find->used = 1;
        return;
    }
    uint8_t message[MESSAGE_MAX];
    size_t message_len = unescape(bytes + 1, escaped, message);
    if (message_len < LEAST_MESSAGE ||
        hyp_receiver_x25_crc(message, message_len - CRC_LEN) !=
            (message[message_len - 2] | message[message_len - 1] << 8)) {
        hyp_receiver_noise(find);
        return;
    }
    find->used = escaped + 2;
    take_message(message, message_len - CRC_LEN, find);
}
