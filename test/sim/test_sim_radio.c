/* SPDX-License-Identifier: Apache-2.0 */
/* Radio telegrams opened again by hand, layer by layer. */
#include "town_fixture.h"

#include "sim/crc.h"
#include "sim/radio.h"

static uint16_t le16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static struct sim_telegram send(struct sim_town *town, struct sim_device *device, bool full)
{
    struct sim_telegram telegram;
    device->with_crc = false;
    assert_int_equal(sim_radio_send(device, &town->climate, TEST_NOW_MS, full, &telegram),
                     HYP_OK);
    assert_int_equal(telegram.bytes[0], telegram.len - 1);
    assert_int_equal(telegram.bytes[1], 0x44);
    return telegram;
}

/* The records a meter sends now, from its writer. */
static struct sim_apdu records_of(struct sim_town *town, struct sim_device *device)
{
    struct sim_moment moment;
    struct sim_apdu apdu;
    sim_moment_init(&moment, &device->meter, &town->climate, device->peaks, TEST_NOW_MS);
    sim_apdu_init(&apdu);
    device->make->write(&moment, 0, &apdu);
    return apdu;
}

/* Opens `8D CC ACC SN | PLCRC ..`; returns whether the check fits. */
static bool open_ell(struct sim_telegram *telegram, const struct hyp_aes_key *key)
{
    uint8_t counter[HYP_AES_BLOCK] = {0};
    assert_int_equal(telegram->bytes[10], 0x8D);
    memcpy(counter, telegram->bytes + 2, 8);
    counter[8] = telegram->bytes[11] & 0xED; /* without hop and repeated access */
    memcpy(counter + 9, telegram->bytes + 13, 4);
    assert_int_equal(telegram->bytes[16] >> 5, 1);
    assert_int_equal(hyp_aes_ctr(key, counter, telegram->bytes + 17, telegram->len - 17),
                     HYP_OK);
    return le16(telegram->bytes + 17) ==
           sim_crc_en13757(telegram->bytes + 19, telegram->len - 19);
}

static void ell_frames_open_with_the_key(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    unsigned hops = 0;
    for (size_t i = 0; i < town->device_count; i++) {
        struct sim_device *device = &town->devices[i];
        if (device->wrap != SIM_WRAP_ELL_CTR) {
            continue;
        }
        struct sim_apdu apdu = records_of(town, device);
        struct sim_telegram full = send(town, device, false);
        hops += (full.bytes[11] & 0x10) != 0;
        assert_true(open_ell(&full, &device->key));
        assert_int_equal(full.bytes[19], 0x78);
        assert_int_equal(full.len - 20, apdu.len);
        assert_memory_equal(full.bytes + 20, apdu.bytes, apdu.len);

        struct sim_telegram compact = send(town, device, false);
        uint8_t expect[SIM_APDU_BYTES + 4];
        size_t len = sim_radio_compact(&apdu, expect);
        assert_true(open_ell(&compact, &device->key));
        assert_int_equal(compact.bytes[19], 0x79);
        assert_int_equal(compact.len - 20, len);
        assert_memory_equal(compact.bytes + 20, expect, len);
    }
    assert_in_range(hops, 3, 20);
    sim_town_destroy(town);
}

static void one_telegram_in_eight_is_full(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    struct sim_device *device = test_device(town, SIM_MAKE_RADIO_FLOWIQ, 0);
    for (unsigned i = 0; i < 24; i++) {
        struct sim_telegram telegram = send(town, device, false);
        assert_true(open_ell(&telegram, &device->key));
        assert_int_equal(telegram.bytes[19], i % 8 == 0 ? 0x78 : 0x79);
    }
    struct sim_telegram wanted = send(town, device, true);
    wanted = send(town, device, true);
    assert_true(open_ell(&wanted, &device->key));
    assert_int_equal(wanted.bytes[19], 0x78);
    sim_town_destroy(town);
}

/* Opens mode 5 behind a header whose CFG is at `cfg`; returns whether 2F 2F comes out. */
static bool open_mode_5(struct sim_telegram *telegram, size_t cfg, const uint8_t address[8],
                        const struct hyp_aes_key *key)
{
    uint8_t iv[HYP_AES_BLOCK];
    uint16_t config = le16(telegram->bytes + cfg);
    size_t encrypted = (config >> 4 & 0xFu) * HYP_AES_BLOCK;
    assert_int_equal(config >> 8 & 0x1F, 5);
    assert_int_equal(encrypted, telegram->len - cfg - 2);
    memcpy(iv, address, 8);
    memset(iv + 8, telegram->bytes[cfg - 2], 8);
    assert_int_equal(hyp_aes_cbc_decrypt(key, iv, telegram->bytes + cfg + 2, encrypted),
                     HYP_OK);
    return telegram->bytes[cfg + 2] == 0x2F && telegram->bytes[cfg + 3] == 0x2F;
}

static void short_headers_open_with_the_link_address(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    struct sim_device *device = test_device(town, SIM_MAKE_RADIO_HYDRUS, 0);
    struct sim_apdu apdu = records_of(town, device);
    struct sim_telegram telegram = send(town, device, false);
    assert_int_equal(telegram.bytes[10], 0x7A);
    assert_true(open_mode_5(&telegram, 13, telegram.bytes + 2, &device->key));
    assert_memory_equal(telegram.bytes + 17, apdu.bytes, apdu.len);
    for (size_t i = 17 + apdu.len; i < telegram.len; i++) {
        assert_int_equal(telegram.bytes[i], 0x2F);
    }
    sim_town_destroy(town);
}

/* The order trap: ID M VER MED in the header, M ID VER MED in the IV; not the adapter's. */
static void long_headers_open_with_the_meters_address(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    struct sim_device *device = test_device(town, SIM_MAKE_RADIO_ZELSIUS, 0);
    struct sim_telegram telegram = send(town, device, false);
    const uint8_t *header = telegram.bytes + 11;
    assert_int_equal(telegram.bytes[10], 0x72);
    assert_int_equal(telegram.bytes[9], 0x37);
    assert_true(memcmp(telegram.bytes + 4, header, 4) != 0);
    const uint8_t address[8] = {header[4], header[5], header[0], header[1],
                                header[2], header[3], header[6], header[7]};
    assert_true(open_mode_5(&telegram, 21, address, &device->key));
    sim_town_destroy(town);
}

static void plain_telegrams_show_their_records(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    static const struct {
        enum sim_make_id make;
        uint8_t ci;
        size_t at; /* of the records */
    } rows[] = {
        {SIM_MAKE_RADIO_SONTEX868, 0x78, 11},
        {SIM_MAKE_RADIO_QCALORIC,  0x7A, 15},
        {SIM_MAKE_RADIO_OMNIPOWER, 0x7A, 15}
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_device *device = test_device(town, rows[i].make, 0);
        struct sim_apdu apdu = records_of(town, device);
        struct sim_telegram telegram = send(town, device, false);
        assert_int_equal(telegram.bytes[10], rows[i].ci);
        assert_int_equal(telegram.len, rows[i].at + apdu.len);
        assert_memory_equal(telegram.bytes + rows[i].at, apdu.bytes, apdu.len);
    }
    sim_town_destroy(town);
}

static void a_wrong_key_does_not_open(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, SIM_FAULT_WRONG_KEY);
    unsigned closed = 0;
    for (unsigned i = 0; i < 15; i++) {
        struct sim_device *device = test_device(town, SIM_MAKE_RADIO_SENSOSTAR, i);
        struct sim_telegram telegram = send(town, device, false);
        bool opens = open_mode_5(&telegram, 13, telegram.bytes + 2, &device->key);
        assert_int_equal(opens, !device->meter.defects.wrong_key);
        closed += !opens;
    }
    assert_int_equal(closed, 1);
    sim_town_destroy(town);
}

static void every_telegram_fits_its_length_byte(void **state)
{
    (void)state;
    struct sim_town *town = test_town(3, SIM_FAULT_ALL);
    for (size_t i = 0; i < town->device_count; i++) {
        struct sim_device *device = &town->devices[i];
        if (device->wrap == SIM_WRAP_WIRED) {
            continue;
        }
        struct sim_telegram telegram;
        assert_int_equal(sim_radio_send(device, &town->climate, TEST_NOW_MS, true, &telegram),
                         HYP_OK);
        size_t l = telegram.bytes[0];
        size_t crcs = device->with_crc ? 2 * (1 + (l - 9 + 15) / 16) : 0;
        assert_int_equal(telegram.len, l + 1 + crcs);
    }
    sim_town_destroy(town);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, ell_frames_open_with_the_key);
    TEST_ONE(&list, one_telegram_in_eight_is_full);
    TEST_ONE(&list, short_headers_open_with_the_link_address);
    TEST_ONE(&list, long_headers_open_with_the_meters_address);
    TEST_ONE(&list, plain_telegrams_show_their_records);
    TEST_ONE(&list, a_wrong_key_does_not_open);
    TEST_ONE(&list, every_telegram_fits_its_length_byte);
    return test_list_run(&list, "sim-radio");
}
