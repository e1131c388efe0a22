/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "support/rows.h"

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static void memory_is_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1 << 20);
    uint8_t *before = NULL;
    size_t before_size = 0;
    for (size_t size = 1; size < 3000; size += 97) {
        uint8_t *at = hyp_arena_alloc(&arena, size);
        assert_non_null(at);
        assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
        assert_true(is_zero(at, size));
        memset(at, 0xA5, size);
        if (before != NULL) {
            assert_int_equal(before[before_size - 1], 0xA5);
        }
        before = at;
        before_size = size;
    }
    hyp_arena_finish(&arena);
}

static void reset_gives_zeroed_memory_again(void **state)
{
    (void)state;
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1 << 20);
    for (int round = 0; round < 5; round++) {
        uint8_t *at = hyp_arena_alloc(&arena, 10000);
        assert_non_null(at);
        assert_true(is_zero(at, 10000));
        memset(at, 0xFF, 10000);
        hyp_arena_reset(&arena);
        assert_int_equal(arena.used, 0);
    }
    hyp_arena_finish(&arena);
}

static void maximum_holds(void **state)
{
    (void)state;
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1000);
    assert_null(hyp_arena_alloc(&arena, 1001));
    assert_non_null(hyp_arena_alloc(&arena, 592));
    assert_null(hyp_arena_alloc(&arena, 417));
    assert_non_null(hyp_arena_alloc(&arena, 400));
    assert_null(hyp_arena_alloc(&arena, SIZE_MAX));
    hyp_arena_reset(&arena);
    assert_non_null(hyp_arena_alloc(&arena, 1000));
    hyp_arena_finish(&arena);
    assert_int_equal(arena.max, 1000);
}

static void assert_filled(const uint8_t *at, size_t count, size_t zeros)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(at[i], (uint8_t)(i * 7 + 1));
    }
    for (size_t i = 0; i < zeros; i++) {
        assert_int_equal(at[count + i], 0);
    }
}

static void fill(uint8_t *at, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        at[i] = (uint8_t)(i * 7 + 1);
    }
}

static void the_last_grows_in_its_place(void **state)
{
    (void)state;
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1 << 20);
    memset(hyp_arena_alloc(&arena, 4000), 0xFF, 4000); /* what a reset leaves is not zero */
    hyp_arena_reset(&arena);
    uint8_t *at = hyp_arena_grow(&arena, NULL, 0, 10);
    fill(at, 0, 10);
    size_t moves = 0;
    for (size_t size = 10; size < 100000; size = size * 3 / 2) {
        uint8_t *grown = hyp_arena_grow(&arena, at, size, size * 3 / 2);
        assert_non_null(grown);
        assert_filled(grown, size, size * 3 / 2 - size);
        fill(grown, size, size * 3 / 2);
        moves += grown != at;
        at = grown;
    }
    assert_in_range(moves, 1, 6); /* when a block is full; of 23 times */
    hyp_arena_finish(&arena);
}

static void others_are_not_overwritten_by_growth(void **state)
{
    (void)state;
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1 << 20);
    uint8_t *first = hyp_arena_alloc(&arena, 16);
    fill(first, 0, 16);
    uint8_t *second = hyp_arena_alloc(&arena, 16);
    fill(second, 0, 16);
    uint8_t *grown = hyp_arena_grow(&arena, first, 16, 48);
    assert_ptr_not_equal(grown, first);
    assert_filled(grown, 16, 32);
    memset(grown, 0xAA, 48);
    assert_filled(second, 16, 0);
    assert_ptr_equal(hyp_arena_grow(&arena, grown, 48, 64), grown);
    hyp_arena_finish(&arena);
}

static void growth_ends_at_the_maximum(void **state)
{
    (void)state;
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1000);
    uint8_t *at = hyp_arena_grow(&arena, NULL, 0, 400);
    fill(at, 0, 400);
    assert_null(hyp_arena_grow(&arena, at, 400, 1001));
    assert_null(hyp_arena_grow(&arena, at, 400, SIZE_MAX));
    assert_ptr_equal(hyp_arena_grow(&arena, at, 400, 992), at);
    assert_filled(at, 400, 592);
    assert_null(hyp_arena_alloc(&arena, 100));
    hyp_arena_finish(&arena);
}

static void array_overflow_is_refused(void **state)
{
    (void)state;
    struct hyp_arena arena;
    hyp_arena_init(&arena, SIZE_MAX);
    assert_null(hyp_arena_alloc_array(&arena, SIZE_MAX / 2, 3));
    int *numbers = hyp_arena_alloc_array(&arena, 100, sizeof(*numbers));
    assert_non_null(numbers);
    assert_int_equal(numbers[99], 0);
    hyp_arena_finish(&arena);
}

static void copies_are_terminated(void **state)
{
    (void)state;
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1000);
    char source[] = "abcdef";
    char *copy = hyp_arena_copy_str(&arena, (struct hyp_str){source, 3});
    source[0] = 'X';
    assert_string_equal(copy, "abc");
    assert_string_equal(hyp_arena_copy_str(&arena, (struct hyp_str){0}), "");
    hyp_arena_finish(&arena);
    hyp_arena_finish(&arena);
    struct hyp_arena zeroed = {0};
    hyp_arena_finish(&zeroed);
}

int main(void)
{
    static struct test_list list;
    TEST_ONE(&list, memory_is_aligned_zeroed_and_apart);
    TEST_ONE(&list, reset_gives_zeroed_memory_again);
    TEST_ONE(&list, maximum_holds);
    TEST_ONE(&list, the_last_grows_in_its_place);
    TEST_ONE(&list, others_are_not_overwritten_by_growth);
    TEST_ONE(&list, growth_ends_at_the_maximum);
    TEST_ONE(&list, array_overflow_is_refused);
    TEST_ONE(&list, copies_are_terminated);
    return test_list_run(&list, "arena");
}
