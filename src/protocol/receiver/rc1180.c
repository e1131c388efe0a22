/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Radiocrafts RC1180 at 19200 8N1, and every module that passes on the bare telegram (AMBER in
 * transparent mode, B METERS RFM-RX2): L field first, no block CRCs, no frame around it. With
 * register 5 set an RC1180 adds one byte of signal strength, -dBm * 2; the line has to say so.
 *
 * There is no check. A start is believed when L and the C field are those of a telegram, and
 * whoever reads the port must say when there was a pause (hyp_stream_gap): half a telegram
 * would else swallow the beginning of the next.
 */
#include "protocol/receiver/receiver.h"

#include "protocol/wmbus/link.h"

#include <string.h>

#define LEAST_L 10

void hyp_receiver_rc1180(const uint8_t *bytes, size_t len, bool with_rssi,
                         struct hyp_receiver_find *find)
{
    size_t l = bytes[0];
    if (l < LEAST_L || (len > 1 && hyp_wmbus_function_find(bytes[1]) == NULL)) {
        hyp_receiver_noise(find);
        return;
    }
    size_t total = l + 1 + (with_rssi ? 1 : 0);
    if (len < total) {
        return;
    }
    find->outcome = HYP_RECEIVED_TELEGRAM;
    find->used = total;
    find->len = l + 1;
    memcpy(find->telegram, bytes, find->len);
    find->signal_dbm = with_rssi ? (int16_t)(-bytes[l + 1] / 2) : 0;
}
