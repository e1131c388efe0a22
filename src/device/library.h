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
#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "model/reading.h"
#include "protocol/mbus/record.h"
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
/* "normal", "low" ...; never NULL. */
const char *hyp_severity_text(enum hyp_severity severity);

/* How the devices of a profile are talked to. */
enum hyp_device_protocol {
    HYP_DEVICE_UNSET = 0,
    HYP_DEVICE_MBUS,  /* wired M-Bus */
    HYP_DEVICE_WMBUS, /* wireless M-Bus, listens only */
    HYP_DEVICE_METER, /* both of the above */
    HYP_DEVICE_MODBUS,
};

/* Creates a library with the embedded profiles. Caller destroys. HYP_OK | NO_MEMORY; what
 * hyp_library_add says if a built-in profile is bad, which the tests exclude. */
HYP_MUST_USE enum hyp_status hyp_library_create(struct hyp_library **ret_library,
                                                struct hyp_error *err);
/* NULL is allowed; its profiles go with it. Returns NULL. */
void *hyp_library_destroy(struct hyp_library *library);
/*
 * Adds or replaces one profile from text (a site's own file); before other threads use the
 * library.
 * Returns   HYP_OK | INVALID, MALFORMED, LIMIT (err: line and reason) | NO_MEMORY; then the
 *           library is as before
 */
HYP_MUST_USE enum hyp_status hyp_library_add(struct hyp_library *library, struct hyp_str source,
                                             const char *file_name, struct hyp_error *err);

/* All profiles, by number; @index below the count. */
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
                          "gas_meter", "sensor", "generic" */
    enum hyp_device_protocol protocol;
    bool battery; /* frequent reading shortens its life [COL-40] */
};
/* What the head of the file says; lives as long as the library. */
const struct hyp_profile_info *hyp_profile_info(const struct hyp_profile *profile);

/* The text of the profile's file; lives as long as the library. */
struct hyp_str hyp_profile_source(const struct hyp_profile *profile);

/* Habits of a family that whoever reads it has to respect; bits. */
enum hyp_quirk {
    HYP_QUIRK_NKE_BEFORE_READ = 1, /* M-Bus: send SND_NKE before every read */
    HYP_QUIRK_SINGLE_CLIENT = 2,   /* TCP: never open a second connection */
};

/* How the devices of a family want to be talked to; 0 = the protocol's own default. */
struct hyp_profile_link {
    uint32_t baud;
    char parity; /* 'N', 'E', 'O' */
    uint32_t timeout_ms;
    uint32_t delay_ms; /* between two requests */
    int16_t retries;   /* -1 = default */
    uint16_t port;     /* TCP */
    uint8_t unit;      /* Modbus */
    uint32_t quirks;   /* enum hyp_quirk */
};
/* The same of how its devices are talked to. */
const struct hyp_profile_link *hyp_profile_link(const struct hyp_profile *profile);

/*
 * The word for a code of a point that is a list of states ("scheduled" for operating_mode 1).
 * Returns   NULL when the profile knows none
 */
const char *hyp_profile_state_text(const struct hyp_profile *profile,
                                   const struct hyp_point_key *key, int64_t code);

/* What is the matter with a device: one bit or number of an info code or status byte. */
struct hyp_info_bit {
    int8_t bit;       /* 0..63; -1 = it is a number */
    int64_t code;     /* the number; -1 = it is a bit */
    const char *name; /* stable id: "low_battery" */
    const char *text; /* English */
    enum hyp_severity severity;
};
/* The bits of `code` that the profile knows, worst first. Returns how many were written. */
size_t hyp_profile_info_bits(const struct hyp_profile *profile, uint64_t code,
                             struct hyp_info_bit *out, size_t capacity);
/*
 * The same of a status byte (EN 13757-7 7.5.6): the standard's bits, and the maker's as far as
 * the profile knows them.
 * @profile   may be NULL: the standard's only
 */
size_t hyp_profile_status_bits(const struct hyp_profile *profile, uint8_t status,
                               struct hyp_info_bit *out, size_t capacity);
/* The same of any value: info codes and status bytes have some, all others none. */
size_t hyp_profile_value_bits(const struct hyp_profile *profile, enum hyp_name name,
                              uint64_t flags, struct hyp_info_bit *out, size_t capacity);
/* All that a profile knows, worst first, active or not. */
size_t hyp_profile_info_all(const struct hyp_profile *profile, struct hyp_info_bit *out,
                            size_t capacity);

/*
 * Makes named values of the records of an opened telegram.
 * @profile   NULL = match by identity
 * @arena     texts and values live there
 * @ret_values / @ret_count   at most HYP_LIMIT_READING_VALUES, the header's status byte first.
 *            Records whose meaning has no name of its own (averages, limits, times of events)
 *            get a subunit from 0x4000 on that depends on their VIF only; the n-th further
 *            record with a key gets subunit 0x8000 + n. So series never mix.
 * @ret_meter_time  the meter's own time (4D/6D record of storage 0), if any; year 0 otherwise
 * Returns    HYP_OK | MALFORMED, UNSUPPORTED when the walk stopped: the values before it are
 *            given all the same | NO_MEMORY (nothing is given)
 */
HYP_MUST_USE enum hyp_status
hyp_device_values(const struct hyp_library *library, const struct hyp_profile *profile,
                  const struct hyp_telegram *telegram, struct hyp_arena *arena,
                  struct hyp_value **ret_values, size_t *ret_count,
                  struct hyp_civil *ret_meter_time, struct hyp_error *err);

/*
 * The value of one data record, as hyp_device_values would name it; for listings that show
 * records side by side with their values. Repeated keys and faults that other records of the
 * telegram report are not looked at.
 * @ret_value where the value is made: its content is undefined unless OK is returned
 * Returns    HYP_OK | NOT_FOUND (the record is no value: manufacturer data, ignored by the
 *            profile) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_device_record_value(const struct hyp_profile *profile,
                                                     const struct hyp_telegram *telegram,
                                                     const struct hyp_mbus_record *record,
                                                     struct hyp_arena *arena,
                                                     struct hyp_value *ret_value);

/* Does it take values out of the bits of records? Most do not. */
bool hyp_profile_has_parts(const struct hyp_profile *profile);
/*
 * The value of the next part of a record that the profile takes out of its bits ("bits" of a
 * field), beside the value of the record itself.
 * @at        0 for the first part; moves on
 * Returns    HYP_OK | NOT_FOUND (there is no further one)
 */
HYP_MUST_USE enum hyp_status hyp_device_record_part(const struct hyp_profile *profile,
                                                    const struct hyp_telegram *telegram,
                                                    const struct hyp_mbus_record *record,
                                                    struct hyp_arena *arena, size_t *at,
                                                    struct hyp_value *ret_value);

/*
 * Completes the notes on an opened and walked telegram by what the profile makes of its bytes:
 * name and key of each value, its digits where the profile scales them, names of active bits.
 * @profile   never NULL
 * @first     where the notes of this telegram begin in `explain`
 */
void hyp_device_explain(const struct hyp_profile *profile, const struct hyp_telegram *telegram,
                        struct hyp_arena *arena, struct hyp_explain *explain, size_t first);

/*
 * Decodes the captures a profile carries and compares them with what they have to give.
 * @report    one line per difference, ready to be pasted into the file
 * @ret_ok / @ret_failed   captures
 */
HYP_MUST_USE enum hyp_status hyp_profile_check_captures(const struct hyp_library *library,
                                                        const struct hyp_profile *profile,
                                                        struct hyp_buf *report, size_t *ret_ok,
                                                        size_t *ret_failed);

/* --- Modbus profiles --- */

/*
 * Poll classes of a profile, each holding the one before: "live" is what moves while one looks,
 * "normal" is what is read at every scheduled reading, "daily" adds settings.
 */
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
 * BE16, data; repeated). At most HYP_LIMIT_READING_VALUES, in the order of the profile.
 * Returns   HYP_OK | MALFORMED (no snapshot) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_device_modbus_values(const struct hyp_profile *profile,
                                                      const uint8_t *snapshot, size_t len,
                                                      struct hyp_arena *arena,
                                                      struct hyp_value **ret_values,
                                                      size_t *ret_count, struct hyp_error *err);

/* The registers that tell Modbus families apart, of all profiles; for hyp_modbus_read. */
size_t hyp_library_detect_blocks(const struct hyp_library *library,
                                 struct hyp_modbus_block *out, size_t capacity);
/* The profile whose detection registers all have the right values in a snapshot, or NULL. */
const struct hyp_profile *hyp_library_detect(const struct hyp_library *library,
                                             const uint8_t *snapshot, size_t len);

#endif
