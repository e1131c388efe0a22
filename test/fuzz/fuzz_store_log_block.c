/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packed block: what unpacks, packed again, unpacks to the same; one column alone agrees with
 * all of them.
 */
#include "store/block.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same_rows(const struct hyp_rows *a, const struct hyp_rows *b)
{
    if (a->row_count != b->row_count || a->cell_count != b->cell_count) {
        return false;
    }
    for (size_t r = 0; r < a->row_count; r++) {
        const struct hyp_row *x = &a->rows[r];
        const struct hyp_row *y = &b->rows[r];
        if (x->time != y->time || x->receive != y->receive || x->frame != y->frame ||
            x->kind != y->kind || x->source != y->source || x->cells != y->cells) {
            return false;
        }
        for (size_t i = 0; i < x->cells; i++) {
            const struct hyp_cell *c = &a->cells[x->first_cell + i];
            const struct hyp_cell *d = &b->cells[y->first_cell + i];
            if (c->payload != d->payload || c->column != d->column || c->exp10 != d->exp10 ||
                c->quality != d->quality) {
                return false;
            }
        }
    }
    return true;
}

static void check_column(const uint8_t *data, size_t size, const struct hyp_rows *rows,
                         uint16_t column)
{
    struct hyp_rows one = {0};
    size_t count = 0;
    for (size_t i = 0; i < rows->cell_count; i++) {
        count += rows->cells[i].column == column;
    }
    if (hyp_block_unpack(data, size, column, &one) != HYP_OK || one.cell_count != count) {
        abort();
    }
    hyp_rows_finish(&one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hyp_rows rows = {0};
    struct hyp_rows again = {0};
    struct hyp_buf packed;
    hyp_buf_init_heap(&packed, (size_t)1 << 28);
    if (hyp_block_unpack(data, size, HYP_ALL_COLUMNS, &rows) == HYP_OK) {
        if (hyp_block_pack(&rows, &packed) != HYP_OK ||
            hyp_block_unpack(packed.data, packed.len, HYP_ALL_COLUMNS, &again) != HYP_OK ||
            !same_rows(&rows, &again)) {
            abort();
        }
        if (rows.cell_count > 0) {
            check_column(data, size, &rows, rows.cells[0].column);
            check_column(data, size, &rows, rows.cells[rows.cell_count - 1].column);
        }
    }
    hyp_buf_finish(&packed);
    hyp_rows_finish(&rows);
    hyp_rows_finish(&again);
    return 0;
}
