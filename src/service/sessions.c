/* SPDX-License-Identifier: Apache-2.0 */
#include "service/sessions.h"

#include "base/limits.h"
#include "base/map.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define MAC_LEN crypto_shorthash_siphashx24_BYTES

struct session_slot {
    uint8_t mac[MAC_LEN];
    struct hyp_session_entry entry;
};

struct hyp_sessions {
    pthread_mutex_t lock;
    uint8_t key[crypto_shorthash_siphashx24_KEYBYTES];
    uint64_t epoch;     /* grows with every revocation */
    struct hyp_map map; /* first half of the MAC -> struct session_slot * */
};

enum hyp_status hyp_sessions_create(struct hyp_rng *rng, struct hyp_sessions **ret_sessions)
{
    struct hyp_sessions *sessions = calloc(1, sizeof(*sessions));
    if (sessions == NULL) {
        return HYP_NO_MEMORY;
    }
    hyp_rng_fill(rng, sessions->key, sizeof(sessions->key));
    pthread_mutex_init(&sessions->lock, NULL);
    hyp_map_init(&sessions->map);
    *ret_sessions = sessions;
    return HYP_OK;
}

void *hyp_sessions_destroy(struct hyp_sessions *sessions)
{
    if (sessions == NULL) {
        return NULL;
    }
    size_t cursor = 0;
    uint64_t key;
    uint64_t slot;
    while (hyp_map_next(&sessions->map, &cursor, &key, &slot)) {
        free((void *)(uintptr_t)slot);
    }
    hyp_map_finish(&sessions->map);
    pthread_mutex_destroy(&sessions->lock);
    hyp_wipe(sessions->key, sizeof(sessions->key));
    free(sessions);
    return NULL;
}

static uint64_t mac_of(const struct hyp_sessions *sessions, struct hyp_str token,
                       uint8_t ret_mac[static MAC_LEN])
{
    crypto_shorthash_siphashx24(ret_mac, (const uint8_t *)token.ptr, token.len, sessions->key);
    uint64_t key;
    memcpy(&key, ret_mac, sizeof(key));
    return key;
}

static struct session_slot *find(const struct hyp_sessions *sessions, struct hyp_str token,
                                 uint64_t *ret_key)
{
    uint8_t mac[MAC_LEN];
    uint64_t at;
    *ret_key = mac_of(sessions, token, mac);
    if (!hyp_map_get(&sessions->map, *ret_key, &at)) {
        return NULL;
    }
    struct session_slot *slot = (struct session_slot *)(uintptr_t)at;
    return sodium_memcmp(slot->mac, mac, MAC_LEN) == 0 ? slot : NULL;
}

uint64_t hyp_sessions_epoch(struct hyp_sessions *sessions)
{
    pthread_mutex_lock(&sessions->lock);
    uint64_t epoch = sessions->epoch;
    pthread_mutex_unlock(&sessions->lock);
    return epoch;
}

enum hyp_status hyp_sessions_put(struct hyp_sessions *sessions, struct hyp_str token,
                                 const struct hyp_session_entry *entry, uint64_t epoch)
{
    struct session_slot *slot = calloc(1, sizeof(*slot));
    if (slot == NULL) {
        return HYP_NO_MEMORY;
    }
    slot->entry = *entry;
    uint64_t key = mac_of(sessions, token, slot->mac);
    enum hyp_status status = HYP_LIMIT;
    uint64_t old = 0;
    pthread_mutex_lock(&sessions->lock);
    bool replaces = hyp_map_get(&sessions->map, key, &old);
    if (epoch != sessions->epoch) {
        status = HYP_CONFLICT;
    } else if (replaces || sessions->map.count < HYP_LIMIT_SESSIONS) {
        status = hyp_map_set(&sessions->map, key, (uint64_t)(uintptr_t)slot);
    }
    if (status == HYP_OK && replaces) {
        free((void *)(uintptr_t)old);
    }
    pthread_mutex_unlock(&sessions->lock);
    if (status != HYP_OK) {
        free(slot);
    }
    return status;
}

static bool look_up(struct hyp_sessions *sessions, struct hyp_str token, hyp_utc now,
                    bool is_use, struct hyp_scope *ret_scope)
{
    const int64_t idle_ms = HYP_LIMIT_SESSION_HOURS * 3600LL * 1000;
    uint64_t key;
    bool found = false;
    pthread_mutex_lock(&sessions->lock);
    struct session_slot *slot = find(sessions, token, &key);
    if (slot != NULL) {
        struct hyp_session_entry *entry = &slot->entry;
        bool expired = entry->expires.ms != 0 && now.ms >= entry->expires.ms;
        bool idle = entry->api_token == 0 && now.ms - entry->last_seen.ms > idle_ms;
        if (!expired && !idle) {
            entry->last_seen = is_use ? now : entry->last_seen;
            *ret_scope = entry->scope;
            found = true;
        }
    }
    pthread_mutex_unlock(&sessions->lock);
    return found;
}

bool hyp_sessions_get(struct hyp_sessions *sessions, struct hyp_str token, hyp_utc now,
                      struct hyp_scope *ret_scope)
{
    return look_up(sessions, token, now, true, ret_scope);
}

bool hyp_sessions_peek(struct hyp_sessions *sessions, struct hyp_str token, hyp_utc now,
                       struct hyp_scope *ret_scope)
{
    return look_up(sessions, token, now, false, ret_scope);
}

void hyp_sessions_remove(struct hyp_sessions *sessions, struct hyp_str token)
{
    uint64_t key;
    pthread_mutex_lock(&sessions->lock);
    sessions->epoch++;
    struct session_slot *slot = find(sessions, token, &key);
    if (slot != NULL) {
        hyp_map_remove(&sessions->map, key);
        free(slot);
    }
    pthread_mutex_unlock(&sessions->lock);
}

typedef bool (*entry_test)(const struct hyp_session_entry *entry, int64_t argument);

static bool is_of_user(const struct hyp_session_entry *entry, int64_t user)
{
    return entry->scope.user == user;
}

static bool is_of_api_token(const struct hyp_session_entry *entry, int64_t api_token)
{
    return entry->api_token == api_token;
}

static bool has_expired(const struct hyp_session_entry *entry, int64_t now_ms)
{
    const int64_t idle_ms = HYP_LIMIT_SESSION_HOURS * 3600LL * 1000;
    return (entry->expires.ms != 0 && now_ms >= entry->expires.ms) ||
           now_ms - entry->last_seen.ms > idle_ms;
}

/* The map must not change during a walk: victims are noted first, a handful per walk. */
static void remove_where_locked(struct hyp_sessions *sessions, entry_test test,
                                int64_t argument)
{
    uint64_t victims[64];
    size_t count = 0;
    do {
        size_t cursor = 0;
        uint64_t key;
        uint64_t at;
        count = 0;
        while (count < HYP_ARRAY_LEN(victims) &&
               hyp_map_next(&sessions->map, &cursor, &key, &at)) {
            struct session_slot *slot = (struct session_slot *)(uintptr_t)at;
            if (test(&slot->entry, argument)) {
                victims[count++] = key;
                free(slot);
            }
        }
        for (size_t i = 0; i < count; i++) {
            hyp_map_remove(&sessions->map, victims[i]);
        }
    } while (count == HYP_ARRAY_LEN(victims));
}

static void remove_where(struct hyp_sessions *sessions, entry_test test, int64_t argument)
{
    pthread_mutex_lock(&sessions->lock);
    sessions->epoch++;
    remove_where_locked(sessions, test, argument);
    pthread_mutex_unlock(&sessions->lock);
}

void hyp_sessions_remove_user(struct hyp_sessions *sessions, int64_t user)
{
    remove_where(sessions, is_of_user, user);
}

void hyp_sessions_remove_api_token(struct hyp_sessions *sessions, int64_t api_token)
{
    remove_where(sessions, is_of_api_token, api_token);
}

static bool is_any(const struct hyp_session_entry *entry, int64_t ignored)
{
    (void)entry;
    (void)ignored;
    return true;
}

void hyp_sessions_forget(struct hyp_sessions *sessions)
{
    remove_where(sessions, is_any, 0);
}

size_t hyp_sessions_sweep(struct hyp_sessions *sessions, hyp_utc now, int64_t older_than_ms,
                          struct hyp_session_entry *out, size_t capacity)
{
    size_t count = 0;
    pthread_mutex_lock(&sessions->lock);
    remove_where_locked(sessions, has_expired, now.ms);
    size_t cursor = 0;
    uint64_t key;
    uint64_t at;
    while (count < capacity && hyp_map_next(&sessions->map, &cursor, &key, &at)) {
        struct hyp_session_entry *entry = &((struct session_slot *)(uintptr_t)at)->entry;
        if (entry->api_token == 0 &&
            entry->last_seen.ms - entry->saved_seen.ms > older_than_ms) {
            entry->saved_seen = entry->last_seen;
            out[count++] = *entry;
        }
    }
    pthread_mutex_unlock(&sessions->lock);
    return count;
}
