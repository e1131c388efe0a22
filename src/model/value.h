/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Value with quality: what one register of a device said, or why it said nothing.
 *
 * A value is exact (decimal), a civil time, flags or a text. Absent is not zero: when quality
 * is none of the usable ones, the payload must not be looked at.
 */
#ifndef HYP_MODEL_VALUE_H
#define HYP_MODEL_VALUE_H

#include "base/decimal.h"
#include "model/time.h"
#include "model/vocabulary.h"

#include <stdbool.h>
#include <stdint.h>

enum hyp_quality {
    HYP_QUALITY_UNSET = 0,
    HYP_QUALITY_GOOD,         /* measured and believed */
    HYP_QUALITY_DOUBTFUL,     /* measured, a plausibility check or the device doubts it */
    HYP_QUALITY_MANUAL,       /* typed by a person */
    HYP_QUALITY_ESTIMATED,    /* computed to fill a gap */
    HYP_QUALITY_NO_VALUE,     /* absent: the device has none (sentinel, not fitted) */
    HYP_QUALITY_INVALID,      /* absent: not a number, date or text of the declared kind */
    HYP_QUALITY_OVERFLOW,     /* absent: above the device's range */
    HYP_QUALITY_UNDERFLOW,    /* absent: below the device's range */
    HYP_QUALITY_DEVICE_ERROR, /* absent: the device reports a fault for this register */
    HYP_QUALITY_CORRECTED,    /* typed by a person in place of a value that is wrong */
};
#define HYP_QUALITY_LAST HYP_QUALITY_CORRECTED

/* "good", "no_value" ... Never NULL; and back: HYP_OK | NOT_FOUND. "unset" is found too. */
const char *hyp_quality_text(enum hyp_quality quality);
HYP_MUST_USE enum hyp_status hyp_quality_find(struct hyp_str text,
                                              enum hyp_quality *ret_quality);

/* May the payload be used? */
static inline bool hyp_quality_is_usable(enum hyp_quality quality)
{
    return (quality >= HYP_QUALITY_GOOD && quality <= HYP_QUALITY_ESTIMATED) ||
           quality == HYP_QUALITY_CORRECTED;
}

/*
 * The one of two that is further from an undisturbed measurement: what is computed of several
 * values is as good as the worst of them. From the best: good, corrected, manual, estimated,
 * doubtful, any that is absent. Unset says nothing: the other one.
 */
enum hyp_quality hyp_quality_worse(enum hyp_quality one, enum hyp_quality other);

enum hyp_value_kind {
    HYP_VALUE_UNSET = 0,
    HYP_VALUE_DECIMAL,
    HYP_VALUE_CIVIL,
    HYP_VALUE_FLAGS,
    HYP_VALUE_TEXT,
};

enum hyp_function {
    HYP_FUNCTION_INSTANTANEOUS = 0,
    HYP_FUNCTION_MAXIMUM,
    HYP_FUNCTION_MINIMUM,
    HYP_FUNCTION_ERROR, /* value during error state (EN 13757-3) */
};

/* Words for people: "instantaneous", "maximum" ...; never NULL. */
const char *hyp_function_text(enum hyp_function function);

/*
 * Which register of a device: the public name and EN 13757-3's way to tell its siblings apart.
 * Text form (API, database): name[.max|.min|.err][.s<storage>][.t<tariff>][.u<subunit>],
 * parts that are zero are left out: "energy", "energy.s1.t2", "flow.max.s1", "voltage.u3".
 */
struct hyp_point_key {
    uint16_t name;    /* enum hyp_name */
    uint8_t function; /* enum hyp_function */
    uint16_t subunit; /* 10 bits on M-Bus; circuit, phase, input elsewhere */
    uint32_t tariff;  /* 20 bits */
    uint64_t storage; /* 41 bits */
};

/* Longest text form with terminator. */
#define HYP_POINT_KEY_TEXT_MAX 96

/* The text form, and back: HYP_OK | INVALID (an unknown name, part, or a number too large for
 * it). */
void hyp_point_key_format(struct hyp_buf *out, const struct hyp_point_key *key);
HYP_MUST_USE enum hyp_status hyp_point_key_parse(struct hyp_str text,
                                                 struct hyp_point_key *ret_key);
static inline bool hyp_point_key_equal(const struct hyp_point_key *a,
                                       const struct hyp_point_key *b)
{
    return a->name == b->name && a->function == b->function && a->subunit == b->subunit &&
           a->tariff == b->tariff && a->storage == b->storage;
}

struct hyp_value {
    struct hyp_point_key key;
    enum hyp_unit unit; /* canonical unit of its family */
    enum hyp_value_kind kind;
    enum hyp_quality quality;
    union {
        struct hyp_decimal decimal;
        struct hyp_civil civil;
        uint64_t flags;
        struct hyp_str
            text; /* at most HYP_LIMIT_VALUE_TEXT bytes of UTF-8; lives as the reading */
    };
    struct hyp_str label; /* name given by the profile or the device, may be empty */
};

/* The payload as text: "12.50", "2026-01-31", "0x0004", "abc"; nothing when not usable. */
void hyp_value_format(struct hyp_buf *out, const struct hyp_value *value);

#endif
