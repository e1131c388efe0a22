/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <semaphore.h>

static struct test_service t;
static struct hyp_device device;
static int woken;
static sem_t wakes;

static void wake(void *user)
{
    (void)user;
    woken++;
    sem_post(&wakes);
}

static struct hyp_watcher *open_watcher(const struct hyp_scope *scope,
                                        const struct hyp_subscription *subscription)
{
    struct hyp_watcher *watcher = NULL;
    struct hyp_error err = {0};
    if (hyp_watcher_open(t.service, scope, subscription, wake, NULL, &watcher, &err) !=
        HYP_OK) {
        fail_msg("%s", err.text);
    }
    return watcher;
}

/* The observer of the store runs after the sender's done: wait until it has. */
static const struct hyp_event *wait_event(struct hyp_watcher *watcher)
{
    bool ended;
    const struct hyp_event *event = hyp_watcher_next(watcher, &ended);
    while (event == NULL && !ended) {
        assert_int_equal(sem_wait(&wakes), 0);
        event = hyp_watcher_next(watcher, &ended);
    }
    return event;
}

/* A device with points, whose first commit has been told to everybody. */
static int open_service(void **state)
{
    (void)state;
    test_service_open(&t);
    sem_init(&wakes, 0, 0);
    device = test_add_device(&t, "m", "12345678", 0);
    struct hyp_watcher *first =
        open_watcher(&t.reader, &(struct hyp_subscription){.device = device.id});
    test_commit(&t, device.id, TEST_START_MS, 1);
    hyp_event_release(wait_event(first));
    hyp_watcher_close(first);
    woken = 0;
    return 0;
}

static int close_service(void **state)
{
    (void)state;
    test_service_close(&t);
    sem_destroy(&wakes);
    return 0;
}

/* Kind of the next event; -1 when there is none, -2 at the end. */
static int next_kind(struct hyp_watcher *watcher)
{
    bool ended;
    const struct hyp_event *event = hyp_watcher_next(watcher, &ended);
    if (event == NULL) {
        return ended ? -2 : -1;
    }
    int kind = (int)event->kind;
    hyp_event_release(event);
    return kind;
}

static struct hyp_stored_value value_of(int64_t point, int64_t digits)
{
    return (struct hyp_stored_value){
        .point = {point},
        .kind = HYP_VALUE_DECIMAL,
        .quality = HYP_QUALITY_GOOD,
        .decimal = { digits,    0}
    };
}

static void values_reach_who_asked(void **state)
{
    (void)state;
    struct hyp_watcher *all =
        open_watcher(&t.reader, &(struct hyp_subscription){.device = device.id});
    struct hyp_watcher *none =
        open_watcher(&t.reader, &(struct hyp_subscription){.lines = true});
    assert_int_equal(next_kind(all), -1);
    test_commit(&t, device.id, TEST_START_MS + 1000, 2);
    const struct hyp_event *event = wait_event(all);
    assert_int_equal(event->kind, HYP_EVENT_VALUES);
    assert_int_equal(event->values.device.id, device.id.id);
    assert_int_equal(event->values.time.ms, TEST_START_MS + 1000);
    bool text_found = false;
    for (size_t i = 0; i < event->values.count; i++) {
        const struct hyp_stored_value *value = &event->values.values[i];
        text_found = text_found || (value->kind == HYP_VALUE_TEXT &&
                                    hyp_str_equal(value->text, HYP_STR("house 7")));
        assert_true(hyp_watcher_wants(all, device.id, value->point));
    }
    assert_true(text_found);
    hyp_event_release(event);
    assert_int_equal(next_kind(none), -1);
    hyp_watcher_close(all);
    hyp_watcher_close(none);
}

static void points_are_chosen(void **state)
{
    struct hyp_point *points;
    size_t count;
    (void)state;
    assert_int_equal(
        hyp_store_points(t.store, t.admin.tenant, device.id, &t.arena, &points, &count),
        HYP_OK);
    assert_true(count >= 2);
    struct hyp_watcher *watcher = open_watcher(
        &t.reader, &(struct hyp_subscription){.points = &points[0].id, .point_count = 1});
    assert_true(hyp_watcher_wants(watcher, device.id, points[0].id));
    assert_false(hyp_watcher_wants(watcher, device.id, points[1].id));
    struct hyp_stored_value value = value_of(points[0].id.id, 5);
    hyp_hub_values(t.service->hub, t.admin.tenant, device.id, (hyp_utc){1}, &value, 1);
    assert_int_equal(next_kind(watcher), HYP_EVENT_VALUES);
    hyp_hub_values(t.service->hub, t.admin.tenant, (hyp_device_id){999}, (hyp_utc){1}, &value,
                   1);
    assert_int_equal(next_kind(watcher), -1);
    hyp_watcher_close(watcher);
    hyp_point_id unknown = {99999};
    struct hyp_watcher *refused = NULL;
    const struct hyp_subscription wrong = {.points = &unknown, .point_count = 1};
    assert_int_equal(hyp_watcher_open(t.service, &t.reader, &wrong, wake, NULL, &refused, NULL),
                     HYP_NOT_FOUND);
}

static void topics_are_chosen(void **state)
{
    (void)state;
    struct hyp_watcher *lines =
        open_watcher(&t.reader, &(struct hyp_subscription){.lines = true});
    struct hyp_watcher *jobs =
        open_watcher(&t.reader, &(struct hyp_subscription){.jobs = true});
    struct hyp_event line = {.kind = HYP_EVENT_LINE, .tenant = t.admin.tenant};
    struct hyp_event job = {.kind = HYP_EVENT_JOB, .tenant = t.admin.tenant};
    hyp_hub_publish(t.service->hub, &line);
    hyp_hub_publish(t.service->hub, &job);
    hyp_hub_ping(t.service->hub);
    assert_int_equal(next_kind(lines), HYP_EVENT_LINE);
    assert_int_equal(next_kind(lines), HYP_EVENT_PING);
    assert_int_equal(next_kind(lines), -1);
    assert_int_equal(next_kind(jobs), HYP_EVENT_JOB);
    assert_int_equal(next_kind(jobs), HYP_EVENT_PING);
    hyp_watcher_close(lines);
    hyp_watcher_close(jobs);
}

static void other_tenants_see_nothing(void **state)
{
    (void)state;
    struct hyp_watcher *stranger = open_watcher(
        &t.stranger, &(struct hyp_subscription){.devices = true, .lines = true, .jobs = true});
    struct hyp_event line = {.kind = HYP_EVENT_LINE, .tenant = t.admin.tenant};
    hyp_hub_publish(t.service->hub, &line);
    assert_int_equal(next_kind(stranger), -1);
    hyp_watcher_close(stranger);
    struct hyp_watcher *refused = NULL;
    const struct hyp_subscription wrong = {.device = device.id};
    assert_int_equal(
        hyp_watcher_open(t.service, &t.stranger, &wrong, wake, NULL, &refused, NULL),
        HYP_NOT_FOUND);
}

static void wakes_once_per_silence(void **state)
{
    (void)state;
    struct hyp_watcher *watcher =
        open_watcher(&t.reader, &(struct hyp_subscription){.lines = true});
    struct hyp_event line = {.kind = HYP_EVENT_LINE, .tenant = t.admin.tenant};
    hyp_hub_publish(t.service->hub, &line);
    assert_int_equal(woken, 0); /* nobody was told that there is nothing */
    assert_int_equal(next_kind(watcher), HYP_EVENT_LINE);
    assert_int_equal(next_kind(watcher), -1);
    hyp_hub_publish(t.service->hub, &line);
    hyp_hub_publish(t.service->hub, &line);
    assert_int_equal(woken, 1);
    hyp_watcher_close(watcher);
}

static void who_does_not_keep_up_is_dropped(void **state)
{
    (void)state;
    struct hyp_watcher *slow =
        open_watcher(&t.reader, &(struct hyp_subscription){.lines = true});
    struct hyp_watcher *quick =
        open_watcher(&t.reader, &(struct hyp_subscription){.lines = true});
    struct hyp_event line = {.kind = HYP_EVENT_LINE, .tenant = t.admin.tenant};
    for (int i = 0; i <= HYP_LIMIT_STREAM_QUEUE; i++) {
        hyp_hub_publish(t.service->hub, &line);
        assert_int_equal(next_kind(quick), HYP_EVENT_LINE);
    }
    assert_int_equal(next_kind(slow), HYP_EVENT_LAGGED);
    assert_int_equal(next_kind(slow), -2);
    hyp_hub_publish(t.service->hub, &line);
    assert_int_equal(next_kind(slow), -2);
    assert_int_equal(next_kind(quick), HYP_EVENT_LINE);
    hyp_watcher_close(slow);
    hyp_watcher_close(quick);
}

static void ends_with_its_user(void **state)
{
    (void)state;
    struct hyp_scope one = hyp_scope_make(t.admin.tenant, 11, HYP_ROLE_READER);
    struct hyp_scope two = hyp_scope_make(t.admin.tenant, 12, HYP_ROLE_READER);
    struct hyp_watcher *first = open_watcher(&one, &(struct hyp_subscription){.lines = true});
    struct hyp_watcher *second = open_watcher(&two, &(struct hyp_subscription){.lines = true});
    hyp_hub_end(t.service->hub, 11);
    assert_int_equal(next_kind(first), -2);
    assert_int_equal(next_kind(second), -1);
    hyp_streams_close_all(t.service);
    assert_int_equal(next_kind(second), -2);
    struct hyp_watcher *late = NULL;
    assert_int_equal(hyp_watcher_open(t.service, &one,
                                      &(struct hyp_subscription){.lines = true}, wake, NULL,
                                      &late, NULL),
                     HYP_CANCELLED);
    assert_int_equal(hyp_hub_stream_count(t.service->hub), 2);
    hyp_watcher_close(first);
    hyp_watcher_close(second);
    assert_int_equal(hyp_hub_stream_count(t.service->hub), 0);
}

#define WITH_SERVICE(test) cmocka_unit_test_setup_teardown(test, open_service, close_service)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(values_reach_who_asked), WITH_SERVICE(points_are_chosen),
        WITH_SERVICE(topics_are_chosen),      WITH_SERVICE(other_tenants_see_nothing),
        WITH_SERVICE(wakes_once_per_silence), WITH_SERVICE(who_does_not_keep_up_is_dropped),
        WITH_SERVICE(ends_with_its_user),
    };
    return cmocka_run_group_tests_name("hub", tests, NULL, NULL);
}
