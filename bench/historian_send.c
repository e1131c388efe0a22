/* SPDX-License-Identifier: Apache-2.0 */
#include "historian_send.h"

#include "historian_server.h"
#include "historian_sets.h"
#include "store_sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define BATCH 1000
#define IN_FLIGHT 4

_Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench/historian: %s: %s\n", what, why);
    exit(1);
}

double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- the clock of the store --- */

_Atomic int64_t now_ms;

static hyp_utc utc_now(const struct hyp_clock *clock)
{
    (void)clock;
    return (hyp_utc){.ms = now_ms};
}

static hyp_mono mono_now(const struct hyp_clock *clock)
{
    return hyp_clock_system()->mono(clock);
}

static const struct hyp_clock set_clock = {.utc = utc_now, .mono = mono_now};

const char *database;

struct hyp_store *open_store(const char *folder)
{
    struct hyp_store_config config = {
        .folder = folder, .database = database, .clock = &set_clock};
    struct hyp_store *store;
    struct hyp_error err = {0};
    if (hyp_store_open(&config, &store, &err) != HYP_OK) {
        fail(folder, err.text);
    }
    return store;
}

hyp_tenant_id first_tenant(struct hyp_store *store, struct hyp_arena *arena)
{
    struct hyp_tenant *tenants;
    size_t count;
    if (hyp_store_tenants(store, arena, &tenants, &count) != HYP_OK || count == 0) {
        fail("tenants", "cannot be read");
    }
    return tenants[0].id;
}

hyp_device_id *list_devices(struct hyp_store *store, struct hyp_arena *arena, size_t *ret_count)
{
    struct hyp_device *devices;
    if (hyp_store_devices(store, (hyp_tenant_id){0}, arena, &devices, ret_count) != HYP_OK) {
        fail("devices", "cannot be read");
    }
    hyp_device_id *ids = calloc(*ret_count, sizeof(*ids));
    for (size_t i = 0; ids != NULL && i < *ret_count; i++) {
        ids[i] = devices[i].id;
    }
    hyp_arena_reset(arena);
    return ids;
}

/* --- sending --- */

struct sender {
    struct store_sender way;
    const hyp_device_id *devices;
    struct hyp_reading readings[BATCH];
    struct hyp_value values[BATCH * SET_REGISTERS_MAX];
    size_t reading_count;
    size_t value_count;
    uint64_t sent;
};

static void must(const char *what, enum hyp_status status)
{
    if (status != HYP_OK) {
        fail(what, hyp_status_text(status));
    }
}

static void flush(struct sender *sender)
{
    struct hyp_batch batch = {.readings = sender->readings,
                              .reading_count = sender->reading_count};
    must("submit", store_sender_put(&sender->way, &batch));
    sender->sent += sender->value_count;
    sender->reading_count = 0;
    sender->value_count = 0;
}

static struct hyp_value *next_values(struct sender *sender)
{
    return &sender->values[sender->value_count];
}

static bool add_reading(struct sender *sender, size_t device, int64_t time, size_t count)
{
    sender->readings[sender->reading_count++] =
        (struct hyp_reading){.device = sender->devices[device],
                             .source_time.ms = time,
                             .receive_time.ms = time,
                             .kind = HYP_READING_CURRENT,
                             .source = HYP_SOURCE_AUTOMATIC,
                             .frame = HYP_NO_FRAME,
                             .values = next_values(sender),
                             .value_count = count};
    sender->value_count += count;
    return sender->reading_count == BATCH;
}

/* Sends the whole set. Returns the processor seconds that inventing it took. */
static double send_set(struct sender *sender, struct set *set)
{
    double invented = 0;
    bool more = true;
    while (more) {
        double begin = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        bool full = false;
        int64_t time = now_ms;
        while (!full) {
            size_t device;
            size_t count;
            more = set_next(set, &device, &time, next_values(sender), &count);
            if (!more) {
                break;
            }
            full = add_reading(sender, device, time, count);
        }
        invented += seconds_of(CLOCK_THREAD_CPUTIME_ID) - begin;
        if (time > now_ms) {
            now_ms = time;
        }
        flush(sender);
    }
    must("commit", store_sender_settle(&sender->way));
    return invented;
}

/* Moves the clock on until the log is empty; empty batches ask the store for its care. What a
 * database drops waits by the machine's clock for those that still read it. */
static void settle(struct sender *sender)
{
    const struct timespec pause = {.tv_nsec = database == NULL ? 0 : 20 * 1000 * 1000};
    now_ms = now_ms + 40 * DAY_MS;
    struct hyp_store_stats stats;
    int64_t bytes = -1;
    /* Each empty batch is followed by a step of care; none of so many had anything to do. */
    for (int idle = 0; idle < 100; idle++) {
        now_ms = now_ms + DAY_MS; /* free pages are given back some days later */
        flush(sender);
        must("commit", store_sender_settle(&sender->way));
        nanosleep(&pause, NULL);
        hyp_store_stats(sender->way.store, &stats);
        if (stats.log_rows > 0 || bytes != stats.bytes_on_disk) {
            idle = 0;
        }
        bytes = stats.bytes_on_disk;
    }
}

/* --- the processes --- */

static struct sender *make_sender(struct hyp_store *store, const hyp_device_id *devices)
{
    struct sender *sender = calloc(1, sizeof(*sender));
    if (sender == NULL) {
        fail("sender", "no memory");
    }
    store_sender_init(&sender->way, store, IN_FLIGHT);
    sender->devices = devices;
    return sender;
}

struct told take_in(const char *folder, char name, const char *files)
{
    struct set set;
    set_open(&set, name, files);
    now_ms = set.begin;
    struct hyp_store *store = open_store(folder);
    struct hyp_error err = {0};
    hyp_device_id *devices = store_sender_add_devices(store, set.devices, &err);
    if (devices == NULL) {
        fail("devices", err.text);
    }
    struct sender *sender = make_sender(store, devices);
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    double server = server_cpu_s(database);
    double invented = send_set(sender, &set);
    settle(sender);
    struct told told = {.values = sender->sent, .now = now_ms};
    told.cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu - invented;
    struct hyp_store_stats stats;
    hyp_store_stats(store, &stats);
    told.bytes = stats.bytes_on_disk;
    hyp_store_close(store);
    told.server_cpu = server_cpu_s(database) - server;
    set_close(&set);
    free(devices);
    free(sender);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    told.peak_kb = usage.ru_maxrss;
    return told;
}

struct told send_hour(const char *folder, char name, const char *files)
{
    struct set set;
    set_open(&set, name, files);
    struct hyp_store *store = open_store(folder);
    struct hyp_arena arena;
    hyp_arena_init(&arena, (size_t)1 << 30);
    size_t count;
    hyp_device_id *devices = list_devices(store, &arena, &count);
    struct sender *sender = make_sender(store, devices);
    int64_t begin = now_ms;
    size_t device;
    int64_t time;
    size_t values;
    int64_t first = INT64_MIN;
    while (set_next(&set, &device, &time, next_values(sender), &values)) {
        first = first == INT64_MIN ? time : first;
        if (time - first >= HOUR_MS) {
            break;
        }
        if (add_reading(sender, device, begin + time - first, values)) {
            flush(sender);
        }
    }
    flush(sender);
    must("commit", store_sender_settle(&sender->way));
    return (struct told){.values = sender->sent, .now = now_ms};
}
