/* SPDX-License-Identifier: Apache-2.0 */
#include "base/decimal.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define EXP10_MAX 100

static const int64_t pow10_table[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};
#define POW10_MAX ((int)HYP_ARRAY_LEN(pow10_table) - 1)

struct mantissa {
    uint64_t digits;
    int exp10;
    bool any;
};

/* Reads digits with one optional point; leaves *text after them. */
static enum hyp_status read_mantissa(struct hyp_str *text, struct mantissa *m)
{
    bool fraction = false;
    while (text->len > 0) {
        char c = text->ptr[0];
        if (c == '.' && !fraction) {
            fraction = true;
        } else if (c >= '0' && c <= '9') {
            if (__builtin_mul_overflow(m->digits, 10u, &m->digits) ||
                __builtin_add_overflow(m->digits, (uint64_t)(c - '0'), &m->digits)) {
                return HYP_IMPLAUSIBLE;
            }
            m->any = true;
            m->exp10 -= fraction ? 1 : 0;
        } else {
            break;
        }
        text->ptr++;
        text->len--;
    }
    return m->any ? HYP_OK : HYP_INVALID;
}

enum hyp_status hyp_decimal_parse(struct hyp_str text, struct hyp_decimal *ret_value)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    if (negative) {
        text.ptr++;
        text.len--;
    }
    struct mantissa m = {0};
    enum hyp_status status = read_mantissa(&text, &m);
    if (status != HYP_OK) {
        return status;
    }
    if (m.digits > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return HYP_IMPLAUSIBLE;
    }
    int64_t exponent = 0;
    if (text.len > 0) {
        if (text.ptr[0] != 'e' && text.ptr[0] != 'E') {
            return HYP_INVALID;
        }
        size_t skip = text.len > 1 && text.ptr[1] == '+' ? 2 : 1;
        struct hyp_str rest = {.ptr = text.ptr + skip, .len = text.len - skip};
        if (hyp_str_to_i64(rest, &exponent) != HYP_OK || exponent < -200 || exponent > 200) {
            return HYP_INVALID;
        }
    }
    int64_t total = m.exp10 + exponent;
    if (total < -EXP10_MAX || total > EXP10_MAX) {
        return HYP_IMPLAUSIBLE;
    }
    *ret_value = (struct hyp_decimal){
        .digits = (int64_t)(negative ? 0 - m.digits : m.digits),
        .exp10 = (int8_t)total,
    };
    return HYP_OK;
}

/* From the back, so that one division makes each digit and the point falls into its place. */
static void format_fraction(struct hyp_buf *out, uint64_t magnitude, int decimals)
{
    char text[24];
    size_t at = sizeof(text);
    for (int i = 0; i < decimals || magnitude != 0 || i == decimals; i++) {
        if (i == decimals) {
            text[--at] = '.';
        }
        text[--at] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    }
    hyp_buf_append(out, text + at, sizeof(text) - at);
}

void hyp_decimal_format(struct hyp_buf *out, struct hyp_decimal value)
{
    uint64_t magnitude = value.digits < 0 ? 0 - (uint64_t)value.digits : (uint64_t)value.digits;
    if (value.digits < 0) {
        hyp_buf_append_char(out, '-');
    }
    if (value.exp10 > POW10_MAX || value.exp10 < -POW10_MAX) {
        hyp_buf_append_u64(out, magnitude);
        hyp_buf_append_char(out, 'e');
        hyp_buf_append_i64(out, value.exp10);
        return;
    }
    if (value.exp10 < 0) {
        format_fraction(out, magnitude, -value.exp10);
        return;
    }
    hyp_buf_append_u64(out, magnitude);
    for (int i = 0; magnitude != 0 && i < value.exp10; i++) {
        hyp_buf_append_char(out, '0');
    }
}

enum hyp_status hyp_decimal_rescale(struct hyp_decimal value, int8_t exp10,
                                    struct hyp_decimal *ret_value)
{
    int shift = value.exp10 - exp10;
    int64_t digits = value.digits;
    if (digits != 0 && shift != 0) {
        if (shift > POW10_MAX || shift < -POW10_MAX) {
            return HYP_IMPLAUSIBLE;
        }
        if (shift > 0 && __builtin_mul_overflow(digits, pow10_table[shift], &digits)) {
            return HYP_IMPLAUSIBLE;
        }
        if (shift < 0) {
            if (digits % pow10_table[-shift] != 0) {
                return HYP_IMPLAUSIBLE;
            }
            digits /= pow10_table[-shift];
        }
    }
    *ret_value = (struct hyp_decimal){.digits = digits, .exp10 = exp10};
    return HYP_OK;
}

enum hyp_status hyp_decimal_shift(struct hyp_decimal value, int shift,
                                  struct hyp_decimal *ret_value)
{
    if (shift < -2 * EXP10_MAX || shift > 2 * EXP10_MAX) {
        return HYP_IMPLAUSIBLE;
    }
    int exp10 = value.exp10 + shift;
    if (exp10 < -EXP10_MAX || exp10 > EXP10_MAX) {
        return HYP_IMPLAUSIBLE;
    }
    *ret_value = (struct hyp_decimal){.digits = value.digits, .exp10 = (int8_t)exp10};
    return HYP_OK;
}

enum hyp_status hyp_decimal_add(struct hyp_decimal a, struct hyp_decimal b,
                                struct hyp_decimal *ret_value)
{
    int8_t exp10 = HYP_MIN(a.exp10, b.exp10);
    struct hyp_decimal x;
    struct hyp_decimal y;
    if (hyp_decimal_rescale(a, exp10, &x) != HYP_OK ||
        hyp_decimal_rescale(b, exp10, &y) != HYP_OK) {
        return HYP_IMPLAUSIBLE;
    }
    int64_t sum;
    if (__builtin_add_overflow(x.digits, y.digits, &sum)) {
        return HYP_IMPLAUSIBLE;
    }
    *ret_value = (struct hyp_decimal){.digits = sum, .exp10 = exp10};
    return HYP_OK;
}

enum hyp_status hyp_decimal_multiply(struct hyp_decimal a, struct hyp_decimal b,
                                     struct hyp_decimal *ret_value)
{
    int64_t product;
    if (__builtin_mul_overflow(a.digits, b.digits, &product)) {
        return HYP_IMPLAUSIBLE;
    }
    return hyp_decimal_shift((struct hyp_decimal){.digits = product}, a.exp10 + b.exp10,
                             ret_value);
}

int hyp_decimal_compare(struct hyp_decimal a, struct hyp_decimal b)
{
    int sign_a = (a.digits > 0) - (a.digits < 0);
    int sign_b = (b.digits > 0) - (b.digits < 0);
    if (sign_a != sign_b || sign_a == 0) {
        return sign_a - sign_b;
    }
    /* 128 bits hold any int64 x 10^18; a larger distance decides by exponent alone. */
    int shift = a.exp10 - b.exp10;
    __int128 x = a.digits;
    __int128 y = b.digits;
    if (shift > POW10_MAX) {
        return sign_a;
    }
    if (shift < -POW10_MAX) {
        return -sign_a;
    }
    if (shift > 0) {
        x *= pow10_table[shift];
    } else {
        y *= pow10_table[-shift];
    }
    return (x > y) - (x < y);
}

double hyp_decimal_to_double(struct hyp_decimal value)
{
    if (value.exp10 < 0 && value.exp10 >= -POW10_MAX) {
        return (double)value.digits / (double)pow10_table[-value.exp10];
    }
    return (double)value.digits * pow(10.0, value.exp10);
}

static void trim(struct hyp_decimal *value)
{
    while (value->digits != 0 && value->digits % 10 == 0) {
        value->digits /= 10;
        value->exp10++;
    }
}

/*
 * Prints with rising precision until the text reads back as the same number. What has fewer
 * digits than every number of its kind keeps (6 of a single, 15 of a double) ends in zeros.
 */
static enum hyp_status shortest(double value, int max_precision, bool single,
                                struct hyp_decimal *ret_value)
{
    char text[48];
    struct hyp_buf buf;
    for (int precision = single ? 6 : 15; precision <= max_precision; precision++) {
        hyp_buf_init_fixed(&buf, text, sizeof(text));
        hyp_buf_append_fmt(&buf, "%.*e", precision - 1, value);
        double back = strtod(hyp_buf_terminate(&buf), NULL);
        bool same =
            single ? !islessgreater((float)back, (float)value) : !islessgreater(back, value);
        if (same) {
            break;
        }
    }
    struct hyp_decimal found;
    enum hyp_status status = hyp_decimal_parse(hyp_buf_view(&buf), &found);
    if (status == HYP_OK) {
        trim(&found);
        *ret_value = found;
    }
    return status;
}

/* floor(log10(magnitude)), or one more; then one more digit is tried. @binary as of frexp */
static int decimal_exponent(int binary)
{
    /* 1233 / 4096 is log10(2) to five digits; the highest power of ten in the binary decade. */
    return (binary * 1233 - (binary < 0 ? 4095 : 0)) / 4096;
}

/* To the nearest whole number, ties to even; below 2^51. What nearbyint does without a call. */
static double nearest(double value)
{
    const double whole = 0x1p52;
    return (value + whole) - whole;
}

#define PLAIN_DECIMALS 9

/*
 * Numbers of a few decimals without text: below 2^51 only one whole number of steps can read
 * back as the same double, and the first that does has the fewest decimals.
 */
static bool few_decimals(double value, struct hyp_decimal *ret_value)
{
    for (int decimals = 0; decimals <= PLAIN_DECIMALS; decimals++) {
        const double step = (double)pow10_table[decimals];
        if (!(fabs(value) * step < 0x1p51)) {
            return false;
        }
        const double digits = value < 0 ? -nearest(-value * step) : nearest(value * step);
        if (!islessgreater(digits / step, value)) {
            *ret_value = (struct hyp_decimal){(int64_t)digits, (int8_t)-decimals};
            return true;
        }
    }
    return false;
}

/* A single being turned into digits. */
struct single {
    double magnitude;
    double half_step; /* to the next single */
    int exponent;
};

enum fit { FIT_NO, FIT_YES, FIT_CLOSE };

/* Do this many digits read back as the same single? */
static enum fit try_digits(const struct single *single, int precision, double *ret_digits)
{
    const int shift = precision - 1 - single->exponent;
    const double scale = (double)pow10_table[shift < 0 ? -shift : shift];
    *ret_digits = nearest(shift < 0 ? single->magnitude / scale : single->magnitude * scale);
    const double back = shift < 0 ? *ret_digits * scale : *ret_digits / scale;
    const double off = fabs(back - single->magnitude);
    if (off > single->half_step * 0.999 && off < single->half_step * 1.001) {
        return FIT_CLOSE;
    }
    return off < single->half_step ? FIT_YES : FIT_NO;
}

/*
 * The same for a single, without text: a double has room enough to try the digits in. Where a
 * candidate is too close to the half step around the value, or the half steps differ (at powers
 * of two), the long way decides. What fits with n digits fits with more, so the first try
 * halves the search: most singles of meters need seven to nine digits, the others few.
 */
static bool shortest_single(double value, struct hyp_decimal *ret_value)
{
    enum { PRECISION_MAX = 10, PRECISION_MIDDLE = 6 };
    int binary = 0;
    struct single single = {.magnitude = fabs(value)};
    /* Powers of ten up to 22 are exact in a double. */
    if (single.magnitude < 1e-9 || single.magnitude >= 1e15 ||
        frexp(single.magnitude, &binary) <= 0.5) {
        return false;
    }
    single.half_step = ldexp(1.0, binary - 25);
    single.exponent = decimal_exponent(binary);
    double digits = 0;
    enum fit fit = try_digits(&single, PRECISION_MIDDLE, &digits);
    for (int precision = fit == FIT_NO ? PRECISION_MIDDLE + 1 : 1;
         fit != FIT_CLOSE && precision <= PRECISION_MAX; precision++) {
        fit = try_digits(&single, precision, &digits);
        if (fit == FIT_YES) {
            const int64_t whole = (int64_t)digits;
            *ret_value = (struct hyp_decimal){
                .digits = value < 0 ? -whole : whole,
                .exp10 = (int8_t)(single.exponent + 1 - precision),
            };
            return true;
        }
    }
    return false;
}

static enum hyp_status from_ieee(double value, int max_precision, bool single,
                                 struct hyp_decimal *ret_value)
{
    if (!isfinite(value) || fabs(value) > 1e60) {
        return HYP_IMPLAUSIBLE;
    }
    if (fabs(value) < 1e-60) {
        *ret_value = (struct hyp_decimal){0};
        return HYP_OK;
    }
    struct hyp_decimal found;
    if (!(single ? shortest_single(value, &found) : few_decimals(value, &found))) {
        enum hyp_status status = shortest(value, max_precision, single, &found);
        if (status != HYP_OK) {
            return status;
        }
    }
    /* "1.5e+2" parses as {15,1}; whole numbers are easier to read with exponent 0. */
    struct hyp_decimal whole;
    if (found.exp10 > 0 && hyp_decimal_rescale(found, 0, &whole) == HYP_OK) {
        found = whole;
    }
    *ret_value = found;
    return HYP_OK;
}

enum hyp_status hyp_decimal_from_float(float value, struct hyp_decimal *ret_value)
{
    return from_ieee((double)value, 9, true, ret_value);
}

enum hyp_status hyp_decimal_from_double(double value, struct hyp_decimal *ret_value)
{
    return from_ieee(value, 17, false, ret_value);
}
