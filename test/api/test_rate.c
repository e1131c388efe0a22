/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rows.h"

#include "api/inside.h"

static int allowed_of(struct hyp_rate *rate, const char *address, int asked, int64_t now_ms)
{
    int allowed = 0;
    unsigned retry_s;
    for (int i = 0; i < asked; i++) {
        allowed += hyp_rate_allows(rate, address, (hyp_mono){now_ms}, &retry_s) ? 1 : 0;
    }
    return allowed;
}

static struct hyp_rate *make(int per_s)
{
    struct hyp_rate *rate = NULL;
    assert_int_equal(hyp_rate_create(per_s, &rate), HYP_OK);
    return rate;
}

static void two_seconds_at_once(void **state)
{
    (void)state;
    struct hyp_rate *rate = make(100);
    assert_int_equal(allowed_of(rate, "192.0.2.1", 1000, 5000), 200);
    assert_int_equal(allowed_of(rate, "192.0.2.1", 10, 5000), 0);
    /* Others are not concerned. */
    assert_int_equal(allowed_of(rate, "192.0.2.2", 1000, 5000), 200);
    hyp_rate_destroy(rate);
}

static void refills_with_time(void **state)
{
    (void)state;
    struct hyp_rate *rate = make(100);
    assert_int_equal(allowed_of(rate, "192.0.2.1", 1000, 5000), 200);
    assert_int_equal(allowed_of(rate, "192.0.2.1", 1000, 5500), 50);
    assert_int_equal(allowed_of(rate, "192.0.2.1", 1000, 6500), 100);
    /* Not more than two seconds' worth is saved up. */
    assert_int_equal(allowed_of(rate, "192.0.2.1", 1000, 600000), 200);
    hyp_rate_destroy(rate);
}

static void says_when_to_come_back(void **state)
{
    unsigned retry_s = 0;
    (void)state;
    struct hyp_rate *rate = make(1);
    assert_int_equal(allowed_of(rate, "192.0.2.1", 10, 5000), 2);
    assert_false(hyp_rate_allows(rate, "192.0.2.1", (hyp_mono){5000}, &retry_s));
    assert_true(retry_s >= 1 && retry_s <= 2);
    assert_true(
        hyp_rate_allows(rate, "192.0.2.1", (hyp_mono){5000 + 1000 * retry_s}, &retry_s));
    hyp_rate_destroy(rate);
}

static void no_limit(void **state)
{
    (void)state;
    struct hyp_rate *rate = make(-1);
    assert_int_equal(allowed_of(rate, "192.0.2.1", 100000, 5000), 100000);
    hyp_rate_destroy(rate);
}

/* More addresses than places: the ones that ask now still have their own bucket. */
static void many_addresses(void **state)
{
    char address[32];
    struct hyp_buf buf;
    (void)state;
    struct hyp_rate *rate = make(10);
    for (int i = 0; i < 4 * HYP_LIMIT_RATE_ADDRESSES; i++) {
        hyp_buf_init_fixed(&buf, address, sizeof(address));
        hyp_buf_append_fmt(&buf, "10.%d.%d.%d", i >> 16 & 255, i >> 8 & 255, i & 255);
        assert_int_equal(allowed_of(rate, hyp_buf_terminate(&buf), 1, 5000), 1);
    }
    assert_int_equal(allowed_of(rate, "192.0.2.1", 100, 5000), 20);
    assert_int_equal(allowed_of(rate, "192.0.2.1", 100, 5000), 0);
    hyp_rate_destroy(rate);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, two_seconds_at_once);
    TEST_ONE(&list, refills_with_time);
    TEST_ONE(&list, says_when_to_come_back);
    TEST_ONE(&list, no_limit);
    TEST_ONE(&list, many_addresses);
    return test_list_run(&list, "rate");
}
