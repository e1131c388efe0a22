/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/historian: what years of readings cost, and how fast they are asked for.
 *
 *     historian --set S|L|C|R [--file FOLDER] [--folder DIR] [--database URL] [--weigh yes]
 *               [--keep yes] [--devices N] [--dump yes]
 *
 * One process takes in the set (historian_sets.h) in batches of a thousand readings, as they
 * would come, with the clock of the store at the time of the readings, so that periods are
 * sealed on the way; then the clock goes on until everything is sealed, and the store is closed
 * and weighed. A second process sends another hour and kills itself with SIGKILL. A third one
 * opens the store, compares what is there with what was acknowledged, and asks the questions:
 *
 *     q1  one register of one meter, the whole span, raw
 *     q2  all registers of one meter: first, last, least, greatest and mean of every day
 *     q3  first and last energy of every month of all meters
 *     q4  the latest value of every register of all meters
 *
 * intake counts the processor time of the first process, all threads, to the last value sealed,
 * without the part of the sending thread that invents values. bytes_per_value is the whole
 * folder. rss_mb is the peak of the first process. restart_s is from opening to the first
 * answer to q1. lost counts acknowledged values that are not there. Receive times are the
 * source times. --weigh yes says where the bytes are; --keep yes ends after the first process
 * and leaves the folder. --devices N takes the first N devices only. --dump yes prints the set,
 * for bench/peers: device, seconds, then a value or nothing for each register.
 */
#include "historian_sets.h"
#include "historian_weigh.h"

#include "store/store.h"

#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 1000
#define IN_FLIGHT 4
#define HOUR_MS 3600000LL
#define DAY_MS (24 * HOUR_MS)
#define RUNS 101

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench/historian: %s: %s\n", what, why);
    exit(1);
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- the clock of the store --- */

static _Atomic int64_t now_ms;

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

/* NULL = SQLite in the folder. The CPU time of PostgreSQL's own processes is not in the
 * figures. */
static const char *database;

static struct hyp_store *open_store(const char *folder)
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

static hyp_tenant_id first_tenant(struct hyp_store *store, struct hyp_arena *arena)
{
    struct hyp_tenant *tenants;
    size_t count;
    if (hyp_store_tenants(store, arena, &tenants, &count) != HYP_OK || count == 0) {
        fail("tenants", "cannot be read");
    }
    return tenants[0].id;
}

static void add_devices(struct hyp_store *store, size_t count)
{
    struct hyp_tenant tenant = {.name = "bench", .language = "en", .time_zone = "UTC"};
    struct hyp_error err = {0};
    struct hyp_device *devices = calloc(count, sizeof(*devices));
    if (devices == NULL || hyp_store_tenant_add(store, &tenant) != HYP_OK) {
        fail("devices", "cannot be made");
    }
    for (size_t i = 0; i < count; i++) {
        struct hyp_buf serial;
        hyp_buf_init_fixed(&serial, devices[i].serial, sizeof(devices[i].serial));
        hyp_buf_append_fmt(&serial, "%08zu", i);
        (void)hyp_buf_terminate(&serial);
        devices[i].tenant = tenant.id;
        devices[i].primary_address = -1;
        devices[i].schedule.kind = HYP_SCHEDULE_NONE;
    }
    if (hyp_store_devices_add(store, devices, count, &err) != HYP_OK) {
        fail("devices", err.text);
    }
    free(devices);
}

static hyp_device_id *list_devices(struct hyp_store *store, struct hyp_arena *arena,
                                   size_t *ret_count)
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
    struct hyp_store *store;
    const hyp_device_id *devices;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    size_t in_flight;
    enum hyp_status failed;
    struct hyp_reading readings[BATCH];
    struct hyp_value values[BATCH * SET_REGISTERS_MAX];
    size_t reading_count;
    size_t value_count;
    uint64_t sent;
};

static void note_done(void *user, enum hyp_status status)
{
    struct sender *sender = user;
    pthread_mutex_lock(&sender->mutex);
    sender->in_flight--;
    sender->failed = sender->failed == HYP_OK ? status : sender->failed;
    pthread_cond_signal(&sender->done);
    pthread_mutex_unlock(&sender->mutex);
}

static void wait_below(struct sender *sender, size_t limit)
{
    pthread_mutex_lock(&sender->mutex);
    while (sender->in_flight >= limit) {
        pthread_cond_wait(&sender->done, &sender->mutex);
    }
    pthread_mutex_unlock(&sender->mutex);
    if (sender->failed != HYP_OK) {
        fail("commit", hyp_status_text(sender->failed));
    }
}

static void flush(struct sender *sender)
{
    wait_below(sender, IN_FLIGHT);
    pthread_mutex_lock(&sender->mutex);
    sender->in_flight++;
    pthread_mutex_unlock(&sender->mutex);
    struct hyp_batch batch = {.readings = sender->readings,
                              .reading_count = sender->reading_count};
    struct hyp_sink *sink = hyp_store_sink(sender->store);
    enum hyp_status status = sink->submit(sink, &batch, note_done, sender);
    if (status != HYP_OK) {
        fail("submit", hyp_status_text(status));
    }
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
    wait_below(sender, 1);
    return invented;
}

/* Moves the clock on until the log is empty; empty batches ask the store for its care. */
static void settle(struct sender *sender)
{
    now_ms = now_ms + 40 * DAY_MS;
    struct hyp_store_stats stats;
    int64_t bytes = -1;
    /* Each empty batch is followed by a step of care; none of so many had anything to do. */
    for (int idle = 0; idle < 30; idle++) {
        now_ms = now_ms + HOUR_MS;
        flush(sender);
        wait_below(sender, 1);
        hyp_store_stats(sender->store, &stats);
        if (stats.log_rows > 0 || bytes != stats.bytes_on_disk) {
            idle = 0;
        }
        bytes = stats.bytes_on_disk;
    }
}

/* --- the processes --- */

/* What a process tells its parent. */
struct told {
    uint64_t values;
    double cpu_s;
    int64_t now;
    int64_t peak_kb;
    int64_t bytes; /* as the store says */
};

static struct sender *make_sender(struct hyp_store *store, const hyp_device_id *devices)
{
    struct sender *sender = calloc(1, sizeof(*sender));
    if (sender == NULL) {
        fail("sender", "no memory");
    }
    pthread_mutex_init(&sender->mutex, NULL);
    pthread_cond_init(&sender->done, NULL);
    sender->store = store;
    sender->devices = devices;
    return sender;
}

static struct told take_in(const char *folder, char name, const char *files)
{
    struct set set;
    set_open(&set, name, files);
    now_ms = set.begin;
    struct hyp_store *store = open_store(folder);
    add_devices(store, set.devices);
    struct hyp_arena arena;
    hyp_arena_init(&arena, (size_t)1 << 30);
    size_t count;
    hyp_device_id *devices = list_devices(store, &arena, &count);
    hyp_arena_finish(&arena);
    struct sender *sender = make_sender(store, devices);
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    double invented = send_set(sender, &set);
    settle(sender);
    struct told told = {.values = sender->sent, .now = now_ms};
    told.cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu - invented;
    struct hyp_store_stats stats;
    hyp_store_stats(store, &stats);
    told.bytes = stats.bytes_on_disk;
    hyp_store_close(store);
    set_close(&set);
    free(devices);
    free(sender);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    told.peak_kb = usage.ru_maxrss;
    return told;
}

/* One more hour of every device, acknowledged, and then SIGKILL. */
static struct told send_hour(const char *folder, char name, const char *files)
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
    wait_below(sender, 1);
    return (struct told){.values = sender->sent, .now = now_ms};
}

static struct told run_process(struct told (*run)(const char *, char, const char *),
                               const char *folder, char name, const char *files, bool killed)
{
    int ends[2];
    if (pipe(ends) != 0) {
        fail("pipe", "cannot be made");
    }
    pid_t child = fork();
    if (child == 0) {
        struct told told = run(folder, name, files);
        if (write(ends[1], &told, sizeof(told)) != (ssize_t)sizeof(told)) {
            exit(1);
        }
        if (killed) {
            raise(SIGKILL);
        }
        exit(0);
    }
    close(ends[1]);
    struct told told = {0};
    if (child < 0 || read(ends[0], &told, sizeof(told)) != (ssize_t)sizeof(told)) {
        fail("process", "ended before its work was done");
    }
    close(ends[0]);
    waitpid(child, NULL, 0);
    return told;
}

/* --- weighing --- */

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

/* --- questions --- */

struct asker {
    struct hyp_store *store;
    struct hyp_arena arena;
    hyp_tenant_id tenant;
    hyp_device_id *devices;
    size_t device_count;
    hyp_point_id *energy; /* of every device that has one */
    size_t energy_count;
    int64_t begin;
    int64_t end;
    hyp_utc *days;
    size_t day_count;
    hyp_utc *months;
    size_t month_count;
    size_t turn;
};

static void check(enum hyp_status status, const char *what)
{
    if (status != HYP_OK) {
        fail(what, hyp_status_text(status));
    }
}

static hyp_device_id next_device(struct asker *asker)
{
    return asker->devices[asker->turn++ * 7919 % asker->device_count];
}

static size_t points_of(struct asker *asker, hyp_device_id device, hyp_point_id *ids,
                        size_t capacity)
{
    struct hyp_point *points;
    size_t count;
    check(hyp_store_points(asker->store, asker->tenant, device, &asker->arena, &points, &count),
          "points");
    size_t taken = 0;
    for (size_t i = 0; i < count && taken < capacity; i++) {
        if (points[i].kind == HYP_VALUE_DECIMAL) {
            ids[taken++] = points[i].id;
        }
    }
    return taken;
}

static void ask_q1(struct asker *asker)
{
    hyp_point_id ids[SET_REGISTERS_MAX];
    size_t count = points_of(asker, next_device(asker), ids, SET_REGISTERS_MAX);
    struct hyp_stored_value *values;
    check(hyp_store_series(asker->store, asker->tenant, ids[asker->turn % count],
                           (hyp_utc){asker->begin}, (hyp_utc){asker->end}, &asker->arena,
                           &values, &count),
          "q1");
}

static void ask_q2(struct asker *asker)
{
    hyp_point_id ids[SET_REGISTERS_MAX];
    size_t count = points_of(asker, next_device(asker), ids, SET_REGISTERS_MAX);
    struct hyp_summary *summaries;
    check(hyp_store_summaries(asker->store, asker->tenant, ids, count, asker->days,
                              asker->day_count, &asker->arena, &summaries),
          "q2");
}

static void ask_q3(struct asker *asker)
{
    struct hyp_summary *summaries;
    check(hyp_store_summaries(asker->store, asker->tenant, asker->energy, asker->energy_count,
                              asker->months, asker->month_count, &asker->arena, &summaries),
          "q3");
}

static void ask_q4(struct asker *asker)
{
    for (size_t i = 0; i < asker->device_count; i++) {
        struct hyp_latest *latest;
        size_t count;
        check(hyp_store_latest(asker->store, asker->tenant, asker->devices[i], &asker->arena,
                               &latest, &count),
              "q4");
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ms(struct asker *asker, void (*ask)(struct asker *), double *ret_p95)
{
    double times[RUNS];
    for (size_t i = 0; i < RUNS; i++) {
        hyp_arena_reset(&asker->arena);
        double begin = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        ask(asker);
        times[i] = (seconds_of(CLOCK_THREAD_CPUTIME_ID) - begin) * 1000;
    }
    qsort(times, RUNS, sizeof(times[0]), compare_doubles);
    *ret_p95 = times[RUNS * 95 / 100];
    return times[RUNS / 2];
}

/* Starts of days or months from begin to end, and the end. */
static hyp_utc *make_bounds(int64_t begin, int64_t end, bool months, size_t *ret_spans)
{
    size_t capacity = (size_t)((end - begin) / DAY_MS) + 3;
    hyp_utc *bounds = calloc(capacity, sizeof(*bounds));
    size_t count = 0;
    for (int64_t day = begin / DAY_MS; bounds != NULL && day * DAY_MS < end; day++) {
        if (!months || count == 0 || hyp_civil_from_seconds(day * 86400).day == 1) {
            bounds[count++].ms = day * DAY_MS;
        }
    }
    if (bounds == NULL || count == 0) {
        fail("bounds", "no memory");
    }
    bounds[count].ms = end;
    *ret_spans = count;
    return bounds;
}

static void find_energy(struct asker *asker)
{
    asker->energy = calloc(asker->device_count, sizeof(*asker->energy));
    for (size_t i = 0; asker->energy != NULL && i < asker->device_count; i++) {
        struct hyp_point *points;
        size_t count;
        check(hyp_store_points(asker->store, asker->tenant, asker->devices[i], &asker->arena,
                               &points, &count),
              "points");
        /* The first register of C, which has no energy, stands for it. */
        hyp_point_id chosen = points[0].id;
        for (size_t p = 0; p < count; p++) {
            chosen = points[p].key.name == HYP_NAME_ENERGY ? points[p].id : chosen;
        }
        asker->energy[asker->energy_count++] = chosen;
        hyp_arena_reset(&asker->arena);
    }
}

/* Compares some devices value by value with what the set says once more. */
static uint64_t count_wrong(struct asker *asker, char name, const char *files)
{
    struct set set;
    set_open(&set, name, files);
    struct hyp_value values[SET_REGISTERS_MAX];
    size_t device;
    int64_t time;
    size_t count;
    uint64_t wrong = 0;
    size_t every = set.devices > 50 ? set.devices / 10 : 2;
    while (set_next(&set, &device, &time, values, &count)) {
        if (device % every != 0 || time % DAY_MS / HOUR_MS != (int64_t)(device % 24)) {
            continue;
        }
        struct hyp_stored_reading *readings;
        size_t found;
        size_t total;
        hyp_arena_reset(&asker->arena);
        check(hyp_store_readings(asker->store, asker->tenant, asker->devices[device],
                                 (hyp_utc){time}, (hyp_utc){time + 1}, 0, 1, &asker->arena,
                                 &readings, &found, &total),
              "readings");
        for (size_t i = 0; i < count; i++) {
            bool same =
                found == 1 && readings[0].value_count == count &&
                readings[0].values[i].quality == values[i].quality &&
                (values[i].quality != HYP_QUALITY_GOOD || values[i].kind != HYP_VALUE_DECIMAL ||
                 (readings[0].values[i].decimal.digits == values[i].decimal.digits &&
                  readings[0].values[i].decimal.exp10 == values[i].decimal.exp10));
            wrong += !same;
        }
    }
    set_close(&set);
    return wrong;
}

/* --- the program --- */

struct options {
    char set;
    const char *file;
    const char *folder;
    bool weigh;
    bool keep;
    bool dump;
};

static void dump_value(struct hyp_buf *line, const struct hyp_value *value)
{
    hyp_buf_append_char(line, ',');
    if (!hyp_quality_is_usable(value->quality)) {
        return;
    }
    if (value->kind == HYP_VALUE_FLAGS) {
        hyp_buf_append_u64(line, value->flags);
    } else {
        hyp_decimal_format(line, value->decimal);
    }
}

static void dump(const struct options *options)
{
    struct set set;
    set_open(&set, options->set, options->file);
    struct hyp_value values[SET_REGISTERS_MAX];
    size_t device;
    int64_t time;
    size_t count;
    char text[1024];
    struct hyp_buf line;
    while (set_next(&set, &device, &time, values, &count)) {
        hyp_buf_init_fixed(&line, text, sizeof(text));
        hyp_buf_append_fmt(&line, "%zu,%lld", device + 1, (long long)(time / 1000));
        for (size_t i = 0; i < count; i++) {
            dump_value(&line, &values[i]);
        }
        puts(hyp_buf_terminate(&line));
    }
    set_close(&set);
}

static void run(const struct options *options)
{
    struct told first =
        run_process(take_in, options->folder, options->set, options->file, false);
    nftw(options->folder, add_size, 16, FTW_PHYS);
    folder_bytes = database == NULL ? folder_bytes : first.bytes;
    if (options->weigh) {
        weigh(options->folder, first.values);
    }
    if (options->keep) {
        printf("kept in %s\n", options->folder);
        return;
    }
    now_ms = first.now;
    struct told second =
        run_process(send_hour, options->folder, options->set, options->file, true);
    struct set set;
    set_open(&set, options->set, options->file);
    struct asker asker = {.begin = set.begin, .end = set.end};
    set_close(&set);
    hyp_arena_init(&asker.arena, (size_t)4 << 30);
    double restart = seconds_of(CLOCK_MONOTONIC);
    double restart_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    asker.store = open_store(options->folder);
    asker.tenant = first_tenant(asker.store, &asker.arena);
    hyp_device_id one = {.id = 1};
    asker.devices = &one;
    asker.device_count = 1;
    ask_q1(&asker);
    restart = seconds_of(CLOCK_MONOTONIC) - restart;
    restart_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - restart_cpu;
    asker.devices = list_devices(asker.store, &asker.arena, &asker.device_count);
    find_energy(&asker);
    asker.days = make_bounds(asker.begin, asker.end, false, &asker.day_count);
    asker.months = make_bounds(asker.begin, asker.end, true, &asker.month_count);
    struct hyp_store_stats stats;
    hyp_store_stats(asker.store, &stats);
    uint64_t sent = first.values + second.values;
    uint64_t lost = sent > stats.values ? sent - stats.values : 0;
    lost += count_wrong(&asker, options->set, options->file);
    double p95[4];
    double q1 = median_ms(&asker, ask_q1, &p95[0]);
    double q2 = median_ms(&asker, ask_q2, &p95[1]);
    double q3 = median_ms(&asker, ask_q3, &p95[2]);
    double q4 = median_ms(&asker, ask_q4, &p95[3]);
    printf("set=%c devices=%zu restart_cpu_s=%.3f q1_p95_ms=%.3f q2_p95_ms=%.3f "
           "q3_p95_ms=%.3f q4_p95_ms=%.3f; times are of the processor\n",
           options->set, asker.device_count, restart_cpu, p95[0], p95[1], p95[2], p95[3]);
    printf(
        "values=%llu bytes_per_value=%.3f intake_values_per_cpu_s=%.0f q1_ms=%.3f q2_ms=%.3f "
        "q3_ms=%.3f q4_ms=%.3f rss_mb=%.1f restart_s=%.3f lost=%llu\n",
        (unsigned long long)first.values, (double)folder_bytes / (double)first.values,
        (double)first.values / first.cpu_s, q1, q2, q3, q4, (double)first.peak_kb / 1024,
        restart, (unsigned long long)lost);
    hyp_store_close(asker.store);
    hyp_arena_finish(&asker.arena);
    free(asker.devices);
    free(asker.energy);
    free(asker.days);
    free(asker.months);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    char made[] = "/tmp/hypocaust-bench-XXXXXX";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--set") == 0) {
            options.set = argv[i + 1][0];
        } else if (strcmp(argv[i], "--file") == 0) {
            options.file = argv[i + 1];
        } else if (strcmp(argv[i], "--database") == 0) {
            database = argv[i + 1];
        } else if (strcmp(argv[i], "--folder") == 0) {
            options.folder = argv[i + 1];
        } else if (strcmp(argv[i], "--devices") == 0) {
            uint64_t devices;
            if (hyp_str_to_u64(hyp_str_from(argv[i + 1]), &devices) != HYP_OK || devices == 0) {
                fail(argv[i + 1], "is no number of devices");
            }
            set_limit((size_t)devices);
        } else if (strcmp(argv[i], "--dump") == 0) {
            options.dump = strcmp(argv[i + 1], "yes") == 0;
        } else if (strcmp(argv[i], "--weigh") == 0) {
            options.weigh = strcmp(argv[i + 1], "yes") == 0;
        } else if (strcmp(argv[i], "--keep") == 0) {
            options.keep = strcmp(argv[i + 1], "yes") == 0;
        } else {
            fail(argv[i], "is no option");
        }
    }
    if (options.set == 0) {
        fail("--set", "S, L, C or R is missing");
    }
    if (options.dump) {
        dump(&options);
        return 0;
    }
    if (options.folder == NULL) {
        options.folder = mkdtemp(made);
    }
    run(&options);
    if (!options.keep) {
        nftw(options.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    return 0;
}
