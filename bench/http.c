/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: what the server does per second of its CPU time, and how long its answers take.
 *
 *     build/bench/http [--connections N] [--seconds N] [--meters N] [--days N] [--telegrams N]
 *                      [--data FOLDER] [--program build/hypocaust]
 *
 * Starts a server of its own, makes a plant of heat meters with ten registers, hands in their
 * past (set S) as CSV through POST /readings/import and some telegrams through POST /intake,
 * and asks. With --data the folder is kept, and one that is filled already is only asked.
 * CPU seconds are those of the server process; beside them stands what the HTTP library alone
 * reaches in the same minute. Of questions there is the median of the wall time and the mean of
 * the server's CPU time.
 * Last line: requests_per_cpu_s= p99_ms= q1_http_ms= q2_http_ms= q4_http_ms=
 * intake_http_values_per_cpu_s= and more.
 */
#include "http_bare.h"
#include "http_client.h"
#include "http_load.h"
#include "http_plant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLY_MAX ((size_t)256 * 1024 * 1024)
#define DAY_MS (24 * 3600000LL)
#define RUNS 101

struct options {
    uint64_t connections;
    uint64_t seconds;
    uint64_t meters;
    uint64_t days;
    uint64_t telegrams;
    const char *program;
    const char *data;
};

/* --- queries --- */

struct asked {
    double wall_ms; /* median, client included */
    double cpu_ms;  /* mean, of the server */
};

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static struct asked ask(struct bench_server *server, const char *path)
{
    double times[RUNS];
    struct hyp_buf reply;
    int fd = bench_connect(server->port);
    hyp_buf_init_heap(&reply, REPLY_MAX);
    double cpu = bench_server_cpu(server);
    for (int i = 0; i < RUNS; i++) {
        double begin = bench_now();
        if (bench_request(fd, server, "GET", path, NULL, HYP_STR(""), &reply) != 200) {
            bench_fail("a query was refused");
        }
        times[i] = bench_now() - begin;
    }
    cpu = bench_server_cpu(server) - cpu;
    qsort(times, RUNS, sizeof(double), compare_doubles);
    struct asked asked = {1000 * times[RUNS / 2], 1000 * cpu / RUNS};
    printf("%s: %zu bytes, median %.2f ms, %.2f ms of CPU\n", path, reply.len, asked.wall_ms,
           asked.cpu_ms);
    hyp_buf_finish(&reply);
    close(fd);
    return asked;
}

static struct asked ask_series(struct bench_server *server, const char *points, uint64_t days,
                               uint64_t px)
{
    char path[1024];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, path, sizeof(path));
    hyp_buf_append_fmt(
        &buf, "/series?points=%s&from=%lld&to=%lld&px=%llu", points, (long long)PLANT_START_MS,
        (long long)(PLANT_START_MS + (int64_t)days * DAY_MS), (unsigned long long)px);
    return ask(server, hyp_buf_terminate(&buf));
}

/* --- the program --- */

static void usage(void)
{
    bench_fail("usage: http [--connections N] [--seconds N] [--meters N] [--days N] "
               "[--telegrams N] [--data FOLDER] [--program build/hypocaust]");
}

static void parse(int argc, char **argv, struct options *options)
{
    const struct {
        const char *name;
        uint64_t *number;
        const char **text;
    } known[] = {
        {"--connections", &options->connections, NULL             },
        {"--seconds",     &options->seconds,     NULL             },
        {"--meters",      &options->meters,      NULL             },
        {"--days",        &options->days,        NULL             },
        {"--telegrams",   &options->telegrams,   NULL             },
        {"--program",     NULL,                  &options->program},
        {"--data",        NULL,                  &options->data   },
    };
    for (int i = 1; i < argc; i += 2) {
        size_t n = 0;
        while (n < HYP_ARRAY_LEN(known) && strcmp(argv[i], known[n].name) != 0) {
            n++;
        }
        if (n == HYP_ARRAY_LEN(known) || i + 1 >= argc) {
            usage();
        } else if (known[n].text != NULL) {
            *known[n].text = argv[i + 1];
        } else if (hyp_str_to_u64(hyp_str_from(argv[i + 1]), known[n].number) != HYP_OK ||
                   *known[n].number == 0) {
            usage();
        }
    }
}

static struct load_figures bare_load(const struct options *options)
{
    struct bench_server bare;
    bench_bare_start(&bare);
    struct load_figures figures = load_run(&bare, options->connections, options->seconds, 1);
    bench_bare_end(&bare);
    return figures;
}

int main(int argc, char **argv)
{
    struct options options = {.connections = 256,
                              .seconds = 5,
                              .meters = 1000,
                              .days = 90,
                              .telegrams = 240000,
                              .program = "build/hypocaust"};
    struct bench_server server;
    char points[512];
    char energy[24];
    struct hyp_buf list;
    double csv = 0;
    double telegrams = 0;
    parse(argc, argv, &options);
    bench_server_start(&server, options.program, options.data);
    if (server.token[0] == '\0') {
        plant_set_up(&server);
        plant_add_meters(&server, options.meters);
        csv = plant_load_past(&server, options.meters, options.days);
        telegrams = plant_load_telegrams(&server, options.meters, options.telegrams);
        bench_server_keep_token(&server);
    }
    hyp_buf_init_fixed(&list, points, sizeof(points));
    int64_t point = plant_find_points(&server, &list);
    hyp_buf_terminate(&list);
    hyp_buf_init_fixed(&list, energy, sizeof(energy));
    hyp_buf_append_i64(&list, point);
    struct load_figures load = load_run(&server, options.connections, options.seconds, point);
    struct load_figures bare = bare_load(&options);
    /* As wide as is needed to get every hour as it is; a column for each day. */
    struct asked q1 =
        ask_series(&server, hyp_buf_terminate(&list), options.days, options.days * 12 + 1);
    struct asked q2 = ask_series(&server, points, options.days, options.days);
    struct asked q4 = ask(&server, "/latest");
    bench_server_end(&server);
    printf("connections=%llu requests_per_cpu_s=%.0f p50_ms=%.2f p99_ms=%.2f "
           "bare_requests_per_cpu_s=%.0f bare_p99_ms=%.2f q1_http_ms=%.2f q2_http_ms=%.2f "
           "q4_http_ms=%.2f q1_http_cpu_ms=%.2f q2_http_cpu_ms=%.2f q4_http_cpu_ms=%.2f",
           (unsigned long long)options.connections, load.per_cpu_s, load.p50_ms, load.p99_ms,
           bare.per_cpu_s, bare.p99_ms, q1.wall_ms, q2.wall_ms, q4.wall_ms, q1.cpu_ms,
           q2.cpu_ms, q4.cpu_ms);
    if (csv > 0) {
        printf(" intake_http_values_per_cpu_s=%.0f telegram_values_per_cpu_s=%.0f", csv,
               telegrams);
    }
    printf("\n");
    return 0;
}
