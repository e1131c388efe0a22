/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a wireless telegram: what is recognised has to fit the bytes it came from. */
#include "base/attr.h"
#include "protocol/wmbus/link.h"
#include "protocol/wmbus/three_of_six.h"

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

static void check_chips(const uint8_t *data, size_t size)
{
    uint8_t bytes[512];
    uint8_t chips[768];
    size_t len = 0;
    size_t chip_len = 0;
    /* A bad symbol ends it; what was decoded before has to give the same chips again. */
    HYP_IGNORE(hyp_three_of_six_decode(data, size, bytes, sizeof(bytes), &len, NULL));
    require(hyp_three_of_six_encode(bytes, len, chips, sizeof(chips), &chip_len) == HYP_OK);
    for (size_t i = 0; i < len * 12 / 8; i++) {
        require(chips[i] == data[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_link(data, size);
    check_chips(data, size);
    return 0;
}
