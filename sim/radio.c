/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/radio.h"

#include "sim/civil.h"
#include "sim/crc.h"
#include "sim/noise.h"

#include <assert.h>
#include <string.h>

#define FULL_EVERY 8

/* Communication control of the extended link layer. */
#define CC_SYNCHRONOUS 0x20
#define CC_HOP 0x10

/* CFG words without and with mode 5; the number of blocks goes to bits 7..4. */
#define CFG_PLAIN 0x2000
#define CFG_MODE_5 0x2500

static void put(struct sim_telegram *telegram, const uint8_t *bytes, size_t len)
{
    assert(telegram->len + len <= sizeof(telegram->bytes));
    memcpy(telegram->bytes + telegram->len, bytes, len);
    telegram->len += len;
}

static void put_u8(struct sim_telegram *telegram, uint8_t value)
{
    put(telegram, &value, 1);
}

static void put_le16(struct sim_telegram *telegram, uint16_t value)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8)};
    put(telegram, bytes, sizeof(bytes));
}

/* Link and transport order the address differently: here M, ID, VER, MED. */
static void link_address(const struct sim_identity *identity, uint8_t ret_bytes[static 8])
{
    uint8_t header_order[8];
    sim_identity_bytes(identity, header_order);
    memcpy(ret_bytes, header_order + 4, 2);
    memcpy(ret_bytes + 2, header_order, 4);
    memcpy(ret_bytes + 6, header_order + 6, 2);
}

/* The key the meter really uses. */
static struct hyp_aes_key key_in_use(const struct sim_device *device)
{
    struct hyp_aes_key key = device->key;
    if (device->meter.defects.wrong_key) {
        key.bytes[0] ^= 0x5A;
        key.bytes[15] ^= 0xA5;
    }
    return key;
}

size_t sim_radio_compact(const struct sim_apdu *apdu, uint8_t *ret_bytes)
{
    uint16_t signature = 0;
    size_t len = 4;
    for (size_t i = 0; i < apdu->count; i++) {
        const struct sim_record *record = &apdu->records[i];
        const uint8_t *header = apdu->bytes + record->at;
        signature = sim_crc_en13757_part(signature, header, record->header_len);
        memcpy(ret_bytes + len, header + record->header_len, record->data_len);
        len += record->data_len;
    }
    signature = (uint16_t)~signature;
    uint16_t content = sim_crc_en13757(apdu->bytes, apdu->len);
    ret_bytes[0] = (uint8_t)signature;
    ret_bytes[1] = (uint8_t)(signature >> 8);
    ret_bytes[2] = (uint8_t)content;
    ret_bytes[3] = (uint8_t)(content >> 8);
    return len;
}

/* Records behind `2F 2F`, filled up with 2F to whole blocks, encrypted with the address as IV.
 */
static enum hyp_status put_mode_5(struct sim_telegram *telegram,
                                  const struct sim_device *device, uint8_t access,
                                  const struct sim_apdu *apdu)
{
    uint8_t iv[HYP_AES_BLOCK];
    link_address(&device->meter.identity, iv);
    memset(iv + 8, access, 8);
    size_t start = telegram->len;
    const uint8_t filler = 0x2F;
    put(telegram, (const uint8_t[]){0x2F, 0x2F}, 2);
    put(telegram, apdu->bytes, apdu->len);
    while ((telegram->len - start) % HYP_AES_BLOCK != 0) {
        put(telegram, &filler, 1);
    }
    struct hyp_aes_key key = key_in_use(device);
    return hyp_aes_cbc_encrypt(&key, iv, telegram->bytes + start, telegram->len - start);
}

static uint16_t config_word(bool encrypted, const struct sim_apdu *apdu)
{
    size_t blocks = (apdu->len + 2 + HYP_AES_BLOCK - 1) / HYP_AES_BLOCK;
    return encrypted ? (uint16_t)(CFG_MODE_5 | blocks << 4) : CFG_PLAIN;
}

/* Everything from the CI of a transport layer with header on. */
static enum hyp_status put_transport(struct sim_telegram *telegram, struct sim_device *device,
                                     uint8_t status, const struct sim_apdu *apdu)
{
    bool is_long = device->wrap == SIM_WRAP_LONG || device->wrap == SIM_WRAP_LONG_5;
    bool encrypted = device->wrap == SIM_WRAP_SHORT_5 || device->wrap == SIM_WRAP_LONG_5;
    uint8_t access = device->access++;
    put_u8(telegram, is_long ? 0x72 : 0x7A);
    if (is_long) {
        uint8_t address[8];
        sim_identity_bytes(&device->meter.identity, address);
        put(telegram, address, sizeof(address));
    }
    put_u8(telegram, access);
    put_u8(telegram, status);
    put_le16(telegram, config_word(encrypted, apdu));
    if (encrypted) {
        return put_mode_5(telegram, device, access, apdu);
    }
    put(telegram, apdu->bytes, apdu->len);
    return HYP_OK;
}

/* Extended link layer with AES-CTR, and the frame inside it, full or compact. */
static enum hyp_status put_ell(struct sim_telegram *telegram, struct sim_device *device,
                               int64_t now_ms, bool full, const struct sim_apdu *apdu)
{
    int64_t minutes = (now_ms - device->meter.plant.installed_ms) / 60000;
    uint32_t session = 1u << 29 | (uint32_t)(minutes & 0x1FFFFFF) << 4 | (device->sent & 0xF);
    /* Some are heard through a repeater, which sets the hop bit behind the meter's back. */
    bool repeated = sim_hash(device->meter.seed, 7, 7) % 5 == 0;
    put_u8(telegram, 0x8D);
    put_u8(telegram, CC_SYNCHRONOUS | (repeated ? CC_HOP : 0));
    put_u8(telegram, device->access++);
    put_le16(telegram, (uint16_t)session);
    put_le16(telegram, (uint16_t)(session >> 16));

    uint8_t frame[1 + 4 + SIM_APDU_BYTES];
    size_t len = 1;
    frame[0] = full ? 0x78 : 0x79;
    if (full) {
        memcpy(frame + 1, apdu->bytes, apdu->len);
        len += apdu->len;
    } else {
        len += sim_radio_compact(apdu, frame + 1);
    }
    size_t start = telegram->len;
    put_le16(telegram, sim_crc_en13757(frame, len));
    put(telegram, frame, len);

    uint8_t counter[HYP_AES_BLOCK] = {0};
    link_address(&device->meter.identity, counter);
    counter[8] = CC_SYNCHRONOUS;
    memcpy(counter + 9, telegram->bytes + start - 4, 4);
    struct hyp_aes_key key = key_in_use(device);
    return hyp_aes_ctr(&key, counter, telegram->bytes + start, telegram->len - start);
}

void sim_radio_add_crcs(struct sim_telegram *telegram)
{
    struct sim_telegram blocks = {0};
    size_t at = 0;
    while (at < telegram->len) {
        size_t block = HYP_MIN(at == 0 ? 10u : 16u, telegram->len - at);
        uint16_t crc = sim_crc_en13757(telegram->bytes + at, block);
        put(&blocks, telegram->bytes + at, block);
        put_u8(&blocks, (uint8_t)(crc >> 8));
        put_u8(&blocks, (uint8_t)crc);
        at += block;
    }
    *telegram = blocks;
}

static enum hyp_status put_payload(struct sim_telegram *telegram, struct sim_device *device,
                                   const struct sim_moment *moment, bool full,
                                   const struct sim_apdu *apdu)
{
    switch (device->wrap) {
    case SIM_WRAP_PLAIN:
        put_u8(telegram, 0x78);
        put(telegram, apdu->bytes, apdu->len);
        return HYP_OK;
    case SIM_WRAP_ELL_CTR: return put_ell(telegram, device, moment->now_ms, full, apdu);
    case SIM_WRAP_SHORT:
    case SIM_WRAP_SHORT_5:
    case SIM_WRAP_LONG:
    case SIM_WRAP_LONG_5:
        return put_transport(telegram, device, sim_moment_status(moment), apdu);
    case SIM_WRAP_WIRED: break;
    }
    return HYP_INTERNAL;
}

enum hyp_status sim_radio_send(struct sim_device *device, const struct sim_climate *climate,
                               int64_t now_ms, bool full, struct sim_telegram *ret_telegram)
{
    struct sim_moment moment;
    struct sim_apdu apdu;
    sim_moment_init(&moment, &device->meter, climate, device->peaks, now_ms);
    sim_apdu_init(&apdu);
    device->make->write(&moment, 0, &apdu);
    assert(!apdu.overflow);

    const struct sim_identity *sender =
        device->adapter.id != 0 ? &device->adapter : &device->meter.identity;
    uint8_t address[8];
    link_address(sender, address);
    ret_telegram->len = 1; /* L comes last */
    put_u8(ret_telegram, 0x44);
    put(ret_telegram, address, sizeof(address));
    full = full || device->sent % FULL_EVERY == 0;
    enum hyp_status status = put_payload(ret_telegram, device, &moment, full, &apdu);
    if (status != HYP_OK) {
        return status;
    }
    device->sent++;
    assert(ret_telegram->len <= 256);
    ret_telegram->bytes[0] = (uint8_t)(ret_telegram->len - 1);
    if (device->with_crc) {
        sim_radio_add_crcs(ret_telegram);
    }
    return HYP_OK;
}
