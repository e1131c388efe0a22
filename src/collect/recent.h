/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recent: the newest telegrams of a line, to be known again when a broker repeats messages
 * after a connection or a process has ended. Loop thread only.
 */
#ifndef HYP_COLLECT_RECENT_H
#define HYP_COLLECT_RECENT_H

#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hyp_recent {
    uint64_t hashes[HYP_LIMIT_RECENT];
    size_t next;
    size_t count;
};

/* Adds one; the oldest makes room. */
void hyp_recent_add(struct hyp_recent *recent, const uint8_t *bytes, size_t len);
/* Is it among them? Known by a hash of 64 bits: two different telegrams taken for one is a
 * chance of one in 10^16 or so. */
bool hyp_recent_has(const struct hyp_recent *recent, const uint8_t *bytes, size_t len);
/* Forgets all. */
void hyp_recent_clear(struct hyp_recent *recent);

#endif
