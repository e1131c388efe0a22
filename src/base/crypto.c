/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"

#include <openssl/aes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/*
 * One cipher context per thread and use, kept: creating one, and above all naming a cipher to
 * it (which OpenSSL 3 looks up among its providers), costs more than decrypting a telegram. A
 * used context only takes a new key. The thread's exit frees them through the key's destructor.
 */
enum use {
    USE_CBC_DECRYPT,
    USE_CBC_ENCRYPT,
    USE_CTR,
    USE_DES_DECRYPT,
    USE_COUNT,
};

struct contexts {
    EVP_CIPHER_CTX *of[USE_COUNT];
};

static pthread_key_t contexts_key;
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;

static void free_contexts(void *memory)
{
    struct contexts *contexts = memory;
    for (size_t i = 0; i < USE_COUNT; i++) {
        EVP_CIPHER_CTX_free(contexts->of[i]);
    }
    free(contexts);
}

static void make_contexts_key(void)
{
    if (pthread_key_create(&contexts_key, free_contexts) != 0) {
        OPENSSL_die("no thread key", __FILE__, __LINE__);
    }
}

static struct contexts *thread_contexts(void)
{
    (void)pthread_once(&contexts_once, make_contexts_key);
    struct contexts *contexts = pthread_getspecific(contexts_key);
    if (contexts == NULL) {
        contexts = calloc(1, sizeof(*contexts));
        if (contexts != NULL && pthread_setspecific(contexts_key, contexts) != 0) {
            free(contexts);
            contexts = NULL;
        }
    }
    return contexts;
}

static const EVP_CIPHER *cipher_of(enum use use)
{
    switch (use) {
    case USE_CBC_DECRYPT:
    case USE_CBC_ENCRYPT: return EVP_aes_128_cbc();
    case USE_CTR: return EVP_aes_128_ctr();
    case USE_DES_DECRYPT: return EVP_des_ede3_cbc();
    case USE_COUNT: break;
    }
    return NULL;
}

/* The thread's context for this use, with cipher and direction set; NULL without memory. */
static EVP_CIPHER_CTX *context_for(enum use use)
{
    struct contexts *contexts = thread_contexts();
    if (contexts == NULL || contexts->of[use] != NULL) {
        return contexts == NULL ? NULL : contexts->of[use];
    }
    const int encrypt = use == USE_CBC_ENCRYPT || use == USE_CTR;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context != NULL &&
        (EVP_CipherInit_ex(context, cipher_of(use), NULL, NULL, NULL, encrypt) != 1 ||
         EVP_CIPHER_CTX_set_padding(context, 0) != 1)) {
        EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    contexts->of[use] = context;
    return context;
}

static enum hyp_status run_cipher(enum use use, const uint8_t *key, const uint8_t *iv,
                                  uint8_t *data, size_t len)
{
    EVP_CIPHER_CTX *context = context_for(use);
    if (context == NULL) {
        return HYP_NO_MEMORY;
    }
    int written = 0;
    if (len > INT32_MAX || EVP_CipherInit_ex(context, NULL, NULL, key, iv, -1) != 1 ||
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
    return run_cipher(USE_CBC_DECRYPT, key->bytes, iv, data, len);
}

enum hyp_status hyp_aes_cbc_encrypt(const struct hyp_aes_key *key,
                                    const uint8_t iv[static HYP_AES_BLOCK], uint8_t *data,
                                    size_t len)
{
    if (len % HYP_AES_BLOCK != 0) {
        return HYP_INVALID;
    }
    return run_cipher(USE_CBC_ENCRYPT, key->bytes, iv, data, len);
}

enum hyp_status hyp_aes_ctr(const struct hyp_aes_key *key,
                            const uint8_t counter[static HYP_AES_BLOCK], uint8_t *data,
                            size_t len)
{
    return run_cipher(USE_CTR, key->bytes, counter, data, len);
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
    enum hyp_status status = run_cipher(USE_DES_DECRYPT, triple, iv, data, len);
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
