/* SPDX-License-Identifier: Apache-2.0 */
#include "daily.h"

const char *target(struct daily *d, const char *name, int slot)
{
    static char text[64];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_buf_append_text(&buf, "backups");
    hyp_buf_append_text(&buf, name);
    return test_path(&d->folder, hyp_buf_terminate(&buf), slot);
}

void start(struct daily *d, size_t keep, struct hyp_log *log)
{
    struct hyp_backups_config config = {
        .store = d->t.store,
        .folder = target(d, "", 0),
        .minute_of_day = HALF_PAST_TWO,
        .keep = keep,
        .zone = &d->zone.zone,
        .clock = &d->t.clock.clock,
        .log = log,
    };
    struct hyp_error err = {0};
    assert_int_equal(hyp_backups_create(&config, &d->backups, &err), HYP_OK);
}

void restart(struct daily *d, size_t keep)
{
    d->backups = hyp_backups_destroy(d->backups);
    start(d, keep, &d->t.log.log);
}

void open_daily(struct daily *d, size_t keep)
{
    struct test_folder data;
    *d = (struct daily){0};
    test_folder_make(&d->folder);
    hyp_text_copy(data.path, sizeof(data.path), hyp_str_from(test_path(&d->folder, "data", 0)));
    test_store_open(&d->t, &data);
    test_device(&d->t, "1");
    d->t.clock.now_utc.ms = MIDNIGHT_MS;
    hyp_zone_fixed_init(&d->zone, 60);
    start(d, keep, &d->t.log.log);
}

void close_daily(struct daily *d)
{
    hyp_backups_destroy(d->backups);
    test_store_close(&d->t);
    test_folder_remove(&d->folder);
}

bool step_at(struct daily *d, int64_t ms)
{
    d->t.clock.now_mono.ms += HYP_MAX(ms - d->t.clock.now_utc.ms, 0);
    d->t.clock.now_utc.ms = ms;
    bool tried = hyp_backups_step(d->backups);
    hyp_arena_reset(&d->t.arena);
    assert_int_equal(hyp_backups_report(d->backups, &d->t.arena, &d->report), HYP_OK);
    return tried;
}

void assert_good(const struct daily *d, size_t count)
{
    assert_string_equal(d->report.last_error, "");
    assert_int_equal(d->report.last_status, HYP_OK);
    assert_int_equal(d->report.count, count);
}
