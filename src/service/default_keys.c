/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default keys of a tenant are one secret of the store:
 *
 *     version 1 | for each: id, created (ms), length of the name, name, 16 bytes of key
 *
 * Numbers are varints. They are read when they are needed and wiped again.
 */
#include "base/bytes.h"
#include "service/inside.h"

#include <string.h>

/* --- default keys: in memory --- */

#define SET_VERSION 1
#define SET_BYTES (2 + HYP_LIMIT_DEFAULT_KEYS * (16 + 3 * 10 + HYP_LIMIT_NAME))

struct key_set {
    size_t count;
    struct hyp_default_key shown[HYP_LIMIT_DEFAULT_KEYS];
    struct hyp_aes_key keys[HYP_LIMIT_DEFAULT_KEYS];
};

static void set_name(char out[static 48], hyp_tenant_id tenant)
{
    struct hyp_buf name;
    hyp_buf_init_fixed(&name, out, 48);
    hyp_buf_append_fmt(&name, "keys.default.%lld", (long long)tenant.id);
    hyp_buf_terminate(&name);
}

static void read_set(const uint8_t *data, size_t len, struct key_set *set)
{
    struct hyp_bytes in = hyp_bytes_from(data, len);
    if (hyp_bytes_u8(&in) != SET_VERSION) {
        return;
    }
    while (hyp_bytes_left(&in) > 0 && set->count < HYP_LIMIT_DEFAULT_KEYS) {
        struct hyp_default_key *shown = &set->shown[set->count];
        shown->id = (int64_t)hyp_bytes_varint(&in);
        shown->created.ms = (int64_t)hyp_bytes_varint(&in);
        size_t name_len = (size_t)hyp_bytes_varint(&in);
        const uint8_t *name = hyp_bytes_take(&in, name_len);
        const uint8_t *key = hyp_bytes_take(&in, sizeof(set->keys[0].bytes));
        if (name == NULL || key == NULL) {
            return;
        }
        hyp_text_copy(shown->name, sizeof(shown->name),
                      (struct hyp_str){(const char *)name, name_len});
        memcpy(set->keys[set->count++].bytes, key, sizeof(set->keys[0].bytes));
    }
}

static enum hyp_status load_set(struct hyp_service *service, hyp_tenant_id tenant,
                                struct key_set *set)
{
    char name[48];
    uint8_t data[SET_BYTES];
    size_t len = 0;
    set_name(name, tenant);
    *set = (struct key_set){.count = 0};
    enum hyp_status status =
        hyp_store_secret_get(service->config.store, name, data, sizeof(data), &len);
    if (status == HYP_OK) {
        read_set(data, len, set);
    }
    hyp_wipe(data, sizeof(data));
    return status == HYP_NOT_FOUND ? HYP_OK : status;
}

/* Stores the set and tells the collector. */
static enum hyp_status save_set(struct hyp_service *service, hyp_tenant_id tenant,
                                const struct key_set *set)
{
    char name[48];
    uint8_t data[SET_BYTES];
    struct hyp_buf out;
    set_name(name, tenant);
    hyp_buf_init_fixed(&out, data, sizeof(data));
    hyp_buf_append_u8(&out, SET_VERSION);
    for (size_t i = 0; i < set->count; i++) {
        struct hyp_str shown = hyp_str_from(set->shown[i].name);
        hyp_buf_append_varint(&out, (uint64_t)set->shown[i].id);
        hyp_buf_append_varint(&out, (uint64_t)set->shown[i].created.ms);
        hyp_buf_append_varint(&out, shown.len);
        hyp_buf_append_str(&out, shown);
        hyp_buf_append(&out, set->keys[i].bytes, sizeof(set->keys[i].bytes));
    }
    enum hyp_status status = hyp_buf_status(&out);
    if (status == HYP_OK) {
        status = hyp_store_secret_put(service->config.store, name, data,
                                      set->count == 0 ? 0 : out.len);
    }
    hyp_wipe(data, sizeof(data));
    struct hyp_collector *collector = atomic_load(&service->collector);
    if (status == HYP_OK && collector != NULL &&
        hyp_collector_set_default_keys(collector, tenant, set->keys, set->count) != HYP_OK) {
        /* They are stored: the keeper hands them over. */
        const struct hyp_store_changes changes = {.keys = true};
        hyp_members_told(service, &changes);
    }
    return status;
}

size_t hyp_default_keys_load(struct hyp_service *service, hyp_tenant_id tenant,
                             struct hyp_aes_key ret_keys[static HYP_LIMIT_DEFAULT_KEYS])
{
    struct key_set set;
    size_t count = load_set(service, tenant, &set) == HYP_OK ? set.count : 0;
    memcpy(ret_keys, set.keys, sizeof(set.keys));
    hyp_wipe(&set, sizeof(set));
    return count;
}

enum hyp_status hyp_default_keys_push(struct hyp_service *service)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    struct hyp_tenant *tenants;
    struct hyp_arena arena;
    size_t count = 0;
    if (collector == NULL) {
        return HYP_OK;
    }
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status = hyp_store_tenants(service->config.store, &arena, &tenants, &count);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        struct key_set set;
        status = load_set(service, tenants[i].id, &set);
        if (status == HYP_OK) {
            status =
                hyp_collector_set_default_keys(collector, tenants[i].id, set.keys, set.count);
        }
        hyp_wipe(&set, sizeof(set));
    }
    hyp_arena_finish(&arena);
    return status;
}

/* --- default keys: use cases --- */

enum hyp_status hyp_default_keys_list(struct hyp_service *service,
                                      const struct hyp_scope *scope, struct hyp_arena *arena,
                                      struct hyp_default_key **ret_keys, size_t *ret_count,
                                      struct hyp_error *err)
{
    struct key_set set;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_KEY_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    status = load_set(service, hyp_scope_tenant(scope), &set);
    struct hyp_default_key *keys =
        hyp_arena_alloc_array(arena, HYP_LIMIT_DEFAULT_KEYS, sizeof(*keys));
    if (status == HYP_OK && keys != NULL) {
        memcpy(keys, set.shown, sizeof(set.shown));
        *ret_keys = keys;
        *ret_count = set.count;
    }
    hyp_wipe(&set, sizeof(set));
    status = status == HYP_OK && keys == NULL ? HYP_NO_MEMORY : status;
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

static enum hyp_status add_to_set(struct hyp_service *service, const struct hyp_scope *scope,
                                  struct key_set *set, struct hyp_str name,
                                  const struct hyp_aes_key *key, struct hyp_error *err)
{
    if (set->count == HYP_LIMIT_DEFAULT_KEYS) {
        return hyp_error_set(err, HYP_CONFLICT, -1,
                             "There are %d default keys; remove one first.",
                             HYP_LIMIT_DEFAULT_KEYS);
    }
    int64_t id = 1;
    for (size_t i = 0; i < set->count; i++) {
        id = HYP_MAX(id, set->shown[i].id + 1);
        if (hyp_equal_constant_time(set->keys[i].bytes, key->bytes, sizeof(key->bytes))) {
            return hyp_error_set(err, HYP_EXISTS, -1, "key: this is the default key \"%s\".",
                                 set->shown[i].name);
        }
    }
    struct hyp_default_key *shown = &set->shown[set->count];
    shown->id = id;
    shown->created = hyp_service_now(service);
    hyp_text_copy(shown->name, sizeof(shown->name), name);
    set->keys[set->count++] = *key;
    return save_set(service, hyp_scope_tenant(scope), set);
}

enum hyp_status hyp_default_key_add(struct hyp_service *service, const struct hyp_scope *scope,
                                    struct hyp_str name, const struct hyp_aes_key *key,
                                    struct hyp_default_key *ret_key, struct hyp_error *err)
{
    struct key_set set;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_KEY_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    name = hyp_str_trim(name);
    if (name.len == 0 || name.len >= HYP_LIMIT_NAME) {
        return hyp_error_set(err, HYP_INVALID, -1, "name: is needed, %d characters at most.",
                             HYP_LIMIT_NAME - 1);
    }
    pthread_mutex_lock(&service->plant_lock);
    status = load_set(service, hyp_scope_tenant(scope), &set);
    if (status == HYP_OK) {
        status = add_to_set(service, scope, &set, name, key, err);
    }
    pthread_mutex_unlock(&service->plant_lock);
    if (status == HYP_OK) {
        *ret_key = set.shown[set.count - 1];
        hyp_service_audit(service, scope, "key.default_add", "key", ret_key->id, "%s",
                          ret_key->name);
        hyp_backlog_ask(service, hyp_scope_tenant(scope), false);
    }
    hyp_wipe(&set, sizeof(set));
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

static enum hyp_status remove_from_set(struct hyp_service *service,
                                       const struct hyp_scope *scope, struct key_set *set,
                                       int64_t id, struct hyp_default_key *ret_gone,
                                       struct hyp_error *err)
{
    size_t at = 0;
    while (at < set->count && set->shown[at].id != id) {
        at++;
    }
    if (at == set->count) {
        return hyp_service_not_found(err, "default key", id);
    }
    *ret_gone = set->shown[at];
    set->count--;
    memmove(&set->shown[at], &set->shown[at + 1], (set->count - at) * sizeof(set->shown[0]));
    memmove(&set->keys[at], &set->keys[at + 1], (set->count - at) * sizeof(set->keys[0]));
    return save_set(service, hyp_scope_tenant(scope), set);
}

enum hyp_status hyp_default_key_remove(struct hyp_service *service,
                                       const struct hyp_scope *scope, int64_t id,
                                       struct hyp_error *err)
{
    struct key_set set;
    struct hyp_default_key gone;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_KEY_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    pthread_mutex_lock(&service->plant_lock);
    status = load_set(service, hyp_scope_tenant(scope), &set);
    if (status == HYP_OK) {
        status = remove_from_set(service, scope, &set, id, &gone, err);
    }
    pthread_mutex_unlock(&service->plant_lock);
    hyp_wipe(&set, sizeof(set));
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    hyp_service_audit(service, scope, "key.default_remove", "key", id, "%s", gone.name);
    return HYP_OK;
}

/* --- keys found by trying --- */

void hyp_keys_on_found(void *user, hyp_device_id device, const struct hyp_aes_key *key)
{
    struct hyp_found_keys *found = &((struct hyp_service *)user)->found_keys;
    pthread_mutex_lock(&found->lock);
    size_t at = 0;
    while (at < found->count && found->list[at].device.id != device.id) {
        at++;
    }
    if (at < HYP_FOUND_KEYS) {
        found->list[at] = (struct hyp_found_key){.device = device, .key = *key};
        found->count = HYP_MAX(found->count, at + 1);
    }
    pthread_mutex_unlock(&found->lock);
}

static bool take_found(struct hyp_found_keys *found, struct hyp_found_key *ret_key)
{
    pthread_mutex_lock(&found->lock);
    bool any = found->count > 0;
    if (any) {
        *ret_key = found->list[--found->count];
        hyp_wipe(&found->list[found->count], sizeof(found->list[0]));
    }
    pthread_mutex_unlock(&found->lock);
    return any;
}

void hyp_keys_save_found(struct hyp_service *service)
{
    struct hyp_found_key key;
    while (take_found(&service->found_keys, &key)) {
        hyp_tenant_id tenant = hyp_directory_tenant_of(service->directory, key.device);
        struct hyp_error err = {0};
        pthread_mutex_lock(&service->plant_lock);
        enum hyp_status status =
            tenant.id == 0 ? HYP_NOT_FOUND
                           : hyp_keys_set(service, tenant, key.device, &key.key, &err);
        pthread_mutex_unlock(&service->plant_lock);
        hyp_wipe(&key.key, sizeof(key.key));
        if (status != HYP_OK) {
            continue; /* found again with the next telegram */
        }
        struct hyp_audit_entry entry = {.tenant = tenant, .time = hyp_service_now(service)};
        struct hyp_buf object;
        hyp_text_copy(entry.action, sizeof(entry.action), HYP_STR("key.found"));
        hyp_buf_init_fixed(&object, entry.object, sizeof(entry.object));
        hyp_buf_append_fmt(&object, "device:%lld", (long long)key.device.id);
        hyp_buf_terminate(&object);
        hyp_text_copy(entry.detail, sizeof(entry.detail),
                      HYP_STR("a default key opens its telegrams"));
        HYP_IGNORE(hyp_store_audit_add(service->config.store, &entry)); /* the key is set */
    }
}
