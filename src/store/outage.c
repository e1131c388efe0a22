/* SPDX-License-Identifier: Apache-2.0 */
#include "store/outage.h"

#include "base/clock.h"

/* Who meets an outage are many connections, and each again and again. */
#define TELL_AGAIN_MS 60000

void hyp_outage_tell(struct hyp_outage *outage, enum hyp_status status, int code,
                     const char *reason)
{
    if (outage == NULL) {
        return;
    }
    int64_t now = hyp_clock_mono(hyp_clock_system()).ms;
    int64_t until = atomic_load(&outage->quiet_until);
    bool other = atomic_exchange(&outage->code, code) != code;
    if (other || until == 0 || now >= until) {
        atomic_store(&outage->quiet_until, now + TELL_AGAIN_MS);
        hyp_log_event(outage->log, HYP_LOG_ERROR, "store.database_failed",
                      "status=%s reason=\"%s\"", hyp_status_name(status), reason);
    }
}
