/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sealed chunk with sound checksums: what can be read, written again, reads the same, and its
 * head agrees. Input: length of the head (two bytes, low first), head, data.
 */
#include "base/limits.h"
#include "model/value.h"
#include "store/chunk.h"
#include "store/crc32c.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD_MIN 9
#define CRC_AT 1
#define DATA_CRC_AT 5
#define ROWS_MAX 65536

/* Points by the order in which they were met. */
struct points {
    struct hyp_chunk_point list[64];
    uint32_t count;
};

static uint32_t column_of(void *user, int64_t point)
{
    struct points *points = user;
    for (uint32_t i = 0; i < points->count; i++) {
        if (points->list[i].point == point) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* False when there are too many, or one twice, or not in order: writers never do that. */
static bool list_points(const struct hyp_chunk *chunk, struct points *points)
{
    struct hyp_chunk_cursor cursor;
    struct hyp_chunk_column column;
    hyp_chunk_columns(chunk, &cursor);
    while (hyp_chunk_next_column(&cursor, &column) == HYP_OK) {
        if (points->count == HYP_ARRAY_LEN(points->list) ||
            (points->count > 0 && points->list[points->count - 1].point >= column.point) ||
            column.point <= 0) {
            return false;
        }
        points->list[points->count++] = (struct hyp_chunk_point){
            .point = column.point,
            .value_kind = column.value_kind,
            .role = (uint8_t)(points->count % HYP_CHUNK_ROLE_COUNT_OF)};
    }
    return true;
}

static void put_crc(uint8_t *at, uint32_t crc)
{
    struct hyp_buf field;
    hyp_buf_init_fixed(&field, at, sizeof(crc));
    hyp_buf_append_le32(&field, crc);
}

static bool read_all(struct hyp_str head, struct hyp_str body, struct points *points,
                     struct hyp_chunk_work *work, struct hyp_chunk_texts *texts,
                     struct hyp_rows *rows)
{
    struct hyp_chunk chunk;
    if (hyp_chunk_open(&chunk, head) != HYP_OK || chunk.rows > ROWS_MAX ||
        hyp_chunk_attach(&chunk, body) != HYP_OK || !list_points(&chunk, points)) {
        return false;
    }
    struct hyp_chunk_target target = {.column_of = column_of, .user = points, .texts = texts};
    return hyp_chunk_rows(&chunk, work, &target, rows) == HYP_OK;
}

static bool same_rows(const struct hyp_rows *a, const struct hyp_rows *b,
                      const struct points *points)
{
    if (a->row_count != b->row_count || a->cell_count != b->cell_count) {
        return false;
    }
    for (size_t i = 0; i < a->row_count; i++) {
        if (a->rows[i].time != b->rows[i].time || a->rows[i].receive != b->rows[i].receive ||
            a->rows[i].frame != b->rows[i].frame || a->rows[i].kind != b->rows[i].kind ||
            a->rows[i].source != b->rows[i].source || a->rows[i].cells != b->rows[i].cells) {
            return false;
        }
    }
    for (size_t i = 0; i < a->cell_count; i++) {
        const struct hyp_cell *x = &a->cells[i];
        const struct hyp_cell *y = &b->cells[i];
        bool text = points->list[x->column].value_kind == HYP_VALUE_TEXT;
        if (x->column != y->column || x->quality != y->quality || x->exp10 != y->exp10 ||
            (!text && x->payload != y->payload)) {
            return false;
        }
    }
    return true;
}

static void write_again(struct points *points, const struct hyp_chunk_texts *texts,
                        const struct hyp_rows *rows)
{
    struct hyp_chunk_work work = {0};
    struct hyp_chunk_texts read_texts = {0};
    struct hyp_rows again = {0};
    struct points read_points = {0};
    struct hyp_buf head;
    struct hyp_buf body;
    hyp_buf_init_heap(&head, 1u << 26);
    hyp_buf_init_heap(&body, 1u << 26);
    struct hyp_chunk_source source = {.rows = rows,
                                      .points = points->list,
                                      .point_count = points->count,
                                      .texts = texts,
                                      .thorough = true};
    if (hyp_chunk_write(&work, &source, &head, &body) != HYP_OK ||
        !read_all(hyp_buf_view(&head), hyp_buf_view(&body), &read_points, &work, &read_texts,
                  &again) ||
        !same_rows(rows, &again, points)) {
        abort();
    }
    hyp_buf_finish(&head);
    hyp_buf_finish(&body);
    hyp_rows_finish(&again);
    hyp_chunk_texts_finish(&read_texts);
    hyp_chunk_work_finish(&work);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 + HEAD_MIN) {
        return 0;
    }
    size_t head_len = (size_t)data[0] | (size_t)data[1] << 8;
    if (head_len < HEAD_MIN || head_len > size - 2) {
        return 0;
    }
    uint8_t *copy = malloc(size - 2);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data + 2, size - 2);
    struct hyp_str head = {.ptr = (const char *)copy, .len = head_len};
    struct hyp_str body = {.ptr = (const char *)copy + head_len, .len = size - 2 - head_len};
    put_crc(copy + DATA_CRC_AT, hyp_crc32c((const uint8_t *)body.ptr, body.len));
    put_crc(copy + CRC_AT, hyp_crc32c(copy + DATA_CRC_AT, head_len - DATA_CRC_AT));
    struct points points = {0};
    struct hyp_chunk_work work = {0};
    struct hyp_chunk_texts texts = {0};
    struct hyp_rows rows = {0};
    if (read_all(head, body, &points, &work, &texts, &rows)) {
        write_again(&points, &texts, &rows);
    }
    hyp_rows_finish(&rows);
    hyp_chunk_texts_finish(&texts);
    hyp_chunk_work_finish(&work);
    free(copy);
    return 0;
}
