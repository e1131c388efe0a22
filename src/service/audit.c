/* SPDX-License-Identifier: Apache-2.0 */
#include "service/audit.h"

#include "service/devices.h"
#include "service/inside.h"

#include <string.h>

struct names {
    struct hyp_service *service;
    const struct hyp_scope *scope;
    struct hyp_arena *arena;
    /* Of the tenant, read with the first entry about one. */
    struct hyp_group *groups;
    size_t group_count;
    struct hyp_api_token *tokens;
    size_t token_count;
};

static void name_device(struct names *names, int64_t id, struct hyp_audit_object *object)
{
    struct hyp_plant_names found;
    hyp_plant_names(names->service, names->scope, (hyp_device_id){id}, (hyp_line_id){0},
                    &found);
    if (found.device[0] != '\0') {
        object->device.id = id;
        hyp_text_copy(object->name, sizeof(object->name), hyp_str_from(found.device));
    }
}

static void name_line(struct names *names, int64_t id, struct hyp_audit_object *object)
{
    struct hyp_plant_names found;
    hyp_plant_names(names->service, names->scope, (hyp_device_id){0}, (hyp_line_id){id},
                    &found);
    if (found.line[0] != '\0') {
        object->line.id = id;
        hyp_text_copy(object->name, sizeof(object->name), hyp_str_from(found.line));
    }
}

static void name_point(struct names *names, int64_t id, struct hyp_audit_object *object)
{
    struct hyp_point point;
    struct hyp_buf key;
    if (hyp_store_point(names->service->config.store, hyp_scope_tenant(names->scope),
                        (hyp_point_id){id}, &point) != HYP_OK) {
        return; /* its number has to do */
    }
    hyp_buf_init_fixed(&key, object->key, sizeof(object->key));
    hyp_point_key_format(&key, &point.key);
    hyp_buf_terminate(&key);
    name_device(names, point.device.id, object);
}

static void name_user(struct names *names, int64_t id, struct hyp_audit_object *object)
{
    struct hyp_user user;
    if (hyp_store_user(names->service->config.store, id, &user) == HYP_OK &&
        user.tenant.id == hyp_scope_tenant(names->scope).id) {
        hyp_text_copy(object->name, sizeof(object->name), hyp_str_from(user.login));
    }
}

static void name_group(struct names *names, int64_t id, struct hyp_audit_object *object)
{
    if (names->groups == NULL &&
        hyp_store_groups(names->service->config.store, hyp_scope_tenant(names->scope),
                         names->arena, &names->groups, &names->group_count) != HYP_OK) {
        return;
    }
    for (size_t i = 0; i < names->group_count; i++) {
        if (names->groups[i].id == id) {
            hyp_text_copy(object->name, sizeof(object->name),
                          hyp_str_from(names->groups[i].name));
        }
    }
}

static void name_token(struct names *names, int64_t id, struct hyp_audit_object *object)
{
    if (names->tokens == NULL &&
        hyp_store_tokens(names->service->config.store, hyp_scope_tenant(names->scope),
                         names->arena, &names->tokens, &names->token_count) != HYP_OK) {
        return;
    }
    for (size_t i = 0; i < names->token_count; i++) {
        if (names->tokens[i].id == id) {
            hyp_text_copy(object->name, sizeof(object->name),
                          hyp_str_from(names->tokens[i].name));
        }
    }
}

static const struct object_kind {
    struct hyp_str kind;
    void (*name)(struct names *names, int64_t id, struct hyp_audit_object *object);
} object_kinds[] = {
    {{"device", 6}, name_device},
    {{"line", 4},   name_line  },
    {{"point", 5},  name_point },
    {{"user", 4},   name_user  },
    {{"group", 5},  name_group },
    {{"token", 5},  name_token },
};

/* @text  "device:17", as hyp_service_audit writes it */
static void name_object(struct names *names, const char *text, struct hyp_audit_object *object)
{
    struct hyp_str id = hyp_str_from(text);
    struct hyp_str kind;
    int64_t number;
    if (!hyp_str_split_next(&id, ':', &kind) || hyp_str_to_i64(id, &number) != HYP_OK) {
        return; /* about the plant as a whole */
    }
    for (size_t i = 0; i < sizeof(object_kinds) / sizeof(object_kinds[0]); i++) {
        if (hyp_str_equal(object_kinds[i].kind, kind)) {
            object_kinds[i].name(names, number, object);
        }
    }
}

void hyp_audit_name(struct hyp_service *service, const struct hyp_scope *scope,
                    const char *kind, int64_t id, char ret_name[static HYP_LIMIT_NAME])
{
    char text[64];
    struct hyp_buf object;
    struct hyp_arena arena;
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    struct names names = {.service = service, .scope = scope, .arena = &arena};
    struct hyp_audit_object found = {0};
    hyp_buf_init_fixed(&object, text, sizeof(text));
    hyp_buf_append_fmt(&object, "%s:%lld", kind, (long long)id);
    name_object(&names, hyp_buf_terminate(&object), &found);
    hyp_text_copy(ret_name, HYP_LIMIT_NAME, hyp_str_from(found.name));
    hyp_arena_finish(&arena);
}

static void name_author(struct names *names, int64_t id, char login[HYP_LIMIT_LOGIN])
{
    struct hyp_user user;
    if (id != 0 && hyp_store_user(names->service->config.store, id, &user) == HYP_OK) {
        hyp_text_copy(login, HYP_LIMIT_LOGIN, hyp_str_from(user.login));
    }
}

enum hyp_status hyp_audit_list(struct hyp_service *service, const struct hyp_scope *scope,
                               size_t offset, size_t limit, struct hyp_arena *arena,
                               struct hyp_audit_view **ret_entries, size_t *ret_count,
                               struct hyp_error *err)
{
    struct names names = {.service = service, .scope = scope, .arena = arena};
    struct hyp_audit_entry *entries;
    size_t count;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_AUDIT_READ, err);
    if (status == HYP_OK) {
        status = hyp_store_audit(service->config.store, hyp_scope_tenant(scope), offset, limit,
                                 arena, &entries, &count);
    }
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    struct hyp_audit_view *views = hyp_arena_alloc_array(arena, count + 1, sizeof(*views));
    if (views == NULL) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    for (size_t i = 0; i < count; i++) {
        views[i].entry = entries[i];
        /* Entries in a row are often one person's, about one thing. */
        if (i > 0 && entries[i - 1].user == entries[i].user) {
            memcpy(views[i].login, views[i - 1].login, sizeof(views[i].login));
        } else {
            name_author(&names, entries[i].user, views[i].login);
        }
        if (i > 0 && strcmp(entries[i - 1].object, entries[i].object) == 0) {
            views[i].object = views[i - 1].object;
        } else {
            name_object(&names, entries[i].object, &views[i].object);
        }
    }
    *ret_entries = views;
    *ret_count = count;
    return HYP_OK;
}
