/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON writer on a bounded builder: commas, nesting and escaping are its business.
 *
 *     hyp_json_object_begin(&json);
 *     hyp_json_key(&json, "id");  hyp_json_u64(&json, 7);
 *     hyp_json_object_end(&json);
 *
 * Text is written as UTF-8; bytes that are no valid UTF-8 become U+FFFD. Failures are the
 * builder's (hyp_buf_status).
 */
#ifndef HYP_BASE_JSON_H
#define HYP_BASE_JSON_H

#include "base/buf.h"
#include "base/decimal.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct hyp_json {
    struct hyp_buf *out;
    bool need_comma;
};

/* Begins at the end of *out, which must outlive it and is not emptied. */
void hyp_json_init(struct hyp_json *json, struct hyp_buf *out);

/* What is open is the caller's to know: every begin has its end, and in an object a key comes
 * before each value. */
void hyp_json_object_begin(struct hyp_json *json);
void hyp_json_object_end(struct hyp_json *json);
void hyp_json_array_begin(struct hyp_json *json);
void hyp_json_array_end(struct hyp_json *json);
void hyp_json_key(struct hyp_json *json, const char *key);

/* One value each. A NULL text is "". A decimal keeps the digits it carries. */
void hyp_json_str(struct hyp_json *json, struct hyp_str value);
void hyp_json_text(struct hyp_json *json, const char *value);
void hyp_json_i64(struct hyp_json *json, int64_t value);
void hyp_json_u64(struct hyp_json *json, uint64_t value);
void hyp_json_bool(struct hyp_json *json, bool value);
void hyp_json_null(struct hyp_json *json);
void hyp_json_decimal(struct hyp_json *json, struct hyp_decimal value);
/* Shortest text that reads back the same; null for NaN and infinity. */
void hyp_json_double(struct hyp_json *json, double value);
/* Upper-case hex as a string. */
void hyp_json_hex(struct hyp_json *json, const uint8_t *data, size_t len);
/* Already valid JSON. */
void hyp_json_raw(struct hyp_json *json, struct hyp_str value);

/* Key and value in one call, for the frequent kinds. */
void hyp_json_member_str(struct hyp_json *json, const char *key, struct hyp_str value);
void hyp_json_member_text(struct hyp_json *json, const char *key, const char *value);
void hyp_json_member_i64(struct hyp_json *json, const char *key, int64_t value);
void hyp_json_member_u64(struct hyp_json *json, const char *key, uint64_t value);
void hyp_json_member_bool(struct hyp_json *json, const char *key, bool value);
void hyp_json_member_null(struct hyp_json *json, const char *key);

#endif
