/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a wireless telegram: what is recognised has to fit the bytes it came from. */
#include "base/attr.h"
#include "protocol/wmbus/link.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_link(const uint8_t *data, size_t size)
{
    uint8_t copy[HYP_WMBUS_TELEGRAM_MAX];
    struct hyp_note notes[64];
    struct hyp_explain explain;
    struct hyp_wmbus_link link;
    struct hyp_error err;
    hyp_explain_init(&explain, notes, HYP_ARRAY_LEN(notes));
    if (hyp_wmbus_link_parse(data, size, copy, &link, &explain, &err) != HYP_OK) {
        require(err.text[0] != '\0');
        return;
    }
    require(link.used + link.trailing == size);
    require(link.len == (size_t)copy[0] + 1 && link.len >= HYP_WMBUS_LINK_HEADER);
    for (size_t i = 1; i < link.len; i++) {
        const size_t at = hyp_wmbus_link_input_offset(link.format, i);
        require(at < link.used && copy[i] == data[at]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_link(data, size);
    return 0;
}
