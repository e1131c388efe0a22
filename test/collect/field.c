/* SPDX-License-Identifier: Apache-2.0 */
#include "field.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CAPACITY 100000
#define WATCHDOG_S 600 /* only what hangs: a busy machine takes its time */
/* Turns without an event after which nothing follows from what was. */
#define QUIET_TURNS 2
/* Something that a test leaves unread keeps its bytes under way for ever. */
#define SETTLE_TURNS 1000
/* Behind so many unused descriptors there is none in use. */
#define UNUSED_FDS 16

static const char test_profile[] =
    "profile: test_modbus\n"
    "title: Test device\n"
    "kind: generic\n"
    "protocol: modbus\n"
    "modbus:\n"
    "  address_base: 0\n"
    "  read: 3\n"
    "  max_registers: 100\n"
    "registers:\n"
    "  - {name: flow_temperature, address: 10, type: int16, scale: 0.1, unit: degC, poll: "
    "live}\n"
    "  - {name: return_temperature, address: 11, type: int16, scale: 0.1, unit: degC}\n"
    "  - {name: outdoor_temperature, address: 12, type: int16, scale: 0.1, unit: degC}\n"
    "  - {name: room_temperature, address: 13, type: int16, scale: 0.1, unit: degC}\n"
    "  - {name: heat_curve_slope, address: 100, type: int16, poll: daily}\n";

/* --- sink --- */

static void keep_batch(struct field_sink *sink, const struct hyp_batch *batch)
{
    for (size_t i = 0; i < batch->frame_count && sink->frame_count < CAPACITY; i++) {
        const struct hyp_raw_frame *frame = &batch->frames[i];
        struct field_frame *copy = &sink->frames[sink->frame_count++];
        *copy = (struct field_frame){.device = frame->device,
                                     .line = frame->line,
                                     .outcome = frame->outcome,
                                     .protocol = frame->protocol,
                                     .signal_dbm = frame->signal_dbm,
                                     .received = frame->received,
                                     .replaces = frame->replaces,
                                     .len = frame->len};
        memcpy(copy->bytes, frame->bytes, HYP_MIN(frame->len, sizeof(copy->bytes)));
    }
    for (size_t i = 0; i < batch->reading_count && sink->reading_count < CAPACITY; i++) {
        const struct hyp_reading *reading = &batch->readings[i];
        assert_true(reading->frame == HYP_NO_FRAME || reading->frame < batch->frame_count);
        struct hyp_value *values =
            hyp_arena_alloc_array(&sink->arena, reading->value_count, sizeof(*values));
        assert_non_null(values);
        memcpy(values, reading->values, reading->value_count * sizeof(*values));
        sink->readings[sink->reading_count++] =
            (struct field_reading){.device = reading->device,
                                   .source_time = reading->source_time,
                                   .receive_time = reading->receive_time,
                                   .source = reading->source,
                                   .has_frame = reading->frame != HYP_NO_FRAME,
                                   .value_count = reading->value_count,
                                   .values = values};
    }
    sink->batches++;
}

int field_own_work;

static enum hyp_status sink_submit(struct hyp_sink *base, const struct hyp_batch *batch,
                                   void (*done)(void *user, enum hyp_status status), void *user)
{
    struct field_sink *sink = (struct field_sink *)(void *)base;
    if (sink->busy > 0) {
        sink->busy--;
        return HYP_BUSY;
    }
    if (sink->hold) {
        assert_true(sink->held_count < HYP_ARRAY_LEN(sink->held));
        sink->held[sink->held_count++] = (struct field_held){batch, done, user};
        return HYP_OK;
    }
    if (sink->outcome == HYP_OK) {
        field_own_work++;
        keep_batch(sink, batch);
        field_own_work--;
    }
    done(user, sink->outcome);
    return HYP_OK;
}

void field_sink_release(struct field *field, enum hyp_status status)
{
    struct field_sink *sink = &field->sink;
    size_t count = sink->held_count;
    struct field_held held[HYP_ARRAY_LEN(sink->held)];
    memcpy(held, sink->held, sizeof(held));
    sink->held_count = 0;
    sink->hold = false;
    for (size_t i = 0; i < count; i++) {
        if (status == HYP_OK) {
            keep_batch(sink, held[i].batch);
        }
        held[i].done(held[i].user, status);
    }
}

/* --- observer --- */

static void on_job(void *user, const struct hyp_job *job)
{
    struct field *field = user;
    if (field->job_count < HYP_ARRAY_LEN(field->jobs)) {
        field->jobs[field->job_count++] = *job;
    }
}

static void on_format(void *user, const struct hyp_compact_format *format)
{
    (void)format;
    ((struct field *)user)->formats_learned++;
}

static void on_holes(void *user, hyp_device_id device, const struct hyp_modbus_hole *holes,
                     size_t count)
{
    (void)device;
    (void)holes;
    ((struct field *)user)->holes_learned = count;
}

static void on_key(void *user, hyp_device_id device, const struct hyp_aes_key *key)
{
    struct field *field = user;
    (void)device;
    field->keys_found++;
    field->key_found = *key;
}

static void on_found(void *user, const struct hyp_found_device *found)
{
    (void)found;
    ((struct field *)user)->found++;
}

/* --- field --- */

static struct field *create(const struct hyp_zone *zone, bool real)
{
    struct field *field = calloc(1, sizeof(*field));
    assert_non_null(field);
    hyp_clock_fake_init(&field->clock, (hyp_utc){FIELD_START_MS});
    hyp_rng_seeded_init(&field->rng, 1);
    field->sink.sink.submit = sink_submit;
    hyp_arena_init(&field->sink.arena, 1u << 30);
    field->sink.readings = calloc(CAPACITY, sizeof(*field->sink.readings));
    field->sink.frames = calloc(CAPACITY, sizeof(*field->sink.frames));
    struct hyp_error err = {0};
    if (hyp_library_create(&field->library, &err) != HYP_OK ||
        hyp_library_add(field->library, hyp_str_from(test_profile), "test", &err) != HYP_OK) {
        fail_msg("library: %s", err.text);
    }
    struct hyp_collect_config config = {
        .clock = real ? hyp_clock_system() : &field->clock.clock,
        .rng = &field->rng.rng,
        .library = field->library,
        .sink = &field->sink.sink,
        .zone = zone,
        .observer = {.user = field,
                     .job = on_job,
                     .found = on_found,
                     .format_learned = on_format,
                     .key_found = on_key,
                     .holes_learned = on_holes},
    };
    assert_int_equal(hyp_collector_create(&config, &field->collector, &err), HYP_OK);
    field->loop = &field->collector->loop;
    alarm(WATCHDOG_S);
    return field;
}

struct field *field_create_in(const struct hyp_zone *zone)
{
    return create(zone, false);
}

struct field *field_create_real(void)
{
    return create(NULL, true);
}

struct field *field_create(void)
{
    return field_create_in(NULL);
}

void field_destroy(struct field *field)
{
    hyp_collector_destroy(field->collector);
    hyp_library_destroy(field->library);
    hyp_arena_finish(&field->sink.arena);
    free(field->sink.readings);
    free(field->sink.frames);
    free(field);
    alarm(0);
}

void field_until(struct field *field, bool (*done)(struct field *field, void *argument),
                 void *argument)
{
    while (!done(field, argument)) {
        hyp_loop_step(field->loop, true);
    }
}

static bool has_readings(struct field *field, void *argument)
{
    return field->sink.reading_count >= *(size_t *)argument;
}

void field_until_readings(struct field *field, size_t count)
{
    field_until(field, has_readings, &count);
}

static bool has_frames(struct field *field, void *argument)
{
    return field->sink.frame_count >= *(size_t *)argument;
}

void field_until_frames(struct field *field, size_t count)
{
    field_until(field, has_frames, &count);
}

static bool is_finished(struct field *field, void *argument)
{
    struct hyp_job job;
    assert_int_equal(hyp_collector_job(field->collector, *(hyp_job_id *)argument, &job),
                     HYP_OK);
    return job.state == HYP_JOB_DONE || job.state == HYP_JOB_DONE_WITH_ERRORS ||
           job.state == HYP_JOB_ERROR;
}

struct hyp_job field_until_finished(struct field *field, hyp_job_id id)
{
    field_until(field, is_finished, &id);
    struct hyp_job job;
    assert_int_equal(hyp_collector_job(field->collector, id, &job), HYP_OK);
    return job;
}

struct count_of {
    hyp_device_id device;
    uint64_t count;
};

static bool has_failures(struct field *field, void *argument)
{
    const struct count_of *wanted = argument;
    struct hyp_device_state state = field_device_state(field, wanted->device.id);
    return state.comm.attempts - state.comm.successes >= wanted->count &&
           state.comm.last_failure.ms >= state.comm.last_attempt.ms;
}

void field_until_failures(struct field *field, hyp_device_id device, uint32_t failures)
{
    struct count_of wanted = {device, failures};
    field_until(field, has_failures, &wanted);
}

static bool has_attempts(struct field *field, void *argument)
{
    const struct count_of *wanted = argument;
    return field_device_state(field, wanted->device.id).comm.attempts >= wanted->count;
}

void field_until_attempts(struct field *field, hyp_device_id device, uint64_t attempts)
{
    struct count_of wanted = {device, attempts};
    field_until(field, has_attempts, &wanted);
}

void field_advance(struct field *field, int64_t ms)
{
    hyp_clock_fake_advance(&field->clock, ms);
}

/*
 * Does one of our sockets hold bytes that the other end has not got? A small piece that follows
 * another one waits in the kernel until the first is acknowledged, and that is put off for up
 * to 40 ms of real time: long enough for the clock of the test to run past every deadline. So
 * the acknowledgements are fetched here.
 */
static bool is_under_way(void)
{
    const int now = 1;
    bool under_way = false;
    field_own_work++;
    for (int fd = 3, unused = 0; unused < UNUSED_FDS; fd++) {
        int protocol = 0;
        socklen_t size = sizeof(protocol);
        int unsent = 0;
        if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0) {
            unused = errno == EBADF ? unused + 1 : 0;
            continue;
        }
        unused = 0;
        if (protocol == IPPROTO_TCP) {
            (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &now, sizeof(now));
            under_way = under_way || (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0);
        }
    }
    field_own_work--;
    return under_way;
}

static bool has_events(struct field *field)
{
    struct pollfd loop = {.fd = uv_backend_fd(&field->loop->uv), .events = POLLIN};
    return poll(&loop, 1, 0) > 0;
}

void field_settle(struct field *field)
{
    int quiet = 0;
    for (int turn = 0; turn < SETTLE_TURNS && quiet < QUIET_TURNS; turn++) {
        hyp_loop_step(field->loop, false);
        quiet = has_events(field) || is_under_way() ? 0 : quiet + 1;
    }
}

struct hyp_line field_line(int64_t id, enum hyp_line_kind kind, uint16_t port)
{
    struct hyp_line line = {.id = {id},
                            .tenant = FIELD_TENANT,
                            .kind = kind,
                            .host = "127.0.0.1",
                            .port = port,
                            .timeout_ms = 1000,
                            .enabled = true,
                            .revision = 1};
    struct hyp_buf name;
    hyp_buf_init_fixed(&name, line.name, sizeof(line.name));
    hyp_buf_append_fmt(&name, "line-%lld", (long long)id);
    hyp_buf_terminate(&name);
    return line;
}

struct hyp_device field_modbus_device(int64_t id, int64_t line, uint8_t unit)
{
    return (struct hyp_device){
        .id = {id},
        .tenant = FIELD_TENANT,
        .line = {                          line },
        .profile = "test_modbus",
        .version = -1,
        .medium = -1,
        .primary_address = -1,
        .unit_id = unit,
        .schedule = { .kind = HYP_SCHEDULE_EVERY,  .minutes = 15},
        .enabled = true,
        .revision = 1,
    };
}

struct hyp_device_state field_device_state(struct field *field, int64_t id)
{
    struct hyp_device_state state;
    assert_int_equal(hyp_collector_device_state(field->collector, (hyp_device_id){id}, &state),
                     HYP_OK);
    return state;
}

struct hyp_line_state field_line_state(struct field *field, int64_t id)
{
    struct hyp_line_state state;
    assert_int_equal(hyp_collector_line_state(field->collector, (hyp_line_id){id}, &state),
                     HYP_OK);
    return state;
}

const struct hyp_value *field_value(const struct field_reading *reading, const char *text)
{
    struct hyp_point_key key;
    assert_int_equal(hyp_point_key_parse(hyp_str_from(text), &key), HYP_OK);
    for (size_t i = 0; i < reading->value_count; i++) {
        if (hyp_point_key_equal(&reading->values[i].key, &key)) {
            return &reading->values[i];
        }
    }
    return NULL;
}

void field_assert_decimal(const struct field_reading *reading, const char *key,
                          const char *text)
{
    const struct hyp_value *value = field_value(reading, key);
    assert_non_null(value);
    struct hyp_decimal expected;
    assert_int_equal(hyp_decimal_parse(hyp_str_from(text), &expected), HYP_OK);
    if (value->kind != HYP_VALUE_DECIMAL || value->quality != HYP_QUALITY_GOOD ||
        hyp_decimal_compare(value->decimal, expected) != 0) {
        fail_msg("%s is %lld e%d, expected %s", key, (long long)value->decimal.digits,
                 value->decimal.exp10, text);
    }
}

bool field_job_was(const struct field *field, hyp_job_id job, enum hyp_job_state state)
{
    for (size_t i = 0; i < field->job_count; i++) {
        if (field->jobs[i].id.id == job.id && field->jobs[i].state == state) {
            return true;
        }
    }
    return false;
}
