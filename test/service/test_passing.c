/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders passed on between servers of one database, step by step: this server's keeper is the
 * test, the other server ("south") is a store of its own. The collector's loop does not run, so
 * nothing is asked and every job waits. Runs on PostgreSQL; with two real servers that is
 * test/system/passed_orders.py.
 */
#include "store/town.h"

#include "service/devices.h"
#include "service/field.h"
#include "service/inside.h"
#include "service/scope_make.h"
#include "store/core.h"

#include <poll.h>
#include <pthread.h>

#define WAITS 5000 /* of a millisecond */

struct served {
    struct town town;
    struct hyp_rng_seeded rng;
    struct hyp_library *library;
    struct hyp_service *service;
    struct hyp_collector *collector;
    struct hyp_store *store; /* of this server */
    struct hyp_store *other;
    struct hyp_arena arena;
    struct hyp_scope scope;
    hyp_line_id line;
    hyp_device_id devices[2];
};

static void add_plant(struct served *s)
{
    hyp_tenant_id tenant = s->town.members[0].tenant;
    struct hyp_line line = {.tenant = tenant,
                            .name = "bus",
                            .kind = HYP_LINE_MBUS_TCP,
                            .host = "192.0.2.1",
                            .enabled = true};
    assert_int_equal(hyp_store_line_add(s->other, &line, NULL), HYP_OK);
    s->line = line.id;
    for (int i = 0; i < 2; i++) {
        struct hyp_device device = {.tenant = tenant,
                                    .line = line.id,
                                    .serial = {(char)('1' + i)},
                                    .manufacturer = "KAM",
                                    .primary_address = (int16_t)(i + 1),
                                    .enabled = true};
        assert_int_equal(hyp_store_device_add(s->other, &device, NULL), HYP_OK);
        s->devices[i] = device.id;
    }
}

static void look(struct served *s)
{
    catch_up(&s->town);
    hyp_members_look(s->service);
}

static void open_served(struct served *s, bool other_has_line)
{
    struct hyp_error err = {0};
    *s = (struct served){0};
    open_town(&s->town);
    s->store = s->town.members[0].store;
    s->other = s->town.members[1].store;
    hyp_rng_seeded_init(&s->rng, 42);
    hyp_arena_init(&s->arena, (size_t)1 << 24);
    assert_int_equal(hyp_library_create(&s->library, &err), HYP_OK);
    const struct hyp_service_config config = {
        .store = s->store,
        .library = s->library,
        .clock = &s->town.members[0].clock.clock,
        .rng = &s->rng.rng,
        .hash_cost = {.operations = 1, .memory_bytes = 8192},
        .time_zone = "UTC",
    };
    if (hyp_service_create(&config, &s->service, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    const struct hyp_collect_config collect = {.clock = config.clock,
                                               .rng = config.rng,
                                               .library = s->library,
                                               .sink = hyp_store_sink(s->store),
                                               .observer = hyp_service_observer(s->service)};
    assert_int_equal(hyp_collector_create(&collect, &s->collector, &err), HYP_OK);
    atomic_store(&s->service->collector, s->collector);
    s->scope = hyp_scope_make(s->town.members[0].tenant, 0, HYP_ROLE_ADMIN);
    add_plant(s);
    if (other_has_line) {
        assert_true(hyp_store_line_lease(s->other, s->line));
    }
    while (hyp_directory_tenant_of(s->service->directory, s->devices[1]).id == 0 ||
           hyp_members_has_line(s->service, s->line) == other_has_line) {
        look(s);
    }
}

static void close_served(struct served *s)
{
    hyp_collector_stop(s->collector);
    hyp_service_stop(s->service);
    hyp_collector_destroy(s->collector);
    close_town(&s->town);
    hyp_service_destroy(s->service);
    hyp_library_destroy(s->library);
    hyp_arena_finish(&s->arena);
}

static hyp_job_id read_both(struct served *s)
{
    struct hyp_job job;
    struct hyp_error err = {0};
    if (hyp_field_read(s->service, &s->scope, s->devices, 2, &job, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    return job.id;
}

static struct hyp_job job_of(struct served *s, hyp_job_id id)
{
    struct hyp_job job;
    assert_int_equal(hyp_collector_job(s->collector, id, &job), HYP_OK);
    return job;
}

static void failed_with(struct served *s, hyp_job_id id, const char *text)
{
    struct hyp_job job = job_of(s, id);
    assert_int_equal(job.state, HYP_JOB_ERROR);
    assert_int_equal(job.failed, 2);
    if (strstr(job.text, text) == NULL) {
        fail_msg("it says: %s", job.text);
    }
}

static int64_t count_orders(struct served *s)
{
    return count_rows(&s->town, "SELECT COUNT(*) FROM member_order");
}

/* The one order, as another server sees it. */
static struct hyp_order_row only_order(struct served *s, struct hyp_store *store)
{
    struct hyp_order_row *orders;
    size_t count;
    assert_int_equal(hyp_store_orders(store, &s->arena, &orders, &count), HYP_OK);
    assert_int_equal(count, 1);
    return orders[0];
}

static struct hyp_order_row taken_by_other(struct served *s)
{
    hyp_device_id *devices;
    size_t count;
    struct hyp_order_row order = only_order(s, s->other);
    assert_string_equal(order.asker, "north");
    assert_int_equal(hyp_store_order_take(s->other, &order, &s->arena, &devices, &count),
                     HYP_OK);
    assert_int_equal(count, 2);
    assert_memory_equal(devices, s->devices, sizeof(s->devices));
    return order;
}

static void tell(struct served *s, struct hyp_order_row *order, enum hyp_job_state state,
                 uint32_t done, uint32_t failed, const char *text)
{
    order->state = state;
    order->ended = state >= HYP_JOB_DONE;
    order->done = done;
    order->failed = failed;
    hyp_text_copy(order->text, sizeof(order->text), hyp_str_from(text));
    assert_int_equal(hyp_store_order_tell(s->other, order), HYP_OK);
    look(s);
}

/* --- passed on --- */

static void a_job_goes_as_it_goes_elsewhere(void **state)
{
    (void)state;
    struct served s;
    open_served(&s, true);
    hyp_job_id id = read_both(&s);
    assert_int_equal(job_of(&s, id).state, HYP_JOB_WAITING);
    assert_int_equal(job_of(&s, id).total, 2);
    struct hyp_order_row order = taken_by_other(&s);
    tell(&s, &order, HYP_JOB_SENT, 0, 0, "");
    assert_int_equal(job_of(&s, id).state, HYP_JOB_SENT);
    tell(&s, &order, HYP_JOB_LOADING, 0, 1, "no answer");
    assert_int_equal(job_of(&s, id).state, HYP_JOB_LOADING);
    assert_int_equal(job_of(&s, id).failed, 1);
    tell(&s, &order, HYP_JOB_DONE_WITH_ERRORS, 1, 1, "no answer");
    struct hyp_job job = job_of(&s, id);
    assert_int_equal(job.state, HYP_JOB_DONE_WITH_ERRORS);
    assert_int_equal(job.done, 1);
    assert_int_equal(job.failed, 1);
    assert_string_equal(job.text, "no answer");
    assert_int_equal(count_orders(&s), 0);
    close_served(&s);
}

static void values_that_lack_are_told(void **state)
{
    (void)state;
    struct served s;
    open_served(&s, true);
    hyp_job_id id = read_both(&s);
    struct hyp_order_row order = taken_by_other(&s);
    tell(&s, &order, HYP_JOB_DONE_WITH_ERRORS, 2, 0, "some values are missing");
    assert_int_equal(job_of(&s, id).state, HYP_JOB_DONE_WITH_ERRORS);
    assert_int_equal(job_of(&s, id).done, 2);
    assert_string_equal(job_of(&s, id).text, "some values are missing");
    close_served(&s);
}

static void nobody_takes_it_for_a_minute(void **state)
{
    (void)state;
    struct served s;
    open_served(&s, true);
    hyp_job_id id = read_both(&s);
    hyp_clock_fake_advance(&s.town.members[0].clock, HYP_LIMIT_MEMBER_ORDER_MS - 1);
    look(&s);
    assert_int_equal(job_of(&s, id).state, HYP_JOB_WAITING);
    hyp_clock_fake_advance(&s.town.members[0].clock, 1);
    look(&s);
    failed_with(&s, id, "no server with the line took the order");
    assert_int_equal(count_orders(&s), 0);
    close_served(&s);
}

static void the_one_that_asks_loses_the_line(void **state)
{
    (void)state;
    struct served s;
    open_served(&s, true);
    hyp_job_id id = read_both(&s);
    struct hyp_order_row order = taken_by_other(&s);
    look(&s);
    assert_int_equal(job_of(&s, id).state, HYP_JOB_WAITING);
    hyp_store_line_release(s.other, s.line);
    look(&s);
    failed_with(&s, id, "the server \"south\", which was asking");
    assert_int_equal(count_orders(&s), 0);
    assert_int_equal(hyp_store_order_tell(s.other, &order), HYP_NOT_FOUND);
    close_served(&s);
}

/* The next server with the line is this one itself. */
static void an_order_that_waits_is_done_by_the_next(void **state)
{
    (void)state;
    struct served s;
    open_served(&s, true);
    hyp_job_id id = read_both(&s);
    hyp_store_line_release(s.other, s.line);
    look(&s);
    assert_true(hyp_members_has_line(s.service, s.line));
    struct hyp_order_row order = only_order(&s, s.store);
    assert_string_equal(order.taker, "north");
    struct hyp_job jobs[4];
    assert_int_equal(hyp_collector_jobs(s.collector, jobs, 4), 2);
    assert_int_equal(jobs[1].id.id, id.id);
    assert_int_equal(hyp_collector_cancel(s.collector, jobs[0].id), HYP_OK);
    look(&s);
    failed_with(&s, id, "cancelled");
    close_served(&s);
}

static void cancelled_before_and_behind_the_taking(void **state)
{
    (void)state;
    struct served s;
    struct hyp_error err = {0};
    open_served(&s, true);
    hyp_job_id id = read_both(&s);
    assert_int_equal(hyp_field_cancel(s.service, &s.scope, id, &err), HYP_OK);
    look(&s);
    failed_with(&s, id, "cancelled");
    assert_int_equal(count_orders(&s), 0);
    id = read_both(&s);
    struct hyp_order_row order = taken_by_other(&s);
    assert_int_equal(hyp_field_cancel(s.service, &s.scope, id, &err), HYP_OK);
    look(&s);
    assert_int_equal(job_of(&s, id).state, HYP_JOB_WAITING);
    assert_true(only_order(&s, s.other).cancelled);
    tell(&s, &order, HYP_JOB_ERROR, 0, 2, "cancelled");
    failed_with(&s, id, "cancelled");
    close_served(&s);
}

static void *read_in_thread(void *argument)
{
    struct served *s = argument;
    read_both(s);
    return NULL;
}

/* Is an order of that job being written? */
static bool is_being_written(struct served *s, hyp_job_id job)
{
    struct hyp_passing *passing = &s->service->passing;
    pthread_mutex_lock(&passing->lock);
    bool writing = passing->passed[0].used && passing->passed[0].job.id == job.id;
    pthread_mutex_unlock(&passing->lock);
    return writing;
}

static void wait_until_written_in_vain(struct served *s, hyp_job_id job)
{
    for (int i = 0; i < WAITS && !is_being_written(s, job); i++) {
        HYP_IGNORE(poll(NULL, 0, 1));
    }
}

/* The other member has a transaction open, so that the order cannot be written. */
static void cancelled_while_it_is_written(void **state)
{
    (void)state;
    static struct served s;
    const hyp_job_id first = {.id = 1};
    pthread_t thread;
    open_served(&s, true);
    assert_int_equal(hyp_core_begin(s.other)->failed, HYP_OK);
    assert_int_equal(pthread_create(&thread, NULL, read_in_thread, &s), 0);
    wait_until_written_in_vain(&s, first);
    hyp_passing_cancel(s.service, first);
    assert_int_equal(hyp_core_finish(s.other, HYP_OK, NULL, "test"), HYP_OK);
    pthread_join(thread, NULL);
    look(&s);
    struct hyp_job job = job_of(&s, first);
    int64_t orders = count_orders(&s);
    close_served(&s);
    assert_int_equal(job.failed, 2);
    assert_string_equal(job.text, "cancelled");
    assert_int_equal(orders, 0);
}

static void lost_orders_end_their_jobs(void **state)
{
    (void)state;
    struct served s;
    open_served(&s, true);
    hyp_job_id id = read_both(&s);
    const struct hyp_order_row order = only_order(&s, s.other);
    assert_int_equal(hyp_store_order_remove(s.other, &order), HYP_OK);
    look(&s);
    failed_with(&s, id, "lost");
    struct hyp_db *db = s.store->write.main;
    assert_int_equal(hyp_db_exec(db, "ALTER TABLE member_order RENAME TO hidden"), HYP_OK);
    id = read_both(&s);
    failed_with(&s, id, "could not be passed on");
    assert_int_equal(hyp_db_exec(db, "ALTER TABLE hidden RENAME TO member_order"), HYP_OK);
    look(&s);
    for (size_t i = 0; i < HYP_LIMIT_MEMBER_ORDERS; i++) {
        assert_false(s.service->passing.passed[i].used);
    }
    close_served(&s);
}

static void too_many_are_refused_whole(void **state)
{
    (void)state;
    struct served s;
    struct hyp_job job;
    struct hyp_error err = {0};
    open_served(&s, true);
    for (size_t i = 0; i < HYP_LIMIT_MEMBER_ORDERS; i++) {
        s.service->passing.passed[i].used = true;
    }
    assert_int_equal(hyp_field_read(s.service, &s.scope, s.devices, 2, &job, &err), HYP_LIMIT);
    assert_non_null(strstr(err.text, "other servers"));
    assert_int_equal(hyp_collector_jobs(s.collector, &job, 1), 0);
    assert_int_equal(count_orders(&s), 0);
    for (size_t i = 0; i < HYP_LIMIT_MEMBER_ORDERS; i++) {
        s.service->passing.passed[i].used = false;
    }
    read_both(&s);
    assert_int_equal(count_orders(&s), 1);
    /* They end with this server. */
    hyp_service_stop(s.service);
    s.service->stopping = true;
    hyp_passing_look(s.service);
    assert_int_equal(count_orders(&s), 0);
    close_served(&s);
}

/* --- taken --- */

static struct hyp_order_row pass_to_this(struct served *s)
{
    struct hyp_order_row order = {.tenant = s->town.members[0].tenant, .line = s->line};
    assert_int_equal(hyp_store_order_add(s->other, &order, s->devices, 2), HYP_OK);
    return order;
}

static void an_order_is_done_once_and_told(void **state)
{
    (void)state;
    struct served s;
    struct hyp_job jobs[4];
    struct hyp_error err = {0};
    open_served(&s, false);
    struct hyp_order_row order = pass_to_this(&s);
    look(&s);
    look(&s);
    assert_int_equal(hyp_collector_jobs(s.collector, jobs, 4), 1);
    assert_int_equal(jobs[0].total, 2);
    /* It is a job of the tenant here too. */
    struct hyp_job *shown;
    size_t count;
    assert_int_equal(hyp_field_jobs(s.service, &s.scope, &s.arena, &shown, &count, &err),
                     HYP_OK);
    assert_int_equal(count, 1);
    order = only_order(&s, s.other);
    assert_string_equal(order.taker, "north");
    assert_int_equal(order.state, HYP_JOB_WAITING);
    assert_int_equal(hyp_store_order_cancel(s.other, order.id), HYP_OK);
    look(&s);
    look(&s);
    order = only_order(&s, s.other);
    assert_true(order.ended);
    assert_int_equal(order.failed, 2);
    assert_string_equal(order.text, "cancelled");
    look(&s);
    assert_int_equal(hyp_collector_jobs(s.collector, jobs, 4), 1);
    close_served(&s);
}

static void what_cannot_begin_says_why(void **state)
{
    (void)state;
    struct served s;
    struct hyp_job jobs[4];
    open_served(&s, false);
    struct hyp_order_row order = {.tenant = {.id = 999}, .line = s.line};
    assert_int_equal(hyp_store_order_add(s.other, &order, s.devices, 2), HYP_OK);
    look(&s);
    assert_int_equal(hyp_collector_jobs(s.collector, jobs, 4), 0);
    order = only_order(&s, s.other);
    assert_true(order.ended);
    assert_int_equal(order.state, HYP_JOB_ERROR);
    assert_string_equal(order.text, "a device is not there any more");
    close_served(&s);
}

/* Of a server of this name that was killed: taken, it may have been done; passed on, nobody
 * waits for it. */
static void what_was_before_the_start_is_not_done(void **state)
{
    (void)state;
    struct served s;
    struct hyp_job jobs[4];
    hyp_device_id *devices;
    size_t count;
    open_served(&s, false);
    struct hyp_order_row order = pass_to_this(&s);
    assert_int_equal(hyp_store_order_take(s.store, &order, &s.arena, &devices, &count), HYP_OK);
    struct hyp_order_row own = {.tenant = s.town.members[0].tenant, .line = s.line};
    assert_int_equal(hyp_store_order_add(s.store, &own, s.devices, 2), HYP_OK);
    look(&s);
    assert_int_equal(hyp_collector_jobs(s.collector, jobs, 4), 0);
    order = only_order(&s, s.other);
    assert_true(order.ended);
    assert_non_null(strstr(order.text, "started anew"));
    close_served(&s);
}

/* The one who asked has gone for good: his order stays, but nobody tries to take it for ever.
 */
static void what_is_too_old_is_left_alone(void **state)
{
    (void)state;
    struct served s;
    struct hyp_order_row *orders;
    size_t count;
    open_served(&s, false);
    pass_to_this(&s);
    assert_int_equal(
        hyp_db_exec(s.store->write.main, "UPDATE member_order SET created = created - 60000"),
        HYP_OK);
    assert_int_equal(hyp_store_orders(s.store, &s.arena, &orders, &count), HYP_OK);
    assert_int_equal(count, 0);
    only_order(&s, s.other);
    close_served(&s);
}

/* While the collector ends its work the keeper still looks. */
static void one_that_stops_takes_nothing(void **state)
{
    (void)state;
    struct served s;
    open_served(&s, false);
    hyp_collector_stop(s.collector);
    pass_to_this(&s);
    look(&s);
    struct hyp_order_row order = only_order(&s, s.other);
    close_served(&s);
    assert_string_equal(order.taker, "");
    assert_false(order.ended);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, a_job_goes_as_it_goes_elsewhere);
    TEST_ONE(&list, values_that_lack_are_told);
    TEST_ONE(&list, nobody_takes_it_for_a_minute);
    TEST_ONE(&list, the_one_that_asks_loses_the_line);
    TEST_ONE(&list, an_order_that_waits_is_done_by_the_next);
    TEST_ONE(&list, cancelled_before_and_behind_the_taking);
    TEST_ONE(&list, cancelled_while_it_is_written);
    TEST_ONE(&list, lost_orders_end_their_jobs);
    TEST_ONE(&list, too_many_are_refused_whole);
    TEST_ONE(&list, an_order_is_done_once_and_told);
    TEST_ONE(&list, what_cannot_begin_says_why);
    TEST_ONE(&list, what_was_before_the_start_is_not_done);
    TEST_ONE(&list, what_is_too_old_is_left_alone);
    TEST_ONE(&list, one_that_stops_takes_nothing);
    return test_list_run(&list, "passing");
}
