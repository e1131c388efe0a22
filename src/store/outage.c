/* SPDX-License-Identifier: Apache-2.0 */
#include "store/outage.h"

#include "base/buf.h"
#include "base/limits.h"

#include <poll.h>
#include <time.h>

/* Who meets an outage are many connections, and each again and again. */
#define TELL_AGAIN_MS 60000
#define LOOK_MS 10

void hyp_outage_init(struct hyp_outage *outage, const struct hyp_clock *clock,
                     struct hyp_log *log, int64_t pause_ms)
{
    pthread_condattr_t monotonic;
    *outage = (struct hyp_outage){.clock = clock, .log = log, .pause_ms = pause_ms};
    pthread_mutex_init(&outage->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&outage->tried, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void hyp_outage_finish(struct hyp_outage *outage)
{
    pthread_cond_destroy(&outage->tried);
    pthread_mutex_destroy(&outage->mutex);
}

static int64_t now_ms(const struct hyp_outage *outage)
{
    return hyp_clock_mono(outage->clock).ms;
}

/* --- telling --- */

void hyp_outage_tell(struct hyp_outage *outage, enum hyp_status status, int code,
                     const char *reason)
{
    if (outage == NULL) {
        return;
    }
    int64_t now = now_ms(outage);
    pthread_mutex_lock(&outage->mutex);
    bool due = outage->told != code || outage->quiet_until == 0 || now >= outage->quiet_until;
    outage->told = code;
    if (due) {
        outage->quiet_until = now + TELL_AGAIN_MS;
    }
    pthread_mutex_unlock(&outage->mutex);
    if (due) {
        hyp_log_event(outage->log, HYP_LOG_ERROR, "store.database_failed",
                      "status=%s reason=\"%s\"", hyp_status_name(status), reason);
    }
}

/* --- who tries --- */

bool hyp_outage_is_known(struct hyp_outage *outage)
{
    if (outage == NULL) {
        return false;
    }
    pthread_mutex_lock(&outage->mutex);
    bool known = outage->known;
    pthread_mutex_unlock(&outage->mutex);
    return known;
}

/* The machine's time, whatever the clock is: it is for pthread_cond_timedwait. */
static struct timespec time_of_patience(void)
{
    int64_t ms = hyp_clock_mono(hyp_clock_system()).ms + HYP_LIMIT_DATABASE_TRY_MS;
    return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

static void wait_for_another(struct hyp_outage *outage)
{
    struct timespec until = time_of_patience();
    int outcome = 0;
    while (outage->known && outage->trying && outcome == 0) {
        outcome = pthread_cond_timedwait(&outage->tried, &outage->mutex, &until);
    }
}

static bool is_due(const struct hyp_outage *outage)
{
    return !outage->trying && now_ms(outage) >= outage->try_at;
}

bool hyp_outage_may_try(struct hyp_outage *outage)
{
    if (outage == NULL || outage->pause_ms == 0) {
        return true;
    }
    pthread_mutex_lock(&outage->mutex);
    wait_for_another(outage);
    bool may = !outage->known || is_due(outage);
    outage->trying |= outage->known && may;
    pthread_mutex_unlock(&outage->mutex);
    return may;
}

static void end_try(struct hyp_outage *outage, bool known)
{
    outage->known = known;
    outage->trying = false;
    pthread_cond_broadcast(&outage->tried);
}

void hyp_outage_met(struct hyp_outage *outage, enum hyp_status status, int code,
                    const char *reason)
{
    if (outage == NULL || outage->pause_ms == 0) {
        return;
    }
    pthread_mutex_lock(&outage->mutex);
    outage->status = status;
    outage->code = code;
    hyp_text_copy(outage->reason, sizeof(outage->reason), hyp_str_from(reason));
    outage->try_at = now_ms(outage) + outage->pause_ms;
    end_try(outage, true);
    pthread_mutex_unlock(&outage->mutex);
}

void hyp_outage_over(struct hyp_outage *outage)
{
    if (outage != NULL) {
        pthread_mutex_lock(&outage->mutex);
        end_try(outage, false);
        pthread_mutex_unlock(&outage->mutex);
    }
}

enum hyp_status hyp_outage_reason(struct hyp_outage *outage, int *ret_code, char *ret_reason)
{
    pthread_mutex_lock(&outage->mutex);
    enum hyp_status status = outage->status;
    *ret_code = outage->code;
    hyp_text_copy(ret_reason, HYP_ERROR_TEXT_MAX, hyp_str_from(outage->reason));
    pthread_mutex_unlock(&outage->mutex);
    return status;
}

static bool is_waited_for(struct hyp_outage *outage)
{
    pthread_mutex_lock(&outage->mutex);
    bool waits = outage->known && !is_due(outage);
    pthread_mutex_unlock(&outage->mutex);
    return waits;
}

void hyp_outage_wait(struct hyp_outage *outage)
{
    for (int64_t ms = 0; ms < outage->pause_ms && is_waited_for(outage); ms += LOOK_MS) {
        HYP_IGNORE(
            poll(NULL, 0, LOOK_MS)); /* cut short by a signal: it looks a little earlier */
    }
}
