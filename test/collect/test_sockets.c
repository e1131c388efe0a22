/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting while the system refuses: the n-th call of every kind that the links make fails,
 * once or several times in row. Nothing crashes or leaks, no reading is somebody else's or a
 * half one, and when the system works again every device is read as before.
 *
 * Linked with --wrap, so that these calls of the rooms pass here; the peers of the test make
 * theirs from within libuv.
 */
#include "refusals.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum call {
    CALL_NONE = 0,
    CALL_SOCKET,
    CALL_CONNECT,
    CALL_GETSOCKOPT,
    CALL_EPOLL,
    CALL_SEND,
    CALL_RECV
};

static struct {
    enum call call;
    int code; /* errno */
} order;

int __real_socket(int domain, int type, int protocol);
int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __real_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
ssize_t __real_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t len, int flags);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t len, int flags);

static bool is_refused(enum call call)
{
    if (order.call != call || !refusals_take()) {
        return false;
    }
    errno = order.code;
    return true;
}

int __wrap_socket(int domain, int type, int protocol)
{
    return is_refused(CALL_SOCKET) ? -1 : __real_socket(domain, type, protocol);
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len)
{
    return is_refused(CALL_CONNECT) ? -1 : __real_connect(fd, address, len);
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    return is_refused(CALL_GETSOCKOPT) ? -1 : __real_getsockopt(fd, level, name, value, len);
}

int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    /* Changing what is watched needs nothing of the system that it could refuse. */
    bool refused = what == EPOLL_CTL_ADD && is_refused(CALL_EPOLL);
    return refused ? -1 : __real_epoll_ctl(epoll, what, fd, event);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
    return is_refused(CALL_SEND) ? -1 : __real_send(fd, bytes, len, flags);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t len, int flags)
{
    return is_refused(CALL_RECV) ? -1 : __real_recv(fd, bytes, len, flags);
}

static const struct fault_row {
    const char *name;
    enum call call;
    int code;
    long refuse;
} fault_rows[] = {
    {"no socket",                          CALL_SOCKET,     EMFILE,        1},
    {"no socket, three times",             CALL_SOCKET,     ENFILE,        3},
    {"no way to the other side",           CALL_CONNECT,    ENETUNREACH,   1},
    {"no way, three times",                CALL_CONNECT,    EADDRNOTAVAIL, 3},
    {"how a connection ended is not told", CALL_GETSOCKOPT, ENOBUFS,       1},
    {"a socket cannot be watched",         CALL_EPOLL,      ENOMEM,        1},
    {"none can, five times",               CALL_EPOLL,      ENOSPC,        5},
    {"a request meets a closed pipe",      CALL_SEND,       EPIPE,         1},
    {"requests find no memory",            CALL_SEND,       ENOBUFS,       4},
    {"a request has to wait",              CALL_SEND,       EAGAIN,        1},
    {"a reset instead of an answer",       CALL_RECV,       ECONNRESET,    1},
    {"resets, three times",                CALL_RECV,       ECONNRESET,    3},
    {"an answer is interrupted",           CALL_RECV,       EINTR,         1},
    {"a false alarm instead of an answer", CALL_RECV,       EAGAIN,        2},
};

static void check_fault(void **state)
{
    const struct fault_row *row = *state;
    long until = 0;
    order.call = row->call;
    order.code = row->code;
    while (refusals_try(until, row->refuse)) {
        until++;
    }
    assert_true(until >= 2); /* one for each line at least */
    print_message("# %s: at each of the first %ld calls\n", row->name, until);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, fault_rows, check_fault);
    return test_list_run(&list, "sockets");
}
