/* SPDX-License-Identifier: Apache-2.0 */
#include "service/overview.h"

#include "service/inside.h"

#include <string.h>

static void count_lines(struct hyp_service *service, const hyp_line_id *lines, size_t count,
                        struct hyp_overview *overview)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    overview->lines = count;
    for (size_t i = 0; collector != NULL && i < count; i++) {
        struct hyp_line_state state;
        if (hyp_collector_line_state(collector, lines[i], &state) != HYP_OK) {
            continue;
        }
        bool up = state.link == HYP_LINK_CONNECTED || state.link == HYP_LINK_LISTENING;
        overview->lines_connected += up ? 1 : 0;
        overview->lines_failed += state.link == HYP_LINK_FAILED ? 1 : 0;
    }
}

static bool is_running(enum hyp_job_state state)
{
    return state == HYP_JOB_WAITING || state == HYP_JOB_QUEUED || state == HYP_JOB_SENT ||
           state == HYP_JOB_LOADING || state == HYP_JOB_PROCESSING;
}

static enum hyp_status count_jobs(struct hyp_service *service, struct hyp_arena *arena,
                                  struct hyp_overview *overview)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    struct hyp_job *jobs = hyp_arena_alloc_array(arena, HYP_LIMIT_JOBS, sizeof(*jobs));
    if (jobs == NULL) {
        return HYP_NO_MEMORY;
    }
    size_t count = collector == NULL ? 0 : hyp_collector_jobs(collector, jobs, HYP_LIMIT_JOBS);
    for (size_t i = 0; i < count; i++) {
        overview->jobs_running += is_running(jobs[i].state) ? 1 : 0;
    }
    return HYP_OK;
}

enum hyp_status hyp_overview_get(struct hyp_service *service, const struct hyp_scope *scope,
                                 struct hyp_arena *arena, struct hyp_overview *ret_overview,
                                 struct hyp_error *err)
{
    struct hyp_device_page page;
    hyp_line_id *lines;
    size_t line_count;
    struct hyp_overview overview = {.started = service->started};
    struct hyp_device_query all = {.line = HYP_LINE_ANY};
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_SYSTEM_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_tenant_id tenant = hyp_scope_tenant(scope);
    status = hyp_directory_query(service->directory, tenant, &all, hyp_service_now(service),
                                 arena, &page);
    if (status == HYP_OK) {
        /* Not from the store: it would open the passwords of all lines. */
        status = hyp_directory_lines(service->directory, tenant, arena, &lines, &line_count);
    }
    if (status == HYP_OK) {
        count_lines(service, lines, line_count, &overview);
        status = count_jobs(service, arena, &overview);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    overview.devices = page.total;
    overview.kind_count = page.kind_count;
    memcpy(overview.conditions, page.conditions, sizeof(overview.conditions));
    memcpy(overview.kinds, page.kinds, sizeof(overview.kinds));
    overview.readings_today = hyp_today_count(service);
    hyp_store_stats(service->config.store, &overview.store);
    overview.member = hyp_store_member(service->config.store);
    overview.member_lines = hyp_members_lines(service);
    *ret_overview = overview;
    return HYP_OK;
}

enum hyp_status hyp_service_health(struct hyp_service *service, struct hyp_error *err)
{
    enum hyp_status last = hyp_store_last_commit(service->config.store);
    if (last == HYP_OK) {
        return HYP_OK;
    }
    /* Not BUSY as such, but for whoever asks: come back later. */
    return hyp_error_set(err, HYP_BUSY, -1, "Readings cannot be stored at this moment: %s.",
                         hyp_status_text(last));
}
