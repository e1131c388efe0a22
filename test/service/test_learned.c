/* SPDX-License-Identifier: Apache-2.0 */
#include "fresh.h"

static void formats_survive_a_restart(void **state)
{
    struct hyp_compact_format format = {
        .signature = 0xA8ED, .len = 3, .difvif = {2, 0xFF, 0x20}
    };
    struct hyp_compact_format other = {.signature = 0x1234, .len = 0};
    (void)state;
    struct hyp_collect_observer observer = hyp_service_observer(t.service);
    observer.format_learned(observer.user, &format);
    observer.format_learned(observer.user, &other);
    format.len = 1; /* what is known already is not replaced */
    observer.format_learned(observer.user, &format);
    test_service_restart(&t);
    assert_null(hyp_learned_format(t.service, 0xA8ED)); /* not before the start */
    assert_int_equal(hyp_learned_restore(t.service, NULL), HYP_OK);
    const struct hyp_compact_format *known = hyp_learned_format(t.service, 0xA8ED);
    assert_non_null(known);
    assert_int_equal(known->len, 3);
    assert_int_equal(known->difvif[2], 0x20);
    assert_non_null(hyp_learned_format(t.service, 0x1234));
    assert_null(hyp_learned_format(t.service, 0x9999));
}

static void a_damaged_blob_is_left_alone(void **state)
{
    static const uint8_t blob[] = {1, 0xED, 0xA8, 200, 1, 2, 3};
    (void)state;
    assert_int_equal(hyp_store_blob_put(t.store, "collect.formats", blob, sizeof(blob)),
                     HYP_OK);
    assert_int_equal(hyp_learned_restore(t.service, NULL), HYP_OK);
    assert_null(hyp_learned_format(t.service, 0xA8ED));
}

static void holes_are_written_down(void **state)
{
    const struct hyp_modbus_hole holes[] = {
        {3, 2060 },
        {4, 11200}
    };
    uint8_t *data;
    size_t len;
    (void)state;
    struct hyp_collect_observer observer = hyp_service_observer(t.service);
    observer.holes_learned(observer.user, (hyp_device_id){7}, holes, 2);
    hyp_learned_save(t.service);
    assert_int_equal(hyp_store_blob_get(t.store, "collect.holes.7", &t.arena, &data, &len),
                     HYP_OK);
    static const uint8_t wanted[] = {1, 3, 0x0C, 0x08, 4, 0xC0, 0x2B};
    assert_int_equal(len, sizeof(wanted));
    assert_memory_equal(data, wanted, sizeof(wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(formats_survive_a_restart),
        WITH_SERVICE(a_damaged_blob_is_left_alone),
        WITH_SERVICE(holes_are_written_down),
    };
    return cmocka_run_group_tests_name("learned", tests, NULL, NULL);
}
