/* SPDX-License-Identifier: Apache-2.0 */
/* Set-up, sign-in, oneself; and what everybody may know. */
#include "api/inside.h"
#include "api/render.h"
#include "api/routes.h"
#include "service/auth.h"

#include <string.h>

enum hyp_status hyp_route_status(struct hyp_request *req, struct hyp_error *err)
{
    (void)err;
    req->no_etag = true;
    hyp_json_object_begin(&req->json);
    hyp_json_member_text(&req->json, "product", "Hypocaust");
    hyp_json_member_text(&req->json, "version", HYP_VERSION);
    hyp_json_member_bool(&req->json, "first_run", hyp_auth_first_run(req->service));
    hyp_render_time(&req->json, "time", hyp_clock_utc(hyp_service_clock(req->service)));
    hyp_json_object_end(&req->json);
    return HYP_OK;
}

enum hyp_status hyp_route_health(struct hyp_request *req, struct hyp_error *err)
{
    enum hyp_status status = hyp_service_health(req->service, err);
    req->no_etag = true;
    if (status == HYP_OK) {
        hyp_json_object_begin(&req->json);
        hyp_json_member_bool(&req->json, "ok", true);
        hyp_json_object_end(&req->json);
    }
    return status;
}

static enum hyp_status serve_document(struct hyp_request *req, const char *path,
                                      const char *type)
{
    for (size_t i = 0; i < hyp_document_count; i++) {
        if (strcmp(hyp_documents[i].path, path) == 0) {
            hyp_buf_append(&req->out, hyp_documents[i].bytes, hyp_documents[i].len);
            req->content_type = type;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

enum hyp_status hyp_route_openapi_yaml(struct hyp_request *req, struct hyp_error *err)
{
    (void)err;
    return serve_document(req, "/openapi.yaml", "application/yaml");
}

enum hyp_status hyp_route_openapi_json(struct hyp_request *req, struct hyp_error *err)
{
    (void)err;
    return serve_document(req, "/openapi.json", "application/json");
}

/* --- the session object --- */

static void render_permissions(struct hyp_request *req, const struct hyp_scope *scope)
{
    hyp_json_key(&req->json, "permissions");
    hyp_json_array_begin(&req->json);
    for (int i = HYP_PERMISSION_SESSION; i < HYP_PERMISSION_COUNT; i++) {
        if (hyp_scope_may(scope, (enum hyp_permission)i)) {
            hyp_json_text(&req->json, hyp_permission_text((enum hyp_permission)i));
        }
    }
    hyp_json_array_end(&req->json);
}

static enum hyp_status render_session(struct hyp_request *req, const struct hyp_scope *scope,
                                      const char *csrf, struct hyp_error *err)
{
    struct hyp_identity identity;
    struct hyp_json *json = &req->json;
    enum hyp_status status = hyp_auth_identity(req->service, scope, &identity, err);
    if (status != HYP_OK) {
        return status;
    }
    req->no_etag = true;
    hyp_json_object_begin(json);
    hyp_json_key(json, "user");
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "id", identity.user.id);
    hyp_json_member_text(json, "login", identity.user.login);
    hyp_json_member_text(json, "name", identity.user.name);
    hyp_json_member_text(json, "role", hyp_role_text(hyp_scope_role(scope)));
    hyp_json_member_text(json, "language", identity.user.language);
    hyp_json_member_text(json, "theme", identity.user.theme);
    hyp_json_object_end(json);
    hyp_json_key(json, "tenant");
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "id", identity.tenant.id.id);
    hyp_json_member_text(json, "name", identity.tenant.name);
    hyp_json_member_text(json, "time_zone", identity.tenant.time_zone);
    hyp_json_object_end(json);
    hyp_json_member_text(json, "csrf", csrf);
    render_permissions(req, scope);
    hyp_json_object_end(json);
    return HYP_OK;
}

static enum hyp_status answer_grant(struct hyp_request *req, const struct hyp_grant *grant,
                                    struct hyp_error *err)
{
    hyp_request_set_cookie(req, grant->token);
    return render_session(req, grant->scope, grant->csrf, err);
}

/* --- set-up and sign-in --- */

struct text_field {
    const char *name;
    size_t max;
    struct hyp_str *target;
};

static enum hyp_status read_texts(const json_t *root, const struct text_field *fields,
                                  size_t count, struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        status = hyp_json_get_text(root, fields[i].name, fields[i].max, fields[i].target, err);
    }
    return status;
}

enum hyp_status hyp_route_setup(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_setup setup = {.address = hyp_str_from(req->address)};
    struct hyp_grant grant;
    json_t *root;
    const struct text_field fields[] = {
        {"token",     HYP_TOKEN_TEXT_MAX,     &setup.token    },
        {"login",     HYP_LIMIT_LOGIN - 1,    &setup.login    },
        {"name",      HYP_LIMIT_NAME - 1,     &setup.name     },
        {"password",  HYP_LIMIT_PASSWORD_MAX, &setup.password },
        {"language",  7,                      &setup.language },
        {"time_zone", 63,                     &setup.time_zone},
    };
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = read_texts(root, fields, HYP_ARRAY_LEN(fields), err);
    if (status == HYP_OK) {
        status = hyp_auth_set_up(req->service, &setup, &req->arena, &grant, err);
    }
    json_decref(root);
    return status == HYP_OK ? answer_grant(req, &grant, err) : status;
}

/* 401 with the seconds to wait, also for programs. */
static void refuse_login(struct hyp_request *req, const struct hyp_error *err, int64_t wait_ms)
{
    int64_t wait_s = (wait_ms + 999) / 1000;
    hyp_request_refuse(req, MHD_HTTP_UNAUTHORIZED, "UNAUTHENTICATED", err->text, NULL);
    if (wait_s > 0) {
        req->out.len--; /* the closing brace */
        hyp_buf_append_fmt(&req->out, ",\"retry_after\":%lld}", (long long)wait_s);
        hyp_request_header(req, "Retry-After",
                           hyp_request_text(req, "%lld", (long long)wait_s));
    }
}

enum hyp_status hyp_route_session_begin(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_login login = {.address = hyp_str_from(req->address)};
    struct hyp_grant grant;
    int64_t wait_ms = 0;
    json_t *root;
    const struct text_field fields[] = {
        {"login",    HYP_LIMIT_LOGIN - 1,    &login.login   },
        {"password", HYP_LIMIT_PASSWORD_MAX, &login.password},
    };
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = read_texts(root, fields, HYP_ARRAY_LEN(fields), err);
    if (status == HYP_OK) {
        status = hyp_auth_login(req->service, &login, &req->arena, &grant, &wait_ms, err);
    }
    json_decref(root);
    if (status == HYP_UNAUTHENTICATED) {
        refuse_login(req, err, wait_ms);
        return HYP_OK;
    }
    return status == HYP_OK ? answer_grant(req, &grant, err) : status;
}

enum hyp_status hyp_route_session_get(struct hyp_request *req, struct hyp_error *err)
{
    char csrf[HYP_TOKEN_TEXT_MAX] = "";
    if (req->with_session) {
        hyp_auth_csrf(req->token, csrf);
    }
    return render_session(req, req->scope, csrf, err);
}

enum hyp_status hyp_route_session_change(struct hyp_request *req, struct hyp_error *err)
{
    struct hyp_self_change change;
    struct hyp_grant grant;
    json_t *root;
    const struct text_field fields[] = {
        {"name",         HYP_LIMIT_NAME - 1,     &change.name        },
        {"language",     7,                      &change.language    },
        {"theme",        7,                      &change.theme       },
        {"password_old", HYP_LIMIT_PASSWORD_MAX, &change.password_old},
        {"password",     HYP_LIMIT_PASSWORD_MAX, &change.password    },
    };
    enum hyp_status status = hyp_request_json(req, &root, err);
    if (status != HYP_OK) {
        return status;
    }
    status = read_texts(root, fields, HYP_ARRAY_LEN(fields), err);
    if (status == HYP_OK) {
        status =
            hyp_auth_change_self(req->service, req->scope, &change, &req->arena, &grant, err);
    }
    json_decref(root);
    if (status != HYP_OK) {
        return status;
    }
    if (grant.token[0] != '\0') {
        return answer_grant(req, &grant, err);
    }
    return hyp_route_session_get(req, err);
}

enum hyp_status hyp_route_session_end(struct hyp_request *req, struct hyp_error *err)
{
    (void)err;
    enum hyp_status status = hyp_auth_logout(req->service, req->scope, req->token);
    if (status != HYP_OK) {
        return status;
    }
    hyp_request_set_cookie(req, "");
    return hyp_request_no_content(req);
}
