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
    TEST_ONE(&list, array_overflow_is_refused);
    TEST_ONE(&list, copies_are_terminated);
    return test_list_run(&list, "arena");
}
