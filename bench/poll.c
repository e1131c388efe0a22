/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many devices one thread polls, and what a poll costs.
 *
 * A child process (hypocaust-sim in scale mode) is N Modbus TCP devices with 40 registers each,
 * every connection a device of its own; this process is the collector with N lines, each asked
 * again as soon as it has answered. Counted are polls whose values have been decoded, scaled
 * and taken by the sink, which packs them into a buffer as an intake log would. The CPU time is
 * of this process only.
 *
 *     poll [--devices N] [--latency-ms N] [--seconds N] [--points N] [--sim PATH]
 */
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

#define LOG_BYTES (64u << 20)
#define BLOCK 40

struct options {
    uint64_t devices;
    uint64_t latency_ms;
    uint64_t seconds;
    uint64_t points;
    const char *sim;
};

struct bench {
    struct hyp_sink sink;
    struct hyp_buf log;
    uint64_t polls;
    uint64_t errors;
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
    hyp_station_due_now(bench->collector, station);
}

/* --- set-up --- */

static uint64_t *number_option(struct options *options, const char *name)
{
    return strcmp(name, "--devices") == 0      ? &options->devices
           : strcmp(name, "--latency-ms") == 0 ? &options->latency_ms
           : strcmp(name, "--seconds") == 0    ? &options->seconds
           : strcmp(name, "--points") == 0     ? &options->points
                                               : NULL;
}

static void parse_options(struct options *options, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        bool known = strcmp(argv[i], "--sim") == 0;
        options->sim = known ? argv[i + 1] : options->sim;
        uint64_t *number = number_option(options, argv[i]);
        if (number != NULL) {
            known = hyp_str_to_u64(hyp_str_from(argv[i + 1]), number) == HYP_OK;
        }
        if (!known) {
            stop_with("usage: poll [--devices N] [--latency-ms N] [--seconds N] [--points N] "
                      "[--sim PATH]");
        }
    }
    if (argc % 2 == 0 || options->devices == 0 || options->devices > HYP_LIMIT_LINES ||
        options->seconds == 0 || options->points == 0 || options->points > BLOCK) {
        stop_with("devices 1 to 10000, seconds at least 1, points 1 to 40");
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
    number_text(devices, sizeof(devices), options->devices);
    number_text(latency, sizeof(latency), options->latency_ms);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        stop_with("cannot create a pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execl(options->sim, options->sim, "serve", "--modbus-devices", devices, "--registers",
              "40", "--latency-ms", latency, (char *)NULL);
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

static void add_devices(struct bench *bench, uint64_t count, uint16_t port)
{
    for (uint64_t i = 1; i <= count; i++) {
        struct hyp_line line = {.kind = HYP_LINE_MODBUS_TCP, .host = "127.0.0.1"};
        line.id.id = (int64_t)i;
        line.tenant.id = 1;
        line.port = port;
        line.timeout_ms = 5000;
        line.enabled = true;
        struct hyp_device device = {.profile = "bench", .version = -1, .medium = -1};
        device.id.id = (int64_t)i;
        device.tenant.id = 1;
        device.line.id = (int64_t)i;
        device.primary_address = -1;
        device.unit_id = 1;
        device.schedule.kind = HYP_SCHEDULE_EVERY;
        device.schedule.minutes = 1440;
        device.enabled = true;
        if (hyp_collector_set_line(bench->collector, &line) != HYP_OK ||
            hyp_collector_set_device(bench->collector, &device) != HYP_OK) {
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

static void measure(struct bench *bench, const struct options *options, size_t heap_before)
{
    run_for(bench, 3000 + (int64_t)options->latency_ms); /* connections are made */
    uint64_t polls = bench->polls;
    uint64_t errors = bench->errors;
    double cpu = cpu_us();
    hyp_mono start = hyp_loop_now(&bench->collector->loop);
    run_for(bench, (int64_t)options->seconds * 1000);
    double used = cpu_us() - cpu;
    double seconds = (double)(hyp_loop_now(&bench->collector->loop).ms - start.ms) / 1000.0;
    polls = bench->polls - polls;
    errors = bench->errors - errors;
    size_t heap = mallinfo2().uordblks + mallinfo2().hblkhd - heap_before;
    printf("polls_per_s=%.0f cpu_us_per_poll=%.2f bytes_per_device=%.0f errors=%llu\n",
           (double)polls / seconds, polls == 0 ? 0.0 : used / (double)polls,
           (double)heap / (double)options->devices, (unsigned long long)errors);
}

int main(int argc, char **argv)
{
    struct options options = {.devices = 1000,
                              .latency_ms = 200,
                              .seconds = 10,
                              .points = BLOCK,
                              .sim = "build/hypocaust-sim"};
    parse_options(&options, argc, argv);
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    uint16_t port = 0;
    pid_t sim = start_sim(&options, &port);
    static struct bench bench = {.sink = {.submit = submit}};
    hyp_buf_init_heap(&bench.log, LOG_BYTES);
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
    size_t heap_before = mallinfo2().uordblks + mallinfo2().hblkhd;
    add_devices(&bench, options.devices, port);
    ask_all(&bench);
    measure(&bench, &options, heap_before);
    hyp_timer_remove(&bench.collector->loop, &bench.timer);
    hyp_collector_destroy(bench.collector);
    hyp_library_destroy(library);
    hyp_buf_finish(&bench.log);
    kill(sim, SIGTERM);
    waitpid(sim, NULL, 0);
    return 0;
}
