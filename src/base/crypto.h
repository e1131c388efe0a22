/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few cryptographic primitives the telegram codecs need, on OpenSSL's libcrypto.
 *
 * Stateless from the outside: contexts are per thread and reused, nothing is allocated per call
 * after the first. Password hashing and secret boxes are not here (service/).
 *
 * Those that return a status: HYP_OK | INVALID (a length that is no multiple of the block) |
 * NO_MEMORY | INTERNAL (libcrypto refuses). After a failure the data is undefined.
 */
#ifndef HYP_BASE_CRYPTO_H
#define HYP_BASE_CRYPTO_H

#include "base/attr.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define HYP_AES_BLOCK 16

struct hyp_aes_key {
    uint8_t bytes[16];
};

/*
 * AES-128-CBC decryption without padding, in place.
 * @len      multiple of 16, else INVALID
 */
HYP_MUST_USE enum hyp_status hyp_aes_cbc_decrypt(const struct hyp_aes_key *key,
                                                 const uint8_t iv[static HYP_AES_BLOCK],
                                                 uint8_t *data, size_t len);
/* The reverse. */
HYP_MUST_USE enum hyp_status hyp_aes_cbc_encrypt(const struct hyp_aes_key *key,
                                                 const uint8_t iv[static HYP_AES_BLOCK],
                                                 uint8_t *data, size_t len);

/* AES-128-CTR with a 128-bit big-endian counter starting at `counter`; in place; any length. */
HYP_MUST_USE enum hyp_status hyp_aes_ctr(const struct hyp_aes_key *key,
                                         const uint8_t counter[static HYP_AES_BLOCK],
                                         uint8_t *data, size_t len);

/* AES-CMAC (RFC 4493) over `len` bytes. */
HYP_MUST_USE enum hyp_status hyp_aes_cmac(const struct hyp_aes_key *key, const uint8_t *data,
                                          size_t len, uint8_t ret_mac[static HYP_AES_BLOCK]);

/* DES-CBC decryption, for security modes 2 and 3 of old meters. @len multiple of 8. */
HYP_MUST_USE enum hyp_status hyp_des_cbc_decrypt(const uint8_t key[static 8],
                                                 const uint8_t iv[static 8], uint8_t *data,
                                                 size_t len);

/* SHA-256 (FIPS 180-4) of `len` bytes. */
void hyp_sha256(const uint8_t *data, size_t len, uint8_t ret_digest[static 32]);

/* Equal? In constant time, for MACs and tokens. */
int hyp_equal_constant_time(const uint8_t *a, const uint8_t *b, size_t len);

/* Overwrites memory that held a secret; not optimised away. */
void hyp_wipe(void *memory, size_t len);

#endif
