/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that arrive in several telegrams (EN 13757-7, authentication and fragmentation
 * layer).
 *
 * One small table of messages under way, kept by whoever opens telegrams one after the other
 * and given to hyp_telegram_open() in the context. Fragments are taken in their order only; a
 * repeated one is ignored, a missing one loses the message. A message is only handed out when
 * its length field or a message authentication code can prove that its parts belong together:
 * parts of two messages never become a reading. Fixed size, no allocation, no clock: the
 * message that has waited for the most other fragments makes room. One thread.
 */
#ifndef HYP_PROTOCOL_WMBUS_FRAGMENTS_H
#define HYP_PROTOCOL_WMBUS_FRAGMENTS_H

#include "base/limits.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a link address: M(2) ID(4) VER MED. */
#define HYP_FRAGMENT_ADDRESS 8
#define HYP_FRAGMENT_HEAD_MAX 9
#define HYP_FRAGMENT_MAC_MAX 16

/* What the layer's fields of one fragment, or of all together, say. */
struct hyp_fragment_fields {
    uint8_t head[HYP_FRAGMENT_HEAD_MAX]; /* MCL KI MCR ML: what a MAC covers first */
    uint8_t head_len;
    uint8_t control; /* MCL */
    bool has_control;
    bool has_counter;
    uint32_t counter; /* MCR */
    bool has_length;
    uint16_t length; /* ML: bytes of the whole message */
    uint8_t mac[HYP_FRAGMENT_MAC_MAX];
    uint8_t mac_len; /* 0 = none */
};

struct hyp_fragment {
    uint8_t address[HYP_FRAGMENT_ADDRESS];
    uint8_t number; /* 1.. */
    bool more;
    struct hyp_fragment_fields fields;
    const uint8_t *bytes;
    size_t len;
};

struct hyp_message {
    uint8_t address[HYP_FRAGMENT_ADDRESS];
    uint8_t last; /* number of the last fragment taken; 0 = free */
    uint64_t used;
    struct hyp_fragment_fields fields;
    size_t len;
    uint8_t bytes[HYP_LIMIT_MESSAGE_BYTES];
};

struct hyp_fragments {
    uint64_t count; /* fragments taken so far: what is oldest */
    struct hyp_message messages[HYP_LIMIT_MESSAGES];
};

/* No message under way. */
void hyp_fragments_init(struct hyp_fragments *fragments);

/*
 * Adds a fragment.
 * @ret_message  the whole message, when this was its last part; valid until the next call
 * Returns   HYP_OK (whole) | NEED_MORE (kept, more have to come)
 *         | NOT_FOUND (the one before is missing)
 *         | BAD_CHECK (nothing proves that the parts belong together)
 *         | LIMIT (longer than HYP_LIMIT_MESSAGE_BYTES)
 */
HYP_MUST_USE enum hyp_status hyp_fragments_add(struct hyp_fragments *fragments,
                                               const struct hyp_fragment *fragment,
                                               const struct hyp_message **ret_message);

#endif
