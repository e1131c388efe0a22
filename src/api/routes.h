/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers, by group. Each is one row of the table in routes.c. */
#ifndef HYP_API_ROUTES_H
#define HYP_API_ROUTES_H

#include "api/request.h"

/* The formatter does not settle on this list. */
/* clang-format off */
#define HYP_HANDLERS(X)                                                                        \
    /* routes_session.c */                                                                     \
    X(status)                                                                                  \
    X(health)                                                                                  \
    X(setup)                                                                                   \
    X(session_begin)                                                                           \
    X(session_get)                                                                             \
    X(session_change)                                                                          \
    X(session_end)                                                                             \
    X(openapi_yaml)                                                                            \
    X(openapi_json) /* routes_people.c */                                                      \
    X(users_list)                                                                              \
    X(user_add) X(user_change) X(user_remove) X(tokens_list) X(token_add) X(token_remove)      \
        X(audit_list)                                             /* routes_system.c */        \
        X(overview) X(profiles_list) X(profile_get) X(vocabulary) /* routes_devices.c */       \
        X(devices_list) X(device_add) X(devices_import) X(device_get) X(device_change)         \
            X(device_remove) X(keys_import) X(groups_list) X(group_add) X(group_remove)        \
                X(group_members) X(communication) /* routes_readings.c */                      \
        X(device_latest) X(point_latest) X(latest_all) X(device_points) X(device_readings)     \
            X(device_csv) X(series)                             /* routes_frames.c */          \
        X(device_frames) X(frames_list) X(frame_get) X(explain) /* routes_lines.c */           \
        X(lines_list) X(line_add) X(line_get) X(line_change) X(line_remove) X(line_queue)      \
            X(line_scan) /* routes_jobs.c */                                                   \
        X(device_read) X(read) X(device_test) X(jobs_list) X(job_get) X(job_cancel) X(heard)   \
            X(intake) /* stream.c */                                                           \
        X(stream)
/* clang-format on */

/* A list of device ids in a body; absent = none. */
HYP_MUST_USE enum hyp_status hyp_read_device_ids(struct hyp_request *req, const json_t *root,
                                                 const char *name, hyp_device_id **ret_ids,
                                                 size_t *ret_count, struct hyp_error *err);

#define X(name)                                                                                \
    enum hyp_status hyp_route_##name(struct hyp_request *req, struct hyp_error *err);
HYP_HANDLERS(X)
#undef X

#endif
