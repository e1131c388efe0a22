/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any order of fragments of a few meters. What comes out as a message was sent by one meter, in
 * one piece after the other, and is as long as it says.
 *
 *     a fragment:   sender | number, 80 = more follow | fields | len | len bytes
 *     fields:       1 control, 2 counter, 4 length (two bytes follow), 8 code
 */
#include "base/bytes.h"
#include "protocol/wmbus/fragments.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SENDERS 6
enum { FIELD_CONTROL = 1, FIELD_COUNTER = 2, FIELD_LENGTH = 4, FIELD_CODE = 8 };

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

/* Bytes that name their sender, so that a message tells where its parts are from. */
static size_t take_bytes(struct hyp_bytes *input, uint8_t sender, uint8_t *out)
{
    const size_t len = hyp_bytes_u8(input);
    const uint8_t *bytes = hyp_bytes_take(input, len);
    for (size_t i = 0; bytes != NULL && i < len; i++) {
        out[i] = (uint8_t)((bytes[i] & 0x1F) | sender << 5);
    }
    return bytes == NULL ? 0 : len;
}

static struct hyp_fragment_fields take_fields(struct hyp_bytes *input)
{
    const uint8_t which = hyp_bytes_u8(input);
    struct hyp_fragment_fields fields = {.head_len = 0};
    if ((which & FIELD_CONTROL) != 0) {
        fields.has_control = true;
        fields.control = 0x25;
        fields.head[fields.head_len++] = fields.control;
    }
    if ((which & FIELD_COUNTER) != 0) {
        fields.has_counter = true;
        fields.counter = which;
        fields.head_len = (uint8_t)(fields.head_len + 4);
    }
    if ((which & FIELD_LENGTH) != 0) {
        fields.has_length = true;
        fields.length = hyp_bytes_le16(input);
        fields.head_len = (uint8_t)(fields.head_len + 2);
    }
    fields.mac_len = (which & FIELD_CODE) != 0 ? 8 : 0;
    return fields;
}

static void check_message(const struct hyp_message *message, uint8_t sender)
{
    require(message->address[0] == sender && message->len <= HYP_LIMIT_MESSAGE_BYTES);
    require(message->fields.head_len <= HYP_FRAGMENT_HEAD_MAX);
    require(message->fields.mac_len <= HYP_FRAGMENT_MAC_MAX);
    require(message->fields.has_length || message->fields.mac_len > 0);
    if (message->fields.has_length) {
        require(message->len == message->fields.length);
    }
    for (size_t i = 0; i < message->len; i++) {
        require(message->bytes[i] >> 5 == sender);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hyp_fragments fragments;
    struct hyp_bytes input = hyp_bytes_from(data, size);
    hyp_fragments_init(&fragments);
    while (hyp_bytes_left(&input) > 0) {
        uint8_t bytes[256];
        const struct hyp_message *message = NULL;
        const uint8_t sender = hyp_bytes_u8(&input) % SENDERS;
        const uint8_t number = hyp_bytes_u8(&input);
        struct hyp_fragment fragment = {
            .address = {sender, 0x44, 0x93},
            .number = number & 0x7F,
            .more = (number & 0x80) != 0,
        };
        fragment.fields = take_fields(&input);
        fragment.len = take_bytes(&input, sender, bytes);
        fragment.bytes = bytes;
        if (fragment.number == 0 || hyp_bytes_failed(&input)) {
            continue; /* an unfragmented message never comes here */
        }
        if (hyp_fragments_add(&fragments, &fragment, &message) == HYP_OK) {
            check_message(message, sender);
        }
    }
    return 0;
}
