/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server among others on one database: what they change in the plant of any tenant is known
 * here. The other server is a store of its own; this one's own store is changed behind its back
 * where nobody is to tell it what. Runs on PostgreSQL.
 */
#include "store/town.h"

#include "service/inside.h"
#include "service/overview.h"
#include "store/core.h"

struct served {
    struct town town;
    struct hyp_rng_seeded rng;
    struct hyp_library *library;
    struct hyp_service *service;
    hyp_tenant_id tenants[2];
};

static void open_served(struct served *s)
{
    struct hyp_error err = {0};
    *s = (struct served){0};
    open_town(&s->town);
    hyp_rng_seeded_init(&s->rng, 42);
    assert_int_equal(hyp_library_create(&s->library, &err), HYP_OK);
    const struct hyp_service_config config = {
        .store = s->town.members[0].store,
        .library = s->library,
        .clock = &s->town.members[0].clock.clock,
        .rng = &s->rng.rng,
        .hash_cost = {.operations = 1, .memory_bytes = 8192},
        .time_zone = "UTC",
    };
    if (hyp_service_create(&config, &s->service, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    struct hyp_tenant next = {.name = "Next town", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(s->town.members[1].store, &next), HYP_OK);
    s->tenants[0] = s->town.members[0].tenant;
    s->tenants[1] = next.id;
}

static void close_served(struct served *s)
{
    hyp_service_stop(s->service);
    close_town(&s->town);
    hyp_service_destroy(s->service);
    hyp_library_destroy(s->library);
}

static hyp_line_id add_line(struct served *s, int member, hyp_tenant_id tenant)
{
    struct hyp_line line = {.tenant = tenant, .kind = HYP_LINE_MBUS_TCP, .host = "192.0.2.1"};
    assert_int_equal(hyp_store_line_add(s->town.members[member].store, &line, NULL), HYP_OK);
    return line.id;
}

static hyp_device_id add_device(struct served *s, int member, hyp_tenant_id tenant,
                                hyp_line_id line)
{
    struct hyp_device device = {
        .tenant = tenant, .line = line, .serial = "1", .manufacturer = "KAM"};
    assert_int_equal(hyp_store_device_add(s->town.members[member].store, &device, NULL),
                     HYP_OK);
    return device.id;
}

static void remove_both(struct served *s, int member, hyp_tenant_id tenant, hyp_line_id line,
                        hyp_device_id device)
{
    struct hyp_store *store = s->town.members[member].store;
    assert_int_equal(hyp_store_device_remove(store, tenant, device, NULL), HYP_OK);
    assert_int_equal(hyp_store_line_remove(store, tenant, line, NULL), HYP_OK);
}

/* Whose line and device they are by what the server knows; 0 = nobody's. */
static bool are_known_to_be(struct served *s, hyp_line_id line, hyp_device_id device,
                            int64_t tenant)
{
    struct hyp_directory *directory = s->service->directory;
    return hyp_directory_tenant_of_line(directory, line).id == tenant &&
           hyp_directory_tenant_of(directory, device).id == tenant;
}

/* The keeper looks every second; here it is the test. */
static void wait_until_known(struct served *s, hyp_line_id line, hyp_device_id device,
                             int64_t tenant)
{
    while (!are_known_to_be(s, line, device, tenant)) {
        catch_up(&s->town);
        hyp_members_look(s->service);
    }
}

static void plants_of_all_tenants_are_followed(void **state)
{
    (void)state;
    struct served s;
    open_served(&s);
    for (size_t i = 0; i < HYP_ARRAY_LEN(s.tenants); i++) {
        hyp_line_id line = add_line(&s, 1, s.tenants[i]);
        hyp_device_id device = add_device(&s, 1, s.tenants[i], line);
        wait_until_known(&s, line, device, s.tenants[i].id);
        remove_both(&s, 1, s.tenants[i], line, device);
        wait_until_known(&s, line, device, 0);
    }
    close_served(&s);
}

/* Too many changes to be named: then all that there is is read again. */
static void look_at_everything(struct served *s)
{
    const struct hyp_store_changes all = {.all = true};
    hyp_members_told(s->service, &all);
    hyp_members_look(s->service);
}

static void all_that_there_are_and_were(void **state)
{
    (void)state;
    struct served s;
    hyp_line_id lines[2];
    hyp_device_id devices[2];
    open_served(&s);
    for (size_t i = 0; i < HYP_ARRAY_LEN(s.tenants); i++) {
        lines[i] = add_line(&s, 0, s.tenants[i]);
        devices[i] = add_device(&s, 0, s.tenants[i], lines[i]);
        assert_true(are_known_to_be(&s, lines[i], devices[i], 0));
    }
    look_at_everything(&s);
    for (size_t i = 0; i < HYP_ARRAY_LEN(s.tenants); i++) {
        assert_true(are_known_to_be(&s, lines[i], devices[i], s.tenants[i].id));
        remove_both(&s, 0, s.tenants[i], lines[i], devices[i]);
    }
    look_at_everything(&s);
    for (size_t i = 0; i < HYP_ARRAY_LEN(s.tenants); i++) {
        assert_true(are_known_to_be(&s, lines[i], devices[i], 0));
    }
    close_served(&s);
}

/* --- asking on a line --- */

static enum hyp_status check_line(struct served *s, hyp_line_id line, struct hyp_error *err)
{
    return hyp_members_check_line(s->service, s->tenants[0], line, err);
}

static void a_line_of_another_is_refused_by_its_name(void **state)
{
    (void)state;
    struct served s;
    struct hyp_error err = {0};
    open_served(&s);
    struct hyp_store *other = s.town.members[1].store;
    hyp_line_id line = add_line(&s, 1, s.tenants[0]);
    hyp_device_id device = add_device(&s, 1, s.tenants[0], line);
    wait_until_known(&s, line, device, s.tenants[0].id);
    struct hyp_line changed;
    assert_int_equal(hyp_store_line(other, s.tenants[0], line, &changed), HYP_OK);
    changed.enabled = true;
    assert_int_equal(hyp_store_line_update(other, &changed, NULL), HYP_OK);
    while (!hyp_directory_line_asks(s.service->directory, line)) {
        catch_up(&s.town);
        hyp_members_look(s.service);
    }
    /* Nobody has it. */
    assert_int_equal(check_line(&s, line, &err), HYP_BUSY);
    assert_non_null(strstr(err.text, "try again"));
    /* The other one has it. */
    assert_true(hyp_store_line_lease(other, line));
    assert_int_equal(check_line(&s, line, &err), HYP_CONFLICT);
    assert_non_null(strstr(err.text, "\"south\""));
    err = (struct hyp_error){0};
    assert_int_equal(hyp_members_check_devices(s.service, s.tenants[0], &device, 1, &err),
                     HYP_CONFLICT);
    assert_non_null(strstr(err.text, "\"south\""));
    /* This one has it. */
    hyp_store_line_release(other, line);
    pthread_mutex_lock(&s.service->plant_lock);
    assert_true(hyp_members_may_open(s.service, &changed));
    pthread_mutex_unlock(&s.service->plant_lock);
    assert_int_equal(check_line(&s, line, &err), HYP_OK);
    assert_int_equal(hyp_members_check_devices(s.service, s.tenants[0], &device, 1, &err),
                     HYP_OK);
    close_served(&s);
}

/* What cannot be asked anywhere is not to be asked at another server. */
static void lines_that_nobody_asks_on_pass(void **state)
{
    (void)state;
    struct served s;
    struct hyp_error err = {0};
    open_served(&s);
    struct hyp_line radio = {.tenant = s.tenants[0],
                             .kind = HYP_LINE_WMBUS_TCP,
                             .host = "192.0.2.1",
                             .enabled = true};
    assert_int_equal(hyp_store_line_add(s.town.members[1].store, &radio, NULL), HYP_OK);
    hyp_line_id off = add_line(&s, 1, s.tenants[0]);
    hyp_device_id device = add_device(&s, 1, s.tenants[0], off);
    wait_until_known(&s, off, device, s.tenants[0].id);
    assert_true(hyp_store_line_lease(s.town.members[1].store, radio.id));
    assert_int_equal(hyp_directory_tenant_of_line(s.service->directory, radio.id).id,
                     s.tenants[0].id);
    assert_int_equal(check_line(&s, radio.id, &err), HYP_OK);
    assert_int_equal(check_line(&s, off, &err), HYP_OK);
    assert_int_equal(check_line(&s, (hyp_line_id){.id = 999}, &err), HYP_OK);
    close_served(&s);
}

/* Whoever asks whether all is well gets no place in the queue for the database. */
static void health_needs_no_connection(void **state)
{
    (void)state;
    struct served s;
    struct hyp_error err = {0};
    open_served(&s);
    struct hyp_store *store = s.town.members[0].store;
    struct hyp_connections taken[HYP_CORE_READERS];
    for (size_t i = 0; i < HYP_CORE_READERS; i++) {
        taken[i] = hyp_core_reader(store);
    }
    assert_int_equal(hyp_service_health(s.service, &err), HYP_OK);
    for (size_t i = 0; i < HYP_CORE_READERS; i++) {
        hyp_core_reader_return(store, taken[i]);
    }
    close_served(&s);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, plants_of_all_tenants_are_followed);
    TEST_ONE(&list, all_that_there_are_and_were);
    TEST_ONE(&list, a_line_of_another_is_refused_by_its_name);
    TEST_ONE(&list, lines_that_nobody_asks_on_pass);
    TEST_ONE(&list, health_needs_no_connection);
    return test_list_run(&list, "members");
}
