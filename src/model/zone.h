/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zone: the rule that turns UTC into the wall clock of a place, and back.
 *
 * Zones are values handed in, never the process's environment. The rules come from the bytes of
 * a TZif file (RFC 8536; /usr/share/zoneinfo), which somebody else reads. Immutable after
 * creation: any thread may use one.
 */
#ifndef HYP_MODEL_ZONE_H
#define HYP_MODEL_ZONE_H

#include "base/clock.h"
#include "base/status.h"
#include "model/plant.h"
#include "model/time.h"

#include <stddef.h>
#include <stdint.h>

struct hyp_zone {
    /* Minutes east of Greenwich at that time, daylight saving included. */
    int (*offset_minutes)(const struct hyp_zone *zone, hyp_utc at);
};

/* A zone without daylight saving. */
struct hyp_zone_fixed {
    struct hyp_zone zone;
    int minutes;
};
/* @minutes east of Greenwich; must outlive whoever is given &fixed->zone, and not be moved. */
void hyp_zone_fixed_init(struct hyp_zone_fixed *fixed, int minutes);

/*
 * Reads the rules of a TZif file, version 2 or newer, with its rule for the years to come.
 * @tzif      copied, may be freed afterwards
 * Returns    HYP_OK | MALFORMED (err: what is wrong) | UNSUPPORTED (version 1) | NO_MEMORY
 * Ownership  caller destroys *ret_zone with hyp_zone_destroy
 */
HYP_MUST_USE enum hyp_status hyp_zone_create(const uint8_t *tzif, size_t len,
                                             struct hyp_zone **ret_zone, struct hyp_error *err);
/* Only for zones from hyp_zone_create; takes NULL. Returns NULL. */
void *hyp_zone_destroy(struct hyp_zone *zone);

static inline int hyp_zone_offset_minutes(const struct hyp_zone *zone, hyp_utc at)
{
    return zone->offset_minutes(zone, at);
}

/* The offset without daylight saving around that time: what a meter's clock usually shows. */
int hyp_zone_standard_minutes(const struct hyp_zone *zone, hyp_utc at);

/*
 * The instant when the wall clock showed `local_ms` (milliseconds since 1970 of that clock).
 * A time that occurs twice is the first of the two; one that is skipped when the clock is put
 * forward is as long after the change as it would have been.
 */
hyp_utc hyp_zone_to_utc(const struct hyp_zone *zone, int64_t local_ms);

/*
 * The first due time of a schedule after `after`, on the wall clock of the zone. A daily time
 * that is skipped in spring comes an hour later, one that occurs twice in autumn is due once;
 * periods go on through both.
 * Returns   INT64_MAX ms for a schedule that is never due
 */
hyp_utc hyp_zone_schedule_next(const struct hyp_zone *zone, const struct hyp_schedule *schedule,
                               hyp_utc after);

#endif
