/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files, CSV and XML: every row has a whole key and a serial number, or a sentence that
 * does not have the key in it; and rows come to an end. The first byte is the length of the
 * password in front of the text.
 */
#include "service/key_xml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static bool is_upper_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

static void check_rows(struct hyp_str text)
{
    struct hyp_key_file file;
    struct hyp_key_row row;
    struct hyp_error err = {0};
    size_t line = 0;
    enum hyp_status status;
    hyp_key_file_init(&file, text);
    while ((status = hyp_key_file_next(&file, &row, &err)) != HYP_NOT_FOUND) {
        require(status == HYP_OK || status == HYP_INVALID);
        require(file.line > line && file.line <= text.len + 1);
        line = file.line;
        if (status == HYP_OK) {
            require(strlen(row.serial) == 8);
            for (size_t i = 0; i < 8; i++) {
                require(is_upper_hex(row.serial[i]));
            }
            require(strlen(row.manufacturer) == 0 || strlen(row.manufacturer) == 3);
        } else {
            require(err.text[0] != '\0');
        }
    }
    require(hyp_key_file_next(&file, &row, &err) == HYP_NOT_FOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 65536 || size - 1 < data[0]) {
        return 0;
    }
    struct hyp_str password = {(const char *)data + 1, data[0]};
    struct hyp_str text = {(const char *)data + 1 + data[0], size - 1 - data[0]};
    struct hyp_arena arena;
    struct hyp_key_plain plain;
    check_rows(text);
    hyp_arena_init(&arena, 1 << 20);
    if (hyp_key_xml_is(text) &&
        hyp_key_xml_open(text, password, &arena, &plain, NULL) == HYP_OK) {
        check_rows(plain.text);
    }
    hyp_arena_finish(&arena);
    return 0;
}
