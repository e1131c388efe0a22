/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading: what one device said at one instant, on its way from a link to the store, and the
 * two interfaces that join the rooms: hyp_sink (collect -> store) and nothing else.
 *
 * A batch is immutable once handed to a sink. All its memory lives until the sink's `done` is
 * called.
 */
#ifndef HYP_MODEL_READING_H
#define HYP_MODEL_READING_H

#include "base/clock.h"
#include "base/status.h"
#include "model/value.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t id; /* 0 = none */
} hyp_device_id;

typedef struct {
    int64_t id;
} hyp_line_id;

typedef struct {
    int64_t id;
} hyp_point_id;

typedef struct {
    int64_t id;
} hyp_frame_id;

typedef struct {
    int64_t id;
} hyp_tenant_id;

enum hyp_reading_kind {
    HYP_READING_UNSET = 0,
    HYP_READING_CURRENT,
    HYP_READING_HOUR,
    HYP_READING_DAY,
    HYP_READING_MONTH,
    HYP_READING_INTEGRATOR,
    HYP_READING_EVENT,
};
/* "current", "hour" ..., "unset"; never NULL. So are the next ones of this file. */
const char *hyp_reading_kind_text(enum hyp_reading_kind kind);
/* HYP_OK | NOT_FOUND */
HYP_MUST_USE enum hyp_status hyp_reading_kind_find(struct hyp_str text,
                                                   enum hyp_reading_kind *ret_kind);

/* Where a reading came from; kept with it for ever [COL-36]. */
enum hyp_reading_source {
    HYP_SOURCE_UNSET = 0,
    HYP_SOURCE_AUTOMATIC, /* scheduled poll or unsolicited telegram */
    HYP_SOURCE_ON_DEMAND, /* "read now" */
    HYP_SOURCE_FILE,      /* imported from a file */
    HYP_SOURCE_MANUAL,    /* manual entry by operator */
    HYP_SOURCE_PUSH,      /* HTTP push */
};
/* "automatic", "on_demand" ... */
const char *hyp_reading_source_text(enum hyp_reading_source source);

/* Raw bytes as received, kept so that they can be decoded again and explained. */
struct hyp_raw_frame {
    hyp_line_id line;
    hyp_device_id device; /* 0 when the sender is not known (yet) */
    hyp_utc received;
    uint16_t protocol;       /* enum hyp_raw_protocol */
    int16_t signal_dbm;      /* 0 = not known */
    enum hyp_status outcome; /* OK or why it gave no reading */
    hyp_frame_id replaces;   /* a stored frame that is decoded again; 0 = none */
    const uint8_t *bytes;
    size_t len;
};

enum hyp_raw_protocol {
    HYP_RAW_UNSET = 0,
    HYP_RAW_MBUS,  /* one wired frame 68..16; several back to back for multi-telegram */
    HYP_RAW_WMBUS, /* one telegram, L field first */
    HYP_RAW_MODBUS_SNAPSHOT, /* unit, function, start BE16, count BE16, data; repeated */
    HYP_RAW_COPY, /* no bytes of the field: line and signal of one more receiver of a telegram.
                     The bytes are its hyp_raw_frame_mark, LE64 */
};
/* What copies name their telegram by: a hash of its bytes as they are kept. */
uint64_t hyp_raw_frame_mark(const uint8_t *bytes, size_t len);
/* "mbus", "wmbus" ... */
const char *hyp_raw_protocol_text(enum hyp_raw_protocol protocol);

#define HYP_NO_FRAME SIZE_MAX

struct hyp_reading {
    hyp_device_id device;
    hyp_utc
        source_time; /* when the value was true; receive time where the device has no clock */
    hyp_utc receive_time;
    enum hyp_reading_kind kind;
    enum hyp_reading_source source;
    size_t frame; /* index into the batch's frames, or HYP_NO_FRAME */
    const struct hyp_value *values;
    size_t value_count;
};

struct hyp_batch {
    const struct hyp_reading *readings;
    size_t reading_count;
    const struct hyp_raw_frame *frames;
    size_t frame_count;
};

/*
 * Takes batches; one commit per batch. Acknowledged means committed: done(OK) is called only
 * after the commit.
 *
 * submit    hands over a batch. Any thread. Never blocks on disk.
 *           Returns HYP_OK (done will be called exactly once, from the sink's thread)
 *                 | BUSY (queue full: caller keeps the batch and tries later; done not called)
 * done      @status OK, or why nothing of the batch was kept
 */
struct hyp_sink {
    enum hyp_status (*submit)(struct hyp_sink *sink, const struct hyp_batch *batch,
                              void (*done)(void *user, enum hyp_status status), void *user);
};

#endif
