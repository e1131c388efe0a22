/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/daily_backups.h"

#define USUAL_TIME "02:30"
#define USUAL_NUMBER 7

enum hyp_status hyp_daily_backups_create(const struct hyp_daily_backups *daily,
                                         struct hyp_backups **ret_backups,
                                         struct hyp_error *err)
{
    char text[32];
    struct hyp_buf buf;
    struct hyp_schedule schedule = {0};
    struct hyp_str at = hyp_str_from(daily->at == NULL ? USUAL_TIME : daily->at);
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_buf_append_text(&buf, "daily ");
    hyp_buf_append_str(&buf, at);
    if (at.len != 5 ||
        hyp_schedule_parse(hyp_str_from(hyp_buf_terminate(&buf)), &schedule, NULL) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "--backup-at must be a time of day like " USUAL_TIME);
    }
    const struct hyp_backups_config config = {
        .store = daily->store,
        .folder = daily->folder,
        .minute_of_day = schedule.minute_of_day,
        .keep = daily->keep == 0 ? USUAL_NUMBER : (size_t)daily->keep,
        .zone = daily->zone,
        .clock = hyp_clock_system(),
        .log = daily->log,
    };
    return hyp_backups_create(&config, ret_backups, err);
}
