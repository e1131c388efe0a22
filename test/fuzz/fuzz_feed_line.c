/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a line of a fed file, and as a schedule a person types. */
#include "collect/feed.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_line(struct hyp_str text)
{
    struct hyp_feed_line line;
    struct hyp_error err = {0};
    enum hyp_status status = hyp_feed_line_parse(text, &line, &err);
    require(status == HYP_OK || status == HYP_NOT_MINE || status == HYP_MALFORMED);
    require(status != HYP_MALFORMED || err.text[0] != '\0');
    if (status == HYP_OK) {
        require(line.hex.len > 0 && line.hex.len <= text.len);
        require(!line.has_time || line.link.len <= text.len);
    }
}

static void check_schedule(struct hyp_str text)
{
    struct hyp_schedule schedule;
    struct hyp_schedule again;
    struct hyp_error err = {0};
    if (hyp_schedule_parse(text, &schedule, &err) != HYP_OK) {
        require(err.text[0] != '\0');
        return;
    }
    char memory[64];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, sizeof(memory));
    hyp_schedule_format(&out, &schedule);
    require(hyp_schedule_parse(hyp_buf_view(&out), &again, &err) == HYP_OK);
    require(again.kind == schedule.kind && again.minutes == schedule.minutes &&
            again.minute_of_day == schedule.minute_of_day &&
            again.weekdays == schedule.weekdays);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hyp_str text = {(const char *)data, size};
    check_line(text);
    check_schedule(text);
    return 0;
}
