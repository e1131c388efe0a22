/* SPDX-License-Identifier: Apache-2.0 */
/* A concentrator that connects to us, on the field's own loop. */
#ifndef HYP_TEST_COLLECT_CALLER_H
#define HYP_TEST_COLLECT_CALLER_H

#include "field.h"

struct caller {
    uv_tcp_t tcp;
    uv_connect_t connect;
    bool connected;
    bool closed;
};

/* Connects; returns when the connection stands. */
void caller_open(struct caller *caller, struct field *field, uint16_t port);
void caller_say(struct caller *caller, const void *bytes, size_t len);
void caller_close(struct caller *caller, struct field *field);

#endif
