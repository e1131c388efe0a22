/* SPDX-License-Identifier: Apache-2.0 */
/* Polling over Modbus TCP: manners of devices, priorities, breaker, schedule, jobs. */
#include "field.h"
#include "program.h"

static void add_line(struct field *field, int64_t id, uint16_t port)
{
    struct hyp_line line = field_line(id, HYP_LINE_MODBUS_TCP, port);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
}

static void add_device(struct field *field, int64_t id, int64_t line, uint8_t unit)
{
    struct hyp_device device = field_modbus_device(id, line, unit);
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
}

static hyp_job_id read_now(struct field *field, int64_t device, enum hyp_priority priority)
{
    hyp_device_id id = {device};
    hyp_job_id job = {0};
    struct hyp_error err;
    assert_int_equal(hyp_collector_read(field->collector, &id, 1, priority, &job, &err),
                     HYP_OK);
    return job;
}

static void a_new_device_is_read_at_once_and_then_every_slot(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    add_line(field, 1, slave.peer.port);
    add_device(field, 7, 1, 2);
    field_advance(field, 45000); /* the station's own share of the period */
    field_until_readings(field, 1);
    const struct field_reading *reading = &field->sink.readings[0];
    assert_int_equal(reading->device.id, 7);
    assert_int_equal(reading->source, HYP_SOURCE_AUTOMATIC);
    assert_true(reading->has_frame);
    field_assert_decimal(reading, "flow_temperature", "3.2");
    field_assert_decimal(reading, "return_temperature", "3.5");
    field_assert_decimal(reading, "heat_curve_slope", "302"); /* the daily ones come first */
    struct hyp_device_state device = field_device_state(field, 7);
    assert_int_equal(device.comm.successes, 1);
    assert_int_equal(device.job, HYP_JOB_DONE);
    /* The next slot is 10:15 plus the share. */
    hyp_utc slot = {FIELD_START_MS + 8 * 60000};
    assert_in_range(device.next_due.ms, slot.ms, slot.ms + 45000);
    field_advance(field, device.next_due.ms - hyp_clock_utc(&field->clock.clock).ms);
    field_until_readings(field, 2);
    assert_null(field_value(&field->sink.readings[1], "heat_curve_slope"));
    assert_int_equal(slave.peer.accepted, 1); /* the connection was kept */
    peer_close(&slave.peer);
    field_destroy(field);
}

/* A device read at once, without its share of the period. */
static void add_quiet_device(struct field *field, int64_t id, int64_t line, uint8_t unit)
{
    struct hyp_device device = field_modbus_device(id, line, unit);
    device.schedule.kind = HYP_SCHEDULE_NONE;
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
}

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

struct manner_row {
    const char *name;
    enum slave_manner manner;
    enum hyp_job_state ends;
    enum hyp_status status; /* of the device, when it fails */
    bool needs_time;        /* the failure is noticed by a time-out */
};

static const struct manner_row manner_rows[] = {
    {"good",           SLAVE_GOOD,       HYP_JOB_DONE,  HYP_OK,        false},
    {"in pieces",      SLAVE_PIECES,     HYP_JOB_DONE,  HYP_OK,        false},
    {"silent",         SLAVE_SILENT,     HYP_JOB_ERROR, HYP_TIMEOUT,   true },
    {"garbage",        SLAVE_GARBAGE,    HYP_JOB_ERROR, HYP_MALFORMED, true },
    {"half an answer", SLAVE_HALF,       HYP_JOB_ERROR, HYP_MALFORMED, true },
    {"wrong unit",     SLAVE_WRONG_UNIT, HYP_JOB_ERROR, HYP_MALFORMED, true },
    {"always busy",    SLAVE_BUSY,       HYP_JOB_ERROR, HYP_BUSY,      true },
    {"hangs up",       SLAVE_HANG_UP,    HYP_JOB_ERROR, HYP_CLOSED,    false},
};

static void check_manner(void **state)
{
    const struct manner_row *row = *state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, row->manner);
    add_line(field, 1, slave.peer.port);
    add_quiet_device(field, 7, 1, 2);
    hyp_job_id id = read_now(field, 7, HYP_PRIORITY_MANUAL);
    if (row->needs_time) {
        field_until_attempts(field, (hyp_device_id){7}, 1);
        while (slave.requests == 0) {
            hyp_loop_step(field->loop, true);
        }
        field_settle(field);
        field_advance(field, 1001);
    }
    struct hyp_job job = field_until_finished(field, id);
    assert_int_equal(job.state, row->ends);
    struct hyp_device_state device = field_device_state(field, 7);
    assert_int_equal(device.comm.last_status, row->status);
    assert_int_equal(field->sink.reading_count, row->ends == HYP_JOB_DONE ? 1 : 0);
    if (row->ends != HYP_JOB_DONE) {
        assert_true(strlen(device.comm.last_error) > 0);
        assert_true(strlen(job.text) > 0);
    }
    peer_close(&slave.peer);
    field_destroy(field);
}

static void holes_are_learned_and_spare_the_next_poll(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_HOLES);
    add_line(field, 1, slave.peer.port);
    add_quiet_device(field, 7, 1, 2);
    field_until_finished(field, read_now(field, 7, HYP_PRIORITY_MANUAL));
    assert_int_equal(field->sink.reading_count, 1);
    const struct field_reading *reading = &field->sink.readings[0];
    field_assert_decimal(reading, "flow_temperature", "3.2");
    field_assert_decimal(reading, "room_temperature", "4.1");
    assert_null(field_value(reading, "outdoor_temperature"));
    assert_int_equal(field->holes_learned, 1);
    size_t before = slave.requests;
    assert_true(before > 3); /* halves were tried */
    field_until_finished(field, read_now(field, 7, HYP_PRIORITY_MANUAL));
    assert_int_equal(slave.requests - before, 3); /* 10-11, 13, 100 */
    peer_close(&slave.peer);
    field_destroy(field);
}

static void restored_holes_are_never_asked(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_HOLES);
    add_line(field, 1, slave.peer.port);
    add_quiet_device(field, 7, 1, 2);
    struct hyp_modbus_hole hole = {.function = 3, .address = 12};
    hyp_collector_restore_holes(field->collector, (hyp_device_id){7}, &hole, 1);
    field_until_finished(field, read_now(field, 7, HYP_PRIORITY_MANUAL));
    assert_int_equal(slave.requests, 3);
    assert_int_equal(field->holes_learned, 0);
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

static void a_dead_device_is_asked_ever_more_rarely(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    slave.silent_unit = 2;
    add_line(field, 1, slave.peer.port);
    add_device(field, 1, 1, 1);
    add_device(field, 2, 1, 2);
    int64_t attempts[12];
    int64_t end = FIELD_START_MS + 8 * 3600000;
    size_t count = 0;
    uint64_t seen = 0;
    while (hyp_clock_utc(&field->clock.clock).ms < end) {
        field_advance(field, 500);
        field_settle(field);
        struct hyp_device_state dead = field_device_state(field, 2);
        if (dead.comm.attempts > seen) {
            seen = dead.comm.attempts;
            if (count < HYP_ARRAY_LEN(attempts)) {
                attempts[count++] = dead.comm.last_attempt.ms;
            }
        }
    }
    struct hyp_device_state dead = field_device_state(field, 2);
    struct hyp_device_state alive = field_device_state(field, 1);
    assert_true(dead.backing_off);
    assert_int_equal(dead.comm.successes, 0);
    assert_in_range(alive.comm.successes, 32, 34); /* every slot of eight hours */
    assert_int_equal(alive.comm.attempts, alive.comm.successes);
    assert_in_range(dead.comm.attempts, 9, 18);
    assert_in_range(attempts[1] - attempts[0], 20000, 50000); /* soon, twice */
    assert_true(attempts[8] - attempts[7] > 30 * 60000);      /* then ever more rarely */
    /* One answer ends it. */
    slave.silent_unit = 0;
    field_advance(field, dead.next_due.ms - hyp_clock_utc(&field->clock.clock).ms);
    uint64_t before = dead.comm.attempts;
    field_until_attempts(field, (hyp_device_id){2}, before + 1);
    field_settle(field);
    dead = field_device_state(field, 2);
    assert_false(dead.backing_off);
    assert_int_equal(dead.comm.failures_in_row, 0);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void what_waits_for_a_dead_line_is_made_good_when_it_is_back(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    uint16_t port = (uint16_t)program_free_port();
    add_line(field, 1, port);
    for (int i = 1; i <= 5; i++) {
        add_device(field, i, 1, (uint8_t)i);
    }
    field_advance(field, 45000);
    field_until_failures(field, (hyp_device_id){1}, 1);
    field_settle(field);
    struct hyp_line_state line = field_line_state(field, 1);
    assert_int_equal(line.link, HYP_LINK_FAILED);
    assert_int_equal(line.comm.last_status, HYP_REFUSED);
    assert_non_null(strstr(line.comm.last_error, "127.0.0.1"));
    struct hyp_device_state device = field_device_state(field, 3);
    assert_int_equal(device.comm.failures_in_row, 0); /* not the device's fault */
    assert_non_null(strstr(device.comm.last_error, "cannot connect"));
    /* The same port comes back; the line's own pause is a few seconds. */
    slave_open_at(&slave, field, SLAVE_GOOD, port);
    for (int i = 0; i < 20 && field->sink.reading_count < 5; i++) {
        field_advance(field, 1000);
        field_settle(field);
    }
    field_until_readings(field, 5);
    assert_int_equal(field_line_state(field, 1).comm.failures_in_row, 0);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void a_connection_closed_while_idle_is_no_failure(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    add_line(field, 1, slave.peer.port);
    add_quiet_device(field, 7, 1, 2);
    field_until_finished(field, read_now(field, 7, HYP_PRIORITY_MANUAL));
    peer_drop(slave.peer.clients);
    while (field_line_state(field, 1).link == HYP_LINK_CONNECTED) {
        hyp_loop_step(field->loop, true);
    }
    assert_int_equal(field_line_state(field, 1).link, HYP_LINK_IDLE);
    struct hyp_job job = field_until_finished(field, read_now(field, 7, HYP_PRIORITY_MANUAL));
    assert_int_equal(job.state, HYP_JOB_DONE);
    assert_int_equal(slave.peer.accepted, 2);
    assert_int_equal(field_line_state(field, 1).comm.failures_in_row, 0);
    assert_int_equal(field_device_state(field, 7).comm.last_failure.ms, 0);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void a_request_on_a_dead_connection_is_repeated_on_a_new_one(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    add_line(field, 1, slave.peer.port);
    add_quiet_device(field, 7, 1, 2);
    field_until_finished(field, read_now(field, 7, HYP_PRIORITY_MANUAL));
    slave.manner = SLAVE_HANG_UP; /* on the request, like a controller after its idle time */
    hyp_job_id id = read_now(field, 7, HYP_PRIORITY_MANUAL);
    while (slave.peer.client_count > 0) {
        hyp_loop_step(field->loop, true);
    }
    slave.manner = SLAVE_GOOD;
    assert_int_equal(field_until_finished(field, id).state, HYP_JOB_DONE);
    assert_int_equal(slave.peer.accepted, 2);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void per_cycle_gives_the_connection_back(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    struct hyp_line line = field_line(1, HYP_LINE_MODBUS_TCP, slave.peer.port);
    line.per_cycle = true;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    add_quiet_device(field, 7, 1, 2);
    field_until_finished(field, read_now(field, 7, HYP_PRIORITY_MANUAL));
    assert_int_equal(field_line_state(field, 1).link, HYP_LINK_IDLE);
    while (slave.peer.client_count > 0) {
        hyp_loop_step(field->loop, true);
    }
    field_until_finished(field, read_now(field, 7, HYP_PRIORITY_MANUAL));
    assert_int_equal(slave.peer.accepted, 2);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void requests_keep_their_distance(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    struct hyp_line line = field_line(1, HYP_LINE_MODBUS_TCP, slave.peer.port);
    line.delay_ms = 300;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    add_quiet_device(field, 1, 1, 1);
    add_quiet_device(field, 2, 1, 2);
    hyp_job_id live = read_now(field, 1, HYP_PRIORITY_LIVE); /* one request each */
    hyp_job_id next = read_now(field, 2, HYP_PRIORITY_LIVE);
    field_until_finished(field, live);
    field_settle(field);
    assert_int_equal(slave.requests, 1);
    field_advance(field, 299);
    field_settle(field);
    assert_int_equal(slave.requests, 1);
    field_advance(field, 1);
    assert_int_equal(field_until_finished(field, next).state, HYP_JOB_DONE);
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

static void state_survives_a_restart(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_line line = field_line(1, HYP_LINE_MODBUS_TCP, 1);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    add_device(field, 7, 1, 2);
    /* Read four minutes ago: the next slot is 10:15. */
    struct hyp_device_state before = {.device = {7}};
    before.comm.last_attempt.ms = FIELD_START_MS - 4 * 60000;
    before.comm.last_success.ms = FIELD_START_MS - 4 * 60000;
    before.comm.attempts = 10;
    before.comm.successes = 9;
    hyp_collector_restore_state(field->collector, &before);
    struct hyp_device_state after = field_device_state(field, 7);
    assert_int_equal(after.comm.attempts, 10);
    int64_t slot = FIELD_START_MS + 8 * 60000;
    assert_in_range(after.next_due.ms, slot, slot + 45000);
    /* Read an hour ago: slots were missed, it is due at once. */
    before.comm.last_success.ms = FIELD_START_MS - 3600000;
    before.comm.last_attempt = before.comm.last_success;
    hyp_collector_restore_state(field->collector, &before);
    after = field_device_state(field, 7);
    assert_in_range(after.next_due.ms, FIELD_START_MS, FIELD_START_MS + 45000);
    /* Dead for long: the breaker is still open. */
    before.comm.last_failure.ms = FIELD_START_MS - 60000;
    before.comm.failures_in_row = 8;
    hyp_collector_restore_state(field->collector, &before);
    after = field_device_state(field, 7);
    assert_true(after.backing_off);
    assert_true(after.next_due.ms > FIELD_START_MS + 50 * 60000);
    field_destroy(field);
}

static void the_wall_clock_may_be_put(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    add_line(field, 1, slave.peer.port);
    add_device(field, 7, 1, 2);
    field_advance(field, 45000);
    field_until_readings(field, 1);
    hyp_utc due = field_device_state(field, 7).next_due;
    /* A day is skipped, as at the first time synchronisation after a start. */
    field->clock.now_utc.ms += 24 * 3600000LL;
    field_advance(field, 30001);
    field_settle(field);
    struct hyp_device_state after = field_device_state(field, 7);
    assert_true(after.next_due.ms > due.ms + 20 * 3600000LL || after.comm.attempts == 2);
    field_advance(field, 45000);
    field_until_readings(field, 2);
    peer_close(&slave.peer);
    field_destroy(field);
}

/* 250 devices on one line, all due together: each is read once, one after the other. */
static void a_full_line(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct slave slave;
    slave_open(&slave, field, SLAVE_GOOD);
    add_line(field, 1, slave.peer.port);
    for (int i = 1; i <= 240; i++) {
        add_device(field, i, 1, (uint8_t)i);
    }
    field_advance(field, 45000);
    field_until_readings(field, 240);
    bool seen[256] = {0};
    for (size_t i = 0; i < 240; i++) {
        int64_t id = field->sink.readings[i].device.id;
        assert_false(seen[id]);
        seen[id] = true;
        struct hyp_decimal expected = {.digits = 30 + id, .exp10 = -1};
        const struct hyp_value *value =
            field_value(&field->sink.readings[i], "flow_temperature");
        assert_non_null(value);
        assert_int_equal(hyp_decimal_compare(value->decimal, expected), 0);
    }
    assert_int_equal(slave.peer.accepted, 1);
    assert_int_equal(field_line_state(field, 1).queue_length, 0);
    peer_close(&slave.peer);
    field_destroy(field);
}

static void staggered_starts_do_not_fire_at_once(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_line line = field_line(1, HYP_LINE_MODBUS_TCP, 1);
    line.enabled = true;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    size_t per_second[31] = {0};
    for (int i = 1; i <= 3000; i++) {
        add_device(field, i, 1, 1);
        int64_t wait = field_device_state(field, i).next_due.ms - FIELD_START_MS;
        assert_in_range(wait, 0, 30000);
        per_second[wait / 1000]++;
    }
    for (size_t i = 0; i < 30; i++) {
        assert_in_range(per_second[i], 50, 150);
    }
    field_destroy(field);
}

int main(void)
{
    static struct test_list list;
    TEST_ONE(&list, a_new_device_is_read_at_once_and_then_every_slot);
    TEST_ONE(&list, read_now_passes_all_states);
    TEST_ONE(&list, a_selection_ends_with_errors_when_one_is_dead);
    TEST_ROWS(&list, manner_rows, check_manner);
    TEST_ONE(&list, holes_are_learned_and_spare_the_next_poll);
    TEST_ONE(&list, restored_holes_are_never_asked);
    TEST_ONE(&list, live_comes_before_manual_before_scheduled);
    TEST_ONE(&list, a_dead_device_is_asked_ever_more_rarely);
    TEST_ONE(&list, what_waits_for_a_dead_line_is_made_good_when_it_is_back);
    TEST_ONE(&list, a_connection_closed_while_idle_is_no_failure);
    TEST_ONE(&list, a_request_on_a_dead_connection_is_repeated_on_a_new_one);
    TEST_ONE(&list, per_cycle_gives_the_connection_back);
    TEST_ONE(&list, requests_keep_their_distance);
    TEST_ONE(&list, cancelled_jobs_end);
    TEST_ONE(&list, what_cannot_be_read_is_refused_with_a_reason);
    TEST_ONE(&list, a_device_without_registers_says_what_is_missing);
    TEST_ONE(&list, a_test_reads_without_storing);
    TEST_ONE(&list, a_scan_finds_units);
    TEST_ONE(&list, removing_what_is_busy_is_safe);
    TEST_ONE(&list, state_survives_a_restart);
    TEST_ONE(&list, the_wall_clock_may_be_put);
    TEST_ONE(&list, a_full_line);
    TEST_ONE(&list, staggered_starts_do_not_fire_at_once);
    return test_list_run(&list, "poll");
}
