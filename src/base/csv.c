/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include <string.h>

char hyp_csv_separator(struct hyp_str titles)
{
    static const char candidates[] = {';', '\t'};
    for (size_t i = 0; i < sizeof(candidates); i++) {
        if (hyp_str_find_char(titles, candidates[i]) >= 0) {
            return candidates[i];
        }
    }
    return ',';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/*
 * The cell behind the quote at `*at`, with its doubled quotes made single ones.
 * Returns false when the line ends before the quote does.
 */
static bool take_quoted(char *line, size_t len, size_t *at, struct hyp_str *ret_cell)
{
    size_t from = *at + 1;
    size_t read = from;
    size_t written = from;
    while (read < len) {
        if (line[read] == '"') {
            if (read + 1 >= len || line[read + 1] != '"') {
                break;
            }
            read++;
        }
        line[written++] = line[read++];
    }
    if (read >= len) {
        return false;
    }
    *ret_cell = (struct hyp_str){line + from, written - from};
    *at = read + 1;
    return true;
}

static struct hyp_str take_plain(const char *line, size_t len, char separator, size_t *at)
{
    const char *end = memchr(line + *at, separator, len - *at);
    size_t stop = end == NULL ? len : (size_t)(end - line);
    struct hyp_str cell = {line + *at, stop - *at};
    *at = stop;
    while (cell.len > 0 && is_blank(cell.ptr[cell.len - 1])) {
        cell.len--;
    }
    return cell;
}

enum hyp_status hyp_csv_split(char *line, size_t len, char separator, struct hyp_str *ret_cells,
                              size_t capacity, size_t *ret_count)
{
    size_t count = 0;
    for (size_t at = 0;; at++) { /* over the separator */
        while (at < len && is_blank(line[at]) && line[at] != separator) {
            at++;
        }
        if (count == capacity) {
            return HYP_LIMIT;
        }
        if (at < len && line[at] == '"') {
            if (!take_quoted(line, len, &at, &ret_cells[count])) {
                return HYP_MALFORMED;
            }
            while (at < len && is_blank(line[at]) && line[at] != separator) {
                at++;
            }
            if (at < len && line[at] != separator) {
                return HYP_MALFORMED;
            }
        } else {
            ret_cells[count] = take_plain(line, len, separator, &at);
        }
        count++;
        if (at >= len) {
            break;
        }
    }
    *ret_count = count;
    return HYP_OK;
}
