/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the fixed data structure of old meters. The first byte chooses the byte order.
 */
#include "protocol/mbus/fixed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_record(const struct hyp_mbus_record *record, const uint8_t *data, size_t size)
{
    require(record->quality != HYP_QUALITY_UNSET);
    require(record->data >= data && record->data + record->data_len <= data + size);
    require(record->quantity < HYP_QUANTITY_COUNT_OF && record->unit < HYP_UNIT_COUNT_OF);
    require(memchr(record->text, '\0', sizeof(record->text)) != NULL);
    if (record->kind == HYP_VALUE_CIVIL && hyp_quality_is_usable(record->quality)) {
        require(hyp_civil_is_valid(&record->civil));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hyp_note notes[32];
    struct hyp_explain explain;
    struct hyp_mbus_record plain[2];
    struct hyp_mbus_record noted[2];
    struct hyp_error err;
    size_t count = 0;
    size_t noted_count = 0;
    if (size == 0) {
        return 0;
    }
    const bool msb_first = (data[0] & 1) != 0;
    data++;
    size--;
    hyp_explain_init(&explain, notes, HYP_ARRAY_LEN(notes));
    enum hyp_status status =
        hyp_mbus_fixed_decode(data, size, msb_first, NULL, plain, &count, &err);
    require(hyp_mbus_fixed_decode(data, size, msb_first, &explain, noted, &noted_count, NULL) ==
            status);
    if (status != HYP_OK) {
        require(status == HYP_MALFORMED && size < HYP_MBUS_FIXED_LEN && err.text[0] != '\0');
        return 0;
    }
    require(count == noted_count && count <= 2 && explain.dropped == 0);
    for (size_t i = 0; i < count; i++) {
        check_record(&plain[i], data, size);
        require(plain[i].quantity == noted[i].quantity && plain[i].quality == noted[i].quality);
    }
    return 0;
}
