/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wired M-Bus master: reading a meter and sending it commands, as sans-I/O sessions.
 *
 * The structs belong to the caller and hold everything; nothing is allocated. Drive them
 * through hyp_session_ops (protocol/session.h) and read the result fields when the state is
 * DONE. One session at a time per line. Searching is in search.h.
 */
#ifndef HYP_PROTOCOL_MBUS_MASTER_H
#define HYP_PROTOCOL_MBUS_MASTER_H

#include "base/limits.h"
#include "protocol/mbus/address.h"
#include "protocol/mbus/exchange.h"
#include "protocol/session.h"

/*
 * The frame count bit of every meter on a line, by primary address. A meter repeats its last
 * telegram when the bit has not changed, so a bit kept for the whole line would deliver stale
 * values. Zeroed means: not known, reset the meter's link first.
 */
struct hyp_mbus_fcb {
    uint8_t bit[32];
    uint8_t known[32];
};

/* One line. The caller keeps it as long as the line lives. */
struct hyp_mbus_link {
    struct hyp_mbus_fcb fcb;
    struct hyp_mbus_timing timing;
    uint8_t retries; /* repetitions after the first try */
    uint32_t baud;   /* the next session's rate on a serial line; 0 = leave alone */
    uint32_t
        line_baud; /* what the line is at; 0 = not known. A session switches it if need be */
};

/*
 * Times for a serial line of `baud`: 330 bit times + 50 ms and what a level converter adds. For
 * a converter behind TCP or radio set larger values (300 to 10,000 ms).
 */
struct hyp_mbus_timing hyp_mbus_timing_for_baud(uint32_t baud);
/* A line of which nothing is known: no frame count bits, no rate. */
void hyp_mbus_link_init(struct hyp_mbus_link *link, struct hyp_mbus_timing timing,
                        uint8_t retries);

/* Whom a session talks to. */
struct hyp_mbus_target {
    bool secondary;                    /* select by `address`, then talk to 253 */
    uint8_t primary;                   /* 0..250, or 254; without `secondary` */
    struct hyp_mbus_secondary address; /* wildcards allowed */
    /* With a primary address: the meter that must answer there; any when not set. */
    bool check_identity;
};

#define HYP_MBUS_TEXT_MAX 160

/* When to reset the meter's link layer (SND_NKE) before reading. */
enum hyp_mbus_reset {
    HYP_MBUS_RESET_WHEN_NEEDED =
        0, /* its frame count bit is not known, or the last read failed */
    HYP_MBUS_RESET_ALWAYS,
    HYP_MBUS_RESET_NEVER,
};

/* Progress common to read and command; private. */
struct hyp_mbus_conversation {
    struct hyp_mbus_link *link;
    struct hyp_mbus_target target;
    struct hyp_mbus_exchange exchange;
    uint8_t step;
    enum hyp_session_state state;
    enum hyp_status status;
    char text[HYP_MBUS_TEXT_MAX];
};

/*
 * Reads all telegrams of one meter. An answer counts only if it comes from the meter asked: the
 * A field must be the primary address, the identity in the header must fit the selection, and
 * all telegrams must be of the same meter.
 */
struct hyp_mbus_read {
    /* set by hyp_mbus_read_init; may be changed before start */
    enum hyp_mbus_reset reset;
    bool has_application_reset; /* send CI 50 first, to choose the telegram */
    int16_t application;        /* its subcode, -1 for none */
    size_t telegrams_max;       /* default HYP_LIMIT_MULTI_TELEGRAMS */
    bool single;                /* only the first telegram */

    /* results; frames read before a failure stay */
    uint8_t *frames; /* whole frames 68..16 back to back */
    size_t capacity;
    size_t frames_len;
    size_t frame_count;
    bool more_follows; /* stopped at telegrams_max although more were announced */
    bool frames_full;  /* a telegram was dropped because `capacity` is too small */
    bool has_identity; /* `meter` is set */
    struct hyp_mbus_secondary meter;
    int16_t error_code; /* application error of the meter, -1 none */

    /* private */
    struct hyp_mbus_conversation talk;
};

/*
 * Prepares a read.
 * @link    outlives the session
 * @frames  caller's memory of `capacity` bytes for the answers; a telegram has at most
 *          HYP_MBUS_FRAME_MAX
 */
void hyp_mbus_read_init(struct hyp_mbus_read *read, struct hyp_mbus_link *link,
                        const struct hyp_mbus_target *target, uint8_t *frames, size_t capacity);

/*
 * "mbus.read". FAILED: TIMEOUT (no answer), BAD_CHECK (only damaged answers), NOT_MINE
 * (somebody else answered, or an answer without the address that is needed to tell), REFUSED
 * (application error, or the meter has no data), BUSY (the meter says so).
 */
extern const struct hyp_session_ops hyp_mbus_read_ops;

/* One command and its acknowledgement. */
struct hyp_mbus_command {
    uint32_t new_baud; /* 0, or the rate the meter has after DONE */

    /* private */
    uint32_t old_baud;
    uint8_t ci;
    uint8_t data[HYP_MBUS_USER_DATA_MAX];
    size_t data_len;
    struct hyp_mbus_conversation talk;
};

/*
 * Application reset (CI 50), which also chooses what the next readout holds.
 * @application  subcode, or -1 for none
 */
void hyp_mbus_command_reset_application(struct hyp_mbus_command *command,
                                        struct hyp_mbus_link *link,
                                        const struct hyp_mbus_target *target,
                                        int16_t application);

/* Gives the meter a primary address, 0..250. Returns HYP_OK | INVALID. */
HYP_MUST_USE enum hyp_status hyp_mbus_command_set_address(struct hyp_mbus_command *command,
                                                          struct hyp_mbus_link *link,
                                                          const struct hyp_mbus_target *target,
                                                          uint8_t new_address);

/*
 * Changes the meter's rate: 300, 600, 1200, 2400, 4800, 9600, 19200 or 38400. The meter
 * acknowledges at the old rate; the session then switches the line (io.baud) and calls the
 * meter at the new one. When it does not answer there, the line is switched back and the
 * session fails, because a meter that hears nothing returns to its old rate by itself.
 * @old_baud  what the line has now
 * Returns    HYP_OK | INVALID (not one of these rates)
 */
HYP_MUST_USE enum hyp_status hyp_mbus_command_set_baud(struct hyp_mbus_command *command,
                                                       struct hyp_mbus_link *link,
                                                       const struct hyp_mbus_target *target,
                                                       uint32_t old_baud, uint32_t new_baud);

/* SND_UD with data records (CI 51). Returns HYP_OK | LIMIT (more than 252 bytes). */
HYP_MUST_USE enum hyp_status hyp_mbus_command_send(struct hyp_mbus_command *command,
                                                   struct hyp_mbus_link *link,
                                                   const struct hyp_mbus_target *target,
                                                   const uint8_t *records, size_t len);

/* "mbus.command". FAILED: TIMEOUT, BAD_CHECK, NOT_MINE, REFUSED. */
extern const struct hyp_session_ops hyp_mbus_command_ops;

#endif
