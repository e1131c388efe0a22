/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiler attributes and the few macros every room uses.
 */
#ifndef HYP_BASE_ATTR_H
#define HYP_BASE_ATTR_H

#include <stddef.h>

/* The caller must look at the result. A deliberate ignore is written HYP_IGNORE(call); */
#define HYP_MUST_USE __attribute__((warn_unused_result))
#define HYP_PRINTF(fmt_index, args_index) __attribute__((format(printf, fmt_index, args_index)))
#define HYP_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#define HYP_FALLTHROUGH __attribute__((fallthrough))
#define HYP_UNUSED __attribute__((unused))

/* Runs `function` on the address of the variable when it leaves scope. */
#define HYP_CLEANUP(function) __attribute__((cleanup(function)))

#define HYP_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define HYP_MIN(a, b) ((a) < (b) ? (a) : (b))
#define HYP_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Ignores a must-use result. Write the reason beside every use. */
#define HYP_IGNORE(call)                                                                       \
    do {                                                                                       \
        if (call) {                                                                            \
        }                                                                                      \
    } while (0)

/* The struct that contains `member` at `pointer`. */
#define HYP_CONTAINER_OF(pointer, type, member)                                                \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
