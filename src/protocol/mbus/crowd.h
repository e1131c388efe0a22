/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crowd: places of a search where several meters were found, from what was found. Private to
 * the search.
 *
 * A place is what the first `depth` levels of `order` fix, here always last digits of the id.
 */
#ifndef HYP_PROTOCOL_MBUS_CROWD_H
#define HYP_PROTOCOL_MBUS_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hyp_mbus_findings;
struct hyp_mbus_found;

struct hyp_mbus_crowds {
    const struct hyp_mbus_findings *findings;
    const uint8_t *order;
    uint8_t levels; /* of `order` that are digits of the id */
    uint8_t first;  /* depth of the shallowest place asked for */

    /* the place; set by hyp_mbus_crowds_next */
    size_t item; /* the first meter at it */
    uint8_t depth;
    bool begun; /* private: with the places of `item` */
};

/* Before the first place. @findings, @order outlive it; `order` begins with digits of the id,
 * and what comes behind them is not looked at. @first depth of the shallowest place asked for
 */
void hyp_mbus_crowds_init(struct hyp_mbus_crowds *crowds,
                          const struct hyp_mbus_findings *findings, const uint8_t *order,
                          uint8_t order_len, uint8_t first);
/*
 * The next place with two meters or more; each comes once. What is found meanwhile is looked at
 * too. Returns false at the end.
 */
bool hyp_mbus_crowds_next(struct hyp_mbus_crowds *crowds);
/* The digit of the place's first meter at that level of `order`. */
uint8_t hyp_mbus_crowds_digit(const struct hyp_mbus_crowds *crowds, unsigned at);
/* Adds a meter, unless it is there already; what has no room is counted. */
void hyp_mbus_findings_add(struct hyp_mbus_findings *findings,
                           const struct hyp_mbus_found *found);
/* Has any meter a digit A..E in its id? */
bool hyp_mbus_findings_have_letters(const struct hyp_mbus_findings *findings);

#endif
