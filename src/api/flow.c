/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request: first call (who asks for what, may they), body, dispatch to this thread
 * or to a worker, delivery. The HTTP library calls in for each step, always on the epoll thread
 * that owns the connection.
 */
#include "api/download.h"
#include "api/inside.h"

#include "service/auth.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define API_PREFIX "/api/v1"
#define SPARE_REQUESTS 256
#define SPARE_BUFFER_MAX (256u * 1024)
/* A refused body up to this size is read and dropped, so that the client sees the answer. */
#define SWALLOW_MAX (64LL * 1024 * 1024)

/* --- requests and their memory --- */

static struct hyp_request *take_request(struct hyp_server *server)
{
    pthread_mutex_lock(&server->lock);
    struct hyp_request *req = server->spare;
    if (req != NULL) {
        server->spare = req->next;
        server->spare_count--;
    }
    pthread_mutex_unlock(&server->lock);
    if (req == NULL) {
        req = calloc(1, sizeof(*req));
        if (req == NULL) {
            return NULL;
        }
        hyp_arena_init(&req->arena, HYP_LIMIT_REQUEST_ARENA);
        hyp_buf_init_heap(&req->out, HYP_LIMIT_REPLY_BYTES);
        hyp_buf_init_heap(&req->body, HYP_LIMIT_INTAKE_BYTES);
    }
    return req;
}

void hyp_request_free(struct hyp_request *req)
{
    hyp_arena_finish(&req->arena);
    hyp_buf_finish(&req->out);
    hyp_buf_finish(&req->body);
    free(req);
}

/* Forgets everything but the memory. */
static void give_back(struct hyp_server *server, struct hyp_request *req)
{
    struct hyp_arena arena = req->arena;
    struct hyp_buf out = req->out;
    struct hyp_buf body = req->body;
    if (arena.used > SPARE_BUFFER_MAX) {
        hyp_arena_finish(&arena);
    }
    hyp_arena_reset(&arena);
    if (body.len > 0) {
        hyp_wipe(body.data, body.len); /* passwords and keys come in bodies */
    }
    if (out.capacity > SPARE_BUFFER_MAX) {
        hyp_buf_finish(&out);
        hyp_buf_init_heap(&out, HYP_LIMIT_REPLY_BYTES);
    }
    if (body.capacity > SPARE_BUFFER_MAX) {
        hyp_buf_finish(&body);
        hyp_buf_init_heap(&body, HYP_LIMIT_INTAKE_BYTES);
    }
    hyp_buf_reset(&out);
    hyp_buf_reset(&body);
    *req = (struct hyp_request){.arena = arena, .out = out, .body = body};
    pthread_mutex_lock(&server->lock);
    bool keep = server->spare_count < SPARE_REQUESTS;
    if (keep) {
        req->next = server->spare;
        server->spare = req;
        server->spare_count++;
    }
    pthread_mutex_unlock(&server->lock);
    if (!keep) {
        hyp_request_free(req);
    }
}

/* --- who asks --- */

static const char *header(struct hyp_request *req, const char *name)
{
    return MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, name);
}

static enum hyp_status authenticate(struct hyp_request *req)
{
    struct hyp_str authorization = hyp_str_from(header(req, MHD_HTTP_HEADER_AUTHORIZATION));
    if (authorization.len > 0) {
        if (!hyp_str_has_prefix(authorization, HYP_STR("Bearer "))) {
            return HYP_UNAUTHENTICATED;
        }
        struct hyp_str token = {authorization.ptr + 7, authorization.len - 7};
        req->token = hyp_str_trim(token);
        return hyp_auth_bearer(req->service, req->token, &req->arena, &req->scope);
    }
    req->token = hyp_str_from(
        MHD_lookup_connection_value(req->connection, MHD_COOKIE_KIND, "hyp_session"));
    enum hyp_status status =
        hyp_auth_session(req->service, req->token, &req->arena, &req->scope);
    req->with_session = status == HYP_OK;
    return status;
}

/* Cookies travel by themselves, so a change needs the second token that only our pages know. */
static bool csrf_is_good(struct hyp_request *req)
{
    return req->is_get || !req->with_session ||
           hyp_auth_csrf_matches(req->token, hyp_str_from(header(req, "X-CSRF-Token")));
}

static bool check_rights(struct hyp_request *req)
{
    const struct hyp_route *route = req->route;
    if (route->permission == HYP_PERMISSION_PUBLIC) {
        return true;
    }
    enum hyp_status status = authenticate(req);
    if (status != HYP_OK && status != HYP_UNAUTHENTICATED) {
        hyp_request_fail(req, status, NULL); /* who it is cannot be told now */
        return false;
    }
    if (status != HYP_OK) {
        hyp_request_refuse(req, MHD_HTTP_UNAUTHORIZED, "UNAUTHENTICATED",
                           "Sign in first, or send a valid API token.", NULL);
        hyp_request_header(req, "WWW-Authenticate", "Bearer");
        return false;
    }
    if (!csrf_is_good(req)) {
        hyp_request_refuse(req, MHD_HTTP_FORBIDDEN, "CSRF",
                           "The X-CSRF-Token header is missing or wrong. Load the page again.",
                           NULL);
        return false;
    }
    if (!req->with_session && (route->flags & HYP_ROUTE_OWN_SESSION) != 0) {
        hyp_request_refuse(req, MHD_HTTP_FORBIDDEN, "DENIED",
                           "This is for people who are signed in, not for API tokens.", NULL);
        return false;
    }
    struct hyp_error err;
    status = hyp_scope_require(req->scope, route->permission, &err);
    if (status != HYP_OK) {
        hyp_request_fail(req, status, &err);
    }
    return status == HYP_OK;
}

/* --- the way of a request --- */

static enum MHD_Result count_ends(void *user, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    size_t *ends = user;
    (void)kind;
    (void)value;
    if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ||
        strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        (*ends)++;
    }
    return MHD_YES;
}

/*
 * A proxy in front and the library must see the same end of a request, or the rest of one is
 * taken for the next ("request smuggling", RFC 9112 section 6.3): one length or one coding,
 * never both, and no coding but the one that the library knows.
 */
static bool has_one_end(struct hyp_request *req, const char *length, const char *coding)
{
    size_t ends = 0;
    if (length == NULL && coding == NULL) {
        return true;
    }
    MHD_get_connection_values(req->connection, MHD_HEADER_KIND, count_ends, &ends);
    return ends == 1 && (coding == NULL || strcasecmp(coding, "chunked") == 0);
}

static bool check_rate(struct hyp_request *req)
{
    unsigned retry_s = 1;
    hyp_mono now = hyp_clock_mono(hyp_clock_system());
    if (hyp_rate_allows(req->server->rate, req->address, now, &retry_s)) {
        return true;
    }
    hyp_request_refuse(req, MHD_HTTP_TOO_MANY_REQUESTS, "TOO_MANY",
                       "Too many requests from this address. Slow down.", NULL);
    hyp_request_header(req, "Retry-After", hyp_request_text(req, "%u", retry_s));
    return false;
}

static bool find_route(struct hyp_request *req, const char *method, struct hyp_str path)
{
    const char *allow = "";
    enum hyp_status status = HYP_NOT_FOUND;
    if (hyp_router_split(path, req->segments, &req->segment_count)) {
        const char *asked = strcmp(method, "HEAD") == 0 ? "GET" : method;
        status = hyp_router_find(req->server->router, asked, req, &allow);
    }
    if (status == HYP_NOT_FOUND) {
        hyp_request_refuse(req, MHD_HTTP_NOT_FOUND, "NOT_FOUND",
                           "There is nothing at this address. See /api/v1/openapi.yaml.", NULL);
    } else if (status == HYP_UNSUPPORTED) {
        hyp_request_refuse(req, MHD_HTTP_METHOD_NOT_ALLOWED, "METHOD",
                           hyp_request_text(req, "This address takes %s.", allow), NULL);
        hyp_request_header(req, "Allow", allow);
    }
    return status == HYP_OK;
}

static bool check_body(struct hyp_request *req, bool has_body, int64_t announced)
{
    unsigned flags = req->route->flags;
    req->body_max =
        (flags & HYP_ROUTE_LARGE) != 0 ? HYP_LIMIT_INTAKE_BYTES : HYP_LIMIT_BODY_BYTES;
    if (announced > (int64_t)req->body_max) {
        req->body_too_large = true;
        return true; /* said when the route is run */
    }
    if (req->is_get || !has_body || (flags & (HYP_ROUTE_TEXT | HYP_ROUTE_NO_BODY)) != 0) {
        return true;
    }
    /* Pages of other sites can send forms and plain text without asking; JSON they cannot. */
    struct hyp_str type = hyp_str_from(header(req, MHD_HTTP_HEADER_CONTENT_TYPE));
    if (hyp_str_has_prefix(type, HYP_STR("application/json"))) {
        return true;
    }
    hyp_request_refuse(req, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "MEDIA_TYPE",
                       "The body must be JSON: send Content-Type: application/json.", NULL);
    return false;
}

static void run_handler(struct hyp_request *req)
{
    struct hyp_error err = {.offset = -1};
    if (req->body_too_large) {
        hyp_request_refuse(
            req, MHD_HTTP_CONTENT_TOO_LARGE, "TOO_LARGE",
            hyp_request_text(req, "The body may have at most %zu bytes.", req->body_max), NULL);
        return;
    }
    enum hyp_status status = req->route->handler(req, &err);
    if (status != HYP_OK && !req->deferred && req->http_status == MHD_HTTP_OK) {
        hyp_request_fail(req, status, &err);
    }
}

/* Lets the sleeping connection go on. The last touch of `req` by this thread. */
static void wake_connection(struct hyp_request *req)
{
    struct hyp_server *server = req->server;
    struct MHD_Connection *connection = req->connection;
    MHD_resume_connection(connection);
    pthread_mutex_lock(&server->lock);
    server->running--;
    pthread_cond_broadcast(&server->idle);
    pthread_mutex_unlock(&server->lock);
}

/* A deferred request is held by its handler and by whoever finishes it; the last one wakes. */
static void release_hold(struct hyp_request *req)
{
    if (atomic_fetch_sub(&req->holds, 1) == 1) {
        wake_connection(req);
    }
}

void hyp_request_defer(struct hyp_request *req, void (*on_finish)(struct hyp_request *req))
{
    req->deferred = true;
    req->on_finish = on_finish;
    atomic_store(&req->holds, 2);
}

void hyp_request_not_deferred(struct hyp_request *req)
{
    req->deferred = false;
}

void hyp_request_finish(struct hyp_request *req)
{
    release_hold(req);
}

void hyp_flow_run(struct hyp_request *req)
{
    if (req->download != NULL) {
        hyp_download_fill(req->download);
        wake_connection(req);
        return;
    }
    run_handler(req);
    if (req->deferred) {
        release_hold(req);
        return;
    }
    hyp_reply_prepare(req);
    wake_connection(req);
}

/* False when the server is going down: then nothing may be suspended any more. */
static bool count_running(struct hyp_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool goes_on = !atomic_load(&server->stopping);
    server->running += goes_on ? 1 : 0;
    pthread_mutex_unlock(&server->lock);
    return goes_on;
}

bool hyp_flow_continue(struct hyp_request *req)
{
    if (!count_running(req->server)) {
        return false;
    }
    MHD_suspend_connection(req->connection);
    hyp_workers_continue(req->server->workers, req);
    return true;
}

static void refuse_stopping(struct hyp_request *req)
{
    hyp_request_refuse(req, MHD_HTTP_SERVICE_UNAVAILABLE, "STOPPING",
                       "The server is going down.", NULL);
}

/* Everything of the request has arrived: run it, here or on a worker. */
static enum MHD_Result dispatch(struct hyp_request *req)
{
    struct hyp_server *server = req->server;
    if (req->route == NULL) { /* answered already */
        hyp_reply_prepare(req);
        return hyp_reply_send(req);
    }
    if ((req->route->flags & HYP_ROUTE_FAST) != 0) {
        run_handler(req);
        hyp_reply_prepare(req);
        return hyp_reply_send(req);
    }
    if (!count_running(server)) {
        refuse_stopping(req);
        hyp_reply_prepare(req);
        return hyp_reply_send(req);
    }
    hyp_connections_busy(server->connections, req->connection, true);
    req->state = HYP_REQUEST_RUNNING;
    MHD_suspend_connection(req->connection);
    if (!hyp_workers_submit(server->workers, req)) {
        struct hyp_error err = {.offset = -1,
                                .text = "The server is busy. Try again in a second."};
        hyp_request_fail(req, HYP_BUSY, &err);
        hyp_reply_prepare(req);
        wake_connection(req);
    }
    return MHD_YES;
}

/* Woken after a worker or a deferred handler is done. */
static enum MHD_Result deliver(struct hyp_request *req)
{
    if (req->deferred && req->on_finish != NULL) {
        req->on_finish(req);
        hyp_reply_prepare(req);
    }
    return hyp_reply_send(req);
}

static void begin(struct hyp_request *req, const char *url, const char *method, bool has_body,
                  int64_t announced)
{
    struct hyp_str path = hyp_str_from(url);
    const size_t prefix_len = sizeof(API_PREFIX) - 1;
    bool is_api = hyp_str_has_prefix(path, HYP_STR(API_PREFIX)) &&
                  (path.len == prefix_len || path.ptr[prefix_len] == '/');
    bool is_api_root =
        hyp_str_has_prefix(path, HYP_STR("/api/")) || hyp_str_equal(path, HYP_STR("/api"));
    if (!check_rate(req)) {
        return;
    }
    if (atomic_load(&req->server->stopping)) {
        refuse_stopping(req);
        return;
    }
    if (!is_api && !is_api_root) {
        hyp_assets_serve(req, path);
        return;
    }
    struct hyp_str below = {path.ptr + prefix_len, path.len - prefix_len};
    if (!is_api) {
        below = (struct hyp_str){"", 0};
    }
    if (!find_route(req, method, below)) {
        return;
    }
    if (!check_rights(req) || !check_body(req, has_body, announced)) {
        req->route = NULL; /* answered */
    }
}

static enum MHD_Result first_call(struct hyp_server *server, struct MHD_Connection *connection,
                                  const char *url, const char *method, void **context)
{
    const char *address = hyp_connections_address(connection);
    struct hyp_request *req = address == NULL ? NULL : take_request(server);
    if (req == NULL) {
        return MHD_NO;
    }
    *context = req;
    req->address = address;
    req->server = server;
    req->service = server->config.service;
    req->connection = connection;
    req->http_status = MHD_HTTP_OK;
    req->content_type = "application/json";
    req->is_get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    hyp_json_init(&req->json, &req->out);
    hyp_connections_note_client(req);
    const char *length = header(req, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *coding = header(req, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    if (!has_one_end(req, length, coding)) {
        hyp_request_refuse(req, MHD_HTTP_BAD_REQUEST, "MALFORMED",
                           "Send one Content-Length, or Transfer-Encoding: chunked.", NULL);
        return dispatch(req); /* answered in the first call: the connection ends with it */
    }
    int64_t announced = 0;
    if (length != NULL && hyp_str_to_i64(hyp_str_from(length), &announced) != HYP_OK) {
        announced = INT64_MAX;
    }
    bool has_body = announced > 0 || coding != NULL;
    begin(req, url, method, has_body, announced);
    if (announced > SWALLOW_MAX) {
        if (req->route != NULL) {
            run_handler(req); /* says that it is too large */
            req->route = NULL;
        }
        return dispatch(req);
    }
    /* A reply that is queued in this first call ends the connection; so even a request without
     * a body is answered in the second. */
    return MHD_YES;
}

static enum MHD_Result take_body(struct hyp_request *req, const char *data, size_t *len)
{
    if (req->route != NULL && !req->body_too_large) {
        if (req->body.len + *len > req->body_max) {
            req->body_too_large = true;
        } else {
            hyp_buf_append(&req->body, data, *len);
        }
    }
    /* A chunked body without end is not swallowed for ever. */
    req->swallowed += *len;
    bool endless = req->swallowed > (size_t)SWALLOW_MAX;
    *len = 0;
    return endless || hyp_buf_status(&req->body) != HYP_OK ? MHD_NO : MHD_YES;
}

enum MHD_Result hyp_flow_access(void *user, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_len, void **context)
{
    struct hyp_request *req = *context;
    (void)version;
    if (req == NULL) {
        return first_call(user, connection, url, method, context);
    }
    if (*data_len > 0) {
        return take_body(req, data, data_len);
    }
    return req->state == HYP_REQUEST_READING ? dispatch(req) : deliver(req);
}

void hyp_flow_completed(void *user, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code)
{
    struct hyp_server *server = user;
    struct hyp_request *req = *context;
    (void)code;
    if (req != NULL) {
        *context = NULL;
        hyp_connections_busy(server->connections, connection, false);
        if (req->stream != NULL) {
            MHD_destroy_response(req->stream); /* made, but never sent */
        }
        give_back(server, req);
    }
}
