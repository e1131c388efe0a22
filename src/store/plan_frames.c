/* SPDX-License-Identifier: Apache-2.0 */
#include "store/plan_frames.h"

#include "store/historian.h"
#include "store/resent.h"

#include <string.h>

/* Tenant of a frame: its device's, else its line's. Unknown devices become 0. */
static void own_frame(struct hyp_store *store, struct hyp_kept_frame *kept)
{
    const struct hyp_series *series = hyp_historian_find(store->historian, kept->frame.device);
    if (series != NULL) {
        kept->tenant = series->tenant;
        return;
    }
    kept->frame.device.id = 0;
    struct hyp_query query;
    hyp_query_open(&query, store->write.main, "SELECT tenant FROM line WHERE id = $1");
    hyp_query_bind_i64(&query, kept->frame.line.id);
    kept->tenant.id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    HYP_IGNORE(hyp_query_close(&query)); /* a failure is sticky until commit */
}

size_t hyp_plan_choose_frames(struct hyp_plan *plan, struct hyp_store *store,
                              const struct hyp_batch *batch, size_t first_row)
{
    enum { UNUSED = 0, READ = 1, NEW = 2 };
    memset(plan->frame_uses, UNUSED, batch->frame_count * sizeof(*plan->frame_uses));
    for (size_t i = 0; i < batch->reading_count; i++) {
        const struct hyp_reading *reading = &batch->readings[i];
        if (reading->frame != HYP_NO_FRAME && reading->value_count > 0 &&
            hyp_historian_find(store->historian, reading->device) != NULL) {
            plan->frame_uses[reading->frame] = READ;
        }
    }
    for (size_t i = first_row; i < plan->row_count; i++) {
        if (plan->rows[i].frame != 0) {
            plan->frame_uses[plan->rows[i].frame - 1] = NEW;
        }
    }
    size_t count = 0;
    for (size_t i = 0; i < batch->frame_count; i++) {
        const struct hyp_raw_frame *raw = &batch->frames[i];
        if (plan->frame_uses[i] == READ) {
            plan->frame_uses[i] = 0;
            continue;
        }
        plan->kept[count] = (struct hyp_kept_frame){
            .frame = {.id.id = (int64_t)count,
                      .line = raw->line,
                      .device = raw->device,
                      .received = raw->received,
                      .protocol = (enum hyp_raw_protocol)raw->protocol,
                      .signal_dbm = raw->signal_dbm,
                      .outcome = raw->outcome,
                      .len = raw->len,
                      .bytes = raw->bytes}
        };
        own_frame(store, &plan->kept[count]);
        bool known = plan->frame_uses[i] == UNUSED && raw->replaces.id == 0 &&
                     hyp_resent_is_known(store->frames, &plan->kept[count]);
        count += known ? 0 : 1;
        plan->frame_uses[i] = known ? 0 : (uint32_t)count;
    }
    return count;
}

enum hyp_status hyp_plan_log_frames(struct hyp_plan *plan, struct hyp_store *store,
                                    size_t count, int64_t *ret_log_row)
{
    *ret_log_row = 0;
    if (count == 0) {
        return HYP_OK;
    }
    enum hyp_status status = hyp_reserve(&plan->frames, &plan->frame_capacity,
                                         plan->frame_count + 1, sizeof(*plan->frames));
    if (status == HYP_OK) {
        status = hyp_frames_log(store, plan->kept, count, &plan->frames[plan->frame_count]);
    }
    if (status == HYP_OK) {
        *ret_log_row = plan->frames[plan->frame_count].log_row;
        plan->frame_count++;
        status = hyp_frames_reserve(store, plan->frame_count);
    }
    return status;
}

enum hyp_status hyp_plan_log_replaced(struct hyp_plan *plan, struct hyp_store *store,
                                      const struct hyp_batch *batch, int64_t frame_log_row)
{
    size_t first = plan->replaced_count;
    for (size_t i = 0; i < batch->frame_count; i++) {
        if (batch->frames[i].replaces.id == 0) {
            continue;
        }
        enum hyp_status status = hyp_reserve(&plan->replaced, &plan->replaced_capacity,
                                             plan->replaced_count + 1, sizeof(*plan->replaced));
        if (status != HYP_OK) {
            return status;
        }
        uint32_t use = plan->frame_uses[i];
        plan->replaced[plan->replaced_count++] = (struct hyp_replacement){
            .old_frame = batch->frames[i].replaces.id,
            .new_frame = use == 0 ? 0 : hyp_frame_number(frame_log_row, use - 1),
        };
    }
    size_t count = plan->replaced_count - first;
    return count == 0 ? HYP_OK : hyp_replaced_log(store, &plan->replaced[first], count);
}
