/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk.h"

#include "base/limits.h"
#include "model/value.h"
#include "store/chunk_format.h"
#include "store/crc32c.h"
#include "store/sequence.h"

#include <string.h>

/* --- head --- */

enum hyp_status hyp_chunk_open(struct hyp_chunk *chunk, struct hyp_str head)
{
    struct hyp_bytes in = hyp_bytes_from((const uint8_t *)head.ptr, head.len);
    uint8_t version = hyp_bytes_u8(&in);
    uint32_t crc = hyp_bytes_le32(&in);
    *chunk = (struct hyp_chunk){.data_crc = hyp_bytes_le32(&in), .version = version};
    if (hyp_bytes_failed(&in)) {
        return HYP_MALFORMED;
    }
    if (version < HYP_CHUNK_VERSION_OLDEST || version > HYP_CHUNK_VERSION) {
        return HYP_UNSUPPORTED;
    }
    if (hyp_crc32c(in.data + HYP_CHUNK_DATA_CRC_AT, in.len - HYP_CHUNK_DATA_CRC_AT) != crc) {
        return HYP_BAD_CHECK;
    }
    uint64_t rows = hyp_bytes_varint(&in);
    chunk->first = hyp_bytes_svarint(&in);
    chunk->last = (int64_t)((uint64_t)chunk->first + hyp_bytes_varint(&in));
    uint64_t columns = hyp_bytes_varint(&in);
    if (hyp_bytes_failed(&in) || rows == 0 || rows > HYP_LIMIT_CHUNK_ROWS ||
        columns > HYP_LIMIT_DEVICE_POINTS || chunk->last < chunk->first) {
        return HYP_MALFORMED;
    }
    chunk->rows = (uint32_t)rows;
    chunk->columns = (uint32_t)columns;
    chunk->head = in;
    return HYP_OK;
}

void hyp_chunk_columns(const struct hyp_chunk *chunk, struct hyp_chunk_cursor *cursor)
{
    *cursor = (struct hyp_chunk_cursor){
        .in = chunk->head, .left = chunk->columns, .rows = chunk->rows};
}

static unsigned __int128 read_varint128(struct hyp_bytes *in)
{
    unsigned __int128 value = 0;
    for (unsigned shift = 0; shift < 128; shift += 7) {
        uint8_t byte = hyp_bytes_u8(in);
        value |= (unsigned __int128)(byte & 0x7Fu) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    in->failed = true;
    return 0;
}

static void read_stats(struct hyp_bytes *in, uint8_t flags, uint32_t usable,
                       struct hyp_chunk_stats *stats)
{
    stats->count = (flags & HYP_CHUNK_COUNT) != 0 ? hyp_bytes_varint(in) : usable;
    stats->exp10 = (int8_t)hyp_bytes_u8(in);
    uint64_t first = (uint64_t)hyp_bytes_svarint(in);
    uint64_t last = first;
    uint64_t min = first;
    uint64_t max = first;
    unsigned __int128 rest = 0;
    if ((flags & HYP_CHUNK_CONSTANT) == 0) {
        last += (uint64_t)hyp_bytes_svarint(in);
        min -= hyp_bytes_varint(in);
        max = min + hyp_bytes_varint(in);
        rest = read_varint128(in);
    }
    stats->first = (int64_t)first;
    stats->last = (int64_t)last;
    stats->min = (int64_t)min;
    stats->max = (int64_t)max;
    stats->sum = (hyp_int128)((unsigned __int128)((hyp_int128)stats->min) *
                                  (unsigned __int128)stats->count +
                              rest);
}

enum hyp_status hyp_chunk_next_column(struct hyp_chunk_cursor *cursor,
                                      struct hyp_chunk_column *ret_column)
{
    if (cursor->left == 0) {
        return HYP_NOT_FOUND;
    }
    struct hyp_bytes *in = &cursor->in;
    uint64_t step = hyp_bytes_varint(in);
    uint8_t flags = hyp_bytes_u8(in);
    struct hyp_chunk_column column = {.point = (int64_t)((uint64_t)cursor->point + step),
                                      .value_kind = flags & HYP_CHUNK_KIND,
                                      .body = cursor->body};
    uint64_t cells = (flags & HYP_CHUNK_EVERY_ROW) != 0 ? cursor->rows : hyp_bytes_varint(in);
    uint64_t usable = (flags & HYP_CHUNK_ALL_USABLE) != 0 ? cells : hyp_bytes_varint(in);
    column.body_len = hyp_bytes_varint(in);
    if (cells > cursor->rows || usable > cells || cells == 0 ||
        column.value_kind == HYP_VALUE_UNSET || column.value_kind > HYP_VALUE_TEXT) {
        return HYP_MALFORMED;
    }
    column.cells = (uint32_t)cells;
    column.usable = (uint32_t)usable;
    if ((flags & HYP_CHUNK_STATS) != 0) {
        read_stats(in, flags, column.usable, &column.stats);
    }
    if (hyp_bytes_failed(in) || column.body_len > UINT32_MAX ||
        column.stats.count > column.usable) {
        return HYP_MALFORMED;
    }
    column.number = cursor->number++;
    cursor->left--;
    cursor->point = column.point;
    cursor->body += column.body_len;
    *ret_column = column;
    return HYP_OK;
}

enum hyp_status hyp_chunk_find_column(const struct hyp_chunk *chunk, int64_t point,
                                      struct hyp_chunk_column *ret_column)
{
    struct hyp_chunk_cursor cursor;
    hyp_chunk_columns(chunk, &cursor);
    struct hyp_chunk_column column;
    enum hyp_status status;
    while ((status = hyp_chunk_next_column(&cursor, &column)) == HYP_OK) {
        if (column.point == point) {
            *ret_column = column;
            return HYP_OK;
        }
    }
    return status;
}

/* --- data --- */

enum hyp_status hyp_chunk_attach(struct hyp_chunk *chunk, struct hyp_str data)
{
    if (hyp_crc32c((const uint8_t *)data.ptr, data.len) != chunk->data_crc) {
        return HYP_BAD_CHECK;
    }
    struct hyp_bytes in = hyp_bytes_from((const uint8_t *)data.ptr, data.len);
    uint64_t len = hyp_bytes_varint(&in);
    if (hyp_bytes_failed(&in) || len > hyp_bytes_left(&in)) {
        return HYP_MALFORMED;
    }
    static _Atomic uint64_t attached;
    chunk->serial = ++attached;
    chunk->parts = hyp_bytes_slice(&in, (size_t)len);
    chunk->bodies = hyp_bytes_slice(&in, hyp_bytes_left(&in));
    return HYP_OK;
}

enum hyp_status hyp_chunk_times(const struct hyp_chunk *chunk, struct hyp_chunk_work *work)
{
    enum hyp_status status = hyp_chunk_reserve(work, chunk->rows);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_bytes in = chunk->parts;
    hyp_sequence_read(&in, work->times, chunk->rows);
    return hyp_bytes_failed(&in) ? HYP_MALFORMED : HYP_OK;
}

bool hyp_chunk_body_open(const struct hyp_chunk *chunk, const struct hyp_chunk_column *column,
                         struct hyp_chunk_body *ret_body, struct hyp_bytes *ret_in)
{
    struct hyp_bytes in = chunk->bodies;
    hyp_bytes_skip(&in, (size_t)column->body);
    in = hyp_bytes_slice(&in, (size_t)column->body_len);
    *ret_body = (struct hyp_chunk_body){.flags = hyp_bytes_u8(&in)};
    if ((ret_body->flags & HYP_CHUNK_REFERENCE) != 0) {
        hyp_chunk_reference_read(&in, &ret_body->reference);
        in.failed |= chunk->version < 2 || column->value_kind != HYP_VALUE_DECIMAL;
    }
    *ret_in = in;
    return !hyp_bytes_failed(&in);
}

bool hyp_chunk_row_numbers(struct hyp_bytes *in, const struct hyp_chunk *chunk,
                           const struct hyp_chunk_column *column, struct hyp_chunk_work *work)
{
    uint32_t cells = column->cells;
    if (cells == chunk->rows) {
        for (uint32_t i = 0; i < cells; i++) {
            work->rows[i] = i;
        }
        return true;
    }
    hyp_sequence_read(in, work->numbers, cells);
    int64_t before = -1;
    for (uint32_t i = 0; i < cells && !hyp_bytes_failed(in); i++) {
        if (work->numbers[i] <= before || work->numbers[i] >= chunk->rows) {
            return false;
        }
        before = work->numbers[i];
        work->rows[i] = (uint32_t)before;
    }
    return !hyp_bytes_failed(in);
}

/* Qualities of all cells; false unless as many are usable as the head says. */
static bool read_qualities(struct hyp_bytes *in, bool one,
                           const struct hyp_chunk_column *column, struct hyp_chunk_work *work)
{
    uint32_t cells = column->cells;
    if (one) {
        uint8_t quality = hyp_bytes_u8(in);
        memset(work->qualities, quality, cells);
        bool usable = hyp_quality_is_usable((enum hyp_quality)quality);
        return !hyp_bytes_failed(in) && quality != HYP_QUALITY_UNSET &&
               quality <= HYP_QUALITY_LAST && column->usable == (usable ? cells : 0);
    }
    hyp_sequence_read(in, work->numbers, cells);
    for (uint32_t i = 0; i < cells && !hyp_bytes_failed(in); i++) {
        work->qualities[i] = (uint8_t)work->numbers[i];
    }
    if (hyp_bytes_failed(in)) {
        return false;
    }
    uint32_t usable = 0;
    for (uint32_t i = 0; i < cells; i++) {
        uint8_t quality = work->qualities[i];
        if (quality == HYP_QUALITY_UNSET || quality > HYP_QUALITY_LAST) {
            return false;
        }
        usable += hyp_quality_is_usable((enum hyp_quality)quality);
    }
    return usable == column->usable;
}

/* Moves the numbers of the usable cells to their places; the others become 0. */
static void spread(struct hyp_chunk_work *work, const struct hyp_chunk_column *column)
{
    uint32_t from = column->usable;
    for (uint32_t i = column->cells; i > 0 && from < i; i--) {
        bool usable = hyp_quality_is_usable((enum hyp_quality)work->qualities[i - 1]);
        if (usable) {
            from--;
        }
        work->payloads[i - 1] = usable ? work->payloads[from] : 0;
        work->exponents[i - 1] = usable ? work->exponents[from] : 0;
    }
}

/* From digits at the least exponent back to those at each value's own. */
static bool unscale(int64_t *digits, int8_t from, int8_t to)
{
    for (; from < to && *digits != 0; from++) {
        if (*digits % 10 != 0) {
            return false;
        }
        *digits /= 10;
    }
    return from <= to;
}

static bool read_exponents(struct hyp_bytes *in, unsigned how, uint32_t n,
                           struct hyp_chunk_work *work, int8_t *ret_least)
{
    int8_t least = INT8_MAX;
    if (how == HYP_CHUNK_ONE_EXPONENT || how == HYP_CHUNK_SHORTEST) {
        least = (int8_t)hyp_bytes_u8(in);
        memset(work->exponents, (uint8_t)least, n);
    } else {
        hyp_sequence_read(in, work->numbers, n);
        for (uint32_t i = 0; i < n && !hyp_bytes_failed(in); i++) {
            work->exponents[i] = (int8_t)work->numbers[i];
            least = HYP_MIN(least, work->exponents[i]);
        }
    }
    *ret_least = least;
    return !hyp_bytes_failed(in);
}

/* Digits that were brought to one exponent get back their own. */
static bool settle_digits(unsigned how, uint32_t n, int8_t least, struct hyp_chunk_work *work)
{
    for (uint32_t i = 0; i < n && how >= HYP_CHUNK_SCALED; i++) {
        if (how == HYP_CHUNK_SHORTEST) {
            work->exponents[i] = hyp_chunk_shortest_exponent(work->payloads[i], least);
        }
        if (!unscale(&work->payloads[i], least, work->exponents[i])) {
            return false;
        }
    }
    return true;
}

/* --- references --- */

static bool find_numbered(const struct hyp_chunk *chunk, uint32_t number,
                          struct hyp_chunk_column *column)
{
    struct hyp_chunk_cursor cursor;
    hyp_chunk_columns(chunk, &cursor);
    for (uint32_t i = 0; i < number; i++) {
        if (hyp_chunk_next_column(&cursor, column) != HYP_OK) {
            return false;
        }
    }
    return hyp_chunk_next_column(&cursor, column) == HYP_OK;
}

/* Decodes a column that a reference names into `line`; uses the members of `work` for one
 * column. */
static bool decode_source(const struct hyp_chunk *chunk, uint32_t number,
                          struct hyp_chunk_work *work, int64_t *line)
{
    struct hyp_chunk_column column;
    struct hyp_chunk_body body;
    struct hyp_bytes in;
    int8_t least;
    if (!find_numbered(chunk, number, &column) || column.value_kind != HYP_VALUE_DECIMAL ||
        !hyp_chunk_body_open(chunk, &column, &body, &in) ||
        body.reference.relation != HYP_RELATION_NONE ||
        (body.flags & HYP_CHUNK_EXPONENTS) == HYP_CHUNK_RAW ||
        !hyp_chunk_row_numbers(&in, chunk, &column, work) ||
        !read_exponents(&in, body.flags & HYP_CHUNK_EXPONENTS, column.usable, work, &least) ||
        !read_qualities(&in, (body.flags & HYP_CHUNK_ONE_QUALITY) != 0, &column, work)) {
        return false;
    }
    hyp_sequence_read(&in, work->payloads, column.usable);
    struct hyp_chunk_cells cells = {
        .rows = work->rows, .qualities = work->qualities, .count = column.cells};
    hyp_chunk_spread_digits(&cells, work->payloads, chunk->rows, line);
    return !hyp_bytes_failed(&in) && hyp_bytes_left(&in) == 0;
}

static bool decode_times(const struct hyp_chunk *chunk, int64_t *line)
{
    struct hyp_bytes in = chunk->parts;
    hyp_sequence_read(&in, line, chunk->rows);
    return !hyp_bytes_failed(&in);
}

/* Digits by row of a column that a reference names, or the times. */
static enum hyp_status source_of(const struct hyp_chunk *chunk, uint32_t number,
                                 struct hyp_chunk_work *work, const int64_t **ret_digits)
{
    struct hyp_chunk_line *line;
    bool known;
    enum hyp_status status = hyp_chunk_line_get(work, chunk, number, &line, &known);
    if (status == HYP_OK && !known) {
        bool good = number == HYP_CHUNK_LINE_TIMES
                        ? decode_times(chunk, line->digits)
                        : decode_source(chunk, number, work, line->digits);
        if (!good) {
            return HYP_MALFORMED;
        }
        hyp_chunk_line_keep(work, line);
    }
    if (status == HYP_OK) {
        *ret_digits = line->digits;
    }
    return status;
}

/* The line of a reference into work->line. */
static enum hyp_status read_line(const struct hyp_chunk *chunk,
                                 const struct hyp_chunk_reference *reference,
                                 struct hyp_chunk_work *work)
{
    const int64_t *x[HYP_REFERENCE_COLUMNS] = {0};
    const int64_t *times = NULL;
    enum hyp_status status = HYP_OK;
    for (size_t i = 0; i < reference->count && status == HYP_OK; i++) {
        status = reference->columns[i] < chunk->columns
                     ? source_of(chunk, reference->columns[i], work, &x[i])
                     : HYP_MALFORMED;
    }
    if (status == HYP_OK && reference->relation == HYP_RELATION_INTEGRAL) {
        status = source_of(chunk, HYP_CHUNK_LINE_TIMES, work, &times);
    }
    if (status == HYP_OK) {
        hyp_chunk_reference_source(reference, x, chunk->rows, work->line);
        hyp_chunk_reference_line(reference, times, chunk->rows, work->line);
    }
    return status;
}

/* Adds the line to the digits, which are those of the usable cells. */
static void add_line(struct hyp_chunk_work *work, const struct hyp_chunk_column *column)
{
    const int64_t *line = work->line;
    uint32_t n = 0;
    for (uint32_t i = 0; i < column->cells; i++) {
        if (hyp_quality_is_usable((enum hyp_quality)work->qualities[i])) {
            uint64_t digits = (uint64_t)work->payloads[n];
            work->payloads[n++] = (int64_t)(digits + (uint64_t)line[work->rows[i]]);
        }
    }
}

/* --- one column --- */

/* The digits as they stand in the body, or from where a reference had them decoded. */
static bool read_digits(struct hyp_bytes *in, const struct hyp_chunk *chunk,
                        const struct hyp_chunk_column *column, struct hyp_chunk_work *work)
{
    const struct hyp_chunk_line *known = hyp_chunk_line_find(work, chunk, column->number);
    if (known == NULL) {
        hyp_sequence_read(in, work->payloads, column->usable);
        return !hyp_bytes_failed(in) && hyp_bytes_left(in) == 0;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < column->cells; i++) {
        if (hyp_quality_is_usable((enum hyp_quality)work->qualities[i])) {
            work->payloads[n++] = known->digits[work->rows[i]];
        }
    }
    return true;
}

enum hyp_status hyp_chunk_values(const struct hyp_chunk *chunk,
                                 const struct hyp_chunk_column *column,
                                 struct hyp_chunk_work *work)
{
    enum hyp_status status = hyp_chunk_reserve(work, chunk->rows);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_chunk_body body;
    struct hyp_bytes in;
    if (!hyp_chunk_body_open(chunk, column, &body, &in)) {
        return HYP_MALFORMED;
    }
    unsigned how = body.flags & HYP_CHUNK_EXPONENTS;
    bool refers = body.reference.relation != HYP_RELATION_NONE;
    if (refers) {
        status = read_line(chunk, &body.reference, work);
        if (status != HYP_OK) {
            return status;
        }
    }
    int8_t least;
    if (!hyp_chunk_row_numbers(&in, chunk, column, work) ||
        !read_exponents(&in, how, column->usable, work, &least) ||
        !read_qualities(&in, (body.flags & HYP_CHUNK_ONE_QUALITY) != 0, column, work) ||
        !read_digits(&in, chunk, column, work)) {
        return HYP_MALFORMED;
    }
    if (refers) {
        add_line(work, column);
    }
    if (!settle_digits(how, column->usable, least, work)) {
        return HYP_MALFORMED;
    }
    spread(work, column);
    return HYP_OK;
}
