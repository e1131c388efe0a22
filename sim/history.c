/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/history.h"

#include "sim/civil.h"
#include "sim/file.h"
#include "sim/radio.h"

#include <stdio.h>
#include <stdlib.h>

/* Text of one day with readings every minute. */
#define DAY_MAX ((size_t)1024 * 1024 * 1024)

#define CONTROLLER_STEP_MIN 15
/* Pause between two wired meters of a master, and between two radio meters. */
#define WIRED_GAP_MS ((int64_t)1500)
#define RADIO_GAP_MS ((int64_t)20000)

/* One source of lines, read every `step_ms` from `offset_ms` past the hour on. */
struct source {
    int64_t next_ms;
    int64_t step_ms;
    struct sim_device *device;         /* or */
    struct sim_controller *controller; /* one of the two */
};

struct history {
    struct sim_town *town;
    int64_t from_ms;
    struct hyp_buf text;
    struct source *sources; /* heap, earliest first */
    size_t count;
    unsigned buses_used[SIM_TOWN_LINES];
};

/* Registers that are read together; the wide settings once a day. */
static const struct {
    uint16_t first;
    uint16_t count;
    bool daily;
} spans[] = {
    {2060,  4,  true },
    {34,    4,  true },
    {1024,  2,  true },
    {11174, 2,  true },
    {11177, 5,  true },
    {11184, 4,  true },
    {11400, 6,  true },
    {12177, 2,  true },
    {12190, 2,  true },
    {3998,  14, false},
    {4201,  2,  false},
    {4211,  2,  false},
    {10201, 12, false},
    {10400, 1,  false},
    {11252, 2,  false},
    {11253, 1,  false},
    {11255, 1,  false},
    {12254, 1,  false},
    {12256, 1,  false},
    {6003,  18, false},
};

static void begin_line(struct hyp_buf *text, int64_t utc_ms, const char *prefix,
                       const char *link)
{
    sim_iso_append(text, utc_ms);
    hyp_buf_append_char(text, ' ');
    hyp_buf_append_text(text, prefix);
    hyp_buf_append_text(text, link);
    hyp_buf_append_char(text, ' ');
}

/* unit(1) function(1) start(2) count(2) data: the span as the controller answers it. */
static void write_span(struct history *history, struct sim_controller *controller,
                       uint16_t first, uint16_t count)
{
    uint16_t address = (uint16_t)(first - 1);
    const uint8_t pdu[5] = {3, (uint8_t)(address >> 8), (uint8_t)address, 0, (uint8_t)count};
    uint8_t answer[256];
    uint8_t unit = controller->ecl.plan.unit;
    size_t len = sim_ecl_answer(&controller->ecl, unit, pdu, sizeof(pdu), answer);
    if (len != 2u + 2u * count) {
        return; /* this application has a hole there */
    }
    hyp_buf_append_hex(&history->text, &unit, 1);
    hyp_buf_append_hex(&history->text, pdu, sizeof(pdu));
    hyp_buf_append_hex(&history->text, answer + 2, len - 2);
}

/* One poll is one line: its spans stand one after the other. */
static void write_controller(struct history *history, struct sim_controller *controller,
                             int64_t utc_ms)
{
    struct sim_civil civil = sim_civil_from_utc(utc_ms, 0);
    bool first_of_day = (civil.hour == 0 && civil.minute < CONTROLLER_STEP_MIN) ||
                        utc_ms - history->from_ms < CONTROLLER_STEP_MIN * 60 * SIM_SECOND_MS;
    bool has_both = sim_registers_find(&controller->ecl.registers, 11252) != NULL;
    bool has_meter = controller->ecl.meter != NULL;
    sim_ecl_advance(&controller->ecl, utc_ms);
    begin_line(&history->text, utc_ms, "modbus:", history->town->lines[controller->line].name);
    for (size_t i = 0; i < HYP_ARRAY_LEN(spans); i++) {
        bool covered = has_both && spans[i].first == 11253;
        bool empty = !has_meter && spans[i].first == 6003;
        if ((!spans[i].daily || first_of_day) && !covered && !empty) {
            write_span(history, controller, spans[i].first, spans[i].count);
        }
    }
    hyp_buf_append_char(&history->text, '\n');
}

static void write_wired(struct history *history, struct sim_device *device, int64_t utc_ms)
{
    struct sim_slave slave = {.meter = &device->meter,
                              .make = device->make,
                              .peaks = device->peaks,
                              .primary = device->primary,
                              .access = device->access};
    for (unsigned i = 0; i < device->make->telegrams; i++) {
        struct sim_wired frame;
        sim_slave_telegram(&slave, &history->town->climate, i, device->primary, utc_ms, &frame);
        begin_line(&history->text, utc_ms, "", history->town->lines[device->line].name);
        hyp_buf_append_hex(&history->text, frame.bytes, frame.len);
        hyp_buf_append_char(&history->text, '\n');
    }
    device->access = slave.access;
}

static enum hyp_status write_device(struct history *history, struct sim_device *device,
                                    int64_t utc_ms)
{
    if (sim_defect_holds(device->meter.defects.dead_ms, utc_ms)) {
        return HYP_OK;
    }
    if (device->wrap == SIM_WRAP_WIRED) {
        write_wired(history, device, utc_ms);
        return HYP_OK;
    }
    struct sim_telegram telegram;
    enum hyp_status status =
        sim_radio_send(device, &history->town->climate, utc_ms, false, &telegram);
    if (status == HYP_OK) {
        begin_line(&history->text, utc_ms, "", history->town->lines[device->line].name);
        hyp_buf_append_hex(&history->text, telegram.bytes, telegram.len);
        hyp_buf_append_char(&history->text, '\n');
    }
    return status;
}

static void sift_down(struct history *history, size_t at)
{
    struct source *sources = history->sources;
    for (;;) {
        size_t first = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < history->count;
             child++) {
            if (sources[child].next_ms < sources[first].next_ms) {
                first = child;
            }
        }
        if (first == at) {
            return;
        }
        struct source kept = sources[at];
        sources[at] = sources[first];
        sources[first] = kept;
        at = first;
    }
}

/* Meters of a master follow each other, radio meters are spread, controllers come first. */
static void list_sources(struct history *history, int64_t from_ms, int64_t step_ms)
{
    struct sim_town *town = history->town;
    for (size_t i = 0; i < town->controller_count; i++) {
        history->sources[history->count++] =
            (struct source){.next_ms = from_ms + (int64_t)i * 1000,
                            .step_ms = CONTROLLER_STEP_MIN * 60 * SIM_SECOND_MS,
                            .controller = &town->controllers[i]};
    }
    for (size_t i = 0; i < town->device_count; i++) {
        struct sim_device *device = &town->devices[i];
        int64_t gap = device->wrap == SIM_WRAP_WIRED ? WIRED_GAP_MS : RADIO_GAP_MS;
        int64_t offset = (int64_t)history->buses_used[device->line]++ * gap;
        history->sources[history->count++] = (struct source){
            .next_ms = from_ms + offset % step_ms / SIM_SECOND_MS * SIM_SECOND_MS,
            .step_ms = step_ms,
            .device = device};
    }
    for (size_t i = history->count; i-- > 0;) {
        sift_down(history, i);
    }
}

/* Everything of one day into the text. */
static enum hyp_status write_day(struct history *history, int64_t until_ms)
{
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && history->sources[0].next_ms < until_ms) {
        struct source *source = &history->sources[0];
        if (source->device != NULL) {
            status = write_device(history, source->device, source->next_ms);
        } else {
            write_controller(history, source->controller, source->next_ms);
        }
        source->next_ms += source->step_ms;
        sift_down(history, 0);
    }
    return status == HYP_OK ? hyp_buf_status(&history->text) : status;
}

static enum hyp_status write_days(struct history *history, int64_t from_ms, int64_t until_ms,
                                  struct sim_history_sink *sink, struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    for (int64_t day = from_ms / SIM_DAY_MS * SIM_DAY_MS; status == HYP_OK && day < until_ms;
         day += SIM_DAY_MS) {
        hyp_buf_reset(&history->text);
        status = write_day(history, HYP_MIN(day + SIM_DAY_MS, until_ms));
        if (status != HYP_OK) {
            return hyp_error_set(err, status, -1, "cannot build the history's telegrams");
        }
        status = sink->day(sink, day, hyp_buf_view(&history->text), err);
    }
    return status;
}

enum hyp_status sim_history_write(struct sim_town *town, int64_t from_ms, int64_t until_ms,
                                  unsigned step_min, struct sim_history_sink *sink,
                                  struct hyp_error *err)
{
    if (from_ms < SIM_EPOCH_MS + SIM_ECL_SPIN_UP_MS ||
        sim_climate_reserve(&town->climate, until_ms) != HYP_OK) {
        return hyp_error_set(
            err, HYP_INVALID, -1,
            "the history must lie between 2024-01-04 and 2049; give fewer --days "
            "or another --start");
    }
    struct history history = {.town = town, .from_ms = from_ms};
    history.sources = calloc(SIM_TOWN_DEVICES + SIM_TOWN_CONTROLLERS, sizeof(*history.sources));
    if (history.sources == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory for the history");
    }
    hyp_buf_init_heap(&history.text, DAY_MAX);
    list_sources(&history, from_ms, (int64_t)step_min * 60 * SIM_SECOND_MS);
    enum hyp_status status = write_days(&history, from_ms, until_ms, sink, err);
    hyp_buf_finish(&history.text);
    free(history.sources);
    return status;
}

static enum hyp_status day_to_stdout(struct sim_history_sink *sink, int64_t day_ms,
                                     struct hyp_str text, struct hyp_error *err)
{
    (void)sink;
    (void)day_ms;
    if (fwrite(text.ptr, 1, text.len, stdout) != text.len || fflush(stdout) != 0) {
        return hyp_error_set(err, HYP_IO, -1, "cannot write the history to standard output");
    }
    return HYP_OK;
}

void sim_history_to_stdout(struct sim_history_sink *sink)
{
    sink->day = day_to_stdout;
}

static enum hyp_status day_to_folder(struct sim_history_sink *sink, int64_t day_ms,
                                     struct hyp_str text, struct hyp_error *err)
{
    struct sim_history_folder *folder = HYP_CONTAINER_OF(sink, struct sim_history_folder, sink);
    struct sim_civil civil = sim_civil_from_utc(day_ms, 0);
    char memory[4096];
    struct hyp_buf path;
    hyp_buf_init_fixed(&path, memory, sizeof(memory));
    hyp_buf_append_fmt(&path, "%s/thermopolis-%04d-%02d-%02d.txt", folder->path, civil.year,
                       civil.month, civil.day);
    return sim_file_put(hyp_buf_terminate(&path), text, err);
}

void sim_history_to_folder(struct sim_history_folder *folder, const char *path)
{
    *folder = (struct sim_history_folder){.sink = {.day = day_to_folder}, .path = path};
}
