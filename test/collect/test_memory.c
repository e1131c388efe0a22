/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting while memory is short: the n-th allocation fails, once or from then on for a
 * while. Nothing crashes or leaks, no reading is somebody else's, and when there is memory
 * again every device is read as before.
 *
 * Linked with --wrap, so that every malloc, calloc and realloc of the rooms passes here; those
 * of the test's own sink and peers are left alone.
 */
#include "plant.h"

#define NEVER (-1)

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

/* Returns whether the order was carried out, that is, whether there are that many. */
static bool try_order(long until, long refuse)
{
    struct plant plant;
    plant_open(&plant);
    order.refused = 0;
    order.refuse = refuse;
    order.until = until;
    plant_pass(&plant, PLANT_HOUR_MS / 2);
    order.until = NEVER;
    size_t before[] = {plant_readings(&plant, 1), plant_readings(&plant, 2)};
    plant_pass(&plant, 2 * PLANT_HOUR_MS);
    assert_true(plant_readings(&plant, 1) > before[0]);
    assert_true(plant_readings(&plant, 2) > before[1]);
    plant_check(&plant);
    plant_close(&plant);
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
