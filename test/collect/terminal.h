/* SPDX-License-Identifier: Apache-2.0 */
/* A pseudo terminal in place of a serial cable: the test holds the far end. */
#ifndef HYP_TEST_COLLECT_TERMINAL_H
#define HYP_TEST_COLLECT_TERMINAL_H

#include "field.h"

struct terminal {
    int master;
    int slave; /* kept open, so that the master does not hang up between opens */
    char path[128];
    uint8_t seen[1024];
    size_t seen_len;
};

void terminal_open(struct terminal *terminal);
void terminal_close(struct terminal *terminal);
/* The same as an adapter whose device node is `path`: a link that comes and goes with it. */
void terminal_plug(struct terminal *terminal, const char *path);
void terminal_unplug(struct terminal *terminal, const char *path);
/* Runs the loop until so many bytes have come out of the port. */
void terminal_expect(struct terminal *terminal, struct field *field, size_t count);
/* What has come out of the port by now is added to `seen`; returns how much. */
size_t terminal_listen(struct terminal *terminal);
void terminal_say(struct terminal *terminal, const char *hex);
/* Says them all, running the loop whenever the port is full. */
void terminal_say_bytes(struct terminal *terminal, struct field *field, const void *bytes,
                        size_t len);

#endif
