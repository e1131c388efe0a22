/* SPDX-License-Identifier: Apache-2.0 */
/* The log of the program: one line per event on standard error, with the time in front. */
#ifndef HYP_CMD_LOG_SINK_H
#define HYP_CMD_LOG_SINK_H

#include "base/log.h"
#include "base/status.h"

/* "debug", "info", "warning", "error". */
HYP_MUST_USE enum hyp_status hyp_log_level_find(const char *text,
                                                enum hyp_log_level *ret_level);
/* Writes to standard error what is at least as serious as `least`. Any thread may use the log.
 */
void hyp_log_sink_init(struct hyp_log *log, enum hyp_log_level least);

#endif
