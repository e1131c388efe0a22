/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secret: keys of meters and passwords of lines, closed in boxes before they reach the disk.
 *
 * One key of 32 random bytes per data folder, in the file secret.key (mode 0600), made at the
 * first start. A box is a nonce of 24 bytes and libsodium's secretbox. Whoever has the
 * database without the key file has no secret; whoever has both has all of them.
 */
#ifndef HYP_STORE_SECRET_H
#define HYP_STORE_SECRET_H

#include "base/buf.h"
#include "base/rng.h"
#include "base/status.h"

#include <stdbool.h>

#define HYP_SECRET_KEY_BYTES 32
#define HYP_SECRET_BOX_EXTRA 40 /* nonce and check bytes of a box */
#define HYP_SECRET_FILE "secret.key"

struct hyp_secret {
    uint8_t key[HYP_SECRET_KEY_BYTES];
};

/* Prepares libsodium; once per process, any number of times. HYP_OK | INTERNAL */
HYP_MUST_USE enum hyp_status hyp_secret_start(void);

/*
 * Reads the key file.
 * Returns   HYP_OK | NOT_FOUND (no such file) | IO | CORRUPT (wrong size)
 */
HYP_MUST_USE enum hyp_status hyp_secret_load(const char *folder, struct hyp_secret *ret_secret,
                                             struct hyp_error *err);
/* Makes a new key and its file; it is on disk when this returns. HYP_OK | EXISTS | IO | FULL */
HYP_MUST_USE enum hyp_status hyp_secret_create(const char *folder, struct hyp_rng *rng,
                                               struct hyp_secret *ret_secret,
                                               struct hyp_error *err);
/* Overwrites the key; the compiler cannot leave it out. */
void hyp_secret_wipe(struct hyp_secret *secret);

struct hyp_db;
/*
 * Is it the key that the store in `main` closes with?
 * Returns   HYP_OK | NOT_FOUND (nothing was closed yet) | WRONG_KEY | as a query
 */
HYP_MUST_USE enum hyp_status hyp_secret_check(struct hyp_db *main,
                                              const struct hyp_secret *secret);

/*
 * Closes `len` bytes in a box.
 * @box      len + HYP_SECRET_BOX_EXTRA bytes
 */
void hyp_secret_seal(const struct hyp_secret *secret, struct hyp_rng *rng, const uint8_t *data,
                     size_t len, uint8_t *box);
/*
 * Opens a box.
 * @capacity of out
 * Returns   HYP_OK | WRONG_KEY (or changed bytes) | LIMIT (does not fit)
 */
HYP_MUST_USE enum hyp_status hyp_secret_open(const struct hyp_secret *secret,
                                             const uint8_t *box, size_t box_len, uint8_t *out,
                                             size_t capacity, size_t *ret_len);

#endif
