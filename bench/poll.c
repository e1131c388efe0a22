/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many devices one thread polls, and what a poll costs.
 *
 * A child process (hypocaust-sim in scale mode) is N devices: Modbus TCP devices of 40
 * registers, every connection one of its own, or M-Bus meters behind converters. This process
 * is the collector with their lines, each device asked again as soon as it has answered.
 * Counted are polls whose values have been decoded, scaled and taken by the sink, which packs
 * them into a buffer as an intake log would. The CPU time is of this process only; the memory
 * is its heap less what was there before the first device, with a read under way for each line.
 *
 * The line before the last has the memory of devices that are connected and wait for their next
 * turn, and of the processor time the part that the same exchange costs without us: a bare loop
 * of epoll, recv and send, measured against the same simulator right after (Modbus only). The
 * ratio of the two is what a busy machine does not change.
 *
 *     poll [--devices N] [--latency-ms N] [--seconds N] [--points N] [--sim PATH]
 *          [--protocol modbus|mbus] [--per-line N]
 */
#include "poll_bare.h"

#include "collect/collector.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_BYTES (1u << 20)
#define BLOCK 40
#define METERS_PER_LINE 250

struct options {
    uint64_t devices;
    uint64_t latency_ms;
    uint64_t seconds;
    uint64_t points;
    uint64_t per_line; /* M-Bus meters behind one converter */
    bool mbus;
    const char *sim;
};

struct bench {
    struct hyp_sink sink;
    struct hyp_buf log;
    uint64_t polls;
    uint64_t errors;
    bool idle; /* nothing is asked again */
    struct hyp_collector *collector;
    struct hyp_timer timer;
    bool timed_out;
};

static void stop_with(const char *what)
{
    fprintf(stderr, "poll: %s\n", what);
    exit(1);
}

/* --- sink --- */

static enum hyp_status submit(struct hyp_sink *sink, const struct hyp_batch *batch,
                              void (*done)(void *user, enum hyp_status status), void *user)
{
    struct bench *bench = (struct bench *)(void *)sink;
    if (bench->log.len > LOG_BYTES / 2) {
        hyp_buf_reset(&bench->log);
    }
    for (size_t i = 0; i < batch->reading_count; i++) {
        const struct hyp_reading *reading = &batch->readings[i];
        hyp_buf_append_varint(&bench->log, (uint64_t)reading->device.id);
        hyp_buf_append_varint(&bench->log, (uint64_t)reading->source_time.ms);
        for (size_t j = 0; j < reading->value_count; j++) {
            hyp_buf_append_svarint(&bench->log, reading->values[j].decimal.digits);
            hyp_buf_append_u8(&bench->log, (uint8_t)reading->values[j].decimal.exp10);
        }
    }
    bench->polls += batch->reading_count;
    done(user, HYP_OK);
    return HYP_OK;
}

/* Answered or not: asked again at once. */
static void on_device(void *user, const struct hyp_device_state *state)
{
    struct bench *bench = user;
    struct hyp_station *station = hyp_stations_find(&bench->collector->stations, state->device);
    if (station == NULL) {
        return;
    }
    if (state->comm.last_failure.ms > state->comm.last_success.ms ||
        state->job == HYP_JOB_ERROR) {
        bench->errors++;
    }
    if (!bench->idle) {
        hyp_station_due_now(bench->collector, station);
    }
}

/* --- set-up --- */

static uint64_t *number_option(struct options *options, const char *name)
{
    return strcmp(name, "--devices") == 0      ? &options->devices
           : strcmp(name, "--latency-ms") == 0 ? &options->latency_ms
           : strcmp(name, "--seconds") == 0    ? &options->seconds
           : strcmp(name, "--points") == 0     ? &options->points
           : strcmp(name, "--per-line") == 0   ? &options->per_line
                                               : NULL;
}

static void parse_options(struct options *options, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        bool known = strcmp(argv[i], "--sim") == 0;
        options->sim = known ? argv[i + 1] : options->sim;
        if (strcmp(argv[i], "--protocol") == 0) {
            options->mbus = strcmp(argv[i + 1], "mbus") == 0;
            known = options->mbus || strcmp(argv[i + 1], "modbus") == 0;
        }
        uint64_t *number = number_option(options, argv[i]);
        if (number != NULL) {
            known = hyp_str_to_u64(hyp_str_from(argv[i + 1]), number) == HYP_OK;
        }
        if (!known) {
            stop_with("usage: poll [--devices N] [--latency-ms N] [--seconds N] [--points N] "
                      "[--sim PATH] [--protocol modbus|mbus] [--per-line N]");
        }
    }
    if (argc % 2 == 0 || options->devices == 0 || options->devices > HYP_LIMIT_LINES ||
        options->seconds == 0 || options->points == 0 || options->points > BLOCK) {
        stop_with("devices 1 to 10000, seconds at least 1, points 1 to 40");
    }
    options->per_line = options->mbus ? HYP_MIN(options->per_line, options->devices) : 1;
    if (options->per_line == 0 || options->per_line > METERS_PER_LINE ||
        options->devices % options->per_line != 0) {
        stop_with("meters per line 1 to 250, and the devices a multiple of it");
    }
}

static void number_text(char *out, size_t size, uint64_t number)
{
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, out, size);
    hyp_buf_append_u64(&text, number);
    hyp_buf_terminate(&text);
}

static pid_t start_sim(const struct options *options, uint16_t *ret_port)
{
    char devices[24];
    char latency[24];
    char per_line[24];
    number_text(devices, sizeof(devices), options->devices);
    number_text(latency, sizeof(latency), options->latency_ms);
    number_text(per_line, sizeof(per_line), options->per_line);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        stop_with("cannot create a pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execl(options->sim, options->sim, "serve",
              options->mbus ? "--mbus-devices" : "--modbus-devices", devices, "--registers",
              "40", "--bus-meters", per_line, "--latency-ms", latency, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *output = fdopen(ends[0], "r");
    char line[512];
    while (pid > 0 && output != NULL && fgets(line, sizeof(line), output) != NULL) {
        const char *port = strstr(line, "port=");
        uint64_t number = 0;
        size_t digits = port == NULL ? 0 : strspn(port + 5, "0123456789");
        if (digits > 0 &&
            hyp_str_to_u64((struct hyp_str){port + 5, digits}, &number) == HYP_OK) {
            *ret_port = (uint16_t)number;
            return pid; /* the pipe stays open: the child may go on talking */
        }
    }
    stop_with("the simulator did not start: build hypocaust-sim, or give its path with --sim");
    return -1;
}

static void add_profile(struct hyp_library *library, uint64_t points)
{
    struct hyp_buf text;
    hyp_buf_init_heap(&text, 65536);
    hyp_buf_append_text(&text, "profile: bench\ntitle: Bench\nkind: generic\n"
                               "protocol: modbus\nmodbus:\n  address_base: 0\n  read: 3\n"
                               "  max_registers: 100\n  max_gap: 40\nregisters:\n");
    for (uint64_t i = 0; i < points; i++) {
        /* The last point is the last register, so that all forty are read. */
        uint64_t address = i + 1 == points ? BLOCK - 1 : i;
        hyp_buf_append_fmt(&text,
                           "  - {name: temperature, subunit: %llu, address: %llu, "
                           "type: int16, scale: 0.01, unit: degC}\n",
                           (unsigned long long)i, (unsigned long long)address);
    }
    struct hyp_error err;
    if (hyp_library_add(library, hyp_buf_view(&text), "bench", &err) != HYP_OK) {
        stop_with(err.text);
    }
    hyp_buf_finish(&text);
}

static void add_line(struct bench *bench, const struct options *options, uint64_t id,
                     uint16_t port)
{
    struct hyp_line line = {.kind = options->mbus ? HYP_LINE_MBUS_TCP : HYP_LINE_MODBUS_TCP,
                            .host = "127.0.0.1"};
    line.id.id = (int64_t)id;
    line.tenant.id = 1;
    line.port = port;
    line.timeout_ms = 5000;
    line.enabled = true;
    if (hyp_collector_set_line(bench->collector, &line) != HYP_OK) {
        stop_with("out of memory");
    }
}

static void add_devices(struct bench *bench, const struct options *options, uint16_t port)
{
    for (uint64_t i = 0; i < options->devices; i++) {
        uint64_t line = i / options->per_line + 1;
        uint64_t place = i % options->per_line;
        if (place == 0) {
            add_line(bench, options, line, port);
        }
        struct hyp_device device = {.version = -1, .medium = -1};
        hyp_text_copy(device.profile, sizeof(device.profile),
                      hyp_str_from(options->mbus ? "" : "bench"));
        device.id.id = (int64_t)i + 1;
        device.tenant.id = 1;
        device.line.id = (int64_t)line;
        device.primary_address = options->mbus ? (int16_t)(place + 1) : -1;
        device.unit_id = 1;
        device.schedule.kind = HYP_SCHEDULE_EVERY;
        device.schedule.minutes = 1440;
        device.enabled = true;
        if (hyp_collector_set_device(bench->collector, &device) != HYP_OK) {
            stop_with("out of memory");
        }
    }
}

static void ask_all(struct bench *bench)
{
    size_t cursor = 0;
    struct hyp_station *station;
    while ((station = hyp_stations_next(&bench->collector->stations, &cursor)) != NULL) {
        hyp_station_due_now(bench->collector, station);
    }
}

/* --- measuring --- */

static void on_time(struct hyp_timer *timer)
{
    HYP_CONTAINER_OF(timer, struct bench, timer)->timed_out = true;
}

static void run_for(struct bench *bench, int64_t ms)
{
    struct hyp_loop *loop = &bench->collector->loop;
    bench->timed_out = false;
    hyp_timer_arm(loop, &bench->timer, (hyp_mono){hyp_loop_now(loop).ms + ms});
    while (!bench->timed_out) {
        hyp_loop_step(loop, true);
    }
}

static double cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static double per_device(const struct options *options, size_t before)
{
    return (double)(heap_bytes() - before) / (double)options->devices;
}

struct figures {
    double connect_s;
    double polls_per_s;
    double cpu_us_per_poll;
    double bytes;
    double idle_bytes;
    uint64_t errors;
};

/* Asks all devices once, and waits until no connection is being made any more. */
static double connect_all(struct bench *bench)
{
    const struct hyp_collector *collector = bench->collector;
    int64_t start = hyp_loop_now(&collector->loop).ms;
    ask_all(bench);
    do {
        run_for(bench, 100);
    } while (collector->connecting > 0 || collector->connect_first != NULL);
    return (double)(hyp_loop_now(&collector->loop).ms - start) / 1000.0;
}

static struct figures measure(struct bench *bench, const struct options *options,
                              size_t heap_before)
{
    struct figures figures = {0};
    figures.connect_s = connect_all(bench);
    run_for(bench, 1000 + (int64_t)options->latency_ms);
    uint64_t polls = bench->polls;
    uint64_t errors = bench->errors;
    double cpu = cpu_us();
    hyp_mono start = hyp_loop_now(&bench->collector->loop);
    run_for(bench, (int64_t)options->seconds * 1000);
    double used = cpu_us() - cpu;
    double seconds = (double)(hyp_loop_now(&bench->collector->loop).ms - start.ms) / 1000.0;
    double count = (double)(bench->polls - polls);
    figures.polls_per_s = count / seconds;
    figures.cpu_us_per_poll = count > 0 ? used / count : 0.0;
    figures.bytes = per_device(options, heap_before);
    figures.errors = bench->errors - errors;
    /* What is under way ends: every device is connected and waits for its turn, long enough for
       what is kept for the next readings to go. */
    bench->idle = true;
    run_for(bench, 3000 + (int64_t)options->latency_ms);
    figures.idle_bytes = per_device(options, heap_before);
    return figures;
}

static void print(const struct options *options, const struct figures *figures, uint16_t port)
{
    printf("connect_s=%.1f idle_bytes_per_device=%.0f", figures->connect_s,
           figures->idle_bytes);
    if (!options->mbus) {
        double bare = poll_bare_us(port, (size_t)options->devices, options->seconds * 500);
        printf(" bare_epoll_cpu_us_per_poll=%.2f ratio=%.2f", bare,
               bare > 0 ? figures->cpu_us_per_poll / bare : 0.0);
    }
    printf("\npolls_per_s=%.0f cpu_us_per_poll=%.2f bytes_per_device=%.0f errors=%llu\n",
           figures->polls_per_s, figures->cpu_us_per_poll, figures->bytes,
           (unsigned long long)figures->errors);
}

/* The buffer is there before anything is measured, and its pages too. */
static void open_log(struct bench *bench)
{
    hyp_buf_init_heap(&bench->log, LOG_BYTES);
    for (size_t i = 0; i < LOG_BYTES / 2 + 4096; i++) {
        hyp_buf_append_u8(&bench->log, 0);
    }
    hyp_buf_reset(&bench->log);
}

int main(int argc, char **argv)
{
    struct options options = {.devices = 1000,
                              .latency_ms = 200,
                              .seconds = 10,
                              .points = BLOCK,
                              .per_line = METERS_PER_LINE,
                              .sim = "build/hypocaust-sim"};
    parse_options(&options, argc, argv);
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    uint16_t port = 0;
    pid_t sim = start_sim(&options, &port);
    static struct bench bench = {.sink = {.submit = submit}};
    open_log(&bench);
    struct hyp_library *library = NULL;
    struct hyp_error err;
    if (hyp_library_create(&library, &err) != HYP_OK) {
        stop_with(err.text);
    }
    add_profile(library, options.points);
    struct hyp_collect_config config = {
        .clock = hyp_clock_system(),
        .rng = hyp_rng_system(),
        .library = library,
        .sink = &bench.sink,
        .observer = {.user = &bench, .device_state = on_device},
    };
    if (hyp_collector_create(&config, &bench.collector, &err) != HYP_OK ||
        hyp_timer_add(&bench.collector->loop, &bench.timer, on_time) != HYP_OK) {
        stop_with("out of memory");
    }
    size_t heap_before = heap_bytes();
    add_devices(&bench, &options, port);
    struct figures figures = measure(&bench, &options, heap_before);
    hyp_timer_remove(&bench.collector->loop, &bench.timer);
    hyp_collector_destroy(bench.collector);
    hyp_library_destroy(library);
    hyp_buf_finish(&bench.log);
    print(&options, &figures, port);
    kill(sim, SIGTERM);
    waitpid(sim, NULL, 0);
    return 0;
}
