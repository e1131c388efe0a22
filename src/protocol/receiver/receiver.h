/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receivers: what radio sticks and modules say on their serial side, sans I/O.
 *
 * Every codec looks at the front of a stream and says what is there. It is a pure function of
 * the bytes, so it does not matter how they were cut; and it answers for one byte at a time
 * when the front is nothing of its own, so that it finds the next message after garbage. What
 * carries a check is believed only when the check is right.
 *
 * Telegrams come out as the receiver heard them, L field first, with block CRCs if it left them
 * in. It is not about ports, modes or what is in a telegram.
 */
#ifndef HYP_PROTOCOL_RECEIVER_RECEIVER_H
#define HYP_PROTOCOL_RECEIVER_RECEIVER_H

#include "base/limits.h"
#include "base/status.h"
#include "model/plant.h"

#include <stddef.h>
#include <stdint.h>

/* The longest telegram with block CRCs: 256 bytes and 17 of them. */
#define HYP_RECEIVER_TELEGRAM_MAX 290

/* What is at the front of the bytes. */
struct hyp_receiver_find {
    enum hyp_receiver_outcome {
        HYP_RECEIVED_MORE = 0, /* undecided: more bytes are needed */
        HYP_RECEIVED_TELEGRAM,
        HYP_RECEIVED_OTHER, /* a message of the receiver that is no telegram */
        HYP_RECEIVED_NOISE, /* nothing of it, or damaged */
    } outcome;
    size_t used;        /* bytes at the front that are done with; 0 for MORE */
    size_t len;         /* of the telegram */
    int16_t signal_dbm; /* 0 = not known */
    uint8_t telegram[HYP_LIMIT_FRAME_BYTES];
};

/*
 * Looks at the front.
 * @kind  any but AUTO
 * @len   at least 1
 */
void hyp_receiver_find(enum hyp_receiver_kind kind, const uint8_t *bytes, size_t len,
                       struct hyp_receiver_find *ret_find);

/* What must be said to a receiver after its port was opened; empty for most. */
struct hyp_str hyp_receiver_greeting(enum hyp_receiver_kind kind);

/* --- the codecs --- */

/*
 * One for each way to talk, for hyp_receiver_find, which has cleared *find: what is left at
 * MORE is undecided. @len at least 1. Layouts, rates and checks are at the top of their files.
 * im871a: IMST WiMOD. amb8465: AMBER in command mode. cul: culfw's lines. rc1180: bare
 * telegrams, without a check. iu891a: the newer WiMOD, SLIP. embit: EBI. chips: what software
 * radios print.
 * @with_rssi  the module is set to add a byte of signal strength
 */
void hyp_receiver_im871a(const uint8_t *bytes, size_t len, struct hyp_receiver_find *find);
void hyp_receiver_amb8465(const uint8_t *bytes, size_t len, bool with_rssi,
                          struct hyp_receiver_find *find);
void hyp_receiver_cul(const uint8_t *bytes, size_t len, struct hyp_receiver_find *find);
void hyp_receiver_rc1180(const uint8_t *bytes, size_t len, bool with_rssi,
                         struct hyp_receiver_find *find);
void hyp_receiver_iu891a(const uint8_t *bytes, size_t len, struct hyp_receiver_find *find);
void hyp_receiver_embit(const uint8_t *bytes, size_t len, struct hyp_receiver_find *find);
void hyp_receiver_chips(const uint8_t *bytes, size_t len, struct hyp_receiver_find *find);

/* For those of IMST: reflected 8408, start FFFF, complemented. */
uint16_t hyp_receiver_x25_crc(const uint8_t *bytes, size_t len);

/* For them: one byte is nothing. */
static inline void hyp_receiver_noise(struct hyp_receiver_find *find)
{
    find->outcome = HYP_RECEIVED_NOISE;
    find->used = 1;
}

#endif
