/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the meters of a wired M-Bus: the secondary search with wildcards, and the scan of
 * primary addresses. Both are sans-I/O sessions (protocol/session.h) that always show how far
 * they are and what they have found; to stop one, stop driving it.
 */
#ifndef HYP_PROTOCOL_MBUS_SEARCH_H
#define HYP_PROTOCOL_MBUS_SEARCH_H

#include "protocol/mbus/crowd.h"
#include "protocol/mbus/master.h"

/* One meter, or a place where several could not be told apart. */
struct hyp_mbus_found {
    struct hyp_mbus_secondary address; /* with wildcards where it is not known */
    bool has_address;                  /* scan: the answer named the meter */
    int16_t primary;                   /* A field of its answer, -1 not known */
    bool collision;                    /* several meters answer here */
    bool no_data;                      /* it acknowledges, but gives no data */
};

/* Where both sessions put what they find. Set before start, read at any time. */
struct hyp_mbus_findings {
    struct hyp_mbus_found *items; /* the caller's */
    size_t capacity;
    size_t count;
    size_t dropped; /* found, but `items` was full */
};

/* Digits of the id, medium, version, two bytes of manufacturer, digits of the fabrication. */
#define HYP_MBUS_SEARCH_LEVELS 20

/*
 * Secondary search. The digits of the id are fixed one after the other, the last digit first,
 * because serial numbers of one delivery share the leading ones. A place where answers collide
 * is entered; one clean answer is a meter when it also answers to its full address, since two
 * answers on top of each other can make a third that looks sound. Digits A..E are tried at the
 * first level and wherever a collision is not explained by two meters with decimal digits below
 * it. In the end they are tried at all other places with several meters too, when a digit A..E
 * was found on the bus or when there are only few such places; a large bus with decimal digits
 * alone is spared that, unless the search is thorough. Medium, version, manufacturer and
 * fabrication number only where eight digits do not separate.
 *
 * `within` narrows the search: only meters under it are selected at all, so the bus is asked
 * less, not told less.
 */
struct hyp_mbus_search {
    struct hyp_mbus_findings findings;
    bool thorough; /* always try A..E, wait for slow meters, tell twins apart; takes longer */
    struct hyp_mbus_secondary within; /* set before start; wildcards: any */
    size_t probes;                    /* selections sent so far */
    struct hyp_mbus_secondary probing;

    /* private */
    struct hyp_mbus_link *link;
    struct hyp_mbus_exchange exchange;
    uint8_t step;
    bool confirming; /* the meter of `candidate` is selected by its full address */
    bool crowded;    /* others acknowledged beside the candidate */
    size_t acks;     /* of the last selection */
    struct hyp_mbus_found candidate;       /* answered a selection with wildcards */
    uint8_t order[HYP_MBUS_SEARCH_LEVELS]; /* levels that `within` leaves open */
    uint8_t order_len;
    uint8_t depth; /* how many of `order` the present selection fixes */
    /* by place in `order` */
    uint8_t value[HYP_MBUS_SEARCH_LEVELS];
    bool answered[HYP_MBUS_SEARCH_LEVELS];  /* entered because somebody answered */
    bool collided[HYP_MBUS_SEARCH_LEVELS];  /* because several did */
    bool repeating[HYP_MBUS_SEARCH_LEVELS]; /* second pass */
    size_t resolved_before[HYP_MBUS_SEARCH_LEVELS];
    size_t resolved;    /* places where a meter was found or something said why not */
    size_t garbled_run; /* damaged answers in a row */
    uint8_t floor;      /* depth at which the present part of the search ends */
    bool lettering;     /* second part: A..E where several meters were found */
    uint16_t lettered;  /* permille of it; never falls */
    struct hyp_mbus_crowds crowds; /* where it is */
    enum hyp_session_state state;
    enum hyp_status status;
    char text[HYP_MBUS_TEXT_MAX];
};

/*
 * Prepares a search.
 * @link  outlives the session; its retries are spent on silent selections only, so 0 or 1 is
 *        right: most selections are silent
 */
void hyp_mbus_search_init(struct hyp_mbus_search *search, struct hyp_mbus_link *link,
                          struct hyp_mbus_found *items, size_t capacity);
/* 0..1000; by the position in the first digits, so it jumps where there are many meters. */
unsigned hyp_mbus_search_permille(const struct hyp_mbus_search *search);
/*
 * "mbus.search". DONE with what was found. FAILED: BAD_CHECK (the line is so noisy that nothing
 * can be told), LIMIT (HYP_LIMIT_MBUS_PROBES); findings up to then stay.
 */
extern const struct hyp_session_ops hyp_mbus_search_ops;

/* Scan of primary addresses. */
struct hyp_mbus_scan {
    struct hyp_mbus_findings findings;
    uint8_t first;
    uint8_t last;
    bool patient;    /* also ask addresses for data that do not acknowledge SND_NKE */
    uint8_t address; /* being asked */

    /* private */
    struct hyp_mbus_link *link;
    struct hyp_mbus_exchange exchange;
    uint8_t step;
    bool acknowledged; /* SND_NKE was */
    enum hyp_session_state state;
};

/* Prepares a scan of first..last, both within 0..250. */
void hyp_mbus_scan_init(struct hyp_mbus_scan *scan, struct hyp_mbus_link *link, uint8_t first,
                        uint8_t last, struct hyp_mbus_found *items, size_t capacity);
unsigned hyp_mbus_scan_permille(const struct hyp_mbus_scan *scan);
/* "mbus.scan". Always ends DONE. */
extern const struct hyp_session_ops hyp_mbus_scan_ops;

#endif
