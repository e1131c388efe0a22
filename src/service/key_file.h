/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key file: rows of serial number and key, as makers and other programs write them.
 *
 * CSV with semicolons, commas or tabs, with or without a line of titles, columns in any order:
 * serial number, key (32 hex digits), maker (three letters, may be missing). Or the XML of
 * Kamstrup's key service, opened (key_xml.h). Reads text only; what is done with a row is
 * keys.h.
 */
#ifndef HYP_SERVICE_KEY_FILE_H
#define HYP_SERVICE_KEY_FILE_H

#include "base/crypto.h"
#include "base/status.h"
#include "base/str.h"
#include "model/plant.h"

#include <stdbool.h>

struct hyp_key_row {
    char manufacturer[4]; /* empty = any */
    char serial[HYP_SERIAL_MAX];
    struct hyp_aes_key key;
};

struct hyp_key_file {
    struct hyp_str rest;
    size_t line; /* of the row read last, from 1; of XML the number of the meter */
    bool xml;
    char separator;
    bool started;
    bool titled;    /* the columns are named */
    int columns[3]; /* serial, key, maker; -1 = not named */
};

/* @text  must outlive the reader */
void hyp_key_file_init(struct hyp_key_file *file, struct hyp_str text);

/*
 * Reads the next row.
 * @ret_row  serial and maker as far as they could be read, also of a row that is refused; the
 *           key is only there with HYP_OK. Wipe it when it has been used
 * Returns   HYP_OK | NOT_FOUND (end) | INVALID (this row is not good; the next may be)
 */
HYP_MUST_USE enum hyp_status hyp_key_file_next(struct hyp_key_file *file,
                                               struct hyp_key_row *ret_row,
                                               struct hyp_error *err);

#endif
