/* SPDX-License-Identifier: Apache-2.0 */
#include "store/plan_value.h"

#include "store/historian.h"

#include <assert.h>
#include <string.h>

/* --- points --- */

/* The column of a key. Absent values fit any unit and kind; others must agree. */
static uint32_t find_column(const struct hyp_series *series, const struct hyp_value *value,
                            uint32_t hint)
{
    struct hyp_register reg = hyp_register_of(&value->key, value->unit, value->kind);
    bool usable = hyp_quality_is_usable(value->quality);
    uint32_t count = series->column_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = hint + i < count ? hint + i : hint + i - count;
        struct hyp_register there = series->columns[at].reg;
        if (usable ? hyp_register_equal(there, reg) : hyp_register_same_key(there, reg)) {
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
    struct hyp_register reg = hyp_register_of(&value->key, value->unit, value->kind);
    for (uint32_t i = 0; i < series->column_count; i++) {
        if (hyp_register_same_key(series->columns[i].reg, reg)) {
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
                   hyp_db_knows_ids(store->write.main)
                       ? "INSERT INTO point(device, name, unit, kind, label)"
                         " VALUES ($1, $2, $3, $4, $5)"
                       : "INSERT INTO point(device, name, unit, kind, label)"
                         " VALUES ($1, $2, $3, $4, $5) RETURNING id");
    hyp_query_bind_i64(&query, series->device.id);
    hyp_query_bind_str(&query, hyp_buf_view(&key));
    hyp_query_bind_text(&query, hyp_unit_text(value->unit));
    hyp_query_bind_text(&query, kind_texts[kind]);
    hyp_query_bind_str(&query, hyp_buf_view(&label));
    int64_t id = 0;
    enum hyp_status status = hyp_query_insert(&query, &id);
    if (status == HYP_OK) {
        status = note_grown(plan, series->device);
    }
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_column column = {.point = id,
                                .reg = hyp_register_of(&value->key, value->unit, kind),
                                .value_kind = (uint8_t)kind & 0x7Fu};
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

/* Is the value of this column and one number? Units of columns are canonical, so one that
 * agrees needs no conversion. All is compared at once: it nearly always agrees. */
static bool is_expected(const struct hyp_column *column, const struct hyp_queued_value *value)
{
    bool plain = (value->reg.what & HYP_QUEUED_PLAIN) != 0;
    return hyp_register_equal(column->reg, value->reg) & plain;
}

size_t hyp_plan_run(const struct hyp_series *series, const struct hyp_queued_value *values,
                    size_t count, uint32_t hint, struct hyp_cell *cells)
{
    const struct hyp_column *columns = series->columns + hint;
    count = HYP_MIN(count, (size_t)(series->column_count - hint));
    size_t i = 0;
    for (; i < count && is_expected(&columns[i], &values[i]); i++) {
        cells[i] = (struct hyp_cell){.payload = values[i].payload,
                                     .column = (uint16_t)(hint + i),
                                     .exp10 = hyp_queued_exponent(&values[i]),
                                     .quality = (uint8_t)hyp_queued_quality(&values[i])};
    }
    return i;
}

enum hyp_status hyp_plan_value(struct hyp_plan *plan, struct hyp_store *store,
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
