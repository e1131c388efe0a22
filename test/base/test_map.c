/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "base/rng.h"

#include "support/rows.h"

#define MODEL_KEYS 512

/* The map against a plain array, through many random additions and removals. */
static void agrees_with_a_plain_array(void **state)
{
    (void)state;
    struct hyp_rng_seeded seeded;
    hyp_rng_seeded_init(&seeded, 42);
    struct hyp_map map;
    hyp_map_init(&map);
    static bool present[MODEL_KEYS];
    static uint64_t values[MODEL_KEYS];
    size_t count = 0;
    for (int step = 0; step < 20000; step++) {
        uint64_t key = hyp_rng_below(&seeded.rng, MODEL_KEYS);
        if (hyp_rng_below(&seeded.rng, 5) < 3) {
            count += present[key] ? 0 : 1;
            present[key] = true;
            values[key] = (uint64_t)step;
            assert_int_equal(hyp_map_set(&map, key, (uint64_t)step), HYP_OK);
        } else {
            assert_int_equal(hyp_map_remove(&map, key), present[key]);
            count -= present[key] ? 1 : 0;
            present[key] = false;
        }
        assert_int_equal(map.count, count);
    }
    for (uint64_t key = 0; key < MODEL_KEYS; key++) {
        uint64_t value = 0;
        assert_int_equal(hyp_map_get(&map, key, &value), present[key]);
        if (present[key]) {
            assert_int_equal(value, values[key]);
        }
    }
    size_t cursor = 0;
    size_t walked = 0;
    uint64_t key;
    uint64_t value;
    while (hyp_map_next(&map, &cursor, &key, &value)) {
        assert_true(present[key]);
        assert_int_equal(value, values[key]);
        walked++;
    }
    assert_int_equal(walked, count);
    hyp_map_finish(&map);
}

static void empty_map(void **state)
{
    (void)state;
    struct hyp_map map;
    hyp_map_init(&map);
    uint64_t value = 77;
    size_t cursor = 0;
    uint64_t key;
    assert_false(hyp_map_get(&map, 0, &value));
    assert_int_equal(value, 77);
    assert_false(hyp_map_remove(&map, 0));
    assert_false(hyp_map_next(&map, &cursor, &key, &value));
    hyp_map_finish(&map);
    hyp_map_finish(&map);
}

static void extreme_keys(void **state)
{
    (void)state;
    static const uint64_t keys[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, 1ull << 63};
    struct hyp_map map;
    hyp_map_init(&map);
    for (size_t i = 0; i < HYP_ARRAY_LEN(keys); i++) {
        assert_int_equal(hyp_map_set(&map, keys[i], i), HYP_OK);
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(keys); i++) {
        uint64_t value = 99;
        assert_true(hyp_map_get(&map, keys[i], &value));
        assert_int_equal(value, i);
    }
    hyp_map_finish(&map);
}

/* Whoever replaces relies on it that this needs no memory: a full map does not grow for it. */
static void replacing_needs_no_room(void **state)
{
    (void)state;
    struct hyp_map map;
    uint64_t value = 0;
    hyp_map_init(&map);
    for (uint64_t key = 0; key < 300; key++) {
        assert_int_equal(hyp_map_set(&map, key, key), HYP_OK);
        size_t capacity = map.capacity;
        assert_int_equal(hyp_map_set(&map, key / 2, key), HYP_OK);
        assert_int_equal(map.capacity, capacity);
        assert_int_equal(map.count, key + 1);
        assert_true(hyp_map_get(&map, key / 2, &value));
        assert_int_equal(value, key);
    }
    hyp_map_finish(&map);
}

static void reserved_room_is_there(void **state)
{
    (void)state;
    struct hyp_map map;
    hyp_map_init(&map);
    for (uint64_t key = 1; key < 300; key++) {
        assert_int_equal(hyp_map_reserve(&map), HYP_OK);
        size_t capacity = map.capacity;
        assert_true(capacity > 0);
        assert_int_equal(hyp_map_set(&map, key, key), HYP_OK);
        assert_int_equal(map.capacity, capacity);
    }
    hyp_map_finish(&map);
}

static void hashes_differ(void **state)
{
    (void)state;
    assert_true(hyp_hash_bytes("a", 1) != hyp_hash_bytes("b", 1));
    assert_true(hyp_hash_bytes("a", 1) != hyp_hash_bytes("a", 0));
    assert_true(hyp_hash_bytes("abc", 3) == hyp_hash_bytes("abc", 3));
}

int main(void)
{
    static struct test_list list;
    TEST_ONE(&list, agrees_with_a_plain_array);
    TEST_ONE(&list, empty_map);
    TEST_ONE(&list, extreme_keys);
    TEST_ONE(&list, replacing_needs_no_room);
    TEST_ONE(&list, reserved_room_is_there);
    TEST_ONE(&list, hashes_differ);
    return test_list_run(&list, "map");
}
