/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers, by group. Each is one row of the table in routes.c. */
#ifndef HYP_API_ROUTES_H
#define HYP_API_ROUTES_H

#include "api/request.h"
#include "service/period_sums.h"

/* Every handler has the type hyp_handler. */
#define HANDLER(name)                                                                          \
    enum hyp_status hyp_route_##name(struct hyp_request *req, struct hyp_error *err)

/* routes_session.c */
HANDLER(status);
HANDLER(health);
HANDLER(setup);
HANDLER(session_begin);
HANDLER(session_get);
HANDLER(session_change);
HANDLER(session_end);
HANDLER(openapi_yaml);
HANDLER(openapi_json);

/* routes_people.c */
HANDLER(users_list);
HANDLER(user_add);
HANDLER(user_change);
HANDLER(user_remove);
HANDLER(tokens_list);
HANDLER(token_add);
HANDLER(token_remove);
HANDLER(audit_list);

/* routes_system.c */
HANDLER(overview);
HANDLER(profiles_list);
HANDLER(profile_get);
HANDLER(vocabulary);

/* routes_backups.c */
HANDLER(backups_list);
HANDLER(backup_make);

/* routes_devices.c */
HANDLER(devices_list);
HANDLER(device_add);
HANDLER(devices_import);
HANDLER(device_get);
HANDLER(device_change);
HANDLER(device_remove);
HANDLER(keys_import);
HANDLER(keys_file);
HANDLER(default_keys_list);
HANDLER(default_key_add);
HANDLER(default_key_remove);
HANDLER(backlog_get);
HANDLER(backlog_start);
HANDLER(groups_list);
HANDLER(group_add);
HANDLER(group_remove);
HANDLER(group_members);
HANDLER(communication);

/* routes_readings.c */
HANDLER(device_latest);
HANDLER(point_latest);
HANDLER(point_periods);
HANDLER(point_history);
HANDLER(value_enter);
HANDLER(device_forget);
HANDLER(forgotten_list);
HANDLER(forgotten_backups_replace);
HANDLER(latest_all);
HANDLER(device_points);
HANDLER(device_readings);

/* routes_retention.c */
HANDLER(retention_get);
HANDLER(retention_change);
HANDLER(retention_plan);

/* routes_csv.c */
HANDLER(device_csv);

/* routes_meter_periods.c */
HANDLER(periods);
HANDLER(periods_csv);
HANDLER(periods_sums);

/* routes_counting.c */
HANDLER(counting_get);
HANDLER(counting_change);
HANDLER(counting_event_add);
HANDLER(counting_event_remove);

/* routes_import.c */
HANDLER(readings_import);

/* routes_frames.c */
HANDLER(device_frames);
HANDLER(frames_list);
HANDLER(frame_get);
HANDLER(explain);

/* routes_lines.c */
HANDLER(lines_list);
HANDLER(line_add);
HANDLER(line_get);
HANDLER(line_change);
HANDLER(line_remove);
HANDLER(line_queue);
HANDLER(line_scan);

/* routes_jobs.c */
HANDLER(device_read);
HANDLER(read);
HANDLER(device_test);
HANDLER(jobs_list);
HANDLER(job_get);
HANDLER(job_cancel);
HANDLER(heard);
HANDLER(intake);

/* routes_meter.c */
HANDLER(meter_reset);
HANDLER(meter_address);
HANDLER(meter_baud);

/* routes_series.c */
HANDLER(series);

/* stream.c */
HANDLER(stream);

#undef HANDLER

/* from and to of a query; everything when absent. Of these three: HYP_OK | INVALID names the
 * parameter. */
HYP_MUST_USE enum hyp_status hyp_read_range(struct hyp_request *req, hyp_utc *ret_from,
                                            hyp_utc *ret_to, struct hyp_error *err);
/* Step, span and settlement; its point is left alone. */
HYP_MUST_USE enum hyp_status hyp_read_periods_query(struct hyp_request *req,
                                                    struct hyp_periods_query *query,
                                                    struct hyp_error *err);
/* One period: its span, extremes, mean, sum and delta as far as it has them (null otherwise),
 * and how far they can be trusted. */
void hyp_render_period_row(struct hyp_json *json, const struct hyp_period_row *row);
/* The same with one number: what a counter counted, the mean of others. */
void hyp_render_period_brief(struct hyp_json *json, const struct hyp_period_row *row,
                             bool counter);
/* A sum under this name, what is absent in it and how far it can be trusted. */
void hyp_render_counted(struct hyp_json *json, const char *name,
                        const struct hyp_counted *counted);
/* The flag of this index: its word, "" when it is not set, NULL behind the last. */
const char *hyp_row_flag_text(unsigned flags, size_t index);
/* A list of device ids in a body; absent = none. */
HYP_MUST_USE enum hyp_status hyp_read_device_ids(struct hyp_request *req, const json_t *root,
                                                 const char *name, hyp_device_id **ret_ids,
                                                 size_t *ret_count, struct hyp_error *err);

#endif
