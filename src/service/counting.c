/* SPDX-License-Identifier: Apache-2.0 */
#include "service/counting.h"

#include "metering/calendar.h"
#include "model/vocabulary.h"
#include "service/inside.h"

#define DIGITS_MAX 15

bool hyp_point_is_counter(const struct hyp_point *point)
{
    const struct hyp_word *word = hyp_vocabulary_word((enum hyp_name)point->key.name);
    return word->aggregation == HYP_AGGREGATION_COUNTER && point->kind == HYP_VALUE_DECIMAL &&
           point->key.function == HYP_FUNCTION_INSTANTANEOUS;
}

static enum hyp_status find_counter(struct hyp_service *service, const struct hyp_scope *scope,
                                    enum hyp_permission permission, hyp_point_id id,
                                    struct hyp_point *ret_point, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, permission, err);
    if (status != HYP_OK) {
        return status;
    }
    if (hyp_store_point(service->config.store, hyp_scope_tenant(scope), id, ret_point) !=
        HYP_OK) {
        return hyp_service_not_found(err, "point", id.id);
    }
    return hyp_point_is_counter(ret_point)
               ? HYP_OK
               : hyp_error_set(err, HYP_UNSUPPORTED, -1,
                               "This register is no counter: nothing is counted in it.");
}

enum hyp_status hyp_counting_get(struct hyp_service *service, const struct hyp_scope *scope,
                                 hyp_point_id point, struct hyp_arena *arena,
                                 struct hyp_counting_view *ret_view, struct hyp_error *err)
{
    struct hyp_store *store = service->config.store;
    struct hyp_counting_view view = {0};
    enum hyp_status status =
        find_counter(service, scope, HYP_PERMISSION_READING_READ, point, &view.point, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_counting(store, hyp_scope_tenant(scope), point, &view.counting);
    if (status == HYP_OK) {
        status = hyp_store_counter_entries(store, hyp_scope_tenant(scope), point, arena,
                                           &view.entries, &view.entry_count);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    *ret_view = view;
    return HYP_OK;
}

static enum hyp_status check_counting(const struct hyp_counting *counting,
                                      struct hyp_error *err)
{
    if (counting->digits < 0 || counting->digits > DIGITS_MAX) {
        return hyp_error_set(err, HYP_INVALID, -1, "digits: must be 1..%d, or null.",
                             DIGITS_MAX);
    }
    if (counting->settlement_day < 1 || counting->settlement_day > HYP_SETTLEMENT_DAY_MAX) {
        return hyp_error_set(err, HYP_INVALID, -1, "settlement_day: must be 1..%d.",
                             HYP_SETTLEMENT_DAY_MAX);
    }
    return counting->settlement_hour >= 0 && counting->settlement_hour <= 23
               ? HYP_OK
               : hyp_error_set(err, HYP_INVALID, -1, "settlement_hour: must be 0..23.");
}

enum hyp_status hyp_counting_set(struct hyp_service *service, const struct hyp_scope *scope,
                                 hyp_point_id id, const struct hyp_counting *counting,
                                 struct hyp_error *err)
{
    struct hyp_point point;
    enum hyp_status status =
        find_counter(service, scope, HYP_PERMISSION_READING_WRITE, id, &point, err);
    if (status == HYP_OK) {
        status = check_counting(counting, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_counting_set(service->config.store, hyp_scope_tenant(scope), id,
                                    counting, err);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "counting.set", "point", id.id,
                      "digits %d, settlement day %d hour %d of the device", counting->digits,
                      counting->settlement_day, counting->settlement_hour);
    return HYP_OK;
}

/* --- entries --- */

static enum hyp_status check_entry(struct hyp_service *service,
                                   const struct hyp_counter_entry *entry, struct hyp_error *err)
{
    if (entry->time.ms <= 0 || entry->time.ms > hyp_service_now(service).ms) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "time: must be after 1970 and not in the future.");
    }
    if (entry->closing.digits < 0 || entry->opening.digits < 0) {
        return hyp_error_set(err, HYP_INVALID, -1, "%s: a counter shows no negative number.",
                             entry->closing.digits < 0 ? "closing" : "opening");
    }
    return HYP_OK;
}

enum hyp_status hyp_counting_entry_add(struct hyp_service *service,
                                       const struct hyp_scope *scope,
                                       struct hyp_counter_entry *entry, struct hyp_error *err)
{
    struct hyp_point point;
    char closing[48];
    char opening[48];
    struct hyp_buf text;
    enum hyp_status status =
        find_counter(service, scope, HYP_PERMISSION_READING_WRITE, entry->point, &point, err);
    if (status == HYP_OK) {
        status = check_entry(service, entry, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    entry->author = hyp_scope_user(scope);
    entry->entered = hyp_service_now(service);
    status =
        hyp_store_counter_entry_add(service->config.store, hyp_scope_tenant(scope), entry, err);
    if (status == HYP_EXISTS) {
        return hyp_error_set(
            err, HYP_EXISTS, -1,
            "time: an exchange or reset at this time is known; remove that one "
            "first.");
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_buf_init_fixed(&text, closing, sizeof(closing));
    hyp_decimal_format(&text, entry->closing);
    hyp_buf_terminate(&text);
    hyp_buf_init_fixed(&text, opening, sizeof(opening));
    hyp_decimal_format(&text, entry->opening);
    hyp_buf_terminate(&text);
    hyp_service_audit(service, scope, "counting.event", "point", entry->point.id,
                      "%s: closing %s, opening %s", hyp_counter_entry_kind_text(entry->kind),
                      closing, opening);
    return HYP_OK;
}

enum hyp_status hyp_counting_entry_remove(struct hyp_service *service,
                                          const struct hyp_scope *scope, hyp_point_id point,
                                          int64_t id, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_counter_entry_remove(service->config.store, hyp_scope_tenant(scope),
                                            point, id, err);
    if (status == HYP_NOT_FOUND) {
        return hyp_service_not_found(err, "exchange or reset", id);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "counting.event_removed", "point", point.id, "event %lld",
                      (long long)id);
    return HYP_OK;
}

/* --- for the metering room --- */

static enum hyp_status copy_events(const struct hyp_counter_entry *entries, size_t count,
                                   struct hyp_arena *arena,
                                   struct hyp_counter_event **ret_events)
{
    struct hyp_counter_event *events = hyp_arena_alloc_array(arena, count + 1, sizeof(*events));
    if (events == NULL) {
        return HYP_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        events[i] =
            (struct hyp_counter_event){entries[i].time, entries[i].closing, entries[i].opening};
    }
    *ret_events = events;
    return HYP_OK;
}

enum hyp_status hyp_counting_rules(struct hyp_service *service, hyp_tenant_id tenant,
                                   hyp_point_id point, struct hyp_arena *arena,
                                   struct hyp_counting *ret_counting,
                                   struct hyp_counter_rules *ret_rules,
                                   struct hyp_counter_event **ret_events, size_t *ret_count)
{
    struct hyp_store *store = service->config.store;
    struct hyp_counter_entry *entries = NULL;
    size_t count = 0;
    enum hyp_status status = hyp_store_counting(store, tenant, point, ret_counting);
    if (status == HYP_OK) {
        status = hyp_store_counter_entries(store, tenant, point, arena, &entries, &count);
    }
    if (status == HYP_OK) {
        status = copy_events(entries, count, arena, ret_events);
    }
    if (status != HYP_OK) {
        return status;
    }
    *ret_rules = (struct hyp_counter_rules){0};
    if (ret_counting->digits > 0) {
        ret_rules->modulus = (struct hyp_decimal){1, (int8_t)ret_counting->digits};
    }
    *ret_count = count;
    return HYP_OK;
}
