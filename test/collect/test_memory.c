/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting while memory is short: the n-th allocation fails, once or from then on for a
 * while. Nothing crashes or leaks, no reading is somebody else's, and when there is memory
 * again every device is read as before.
 *
 * Linked with --wrap, so that every malloc, calloc and realloc of the rooms passes here; those
 * of the test's own sink and peers are left alone.
 */
#include "refusals.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    return refusals_take() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refusals_take() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return refusals_take() ? NULL : __real_realloc(memory, size);
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
    while (refusals_try(until, row->refuse)) {
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
