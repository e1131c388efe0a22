/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request.h"

#include "api/inside.h"

#include <stdarg.h>
#include <string.h>

/* --- query --- */

struct hyp_str hyp_request_query(struct hyp_request *req, const char *name)
{
    return hyp_str_from(
        MHD_lookup_connection_value(req->connection, MHD_GET_ARGUMENT_KIND, name));
}

enum hyp_status hyp_request_query_either(struct hyp_request *req, const char *name,
                                         const char *first, const char *second,
                                         bool *ret_second, struct hyp_error *err)
{
    struct hyp_str word = hyp_request_query(req, name);
    *ret_second = hyp_str_equal(word, hyp_str_from(second));
    if (word.len == 0 || *ret_second || hyp_str_equal(word, hyp_str_from(first))) {
        return HYP_OK;
    }
    return hyp_error_set(err, HYP_INVALID, -1, "%s: must be \"%s\" or \"%s\".", name, first,
                         second);
}

enum hyp_status hyp_request_query_i64(struct hyp_request *req, const char *name,
                                      int64_t fallback, int64_t least, int64_t most,
                                      int64_t *ret_value, struct hyp_error *err)
{
    struct hyp_str text = hyp_request_query(req, name);
    int64_t value = fallback;
    if (text.len > 0 &&
        (hyp_str_to_i64(text, &value) != HYP_OK || value < least || value > most)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "%s: must be a whole number from %lld to %lld.", name,
                             (long long)least, (long long)most);
    }
    *ret_value = value;
    return HYP_OK;
}

enum hyp_status hyp_request_query_time(struct hyp_request *req, const char *name,
                                       hyp_utc fallback, hyp_utc *ret_value,
                                       struct hyp_error *err)
{
    struct hyp_str text = hyp_request_query(req, name);
    hyp_utc value = fallback;
    if (text.len > 0 && hyp_utc_parse(text, &value) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "%s: must be a time like 2026-01-31T14:05:09Z or milliseconds.",
                             name);
    }
    *ret_value = value;
    return HYP_OK;
}

enum hyp_status hyp_request_page(struct hyp_request *req, struct hyp_page *ret_page,
                                 struct hyp_error *err)
{
    int64_t offset;
    int64_t limit;
    enum hyp_status status =
        hyp_request_query_i64(req, "offset", 0, 0, INT32_MAX, &offset, err);
    if (status == HYP_OK) {
        status = hyp_request_query_i64(req, "limit", 200, 0, HYP_LIMIT_PAGE, &limit, err);
    }
    if (status == HYP_OK) {
        *ret_page = (struct hyp_page){(size_t)offset, (size_t)limit};
    }
    return status;
}

enum hyp_status hyp_request_query_ids(struct hyp_request *req, const char *name, int64_t *out,
                                      size_t capacity, size_t *ret_count, struct hyp_error *err)
{
    struct hyp_str rest = hyp_request_query(req, name);
    struct hyp_str part;
    size_t count = 0;
    while (rest.len > 0 && hyp_str_split_next(&rest, ',', &part)) {
        if (count == capacity) {
            return hyp_error_set(err, HYP_INVALID, -1, "%s: at most %zu numbers.", name,
                                 capacity);
        }
        if (hyp_str_to_i64(hyp_str_trim(part), &out[count]) != HYP_OK || out[count] <= 0) {
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "%s: must be numbers with commas between.", name);
        }
        count++;
    }
    *ret_count = count;
    return HYP_OK;
}

/* --- body --- */

enum hyp_status hyp_request_json(struct hyp_request *req, json_t **ret_root,
                                 struct hyp_error *err)
{
    json_error_t place;
    if (req->body.len == 0) {
        return hyp_error_set(err, HYP_MALFORMED, 0, "A JSON object is needed as body.");
    }
    json_t *root =
        json_loadb((const char *)req->body.data, req->body.len, JSON_REJECT_DUPLICATES, &place);
    if (root == NULL) {
        return hyp_error_set(err, HYP_MALFORMED, place.position,
                             "The body is not valid JSON: line %d, column %d: %s.", place.line,
                             place.column, place.text);
    }
    if (!json_is_object(root)) {
        json_decref(root);
        return hyp_error_set(err, HYP_INVALID, 0, "The body must be a JSON object.");
    }
    *ret_root = root;
    return HYP_OK;
}

enum hyp_status hyp_json_get_text(const json_t *object, const char *name, size_t max,
                                  struct hyp_str *ret_text, struct hyp_error *err)
{
    const json_t *value = json_object_get(object, name);
    *ret_text = (struct hyp_str){"", 0};
    if (value == NULL || json_is_null(value)) {
        return HYP_OK;
    }
    struct hyp_str text = {json_string_value(value), json_string_length(value)};
    if (!json_is_string(value)) {
        return hyp_error_set(err, HYP_INVALID, -1, "%s: must be a text.", name);
    }
    if (text.len > max) {
        return hyp_error_set(err, HYP_INVALID, -1, "%s: has %zu bytes, at most %zu fit.", name,
                             text.len, max);
    }
    *ret_text = text;
    return HYP_OK;
}

enum hyp_status hyp_json_only(const json_t *object, const char *const *names,
                              struct hyp_error *err)
{
    const char *name;
    json_t *value;
    json_t *walked = (json_t *)(uintptr_t)object;
    json_object_foreach(walked, name, value)
    {
        size_t i = 0;
        while (names[i] != NULL && strcmp(names[i], name) != 0) {
            i++;
        }
        if (names[i] == NULL) {
            return hyp_error_set(err, HYP_INVALID, -1, "%.60s: is not known here.", name);
        }
    }
    return HYP_OK;
}

/* --- reply --- */

void hyp_request_header(struct hyp_request *req, const char *name, const char *value)
{
    if (req->header_count < HYP_REPLY_HEADERS) {
        req->headers[req->header_count++] = (struct hyp_reply_header){name, value};
    }
}

const char *hyp_request_text(struct hyp_request *req, const char *format, ...)
{
    char text[1024];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    va_list args;
    va_start(args, format);
    hyp_buf_append_vfmt(&buf, format, args);
    va_end(args);
    const char *copy = hyp_arena_copy_str(&req->arena, hyp_buf_view(&buf));
    return copy == NULL ? "" : copy;
}

enum hyp_status hyp_request_no_content(struct hyp_request *req)
{
    req->http_status = MHD_HTTP_NO_CONTENT;
    req->content_type = NULL;
    hyp_buf_reset(&req->out);
    return HYP_OK;
}

void hyp_request_set_cookie(struct hyp_request *req, const char *token)
{
    const char *secure = req->by_https ? "; Secure" : "";
    const char *age = token[0] == '\0' ? "; Max-Age=0" : "";
    hyp_request_header(req, "Set-Cookie",
                       hyp_request_text(req,
                                        "hyp_session=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
                                        token, secure, age));
    req->no_etag = true;
}
