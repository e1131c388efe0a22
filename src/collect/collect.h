/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collector: owns every link to the field. Configured lines and devices in, batches out through
 * the sink, commands and their progress by job.
 *
 * One loop thread owns all sessions. Every function here may be called from any thread and
 * never blocks on the field; results come by job state or by the observer, whose calls come
 * from the loop thread and must return quickly.
 *
 * A call waits until the loop thread has run it. So never call with a lock held that an
 * observer or a `done` takes: the loop thread would wait for the lock, and the caller for the
 * loop thread. An observer may ask (states, jobs), but not add, change or remove lines and
 * devices, because it is called from the middle of their work.
 */
#ifndef HYP_COLLECT_COLLECT_H
#define HYP_COLLECT_COLLECT_H

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/rng.h"
#include "device/library.h"
#include "model/plant.h"
#include "model/reading.h"
#include "model/zone.h"

#include <stddef.h>

struct hyp_collector;

typedef struct {
    uint64_t id; /* 0 = none */
} hyp_job_id;

enum hyp_found_trouble {
    HYP_FOUND_FINE = 0,
    HYP_FOUND_COLLISION, /* several answer at once */
    HYP_FOUND_NO_DATA,   /* acknowledges, but sends nothing */
};
/* "", "collision", "no_data" */
const char *hyp_found_trouble_text(enum hyp_found_trouble trouble);

/* One meter found by a scan, or heard on the radio without being configured. */
struct hyp_found_device {
    hyp_line_id line;
    struct hyp_meter_identity meter;
    int16_t primary_address; /* -1 when found by secondary address or radio */
    uint8_t unit_id;
    char profile[64]; /* suggestion */
    bool encrypted;
    int16_t signal_dbm;
    hyp_utc last_heard;
    bool known;                     /* configured already */
    uint32_t baud;                  /* rate it answered at; 0 = the line has none */
    enum hyp_found_trouble trouble; /* found, but not to be read like this */
};

struct hyp_job {
    hyp_job_id id;
    enum hyp_job_kind kind;
    enum hyp_job_state state;
    enum hyp_priority priority;
    hyp_line_id line;
    hyp_device_id device; /* 0 for a selection or a scan */
    hyp_utc created;
    hyp_utc changed;
    uint32_t total; /* devices, or addresses of a scan */
    uint32_t done;
    uint32_t failed;
    uint32_t found;                /* scan */
    char text[HYP_ERROR_TEXT_MAX]; /* progress or error in words */
};

/* Life of a line as seen by an operator. */
enum hyp_link_state {
    HYP_LINK_DISABLED = 0,
    HYP_LINK_IDLE,
    HYP_LINK_CONNECTING,
    HYP_LINK_CONNECTED,
    HYP_LINK_LISTENING,
    HYP_LINK_FAILED, /* retries with back-off */
};
/* "disabled", "idle", "connecting", "connected", "listening", "failed" */
const char *hyp_link_state_text(enum hyp_link_state state);

struct hyp_line_state {
    hyp_line_id line;
    enum hyp_link_state link;
    struct hyp_comm_state comm;
    uint32_t queue_length;
    uint32_t clients; /* of a listener */
    hyp_device_id active_device;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t frames_in;
    uint64_t frames_refused;
};

struct hyp_device_state {
    hyp_device_id device;
    struct hyp_comm_state comm;
    enum hyp_job_state job; /* of the present or last job */
    hyp_utc next_due;       /* next scheduled read; 0 = none */
    bool backing_off;       /* the breaker spaces its attempts */
};

/* How one radio line hears a device. */
struct hyp_heard_by {
    hyp_line_id line;
    hyp_utc last_heard;
    uint64_t telegrams; /* that it heard; each counts once */
    uint64_t of;        /* telegrams that any line heard since this one first did */
    int16_t last_dbm;   /* 0 = not known */
    int16_t best_dbm;
    bool newest; /* it has heard the newest telegram */
};

/* By whom a radio device is heard. What several lines hear is one telegram and one reading. */
struct hyp_reception_state {
    hyp_device_id device;
    uint64_t telegrams;
    hyp_utc last_heard;
    int16_t best_dbm; /* of the newest telegram, over all lines; 0 = not known */
    size_t count;
    struct hyp_heard_by by[HYP_LIMIT_RECEIVERS];
};

/* Told of changes; loop thread; members may be NULL. */
struct hyp_collect_observer {
    void *user;
    void (*device_state)(void *user, const struct hyp_device_state *state);
    void (*line_state)(void *user, const struct hyp_line_state *state);
    void (*job)(void *user, const struct hyp_job *job);
    void (*found)(void *user, const struct hyp_found_device *found);
    /* Learned data to be kept over restarts (hyp_collector_restore_format, _holes). */
    void (*format_learned)(void *user, const struct hyp_compact_format *format);
    /* One of the default keys opens the telegrams of a device that has none of its own. */
    void (*key_found)(void *user, hyp_device_id device, const struct hyp_aes_key *key);
    void (*holes_learned)(void *user, hyp_device_id device, const struct hyp_modbus_hole *holes,
                          size_t count);
};

struct hyp_collect_config {
    const struct hyp_clock *clock;
    struct hyp_rng *rng;
    struct hyp_log *log; /* may be NULL */
    const struct hyp_library *library;
    struct hyp_sink *sink;
    struct hyp_collect_observer observer;
    const struct hyp_zone *zone; /* for daily schedules and meter clocks; NULL = UTC */
};

/* Creates a stopped collector. The pointers in the config must outlive it. HYP_OK | NO_MEMORY |
 * IO (the system gives no event loop) */
HYP_MUST_USE enum hyp_status hyp_collector_create(const struct hyp_collect_config *config,
                                                  struct hyp_collector **ret_collector,
                                                  struct hyp_error *err);
/* Starts the loop thread. HYP_OK | IO (the system gives none) */
HYP_MUST_USE enum hyp_status hyp_collector_start(struct hyp_collector *collector,
                                                 struct hyp_error *err);
/* Ends all sessions, waits for outstanding submits, joins the thread. Idempotent. */
void hyp_collector_stop(struct hyp_collector *collector);
/* Stops, then frees all. NULL is allowed. Returns NULL. */
void *hyp_collector_destroy(struct hyp_collector *collector);

/* Is the kind one that we ask, not one that we only listen to? */
bool hyp_line_kind_is_polled(enum hyp_line_kind kind);

/*
 * Adds or replaces by id; takes effect before later calls. Copies its argument. What was under
 * way on a line that is replaced is cancelled.
 * Returns   HYP_OK | INVALID (no id, no kind) | LIMIT (HYP_LIMIT_LINES)
 *         | CANCELLED (stopping) | NO_MEMORY; whatever fails leaves the old one as it was
 */
HYP_MUST_USE enum hyp_status hyp_collector_set_line(struct hyp_collector *collector,
                                                    const struct hyp_line *line);
/* Closes its link; jobs that wait on it fail. Nothing when it is not there. */
void hyp_collector_remove_line(struct hyp_collector *collector, hyp_line_id line);
/* As hyp_collector_set_line, without LIMIT and CANCELLED. One that was backing off gets a new
 * chance; what waits for it is asked as it is now. */
HYP_MUST_USE enum hyp_status hyp_collector_set_device(struct hyp_collector *collector,
                                                      const struct hyp_device *device);
/* What waits for it fails. Nothing when it is not there. */
void hyp_collector_remove_device(struct hyp_collector *collector, hyp_device_id device);
/* State remembered from before a restart, so that breaker and "last success" survive: the
 * device's, and that of the line it is asked on. */
void hyp_collector_restore_state(struct hyp_collector *collector,
                                 const struct hyp_device_state *state);
/*
 * A telegram of an MQTT line committed before a restart, oldest first; the newest
 * HYP_LIMIT_RECENT of a line. The broker may send it again.
 */
void hyp_collector_restore_telegram(struct hyp_collector *collector, hyp_line_id line,
                                    const uint8_t *bytes, size_t len);
/* Learned data from before a restart; what does not fit the limits is left out. */
void hyp_collector_restore_format(struct hyp_collector *collector,
                                  const struct hyp_compact_format *format);
/* The same for the registers that a Modbus device does not have. */
void hyp_collector_restore_holes(struct hyp_collector *collector, hyp_device_id device,
                                 const struct hyp_modbus_hole *holes, size_t count);

/*
 * Keys to try, in this order, on telegrams of the tenant's meters that have no key of their
 * own. Replaces those given before; wiped with the collector.
 * Returns   HYP_OK | LIMIT (HYP_LIMIT_DEFAULT_KEYS, HYP_LIMIT_KEY_SETS)
 */
HYP_MUST_USE enum hyp_status hyp_collector_set_default_keys(struct hyp_collector *collector,
                                                            hyp_tenant_id tenant,
                                                            const struct hyp_aes_key *keys,
                                                            size_t count);

/*
 * Reads devices now.
 * Returns   HYP_OK | NOT_FOUND (no such device) | UNSUPPORTED (listens only) | LIMIT (too many
 *           jobs) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_collector_read(struct hyp_collector *collector,
                                                const hyp_device_id *devices, size_t count,
                                                enum hyp_priority priority, hyp_job_id *ret_job,
                                                struct hyp_error *err);

/*
 * A read of which other processes do a part: devices[0, here) are asked here, as by
 * hyp_collector_read, the others are items of the job that end by hyp_collector_passed. Those
 * may be on lines that are closed here.
 */
struct hyp_shared_read {
    const hyp_device_id *devices;
    size_t count;
    size_t here;
};
/* Returns as hyp_collector_read. */
HYP_MUST_USE enum hyp_status hyp_collector_read_shared(struct hyp_collector *collector,
                                                       const struct hyp_shared_read *read,
                                                       hyp_job_id *ret_job,
                                                       struct hyp_error *err);
/* What has become elsewhere of items of a job since the last time. */
struct hyp_passed_part {
    enum hyp_job_state state; /* how far it is on the way; UNKNOWN = nothing new */
    uint32_t done;            /* items that have ended well */
    uint32_t failed;
    bool partial; /* one of those that ended well lacks part of its values */
    char text[HYP_ERROR_TEXT_MAX];
};
/* Does it begin nothing any more? From hyp_collector_stop on. */
bool hyp_collector_is_stopping(struct hyp_collector *collector);
/* Nothing when the job has ended or left the history. */
void hyp_collector_passed(struct hyp_collector *collector, hyp_job_id job,
                          const struct hyp_passed_part *part);

#define HYP_SCAN_BAUDS 8
struct hyp_scan {
    hyp_line_id line;
    bool secondary;      /* M-Bus wildcard search; else primary addresses */
    uint8_t first, last; /* primary 0..250, or Modbus unit ids */
    char wildcard[32];   /* secondary: only meters under this pattern are asked
                            (hyp_mbus_pattern_parse); empty = all */
    bool thorough; /* M-Bus: for slow meters and lines that lose answers; takes several times
                      as long */
    uint32_t bauds[HYP_SCAN_BAUDS]; /* M-Bus on a serial port: rates to try, one after the
                                       other; 0 ends the list; none = the line's */
};
/*
 * Searches a line for meters; what it finds is told at once and kept with the job.
 * Returns   HYP_OK | NOT_FOUND (no such line, or it is off) | INVALID (*err names the setting)
 *         | UNSUPPORTED (nothing is searched on lines of its kind) | LIMIT (too many jobs)
 *         | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_collector_scan(struct hyp_collector *collector,
                                                const struct hyp_scan *scan,
                                                hyp_job_id *ret_job, struct hyp_error *err);

/* What a wired meter can be told. */
enum hyp_meter_command_kind {
    HYP_METER_COMMAND_UNSET = 0,
    HYP_METER_RESET_APPLICATION, /* CI 50; `value` its subcode, -1 none */
    HYP_METER_SET_ADDRESS,       /* CI 51; primary address 0..250 */
    HYP_METER_SET_BAUD,          /* CI B8..BF; on a serial line */
};
struct hyp_meter_command {
    enum hyp_meter_command_kind kind;
    hyp_device_id device;
    int32_t value;
};
/*
 * Tells a meter something, behind what its line is doing now. What the device is configured as
 * stays; who orders the command changes that when the job is DONE.
 * Returns   HYP_OK | NOT_FOUND | UNSUPPORTED (no wired M-Bus meter; not on a serial line)
 *           | INVALID (value) | LIMIT (too many jobs) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_collector_command(struct hyp_collector *collector,
                                                   const struct hyp_meter_command *command,
                                                   hyp_job_id *ret_job, struct hyp_error *err);

/*
 * Reads a device that is not configured (yet), without storing anything; values by
 * hyp_collector_test_result once the job is done.
 * Returns   HYP_OK | NOT_FOUND (the line; or it only listens) | LIMIT (too many jobs, or a full
 *           queue) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_collector_test(struct hyp_collector *collector,
                                                const struct hyp_device *device,
                                                hyp_job_id *ret_job, struct hyp_error *err);
/* Values of a finished test job, who sent them and by which profile, copied into `arena`.
 * HYP_OK | BUSY (not finished) | NOT_FOUND (no such test, or it has no values any more) |
 * NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_collector_test_result(struct hyp_collector *collector,
                                                       hyp_job_id job, struct hyp_arena *arena,
                                                       struct hyp_value **ret_values,
                                                       size_t *ret_count,
                                                       struct hyp_meter_identity *ret_meter,
                                                       struct hyp_str *ret_profile);

/* Jobs, newest first (bounded history); results of a scan. */
size_t hyp_collector_jobs(struct hyp_collector *collector, struct hyp_job *out,
                          size_t capacity);
/* NOT_FOUND also when it has left the history. */
HYP_MUST_USE enum hyp_status hyp_collector_job(struct hyp_collector *collector, hyp_job_id job,
                                               struct hyp_job *ret_job);
/* What a scan has found until now, in that order; returns how many were written. */
size_t hyp_collector_found(struct hyp_collector *collector, hyp_job_id job,
                           struct hyp_found_device *out, size_t capacity);
/* Meters heard on the radio that are not configured (bounded, newest first). */
size_t hyp_collector_heard(struct hyp_collector *collector, struct hyp_found_device *out,
                           size_t capacity);
/* The answer that is waited for is waited for; nothing more is asked. NOT_FOUND; CONFLICT when
 * it has ended. */
HYP_MUST_USE enum hyp_status hyp_collector_cancel(struct hyp_collector *collector,
                                                  hyp_job_id job);

/* What is known of a device, of a line, at this moment. HYP_OK | NOT_FOUND */
HYP_MUST_USE enum hyp_status hyp_collector_device_state(struct hyp_collector *collector,
                                                        hyp_device_id device,
                                                        struct hyp_device_state *ret_state);
HYP_MUST_USE enum hyp_status hyp_collector_line_state(struct hyp_collector *collector,
                                                      hyp_line_id line,
                                                      struct hyp_line_state *ret_state);
/* HYP_OK | NOT_FOUND (no such device, or never heard by radio) */
HYP_MUST_USE enum hyp_status hyp_collector_reception(struct hyp_collector *collector,
                                                     hyp_device_id device,
                                                     struct hyp_reception_state *ret_state);
/*
 * Those of the devices `first` to `first + capacity - 1`, to be kept over restarts.
 * @ret_changed  has any of them changed since the last call for them?
 * Returns       how many were written
 */
size_t hyp_collector_receptions(struct hyp_collector *collector, hyp_device_id first,
                                struct hyp_reception_state *out, size_t capacity,
                                bool *ret_changed);
/* From before a restart; of a device that is configured. Its lines have heard it then. */
void hyp_collector_restore_reception(struct hyp_collector *collector,
                                     const struct hyp_reception_state *state);
struct hyp_queue_entry {
    hyp_job_id job;
    hyp_device_id device;
    enum hyp_priority priority;
    enum hyp_job_state state;
    hyp_utc queued;
};
/* Devices waiting on a line, in order, the one that is being asked first; returns how many were
 * written, 0 for a line that is not there or only listens. */
size_t hyp_collector_queue(struct hyp_collector *collector, hyp_line_id line,
                           struct hyp_queue_entry *out, size_t capacity);

/* What became of bytes that were fed. */
struct hyp_intake_result {
    enum hyp_status status; /* OK, or why a batch was given up; NO_MEMORY; CANCELLED */
    uint64_t lines;
    uint64_t readings;
    uint64_t unknown; /* telegrams of meters that are not configured */
    uint64_t refused;
    char first_error[HYP_ERROR_TEXT_MAX]; /* with line number */
};
/*
 * Feeds bytes as if they had arrived on a line: file import, HTTP push, replay, history load.
 * The batch goes through the same path (decode, match, sink) as field traffic.
 * @tenant  whose devices the telegrams may belong to
 * @text    lines "time link HEX" (docs/simulator.md) or plain hex lines; copied; at most
 *          HYP_LIMIT_DROP_FILE_BYTES
 * @source  HYP_SOURCE_FILE or _PUSH
 * @done    called once, from the loop thread, after the last commit, with counts; also when the
 *          collector stops before (status CANCELLED). The result is valid during the call.
 * Returns  HYP_OK (done will be called) | BUSY (too many feeds at once) | LIMIT (too long)
 *          | NO_MEMORY | CANCELLED (stopping)
 */
HYP_MUST_USE enum hyp_status
hyp_collector_feed(struct hyp_collector *collector, hyp_tenant_id tenant, struct hyp_str text,
                   enum hyp_reading_source source,
                   void (*done)(void *user, const struct hyp_intake_result *), void *user);

/*
 * Decodes stored frames again, with their own times and lines: a key or a format has come.
 * One that can be read now becomes a reading and a frame in place of the old one
 * (hyp_raw_frame.replaces); of all others nothing is kept.
 * @frames  copied; `replaces` is the number of each
 * @done    as in hyp_collector_feed; `lines` counts frames, `refused` those still not read
 * Returns  as hyp_collector_feed
 */
HYP_MUST_USE enum hyp_status hyp_collector_decode_again(
    struct hyp_collector *collector, hyp_tenant_id tenant, const struct hyp_raw_frame *frames,
    size_t count, void (*done)(void *user, const struct hyp_intake_result *result), void *user);

#endif
