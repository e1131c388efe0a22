/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors: NIST SP 800-38A (F.2.1, F.5.1), RFC 4493, FIPS 180-4. */
#include "base/crypto.h"
#include "base/str.h"

#include "support/rows.h"

#include <stdio.h>

static struct hyp_aes_key nist_key(void)
{
    struct hyp_aes_key key;
    size_t len = 0;
    assert_int_equal(hyp_hex_decode(HYP_STR("2b7e151628aed2a6abf7158809cf4f3c"), key.bytes,
                                    sizeof(key.bytes), &len, NULL),
                     HYP_OK);
    return key;
}

static size_t from_hex(const char *hex, uint8_t *out, size_t capacity)
{
    size_t len = 0;
    assert_int_equal(hyp_hex_decode(hyp_str_from(hex), out, capacity, &len, NULL), HYP_OK);
    return len;
}

static const char plain_hex[] =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

static void cbc_both_ways(void **state)
{
    (void)state;
    struct hyp_aes_key key = nist_key();
    uint8_t iv[16];
    uint8_t plain[64];
    uint8_t data[64];
    uint8_t cipher[64];
    from_hex("000102030405060708090a0b0c0d0e0f", iv, sizeof(iv));
    from_hex(plain_hex, plain, sizeof(plain));
    from_hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
             "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
             cipher, sizeof(cipher));
    memcpy(data, plain, sizeof(data));
    assert_int_equal(hyp_aes_cbc_encrypt(&key, iv, data, sizeof(data)), HYP_OK);
    assert_memory_equal(data, cipher, sizeof(data));
    assert_int_equal(hyp_aes_cbc_decrypt(&key, iv, data, sizeof(data)), HYP_OK);
    assert_memory_equal(data, plain, sizeof(data));
    assert_int_equal(hyp_aes_cbc_decrypt(&key, iv, data, 0), HYP_OK);
    assert_int_equal(hyp_aes_cbc_decrypt(&key, iv, data, 15), HYP_INVALID);
}

static void ctr_of_any_length(void **state)
{
    (void)state;
    struct hyp_aes_key key = nist_key();
    uint8_t counter[16];
    uint8_t plain[64];
    uint8_t cipher[64];
    from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", counter, sizeof(counter));
    from_hex(plain_hex, plain, sizeof(plain));
    from_hex("874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
             "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
             cipher, sizeof(cipher));
    for (size_t len = 0; len <= sizeof(plain); len++) {
        uint8_t data[64];
        memcpy(data, cipher, sizeof(data));
        assert_int_equal(hyp_aes_ctr(&key, counter, data, len), HYP_OK);
        if (len > 0) {
            assert_memory_equal(data, plain, len);
        }
        if (len < sizeof(plain)) {
            assert_memory_equal(data + len, cipher + len, sizeof(plain) - len);
        }
    }
}

struct cmac_row {
    const char *name;
    size_t len;
    const char *mac;
};

static const struct cmac_row cmac_rows[] = {
    {"cmac of nothing",  0,  "bb1d6929e95937287fa37d129b756746"},
    {"cmac of 16 bytes", 16, "070a16b46b4d4144f79bdd9dd04a287c"},
    {"cmac of 40 bytes", 40, "dfa66747de9ae63030ca32611497c827"},
    {"cmac of 64 bytes", 64, "51f0bebf7e3b9d92fc49741779363cfe"},
};

static void check_cmac(void **state)
{
    const struct cmac_row *row = *state;
    struct hyp_aes_key key = nist_key();
    uint8_t plain[64];
    uint8_t expected[16];
    uint8_t mac[16];
    from_hex(plain_hex, plain, sizeof(plain));
    from_hex(row->mac, expected, sizeof(expected));
    assert_int_equal(hyp_aes_cmac(&key, plain, row->len, mac), HYP_OK);
    assert_memory_equal(mac, expected, sizeof(mac));
}

static void sha256_of_abc(void **state)
{
    (void)state;
    uint8_t digest[32];
    uint8_t expected[32];
    from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", expected, 32);
    hyp_sha256((const uint8_t *)"abc", 3, digest);
    assert_memory_equal(digest, expected, 32);
}

static void des_cbc_vector(void **state)
{
    (void)state;
    /* FIPS 81, table C1: key 0123456789abcdef, "Now is the time for all ". */
    uint8_t key[8];
    uint8_t iv[8];
    uint8_t data[24];
    from_hex("0123456789abcdef", key, sizeof(key));
    from_hex("1234567890abcdef", iv, sizeof(iv));
    from_hex("e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6", data, sizeof(data));
    enum hyp_status status = hyp_des_cbc_decrypt(key, iv, data, sizeof(data));
    if (status == HYP_UNSUPPORTED) {
        TEST_SKIP("this libcrypto offers no DES");
    }
    assert_int_equal(status, HYP_OK);
    assert_memory_equal(data, "Now is the time for all ", sizeof(data));
    assert_int_not_equal(hyp_des_cbc_decrypt(key, iv, data, 7), HYP_OK);
}

static void comparing_and_wiping(void **state)
{
    (void)state;
    uint8_t a[4] = {1, 2, 3, 4};
    uint8_t b[4] = {1, 2, 3, 5};
    assert_true(hyp_equal_constant_time(a, b, 3));
    assert_false(hyp_equal_constant_time(a, b, 4));
    hyp_wipe(a, sizeof(a));
    assert_int_equal(a[0] | a[1] | a[2] | a[3], 0);
}

int main(void)
{
    static struct test_list list;
    TEST_ONE(&list, cbc_both_ways);
    TEST_ONE(&list, ctr_of_any_length);
    TEST_ROWS(&list, cmac_rows, check_cmac);
    TEST_ONE(&list, sha256_of_abc);
    TEST_ONE(&list, des_cbc_vector);
    TEST_ONE(&list, comparing_and_wiping);
    return test_list_run(&list, "crypto");
}
