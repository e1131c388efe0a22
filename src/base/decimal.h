/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact decimal: digits x 10^exp10, the way meters count.
 *
 * {123, -1} and {1230, -2} are the same number with different resolution; both are kept as
 * sent. Arithmetic is exact or refused, never rounded silently.
 */
#ifndef HYP_BASE_DECIMAL_H
#define HYP_BASE_DECIMAL_H

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#include <stdint.h>

struct hyp_decimal {
    int64_t digits;
    int8_t exp10;
};

/* Text like "-12.50", "7", "1e3" (plain digits, optional fraction and exponent). HYP_OK |
 * INVALID (no number) | IMPLAUSIBLE (more digits or a larger exponent than a decimal has) */
HYP_MUST_USE enum hyp_status hyp_decimal_parse(struct hyp_str text,
                                               struct hyp_decimal *ret_value);

/*
 * Writes the number with exactly the decimals it carries: {1250,-2} "12.50", {5,1} "50",
 * {0,-3} "0.000". Exponents above 18 or below -18 are written with an "e" part. Valid JSON.
 */
void hyp_decimal_format(struct hyp_buf *out, struct hyp_decimal value);

/*
 * The same number with another exponent.
 * Returns   HYP_OK | IMPLAUSIBLE when digits would be lost or overflow
 */
HYP_MUST_USE enum hyp_status hyp_decimal_rescale(struct hyp_decimal value, int8_t exp10,
                                                 struct hyp_decimal *ret_value);

/* value x 10^shift; IMPLAUSIBLE when the exponent leaves -100..100. */
HYP_MUST_USE enum hyp_status hyp_decimal_shift(struct hyp_decimal value, int shift,
                                               struct hyp_decimal *ret_value);

/* Exact sum and product; IMPLAUSIBLE on overflow. */
HYP_MUST_USE enum hyp_status hyp_decimal_add(struct hyp_decimal a, struct hyp_decimal b,
                                             struct hyp_decimal *ret_value);
HYP_MUST_USE enum hyp_status hyp_decimal_multiply(struct hyp_decimal a, struct hyp_decimal b,
                                                  struct hyp_decimal *ret_value);

/* <0, 0, >0; numeric order whatever the exponents. */
int hyp_decimal_compare(struct hyp_decimal a, struct hyp_decimal b);

/* Nearest double; for charts and plausibility only, never for storage or money. */
double hyp_decimal_to_double(struct hyp_decimal value);

/*
 * The shortest decimal that reads back as the same IEEE 754 number.
 * Returns   HYP_OK | IMPLAUSIBLE for NaN, infinity or magnitudes beyond 10^±60
 */
HYP_MUST_USE enum hyp_status hyp_decimal_from_float(float value, struct hyp_decimal *ret_value);
HYP_MUST_USE enum hyp_status hyp_decimal_from_double(double value,
                                                     struct hyp_decimal *ret_value);

#endif
