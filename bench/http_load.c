/* SPDX-License-Identifier: Apache-2.0 */
#include "http_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LATENCIES_MAX 4000000

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

struct load_figures load_run(struct bench_server *server, uint64_t connections,
                             uint64_t seconds, int64_t point)
{
    struct load load = {.latencies = calloc(LATENCIES_MAX, sizeof(double))};
    struct connection *all = calloc(connections, sizeof(*all));
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
    for (uint64_t i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        all[i].fd = bench_connect(server->port);
        epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event);
        send_request(&all[i], &load);
    }
    double begin = bench_now();
    double cpu = bench_server_cpu(server);
    size_t before = load.count;
    while (bench_now() - begin < (double)seconds) {
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
    struct load_figures figures = {
        .per_cpu_s = (double)(load.count - before) / cpu,
        .p50_ms = 1000 * load.latencies[measured / 2],
        .p99_ms = 1000 * load.latencies[measured * 99 / 100],
    };
    printf("%zu requests on %llu connections, %.1f CPU s of the server, reply %zu bytes\n",
           load.count, (unsigned long long)connections, cpu, load.reply_bytes);
    for (uint64_t i = 0; i < connections; i++) {
        close(all[i].fd);
    }
    close(poll);
    free(all);
    free(load.latencies);
    return figures;
}
