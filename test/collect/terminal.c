/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <fcntl.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

void terminal_open(struct terminal *terminal)
{
    *terminal = (struct terminal){0};
    assert_int_equal(openpty(&terminal->master, &terminal->slave, terminal->path, NULL, NULL),
                     0);
    struct termios settings;
    tcgetattr(terminal->slave, &settings);
    cfmakeraw(&settings);
    tcsetattr(terminal->slave, TCSANOW, &settings);
    fcntl(terminal->master, F_SETFL, O_NONBLOCK);
}

void terminal_close(struct terminal *terminal)
{
    close(terminal->master);
    close(terminal->slave);
}

void terminal_plug(struct terminal *terminal, const char *path)
{
    terminal_open(terminal);
    assert_int_equal(symlink(terminal->path, path), 0);
}

void terminal_unplug(struct terminal *terminal, const char *path)
{
    assert_int_equal(unlink(path), 0);
    terminal_close(terminal);
}

size_t terminal_listen(struct terminal *terminal)
{
    ssize_t got = read(terminal->master, terminal->seen + terminal->seen_len,
                       sizeof(terminal->seen) - terminal->seen_len);
    size_t count = got > 0 ? (size_t)got : 0;
    terminal->seen_len += count;
    return count;
}

void terminal_expect(struct terminal *terminal, struct field *field, size_t count)
{
    while (terminal->seen_len < count) {
        terminal_listen(terminal);
        field_settle(field);
    }
}

void terminal_say(struct terminal *terminal, const char *hex)
{
    uint8_t bytes[256];
    size_t len = 0;
    assert_int_equal(hyp_hex_decode(hyp_str_from(hex), bytes, sizeof(bytes), &len, NULL),
                     HYP_OK);
    assert_int_equal(write(terminal->master, bytes, len), len);
}

void terminal_say_bytes(struct terminal *terminal, struct field *field, const void *bytes,
                        size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        ssize_t done = write(terminal->master, at, len);
        if (done > 0) {
            at += done;
            len -= (size_t)done;
        }
        field_settle(field);
    }
}
