/* SPDX-License-Identifier: Apache-2.0 */
#include "service/backoff.h"

#include "base/bytes.h"
#include "base/crypto.h"

#include <string.h>

/* Failures that cost nothing, per kind. */
static const uint32_t free_failures[HYP_BACKOFF_KIND_COUNT] = {
    [HYP_BACKOFF_LOGIN] = 3,
    [HYP_BACKOFF_ADDRESS] = 10,
};

/* A day after the last failure an entry no longer counts. */
#define FORGET_MS (24LL * 3600 * 1000)
#define FORMAT_VERSION 1

static uint64_t entry_key(enum hyp_backoff_kind kind, struct hyp_str name)
{
    uint8_t text[1 + HYP_LIMIT_PASSWORD_MAX];
    size_t len = HYP_MIN(name.len, sizeof(text) - 1);
    text[0] = (uint8_t)kind;
    if (len > 0) {
        memcpy(text + 1, name.ptr, len);
    }
    uint8_t digest[32];
    hyp_sha256(text, len + 1, digest);
    struct hyp_bytes bytes = hyp_bytes_from(digest, sizeof(digest));
    uint64_t key = hyp_bytes_le64(&bytes);
    return key == 0 ? 1 : key;
}

static const struct hyp_backoff_entry *find(const struct hyp_backoff *backoff, uint64_t key)
{
    for (size_t i = 0; i < HYP_LIMIT_BACKOFF_ENTRIES; i++) {
        if (backoff->entries[i].key == key) {
            return &backoff->entries[i];
        }
    }
    return NULL;
}

/* The entry of `key`, else a free one, else the one whose failure is longest ago. */
static struct hyp_backoff_entry *claim(struct hyp_backoff *backoff, uint64_t key, hyp_utc now)
{
    struct hyp_backoff_entry *victim = &backoff->entries[0];
    for (size_t i = 0; i < HYP_LIMIT_BACKOFF_ENTRIES; i++) {
        struct hyp_backoff_entry *entry = &backoff->entries[i];
        if (entry->key == key) {
            if (now.ms - entry->last.ms > FORGET_MS) {
                entry->failures = 0;
            }
            return entry;
        }
        if (entry->key == 0) {
            victim = victim->key == 0 ? victim : entry;
        } else if (victim->key != 0 && entry->last.ms < victim->last.ms) {
            victim = entry;
        }
    }
    *victim = (struct hyp_backoff_entry){.key = key};
    return victim;
}

int64_t hyp_backoff_wait_ms(const struct hyp_backoff *backoff, enum hyp_backoff_kind kind,
                            struct hyp_str name, hyp_utc now)
{
    const struct hyp_backoff_entry *entry = find(backoff, entry_key(kind, name));
    return entry == NULL || entry->until.ms <= now.ms ? 0 : entry->until.ms - now.ms;
}

int64_t hyp_backoff_fail(struct hyp_backoff *backoff, enum hyp_backoff_kind kind,
                         struct hyp_str name, hyp_utc now)
{
    struct hyp_backoff_entry *entry = claim(backoff, entry_key(kind, name), now);
    entry->failures += entry->failures < UINT32_MAX ? 1 : 0;
    entry->last = now;
    if (entry->failures < free_failures[kind]) {
        return 0;
    }
    uint32_t doublings = HYP_MIN(entry->failures - free_failures[kind], 20u);
    int64_t wait_s = HYP_MIN((int64_t)1 << doublings, (int64_t)HYP_LIMIT_BACKOFF_S);
    entry->until.ms = now.ms + wait_s * 1000;
    return wait_s * 1000;
}

void hyp_backoff_clear(struct hyp_backoff *backoff, enum hyp_backoff_kind kind,
                       struct hyp_str name)
{
    uint64_t key = entry_key(kind, name);
    for (size_t i = 0; i < HYP_LIMIT_BACKOFF_ENTRIES; i++) {
        if (backoff->entries[i].key == key) {
            backoff->entries[i] = (struct hyp_backoff_entry){0};
        }
    }
}

void hyp_backoff_save(const struct hyp_backoff *backoff, struct hyp_buf *out)
{
    hyp_buf_append_u8(out, FORMAT_VERSION);
    for (size_t i = 0; i < HYP_LIMIT_BACKOFF_ENTRIES; i++) {
        const struct hyp_backoff_entry *entry = &backoff->entries[i];
        if (entry->key == 0) {
            continue;
        }
        hyp_buf_append_le64(out, entry->key);
        hyp_buf_append_le32(out, entry->failures);
        hyp_buf_append_le64(out, (uint64_t)entry->until.ms);
        hyp_buf_append_le64(out, (uint64_t)entry->last.ms);
    }
}

void hyp_backoff_load(struct hyp_backoff *backoff, const uint8_t *data, size_t len)
{
    *backoff = (struct hyp_backoff){0};
    struct hyp_bytes bytes = hyp_bytes_from(data, len);
    if (hyp_bytes_u8(&bytes) != FORMAT_VERSION) {
        return;
    }
    for (size_t i = 0; i < HYP_LIMIT_BACKOFF_ENTRIES && hyp_bytes_left(&bytes) > 0; i++) {
        struct hyp_backoff_entry entry = {.key = hyp_bytes_le64(&bytes)};
        entry.failures = hyp_bytes_le32(&bytes);
        entry.until.ms = (int64_t)hyp_bytes_le64(&bytes);
        entry.last.ms = (int64_t)hyp_bytes_le64(&bytes);
        if (hyp_bytes_failed(&bytes)) {
            return;
        }
        backoff->entries[i] = entry;
    }
}
