/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thin: which values of a chunk stay when one a day is enough, and taking rows out.
 *
 * Pure: rows in, the same rows with fewer cells out. Per register stay
 *   - of every day the shown value nearest to its beginning (both of two that are equally far),
 *     looked for from noon to noon around it;
 *   - of every month the first and the last, and of numbers the least and the greatest;
 *   - every version of an instant that stays;
 *   - whatever was typed in or imported.
 * Days and months begin at the hour of the wall clock. What lies at an edge of the chunk may
 * stay although a neighbour in the next one is nearer: more stays then, never less. Doing it
 * twice changes nothing.
 */
#ifndef HYP_STORE_THIN_H
#define HYP_STORE_THIN_H

#include "model/zone.h"
#include "store/series.h"

struct hyp_thin {
    const struct hyp_zone *zone; /* NULL = UTC */
    int hour;                    /* at which days begin */
};

/*
 * Takes out what need not stay.
 * @rows      sorted as hyp_rows_insert does
 * Returns    HYP_OK | NO_MEMORY (rows unchanged)
 */
HYP_MUST_USE enum hyp_status hyp_thin_rows(const struct hyp_thin *thin,
                                           const struct hyp_series *series,
                                           struct hyp_rows *rows);

/* Takes out all rows of [from, to). Returns how many. */
size_t hyp_thin_remove(struct hyp_rows *rows, int64_t from, int64_t to);

#endif
