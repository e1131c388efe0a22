/* SPDX-License-Identifier: Apache-2.0 */
#include "service/life.h"

#include "service/backups.h"
#include "service/inside.h"

/* 2000-01-01: nobody has older readings to type in. */
#define OLDEST_MS 946684800000LL

/* --- entering --- */

/* The unit of the register that the device has of this key, or of the vocabulary's word. */
static enum hyp_status find_unit(struct hyp_service *service, hyp_tenant_id tenant,
                                 const struct hyp_typed_value *typed, struct hyp_arena *arena,
                                 struct hyp_entry *entry, struct hyp_error *err)
{
    struct hyp_point *points = NULL;
    size_t count = 0;
    if (typed->unit.len > 0) {
        return hyp_unit_find(typed->unit, &entry->unit) == HYP_OK
                   ? HYP_OK
                   : hyp_error_set(err, HYP_INVALID, -1, "unit: \"%.*s\" is none.",
                                   HYP_STR_ARG(typed->unit));
    }
    enum hyp_status status =
        hyp_store_points(service->config.store, tenant, typed->device, arena, &points, &count);
    if (status != HYP_OK && status != HYP_NOT_FOUND) {
        return status;
    }
    entry->unit = hyp_vocabulary_word((enum hyp_name)entry->key.name)->unit;
    for (size_t i = 0; i < count; i++) {
        if (hyp_point_key_equal(&points[i].key, &entry->key) &&
            points[i].kind == HYP_VALUE_DECIMAL) {
            entry->unit = points[i].unit;
            break;
        }
    }
    return HYP_OK;
}

static bool is_number_word(enum hyp_name name)
{
    switch (hyp_vocabulary_word(name)->quantity) {
    case HYP_QUANTITY_TIME:
    case HYP_QUANTITY_TEXT:
    case HYP_QUANTITY_IDENTIFIER:
    case HYP_QUANTITY_FLAGS: return false;
    default: return true;
    }
}

static enum hyp_status read_quality(struct hyp_str text, enum hyp_quality *ret_quality)
{
    *ret_quality = HYP_QUALITY_MANUAL;
    return text.len == 0 ? HYP_OK : hyp_quality_find(text, ret_quality);
}

/* Others are refused by the store. */
static bool is_typed(enum hyp_quality quality)
{
    return quality == HYP_QUALITY_MANUAL || quality == HYP_QUALITY_ESTIMATED ||
           quality == HYP_QUALITY_CORRECTED;
}

static enum hyp_status read_typed(struct hyp_service *service,
                                  const struct hyp_typed_value *typed, struct hyp_entry *entry,
                                  struct hyp_error *err)
{
    if (hyp_point_key_parse(typed->key, &entry->key) != HYP_OK ||
        !is_number_word((enum hyp_name)entry->key.name)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "key: \"%.*s\" is no register with numbers, like \"energy\".",
                             HYP_STR_ARG(typed->key));
    }
    if (hyp_decimal_parse(typed->number, &entry->decimal) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1, "value: \"%.*s\" is no number like 123.45.",
                             HYP_STR_ARG(typed->number));
    }
    if (read_quality(typed->quality, &entry->quality) != HYP_OK) {
        entry->quality = HYP_QUALITY_UNSET; /* the store says which there are */
    }
    if (typed->time.ms < OLDEST_MS || typed->time.ms > hyp_service_now(service).ms) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "time: must be between the year 2000 and now.");
    }
    if (hyp_str_trim(typed->reason).len == 0) {
        return hyp_error_set(err, HYP_INVALID, -1, "reason: say why, in a few words.");
    }
    return HYP_OK;
}

static const char *author_name(struct hyp_service *service, int64_t id, struct hyp_user *user)
{
    if (hyp_store_user(service->config.store, id, user) != HYP_OK) {
        return "";
    }
    return user->name[0] == '\0' ? user->login : user->name;
}

enum hyp_status hyp_life_enter(struct hyp_service *service, const struct hyp_scope *scope,
                               const struct hyp_typed_value *typed, struct hyp_arena *arena,
                               bool *ret_stored, struct hyp_error *err)
{
    hyp_tenant_id tenant = {0};
    struct hyp_entry entry = {.device = typed->device, .time = typed->time};
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_WRITE, err);
    if (status == HYP_OK) {
        tenant = hyp_scope_tenant(scope);
        status = hyp_directory_has_device(service->directory, tenant, typed->device)
                     ? read_typed(service, typed, &entry, err)
                     : hyp_service_not_found(err, "device", typed->device.id);
    }
    if (status == HYP_OK) {
        status = find_unit(service, tenant, typed, arena, &entry, err);
    }
    if (status == HYP_OK && !typed->confirmed && is_typed(entry.quality)) {
        status = hyp_counter_check(service, tenant, &entry, arena, err);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    struct hyp_user user;
    char reason[HYP_ERROR_TEXT_MAX];
    hyp_text_copy(reason, sizeof(reason), hyp_str_trim(typed->reason));
    entry.tenant = tenant;
    entry.user = hyp_scope_user(scope);
    entry.author = author_name(service, entry.user, &user);
    entry.reason = reason;
    status = hyp_store_enter(service->config.store, &entry, ret_stored, err);
    if (status == HYP_OK && *ret_stored) {
        /* Not the value: the log outlives readings that are forgotten. */
        hyp_service_audit(service, scope, "reading.enter", "device", typed->device.id,
                          "%.*s, %s", HYP_STR_ARG(typed->key), hyp_quality_text(entry.quality));
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_life_versions(struct hyp_service *service, const struct hyp_scope *scope,
                                  const struct hyp_version_query *query,
                                  struct hyp_arena *arena, struct hyp_version **ret_versions,
                                  size_t *ret_count, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    if (query->from.ms >= query->to.ms) {
        return hyp_error_set(err, HYP_INVALID, -1, "from: must be before \"to\".");
    }
    status = hyp_store_versions(service->config.store, hyp_scope_tenant(scope), query->point,
                                query->from, query->to, query->limit, arena, ret_versions,
                                ret_count);
    if (status == HYP_NOT_FOUND) {
        return hyp_service_not_found(err, "point", query->point.id);
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

/* --- retention --- */

enum hyp_status hyp_life_retention(struct hyp_service *service, const struct hyp_scope *scope,
                                   struct hyp_retention *ret_retention, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_SYSTEM_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_retention(service->config.store, hyp_scope_tenant(scope), ret_retention);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_life_retention_set(struct hyp_service *service,
                                       const struct hyp_scope *scope,
                                       const struct hyp_retention *retention,
                                       struct hyp_error *err)
{
    struct hyp_retention before = {0};
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DATA_MANAGE, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_tenant_id tenant = hyp_scope_tenant(scope);
    status = hyp_store_retention(service->config.store, tenant, &before);
    if (status == HYP_OK) {
        status = hyp_store_retention_set(service->config.store, tenant, retention, err);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "data.retention", "tenant", tenant.id,
                      "months %lld/%lld -> %lld/%lld, hour %lld -> %lld",
                      (long long)before.full_months, (long long)before.day_months,
                      (long long)retention->full_months, (long long)retention->day_months,
                      (long long)before.day_hour, (long long)retention->day_hour);
    return HYP_OK;
}

enum hyp_status hyp_life_retention_plan(struct hyp_service *service,
                                        const struct hyp_scope *scope,
                                        const struct hyp_retention *rule,
                                        struct hyp_retention_plan *ret_plan,
                                        struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DATA_MANAGE, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_retention_plan(service->config.store, hyp_scope_tenant(scope), rule,
                                      ret_plan, err);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

/* --- forgetting --- */

enum hyp_status hyp_life_forget(struct hyp_service *service, const struct hyp_scope *scope,
                                struct hyp_forgotten *forgotten, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DATA_MANAGE, err);
    if (status != HYP_OK) {
        return status;
    }
    forgotten->tenant = hyp_scope_tenant(scope);
    forgotten->user = hyp_scope_user(scope);
    if (!hyp_directory_has_device(service->directory, forgotten->tenant, forgotten->device)) {
        return hyp_service_not_found(err, "device", forgotten->device.id);
    }
    if (forgotten->reason[0] == '\0') {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "reason: say why; it stays, so name nobody in it.");
    }
    status = hyp_store_forget(service->config.store, forgotten, err);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "data.forget", "device", forgotten->device.id,
                      "request %lld", (long long)forgotten->id);
    return HYP_OK;
}

enum hyp_status hyp_life_forgotten(struct hyp_service *service, const struct hyp_scope *scope,
                                   struct hyp_arena *arena, struct hyp_forgotten **ret_list,
                                   size_t *ret_count, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DATA_MANAGE, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_store_forgotten(service->config.store, hyp_scope_tenant(scope), arena,
                                 ret_list, ret_count);
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

/* --- backups that still have it --- */

enum hyp_status hyp_life_backups(struct hyp_service *service, const struct hyp_scope *scope,
                                 struct hyp_arena *arena, struct hyp_life_backups *ret_backups,
                                 struct hyp_error *err)
{
    bool made;
    enum hyp_status status =
        hyp_service_backups(service, scope, arena, &made, &ret_backups->report, err);
    if (status != HYP_OK) {
        return status;
    }
    ret_backups->room =
        hyp_arena_alloc_array(arena, ret_backups->report.count + 1, sizeof(*ret_backups->room));
    return ret_backups->room == NULL ? hyp_service_explain_failure(err, HYP_NO_MEMORY) : HYP_OK;
}

const char *hyp_life_unseen_copies(struct hyp_service *service)
{
    struct hyp_store_stats stats;
    hyp_store_stats(service->config.store, &stats);
    return stats.in_database
               ? "Not listed, and yours to remove: what pg_dump, pg_basebackup or archived "
                 "logs of the database hold, and copies of backups in other places or under "
                 "other names."
               : "Not listed, and yours to remove: copies of backups in other places or under "
                 "other names.";
}

static enum hyp_status find_forgotten(struct hyp_service *service,
                                      const struct hyp_scope *scope, int64_t id,
                                      struct hyp_arena *arena,
                                      struct hyp_forgotten *ret_forgotten,
                                      struct hyp_error *err)
{
    struct hyp_forgotten *list = NULL;
    size_t count = 0;
    enum hyp_status status = hyp_store_forgotten(service->config.store, hyp_scope_tenant(scope),
                                                 arena, &list, &count);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].id == id) {
            *ret_forgotten = list[i];
            return HYP_OK;
        }
    }
    return hyp_service_not_found(err, "request", id);
}

/* How many backups a new one takes the place of, for the audit; CONFLICT for none. */
static enum hyp_status count_removable(const struct hyp_life_removal *removal,
                                       size_t *ret_count, struct hyp_error *err)
{
    const struct hyp_life_backups *backups = &removal->backups;
    size_t count =
        hyp_backups_holding(&backups->report, removal->forgotten.ended, backups->room);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        *ret_count += backups->room[i].backup->own;
    }
    return *ret_count > 0
               ? HYP_OK
               : hyp_error_set(err, HYP_CONFLICT, -1,
                               "No backup of this server has these readings any more.");
}

enum hyp_status hyp_life_remove_backups(struct hyp_service *service,
                                        const struct hyp_scope *scope, int64_t id,
                                        struct hyp_arena *arena,
                                        struct hyp_life_removal *ret_removal,
                                        struct hyp_error *err)
{
    size_t count = 0;
    struct hyp_forgotten *forgotten = &ret_removal->forgotten;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_BACKUP_REMOVE, err);
    if (status == HYP_OK) {
        status = find_forgotten(service, scope, id, arena, forgotten, err);
    }
    if (status == HYP_OK && service->config.backups == NULL) {
        return hyp_error_set(err, HYP_UNSUPPORTED, -1,
                             "This server makes no backups, so it has none to remove.");
    }
    if (status == HYP_OK && forgotten->ended.ms == 0) {
        return hyp_error_set(err, HYP_CONFLICT, -1,
                             "The readings are not wiped yet: a new backup would have them "
                             "too. Ask again when the request has ended.");
    }
    if (status == HYP_OK) {
        status = hyp_life_backups(service, scope, arena, &ret_removal->backups, err);
    }
    if (status == HYP_OK) {
        status = count_removable(ret_removal, &count, err);
    }
    if (status == HYP_OK) {
        status = hyp_backups_replace(service->config.backups, forgotten->ended, err);
    }
    if (status == HYP_OK) {
        hyp_service_audit(service, scope, "backup.remove", "forgotten", id,
                          "%zu backup%s, once a new one is there", count,
                          count == 1 ? "" : "s");
    }
    return status;
}
