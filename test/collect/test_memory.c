/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting while memory is short: the n-th allocation fails, once or from then on for a
 * while. Nothing crashes or leaks, no reading is somebody else's, and when there is memory
 * again every device is read as before.
 *
 * Linked with --wrap, so that every malloc, calloc and realloc of the rooms passes here; those
 * of the test's own sink and peers are left alone.
 */
#include "field.h"

#define KAM 0x2C2D
#define NEVER (-1)
#define HOUR_MS 3600000LL
#define STEP_MS 2500

static struct {
    long until;  /* allocations that still succeed; NEVER = all do */
    long refuse; /* how many fail then */
    long refused;
} order = {.until = NEVER};

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static bool is_refused(void)
{
    if (order.until == NEVER || field_own_work > 0) {
        return false;
    }
    if (order.until > 0) {
        order.until--;
        return false;
    }
    if (order.refuse == 0) {
        return false;
    }
    order.refuse--;
    order.refused++;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return is_refused() ? NULL : __real_realloc(memory, size);
}

/* --- a small plant: a controller of two blocks, a meter of two telegrams --- */

struct plant {
    struct field *field;
    struct slave slave;
    struct mbus_peer bus;
    struct meter meter;
};

static void open_plant(struct plant *plant)
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

static void close_plant(struct plant *plant)
{
    peer_close(&plant->slave.peer);
    peer_close(&plant->bus.peer);
    field_destroy(plant->field);
}

static void pass(struct plant *plant, int64_t ms)
{
    for (int64_t passed = 0; passed < ms; passed += STEP_MS) {
        field_settle(plant->field);
        field_advance(plant->field, STEP_MS);
    }
    field_settle(plant->field);
}

static size_t readings_of(const struct plant *plant, int64_t device)
{
    size_t count = 0;
    for (size_t i = 0; i < plant->field->sink.reading_count; i++) {
        count += plant->field->sink.readings[i].device.id == device ? 1 : 0;
    }
    return count;
}

static void check_readings(const struct plant *plant)
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

/* Returns whether the order was carried out, that is, whether there are that many. */
static bool try_order(long until, long refuse)
{
    struct plant plant;
    open_plant(&plant);
    order.refused = 0;
    order.refuse = refuse;
    order.until = until;
    pass(&plant, HOUR_MS / 2);
    order.until = NEVER;
    size_t before[] = {readings_of(&plant, 1), readings_of(&plant, 2)};
    pass(&plant, 2 * HOUR_MS);
    assert_true(readings_of(&plant, 1) > before[0]);
    assert_true(readings_of(&plant, 2) > before[1]);
    check_readings(&plant);
    close_plant(&plant);
    return order.refused > 0;
}

static const struct memory_row {
    const char *name;
    long refuse;
    long step;
} memory_rows[] = {
    {"one allocation fails",          1,   1},
    {"three allocations in row fail", 3,   3},
    {"two hundred in row fail",       200, 7},
};

static void check_memory(void **state)
{
    const struct memory_row *row = *state;
    long until = 0;
    while (try_order(until, row->refuse)) {
        until += row->step;
    }
    assert_true(until > 10); /* there was something to refuse */
    print_message("# %s: at each of the first %ld allocations\n", row->name, until);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, memory_rows, check_memory);
    return test_list_run(&list, "memory");
}
