/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a time zone file: what is accepted must give offsets and due times everywhere.
 */
#include "model/zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t instants[] = {-4000000000000, 0, 1774746000000, 1792890000000,
                                       7258118400000};
    struct hyp_zone *zone = NULL;
    struct hyp_error err = {0};
    if (hyp_zone_create(data, size, &zone, &err) != HYP_OK) {
        if (err.text[0] == '\0') {
            abort();
        }
        return 0;
    }
    struct hyp_schedule every = {.kind = HYP_SCHEDULE_EVERY, .minutes = 15};
    for (size_t i = 0; i < HYP_ARRAY_LEN(instants); i++) {
        hyp_utc at = {instants[i]};
        if (hyp_zone_standard_minutes(zone, at) > hyp_zone_offset_minutes(zone, at) ||
            hyp_zone_schedule_next(zone, &every, at).ms <= at.ms) {
            abort();
        }
        (void)hyp_zone_to_utc(zone, at.ms);
    }
    hyp_zone_destroy(zone);
    return 0;
}
