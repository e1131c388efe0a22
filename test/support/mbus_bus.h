/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wired M-Bus with meters on it, in virtual time, for tests of the master's sessions.
 *
 * Physics as far as it matters: all meters that answer do so at once, and a bit that any of
 * them pulls down is down (bytes are ANDed), so collisions give damaged frames or, in perfect
 * unison, a clean E5. Meters keep the frame count bit: an unchanged bit repeats the last
 * telegram.
 */
#ifndef HYP_TEST_SUPPORT_MBUS_BUS_H
#define HYP_TEST_SUPPORT_MBUS_BUS_H

#include "protocol/mbus/address.h"
#include "protocol/mbus/frame.h"
#include "protocol/mbus/master.h"
#include "protocol/session.h"

#define BUS_METERS_MAX 260
#define BUS_TELEGRAMS_MAX 4
#define BUS_ANSWER_MAX 600
#define BUS_QUEUE_MAX 8

struct bus_meter {
    const char *address; /* secondary address as text */
    uint8_t primary;
    const char *telegrams[BUS_TELEGRAMS_MAX]; /* records in hex; more than one: ends with 1F */
    bool silent;                              /* hears, never answers */
    bool keeps_rate;                          /* acknowledges a new rate and ignores it */
    bool no_reset_ack;                        /* does not acknowledge SND_NKE */
    bool no_data;                             /* answers REQ_UD2 with E5 */
    int error_code;                           /* > 0: answers REQ_UD2 with application error */
    unsigned lost_from;                       /* answers before those that are lost */
    unsigned lost;                            /* answers to swallow then */
    unsigned damaged;                         /* answers to damage first */
    uint32_t delay_ms;                        /* before the answer */
    uint8_t ci;                               /* of answers, 0 = 72 */

    /* state */
    bool selected;
    bool has_bit;
    bool bit;
    size_t next; /* telegram to send next */
    size_t last; /* telegram sent last */
    uint8_t access;
    uint32_t baud;
    uint8_t application; /* subcode of the last application reset, FF none */
    size_t commands;     /* data commands carried out */
};

struct bus {
    struct bus_meter *meters;
    size_t count;
    bool echo;             /* the converter sends back what it hears */
    size_t pieces;         /* bytes per delivery, 0 = all at once */
    size_t cut;            /* first piece has this many bytes, 0 = off */
    uint32_t piece_gap_ms; /* between deliveries */
    const char *noise;     /* hex before every answer */
    const char *babble;    /* hex sent for ever as an answer to anything */
    const char *intruder;  /* hex of a frame sent before every answer */
    uint32_t latency_ms;   /* of the converter, both ways together */
    bool keep_late;        /* what is still under way when the master sends arrives later */
    uint32_t baud;         /* of the line; meters at another rate hear nothing */
    size_t requests;       /* frames from the master so far */

    /* state */
    int64_t now;
    struct bus_delivery {
        int64_t at;
        size_t len;
        uint8_t bytes[BUS_ANSWER_MAX];
    } queue[BUS_QUEUE_MAX]; /* in order of time */
    size_t queue_len;
    size_t cut_left;
    uint8_t answer[BUS_ANSWER_MAX]; /* being put together */
    size_t answer_len;
    uint8_t babbled[BUS_ANSWER_MAX];
    size_t babbled_len;
    uint8_t says[BUS_METERS_MAX][HYP_MBUS_FRAME_MAX]; /* to the last request, by meter */
    size_t says_len[BUS_METERS_MAX];
};

/* Whom a master talks to: the meter with this primary, or this secondary address. */
struct hyp_mbus_target by_primary(uint8_t address);
struct hyp_mbus_target by_secondary(const char *text);

void bus_init(struct bus *bus, struct bus_meter *meters, size_t count);

/*
 * Runs a session to its end on the bus.
 * Returns the last io. Fails the test when the session does not end.
 */
struct hyp_session_io bus_run(struct bus *bus, const struct hyp_session_ops *ops,
                              void *session);

/*
 * What the bus says to one frame of the master, for tests with a link of their own.
 * @ret_len  0 = silence
 * Returns   the bytes, valid until the next call
 */
const uint8_t *bus_hear(struct bus *bus, const uint8_t *bytes, size_t len, size_t *ret_len);

/* The frame a meter sends for one telegram; returns its length. */
size_t bus_frame(const struct bus_meter *meter, size_t telegram, uint8_t access,
                 uint8_t out[static HYP_MBUS_FRAME_MAX]);

#endif
