/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates and times of meters: types F, G, I and J of EN 13757-3 annex A. Private to the record
 * decoder.
 */
#ifndef HYP_PROTOCOL_MBUS_TIME_H
#define HYP_PROTOCOL_MBUS_TIME_H

#include "model/time.h"
#include "model/value.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Reads a date or time; the length tells the type: 2 G, 3 J, 4 F, 6 I.
 * @ret_civil  written only when the result is GOOD
 * Returns     GOOD | NO_VALUE (not set, or a recurring date) | INVALID (no such date, marked
 *             invalid by the meter, or another length)
 */
enum hyp_quality hyp_mbus_time_decode(const uint8_t *data, size_t len,
                                      struct hyp_civil *ret_civil);

/* "type F, date and time" by length. Never NULL. */
const char *hyp_mbus_time_type_text(size_t len);

/* A step of a compact profile: `unit` 0..3 = s, min, h, d; `spacing` as in annex F. */
struct hyp_mbus_step {
    uint8_t unit;
    uint8_t spacing;
};

/*
 * Moves a base time by `count` steps (negative = back).
 * A base on the last day of a month stays on last days when the step counts months.
 * Returns   false when the step has no length in time (array, reserved code)
 */
bool hyp_mbus_time_step(const struct hyp_civil *base, struct hyp_mbus_step step, int count,
                        struct hyp_civil *ret_civil);

#endif
