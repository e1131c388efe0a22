/* SPDX-License-Identifier: Apache-2.0 */
#include "service/password.h"

#include "base/buf.h"
#include "base/limits.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/*
 * Defaults: 32 MiB and 3 passes; above OWASP's least (19 MiB, 2 passes) and small enough that
 * two runs fit a small machine.
 */
#define DEFAULT_OPERATIONS 3
#define DEFAULT_MEMORY (32u * 1024 * 1024)

/* The handful that guessers try first and that pass the length rule. */
static const char *const common_passwords[] = {
    "1234567890",   "0123456789",    "12345678910",  "123456789012",    "password123",
    "password1234", "passw0rd123",   "qwertyuiop",   "qwerty12345",     "1q2w3e4r5t",
    "adminadmin",   "administrator", "admin12345",   "changeme123",     "iloveyou123",
    "letmein12345", "hypocaust1",    "hypocaust123", "districtheating", "fernwaerme",
};

static_assert(crypto_pwhash_STRBYTES <= HYP_PASSWORD_HASH_MAX, "hash text fits");

/*
 * What the passwords of unknown logins are compared with: a hash of the same cost, which no
 * password gives. Written, not computed: a run at the start would be half of a cold start.
 */
static void write_decoy(struct hyp_hasher *hasher)
{
    /* Base64 of 16 bytes of salt and 32 of hash, all zero. */
    static const char salt[] = "AAAAAAAAAAAAAAAAAAAAAA";
    static const char digest[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, hasher->decoy, sizeof(hasher->decoy));
    hyp_buf_append_fmt(&buf, "$argon2id$v=19$m=%zu,t=%llu,p=1$%s$%s",
                       hasher->cost.memory_bytes / 1024,
                       (unsigned long long)hasher->cost.operations, salt, digest);
    hyp_buf_terminate(&buf);
}

enum hyp_status hyp_hasher_init(struct hyp_hasher *hasher, const struct hyp_hash_cost *cost)
{
    *hasher = (struct hyp_hasher){.cost = *cost};
    if (sodium_init() < 0) {
        return HYP_INTERNAL;
    }
    if (hasher->cost.operations == 0) {
        hasher->cost.operations = DEFAULT_OPERATIONS;
    }
    if (hasher->cost.memory_bytes == 0) {
        hasher->cost.memory_bytes = DEFAULT_MEMORY;
    }
    pthread_mutex_init(&hasher->lock, NULL);
    pthread_cond_init(&hasher->freed, NULL);
    write_decoy(hasher);
    return HYP_OK;
}

void hyp_hasher_finish(struct hyp_hasher *hasher)
{
    pthread_cond_destroy(&hasher->freed);
    pthread_mutex_destroy(&hasher->lock);
}

static bool is_one_char(struct hyp_str text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] != text.ptr[0]) {
            return false;
        }
    }
    return true;
}

enum hyp_status hyp_password_check_rules(struct hyp_str password, struct hyp_str login,
                                         struct hyp_error *err)
{
    if (password.len < HYP_LIMIT_PASSWORD_MIN) {
        return hyp_error_set(err, HYP_INVALID, -1, "The password needs at least %d characters.",
                             HYP_LIMIT_PASSWORD_MIN);
    }
    if (password.len > HYP_LIMIT_PASSWORD_MAX) {
        return hyp_error_set(err, HYP_INVALID, -1, "The password may have at most %d bytes.",
                             HYP_LIMIT_PASSWORD_MAX);
    }
    if (hyp_str_equal_nocase(password, login)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "The password must not be the user name. Choose another one.");
    }
    bool common = is_one_char(password);
    for (size_t i = 0; i < HYP_ARRAY_LEN(common_passwords); i++) {
        common = common || hyp_str_equal_nocase(password, hyp_str_from(common_passwords[i]));
    }
    if (common) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "This password is easy to guess. Choose another one.");
    }
    return HYP_OK;
}

static enum hyp_status enter(struct hyp_hasher *hasher)
{
    enum hyp_status status = HYP_OK;
    pthread_mutex_lock(&hasher->lock);
    if (hasher->running >= HYP_LIMIT_HASH_AT_ONCE &&
        hasher->waiting >= HYP_LIMIT_HASH_WAITING) {
        status = HYP_BUSY;
    } else {
        hasher->waiting++;
        while (hasher->running >= HYP_LIMIT_HASH_AT_ONCE) {
            pthread_cond_wait(&hasher->freed, &hasher->lock);
        }
        hasher->waiting--;
        hasher->running++;
    }
    pthread_mutex_unlock(&hasher->lock);
    return status;
}

static void leave(struct hyp_hasher *hasher)
{
    pthread_mutex_lock(&hasher->lock);
    hasher->running--;
    pthread_cond_signal(&hasher->freed);
    pthread_mutex_unlock(&hasher->lock);
}

enum hyp_status hyp_password_hash(struct hyp_hasher *hasher, struct hyp_str password,
                                  char ret_hash[static HYP_PASSWORD_HASH_MAX])
{
    enum hyp_status status = enter(hasher);
    if (status != HYP_OK) {
        return status;
    }
    char hash[HYP_PASSWORD_HASH_MAX] = {0};
    int failed =
        crypto_pwhash_str_alg(hash, password.ptr, password.len, hasher->cost.operations,
                              hasher->cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
    leave(hasher);
    if (failed != 0) {
        return HYP_NO_MEMORY;
    }
    memcpy(ret_hash, hash, sizeof(hash));
    return HYP_OK;
}

enum hyp_status hyp_password_verify(struct hyp_hasher *hasher, struct hyp_str password,
                                    const char *hash)
{
    enum hyp_status status = enter(hasher);
    if (status != HYP_OK) {
        return status;
    }
    const char *against = hash == NULL ? hasher->decoy : hash;
    int failed = crypto_pwhash_str_verify(against, password.ptr, password.len);
    leave(hasher);
    return failed == 0 && hash != NULL ? HYP_OK : HYP_UNAUTHENTICATED;
}
