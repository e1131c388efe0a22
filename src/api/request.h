/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request: one HTTP request on its way through the server, and what a handler needs of it.
 *
 * A handler reads parameters and body, calls one use case and writes JSON to req->json (status
 * 200 unless it sets another), or returns a failure with a sentence, from which the reply is
 * made. Everything a request allocates is in its arena and goes with it. One thread at a time
 * owns a request: the epoll thread, then perhaps a worker, then the epoll thread again.
 */
#ifndef HYP_API_REQUEST_H
#define HYP_API_REQUEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "service/readings.h"
#include "service/scope.h"
#include "service/service.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>

struct hyp_request;

typedef enum hyp_status (*hyp_handler)(struct hyp_request *req, struct hyp_error *err);

/* How a route is run. */
enum hyp_route_flag {
    HYP_ROUTE_FAST = 1,         /* from memory only: on the epoll thread, without a worker */
    HYP_ROUTE_LARGE = 2,        /* the body may have HYP_LIMIT_INTAKE_BYTES */
    HYP_ROUTE_TEXT = 4,         /* the body is text, not JSON */
    HYP_ROUTE_NO_BODY = 8,      /* a body is not looked at */
    HYP_ROUTE_OWN_SESSION = 16, /* only for people with a session, not for API tokens */
};

struct hyp_route {
    const char *method;
    const char *pattern; /* below /api/v1: "/devices/{id}/latest" */
    enum hyp_permission permission;
    hyp_handler handler;
    unsigned flags;
};

enum hyp_request_state {
    HYP_REQUEST_READING = 0,
    HYP_REQUEST_RUNNING, /* on a worker, or waiting for something */
    HYP_REQUEST_READY,   /* the reply is prepared */
    HYP_REQUEST_SENT,
};

/* What the reply is made of. */
enum hyp_reply_kind {
    HYP_REPLY_BUFFER = 0, /* req->out */
    HYP_REPLY_STATIC,     /* memory that lives as long as the server */
    HYP_REPLY_STREAM,     /* req->stream_reader */
};

#define HYP_REPLY_HEADERS 8

struct hyp_reply_header {
    const char *name;
    const char *value; /* in the arena or static */
};

struct hyp_server;
struct hyp_watch;    /* stream.c */
struct hyp_download; /* download.c */

#define HYP_CLIENT_ADDRESS_MAX 48

struct hyp_request {
    struct hyp_server *server;
    struct hyp_service *service;
    struct MHD_Connection *connection;
    struct hyp_request *next; /* in lists of the server */

    const struct hyp_route *route;
    struct hyp_str segments[HYP_LIMIT_PATH_SEGMENTS]; /* of the path below /api/v1 */
    size_t segment_count;
    int64_t ids[2];                /* {id} and {event} of the pattern */
    struct hyp_str name;           /* the {name} of the pattern */
    const char *address;           /* of the client */
    bool by_https;                 /* as far as the browser sees: here, or at a trusted proxy */
    bool is_get;                   /* GET or HEAD */
    bool with_session;             /* signed in by cookie */
    struct hyp_str token;          /* of the session or of the API, as it came */
    const struct hyp_scope *scope; /* NULL on public routes without a session */

    struct hyp_arena arena;
    struct hyp_buf body;
    size_t body_max;
    bool body_too_large;
    size_t swallowed; /* bytes of the body that arrived, kept or not */

    enum hyp_request_state state;
    struct hyp_buf out;
    struct hyp_json json;
    unsigned http_status;
    const char *content_type;
    struct hyp_reply_header headers[HYP_REPLY_HEADERS];
    size_t header_count;
    bool no_etag;    /* the reply must not be compared or kept */
    bool compressed; /* out or static bytes are gzip */
    bool is_static;  /* cache rules of files */
    enum hyp_reply_kind kind;
    const uint8_t *static_bytes;
    size_t static_len;
    struct MHD_Response *stream;   /* made by the handler, HYP_REPLY_STREAM */
    struct hyp_download *download; /* what the stream sends, if it is made on workers */

    bool deferred; /* see hyp_request_defer */
    atomic_int holds;
    void (*on_finish)(struct hyp_request *req); /* fills the reply of a deferred request */
    void *deferred_data;
};

/* Later than any reading: the year 9999. */
#define HYP_FAR_FUTURE_MS 253402300799000LL

/* --- reading --- */

/* Query parameter as text; empty view when absent. */
struct hyp_str hyp_request_query(struct hyp_request *req, const char *name);
/* One of two words: false for the first, also when absent, true for the other; INVALID names
 * both. */
HYP_MUST_USE enum hyp_status hyp_request_query_either(struct hyp_request *req, const char *name,
                                                      const char *first, const char *second,
                                                      bool *ret_second, struct hyp_error *err);
/* Whole number in [least, most], `fallback` when absent; INVALID names the parameter. */
HYP_MUST_USE enum hyp_status hyp_request_query_i64(struct hyp_request *req, const char *name,
                                                   int64_t fallback, int64_t least,
                                                   int64_t most, int64_t *ret_value,
                                                   struct hyp_error *err);
/* ISO 8601 or milliseconds since 1970, `fallback` when absent; INVALID names the parameter. */
HYP_MUST_USE enum hyp_status hyp_request_query_time(struct hyp_request *req, const char *name,
                                                    hyp_utc fallback, hyp_utc *ret_value,
                                                    struct hyp_error *err);
/* offset (0 when absent) and limit (200; HYP_LIMIT_PAGE at most). HYP_OK | INVALID names which.
 */
HYP_MUST_USE enum hyp_status hyp_request_page(struct hyp_request *req,
                                              struct hyp_page *ret_page, struct hyp_error *err);
/* "1,2,3" into ids, all above 0; none when absent. HYP_OK | INVALID (no number, or more than
 * `capacity`) names the parameter. */
HYP_MUST_USE enum hyp_status hyp_request_query_ids(struct hyp_request *req, const char *name,
                                                   int64_t *out, size_t capacity,
                                                   size_t *ret_count, struct hyp_error *err);

/*
 * The body as a JSON object.
 * @ret_root  the caller gives it back with json_decref
 * Returns    HYP_OK | MALFORMED with line, column and offset | INVALID (no object)
 */
HYP_MUST_USE enum hyp_status hyp_request_json(struct hyp_request *req, json_t **ret_root,
                                              struct hyp_error *err);
/*
 * Text member of an object, as a view into it. Absent or null gives the empty view.
 * Returns  HYP_OK | INVALID (not a text, or too long)
 */
HYP_MUST_USE enum hyp_status hyp_json_get_text(const json_t *object, const char *name,
                                               size_t max, struct hyp_str *ret_text,
                                               struct hyp_error *err);
/* Refuses members that are not in the NULL-terminated list. HYP_OK | INVALID names the first.
 */
HYP_MUST_USE enum hyp_status hyp_json_only(const json_t *object, const char *const *names,
                                           struct hyp_error *err);

/* --- replying --- */

/* Name and value must live as long as the request. */
void hyp_request_header(struct hyp_request *req, const char *name, const char *value);
/* Text made of a format, in the arena; "" without memory. */
const char *hyp_request_text(struct hyp_request *req, const char *format, ...) HYP_PRINTF(2, 3);
/* 204 without a body. Returns HYP_OK, for the end of a handler. */
enum hyp_status hyp_request_no_content(struct hyp_request *req);
/*
 * A problem with its own HTTP status, code and sentence (application/problem+json).
 * @err  NULL, or field and offset are taken from it
 */
void hyp_request_refuse(struct hyp_request *req, unsigned http_status, const char *code,
                        const char *detail, const struct hyp_error *err);
/* The problem of a status, by the one table. */
void hyp_request_fail(struct hyp_request *req, enum hyp_status status,
                      const struct hyp_error *err);

/*
 * The reply comes later: after the handler has returned and hyp_request_finish was called,
 * `on_finish` is called on an epoll thread and the reply is sent. To be called before whatever
 * will finish the request is started; taken back by hyp_request_not_deferred when that failed.
 */
void hyp_request_defer(struct hyp_request *req, void (*on_finish)(struct hyp_request *req));
void hyp_request_not_deferred(struct hyp_request *req);
/* Any thread, exactly once; the request must not be touched afterwards. */
void hyp_request_finish(struct hyp_request *req);

/* --- what handlers share --- */

/* The session cookie of a grant, or its removal (token ""); Secure where it came by https. */
void hyp_request_set_cookie(struct hyp_request *req, const char *token);
/* Does the server itself speak https? */
bool hyp_server_has_tls(const struct hyp_server *server);

#endif
