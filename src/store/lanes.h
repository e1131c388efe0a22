/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes: loops over many numbers, compiled twice.
 *
 * What is written once as a body becomes a function for any processor, and one for those with
 * 256-bit lanes (AVX2) and the bit instructions that came with them, which nearly every server
 * has; both give the same results. Which one to call is asked once per sequence, not per loop.
 *
 * Not for code that uses floating-point numbers with fused operations: results must not depend
 * on the machine.
 */
#ifndef HYP_STORE_LANES_H
#define HYP_STORE_LANES_H

#include <stdbool.h>

/* A body: part of whatever function names it. */
#define HYP_LANES_BODY static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define HYP_LANES_WIDE __attribute__((target("avx2,bmi,bmi2")))

static inline bool hyp_lanes_are_wide(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}
#else
#define HYP_LANES_WIDE

static inline bool hyp_lanes_are_wide(void)
{
    return false;
}
#endif

/* Defines name_narrow and name_wide out of name_body. */
#define HYP_LANES(type, name, parameters, arguments)                                           \
    static type name##_narrow parameters                                                       \
    {                                                                                          \
        return name##_body arguments;                                                          \
    }                                                                                          \
    HYP_LANES_WIDE static type name##_wide parameters                                          \
    {                                                                                          \
        return name##_body arguments;                                                          \
    }

#endif
