/* SPDX-License-Identifier: Apache-2.0 */
/* What a telegram needs to be opened: keys of its meter, formats of compact frames. */
#include "collect/intake.h"

#include "protocol/mbus/record.h"

#include <stdlib.h>
#include <string.h>

/* --- what the telegram layer asks --- */

struct asking {
    struct hyp_intake *intake;
    const struct hyp_arrival *arrival;
    const struct hyp_aes_key *trial;   /* a default key on trial; NULL = the meter's own */
    const struct hyp_station *keyless; /* the meter asked for, which has no key */
};

static bool find_key(void *user, const struct hyp_meter_identity *meter,
                     struct hyp_aes_key *ret_key)
{
    struct asking *asking = user;
    const struct hyp_station *station = asking->arrival->expected;
    if (station == NULL || !station->has_serial || !hyp_station_is(station, meter)) {
        station = hyp_stations_match(asking->intake->stations, asking->arrival->tenant, meter);
    }
    if (station == NULL) {
        return false;
    }
    const struct hyp_aes_key *key = hyp_station_key(station);
    if (key == NULL) {
        asking->keyless = station;
        if (asking->trial != NULL) {
            *ret_key = *asking->trial;
        }
        return asking->trial != NULL;
    }
    *ret_key = *key;
    return true;
}

static struct hyp_key_set *key_set_of(const struct hyp_intake *intake, hyp_tenant_id tenant)
{
    for (size_t i = 0; i < intake->key_set_count; i++) {
        if (intake->key_sets[i].tenant.id == tenant.id) {
            return &intake->key_sets[i];
        }
    }
    return NULL;
}

enum hyp_status hyp_intake_set_default_keys(struct hyp_intake *intake, hyp_tenant_id tenant,
                                            const struct hyp_aes_key *keys, size_t count)
{
    struct hyp_key_set *set = key_set_of(intake, tenant);
    if (set == NULL && count == 0) {
        return HYP_OK;
    }
    if (count > HYP_LIMIT_DEFAULT_KEYS ||
        (set == NULL && intake->key_set_count == HYP_LIMIT_KEY_SETS)) {
        return HYP_LIMIT;
    }
    if (intake->key_sets == NULL) {
        /* Once for all: growing would leave keys in freed memory. */
        intake->key_sets = calloc(HYP_LIMIT_KEY_SETS, sizeof(*intake->key_sets));
        if (intake->key_sets == NULL) {
            return HYP_NO_MEMORY;
        }
    }
    if (set == NULL) {
        set = &intake->key_sets[intake->key_set_count++];
    }
    hyp_wipe(set, sizeof(*set));
    set->tenant = tenant;
    set->count = count;
    if (count > 0) {
        memcpy(set->keys, keys, count * sizeof(*keys));
    }
    return HYP_OK;
}

/* Two check bytes are right by chance once in 65,536: records must follow, to the end. */
static bool is_sound(const struct hyp_telegram *telegram)
{
    if (telegram->content != HYP_CONTENT_RECORDS) {
        return telegram->content != HYP_CONTENT_NONE;
    }
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    enum hyp_status status;
    size_t count = 0;
    hyp_mbus_records_init(&records, telegram->data, telegram->data_len, NULL);
    records.msb_first = !telegram->lsb_first;
    while ((status = hyp_mbus_records_next(&records, &record, NULL)) == HYP_OK) {
        count++;
    }
    return status == HYP_NOT_FOUND && count > 0;
}

/*
 * Opens a telegram with the meter's own key, or with the first default key that fits. One that
 * fits is remembered as the meter's.
 */
static enum hyp_status try_keys(struct asking *asking,
                                const struct hyp_telegram_context *context,
                                const uint8_t *bytes, size_t len, enum hyp_link_kind link,
                                struct hyp_error *err)
{
    struct hyp_telegram *telegram = &asking->intake->telegram;
    enum hyp_status status = hyp_telegram_open(bytes, len, link, context, telegram, NULL, err);
    const struct hyp_key_set *set = key_set_of(asking->intake, asking->arrival->tenant);
    if (status != HYP_NO_KEY || asking->keyless == NULL || set == NULL || set->count == 0) {
        return status;
    }
    hyp_device_id device = asking->keyless->id;
    for (size_t i = 0; i < set->count; i++) {
        asking->trial = &set->keys[i];
        enum hyp_status tried =
            hyp_telegram_open(bytes, len, link, context, telegram, NULL, err);
        if (tried == HYP_OK && is_sound(telegram)) {
            const struct hyp_collect_observer *observer = asking->intake->observer;
            if (observer->key_found != NULL) {
                observer->key_found(observer->user, device, asking->trial);
            }
            return HYP_OK;
        }
    }
    telegram->content = HYP_CONTENT_NONE;
    return hyp_error_set(err, HYP_NO_KEY, -1,
                         "no key of this meter is known, and none of the %zu default keys fits",
                         set->count);
}

static const struct hyp_compact_format *find_format(void *user, uint16_t signature)
{
    const struct asking *asking = user;
    uint64_t value = 0;
    return hyp_map_get(&asking->intake->formats, signature, &value)
               ? (const struct hyp_compact_format *)(uintptr_t)value
               : NULL;
}

static bool same_format(const struct hyp_compact_format *a, const struct hyp_compact_format *b)
{
    return a->len == b->len && memcmp(a->difvif, b->difvif, a->len) == 0;
}

void hyp_intake_add_format(struct hyp_intake *intake, const struct hyp_compact_format *format)
{
    uint64_t value = 0;
    if (hyp_map_get(&intake->formats, format->signature, &value)) {
        *(struct hyp_compact_format *)(uintptr_t)value = *format;
        return;
    }
    struct hyp_compact_format *copy = malloc(sizeof(*copy));
    if (copy == NULL || intake->formats.count >= HYP_LIMIT_COMPACT_FORMATS) {
        free(copy);
        return; /* it will be seen again */
    }
    *copy = *format;
    if (hyp_map_set(&intake->formats, format->signature, (uint64_t)(uintptr_t)copy) != HYP_OK) {
        free(copy);
    }
}

static void learn_format(void *user, const struct hyp_compact_format *format)
{
    const struct asking *asking = user;
    const struct hyp_compact_format *known = find_format(user, format->signature);
    if (known != NULL && same_format(known, format)) {
        return;
    }
    hyp_intake_add_format(asking->intake, format);
    const struct hyp_collect_observer *observer = asking->intake->observer;
    if (observer->format_learned != NULL) {
        observer->format_learned(observer->user, format);
    }
}

enum hyp_status hyp_intake_open(struct hyp_intake *intake, const struct hyp_arrival *arrival,
                                const uint8_t *bytes, size_t len, struct hyp_error *err)
{
    struct asking asking = {.intake = intake, .arrival = arrival};
    struct hyp_telegram_context context = {.user = &asking,
                                           .find_key = find_key,
                                           .find_format = find_format,
                                           .learn_format = learn_format};
    if (arrival->arena == NULL && arrival->again.id == 0) {
        context.fragments = &intake->fragments; /* a test keeps nothing */
    }
    enum hyp_link_kind link =
        arrival->protocol == HYP_RAW_MBUS ? HYP_LINK_MBUS : HYP_LINK_WMBUS;
    return try_keys(&asking, &context, bytes, len, link, err);
}
