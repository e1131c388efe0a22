/* SPDX-License-Identifier: Apache-2.0 */
#include "plant.h"

#define KAM 0x2C2D
#define STEP_MS 2500

void plant_open(struct plant *plant)
{
    *plant = (struct plant){
        .field = field_create(),
        .meter = {.primary = 5,
                  .id = "00123456",
                  .manufacturer = KAM,
                  .version = 53,
                  .medium = 4,
                  .telegrams = 2,
                  .kwh = 100}
    };
    slave_open(&plant->slave, plant->field, SLAVE_GOOD);
    mbus_open(&plant->bus, plant->field, &plant->meter, 1);
    struct hyp_line modbus = field_line(1, HYP_LINE_MODBUS_TCP, plant->slave.peer.port);
    struct hyp_line mbus = field_line(2, HYP_LINE_MBUS_TCP, plant->bus.peer.port);
    struct hyp_device controller = field_modbus_device(1, 1, 2);
    struct hyp_device meter = {
        .id = {2},
        .tenant = FIELD_TENANT,
        .line = {                          2},
        .serial = "00123456",
        .manufacturer = "KAM",
        .version = 53,
        .medium = 4,
        .primary_address = 5,
        .schedule = { .kind = HYP_SCHEDULE_EVERY, .minutes = 15},
        .enabled = true,
    };
    struct hyp_collector *collector = plant->field->collector;
    assert_int_equal(hyp_collector_set_line(collector, &modbus), HYP_OK);
    assert_int_equal(hyp_collector_set_line(collector, &mbus), HYP_OK);
    assert_int_equal(hyp_collector_set_device(collector, &controller), HYP_OK);
    assert_int_equal(hyp_collector_set_device(collector, &meter), HYP_OK);
}

void plant_close(struct plant *plant)
{
    peer_close(&plant->slave.peer);
    peer_close(&plant->bus.peer);
    field_destroy(plant->field);
}

void plant_pass(struct plant *plant, int64_t ms)
{
    for (int64_t passed = 0; passed < ms; passed += STEP_MS) {
        field_settle(plant->field);
        field_advance(plant->field, STEP_MS);
    }
    field_settle(plant->field);
}

size_t plant_readings(const struct plant *plant, int64_t device)
{
    size_t count = 0;
    for (size_t i = 0; i < plant->field->sink.reading_count; i++) {
        count += plant->field->sink.readings[i].device.id == device ? 1 : 0;
    }
    return count;
}

void plant_check(const struct plant *plant)
{
    for (size_t i = 0; i < plant->field->sink.reading_count; i++) {
        const struct field_reading *reading = &plant->field->sink.readings[i];
        if (reading->device.id == 1) {
            field_assert_decimal(reading, "flow_temperature", "3.2");
        } else {
            field_assert_decimal(reading, "energy", "100");
        }
    }
}
