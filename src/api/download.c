/* SPDX-License-Identifier: Apache-2.0 */
#include "api/download.h"

#include "api/inside.h"

#include <stdlib.h>
#include <string.h>

/*
 * Belongs to the response. While a worker fills it the connection sleeps, so there is one
 * thread at a time, and nothing is given back under the worker's hands.
 */
struct hyp_download {
    struct hyp_request *req;
    struct hyp_download_source source;
    struct hyp_buf text;
    size_t sent;
    enum hyp_status status;
    bool ended;
};

static void free_download(void *user)
{
    struct hyp_download *download = user;
    download->source.release(download->source.user);
    hyp_buf_finish(&download->text);
    free(download);
}

static void fill_piece(struct hyp_download *download)
{
    struct hyp_buf *text = &download->text;
    while (download->status == HYP_OK && !download->ended &&
           text->len < HYP_LIMIT_DOWNLOAD_PIECE) {
        size_t before = text->len;
        download->status = download->source.fill(download->source.user, text);
        if (download->status == HYP_OK) {
            download->status = hyp_buf_status(text);
        }
        download->ended = text->len == before;
    }
}

void hyp_download_fill(struct hyp_download *download)
{
    hyp_buf_reset(&download->text);
    download->sent = 0;
    fill_piece(download);
}

static ssize_t read_download(void *user, uint64_t position, char *out, size_t max)
{
    struct hyp_download *download = user;
    (void)position;
    if (download->status != HYP_OK) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (download->sent == download->text.len) {
        if (download->ended) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        return hyp_flow_continue(download->req) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t len = HYP_MIN(max, download->text.len - download->sent);
    memcpy(out, download->text.data + download->sent, len);
    download->sent += len;
    return (ssize_t)len;
}

enum hyp_status hyp_download_begin(struct hyp_request *req,
                                   const struct hyp_download_source *source, const char *title,
                                   const char *content_type, const char *filename)
{
    struct hyp_download *download = calloc(1, sizeof(*download));
    if (download == NULL) {
        source->release(source->user);
        return HYP_NO_MEMORY;
    }
    *download = (struct hyp_download){.req = req, .source = *source};
    hyp_buf_init_heap(&download->text, HYP_LIMIT_REPLY_BYTES);
    hyp_buf_append_text(&download->text, title);
    fill_piece(download);
    if (download->status != HYP_OK) {
        enum hyp_status status = download->status;
        free_download(download);
        return status;
    }
    req->stream = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HYP_LIMIT_DOWNLOAD_PIECE,
                                                    read_download, download, free_download);
    if (req->stream == NULL) {
        free_download(download);
        return HYP_NO_MEMORY;
    }
    req->download = download;
    req->kind = HYP_REPLY_STREAM;
    req->content_type = content_type;
    req->no_etag = true;
    hyp_request_header(req, "Content-Disposition",
                       hyp_request_text(req, "attachment; filename=\"%s\"", filename));
    return HYP_OK;
}

void hyp_csv_cell(struct hyp_buf *out, struct hyp_str text)
{
    /* A cell that a spreadsheet would run as a formula gets a quote mark. */
    bool formula = text.len > 0 && hyp_str_find_char(HYP_STR("=+@\t"), text.ptr[0]) >= 0;
    bool quote = formula || hyp_str_find_char(text, ';') >= 0 ||
                 hyp_str_find_char(text, '"') >= 0 || hyp_str_find_char(text, '\n') >= 0;
    if (!quote) {
        hyp_buf_append_str(out, text);
        return;
    }
    hyp_buf_append_text(out, formula ? "\"'" : "\"");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') {
            hyp_buf_append_char(out, '"');
        }
        hyp_buf_append_char(out, text.ptr[i]);
    }
    hyp_buf_append_char(out, '"');
}
