/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines and devices on their way to memory and the collector.
 */
#include "service/inside.h"

enum hyp_status hyp_service_collector(struct hyp_service *service,
                                      struct hyp_collector **ret_collector,
                                      struct hyp_error *err)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    if (collector == NULL) {
        return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                             "This server does not talk to devices (started without a "
                             "collector).");
    }
    *ret_collector = collector;
    return HYP_OK;
}

enum hyp_status hyp_service_push_line(struct hyp_service *service, const struct hyp_line *line)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    if (collector == NULL) {
        return HYP_OK;
    }
    struct hyp_line pushed = *line;
    pushed.enabled =
        pushed.enabled && !service->config.no_collect && hyp_members_may_open(service, line);
    enum hyp_status status = hyp_collector_set_line(collector, &pushed);
    hyp_wipe(&pushed, sizeof(pushed));
    return status;
}

enum hyp_status hyp_service_push_device(struct hyp_service *service,
                                        const struct hyp_device *device)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    return collector == NULL ? HYP_OK : hyp_collector_set_device(collector, device);
}

/* --- after a change --- */

/* Memory comes back; a line too many, or a collector that is stopping, does not change soon. */
static void left_behind(struct hyp_service *service, const struct hyp_store_change *change,
                        enum hyp_status status)
{
    bool again = status == HYP_NO_MEMORY;
    hyp_log_event(service->config.log, HYP_LOG_WARNING, "plant.behind",
                  "line=%lld device=%lld status=%s next=%s", (long long)change->line.id,
                  (long long)change->device.id, hyp_status_name(status),
                  again ? "retry" : "restart");
    if (again) {
        hyp_members_look_again(service, change);
    }
}

void hyp_service_follow_line(struct hyp_service *service, const struct hyp_line *line)
{
    enum hyp_status status = hyp_directory_set_line(service->directory, line);
    if (status == HYP_OK) {
        status = hyp_service_push_line(service, line);
    }
    if (status != HYP_OK) {
        const struct hyp_store_change change = {.tenant = line->tenant, .line = line->id};
        left_behind(service, &change, status);
    }
}

void hyp_service_follow_device(struct hyp_service *service, const struct hyp_device *device)
{
    enum hyp_status status = hyp_directory_set_device(service->directory, device);
    if (status == HYP_OK) {
        status = hyp_service_push_device(service, device);
    }
    if (status != HYP_OK) {
        const struct hyp_store_change change = {.tenant = device->tenant, .device = device->id};
        left_behind(service, &change, status);
    }
}
