/* SPDX-License-Identifier: Apache-2.0 */
#include "http_plant.h"

#include "historian_sets.h"

#include "model/time.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX ((size_t)6 * 1024 * 1024)
#define REPLY_MAX ((size_t)256 * 1024 * 1024)
#define HOUR_MS 3600000LL
#define TELEGRAMS_MS (PLANT_START_MS + 120 * 24 * HOUR_MS) /* behind the past */

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

void plant_set_up(struct bench_server *server)
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

void plant_add_meters(struct bench_server *server, uint64_t meters)
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

/* --- the past: the meters of set S as CSV --- */

/* These are measured in several units, so the vocabulary names none. */
static const char *unit_of(const struct hyp_value *value)
{
    switch (value->key.name) {
    case HYP_NAME_ENERGY: return "kWh";
    case HYP_NAME_FLOW: return "m3/h";
    case HYP_NAME_POWER: return "kW";
    case HYP_NAME_OPERATING_TIME: return "h";
    default: return hyp_unit_text(value->unit);
    }
}

static void append_titles(struct hyp_buf *out, const struct hyp_value *values, size_t count)
{
    hyp_buf_append_text(out, "time,serial");
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append_char(out, ',');
        hyp_point_key_format(out, &values[i].key);
        if (values[i].kind == HYP_VALUE_DECIMAL) {
            hyp_buf_append_fmt(out, " [%s]", unit_of(&values[i]));
        }
    }
    hyp_buf_append_char(out, '\n');
}

static void append_row(struct hyp_buf *out, size_t device, int64_t time,
                       const struct hyp_value *values, size_t count)
{
    hyp_buf_append_i64(out, time);
    hyp_buf_append_fmt(out, ",%08zu", device + 1);
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append_char(out, ',');
        if (values[i].kind == HYP_VALUE_DECIMAL) {
            hyp_decimal_format(out, values[i].decimal);
        } else {
            hyp_buf_append_u64(out, values[i].flags);
        }
    }
    hyp_buf_append_char(out, '\n');
}

/* Hands a body in; the number under `key` of the answer. */
static uint64_t hand_in(struct bench_server *server, int fd, const char *path,
                        struct hyp_buf *body, const char *key)
{
    struct hyp_buf reply;
    json_error_t place;
    hyp_buf_init_heap(&reply, REPLY_MAX);
    int status =
        bench_request(fd, server, "POST", path, "text/plain", hyp_buf_view(body), &reply);
    json_t *root = json_loadb((const char *)reply.data, reply.len, 0, &place);
    uint64_t number = (uint64_t)json_integer_value(json_object_get(root, key));
    if (status != 200) {
        fprintf(stderr, "http: %.*s\n", (int)HYP_MIN(reply.len, (size_t)300),
                (const char *)reply.data);
        bench_fail("what was handed in was refused");
    }
    json_decref(root);
    hyp_buf_finish(&reply);
    hyp_buf_reset(body);
    return number;
}

static void check_count(const char *what, uint64_t stored, uint64_t sent)
{
    if (stored != sent) {
        fprintf(stderr, "http: %llu of %llu %s were stored\n", (unsigned long long)stored,
                (unsigned long long)sent, what);
        bench_fail("something was lost");
    }
}

double plant_load_past(struct bench_server *server, uint64_t meters, uint64_t days)
{
    struct set set;
    struct hyp_value values[SET_REGISTERS_MAX];
    struct hyp_buf body;
    size_t device;
    size_t count;
    int64_t time;
    uint64_t sent = 0;
    uint64_t stored = 0;
    int fd = bench_connect(server->port);
    set_limit((size_t)meters);
    set_open(&set, 'S', NULL);
    hyp_buf_init_heap(&body, BODY_MAX + 4096);
    double before = bench_server_cpu(server);
    while (set_next(&set, &device, &time, values, &count) &&
           time < PLANT_START_MS + (int64_t)days * 24 * HOUR_MS) {
        if (body.len >= BODY_MAX) {
            stored += hand_in(server, fd, "/readings/import", &body, "values");
        }
        if (body.len == 0) {
            append_titles(&body, values, count);
        }
        append_row(&body, device, time, values, count);
        sent += count;
    }
    stored += hand_in(server, fd, "/readings/import", &body, "values");
    double cpu = bench_server_cpu(server) - before;
    hyp_buf_finish(&body);
    set_close(&set);
    close(fd);
    check_count("values", stored, sent);
    printf("%llu values as CSV in %.1f CPU s, %.0f MB resident\n", (unsigned long long)stored,
           cpu, bench_server_rss_mb(server));
    return (double)stored / cpu;
}

/* --- telegrams --- */

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
    hyp_utc_format(out, (hyp_utc){TELEGRAMS_MS + (int64_t)hour * HOUR_MS});
    hyp_buf_append_fmt(out, " radio %02X", (unsigned)(records.len / 2));
    hyp_buf_append_str(out, hyp_buf_view(&records));
    hyp_buf_append_char(out, '\n');
}

double plant_load_telegrams(struct bench_server *server, uint64_t meters, uint64_t count)
{
    struct hyp_buf body;
    uint64_t readings = 0;
    int fd = bench_connect(server->port);
    hyp_buf_init_heap(&body, BODY_MAX + 4096);
    double before = bench_server_cpu(server);
    for (uint64_t i = 0; i < count; i++) {
        append_line(&body, i % meters, i / meters);
        if (body.len >= BODY_MAX) {
            readings += hand_in(server, fd, "/intake", &body, "readings");
        }
    }
    readings += body.len > 0 ? hand_in(server, fd, "/intake", &body, "readings") : 0;
    double cpu = bench_server_cpu(server) - before;
    hyp_buf_finish(&body);
    close(fd);
    check_count("telegrams", readings, count);
    printf("%llu telegrams in %.1f CPU s, %.0f MB resident\n", (unsigned long long)readings,
           cpu, bench_server_rss_mb(server));
    return (double)(readings * PLANT_REGISTERS) / cpu;
}

/* --- points --- */

int64_t plant_find_points(struct bench_server *server, struct hyp_buf *list)
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
        if (taken < PLANT_REGISTERS && strcmp(key, "status") != 0) {
            hyp_buf_append_fmt(list, "%s%lld", taken == 0 ? "" : ",", (long long)id);
            taken++;
        }
    }
    json_decref(points);
    json_decref(devices);
    close(fd);
    return energy;
}
