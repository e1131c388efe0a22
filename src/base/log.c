/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"

#include <stdarg.h>

void hyp_log_event(struct hyp_log *log, enum hyp_log_level level, const char *event,
                   const char *format, ...)
{
    if (log == NULL || level < log->least) {
        return;
    }
    char line[HYP_LOG_LINE_MAX];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, line, sizeof(line));
    hyp_buf_append_text(&buf, event);
    hyp_buf_append_char(&buf, ' ');
    va_list args;
    va_start(args, format);
    hyp_buf_append_vfmt(&buf, format, args);
    va_end(args);
    log->write(log, level, hyp_buf_view(&buf));
}
