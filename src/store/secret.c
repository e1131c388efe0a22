/* SPDX-License-Identifier: Apache-2.0 */
#include "store/secret.h"

#include "base/crypto.h"
#include "store/db.h"
#include "store/folder.h"
#include "store/layout.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static_assert(crypto_secretbox_KEYBYTES == HYP_SECRET_KEY_BYTES, "size of a key");
static_assert(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES == HYP_SECRET_BOX_EXTRA,
              "what a box adds");

#define NONCE crypto_secretbox_NONCEBYTES

enum hyp_status hyp_secret_start(void)
{
    return sodium_init() < 0 ? HYP_INTERNAL : HYP_OK;
}

enum hyp_status hyp_secret_load(const char *folder, struct hyp_secret *ret_secret,
                                struct hyp_error *err)
{
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, folder, HYP_SECRET_FILE, err);
    if (status != HYP_OK) {
        return status;
    }
    int fd = open(path.text, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return hyp_error_set_code(err, errno == ENOENT ? HYP_NOT_FOUND : HYP_IO,
                                  HYP_ERROR_ERRNO, errno, "%s: cannot be read", path.text);
    }
    uint8_t bytes[HYP_SECRET_KEY_BYTES + 1];
    ssize_t got = read(fd, bytes, sizeof(bytes));
    close(fd);
    if (got == HYP_SECRET_KEY_BYTES) {
        memcpy(ret_secret->key, bytes, HYP_SECRET_KEY_BYTES);
    }
    hyp_wipe(bytes, sizeof(bytes));
    if (got != HYP_SECRET_KEY_BYTES) {
        return hyp_error_set(err, got < 0 ? HYP_IO : HYP_CORRUPT, -1,
                             "%s: must hold exactly %d bytes; restore it from a backup",
                             path.text, HYP_SECRET_KEY_BYTES);
    }
    return HYP_OK;
}

enum hyp_status hyp_secret_create(const char *folder, struct hyp_rng *rng,
                                  struct hyp_secret *ret_secret, struct hyp_error *err)
{
    struct hyp_path path;
    enum hyp_status status = hyp_path_join(&path, folder, HYP_SECRET_FILE, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_secret secret;
    hyp_rng_fill(rng, secret.key, sizeof(secret.key));
    status = hyp_file_create(path.text, secret.key, sizeof(secret.key), err);
    if (status == HYP_OK) {
        status = hyp_folder_sync(folder, err);
    }
    if (status == HYP_OK) {
        *ret_secret = secret;
    }
    hyp_secret_wipe(&secret);
    return status;
}

void hyp_secret_wipe(struct hyp_secret *secret)
{
    hyp_wipe(secret->key, sizeof(secret->key));
}

void hyp_secret_seal(const struct hyp_secret *secret, struct hyp_rng *rng, const uint8_t *data,
                     size_t len, uint8_t *box)
{
    hyp_rng_fill(rng, box, NONCE);
    /* Cannot fail: the length is far below libsodium's limit. */
    crypto_secretbox_easy(box + NONCE, data, len, box, secret->key);
}

enum hyp_status hyp_secret_open(const struct hyp_secret *secret, const uint8_t *box,
                                size_t box_len, uint8_t *out, size_t capacity, size_t *ret_len)
{
    if (box_len < HYP_SECRET_BOX_EXTRA) {
        return HYP_WRONG_KEY;
    }
    size_t len = box_len - HYP_SECRET_BOX_EXTRA;
    if (len > capacity) {
        return HYP_LIMIT;
    }
    if (crypto_secretbox_open_easy(out, box + NONCE, box_len - NONCE, box, secret->key) != 0) {
        return HYP_WRONG_KEY;
    }
    *ret_len = len;
    return HYP_OK;
}

enum hyp_status hyp_secret_check(struct hyp_db *main, const struct hyp_secret *secret)
{
    struct hyp_query query;
    hyp_query_open(&query, main, "SELECT data FROM setting WHERE name = $1");
    hyp_query_bind_text(&query, HYP_SECRET_CHECK_NAME);
    enum hyp_status found = HYP_NOT_FOUND;
    if (hyp_query_row(&query)) {
        struct hyp_str box = hyp_query_blob(&query);
        uint8_t text[sizeof(HYP_SECRET_CHECK_TEXT)];
        size_t len;
        found = hyp_secret_open(secret, (const uint8_t *)box.ptr, box.len, text, sizeof(text),
                                &len) == HYP_OK
                    ? HYP_OK
                    : HYP_WRONG_KEY;
    }
    enum hyp_status status = hyp_query_close(&query);
    return status == HYP_OK ? found : status;
}
