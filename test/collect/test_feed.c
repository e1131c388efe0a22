/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds and back-pressure: a sink that is busy or broken, too much at once. */
#include "feeding.h"

/* Lines with rising access numbers and times, so that none is a repetition. */
static char *many_lines(size_t count)
{
    struct hyp_buf text;
    hyp_buf_init_heap(&text, count * 128);
    for (size_t i = 0; i < count; i++) {
        hyp_utc_format(&text, (hyp_utc){FIELD_START_MS - (int64_t)(count - i) * 60000});
        hyp_buf_append_fmt(&text,
                           " radio 1E442D2C9956341268077A%02X0000000413D22B0000426C5F2C"
                           "02FD17000003\n",
                           (unsigned)(i & 255));
    }
    hyp_buf_terminate(&text);
    assert_int_equal(hyp_buf_status(&text), HYP_OK);
    size_t len = 0;
    return (char *)hyp_buf_steal(&text, &len);
}

static void a_busy_sink_loses_nothing(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_device device = water_meter(1, 0x68, 7);
    set_device(field, &device);
    field->sink.busy = 1000000;
    char *text = many_lines(20000);
    struct fed fed;
    begin_feed(field, text, &fed);
    free(text);
    /* Only so much is taken from the text as fits the outbox. */
    for (int i = 0; i < 200; i++) {
        field_settle(field);
        field_advance(field, 20);
    }
    assert_int_equal(field->sink.reading_count, 0);
    assert_true(hyp_outbox_is_full(&field->collector->outbox));
    assert_true(field->collector->outbox.wait_count <= HYP_LIMIT_OUTBOX_BATCHES + 1);
    field->sink.busy = 3;
    while (!fed.done) {
        field_settle(field);
        field_advance(field, 20);
    }
    assert_int_equal(fed.result.readings, 20000);
    assert_int_equal(fed.result.status, HYP_OK);
    assert_int_equal(field->sink.reading_count, 20000);
    for (size_t i = 1; i < 20000; i++) {
        assert_true(field->sink.readings[i].receive_time.ms >
                    field->sink.readings[i - 1].receive_time.ms);
    }
    field_destroy(field);
}

struct broken_row {
    const char *name;
    enum hyp_status status;
    bool passes; /* tried again until it works */
};

static const struct broken_row broken_rows[] = {
    {"disk full",        HYP_FULL,      true },
    {"disk broken",      HYP_IO,        true },
    {"no memory",        HYP_NO_MEMORY, true },
    {"damaged",          HYP_CORRUPT,   true },
    {"refused for good", HYP_CONFLICT,  false},
};

static void check_broken_sink(void **state)
{
    const struct broken_row *row = *state;
    struct field *field = field_create();
    struct hyp_device device = water_meter(1, 0x68, 7);
    set_device(field, &device);
    field->sink.outcome = row->status;
    struct fed fed;
    begin_feed(field, TELEGRAM, &fed);
    for (int i = 0; i < 5; i++) {
        field_settle(field);
        field_advance(field, 1000);
    }
    assert_int_equal(fed.done, !row->passes);
    field->sink.outcome = HYP_OK;
    while (!fed.done) {
        field_settle(field);
        field_advance(field, 100);
    }
    assert_int_equal(fed.result.readings, row->passes ? 1 : 0);
    assert_int_equal(fed.result.status, row->passes ? HYP_OK : row->status);
    assert_int_equal(field->collector->outbox.lost, row->passes ? 0 : 1);
    field_destroy(field);
}

static void feeds_end_with_the_collector(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_device device = water_meter(1, 0x68, 7);
    set_device(field, &device);
    struct fed fed;
    begin_feed(field, TELEGRAM, &fed);
    hyp_collector_stop(field->collector);
    assert_true(fed.done);
    assert_int_equal(fed.result.status, HYP_CANCELLED);
    assert_int_equal(hyp_collector_feed(field->collector, FIELD_TENANT, HYP_STR("00"),
                                        HYP_SOURCE_FILE, on_fed, &fed),
                     HYP_CANCELLED);
    field_destroy(field);
}

static void too_many_feeds_are_refused(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_device device = water_meter(1, 0x68, 7);
    set_device(field, &device);
    struct fed fed[HYP_LIMIT_FEEDS + 1];
    for (size_t i = 0; i < HYP_LIMIT_FEEDS; i++) {
        begin_feed(field, TELEGRAM, &fed[i]);
    }
    assert_int_equal(hyp_collector_feed(field->collector, FIELD_TENANT, HYP_STR(TELEGRAM),
                                        HYP_SOURCE_FILE, on_fed, &fed[HYP_LIMIT_FEEDS]),
                     HYP_BUSY);
    for (size_t i = 0; i < HYP_LIMIT_FEEDS; i++) {
        field_until(field, is_fed, &fed[i]);
    }
    field_destroy(field);
}

static void a_month_of_a_town_is_fed_in_batches(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_device device = water_meter(1, 0x68, 7);
    set_device(field, &device);
    char *text = many_lines(60000);
    struct hyp_intake_result result = feed(field, text);
    free(text);
    assert_int_equal(result.lines, 60000);
    assert_int_equal(result.readings, 60000);
    assert_in_range(field->sink.batches, 60000 / (HYP_LIMIT_OUTBOX_READINGS + 64), 300);
    field_destroy(field);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, a_busy_sink_loses_nothing);
    TEST_ROWS(&list, broken_rows, check_broken_sink);
    TEST_ONE(&list, feeds_end_with_the_collector);
    TEST_ONE(&list, too_many_feeds_are_refused);
    TEST_ONE(&list, a_month_of_a_town_is_fed_in_batches);
    return test_list_run(&list, "feed");
}
