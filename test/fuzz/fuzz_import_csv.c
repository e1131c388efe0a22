/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a CSV file of readings, its first line as a mapping of titles: the layout that is
 * taken must be whole, and every cell must lie in its line.
 */
#include "base/csv.h"
#include "service/csv_layout.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t line_of(const char *text, size_t len)
{
    const char *end = memchr(text, '\n', len);
    return end == NULL ? len : (size_t)(end - text);
}

static void check_layout(const struct hyp_csv_layout *layout)
{
    if (layout->count == 0 || layout->count > HYP_LIMIT_IMPORT_COLUMNS ||
        layout->at[HYP_CSV_TIME] < 0) {
        abort();
    }
    for (size_t i = 0; i < layout->count; i++) {
        const struct hyp_csv_column *column = &layout->columns[i];
        if (column->role == HYP_CSV_VALUE &&
            !hyp_vocabulary_unit_suits((enum hyp_name)column->key.name, column->unit)) {
            abort();
        }
    }
}

static void split_rest(char *text, size_t len, char separator)
{
    struct hyp_str cells[16];
    size_t count;
    while (len > 0) {
        size_t line = line_of(text, len);
        if (hyp_csv_split(text, line, separator, cells, HYP_ARRAY_LEN(cells), &count) ==
            HYP_OK) {
            for (size_t i = 0; i < count; i++) {
                if (cells[i].ptr < text || cells[i].ptr + cells[i].len > text + line) {
                    abort();
                }
            }
        }
        size_t step = line < len ? line + 1 : line;
        text += step;
        len -= step;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hyp_error err = {0};
    struct hyp_csv_layout *layout = malloc(sizeof(*layout));
    char *text = malloc(size + 1);
    if (layout == NULL || text == NULL) {
        abort();
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    size_t mapping = line_of(text, size);
    size_t from = mapping < size ? mapping + 1 : size;
    size_t titles = line_of(text + from, size - from);
    enum hyp_status status =
        hyp_csv_layout_read(text + from, titles, (struct hyp_str){text, mapping}, layout, &err);
    if (status == HYP_OK) {
        check_layout(layout);
        size_t rest = HYP_MIN(from + titles + 1, size);
        split_rest(text + rest, size - rest, layout->separator);
    } else if (err.text[0] == '\0') {
        abort();
    }
    free(text);
    free(layout);
    return 0;
}
