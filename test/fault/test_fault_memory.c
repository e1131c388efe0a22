/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The n-th allocation fails, once or from then on: nothing crashes or leaks, what was
 * acknowledged is there, and with memory again everything works.
 */
#include "allocation_fault.h"
#include "scenario.h"

/* --- what is done while memory fails --- */

#define BATCHES 3

/* Sends, removes a device, queries; whatever fails must say so and leave things whole. */
static void use(struct scenario *s, struct hyp_store *store, int64_t first)
{
    for (int64_t k = first; k < first + BATCHES; k++) {
        HYP_IGNORE(scenario_send(s, store, k)); /* noted by the scenario */
    }
    struct hyp_arena arena;
    hyp_arena_init(&arena, (size_t)1 << 24);
    struct hyp_stored_reading *readings;
    struct hyp_latest *latest;
    struct hyp_stored_frame *frames;
    size_t count;
    size_t total;
    /* Only that they return: what they return is checked when memory is back. */
    HYP_IGNORE(hyp_store_readings(store, s->tenant, s->devices[0], (hyp_utc){0},
                                  (hyp_utc){INT64_MAX}, 0, 10, &arena, &readings, &count,
                                  &total));
    HYP_IGNORE(hyp_store_latest(store, s->tenant, s->devices[1], &arena, &latest, &count));
    HYP_IGNORE(hyp_store_frames(store, s->tenant, s->devices[0], (hyp_line_id){0}, 0, 10,
                                &arena, &frames, &count));
    struct hyp_device device = {.tenant = s->tenant, .serial = "passing"};
    if (hyp_store_device_add(store, &device, NULL) == HYP_OK) {
        struct hyp_value value = test_decimal(HYP_NAME_VOLUME, first, 0);
        struct hyp_reading reading = test_reading(device.id, START_MS, &value, 1);
        struct hyp_batch batch = {.readings = &reading, .reading_count = 1};
        HYP_IGNORE(test_submit(store, &batch));
        HYP_IGNORE(hyp_store_device_remove(store, s->tenant, device.id, NULL));
    }
    hyp_arena_finish(&arena);
}

static void life(struct scenario *s, int64_t first)
{
    struct hyp_store *store;
    if (scenario_open(s, &store) == HYP_OK) {
        use(s, store, first);
        hyp_store_close(store);
    }
}

/* A device that could be added but not removed again would be in the way of the next. */
static void remove_passing(struct scenario *s)
{
    struct hyp_store *store;
    assert_int_equal(scenario_open(s, &store), HYP_OK);
    struct hyp_arena arena;
    hyp_arena_init(&arena, (size_t)1 << 24);
    struct hyp_device *devices;
    size_t count;
    assert_int_equal(hyp_store_devices(store, s->tenant, &arena, &devices, &count), HYP_OK);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(devices[i].serial, "passing") == 0) {
            assert_int_equal(hyp_store_device_remove(store, s->tenant, devices[i].id, NULL),
                             HYP_OK);
        }
    }
    hyp_arena_finish(&arena);
    hyp_store_close(store);
}

static const struct memory_row {
    const char *name;
    struct allocation_fault *fault;
    bool forever;
    long tries; /* spread over all allocations; 0 = every one */
} rows[] = {
    {"one allocation of ours",         &our_allocations,    false, 0  },
    {"ours from one on",               &our_allocations,    true,  0  },
    {"one allocation of the database", &sqlite_allocations, false, 150},
    {"the database's from one on",     &sqlite_allocations, true,  150},
};

static void acknowledged_survives_without_memory(void **state)
{
    const struct memory_row *row = *state;
    struct scenario s;
    scenario_make(&s);
    allocation_fault_arm(row->fault, 0, false);
    life(&s, 0);
    long total = atomic_load(&row->fault->taken);
    assert_true(total > 20);
    long step = row->tries == 0 ? 1 : HYP_MAX(total / row->tries, 1);
    int64_t first = BATCHES;
    for (long at = 1; at <= total; at += step, first += BATCHES) {
        allocation_fault_arm(row->fault, at, row->forever);
        life(&s, first);
        allocation_fault_arm(row->fault, 0, false);
        scenario_check_closed(&s);
        remove_passing(&s);
    }
    scenario_check_pages(&s);
    scenario_remove(&s);
}

/* The same store goes on when memory is back, and shows what it could not apply before. */
static void a_store_recovers_without_restart(void **state)
{
    const struct memory_row *row = *state;
    struct scenario s;
    scenario_make(&s);
    struct hyp_store *store;
    assert_int_equal(scenario_open(&s, &store), HYP_OK);
    allocation_fault_arm(row->fault, 0, false);
    use(&s, store, 0);
    long total = atomic_load(&row->fault->taken);
    long step = row->tries == 0 ? 1 : HYP_MAX(total / row->tries, 1);
    int64_t first = BATCHES;
    for (long at = 1; at <= total; at += step, first += 2 * BATCHES) {
        allocation_fault_arm(row->fault, at, row->forever);
        use(&s, store, first);
        allocation_fault_arm(row->fault, 0, false);
        for (int64_t k = first; k < first + 2 * BATCHES; k++) {
            assert_int_equal(scenario_send(&s, store, k), HYP_OK);
        }
        scenario_check(&s, store);
    }
    hyp_store_close(store);
    scenario_check_closed(&s);
    scenario_remove(&s);
}

int main(void)
{
    allocation_fault_hook_sqlite();
    struct test_list list = {0};
    TEST_ROWS(&list, rows, acknowledged_survives_without_memory);
    TEST_ROWS(&list, rows, a_store_recovers_without_restart);
    return test_list_run(&list, "fault-memory");
}
