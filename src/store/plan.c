/* SPDX-License-Identifier: Apache-2.0 */
#include "store/plan.h"

#include "store/chunk_table.h"
#include "store/historian.h"
#include "store/log.h"
#include "store/plan_frames.h"
#include "store/seal.h"

#include <stdlib.h>
#include <string.h>

enum hyp_status hyp_plan_init(struct hyp_plan *plan)
{
    *plan = (struct hyp_plan){0};
    hyp_buf_init_heap(&plan->blob, HYP_LIMIT_LOG_BLOB);
    plan->kept = calloc(HYP_LIMIT_BATCH_FRAMES, sizeof(*plan->kept));
    plan->frame_uses = calloc(HYP_LIMIT_BATCH_FRAMES, sizeof(*plan->frame_uses));
    plan->seen = calloc(HYP_LIMIT_DEVICE_POINTS, sizeof(*plan->seen));
    if (plan->kept == NULL || plan->frame_uses == NULL || plan->seen == NULL) {
        hyp_plan_finish(plan);
        return HYP_NO_MEMORY;
    }
    return HYP_OK;
}

void hyp_plan_finish(struct hyp_plan *plan)
{
    hyp_plan_reset(plan);
    free(plan->rows);
    free(plan->cells);
    free(plan->grown);
    free(plan->frames);
    free(plan->log);
    free(plan->kept);
    free(plan->frame_uses);
    free(plan->replaced);
    free(plan->seen);
    hyp_buf_finish(&plan->blob);
    *plan = (struct hyp_plan){0};
}

void hyp_plan_reset(struct hyp_plan *plan)
{
    for (size_t i = 0; i < plan->frame_count; i++) {
        hyp_frames_drop(&plan->frames[i]);
    }
    plan->row_count = 0;
    plan->cell_count = 0;
    plan->grown_count = 0;
    plan->frame_count = 0;
    plan->log_count = 0;
    plan->replaced_count = 0;
    plan->applied = 0;
    plan->duplicates = 0;
    plan->dropped = 0;
}

/* --- points --- */

/* The column of a key. Absent values fit any unit and kind; others must agree. */
static uint32_t find_column(const struct hyp_series *series, const struct hyp_value *value,
                            uint32_t hint)
{
    bool usable = hyp_quality_is_usable(value->quality);
    uint32_t count = series->column_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = hint + i < count ? hint + i : hint + i - count;
        const struct hyp_column *column = &series->columns[at];
        if (hyp_point_key_equal(&column->key, &value->key) &&
            (!usable || (column->unit == value->unit && column->value_kind == value->kind))) {
            return at;
        }
    }
    return UINT32_MAX;
}

/* What an absent value would have been, from the vocabulary. */
static enum hyp_value_kind expected_kind(const struct hyp_value *value)
{
    if (value->kind != HYP_VALUE_UNSET) {
        return value->kind;
    }
    switch (hyp_vocabulary_word((enum hyp_name)value->key.name)->quantity) {
    case HYP_QUANTITY_TIME: return HYP_VALUE_CIVIL;
    case HYP_QUANTITY_TEXT:
    case HYP_QUANTITY_IDENTIFIER: return HYP_VALUE_TEXT;
    case HYP_QUANTITY_FLAGS: return HYP_VALUE_FLAGS;
    default: return HYP_VALUE_DECIMAL;
    }
}

static const char *const kind_texts[] = {
    [HYP_VALUE_UNSET] = "unset", [HYP_VALUE_DECIMAL] = "decimal", [HYP_VALUE_CIVIL] = "civil",
    [HYP_VALUE_FLAGS] = "flags", [HYP_VALUE_TEXT] = "text",
};

const char *hyp_plan_kind_text(enum hyp_value_kind kind)
{
    return kind_texts[kind];
}

enum hyp_status hyp_plan_kind_find(struct hyp_str text, enum hyp_value_kind *ret_kind)
{
    for (size_t i = HYP_VALUE_DECIMAL; i < HYP_ARRAY_LEN(kind_texts); i++) {
        if (hyp_str_equal(text, hyp_str_from(kind_texts[i]))) {
            *ret_kind = (enum hyp_value_kind)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

/* A register that changes unit or kind gets a new point; its label says what is different. */
static void write_label(const struct hyp_series *series, const struct hyp_value *value,
                        struct hyp_buf *out)
{
    hyp_buf_append_str(out, value->label);
    for (uint32_t i = 0; i < series->column_count; i++) {
        if (hyp_point_key_equal(&series->columns[i].key, &value->key)) {
            if (value->label.len == 0) {
                hyp_point_key_format(out, &value->key);
            }
            const char *unit = hyp_unit_text(value->unit);
            hyp_buf_append_fmt(out, " (%s)",
                               unit[0] == '\0' ? kind_texts[expected_kind(value)] : unit);
            return;
        }
    }
}

static enum hyp_status note_grown(struct hyp_plan *plan, hyp_device_id device)
{
    if (plan->grown_count > 0 && plan->grown[plan->grown_count - 1].id == device.id) {
        return HYP_OK;
    }
    enum hyp_status status = hyp_reserve(&plan->grown, &plan->grown_capacity,
                                         plan->grown_count + 1, sizeof(*plan->grown));
    if (status == HYP_OK) {
        plan->grown[plan->grown_count++] = device;
    }
    return status;
}

static enum hyp_status create_point(struct hyp_plan *plan, struct hyp_store *store,
                                    struct hyp_series *series, const struct hyp_value *value)
{
    if (series->column_count >= HYP_LIMIT_DEVICE_POINTS) {
        return HYP_LIMIT;
    }
    char key_text[HYP_POINT_KEY_TEXT_MAX];
    struct hyp_buf key;
    hyp_buf_init_fixed(&key, key_text, sizeof(key_text));
    hyp_point_key_format(&key, &value->key);
    char label_text[HYP_LIMIT_NAME];
    struct hyp_buf label;
    hyp_buf_init_fixed(&label, label_text, sizeof(label_text) - 1);
    write_label(series, value, &label);
    enum hyp_value_kind kind = expected_kind(value);
    struct hyp_query query;
    hyp_query_open(&query, store->write.main,
                   "INSERT INTO point(device, name, unit, kind, label)"
                   " VALUES ($1, $2, $3, $4, $5) RETURNING id");
    hyp_query_bind_i64(&query, series->device.id);
    hyp_query_bind_str(&query, hyp_buf_view(&key));
    hyp_query_bind_text(&query, hyp_unit_text(value->unit));
    hyp_query_bind_text(&query, kind_texts[kind]);
    hyp_query_bind_str(&query, hyp_buf_view(&label));
    int64_t id = hyp_query_row(&query) ? hyp_query_i64(&query) : 0;
    enum hyp_status status = hyp_query_close(&query);
    if (status == HYP_OK) {
        status = note_grown(plan, series->device);
    }
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_column column = {.point = id,
                                .key = value->key,
                                .unit = (uint8_t)value->unit,
                                .value_kind = (uint8_t)kind};
    return hyp_historian_add_point(store->historian, series, &column, hyp_buf_view(&label));
}

/* --- values --- */

/* Fills payload, exponent and quality. */
static enum hyp_status fill_cell(struct hyp_store *store, const struct hyp_value *value,
                                 struct hyp_cell *cell)
{
    cell->quality = (uint8_t)value->quality;
    if (!hyp_quality_is_usable(value->quality)) {
        return HYP_OK;
    }
    uint32_t text;
    enum hyp_status status;
    switch (value->kind) {
    case HYP_VALUE_UNSET: return HYP_INTERNAL;
    case HYP_VALUE_DECIMAL:
        cell->payload = value->decimal.digits;
        cell->exp10 = value->decimal.exp10;
        return HYP_OK;
    case HYP_VALUE_CIVIL: cell->payload = hyp_series_pack_civil(&value->civil); return HYP_OK;
    case HYP_VALUE_FLAGS: cell->payload = (int64_t)value->flags; return HYP_OK;
    case HYP_VALUE_TEXT:
        status = hyp_historian_text(store->historian, value->text, &text);
        cell->payload = status == HYP_OK ? text : 0;
        return status;
    }
    return HYP_INTERNAL;
}

/* One cell for a value; creates its point on first sight. LIMIT = the value is dropped. */
static enum hyp_status plan_value(struct hyp_plan *plan, struct hyp_store *store,
                                  struct hyp_series *series, const struct hyp_value *given,
                                  uint32_t *hint, struct hyp_cell *cell)
{
    struct hyp_value changed;
    const struct hyp_value *value = given;
    int exp10;
    if (given->kind == HYP_VALUE_DECIMAL && hyp_quality_is_usable(given->quality) &&
        hyp_unit_canonical(given->unit, &exp10) != given->unit) {
        changed = *given;
        value = &changed;
        if (hyp_unit_normalise(&changed.decimal, &changed.unit) != HYP_OK) {
            /* Beyond any exponent: there is no number to keep. */
            changed.quality = HYP_QUALITY_INVALID;
        }
    }
    uint32_t column = find_column(series, value, *hint);
    if (column == UINT32_MAX) {
        enum hyp_status status = create_point(plan, store, series, value);
        if (status != HYP_OK) {
            return status;
        }
        column = series->column_count - 1;
    }
    *hint = column + 1 < series->column_count ? column + 1 : 0;
    *cell = (struct hyp_cell){.column = (uint16_t)column};
    return fill_cell(store, value, cell);
}

/* --- readings --- */

/* Moves the cells whose column did not come before in [from, end) to the front; returns how
 * many. A device may send one register twice: the second goes into a row of its own. */
static size_t take_distinct(struct hyp_plan *plan, size_t from)
{
    plan->pass++;
    size_t taken = from;
    for (size_t i = from; i < plan->cell_count; i++) {
        struct hyp_cell cell = plan->cells[i];
        if (plan->seen[cell.column] != plan->pass) {
            plan->seen[cell.column] = plan->pass;
            plan->cells[i] = plan->cells[taken];
            plan->cells[taken++] = cell;
        }
    }
    return taken - from;
}

static enum hyp_status add_row(struct hyp_plan *plan, struct hyp_store *store,
                               struct hyp_series *series, const struct hyp_reading *reading,
                               size_t first, size_t count)
{
    struct hyp_planned_row planned = {
        .device = reading->device,
        .first_cell = first,
        .frame = reading->frame == HYP_NO_FRAME ? 0 : (uint32_t)reading->frame + 1,
        .row = {.time = reading->source_time.ms,
                .receive = reading->receive_time.ms,
                .kind = (uint8_t)reading->kind,
                .source = (uint8_t)reading->source},
    };
    size_t kept = count;
    enum hyp_status status = hyp_historian_filter(store->historian, series, &planned.row,
                                                  &plan->cells[first], &kept);
    if (status == HYP_OK) {
        status = hyp_seal_filter(store, series, &planned.row, &plan->cells[first], &kept);
    }
    if (status == HYP_LIMIT) {
        plan->dropped += count;
        return HYP_OK;
    }
    plan->duplicates += count - kept;
    if (status != HYP_OK || kept == 0) {
        return status;
    }
    status =
        hyp_reserve(&plan->rows, &plan->row_capacity, plan->row_count + 1, sizeof(*plan->rows));
    if (status == HYP_OK) {
        planned.row.cells = (uint16_t)kept;
        plan->rows[plan->row_count++] = planned;
    }
    return status;
}

static enum hyp_status plan_reading(struct hyp_plan *plan, struct hyp_store *store,
                                    const struct hyp_reading *reading)
{
    struct hyp_series *series = hyp_historian_find(store->historian, reading->device);
    if (series == NULL) {
        plan->dropped += reading->value_count;
        return HYP_OK;
    }
    size_t first = plan->cell_count;
    enum hyp_status status = hyp_reserve(&plan->cells, &plan->cell_capacity,
                                         first + reading->value_count, sizeof(*plan->cells));
    uint32_t hint = 0;
    for (size_t i = 0; status == HYP_OK && i < reading->value_count; i++) {
        if (reading->values[i].key.name == HYP_NAME_UNKNOWN) {
            /* By the vocabulary no series; the frame keeps what it was. */
            continue;
        }
        status = plan_value(plan, store, series, &reading->values[i], &hint,
                            &plan->cells[plan->cell_count]);
        if (status == HYP_LIMIT) {
            plan->dropped++;
            status = HYP_OK;
        } else if (status == HYP_OK) {
            plan->cell_count++;
        }
    }
    while (status == HYP_OK && first < plan->cell_count) {
        size_t count = take_distinct(plan, first);
        status = add_row(plan, store, series, reading, first, count);
        first += count;
    }
    return status;
}

/* --- log --- */

static void log_row(struct hyp_log_writer *writer, const struct hyp_plan *plan,
                    struct hyp_store *store, const struct hyp_planned_row *planned)
{
    const struct hyp_series *series = hyp_historian_find(store->historian, planned->device);
    struct hyp_log_reading reading = {.device = planned->device.id,
                                      .time = planned->row.time,
                                      .receive = planned->row.receive,
                                      .kind = planned->row.kind,
                                      .source = planned->row.source,
                                      .frame = planned->frame,
                                      .value_count = planned->row.cells};
    hyp_log_reading(writer, &reading);
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

static int64_t newest_time(const struct hyp_plan *plan, size_t first_row)
{
    int64_t newest = INT64_MIN;
    for (size_t i = first_row; i < plan->row_count; i++) {
        newest = HYP_MAX(newest, plan->rows[i].row.time);
    }
    return newest;
}

static enum hyp_status write_log(struct hyp_plan *plan, struct hyp_store *store,
                                 size_t first_row, int64_t frame_log_row)
{
    if (plan->row_count == first_row) {
        return HYP_OK;
    }
    hyp_buf_reset(&plan->blob);
    struct hyp_log_writer writer;
    hyp_log_begin(&writer, &plan->blob, frame_log_row, plan->row_count - first_row);
    for (size_t i = first_row; i < plan->row_count; i++) {
        struct hyp_planned_row *planned = &plan->rows[i];
        if (planned->frame != 0) {
            planned->frame = plan->frame_uses[planned->frame - 1];
            planned->row.frame = hyp_frame_number(frame_log_row, planned->frame - 1);
        }
        log_row(&writer, plan, store, planned);
    }
    enum hyp_status status = hyp_log_end(&writer);
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
    int64_t row = hyp_intake_log_add(store->write.main, plan->blob.data, plan->blob.len);
    plan->log[plan->log_count++] =
        (struct hyp_planned_log){.row = row, .newest = newest_time(plan, first_row)};
    return store->write.main->failed;
}

enum hyp_status hyp_plan_batch(struct hyp_plan *plan, struct hyp_store *store,
                               const struct hyp_batch *batch)
{
    size_t first_row = plan->row_count;
    for (size_t i = 0; i < batch->reading_count; i++) {
        enum hyp_status status = plan_reading(plan, store, &batch->readings[i]);
        if (status != HYP_OK) {
            return status;
        }
    }
    size_t frames = hyp_plan_choose_frames(plan, store, batch, first_row);
    int64_t frame_log_row;
    enum hyp_status status = hyp_plan_log_frames(plan, store, frames, &frame_log_row);
    if (status == HYP_OK) {
        status = hyp_plan_log_replaced(plan, store, batch, frame_log_row);
    }
    if (status != HYP_OK) {
        return status;
    }
    return write_log(plan, store, first_row, frame_log_row);
}

/* --- after the commit --- */

void hyp_plan_commit(struct hyp_plan *plan, struct hyp_store *store)
{
    for (size_t i = 0; i < plan->grown_count; i++) {
        struct hyp_series *series = hyp_historian_find(store->historian, plan->grown[i]);
        hyp_historian_commit_points(store->historian, series);
    }
    for (size_t i = 0; i < plan->frame_count; i++) {
        hyp_frames_keep(store, &plan->frames[i]);
    }
    plan->frame_count = 0;
    for (size_t i = 0; i < plan->log_count; i++) {
        HYP_IGNORE(hyp_seal_note_log(store, plan->log[i].row,
                                     plan->log[i].newest)); /* room was reserved */
    }
    if (plan->replaced_count > 0) {
        hyp_replaced_apply(store, plan->replaced, plan->replaced_count);
    }
    plan->replaced_count = 0;
}

void hyp_plan_rollback(struct hyp_plan *plan, struct hyp_store *store)
{
    for (size_t i = 0; i < plan->grown_count; i++) {
        struct hyp_series *series = hyp_historian_find(store->historian, plan->grown[i]);
        hyp_historian_rollback_points(store->historian, series);
    }
    hyp_plan_reset(plan);
}

enum hyp_status hyp_plan_apply(struct hyp_plan *plan, struct hyp_store *store)
{
    for (; plan->applied < plan->row_count; plan->applied++) {
        struct hyp_planned_row *planned = &plan->rows[plan->applied];
        struct hyp_series *series = hyp_historian_find(store->historian, planned->device);
        if (series == NULL) {
            planned->row.cells = 0;
            continue;
        }
        /* Again, because the batches of one group did not see each other. */
        struct hyp_cell *cells = &plan->cells[planned->first_cell];
        size_t count = planned->row.cells;
        enum hyp_status status =
            hyp_historian_filter(store->historian, series, &planned->row, cells, &count);
        if (status == HYP_OK && count > 0) {
            struct hyp_row row = planned->row;
            row.cells = (uint16_t)count;
            status = hyp_historian_insert(store->historian, series, &row, cells);
        }
        if (status == HYP_NO_MEMORY) {
            return status;
        }
        plan->duplicates += status == HYP_LIMIT ? 0 : planned->row.cells - count;
        planned->row.cells = (uint16_t)count;
    }
    return HYP_OK;
}
