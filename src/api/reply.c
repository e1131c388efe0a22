/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies: problems, compression, validators, headers.
 */
#include "api/inside.h"

#include "base/map.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

/* The one table from our outcomes to those of HTTP. */
static const struct status_row {
    enum hyp_status status;
    unsigned http;
} status_rows[] = {
    {HYP_OK,              200},
    {HYP_NEED_MORE,       422},
    {HYP_NOT_MINE,        422},
    {HYP_BAD_CHECK,       422},
    {HYP_MALFORMED,       400},
    {HYP_UNSUPPORTED,     422},
    {HYP_IMPLAUSIBLE,     422},
    {HYP_NO_KEY,          422},
    {HYP_WRONG_KEY,       422},
    {HYP_NO_MEMORY,       503},
    {HYP_LIMIT,           422},
    {HYP_INVALID,         422},
    {HYP_NOT_FOUND,       404},
    {HYP_EXISTS,          409},
    {HYP_CONFLICT,        409},
    {HYP_DENIED,          403},
    {HYP_UNAUTHENTICATED, 401},
    {HYP_TIMEOUT,         504},
    {HYP_CLOSED,          502},
    {HYP_REFUSED,         502},
    {HYP_BUSY,            503},
    {HYP_IO,              503},
    {HYP_FULL,            507},
    {HYP_CORRUPT,         500},
    {HYP_CANCELLED,       503},
    {HYP_INTERNAL,        500},
};
/* Statuses run from 0 to HYP_INTERNAL without a hole: a new one must get its row. */
static_assert(HYP_ARRAY_LEN(status_rows) == -HYP_INTERNAL + 1, "one row per status");

unsigned hyp_reply_http_status(enum hyp_status status)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(status_rows); i++) {
        if (status_rows[i].status == status) {
            return status_rows[i].http;
        }
    }
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static const struct title_row {
    unsigned http;
    const char *title;
} title_rows[] = {
    {400, "Bad request"                  },
    {401, "Sign-in needed"               },
    {403, "Not allowed"                  },
    {404, "Not found"                    },
    {405, "Method not allowed"           },
    {409, "Conflict"                     },
    {413, "Too large"                    },
    {415, "Unsupported media type"       },
    {422, "Not acceptable as sent"       },
    {429, "Too many requests"            },
    {500, "Internal error"               },
    {502, "No answer from the other side"},
    {503, "Not available now"            },
    {504, "No answer in time"            },
    {507, "No space left"                },
};

static const char *title_of(unsigned http)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(title_rows); i++) {
        if (title_rows[i].http == http) {
            return title_rows[i].title;
        }
    }
    return "Error";
}

/*
 * "serial: must be ..." -> field "serial". By convention of the service, sentences about one
 * field begin with its name.
 */
static struct hyp_str field_of(struct hyp_str text)
{
    ptrdiff_t colon = hyp_str_find_char(text, ':');
    if (colon <= 0 || (size_t)colon + 1 >= text.len || text.ptr[colon + 1] != ' ') {
        return (struct hyp_str){0};
    }
    for (ptrdiff_t i = 0; i < colon; i++) {
        char c = text.ptr[i];
        if (!(c == '_' || (c >= 'a' && c <= 'z'))) {
            return (struct hyp_str){0};
        }
    }
    return (struct hyp_str){text.ptr, (size_t)colon};
}

void hyp_request_refuse(struct hyp_request *req, unsigned http_status, const char *code,
                        const char *detail, const struct hyp_error *err)
{
    struct hyp_str text = hyp_str_from(detail);
    struct hyp_str field = field_of(text);
    hyp_buf_reset(&req->out);
    hyp_json_init(&req->json, &req->out);
    req->http_status = http_status;
    req->content_type = "application/problem+json";
    req->kind = HYP_REPLY_BUFFER;
    req->compressed = false;
    hyp_json_object_begin(&req->json);
    hyp_json_member_text(&req->json, "type", "about:blank");
    hyp_json_member_text(&req->json, "title", title_of(http_status));
    hyp_json_member_u64(&req->json, "status", http_status);
    hyp_json_member_text(&req->json, "code", code);
    hyp_json_member_str(&req->json, "detail", text);
    if (field.len > 0) {
        hyp_json_member_str(&req->json, "field", field);
    }
    if (err != NULL && err->offset >= 0) {
        hyp_json_member_i64(&req->json, "offset", err->offset);
    }
    hyp_json_object_end(&req->json);
}

/* A database server's own words name its place and users: they are for the log. */
static bool is_of_database(const struct hyp_error *err, unsigned http)
{
    return err->source == HYP_ERROR_POSTGRES && http >= MHD_HTTP_INTERNAL_SERVER_ERROR;
}

void hyp_request_fail(struct hyp_request *req, enum hyp_status status,
                      const struct hyp_error *err)
{
    unsigned http = hyp_reply_http_status(status);
    bool told = err != NULL && err->text[0] != '\0' && !is_of_database(err, http);
    const char *detail = told ? err->text : hyp_status_text(status);
    hyp_request_refuse(req, http, hyp_status_name(status), detail, told ? err : NULL);
    if (http == MHD_HTTP_SERVICE_UNAVAILABLE) {
        /* What is in the way of a disk or a database takes longer than being busy. */
        hyp_request_header(req, "Retry-After", status == HYP_IO ? "5" : "1");
    }
}

/* --- compression and validators --- */

static bool accepts_gzip(struct hyp_request *req)
{
    const char *accepted = MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND,
                                                       MHD_HTTP_HEADER_ACCEPT_ENCODING);
    return accepted != NULL && strstr(accepted, "gzip") != NULL &&
           strstr(accepted, "gzip;q=0") == NULL;
}

static bool deflate_into(struct hyp_request *req, uint8_t *out, size_t capacity,
                         size_t *ret_len)
{
    z_stream stream = {0};
    /* 15 window bits + 16 = gzip wrapping; level 1 is a third of the time of 6 for JSON. */
    if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    stream.next_in = req->out.data;
    stream.avail_in = (uInt)req->out.len;
    stream.next_out = out;
    stream.avail_out = (uInt)capacity;
    bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    *ret_len = stream.total_out;
    deflateEnd(&stream);
    return whole;
}

static void compress_reply(struct hyp_request *req)
{
    size_t capacity = req->out.len; /* not smaller = not worth it */
    size_t len = 0;
    uint8_t *out = hyp_arena_alloc(&req->arena, capacity);
    if (out != NULL && deflate_into(req, out, capacity, &len)) {
        req->kind = HYP_REPLY_STATIC;
        req->static_bytes = out;
        req->static_len = len;
        req->compressed = true;
    }
}

/* W/"0123456789abcdef"; "" without memory. */
static const char *etag_text(struct hyp_request *req, uint64_t hash)
{
    static const char digits[16] = "0123456789abcdef";
    char *text = hyp_arena_copy_str(&req->arena, HYP_STR("W/\"0123456789abcdef\""));
    if (text == NULL) {
        return "";
    }
    for (unsigned i = 0; i < 16; i++) {
        text[3 + i] = digits[hash >> (60 - 4 * i) & 15];
    }
    return text;
}

/*
 * Tells replies apart, eight bytes at a time: of a long reply the plain hash of bytes would be
 * a tenth of all work. Not against forgers, who could only fool themselves.
 */
static uint64_t hash_reply(const uint8_t *bytes, size_t len)
{
    const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t hash = len * odd;
    for (; len >= sizeof(uint64_t); bytes += sizeof(uint64_t), len -= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes, sizeof(word));
        hash = (hash ^ word) * odd;
        hash ^= hash >> 32;
    }
    return hash ^ hyp_hash_bytes(bytes, len);
}

static void check_etag(struct hyp_request *req)
{
    uint64_t hash = hash_reply(req->out.data, req->out.len);
    const char *etag = etag_text(req, hash);
    const char *known = MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND,
                                                    MHD_HTTP_HEADER_IF_NONE_MATCH);
    hyp_request_header(req, "ETag", etag);
    if (known != NULL && etag[0] != '\0' && strstr(known, etag) != NULL) {
        req->http_status = MHD_HTTP_NOT_MODIFIED;
        hyp_buf_reset(&req->out);
    }
}

void hyp_reply_prepare(struct hyp_request *req)
{
    if (hyp_buf_status(&req->out) != HYP_OK) {
        enum hyp_status status = hyp_buf_status(&req->out);
        struct hyp_error err = {.offset = -1, .text = "The reply would be too large."};
        hyp_request_fail(req, status, status == HYP_LIMIT ? &err : NULL);
    }
    if (req->kind == HYP_REPLY_BUFFER) {
        if (req->is_get && req->http_status == MHD_HTTP_OK && !req->no_etag) {
            check_etag(req);
        }
        if (req->out.len >= HYP_LIMIT_GZIP_FROM && accepts_gzip(req)) {
            compress_reply(req);
        }
    }
    req->state = HYP_REQUEST_READY;
}

/* --- sending --- */

static struct MHD_Response *make_response(struct hyp_request *req)
{
    if (req->kind == HYP_REPLY_STREAM) {
        return req->stream;
    }
    const uint8_t *bytes = req->kind == HYP_REPLY_STATIC ? req->static_bytes : req->out.data;
    size_t len = req->kind == HYP_REPLY_STATIC ? req->static_len : req->out.len;
    /* The request outlives its reply, so nothing is copied. */
    return MHD_create_response_from_buffer(len, (void *)(uintptr_t)bytes,
                                           MHD_RESPMEM_PERSISTENT);
}

static void add_headers(struct hyp_request *req, struct MHD_Response *response)
{
    if (req->content_type != NULL) {
        MHD_add_response_header(response, "Content-Type", req->content_type);
    }
    if (req->compressed) {
        MHD_add_response_header(response, "Content-Encoding", "gzip");
        MHD_add_response_header(response, "Vary", "Accept-Encoding");
    }
    if (!req->is_static) {
        MHD_add_response_header(response, "Cache-Control",
                                req->no_etag || !req->is_get ? "no-store"
                                                             : "private, no-cache");
    }
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    for (size_t i = 0; i < req->header_count; i++) {
        MHD_add_response_header(response, req->headers[i].name, req->headers[i].value);
    }
    if (req->by_https) {
        MHD_add_response_header(response, "Strict-Transport-Security", "max-age=31536000");
    }
}

enum MHD_Result hyp_reply_send(struct hyp_request *req)
{
    struct MHD_Response *response = make_response(req);
    if (response == NULL) {
        return MHD_NO;
    }
    add_headers(req, response);
    enum MHD_Result result = MHD_queue_response(req->connection, req->http_status, response);
    MHD_destroy_response(response);
    req->stream = NULL;
    req->state = HYP_REQUEST_SENT;
    return result;
}
