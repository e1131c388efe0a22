/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes in the own layout of one house: compiled once per house, with its manufacturer
 * codes as MAKERS. The telegram in front is made, so that every input reaches the layout.
 *
 *     which maker, 40 key, 80 plain | VER | TYPE | CI and what follows
 */
#include "protocol/inspect.h"
#include "protocol/mbus/record.h"
#include "protocol/telegram.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD 4  /* bytes of the input before what follows the CI */
#define LINK 10 /* L C M ID VER TYPE */
#define NOTES_MAX 1024
#define RECORDS_MAX 512

enum { CHOICE_MAKER = 0x3F, CHOICE_KEY = 0x40, CHOICE_PLAIN = 0x80 };

static const char makers[][4] = {MAKERS};
static struct hyp_telegram telegram;

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static bool find_key(void *user, const struct hyp_meter_identity *meter,
                     struct hyp_aes_key *ret_key)
{
    const uint8_t *choice = user;
    (void)meter;
    memset(ret_key->bytes, 0x11, sizeof(ret_key->bytes));
    return (*choice & CHOICE_KEY) != 0;
}

static size_t build(const uint8_t *data, size_t size, uint8_t *out)
{
    const size_t body = HYP_MIN(size - HEAD + 1, (size_t)(256 - LINK));
    const char *maker = makers[(data[0] & CHOICE_MAKER) % HYP_ARRAY_LEN(makers)];
    const uint16_t code = hyp_manufacturer_from_text(maker);
    const uint8_t head[LINK] = {(uint8_t)(LINK - 1 + body),
                                0x44,
                                (uint8_t)code,
                                (uint8_t)(code >> 8),
                                0x78,
                                0x56,
                                0x34,
                                0x12,
                                data[1],
                                data[2]};
    memcpy(out, head, sizeof(head));
    memcpy(out + LINK, data + HEAD - 1, body);
    return LINK + body;
}

static size_t walk(uint64_t *sum)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    size_t count = 0;
    hyp_mbus_records_init(&records, telegram.data, telegram.data_len, NULL);
    records.msb_first = !telegram.lsb_first;
    while (hyp_mbus_records_next(&records, &record, NULL) == HYP_OK) {
        require(++count <= RECORDS_MAX);
        *sum = (*sum ^ record.quantity ^ (uint64_t)record.storage << 8) * 0x100000001B3u;
        if (record.kind == HYP_VALUE_CIVIL && hyp_quality_is_usable(record.quality)) {
            require(hyp_civil_is_valid(&record.civil));
        }
    }
    return count;
}

struct result {
    enum hyp_status status;
    size_t count;
    uint64_t sum;
};

static struct result open_once(const uint8_t *bytes, size_t len,
                               const struct hyp_telegram_context *context,
                               struct hyp_explain *explain)
{
    struct hyp_error err = {.offset = 0};
    struct result result = {.status = hyp_telegram_open(bytes, len, HYP_LINK_WMBUS, context,
                                                        &telegram, explain, &err)};
    if (result.status != HYP_OK) {
        require(err.text[0] != '\0' && telegram.data_len == 0);
        return result;
    }
    require(telegram.data_offset + telegram.data_len <= telegram.plain_len);
    require(telegram.plain_len <= sizeof(telegram.plain));
    if (telegram.content == HYP_CONTENT_RECORDS) {
        result.count = walk(&result.sum);
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hyp_note notes[NOTES_MAX];
    uint8_t bytes[256];
    struct hyp_explain explain;
    if (size < HEAD) {
        return 0;
    }
    uint8_t choice = data[0];
    const struct hyp_telegram_context context = {
        .user = &choice, .find_key = find_key, .accept_plain = (choice & CHOICE_PLAIN) != 0};
    const size_t len = build(data, size, bytes);
    hyp_explain_init(&explain, notes, NOTES_MAX);
    struct result silent = open_once(bytes, len, &context, NULL);
    struct result noted = open_once(bytes, len, &context, &explain);
    require(silent.status == noted.status && silent.count == noted.count &&
            silent.sum == noted.sum);
    require(explain.dropped == 0);
    for (size_t i = 0; i < explain.count; i++) {
        require((size_t)notes[i].offset + notes[i].len <= sizeof(telegram.plain));
    }
    return 0;
}
