/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: what the server does per second of its CPU time, and how long its answers take.
 *
 * Starts a server of its own on an empty folder, makes a plant of heat meters with ten
 * registers, hands their past in through POST /intake, and asks. CPU seconds are those of the
 * server process; beside them stands what the HTTP library alone reaches in the same minute.
 * Last line: requests_per_cpu_s= p99_ms= q1_http_ms= q2_http_ms= q4_http_ms=
 * intake_http_values_per_cpu_s=
 */
#include "http_bare.h"
#include "http_client.h"

#include "model/time.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REGISTERS 10
#define BODY_MAX ((size_t)6 * 1024 * 1024)
#define REPLY_MAX ((size_t)256 * 1024 * 1024)
#define START_MS 1767225600000LL /* 2026-01-01 */
#define HOUR_MS 3600000LL
#define LATENCIES_MAX 4000000

struct options {
    uint64_t connections;
    uint64_t seconds;
    uint64_t meters;
    uint64_t days;
    const char *program;
};

/* --- the plant --- */

static json_t *ask(struct bench_server *server, int fd, const char *method, const char *path,
                   struct hyp_str body)
{
    struct hyp_buf reply;
    json_error_t place;
    hyp_buf_init_heap(&reply, REPLY_MAX);
    int status = bench_request(fd, server, method, path,
                               body.len > 0 ? "application/json" : NULL, body, &reply);
    json_t *root = json_loadb((const char *)reply.data, reply.len, 0, &place);
    if (status >= 300 || root == NULL) {
        fprintf(stderr, "http: %s %s gave %d: %.*s\n", method, path, status,
                (int)HYP_MIN(reply.len, (size_t)300), (const char *)reply.data);
        bench_fail("this must not be refused");
    }
    hyp_buf_finish(&reply);
    return root;
}

static void set_up(struct bench_server *server)
{
    char memory[512];
    struct hyp_buf body;
    char cookie[128];
    int fd = bench_connect(server->port);
    hyp_buf_init_fixed(&body, memory, sizeof(memory));
    hyp_buf_append_fmt(
        &body, "{\"token\":\"%s\",\"login\":\"bench\",\"password\":\"a bench password\"}",
        server->setup_token);
    /* Setting up answers with a cookie; a Bearer token is what a program uses, so the cookie is
     * taken once to make one. */
    char text[2048];
    struct hyp_buf request;
    hyp_buf_init_fixed(&request, text, sizeof(text));
    hyp_buf_append_fmt(&request,
                       "POST /api/v1/setup HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                       "application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
                       body.len, (int)body.len, memory);
    if (send(fd, request.data, request.len, MSG_NOSIGNAL) != (ssize_t)request.len) {
        bench_fail("cannot set up");
    }
    char reply[8192];
    ssize_t got = recv(fd, reply, sizeof(reply) - 1, 0);
    reply[got < 0 ? 0 : got] = '\0';
    const char *at = strstr(reply, "hyp_session=");
    const char *csrf = strstr(reply, "\"csrf\":\"");
    if (at == NULL || csrf == NULL) {
        bench_fail("the set-up was refused");
    }
    hyp_text_copy(cookie, sizeof(cookie), (struct hyp_str){at, strcspn(at, ";")});
    struct hyp_str token = {csrf + 8, strcspn(csrf + 8, "\"")};
    const char wanted[] = "{\"name\":\"bench\",\"role\":\"admin\"}";
    hyp_buf_reset(&request);
    hyp_buf_append_fmt(&request,
                       "POST /api/v1/tokens HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: %s\r\n"
                       "X-CSRF-Token: %.*s\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       cookie, HYP_STR_ARG(token), strlen(wanted), wanted);
    if (send(fd, request.data, request.len, MSG_NOSIGNAL) != (ssize_t)request.len) {
        bench_fail("cannot make a token");
    }
    got = recv(fd, reply, sizeof(reply) - 1, 0);
    reply[got < 0 ? 0 : got] = '\0';
    at = strstr(reply, "hyp_");
    if (at == NULL) {
        bench_fail("no token was made");
    }
    hyp_text_copy(server->token, sizeof(server->token),
                  (struct hyp_str){at, strcspn(at, "\"")});
    close(fd);
}

static void add_meters(struct bench_server *server, uint64_t meters)
{
    struct hyp_buf body;
    int fd = bench_connect(server->port);
    hyp_buf_init_heap(&body, REPLY_MAX);
    hyp_buf_append_text(&body, "{\"devices\":[");
    for (uint64_t i = 0; i < meters; i++) {
        hyp_buf_append_fmt(
            &body,
            "%s{\"name\":\"meter %llu\",\"kind\":\"heat_meter\",\"manufacturer\":"
            "\"ELS\",\"id\":\"%08llu\",\"version\":1,\"medium\":4}",
            i == 0 ? "" : ",", (unsigned long long)i, (unsigned long long)i + 1);
    }
    hyp_buf_append_text(&body, "]}");
    json_decref(ask(server, fd, "POST", "/devices/import", hyp_buf_view(&body)));
    hyp_buf_finish(&body);
    close(fd);
}

/* --- the past --- */

static void record(struct hyp_buf *out, const char *head, uint64_t value, size_t bytes)
{
    hyp_buf_append_text(out, head);
    for (size_t i = 0; i < bytes; i++) {
        hyp_buf_append_fmt(out, "%02X", (unsigned)(value >> (8 * i) & 0xFF));
    }
}

/* A plain radio telegram: energy, volume, two temperatures, flow, power, hours, flags,
 * extremes. */
static void append_line(struct hyp_buf *out, uint64_t meter, uint64_t hour)
{
    char memory[256];
    struct hyp_buf records;
    uint64_t id = meter + 1;
    uint64_t bcd = 0;
    uint64_t swing = (hour * 7 + meter * 13) % 97;
    for (unsigned digit = 0; digit < 8; digit++, id /= 10) {
        bcd |= (id % 10) << (4 * digit);
    }
    hyp_buf_init_fixed(&records, memory, sizeof(memory));
    record(&records, "449315", bcd, 4);
    hyp_buf_append_fmt(&records, "01047A%02X000000", (unsigned)(hour & 0xFF));
    record(&records, "0406", 1000 * meter + 3 * hour + swing / 50, 4);
    record(&records, "0413", 9000 * meter + 80 * hour + swing, 4);
    record(&records, "025A", 700 + swing, 2);
    record(&records, "025E", 400 + swing / 2, 2);
    record(&records, "023B", 100 + swing * 3, 2);
    record(&records, "022D", 20 + swing, 2);
    record(&records, "0422", hour, 4);
    record(&records, "02FD17", 0, 2);
    record(&records, "223B", 10, 2);
    record(&records, "123B", 500, 2);
    hyp_utc_format(out, (hyp_utc){START_MS + (int64_t)hour * HOUR_MS});
    hyp_buf_append_fmt(out, " radio %02X", (unsigned)(records.len / 2));
    hyp_buf_append_str(out, hyp_buf_view(&records));
    hyp_buf_append_char(out, '\n');
}

static uint64_t hand_in(struct bench_server *server, int fd, struct hyp_buf *body)
{
    struct hyp_buf reply;
    json_error_t place;
    hyp_buf_init_heap(&reply, REPLY_MAX);
    int status =
        bench_request(fd, server, "POST", "/intake", "text/plain", hyp_buf_view(body), &reply);
    json_t *root = json_loadb((const char *)reply.data, reply.len, 0, &place);
    uint64_t readings = (uint64_t)json_integer_value(json_object_get(root, "readings"));
    if (status != 200) {
        bench_fail("the intake was refused");
    }
    json_decref(root);
    hyp_buf_finish(&reply);
    hyp_buf_reset(body);
    return readings;
}

/* Values per CPU second of the server. */
static double load_past(struct bench_server *server, const struct options *options)
{
    struct hyp_buf body;
    uint64_t readings = 0;
    int fd = bench_connect(server->port);
    hyp_buf_init_heap(&body, BODY_MAX + 4096);
    double before = bench_server_cpu(server);
    for (uint64_t hour = 0; hour < options->days * 24; hour++) {
        for (uint64_t meter = 0; meter < options->meters; meter++) {
            append_line(&body, meter, hour);
            if (body.len >= BODY_MAX) {
                readings += hand_in(server, fd, &body);
            }
        }
    }
    readings += body.len > 0 ? hand_in(server, fd, &body) : 0;
    double cpu = bench_server_cpu(server) - before;
    hyp_buf_finish(&body);
    close(fd);
    if (readings != options->meters * options->days * 24) {
        fprintf(stderr, "http: %llu readings of %llu were stored\n",
                (unsigned long long)readings,
                (unsigned long long)(options->meters * options->days * 24));
        exit(1);
    }
    printf("loaded %llu readings in %.1f CPU s, %.0f MB resident\n",
           (unsigned long long)readings, cpu, bench_server_rss_mb(server));
    return (double)(readings * REGISTERS) / cpu;
}

/* --- many connections --- */

struct connection {
    int fd;
    double sent_at;
    size_t got;
    size_t wanted; /* of the reply, 0 = not known yet */
    char reply[4096];
};

struct load {
    char request[512];
    size_t request_len;
    size_t reply_bytes;
    double *latencies;
    size_t count;
};

static void send_request(struct connection *connection, const struct load *load)
{
    connection->got = 0;
    connection->wanted = 0;
    connection->sent_at = bench_now();
    if (send(connection->fd, load->request, load->request_len, MSG_NOSIGNAL) !=
        (ssize_t)load->request_len) {
        bench_fail("a connection of the load broke");
    }
}

static void find_end(struct connection *connection)
{
    const char *end = memmem(connection->reply, connection->got, "\r\n\r\n", 4);
    const char *length = memmem(connection->reply, connection->got, "Content-Length: ", 16);
    uint64_t bytes = 0;
    if (end == NULL || length == NULL) {
        return;
    }
    struct hyp_str text = {length + 16, strcspn(length + 16, "\r")};
    if (memcmp(connection->reply, "HTTP/1.1 200", 12) != 0 ||
        hyp_str_to_u64(text, &bytes) != HYP_OK) {
        bench_fail("a request of the load was refused");
    }
    connection->wanted = (size_t)(end - connection->reply) + 4 + (size_t)bytes;
}

static void receive(struct connection *connection, struct load *load)
{
    ssize_t got = recv(connection->fd, connection->reply + connection->got,
                       sizeof(connection->reply) - connection->got - 1, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        bench_fail("the server closed a connection of the load");
    }
    connection->got += (size_t)got;
    connection->reply[connection->got] = '\0';
    if (connection->wanted == 0) {
        find_end(connection);
    }
    if (connection->wanted > 0 && connection->got >= connection->wanted) {
        if (load->count < LATENCIES_MAX) {
            load->latencies[load->count] = bench_now() - connection->sent_at;
        }
        load->count++;
        load->reply_bytes = connection->wanted;
        send_request(connection, load);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void run_load(struct bench_server *server, const struct options *options, int64_t point,
                     double *ret_per_cpu_s, double *ret_p99_ms)
{
    struct load load = {.latencies = calloc(LATENCIES_MAX, sizeof(double))};
    struct connection *all = calloc(options->connections, sizeof(*all));
    struct hyp_buf request;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (load.latencies == NULL || all == NULL || poll < 0) {
        bench_fail("no memory for the load");
    }
    hyp_buf_init_fixed(&request, load.request, sizeof(load.request));
    hyp_buf_append_fmt(&request,
                       "GET /api/v1/points/%lld/latest HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                       "Authorization: Bearer %s\r\n\r\n",
                       (long long)point, server->token);
    load.request_len = request.len;
    for (uint64_t i = 0; i < options->connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        all[i].fd = bench_connect(server->port);
        epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event);
        send_request(&all[i], &load);
    }
    double begin = bench_now();
    double cpu = bench_server_cpu(server);
    size_t before = load.count;
    while (bench_now() - begin < (double)options->seconds) {
        struct epoll_event events[256];
        int ready = epoll_wait(poll, events, 256, 5000);
        if (ready <= 0) {
            bench_fail("the server stalls");
        }
        for (int i = 0; i < ready; i++) {
            receive(events[i].data.ptr, &load);
        }
    }
    cpu = bench_server_cpu(server) - cpu;
    size_t measured = HYP_MIN(load.count, (size_t)LATENCIES_MAX);
    qsort(load.latencies, measured, sizeof(double), compare_doubles);
    *ret_per_cpu_s = (double)(load.count - before) / cpu;
    *ret_p99_ms = 1000 * load.latencies[measured * 99 / 100];
    printf("%zu requests on %llu connections, %.1f CPU s of the server, reply %zu bytes\n",
           load.count, (unsigned long long)options->connections, cpu, load.reply_bytes);
    for (uint64_t i = 0; i < options->connections; i++) {
        close(all[i].fd);
    }
    close(poll);
    free(all);
    free(load.latencies);
}

static void compare_with_bare(const struct options *options, double ours_per_cpu_s)
{
    struct bench_server bare;
    double per_cpu_s;
    double p99_ms;
    bench_bare_start(&bare);
    run_load(&bare, options, 1, &per_cpu_s, &p99_ms);
    bench_bare_end(&bare);
    printf(
        "the HTTP library alone: %.0f requests per CPU s, p99 %.2f ms; ours is %.0f %% of it\n",
        per_cpu_s, p99_ms, 100 * ours_per_cpu_s / per_cpu_s);
}

/* --- queries --- */

static double median_ms(struct bench_server *server, const char *path, int runs)
{
    double times[101];
    struct hyp_buf reply;
    int fd = bench_connect(server->port);
    hyp_buf_init_heap(&reply, REPLY_MAX);
    for (int i = 0; i < runs; i++) {
        double begin = bench_now();
        if (bench_request(fd, server, "GET", path, NULL, HYP_STR(""), &reply) != 200) {
            bench_fail("a query was refused");
        }
        times[i] = bench_now() - begin;
    }
    printf("%s: %zu bytes\n", path, reply.len);
    hyp_buf_finish(&reply);
    close(fd);
    qsort(times, (size_t)runs, sizeof(double), compare_doubles);
    return 1000 * times[runs / 2];
}

/* The points of the first meter, as "1,2,3"; the first of them. */
static int64_t find_points(struct bench_server *server, struct hyp_buf *list)
{
    int fd = bench_connect(server->port);
    json_t *devices = ask(server, fd, "GET", "/devices?limit=1&sort=id", HYP_STR(""));
    const json_t *first = json_array_get(json_object_get(devices, "items"), 0);
    char path[64];
    struct hyp_buf buf;
    int64_t energy = 0;
    hyp_buf_init_fixed(&buf, path, sizeof(path));
    hyp_buf_append_fmt(&buf, "/devices/%lld/points",
                       (long long)json_integer_value(json_object_get(first, "id")));
    json_t *points = ask(server, fd, "GET", hyp_buf_terminate(&buf), HYP_STR(""));
    size_t taken = 0;
    size_t i;
    json_t *point;
    json_array_foreach(json_object_get(points, "items"), i, point)
    {
        int64_t id = json_integer_value(json_object_get(point, "point"));
        const char *key = json_string_value(json_object_get(point, "key"));
        if (strcmp(key, "energy") == 0) {
            energy = id;
        }
        if (taken < REGISTERS && strcmp(key, "status") != 0) {
            hyp_buf_append_fmt(list, "%s%lld", taken == 0 ? "" : ",", (long long)id);
            taken++;
        }
    }
    json_decref(points);
    json_decref(devices);
    close(fd);
    return energy;
}

static void series_path(char *out, size_t size, const char *points, uint64_t days, uint64_t px)
{
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, out, size);
    hyp_buf_append_fmt(
        &buf, "/series?points=%s&from=%lld&to=%lld&px=%llu", points, (long long)START_MS,
        (long long)(START_MS + (int64_t)days * 24 * HOUR_MS), (unsigned long long)px);
    hyp_buf_terminate(&buf);
}

/* --- the program --- */

static void parse(int argc, char **argv, struct options *options)
{
    const struct {
        const char *name;
        uint64_t *value;
    } numbers[] = {
        {"--connections", &options->connections},
        {"--seconds",     &options->seconds    },
        {"--meters",      &options->meters     },
        {"--days",        &options->days       },
    };
    for (int i = 1; i < argc; i += 2) {
        bool known = i + 1 < argc && strcmp(argv[i], "--program") == 0;
        if (known) {
            options->program = argv[i + 1];
        }
        for (size_t n = 0; i + 1 < argc && n < HYP_ARRAY_LEN(numbers); n++) {
            if (strcmp(argv[i], numbers[n].name) == 0) {
                known = hyp_str_to_u64(hyp_str_from(argv[i + 1]), numbers[n].value) == HYP_OK &&
                        *numbers[n].value > 0;
            }
        }
        if (!known) {
            bench_fail("usage: http [--connections N] [--seconds N] [--meters N] [--days N] "
                       "[--program build/hypocaust]");
        }
    }
}

int main(int argc, char **argv)
{
    struct options options = {.connections = 256,
                              .seconds = 5,
                              .meters = 1000,
                              .days = 90,
                              .program = "build/hypocaust"};
    struct bench_server server;
    char memory[512];
    char path[1024];
    struct hyp_buf list;
    double per_cpu_s;
    double p99_ms;
    parse(argc, argv, &options);
    bench_server_start(&server, options.program);
    set_up(&server);
    add_meters(&server, options.meters);
    double intake = load_past(&server, &options);
    hyp_buf_init_fixed(&list, memory, sizeof(memory));
    int64_t energy = find_points(&server, &list);
    char one[24];
    struct hyp_buf single;
    hyp_buf_init_fixed(&single, one, sizeof(one));
    hyp_buf_append_i64(&single, energy);
    run_load(&server, &options, energy, &per_cpu_s, &p99_ms);
    compare_with_bare(&options, per_cpu_s);
    series_path(path, sizeof(path), hyp_buf_terminate(&single), options.days,
                options.days * 24 / 2 + 1);
    double q1 = median_ms(&server, path, 101);
    series_path(path, sizeof(path), hyp_buf_terminate(&list), options.days, options.days);
    double q2 = median_ms(&server, path, 101);
    double q4 = median_ms(&server, "/latest", 21);
    bench_server_end(&server);
    printf("requests_per_cpu_s=%.0f p99_ms=%.2f q1_http_ms=%.2f q2_http_ms=%.2f "
           "q4_http_ms=%.2f intake_http_values_per_cpu_s=%.0f\n",
           per_cpu_s, p99_ms, q1, q2, q4, intake);
    return 0;
}
