/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate of requests per client address: a leaky bucket kept as one number, the time at which
 * the bucket would be empty (GCRA). Two seconds' worth may come at once. The table is bounded:
 * four places per hash, of which the one that is quiet for longest gives way.
 */
#include "api/inside.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 4
#define BURST_MS 2000

struct rate_entry {
    uint64_t key;
    int64_t empty_us; /* when all requests so far are paid off */
};

struct hyp_rate {
    int64_t cost_us; /* of one request; 0 = no limit */
    pthread_mutex_t lock;
    struct rate_entry entries[HYP_LIMIT_RATE_ADDRESSES];
};

enum hyp_status hyp_rate_create(int per_s, struct hyp_rate **ret_rate)
{
    struct hyp_rate *rate = calloc(1, sizeof(*rate));
    if (rate == NULL) {
        return HYP_NO_MEMORY;
    }
    rate->cost_us = per_s <= 0 ? 0 : HYP_MAX(1000000 / per_s, 1);
    pthread_mutex_init(&rate->lock, NULL);
    *ret_rate = rate;
    return HYP_OK;
}

void *hyp_rate_destroy(struct hyp_rate *rate)
{
    if (rate != NULL) {
        pthread_mutex_destroy(&rate->lock);
        free(rate);
    }
    return NULL;
}

static struct rate_entry *find(struct hyp_rate *rate, uint64_t key)
{
    size_t base = (size_t)key % (HYP_LIMIT_RATE_ADDRESSES / PLACES) * PLACES;
    struct rate_entry *victim = &rate->entries[base];
    for (size_t i = 0; i < PLACES; i++) {
        struct rate_entry *entry = &rate->entries[base + i];
        if (entry->key == key) {
            return entry;
        }
        if (entry->empty_us < victim->empty_us) {
            victim = entry;
        }
    }
    *victim = (struct rate_entry){.key = key};
    return victim;
}

bool hyp_rate_allows(struct hyp_rate *rate, const char *address, hyp_mono now,
                     unsigned *ret_retry_s)
{
    if (rate->cost_us == 0) {
        return true;
    }
    uint64_t key = hyp_hash_bytes(address, strlen(address));
    int64_t now_us = now.ms * 1000;
    pthread_mutex_lock(&rate->lock);
    struct rate_entry *entry = find(rate, key);
    int64_t start = HYP_MAX(entry->empty_us, now_us);
    int64_t over = start + rate->cost_us - now_us - BURST_MS * 1000LL;
    bool allowed = over <= 0;
    if (allowed) {
        entry->empty_us = start + rate->cost_us;
    }
    pthread_mutex_unlock(&rate->lock);
    if (!allowed) {
        *ret_retry_s = (unsigned)(over / 1000000) + 1;
    }
    return allowed;
}
