/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Summaries: first, last, least, greatest, mean and count of registers over spans of time.
 *
 * Where a chunk lies in one span, its head answers; where spans cut it, its column is decoded
 * once, in order; only where versions or late readings meet an instant is it walked row by row.
 * Of many devices the heads are read in one scan, which is the order they are stored in.
 */
#include "store/chunk_table.h"
#include "store/period.h"
#include "store/pieces.h"
#include "store/query_spans.h"
#include "store/seal.h"

#include <string.h>

/* Has every row one good-to-show version, so that values can be taken as they come? */
static bool is_plain(const struct hyp_chunk_column *column)
{
    return column->stats.count == column->cells;
}

/* --- row by row --- */

static enum hyp_status add_rows(struct hyp_pieces *pieces, const struct hyp_piece *piece,
                                uint32_t column, const struct hyp_spans *spans)
{
    const struct hyp_rows *rows;
    enum hyp_status status = hyp_pieces_rows(pieces, piece, column, &rows);
    for (size_t r = 0; status == HYP_OK && r < rows->row_count;) {
        const struct hyp_cell *shown = NULL;
        uint8_t kind = 0;
        int64_t time = rows->rows[r].time;
        for (; r < rows->row_count && rows->rows[r].time == time; r++) {
            const struct hyp_cell *cell = hyp_series_row_cell(rows, &rows->rows[r], column);
            if (cell != NULL &&
                (shown == NULL || hyp_series_is_better(cell->quality, rows->rows[r].kind,
                                                       shown->quality, kind))) {
                shown = cell;
                kind = rows->rows[r].kind;
            }
        }
        if (shown != NULL && hyp_quality_is_usable((enum hyp_quality)shown->quality)) {
            hyp_spans_add_value(spans, time, shown->payload, shown->exp10,
                                (enum hyp_quality)shown->quality);
        }
    }
    return status;
}

/* --- points of one device --- */

/* Some points of one device, each with its summaries. */
struct request {
    const hyp_point_id *points;
    size_t count;
    const hyp_utc *bounds;
    size_t spans;
    struct hyp_summary *out;
    struct hyp_summary_marks *marks; /* as out; NULL = not asked for */
};

static struct hyp_spans spans_of(const struct request *request, size_t point)
{
    return (struct hyp_spans){
        .bounds = request->bounds,
        .count = request->spans,
        .out = request->out + point * request->spans,
        .marks = request->marks == NULL ? NULL : request->marks + point * request->spans};
}

/* Do late readings wait for the period of this chunk? */
static bool has_late(const struct hyp_series *series, int64_t chunk)
{
    uint32_t period = hyp_period_of_chunk(chunk);
    uint32_t block = hyp_series_find_block(series, hyp_period_start(period));
    return block < series->block_count && series->blocks[block].first < hyp_period_end(period);
}

/* One point of an opened chunk. */
static enum hyp_status add_chunk_point(struct hyp_pieces *pieces, const struct hyp_piece *piece,
                                       const struct hyp_chunk *chunk, bool *have_times,
                                       int64_t point, const struct hyp_spans *spans)
{
    struct hyp_chunk_column column;
    enum hyp_status status = hyp_chunk_find_column(chunk, point, &column);
    if (status == HYP_NOT_FOUND) {
        return HYP_OK;
    }
    if (status == HYP_OK && hyp_spans_add_head(spans, chunk, &column.stats)) {
        return HYP_OK;
    }
    if (status == HYP_OK && !is_plain(&column)) {
        *have_times = false; /* the rows are read over them */
        return add_rows(pieces, piece, hyp_series_find_point(pieces->series, point, 0), spans);
    }
    if (status == HYP_OK && !*have_times) {
        status = hyp_chunk_times(chunk, &pieces->work);
        *have_times = status == HYP_OK;
    }
    if (status == HYP_OK) {
        status = hyp_chunk_values(chunk, &column, &pieces->work);
    }
    if (status != HYP_OK) {
        return status == HYP_MALFORMED ? HYP_CORRUPT : status;
    }
    hyp_spans_add_column(spans, &column, &pieces->work);
    return HYP_OK;
}

static enum hyp_status add_piece(struct hyp_pieces *pieces, const struct hyp_piece *piece,
                                 const struct request *request)
{
    enum hyp_status status = HYP_OK;
    struct hyp_chunk chunk;
    bool have_times = false;
    bool plain = piece->chunk != 0 && !has_late(pieces->series, piece->chunk);
    if (plain) {
        status = hyp_pieces_chunk(pieces, piece->chunk, &chunk);
    }
    for (size_t p = 0; p < request->count && status == HYP_OK; p++) {
        struct hyp_spans spans = spans_of(request, p);
        int64_t point = request->points[p].id;
        if (plain) {
            status = add_chunk_point(pieces, piece, &chunk, &have_times, point, &spans);
        } else {
            uint32_t column = hyp_series_find_point(pieces->series, point, 0);
            status = add_rows(pieces, piece, column, &spans);
        }
    }
    return status;
}

/* request->points are all of pieces->series. */
static enum hyp_status summarise_device(struct hyp_pieces *pieces,
                                        const struct request *request)
{
    enum hyp_status status =
        hyp_pieces_list(pieces, request->bounds[0].ms, request->bounds[request->spans].ms);
    for (size_t i = 0; i < pieces->count && status == HYP_OK; i++) {
        status = add_piece(pieces, &pieces->list[i], request);
    }
    return status;
}

/* --- many devices --- */

/* What the scan of heads needs to know of a point. */
struct scanned {
    const struct hyp_series *series;
    bool slow; /* its heads do not answer: it is summarised by itself */
};

/* Only one point of each device can be found by device. */
static enum hyp_status index_points(const struct request *request, struct scanned *scanned,
                                    struct hyp_map *by_device)
{
    for (size_t p = 0; p < request->count; p++) {
        uint64_t known;
        uint64_t device = (uint64_t)scanned[p].series->device.id;
        if (hyp_map_get(by_device, device, &known)) {
            scanned[p].slow = true;
            continue;
        }
        enum hyp_status status = hyp_map_set(by_device, device, p);
        if (status != HYP_OK) {
            return status;
        }
    }
    return HYP_OK;
}

static void scan_chunk(const struct request *request, struct scanned *scanned, size_t p,
                       const struct hyp_chunk_row *row)
{
    struct hyp_spans spans = spans_of(request, p);
    struct hyp_chunk chunk;
    struct hyp_chunk_column column;
    if (hyp_chunk_open(&chunk, row->head) != HYP_OK || has_late(scanned[p].series, row->id)) {
        scanned[p].slow = true;
        return;
    }
    if (chunk.last < request->bounds[0].ms ||
        chunk.first >= request->bounds[request->spans].ms) {
        return;
    }
    enum hyp_status status = hyp_chunk_find_column(&chunk, request->points[p].id, &column);
    if (status != HYP_NOT_FOUND &&
        (status != HYP_OK || !hyp_spans_add_head(&spans, &chunk, &column.stats))) {
        scanned[p].slow = true;
    }
}

static enum hyp_status scan_heads(struct hyp_pieces *pieces, const struct request *request,
                                  struct scanned *scanned, const struct hyp_map *by_device)
{
    uint32_t first = hyp_period_month(hyp_period_of(request->bounds[0].ms));
    uint32_t last = hyp_period_month(hyp_period_of(request->bounds[request->spans].ms - 1));
    struct hyp_query query;
    struct hyp_chunk_row row;
    hyp_chunk_scan_open(&query, pieces->reader.main,
                        hyp_period_chunk(hyp_period_part(first, 0), 0),
                        hyp_period_chunk(hyp_period_part(last + 1, 0), 0), false);
    while (hyp_chunk_scan_next(&query, false, &row)) {
        uint64_t p;
        if (hyp_map_get(by_device, (uint64_t)hyp_period_device(row.id), &p) &&
            !scanned[p].slow) {
            scan_chunk(request, scanned, (size_t)p, &row);
        }
    }
    return hyp_query_close(&query);
}

/* The memory of a device whose chunks the scan has added. */
static enum hyp_status add_memory(struct hyp_pieces *pieces, const struct request *request,
                                  size_t p)
{
    const struct hyp_series *series = pieces->series;
    struct hyp_spans spans = spans_of(request, p);
    uint32_t column = hyp_series_find_point(series, request->points[p].id, 0);
    enum hyp_status status = HYP_OK;
    int64_t end = request->bounds[request->spans].ms;
    for (uint32_t b = hyp_series_find_block(series, request->bounds[0].ms);
         status == HYP_OK && b < series->block_count && series->blocks[b].first < end; b++) {
        struct hyp_piece piece = {.block = b};
        status = add_rows(pieces, &piece, column, &spans);
    }
    return status;
}

static void clear(const struct request *request, size_t p)
{
    struct hyp_spans spans = spans_of(request, p);
    for (size_t i = 0; i < spans.count; i++) {
        spans.out[i] = (struct hyp_summary){.start = request->bounds[i]};
    }
}

static enum hyp_status summarise_scanned(struct hyp_pieces *pieces,
                                         const struct request *request, struct scanned *scanned)
{
    enum hyp_status status = HYP_OK;
    for (size_t p = 0; p < request->count && status == HYP_OK; p++) {
        pieces->series = scanned[p].series;
        if (!scanned[p].slow) {
            status = add_memory(pieces, request, p);
            continue;
        }
        clear(request, p);
        struct request one = *request;
        one.points += p;
        one.count = 1;
        one.out += p * request->spans;
        status = summarise_device(pieces, &one);
    }
    return status;
}

/* --- public --- */

/* From so many points on a scan of all heads is tried. */
#define SCAN_POINTS 64

static enum hyp_status find_all(struct hyp_store *store, hyp_tenant_id tenant,
                                const struct request *request, struct scanned *scanned)
{
    for (size_t p = 0; p < request->count; p++) {
        uint32_t column;
        scanned[p].series =
            hyp_historian_find_point(store->historian, tenant, request->points[p], &column);
        if (scanned[p].series == NULL) {
            return HYP_NOT_FOUND;
        }
        if (scanned[p].series->columns[column].value_kind != HYP_VALUE_DECIMAL) {
            return HYP_UNSUPPORTED;
        }
    }
    return HYP_OK;
}

static enum hyp_status summarise(struct hyp_pieces *pieces, const struct request *request,
                                 struct scanned *scanned)
{
    if (request->count >= SCAN_POINTS && request->marks == NULL) {
        struct hyp_map by_device;
        hyp_map_init(&by_device);
        enum hyp_status status = index_points(request, scanned, &by_device);
        if (status == HYP_OK) {
            status = scan_heads(pieces, request, scanned, &by_device);
        }
        hyp_map_finish(&by_device);
        return status == HYP_OK ? summarise_scanned(pieces, request, scanned) : status;
    }
    enum hyp_status status = HYP_OK;
    for (size_t p = 0; p < request->count && status == HYP_OK;) {
        size_t end = p + 1;
        while (end < request->count && scanned[end].series == scanned[p].series) {
            end++;
        }
        struct request device = *request;
        device.points += p;
        device.count = end - p;
        device.out += p * request->spans;
        device.marks = spans_of(request, p).marks;
        pieces->series = scanned[p].series;
        status = summarise_device(pieces, &device);
        p = end;
    }
    return status;
}

static bool is_good(size_t point_count, const hyp_utc *bounds, size_t span_count)
{
    for (size_t i = 0; i < span_count; i++) {
        if (bounds[i].ms >= bounds[i + 1].ms) {
            return false;
        }
    }
    return span_count > 0 && span_count <= HYP_LIMIT_SUMMARY_SPANS &&
           point_count <= HYP_LIMIT_SUMMARIES / span_count;
}

/* @ret_marks  NULL = not asked for */
static enum hyp_status answer(struct hyp_store *store, hyp_tenant_id tenant,
                              struct request request, struct hyp_arena *arena,
                              struct hyp_summary **ret_summaries,
                              struct hyp_summary_marks **ret_marks)
{
    size_t point_count = request.count;
    if (!is_good(point_count, request.bounds, request.spans)) {
        return HYP_INVALID;
    }
    size_t span_count = request.spans;
    struct hyp_summary *out =
        hyp_arena_alloc_array(arena, point_count * span_count + 1, sizeof(*out));
    struct scanned *scanned = hyp_arena_alloc_array(arena, point_count + 1, sizeof(*scanned));
    if (out == NULL || scanned == NULL) {
        return HYP_LIMIT;
    }
    memset(scanned, 0, (point_count + 1) * sizeof(*scanned));
    request.out = out;
    if (ret_marks != NULL) {
        size_t size = point_count * span_count * sizeof(*request.marks);
        request.marks = hyp_arena_alloc(arena, size + 1);
        if (request.marks == NULL) {
            return HYP_LIMIT;
        }
        memset(request.marks, 0, size);
    }
    for (size_t p = 0; p < point_count; p++) {
        clear(&request, p);
    }
    struct hyp_pieces pieces;
    hyp_pieces_begin(&pieces, store);
    enum hyp_status status = find_all(store, tenant, &request, scanned);
    if (status == HYP_OK) {
        status = pieces.status;
    }
    if (status == HYP_OK) {
        status = summarise(&pieces, &request, scanned);
    }
    hyp_pieces_end(&pieces);
    if (status == HYP_OK) {
        *ret_summaries = out;
    }
    if (status == HYP_OK && ret_marks != NULL) {
        *ret_marks = request.marks;
    }
    return status;
}

enum hyp_status hyp_store_summaries(struct hyp_store *store, hyp_tenant_id tenant,
                                    const hyp_point_id *points, size_t point_count,
                                    const hyp_utc *bounds, size_t span_count,
                                    struct hyp_arena *arena, struct hyp_summary **ret_summaries)
{
    struct request request = {
        .points = points, .count = point_count, .bounds = bounds, .spans = span_count};
    return answer(store, tenant, request, arena, ret_summaries, NULL);
}

enum hyp_status hyp_store_marked_summaries(struct hyp_store *store, hyp_tenant_id tenant,
                                           const hyp_point_id *points, size_t point_count,
                                           const hyp_utc *bounds, size_t span_count,
                                           struct hyp_arena *arena,
                                           struct hyp_summary **ret_summaries,
                                           struct hyp_summary_marks **ret_marks)
{
    struct request request = {
        .points = points, .count = point_count, .bounds = bounds, .spans = span_count};
    return answer(store, tenant, request, arena, ret_summaries, ret_marks);
}
