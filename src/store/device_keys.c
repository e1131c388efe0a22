/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of many devices in one transaction: a key file is in the database whole, or not. */
#include "store/core.h"
#include "store/follow.h"

static enum hyp_status set_key(struct hyp_store *store, struct hyp_db *db, hyp_tenant_id tenant,
                               const struct hyp_device_key *key)
{
    struct hyp_box box;
    struct hyp_query query;
    int64_t changes = 1;
    hyp_core_seal(store, key->key.bytes, sizeof(key->key.bytes), &box);
    hyp_query_open(&query, db,
                   "UPDATE device SET secret = $1, revision = revision + 1"
                   " WHERE id = $2 AND tenant = $3");
    hyp_query_bind_blob(&query, box.bytes, box.len);
    hyp_query_bind_i64(&query, key->device.id);
    hyp_query_bind_i64(&query, tenant.id);
    enum hyp_status status = hyp_query_run(&query, &changes);
    hyp_follow_note(store, HYP_CHANGE_DEVICE, key->device.id, tenant.id, 0);
    return status == HYP_OK && changes == 0 ? HYP_NOT_FOUND : status;
}

enum hyp_status hyp_store_device_keys_set(struct hyp_store *store, hyp_tenant_id tenant,
                                          const struct hyp_device_key *keys, size_t count,
                                          struct hyp_error *err)
{
    struct hyp_db *db = hyp_core_begin(store);
    enum hyp_status status = db->failed;
    bool explained = false;
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = set_key(store, db, tenant, &keys[i]);
        explained = status == HYP_NOT_FOUND;
        if (explained) {
            status = hyp_error_set(err, HYP_NOT_FOUND, -1, "there is no device %lld",
                                   (long long)keys[i].device.id);
        }
    }
    return hyp_core_finish(store, status, explained ? NULL : err, "keys of devices");
}
