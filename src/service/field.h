/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field: commands to devices and what becomes of them - read now, scan, test, intake - and what
 * the collector tells about communication.
 */
#ifndef HYP_SERVICE_FIELD_H
#define HYP_SERVICE_FIELD_H

#include "base/arena.h"
#include "service/directory.h"
#include "service/scope.h"
#include "service/service.h"

/* --- jobs --- */

/*
 * Reads devices now, where their lines are open (service/passing.h).
 * Returns  HYP_OK | DENIED | NOT_FOUND (names the device) | INVALID (none) | LIMIT
 *         | BUSY (no server has a line open) | UNSUPPORTED (no collector)
 */
HYP_MUST_USE enum hyp_status hyp_field_read(struct hyp_service *service,
                                            const struct hyp_scope *scope,
                                            const hyp_device_id *devices, size_t count,
                                            struct hyp_job *ret_job, struct hyp_error *err);
/* Searches a line for meters. Returns as hyp_field_read; CONFLICT (another server has the
 * line); INVALID names the setting. */
HYP_MUST_USE enum hyp_status hyp_field_scan(struct hyp_service *service,
                                            const struct hyp_scope *scope,
                                            const struct hyp_scan *scan,
                                            struct hyp_job *ret_job, struct hyp_error *err);
/* Reads a device that is not saved, checked like one that is (hyp_device_check). Returns as
 * hyp_field_read | INVALID names the field. */
HYP_MUST_USE enum hyp_status hyp_field_test(struct hyp_service *service,
                                            const struct hyp_scope *scope,
                                            struct hyp_device *device, struct hyp_job *ret_job,
                                            struct hyp_error *err);
/*
 * Tells a wired meter something. When it has taken a new address or rate, the device follows.
 * Returns  HYP_OK | DENIED | NOT_FOUND | EXISTS (the address is another meter's) | INVALID |
 *          UNSUPPORTED (no wired meter) | BUSY
 */
HYP_MUST_USE enum hyp_status hyp_field_command(struct hyp_service *service,
                                               const struct hyp_scope *scope,
                                               const struct hyp_meter_command *command,
                                               struct hyp_job *ret_job, struct hyp_error *err);
/* CONFLICT when it has ended already. */
HYP_MUST_USE enum hyp_status hyp_field_cancel(struct hyp_service *service,
                                              const struct hyp_scope *scope, hyp_job_id id,
                                              struct hyp_error *err);

/* The tenant's jobs as far as they are remembered, newest first; none without a collector.
 * HYP_OK
 * | DENIED | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_field_jobs(struct hyp_service *service,
                                            const struct hyp_scope *scope,
                                            struct hyp_arena *arena, struct hyp_job **ret_jobs,
                                            size_t *ret_count, struct hyp_error *err);

/* One job with its results, as far as it has any. */
struct hyp_job_detail {
    struct hyp_job job;
    struct hyp_found_device *found; /* scan */
    size_t found_count;
    bool has_values; /* test that is done */
    struct hyp_value *values;
    size_t value_count;
    struct hyp_meter_identity meter;
    struct hyp_str profile;
};
/* NOT_FOUND also when it has left the history, and for jobs of other tenants. */
HYP_MUST_USE enum hyp_status hyp_field_job_detail(struct hyp_service *service,
                                                  const struct hyp_scope *scope, hyp_job_id id,
                                                  struct hyp_arena *arena,
                                                  struct hyp_job_detail *ret_detail,
                                                  struct hyp_error *err);

/* Radio meters heard that are not configured, newest first. Returns as hyp_field_jobs. */
HYP_MUST_USE enum hyp_status hyp_field_heard(struct hyp_service *service,
                                             const struct hyp_scope *scope,
                                             struct hyp_arena *arena,
                                             struct hyp_found_device **ret_found,
                                             size_t *ret_count, struct hyp_error *err);

/* What waits on a line. */
struct hyp_queue_view {
    struct hyp_queue_entry entry;
    char device_name[HYP_LIMIT_NAME];
};
/* At most HYP_LIMIT_PAGE, in the order in which they are asked. */
HYP_MUST_USE enum hyp_status hyp_field_queue(struct hyp_service *service,
                                             const struct hyp_scope *scope, hyp_line_id line,
                                             struct hyp_arena *arena,
                                             struct hyp_queue_view **ret_queue,
                                             size_t *ret_count, struct hyp_error *err);

/* --- communication --- */

/* The newest HYP_LIMIT_COMM_PAGE changes of a device, newest first. */
HYP_MUST_USE enum hyp_status hyp_field_comm_events(struct hyp_service *service,
                                                   const struct hyp_scope *scope,
                                                   hyp_device_id device,
                                                   struct hyp_arena *arena,
                                                   struct hyp_comm_event **ret_events,
                                                   size_t *ret_count, struct hyp_error *err);

/* --- intake --- */

/*
 * Takes text lines "time link HEX" (docs/simulator.md) as if they had arrived on a line.
 * @text     copied
 * @source   how the readings are marked
 * @done     called exactly once after the last commit when HYP_OK was returned; any thread
 * Returns   HYP_OK | DENIED | UNSUPPORTED (no collector) | as hyp_collector_feed; then done is
 *           not called
 */
HYP_MUST_USE enum hyp_status
hyp_field_intake(struct hyp_service *service, const struct hyp_scope *scope,
                 struct hyp_str text, enum hyp_reading_source source,
                 void (*done)(void *user, const struct hyp_intake_result *result), void *user,
                 struct hyp_error *err);

#endif
