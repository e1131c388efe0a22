/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table: everything the API can do, each row with the right it needs. The server
 * checks the right before the handler runs, the service checks it again. A row without a right
 * does not compile; what is not here does not exist.
 */
#include "api/routes.h"

#include "api/inside.h"

#define ROUTE(method, pattern, right, handler, flags)                                          \
    {                                                                                          \
#method, pattern, HYP_PERMISSION_##right, hyp_route_##handler, flags                   \
    }
#define FAST HYP_ROUTE_FAST
#define LARGE HYP_ROUTE_LARGE
#define TEXT HYP_ROUTE_TEXT
#define NO_BODY HYP_ROUTE_NO_BODY
#define OWN HYP_ROUTE_OWN_SESSION

const struct hyp_route hyp_routes[] = {
    ROUTE(GET, "/status", PUBLIC, status, 0),
    ROUTE(GET, "/health", PUBLIC, health, FAST),
    ROUTE(GET, "/openapi.yaml", PUBLIC, openapi_yaml, FAST),
    ROUTE(GET, "/openapi.json", PUBLIC, openapi_json, FAST),
    ROUTE(POST, "/setup", PUBLIC, setup, 0),
    ROUTE(POST, "/session", PUBLIC, session_begin, 0),
    ROUTE(GET, "/session", SESSION, session_get, 0),
    ROUTE(PATCH, "/session", SESSION, session_change, OWN),
    ROUTE(DELETE, "/session", SESSION, session_end, OWN | NO_BODY),

    ROUTE(GET, "/users", USER_MANAGE, users_list, 0),
    ROUTE(POST, "/users", USER_MANAGE, user_add, 0),
    ROUTE(PATCH, "/users/{id}", USER_MANAGE, user_change, 0),
    ROUTE(DELETE, "/users/{id}", USER_MANAGE, user_remove, NO_BODY),
    ROUTE(GET, "/tokens", TOKEN_MANAGE, tokens_list, 0),
    ROUTE(POST, "/tokens", TOKEN_MANAGE, token_add, 0),
    ROUTE(DELETE, "/tokens/{id}", TOKEN_MANAGE, token_remove, NO_BODY),
    ROUTE(GET, "/audit", AUDIT_READ, audit_list, 0),

    ROUTE(GET, "/overview", SYSTEM_READ, overview, 0),
    ROUTE(GET, "/backups", DATA_MANAGE, backups_list, 0),
    ROUTE(POST, "/backups", DATA_MANAGE, backup_make, NO_BODY),
    ROUTE(GET, "/profiles", SYSTEM_READ, profiles_list, 0),
    ROUTE(GET, "/profiles/{name}", SYSTEM_READ, profile_get, 0),
    ROUTE(GET, "/vocabulary", SYSTEM_READ, vocabulary, 0),

    ROUTE(GET, "/points/{id}/latest", READING_READ, point_latest, FAST),
    ROUTE(GET, "/points/{id}/periods", READING_READ, point_periods, 0),
    ROUTE(GET, "/periods", READING_READ, periods, 0),
    ROUTE(GET, "/periods.csv", READING_READ, periods_csv, 0),
    ROUTE(GET, "/periods/sums", READING_READ, periods_sums, 0),
    ROUTE(GET, "/points/{id}/counting", READING_READ, counting_get, 0),
    ROUTE(PATCH, "/points/{id}/counting", READING_WRITE, counting_change, 0),
    ROUTE(POST, "/points/{id}/counting/events", READING_WRITE, counting_event_add, 0),
    ROUTE(DELETE, "/points/{id}/counting/events/{event}", READING_WRITE, counting_event_remove,
          NO_BODY),
    ROUTE(GET, "/points/{id}/history", READING_READ, point_history, 0),
    ROUTE(GET, "/devices/{id}/latest", READING_READ, device_latest, FAST),
    ROUTE(GET, "/latest", READING_READ, latest_all, 0),
    ROUTE(GET, "/devices", DEVICE_READ, devices_list, 0),
    ROUTE(POST, "/devices", DEVICE_WRITE, device_add, 0),
    ROUTE(POST, "/devices/import", DEVICE_WRITE, devices_import, LARGE),
    ROUTE(POST, "/devices/test", JOB_RUN, device_test, 0),
    ROUTE(GET, "/devices/{id}", DEVICE_READ, device_get, 0),
    ROUTE(PATCH, "/devices/{id}", DEVICE_WRITE, device_change, 0),
    ROUTE(DELETE, "/devices/{id}", DEVICE_WRITE, device_remove, NO_BODY),
    ROUTE(GET, "/devices/{id}/points", READING_READ, device_points, 0),
    ROUTE(GET, "/devices/{id}/readings", READING_READ, device_readings, 0),
    ROUTE(GET, "/devices/{id}/readings.csv", READING_READ, device_csv, 0),
    ROUTE(POST, "/devices/{id}/values", READING_WRITE, value_enter, 0),
    ROUTE(POST, "/devices/{id}/forget", DATA_MANAGE, device_forget, 0),
    ROUTE(GET, "/forgotten", DATA_MANAGE, forgotten_list, 0),
    ROUTE(POST, "/forgotten/{id}/replace-backups", BACKUP_REMOVE, forgotten_backups_replace, 0),
    ROUTE(GET, "/retention", SYSTEM_READ, retention_get, 0),
    ROUTE(PATCH, "/retention", DATA_MANAGE, retention_change, 0),
    ROUTE(GET, "/retention/plan", DATA_MANAGE, retention_plan, 0),
    ROUTE(GET, "/devices/{id}/communication", DEVICE_READ, communication, 0),
    ROUTE(GET, "/devices/{id}/frames", FRAME_READ, device_frames, 0),
    ROUTE(POST, "/devices/{id}/read", JOB_RUN, device_read, NO_BODY),
    ROUTE(POST, "/devices/{id}/reset", DEVICE_COMMAND, meter_reset, 0),
    ROUTE(POST, "/devices/{id}/address", DEVICE_COMMAND, meter_address, 0),
    ROUTE(POST, "/devices/{id}/baud", DEVICE_COMMAND, meter_baud, 0),
    ROUTE(POST, "/read", JOB_RUN, read, 0),
    ROUTE(GET, "/series", READING_READ, series, 0),
    ROUTE(GET, "/frames", FRAME_READ, frames_list, 0),
    ROUTE(GET, "/frames/{id}", FRAME_READ, frame_get, 0),
    ROUTE(POST, "/explain", FRAME_READ, explain, 0),

    ROUTE(GET, "/lines", LINE_READ, lines_list, 0),
    ROUTE(POST, "/lines", LINE_WRITE, line_add, 0),
    ROUTE(GET, "/lines/{id}", LINE_READ, line_get, 0),
    ROUTE(PATCH, "/lines/{id}", LINE_WRITE, line_change, 0),
    ROUTE(DELETE, "/lines/{id}", LINE_WRITE, line_remove, NO_BODY),
    ROUTE(GET, "/lines/{id}/queue", LINE_READ, line_queue, 0),
    ROUTE(POST, "/lines/{id}/scan", JOB_RUN, line_scan, 0),

    ROUTE(GET, "/jobs", JOB_READ, jobs_list, 0),
    ROUTE(GET, "/jobs/{id}", JOB_READ, job_get, 0),
    ROUTE(DELETE, "/jobs/{id}", JOB_RUN, job_cancel, NO_BODY),
    ROUTE(GET, "/heard", DEVICE_READ, heard, 0),
    ROUTE(GET, "/groups", GROUP_READ, groups_list, 0),
    ROUTE(POST, "/groups", GROUP_WRITE, group_add, 0),
    ROUTE(DELETE, "/groups/{id}", GROUP_WRITE, group_remove, NO_BODY),
    ROUTE(POST, "/groups/{id}/members", GROUP_WRITE, group_members, 0),
    ROUTE(POST, "/intake", READING_WRITE, intake, LARGE | TEXT),
    ROUTE(POST, "/readings/import", READING_WRITE, readings_import, LARGE | TEXT),
    ROUTE(POST, "/keys", KEY_WRITE, keys_import, LARGE),
    ROUTE(POST, "/keys/file", KEY_WRITE, keys_file, LARGE),
    ROUTE(GET, "/keys/defaults", KEY_WRITE, default_keys_list, 0),
    ROUTE(POST, "/keys/defaults", KEY_WRITE, default_key_add, 0),
    ROUTE(DELETE, "/keys/defaults/{id}", KEY_WRITE, default_key_remove, NO_BODY),
    ROUTE(GET, "/keys/backlog", KEY_WRITE, backlog_get, 0),
    ROUTE(POST, "/keys/backlog", KEY_WRITE, backlog_start, NO_BODY),
    ROUTE(GET, "/stream", READING_READ, stream, 0),
};
const size_t hyp_route_count = HYP_ARRAY_LEN(hyp_routes);
