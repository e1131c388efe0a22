/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heard: the meters whose radio telegrams arrive but that nobody has configured. Bounded; when
 * it is full the one silent for longest makes room. Loop thread only.
 */
#ifndef HYP_COLLECT_HEARD_H
#define HYP_COLLECT_HEARD_H

#include "base/map.h"
#include "collect/collect.h"

struct hyp_heard_entry;

struct hyp_heard {
    struct hyp_map by_identity; /* hash -> first of a chain */
    struct hyp_heard_entry *newest;
    struct hyp_heard_entry *oldest;
    size_t count;
};

/* An empty list; allocates nothing. */
void hyp_heard_init(struct hyp_heard *heard);
void hyp_heard_finish(struct hyp_heard *heard);
/* Notes a telegram. Returns true when the meter was not in the list before. */
bool hyp_heard_note(struct hyp_heard *heard, hyp_tenant_id tenant,
                    const struct hyp_found_device *found);
/* The meter has been configured. */
void hyp_heard_forget(struct hyp_heard *heard, hyp_tenant_id tenant,
                      const struct hyp_meter_identity *meter);
/* Newest first, of all tenants' lines, up to `capacity`. Returns how many were written. */
size_t hyp_heard_list(const struct hyp_heard *heard, struct hyp_found_device *out,
                      size_t capacity);

#endif
