/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector with its own thread, as the server runs it: several threads ask, command and
 * change at the same time, the sink commits on a thread of its own, and the stop comes in the
 * middle of it.
 */
#include "field.h"

#include <pthread.h>

#define ASKERS 4
#define ROUNDS 100
#define DEVICES 8

/* Commits on its own thread, one batch after the other. */
struct slow_sink {
    struct hyp_sink sink;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct slow_item {
        void (*done)(void *user, enum hyp_status status);
        void *user;
        size_t readings;
    } items[64];
    size_t count;
    size_t readings; /* acknowledged */
    bool ending;
};

static enum hyp_status slow_submit(struct hyp_sink *base, const struct hyp_batch *batch,
                                   void (*done)(void *user, enum hyp_status status), void *user)
{
    struct slow_sink *sink = (struct slow_sink *)(void *)base;
    enum hyp_status status = HYP_BUSY;
    pthread_mutex_lock(&sink->lock);
    if (sink->count < HYP_ARRAY_LEN(sink->items)) {
        sink->items[sink->count++] = (struct slow_item){done, user, batch->reading_count};
        pthread_cond_signal(&sink->changed);
        status = HYP_OK;
    }
    pthread_mutex_unlock(&sink->lock);
    return status;
}

static void *slow_run(void *argument)
{
    struct slow_sink *sink = argument;
    pthread_mutex_lock(&sink->lock);
    while (!sink->ending || sink->count > 0) {
        if (sink->count == 0) {
            pthread_cond_wait(&sink->changed, &sink->lock);
            continue;
        }
        struct slow_item item = sink->items[0];
        sink->count--;
        memmove(sink->items, sink->items + 1, sink->count * sizeof(sink->items[0]));
        sink->readings += item.readings;
        pthread_mutex_unlock(&sink->lock);
        item.done(item.user, HYP_OK);
        pthread_mutex_lock(&sink->lock);
    }
    pthread_mutex_unlock(&sink->lock);
    return NULL;
}

static void slow_start(struct slow_sink *sink)
{
    *sink = (struct slow_sink){.sink = {.submit = slow_submit}};
    pthread_mutex_init(&sink->lock, NULL);
    pthread_cond_init(&sink->changed, NULL);
    assert_int_equal(pthread_create(&sink->thread, NULL, slow_run, sink), 0);
}

static void slow_end(struct slow_sink *sink)
{
    pthread_mutex_lock(&sink->lock);
    sink->ending = true;
    pthread_cond_signal(&sink->changed);
    pthread_mutex_unlock(&sink->lock);
    pthread_join(sink->thread, NULL);
    pthread_mutex_destroy(&sink->lock);
    pthread_cond_destroy(&sink->changed);
}

struct asker {
    struct hyp_collector *collector;
    pthread_t thread;
    int number;
    size_t failed; /* calls with an answer that must not be */
};

static void *ask(void *argument)
{
    struct asker *asker = argument;
    for (int i = 0; i < ROUNDS; i++) {
        hyp_device_id device = {i % DEVICES + 1};
        hyp_job_id id = {0};
        struct hyp_job job;
        struct hyp_job jobs[16];
        struct hyp_device_state state;
        struct hyp_line_state line;
        struct hyp_queue_entry queue[16];
        enum hyp_status status =
            hyp_collector_read(asker->collector, &device, 1, HYP_PRIORITY_MANUAL, &id, NULL);
        asker->failed += status != HYP_OK && status != HYP_LIMIT ? 1 : 0;
        if (status == HYP_OK) {
            asker->failed += hyp_collector_job(asker->collector, id, &job) != HYP_OK ? 1 : 0;
        }
        asker->failed +=
            hyp_collector_device_state(asker->collector, device, &state) != HYP_OK ? 1 : 0;
        asker->failed +=
            hyp_collector_line_state(asker->collector, (hyp_line_id){1}, &line) != HYP_OK ? 1
                                                                                          : 0;
        hyp_collector_jobs(asker->collector, jobs, HYP_ARRAY_LEN(jobs));
        hyp_collector_queue(asker->collector, (hyp_line_id){1}, queue, HYP_ARRAY_LEN(queue));
        if (asker->number == 0) {
            struct hyp_device changed = field_modbus_device(device.id, 1, (uint8_t)device.id);
            changed.revision = i;
            asker->failed +=
                hyp_collector_set_device(asker->collector, &changed) != HYP_OK ? 1 : 0;
        }
    }
    return NULL;
}

static void many_threads_and_a_stop_in_the_middle(void **state)
{
    (void)state;
    struct field *field = field_create_real();
    struct slow_sink sink;
    slow_start(&sink);
    field->collector->outbox.sink = &sink.sink;
    struct hyp_line line = field_line(1, HYP_LINE_MODBUS_TCP, 1); /* nobody listens there */
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    for (int i = 1; i <= DEVICES; i++) {
        struct hyp_device device = field_modbus_device(i, 1, (uint8_t)i);
        assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    }
    struct hyp_error err;
    assert_int_equal(hyp_collector_start(field->collector, &err), HYP_OK);
    struct asker askers[ASKERS] = {0};
    for (int i = 0; i < ASKERS; i++) {
        askers[i].collector = field->collector;
        askers[i].number = i;
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    }
    for (int i = 0; i < ASKERS; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].failed, 0);
    }
    hyp_collector_stop(field->collector);
    hyp_collector_stop(field->collector); /* once more does nothing */
    field_destroy(field);
    slow_end(&sink);
}

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    struct hyp_intake_result result;
};

static void on_fed(void *user, const struct hyp_intake_result *result)
{
    struct waiting *waiting = user;
    pthread_mutex_lock(&waiting->lock);
    waiting->done = true;
    waiting->result = *result;
    pthread_cond_signal(&waiting->changed);
    pthread_mutex_unlock(&waiting->lock);
}

/* What a feed was told is committed is what the sink has acknowledged. */
static void acknowledged_means_committed(void **state)
{
    (void)state;
    struct field *field = field_create_real();
    struct slow_sink sink;
    slow_start(&sink);
    field->collector->outbox.sink = &sink.sink;
    struct hyp_line line = field_line(1, HYP_LINE_MODBUS_TCP, 1);
    line.enabled = false;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct hyp_device device = field_modbus_device(7, 1, 2);
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    assert_int_equal(hyp_collector_start(field->collector, NULL), HYP_OK);
    struct hyp_buf text;
    hyp_buf_init_heap(&text, 1 << 20);
    for (int i = 0; i < 3000; i++) {
        hyp_utc_format(&text, (hyp_utc){FIELD_START_MS + i * 60000LL});
        hyp_buf_append_text(&text, " modbus:line-1 0203000A000200D700B4\n");
    }
    struct waiting waiting = {.lock = PTHREAD_MUTEX_INITIALIZER,
                              .changed = PTHREAD_COND_INITIALIZER};
    assert_int_equal(hyp_collector_feed(field->collector, FIELD_TENANT, hyp_buf_view(&text),
                                        HYP_SOURCE_FILE, on_fed, &waiting),
                     HYP_OK);
    hyp_buf_finish(&text);
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.done) {
        pthread_cond_wait(&waiting.changed, &waiting.lock);
    }
    pthread_mutex_unlock(&waiting.lock);
    assert_int_equal(waiting.result.status, HYP_OK);
    assert_int_equal(waiting.result.readings, 3000);
    pthread_mutex_lock(&sink.lock);
    assert_int_equal(sink.readings, 3000);
    pthread_mutex_unlock(&sink.lock);
    field_destroy(field);
    slow_end(&sink);
}

int main(void)
{
    static struct test_list list;
    TEST_ONE(&list, many_threads_and_a_stop_in_the_middle);
    TEST_ONE(&list, acknowledged_means_committed);
    return test_list_run(&list, "thread");
}
