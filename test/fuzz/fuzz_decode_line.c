/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as lines of `hypocaust decode`, through to both kinds of output. */
#include "cmd/decoder.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_MAX ((size_t)16 * 1024 * 1024)

static struct hyp_decoder *decoder;
static struct hyp_buf out;

static void prepare(void)
{
    const struct hyp_decoder_options options = {.accept_plain = true, .explain = true};
    if (decoder != NULL) {
        return;
    }
    hyp_buf_init_heap(&out, OUTPUT_MAX);
    if (hyp_decoder_create(&options, &decoder, NULL) != HYP_OK ||
        hyp_decoder_add_key(decoder, HYP_STR("*"), HYP_STR("00112233445566778899AABBCCDDEEFF"),
                            NULL) != HYP_OK) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hyp_str text = {.ptr = (const char *)data, .len = size};
    struct hyp_str line;
    size_t number = 0;
    prepare();
    while (size > 0 && hyp_str_split_next(&text, '\n', &line)) {
        struct hyp_decoded decoded;
        hyp_buf_reset(&out);
        hyp_decoder_line(decoder, line, &decoded);
        hyp_decoded_write_json(&out, &decoded, ++number);
        hyp_decoded_write_table(&out, &decoded, number);
        if (hyp_buf_status(&out) != HYP_OK || (decoded.status != HYP_OK && decoded.count > 0)) {
            abort();
        }
    }
    return 0;
}
