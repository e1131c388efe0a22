/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/recent.h"

#include "base/map.h"

void hyp_recent_add(struct hyp_recent *recent, const uint8_t *bytes, size_t len)
{
    recent->hashes[recent->next] = hyp_hash_bytes(bytes, len);
    recent->next = (recent->next + 1) % HYP_LIMIT_RECENT;
    recent->count += recent->count < HYP_LIMIT_RECENT ? 1 : 0;
}

bool hyp_recent_has(const struct hyp_recent *recent, const uint8_t *bytes, size_t len)
{
    uint64_t hash = hyp_hash_bytes(bytes, len);
    for (size_t i = 0; i < recent->count; i++) {
        if (recent->hashes[i] == hash) {
            return true;
        }
    }
    return false;
}

void hyp_recent_clear(struct hyp_recent *recent)
{
    recent->next = 0;
    recent->count = 0;
}
