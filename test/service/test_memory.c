/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the plant while memory is short: the n-th allocation fails, in whatever thread. An
 * answer says what is true: what is stored is not reported as failed, and what has failed is
 * not stored. What memory and collector could not follow, they do at the next look.
 *
 * Linked with --wrap, so that every malloc, calloc and realloc of the rooms passes here.
 */
#include "fixture.h"

#include "allocation_fault.h"
#include "service/manifest.h"

static struct test_service t;
static struct hyp_collector *collector;

static void open_plant(void)
{
    test_service_open(&t);
    const struct hyp_collect_config config = {
        .clock = &t.clock.clock,
        .rng = &t.rng.rng,
        .library = t.library,
        .sink = hyp_store_sink(t.store),
        .observer = hyp_service_observer(t.service),
    };
    struct hyp_error err = {0};
    assert_int_equal(hyp_collector_create(&config, &collector, &err), HYP_OK);
    atomic_store(&t.service->collector,
                 collector); /* without a keeper: the test looks itself */
}

static void close_plant(void)
{
    atomic_store(&t.service->collector, NULL);
    collector = hyp_collector_destroy(collector);
    test_service_close(&t);
}

/* --- what is there --- */

static bool stored_device(const char *name, struct hyp_device *ret_device)
{
    struct hyp_device *devices;
    size_t count;
    assert_int_equal(
        hyp_store_devices(t.store, hyp_scope_tenant(&t.admin), &t.arena, &devices, &count),
        HYP_OK);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(devices[i].name, name) == 0) {
            *ret_device = devices[i];
            return true;
        }
    }
    return false;
}

static bool stored_line(const char *name, struct hyp_line *ret_line)
{
    struct hyp_line *lines;
    size_t count;
    assert_int_equal(
        hyp_store_lines(t.store, hyp_scope_tenant(&t.admin), &t.arena, &lines, &count), HYP_OK);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(lines[i].name, name) == 0) {
            *ret_line = lines[i];
            return true;
        }
    }
    return false;
}

/* Memory and collector have it as the store has it. */
static void check_device(const struct hyp_device *device)
{
    struct hyp_device_view view;
    struct hyp_device_state state;
    assert_int_equal(hyp_directory_device(t.service->directory, device->tenant, device->id,
                                          hyp_service_now(t.service), &view),
                     HYP_OK);
    assert_string_equal(view.device.name, device->name);
    assert_int_equal(hyp_collector_device_state(collector, device->id, &state), HYP_OK);
}

static void check_line(const struct hyp_line *line)
{
    struct hyp_line_state state;
    char name[HYP_LIMIT_NAME];
    hyp_directory_line_name(t.service->directory, line->tenant, line->id, name);
    assert_string_equal(name, line->name);
    assert_int_equal(hyp_collector_line_state(collector, line->id, &state), HYP_OK);
}

/* --- what is done --- */

static struct hyp_line a_line;
static struct hyp_device a_device;

static void prepare(void)
{
    a_line = test_add_line(&t, "line");
    a_device = test_add_device(&t, "device", "11111111", a_line.id.id);
}

static enum hyp_status add_line(const char *name)
{
    struct hyp_line line = {.kind = HYP_LINE_MBUS_TCP, .host = "192.0.2.8", .port = 10001};
    hyp_text_copy(line.name, sizeof(line.name), hyp_str_from(name));
    return hyp_line_add(t.service, &t.admin, &line, NULL);
}

static enum hyp_status rename_line(const char *name)
{
    struct hyp_line line = a_line;
    hyp_text_copy(line.name, sizeof(line.name), hyp_str_from(name));
    return hyp_line_update(t.service, &t.admin, &line, false, NULL);
}

static enum hyp_status add_device(const char *name)
{
    struct hyp_device device = {
        .kind = "heat_meter",
        .serial = "22222222",
        .manufacturer = "KAM",
        .version = -1,
        .medium = -1,
        .primary_address = -1,
        .enabled = true,
    };
    hyp_text_copy(device.name, sizeof(device.name), hyp_str_from(name));
    return hyp_device_add(t.service, &t.admin, &device, NULL);
}

/* With a key, for which the collector has no place yet. */
static enum hyp_status rename_device(const char *name)
{
    struct hyp_device device = a_device;
    hyp_text_copy(device.name, sizeof(device.name), hyp_str_from(name));
    device.has_key = true;
    return hyp_device_update(t.service, &t.admin, &device, true, NULL);
}

static enum hyp_status import(const char *name)
{
    char text[256];
    struct hyp_buf buf;
    struct hyp_manifest_result result;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_buf_append_fmt(&buf,
                       "{\"devices\":[{\"name\":\"%s\",\"kind\":\"heat_meter\","
                       "\"id\":\"22222222\",\"manufacturer\":\"KAM\"}]}",
                       name);
    return hyp_manifest_import(t.service, &t.admin, hyp_buf_view(&buf), &t.arena, &result,
                               NULL);
}

static const struct act_row {
    const char *name;
    enum hyp_status (*act)(const char *name);
    bool of_line;
} act_rows[] = {
    {"a line comes",               add_line,      true },
    {"a line gets another name",   rename_line,   true },
    {"a device comes",             add_device,    false},
    {"a device gets name and key", rename_device, false},
    {"a list of devices comes",    import,        false},
};

/* Returns whether there was an allocation of that number. */
static bool try_at(const struct act_row *row, long at)
{
    struct hyp_line line;
    struct hyp_device device;
    open_plant();
    prepare();
    allocation_fault_arm(&our_allocations, at, false);
    enum hyp_status status = row->act("another");
    bool reached = atomic_load(&our_allocations.taken) >= at;
    allocation_fault_arm(&our_allocations, 0, false);
    bool stored =
        row->of_line ? stored_line("another", &line) : stored_device("another", &device);
    assert_int_equal(status == HYP_OK, stored);
    assert_true(stored || reached);
    hyp_members_look(t.service);
    if (stored && row->of_line) {
        check_line(&line);
    } else if (stored) {
        check_device(&device);
    }
    close_plant();
    return reached;
}

static void an_answer_is_true_without_memory(void **state)
{
    const struct act_row *row = *state;
    long at = 1;
    while (try_at(row, at)) {
        at++;
    }
    assert_true(at > 1); /* there was something to refuse */
    print_message("# %s: at each of %ld allocations\n", row->name, at - 1);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, act_rows, an_answer_is_true_without_memory);
    return test_list_run(&list, "service-memory");
}
