/* SPDX-License-Identifier: Apache-2.0 */
/* Polling over Modbus TCP: manners of devices, priorities, breaker, schedule, jobs. */
#include "field.h"

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

int main(void)
{
    static struct test_list list;
    TEST_ONE(&list, a_new_device_is_read_at_once_and_then_every_slot);
    (void)read_now;
    return test_list_run(&list, "poll");
}
