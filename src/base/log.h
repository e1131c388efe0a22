/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log sink: one line per event, `event key=value ...`, event name first so that people grep it.
 *
 * Rooms below service get a sink injected and use it for trace only. Never put secrets, keys,
 * payloads or customer names into a log line.
 */
#ifndef HYP_BASE_LOG_H
#define HYP_BASE_LOG_H

#include "base/attr.h"
#include "base/str.h"

enum hyp_log_level {
    HYP_LOG_DEBUG = 0,
    HYP_LOG_INFO,
    HYP_LOG_WARNING,
    HYP_LOG_ERROR,
};

struct hyp_log {
    void (*write)(struct hyp_log *log, enum hyp_log_level level, struct hyp_str line);
    enum hyp_log_level least; /* lower levels are dropped */
};

/* Longest line; more is cut. */
#define HYP_LOG_LINE_MAX 512

/*
 * Writes one event. @log may be NULL (nothing happens).
 * @event  stable name, e.g. "line.connected"
 * @format key=value pairs
 */
void hyp_log_event(struct hyp_log *log, enum hyp_log_level level, const char *event,
                   const char *format, ...) HYP_PRINTF(4, 5);

#endif
