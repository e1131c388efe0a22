/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import: how many values a CPU second are brought in from a CSV file, into an empty store and
 * a second time (everything is known). The file has the eight registers of a heat meter per
 * line.
 *
 *     build/bench/import [--meters N] [--hours N] FOLDER
 */
#include "service/import.h"
#include "base/buf.h"
#include "service/auth.h"
#include "service/devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define METERS 125
#define HOURS 1000

static const char titles[] = "time,serial,energy [kWh],volume [m3],flow_temperature,"
                             "return_temperature,flow [m3/h],power [kW],operating_time [h],"
                             "on_time [h]";

static void die(const char *what)
{
    fprintf(stderr, "import: %s\n", what);
    exit(1);
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void append_line(struct hyp_buf *out, int hour, int meter)
{
    hyp_buf_append_i64(out, (1735689600LL + hour * 3600LL) * 1000);
    hyp_buf_append_fmt(out, ",%08d,%d.%d,%d.%02d,%d.%d,%d.%d,0.%03d,%d.%d,%d,%d\n", meter + 1,
                       hour * 3 + meter, hour % 10, hour / 4, hour % 4 * 25, 80 + hour % 7,
                       meter % 10, 40 + hour % 5, hour % 10, hour % 900 + meter % 100,
                       hour % 30, meter % 10, hour, hour + meter);
}

static void add_meters(struct hyp_service *service, const struct hyp_scope *scope, int meters)
{
    for (int i = 0; i < meters; i++) {
        struct hyp_error err = {0};
        struct hyp_buf text;
        struct hyp_device device = {.kind = "heat_meter",
                                    .manufacturer = "KAM",
                                    .version = -1,
                                    .medium = -1,
                                    .primary_address = -1,
                                    .schedule.kind = HYP_SCHEDULE_NONE,
                                    .enabled = true};
        hyp_buf_init_fixed(&text, device.serial, sizeof(device.serial));
        hyp_buf_append_fmt(&text, "%08d", i + 1);
        hyp_buf_terminate(&text);
        hyp_text_copy(device.name, sizeof(device.name), hyp_str_from(device.serial));
        if (hyp_device_add(service, scope, &device, &err) != HYP_OK) {
            die(err.text);
        }
    }
}

/* The whole text; CPU seconds until it is committed. */
static double import_all(struct hyp_service *service, const struct hyp_scope *scope,
                         const struct hyp_buf *text, uint64_t *ret_values)
{
    struct hyp_error err = {0};
    struct hyp_import *import;
    struct hyp_import_config config = {.id = {0}};
    double begin = cpu_s();
    char *at = malloc(text->len);
    char *copy = at;
    char first[sizeof(titles)];
    if (at == NULL) {
        die("no memory");
    }
    memcpy(at, text->data, text->len);
    memcpy(first, titles, sizeof(titles));
    if (hyp_import_create(service, scope, &config, first, sizeof(titles) - 1, &import, &err) !=
        HYP_OK) {
        die(err.text);
    }
    for (size_t left = text->len; left > 0;) {
        char *end = memchr(at, '\n', left);
        size_t len = end == NULL ? left : (size_t)(end - at);
        if (hyp_import_line(import, at, len, len + 1, &err) != HYP_OK) {
            die(err.text);
        }
        at += len + 1;
        left -= len + 1;
    }
    if (hyp_import_finish(import, &err) != HYP_OK) {
        die(err.text);
    }
    *ret_values = hyp_import_committed(import).counts.values;
    hyp_import_destroy(import);
    free(copy);
    return cpu_s() - begin;
}

static int read_number(int argc, char **argv, const char *name, int fallback)
{
    uint64_t value = 0;
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0 &&
            hyp_str_to_u64(hyp_str_from(argv[i + 1]), &value) == HYP_OK) {
            return (int)value;
        }
    }
    return fallback;
}

static void run(struct hyp_service *service, const struct hyp_scope *scope, int meters,
                int hours)
{
    struct hyp_buf text;
    struct rusage usage;
    uint64_t values = 0;
    hyp_buf_init_heap(&text, (size_t)4 << 30);
    for (int hour = 0; hour < hours; hour++) {
        for (int meter = 0; meter < meters; meter++) {
            append_line(&text, hour, meter);
        }
    }
    add_meters(service, scope, meters);
    double fresh = import_all(service, scope, &text, &values);
    double known = import_all(service, scope, &text, &values);
    getrusage(RUSAGE_SELF, &usage);
    printf("values=%llu csv_mb=%.1f import_values_per_cpu_s=%.0f "
           "known_values_per_cpu_s=%.0f rss_mb=%.0f\n",
           (unsigned long long)values, (double)text.len / 1e6, (double)values / fresh,
           (double)values / known, (double)usage.ru_maxrss / 1024);
    hyp_buf_finish(&text);
}

int main(int argc, char **argv)
{
    struct hyp_error err = {0};
    struct hyp_store *store;
    struct hyp_service *service;
    struct hyp_arena arena;
    if (argc < 2) {
        die("build/bench/import [--meters N] [--hours N] FOLDER (a new one)");
    }
    const struct hyp_store_config store_config = {.folder = argv[argc - 1],
                                                  .clock = hyp_clock_system()};
    if (hyp_store_open(&store_config, &store, &err) != HYP_OK) {
        die(err.text);
    }
    const struct hyp_service_config config = {
        .store = store, .clock = hyp_clock_system(), .rng = hyp_rng_system()};
    if (hyp_service_create(&config, &service, &err) != HYP_OK) {
        die(err.text);
    }
    hyp_arena_init(&arena, 1 << 16);
    run(service, hyp_auth_console(service, &arena), read_number(argc, argv, "--meters", METERS),
        read_number(argc, argv, "--hours", HOURS));
    hyp_store_close(store);
    hyp_service_destroy(service);
    hyp_arena_finish(&arena);
    return 0;
}
