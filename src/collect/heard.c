/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/heard.h"

#include "base/limits.h"

#include <stdlib.h>

struct hyp_heard_entry {
    struct hyp_heard_entry *newer;
    struct hyp_heard_entry *older;
    struct hyp_heard_entry *next_same; /* same hash */
    uint64_t hash;
    hyp_tenant_id tenant;
    struct hyp_found_device found;
};

static uint64_t hash_of(hyp_tenant_id tenant, const struct hyp_meter_identity *meter)
{
    struct {
        int64_t tenant;
        uint32_t id;
        uint16_t manufacturer;
        uint8_t version;
        uint8_t medium;
    } parts = {tenant.id, meter->id_raw, meter->manufacturer_code, meter->version,
               meter->medium};
    return hyp_hash_bytes(&parts, sizeof(parts));
}

static bool is_same(const struct hyp_heard_entry *entry, hyp_tenant_id tenant,
                    const struct hyp_meter_identity *meter)
{
    const struct hyp_meter_identity *own = &entry->found.meter;
    return entry->tenant.id == tenant.id && own->id_raw == meter->id_raw &&
           own->manufacturer_code == meter->manufacturer_code &&
           own->version == meter->version && own->medium == meter->medium;
}

static struct hyp_heard_entry *chain_of(const struct hyp_heard *heard, uint64_t hash)
{
    uint64_t value = 0;
    return hyp_map_get(&heard->by_identity, hash, &value)
               ? (struct hyp_heard_entry *)(uintptr_t)value
               : NULL;
}

static struct hyp_heard_entry *find(const struct hyp_heard *heard, uint64_t hash,
                                    hyp_tenant_id tenant,
                                    const struct hyp_meter_identity *meter)
{
    struct hyp_heard_entry *entry = chain_of(heard, hash);
    while (entry != NULL && !is_same(entry, tenant, meter)) {
        entry = entry->next_same;
    }
    return entry;
}

static void unlink_entry(struct hyp_heard *heard, struct hyp_heard_entry *entry)
{
    *(entry->newer == NULL ? &heard->newest : &entry->newer->older) = entry->older;
    *(entry->older == NULL ? &heard->oldest : &entry->older->newer) = entry->newer;
}

static void put_newest(struct hyp_heard *heard, struct hyp_heard_entry *entry)
{
    entry->newer = NULL;
    entry->older = heard->newest;
    *(heard->newest == NULL ? &heard->oldest : &heard->newest->newer) = entry;
    heard->newest = entry;
}

static void drop(struct hyp_heard *heard, struct hyp_heard_entry *entry)
{
    struct hyp_heard_entry *head = chain_of(heard, entry->hash);
    for (struct hyp_heard_entry **at = &head; *at != NULL; at = &(*at)->next_same) {
        if (*at == entry) {
            *at = entry->next_same;
            break;
        }
    }
    if (head == NULL) {
        hyp_map_remove(&heard->by_identity, entry->hash);
    } else {
        /* Replaces a value that is there: needs no memory. */
        HYP_IGNORE(hyp_map_set(&heard->by_identity, entry->hash, (uint64_t)(uintptr_t)head));
    }
    unlink_entry(heard, entry);
    heard->count--;
    free(entry);
}

void hyp_heard_init(struct hyp_heard *heard)
{
    *heard = (struct hyp_heard){0};
    hyp_map_init(&heard->by_identity);
}

void hyp_heard_finish(struct hyp_heard *heard)
{
    while (heard->newest != NULL) {
        drop(heard, heard->newest);
    }
    hyp_map_finish(&heard->by_identity);
}

bool hyp_heard_note(struct hyp_heard *heard, hyp_tenant_id tenant,
                    const struct hyp_found_device *found)
{
    uint64_t hash = hash_of(tenant, &found->meter);
    struct hyp_heard_entry *entry = find(heard, hash, tenant, &found->meter);
    if (entry != NULL) {
        entry->found = *found;
        unlink_entry(heard, entry);
        put_newest(heard, entry);
        return false;
    }
    if (heard->count == HYP_LIMIT_HEARD) {
        drop(heard, heard->oldest);
    }
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return false;
    }
    entry->hash = hash;
    entry->tenant = tenant;
    entry->found = *found;
    entry->next_same = chain_of(heard, hash);
    if (hyp_map_set(&heard->by_identity, hash, (uint64_t)(uintptr_t)entry) != HYP_OK) {
        free(entry);
        return false;
    }
    put_newest(heard, entry);
    heard->count++;
    return true;
}

void hyp_heard_forget(struct hyp_heard *heard, hyp_tenant_id tenant,
                      const struct hyp_meter_identity *meter)
{
    struct hyp_heard_entry *entry = find(heard, hash_of(tenant, meter), tenant, meter);
    if (entry != NULL) {
        drop(heard, entry);
    }
}

size_t hyp_heard_list(const struct hyp_heard *heard, struct hyp_found_device *out,
                      size_t capacity)
{
    size_t count = 0;
    for (const struct hyp_heard_entry *entry = heard->newest; entry != NULL && count < capacity;
         entry = entry->older) {
        out[count++] = entry->found;
    }
    return count;
}
