/* SPDX-License-Identifier: Apache-2.0 */
#include "town.h"

#include <stdio.h>

static void copy_key(const struct town *town)
{
    uint8_t key[64];
    FILE *from = fopen(test_path(&town->folders[0], "secret.key", 0), "rb");
    FILE *to = fopen(test_path(&town->folders[1], "secret.key", 1), "wb");
    assert_non_null(from);
    assert_non_null(to);
    size_t len = fread(key, 1, sizeof(key), from);
    assert_int_equal(fwrite(key, 1, len, to), len);
    fclose(from);
    assert_int_equal(fclose(to), 0);
}

enum hyp_status open_store(struct town *town, int i, const char *member,
                           struct hyp_store **ret_store, struct hyp_error *err)
{
    struct hyp_store_config config = town->place.config;
    config.folder = town->folders[i].path;
    config.clock = &town->members[i].clock.clock;
    config.log = &town->members[i].log.log;
    config.member = member; /* whatever the environment says */
    config.seal_readings = 1;
    return hyp_store_open(&config, ret_store, err);
}

void open_member(struct town *town, int i)
{
    static const char *const names[MEMBERS] = {"north", "south"};
    struct test_store *t = &town->members[i];
    hyp_tenant_id tenant = town->members[0].tenant;
    *t = (struct test_store){.tenant = tenant};
    hyp_clock_fake_init(&t->clock, (hyp_utc){.ms = START_MS});
    hyp_arena_init(&t->arena, (size_t)1 << 28);
    test_log_init(&t->log);
    struct hyp_error err = {0};
    if (open_store(town, i, names[i], &t->store, &err) != HYP_OK) {
        fail_msg("member %s cannot be opened: %s", names[i], err.text);
    }
}

void close_member(struct town *town, int i)
{
    town->members[i].store = hyp_store_close(town->members[i].store);
    hyp_arena_finish(&town->members[i].arena);
}

void open_town(struct town *town)
{
    *town = (struct town){0};
    for (int i = 0; i < MEMBERS; i++) {
        test_folder_make(&town->folders[i]);
    }
    test_place(&town->place, &town->folders[0]);
    open_member(town, 0);
    struct hyp_tenant tenant = {.name = "Town", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(town->members[0].store, &tenant), HYP_OK);
    copy_key(town);
    town->members[0].tenant = tenant.id;
    open_member(town, 1);
}

void close_town(struct town *town)
{
    for (int i = 0; i < MEMBERS; i++) {
        close_member(town, i);
        test_folder_remove(&town->folders[i]);
    }
}

void set_clocks(struct town *town, int64_t now)
{
    for (int i = 0; i < MEMBERS; i++) {
        hyp_clock_fake_advance(&town->members[i].clock,
                               now - town->members[i].clock.now_utc.ms);
    }
}

void catch_up(struct town *town)
{
    for (int i = 0; i < MEMBERS; i++) {
        assert_int_equal(hyp_store_catch_up(town->members[i].store), HYP_OK);
    }
}

void put(struct town *town, int member, hyp_device_id device, int64_t time, int64_t digits)
{
    struct hyp_value values[] = {test_decimal(HYP_NAME_ENERGY, digits, -1),
                                 test_decimal(HYP_NAME_FLOW_TEMPERATURE, digits % 100, 0)};
    struct hyp_reading reading = test_reading(device, time, values, 2);
    assert_int_equal(test_put(&town->members[member], &reading), HYP_OK);
}

struct hyp_store_stats stats_of(struct town *town, int member)
{
    struct hyp_store_stats stats;
    hyp_store_stats(town->members[member].store, &stats);
    return stats;
}

/* --- all members answer the same --- */

static void same_values(const struct hyp_stored_value *a, const struct hyp_stored_value *b)
{
    assert_int_equal(a->point.id, b->point.id);
    assert_int_equal(a->time.ms, b->time.ms);
    assert_int_equal(a->quality, b->quality);
    assert_int_equal(a->kind, b->kind);
    if (a->kind == HYP_VALUE_DECIMAL && hyp_quality_is_usable(a->quality)) {
        assert_int_equal(hyp_decimal_compare(a->decimal, b->decimal), 0);
    }
}

static size_t readings_of(struct town *town, int member, hyp_device_id device,
                          struct hyp_stored_reading **ret_readings)
{
    struct test_store *t = &town->members[member];
    size_t count;
    size_t total;
    assert_int_equal(hyp_store_readings(t->store, t->tenant, device, (hyp_utc){0},
                                        (hyp_utc){INT64_MAX}, 0, 100000, &t->arena,
                                        ret_readings, &count, &total),
                     HYP_OK);
    assert_int_equal(count, total);
    return count;
}

static void same_latest(struct town *town, hyp_device_id device)
{
    struct hyp_latest *latest[MEMBERS];
    size_t counts[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
        struct test_store *t = &town->members[i];
        assert_int_equal(
            hyp_store_latest(t->store, t->tenant, device, &t->arena, &latest[i], &counts[i]),
            HYP_OK);
    }
    assert_int_equal(counts[0], counts[1]);
    for (size_t a = 0; a < counts[0]; a++) {
        size_t b = 0;
        while (b < counts[1] && latest[1][b].point.id.id != latest[0][a].point.id.id) {
            b++;
        }
        assert_true(b < counts[1]);
        same_values(&latest[0][a].value, &latest[1][b].value);
    }
}

size_t same_answers(struct town *town, hyp_device_id device)
{
    struct hyp_stored_reading *readings[MEMBERS];
    catch_up(town);
    size_t count = readings_of(town, 0, device, &readings[0]);
    assert_int_equal(readings_of(town, 1, device, &readings[1]), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(readings[0][i].source_time.ms, readings[1][i].source_time.ms);
        assert_int_equal(readings[0][i].frame.id, readings[1][i].frame.id);
        assert_int_equal(readings[0][i].value_count, readings[1][i].value_count);
        for (size_t v = 0; v < readings[0][i].value_count; v++) {
            same_values(&readings[0][i].values[v], &readings[1][i].values[v]);
        }
    }
    same_latest(town, device);
    struct hyp_store_stats a = stats_of(town, 0);
    struct hyp_store_stats b = stats_of(town, 1);
    assert_int_equal(a.readings, b.readings);
    assert_int_equal(a.values, b.values);
    assert_int_equal(a.points, b.points);
    for (int i = 0; i < MEMBERS; i++) {
        hyp_arena_reset(&town->members[i].arena);
    }
    return count;
}

int64_t count_rows(struct town *town, const char *sql)
{
    return test_ask(&town->folders[0], false, sql);
}
