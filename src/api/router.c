/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table, compiled once: patterns are cut into segments, so that finding a route
 * compares a few words. A route that is incomplete stops the server from starting.
 */
#include "api/inside.h"

#include <stdlib.h>
#include <string.h>

enum segment_kind {
    SEGMENT_WORD = 0,
    SEGMENT_ID,
    SEGMENT_NAME,
};

struct segment {
    enum segment_kind kind;
    struct hyp_str word;
};

struct compiled {
    const struct hyp_route *route;
    struct segment segments[HYP_LIMIT_PATH_SEGMENTS];
    size_t count;
};

struct hyp_router {
    size_t count;
    struct compiled routes[];
};

bool hyp_router_split(struct hyp_str path, struct hyp_str *out, size_t *ret_count)
{
    size_t count = 0;
    size_t at = 0;
    while (at < path.len && path.ptr[at] == '/') {
        size_t from = ++at;
        while (at < path.len && path.ptr[at] != '/') {
            at++;
        }
        if (from == path.len && count > 0) {
            break; /* one slash at the end does no harm */
        }
        if (count == HYP_LIMIT_PATH_SEGMENTS) {
            return false;
        }
        out[count++] = (struct hyp_str){path.ptr + from, at - from};
    }
    *ret_count = count;
    return at == path.len;
}

static enum hyp_status compile(const struct hyp_route *route, struct compiled *out,
                               struct hyp_error *err)
{
    struct hyp_str words[HYP_LIMIT_PATH_SEGMENTS];
    bool whole = route->method != NULL && route->pattern != NULL && route->handler != NULL &&
                 route->permission > HYP_PERMISSION_UNSET &&
                 route->permission < HYP_PERMISSION_COUNT;
    if (!whole || !hyp_router_split(hyp_str_from(route->pattern), words, &out->count)) {
        return hyp_error_set(err, HYP_INTERNAL, -1,
                             "Route \"%s\" has no permission, no handler or a wrong pattern.",
                             route->pattern == NULL ? "?" : route->pattern);
    }
    out->route = route;
    for (size_t i = 0; i < out->count; i++) {
        out->segments[i].word = words[i];
        if (hyp_str_equal(words[i], HYP_STR("{id}")) ||
            hyp_str_equal(words[i], HYP_STR("{event}"))) {
            out->segments[i].kind = SEGMENT_ID;
        } else if (hyp_str_equal(words[i], HYP_STR("{name}"))) {
            out->segments[i].kind = SEGMENT_NAME;
        }
    }
    return HYP_OK;
}

enum hyp_status hyp_router_create(const struct hyp_route *routes, size_t count,
                                  struct hyp_router **ret_router, struct hyp_error *err)
{
    struct hyp_router *router = calloc(1, sizeof(*router) + count * sizeof(router->routes[0]));
    if (router == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "No memory for the routes.");
    }
    router->count = count;
    for (size_t i = 0; i < count; i++) {
        enum hyp_status status = compile(&routes[i], &router->routes[i], err);
        if (status != HYP_OK) {
            free(router);
            return status;
        }
    }
    *ret_router = router;
    return HYP_OK;
}

void *hyp_router_destroy(struct hyp_router *router)
{
    free(router);
    return NULL;
}

static bool matches(const struct compiled *compiled, struct hyp_request *req)
{
    size_t ids = 0;
    if (compiled->count != req->segment_count) {
        return false;
    }
    for (size_t i = 0; i < compiled->count; i++) {
        struct hyp_str given = req->segments[i];
        switch (compiled->segments[i].kind) {
        case SEGMENT_WORD:
            if (!hyp_str_equal(compiled->segments[i].word, given)) {
                return false;
            }
            break;
        case SEGMENT_ID:
            if (hyp_str_to_i64(given, &req->ids[ids]) != HYP_OK || req->ids[ids] <= 0) {
                return false;
            }
            ids++;
            break;
        case SEGMENT_NAME: req->name = given; break;
        }
    }
    return true;
}

/* All methods of a path, each a bit in the order below. */
static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE"};

static const char *allow_text(unsigned bits)
{
    /* One text for each combination; index = bits. */
    static const char *const texts[16] = {
        "",
        "GET",
        "POST",
        "GET, POST",
        "PATCH",
        "GET, PATCH",
        "POST, PATCH",
        "GET, POST, PATCH",
        "DELETE",
        "GET, DELETE",
        "POST, DELETE",
        "GET, POST, DELETE",
        "PATCH, DELETE",
        "GET, PATCH, DELETE",
        "POST, PATCH, DELETE",
        "GET, POST, PATCH, DELETE",
    };
    return texts[bits & 15];
}

enum hyp_status hyp_router_find(const struct hyp_router *router, const char *method,
                                struct hyp_request *req, const char **ret_allow)
{
    unsigned allowed = 0;
    for (size_t i = 0; i < router->count; i++) {
        const struct compiled *compiled = &router->routes[i];
        if (!matches(compiled, req)) {
            continue;
        }
        if (strcmp(compiled->route->method, method) == 0) {
            req->route = compiled->route;
            return HYP_OK;
        }
        for (unsigned m = 0; m < HYP_ARRAY_LEN(methods); m++) {
            allowed |= strcmp(compiled->route->method, methods[m]) == 0 ? 1u << m : 0;
        }
    }
    *ret_allow = allow_text(allowed);
    return allowed == 0 ? HYP_NOT_FOUND : HYP_UNSUPPORTED;
}
