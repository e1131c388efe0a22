/* SPDX-License-Identifier: Apache-2.0 */
/* Polling over Modbus TCP: manners of devices, breaker, schedule, connections. */
#include "polling.h"
#include "program.h"

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
    assert_int_equal(field_line_state(field, 1).comm.last_success.ms, 0);
    hyp_collector_restore_state(field->collector, &before);
    struct hyp_device_state after = field_device_state(field, 7);
    assert_int_equal(after.comm.attempts, 10);
    /* Its line has worked then, too. */
    assert_int_equal(field_line_state(field, 1).comm.last_success.ms,
                     before.comm.last_success.ms);
    int64_t slot = FIELD_START_MS + 8 * 60000;
    assert_in_range(after.next_due.ms, slot, slot + 45000);
    /* Read an hour ago: slots were missed, it is due at once. */
    before.comm.last_success.ms = FIELD_START_MS - 3600000;
    before.comm.last_attempt = before.comm.last_success;
    hyp_collector_restore_state(field->collector, &before);
    after = field_device_state(field, 7);
    assert_in_range(after.next_due.ms, FIELD_START_MS, FIELD_START_MS + 45000);
    assert_true(field_line_state(field, 1).comm.last_success.ms > after.comm.last_success.ms);
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
    TEST_ROWS(&list, manner_rows, check_manner);
    TEST_ONE(&list, holes_are_learned_and_spare_the_next_poll);
    TEST_ONE(&list, restored_holes_are_never_asked);
    TEST_ONE(&list, a_dead_device_is_asked_ever_more_rarely);
    TEST_ONE(&list, what_waits_for_a_dead_line_is_made_good_when_it_is_back);
    TEST_ONE(&list, a_connection_closed_while_idle_is_no_failure);
    TEST_ONE(&list, a_request_on_a_dead_connection_is_repeated_on_a_new_one);
    TEST_ONE(&list, per_cycle_gives_the_connection_back);
    TEST_ONE(&list, requests_keep_their_distance);
    TEST_ONE(&list, state_survives_a_restart);
    TEST_ONE(&list, the_wall_clock_may_be_put);
    TEST_ONE(&list, a_full_line);
    TEST_ONE(&list, staggered_starts_do_not_fire_at_once);
    return test_list_run(&list, "poll");
}
