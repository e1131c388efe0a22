/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apator: the layouts of its water and pulse modules (allocators: maker_apator_itn.c).
 *
 * Pulse modules (APT 0F/0F, 03/03, 04/11; CI A0): `| pulses 4 | ...`, three pulses a litre; on
 * the 04/11 a cubic metre.
 *
 * NA-1 water (APA 14/07; CI A0, A1): `| ACC | x | 16 bytes AES-CBC |`, vector as in security
 * mode 5 with this ACC; a meter leaves the factory with the key 0. Decrypted:
 *
 *     | 2F | e r | r | r | r | seconds since 2000 4 | age and delta 4 | ... |
 *
 * r: 28 bits, low nibble first; e (bits 5, 4): times 10^e litres. Then little endian bits: 10
 * bits age of a stored reading in hours, 22 bits by how many litres it is behind.
 *
 * AT-WMBUS-16-2 water (APA 05): behind DIF 0F `| counter | x 4 | faults 2 |`, then registers of
 * a fixed length each, FF up to the end of a block, and a checksum of all from the 0F on, that
 * of EN 13757, high byte first (found here: it fits every published telegram with a 0F).
 * Register 10 is the volume in litres, 43 days in service, 41 the voltage in a scale that
 * nobody has told, 7n the volumes at n + 1 month ends, the last one first (wmbusmeters, driver
 * apator162: "monthly history"); 0 stands where the module was not there yet. Old firmware has
 * another byte in place of DIF 0F.
 */
#include "protocol/wmbus/crc.h"
#include "protocol/wmbus/translate.h"

#include <string.h>

#define VIF_UL 0x10    /* 10^-6 m3 */
#define VIF_LITRE 0x13 /* 10^-3 m3 */

/* --- pulse modules --- */

enum hyp_status hyp_apator_pulse_translate(struct hyp_translation *translation)
{
    if (translation->ci != 0xA0) {
        return HYP_NOT_MINE;
    }
    if (translation->len < 4) {
        return HYP_MALFORMED;
    }
    const int64_t pulses = (int64_t)hyp_translation_le(translation, 0, 4);
    /* Thirds have no end in decimals: rounded to the millilitre or the cubic centimetre. */
    const int64_t unit_ul = translation->meter->medium == 0x11 ? 1000000000 : 1000000;
    const int64_t microlitres = (pulses * (unit_ul / 1000) * 2 + 3) / 6;
    hyp_translation_note(translation, 0, 4, "pulses", "%lld, three a unit", (long long)pulses);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(VIF_UL), 0, 0, 0},
                        microlitres);
    return HYP_OK;
}

/* --- NA-1 --- */

#define NA1_HEAD 2
#define SECONDS_TO_2000 946684800

static enum hyp_status na1_decrypt(struct hyp_translation *translation,
                                   const struct hyp_aes_key *key)
{
    struct hyp_opening *opening = translation->opening;
    uint8_t *bytes = opening->telegram->plain + translation->offset + NA1_HEAD;
    uint8_t iv[HYP_AES_BLOCK];
    uint8_t copy[HYP_AES_BLOCK];
    memcpy(iv, opening->meter_address, HYP_WMBUS_ADDRESS);
    memset(iv + HYP_WMBUS_ADDRESS, translation->bytes[0], sizeof(iv) - HYP_WMBUS_ADDRESS);
    memcpy(copy, bytes, sizeof(copy));
    enum hyp_status status = hyp_aes_cbc_decrypt(key, iv, copy, sizeof(copy));
    if (status != HYP_OK || copy[0] != 0x2F) {
        return status != HYP_OK ? status : HYP_WRONG_KEY;
    }
    opening->pos = translation->offset + NA1_HEAD;
    hyp_opening_enter_plain(opening, HYP_AES_BLOCK, "AES-128-CBC");
    memcpy(bytes, copy, sizeof(copy));
    opening->telegram->encryption = HYP_ENCRYPTION_DECRYPTED;
    return HYP_OK;
}

static void na1_put(struct hyp_translation *translation)
{
    const uint8_t *plain = translation->bytes + NA1_HEAD;
    static const int64_t powers[] = {1, 10, 100, 1000};
    const int64_t power = powers[plain[1] >> 4 & 3];
    const int64_t reading = (int64_t)plain[4] << 20 | (int64_t)plain[3] << 12 |
                            (int64_t)plain[2] << 4 | (plain[1] & 0xF);
    const int64_t seconds = (int64_t)hyp_translation_le(translation, NA1_HEAD + 5, 4);
    const int64_t age_h = plain[9] | (plain[10] >> 2) << 8;
    const int64_t delta = (plain[10] & 3) | plain[11] << 2 | plain[12] << 10;
    struct hyp_civil now = hyp_civil_from_seconds(SECONDS_TO_2000 + seconds);
    struct hyp_civil then = hyp_civil_from_seconds(SECONDS_TO_2000 + seconds - age_h * 3600);
    const struct hyp_register age = {hyp_vib1(0x76), 0, 1, 0};
    now.precision = HYP_CIVIL_MINUTE;
    then.precision = HYP_CIVIL_MINUTE;
    hyp_translation_note(translation, NA1_HEAD, 1, "check", "2F: the key is right");
    hyp_translation_note(translation, NA1_HEAD + 1, 4, "volume", "%lld l",
                         (long long)(reading * power));
    hyp_translation_note(translation, NA1_HEAD + 5, 4, "time", "%lld s since 2000",
                         (long long)seconds);
    hyp_translation_note(translation, NA1_HEAD + 9, 4, "stored",
                         "reading of %lld h ago, %lld less", (long long)age_h,
                         (long long)delta);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(VIF_LITRE), 0, 0, 0},
                        reading * power);
    hyp_translation_put(translation, &(struct hyp_register){hyp_vib1(VIF_LITRE), 0, 1, 0},
                        (reading - delta) * power);
    hyp_translation_put_time(translation, 0, &now);
    hyp_translation_put_time(translation, 1, &then);
    hyp_translation_put(translation, &age, age_h);
}

enum hyp_status hyp_apator_na1_translate(struct hyp_translation *translation)
{
    static const struct hyp_aes_key factory = {{0}};
    struct hyp_aes_key key;
    if (translation->ci != 0xA0 && translation->ci != 0xA1) {
        return HYP_NOT_MINE;
    }
    if (translation->len < NA1_HEAD + HYP_AES_BLOCK) {
        return HYP_MALFORMED;
    }
    hyp_translation_note(translation, 0, 1, "ACC", "access number %u", translation->bytes[0]);
    translation->opening->telegram->access = translation->bytes[0];
    enum hyp_status status = HYP_WRONG_KEY;
    if (hyp_opening_key(translation->opening, translation->meter, &key)) {
        status = na1_decrypt(translation, &key);
        hyp_wipe(&key, sizeof(key));
    }
    if (status == HYP_WRONG_KEY) {
        status = na1_decrypt(translation, &factory);
    }
    if (status == HYP_OK) {
        na1_put(translation);
    } else if (status == HYP_WRONG_KEY) {
        translation->opening->telegram->encryption = HYP_ENCRYPTION_WRONG_KEY;
    }
    return status;
}

/* --- AT-WMBUS-16-2 --- */

#define REGISTERS_AT 7
#define REGISTER_END 0xFF
#define CHECKSUM 2

/* Bytes of each register; 0 = not known, where the walk has to stop. */
static const uint8_t register_lens[256] = {
    [0x00] = 4,          [0x01] = 3,           [0x10] = 4,  [0x11] = 2,  [0x40] = 6,
    [0x41] = 2,          [0x42] = 4,           [0x43] = 2,  [0x44] = 3,  [0x71] = 9,
    [0x72] = 13,         [0x73] = 17,          [0x74] = 21, [0x75] = 25, [0x76] = 29,
    [0x77] = 33,         [0x78] = 37,          [0x79] = 41, [0x7A] = 45, [0x7B] = 49,
    [0x7C] = 53,         [0x80 ... 0x84] = 10, [0x85] = 11, [0x86] = 10, [0x87] = 10,
    [0x88] = 11,         [0x8A] = 9,           [0x8B] = 6,  [0x8C] = 6,  [0x8E] = 7,
    [0x8F] = 11,         [0xA0] = 4,           [0xA1] = 4,  [0xA2] = 1,  [0xA3] = 7,
    [0xA4] = 4,          [0xA5] = 1,           [0xA6] = 3,  [0xA7] = 2,  [0xA8] = 2,
    [0xA9] = 1,          [0xAA ... 0xAD] = 2,  [0xAF] = 1,  [0xB0] = 5,  [0xB1] = 8,
    [0xB2] = 16,         [0xB3] = 8,           [0xB4] = 2,  [0xB5] = 16, [0xB6 ... 0xBF] = 3,
    [0xC0 ... 0xC7] = 3, [0xD0] = 3,           [0xD3] = 3,  [0xF0] = 4,
};

#define HISTORY_FIRST 0x71
#define HISTORY_LAST 0x7C
#define STORAGE_MONTH 17

/* `| x | 4 bytes each |` at `at`: month ends. */
static void put_history(struct hyp_translation *translation, size_t at, size_t len)
{
    for (size_t i = 0; 1 + 4 * i < len; i++) {
        const struct hyp_register reg = {hyp_vib1(VIF_LITRE), 0, (uint8_t)(STORAGE_MONTH + i),
                                         0};
        const int64_t litres = (int64_t)hyp_translation_le(translation, at + 1 + 4 * i, 4);
        if (litres == 0) {
            hyp_translation_put_absent(translation, &reg);
        } else {
            hyp_translation_put(translation, &reg, litres);
        }
    }
}

static void put_register(struct hyp_translation *translation, uint8_t number, size_t at)
{
    const struct hyp_register volume = {hyp_vib1(VIF_LITRE), 0, 0, 0};
    const struct hyp_register days = {hyp_vib1(0x27), 0, 0, 0};
    const int64_t value =
        (int64_t)hyp_translation_le(translation, at, register_lens[number] >= 4 ? 4 : 2);
    if (number >= HISTORY_FIRST && number <= HISTORY_LAST) {
        put_history(translation, at, register_lens[number]);
        return;
    }
    switch (number) {
    case 0x10: hyp_translation_put(translation, &volume, value); break;
    case 0x43: hyp_translation_put(translation, &days, value); break;
    default: break;
    }
}

/* What a register is, in words; NULL when nobody knows. */
static const char *register_text(uint8_t number)
{
    switch (number) {
    case 0x00: return "date";
    case 0x01: return "faults";
    case 0x10: return "volume, l";
    case 0x11: return "flow";
    case 0x40: return "detectors";
    case 0x41: return "voltage, scale not known";
    case 0x42: return "energy of the battery, scale not known";
    case 0x43: return "days in service";
    default: break;
    }
    return number >= HISTORY_FIRST && number <= HISTORY_LAST
               ? "volumes at month ends, l, the last one first"
               : NULL;
}

static void note_register(struct hyp_translation *translation, size_t at, uint8_t number)
{
    if (translation->opening->explain == NULL) {
        return;
    }
    const char *text = register_text(number);
    const size_t len = 1u + register_lens[number];
    hyp_translation_note(translation, at, len, "register", "%02X: %s", number,
                         text == NULL ? "meaning not known" : text);
}

/* Where the registers end: in front of the checksum, when it is right. */
static size_t registers_end(struct hyp_translation *translation)
{
    const size_t len = translation->len;
    if (len < CHECKSUM || translation->offset == 0) {
        return len;
    }
    const uint8_t *sum = translation->bytes + len - CHECKSUM;
    const uint16_t sent = (uint16_t)(sum[0] << 8 | sum[1]);
    if (hyp_wmbus_crc(translation->bytes - 1, len - CHECKSUM + 1) != sent) {
        return len;
    }
    hyp_translation_note(translation, len - CHECKSUM, CHECKSUM, "checksum",
                         "right, over all from DIF 0F on");
    return len - CHECKSUM;
}

/*
 * @whole   nothing else proves the layout: the registers must fill the bytes up to the end mark
 */
static enum hyp_status translate_registers(struct hyp_translation *translation, size_t first,
                                           bool whole)
{
    const uint8_t *bytes = translation->bytes;
    const size_t end = registers_end(translation);
    bool found = false;
    size_t at = first;
    if (end < first) {
        return HYP_NOT_MINE;
    }
    hyp_translation_note(translation, 0, first, "head", "counter, not known, faults");
    while (at < end && bytes[at] != REGISTER_END) {
        const uint8_t number = bytes[at];
        const size_t len = register_lens[number];
        if (len == 0 || at + 1 + len > end) {
            break;
        }
        note_register(translation, at, number);
        if (len >= 2) {
            put_register(translation, number, at + 1);
        }
        found = found || number == 0x10;
        at += 1 + len;
    }
    const bool filled = at >= end || bytes[at] == REGISTER_END;
    return found && (filled || !whole) ? HYP_OK : HYP_NOT_MINE;
}

enum hyp_status hyp_apator_162_translate(struct hyp_translation *translation)
{
    return translate_registers(translation, REGISTERS_AT, false);
}

/* One byte more: the one that is DIF 0F in newer firmware. */
enum hyp_status hyp_apator_162_old_translate(struct hyp_translation *translation)
{
    return translate_registers(translation, REGISTERS_AT + 1, true);
}
