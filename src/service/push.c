/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines and devices on their way to the collector.
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
