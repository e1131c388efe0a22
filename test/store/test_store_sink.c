/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sink of a store takes, refuses and holds back, and who is told of it.
 */
#include "fixture.h"

#include <pthread.h>

/* --- what is refused --- */

/* A good batch of one reading with one frame is broken in one way. */
static void break_batch(struct hyp_batch *batch, struct hyp_reading *reading,
                        struct hyp_value *value, struct hyp_raw_frame *frame, int way)
{
    static const char long_text[HYP_LIMIT_VALUE_TEXT + 1];
    switch (way) {
    case 0: reading->frame = 1; break;
    case 1: reading->kind = HYP_READING_UNSET; break;
    case 2: reading->source = HYP_SOURCE_UNSET; break;
    case 3: value->quality = HYP_QUALITY_UNSET; break;
    case 4: value->kind = HYP_VALUE_UNSET; break;
    case 5: value->unit = HYP_UNIT_COUNT_OF; break;
    case 6: value->key.name = HYP_NAME_COUNT_OF; break;
    case 7: value->key.function = HYP_FUNCTION_ERROR + 1; break;
    case 8:
        value->kind = HYP_VALUE_TEXT;
        value->text = (struct hyp_str){long_text, sizeof(long_text)};
        break;
    case 9: frame->len = HYP_LIMIT_KEPT_FRAME_BYTES + 1; break;
    case 10: batch->reading_count = HYP_LIMIT_BATCH_READINGS + 1; break;
    case 11: batch->frame_count = HYP_LIMIT_BATCH_FRAMES + 1; break;
    case 12: reading->value_count = HYP_LIMIT_READING_VALUES + 1; break;
    default: break;
    }
}

static const struct refused_row {
    const char *name;
    int way;
    enum hyp_status status;
} refused[] = {
    {"nothing wrong",        -1, HYP_OK     },
    {"a frame out of range", 0,  HYP_INVALID},
    {"no kind of reading",   1,  HYP_INVALID},
    {"no source",            2,  HYP_INVALID},
    {"no quality",           3,  HYP_INVALID},
    {"usable without kind",  4,  HYP_INVALID},
    {"no such unit",         5,  HYP_INVALID},
    {"no such name",         6,  HYP_INVALID},
    {"no such function",     7,  HYP_INVALID},
    {"a text too long",      8,  HYP_INVALID},
    {"a frame too long",     9,  HYP_INVALID},
    {"too many readings",    10, HYP_INVALID},
    {"too many frames",      11, HYP_INVALID},
    {"too many values",      12, HYP_INVALID},
};

static void a_batch_that_cannot_be_stored_is_refused(void **state)
{
    const struct refused_row *row = *state;
    struct test_store t;
    test_store_open(&t, NULL);
    static const uint8_t bytes[] = {1, 2};
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 1, 0);
    struct hyp_raw_frame frame = {.bytes = bytes, .len = 2, .protocol = HYP_RAW_MBUS};
    struct hyp_reading reading = test_reading(test_device(&t, "1"), START_MS, &value, 1);
    reading.frame = 0;
    struct hyp_batch batch = {
        .readings = &reading, .reading_count = 1, .frames = &frame, .frame_count = 1};
    break_batch(&batch, &reading, &value, &frame, row->way);
    assert_int_equal(test_submit(t.store, &batch), row->status);
    assert_int_equal(test_stats(&t).values, row->status == HYP_OK ? 1 : 0);
    test_store_close(&t);
}

static void an_empty_batch_is_done(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_batch batch = {0};
    assert_int_equal(test_submit(t.store, &batch), HYP_OK);
    test_store_close(&t);
}

static void unknown_names_are_no_series(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_value values[] = {test_decimal(HYP_NAME_UNKNOWN, 1, 0),
                                 test_decimal(HYP_NAME_VOLUME, 1, 0)};
    struct hyp_reading reading = test_reading(test_device(&t, "1"), START_MS, values, 2);
    assert_int_equal(test_put(&t, &reading), HYP_OK);
    assert_int_equal(test_stats(&t).points, 1);
    test_store_close(&t);
}

/* --- a full queue --- */

struct blocker {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open;
    size_t inside;
    size_t done;
};

static void hold_up(void *user, hyp_device_id device, hyp_utc time,
                    const struct hyp_stored_value *values, size_t count)
{
    (void)device;
    (void)time;
    (void)values;
    (void)count;
    struct blocker *b = user;
    pthread_mutex_lock(&b->mutex);
    b->inside++;
    pthread_cond_broadcast(&b->changed);
    while (!b->open) {
        pthread_cond_wait(&b->changed, &b->mutex);
    }
    pthread_mutex_unlock(&b->mutex);
}

static void count_done(void *user, enum hyp_status status)
{
    struct blocker *b = user;
    assert_int_equal(status, HYP_OK);
    pthread_mutex_lock(&b->mutex);
    b->done++;
    pthread_mutex_unlock(&b->mutex);
}

/* While the writer is held up the queue fills and says BUSY; nothing accepted is lost. */
static void a_full_queue_is_busy(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct blocker b = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                        .changed = PTHREAD_COND_INITIALIZER};
    struct hyp_store_observer observer = {.user = &b, .committed = hold_up};
    assert_int_equal(hyp_store_observe(t.store, &observer), HYP_OK);
    hyp_device_id device = test_device(&t, "1");
    static uint8_t bytes[HYP_LIMIT_KEPT_FRAME_BYTES];
    static struct hyp_raw_frame frames[128];
    for (size_t i = 0; i < HYP_ARRAY_LEN(frames); i++) {
        frames[i] = (struct hyp_raw_frame){.bytes = bytes, .len = sizeof(bytes)};
    }
    struct hyp_sink *sink = hyp_store_sink(t.store);
    size_t accepted = 0;
    enum hyp_status status;
    do {
        struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 1, 0);
        struct hyp_reading reading =
            test_reading(device, START_MS + (int64_t)accepted, &value, 1);
        struct hyp_batch batch = {.readings = &reading,
                                  .reading_count = 1,
                                  .frames = frames,
                                  .frame_count = HYP_ARRAY_LEN(frames)};
        status = sink->submit(sink, &batch, count_done, &b);
        accepted += status == HYP_OK;
        if (accepted == 1 && status == HYP_OK) {
            pthread_mutex_lock(&b.mutex);
            while (b.inside == 0) {
                pthread_cond_wait(&b.changed, &b.mutex);
            }
            pthread_mutex_unlock(&b.mutex);
        }
    } while (status == HYP_OK);
    assert_int_equal(status, HYP_BUSY);
    assert_int_equal(test_stats(&t).queue_length, accepted - 1);
    pthread_mutex_lock(&b.mutex);
    b.open = true;
    pthread_cond_broadcast(&b.changed);
    pthread_mutex_unlock(&b.mutex);
    test_store_close(&t);
    assert_int_equal(b.done, accepted);
}

/* --- observers --- */

struct seen {
    struct test_store *t;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t calls;
    size_t values;
    int64_t last_digits;
    size_t known; /* points found by a query from inside the call */
};

static void note_values(void *user, hyp_device_id device, hyp_utc time,
                        const struct hyp_stored_value *values, size_t count)
{
    struct seen *seen = user;
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        struct hyp_point point;
        known += hyp_store_point(seen->t->store, seen->t->tenant, values[i].point, &point) ==
                     HYP_OK &&
                 point.device.id == device.id && values[i].time.ms == time.ms;
    }
    struct hyp_audit_entry entry = {.tenant = seen->t->tenant, .action = "seen"};
    HYP_IGNORE(hyp_store_audit_add(seen->t->store, &entry)); /* writing from inside works too */
    pthread_mutex_lock(&seen->mutex);
    seen->calls++;
    seen->values += count;
    seen->known += known;
    seen->last_digits = values[count - 1].decimal.digits;
    pthread_cond_signal(&seen->changed);
    pthread_mutex_unlock(&seen->mutex);
}

static void wait_calls(struct seen *seen, size_t calls)
{
    pthread_mutex_lock(&seen->mutex);
    while (seen->calls < calls) {
        pthread_cond_wait(&seen->changed, &seen->mutex);
    }
    pthread_mutex_unlock(&seen->mutex);
}

static void observers_see_what_is_new(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct seen seen = {
        .t = &t, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct hyp_store_observer observer = {.user = &seen, .committed = note_values};
    assert_int_equal(hyp_store_observe(t.store, &observer), HYP_OK);
    hyp_device_id device = test_device(&t, "1");
    struct hyp_value values[] = {test_decimal(HYP_NAME_VOLUME, 5, 0),
                                 test_decimal(HYP_NAME_FLOW, 6, 0)};
    struct hyp_reading reading = test_reading(device, START_MS, values, 2);
    assert_int_equal(test_put(&t, &reading), HYP_OK);
    wait_calls(&seen, 1);
    assert_int_equal(seen.values, 2);
    /* Known already: nobody is told. One new value of two: only that one. */
    assert_int_equal(test_put(&t, &reading), HYP_OK);
    values[1].decimal.digits = 7;
    assert_int_equal(test_put(&t, &reading), HYP_OK);
    wait_calls(&seen, 2);
    assert_int_equal(seen.values, 3);
    assert_int_equal(seen.known, 3);
    assert_int_equal(seen.last_digits, 7);
    for (size_t i = 1; i < HYP_LIMIT_OBSERVERS; i++) {
        assert_int_equal(hyp_store_observe(t.store, &observer), HYP_OK);
    }
    assert_int_equal(hyp_store_observe(t.store, &observer), HYP_LIMIT);
    test_store_close(&t);
}
int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, refused, a_batch_that_cannot_be_stored_is_refused);
    TEST_ONE(&list, an_empty_batch_is_done);
    TEST_ONE(&list, unknown_names_are_no_series);
    TEST_ONE(&list, a_full_queue_is_busy);
    TEST_ONE(&list, observers_see_what_is_new);
    return test_list_run(&list, "store-sink");
}
