/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the tests is that of docs/metering.md: event, forward, roll-over, small step
 * back, unknown.
 *
 * Where the digits of the display are not known, the modulus is taken for the power of ten
 * above the last reading, but only when that reading shows six digits or more: a small register
 * that falls from 95 to 2 was reset, one that falls from 9999812 to 143 rolled over.
 */
#include "metering/counter.h"

#define GUESS_DIGITS 6

static enum hyp_status subtract(struct hyp_decimal from, struct hyp_decimal what,
                                struct hyp_decimal *ret_value)
{
    if (what.digits == INT64_MIN) {
        return HYP_IMPLAUSIBLE;
    }
    what.digits = -what.digits;
    return hyp_decimal_add(from, what, ret_value);
}

/* (closing - before) + (after - opening); each part must not go back. */
static enum hyp_counter_step over_event(const struct hyp_counter_event *event,
                                        struct hyp_decimal before, struct hyp_decimal after,
                                        struct hyp_decimal *ret_delta)
{
    struct hyp_decimal old_part;
    struct hyp_decimal new_part;
    bool good = subtract(event->closing, before, &old_part) == HYP_OK &&
                subtract(after, event->opening, &new_part) == HYP_OK && old_part.digits >= 0 &&
                new_part.digits >= 0 &&
                hyp_decimal_add(old_part, new_part, ret_delta) == HYP_OK;
    return good ? HYP_COUNTER_REPLACED : HYP_COUNTER_BACK;
}

static struct hyp_decimal guess_modulus(struct hyp_decimal before)
{
    struct hyp_decimal modulus = {1, before.exp10};
    int digits = 0;
    while (modulus.digits <= before.digits && modulus.digits <= INT64_MAX / 10) {
        modulus.digits *= 10;
        digits++;
    }
    modulus.digits = digits < GUESS_DIGITS ? 0 : modulus.digits;
    return modulus;
}

/* The last reading was in the topmost tenth of the display, the new one is in the lowest. */
static bool rolls_over(struct hyp_decimal modulus, struct hyp_decimal before,
                       struct hyp_decimal after, struct hyp_decimal *ret_delta)
{
    struct hyp_decimal tenth;
    struct hyp_decimal high;
    struct hyp_decimal rest;
    return modulus.digits > 0 && after.digits >= 0 &&
           hyp_decimal_shift(modulus, -1, &tenth) == HYP_OK &&
           subtract(modulus, tenth, &high) == HYP_OK && hyp_decimal_compare(before, high) > 0 &&
           hyp_decimal_compare(after, tenth) < 0 &&
           subtract(modulus, before, &rest) == HYP_OK && rest.digits > 0 &&
           hyp_decimal_add(rest, after, ret_delta) == HYP_OK;
}

enum hyp_counter_step hyp_counter_between(const struct hyp_counter_rules *rules,
                                          const struct hyp_counter_event *event,
                                          struct hyp_decimal before, struct hyp_decimal after,
                                          struct hyp_decimal *ret_delta)
{
    struct hyp_decimal delta;
    if (event != NULL) {
        return over_event(event, before, after, ret_delta);
    }
    if (subtract(after, before, &delta) != HYP_OK) {
        return HYP_COUNTER_BACK;
    }
    if (delta.digits >= 0) {
        *ret_delta = delta;
        return HYP_COUNTER_NORMAL;
    }
    struct hyp_decimal modulus =
        rules->modulus.digits > 0 ? rules->modulus : guess_modulus(before);
    if (rolls_over(modulus, before, after, ret_delta)) {
        return HYP_COUNTER_ROLLOVER;
    }
    delta.digits = -delta.digits;
    if (hyp_decimal_compare(delta, rules->tolerance) <= 0) {
        *ret_delta = (struct hyp_decimal){0, after.exp10};
        return HYP_COUNTER_SMALL_BACK;
    }
    return HYP_COUNTER_BACK;
}
