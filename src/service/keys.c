/* SPDX-License-Identifier: Apache-2.0 */
#include "service/keys.h"

#include "service/inside.h"

#include <string.h>

enum hyp_status hyp_keys_set(struct hyp_service *service, hyp_tenant_id tenant,
                             hyp_device_id id, const struct hyp_aes_key *key,
                             struct hyp_error *err)
{
    struct hyp_device device;
    enum hyp_status status = hyp_store_device(service->config.store, tenant, id, &device);
    if (status != HYP_OK) {
        return status;
    }
    device.key = *key;
    device.has_key = true;
    status = hyp_store_device_update(service->config.store, &device, err);
    if (status == HYP_OK) {
        hyp_service_follow_device(service, &device);
    }
    hyp_wipe(&device.key, sizeof(device.key));
    return status;
}
