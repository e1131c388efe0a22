/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MCL, KI, MCR and ML stand in the first fragment, the MAC in the last one: the fields of a
 * message are those of any of its fragments.
 */
#include "protocol/wmbus/fragments.h"

#include <string.h>

void hyp_fragments_init(struct hyp_fragments *fragments)
{
    fragments->count = 0;
    for (size_t i = 0; i < HYP_LIMIT_MESSAGES; i++) {
        fragments->messages[i].last = 0;
        fragments->messages[i].used = 0;
    }
}

static struct hyp_message *find(struct hyp_fragments *fragments, const uint8_t *address)
{
    for (size_t i = 0; i < HYP_LIMIT_MESSAGES; i++) {
        struct hyp_message *message = &fragments->messages[i];
        if (message->last != 0 &&
            memcmp(message->address, address, HYP_FRAGMENT_ADDRESS) == 0) {
            return message;
        }
    }
    return NULL;
}

/* A free place, or that of the message whose last fragment is longest ago. */
static struct hyp_message *make_room(struct hyp_fragments *fragments)
{
    struct hyp_message *oldest = &fragments->messages[0];
    for (size_t i = 0; i < HYP_LIMIT_MESSAGES; i++) {
        struct hyp_message *message = &fragments->messages[i];
        if (message->last == 0) {
            return message;
        }
        if (message->used < oldest->used) {
            oldest = message;
        }
    }
    return oldest;
}

static void merge(struct hyp_fragment_fields *all, const struct hyp_fragment_fields *fields)
{
    const uint8_t mac_len = all->mac_len;
    if (fields->has_control) {
        uint8_t mac[HYP_FRAGMENT_MAC_MAX];
        memcpy(mac, all->mac, sizeof(mac));
        *all = *fields;
        if (fields->mac_len == 0) {
            memcpy(all->mac, mac, sizeof(mac));
            all->mac_len = mac_len;
        }
    } else if (fields->mac_len > 0) {
        memcpy(all->mac, fields->mac, sizeof(all->mac));
        all->mac_len = fields->mac_len;
    }
}

static struct hyp_message *begin(struct hyp_fragments *fragments,
                                 const struct hyp_fragment *fragment,
                                 struct hyp_message *message)
{
    if (message == NULL) {
        message = make_room(fragments);
    }
    memcpy(message->address, fragment->address, HYP_FRAGMENT_ADDRESS);
    message->fields = (struct hyp_fragment_fields){.head_len = 0};
    message->last = 0;
    message->len = 0;
    return message;
}

static enum hyp_status finish(struct hyp_message *message,
                              const struct hyp_message **ret_message)
{
    const struct hyp_fragment_fields *fields = &message->fields;
    message->last = 0; /* free; the bytes stay until the next fragment */
    if (fields->has_length ? fields->length != message->len : fields->mac_len == 0) {
        return HYP_BAD_CHECK;
    }
    *ret_message = message;
    return HYP_OK;
}

enum hyp_status hyp_fragments_add(struct hyp_fragments *fragments,
                                  const struct hyp_fragment *fragment,
                                  const struct hyp_message **ret_message)
{
    struct hyp_message *message = find(fragments, fragment->address);
    if (message != NULL && fragment->number == message->last && fragment->number != 1) {
        return HYP_NEED_MORE; /* heard twice */
    }
    if (fragment->number == 1) {
        message = begin(fragments, fragment, message);
    } else if (message == NULL || fragment->number != message->last + 1) {
        if (message != NULL) {
            message->last = 0;
        }
        return HYP_NOT_FOUND;
    }
    if (fragment->len > sizeof(message->bytes) - message->len) {
        message->last = 0;
        return HYP_LIMIT;
    }
    memcpy(message->bytes + message->len, fragment->bytes, fragment->len);
    message->len += fragment->len;
    message->last = fragment->number;
    message->used = ++fragments->count;
    merge(&message->fields, &fragment->fields);
    return fragment->more ? HYP_NEED_MORE : finish(message, ret_message);
}
