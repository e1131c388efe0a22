/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device library: the profiles of devices/ and of the site, and what they make of telegrams.
 *
 * A profile is data: who it is for, which records or registers become which named values, what
 * the info-code bits mean, how to poll. Built-in profiles are embedded and read by the same
 * parser as files added on site. The library is immutable after loading: any thread may use it.
 */
#ifndef HYP_DEVICE_LIBRARY_H
#define HYP_DEVICE_LIBRARY_H

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"
#include "model/reading.h"
#include "protocol/modbus/block.h"
#include "protocol/telegram.h"

#include <stddef.h>

struct hyp_library;
struct hyp_profile;

/* Severity of an info-code bit. */
enum hyp_severity {
    HYP_SEVERITY_NORMAL = 0,
    HYP_SEVERITY_LOW,
    HYP_SEVERITY_MEDIUM,
    HYP_SEVERITY_HIGH,
    HYP_SEVERITY_CRITICAL,
};
const char *hyp_severity_text(enum hyp_severity severity);

/* How the devices of a profile are talked to. */
enum hyp_device_protocol {
    HYP_DEVICE_UNSET = 0,
    HYP_DEVICE_MBUS,  /* wired M-Bus */
    HYP_DEVICE_WMBUS, /* wireless M-Bus, listens only */
    HYP_DEVICE_METER, /* both of the above */
    HYP_DEVICE_MODBUS,
};

/* Creates a library with the embedded profiles. Caller destroys. */
HYP_MUST_USE enum hyp_status hyp_library_create(struct hyp_library **ret_library,
                                                struct hyp_error *err);
void *hyp_library_destroy(struct hyp_library *library);
/* Adds or replaces one profile from text (a site's own file). err: line and reason. */
HYP_MUST_USE enum hyp_status hyp_library_add(struct hyp_library *library, struct hyp_str source,
                                             const char *file_name, struct hyp_error *err);

size_t hyp_library_count(const struct hyp_library *library);
const struct hyp_profile *hyp_library_at(const struct hyp_library *library, size_t index);
/* By stable name ("kamstrup_multical_603"); NULL when unknown. */
const struct hyp_profile *hyp_library_find(const struct hyp_library *library,
                                           struct hyp_str name);
/* Best match for a meter; the generic EN 13757 profile when no family fits. Never NULL. */
const struct hyp_profile *hyp_library_match(const struct hyp_library *library,
                                            const struct hyp_meter_identity *meter);

struct hyp_profile_info {
    const char *name;  /* stable */
    const char *title; /* "Kamstrup MULTICAL 603" */
    const char *kind;  /* "heat_meter", "water_meter", "hca", "electricity_meter", "controller",
                          "generic" */
    enum hyp_device_protocol protocol;
    bool battery; /* frequent reading shortens its life [COL-40] */
};
const struct hyp_profile_info *hyp_profile_info(const struct hyp_profile *profile);

/* One active bit of an info code. */
struct hyp_info_bit {
    uint8_t bit;
    const char *name; /* stable id: "low_battery" */
    const char *text; /* English */
    enum hyp_severity severity;
};
/* The bits of `code` that the profile knows, worst first. Returns how many were written. */
size_t hyp_profile_info_bits(const struct hyp_profile *profile, uint64_t code,
                             struct hyp_info_bit *out, size_t capacity);

/*
 * Makes named values of the records of an opened telegram.
 * @profile   NULL = match by identity
 * @arena     texts and values live there
 * @ret_values / @ret_count   at most HYP_LIMIT_READING_VALUES; two records with the same key
 * are told apart by subunit or the later is dropped (never mixed)
 * @ret_meter_time  the meter's own time (4D/6D record of storage 0), if any; year 0 otherwise
 * Returns    HYP_OK | MALFORMED / UNSUPPORTED when the walk stopped (values before stay valid)
 */
HYP_MUST_USE enum hyp_status
hyp_device_values(const struct hyp_library *library, const struct hyp_profile *profile,
                  const struct hyp_telegram *telegram, struct hyp_arena *arena,
                  struct hyp_value **ret_values, size_t *ret_count,
                  struct hyp_civil *ret_meter_time, struct hyp_error *err);

/* --- Modbus profiles --- */

/* Poll classes of a profile: "live", "normal", "daily". */
enum hyp_poll_class {
    HYP_POLL_NORMAL = 0,
    HYP_POLL_LIVE,
    HYP_POLL_DAILY,
};
/*
 * The merged requests of a profile for one poll class, known holes left out.
 * @holes   what answered "illegal address" before (hyp_modbus_read learns it)
 * Returns   how many requests there are; more than `capacity` means the rest was not written
 */
size_t hyp_profile_modbus_blocks(const struct hyp_profile *profile,
                                 enum hyp_poll_class poll_class,
                                 const struct hyp_modbus_hole *holes, size_t hole_count,
                                 struct hyp_modbus_block *out, size_t capacity);
/*
 * Values of a snapshot: what HYP_RAW_MODBUS_SNAPSHOT holds (unit, function, start BE16, count
 * BE16, data; repeated).
 */
HYP_MUST_USE enum hyp_status hyp_device_modbus_values(const struct hyp_profile *profile,
                                                      const uint8_t *snapshot, size_t len,
                                                      struct hyp_arena *arena,
                                                      struct hyp_value **ret_values,
                                                      size_t *ret_count, struct hyp_error *err);

#endif
