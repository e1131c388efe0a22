/* SPDX-License-Identifier: Apache-2.0 */
/* Wired meters behind a converter: just enough of EN 13757-2 to be read, selected and confused.
 */
#include "field.h"

#define ACK 0xE5
#define SELECTED 0xFD
#define BROADCAST 0xFF

static void append_frame(struct hyp_buf *out, uint8_t c, uint8_t a, const struct hyp_buf *body)
{
    uint8_t sum = (uint8_t)(c + a);
    for (size_t i = 0; i < body->len; i++) {
        sum = (uint8_t)(sum + body->data[i]);
    }
    uint8_t len = (uint8_t)(body->len + 2);
    const uint8_t head[] = {0x68, len, len, 0x68, c, a};
    hyp_buf_append(out, head, sizeof(head));
    hyp_buf_append(out, body->data, body->len);
    hyp_buf_append_u8(out, sum);
    hyp_buf_append_u8(out, 0x16);
}

static void append_identity(struct hyp_buf *out, const struct meter *meter)
{
    uint64_t id = 0;
    assert_int_equal(hyp_str_hex_to_u64(hyp_str_from(meter->id), &id), HYP_OK);
    hyp_buf_append_le32(out, (uint32_t)id + (meter->manner == METER_FOREIGN ? 1 : 0));
    hyp_buf_append_le16(out, meter->manufacturer);
    hyp_buf_append_u8(out, meter->version);
    hyp_buf_append_u8(out, meter->medium);
}

/* CI 72, long header, energy in kWh with the number of the telegram as storage. */
static void answer(struct mbus_peer *bus, struct meter *meter, struct peer_client *client)
{
    (void)bus;
    int telegrams = meter->telegrams == 0 ? 1 : meter->telegrams;
    uint8_t body_memory[64];
    uint8_t frame_memory[96];
    struct hyp_buf body;
    struct hyp_buf frame;
    hyp_buf_init_fixed(&body, body_memory, sizeof(body_memory));
    hyp_buf_init_fixed(&frame, frame_memory, sizeof(frame_memory));
    hyp_buf_append_u8(&body, 0x72);
    append_identity(&body, meter);
    hyp_buf_append(&body, (const uint8_t[]){(uint8_t)meter->asked, 0, 0, 0}, 4);
    hyp_buf_append_u8(&body, meter->next == 0 ? 0x04 : 0x44); /* storage 0, then 1 */
    hyp_buf_append_u8(&body, 0x06);
    hyp_buf_append_le32(&body, meter->kwh + (uint32_t)meter->next);
    if (meter->next + 1 < telegrams) {
        hyp_buf_append_u8(&body, 0x1F);
    }
    uint8_t address = meter->primary < 0 ? 0 : (uint8_t)meter->primary;
    append_frame(&frame, 0x08, address, &body);
    meter->asked++;
    if (meter->manner == METER_STOPS && meter->next > 0) {
        return;
    }
    meter->next = (meter->next + 1) % telegrams;
    if (meter->manner == METER_DAMAGED) {
        frame.data[frame.len - 2]++;
    }
    peer_send(client, frame.data, meter->manner == METER_CUT ? frame.len / 2 : frame.len);
}

static bool is_asked(const struct meter *meter, uint8_t address)
{
    return meter->manner != METER_SILENT &&
           (address == SELECTED ? meter->selected : meter->primary == address);
}

static bool digit_matches(uint8_t pattern, uint8_t digit)
{
    return pattern == 0xF || pattern == digit;
}

static bool is_selected(const struct meter *meter, const uint8_t *pattern)
{
    uint8_t own_memory[8];
    struct hyp_buf own;
    hyp_buf_init_fixed(&own, own_memory, sizeof(own_memory));
    append_identity(&own, meter);
    for (size_t i = 0; i < 4; i++) {
        if (!digit_matches(pattern[i] >> 4, own.data[i] >> 4) ||
            !digit_matches(pattern[i] & 15, own.data[i] & 15)) {
            return false;
        }
    }
    for (size_t i = 4; i < 8; i++) {
        if (pattern[i] != 0xFF && pattern[i] != own.data[i]) {
            return false;
        }
    }
    return true;
}

static void on_short(struct mbus_peer *bus, struct peer_client *client, const uint8_t *frame)
{
    static const uint8_t ack = ACK;
    for (size_t i = 0; i < bus->count; i++) {
        struct meter *meter = &bus->meters[i];
        if (frame[1] == 0x40 && frame[2] == SELECTED) {
            meter->selected = false;
        }
        if (frame[1] == 0x40 && frame[2] == BROADCAST) {
            meter->next = 0;
        }
        if (!is_asked(meter, frame[2])) {
            continue;
        }
        if (frame[1] == 0x40) {
            bus->resets++;
            meter->next = 0;
            peer_send(client, &ack, 1);
        } else {
            answer(bus, meter, client);
        }
    }
}

static void on_long(struct mbus_peer *bus, struct peer_client *client, const uint8_t *frame)
{
    static const uint8_t ack = ACK;
    if (frame[5] != SELECTED || frame[6] != 0x52) {
        return;
    }
    for (size_t i = 0; i < bus->count; i++) {
        struct meter *meter = &bus->meters[i];
        meter->selected = meter->manner != METER_SILENT && is_selected(meter, frame + 7);
        meter->next = meter->selected ? 0 : meter->next;
        if (meter->selected) {
            peer_send(client, &ack, 1);
        }
    }
}

static void on_request(struct peer_client *client, const uint8_t *bytes, size_t len)
{
    struct mbus_peer *bus = (struct mbus_peer *)(void *)client->peer;
    memcpy(client->inbox + client->inbox_len, bytes, len);
    client->inbox_len += len;
    while (client->inbox_len >= 5) {
        size_t size = client->inbox[0] == 0x68 ? client->inbox[1] + 6u : 5u;
        if (client->inbox_len < size) {
            return;
        }
        uint8_t frame[300];
        memcpy(frame, client->inbox, size);
        client->inbox_len -= size;
        memmove(client->inbox, client->inbox + size, client->inbox_len);
        if (frame[0] == 0x68) {
            on_long(bus, client, frame);
        } else {
            on_short(bus, client, frame);
        }
    }
}

void mbus_open(struct mbus_peer *bus, struct field *field, struct meter *meters, size_t count)
{
    *bus = (struct mbus_peer){.meters = meters, .count = count};
    peer_open(&bus->peer, field, on_request);
}
