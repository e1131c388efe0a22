/* SPDX-License-Identifier: Apache-2.0 */
/* Users, API tokens, audit log. */
#include "api/render.h"
#include "api/routes.h"
#include "service/audit.h"
#include "service/people.h"

static void render_user(struct hyp_json *json, const struct hyp_user *user)
{
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "id", user->id);
    hyp_json_member_text(json, "login", user->login);
    hyp_json_member_text(json, "name", user->name);
    hyp_json_member_text(json, "role", hyp_role_text(user->role));
    hyp_json_member_text(json, "language", user->language);
    hyp_json_member_bool(json, "enabled", user->enabled);
    hyp_render_time(json, "created", user->created);
    hyp_render_time(json, "last_login", user->last_login);
    hyp_json_member_i64(json, "revision", user->revision);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_users_list(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_user *users;
    size_t count;
    enum hyp_status status =
        hyp_people_users(req->service, req->scope, &req->arena, &users, &count, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_render_list_begin(&req->json, count, 0);
    for (size_t i = 0; i < count; i++) {
        render_user(&req->json, &users[i]);
    }
    hyp_render_list_end(&req->json);
    return HYP_OK;
}

static void copy_given(char *target, size_t size, struct hyp_str text)
{
    if (text.len > 0) {
        hyp_text_copy(target, size, text);
    }
}

/* Members that are given replace what is in *user; the password stays a view into `root`. */
static enum hyp_status read_user(const json_t *root, struct hyp_user *user,
                                 struct hyp_str *ret_password, struct hyp_error *err)
{
    static const char *const known[] = {"login",   "name",       "role",     "language",
                                        "enabled", "password",   "revision", "id",
                                        "created", "last_login", NULL};
    struct hyp_str login;
    struct hyp_str name;
    struct hyp_str role;
    struct hyp_str language;
    const json_t *enabled = json_object_get(root, "enabled");
    const json_t *revision = json_object_get(root, "revision");
    enum hyp_status status = hyp_json_only(root, known, err);
    status = status == HYP_OK
                 ? hyp_json_get_text(root, "login", HYP_LIMIT_LOGIN - 1, &login, err)
                 : status;
    status = status == HYP_OK ? hyp_json_get_text(root, "name", HYP_LIMIT_NAME - 1, &name, err)
                              : status;
    status = status == HYP_OK ? hyp_json_get_text(root, "role", 16, &role, err) : status;
    status = status == HYP_OK ? hyp_json_get_text(root, "language", 7, &language, err) : status;
    status = status == HYP_OK ? hyp_json_get_text(root, "password", HYP_LIMIT_PASSWORD_MAX,
                                                  ret_password, err)
                              : status;
    if (status != HYP_OK) {
        return status;
    }
    if (role.len > 0 && hyp_role_find(role, &user->role) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1, "role: must be \"reader\" or \"admin\".");
    }
    if (enabled != NULL && !json_is_boolean(enabled)) {
        return hyp_error_set(err, HYP_INVALID, -1, "enabled: must be true or false.");
    }
    copy_given(user->login, sizeof(user->login), login);
    copy_given(user->name, sizeof(user->name), name);
    copy_given(user->language, sizeof(user->language), language);
    user->enabled = enabled == NULL ? user->enabled : json_is_true(enabled);
    user->revision = json_integer_value(revision);
    return HYP_OK;
}

enum hyp_status hyp_route_user_add(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_user user = {.enabled = true};
    struct hyp_str password;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = read_user(root, &user, &password, err);
    if (status == HYP_OK) {
        copy_given(user.name, sizeof(user.name),
                   user.name[0] == '\0' ? hyp_str_from(user.login) : (struct hyp_str){0});
        status = hyp_people_user_add(req->service, req->scope, &user, password, err);
    }
    json_decref(root);
    if (status == HYP_OK) {
        req->http_status = MHD_HTTP_CREATED;
        render_user(&req->json, &user);
    }
    return status;
}

enum hyp_status hyp_route_user_change(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_user user;
    struct hyp_str password;
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = hyp_people_user(req->service, req->scope, req->ids[0], &user, err);
    if (status == HYP_OK) {
        status = read_user(root, &user, &password, err);
    }
    if (status == HYP_OK) {
        status = hyp_people_user_update(req->service, req->scope, &user, password, err);
    }
    json_decref(root);
    if (status == HYP_OK) {
        render_user(&req->json, &user);
    }
    return status;
}

enum hyp_status hyp_route_user_remove(struct hyp_request *req, struct hyp_error *err)
{
    enum hyp_status status = hyp_people_user_remove(req->service, req->scope, req->ids[0], err);
    return status == HYP_OK ? hyp_request_no_content(req) : status;
}

/* --- tokens --- */

static void render_token_members(struct hyp_json *json, const struct hyp_api_token *token)
{
    hyp_json_member_i64(json, "id", token->id);
    hyp_json_member_text(json, "name", token->name);
    hyp_json_member_text(json, "role", hyp_role_text(token->role));
    hyp_render_time(json, "created", token->created);
    hyp_render_time(json, "last_used", token->last_used);
    hyp_render_time(json, "expires", token->expires);
}

enum hyp_status hyp_route_tokens_list(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_api_token *tokens;
    size_t count;
    enum hyp_status status =
        hyp_people_tokens(req->service, req->scope, &req->arena, &tokens, &count, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_render_list_begin(&req->json, count, 0);
    for (size_t i = 0; i < count; i++) {
        hyp_json_object_begin(&req->json);
        render_token_members(&req->json, &tokens[i]);
        hyp_json_object_end(&req->json);
    }
    hyp_render_list_end(&req->json);
    return HYP_OK;
}

static enum hyp_status read_token(const json_t *root, struct hyp_api_token *token,
                                  struct hyp_error *err)
{
    static const char *const known[] = {"name", "role", "expires", NULL};
    struct hyp_str name;
    struct hyp_str role;
    struct hyp_str expires;
    enum hyp_status status = hyp_json_only(root, known, err);
    status = status == HYP_OK ? hyp_json_get_text(root, "name", HYP_LIMIT_NAME - 1, &name, err)
                              : status;
    status = status == HYP_OK ? hyp_json_get_text(root, "role", 16, &role, err) : status;
    status = status == HYP_OK ? hyp_json_get_text(root, "expires", 40, &expires, err) : status;
    if (status != HYP_OK) {
        return status;
    }
    if (hyp_role_find(role, &token->role) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1, "role: must be \"reader\" or \"admin\".");
    }
    if (expires.len > 0 && hyp_utc_parse(expires, &token->expires) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "expires: must be a time like 2027-01-31T00:00:00Z or null.");
    }
    hyp_text_copy(token->name, sizeof(token->name), name);
    return HYP_OK;
}

enum hyp_status hyp_route_token_add(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_api_token token = {0};
    char text[HYP_TOKEN_TEXT_MAX];
    json_t *root;
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = read_token(root, &token, err);
    json_decref(root);
    if (status == HYP_OK) {
        status = hyp_people_token_add(req->service, req->scope, &token, text, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    req->http_status = MHD_HTTP_CREATED;
    hyp_json_object_begin(&req->json);
    render_token_members(&req->json, &token);
    hyp_json_member_text(&req->json, "token", text);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

enum hyp_status hyp_route_token_remove(struct hyp_request *req, struct hyp_error *err)
{
    enum hyp_status status =
        hyp_people_token_remove(req->service, req->scope, req->ids[0], err);
    return status == HYP_OK ? hyp_request_no_content(req) : status;
}

/* --- audit --- */

static void render_audit(struct hyp_json *json, const struct hyp_audit_view *view)
{
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "id", view->entry.id);
    hyp_render_time(json, "time", view->entry.time);
    hyp_render_or_null(json, "user", view->entry.user, view->entry.user != 0);
    hyp_json_member_text(json, "login", view->login);
    hyp_json_member_text(json, "action", view->entry.action);
    hyp_json_member_text(json, "object", view->entry.object);
    hyp_json_member_text(json, "object_name", view->object.name);
    hyp_json_member_text(json, "object_key", view->object.key);
    hyp_render_or_null(json, "device", view->object.device.id, view->object.device.id != 0);
    hyp_render_or_null(json, "line", view->object.line.id, view->object.line.id != 0);
    hyp_json_member_text(json, "detail", view->entry.detail);
    hyp_json_object_end(json);
}

enum hyp_status hyp_route_audit_list(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_audit_view *entries;
    struct hyp_page page;
    size_t count;
    enum hyp_status status = hyp_request_page(req, &page, err);
    if (status == HYP_OK) {
        status = hyp_audit_list(req->service, req->scope, page.offset, page.limit, &req->arena,
                                &entries, &count, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_json_object_begin(&req->json);
    hyp_json_member_u64(&req->json, "offset", page.offset);
    hyp_json_key(&req->json, "items");
    hyp_json_array_begin(&req->json);
    for (size_t i = 0; i < count; i++) {
        render_audit(&req->json, &entries[i]);
    }
    hyp_json_array_end(&req->json);
    hyp_json_object_end(&req->json);
    return HYP_OK;
}
