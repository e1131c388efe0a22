/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many readings of today were committed. Counted as they pass, kept in the store over a
 * restart; midnight is that of the tenant's zone.
 */
#include "service/inside.h"

#include "base/bytes.h"

#define TODAY_BLOB "overview.today"
#define DAY_MS (24LL * 3600 * 1000)

/* Days since 1970 on the wall clock of the zone. */
static int64_t day_of(const struct hyp_service *service, hyp_utc time)
{
    const struct hyp_zone *zone = service->config.zone;
    int64_t offset_ms =
        zone == NULL ? 0 : (int64_t)hyp_zone_offset_minutes(zone, time) * 60 * 1000;
    int64_t local = time.ms + offset_ms;
    return local / DAY_MS - (local % DAY_MS < 0 ? 1 : 0);
}

static void roll_locked(struct hyp_today *today, int64_t day)
{
    if (day != today->day) {
        today->day = day;
        today->readings = 0;
    }
}

void hyp_today_note(struct hyp_service *service, hyp_utc source_time)
{
    struct hyp_today *today = &service->today;
    int64_t day = day_of(service, hyp_service_now(service));
    pthread_mutex_lock(&today->lock);
    roll_locked(today, day);
    if (day_of(service, source_time) == day) {
        today->readings++;
        today->dirty = true;
    }
    pthread_mutex_unlock(&today->lock);
}

uint64_t hyp_today_count(struct hyp_service *service)
{
    struct hyp_today *today = &service->today;
    int64_t day = day_of(service, hyp_service_now(service));
    pthread_mutex_lock(&today->lock);
    roll_locked(today, day);
    uint64_t readings = today->readings;
    pthread_mutex_unlock(&today->lock);
    return readings;
}

void hyp_today_save(struct hyp_service *service)
{
    struct hyp_today *today = &service->today;
    uint8_t memory[16];
    struct hyp_buf blob;
    hyp_buf_init_fixed(&blob, memory, sizeof(memory));
    pthread_mutex_lock(&today->lock);
    bool dirty = today->dirty;
    today->dirty = false;
    hyp_buf_append_le64(&blob, (uint64_t)today->day);
    hyp_buf_append_le64(&blob, today->readings);
    pthread_mutex_unlock(&today->lock);
    if (dirty) {
        /* A lost save makes today's count too small after a restart, nothing else. */
        HYP_IGNORE(hyp_store_blob_put(service->config.store, TODAY_BLOB, blob.data, blob.len));
    }
}

void hyp_today_load(struct hyp_service *service, struct hyp_arena *arena)
{
    uint8_t *data;
    size_t len;
    if (hyp_store_blob_get(service->config.store, TODAY_BLOB, arena, &data, &len) != HYP_OK) {
        return;
    }
    struct hyp_bytes bytes = hyp_bytes_from(data, len);
    int64_t day = (int64_t)hyp_bytes_le64(&bytes);
    uint64_t readings = hyp_bytes_le64(&bytes);
    if (!hyp_bytes_failed(&bytes)) {
        service->today.day = day;
        service->today.readings = readings;
    }
}
