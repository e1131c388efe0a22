/* SPDX-License-Identifier: Apache-2.0 */
#include "polling.h"

void add_line(struct field *field, int64_t id, uint16_t port)
{
    struct hyp_line line = field_line(id, HYP_LINE_MODBUS_TCP, port);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
}

void add_device(struct field *field, int64_t id, int64_t line, uint8_t unit)
{
    struct hyp_device device = field_modbus_device(id, line, unit);
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
}

void add_quiet_device(struct field *field, int64_t id, int64_t line, uint8_t unit)
{
    struct hyp_device device = field_modbus_device(id, line, unit);
    device.schedule.kind = HYP_SCHEDULE_NONE;
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
}

hyp_job_id read_now(struct field *field, int64_t device, enum hyp_priority priority)
{
    hyp_device_id id = {device};
    hyp_job_id job = {0};
    struct hyp_error err;
    assert_int_equal(hyp_collector_read(field->collector, &id, 1, priority, &job, &err),
                     HYP_OK);
    return job;
}
