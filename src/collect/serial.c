/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serial port: termios in raw mode, watched by the loop. 8 data bits and 1 stop bit always;
 * M-Bus wants even parity, Modbus RTU even or none. The port is taken exclusively, because two
 * masters on one bus destroy each other's telegrams.
 */
#include "base/limits.h"
#include "collect/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

/* Sending is slow (300 baud): what the driver does not take at once waits here. */
#define SEND_MAX 4096

struct serial_link {
    struct hyp_link link;
    uv_poll_t poll;
    uv_timer_t soon; /* `opened` comes by itself, not from within open */
    int fd;
    int open_handles;
    bool paused;
    char parity;
    size_t waiting;
    uint8_t waiting_bytes[SEND_MAX];
};

static const struct {
    uint32_t baud;
    speed_t speed;
} speeds[] = {
    {300,    B300   },
    {600,    B600   },
    {1200,   B1200  },
    {2400,   B2400  },
    {4800,   B4800  },
    {9600,   B9600  },
    {19200,  B19200 },
    {38400,  B38400 },
    {57600,  B57600 },
    {115200, B115200},
};

static bool find_speed(uint32_t baud, speed_t *ret_speed)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(speeds); i++) {
        if (speeds[i].baud == baud) {
            *ret_speed = speeds[i].speed;
            return true;
        }
    }
    return false;
}

static int configure(int fd, speed_t speed, char parity, int when)
{
    struct termios settings;
    if (tcgetattr(fd, &settings) != 0) {
        return -1;
    }
    cfmakeraw(&settings);
    settings.c_cflag |= CREAD | CLOCAL;
    settings.c_cflag &= ~(tcflag_t)(CSTOPB | PARENB | PARODD | CRTSCTS);
    if (parity != 'N') {
        settings.c_cflag |= PARENB | (parity == 'O' ? PARODD : 0);
    }
    settings.c_cc[VMIN] = 0;
    settings.c_cc[VTIME] = 0;
    if (cfsetispeed(&settings, speed) != 0 || cfsetospeed(&settings, speed) != 0) {
        return -1;
    }
    return tcsetattr(fd, when, &settings);
}

/* --- end --- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct serial_link *link = handle->data;
    if (--link->open_handles == 0) {
        close(link->fd);
        free(link);
    }
}

static void serial_close(struct hyp_link *base)
{
    struct serial_link *link = (struct serial_link *)(void *)base;
    if (uv_is_closing((uv_handle_t *)&link->poll) == 0) {
        /* The descriptor lives until the next turn; who opens the port again does not wait. */
        (void)flock(link->fd, LOCK_UN);
        uv_close((uv_handle_t *)&link->poll, on_handle_closed);
        uv_close((uv_handle_t *)&link->soon, on_handle_closed);
    }
}

static void fail(struct serial_link *link, const char *text)
{
    const struct hyp_link_events *events = link->link.events;
    void *user = link->link.user;
    serial_close(&link->link);
    events->closed(user, HYP_CLOSED, text);
}

/* --- bytes --- */

static void on_event(uv_poll_t *poll, int status, int events);

static void watch(struct serial_link *link)
{
    int events = (link->paused ? 0 : UV_READABLE) | (link->waiting > 0 ? UV_WRITABLE : 0);
    if (uv_is_closing((uv_handle_t *)&link->poll) == 0) {
        uv_poll_start(&link->poll, events | UV_DISCONNECT, on_event);
    }
}

static void send_waiting(struct serial_link *link)
{
    ssize_t count = write(link->fd, link->waiting_bytes, link->waiting);
    if (count > 0) {
        link->waiting -= (size_t)count;
        memmove(link->waiting_bytes, link->waiting_bytes + count, link->waiting);
    }
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct serial_link *link = poll->data;
    if ((events & UV_WRITABLE) != 0) {
        send_waiting(link);
        watch(link);
    }
    if ((events & UV_READABLE) != 0) {
        uint8_t *scratch = link->link.loop->scratch;
        ssize_t count = read(link->fd, scratch, HYP_LIMIT_LINK_BUFFER);
        if (count > 0) {
            link->link.events->received(link->link.user, scratch, (size_t)count);
            return;
        }
        if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
            fail(link, "the serial port is gone: is the adapter still plugged in?");
            return;
        }
    }
    if (status != 0 || (events & UV_DISCONNECT) != 0) {
        fail(link, "the serial port is gone: is the adapter still plugged in?");
    }
}

static void serial_send(struct hyp_link *base, const uint8_t *bytes, size_t len)
{
    struct serial_link *link = (struct serial_link *)(void *)base;
    if (len > SEND_MAX - link->waiting) {
        return;
    }
    memcpy(link->waiting_bytes + link->waiting, bytes, len);
    link->waiting += len;
    send_waiting(link);
    watch(link);
}

static void serial_set_baud(struct hyp_link *base, uint32_t baud)
{
    struct serial_link *link = (struct serial_link *)(void *)base;
    speed_t speed;
    if (find_speed(baud, &speed)) {
        /* After what is on its way out has left at the old rate. */
        (void)configure(link->fd, speed, link->parity, TCSADRAIN);
    }
}

static void serial_pause(struct hyp_link *base, bool paused)
{
    struct serial_link *link = (struct serial_link *)(void *)base;
    link->paused = paused;
    watch(link);
}

static const struct hyp_link_ops serial_ops = {.send = serial_send,
                                               .set_baud = serial_set_baud,
                                               .pause = serial_pause,
                                               .close = serial_close};

/* --- opening --- */

static void on_soon(uv_timer_t *timer)
{
    struct serial_link *link = timer->data;
    watch(link);
    link->link.events->opened(link->link.user);
}

static enum hyp_status open_port(const struct hyp_serial_settings *settings, int *ret_fd,
                                 struct hyp_error *err)
{
    speed_t speed;
    if (!find_speed(settings->baud, &speed)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "%u baud is no rate of a serial port: use 300 to 115200",
                             settings->baud);
    }
    int fd = open(settings->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        int code = errno;
        return hyp_error_set_code(err, hyp_status_from_uv(-code), HYP_ERROR_ERRNO, code,
                                  "cannot open serial port %s: %s%s", settings->path,
                                  strerror(code),
                                  code == EACCES ? " (add the user to group dialout)" : "");
    }
    if (isatty(fd) == 0 || configure(fd, speed, settings->parity, TCSANOW) != 0) {
        close(fd);
        return hyp_error_set(err, HYP_INVALID, -1,
                             "%s is no serial port that can be set to %u baud", settings->path,
                             settings->baud);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return hyp_error_set(err, HYP_BUSY, -1, "serial port %s is used by another program",
                             settings->path);
    }
    tcflush(fd, TCIOFLUSH);
    *ret_fd = fd;
    return HYP_OK;
}

enum hyp_status hyp_serial_open(struct hyp_loop *loop,
                                const struct hyp_serial_settings *settings,
                                const struct hyp_link_events *events, void *user,
                                struct hyp_link **ret_link, struct hyp_error *err)
{
    int fd = -1;
    enum hyp_status status = open_port(settings, &fd, err);
    if (status != HYP_OK) {
        return status;
    }
    struct serial_link *link = calloc(1, sizeof(*link));
    if (link == NULL || uv_poll_init(&loop->uv, &link->poll, fd) != 0) {
        free(link);
        close(fd);
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory for a serial port");
    }
    uv_timer_init(&loop->uv, &link->soon);
    link->link =
        (struct hyp_link){.ops = &serial_ops, .events = events, .user = user, .loop = loop};
    link->poll.data = link;
    link->soon.data = link;
    link->fd = fd;
    link->open_handles = 2;
    link->parity = settings->parity == 0 ? 'E' : settings->parity;
    uv_timer_start(&link->soon, on_soon, 0, 0);
    *ret_link = &link->link;
    return HYP_OK;
}
