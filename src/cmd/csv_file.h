/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text file read line by line, packed by gzip or not; "-" is standard input. One thread.
 */
#ifndef HYP_CMD_CSV_FILE_H
#define HYP_CMD_CSV_FILE_H

#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>

struct hyp_csv_file;

/* HYP_OK | IO, NO_MEMORY (err names the reason) */
HYP_MUST_USE enum hyp_status hyp_csv_file_open(const char *path, struct hyp_csv_file **ret_file,
                                               struct hyp_error *err);
/* NULL is allowed. Returns NULL. */
void *hyp_csv_file_close(struct hyp_csv_file *file);

struct hyp_csv_line {
    char *text; /* valid until the next call; may be changed */
    size_t len; /* without line end */
    size_t size;
};
/*
 * The next line, without the mark that some editors put before the first.
 * Returns  HYP_OK | NOT_FOUND (the end) | IO | MALFORMED (damaged gzip) | LIMIT (a line of more
 *          than HYP_LIMIT_IMPORT_LINE bytes)
 */
HYP_MUST_USE enum hyp_status hyp_csv_file_next(struct hyp_csv_file *file,
                                               struct hyp_csv_line *ret_line,
                                               struct hyp_error *err);

/* Is it a file, whose lines can be found again? Not standard input. */
bool hyp_csv_file_can_seek(const struct hyp_csv_file *file);
/* To a number of unpacked bytes from the beginning: where a line starts. */
HYP_MUST_USE enum hyp_status hyp_csv_file_seek(struct hyp_csv_file *file, uint64_t offset,
                                               struct hyp_error *err);
/* Writes what tells this file from others: size, time of change, begin and end. */
void hyp_csv_file_fingerprint(const struct hyp_csv_file *file, struct hyp_buf *out);
/* How much of the file was read; 0 for standard input. */
int hyp_csv_file_percent(const struct hyp_csv_file *file);

#endif
