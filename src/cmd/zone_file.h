/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones of the machine by name, and a zone that may be exchanged while it is in use.
 */
#ifndef HYP_CMD_ZONE_FILE_H
#define HYP_CMD_ZONE_FILE_H

#include "model/zone.h"

#include <stdatomic.h>

/*
 * The zone the collector and the service hold; what it stands for may change at the first
 * set-up. Zones it stood for before live until the end, because somebody may be using them.
 */
struct hyp_live_zone {
    struct hyp_zone zone;
    _Atomic(struct hyp_zone *) current;
    struct hyp_zone *owned[16];
    size_t count;
};
/* Begins as UTC. */
void hyp_live_zone_init(struct hyp_live_zone *live);
/* Frees all zones it has stood for: nobody may hold it any more. */
void hyp_live_zone_finish(struct hyp_live_zone *live);
/*
 * Switches to a zone like "Europe/Copenhagen", from /usr/share/zoneinfo.
 * Returns  HYP_OK | INVALID (no such zone) | MALFORMED | LIMIT (changed too often)
 */
HYP_MUST_USE enum hyp_status hyp_live_zone_set(struct hyp_live_zone *live, const char *name,
                                               struct hyp_error *err);
/* Name of the machine's own zone, "UTC" when it cannot be found out. */
void hyp_machine_zone_name(char *out, size_t size);

#endif
