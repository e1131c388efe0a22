/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers while memory is short: a request gets so much, from next to nothing to enough. What
 * was begun is not answered as failed, and what is answered as failed was not begun.
 */
#include "store/fixture.h"

#include "api/inside.h"
#include "api/routes.h"
#include "service/inside.h"
#include "service/life.h"
#include "service/scope_make.h"

#define MINUTE_MS 60000LL
#define BODY "{\"confirm\": true}"

/* A plant whose forgotten readings an older backup still has. */
struct plant {
    struct test_folder folder;
    struct test_store t;
    struct hyp_zone_fixed zone;
    struct hyp_rng_seeded rng;
    struct hyp_library *library;
    struct hyp_service *service;
    struct hyp_scope scope;
    int64_t forgotten;
};

static struct plant plant;

static void start_backups(void)
{
    const struct hyp_backups_config config = {.store = plant.t.store,
                                              .folder = test_path(&plant.folder, "backups", 0),
                                              .keep = 3,
                                              .zone = &plant.zone.zone,
                                              .clock = &plant.t.clock.clock};
    assert_int_equal(hyp_backups_create(&config, &plant.service->config.backups, NULL), HYP_OK);
    HYP_IGNORE(hyp_backups_step(plant.service->config.backups)); /* looks what there is */
}

static void forget(hyp_device_id device)
{
    struct hyp_forgotten asked = {
        .device = device, .to.ms = START_MS + MINUTE_MS, .reason = "request 12"};
    struct hyp_forgotten *list = NULL;
    size_t count = 0;
    assert_int_equal(hyp_life_forget(plant.service, &plant.scope, &asked, NULL), HYP_OK);
    while (count == 0 || list[0].ended.ms == 0) {
        const struct hyp_batch nothing = {0};
        assert_int_equal(test_submit(plant.t.store, &nothing), HYP_OK); /* care comes behind */
        hyp_arena_reset(&plant.t.arena);
        assert_int_equal(
            hyp_store_forgotten(plant.t.store, plant.t.tenant, &plant.t.arena, &list, &count),
            HYP_OK);
    }
    plant.forgotten = asked.id;
}

static void open_plant(void)
{
    struct test_folder data;
    struct hyp_error err = {0};
    plant = (struct plant){0};
    test_folder_make(&plant.folder);
    hyp_text_copy(data.path, sizeof(data.path),
                  hyp_str_from(test_path(&plant.folder, "data", 0)));
    test_store_open(&plant.t, &data);
    hyp_device_id device = test_device(&plant.t, "1");
    struct hyp_value value = test_decimal(HYP_NAME_ENERGY, 7, 0);
    struct hyp_reading reading = test_reading(device, START_MS, &value, 1);
    assert_int_equal(test_put(&plant.t, &reading), HYP_OK);
    hyp_zone_fixed_init(&plant.zone, 0);
    hyp_rng_seeded_init(&plant.rng, 42);
    assert_int_equal(hyp_library_create(&plant.library, &err), HYP_OK);
    const struct hyp_service_config config = {
        .store = plant.t.store,
        .library = plant.library,
        .clock = &plant.t.clock.clock,
        .rng = &plant.rng.rng,
        .hash_cost = {.operations = 1, .memory_bytes = 8192},
        .time_zone = "UTC",
    };
    assert_int_equal(hyp_service_create(&config, &plant.service, &err), HYP_OK);
    plant.scope = hyp_scope_make(plant.t.tenant, 0, HYP_ROLE_ADMIN);
    start_backups();
    hyp_clock_fake_advance(&plant.t.clock, MINUTE_MS);
    forget(device);
    hyp_clock_fake_advance(&plant.t.clock, MINUTE_MS);
}

static void close_plant(void)
{
    hyp_service_stop(plant.service);
    hyp_backups_destroy(plant.service->config.backups);
    test_store_close(&plant.t);
    hyp_service_destroy(plant.service);
    hyp_library_destroy(plant.library);
    test_folder_remove(&plant.folder);
}

/* Says so by refusing the next one. */
static bool is_replacing(void)
{
    struct hyp_error err = {0};
    enum hyp_status status = hyp_backups_replace(plant.service->config.backups,
                                                 (hyp_utc){START_MS + MINUTE_MS}, &err);
    return status == HYP_CONFLICT;
}

/* Returns what a request is answered that may have `room` bytes. */
static enum hyp_status ask(size_t room)
{
    struct hyp_error err = {0};
    struct hyp_request req = {.service = plant.service,
                              .scope = &plant.scope,
                              .ids = {plant.forgotten},
                              .http_status = 200};
    hyp_arena_init(&req.arena, room);
    hyp_buf_init_heap(&req.body, 4096);
    hyp_buf_append_text(&req.body, BODY);
    hyp_buf_init_heap(&req.out, 1 << 16);
    hyp_json_init(&req.json, &req.out);
    enum hyp_status status = hyp_route_forgotten_backups_replace(&req, &err);
    if (status == HYP_OK) {
        assert_int_equal(req.http_status, 202);
        assert_non_null(strstr((const char *)req.out.data, "hypocaust-20")); /* the backup */
    }
    hyp_buf_finish(&req.out);
    hyp_buf_finish(&req.body);
    hyp_arena_finish(&req.arena);
    return status;
}

static void older_backups_are_replaced_or_not(void **state)
{
    (void)state;
    size_t refused = 0;
    enum hyp_status status = HYP_LIMIT;
    open_plant();
    for (size_t room = 64; status != HYP_OK; room += 64) {
        status = ask(room);
        refused += status != HYP_OK;
        assert_int_equal(status == HYP_OK, is_replacing());
        hyp_backups_destroy(plant.service->config.backups);
        start_backups();
    }
    assert_true(refused > 4);
    close_plant();
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, older_backups_are_replaced_or_not);
    return test_list_run(&list, "api-memory");
}
