/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there room on a line? An M-Bus master carries 250 meters [COL-12]: the current it feeds
 * them and the addresses they may have end there. Meters that are switched off count, because
 * they hang on the wire all the same.
 */
#include "service/inside.h"

enum hyp_status hyp_line_has_room(struct hyp_service *service, hyp_tenant_id tenant,
                                  hyp_line_id id, size_t more, struct hyp_error *err)
{
    struct hyp_line line;
    if (id.id == 0 || hyp_store_line(service->config.store, tenant, id, &line) != HYP_OK) {
        return HYP_OK; /* no line is no matter of room */
    }
    hyp_wipe(line.password, sizeof(line.password));
    uint32_t capacity = hyp_line_kind_capacity(line.kind);
    size_t devices = hyp_directory_devices_on_line(service->directory, id);
    if (capacity == 0 || devices + more <= capacity) {
        return HYP_OK;
    }
    return hyp_error_set(err, HYP_INVALID, -1,
                         "line: %s carries %zu of at most %u meters; put more on another "
                         "M-Bus master.",
                         line.name, devices, capacity);
}
