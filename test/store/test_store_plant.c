/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines and devices: kept as given, changed by revision, refused for a reason a person
 * understands; secrets never plain on the disk.
 */
#include "fixture.h"

#include <stdio.h>

static struct hyp_line full_line(struct test_store *t)
{
    return (struct hyp_line){.tenant = t->tenant,
                             .name = "Nørregade \"south\"",
                             .kind = HYP_LINE_MBUS_SERIAL,
                             .host = "10.0.0.7",
                             .port = 10001,
                             .path = "/dev/ttyUSB0",
                             .baud = 2400,
                             .parity = 'E',
                             .topic = "wmbus/+/telegram",
                             .login = "reader",
                             .tls = true,
                             .ca_file = "/etc/ca.pem",
                             .cert_file = "/etc/client.pem",
                             .key_file = "/etc/client.key",
                             .client_id = "hypocaust-1",
                             .per_cycle = true,
                             .password = "correct horse battery staple",
                             .timeout_ms = 1500,
                             .retries = 3,
                             .delay_ms = 20,
                             .echo = true,
                             .enabled = true};
}

static void same_line(const struct hyp_line *a, const struct hyp_line *b)
{
    assert_int_equal(a->id.id, b->id.id);
    assert_int_equal(a->tenant.id, b->tenant.id);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->host, b->host);
    assert_int_equal(a->port, b->port);
    assert_string_equal(a->path, b->path);
    assert_int_equal(a->baud, b->baud);
    assert_int_equal(a->parity, b->parity);
    assert_string_equal(a->topic, b->topic);
    assert_string_equal(a->login, b->login);
    assert_int_equal(a->tls, b->tls);
    assert_string_equal(a->ca_file, b->ca_file);
    assert_string_equal(a->cert_file, b->cert_file);
    assert_string_equal(a->key_file, b->key_file);
    assert_string_equal(a->client_id, b->client_id);
    assert_int_equal(a->per_cycle, b->per_cycle);
    assert_string_equal(a->password, b->password);
    assert_int_equal(a->timeout_ms, b->timeout_ms);
    assert_int_equal(a->retries, b->retries);
    assert_int_equal(a->delay_ms, b->delay_ms);
    assert_int_equal(a->echo, b->echo);
    assert_int_equal(a->enabled, b->enabled);
    assert_int_equal(a->revision, b->revision);
}

static void a_line_comes_back_as_given(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_line line = full_line(&t);
    assert_int_equal(hyp_store_line_add(t.store, &line, NULL), HYP_OK);
    assert_int_equal(line.revision, 1);
    struct hyp_line back;
    assert_int_equal(hyp_store_line(t.store, t.tenant, line.id, &back), HYP_OK);
    same_line(&line, &back);
    struct hyp_line *all;
    size_t count;
    assert_int_equal(hyp_store_lines(t.store, t.tenant, &t.arena, &all, &count), HYP_OK);
    assert_int_equal(count, 1);
    same_line(&line, &all[0]);
    test_store_close(&t);
}

static void a_line_changes_by_revision(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_line line = full_line(&t);
    assert_int_equal(hyp_store_line_add(t.store, &line, NULL), HYP_OK);
    struct hyp_line other = line;
    line.port = 10002;
    hyp_text_copy(line.password, sizeof(line.password), HYP_STR(""));
    assert_int_equal(hyp_store_line_update(t.store, &line, NULL), HYP_OK);
    assert_int_equal(line.revision, 2);
    struct hyp_line back;
    assert_int_equal(hyp_store_line(t.store, t.tenant, line.id, &back), HYP_OK);
    same_line(&line, &back);
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_line_update(t.store, &other, &err), HYP_CONFLICT);
    assert_non_null(strstr(err.text, "somebody else"));
    assert_int_equal(other.revision, 1);
    other.id.id = 77;
    assert_int_equal(hyp_store_line_update(t.store, &other, &err), HYP_NOT_FOUND);
    assert_non_null(strstr(err.text, "77"));
    test_store_close(&t);
}

static void a_line_in_use_stays(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_line line = full_line(&t);
    assert_int_equal(hyp_store_line_add(t.store, &line, NULL), HYP_OK);
    struct hyp_device device = {.tenant = t.tenant, .line = line.id, .serial = "1"};
    assert_int_equal(hyp_store_device_add(t.store, &device, NULL), HYP_OK);
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_line_remove(t.store, t.tenant, line.id, &err), HYP_CONFLICT);
    assert_non_null(strstr(err.text, "1 devices use the line"));
    assert_int_equal(hyp_store_device_remove(t.store, t.tenant, device.id, NULL), HYP_OK);
    assert_int_equal(hyp_store_line_remove(t.store, t.tenant, line.id, &err), HYP_OK);
    assert_int_equal(hyp_store_line_remove(t.store, t.tenant, line.id, &err), HYP_NOT_FOUND);
    test_store_close(&t);
}

static void a_line_needs_a_kind(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_line line = {.tenant = t.tenant, .name = "no kind"};
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_line_add(t.store, &line, &err), HYP_INVALID);
    assert_non_null(strstr(err.text, "no kind"));
    test_store_close(&t);
}

/* --- devices --- */

static struct hyp_device full_device(struct test_store *t)
{
    struct hyp_device device = {
        .tenant = t->tenant,
        .name = "Flat 3, left",
        .kind = "heat_meter",
        .profile = "kamstrup_multical_603",
        .manufacturer = "KAM",
        .serial = "12345678",
        .version = 52,
        .medium = 4,
        .primary_address = 7,
        .secondary = true,
        .unit_id = 9,
        .has_key = true,
        .address = "Nørregade 1",
        .city = "Aarhus",
        .latitude = 56.157,
        .longitude = 10.21,
        .schedule = {.kind = HYP_SCHEDULE_EVERY, .minutes = 15},
        .enabled = true,
    };
    memcpy(device.key.bytes, "0123456789ABCDEF", 16);
    return device;
}

static void same_device(const struct hyp_device *a, const struct hyp_device *b)
{
    assert_int_equal(a->id.id, b->id.id);
    assert_int_equal(a->tenant.id, b->tenant.id);
    assert_int_equal(a->line.id, b->line.id);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->kind, b->kind);
    assert_string_equal(a->profile, b->profile);
    assert_string_equal(a->manufacturer, b->manufacturer);
    assert_string_equal(a->serial, b->serial);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->medium, b->medium);
    assert_int_equal(a->primary_address, b->primary_address);
    assert_int_equal(a->secondary, b->secondary);
    assert_int_equal(a->unit_id, b->unit_id);
    assert_int_equal(a->has_key, b->has_key);
    assert_memory_equal(&a->key, &b->key, sizeof(a->key));
    assert_string_equal(a->address, b->address);
    assert_string_equal(a->city, b->city);
    assert_true(a->latitude >= b->latitude && a->latitude <= b->latitude);
    assert_true(a->longitude >= b->longitude && a->longitude <= b->longitude);
    assert_int_equal(a->schedule.kind, b->schedule.kind);
    assert_int_equal(a->schedule.minutes, b->schedule.minutes);
    assert_int_equal(a->enabled, b->enabled);
    assert_int_equal(a->revision, b->revision);
    assert_int_equal(a->created.ms, b->created.ms);
}

static void a_device_comes_back_as_given(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    struct hyp_device device = full_device(&t);
    assert_int_equal(hyp_store_device_add(t.store, &device, NULL), HYP_OK);
    assert_int_equal(device.created.ms, START_MS);
    for (int round = 0; round < 2; round++) {
        struct hyp_device back;
        assert_int_equal(hyp_store_device(t.store, t.tenant, device.id, &back), HYP_OK);
        same_device(&device, &back);
        struct hyp_device *all;
        size_t count;
        assert_int_equal(hyp_store_devices(t.store, (hyp_tenant_id){0}, &t.arena, &all, &count),
                         HYP_OK);
        assert_int_equal(count, 1);
        same_device(&device, &all[0]);
        test_store_close(&t);
        test_store_open(&t, &folder);
    }
    test_store_close(&t);
    test_folder_remove(&folder);
}

static void a_device_changes_by_revision(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_device device = full_device(&t);
    assert_int_equal(hyp_store_device_add(t.store, &device, NULL), HYP_OK);
    struct hyp_device other = device;
    device.has_key = false;
    memset(&device.key, 0, sizeof(device.key));
    device.schedule = (struct hyp_schedule){.kind = HYP_SCHEDULE_NONE};
    assert_int_equal(hyp_store_device_update(t.store, &device, NULL), HYP_OK);
    struct hyp_device back;
    assert_int_equal(hyp_store_device(t.store, t.tenant, device.id, &back), HYP_OK);
    same_device(&device, &back);
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_device_update(t.store, &other, &err), HYP_CONFLICT);
    other.id.id = 99;
    assert_int_equal(hyp_store_device_update(t.store, &other, &err), HYP_NOT_FOUND);
    test_store_close(&t);
}

/* Two devices one after the other; the second is refused or not. */
static const struct taken_row {
    const char *name;
    enum hyp_line_kind line; /* UNSET = both without a line */
    struct hyp_device first;
    struct hyp_device second;
    enum hyp_status status;
    const char *text;
} taken_rows[] = {
    {"the same identity",
     HYP_LINE_UNSET,                                                {.manufacturer = "KAM", .serial = "1", .version = 1, .medium = 4},
     {.manufacturer = "KAM", .serial = "1", .version = 1, .medium = 4},
     HYP_EXISTS,                                                                                                                                              "already a device KAM 1"                       },
    {"another version",
     HYP_LINE_UNSET,                                                {.manufacturer = "KAM", .serial = "1", .version = 1, .medium = 4},
     {.manufacturer = "KAM", .serial = "1", .version = 2, .medium = 4},
     HYP_OK,                                                                                                                                                  NULL                                           },
    {"another make",
     HYP_LINE_UNSET,                                                {.manufacturer = "KAM", .serial = "1", .version = 1, .medium = 4},
     {.manufacturer = "LUG", .serial = "1", .version = 1, .medium = 4},
     HYP_OK,                                                                                                                                                  NULL                                           },
    {"two without serial",                          HYP_LINE_UNSET, {.name = "a"},                                                     {.name = "b"}, HYP_OK, NULL                                           },
    {"the same Modbus unit",
     HYP_LINE_MODBUS_TCP,                                           {.name = "ECL south", .unit_id = 5},
     {.name = "ECL north", .unit_id = 5},
     HYP_EXISTS,                                                                                                                                              "unit 5 of this line is taken by \"ECL south\""},
    {"another Modbus unit",
     HYP_LINE_MODBUS_SERIAL,                                        {.name = "a", .unit_id = 5},
     {.name = "b", .unit_id = 6},
     HYP_OK,                                                                                                                                                  NULL                                           },
    {"the same unit number on M-Bus means nothing",
     HYP_LINE_MBUS_TCP,                                             {.name = "a", .serial = "1"},
     {.name = "b", .serial = "2"},
     HYP_OK,                                                                                                                                                  NULL                                           },
};

static void a_taken_place_is_refused(void **state)
{
    const struct taken_row *row = *state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_device devices[] = {row->first, row->second};
    if (row->line != HYP_LINE_UNSET) {
        struct hyp_line line = {.tenant = t.tenant, .kind = row->line};
        assert_int_equal(hyp_store_line_add(t.store, &line, NULL), HYP_OK);
        devices[0].line = line.id;
        devices[1].line = line.id;
    }
    devices[0].tenant = t.tenant;
    devices[1].tenant = t.tenant;
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_device_add(t.store, &devices[0], &err), HYP_OK);
    assert_int_equal(hyp_store_device_add(t.store, &devices[1], &err), row->status);
    if (row->text != NULL) {
        assert_non_null(strstr(err.text, row->text));
        assert_int_equal(devices[1].id.id, 0);
    }
    test_store_close(&t);
}

static void an_update_into_a_taken_place_is_refused(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    test_device(&t, "1");
    hyp_device_id second = test_device(&t, "2");
    struct hyp_device device;
    assert_int_equal(hyp_store_device(t.store, t.tenant, second, &device), HYP_OK);
    hyp_text_copy(device.serial, sizeof(device.serial), HYP_STR("1"));
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_device_update(t.store, &device, &err), HYP_EXISTS);
    assert_non_null(strstr(err.text, "KAM 1"));
    test_store_close(&t);
}

static void many_devices_are_added_all_or_none(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_device devices[5];
    for (int i = 0; i < 5; i++) {
        devices[i] = full_device(&t);
        devices[i].serial[0] = (char)('A' + i);
    }
    devices[4].serial[0] = 'A';
    struct hyp_error err = {0};
    assert_int_equal(hyp_store_devices_add(t.store, devices, 5, &err), HYP_EXISTS);
    struct hyp_device *all;
    size_t count;
    assert_int_equal(hyp_store_devices(t.store, t.tenant, &t.arena, &all, &count), HYP_OK);
    assert_int_equal(count, 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(devices[i].id.id, 0);
    }
    devices[4].serial[0] = 'E';
    assert_int_equal(hyp_store_devices_add(t.store, devices, 5, &err), HYP_OK);
    for (int i = 0; i < 5; i++) {
        struct hyp_device back;
        assert_int_equal(hyp_store_device(t.store, t.tenant, devices[i].id, &back), HYP_OK);
        same_device(&devices[i], &back);
    }
    test_store_close(&t);
}

static void a_removed_device_takes_everything_along(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    hyp_device_id stays = test_device(&t, "1");
    hyp_device_id goes = test_device(&t, "2");
    struct hyp_value values[] = {test_decimal(HYP_NAME_ENERGY, 1, 0),
                                 test_decimal(HYP_NAME_VOLUME, 2, 0)};
    struct hyp_reading readings[] = {test_reading(stays, START_MS, values, 2),
                                     test_reading(goes, START_MS, values, 2)};
    struct hyp_batch batch = {.readings = readings, .reading_count = 2};
    assert_int_equal(test_submit(t.store, &batch), HYP_OK);
    hyp_point_id point = test_point(&t, goes, HYP_NAME_ENERGY);
    assert_int_equal(hyp_store_device_remove(t.store, t.tenant, goes, NULL), HYP_OK);
    for (int round = 0; round < 2; round++) {
        struct hyp_point info;
        struct hyp_point *points;
        struct hyp_latest *latest;
        size_t count;
        assert_int_equal(hyp_store_point(t.store, t.tenant, point, &info), HYP_NOT_FOUND);
        assert_int_equal(hyp_store_points(t.store, t.tenant, goes, &t.arena, &points, &count),
                         HYP_NOT_FOUND);
        assert_int_equal(hyp_store_latest(t.store, t.tenant, goes, &t.arena, &latest, &count),
                         HYP_NOT_FOUND);
        assert_int_equal(hyp_store_latest(t.store, t.tenant, stays, &t.arena, &latest, &count),
                         HYP_OK);
        assert_int_equal(count, 2);
        struct hyp_store_stats stats;
        hyp_store_stats(t.store, &stats);
        assert_int_equal(stats.values, 2);
        assert_int_equal(stats.points, 2);
        /* What it still sends is dropped, and the sender is told that all is well. */
        assert_int_equal(test_put(&t, &readings[1]), HYP_OK);
        hyp_store_stats(t.store, &stats);
        assert_int_equal(stats.values, 2);
        assert_int_equal(stats.dropped, 2);
        test_store_close(&t);
        test_store_open(&t, &folder);
    }
    assert_int_equal(hyp_store_device_remove(t.store, t.tenant, goes, NULL), HYP_NOT_FOUND);
    test_store_close(&t);
    test_folder_remove(&folder);
}

/* --- secrets on disk --- */

static bool file_has(const char *path, const void *needle, size_t len)
{
    static char content[8 * 1024 * 1024];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    size_t size = fread(content, 1, sizeof(content), file);
    fclose(file);
    return memmem(content, size, needle, len) != NULL;
}

static void secrets_are_not_on_the_disk(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    struct hyp_line line = full_line(&t);
    struct hyp_device device = full_device(&t);
    assert_int_equal(hyp_store_line_add(t.store, &line, NULL), HYP_OK);
    assert_int_equal(hyp_store_device_add(t.store, &device, NULL), HYP_OK);
    assert_int_equal(hyp_store_secret_put(t.store, "keys", (const uint8_t *)"sesame opens", 12),
                     HYP_OK);
    static const char *const files[] = {"hypocaust.db", "hypocaust.db-wal"};
    for (int round = 0; round < 2; round++) {
        bool name_found = false;
        for (int i = 0; i < 2; i++) {
            const char *path = test_path(&folder, files[i], i);
            assert_false(file_has(path, "correct horse", 13));
            assert_false(file_has(path, "0123456789ABCDEF", 16));
            assert_false(file_has(path, "sesame opens", 12));
            name_found |= file_has(path, "Flat 3, left", 12);
        }
        assert_true(name_found);
        if (round == 0) {
            test_store_close(&t);
        }
    }
    test_folder_remove(&folder);
}

static void secrets_come_back_and_are_forgotten(void **state)
{
    (void)state;
    struct test_store t;
    uint8_t out[32];
    size_t len = 0;
    test_store_open(&t, NULL);
    assert_int_equal(hyp_store_secret_get(t.store, "keys", out, sizeof(out), &len),
                     HYP_NOT_FOUND);
    assert_int_equal(hyp_store_secret_put(t.store, "keys", (const uint8_t *)"sesame", 6),
                     HYP_OK);
    assert_int_equal(hyp_store_secret_get(t.store, "keys", out, sizeof(out), &len), HYP_OK);
    assert_int_equal(len, 6);
    assert_memory_equal(out, "sesame", 6);
    assert_int_equal(hyp_store_secret_get(t.store, "keys", out, 5, &len), HYP_LIMIT);
    assert_int_equal(hyp_store_secret_put(t.store, "keys", NULL, 0), HYP_OK);
    assert_int_equal(hyp_store_secret_get(t.store, "keys", out, sizeof(out), &len),
                     HYP_NOT_FOUND);
    test_store_close(&t);
}

/* --- communication --- */

static void communication_state_is_kept(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    struct hyp_stored_comm states[] = {
        {.device = test_device(&t, "1"),
         .comm = {.last_attempt.ms = 5,
                  .last_success.ms = 4,
                  .last_failure.ms = 5,
                  .last_status = HYP_TIMEOUT,
                  .failures_in_row = 3,
                  .attempts = 10,
                  .successes = 7,
                  .last_error = "no answer"}},
        {.device.id = 4711,                        .comm = {.attempts = 1}           },
    };
    assert_int_equal(hyp_store_comm_save(t.store, states, 2), HYP_OK);
    states[0].comm.attempts = 11;
    assert_int_equal(hyp_store_comm_save(t.store, states, 1), HYP_OK);
    test_store_close(&t);
    test_store_open(&t, &folder);
    struct hyp_stored_comm *back;
    size_t count;
    assert_int_equal(hyp_store_comm_load(t.store, &t.arena, &back, &count), HYP_OK);
    /* The device that is not there is left out. */
    assert_int_equal(count, 1);
    assert_int_equal(back[0].device.id, states[0].device.id);
    assert_int_equal(back[0].comm.last_status, HYP_TIMEOUT);
    assert_int_equal(back[0].comm.attempts, 11);
    assert_int_equal(back[0].comm.failures_in_row, 3);
    assert_string_equal(back[0].comm.last_error, "no answer");
    test_store_close(&t);
    test_folder_remove(&folder);
}

static void communication_events_are_bounded(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    for (int i = 0; i < HYP_LIMIT_COMM_EVENTS + 5; i++) {
        struct hyp_comm_event event = {.time.ms = i, .status = i % 2 ? HYP_OK : HYP_TIMEOUT};
        assert_int_equal(hyp_store_comm_event_add(t.store, device, &event), HYP_OK);
    }
    struct hyp_comm_event *events;
    size_t count;
    assert_int_equal(
        hyp_store_comm_events(t.store, t.tenant, device, 100000, &t.arena, &events, &count),
        HYP_OK);
    assert_int_equal(count, HYP_LIMIT_COMM_EVENTS);
    assert_int_equal(events[0].time.ms, HYP_LIMIT_COMM_EVENTS + 4);
    assert_int_equal(events[0].status, HYP_TIMEOUT);
    assert_int_equal(events[1].status, HYP_OK);
    assert_int_equal(
        hyp_store_comm_events(t.store, t.tenant, device, 3, &t.arena, &events, &count), HYP_OK);
    assert_int_equal(count, 3);
    struct hyp_comm_event event = {.status = HYP_OK};
    assert_int_equal(hyp_store_comm_event_add(t.store, (hyp_device_id){.id = 99}, &event),
                     HYP_NOT_FOUND);
    test_store_close(&t);
}

static void learned_data_is_replaced(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    uint8_t *data;
    size_t len;
    assert_int_equal(hyp_store_blob_get(t.store, "formats", &t.arena, &data, &len),
                     HYP_NOT_FOUND);
    static const uint8_t first[] = {1, 0, 2};
    static const uint8_t second[] = {9};
    assert_int_equal(hyp_store_blob_put(t.store, "formats", first, 3), HYP_OK);
    assert_int_equal(hyp_store_blob_get(t.store, "formats", &t.arena, &data, &len), HYP_OK);
    assert_int_equal(len, 3);
    assert_memory_equal(data, first, 3);
    assert_int_equal(hyp_store_blob_put(t.store, "formats", second, 1), HYP_OK);
    assert_int_equal(hyp_store_blob_get(t.store, "formats", &t.arena, &data, &len), HYP_OK);
    assert_int_equal(len, 1);
    assert_int_equal(data[0], 9);
    assert_int_equal(hyp_store_blob_put(t.store, "formats", NULL, 0), HYP_OK);
    assert_int_equal(hyp_store_blob_get(t.store, "formats", &t.arena, &data, &len), HYP_OK);
    assert_int_equal(len, 0);
    test_store_close(&t);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, a_line_comes_back_as_given);
    TEST_ONE(&list, a_line_changes_by_revision);
    TEST_ONE(&list, a_line_in_use_stays);
    TEST_ONE(&list, a_line_needs_a_kind);
    TEST_ONE(&list, a_device_comes_back_as_given);
    TEST_ONE(&list, a_device_changes_by_revision);
    TEST_ROWS(&list, taken_rows, a_taken_place_is_refused);
    TEST_ONE(&list, an_update_into_a_taken_place_is_refused);
    TEST_ONE(&list, many_devices_are_added_all_or_none);
    TEST_ONE(&list, a_removed_device_takes_everything_along);
    if (!test_is_postgres()) { /* it is about files of SQLite */
        TEST_ONE(&list, secrets_are_not_on_the_disk);
    }
    TEST_ONE(&list, secrets_come_back_and_are_forgotten);
    TEST_ONE(&list, communication_state_is_kept);
    TEST_ONE(&list, communication_events_are_bounded);
    TEST_ONE(&list, learned_data_is_replaced);
    return test_list_run(&list, "store-plant");
}
