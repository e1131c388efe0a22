/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of a CSV text into cells: separators, quotes, and quotes doubled inside of quotes.
 * A quoted cell ends on its line. Pure; allocates nothing; any thread.
 */
#ifndef HYP_BASE_CSV_H
#define HYP_BASE_CSV_H

#include "base/status.h"
#include "base/str.h"

#include <stddef.h>

/* What separates the cells of a title line: the first of ';', tab, ','; ',' when none is. */
char hyp_csv_separator(struct hyp_str titles);

/*
 * @line        without its line end; quotes are taken out in place
 * @ret_cells   views into the line, without blanks around them
 * Returns      HYP_OK | MALFORMED (a quote that does not end, text behind a quoted cell) |
 * LIMIT (more than `capacity` cells)
 */
HYP_MUST_USE enum hyp_status hyp_csv_split(char *line, size_t len, char separator,
                                           struct hyp_str *ret_cells, size_t capacity,
                                           size_t *ret_count);

#endif
