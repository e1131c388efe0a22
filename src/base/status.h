/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one closed list of outcomes, and the error text for humans.
 *
 * Every fallible function returns enum hyp_status (0 = ok, all others negative). Decoders keep
 * apart WHY bytes were refused, because an operator acts differently on a damaged telegram than
 * on one of an unknown kind. Functions whose result a person reads also take a last parameter
 * `struct hyp_error *err`: owned by the caller, may be NULL, never changes control flow.
 */
#ifndef HYP_BASE_STATUS_H
#define HYP_BASE_STATUS_H

#include "base/attr.h"

#include <stdint.h>

/* name, value, short text */
#define HYP_STATUS_MAP(X)                                                                      \
    X(OK, 0, "ok")                                                                             \
    X(NEED_MORE, -1, "more bytes are needed")                                                  \
    X(NOT_MINE, -2, "not of this kind")                                                        \
    X(BAD_CHECK, -3, "checksum or integrity check failed")                                     \
    X(MALFORMED, -4, "violates the format")                                                    \
    X(UNSUPPORTED, -5, "legal but not supported")                                              \
    X(IMPLAUSIBLE, -6, "decoded but not believable")                                           \
    X(NO_KEY, -7, "encrypted and no key is known")                                             \
    X(WRONG_KEY, -8, "the key does not open it")                                               \
    X(NO_MEMORY, -9, "out of memory")                                                          \
    X(LIMIT, -10, "a limit was reached")                                                       \
    X(INVALID, -11, "invalid argument or input")                                               \
    X(NOT_FOUND, -12, "not found")                                                             \
    X(EXISTS, -13, "exists already")                                                           \
    X(CONFLICT, -14, "changed by somebody else meanwhile")                                     \
    X(DENIED, -15, "not allowed")                                                              \
    X(UNAUTHENTICATED, -16, "sign-in needed")                                                  \
    X(TIMEOUT, -17, "no answer in time")                                                       \
    X(CLOSED, -18, "connection closed")                                                        \
    X(REFUSED, -19, "refused by the other side")                                               \
    X(BUSY, -20, "busy, try again")                                                            \
    X(IO, -21, "a disk, a database or a line failed")                                          \
    X(FULL, -22, "no space left")                                                              \
    X(CORRUPT, -23, "stored data is damaged")                                                  \
    X(CANCELLED, -24, "cancelled")                                                             \
    X(INTERNAL, -25, "internal error")

enum hyp_status {
#define HYP_STATUS_ENUM(name, value, text) HYP_##name = (value),
    HYP_STATUS_MAP(HYP_STATUS_ENUM)
#undef HYP_STATUS_ENUM
};

/* Where hyp_error.code comes from. */
enum hyp_error_source {
    HYP_ERROR_NONE = 0,
    HYP_ERROR_ERRNO,
    HYP_ERROR_SQLITE,
    HYP_ERROR_POSTGRES, /* SQLSTATE, read as a number to base 36 */
    HYP_ERROR_UV,
    HYP_ERROR_TLS,
    HYP_ERROR_MQTT,
    HYP_ERROR_DEVICE, /* code sent by a device, e.g. a Modbus exception */
};

#define HYP_ERROR_TEXT_MAX 200

/* What went wrong, for a person. `offset` is a byte offset or a line number, -1 if it has none.
 */
struct hyp_error {
    enum hyp_status status;
    enum hyp_error_source source;
    int code;
    int64_t offset;
    char text[HYP_ERROR_TEXT_MAX];
};

/* The name without prefix: "BAD_CHECK". Never NULL; "UNKNOWN" for a number that is none. */
const char *hyp_status_name(enum hyp_status status);

/* A short English phrase for the status. Never NULL. */
const char *hyp_status_text(enum hyp_status status);

/*
 * Fills *err (when not NULL) and returns `status`, so that a failure is one statement:
 *     return hyp_error_set(err, HYP_MALFORMED, line, "unknown field \"%s\"", name);
 * @offset   byte offset or line number; -1 for none
 */
enum hyp_status hyp_error_set(struct hyp_error *err, enum hyp_status status, int64_t offset,
                              const char *format, ...) HYP_PRINTF(4, 5);

/* Like hyp_error_set, with the foreign code and its source kept. */
enum hyp_status hyp_error_set_code(struct hyp_error *err, enum hyp_status status,
                                   enum hyp_error_source source, int code, const char *format,
                                   ...) HYP_PRINTF(5, 6);

/*
 * What goes in comes out: said here, where every caller's compiler and analyser can see it, so
 * that neither follows a failure that turned into HYP_OK. `status` is evaluated twice.
 */
static inline enum hyp_status hyp_error_outcome(enum hyp_status told, enum hyp_status status)
{
    (void)told;
    return status;
}
#define hyp_error_set(err, status, ...)                                                        \
    hyp_error_outcome((hyp_error_set)(err, status, __VA_ARGS__), status)
#define hyp_error_set_code(err, status, ...)                                                   \
    hyp_error_outcome((hyp_error_set_code)(err, status, __VA_ARGS__), status)

#endif
