/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_cutter.h"

#include "fixture.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WIRES_MAX 64
#define SOCKET_NAME "/.s.PGSQL.5432"

/* One connection; closed when client is -1. */
struct wire {
    int client;
    int server;
    bool doomed; /* ends with the next answer, which nobody gets */
};

struct wire_cutter {
    struct sockaddr_un real;
    char url[512];
    int listener;
    int wake[2]; /* a byte: cut everybody off; its end: stop */
    pthread_t thread;
    struct wire wires[WIRES_MAX];
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t gone;
    int open_wires;
    bool calls;       /* to cut everybody off */
    atomic_long left; /* 0 = not armed */
    atomic_long heard;
    atomic_bool after;
    atomic_bool has_cut;
    atomic_bool stays_away;
    atomic_long turned_away; /* who come next */
    atomic_long came;
};

static struct sockaddr_un address_in(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct hyp_buf path;
    hyp_buf_init_fixed(&path, address.sun_path, sizeof(address.sun_path));
    hyp_buf_append_text(&path, folder);
    hyp_buf_append_text(&path, SOCKET_NAME);
    (void)hyp_buf_terminate(&path);
    assert_int_equal(hyp_buf_status(&path), HYP_OK);
    return address;
}

static void count_wire(struct wire_cutter *cutter, int more)
{
    pthread_mutex_lock(&cutter->mutex);
    cutter->open_wires += more;
    pthread_cond_signal(&cutter->gone);
    pthread_mutex_unlock(&cutter->mutex);
}

static void cut(struct wire_cutter *cutter, struct wire *wire)
{
    close(wire->client);
    close(wire->server);
    *wire = (struct wire){.client = -1, .server = -1};
    count_wire(cutter, -1);
}

static void take_client(struct wire_cutter *cutter)
{
    int client = accept(cutter->listener, NULL, NULL);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    struct wire *wire = cutter->wires;
    while (wire < cutter->wires + WIRES_MAX && wire->client >= 0) {
        wire++;
    }
    bool away = cutter->stays_away && cutter->has_cut;
    cutter->came++; /* before the client can notice */
    if (cutter->turned_away > 0) {
        cutter->turned_away--;
        away = true;
    }
    if (away || client < 0 || server < 0 || wire == cutter->wires + WIRES_MAX ||
        connect(server, (const struct sockaddr *)&cutter->real, sizeof(cutter->real)) != 0) {
        close(client);
        close(server);
        return;
    }
    *wire = (struct wire){.client = client, .server = server};
    count_wire(cutter, 1);
}

/* Passes on what is there. False: the end. */
static bool pass(int from, int to)
{
    char bytes[16384];
    ssize_t len = read(from, bytes, sizeof(bytes));
    for (ssize_t sent = 0; sent < len;) {
        ssize_t more = send(to, bytes + sent, (size_t)(len - sent), MSG_NOSIGNAL);
        if (more <= 0) {
            return false;
        }
        sent += more;
    }
    return len > 0;
}

static void hear_client(struct wire_cutter *cutter, struct wire *wire)
{
    bool due = cutter->left > 0 && --cutter->left == 0;
    cutter->heard++;
    if (due && !cutter->after) {
        cutter->has_cut = true; /* before the client can notice */
        cut(cutter, wire);
        return;
    }
    wire->doomed |= due;
    if (!pass(wire->client, wire->server)) {
        cutter->has_cut |= due;
        cut(cutter, wire);
    }
}

static void hear_server(struct wire_cutter *cutter, struct wire *wire)
{
    if (wire->doomed) {
        cutter->has_cut = true;
        cut(cutter, wire);
    } else if (!pass(wire->server, wire->client)) {
        cut(cutter, wire);
    }
}

/* A warning of 21 bytes, and what kind of message it is. */
static const char farewell[] = "N\0\0\0\025SWARNING\0C57P01\0";

/* As a server that is stopped at once: it says so, and waits for no answer. */
static void cut_all(struct wire_cutter *cutter)
{
    for (size_t i = 0; i < WIRES_MAX; i++) {
        if (cutter->wires[i].client >= 0) {
            HYP_IGNORE(send(cutter->wires[i].client, farewell, sizeof(farewell),
                            MSG_NOSIGNAL)); /* it may have gone itself */
            cut(cutter, &cutter->wires[i]);
        }
    }
}

/* Does what it was woken for. False: the end. */
static bool hear_call(struct wire_cutter *cutter)
{
    char byte;
    if (read(cutter->wake[0], &byte, 1) != 1) {
        return false;
    }
    cut_all(cutter);
    pthread_mutex_lock(&cutter->mutex);
    cutter->calls = false;
    pthread_cond_signal(&cutter->gone);
    pthread_mutex_unlock(&cutter->mutex);
    return true;
}

static void *relay(void *argument)
{
    struct wire_cutter *cutter = argument;
    struct pollfd fds[2 * WIRES_MAX + 2];
    while (true) {
        for (size_t i = 0; i < WIRES_MAX; i++) {
            fds[2 * i] = (struct pollfd){.fd = cutter->wires[i].client, .events = POLLIN};
            fds[2 * i + 1] = (struct pollfd){.fd = cutter->wires[i].server, .events = POLLIN};
        }
        fds[2 * WIRES_MAX] = (struct pollfd){.fd = cutter->listener, .events = POLLIN};
        fds[2 * WIRES_MAX + 1] = (struct pollfd){.fd = cutter->wake[0], .events = POLLIN};
        if (poll(fds, HYP_ARRAY_LEN(fds), -1) < 0) {
            return NULL;
        }
        if (fds[2 * WIRES_MAX + 1].revents != 0) {
            if (!hear_call(cutter)) {
                return NULL;
            }
            continue;
        }
        for (size_t i = 0; i < WIRES_MAX; i++) {
            if (fds[2 * i].revents != 0) {
                hear_client(cutter, &cutter->wires[i]);
            } else if (fds[2 * i + 1].revents != 0) {
                hear_server(cutter, &cutter->wires[i]);
            }
        }
        if (fds[2 * WIRES_MAX].revents != 0) {
            take_client(cutter);
        }
    }
}

/* Where the socket of the real server is, and the URL with another folder in its place. */
static void find_server(const char *folder, char *real, size_t real_size, char *url,
                        size_t size)
{
    const char *given = getenv("HYP_TEST_DATABASE");
    assert_non_null(given);
    const char *host = strstr(given, "host=");
    assert_non_null(host);
    const char *begin = host + strlen("host=");
    size_t len = strcspn(begin, "&");
    assert_true(hyp_text_copy(real, real_size, (struct hyp_str){.ptr = begin, .len = len}));
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, url, size);
    hyp_buf_append_str(&text, (struct hyp_str){.ptr = given, .len = (size_t)(host - given)});
    hyp_buf_append_fmt(&text, "host=%s%s", folder, begin + len);
    (void)hyp_buf_terminate(&text);
    assert_int_equal(hyp_buf_status(&text), HYP_OK);
}

struct wire_cutter *wire_cutter_start(const char *folder)
{
    char real[256];
    struct wire_cutter *cutter = calloc(1, sizeof(*cutter));
    assert_non_null(cutter);
    assert_int_equal(pthread_mutex_init(&cutter->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&cutter->gone, NULL), 0);
    for (size_t i = 0; i < WIRES_MAX; i++) {
        cutter->wires[i] = (struct wire){.client = -1, .server = -1};
    }
    struct sockaddr_un own = address_in(folder);
    find_server(folder, real, sizeof(real), cutter->url, sizeof(cutter->url));
    cutter->real = address_in(real);
    cutter->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(cutter->listener >= 0);
    assert_int_equal(bind(cutter->listener, (const struct sockaddr *)&own, sizeof(own)), 0);
    assert_int_equal(listen(cutter->listener, WIRES_MAX), 0);
    assert_int_equal(pipe(cutter->wake), 0);
    assert_int_equal(pthread_create(&cutter->thread, NULL, relay, cutter), 0);
    return cutter;
}

const char *wire_cutter_url(const struct wire_cutter *cutter)
{
    return cutter->url;
}

void wire_cutter_stop(struct wire_cutter *cutter)
{
    close(cutter->wake[1]);
    pthread_join(cutter->thread, NULL);
    cut_all(cutter);
    close(cutter->listener);
    close(cutter->wake[0]);
    pthread_cond_destroy(&cutter->gone);
    pthread_mutex_destroy(&cutter->mutex);
    free(cutter);
}

void wire_cutter_wait(struct wire_cutter *cutter)
{
    pthread_mutex_lock(&cutter->mutex);
    while (cutter->open_wires > 0) {
        pthread_cond_wait(&cutter->gone, &cutter->mutex);
    }
    pthread_mutex_unlock(&cutter->mutex);
}

void wire_cutter_arm(struct wire_cutter *cutter, long n, bool after)
{
    cutter->has_cut = false;
    cutter->heard = 0;
    cutter->after = after;
    cutter->left = n;
}

void wire_cutter_stay_away(struct wire_cutter *cutter, bool away)
{
    cutter->stays_away = away;
}

void wire_cutter_turn_away(struct wire_cutter *cutter, long n)
{
    cutter->turned_away = n;
    if (n == 0) {
        return;
    }
    pthread_mutex_lock(&cutter->mutex);
    cutter->calls = true;
    assert_int_equal(write(cutter->wake[1], "", 1), 1);
    while (cutter->calls) {
        pthread_cond_wait(&cutter->gone, &cutter->mutex);
    }
    pthread_mutex_unlock(&cutter->mutex);
}

long wire_cutter_came(struct wire_cutter *cutter)
{
    return cutter->came;
}

bool wire_cutter_has_cut(struct wire_cutter *cutter)
{
    return cutter->has_cut;
}

long wire_cutter_heard(struct wire_cutter *cutter)
{
    return cutter->heard;
}
