/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session: the sans-I/O shape of every request/answer exchange with a device.
 *
 * A session is a struct of the protocol, driven by whoever owns the link: bytes in, bytes to
 * send out, next deadline out. No socket, file, clock, log or allocation inside. Results are
 * read from the protocol's struct after the state is DONE.
 *
 * After each call the driver (1) sends `send_len` bytes from `send` (valid until the next
 * call), (2) waits for bytes -> feed, or for `deadline` -> tick.
 */
#ifndef HYP_PROTOCOL_SESSION_H
#define HYP_PROTOCOL_SESSION_H

#include "base/clock.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum hyp_session_state {
    HYP_SESSION_RUNNING = 0,
    HYP_SESSION_DONE,
    HYP_SESSION_FAILED,
};

#define HYP_NO_DEADLINE ((hyp_mono){INT64_MAX})

struct hyp_session_io {
    enum hyp_session_state state;
    enum hyp_status status; /* why FAILED: TIMEOUT, BAD_CHECK, REFUSED ... */
    const uint8_t *send;
    size_t send_len;
    hyp_mono deadline;
    uint32_t baud; /* 0 = leave; else switch a serial line to this rate after sending */
};

/* The uniform handle that collect drives. */
struct hyp_session_ops {
    const char *name; /* "mbus.read", "modbus.read" ... */
    struct hyp_session_io (*start)(void *session, hyp_mono now);
    struct hyp_session_io (*feed)(void *session, const uint8_t *bytes, size_t len,
                                  hyp_mono now);
    struct hyp_session_io (*tick)(void *session, hyp_mono now);
    /* One sentence about the failure, for the device's "last error"; valid until the next call.
     */
    const char *(*error_text)(const void *session);
};

struct hyp_session {
    const struct hyp_session_ops *ops;
    void *state;
};

#endif
