/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a telegram, wired or wireless. The first byte chooses link kind, key and whether
 * plain payloads are accepted; formats are learned from input to input, so that compact frames
 * are expanded too, and fragments of messages are put together.
 */
#include "base/attr.h"
#include "protocol/mbus/record.h"
#include "protocol/telegram.h"
#include "protocol/wmbus/formats.h"
#include "protocol/wmbus/fragments.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CHOICE_LINK = 3,
    CHOICE_KEY = 4,
    CHOICE_PLAIN = 8,
    CHOICE_EXPLAIN = 16,
    CHOICE_FRAGMENTS = 32,
};

#define NOTES_MAX 512
#define FORMATS_MAX 200

static struct hyp_formats formats;
static struct hyp_fragments fragments;
static struct hyp_telegram telegram;
static struct hyp_note notes[NOTES_MAX];

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
    require(strlen(meter->id) == 8);
    memset(ret_key->bytes, 0x11, sizeof(ret_key->bytes));
    return (*choice & CHOICE_KEY) != 0;
}

static bool find_short_key(void *user, const struct hyp_meter_identity *meter,
                           uint8_t ret_key[static 8])
{
    const uint8_t *choice = user;
    require(strlen(meter->manufacturer) == 3);
    memset(ret_key, 0x22, 8);
    return (*choice & CHOICE_KEY) != 0;
}

static const struct hyp_compact_format *find_format(void *user, uint16_t signature)
{
    (void)user;
    return hyp_formats_find(&formats, signature);
}

static void learn_format(void *user, const struct hyp_compact_format *format)
{
    (void)user;
    if (formats.count == FORMATS_MAX) {
        hyp_formats_init(&formats);
    }
    require(hyp_formats_learn(&formats, format) != HYP_LIMIT);
    require(hyp_formats_find(&formats, format->signature) != NULL);
}

static void walk(struct hyp_explain *explain)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    hyp_mbus_records_init(&records, telegram.data, telegram.data_len, explain);
    records.msb_first = !telegram.lsb_first;
    while (hyp_mbus_records_next(&records, &record, NULL) == HYP_OK) {
    }
}

static void check_opened(const uint8_t *data, size_t size)
{
    require(telegram.data_offset + telegram.data_len <= telegram.plain_len);
    require(telegram.plain_len <= sizeof(telegram.plain));
    require(telegram.received_len <= telegram.plain_len);
    require(telegram.content != HYP_CONTENT_NONE || telegram.data_len == 0);
    for (size_t at = 0; at < telegram.received_len; at++) {
        require(hyp_telegram_input_offset(&telegram, at) < size);
    }
    /* The sender is what the link says: no content can change it. */
    if (telegram.link == HYP_LINK_WMBUS) {
        require((data[2] | data[3] << 8) == telegram.sender.manufacturer_code);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum hyp_link_kind links[] = {HYP_LINK_UNSET, HYP_LINK_MBUS, HYP_LINK_WMBUS,
                                               HYP_LINK_WMBUS};
    if (size == 0) {
        return 0;
    }
    uint8_t choice = data[0];
    const struct hyp_telegram_context context = {
        .user = &choice,
        .find_key = find_key,
        .find_short_key = find_short_key,
        .find_format = find_format,
        .learn_format = learn_format,
        .accept_plain = (choice & CHOICE_PLAIN) != 0,
        .fragments = (choice & CHOICE_FRAGMENTS) != 0 ? &fragments : NULL,
    };
    struct hyp_explain explain;
    struct hyp_error err = {.offset = 0};
    hyp_explain_init(&explain, notes, NOTES_MAX);
    struct hyp_explain *asked = (choice & CHOICE_EXPLAIN) != 0 ? &explain : NULL;
    enum hyp_status status = hyp_telegram_open(data + 1, size - 1, links[choice & CHOICE_LINK],
                                               &context, &telegram, asked, &err);
    if (status == HYP_OK) {
        check_opened(data + 1, size - 1);
        if (telegram.content == HYP_CONTENT_RECORDS) {
            walk(asked);
        }
    } else {
        require(err.text[0] != '\0' && telegram.data_len == 0);
    }
    return 0;
}
