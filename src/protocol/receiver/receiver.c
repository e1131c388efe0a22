/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/receiver/receiver.h"

void hyp_receiver_find(enum hyp_receiver_kind kind, const uint8_t *bytes, size_t len,
                       struct hyp_receiver_find *ret_find)
{
    ret_find->outcome = HYP_RECEIVED_MORE;
    ret_find->used = 0;
    ret_find->len = 0;
    ret_find->signal_dbm = 0;
    switch (kind) {
    case HYP_RECEIVER_AUTO: hyp_receiver_noise(ret_find); break;
    case HYP_RECEIVER_IM871A: hyp_receiver_im871a(bytes, len, ret_find); break;
    case HYP_RECEIVER_AMB8465: hyp_receiver_amb8465(bytes, len, false, ret_find); break;
    case HYP_RECEIVER_AMB8465_RSSI: hyp_receiver_amb8465(bytes, len, true, ret_find); break;
    case HYP_RECEIVER_CUL_T:
    case HYP_RECEIVER_CUL_C:
    case HYP_RECEIVER_CUL_S: hyp_receiver_cul(bytes, len, ret_find); break;
    case HYP_RECEIVER_RC1180: hyp_receiver_rc1180(bytes, len, false, ret_find); break;
    case HYP_RECEIVER_RC1180_RSSI: hyp_receiver_rc1180(bytes, len, true, ret_find); break;
    case HYP_RECEIVER_IU891A: hyp_receiver_iu891a(bytes, len, ret_find); break;
    case HYP_RECEIVER_EMBIT: hyp_receiver_embit(bytes, len, ret_find); break;
    case HYP_RECEIVER_CHIPS: hyp_receiver_chips(bytes, len, ret_find); break;
    case HYP_RECEIVER_KIND_COUNT: hyp_receiver_noise(ret_find); break;
    }
}

uint16_t hyp_receiver_x25_crc(const uint8_t *bytes, size_t len)
{
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < len; i++) {
        crc = (uint16_t)(crc ^ bytes[i]);
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc & 1) != 0 ? (crc >> 1) ^ 0x8408 : crc >> 1);
        }
    }
    return (uint16_t)~crc;
}

/* A CUL receives nothing until it is told a mode; X21 makes it add the signal strength. The
 * others keep what they were set to. */
struct hyp_str hyp_receiver_greeting(enum hyp_receiver_kind kind)
{
    switch (kind) {
    case HYP_RECEIVER_CUL_T: return HYP_STR("X21\r\nbrt\r\n");
    case HYP_RECEIVER_CUL_C: return HYP_STR("X21\r\nbrc\r\n");
    case HYP_RECEIVER_CUL_S: return HYP_STR("X21\r\nbrs\r\n");
    case HYP_RECEIVER_AUTO:
    case HYP_RECEIVER_IM871A:
    case HYP_RECEIVER_AMB8465:
    case HYP_RECEIVER_AMB8465_RSSI:
    case HYP_RECEIVER_RC1180:
    case HYP_RECEIVER_RC1180_RSSI:
    case HYP_RECEIVER_IU891A:
    case HYP_RECEIVER_EMBIT:
    case HYP_RECEIVER_CHIPS:
    case HYP_RECEIVER_KIND_COUNT: break;
    }
    return (struct hyp_str){"", 0};
}
