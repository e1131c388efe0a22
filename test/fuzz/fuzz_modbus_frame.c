/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiver finds the same answers in a stream however it is cut.
 * Input: framing, function, count, unit, then the stream.
 */
#include "protocol/modbus/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct found {
    size_t count;
    size_t skipped;
    uint64_t hash;
};

static void note(struct found *found, const struct hyp_modbus_answer *answer)
{
    const uint64_t parts[] = {answer->transaction, answer->unit,    answer->function,
                              answer->exception,   answer->address, answer->value};
    found->count++;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        found->hash = found->hash * 31 + parts[i];
    }
    for (size_t i = 0; i < answer->data_len; i++) {
        found->hash = found->hash * 31 + answer->data[i];
    }
}

static struct found receive(enum hyp_modbus_framing framing,
                            const struct hyp_modbus_request *expected, const uint8_t *data,
                            size_t size, size_t piece)
{
    struct hyp_modbus_receiver receiver;
    struct found found = {0};
    hyp_modbus_receiver_expect(&receiver, framing, expected);
    for (size_t at = 0; at < size;) {
        size_t len = size - at < piece ? size - at : piece;
        const uint8_t *part = data + at;
        struct hyp_modbus_answer answer;
        at += len;
        while (hyp_modbus_receiver_next(&receiver, &part, &len, &answer) == HYP_OK) {
            note(&found, &answer);
        }
    }
    found.skipped = receiver.skipped;
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    enum hyp_modbus_framing framing = data[0] % 2 == 0 ? HYP_MODBUS_TCP : HYP_MODBUS_RTU;
    struct hyp_modbus_request expected = {
        .function = (uint8_t)(data[1] % 4 + 1), .count = data[2], .unit = data[3]};
    struct hyp_modbus_answer answer;
    if (hyp_modbus_answer_parse(framing, data + 4, size - 4, &answer, NULL) == HYP_OK) {
        (void)hyp_modbus_answer_fits(&answer, &expected);
    }
    struct found whole = receive(framing, &expected, data + 4, size - 4, size);
    for (size_t piece = 1; piece <= 3; piece++) {
        struct found cut = receive(framing, &expected, data + 4, size - 4, piece);
        if (memcmp(&whole, &cut, sizeof(whole)) != 0) {
            abort();
        }
    }
    return 0;
}
