/* SPDX-License-Identifier: Apache-2.0 */
/* clock, rng, log and status: the small ones. */
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/status.h"

#include "support/rows.h"

static void fake_clock_moves_only_when_told(void **state)
{
    (void)state;
    struct hyp_clock_fake fake;
    hyp_clock_fake_init(&fake, (hyp_utc){1000});
    hyp_mono mono = hyp_clock_mono(&fake.clock);
    assert_int_equal(hyp_clock_utc(&fake.clock).ms, 1000);
    hyp_clock_fake_advance(&fake, 250);
    assert_int_equal(hyp_clock_utc(&fake.clock).ms, 1250);
    assert_int_equal(hyp_clock_mono(&fake.clock).ms - mono.ms, 250);
}

static void system_clock_never_goes_back(void **state)
{
    (void)state;
    const struct hyp_clock *clock = hyp_clock_system();
    hyp_mono first = hyp_clock_mono(clock);
    hyp_mono second = hyp_clock_mono(clock);
    assert_true(second.ms >= first.ms);
    assert_true(hyp_clock_utc(clock).ms > 1577836800000); /* 2020 */
}

static void seeded_rng_repeats(void **state)
{
    (void)state;
    struct hyp_rng_seeded a;
    struct hyp_rng_seeded b;
    struct hyp_rng_seeded other;
    hyp_rng_seeded_init(&a, 7);
    hyp_rng_seeded_init(&b, 7);
    hyp_rng_seeded_init(&other, 8);
    uint8_t bytes_a[20];
    uint8_t bytes_b[20];
    uint8_t bytes_other[20];
    hyp_rng_fill(&a.rng, bytes_a, sizeof(bytes_a));
    hyp_rng_fill(&b.rng, bytes_b, sizeof(bytes_b));
    hyp_rng_fill(&other.rng, bytes_other, sizeof(bytes_other));
    assert_memory_equal(bytes_a, bytes_b, sizeof(bytes_a));
    assert_memory_not_equal(bytes_a, bytes_other, sizeof(bytes_a));
}

static void below_covers_its_range(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 1);
    unsigned counts[6] = {0};
    for (int i = 0; i < 6000; i++) {
        uint64_t value = hyp_rng_below(&seeded.rng, 6);
        assert_true(value < 6);
        counts[value]++;
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(counts); i++) {
        assert_in_range(counts[i], 850, 1150);
    }
    assert_int_equal(hyp_rng_below(&seeded.rng, 1), 0);
    assert_true(hyp_rng_below(hyp_rng_system(), 10) < 10);
}

struct capture {
    struct hyp_log log;
    char line[HYP_LOG_LINE_MAX + 1];
    int count;
};

static void capture_write(struct hyp_log *log, enum hyp_log_level level HYP_UNUSED,
                          struct hyp_str line)
{
    struct capture *capture = (struct capture *)(void *)log;
    assert_true(line.len <= HYP_LOG_LINE_MAX);
    memcpy(capture->line, line.ptr, line.len);
    capture->line[line.len] = '\0';
    capture->count++;
}

static void log_lines_start_with_the_event(void **state)
{
    (void)state;
    struct capture capture = {
        .log = {.write = capture_write, .least = HYP_LOG_INFO}
    };
    hyp_log_event(&capture.log, HYP_LOG_DEBUG, "dropped", "x=1");
    assert_int_equal(capture.count, 0);
    hyp_log_event(&capture.log, HYP_LOG_WARNING, "line.failed", "line=%d", 3);
    assert_string_equal(capture.line, "line.failed line=3");
    hyp_log_event(&capture.log, HYP_LOG_ERROR, "long", "%0600d", 1);
    assert_int_equal(capture.count, 2);
    hyp_log_event(NULL, HYP_LOG_ERROR, "nobody", "listens=1");
}

static void every_status_has_words(void **state)
{
    (void)state;
    for (int status = 0; status >= HYP_INTERNAL; status--) {
        assert_string_not_equal(hyp_status_name((enum hyp_status)status), "UNKNOWN");
        assert_true(strlen(hyp_status_text((enum hyp_status)status)) > 0);
    }
    assert_string_equal(hyp_status_name((enum hyp_status)1), "UNKNOWN");
    assert_non_null(hyp_status_text((enum hyp_status) - 99));
}

static void errors_carry_place_and_code(void **state)
{
    (void)state;
    struct hyp_error err;
    assert_int_equal(hyp_error_set(&err, HYP_MALFORMED, 12, "field \"%s\"", "x"),
                     HYP_MALFORMED);
    assert_int_equal(err.status, HYP_MALFORMED);
    assert_int_equal(err.offset, 12);
    assert_int_equal(err.source, HYP_ERROR_NONE);
    assert_string_equal(err.text, "field \"x\"");
    assert_int_equal(hyp_error_set_code(&err, HYP_IO, HYP_ERROR_ERRNO, 5, "%0300d", 1), HYP_IO);
    assert_int_equal(err.code, 5);
    assert_true(strlen(err.text) < HYP_ERROR_TEXT_MAX);
    assert_int_equal(hyp_error_set(NULL, HYP_BUSY, -1, "nobody reads this"), HYP_BUSY);
}

int main(void)
{
    static struct test_list list;
    TEST_ONE(&list, fake_clock_moves_only_when_told);
    TEST_ONE(&list, system_clock_never_goes_back);
    TEST_ONE(&list, seeded_rng_repeats);
    TEST_ONE(&list, below_covers_its_range);
    TEST_ONE(&list, log_lines_start_with_the_event);
    TEST_ONE(&list, every_status_has_words);
    TEST_ONE(&list, errors_carry_place_and_code);
    return test_list_run(&list, "clock");
}
