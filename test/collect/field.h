/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A field to collect from, inside the test: a collector driven by hand on the test's own
 * thread, a clock that is moved by hand, a sink in memory, and peers on the same loop.
 */
#ifndef HYP_TEST_COLLECT_FIELD_H
#define HYP_TEST_COLLECT_FIELD_H

#include "support/rows.h"

#include "collect/collector.h"

/* 2026-01-15 10:07:00 UTC, a Thursday. */
#define FIELD_START_MS 1768471620000LL
#define FIELD_TENANT ((hyp_tenant_id){1})

struct field_reading {
    hyp_device_id device;
    hyp_utc source_time;
    hyp_utc receive_time;
    enum hyp_reading_source source;
    bool has_frame;
    size_t value_count;
    struct hyp_value *values;
};

struct field_frame {
    hyp_frame_id replaces;
    hyp_utc received;
    hyp_device_id device;
    hyp_line_id line;
    enum hyp_status outcome;
    uint16_t protocol;
    int16_t signal_dbm;
    size_t len;
    uint8_t bytes[64]; /* the first of them */
};

/* A sink that keeps everything, and can be busy, slow or broken. */
struct field_sink {
    struct hyp_sink sink;
    struct hyp_arena arena;
    struct field_reading *readings;
    size_t reading_count;
    struct field_frame *frames;
    size_t frame_count;
    size_t capacity;
    size_t batches;
    int busy;                /* so many submits are refused as busy */
    bool hold;               /* batches are not done until field_sink_release */
    enum hyp_status outcome; /* of the next batches; what fails is not kept */
    struct field_held {
        const struct hyp_batch *batch;
        void (*done)(void *user, enum hyp_status status);
        void *user;
    } held[64];
    size_t held_count;
};

struct field {
    struct hyp_clock_fake clock;
    struct hyp_rng_seeded rng;
    struct field_sink sink;
    struct hyp_library *library;
    struct hyp_collector *collector;
    struct hyp_loop *loop;
    struct hyp_job jobs[256]; /* states as the observer saw them */
    size_t job_count;
    size_t formats_learned;
    size_t holes_learned;
    size_t found;
    size_t keys_found;
    struct hyp_aes_key key_found;
};

/* With the profile "test_modbus": 4 holding registers from 10, daily 2 from 100. */
struct field *field_create(void);
struct field *field_create_in(const struct hyp_zone *zone);
/* With the machine's clock, for peers that are other programs. */
struct field *field_create_real(void);
void field_destroy(struct field *field);

/* Runs the loop until `done` says so. A test that hangs is killed after ten minutes. */
void field_until(struct field *field, bool (*done)(struct field *field, void *argument),
                 void *argument);
/* Runs the loop until there are that many readings. */
void field_until_readings(struct field *field, size_t count);
void field_until_frames(struct field *field, size_t count);
/* Runs the loop until a job is finished; returns it. */
struct hyp_job field_until_finished(struct field *field, hyp_job_id job);
/* Runs the loop until the device has failed that often in all. */
void field_until_failures(struct field *field, hyp_device_id device, uint32_t failures);
void field_until_attempts(struct field *field, hyp_device_id device, uint64_t attempts);
/* Moves the clock; what became due happens at the next field_until. */
void field_advance(struct field *field, int64_t ms);
/* Takes the events that are there and what follows from them, until nothing is under way. */
void field_settle(struct field *field);

void field_sink_release(struct field *field, enum hyp_status status);

struct hyp_line field_line(int64_t id, enum hyp_line_kind kind, uint16_t port);
struct hyp_device field_modbus_device(int64_t id, int64_t line, uint8_t unit);
struct hyp_device_state field_device_state(struct field *field, int64_t id);
struct hyp_line_state field_line_state(struct field *field, int64_t id);
/* The value of a reading by key text; NULL when it has none. */
const struct hyp_value *field_value(const struct field_reading *reading, const char *key);
void field_assert_decimal(const struct field_reading *reading, const char *key,
                          const char *text);
/* Did the observer see the job in that state? */
bool field_job_was(const struct field *field, hyp_job_id job, enum hyp_job_state state);

/* More than 0 while the sink or a peer works: what they do is none of the collector's. */
extern int field_own_work;

/* --- peers --- */

/* A TCP server on the field's loop. */
struct peer;
struct peer_client;

struct peer {
    struct field *field;
    uv_tcp_t server;
    uint16_t port;
    struct peer_client *clients;
    size_t client_count;
    size_t accepted; /* in all */
    /* Called with what one client sent. */
    void (*request)(struct peer_client *client, const uint8_t *bytes, size_t len);
    void *user;
    bool closed;
};

struct peer_client {
    uv_tcp_t tcp;
    struct peer *peer;
    struct peer_client *next;
    uint8_t inbox[2048];
    size_t inbox_len;
};

void peer_open(struct peer *peer, struct field *field,
               void (*request)(struct peer_client *client, const uint8_t *bytes, size_t len));
void peer_open_at(struct peer *peer, struct field *field,
                  void (*request)(struct peer_client *client, const uint8_t *bytes, size_t len),
                  uint16_t port);
void peer_close(struct peer *peer);
void peer_send(struct peer_client *client, const uint8_t *bytes, size_t len);
void peer_drop(struct peer_client *client);
/* Sends to all clients. */
void peer_broadcast(struct peer *peer, const uint8_t *bytes, size_t len);
bool peer_has_clients(struct field *field, void *peer);

/* A Modbus TCP device that answers register r with r * 3 + unit. */
enum slave_manner {
    SLAVE_GOOD = 0,
    SLAVE_SILENT,
    SLAVE_GARBAGE,    /* bytes that are no frame */
    SLAVE_WRONG_UNIT, /* answers as somebody else */
    SLAVE_HANG_UP,    /* closes on a request */
    SLAVE_HALF,       /* the first half of the answer, then nothing */
    SLAVE_PIECES,     /* byte by byte */
    SLAVE_HOLES,      /* exception 2 when register 12 is asked for */
    SLAVE_BUSY,       /* exception 6 */
};
struct slave {
    struct peer peer;
    enum slave_manner manner;
    uint8_t silent_unit; /* one unit that is dead while the others follow the manner */
    size_t requests;
    uint8_t units[1024]; /* who was asked, in order */
    uint16_t starts[1024];
};
void slave_open_at(struct slave *slave, struct field *field, enum slave_manner manner,
                   uint16_t port);
void slave_open(struct slave *slave, struct field *field, enum slave_manner manner);

/* A wired M-Bus behind a TCP converter, with some meters on it. */
enum meter_manner {
    METER_GOOD = 0,
    METER_SILENT,
    METER_DAMAGED, /* wrong checksum */
    METER_FOREIGN, /* answers with the identity of somebody else */
    METER_CUT,     /* half of the telegram */
    METER_STOPS,   /* two telegrams announced, the second never comes */
};
struct meter {
    int primary;    /* -1 = only by secondary address */
    const char *id; /* 8 digits */
    uint16_t manufacturer;
    uint8_t version;
    uint8_t medium;
    enum meter_manner manner;
    int telegrams; /* of its multi-telegram; 0 = 1 */
    uint32_t kwh;
    /* kept */
    bool selected;
    int next; /* telegram that comes next */
    size_t asked;
};
struct mbus_peer {
    struct peer peer;
    struct meter *meters;
    size_t count;
    size_t resets;
};
void mbus_open(struct mbus_peer *bus, struct field *field, struct meter *meters, size_t count);

#endif
