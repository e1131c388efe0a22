/* SPDX-License-Identifier: Apache-2.0 */
#include "poll_bare.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 1024

static const uint8_t request[] = {0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 40};

static double cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int64_t now_ms(void)
{
    return hyp_clock_mono(hyp_clock_system()).ms;
}

static bool ask(int descriptor)
{
    return send(descriptor, request, sizeof(request), MSG_NOSIGNAL) == (ssize_t)sizeof(request);
}

static int open_connection(int epoll, uint16_t port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    if (descriptor < 0 ||
        connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0 ||
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0 || !ask(descriptor)) {
        return -1;
    }
    return descriptor;
}

static uint64_t poll_until(int epoll, int64_t end_ms)
{
    static uint8_t bytes[65536];
    struct epoll_event events[EVENTS];
    uint64_t polls = 0;
    while (now_ms() < end_ms) {
        int count = epoll_wait(epoll, events, EVENTS, 50);
        for (int i = 0; i < count; i++) {
            if (recv(events[i].data.fd, bytes, sizeof(bytes), 0) > 0 &&
                ask(events[i].data.fd)) {
                polls++;
            }
        }
    }
    return polls;
}

double poll_bare_us(uint16_t port, size_t connections, uint64_t ms)
{
    int *descriptors = calloc(connections, sizeof(*descriptors));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    size_t open = 0;
    double used = 0;
    uint64_t polls = 0;
    while (descriptors != NULL && open < connections &&
           (descriptors[open] = open_connection(epoll, port)) >= 0) {
        open++;
    }
    if (open == connections && open > 0) {
        (void)poll_until(epoll, now_ms() + 500); /* the first answers */
        used = cpu_us();
        polls = poll_until(epoll, now_ms() + (int64_t)ms);
        used = cpu_us() - used;
    }
    for (size_t i = 0; i < open; i++) {
        close(descriptors[i]);
    }
    close(epoll);
    free(descriptors);
    return polls == 0 ? 0.0 : used / (double)polls;
}
