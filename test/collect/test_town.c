/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated town, read over its own sockets: M-Bus by primary and secondary address,
 * controllers over Modbus, telegrams from a concentrator, plain and encrypted.
 */
#include "field.h"
#include "program.h"

#include <jansson.h>
#include <stdio.h>

#ifndef HYP_SIM
#error "HYP_SIM is the simulator's path"
#endif

struct town {
    struct program sim;
    struct field *field;
    json_t *manifest;
    size_t devices;
    hyp_device_id polled[1024];
    size_t polled_count;
    size_t heard; /* devices by radio over TCP */
};

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static int64_t line_id(struct town *town, const char *name)
{
    size_t index;
    json_t *line;
    json_array_foreach(json_object_get(town->manifest, "lines"), index, line)
    {
        if (strcmp(text_of(line, "name"), name) == 0) {
            return (int64_t)index + 1;
        }
    }
    fail_msg("no line %s", name);
    return 0;
}

static void add_lines(struct town *town)
{
    size_t index;
    json_t *object;
    json_array_foreach(json_object_get(town->manifest, "lines"), index, object)
    {
        enum hyp_line_kind kind;
        assert_int_equal(hyp_line_kind_find(hyp_str_from(text_of(object, "kind")), &kind),
                         HYP_OK);
        if (kind == HYP_LINE_WMBUS_MQTT) {
            continue;
        }
        uint16_t port = (uint16_t)json_integer_value(json_object_get(object, "port"));
        struct hyp_line line = field_line((int64_t)index + 1, kind, port);
        hyp_text_copy(line.name, sizeof(line.name), hyp_str_from(text_of(object, "name")));
        line.timeout_ms = 60000; /* the town answers when it gets the processor */
        assert_int_equal(hyp_collector_set_line(town->field->collector, &line), HYP_OK);
    }
}

static int number_or(json_t *object, const char *key, int none)
{
    json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (int)json_integer_value(value) : none;
}

static void add_device(struct town *town, json_t *object, int64_t id)
{
    struct hyp_device device = {
        .id = {id},
        .tenant = FIELD_TENANT,
        .line = {line_id(town, text_of(object, "line"))},
        .version = (int16_t)number_or(object, "version", -1),
        .medium = (int16_t)number_or(object, "medium", -1),
        .primary_address = (int16_t)number_or(object, "primary_address", -1),
        .secondary = json_is_true(json_object_get(object, "secondary")),
        .unit_id = (uint8_t)number_or(object, "unit_id", 0),
        .schedule = {.kind = HYP_SCHEDULE_NONE},
        .enabled = true,
    };
    hyp_text_copy(device.profile, sizeof(device.profile),
                  hyp_str_from(text_of(object, "profile")));
    hyp_text_copy(device.serial, sizeof(device.serial), hyp_str_from(text_of(object, "id")));
    hyp_text_copy(device.manufacturer, sizeof(device.manufacturer),
                  hyp_str_from(text_of(object, "manufacturer")));
    size_t key_len = 0;
    struct hyp_str key = hyp_str_from(text_of(object, "key"));
    device.has_key =
        key.len > 0 && hyp_hex_decode(key, device.key.bytes, 16, &key_len, NULL) == HYP_OK;
    assert_int_equal(hyp_collector_set_device(town->field->collector, &device), HYP_OK);
    const char *line = text_of(object, "line");
    if (strncmp(line, "radio", 5) != 0) {
        town->polled[town->polled_count++] = device.id;
    } else if (strcmp(line, "radio-tcp") == 0) {
        town->heard++;
    }
}

static struct town *town_create(const char *const *options, bool with_devices)
{
    struct town *town = calloc(1, sizeof(*town));
    assert_non_null(town);
    program_prepare(&town->sim);
    char ports[128];
    program_text(ports, sizeof(ports), "%s", program_path(&town->sim, "ports.json"));
    char *argv[24] = {(char[]){HYP_SIM},        (char[]){"serve"},
                      (char[]){"--ports-file"}, ports,
                      (char[]){"--latency-ms"}, (char[]){"1"},
                      (char[]){"--anchor"},     (char[]){"2026-01-01"}};
    size_t count = 8;
    for (size_t i = 0; options[i] != NULL; i++) {
        memcpy(&argv[count++], &options[i], sizeof(char *)); /* execv does not write to them */
    }
    program_start(&town->sim, argv);
    assert_true(program_wait_for(&town->sim, "name=radio-mqtt"));
    json_error_t error;
    while ((town->manifest = json_load_file(ports, 0, &error)) == NULL) {
        assert_true(program_wait_for(&town->sim, "")); /* it says more before it is written */
    }
    town->field = field_create_real();
    add_lines(town);
    size_t index;
    json_t *object;
    json_array_foreach(json_object_get(town->manifest, "devices"), index, object)
    {
        if (with_devices) {
            add_device(town, object, (int64_t)index + 1);
        }
        town->devices++;
    }
    return town;
}

static void town_destroy(struct town *town)
{
    field_destroy(town->field);
    program_stop(&town->sim);
    json_decref(town->manifest);
    free(town);
}

static size_t readings_of(const struct town *town, int64_t device)
{
    size_t count = 0;
    for (size_t i = 0; i < town->field->sink.reading_count; i++) {
        count += town->field->sink.readings[i].device.id == device ? 1 : 0;
    }
    return count;
}

static void explain_failures(const struct town *town)
{
    for (size_t i = 0; i < town->polled_count; i++) {
        struct hyp_device_state state = field_device_state(town->field, town->polled[i].id);
        if (state.comm.last_status != HYP_OK) {
            print_message("device %lld: %s\n", (long long)town->polled[i].id,
                          state.comm.last_error);
        }
    }
}

static void every_polled_device_is_read(void **state)
{
    const char *const *options = *state;
    struct town *town = town_create(options, true);
    hyp_job_id id;
    struct hyp_error err;
    assert_int_equal(hyp_collector_read(town->field->collector, town->polled,
                                        town->polled_count, HYP_PRIORITY_MANUAL, &id, &err),
                     HYP_OK);
    struct hyp_job job = field_until_finished(town->field, id);
    explain_failures(town);
    assert_int_equal(job.failed, 0);
    assert_int_equal(job.done, town->polled_count);
    assert_true(town->polled_count >= 106);
    for (size_t i = 0; i < town->polled_count; i++) {
        assert_int_equal(readings_of(town, town->polled[i].id), 1);
    }
    town_destroy(town);
}

static bool all_heard(struct field *field, void *argument)
{
    const struct town *town = argument;
    size_t heard = 0;
    size_t cursor = 0;
    struct hyp_station *station;
    while ((station = hyp_stations_next(&field->collector->stations, &cursor)) != NULL) {
        heard += station->bus == NULL && station->comm.successes > 0 ? 1 : 0;
    }
    return heard >= town->heard;
}

static void every_radio_meter_is_heard(void **state)
{
    struct town *town = town_create(*state, true);
    field_until(town->field, all_heard, town);
    assert_true(town->heard >= 70);
    size_t encrypted = 0;
    for (size_t i = 0; i < town->field->sink.frame_count; i++) {
        assert_int_equal(town->field->sink.frames[i].protocol, HYP_RAW_WMBUS);
    }
    size_t cursor = 0;
    struct hyp_station *station;
    while ((station = hyp_stations_next(&town->field->collector->stations, &cursor)) != NULL) {
        encrypted += hyp_station_key(station) != NULL && station->comm.successes > 0 ? 1 : 0;
    }
    assert_true(encrypted >= 30);
    town_destroy(town);
}

static void meters_nobody_has_configured_are_listed(void **state)
{
    struct town *town = town_create(*state, false);
    static struct hyp_found_device heard[4096];
    while (hyp_collector_heard(town->field->collector, heard, 4096) < 70) {
        hyp_loop_step(town->field->loop, true);
    }
    assert_int_equal(town->field->sink.reading_count, 0);
    assert_true(strlen(heard[0].meter.manufacturer) == 3);
    assert_true(strlen(heard[0].profile) > 0);
    assert_true(town->field->found >= 70);
    field_until_frames(town->field, 70);
    assert_int_equal(town->field->sink.frames[0].device.id, 0);
    assert_int_equal(town->field->sink.frames[0].outcome, HYP_NOT_FOUND);
    town_destroy(town);
}

static void a_scan_finds_the_meters_with_primary_addresses(void **state)
{
    struct town *town = town_create(*state, true);
    /* All of these are in use: nothing is waited for in vain. */
    struct hyp_scan scan = {.line = {line_id(town, "mbus-north")}, .first = 1, .last = 6};
    hyp_job_id id;
    struct hyp_error err;
    assert_int_equal(hyp_collector_scan(town->field->collector, &scan, &id, &err), HYP_OK);
    assert_int_equal(field_until_finished(town->field, id).state, HYP_JOB_DONE);
    struct hyp_found_device found[32];
    size_t count = hyp_collector_found(town->field->collector, id, found, 32);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        assert_true(found[i].known);
        assert_true(strlen(found[i].profile) > 0);
        assert_in_range(found[i].primary_address, 1, 6);
    }
    town_destroy(town);
}

static const char *const plain[] = {"--faults", "none", "--once", "--radio-period", "60", NULL};
static const char *const echoing[] = {"--faults", "none", "--echo", "--split", NULL};
static const char *const raw[] = {"--faults", "none",           "--once", "--radio-format",
                                  "raw",      "--radio-period", "60",     NULL};

int main(void)
{
    if (!program_exists(HYP_SIM)) {
        return test_list_skip(HYP_SIM " is not built");
    }
    static struct test_list list;
    test_list_add(&list, "every_polled_device_is_read", every_polled_device_is_read, plain);
    test_list_add(&list, "every_polled_device_is_read_with_echo_and_in_pieces",
                  every_polled_device_is_read, echoing);
    test_list_add(&list, "every_radio_meter_is_heard", every_radio_meter_is_heard, plain);
    test_list_add(&list, "every_radio_meter_is_heard_as_raw_bytes", every_radio_meter_is_heard,
                  raw);
    test_list_add(&list, "meters_nobody_has_configured_are_listed",
                  meters_nobody_has_configured_are_listed, plain);
    test_list_add(&list, "a_scan_finds_the_meters_with_primary_addresses",
                  a_scan_finds_the_meters_with_primary_addresses, plain);
    return test_list_run(&list, "town");
}
