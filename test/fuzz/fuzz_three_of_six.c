/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as chips: what was decoded gives the same chips again, and any bytes survive the
 * way to chips and back. */
#include "base/attr.h"
#include "protocol/wmbus/three_of_six.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
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
    size = HYP_MIN(size, sizeof(bytes));
    require(hyp_three_of_six_encode(data, size, chips, sizeof(chips), &chip_len) == HYP_OK);
    require(hyp_three_of_six_decode(chips, chip_len, bytes, sizeof(bytes), &len, NULL) ==
            HYP_OK);
    require(len == size && memcmp(bytes, data, size) == 0);
    return 0;
}
