/* SPDX-License-Identifier: Apache-2.0 */
#include "service/counting.h"
#include "service/inside.h"

#define DAY_MS (24LL * 3600 * 1000)

/* How far neighbours are looked for: most are near. */
static const int64_t reaches_ms[] = {DAY_MS, 32 * DAY_MS, 400 * DAY_MS};

struct neighbour {
    bool found;
    hyp_utc time;
    struct hyp_decimal number;
};

static bool is_usable(const struct hyp_stored_value *value)
{
    return value->kind == HYP_VALUE_DECIMAL && hyp_quality_is_usable(value->quality);
}

static void keep(struct neighbour *neighbour, const struct hyp_stored_value *value)
{
    *neighbour =
        (struct neighbour){.found = true, .time = value->time, .number = value->decimal};
}

/* The usable value nearest to `time`, but not at it. */
static enum hyp_status find_neighbour(struct hyp_service *service, hyp_tenant_id tenant,
                                      hyp_point_id point, hyp_utc time, bool before,
                                      struct hyp_arena *arena, struct neighbour *ret_neighbour)
{
    enum hyp_status status = HYP_OK;
    *ret_neighbour = (struct neighbour){0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(reaches_ms) && status == HYP_OK; i++) {
        struct hyp_stored_value *values = NULL;
        size_t count = 0;
        hyp_utc from = {before ? time.ms - reaches_ms[i] : time.ms + 1};
        hyp_utc to = {before ? time.ms : time.ms + reaches_ms[i]};
        status = hyp_store_series(service->config.store, tenant, point, from, to, arena,
                                  &values, &count);
        for (size_t k = 0; status == HYP_OK && k < count; k++) {
            const struct hyp_stored_value *value = &values[before ? count - 1 - k : k];
            if (is_usable(value)) {
                keep(ret_neighbour, value);
                return HYP_OK;
            }
        }
    }
    return status;
}

/* Was the meter exchanged, or its register reset, in (from, to]? */
static bool has_event(const struct hyp_counter_entry *entries, size_t count, hyp_utc from,
                      hyp_utc to)
{
    for (size_t i = 0; i < count; i++) {
        if (entries[i].time.ms > from.ms && entries[i].time.ms <= to.ms) {
            return true;
        }
    }
    return false;
}

static enum hyp_status refuse(const struct hyp_entry *entry, const struct neighbour *neighbour,
                              bool before, struct hyp_error *err)
{
    char text[96];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_decimal_format(&buf, neighbour->number);
    hyp_buf_append_char(&buf, ' ');
    hyp_buf_append_text(&buf, hyp_unit_text(entry->unit));
    hyp_buf_append_text(&buf, " of ");
    hyp_utc_format(&buf, neighbour->time);
    return hyp_error_set(err, HYP_INVALID, -1,
                         "confirm: %s than the %s, and a counter goes forward. Check it, enter "
                         "an exchange or a reset, or confirm it.",
                         before ? "less" : "more", hyp_buf_terminate(&buf));
}

static enum hyp_status check_point(struct hyp_service *service, hyp_tenant_id tenant,
                                   hyp_point_id point, const struct hyp_entry *entry,
                                   struct hyp_arena *arena, struct hyp_error *err)
{
    struct neighbour before;
    struct neighbour after = {0};
    struct hyp_counter_entry *entries = NULL;
    size_t count = 0;
    enum hyp_status status =
        find_neighbour(service, tenant, point, entry->time, true, arena, &before);
    if (status == HYP_OK) {
        status = find_neighbour(service, tenant, point, entry->time, false, arena, &after);
    }
    if (status == HYP_OK) {
        status = hyp_store_counter_entries(service->config.store, tenant, point, arena,
                                           &entries, &count);
    }
    if (status != HYP_OK) {
        return status;
    }
    if (before.found && hyp_decimal_compare(entry->decimal, before.number) < 0 &&
        !has_event(entries, count, before.time, entry->time)) {
        return refuse(entry, &before, true, err);
    }
    if (after.found && hyp_decimal_compare(entry->decimal, after.number) > 0 &&
        !has_event(entries, count, entry->time, after.time)) {
        return refuse(entry, &after, false, err);
    }
    return HYP_OK;
}

enum hyp_status hyp_counter_check(struct hyp_service *service, hyp_tenant_id tenant,
                                  const struct hyp_entry *entry, struct hyp_arena *arena,
                                  struct hyp_error *err)
{
    struct hyp_point *points = NULL;
    size_t count = 0;
    enum hyp_status status =
        hyp_store_points(service->config.store, tenant, entry->device, arena, &points, &count);
    if (status != HYP_OK) {
        return status == HYP_NOT_FOUND ? HYP_OK : status; /* nothing to compare with */
    }
    for (size_t i = 0; i < count; i++) {
        if (hyp_point_is_counter(&points[i]) && points[i].unit == entry->unit &&
            hyp_point_key_equal(&points[i].key, &entry->key)) {
            return check_point(service, tenant, points[i].id, entry, arena, err);
        }
    }
    return HYP_OK;
}
