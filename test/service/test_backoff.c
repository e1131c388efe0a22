/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static struct hyp_backoff backoff;

static const struct row {
    const char *name;
    enum hyp_backoff_kind kind;
    int failures;
    int64_t wait_s; /* after the last one */
} rows[] = {
    {"a first failure is free",         HYP_BACKOFF_LOGIN,   1,    0  },
    {"a second one too",                HYP_BACKOFF_LOGIN,   2,    0  },
    {"the third costs a second",        HYP_BACKOFF_LOGIN,   3,    1  },
    {"the fourth two",                  HYP_BACKOFF_LOGIN,   4,    2  },
    {"the eighth half a minute",        HYP_BACKOFF_LOGIN,   8,    32 },
    {"the cap is a quarter of an hour", HYP_BACKOFF_LOGIN,   13,   900},
    {"and stays",                       HYP_BACKOFF_LOGIN,   1000, 900},
    {"an address may fail more often",  HYP_BACKOFF_ADDRESS, 9,    0  },
    {"but not for ever",                HYP_BACKOFF_ADDRESS, 10,   1  },
};

static void check(void **state)
{
    const struct row *row = *state;
    hyp_utc now = {TEST_START_MS};
    int64_t wait_ms = 0;
    backoff = (struct hyp_backoff){0};
    for (int i = 0; i < row->failures; i++) {
        wait_ms = hyp_backoff_fail(&backoff, row->kind, HYP_STR("mallory"), now);
    }
    assert_int_equal(wait_ms, row->wait_s * 1000);
    assert_int_equal(hyp_backoff_wait_ms(&backoff, row->kind, HYP_STR("mallory"), now),
                     row->wait_s * 1000);
    /* Half of the wait later half of it is left; other names are not concerned. */
    now.ms += row->wait_s * 500;
    assert_int_equal(hyp_backoff_wait_ms(&backoff, row->kind, HYP_STR("mallory"), now),
                     row->wait_s * 500);
    assert_int_equal(hyp_backoff_wait_ms(&backoff, row->kind, HYP_STR("alice"), now), 0);
    hyp_backoff_clear(&backoff, row->kind, HYP_STR("mallory"));
    assert_int_equal(hyp_backoff_wait_ms(&backoff, row->kind, HYP_STR("mallory"), now), 0);
}

static void login_and_address_are_apart(void **state)
{
    hyp_utc now = {TEST_START_MS};
    (void)state;
    backoff = (struct hyp_backoff){0};
    for (int i = 0; i < 5; i++) {
        hyp_backoff_fail(&backoff, HYP_BACKOFF_LOGIN, HYP_STR("10.0.0.1"), now);
    }
    assert_int_equal(
        hyp_backoff_wait_ms(&backoff, HYP_BACKOFF_ADDRESS, HYP_STR("10.0.0.1"), now), 0);
}

static void a_day_later_it_is_forgotten(void **state)
{
    hyp_utc now = {TEST_START_MS};
    (void)state;
    backoff = (struct hyp_backoff){0};
    for (int i = 0; i < 20; i++) {
        hyp_backoff_fail(&backoff, HYP_BACKOFF_LOGIN, HYP_STR("bob"), now);
    }
    now.ms += 25LL * 3600 * 1000;
    assert_int_equal(hyp_backoff_fail(&backoff, HYP_BACKOFF_LOGIN, HYP_STR("bob"), now), 0);
}

static void survives_saving(void **state)
{
    struct hyp_buf blob;
    hyp_utc now = {TEST_START_MS};
    static struct hyp_backoff loaded;
    (void)state;
    backoff = (struct hyp_backoff){0};
    for (int i = 0; i < 6; i++) {
        hyp_backoff_fail(&backoff, HYP_BACKOFF_LOGIN, HYP_STR("bob"), now);
        hyp_backoff_fail(&backoff, HYP_BACKOFF_LOGIN, HYP_STR("eve"), now);
    }
    hyp_buf_init_heap(&blob, 1 << 20);
    hyp_backoff_save(&backoff, &blob);
    hyp_backoff_load(&loaded, blob.data, blob.len);
    assert_int_equal(hyp_backoff_wait_ms(&loaded, HYP_BACKOFF_LOGIN, HYP_STR("bob"), now),
                     8000);
    assert_int_equal(hyp_backoff_wait_ms(&loaded, HYP_BACKOFF_LOGIN, HYP_STR("eve"), now),
                     8000);
    /* Damaged at the end: what is whole before it counts. */
    hyp_backoff_load(&loaded, blob.data, blob.len - 3);
    int64_t left = hyp_backoff_wait_ms(&loaded, HYP_BACKOFF_LOGIN, HYP_STR("bob"), now) +
                   hyp_backoff_wait_ms(&loaded, HYP_BACKOFF_LOGIN, HYP_STR("eve"), now);
    assert_int_equal(left, 8000);
    blob.data[0] = 99;
    hyp_backoff_load(&loaded, blob.data, blob.len);
    assert_int_equal(hyp_backoff_wait_ms(&loaded, HYP_BACKOFF_LOGIN, HYP_STR("bob"), now), 0);
    hyp_buf_finish(&blob);
}

static void a_full_table_keeps_the_latest(void **state)
{
    hyp_utc now = {TEST_START_MS};
    char name[32];
    struct hyp_buf buf;
    (void)state;
    backoff = (struct hyp_backoff){0};
    for (int i = 0; i < 3; i++) {
        hyp_backoff_fail(&backoff, HYP_BACKOFF_LOGIN, HYP_STR("first"), now);
    }
    for (int i = 0; i < HYP_LIMIT_BACKOFF_ENTRIES; i++) {
        now.ms++;
        hyp_buf_init_fixed(&buf, name, sizeof(name));
        hyp_buf_append_fmt(&buf, "user%d", i);
        hyp_backoff_fail(&backoff, HYP_BACKOFF_LOGIN, hyp_buf_view(&buf), now);
    }
    /* "first" was the oldest and gave way; the very last name is still counted. */
    assert_int_equal(hyp_backoff_wait_ms(&backoff, HYP_BACKOFF_LOGIN, HYP_STR("first"), now),
                     0);
    for (int i = 0; i < 2; i++) {
        hyp_backoff_fail(&backoff, HYP_BACKOFF_LOGIN, hyp_buf_view(&buf), now);
    }
    assert_int_equal(hyp_backoff_wait_ms(&backoff, HYP_BACKOFF_LOGIN, hyp_buf_view(&buf), now),
                     1000);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, rows, check);
    TEST_ONE(&list, login_and_address_are_apart);
    TEST_ONE(&list, a_day_later_it_is_forgotten);
    TEST_ONE(&list, survives_saving);
    TEST_ONE(&list, a_full_table_keeps_the_latest);
    return test_list_run(&list, "backoff");
}
