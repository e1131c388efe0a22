/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "service/hub.h"

#include <pthread.h>
#include <semaphore.h>

static void make_service(struct test_service *t)
{
    struct hyp_error err = {0};
    const struct hyp_service_config config = {
        .store = t->store,
        .library = t->library,
        .clock = &t->clock.clock,
        .rng = &t->rng.rng,
        .hash_cost = {.operations = 1, .memory_bytes = 8192},
        .time_zone = "Europe/Copenhagen",
    };
    if (hyp_service_create(&config, &t->service, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
}

void test_service_open(struct test_service *t)
{
    struct hyp_error err = {0};
    memset(t, 0, sizeof(*t));
    hyp_clock_fake_init(&t->clock, (hyp_utc){TEST_START_MS});
    hyp_rng_seeded_init(&t->rng, 42);
    hyp_arena_init(&t->arena, HYP_LIMIT_REQUEST_ARENA);
    const struct hyp_store_config config = {.clock = &t->clock.clock, .rng = &t->rng.rng};
    assert_int_equal(hyp_store_open(&config, &t->store, &err), HYP_OK);
    assert_int_equal(hyp_library_create(&t->library, &err), HYP_OK);
    make_service(t);
    hyp_tenant_id tenant = hyp_service_first_tenant(t->service).id;
    struct hyp_tenant other = {.name = "Other town", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(t->store, &other), HYP_OK);
    t->admin = hyp_scope_make(tenant, 0, HYP_ROLE_ADMIN);
    t->reader = hyp_scope_make(tenant, 0, HYP_ROLE_READER);
    t->stranger = hyp_scope_make(other.id, 0, HYP_ROLE_ADMIN);
}

/* The store keeps its observers, so services that were restarted live until it is closed. */
static struct hyp_service *left_behind[8];
static size_t left_behind_count;

void test_service_close(struct test_service *t)
{
    hyp_service_stop(t->service);
    hyp_store_close(t->store);
    hyp_service_destroy(t->service);
    while (left_behind_count > 0) {
        hyp_service_destroy(left_behind[--left_behind_count]);
    }
    hyp_library_destroy(t->library);
    hyp_arena_finish(&t->arena);
}

void test_service_restart(struct test_service *t)
{
    hyp_service_stop(t->service);
    assert_true(left_behind_count < HYP_ARRAY_LEN(left_behind));
    left_behind[left_behind_count++] = t->service;
    make_service(t);
}

struct hyp_grant test_set_up(struct test_service *t)
{
    struct hyp_grant grant = {0};
    struct hyp_error err = {0};
    const struct hyp_setup setup = {
        .token = hyp_str_from(hyp_auth_setup_token(t->service)),
        .login = HYP_STR("admin"),
        .name = HYP_STR("Ada Admin"),
        .password = HYP_STR(TEST_PASSWORD),
        .address = HYP_STR("192.0.2.1"),
    };
    if (hyp_auth_set_up(t->service, &setup, &t->arena, &grant, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    return grant;
}

enum hyp_status test_login(struct test_service *t, const char *login, const char *password,
                           const char *address, struct hyp_grant *ret_grant,
                           int64_t *ret_wait_ms)
{
    struct hyp_error err;
    const struct hyp_login given = {
        .login = hyp_str_from(login),
        .password = hyp_str_from(password),
        .address = hyp_str_from(address),
    };
    return hyp_auth_login(t->service, &given, &t->arena, ret_grant, ret_wait_ms, &err);
}

struct hyp_user test_add_user(struct test_service *t, const char *login, enum hyp_role role)
{
    struct hyp_user user = {.role = role, .enabled = true};
    struct hyp_error err = {0};
    hyp_text_copy(user.login, sizeof(user.login), hyp_str_from(login));
    if (hyp_people_user_add(t->service, &t->admin, &user, HYP_STR(TEST_PASSWORD), &err) !=
        HYP_OK) {
        fail_msg("%s", err.text);
    }
    return user;
}

struct hyp_line test_add_line(struct test_service *t, const char *name)
{
    struct hyp_line line = {
        .kind = HYP_LINE_MBUS_TCP, .host = "192.0.2.7", .port = 10001, .enabled = true};
    struct hyp_error err = {0};
    hyp_text_copy(line.name, sizeof(line.name), hyp_str_from(name));
    if (hyp_line_add(t->service, &t->admin, &line, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    return line;
}

struct hyp_device test_add_device(struct test_service *t, const char *name, const char *serial,
                                  int64_t line)
{
    struct hyp_device device = {
        .line = {line},
        .kind = "heat_meter",
        .manufacturer = "KAM",
        .version = 0x35,
        .medium = 4,
        .primary_address = -1,
        .secondary = line != 0,
        .enabled = true,
    };
    struct hyp_error err = {0};
    hyp_text_copy(device.name, sizeof(device.name), hyp_str_from(name));
    hyp_text_copy(device.serial, sizeof(device.serial), hyp_str_from(serial));
    if (hyp_device_add(t->service, &t->admin, &device, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    return device;
}

/* --- commits --- */

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished;
    enum hyp_status status;
};

static void commit_done(void *user, enum hyp_status status)
{
    struct waiting *waiting = user;
    pthread_mutex_lock(&waiting->lock);
    waiting->status = status;
    waiting->finished = true;
    pthread_cond_signal(&waiting->done);
    pthread_mutex_unlock(&waiting->lock);
}

static void submit_and_wait(struct test_service *t, const struct hyp_reading *readings,
                            size_t count)
{
    struct waiting waiting = {.lock = PTHREAD_MUTEX_INITIALIZER,
                              .done = PTHREAD_COND_INITIALIZER};
    const struct hyp_batch batch = {.readings = readings, .reading_count = count};
    struct hyp_sink *sink = hyp_store_sink(t->store);
    assert_int_equal(sink->submit(sink, &batch, commit_done, &waiting), HYP_OK);
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.finished) {
        pthread_cond_wait(&waiting.done, &waiting.lock);
    }
    pthread_mutex_unlock(&waiting.lock);
    assert_int_equal(waiting.status, HYP_OK);
}

void test_commit_status(struct test_service *t, hyp_device_id device, int64_t time_ms,
                        uint8_t status)
{
    const struct hyp_value value = {.key = {.name = HYP_NAME_STATUS},
                                    .kind = HYP_VALUE_FLAGS,
                                    .quality = HYP_QUALITY_GOOD,
                                    .flags = status};
    test_commit_value(t, device, time_ms, &value);
}

void test_commit_value(struct test_service *t, hyp_device_id device, int64_t time_ms,
                       const struct hyp_value *value)
{
    struct hyp_reading reading = {
        .device = device,
        .source_time = {time_ms},
        .receive_time = {time_ms + 1000},
        .kind = HYP_READING_CURRENT,
        .source = HYP_SOURCE_AUTOMATIC,
        .frame = HYP_NO_FRAME,
        .values = value,
        .value_count = 1,
    };
    submit_and_wait(t, &reading, 1);
}

void test_commit_many(struct test_service *t, hyp_device_id device, int64_t time_ms,
                      int64_t step_ms, size_t count, int64_t energy)
{
    struct hyp_reading *readings = calloc(count, sizeof(*readings));
    struct hyp_value(*values)[3] = calloc(count, sizeof(*values));
    assert_non_null(readings);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        struct hyp_value *row = values[i];
        row[0] = (struct hyp_value){
            .key = {.name = HYP_NAME_ENERGY},
            .unit = HYP_UNIT_KWH,
            .kind = HYP_VALUE_DECIMAL,
            .quality = HYP_QUALITY_GOOD,
            .decimal = { energy + (int64_t)i,                      0}
        };
        row[1] = (struct hyp_value){.key = {.name = HYP_NAME_CUSTOMER_NUMBER},
                                    .kind = HYP_VALUE_TEXT,
                                    .quality = HYP_QUALITY_GOOD,
                                    .text = HYP_STR("house 7")};
        row[2] = (struct hyp_value){.key = {.name = HYP_NAME_INFO_CODE},
                                    .kind = HYP_VALUE_FLAGS,
                                    .quality = HYP_QUALITY_GOOD};
        readings[i] = (struct hyp_reading){
            .device = device,
            .source_time = {time_ms + (int64_t)i * step_ms},
            .receive_time = {time_ms + (int64_t)i * step_ms + 1000},
            .kind = HYP_READING_CURRENT,
            .source = HYP_SOURCE_AUTOMATIC,
            .frame = HYP_NO_FRAME,
            .values = row,
            .value_count = 3,
        };
    }
    submit_and_wait(t, readings, count);
    free(readings);
    free(values);
}

static void post(void *user)
{
    sem_post(user);
}

void test_commit_heard(struct test_service *t, hyp_device_id device, int64_t time_ms,
                       int64_t step_ms, size_t count, int64_t energy)
{
    sem_t wakes;
    struct hyp_watcher *watcher = NULL;
    sem_init(&wakes, 0, 0);
    assert_int_equal(hyp_watcher_open(t->service, &t->reader,
                                      &(struct hyp_subscription){.device = device}, post,
                                      &wakes, &watcher, NULL),
                     HYP_OK);
    test_commit_many(t, device, time_ms, step_ms, count, energy);
    for (size_t heard = 0; heard < count;) {
        bool ended;
        const struct hyp_event *event = hyp_watcher_next(watcher, &ended);
        assert_false(ended);
        if (event == NULL) {
            sem_wait(&wakes);
            continue;
        }
        heard += event->kind == HYP_EVENT_VALUES ? 1 : 0;
        hyp_event_release(event);
    }
    hyp_watcher_close(watcher);
    sem_destroy(&wakes);
}

void test_commit(struct test_service *t, hyp_device_id device, int64_t time_ms, int64_t energy)
{
    test_commit_many(t, device, time_ms, 0, 1, energy);
}

struct hyp_audit_entry test_last_audit(struct test_service *t)
{
    struct hyp_audit_entry *entries;
    size_t count;
    assert_int_equal(
        hyp_store_audit(t->store, t->admin.tenant, 0, 1, &t->arena, &entries, &count), HYP_OK);
    assert_int_equal(count, 1);
    return entries[0];
}
