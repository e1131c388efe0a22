/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"

#include <openssl/aes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <string.h>

/*
 * One cipher context per thread: creating one costs more than decrypting a telegram. The
 * thread's exit frees it through the key's destructor.
 */
static pthread_key_t context_key;
static pthread_once_t context_once = PTHREAD_ONCE_INIT;

static void free_context(void *context)
{
    EVP_CIPHER_CTX_free(context);
}

static void make_context_key(void)
{
    if (pthread_key_create(&context_key, free_context) != 0) {
        OPENSSL_die("no thread key", __FILE__, __LINE__);
    }
}

static EVP_CIPHER_CTX *thread_context(void)
{
    (void)pthread_once(&context_once, make_context_key);
    EVP_CIPHER_CTX *context = pthread_getspecific(context_key);
    if (context == NULL) {
        context = EVP_CIPHER_CTX_new();
        if (context != NULL && pthread_setspecific(context_key, context) != 0) {
            EVP_CIPHER_CTX_free(context);
            context = NULL;
        }
    }
    return context;
}

static enum hyp_status run_cipher(const EVP_CIPHER *cipher, const uint8_t *key,
                                  const uint8_t *iv, int encrypt, uint8_t *data, size_t len)
{
    EVP_CIPHER_CTX *context = thread_context();
    if (context == NULL) {
        return HYP_NO_MEMORY;
    }
    int written = 0;
    if (len > INT32_MAX || EVP_CipherInit_ex(context, cipher, NULL, key, iv, encrypt) != 1 ||
        EVP_CIPHER_CTX_set_padding(context, 0) != 1 ||
        EVP_CipherUpdate(context, data, &written, data, (int)len) != 1) {
        return HYP_INTERNAL;
    }
    return HYP_OK;
}

enum hyp_status hyp_aes_cbc_decrypt(const struct hyp_aes_key *key,
                                    const uint8_t iv[static HYP_AES_BLOCK], uint8_t *data,
                                    size_t len)
{
    if (len % HYP_AES_BLOCK != 0) {
        return HYP_INVALID;
    }
    return run_cipher(EVP_aes_128_cbc(), key->bytes, iv, 0, data, len);
}

enum hyp_status hyp_aes_cbc_encrypt(const struct hyp_aes_key *key,
                                    const uint8_t iv[static HYP_AES_BLOCK], uint8_t *data,
                                    size_t len)
{
    if (len % HYP_AES_BLOCK != 0) {
        return HYP_INVALID;
    }
    return run_cipher(EVP_aes_128_cbc(), key->bytes, iv, 1, data, len);
}

enum hyp_status hyp_aes_ctr(const struct hyp_aes_key *key,
                            const uint8_t counter[static HYP_AES_BLOCK], uint8_t *data,
                            size_t len)
{
    return run_cipher(EVP_aes_128_ctr(), key->bytes, counter, 1, data, len);
}

/* RFC 4493 subkey step: shift left by one bit, fold the carry in with 0x87. */
static void double_block(uint8_t block[static HYP_AES_BLOCK])
{
    uint8_t carry = block[0] >> 7;
    for (size_t i = 0; i < HYP_AES_BLOCK - 1; i++) {
        block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
    }
    block[HYP_AES_BLOCK - 1] = (uint8_t)(block[HYP_AES_BLOCK - 1] << 1);
    if (carry != 0) {
        block[HYP_AES_BLOCK - 1] ^= 0x87;
    }
}

static void xor_into(uint8_t *target, const uint8_t *source, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        target[i] ^= source[i];
    }
}

enum hyp_status hyp_aes_cmac(const struct hyp_aes_key *key, const uint8_t *data, size_t len,
                             uint8_t ret_mac[static HYP_AES_BLOCK])
{
    static const uint8_t zero_iv[HYP_AES_BLOCK] = {0};
    uint8_t subkey[HYP_AES_BLOCK] = {0};
    enum hyp_status status = hyp_aes_cbc_encrypt(key, zero_iv, subkey, sizeof(subkey));
    double_block(subkey);
    uint8_t mac[HYP_AES_BLOCK] = {0};
    while (status == HYP_OK && len > HYP_AES_BLOCK) {
        xor_into(mac, data, HYP_AES_BLOCK);
        status = hyp_aes_cbc_encrypt(key, zero_iv, mac, sizeof(mac));
        data += HYP_AES_BLOCK;
        len -= HYP_AES_BLOCK;
    }
    if (status != HYP_OK) {
        return status;
    }
    if (len > 0) {
        xor_into(mac, data, len);
    }
    if (len < HYP_AES_BLOCK) {
        mac[len] ^= 0x80;
        double_block(subkey);
    }
    xor_into(mac, subkey, sizeof(subkey));
    status = hyp_aes_cbc_encrypt(key, zero_iv, mac, sizeof(mac));
    if (status == HYP_OK) {
        memcpy(ret_mac, mac, sizeof(mac));
    }
    return status;
}

/*
 * Single DES lives in OpenSSL 3's legacy provider, which is not always installed; triple DES
 * with three equal keys is the same function and lives in the default provider.
 */
enum hyp_status hyp_des_cbc_decrypt(const uint8_t key[static 8], const uint8_t iv[static 8],
                                    uint8_t *data, size_t len)
{
    if (len % 8 != 0) {
        return HYP_INVALID;
    }
    uint8_t triple[24];
    for (size_t i = 0; i < sizeof(triple); i++) {
        triple[i] = key[i % 8];
    }
    enum hyp_status status = run_cipher(EVP_des_ede3_cbc(), triple, iv, 0, data, len);
    hyp_wipe(triple, sizeof(triple));
    return status;
}

void hyp_sha256(const uint8_t *data, size_t len, uint8_t ret_digest[static 32])
{
    (void)SHA256(data, len, ret_digest);
}

int hyp_equal_constant_time(const uint8_t *a, const uint8_t *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void hyp_wipe(void *memory, size_t len)
{
    OPENSSL_cleanse(memory, len);
}
