/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <pthread.h>
#include <sodium.h>

static const struct row {
    const char *name;
    const char *password;
    bool good;
} rows[] = {
    {"a sentence",            "correct horse battery",       true },
    {"exactly ten",           "abcdefghi0",                  true },
    {"nine are too few",      "abcdefghi",                   false},
    {"nothing",               "",                            false},
    {"one letter repeated",   "aaaaaaaaaaaa",                false},
    {"digits in order",       "1234567890",                  false},
    {"a keyboard row",        "QWERTYUIOP",                  false},
    {"the product's name",    "Hypocaust123",                false},
    {"the login itself",      "verylonglogin",               false},
    {"the login in capitals", "VeryLongLogin",               false},
    {"the login and more",    "verylonglogin plus",          true },
    {"any script",            "длинный пароль", true },
};

static void check(void **state)
{
    const struct row *row = *state;
    struct hyp_error err = {0};
    enum hyp_status status =
        hyp_password_check_rules(hyp_str_from(row->password), HYP_STR("verylonglogin"), &err);
    assert_int_equal(status, row->good ? HYP_OK : HYP_INVALID);
    assert_int_equal(err.text[0] == '\0', row->good);
}

static void at_most_256_bytes(void **state)
{
    char text[HYP_LIMIT_PASSWORD_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)('a' + i % 26);
    }
    struct hyp_str most = {text, HYP_LIMIT_PASSWORD_MAX};
    struct hyp_str over = {text, HYP_LIMIT_PASSWORD_MAX + 1};
    assert_int_equal(hyp_password_check_rules(most, HYP_STR("x"), NULL), HYP_OK);
    assert_int_equal(hyp_password_check_rules(over, HYP_STR("x"), NULL), HYP_INVALID);
}

static void hash_and_verify(void **state)
{
    struct hyp_hasher hasher;
    char hash[HYP_PASSWORD_HASH_MAX];
    char again[HYP_PASSWORD_HASH_MAX];
    const struct hyp_hash_cost cost = {1, 8192};
    (void)state;
    assert_int_equal(hyp_hasher_init(&hasher, &cost), HYP_OK);
    assert_int_equal(hyp_password_hash(&hasher, HYP_STR("one password"), hash), HYP_OK);
    assert_int_equal(hyp_password_hash(&hasher, HYP_STR("one password"), again), HYP_OK);
    assert_true(hyp_str_has_prefix(hyp_str_from(hash), HYP_STR("$argon2id$")));
    assert_string_not_equal(hash, again); /* salted */
    assert_int_equal(hyp_password_verify(&hasher, HYP_STR("one password"), hash), HYP_OK);
    assert_int_equal(hyp_password_verify(&hasher, HYP_STR("one passworD"), hash),
                     HYP_UNAUTHENTICATED);
    assert_int_equal(hyp_password_verify(&hasher, HYP_STR("one password"), "rubbish"),
                     HYP_UNAUTHENTICATED);
    /* A login that does not exist costs a run too and never succeeds. */
    assert_int_equal(hyp_password_verify(&hasher, HYP_STR("a login that does not exist"), NULL),
                     HYP_UNAUTHENTICATED);
    assert_int_equal(crypto_pwhash_str_needs_rehash(hasher.decoy, 1, 8192), 0);
    hyp_hasher_finish(&hasher);
}

/* With all places taken and the queue full, the next one is sent away instead of waiting. */
static void too_many_at_once(void **state)
{
    struct hyp_hasher hasher;
    char hash[HYP_PASSWORD_HASH_MAX];
    const struct hyp_hash_cost cost = {1, 8192};
    (void)state;
    assert_int_equal(hyp_hasher_init(&hasher, &cost), HYP_OK);
    hasher.running = HYP_LIMIT_HASH_AT_ONCE;
    hasher.waiting = HYP_LIMIT_HASH_WAITING;
    assert_int_equal(hyp_password_hash(&hasher, HYP_STR("one password"), hash), HYP_BUSY);
    assert_int_equal(hyp_password_verify(&hasher, HYP_STR("one password"), NULL), HYP_BUSY);
    hasher.running = HYP_LIMIT_HASH_AT_ONCE - 1;
    assert_int_equal(hyp_password_hash(&hasher, HYP_STR("one password"), hash), HYP_OK);
    assert_int_equal(hasher.running, HYP_LIMIT_HASH_AT_ONCE - 1);
    hyp_hasher_finish(&hasher);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, rows, check);
    TEST_ONE(&list, at_most_256_bytes);
    TEST_ONE(&list, hash_and_verify);
    TEST_ONE(&list, too_many_at_once);
    return test_list_run(&list, "password");
}
