/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/log_sink.h"

#include "base/clock.h"
#include "model/time.h"

#include <string.h>
#include <unistd.h>

static const char *const level_texts[] = {
    [HYP_LOG_DEBUG] = "debug",
    [HYP_LOG_INFO] = "info",
    [HYP_LOG_WARNING] = "warning",
    [HYP_LOG_ERROR] = "error",
};

enum hyp_status hyp_log_level_find(const char *text, enum hyp_log_level *ret_level)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(level_texts); i++) {
        if (strcmp(text, level_texts[i]) == 0) {
            *ret_level = (enum hyp_log_level)i;
            return HYP_OK;
        }
    }
    return HYP_INVALID;
}

/* One write per line, so that lines of several threads do not mix. */
static void write_line(struct hyp_log *log, enum hyp_log_level level, struct hyp_str line)
{
    char text[HYP_LOG_LINE_MAX + 64];
    struct hyp_buf buf;
    (void)log;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_utc_format(&buf, hyp_clock_utc(hyp_clock_system()));
    hyp_buf_append_fmt(&buf, " %s ", level_texts[level]);
    hyp_buf_append_str(&buf, line);
    hyp_buf_append_char(&buf, '\n');
    /* Nobody is left to tell when standard error is gone. */
    HYP_IGNORE(write(STDERR_FILENO, buf.data, buf.len) < 0);
}

void hyp_log_sink_init(struct hyp_log *log, enum hyp_log_level least)
{
    *log = (struct hyp_log){.write = write_line, .least = least};
}
