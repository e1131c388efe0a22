/* SPDX-License-Identifier: Apache-2.0 */
#include "store/plan_log.h"

#include "store/chunk_table.h"
#include "store/historian.h"
#include "store/period.h"
#include "store/seal.h"

static void log_values(struct hyp_log_writer *writer, const struct hyp_plan *plan,
                       struct hyp_store *store, const struct hyp_planned_row *planned)
{
    const struct hyp_series *series = planned->series;
    for (size_t i = 0; i < planned->row.cells; i++) {
        const struct hyp_cell *cell = &plan->cells[planned->first_cell + i];
        const struct hyp_column *column = &series->columns[cell->column];
        struct hyp_log_value value = {.point = column->point,
                                      .quality = cell->quality,
                                      .kind = column->value_kind,
                                      .exp10 = cell->exp10,
                                      .payload = cell->payload};
        if (column->value_kind == HYP_VALUE_TEXT) {
            value.text = hyp_text_pool_get(&store->historian->texts, (uint32_t)cell->payload);
        }
        hyp_log_value(writer, &value);
    }
}

static struct hyp_log_reading log_reading(const struct hyp_planned_row *planned)
{
    return (struct hyp_log_reading){.device = planned->device.id,
                                    .time = planned->row.time,
                                    .receive = planned->row.receive,
                                    .kind = planned->row.kind,
                                    .source = planned->row.source,
                                    .frame = planned->frame,
                                    .value_count = planned->row.cells};
}

static enum hyp_status write_packed(struct hyp_plan *plan, struct hyp_store *store,
                                    size_t first_row)
{
    struct hyp_log_pack *pack = &plan->pack;
    for (size_t i = first_row; i < plan->row_count; i++) {
        const struct hyp_planned_row *planned = &plan->rows[i];
        struct hyp_log_reading reading = log_reading(planned);
        if (!hyp_log_pack_reading(pack, &reading, planned->shape, planned->base,
                                  &plan->cells[planned->first_cell])) {
            log_values(&pack->writer, plan, store, planned);
        }
    }
    return hyp_log_pack_end(pack);
}

static enum hyp_status write_plain(struct hyp_plan *plan, struct hyp_store *store,
                                   size_t first_row, int64_t frame_log_row)
{
    struct hyp_log_writer writer;
    hyp_log_begin(&writer, &plan->blob, frame_log_row, plan->row_count - first_row);
    for (size_t i = first_row; i < plan->row_count; i++) {
        struct hyp_log_reading reading = log_reading(&plan->rows[i]);
        hyp_log_reading(&writer, &reading);
        log_values(&writer, plan, store, &plan->rows[i]);
    }
    return hyp_log_end(&writer);
}

/* Rows name their frames as the log and the historian do. */
static void number_frames(struct hyp_plan *plan, size_t first_row, int64_t frame_log_row)
{
    for (size_t i = first_row; i < plan->row_count; i++) {
        struct hyp_planned_row *planned = &plan->rows[i];
        if (planned->frame != 0) {
            planned->frame = plan->frame_uses[planned->frame - 1];
            planned->row.frame = hyp_frame_number(frame_log_row, planned->frame - 1);
        }
    }
}

static int64_t newest_time(const struct hyp_plan *plan, size_t first_row)
{
    int64_t newest = INT64_MIN;
    for (size_t i = first_row; i < plan->row_count; i++) {
        newest = HYP_MAX(newest, plan->rows[i].row.time);
    }
    return newest;
}

/* Whose the rows are from `first_row` on, and when they came; only asked where it is kept. */
static struct hyp_shard find_shard(const struct hyp_plan *plan, struct hyp_store *store,
                                   size_t first_row)
{
    struct hyp_shard shard = {.period = hyp_period_of(hyp_core_now(store).ms)};
    for (size_t i = first_row; i < plan->row_count; i++) {
        hyp_tenant_id tenant =
            hyp_historian_find(store->historian, plan->rows[i].device)->tenant;
        if (i > first_row && tenant.id != shard.tenant.id) {
            shard.tenant.id = 0;
            break;
        }
        shard.tenant = tenant;
    }
    return shard;
}

enum hyp_status hyp_plan_log(struct hyp_plan *plan, struct hyp_store *store, size_t first_row,
                             int64_t frame_log_row)
{
    if (plan->row_count == first_row) {
        return HYP_OK;
    }
    hyp_buf_reset(&plan->blob);
    number_frames(plan, first_row, frame_log_row);
    enum hyp_status status =
        hyp_log_pack_begin(&plan->pack, &plan->blob, frame_log_row, plan->row_count - first_row)
            ? write_packed(plan, store, first_row)
            : write_plain(plan, store, first_row, frame_log_row);
    if (status != HYP_OK) {
        return status;
    }
    status =
        hyp_reserve(&plan->log, &plan->log_capacity, plan->log_count + 1, sizeof(*plan->log));
    if (status == HYP_OK) {
        status = hyp_seal_reserve_log(store, plan->log_count + 1);
    }
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_shard shard = {0};
    if (hyp_db_is_sharded(store->write.main)) {
        shard = find_shard(plan, store, first_row);
    }
    int64_t row = hyp_intake_log_add(store->write.main, shard, plan->blob.data, plan->blob.len);
    plan->log[plan->log_count++] =
        (struct hyp_planned_log){.row = row, .newest = newest_time(plan, first_row)};
    return store->write.main->failed;
}
