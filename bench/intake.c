/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/intake: how many readings and values a second the store commits.
 *
 *     intake [--devices N] [--readings N] [--batch N] [--folder DIR]
 *
 * N devices, ten registers each as a heat meter has them, hourly, in batches of so many
 * readings; one sender keeps some batches under way and waits for each done. Without --batch
 * both 100 and 1000 are run. Then the store is closed and opened again. Every run prints a
 * line of figures; the last line is of the last run:
 *
 *     values_per_s= readings_per_s= values_per_cpu_s= bytes_per_value= rss_mb=
 *
 * bytes_per_value is what the data folder weighs after closing; cpu is user and system time of
 * the whole process, sender and writer.
 */
#include "store_sender.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define REGISTERS 10
#define IN_FLIGHT 8
#define START_MS 1700000000000LL
#define HOUR_MS 3600000LL

struct options {
    size_t devices;
    size_t readings; /* per device */
    size_t batch;
    const char *folder;
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench/intake: %s: %s\n", what, why);
    exit(1);
}

/* --- the town --- */

/* One register and how it moves from hour to hour. */
struct model {
    enum hyp_name name;
    int8_t exp10;
    int64_t start;
    int64_t step;   /* per hour */
    int64_t jitter; /* around it */
};

static const struct model models[REGISTERS] = {
    {HYP_NAME_ENERGY,                 -1, 1234567, 45, 20 },
    {HYP_NAME_VOLUME,                 -2, 987654,  90, 30 },
    {HYP_NAME_FLOW_TEMPERATURE,       -2, 7500,    0,  200},
    {HYP_NAME_RETURN_TEMPERATURE,     -2, 4200,    0,  150},
    {HYP_NAME_FLOW,                   -3, 850,     0,  100},
    {HYP_NAME_POWER,                  -1, 305,     0,  50 },
    {HYP_NAME_OPERATING_TIME,         0,  23456,   1,  0  },
    {HYP_NAME_INFO_CODE,              0,  0,       0,  0  },
    {HYP_NAME_TEMPERATURE_DIFFERENCE, -2, 3300,    0,  120},
    {HYP_NAME_ON_TIME,                0,  23500,   1,  0  },
};

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 31) * 0x9E3779B97F4A7C15u;
    return x ^ x >> 29;
}

static struct hyp_value value_at(size_t device, size_t hour, size_t reg)
{
    const struct model *m = &models[reg];
    int64_t span = 2 * m->jitter + 1;
    int64_t wobble =
        (int64_t)(mix(device * 7919 + hour * 31 + reg) % (uint64_t)span) - m->jitter;
    int64_t digits = m->start + (int64_t)device * 1000 + m->step * (int64_t)hour;
    struct hyp_value value = {.key.name = (uint16_t)m->name,
                              .unit = hyp_vocabulary_word(m->name)->unit,
                              .quality = HYP_QUALITY_GOOD};
    if (m->name == HYP_NAME_INFO_CODE) {
        value.kind = HYP_VALUE_FLAGS;
        value.flags = 0;
    } else {
        value.kind = HYP_VALUE_DECIMAL;
        value.decimal = (struct hyp_decimal){.digits = digits + wobble, .exp10 = m->exp10};
    }
    return value;
}

/* --- sending --- */

static void send_batch(struct store_sender *sender, const struct hyp_reading *readings,
                       size_t count)
{
    struct hyp_batch batch = {.readings = readings, .reading_count = count};
    enum hyp_status status = store_sender_put(sender, &batch);
    if (status != HYP_OK) {
        fail("submit", hyp_status_text(status));
    }
}

/* All devices hour by hour, as they are polled. */
static void send_all(struct hyp_store *store, const struct options *options,
                     const hyp_device_id *devices)
{
    struct store_sender sender;
    store_sender_init(&sender, store, IN_FLIGHT);
    struct hyp_reading *readings = calloc(options->batch, sizeof(*readings));
    struct hyp_value *values = calloc(options->batch * REGISTERS, sizeof(*values));
    if (readings == NULL || values == NULL) {
        fail("batch", "no memory");
    }
    size_t filled = 0;
    for (size_t hour = 0; hour < options->readings; hour++) {
        for (size_t device = 0; device < options->devices; device++) {
            struct hyp_value *at = &values[filled * REGISTERS];
            for (size_t reg = 0; reg < REGISTERS; reg++) {
                at[reg] = value_at(device, hour, reg);
            }
            int64_t time = START_MS + (int64_t)hour * HOUR_MS;
            readings[filled++] = (struct hyp_reading){.device = devices[device],
                                                      .source_time.ms = time,
                                                      .receive_time.ms = time + 2000,
                                                      .kind = HYP_READING_CURRENT,
                                                      .source = HYP_SOURCE_AUTOMATIC,
                                                      .frame = HYP_NO_FRAME,
                                                      .values = at,
                                                      .value_count = REGISTERS};
            if (filled == options->batch) {
                send_batch(&sender, readings, filled);
                filled = 0;
            }
        }
    }
    if (filled > 0) {
        send_batch(&sender, readings, filled);
    }
    enum hyp_status status = store_sender_settle(&sender);
    if (status != HYP_OK) {
        fail("commit", hyp_status_text(status));
    }
    free(readings);
    free(values);
}

/* --- measuring --- */

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int64_t folder_bytes;

static int add_size(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)path;
    (void)walk;
    folder_bytes += type == FTW_F ? (int64_t)about->st_size : 0;
    return 0;
}

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path);
}

static struct hyp_store *open_store(const char *folder)
{
    struct hyp_store_config config = {.folder = folder, .clock = hyp_clock_system()};
    struct hyp_store *store;
    struct hyp_error err = {0};
    if (hyp_store_open(&config, &store, &err) != HYP_OK) {
        fail(folder, err.text);
    }
    return store;
}

static void run(const struct options *options)
{
    struct hyp_store *store = open_store(options->folder);
    struct hyp_error err = {0};
    hyp_device_id *devices = store_sender_add_devices(store, options->devices, &err);
    if (devices == NULL) {
        fail("devices", err.text);
    }
    double wall = seconds_of(CLOCK_MONOTONIC);
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    send_all(store, options, devices);
    wall = seconds_of(CLOCK_MONOTONIC) - wall;
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    struct hyp_store_stats stats;
    hyp_store_stats(store, &stats);
    hyp_store_close(store);
    folder_bytes = 0;
    nftw(options->folder, add_size, 16, FTW_PHYS);
    double open_s = seconds_of(CLOCK_MONOTONIC);
    store = open_store(options->folder);
    open_s = seconds_of(CLOCK_MONOTONIC) - open_s;
    struct hyp_store_stats after;
    hyp_store_stats(store, &after);
    hyp_store_close(store);
    if (after.values != stats.values) {
        fail("restart", "values are missing");
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double values = (double)stats.values;
    printf("devices=%zu batch=%zu values=%.0f open_s=%.3f memory_bytes_per_value=%.2f\n",
           options->devices, options->batch, values, open_s,
           (double)stats.bytes_in_memory / values);
    printf("values_per_s=%.0f readings_per_s=%.0f values_per_cpu_s=%.0f bytes_per_value=%.2f "
           "rss_mb=%.1f\n",
           values / wall, values / REGISTERS / wall, values / cpu,
           (double)folder_bytes / values, (double)usage.ru_maxrss / 1024);
    fflush(stdout);
    nftw(options->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(devices);
}

static size_t number(const char *text)
{
    uint64_t value = 0;
    if (text == NULL || hyp_str_to_u64(hyp_str_from(text), &value) != HYP_OK || value == 0) {
        fail("option", "a number above 0 is missing");
    }
    return (size_t)value;
}

int main(int argc, char **argv)
{
    struct options options = {.devices = 1000, .readings = 720};
    char made[] = "/tmp/hypocaust-bench-XXXXXX";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--devices") == 0) {
            options.devices = number(argv[i + 1]);
        } else if (strcmp(argv[i], "--readings") == 0) {
            options.readings = number(argv[i + 1]);
        } else if (strcmp(argv[i], "--batch") == 0) {
            options.batch = number(argv[i + 1]);
        } else if (strcmp(argv[i], "--folder") == 0) {
            options.folder = argv[i + 1];
        } else {
            fail(argv[i], "is no option");
        }
    }
    static const size_t batches[] = {100, 1000};
    for (size_t i = 0; i < HYP_ARRAY_LEN(batches); i++) {
        struct options each = options;
        each.batch = options.batch == 0 ? batches[i] : options.batch;
        if (options.folder == NULL) {
            memcpy(made, "/tmp/hypocaust-bench-XXXXXX", sizeof(made));
            each.folder = mkdtemp(made);
        }
        run(&each);
        if (options.batch != 0) {
            break;
        }
    }
    return 0;
}
