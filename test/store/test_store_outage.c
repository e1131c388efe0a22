/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of an outage: who may try to connect, what the others are told, what the log
 * has of it.
 */
#include "fixture.h"

#include "store/outage.h"

#define PAUSE_MS 500
#define REFUSED 28

struct known {
    struct hyp_clock_fake clock;
    struct test_log log;
    struct hyp_outage outage;
};

static void start(struct known *k, int64_t pause_ms)
{
    hyp_clock_fake_init(&k->clock, (hyp_utc){0});
    test_log_init(&k->log);
    hyp_outage_init(&k->outage, &k->clock.clock, &k->log.log, pause_ms);
}

static void meet(struct known *k)
{
    hyp_outage_met(&k->outage, HYP_IO, REFUSED, "nobody there");
}

static void one_tries_for_all(void **state)
{
    (void)state;
    struct known k;
    start(&k, PAUSE_MS);
    /* As long as nobody has given up, everybody tries. */
    assert_true(hyp_outage_may_try(&k.outage));
    assert_true(hyp_outage_may_try(&k.outage));
    meet(&k);
    assert_true(hyp_outage_is_known(&k.outage));
    assert_false(hyp_outage_may_try(&k.outage));
    hyp_clock_fake_advance(&k.clock, PAUSE_MS - 1);
    assert_false(hyp_outage_may_try(&k.outage));
    hyp_clock_fake_advance(&k.clock, 1);
    assert_true(hyp_outage_may_try(&k.outage));
    assert_false(hyp_outage_may_try(&k.outage)); /* one does already, however long it takes */
    hyp_clock_fake_advance(&k.clock, 100 * PAUSE_MS);
    assert_false(hyp_outage_may_try(&k.outage));
    meet(&k);
    assert_false(hyp_outage_may_try(&k.outage));
    hyp_clock_fake_advance(&k.clock, PAUSE_MS);
    assert_true(hyp_outage_may_try(&k.outage));
    hyp_outage_over(&k.outage);
    assert_false(hyp_outage_is_known(&k.outage));
    assert_true(hyp_outage_may_try(&k.outage));
    assert_true(hyp_outage_may_try(&k.outage));
    hyp_outage_finish(&k.outage);
}

static void others_are_told_why(void **state)
{
    (void)state;
    struct known k;
    int code = 0;
    char reason[HYP_ERROR_TEXT_MAX];
    start(&k, PAUSE_MS);
    meet(&k);
    assert_int_equal(hyp_outage_reason(&k.outage, &code, reason), HYP_IO);
    assert_int_equal(code, REFUSED);
    assert_string_equal(reason, "nobody there");
    hyp_outage_finish(&k.outage);
}

static void without_a_pause_everybody_tries(void **state)
{
    (void)state;
    struct known k;
    start(&k, 0);
    meet(&k);
    assert_false(hyp_outage_is_known(&k.outage));
    assert_true(hyp_outage_may_try(&k.outage));
    hyp_outage_finish(&k.outage);
    assert_false(hyp_outage_is_known(NULL));
    assert_true(hyp_outage_may_try(NULL));
}

static void the_log_has_it_once_a_minute(void **state)
{
    (void)state;
    struct known k;
    start(&k, PAUSE_MS);
    hyp_outage_tell(&k.outage, HYP_IO, REFUSED, "nobody there");
    hyp_outage_tell(&k.outage, HYP_IO, REFUSED, "nobody there");
    assert_int_equal(k.log.lines, 1);
    hyp_outage_tell(&k.outage, HYP_FULL, REFUSED + 1, "no room");
    assert_int_equal(k.log.lines, 2);
    assert_string_equal(k.log.last, "store.database_failed status=FULL reason=\"no room\"");
    hyp_clock_fake_advance(&k.clock, 60000);
    hyp_outage_tell(&k.outage, HYP_FULL, REFUSED + 1, "no room");
    assert_int_equal(k.log.lines, 3);
    hyp_outage_finish(&k.outage);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, one_tries_for_all);
    TEST_ONE(&list, others_are_told_why);
    TEST_ONE(&list, without_a_pause_everybody_tries);
    TEST_ONE(&list, the_log_has_it_once_a_minute);
    return test_list_run(&list, "store-outage");
}
