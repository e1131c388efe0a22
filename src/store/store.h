/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Store: everything durable. Relational things (tenants to audit), the historian, raw frames.
 *
 * One writer thread inside commits batches in groups; readers use their own connections and the
 * in-memory open chunks. All functions may be called from any thread and may block on disk, but
 * never on the field. Every query carries the tenant; a row of another tenant is NOT_FOUND.
 * Lists are written into the caller's arena.
 *
 * Beside the statuses that a function names it may return what the database says (store/db.h);
 * then nothing of a change is written. A list returns LIMIT when the arena is full.
 */
#ifndef HYP_STORE_STORE_H
#define HYP_STORE_STORE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "model/plant.h"
#include "model/reading.h"
#include "store/counting.h"
#include "store/marks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hyp_store;
struct hyp_zone;

struct hyp_store_config {
    const char *folder; /* data folder, created if missing; NULL = in memory (tests) */
    /* "postgresql://..." keeps everything but secret.key in that database instead of the
     * folder, which must be named all the same; NULL = SQLite. The URL may hold a password: it
     * is in no error and no log. */
    const char *database;
    const char *schema; /* of the tables in `database`; NULL = "hypocaust" */
    /* A name for this process among several that work on `database`; NULL = it is alone. */
    const char *member;
    const struct hyp_clock *clock;
    struct hyp_log *log; /* may be NULL */
    struct hyp_rng *rng; /* for the secret key and nonces; NULL = the system's */
    int64_t frame_days;  /* age limit of raw frames; 0 = default */
    int64_t frame_bytes; /* size limit of raw frames; 0 = default */
    bool retain; /* thin and remove old readings as tenants have set it (store/life.h) */
    const struct hyp_zone *zone; /* of the wall clock, for that; NULL = UTC */
    uint64_t seal_readings; /* new readings after which late ones are sealed; 0 = default */
    /* How often a database server that is away is tried before whatever waits for it is given
     * up; 0 = default, about half a minute behind a commit, and seldom once it is known to be
     * away (store/outage.h). */
    int database_tries;
};

/*
 * Opens or creates a store, brings its schema up to date and loads the intake log.
 * Returns   HYP_OK
 *         | BUSY         another process has the folder, the database, or this member's name
 *         | INVALID      `database` is no URL of PostgreSQL; `member` without `database`
 *         | UNSUPPORTED  the database is newer than this program
 *         | NOT_FOUND    secret.key is missing although secrets were stored
 *         | WRONG_KEY    secret.key is of another store
 *         | CORRUPT, IO, FULL, NO_MEMORY; *err names the file and the remedy
 * Context   blocks while it loads
 */
HYP_MUST_USE enum hyp_status hyp_store_open(const struct hyp_store_config *config,
                                            struct hyp_store **ret_store,
                                            struct hyp_error *err);
/* Commits what is queued (each done is called), then closes. NULL is allowed. Nothing may be
 * submitted meanwhile. Returns NULL. */
void *hyp_store_close(struct hyp_store *store);

/* --- intake --- */

/*
 * The sink of this store; valid as long as the store.
 *
 * submit copies the batch, so the caller's memory is free again when it returns. Beside OK and
 * BUSY it returns INVALID for a batch that can never be stored (more than
 * HYP_LIMIT_BATCH_READINGS readings, a frame index out of range, a reading without kind or
 * source, a value without quality, a text or frame that is too long): done is not called,
 * sending it again is no use. done gets OK, or why nothing of the batch was kept (FULL, IO,
 * BUSY, NO_MEMORY, CORRUPT): send it again later. Readings of devices that are not (or no
 * longer) in the store are dropped and counted. Same device, source time, kind, point and equal
 * value = kept once. A frame all of whose readings were known already is not kept again.
 */
struct hyp_sink *hyp_store_sink(struct hyp_store *store);

/* A value as committed, with its point. */
struct hyp_stored_value {
    hyp_point_id point;
    hyp_utc time; /* source time */
    enum hyp_value_kind kind;
    enum hyp_quality quality;
    enum hyp_reading_source source;
    uint32_t versions; /* of its instant, in lists of readings; elsewhere 0 */
    union {
        struct hyp_decimal decimal;
        struct hyp_civil civil;
        uint64_t flags;
        struct hyp_str text;
    };
};

/* What other members have changed since the last call, beside readings. */
struct hyp_store_change {
    hyp_tenant_id tenant; /* whose it is, or was */
    hyp_line_id line;     /* new, changed or gone; 0 = it is a device */
    hyp_device_id device; /* the same */
};
struct hyp_store_changes {
    bool all; /* more lines and devices than are named */
    struct hyp_store_change ids[HYP_LIMIT_MEMBER_NAMED];
    size_t id_count;
    bool access; /* users, sessions or tokens: what is remembered of them may be wrong */
    bool tenant; /* names, zones */
    bool keys;   /* default keys */
    bool orders; /* those that are passed on (store/orders.h) */
};
/*
 * Called from the writer thread after each commit with the values that were new, after the
 * sender's done. May call any function of the store. Values are valid during the call only.
 */
struct hyp_store_observer {
    void *user;
    void (*committed)(void *user, hyp_device_id device, hyp_utc source_time,
                      const struct hyp_stored_value *values, size_t count);
    /* The same thread: another member has changed something, or a commit of this process has
     * that was given up because the database was away. May be NULL. */
    void (*changed)(void *user, const struct hyp_store_changes *changes);
};
/*
 * Takes in now what other members have committed; without this it happens within
 * HYP_LIMIT_MEMBER_POLL_MS. HYP_OK at once when this process is alone.
 * Returns   HYP_OK | BUSY (too far behind: start the process anew) | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_store_catch_up(struct hyp_store *store);

/*
 * Takes the lease of a line, or makes sure that it is still there: no two members have one
 * line. It ends with the process, or when its session with the database is lost; ask again
 * every second or so. Always true when this process is alone.
 */
bool hyp_store_line_lease(struct hyp_store *store, hyp_line_id line);
/* Gives it back. */
void hyp_store_line_release(struct hyp_store *store, hyp_line_id line);
/*
 * Which member has the lease of a line?
 * @ret_member  its name; "" = none has it, or this process is alone
 * Returns   HYP_OK | IO (the database is away) | what the database says
 */
HYP_MUST_USE enum hyp_status
hyp_store_line_holder(struct hyp_store *store, hyp_line_id line,
                      char ret_member[static HYP_LIMIT_MEMBER_NAME + 1]);
/* A line that one member has open, and that member's name. */
struct hyp_line_holder {
    hyp_line_id line;
    char member[HYP_LIMIT_MEMBER_NAME + 1];
};
/* All lines of the tenant (0 = of all) that a member has, by number; none when this process is
 * alone. HYP_OK | NO_MEMORY | what the database says */
HYP_MUST_USE enum hyp_status
hyp_store_line_holders(struct hyp_store *store, hyp_tenant_id tenant, struct hyp_arena *arena,
                       struct hyp_line_holder **ret_holders, size_t *ret_count);
/* The name of this process among the members; NULL = it is alone. */
const char *hyp_store_member(const struct hyp_store *store);

/* Adds an observer for the life of the store. LIMIT beyond HYP_LIMIT_OBSERVERS. */
HYP_MUST_USE enum hyp_status hyp_store_observe(struct hyp_store *store,
                                               const struct hyp_store_observer *observer);

/* --- points and readings --- */

struct hyp_point {
    hyp_point_id id;
    hyp_device_id device;
    struct hyp_point_key key;
    enum hyp_unit unit;
    enum hyp_value_kind kind;
    char label[HYP_LIMIT_NAME];
};

/* All registers of a device, in the order in which they came. NOT_FOUND (the device). */
HYP_MUST_USE enum hyp_status hyp_store_points(struct hyp_store *store, hyp_tenant_id tenant,
                                              hyp_device_id device, struct hyp_arena *arena,
                                              struct hyp_point **ret_points, size_t *ret_count);
/* One register. NOT_FOUND when it is of no device of the tenant. */
HYP_MUST_USE enum hyp_status hyp_store_point(struct hyp_store *store, hyp_tenant_id tenant,
                                             hyp_point_id id, struct hyp_point *ret_point);

/* Latest usable or absent value of every point of a device, with the frame it came from. */
struct hyp_latest {
    struct hyp_point point;
    struct hyp_stored_value value;
    hyp_utc receive_time;
    hyp_frame_id frame;
};
/* In the order of hyp_store_points. NOT_FOUND (the device). */
HYP_MUST_USE enum hyp_status hyp_store_latest(struct hyp_store *store, hyp_tenant_id tenant,
                                              hyp_device_id device, struct hyp_arena *arena,
                                              struct hyp_latest **ret_values,
                                              size_t *ret_count);

/*
 * Raw values of a point in [from, to), oldest first; the best version of each instant:
 * corrected before good before manual before estimated before doubtful before absent; among
 * equals the one that came last. hyp_store_readings shows the others.
 */
HYP_MUST_USE enum hyp_status hyp_store_series(struct hyp_store *store, hyp_tenant_id tenant,
                                              hyp_point_id point, hyp_utc from, hyp_utc to,
                                              struct hyp_arena *arena,
                                              struct hyp_stored_value **ret_values,
                                              size_t *ret_count);

/* What a register said in a span of time; of the values that are shown and usable. */
struct hyp_summary {
    hyp_utc start;
    uint64_t count; /* 0 = gap, and nothing else is set */
    hyp_utc first_time;
    hyp_utc last_time;
    struct hyp_decimal first;
    struct hyp_decimal last;
    struct hyp_decimal min;
    struct hyp_decimal max;
    double mean;
};
/*
 * Summaries of decimal points over spans: hours, days or months of a zone, or any others.
 *
 * Points of one device should stand side by side. Many points (all meters of a town) are
 * answered from the heads of chunks where spans are months.
 * @bounds        span_count + 1 ascending times; span i is [bounds[i], bounds[i + 1])
 * @ret_summaries in the arena: those of the first point by span, then of the next one;
 *                first_time and last_time may be those of a neighbouring register's value
 * Returns   HYP_OK | NOT_FOUND (a point) | UNSUPPORTED (a point without numbers)
 *         | INVALID (bounds) | LIMIT | CORRUPT | what the database says
 * Limits    HYP_LIMIT_SUMMARY_SPANS, HYP_LIMIT_SUMMARIES (points times spans)
 */
HYP_MUST_USE enum hyp_status hyp_store_summaries(struct hyp_store *store, hyp_tenant_id tenant,
                                                 const hyp_point_id *points, size_t point_count,
                                                 const hyp_utc *bounds, size_t span_count,
                                                 struct hyp_arena *arena,
                                                 struct hyp_summary **ret_summaries);

/* One reading of a device: all values of one source time. Newest first. */
struct hyp_stored_reading {
    hyp_utc source_time;
    hyp_utc receive_time;
    enum hyp_reading_kind kind;
    enum hyp_reading_source source;
    hyp_frame_id frame; /* 0 = none kept */
    struct hyp_stored_value *values;
    size_t value_count;
};
/*
 * Readings of a device in [from, to), all versions of each instant: newest first.
 * @offset     so many newer ones are passed over
 * @ret_total  of the whole span
 * Returns     HYP_OK | NOT_FOUND (the device) | LIMIT (arena) | CORRUPT
 *           | what the database says
 */
HYP_MUST_USE enum hyp_status hyp_store_readings(struct hyp_store *store, hyp_tenant_id tenant,
                                                hyp_device_id device, hyp_utc from, hyp_utc to,
                                                size_t offset, size_t limit,
                                                struct hyp_arena *arena,
                                                struct hyp_stored_reading **ret_readings,
                                                size_t *ret_count, size_t *ret_total);

/*
 * The same with all readings of an instant made one: of each register the version that is
 * shown, with the number of its versions. Type, arrival and telegram are those of the first
 * that came by telegram. Slower: every reading of the span is looked at.
 */
HYP_MUST_USE enum hyp_status hyp_store_instants(struct hyp_store *store, hyp_tenant_id tenant,
                                                hyp_device_id device, hyp_utc from, hyp_utc to,
                                                size_t offset, size_t limit,
                                                struct hyp_arena *arena,
                                                struct hyp_stored_reading **ret_readings,
                                                size_t *ret_count, size_t *ret_total);

/* --- raw frames --- */

struct hyp_stored_frame {
    hyp_frame_id id;
    hyp_line_id line;
    hyp_device_id device;
    hyp_utc received;
    enum hyp_raw_protocol protocol;
    int16_t signal_dbm;
    enum hyp_status outcome;
    size_t len;
    const uint8_t *bytes; /* NULL in lists */
};
/*
 * A page of the tenant's frames, newest first, without their bytes. Frames of unknown senders
 * belong to the tenant of their line. A damaged block is reported to the log and passed over.
 * @device, @line  only those of it; id 0 = of all
 * @offset         so many newer ones are passed over
 * Returns         HYP_OK | NOT_FOUND (the device or the line) | LIMIT (arena) | NO_MEMORY
 *               | what the databases say
 */
HYP_MUST_USE enum hyp_status
hyp_store_frames(struct hyp_store *store, hyp_tenant_id tenant, hyp_device_id device,
                 hyp_line_id line, size_t offset, size_t limit, struct hyp_arena *arena,
                 struct hyp_stored_frame **ret_frames, size_t *ret_count);
/* The newest frames of a line, newest first, with their bytes in the arena. As above. */
HYP_MUST_USE enum hyp_status hyp_store_newest_frames(struct hyp_store *store,
                                                     hyp_tenant_id tenant, hyp_line_id line,
                                                     size_t limit, struct hyp_arena *arena,
                                                     struct hyp_stored_frame **ret_frames,
                                                     size_t *ret_count);
/* One frame with its bytes. NOT_FOUND; CORRUPT when they cannot be unpacked. */
HYP_MUST_USE enum hyp_status hyp_store_frame(struct hyp_store *store, hyp_tenant_id tenant,
                                             hyp_frame_id id, struct hyp_arena *arena,
                                             struct hyp_stored_frame *ret_frame);
/* One more receiver that heard a telegram. */
struct hyp_frame_copy {
    hyp_line_id line;
    hyp_utc received;
    int16_t signal_dbm; /* 0 = not known */
};
/*
 * The receivers that heard a telegram besides the one in the frame, in the order they told of
 * it.
 * @frame      from hyp_store_frame, with its bytes
 * @ret_count  at most HYP_LIMIT_RECEIVERS
 * Returns     HYP_OK | what the databases say
 */
HYP_MUST_USE enum hyp_status hyp_store_frame_copies(
    struct hyp_store *store, hyp_tenant_id tenant, const struct hyp_stored_frame *frame,
    struct hyp_frame_copy ret_copies[static HYP_LIMIT_RECEIVERS], size_t *ret_count);
/*
 * Some of the tenant's frames with certain outcomes, oldest first, with their bytes: what may
 * be decoded again. Frames that have been (hyp_raw_frame.replaces) are not among them.
 * @after      the last one of the call before; 0 = from the beginning
 * @ret_count  0 = there are no more
 * Returns     HYP_OK | LIMIT (arena) | what the database says
 */
HYP_MUST_USE enum hyp_status
hyp_store_frames_after(struct hyp_store *store, hyp_tenant_id tenant, hyp_frame_id after,
                       const enum hyp_status *outcomes, size_t outcome_count,
                       struct hyp_arena *arena, struct hyp_stored_frame **ret_frames,
                       size_t *ret_count);

/* --- plant --- */
/* add: id and revision are filled in. update: CONFLICT unless revision matches; it grows. */

/* The password is kept in a box. INVALID without a kind; NOT_FOUND (the tenant). */
HYP_MUST_USE enum hyp_status hyp_store_line_add(struct hyp_store *store, struct hyp_line *line,
                                                struct hyp_error *err);
/* Writes all members but the id and the tenant. INVALID without a kind; NOT_FOUND. */
HYP_MUST_USE enum hyp_status
hyp_store_line_update(struct hyp_store *store, struct hyp_line *line, struct hyp_error *err);
/* Removes a line. CONFLICT while devices use it (*err says how many); NOT_FOUND. */
HYP_MUST_USE enum hyp_status hyp_store_line_remove(struct hyp_store *store,
                                                   hyp_tenant_id tenant, hyp_line_id id,
                                                   struct hyp_error *err);
/* With its password, plain. NOT_FOUND. */
HYP_MUST_USE enum hyp_status hyp_store_line(struct hyp_store *store, hyp_tenant_id tenant,
                                            hyp_line_id id, struct hyp_line *ret_line);
/* All lines of a tenant by id, with their passwords; tenant 0 = of all tenants, for the
 * collector's start. */
HYP_MUST_USE enum hyp_status hyp_store_lines(struct hyp_store *store, hyp_tenant_id tenant,
                                             struct hyp_arena *arena,
                                             struct hyp_line **ret_lines, size_t *ret_count);

/* EXISTS when manufacturer + serial + version + medium (or line + unit id) is taken; NOT_FOUND
 * (the tenant or the line). */
HYP_MUST_USE enum hyp_status
hyp_store_device_add(struct hyp_store *store, struct hyp_device *device, struct hyp_error *err);
/* Many at once, one transaction: all or none; *err names the one that was refused. */
HYP_MUST_USE enum hyp_status hyp_store_devices_add(struct hyp_store *store,
                                                   struct hyp_device *devices, size_t count,
                                                   struct hyp_error *err);
/* EXISTS as in add; NOT_FOUND (the device, or its line). */
HYP_MUST_USE enum hyp_status hyp_store_device_update(struct hyp_store *store,
                                                     struct hyp_device *device,
                                                     struct hyp_error *err);
struct hyp_device_key {
    hyp_device_id device;
    struct hyp_aes_key key;
};
/* Sets the keys of many, one transaction: all or none. NOT_FOUND names the device. */
HYP_MUST_USE enum hyp_status hyp_store_device_keys_set(struct hyp_store *store,
                                                       hyp_tenant_id tenant,
                                                       const struct hyp_device_key *keys,
                                                       size_t count, struct hyp_error *err);
/* Removes the device with its points, readings and frames: no query sees them from now on; the
 * writer thread wipes them from the disk after it. NOT_FOUND. */
HYP_MUST_USE enum hyp_status hyp_store_device_remove(struct hyp_store *store,
                                                     hyp_tenant_id tenant, hyp_device_id id,
                                                     struct hyp_error *err);
/* With its key, plain. NOT_FOUND. */
HYP_MUST_USE enum hyp_status hyp_store_device(struct hyp_store *store, hyp_tenant_id tenant,
                                              hyp_device_id id, struct hyp_device *ret_device);
/* All devices of a tenant by id (tenant 0 = of all tenants, for the collector's start). */
HYP_MUST_USE enum hyp_status hyp_store_devices(struct hyp_store *store, hyp_tenant_id tenant,
                                               struct hyp_arena *arena,
                                               struct hyp_device **ret_devices,
                                               size_t *ret_count);

/* Communication state, written in batches by the service. */
struct hyp_stored_comm {
    hyp_device_id device;
    struct hyp_comm_state comm;
};
/* All or none; states of devices that are gone are passed over. */
HYP_MUST_USE enum hyp_status hyp_store_comm_save(struct hyp_store *store,
                                                 const struct hyp_stored_comm *states,
                                                 size_t count);
/* Of the devices of all tenants, for the start. */
HYP_MUST_USE enum hyp_status hyp_store_comm_load(struct hyp_store *store,
                                                 struct hyp_arena *arena,
                                                 struct hyp_stored_comm **ret_states,
                                                 size_t *ret_count);
/* History of communication: one row per change between success and failure (bounded). */
struct hyp_comm_event {
    hyp_utc time;
    enum hyp_status status;
    char text[HYP_ERROR_TEXT_MAX];
};
/* Adds one; the oldest beyond HYP_LIMIT_COMM_EVENTS go. NOT_FOUND (the device). */
HYP_MUST_USE enum hyp_status hyp_store_comm_event_add(struct hyp_store *store,
                                                      hyp_device_id device,
                                                      const struct hyp_comm_event *event);
/* The newest `limit`, newest first. NOT_FOUND (the device). */
HYP_MUST_USE enum hyp_status hyp_store_comm_events(struct hyp_store *store,
                                                   hyp_tenant_id tenant, hyp_device_id device,
                                                   size_t limit, struct hyp_arena *arena,
                                                   struct hyp_comm_event **ret_events,
                                                   size_t *ret_count);

/* Learned data: compact frame formats and Modbus holes, by name; takes the place of what has
 * the name. Returns what the database says; any length. */
HYP_MUST_USE enum hyp_status hyp_store_blob_put(struct hyp_store *store, const char *name,
                                                const uint8_t *data, size_t len);
/* NOT_FOUND; LIMIT (arena). */
HYP_MUST_USE enum hyp_status hyp_store_blob_get(struct hyp_store *store, const char *name,
                                                struct hyp_arena *arena, uint8_t **ret_data,
                                                size_t *ret_len);

/* The same for a secret: it is closed in a box before it reaches the disk. An empty one is
 * forgotten. get, into the caller's `out`: NOT_FOUND | WRONG_KEY | LIMIT (capacity) */
HYP_MUST_USE enum hyp_status hyp_store_secret_put(struct hyp_store *store, const char *name,
                                                  const uint8_t *data, size_t len);
HYP_MUST_USE enum hyp_status hyp_store_secret_get(struct hyp_store *store, const char *name,
                                                  uint8_t *out, size_t capacity,
                                                  size_t *ret_len);

/* --- care --- */

struct hyp_store_stats {
    uint64_t values; /* committed, all points */
    uint64_t readings;
    uint64_t frames;
    uint64_t points;
    uint64_t batches;    /* committed since start */
    uint64_t duplicates; /* values that were known already, since start */
    uint64_t dropped;    /* values of unknown devices or beyond a limit, since start */
    uint64_t damaged;    /* rows of the log that could not be read at start */
    uint64_t log_rows;   /* of the intake log: batches that are not sealed yet */
    int64_t bytes_on_disk;
    int64_t bytes_in_memory;     /* of the historian */
    uint64_t queue_length;       /* batches waiting */
    bool in_database;            /* in PostgreSQL */
    bool member;                 /* other processes may work on the database */
    bool has_care;               /* this one seals, packs, thins and wipes */
    enum hyp_status last_commit; /* OK, FULL, IO ...: intake health */
    char last_error[HYP_ERROR_TEXT_MAX];
};
/* How the store is now; its parts are read one after the other, not at one moment. Asks for the
 * sizes of files, or the database for those of its tables. */
void hyp_store_stats(struct hyp_store *store, struct hyp_store_stats *ret_stats);
/* How the last commit of readings ended, as last_commit above: from memory, without waiting for
 * the database. Any thread. */
enum hyp_status hyp_store_last_commit(struct hyp_store *store);

/*
 * Consistent copy of a running store into `target_folder`; verified after writing. Holds
 * secret.key too: guard it like the store itself. Intake and queries go on meanwhile.
 * @target_folder  created if it is missing
 * Returns   HYP_OK | EXISTS (the folder is not empty)
 *         | CORRUPT  a copy is damaged; or the copies are whole, but rows of the intake log
 *                    were damaged in the store before: *err says which
 *         | IO, FULL, NO_MEMORY | what the database says
 * Context   blocks as long as the copying takes
 */
HYP_MUST_USE enum hyp_status hyp_store_backup(struct hyp_store *store,
                                              const char *target_folder, struct hyp_error *err);
/*
 * The same of a folder that another process may have open.
 * @database  URL of the PostgreSQL database that the folder's store is in; NULL = its files
 * Returns    as hyp_store_backup | NOT_FOUND (no data folder) | UNSUPPORTED (its readings were
 *            moved to PostgreSQL, and `database` is not named)
 */
HYP_MUST_USE enum hyp_status hyp_store_backup_folder(const char *folder, const char *database,
                                                     const char *target_folder,
                                                     const struct hyp_clock *clock,
                                                     struct hyp_error *err);
/*
 * Verifies a backup and copies it into an empty or missing `folder`. The main database gets its
 * name last, so what was cut short is no store.
 * Returns   HYP_OK | EXISTS (the folder is not empty)
 *         | CORRUPT, NOT_FOUND (the backup is not whole) | IO, FULL
 */
HYP_MUST_USE enum hyp_status hyp_store_restore(const char *backup_folder, const char *folder,
                                               struct hyp_error *err);

#include "store/backups.h"
#include "store/life.h"
#include "store/orders.h"
#include "store/people.h"
#include "store/places.h"

#endif
