/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting while memory is short: the n-th allocation fails, once or from then on for a
 * while. Nothing crashes or leaks, no reading is somebody else's, and when there is memory
 * again every device is read as before.
 *
 * Linked with --wrap, so that every malloc, calloc and realloc of the rooms passes here; those
 * of the test's own sink and peers are left alone.
 */
#include "broker.h"
#include "refusals.h"

#include <stdio.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    return refusals_take() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refusals_take() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return refusals_take() ? NULL : __real_realloc(memory, size);
}

static const struct memory_row {
    const char *name;
    long refuse;
    long step;
} memory_rows[] = {
    {"one allocation fails",          1,   1},
    {"three allocations in row fail", 3,   3},
    {"two hundred in row fail",       200, 7},
};

static void check_memory(void **state)
{
    const struct memory_row *row = *state;
    long until = 0;
    while (refusals_try(until, row->refuse)) {
        until += row->step;
    }
    assert_true(until > 10); /* there was something to refuse */
    print_message("# %s: at each of the first %ld allocations\n", row->name, until);
}

/* --- what is changed while memory is short --- */

/* As many as the maps of the collector take before they grow. */
#define FULL_REGISTER 11
#define RENAMED "another name"

static struct hyp_line line_of(const struct plant *plant, int64_t id)
{
    if (id == 1) {
        return field_line(1, HYP_LINE_MODBUS_TCP, plant->slave.peer.port);
    }
    if (id == 2) {
        return field_line(2, HYP_LINE_MBUS_TCP, plant->bus.peer.port);
    }
    struct hyp_line line = field_line(id, HYP_LINE_WMBUS_UDP_LISTEN, 0);
    line.enabled = false;
    return line;
}

static void fill_register(struct plant *plant)
{
    for (int64_t id = 3; id <= FULL_REGISTER; id++) {
        struct hyp_line line = line_of(plant, id);
        struct hyp_device device = field_modbus_device(id, 0, (uint8_t)id);
        assert_int_equal(hyp_collector_set_line(plant->field->collector, &line), HYP_OK);
        assert_int_equal(hyp_collector_set_device(plant->field->collector, &device), HYP_OK);
    }
}

static enum hyp_status rename_line(struct plant *plant)
{
    struct hyp_line line = line_of(plant, 2);
    hyp_text_copy(line.name, sizeof(line.name), HYP_STR(RENAMED));
    return hyp_collector_set_line(plant->field->collector, &line);
}

/* A line that asks becomes one that listens, with the messages of a broker to remember. */
static enum hyp_status turn_line(struct plant *plant)
{
    struct hyp_line line = line_of(plant, FULL_REGISTER);
    line.kind = HYP_LINE_WMBUS_MQTT;
    return hyp_collector_set_line(plant->field->collector, &line);
}

static enum hyp_status add_line(struct plant *plant)
{
    struct hyp_line line = line_of(plant, FULL_REGISTER + 1);
    return hyp_collector_set_line(plant->field->collector, &line);
}

static enum hyp_status give_key(struct plant *plant)
{
    struct hyp_device device = field_modbus_device(1, 1, 2);
    device.has_key = true;
    return hyp_collector_set_device(plant->field->collector, &device);
}

static enum hyp_status add_device(struct plant *plant)
{
    struct hyp_device device = field_modbus_device(FULL_REGISTER + 1, 0, 9);
    return hyp_collector_set_device(plant->field->collector, &device);
}

static const struct change_row {
    const char *name;
    enum hyp_status (*change)(struct plant *plant);
    int64_t line;   /* that must be there, */
    int64_t device; /* and that, whatever became of the change */
} change_rows[] = {
    {"a line gets another name",    rename_line, 2,             2            },
    {"a line becomes another kind", turn_line,   FULL_REGISTER, FULL_REGISTER},
    {"a line comes",                add_line,    FULL_REGISTER, FULL_REGISTER},
    {"a device gets a key",         give_key,    1,             1            },
    {"a device comes",              add_device,  FULL_REGISTER, FULL_REGISTER},
};

/* Returns whether the change was refused for want of memory. */
static bool try_change(const struct change_row *row, long until)
{
    struct plant plant;
    struct hyp_line_state line;
    struct hyp_device_state device;
    plant_open(&plant);
    fill_register(&plant);
    plant_pass(&plant, PLANT_HOUR_MS / 2);
    struct hyp_collector *collector = plant.field->collector;
    refusals_begin(until, 1);
    enum hyp_status status = row->change(&plant);
    bool refused = refusals_end();
    assert_int_equal(status, refused ? HYP_NO_MEMORY : HYP_OK);
    assert_int_equal(hyp_collector_line_state(collector, (hyp_line_id){row->line}, &line),
                     HYP_OK);
    assert_int_equal(
        hyp_collector_device_state(collector, (hyp_device_id){row->device}, &device), HYP_OK);
    size_t before[] = {plant_readings(&plant, 1), plant_readings(&plant, 2)};
    plant_pass(&plant, PLANT_HOUR_MS);
    assert_true(plant_readings(&plant, 1) > before[0]);
    assert_true(plant_readings(&plant, 2) > before[1]);
    /* With memory again it succeeds, once more if it did already. */
    assert_int_equal(row->change(&plant), HYP_OK);
    plant_pass(&plant, PLANT_HOUR_MS);
    assert_true(plant_readings(&plant, 1) > before[0] + 1);
    assert_true(plant_readings(&plant, 2) > before[1] + 1);
    plant_check(&plant);
    plant_close(&plant);
    return refused;
}

static void a_refused_change_leaves_what_was(void **state)
{
    const struct change_row *row = *state;
    long until = 0;
    while (try_change(row, until)) {
        until++;
    }
    assert_true(until > 0);
}

/* --- what is ordered while memory is short --- */

static enum hyp_status order_read(struct plant *plant, hyp_job_id *ret_job,
                                  struct hyp_error *err)
{
    const hyp_device_id device = {1};
    return hyp_collector_read(plant->field->collector, &device, 1, HYP_PRIORITY_MANUAL, ret_job,
                              err);
}

static enum hyp_status order_scan(struct plant *plant, hyp_job_id *ret_job,
                                  struct hyp_error *err)
{
    const struct hyp_scan scan = {.line = {2}, .first = 1, .last = 1};
    return hyp_collector_scan(plant->field->collector, &scan, ret_job, err);
}

static enum hyp_status order_command(struct plant *plant, hyp_job_id *ret_job,
                                     struct hyp_error *err)
{
    const struct hyp_meter_command command = {
        .kind = HYP_METER_RESET_APPLICATION, .device = {2}, .value = -1};
    return hyp_collector_command(plant->field->collector, &command, ret_job, err);
}

static enum hyp_status order_test(struct plant *plant, hyp_job_id *ret_job,
                                  struct hyp_error *err)
{
    const struct hyp_device device = field_modbus_device(99, 1, 1);
    return hyp_collector_test(plant->field->collector, &device, ret_job, err);
}

static const struct order_row {
    const char *name;
    enum hyp_status (*order)(struct plant *plant, hyp_job_id *ret_job, struct hyp_error *err);
} order_rows[] = {
    {"a device is to be read",   order_read   },
    {"a line is to be searched", order_scan   },
    {"a meter gets a command",   order_command},
    {"a device is to be tested", order_test   },
};

/* Returns whether an allocation was refused. @ret_ended counts jobs that found no place. */
static bool try_order(const struct order_row *row, long until, int *ret_ended)
{
    struct plant plant;
    struct hyp_error err = {0};
    struct hyp_job job;
    hyp_job_id id = {0};
    plant_open(&plant);
    struct hyp_collector *collector = plant.field->collector;
    size_t before = hyp_collector_jobs(collector, &job, 1);
    refusals_begin(until, 1);
    enum hyp_status status = row->order(&plant, &id, &err);
    bool refused = refusals_end();
    if (status == HYP_OK) {
        /* The job is there, and ends if its line could not take it. */
        assert_int_equal(hyp_collector_job(collector, id, &job), HYP_OK);
        if (job.state == HYP_JOB_ERROR) { /* not because the queue of its line is full */
            assert_non_null(strstr(job.text, "memory"));
            (*ret_ended)++;
        }
    } else {
        assert_true(refused);
        assert_int_equal(status, HYP_NO_MEMORY);
        assert_non_null(strstr(err.text, "memory"));
        assert_int_equal(hyp_collector_jobs(collector, &job, 1), before);
    }
    /* The first that an order needs is its job. */
    assert_true(until > 0 || status == HYP_NO_MEMORY);
    assert_int_equal(row->order(&plant, &id, &err), HYP_OK);
    plant_close(&plant);
    return refused;
}

static void an_order_without_memory_says_so(void **state)
{
    const struct order_row *row = *state;
    long until = 0;
    int ended = 0;
    while (try_order(row, until, &ended)) {
        until++;
    }
    assert_true(until > 1); /* the job, and its place in the queue */
    assert_true(ended > 0);
}

/* --- a file in the drop folder --- */

struct drop {
    struct program scratch; /* only its folder */
    struct field *field;
};

static void drop_file(struct drop *drop)
{
    drop->field = broker_field(); /* with the meter */
    program_prepare(&drop->scratch);
    struct hyp_line line = field_line(1, HYP_LINE_DROP_FOLDER, 0);
    hyp_text_copy(line.path, sizeof(line.path), hyp_str_from(drop->scratch.folder));
    assert_int_equal(hyp_collector_set_line(drop->field->collector, &line), HYP_OK);
    FILE *file = fopen(program_path(&drop->scratch, "a.txt"), "w");
    assert_non_null(file);
    assert_true(fputs(TELEGRAM "\n", file) >= 0);
    fclose(file);
}

static bool has_file(struct drop *drop, const char *name)
{
    return access(program_path(&drop->scratch, name), F_OK) == 0;
}

static void let_pass(struct drop *drop)
{
    field_advance(drop->field, 100);
    field_settle(drop->field);
    /* It is a good file, whatever happens. */
    assert_false(has_file(drop, "failed/a.txt"));
}

/* Returns whether there was a call to refuse. */
static bool try_file(long until)
{
    struct drop drop;
    drop_file(&drop);
    refusals_begin(until, 1);
    while (!refusals_any() && !has_file(&drop, "done/a.txt")) {
        let_pass(&drop);
    }
    bool refused = refusals_end();
    while (!has_file(&drop, "done/a.txt")) {
        let_pass(&drop);
    }
    assert_true(drop.field->sink.reading_count > 0);
    field_destroy(drop.field);
    program_stop(&drop.scratch);
    return refused;
}

static void a_file_waits_for_memory(void **state)
{
    (void)state;
    long until = 0;
    while (try_file(until)) {
        until++;
    }
    assert_true(until > 5);
}

/* --- a message of a broker --- */

static void step(struct field *field)
{
    field_settle(field);
    field_advance(field, 100);
}

/* Returns whether there was a call to refuse. */
static bool try_message(const struct broker *broker, long until)
{
    struct field *field = broker_field();
    struct hyp_line line = broker_line(broker, "town/#");
    hyp_text_copy(line.client_id, sizeof(line.client_id), HYP_STR("hypocaust-memory"));
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    until_link(field, HYP_LINK_CONNECTED);
    broker_publish(broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
    refusals_begin(until, 1);
    while (!refusals_any() && field->sink.reading_count == 0) {
        step(field);
    }
    bool refused = refusals_end();
    for (int i = 0; i < 1200 && field->sink.reading_count == 0; i++) {
        step(field);
    }
    assert_int_equal(field->sink.reading_count, 1);
    field_assert_decimal(&field->sink.readings[0], "volume", "11.218");
    field_settle(field);
    field_destroy(field);
    return refused;
}

static void a_message_is_sent_again_when_there_was_no_memory(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, BROKER_OPEN);
    long until = 0;
    while (try_message(&broker, until)) {
        until++;
    }
    assert_true(until > 3);
    print_message("# a message: at each of the first %ld allocations\n", until);
    program_stop(&broker.program);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, a_message_is_sent_again_when_there_was_no_memory);
    TEST_ONE(&list, a_file_waits_for_memory);
    TEST_ROWS(&list, change_rows, a_refused_change_leaves_what_was);
    TEST_ROWS(&list, order_rows, an_order_without_memory_says_so);
    TEST_ROWS(&list, memory_rows, check_memory);
    return test_list_run(&list, "memory");
}
