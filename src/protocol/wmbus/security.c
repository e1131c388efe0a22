/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Security modes of the transport layer (EN 13757-7; OMS volume 2).
 *
 * Configuration word: bits 12..8 mode, bits 7..4 number of encrypted blocks. Only that many
 * blocks are encrypted, the rest behind them is plain (partial encryption is normal). Address
 * and access number of the initialisation vector are those of the long header if there is one.
 * Decrypted data starts with 2F 2F: the only proof that the key was right.
 */
#include "protocol/wmbus/layers.h"

#include <string.h>

#define CLAUSE "EN 13757-7"
#define DES_BLOCK 8
#define ALL_BLOCKS 15
#define CHECK_BYTE 0x2F
#define CHECK_LEN 2

struct mode_row {
    const char *name;
    enum hyp_status (*open)(struct hyp_opening *opening);
};

static bool is_checked(const uint8_t *data, size_t len)
{
    return len >= CHECK_LEN && data[0] == CHECK_BYTE && data[1] == CHECK_BYTE;
}

static bool accepts_plain(const struct hyp_opening *opening)
{
    return opening->context != NULL && opening->context->accept_plain;
}

static enum hyp_status refuse_without_key(struct hyp_opening *opening)
{
    const struct hyp_telegram *telegram = opening->telegram;
    opening->telegram->encryption = HYP_ENCRYPTION_NO_KEY;
    return hyp_opening_refuse(
        opening, HYP_NO_KEY, opening->pos, "encrypted (mode %u), and no key of %s %s is known",
        telegram->security_mode, telegram->meter.manufacturer, telegram->meter.id);
}

static enum hyp_status refuse_wrong_key(struct hyp_opening *opening)
{
    const struct hyp_telegram *telegram = opening->telegram;
    opening->telegram->encryption = HYP_ENCRYPTION_WRONG_KEY;
    return hyp_opening_refuse(opening, HYP_WRONG_KEY, opening->pos,
                              "the key of %s %s does not open it: no 2F 2F after decryption",
                              telegram->meter.manufacturer, telegram->meter.id);
}

/* The header says encrypted: is the payload plain all the same, and may it be? */
static bool take_plain(struct hyp_opening *opening)
{
    if (!accepts_plain(opening) ||
        !is_checked(hyp_opening_at(opening), hyp_opening_left(opening))) {
        return false;
    }
    opening->telegram->encryption = HYP_ENCRYPTION_ALREADY_PLAIN;
    hyp_explain_add(opening->explain, HYP_NOTE_SECURITY, opening->pos, CHECK_LEN, "check bytes",
                    CLAUSE, "2F 2F: already plain although the header says encrypted");
    return true;
}

/* Bytes that N blocks of `block` bytes cover; a last block that was cut is left out. */
static enum hyp_status encrypted_len(struct hyp_opening *opening, size_t *ret_len)
{
    const size_t left = hyp_opening_left(opening);
    const size_t whole = left - left % HYP_AES_BLOCK;
    const size_t blocks = opening->telegram->configuration >> 4 & 0xF;
    const size_t len = blocks * HYP_AES_BLOCK;
    if (blocks == ALL_BLOCKS || len <= left) {
        *ret_len = blocks == ALL_BLOCKS ? whole : len;
        return HYP_OK;
    }
    if (whole == 0 || len - left >= HYP_AES_BLOCK) {
        return hyp_opening_refuse(opening, HYP_MALFORMED, opening->pos,
                                  "%zu encrypted blocks are announced, %zu bytes are there",
                                  blocks, left);
    }
    /* The receiver lost the end of the last block; what is before it can still be proven. */
    opening->end -= left - whole;
    hyp_explain_add(opening->explain, HYP_NOTE_ERROR, opening->pos + whole, left - whole, "cut",
                    CLAUSE, "the last encrypted block is cut and cannot be opened");
    *ret_len = whole;
    return HYP_OK;
}

static void note_opened(struct hyp_opening *opening, size_t len)
{
    hyp_opening_enter_plain(opening, len,
                            hyp_security_mode_text(opening->telegram->security_mode));
    hyp_explain_add(opening->explain, HYP_NOTE_SECURITY, opening->pos, CHECK_LEN, "check bytes",
                    CLAUSE, "2F 2F: the key is right");
}

static enum hyp_status open_plain(struct hyp_opening *opening)
{
    opening->telegram->encryption = HYP_ENCRYPTION_NONE;
    return HYP_OK;
}

/*
 * AES-128-CBC with the meter's key over N blocks; without one, with the key its maker's factory
 * sets, if that is known. A wrong key leaves the bytes as they were: they may be plain after
 * all.
 */
static enum hyp_status open_cbc(struct hyp_opening *opening, const uint8_t iv[HYP_AES_BLOCK])
{
    size_t len = 0;
    enum hyp_status status = encrypted_len(opening, &len);
    if (status != HYP_OK || len == 0) {
        return status;
    }
    struct hyp_aes_key key;
    const struct hyp_meter_identity *meter = &opening->telegram->meter;
    const bool own = hyp_opening_key(opening, meter, &key);
    if (!own && !hyp_diehl_factory_key(meter, &key)) {
        return take_plain(opening) ? HYP_OK : refuse_without_key(opening);
    }
    uint8_t copy[HYP_OPENING_DATA_MAX];
    memcpy(copy, hyp_opening_at(opening), len);
    status = hyp_aes_cbc_decrypt(&key, iv, copy, len);
    hyp_wipe(&key, sizeof(key));
    if (status != HYP_OK) {
        return hyp_opening_refuse(opening, status, opening->pos, "decryption failed");
    }
    if (!is_checked(copy, len)) {
        if (take_plain(opening)) {
            return HYP_OK;
        }
        return own ? refuse_wrong_key(opening) : refuse_without_key(opening);
    }
    memcpy(hyp_opening_at(opening), copy, len);
    opening->telegram->encryption = HYP_ENCRYPTION_DECRYPTED;
    note_opened(opening, len);
    return HYP_OK;
}

/* Mode 4: initialisation vector 0. */
static enum hyp_status open_cbc_zero(struct hyp_opening *opening)
{
    static const uint8_t iv[HYP_AES_BLOCK] = {0};
    return open_cbc(opening, iv);
}

/* Mode 5: initialisation vector M ID VER MED, then the access number eight times. */
static enum hyp_status open_cbc_dynamic(struct hyp_opening *opening)
{
    uint8_t iv[HYP_AES_BLOCK];
    memcpy(iv, opening->meter_address, HYP_WMBUS_ADDRESS);
    memset(iv + HYP_WMBUS_ADDRESS, opening->telegram->access,
           HYP_AES_BLOCK - HYP_WMBUS_ADDRESS);
    return open_cbc(opening, iv);
}

/* Mode 2: DES-CBC, initialisation vector 0; the low byte of CFG counts the encrypted bytes. */
static enum hyp_status open_des(struct hyp_opening *opening)
{
    static const uint8_t iv[DES_BLOCK] = {0};
    const struct hyp_telegram_context *context = opening->context;
    const size_t len = opening->telegram->configuration & 0xFF;
    uint8_t key[DES_BLOCK];
    if (len == 0 || len % DES_BLOCK != 0 || len > hyp_opening_left(opening)) {
        return hyp_opening_refuse(opening, HYP_MALFORMED, opening->pos - 2,
                                  "%zu DES-encrypted bytes are announced, %zu are there", len,
                                  hyp_opening_left(opening));
    }
    if (context == NULL || context->find_short_key == NULL ||
        !context->find_short_key(context->user, &opening->telegram->meter, key)) {
        return take_plain(opening) ? HYP_OK : refuse_without_key(opening);
    }
    uint8_t first[DES_BLOCK];
    memcpy(first, hyp_opening_at(opening), sizeof(first));
    enum hyp_status status = hyp_des_cbc_decrypt(key, iv, first, sizeof(first));
    if (status == HYP_OK && is_checked(first, sizeof(first))) {
        status = hyp_des_cbc_decrypt(key, iv, hyp_opening_at(opening), len);
    } else if (status == HYP_OK) {
        hyp_wipe(key, sizeof(key));
        return take_plain(opening) ? HYP_OK : refuse_wrong_key(opening);
    }
    hyp_wipe(key, sizeof(key));
    if (status != HYP_OK) {
        return hyp_opening_refuse(opening, status, opening->pos, "decryption failed");
    }
    opening->telegram->encryption = HYP_ENCRYPTION_DECRYPTED;
    note_opened(opening, len);
    return HYP_OK;
}

/* --- mode 7: security profile B --- */

#define KDF_A 1
#define COUNTER_LEN 4

enum {
    CFG_COUNTER = 1 << 13, /* Z: a message counter follows */
    CFE_KEY_VERSION = 1 << 6,
};

/* First byte of the derivation, meter to partner. */
enum {
    DERIVE_ENCRYPTION = 0x00,
    DERIVE_MAC = 0x01,
};

/* KDF-A: CMAC(master, D | counter LE | ID as on the wire | 07 x 7). */
static enum hyp_status derive(const struct hyp_opening *opening,
                              const struct hyp_aes_key *master, uint8_t purpose,
                              struct hyp_aes_key *ret_key)
{
    const uint32_t counter = opening->telegram->counter;
    uint8_t input[HYP_AES_BLOCK];
    memset(input, 7, sizeof(input));
    input[0] = purpose;
    for (unsigned i = 0; i < COUNTER_LEN; i++) {
        input[1 + i] = (uint8_t)(counter >> (8 * i));
    }
    memcpy(input + 5, opening->meter_address + 2, 4);
    return hyp_aes_cmac(master, input, sizeof(input), ret_key->bytes);
}

/* Reads what follows CFG in mode 7 and settles the message counter. */
static enum hyp_status read_extension(struct hyp_opening *opening)
{
    struct hyp_telegram *telegram = opening->telegram;
    const uint8_t *bytes = hyp_opening_at(opening);
    const size_t left = hyp_opening_left(opening);
    const uint8_t cfe = left > 0 ? bytes[0] : 0;
    const size_t counter_at = 1 + (cfe & CFE_KEY_VERSION ? 1 : 0);
    const bool counter = (telegram->configuration & CFG_COUNTER) != 0;
    const size_t len = counter_at + (counter ? COUNTER_LEN : 0);
    if (left < len) {
        return hyp_opening_refuse(opening, HYP_MALFORMED, opening->pos,
                                  "ends within the configuration field of mode 7");
    }
    hyp_explain_add(opening->explain, HYP_NOTE_SECURITY, opening->pos, len, "CFE", CLAUSE,
                    "key %u, key derivation %u%s", cfe & 0xF, cfe >> 4 & 3,
                    counter ? ", message counter" : "");
    if ((cfe >> 4 & 3) != KDF_A) {
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos,
                                  "key derivation %u of mode 7 is not supported", cfe >> 4 & 3);
    }
    if (opening->afl.has_counter) {
        telegram->counter = opening->afl.counter;
    } else if (counter) {
        const uint8_t *c = bytes + counter_at;
        telegram->counter =
            (uint32_t)c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 24;
    } else {
        return hyp_opening_refuse(opening, HYP_MALFORMED, opening->pos,
                                  "mode 7 without a message counter");
    }
    opening->pos += len;
    return HYP_OK;
}

/* Is the MAC right? Covers head | everything from the transport layer's CI, as sent. */
static enum hyp_status verify_mac(const struct hyp_opening *opening,
                                  const struct hyp_aes_key *key, bool *ret_right)
{
    const struct hyp_authentication *afl = &opening->afl;
    uint8_t message[sizeof(afl->head) + HYP_OPENING_DATA_MAX];
    const size_t body = opening->end - afl->covered;
    if (body > HYP_OPENING_DATA_MAX) {
        return HYP_LIMIT;
    }
    memcpy(message, afl->head, afl->head_len);
    memcpy(message + afl->head_len, opening->telegram->plain + afl->covered, body);
    uint8_t mac[HYP_AES_BLOCK];
    enum hyp_status status = hyp_aes_cmac(key, message, afl->head_len + body, mac);
    *ret_right = hyp_equal_constant_time(mac, afl->mac, afl->mac_len) != 0;
    return status;
}

/*
 * The MAC is wrong: either the key is, or somebody changed the telegram. The decrypted check
 * bytes tell.
 */
static enum hyp_status refuse_mac(struct hyp_opening *opening, const struct hyp_aes_key *key)
{
    static const uint8_t iv[HYP_AES_BLOCK] = {0};
    uint8_t first[HYP_AES_BLOCK];
    if (hyp_opening_left(opening) >= sizeof(first)) {
        memcpy(first, hyp_opening_at(opening), sizeof(first));
        if (hyp_aes_cbc_decrypt(key, iv, first, sizeof(first)) == HYP_OK &&
            is_checked(first, sizeof(first))) {
            return hyp_opening_refuse(opening, HYP_BAD_CHECK,
                                      (size_t)(opening->afl.mac - opening->telegram->plain),
                                      "the key is right but the MAC is not: telegram changed");
        }
    }
    opening->telegram->encryption = HYP_ENCRYPTION_WRONG_KEY;
    return hyp_opening_refuse(
        opening, HYP_WRONG_KEY, opening->pos, "the key of %s %s does not open it: MAC is wrong",
        opening->telegram->meter.manufacturer, opening->telegram->meter.id);
}

static enum hyp_status decrypt_profile_b(struct hyp_opening *opening,
                                         const struct hyp_aes_key *master)
{
    static const uint8_t iv[HYP_AES_BLOCK] = {0};
    struct hyp_aes_key encryption;
    struct hyp_aes_key authentication;
    bool right = false;
    size_t len = 0;
    enum hyp_status status = encrypted_len(opening, &len);
    if (status != HYP_OK) {
        return status;
    }
    status = derive(opening, master, DERIVE_ENCRYPTION, &encryption);
    if (status == HYP_OK) {
        status = derive(opening, master, DERIVE_MAC, &authentication);
    }
    if (status == HYP_OK) {
        status = verify_mac(opening, &authentication, &right);
    }
    if (status == HYP_OK && !right) {
        status = refuse_mac(opening, &encryption);
    } else if (status == HYP_OK) {
        status = hyp_aes_cbc_decrypt(&encryption, iv, hyp_opening_at(opening), len);
    }
    hyp_wipe(&encryption, sizeof(encryption));
    hyp_wipe(&authentication, sizeof(authentication));
    if (status != HYP_OK || len == 0) {
        return status;
    }
    if (!is_checked(hyp_opening_at(opening), len)) {
        return refuse_wrong_key(opening);
    }
    note_opened(opening, len);
    return HYP_OK;
}

static enum hyp_status open_profile_b(struct hyp_opening *opening)
{
    enum hyp_status status = read_extension(opening);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_aes_key master;
    if (!hyp_opening_key(opening, &opening->telegram->meter, &master)) {
        return take_plain(opening) ? HYP_OK : refuse_without_key(opening);
    }
    if (take_plain(opening)) {
        hyp_wipe(&master, sizeof(master));
        return HYP_OK;
    }
    if (!opening->afl.has_mac) {
        hyp_wipe(&master, sizeof(master));
        return hyp_opening_refuse(opening, HYP_UNSUPPORTED, opening->pos,
                                  "mode 7 without a MAC: nothing proves the sender");
    }
    status = decrypt_profile_b(opening, &master);
    hyp_wipe(&master, sizeof(master));
    if (status == HYP_OK) {
        opening->telegram->encryption = HYP_ENCRYPTION_DECRYPTED;
        opening->telegram->has_counter = true;
    }
    return status;
}

static const struct mode_row modes[32] = {
    [0] = {"not encrypted",                            open_plain      },
    [1] = {"manufacturer's own encryption",            NULL            },
    [2] = {"DES-CBC, fixed vector",                    open_des        },
    [3] = {"DES-CBC, vector from the date",            NULL            },
    [4] = {"AES-128-CBC, fixed vector",                open_cbc_zero   },
    [5] = {"AES-128-CBC",                              open_cbc_dynamic},
    [7] = {"AES-128-CBC with derived key (profile B)", open_profile_b  },
    [8] = {"AES-128-CTR with CMAC",                    NULL            },
    [9] = {"AES-128-GCM",                              NULL            },
    [10] = {"AES-128-CCM (profile D)",                  NULL            },
    [13] = {"TLS 1.2 (profile C)",                      NULL            },
    [15] = {"manufacturer's own encryption",            NULL            },
};

const char *hyp_security_mode_text(uint8_t mode)
{
    return mode < HYP_ARRAY_LEN(modes) && modes[mode].name != NULL ? modes[mode].name
                                                                   : "reserved mode";
}

enum hyp_status hyp_security_open(struct hyp_opening *opening, size_t config)
{
    const uint8_t mode = opening->telegram->security_mode;
    if (hyp_rfmtx1_is(opening->telegram)) {
        return HYP_OK;
    }
    if (modes[mode].open != NULL) {
        return modes[mode].open(opening);
    }
    if (take_plain(opening)) {
        return HYP_OK;
    }
    opening->telegram->encryption = HYP_ENCRYPTION_UNSUPPORTED;
    return hyp_opening_refuse(opening, HYP_UNSUPPORTED, config,
                              "security mode %u (%s) is not supported", mode,
                              hyp_security_mode_text(mode));
}
