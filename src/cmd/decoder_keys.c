/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in a text: one "id;key" a line. */
#include "cmd/decoder.h"

enum hyp_status hyp_decoder_add_keys(struct hyp_decoder *decoder, struct hyp_str text,
                                     struct hyp_error *err)
{
    struct hyp_str line;
    int64_t number = 0;
    while (hyp_str_split_next(&text, '\n', &line)) {
        number++;
        line = hyp_str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#') {
            continue;
        }
        const char separator = hyp_str_find_char(line, ';') >= 0 ? ';' : ',';
        struct hyp_str id;
        struct hyp_str key;
        if (!hyp_str_split_next(&line, separator, &id) ||
            !hyp_str_split_next(&line, separator, &key)) {
            return hyp_error_set(err, HYP_INVALID, number, "expected \"id;key\"");
        }
        enum hyp_status status =
            hyp_decoder_add_key(decoder, hyp_str_trim(id), hyp_str_trim(key), err);
        if (status != HYP_OK) {
            if (err != NULL) {
                err->offset = number;
            }
            return status;
        }
    }
    return HYP_OK;
}
