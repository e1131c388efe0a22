/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Historian: the series of all devices, found by device or point, under one lock.
 *
 * One writer at a time (who holds the store's gate) changes it; it takes the lock for writing
 * only while something changes that readers see. Readers hold the lock for reading during a
 * query. Nothing here touches the disk.
 */
#ifndef HYP_STORE_HISTORIAN_H
#define HYP_STORE_HISTORIAN_H

#include "store/series.h"
#include "store/store.h"

#include <pthread.h>

struct hyp_historian {
    pthread_rwlock_t lock;
    struct hyp_map devices; /* device id -> struct hyp_series * */
    struct hyp_map points;  /* point id -> device id */
    struct hyp_text_pool texts;
    uint64_t readings;
    uint64_t values;
    uint64_t point_count;
    uint64_t removals; /* of devices: a pointer to a series is good as long as this stays */
    size_t memory;
};

/* create: empty, HYP_OK | NO_MEMORY. destroy frees all series with it; NULL is allowed; nobody
 * may be reading. */
HYP_MUST_USE enum hyp_status hyp_historian_create(struct hyp_historian **ret_historian);
void *hyp_historian_destroy(struct hyp_historian *historian);

/* Registers a device without points. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_historian_add_device(struct hyp_historian *historian,
                                                      hyp_device_id device,
                                                      hyp_tenant_id tenant);
/* Forgets a device with its points and values. */
void hyp_historian_remove_device(struct hyp_historian *historian, hyp_device_id device);

/* The series of a device; NULL = unknown. Writer, or with the lock held. */
struct hyp_series *hyp_historian_find(const struct hyp_historian *historian,
                                      hyp_device_id device);
/* The same for a tenant's reader: NULL when it is another tenant's. */
const struct hyp_series *hyp_historian_find_for(const struct hyp_historian *historian,
                                                hyp_tenant_id tenant, hyp_device_id device);
/* Series and column of a committed point of this tenant; NULL = none. */
const struct hyp_series *hyp_historian_find_point(const struct hyp_historian *historian,
                                                  hyp_tenant_id tenant, hyp_point_id point,
                                                  uint32_t *ret_column);

/*
 * Adds a point that waits for its commit.
 * @label    may be empty
 * Returns   HYP_OK | NO_MEMORY | LIMIT (HYP_LIMIT_DEVICE_POINTS)
 */
HYP_MUST_USE enum hyp_status hyp_historian_add_point(struct hyp_historian *historian,
                                                     struct hyp_series *series,
                                                     const struct hyp_column *column,
                                                     struct hyp_str label);
/* The points of a series that wait for their commit become visible, or are forgotten. Both take
 * the lock. Writer. */
void hyp_historian_commit_points(struct hyp_historian *historian, struct hyp_series *series);
void hyp_historian_rollback_points(struct hyp_historian *historian, struct hyp_series *series);
/* Number of a text in `texts`, added if new (for good, under the lock). Writer.
 * HYP_OK | NO_MEMORY | LIMIT */
HYP_MUST_USE enum hyp_status hyp_historian_text(struct hyp_historian *historian,
                                                struct hyp_str text, uint32_t *ret_index);

/* The lock for writing, held while something changes that readers see. Not for long. */
void hyp_historian_enter(struct hyp_historian *historian);
void hyp_historian_leave(struct hyp_historian *historian);

/* hyp_series_filter and hyp_series_insert with their statuses, and the historian's counters.
 * With the lock held for writing, or before anybody else has the store. */
HYP_MUST_USE enum hyp_status hyp_historian_filter(struct hyp_historian *historian,
                                                  struct hyp_series *series,
                                                  const struct hyp_row *row,
                                                  struct hyp_cell *cells, size_t *count);
HYP_MUST_USE enum hyp_status hyp_historian_insert(struct hyp_historian *historian,
                                                  struct hyp_series *series,
                                                  const struct hyp_row *row,
                                                  const struct hyp_cell *cells);

/* A value as the API shows it. A text is a view into the pool; that of a chunk stays empty. */
void hyp_historian_value(const struct hyp_historian *historian, const struct hyp_column *column,
                         const struct hyp_cell *cell, int64_t time, uint8_t source,
                         struct hyp_stored_value *ret_value);

#endif
