/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Download: a reply of any length, made piece by piece while the client takes it. Each piece is
 * made on a worker, so that the disk never holds up the threads of the HTTP library; the next
 * one is begun when the one before has gone, so that a slow client costs one piece of memory.
 */
#ifndef HYP_API_DOWNLOAD_H
#define HYP_API_DOWNLOAD_H

#include "api/request.h"

struct hyp_download_source {
    /* Appends some more to `out`; nothing appended = the end. Worker. */
    enum hyp_status (*fill)(void *user, struct hyp_buf *out);
    /* Gives `user` back; any thread, exactly once. */
    void (*release)(void *user);
    void *user;
};

/*
 * Makes the reply of a request. The first piece is made at once: what fails there is an
 * ordinary refusal; what fails later breaks the connection, so that a file that stops half-way
 * does not look whole.
 * @title      in front of the first piece
 * @filename   that the browser suggests; lives as long as the request
 * Ownership   the source is taken in any case
 * Context     worker, in a handler
 */
HYP_MUST_USE enum hyp_status hyp_download_begin(struct hyp_request *req,
                                                const struct hyp_download_source *source,
                                                const char *title, const char *content_type,
                                                const char *filename);
/* Makes the next piece; called for a request that hyp_flow_continue has put to sleep. */
void hyp_download_fill(struct hyp_download *download);

/* A cell of a CSV: quoted where needed, harmless to spreadsheets. */
void hyp_csv_cell(struct hyp_buf *out, struct hyp_str text);

#endif
