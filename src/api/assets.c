/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Static files: the browser UI, embedded at build time, or read from a folder while it is being
 * developed. A path that is no file and has no dot in its last part is a page of the UI, which
 * does its own routing: it gets index.html.
 */
#include "api/inside.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (16 * 1024 * 1024)

static const char content_policy[] =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

static const struct type_row {
    const char *suffix;
    const char *type;
} type_rows[] = {
    {".html",        "text/html; charset=utf-8"      },
    {".js",          "text/javascript; charset=utf-8"},
    {".css",         "text/css; charset=utf-8"       },
    {".json",        "application/json"              },
    {".webmanifest", "application/manifest+json"     },
    {".svg",         "image/svg+xml"                 },
    {".png",         "image/png"                     },
    {".ico",         "image/x-icon"                  },
    {".woff2",       "font/woff2"                    },
    {".wasm",        "application/wasm"              },
    {".txt",         "text/plain; charset=utf-8"     },
};

static const char *type_of(struct hyp_str path)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(type_rows); i++) {
        if (hyp_str_has_suffix(path, hyp_str_from(type_rows[i].suffix))) {
            return type_rows[i].type;
        }
    }
    return "application/octet-stream";
}

static void security_headers(struct hyp_request *req, bool html)
{
    if (html) {
        hyp_request_header(req, "Content-Security-Policy", content_policy);
        hyp_request_header(req, "Cross-Origin-Opener-Policy", "same-origin");
        hyp_request_header(req, "Permissions-Policy", "interest-cohort=()");
    }
    hyp_request_header(req, "Referrer-Policy", "same-origin");
    hyp_request_header(req, "Cross-Origin-Resource-Policy", "same-origin");
}

static bool is_html(const char *type)
{
    return strncmp(type, "text/html", 9) == 0;
}

/* --- embedded --- */

static const struct hyp_asset *find_asset(struct hyp_str path)
{
    for (size_t i = 0; i < hyp_asset_count; i++) {
        if (hyp_str_equal(path, hyp_str_from(hyp_assets[i].path))) {
            return &hyp_assets[i];
        }
    }
    return NULL;
}

static const char *header(struct hyp_request *req, const char *name)
{
    return MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, name);
}

static void serve_asset(struct hyp_request *req, const struct hyp_asset *asset)
{
    const char *known = header(req, MHD_HTTP_HEADER_IF_NONE_MATCH);
    const char *accepted = header(req, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    req->kind = HYP_REPLY_STATIC;
    req->is_static = true;
    req->content_type = asset->type;
    hyp_request_header(req, "ETag", asset->etag);
    hyp_request_header(req, "Cache-Control",
                       asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    security_headers(req, is_html(asset->type));
    if (known != NULL && strstr(known, asset->etag) != NULL) {
        req->http_status = MHD_HTTP_NOT_MODIFIED;
        return;
    }
    req->compressed = asset->gz != NULL && accepted != NULL && strstr(accepted, "gzip") != NULL;
    req->static_bytes = req->compressed ? asset->gz : asset->bytes;
    req->static_len = req->compressed ? asset->gz_len : asset->len;
}

/* --- from a folder --- */

/* Only plain relative names: no "..", no hidden files, no way out of the folder. */
static bool is_plain_path(struct hyp_str path)
{
    for (size_t i = 0; i < path.len; i++) {
        bool after_slash = i > 0 && path.ptr[i - 1] == '/';
        if (path.ptr[i] == '\\' || path.ptr[i] == '\0' ||
            (after_slash && (path.ptr[i] == '.' || path.ptr[i] == '/'))) {
            return false;
        }
    }
    return path.len > 1 && path.ptr[0] == '/';
}

static bool serve_file(struct hyp_request *req, struct hyp_str path)
{
    struct stat info;
    char chunk[16384];
    ssize_t got;
    if (!is_plain_path(path)) {
        return false;
    }
    const char *full =
        hyp_request_text(req, "%s%.*s", req->server->config.web_dir, HYP_STR_ARG(path));
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return false;
    }
    bool good = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size <= FILE_MAX;
    while (good && (got = read(fd, chunk, sizeof(chunk))) > 0) {
        hyp_buf_append(&req->out, chunk, (size_t)got);
    }
    close(fd);
    if (!good) {
        return false;
    }
    req->content_type = type_of(path);
    security_headers(req, is_html(req->content_type));
    return true;
}

/* --- both --- */

static bool serve_path(struct hyp_request *req, struct hyp_str path)
{
    if (req->server->config.web_dir != NULL) {
        return serve_file(req, path);
    }
    const struct hyp_asset *asset = find_asset(path);
    if (asset != NULL) {
        serve_asset(req, asset);
    }
    return asset != NULL;
}

static bool is_page(struct hyp_str path)
{
    for (size_t i = path.len; i > 0 && path.ptr[i - 1] != '/'; i--) {
        if (path.ptr[i - 1] == '.') {
            return false;
        }
    }
    return true;
}

void hyp_assets_serve(struct hyp_request *req, struct hyp_str path)
{
    if (!req->is_get) {
        hyp_request_refuse(req, MHD_HTTP_METHOD_NOT_ALLOWED, "METHOD",
                           "This address takes GET.", NULL);
        hyp_request_header(req, "Allow", "GET, HEAD");
        return;
    }
    if (serve_path(req, path) || (is_page(path) && serve_path(req, HYP_STR("/index.html")))) {
        return;
    }
    hyp_request_refuse(req, MHD_HTTP_NOT_FOUND, "NOT_FOUND", "There is no such file.", NULL);
}
