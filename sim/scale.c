/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/scale.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "sim/file.h"
#include "sim/scale_answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 512
#define BACKLOG 4096

enum protocol {
    PROTOCOL_MODBUS,
    PROTOCOL_MBUS,
    PROTOCOL_COUNT,
};

/* A connection, found by its file descriptor. 56 bytes. */
struct peer {
    int64_t due_ms;
    int32_t next; /* descriptor of the next waiting connection; -1 = last */
    uint32_t device;
    uint8_t request[SIM_SCALE_REQUEST];
    uint8_t kept[24]; /* begin of a request that came in pieces */
    uint8_t kept_len;
    uint8_t protocol;
    bool is_open;
    bool waits;
    bool gone; /* closed while it waited: free the descriptor when due */
};

struct scale {
    const struct sim_options *options;
    int epoll;
    int signals;
    int listeners[PROTOCOL_COUNT];
    uint16_t ports[PROTOCOL_COUNT];
    uint32_t free_devices[PROTOCOL_COUNT]; /* next number to give */
    struct peer *peers;
    size_t peer_count;
    int32_t first_waiting;
    int32_t last_waiting;
    uint64_t answers;
};

static int64_t now_ms(void)
{
    return hyp_clock_mono(hyp_clock_system()).ms;
}

/* Connections that are devices: one each for Modbus, one per bus of meters for M-Bus. */
static uint32_t connections_of(const struct sim_options *options, enum protocol protocol)
{
    uint64_t count =
        protocol == PROTOCOL_MODBUS
            ? options->modbus_devices
            : (options->mbus_devices + options->bus_meters - 1) / options->bus_meters;
    return (uint32_t)count;
}

static enum hyp_status raise_limit(size_t wanted, struct hyp_error *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return hyp_error_set(err, HYP_IO, -1, "cannot read the limit of open files");
    }
    limit.rlim_cur = HYP_MIN((rlim_t)wanted, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
        return hyp_error_set(err, HYP_LIMIT, -1,
                             "%zu open files are needed, %llu are allowed; raise `ulimit -n`",
                             wanted, (unsigned long long)limit.rlim_max);
    }
    return HYP_OK;
}

static bool watch(const struct scale *scale, int descriptor)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    return epoll_ctl(scale->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static enum hyp_status listen_on(struct scale *scale, enum protocol protocol, uint16_t port,
                                 struct hyp_error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof(address);
    const int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool good = listener >= 0 &&
                inet_pton(AF_INET, scale->options->host, &address.sin_addr) == 1 &&
                setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
                listen(listener, BACKLOG) == 0 &&
                getsockname(listener, (struct sockaddr *)&address, &size) == 0 &&
                watch(scale, listener);
    scale->listeners[protocol] = listener;
    scale->ports[protocol] = ntohs(address.sin_port);
    if (!good) {
        return hyp_error_set_code(err, HYP_IO, HYP_ERROR_ERRNO, errno,
                                  "cannot listen on %s port %u: %s; choose another port",
                                  scale->options->host, port, strerror(errno));
    }
    return HYP_OK;
}

static void close_peer(struct scale *scale, int descriptor)
{
    struct peer *peer = &scale->peers[descriptor];
    if (peer->waits) {
        /* It is in the middle of the queue: the descriptor must not be given again yet. */
        peer->gone = true;
        HYP_IGNORE(epoll_ctl(scale->epoll, EPOLL_CTL_DEL, descriptor, NULL)); /* going anyway */
        return;
    }
    peer->is_open = false;
    close(descriptor);
}

static void accept_peers(struct scale *scale, enum protocol protocol)
{
    const int on = 1;
    int descriptor;
    while ((descriptor = accept4(scale->listeners[protocol], NULL, NULL,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if ((size_t)descriptor >= scale->peer_count || !watch(scale, descriptor)) {
            close(descriptor);
            continue;
        }
        HYP_IGNORE(setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
        uint32_t number =
            scale->free_devices[protocol]++ % connections_of(scale->options, protocol);
        scale->peers[descriptor] = (struct peer){
            .next = -1, .device = number, .protocol = (uint8_t)protocol, .is_open = true};
    }
}

static void queue_answer(struct scale *scale, int descriptor)
{
    struct peer *peer = &scale->peers[descriptor];
    peer->due_ms = now_ms() + (int64_t)scale->options->latency_ms;
    peer->next = -1;
    peer->waits = true;
    if (scale->last_waiting >= 0) {
        scale->peers[scale->last_waiting].next = descriptor;
    } else {
        scale->first_waiting = descriptor;
    }
    scale->last_waiting = descriptor;
}

static int parse_request(const struct peer *peer, const uint8_t *bytes, size_t len,
                         uint8_t ret_request[static SIM_SCALE_REQUEST])
{
    return peer->protocol == PROTOCOL_MODBUS ? sim_scale_modbus_request(bytes, len, ret_request)
                                             : sim_scale_mbus_request(bytes, len, ret_request);
}

/* Half duplex: what arrives while an answer waits replaces nothing and is not read yet. */
static void read_peer(struct scale *scale, int descriptor)
{
    struct peer *peer = &scale->peers[descriptor];
    uint8_t bytes[sizeof(peer->kept) + 300];
    memcpy(bytes, peer->kept, peer->kept_len);
    ssize_t got = recv(descriptor, bytes + peer->kept_len, 300, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            close_peer(scale, descriptor);
        }
        return;
    }
    size_t len = peer->kept_len + (size_t)got;
    int used = parse_request(peer, bytes, len, peer->request);
    size_t rest = used > 0 ? len - (size_t)used : len;
    if (used < 0 || rest > sizeof(peer->kept) || (peer->waits && used > 0)) {
        close_peer(scale, descriptor);
        return;
    }
    memcpy(peer->kept, bytes + len - rest, rest);
    peer->kept_len = (uint8_t)rest;
    if (used > 0) {
        queue_answer(scale, descriptor);
    }
}

static void send_answer(struct scale *scale, int descriptor)
{
    struct peer *peer = &scale->peers[descriptor];
    uint8_t bytes[SIM_SCALE_ANSWER];
    uint32_t second = (uint32_t)(peer->due_ms / 1000);
    size_t len;
    if (peer->protocol == PROTOCOL_MODBUS) {
        len = sim_scale_modbus_answer(peer->device, (unsigned)scale->options->registers, second,
                                      peer->request, bytes);
    } else {
        uint64_t before = peer->device * scale->options->bus_meters;
        uint64_t meters =
            HYP_MIN(scale->options->mbus_devices - before, scale->options->bus_meters);
        len = sim_scale_mbus_answer((uint32_t)before, (unsigned)meters, second, peer->request,
                                    bytes);
    }
    scale->answers++;
    if (len > 0 && send(descriptor, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) {
        close_peer(scale, descriptor);
    }
}

/* Sends what is due. Returns milliseconds to the next answer, -1 when none waits. */
static int send_due(struct scale *scale)
{
    int64_t now = now_ms();
    while (scale->first_waiting >= 0) {
        int descriptor = scale->first_waiting;
        struct peer *peer = &scale->peers[descriptor];
        if (peer->due_ms > now) {
            return (int)(peer->due_ms - now);
        }
        scale->first_waiting = peer->next;
        if (scale->first_waiting < 0) {
            scale->last_waiting = -1;
        }
        peer->waits = false;
        if (peer->gone) {
            close_peer(scale, descriptor);
        } else {
            send_answer(scale, descriptor);
        }
    }
    return -1;
}

static bool handle_event(struct scale *scale, int descriptor)
{
    if (descriptor == scale->signals) {
        return false;
    }
    for (unsigned protocol = 0; protocol < PROTOCOL_COUNT; protocol++) {
        if (descriptor == scale->listeners[protocol]) {
            accept_peers(scale, (enum protocol)protocol);
            return true;
        }
    }
    read_peer(scale, descriptor);
    return true;
}

static void run_loop(struct scale *scale)
{
    struct epoll_event events[EVENTS];
    bool running = true;
    while (running) {
        int count = epoll_wait(scale->epoll, events, EVENTS, send_due(scale));
        for (int i = 0; i < count; i++) {
            running = handle_event(scale, events[i].data.fd) && running;
        }
    }
}

static enum hyp_status write_ports(const struct scale *scale, struct hyp_error *err)
{
    static const char *const kinds[] = {"modbus-tcp", "mbus-tcp"};
    const uint64_t devices[] = {scale->options->modbus_devices, scale->options->mbus_devices};
    struct hyp_buf text;
    struct hyp_json json;
    hyp_buf_init_heap(&text, 4096);
    hyp_json_init(&json, &text);
    hyp_json_object_begin(&json);
    hyp_json_key(&json, "lines");
    hyp_json_array_begin(&json);
    for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
        if (devices[i] > 0) {
            hyp_json_object_begin(&json);
            hyp_json_member_text(&json, "name", i == 0 ? "scale-modbus" : "scale-mbus");
            hyp_json_member_text(&json, "kind", kinds[i]);
            hyp_json_member_text(&json, "host", scale->options->host);
            hyp_json_member_u64(&json, "port", scale->ports[i]);
            hyp_json_member_u64(&json, "devices", devices[i]);
            hyp_json_object_end(&json);
        }
    }
    hyp_json_array_end(&json);
    hyp_json_object_end(&json);
    hyp_buf_append_char(&text, '\n');
    enum hyp_status status = hyp_buf_status(&text);
    if (status == HYP_OK) {
        status = sim_file_put(scale->options->ports_file, hyp_buf_view(&text), err);
    }
    hyp_buf_finish(&text);
    return status;
}

static enum hyp_status open_loop(struct scale *scale, struct hyp_error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    scale->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0) {
        scale->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    if (scale->epoll < 0 || scale->signals < 0 || !watch(scale, scale->signals)) {
        return hyp_error_set(err, HYP_IO, -1, "cannot start the event loop");
    }
    return HYP_OK;
}

static enum hyp_status open_ports(struct scale *scale, struct hyp_error *err)
{
    const uint64_t ports[] = {scale->options->modbus_port, scale->options->mbus_port};
    enum hyp_status status = HYP_OK;
    for (unsigned protocol = 0; status == HYP_OK && protocol < PROTOCOL_COUNT; protocol++) {
        if (connections_of(scale->options, (enum protocol)protocol) > 0) {
            status = listen_on(scale, (enum protocol)protocol, (uint16_t)ports[protocol], err);
        }
        if (status == HYP_OK && scale->ports[protocol] != 0) {
            printf("scale.ready protocol=%s port=%u\n",
                   protocol == PROTOCOL_MODBUS ? "modbus" : "mbus", scale->ports[protocol]);
        }
    }
    fflush(stdout);
    return status;
}

static void close_all(struct scale *scale)
{
    for (size_t i = 0; i < scale->peer_count; i++) {
        if (scale->peers[i].is_open) {
            close((int)i);
        }
    }
    free(scale->peers);
    const int rest[] = {scale->listeners[0], scale->listeners[1], scale->signals, scale->epoll};
    for (size_t i = 0; i < HYP_ARRAY_LEN(rest); i++) {
        if (rest[i] >= 0) {
            close(rest[i]);
        }
    }
}

enum hyp_status sim_scale_run(const struct sim_options *options, struct hyp_error *err)
{
    struct scale scale = {
        .options = options,
        .epoll = -1,
        .signals = -1,
        .listeners = {-1, -1},
        .first_waiting = -1,
        .last_waiting = -1
    };
    /* Besides the devices: own descriptors, and connections that are just being replaced. */
    size_t devices = (size_t)connections_of(options, PROTOCOL_MODBUS) +
                     connections_of(options, PROTOCOL_MBUS);
    scale.peer_count = devices + devices / 8 + 64;
    scale.peers = calloc(scale.peer_count, sizeof(*scale.peers));
    if (scale.peers == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory for the connections");
    }
    enum hyp_status status = raise_limit(scale.peer_count, err);
    if (status == HYP_OK) {
        status = open_loop(&scale, err);
    }
    if (status == HYP_OK) {
        status = open_ports(&scale, err);
    }
    if (status == HYP_OK && options->ports_file != NULL) {
        status = write_ports(&scale, err);
    }
    if (status == HYP_OK) {
        run_loop(&scale);
        printf("scale.end answers=%llu\n", (unsigned long long)scale.answers);
    }
    close_all(&scale);
    return status;
}
