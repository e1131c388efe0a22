/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: reads, tests and scans that somebody asks for, their order, and how they end. */
#include "polling.h"

static void read_now_passes_all_states(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    add_line(field, 1, slave.peer.port);
    add_quiet_device(field, 7, 1, 2);
    assert_int_equal(field_device_state(field, 7).job, HYP_JOB_UNKNOWN);
    field->sink.hold = true;
    hyp_job_id first = read_now(field, 7, HYP_PRIORITY_MANUAL);
    hyp_job_id second = read_now(field, 7, HYP_PRIORITY_MANUAL);
    struct hyp_job job;
    assert_int_equal(hyp_collector_job(field->collector, first, &job), HYP_OK);
    assert_int_equal(job.state, HYP_JOB_WAITING); /* for its line to be connected */
    field_until_attempts(field, (hyp_device_id){7}, 2);
    field_settle(field);
    assert_true(field_job_was(field, first, HYP_JOB_SENT));
    assert_true(field_job_was(field, first, HYP_JOB_LOADING));
    assert_true(field_job_was(field, first, HYP_JOB_PROCESSING));
    assert_int_equal(hyp_collector_job(field->collector, first, &job), HYP_OK);
    assert_int_equal(job.state, HYP_JOB_PROCESSING); /* not done before it is committed */
    hyp_job_id third = read_now(field, 7, HYP_PRIORITY_MANUAL);
    assert_true(field_job_was(field, third, HYP_JOB_QUEUED) || slave.requests >= 3);
    field_sink_release(field, HYP_OK);
    assert_int_equal(field_until_finished(field, first).state, HYP_JOB_DONE);
    assert_int_equal(field_until_finished(field, second).done, 1);
    assert_int_equal(field_until_finished(field, third).state, HYP_JOB_DONE);
    assert_int_equal(field->sink.readings[0].source, HYP_SOURCE_ON_DEMAND);
    assert_int_equal(field_device_state(field, 7).job, HYP_JOB_DONE);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void a_selection_ends_with_errors_when_one_is_dead(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    slave.silent_unit = 2;
    add_line(field, 1, slave.peer.port);
    hyp_device_id ids[3];
    for (int i = 0; i < 3; i++) {
        ids[i].id = i + 1;
        add_quiet_device(field, i + 1, 1, (uint8_t)(i + 1));
    }
    hyp_job_id id;
    assert_int_equal(
        hyp_collector_read(field->collector, ids, 3, HYP_PRIORITY_MANUAL, &id, NULL), HYP_OK);
    field_until_attempts(field, ids[1], 1);
    field_advance(field, 1001); /* the dead one's time-out */
    struct hyp_job job = field_until_finished(field, id);
    assert_int_equal(job.state, HYP_JOB_DONE_WITH_ERRORS);
    assert_int_equal(job.total, 3);
    assert_int_equal(job.done, 2);
    assert_int_equal(job.failed, 1);
    assert_non_null(strstr(job.text, "no answer"));
    struct hyp_device_state dead = field_device_state(field, 2);
    assert_int_equal(dead.comm.last_status, HYP_TIMEOUT);
    assert_int_equal(dead.comm.failures_in_row, 1);
    assert_true(strlen(dead.comm.last_error) > 0);
    assert_int_equal(dead.job, HYP_JOB_ERROR);
    assert_int_equal(field_device_state(field, 3).comm.successes, 1);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void live_comes_before_manual_before_scheduled(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    slave.silent_unit = 9;
    add_line(field, 1, slave.peer.port);
    for (int i = 1; i <= 3; i++) {
        add_device(field, i, 1, (uint8_t)i);
    }
    add_quiet_device(field, 4, 1, 4);
    add_quiet_device(field, 5, 1, 5);
    add_quiet_device(field, 9, 1, 9);
    read_now(field, 9, HYP_PRIORITY_MANUAL); /* keeps the line busy meanwhile */
    while (slave.requests == 0) {
        hyp_loop_step(field->loop, true);
    }
    field_advance(field, 30000);
    struct hyp_bus *bus = HYP_CONTAINER_OF(
        hyp_collector_wire(field->collector, (hyp_line_id){1}), struct hyp_bus, wire);
    for (int i = 1; i <= 3; i++) {
        struct hyp_station *station =
            hyp_stations_find(&field->collector->stations, (hyp_device_id){i});
        assert_int_equal(hyp_bus_read(bus, station, NULL), HYP_OK);
        assert_int_equal(hyp_bus_read(bus, station, NULL), HYP_OK); /* once is enough */
    }
    hyp_job_id manual = read_now(field, 4, HYP_PRIORITY_MANUAL);
    hyp_job_id live = read_now(field, 5, HYP_PRIORITY_LIVE);
    struct hyp_queue_entry queue[8];
    size_t count = hyp_collector_queue(field->collector, (hyp_line_id){1}, queue, 8);
    assert_int_equal(count, 6);
    assert_int_equal(queue[0].device.id, 9);
    assert_int_equal(queue[0].state, HYP_JOB_SENT);
    assert_int_equal(queue[1].device.id, 5);
    assert_int_equal(queue[1].job.id, live.id);
    assert_int_equal(queue[2].device.id, 4);
    assert_int_equal(queue[2].job.id, manual.id);
    assert_int_equal(queue[3].job.id, 0);
    assert_int_equal(queue[3].state, HYP_JOB_QUEUED);
    field_until_readings(field, 5);
    assert_int_equal(slave.units[1], 5);
    assert_int_equal(slave.units[2], 4);
    /* Live reads the live registers only. */
    assert_null(field_value(&field->sink.readings[0], "room_temperature"));
    assert_non_null(field_value(&field->sink.readings[0], "flow_temperature"));
    peer_close(&slave.peer);
    field_destroy(field);
}

static void cancelled_jobs_end(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_SILENT);
    add_line(field, 1, slave.peer.port);
    add_quiet_device(field, 1, 1, 1);
    add_quiet_device(field, 2, 1, 2);
    hyp_job_id running = read_now(field, 1, HYP_PRIORITY_MANUAL);
    hyp_job_id waiting = read_now(field, 2, HYP_PRIORITY_MANUAL);
    while (slave.requests == 0) {
        hyp_loop_step(field->loop, true);
    }
    assert_int_equal(hyp_collector_cancel(field->collector, waiting), HYP_OK);
    assert_int_equal(hyp_collector_cancel(field->collector, waiting), HYP_CONFLICT);
    assert_int_equal(hyp_collector_cancel(field->collector, (hyp_job_id){999}), HYP_NOT_FOUND);
    assert_int_equal(field_until_finished(field, waiting).state, HYP_JOB_ERROR);
    assert_int_equal(hyp_collector_cancel(field->collector, running), HYP_OK);
    field_advance(field, 1001);
    struct hyp_job job = field_until_finished(field, running);
    assert_int_equal(job.state, HYP_JOB_ERROR);
    assert_string_equal(job.text, "cancelled");
    assert_int_equal(field_device_state(field, 1).comm.failures_in_row, 0);
    peer_close(&slave.peer);
    field_destroy(field);
}

/* One of three is asked here; the line of the others is closed. */
static void others_do_their_part_of_a_job(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    add_line(field, 1, slave.peer.port);
    struct hyp_line closed = field_line(2, HYP_LINE_MODBUS_TCP, 1);
    closed.enabled = false;
    assert_int_equal(hyp_collector_set_line(field->collector, &closed), HYP_OK);
    const hyp_device_id ids[] = {{1}, {2}, {3}, {4}};
    for (int i = 0; i < 3; i++) {
        add_quiet_device(field, ids[i].id, i == 0 ? 1 : 2, (uint8_t)(i + 1));
    }
    struct hyp_shared_read read = {.devices = ids, .count = 4, .here = 1};
    struct hyp_error err = {0};
    hyp_job_id id;
    assert_int_equal(hyp_collector_read_shared(field->collector, &read, &id, &err),
                     HYP_NOT_FOUND);
    read.count = 3;
    read.here = 2;
    assert_int_equal(hyp_collector_read_shared(field->collector, &read, &id, &err),
                     HYP_UNSUPPORTED);
    read.here = 1;
    assert_int_equal(hyp_collector_read_shared(field->collector, &read, &id, &err), HYP_OK);
    field_until_attempts(field, ids[0], 1);
    field_settle(field);
    struct hyp_job job;
    assert_int_equal(hyp_collector_job(field->collector, id, &job), HYP_OK);
    assert_int_equal(job.done, 1);
    assert_true(job.state < HYP_JOB_DONE);
    struct hyp_passed_part part = {.state = HYP_JOB_SENT, .failed = 1, .text = "no answer"};
    hyp_collector_passed(field->collector, id, &part);
    assert_int_equal(hyp_collector_job(field->collector, id, &job), HYP_OK);
    assert_int_equal(job.state, HYP_JOB_SENT);
    assert_int_equal(job.failed, 1);
    part = (struct hyp_passed_part){.state = HYP_JOB_DONE, .done = 1};
    hyp_collector_passed(field->collector, id, &part);
    job = field_until_finished(field, id);
    assert_int_equal(job.state, HYP_JOB_DONE_WITH_ERRORS);
    assert_int_equal(job.done, 2);
    assert_string_equal(job.text, "no answer");
    hyp_collector_passed(field->collector, id, &part); /* it has ended */
    hyp_collector_passed(field->collector, (hyp_job_id){999}, &part);
    assert_int_equal(field_until_finished(field, id).done, 2);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void what_cannot_be_read_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_device device = field_modbus_device(1, 99, 1);
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    hyp_device_id ids[] = {{1}, {2}};
    hyp_job_id job;
    struct hyp_error err = {0};
    assert_int_equal(
        hyp_collector_read(field->collector, &ids[1], 1, HYP_PRIORITY_MANUAL, &job, &err),
        HYP_NOT_FOUND);
    assert_int_equal(
        hyp_collector_read(field->collector, &ids[0], 1, HYP_PRIORITY_MANUAL, &job, &err),
        HYP_UNSUPPORTED);
    assert_int_equal(
        hyp_collector_read(field->collector, ids, 0, HYP_PRIORITY_MANUAL, &job, &err),
        HYP_INVALID);
    struct hyp_line line = field_line(99, HYP_LINE_MODBUS_TCP, 1);
    line.enabled = false;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    assert_int_equal(field_line_state(field, 99).link, HYP_LINK_DISABLED);
    assert_int_equal(
        hyp_collector_read(field->collector, &ids[0], 1, HYP_PRIORITY_MANUAL, &job, &err),
        HYP_UNSUPPORTED);
    struct hyp_line bad = field_line(0, HYP_LINE_MODBUS_TCP, 1);
    assert_int_equal(hyp_collector_set_line(field->collector, &bad), HYP_INVALID);
    bad = field_line(5, HYP_LINE_UNSET, 1);
    assert_int_equal(hyp_collector_set_line(field->collector, &bad), HYP_INVALID);
    device.id.id = 0;
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_INVALID);
    field_destroy(field);
}

static void a_device_without_registers_says_what_is_missing(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    add_line(field, 1, slave.peer.port);
    struct hyp_device device = field_modbus_device(7, 1, 2);
    device.profile[0] = '\0';
    device.schedule.kind = HYP_SCHEDULE_NONE;
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    struct hyp_job job = field_until_finished(field, read_now(field, 7, HYP_PRIORITY_MANUAL));
    assert_int_equal(job.state, HYP_JOB_ERROR);
    assert_non_null(strstr(job.text, "profile"));
    assert_int_equal(slave.requests, 0);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void a_test_reads_without_storing(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    add_line(field, 1, slave.peer.port);
    struct hyp_device device = field_modbus_device(0, 1, 5);
    hyp_job_id id;
    struct hyp_error err;
    assert_int_equal(hyp_collector_test(field->collector, &device, &id, &err), HYP_OK);
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1 << 20);
    struct hyp_value *values = NULL;
    size_t count = 0;
    struct hyp_meter_identity meter;
    struct hyp_str profile;
    assert_int_equal(hyp_collector_test_result(field->collector, id, &arena, &values, &count,
                                               &meter, &profile),
                     HYP_BUSY);
    assert_int_equal(field_until_finished(field, id).state, HYP_JOB_DONE);
    assert_int_equal(hyp_collector_test_result(field->collector, id, &arena, &values, &count,
                                               &meter, &profile),
                     HYP_OK);
    assert_int_equal(count, 5);
    assert_true(hyp_str_equal(profile, HYP_STR("test_modbus")));
    assert_int_equal(field->sink.reading_count, 0);
    assert_int_equal(field->sink.frame_count, 0);
    hyp_arena_finish(&arena);
    device.line.id = 42;
    assert_int_equal(hyp_collector_test(field->collector, &device, &id, &err), HYP_NOT_FOUND);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void a_scan_finds_units(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    slave.silent_unit = 3;
    add_line(field, 1, slave.peer.port);
    add_quiet_device(field, 7, 1, 2);
    struct hyp_scan scan = {.line = {1}, .first = 1, .last = 4};
    hyp_job_id id;
    struct hyp_error err;
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &id, &err), HYP_OK);
    while (slave.requests < 3) {
        hyp_loop_step(field->loop, true);
    }
    field_advance(field, 1001);
    struct hyp_job job = field_until_finished(field, id);
    assert_int_equal(job.state, HYP_JOB_DONE);
    assert_int_equal(job.total, 4);
    assert_int_equal(job.done, 4);
    assert_int_equal(job.found, 3);
    struct hyp_found_device found[8];
    assert_int_equal(hyp_collector_found(field->collector, id, found, 8), 3);
    assert_int_equal(found[0].unit_id, 1);
    assert_false(found[0].known);
    assert_int_equal(found[1].unit_id, 2);
    assert_true(found[1].known);
    assert_int_equal(found[2].unit_id, 4);
    scan.secondary = true;
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &id, &err), HYP_UNSUPPORTED);
    scan = (struct hyp_scan){.line = {1}, .first = 5, .last = 4};
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &id, &err), HYP_INVALID);
    scan.line.id = 9;
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &id, &err), HYP_NOT_FOUND);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void removing_what_is_busy_is_safe(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_SILENT);
    add_line(field, 1, slave.peer.port);
    add_quiet_device(field, 1, 1, 1);
    add_quiet_device(field, 2, 1, 2);
    hyp_job_id active = read_now(field, 1, HYP_PRIORITY_MANUAL);
    hyp_job_id queued = read_now(field, 2, HYP_PRIORITY_MANUAL);
    while (slave.requests == 0) {
        hyp_loop_step(field->loop, true);
    }
    hyp_collector_remove_device(field->collector, (hyp_device_id){1});
    assert_int_equal(field_until_finished(field, active).state, HYP_JOB_ERROR);
    struct hyp_line line = field_line(1, HYP_LINE_MODBUS_TCP, slave.peer.port);
    line.revision = 2;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    assert_int_equal(field_until_finished(field, queued).state, HYP_JOB_ERROR);
    slave.manner = SLAVE_GOOD;
    assert_int_equal(field_until_finished(field, read_now(field, 2, HYP_PRIORITY_MANUAL)).state,
                     HYP_JOB_DONE);
    hyp_collector_remove_line(field->collector, (hyp_line_id){1});
    struct hyp_line_state state_of_line;
    assert_int_equal(
        hyp_collector_line_state(field->collector, (hyp_line_id){1}, &state_of_line),
        HYP_NOT_FOUND);
    peer_close(&slave.peer);
    field_destroy(field);
}

/* --- what waits while something is changed --- */

static void until_asked(struct field *field, const struct slave *slave, size_t requests)
{
    while (slave->requests < requests) {
        hyp_loop_step(field->loop, true);
    }
}

/* Time passes whenever nothing else happens. */
static struct hyp_job finish(struct field *field, hyp_job_id id)
{
    struct hyp_job job;
    assert_int_equal(hyp_collector_job(field->collector, id, &job), HYP_OK);
    while (job.state != HYP_JOB_DONE && job.state != HYP_JOB_ERROR) {
        field_settle(field);
        field_advance(field, 100);
        assert_int_equal(hyp_collector_job(field->collector, id, &job), HYP_OK);
    }
    return job;
}

/* Line 1 asks device 1, which says nothing, and device 2 waits behind it. Its job is returned.
 */
static hyp_job_id wait_behind_silent(struct field *field, struct slave *slave)
{
    slave_open(slave, field, SLAVE_GOOD);
    slave->silent_unit = 1;
    add_line(field, 1, slave->peer.port);
    add_quiet_device(field, 1, 1, 1);
    add_quiet_device(field, 2, 1, 2);
    read_now(field, 1, HYP_PRIORITY_MANUAL);
    hyp_job_id waiting = read_now(field, 2, HYP_PRIORITY_MANUAL);
    until_asked(field, slave, 1);
    return waiting;
}

static void what_waits_is_read_with_the_new_settings(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    hyp_job_id waiting = wait_behind_silent(field, &slave);
    add_quiet_device(field, 2, 1, 9); /* it was given another unit id */
    assert_int_equal(finish(field, waiting).state, HYP_JOB_DONE);
    assert_int_equal(slave.units[slave.requests - 1], 9);
    assert_int_equal(field->sink.reading_count, 1);
    field_assert_decimal(&field->sink.readings[0], "flow_temperature", "3.9");
    peer_close(&slave.peer);
    field_destroy(field);
}

/* The answer that is under way may be of the device it was before. */
static void what_is_asked_is_asked_again_when_the_device_changes(void **state)
{
    const enum slave_manner *manner = *state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, *manner);
    add_line(field, 1, slave.peer.port);
    add_quiet_device(field, 1, 1, 1);
    hyp_job_id job = read_now(field, 1, HYP_PRIORITY_MANUAL);
    until_asked(field, &slave, 1);
    add_quiet_device(field, 1, 1, 9);
    slave.manner = SLAVE_GOOD;
    assert_int_equal(finish(field, job).state, HYP_JOB_DONE);
    assert_int_equal(slave.units[0], 1);
    assert_int_equal(slave.units[slave.requests - 1], 9);
    assert_int_equal(field->sink.reading_count, 1);
    assert_int_equal(field->sink.frame_count, 1);
    field_assert_decimal(&field->sink.readings[0], "flow_temperature", "3.9");
    assert_int_equal(field_device_state(field, 1).comm.failures_in_row, 0);
    peer_close(&slave.peer);
    field_destroy(field);
}

/* A device with a schedule: its read is made good, and once. */
static void a_scheduled_read_outlives_a_change(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_SILENT);
    add_line(field, 1, slave.peer.port);
    add_device(field, 1, 1, 1);
    field_advance(field, 45000);
    until_asked(field, &slave, 1);
    add_device(field, 1, 1, 9);
    slave.manner = SLAVE_GOOD;
    while (field->sink.reading_count == 0) {
        field_settle(field);
        field_advance(field, 100);
    }
    for (int i = 0; i < 100; i++) {
        field_settle(field);
        field_advance(field, 100);
    }
    assert_int_equal(field->sink.reading_count, 1);
    field_assert_decimal(&field->sink.readings[0], "flow_temperature", "3.9");
    assert_true(field_device_state(field, 1).next_due.ms > FIELD_START_MS + 8 * 60000);
    peer_close(&slave.peer);
    field_destroy(field);
}

/* The same without end, should it never come. */
static enum hyp_job_state state_after_a_minute(struct field *field, hyp_job_id id)
{
    struct hyp_job job;
    for (int i = 0; i < 600; i++) {
        field_settle(field);
        field_advance(field, 100);
    }
    assert_int_equal(hyp_collector_job(field->collector, id, &job), HYP_OK);
    return job.state;
}

/* The line had asked one that is removed, and has nobody's answer to wait for. */
static void who_waits_behind_a_removed_device_is_asked(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    hyp_job_id waiting = wait_behind_silent(field, &slave);
    hyp_collector_remove_device(field->collector, (hyp_device_id){1});
    assert_int_equal(state_after_a_minute(field, waiting), HYP_JOB_DONE);
    peer_close(&slave.peer);
    field_destroy(field);
}

/* Lines that wait for their turn to connect, and then have nothing to ask, pass it on. */
static void a_turn_to_connect_is_passed_on(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    const int64_t last = 2 * HYP_LIMIT_CONNECTING + 1;
    hyp_job_id job = {0};
    for (int64_t id = 1; id <= last; id++) {
        add_line(field, id, slave.peer.port);
        add_quiet_device(field, id, id, 1);
        job = read_now(field, id, HYP_PRIORITY_MANUAL);
        if (id > HYP_LIMIT_CONNECTING && id < last) {
            assert_int_equal(hyp_collector_cancel(field->collector, job), HYP_OK);
        }
    }
    assert_int_equal(state_after_a_minute(field, job), HYP_JOB_DONE);
    peer_close(&slave.peer);
    field_destroy(field);
}

enum end { END_OTHER_LINE, END_SWITCHED_OFF, END_REMOVED, END_LINE_CHANGED, END_LINE_REMOVED };

static const struct end_row {
    const char *name;
    enum end end;
    const char *says;
} end_rows[] = {
    {"given another line", END_OTHER_LINE,   "the device was removed, switched off or given"},
    {"switched off",       END_SWITCHED_OFF, "the device was removed, switched off or given"},
    {"removed",            END_REMOVED,      "the device was removed, switched off or given"},
    {"its line changed",   END_LINE_CHANGED, "the line was changed, removed or stopped"     },
    {"its line removed",   END_LINE_REMOVED, "the line was changed, removed or stopped"     },
};

static void bring_about(struct field *field, enum end end, uint16_t port)
{
    struct hyp_device device = field_modbus_device(2, end == END_OTHER_LINE ? 2 : 1, 2);
    device.enabled = end != END_SWITCHED_OFF;
    switch (end) {
    case END_OTHER_LINE:
    case END_SWITCHED_OFF:
        assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
        break;
    case END_REMOVED: hyp_collector_remove_device(field->collector, device.id); break;
    case END_LINE_CHANGED: add_line(field, 1, port); break;
    case END_LINE_REMOVED: hyp_collector_remove_line(field->collector, (hyp_line_id){1}); break;
    }
}

/* Nobody is there to ask any more: the job says why. */
static void what_cannot_be_asked_any_more_says_why(void **state)
{
    const struct end_row *row = *state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_SILENT);
    add_line(field, 1, slave.peer.port);
    add_line(field, 2, slave.peer.port);
    add_quiet_device(field, 1, 1, 1);
    add_quiet_device(field, 2, 1, 2);
    read_now(field, 1, HYP_PRIORITY_MANUAL);
    hyp_job_id waiting = read_now(field, 2, HYP_PRIORITY_MANUAL);
    until_asked(field, &slave, 1);
    bring_about(field, row->end, slave.peer.port);
    struct hyp_job job = field_until_finished(field, waiting);
    assert_int_equal(job.state, HYP_JOB_ERROR);
    assert_non_null(strstr(job.text, row->says));
    assert_non_null(strstr(job.text, "ask again"));
    peer_close(&slave.peer);
    field_destroy(field);
}

int main(void)
{
    static const enum slave_manner silent = SLAVE_SILENT;
    static const enum slave_manner answers = SLAVE_GOOD;
    static const enum slave_manner half = SLAVE_HALF;
    static struct test_list list;
    TEST_ONE(&list, read_now_passes_all_states);
    TEST_ONE(&list, a_selection_ends_with_errors_when_one_is_dead);
    TEST_ONE(&list, live_comes_before_manual_before_scheduled);
    TEST_ONE(&list, cancelled_jobs_end);
    TEST_ONE(&list, others_do_their_part_of_a_job);
    TEST_ONE(&list, what_cannot_be_read_is_refused_with_a_reason);
    TEST_ONE(&list, a_device_without_registers_says_what_is_missing);
    TEST_ONE(&list, a_test_reads_without_storing);
    TEST_ONE(&list, a_scan_finds_units);
    TEST_ONE(&list, removing_what_is_busy_is_safe);
    TEST_ONE(&list, what_waits_is_read_with_the_new_settings);
    test_list_add(&list, "a silent device changes while it is asked",
                  what_is_asked_is_asked_again_when_the_device_changes, &silent);
    test_list_add(&list, "a device changes while its answer is under way",
                  what_is_asked_is_asked_again_when_the_device_changes, &answers);
    test_list_add(&list, "a device changes while half of its answer has come",
                  what_is_asked_is_asked_again_when_the_device_changes, &half);
    TEST_ONE(&list, a_scheduled_read_outlives_a_change);
    TEST_ONE(&list, who_waits_behind_a_removed_device_is_asked);
    TEST_ONE(&list, a_turn_to_connect_is_passed_on);
    TEST_ROWS(&list, end_rows, what_cannot_be_asked_any_more_says_why);
    return test_list_run(&list, "jobs");
}
