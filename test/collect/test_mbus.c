/* SPDX-License-Identifier: Apache-2.0 */
/* Wired meters: addressing, identity, several telegrams, searches. */
#include "field.h"

#define KAM 0x2C2D
#define DFS 0x10D3

static struct hyp_device meter_device(int64_t id, const struct meter *meter)
{
    struct hyp_device device = {
        .id = {id},
        .tenant = FIELD_TENANT,
        .line = {1},
        .version = meter->version,
        .medium = meter->medium,
        .primary_address = (int16_t)meter->primary,
        .secondary = meter->primary < 0,
        .schedule = {.kind = HYP_SCHEDULE_NONE},
        .enabled = true,
    };
    hyp_text_copy(device.serial, sizeof(device.serial), hyp_str_from(meter->id));
    hyp_manufacturer_to_text(meter->manufacturer, device.manufacturer);
    return device;
}

static void open_line(struct field *field, struct mbus_peer *bus, struct meter *meters,
                      size_t count)
{
    mbus_open(bus, field, meters, count);
    struct hyp_line line = field_line(1, HYP_LINE_MBUS_TCP, bus->peer.port);
    line.retries = 1;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    for (size_t i = 0; i < count; i++) {
        struct hyp_device device = meter_device((int64_t)i + 1, &meters[i]);
        assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    }
}

static hyp_job_id read_now(struct field *field, int64_t device)
{
    hyp_device_id id = {device};
    hyp_job_id job = {0};
    struct hyp_error err;
    assert_int_equal(
        hyp_collector_read(field->collector, &id, 1, HYP_PRIORITY_MANUAL, &job, &err), HYP_OK);
    return job;
}

/* Time passes whenever nothing else happens. */
static struct hyp_job finish(struct field *field, hyp_job_id id)
{
    struct hyp_job job;
    for (;;) {
        assert_int_equal(hyp_collector_job(field->collector, id, &job), HYP_OK);
        if (job.state == HYP_JOB_DONE || job.state == HYP_JOB_DONE_WITH_ERRORS ||
            job.state == HYP_JOB_ERROR) {
            return job;
        }
        field_settle(field);
        field_advance(field, 50);
    }
}

static void by_primary_and_by_secondary_address(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct mbus_peer bus;
    struct meter meters[] = {
        {.primary = 5,
         .id = "00123456",
         .manufacturer = KAM,
         .version = 53,
         .medium = 4,
         .kwh = 100},
        {.primary = -1,
         .id = "87654321",
         .manufacturer = KAM,
         .version = 53,
         .medium = 4,
         .kwh = 200},
        {.primary = -1,
         .id = "87654321",
         .manufacturer = DFS,
         .version = 53,
         .medium = 4,
         .kwh = 300},
    };
    open_line(field, &bus, meters, 3);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(finish(field, read_now(field, i)).state, HYP_JOB_DONE);
        const struct field_reading *reading = &field->sink.readings[i - 1];
        assert_int_equal(reading->device.id, i);
        field_assert_decimal(reading, "energy", i == 1 ? "100" : i == 2 ? "200" : "300");
    }
    assert_int_equal(field->sink.frames[0].protocol, HYP_RAW_MBUS);
    assert_int_equal(field->sink.frames[0].bytes[0], 0x68);
    peer_close(&bus.peer);
    field_destroy(field);
}

static void all_telegrams_of_a_meter_are_one_reading(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct mbus_peer bus;
    struct meter meters[] = {
        {.primary = 5,
         .id = "00123456",
         .manufacturer = KAM,
         .version = 53,
         .medium = 4,
         .kwh = 100,
         .telegrams = 2}
    };
    open_line(field, &bus, meters, 1);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(finish(field, read_now(field, 1)).state, HYP_JOB_DONE);
        const struct field_reading *reading = &field->sink.readings[round];
        field_assert_decimal(reading, "energy", "100");
        field_assert_decimal(reading, "energy.s1", "101");
    }
    assert_int_equal(field->sink.reading_count, 3);
    assert_int_equal(field->sink.frame_count, 3); /* both telegrams back to back */
    peer_close(&bus.peer);
    field_destroy(field);
}

struct manner_row {
    const char *name;
    enum meter_manner manner;
    int telegrams;
    enum hyp_job_state ends;
    enum hyp_status status;
};

static const struct manner_row manner_rows[] = {
    {"silent",                 METER_SILENT,  1, HYP_JOB_ERROR,            HYP_TIMEOUT  },
    {"damaged",                METER_DAMAGED, 1, HYP_JOB_ERROR,            HYP_BAD_CHECK},
    {"another meter's answer", METER_FOREIGN, 1, HYP_JOB_ERROR,            HYP_NOT_MINE },
    {"half an answer",         METER_CUT,     1, HYP_JOB_ERROR,            HYP_BAD_CHECK},
    {"stops after the first",  METER_STOPS,   2, HYP_JOB_DONE_WITH_ERRORS, HYP_OK       },
};

static void check_manner(void **state)
{
    const struct manner_row *row = *state;
    struct field *field = field_create();
    struct mbus_peer bus;
    struct meter meters[] = {
        {.primary = 5,
         .id = "00123456",
         .manufacturer = KAM,
         .version = 53,
         .medium = 4,
         .kwh = 100,
         .telegrams = row->telegrams}
    };
    open_line(field, &bus, meters, 1);
    meters[0].manner = row->manner;
    struct hyp_job job = finish(field, read_now(field, 1));
    assert_int_equal(job.state, row->ends);
    assert_true(strlen(job.text) > 0);
    struct hyp_device_state device = field_device_state(field, 1);
    assert_int_equal(device.comm.last_status, row->status);
    assert_int_equal(field->sink.reading_count, row->ends == HYP_JOB_ERROR ? 0 : 1);
    peer_close(&bus.peer);
    field_destroy(field);
}

static void a_device_without_address_says_so(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct mbus_peer bus;
    struct meter none = {.primary = -1, .id = "", .manufacturer = KAM};
    open_line(field, &bus, &none, 0);
    struct hyp_device device = meter_device(1, &none);
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    struct hyp_job job = finish(field, read_now(field, 1));
    assert_int_equal(job.state, HYP_JOB_ERROR);
    assert_non_null(strstr(job.text, "serial number"));
    device.secondary = false;
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    assert_non_null(strstr(finish(field, read_now(field, 1)).text, "primary address"));
    peer_close(&bus.peer);
    field_destroy(field);
}

static void a_test_names_the_meter_and_suggests_a_profile(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct mbus_peer bus;
    struct meter meters[] = {
        {.primary = 5,
         .id = "00123456",
         .manufacturer = KAM,
         .version = 53,
         .medium = 4,
         .kwh = 100}
    };
    open_line(field, &bus, meters, 1);
    struct hyp_device device = {
        .line = {1}, .tenant = FIELD_TENANT, .primary_address = 5, .version = -1, .medium = -1};
    hyp_job_id id;
    assert_int_equal(hyp_collector_test(field->collector, &device, &id, NULL), HYP_OK);
    assert_int_equal(finish(field, id).state, HYP_JOB_DONE);
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1 << 20);
    struct hyp_value *values = NULL;
    size_t count = 0;
    struct hyp_meter_identity meter;
    struct hyp_str profile;
    assert_int_equal(hyp_collector_test_result(field->collector, id, &arena, &values, &count,
                                               &meter, &profile),
                     HYP_OK);
    assert_string_equal(meter.id, "00123456");
    assert_string_equal(meter.manufacturer, "KAM");
    assert_true(profile.len > 0);
    assert_true(count > 0);
    hyp_arena_finish(&arena);
    peer_close(&bus.peer);
    field_destroy(field);
}

enum { FULL = 250 };

/* A full master; every fifth number has digits A to E. */
struct full_line {
    struct field *field;
    struct mbus_peer bus;
    struct meter meters[FULL];
    char ids[FULL][9];
    hyp_device_id devices[FULL];
};

static void full_line_open(struct full_line *full)
{
    full->field = field_create();
    for (unsigned i = 0; i < FULL; i++) {
        struct hyp_buf id;
        hyp_buf_init_fixed(&id, full->ids[i], sizeof(full->ids[i]));
        hyp_buf_append_fmt(&id, i % 5 == 4 ? "0A%06X" : "68%06u",
                           i % 5 == 4 ? i / 144 << 8 | i / 12 % 12 << 4 | i % 12 : 7 * i);
        hyp_buf_terminate(&id);
        full->devices[i] = (hyp_device_id){(int64_t)i + 1};
        full->meters[i] = (struct meter){.primary = i % 2 == 0 ? (int)i + 1 : -1,
                                         .id = full->ids[i],
                                         .manufacturer = KAM,
                                         .version = 53,
                                         .medium = 4,
                                         .telegrams = i % 10 == 0 ? 2 : 1,
                                         .kwh = 1000 + 2 * i};
    }
    open_line(full->field, &full->bus, full->meters, FULL);
}

static void full_line_close(struct full_line *full)
{
    peer_close(&full->bus.peer);
    field_destroy(full->field);
}

/* Every meter is read, and each value is its own. */
static void a_line_of_250_meters(void **state)
{
    (void)state;
    static struct full_line full;
    full_line_open(&full);
    hyp_job_id job;
    struct hyp_error err;
    assert_int_equal(hyp_collector_read(full.field->collector, full.devices, FULL,
                                        HYP_PRIORITY_MANUAL, &job, &err),
                     HYP_OK);
    struct hyp_job ended = finish(full.field, job);
    assert_int_equal(ended.state, HYP_JOB_DONE);
    assert_int_equal(ended.done, FULL);
    assert_int_equal(full.field->sink.reading_count, FULL);
    assert_int_equal(full.bus.peer.accepted, 1);
    bool seen[FULL] = {false};
    for (size_t i = 0; i < FULL; i++) {
        const struct field_reading *reading = &full.field->sink.readings[i];
        char text[16];
        struct hyp_buf value;
        hyp_buf_init_fixed(&value, text, sizeof(text));
        hyp_buf_append_i64(&value, 1000 + 2 * (reading->device.id - 1));
        assert_in_range(reading->device.id, 1, FULL);
        assert_false(seen[reading->device.id - 1]);
        seen[reading->device.id - 1] = true;
        field_assert_decimal(reading, "energy", hyp_buf_terminate(&value));
    }
    full_line_close(&full);
}

/* The converter hands over sound answers of several meters one after the other: all count. */
static void a_search_finds_250_meters(void **state)
{
    (void)state;
    static struct full_line full;
    static struct hyp_found_device found[FULL + 1];
    full_line_open(&full);
    struct hyp_line line = field_line(1, HYP_LINE_MBUS_TCP, full.bus.peer.port);
    line.timeout_ms = 200;
    assert_int_equal(hyp_collector_set_line(full.field->collector, &line), HYP_OK);
    const struct hyp_scan scan = {.line = {1}, .secondary = true, .thorough = true};
    hyp_job_id job;
    assert_int_equal(hyp_collector_scan(full.field->collector, &scan, &job, NULL), HYP_OK);
    assert_int_equal(finish(full.field, job).state, HYP_JOB_DONE);
    size_t count = hyp_collector_found(full.field->collector, job, found, FULL + 1);
    assert_int_equal(count, FULL);
    for (size_t i = 0; i < count; i++) {
        assert_true(found[i].known);
        assert_int_equal(found[i].trouble, HYP_FOUND_FINE);
    }
    full_line_close(&full);
}

static void searches(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct mbus_peer bus;
    struct meter meters[] = {
        {.primary = 1,  .id = "00123456", .manufacturer = KAM, .version = 53, .medium = 4},
        {.primary = 9,  .id = "00123457", .manufacturer = KAM, .version = 53, .medium = 4},
        {.primary = -1, .id = "87654321", .manufacturer = DFS, .version = 1,  .medium = 6},
    };
    open_line(field, &bus, meters, 3);
    hyp_collector_remove_device(field->collector, (hyp_device_id){3});
    struct hyp_scan scan = {.line = {1}, .secondary = true};
    hyp_job_id id;
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &id, NULL), HYP_OK);
    struct hyp_job job = finish(field, id);
    assert_int_equal(job.state, HYP_JOB_DONE);
    assert_int_equal(job.found, 3);
    assert_int_equal(job.done, 1000);
    struct hyp_found_device found[8];
    assert_int_equal(hyp_collector_found(field->collector, id, found, 8), 3);
    size_t known = 0;
    for (size_t i = 0; i < 3; i++) {
        known += found[i].known ? 1 : 0;
    }
    assert_int_equal(known, 2);
    hyp_text_copy(scan.wildcard, sizeof(scan.wildcard), HYP_STR("8FFFFFFF"));
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &id, NULL), HYP_OK);
    assert_int_equal(finish(field, id).found, 1);
    hyp_text_copy(scan.wildcard, sizeof(scan.wildcard), HYP_STR("xyz"));
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &id, NULL), HYP_INVALID);
    scan = (struct hyp_scan){.line = {1}, .first = 0, .last = 10};
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &id, NULL), HYP_OK);
    job = finish(field, id);
    assert_int_equal(job.found, 2);
    assert_int_equal(job.total, 11);
    scan.last = 251;
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &id, NULL), HYP_INVALID);
    peer_close(&bus.peer);
    field_destroy(field);
}

static void a_search_can_be_cancelled(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct mbus_peer bus;
    struct meter meters[] = {
        {.primary = 1, .id = "00123456", .manufacturer = KAM, .version = 53, .medium = 4}
    };
    open_line(field, &bus, meters, 1);
    struct hyp_scan scan = {.line = {1}, .secondary = true};
    hyp_job_id id;
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &id, NULL), HYP_OK);
    while (field_line_state(field, 1).bytes_out == 0) {
        hyp_loop_step(field->loop, true);
    }
    assert_int_equal(hyp_collector_cancel(field->collector, id), HYP_OK);
    assert_int_equal(finish(field, id).state, HYP_JOB_ERROR);
    assert_int_equal(finish(field, read_now(field, 1)).state, HYP_JOB_DONE);
    peer_close(&bus.peer);
    field_destroy(field);
}

int main(void)
{
    static struct test_list list;
    TEST_ONE(&list, by_primary_and_by_secondary_address);
    TEST_ONE(&list, all_telegrams_of_a_meter_are_one_reading);
    TEST_ROWS(&list, manner_rows, check_manner);
    TEST_ONE(&list, a_device_without_address_says_so);
    TEST_ONE(&list, a_test_names_the_meter_and_suggests_a_profile);
    TEST_ONE(&list, a_line_of_250_meters);
    TEST_ONE(&list, a_search_finds_250_meters);
    TEST_ONE(&list, searches);
    TEST_ONE(&list, a_search_can_be_cancelled);
    return test_list_run(&list, "mbus");
}
