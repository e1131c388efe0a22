/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intake: from bytes that arrived to a reading in the outbox. The one way for everything that
 * comes from the field, a file or a push: open, find whose it is, decode, date, keep the bytes.
 *
 * Keeps what is learned from telegrams (formats of compact frames) and the parts of messages
 * that come in several. Loop thread only.
 */
#ifndef HYP_COLLECT_INTAKE_H
#define HYP_COLLECT_INTAKE_H

#include "base/limits.h"
#include "base/map.h"
#include "collect/collect.h"
#include "collect/heard.h"
#include "collect/outbox.h"
#include "collect/reception.h"
#include "collect/station.h"
#include "collect/unread.h"
#include "protocol/wmbus/fragments.h"

/* Keys to try on meters without one. */
struct hyp_key_set {
    hyp_tenant_id tenant;
    size_t count;
    struct hyp_aes_key keys[HYP_LIMIT_DEFAULT_KEYS];
};

struct hyp_intake {
    struct hyp_reception *noted; /* of the sender, if it was noted; during one take */
    struct hyp_reception before; /* what it was */
    const struct hyp_library *library;
    const struct hyp_zone *zone;
    const struct hyp_collect_observer *observer;
    struct hyp_stations *stations;
    struct hyp_outbox *outbox;
    struct hyp_heard heard;
    struct hyp_unread unread;
    struct hyp_map formats; /* signature -> struct hyp_compact_format * */
    struct hyp_fragments fragments;
    struct hyp_key_set *key_sets; /* of all tenants that have some */
    size_t key_set_count;
    struct hyp_telegram telegram;
};

/* Bytes with what is known about how they came. */
struct hyp_arrival {
    hyp_tenant_id tenant;
    hyp_line_id line;
    enum hyp_raw_protocol protocol;
    const uint8_t *bytes;
    size_t len;
    hyp_utc received;
    int16_t signal_dbm;
    enum hyp_reading_source source;
    struct hyp_ticket ticket;
    struct hyp_station *expected; /* who was asked; NULL = find out */
    hyp_frame_id again;           /* a stored frame: keep only what can be read now */
    struct hyp_arena *arena;      /* test: decode into this, keep nothing; else NULL */
};

/* What became of them. */
struct hyp_arrived {
    struct hyp_station *station; /* whose it is; NULL = not configured */
    bool partial;                /* some records could not be decoded */
    bool repeated;               /* heard a moment ago already: only who heard it is added */
    bool joined;      /* the same, by a receiver that had never heard the meter before */
    uint64_t copy_of; /* mark of the frame that this copy is kept with; 0 = it is not kept */
    bool has_meter;
    struct hyp_meter_identity meter;
    bool encrypted;
    const struct hyp_value *values; /* as long as the arena, or the batch, lives */
    size_t value_count;
    char text[HYP_ERROR_TEXT_MAX]; /* why there is no reading, or what is missing of it */
};

/* With all zero before. The configuration, the stations and the outbox must outlive it; finish
 * wipes the keys. */
void hyp_intake_init(struct hyp_intake *intake, const struct hyp_collect_config *config,
                     struct hyp_stations *stations, struct hyp_outbox *outbox);
void hyp_intake_finish(struct hyp_intake *intake);

/*
 * Takes what arrived. The bytes are kept with their outcome in any case (but for tests and
 * repeated telegrams, of which line and signal are kept).
 * Returns   HYP_OK (a reading was added; its ticket's callback will come, unless repeated)
 *           | NOT_FOUND (no such station, or a compact frame of an unknown format)
 *           | IMPLAUSIBLE (another meter answered than was asked) | NO_KEY | WRONG_KEY |
 *           BAD_CHECK | MALFORMED | UNSUPPORTED | REFUSED | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_intake_take(struct hyp_intake *intake,
                                             const struct hyp_arrival *arrival,
                                             struct hyp_arrived *ret_arrived);

/* HYP_OK | LIMIT | NO_MEMORY (unchanged) */
HYP_MUST_USE enum hyp_status hyp_intake_set_default_keys(struct hyp_intake *intake,
                                                         hyp_tenant_id tenant,
                                                         const struct hyp_aes_key *keys,
                                                         size_t count);

/*
 * Opens a telegram into intake->telegram, with the key of its meter (opening.c).
 * Returns   as hyp_telegram_open
 */
HYP_MUST_USE enum hyp_status hyp_intake_open(struct hyp_intake *intake,
                                             const struct hyp_arrival *arrival,
                                             const uint8_t *bytes, size_t len,
                                             struct hyp_error *err);

/* Adds a format known from before. */
void hyp_intake_add_format(struct hyp_intake *intake, const struct hyp_compact_format *format);

/*
 * When the values of a reading were true: the meter's own time where it is believable, else the
 * time of arrival less the age the meter states.
 * @meter_time  of the telegram; year 0 = none
 */
hyp_utc hyp_source_time(const struct hyp_zone *zone, hyp_utc received,
                        const struct hyp_civil *meter_time, const struct hyp_value *values,
                        size_t value_count);

#endif
