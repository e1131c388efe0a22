/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reader: takes typed members out of a YAML tree by tables, one row per key.
 *
 * A table says which keys a map may have, how each is read and into which member of a struct.
 * Keys that are in no row are refused, with file, line and the key's name. Only for profiles.
 */
#ifndef HYP_DEVICE_READER_H
#define HYP_DEVICE_READER_H

#include "base/decimal.h"
#include "device/tree.h"

#include <stdbool.h>
#include <stdint.h>

struct hyp_reader {
    struct hyp_arena *arena;
    const char *file; /* for messages */
    struct hyp_error *err;
};

/* Reads `node` into the member at `target`; `extra` is the row's. */
typedef enum hyp_status (*hyp_reader_function)(struct hyp_reader *reader,
                                               const struct hyp_tree_node *node, void *target,
                                               const void *extra);

struct hyp_reader_row {
    const char *key;
    bool required;
    hyp_reader_function read;
    size_t offset;     /* of the member in the target struct */
    const void *extra; /* what `read` wants to know */
};

/* Fills err with "file:line: reason" and returns `status`. */
enum hyp_status hyp_reader_refuse(struct hyp_reader *reader, enum hyp_status status,
                                  uint32_t line, const char *format, ...) HYP_PRINTF(4, 5);

/* Reads a map by its table. INVALID: unknown or missing key, or what a row's function says. */
HYP_MUST_USE enum hyp_status hyp_reader_map(struct hyp_reader *reader,
                                            const struct hyp_tree_node *node,
                                            const struct hyp_reader_row *rows, size_t row_count,
                                            void *target);

/*
 * Reads a list of maps into an array of the arena.
 * @size      bytes of one element, zeroed before reading
 * @init      called for every element before its keys are read (defaults), or NULL
 * @ret_array lives as long as the arena
 * Returns    HYP_OK | INVALID (no list, or as hyp_reader_map)
 *          | LIMIT (HYP_LIMIT_PROFILE_FIELDS) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status
hyp_reader_array(struct hyp_reader *reader, const struct hyp_tree_node *node,
                 const struct hyp_reader_row *rows, size_t row_count, size_t size,
                 void (*init)(void *element, const struct hyp_tree_node *node),
                 void **ret_array, size_t *ret_count);

/*
 * --- scalars; the type behind `target` in brackets ---
 *
 * Rows' functions: HYP_OK | INVALID (not such a scalar; err names file, line and key) |
 * NO_MEMORY. The target is written on success only; texts are views that live as long as the
 * tree.
 */

enum hyp_status hyp_reader_text(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                void *target, const void *extra); /* [const char *] not empty */
enum hyp_status hyp_reader_bool(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                void *target, const void *extra); /* [bool] true / false */
enum hyp_status hyp_reader_decimal(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                   void *target, const void *extra); /* [struct hyp_decimal] */

/* Limits for hyp_reader_number. */
struct hyp_reader_range {
    int64_t min;
    int64_t max;
};
/* [int64_t] decimal or 0x hex; extra: struct hyp_reader_range or NULL */
enum hyp_status hyp_reader_number(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                  void *target, const void *extra);

/* The words of hyp_reader_word: the index of the text is the value; NULL entries are skipped.
 */
struct hyp_reader_words {
    const char *const *texts;
    size_t count;
};
/* [int] extra: struct hyp_reader_words */
enum hyp_status hyp_reader_word(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                void *target, const void *extra);

/* A plain number out of a scalar. HYP_OK | INVALID (err set). */
HYP_MUST_USE enum hyp_status hyp_reader_integer(struct hyp_reader *reader,
                                                const struct hyp_tree_node *node,
                                                int64_t *ret_number);
/* The same out of a text: decimal digits with a sign, or 0x and hex digits. HYP_OK | INVALID */
HYP_MUST_USE enum hyp_status hyp_reader_parse_integer(struct hyp_str text, int64_t *ret_number);

/* Bytes written as hex, blanks allowed. */
struct hyp_reader_bytes {
    const uint8_t *data;
    size_t len;
};
/* [struct hyp_reader_bytes] */
enum hyp_status hyp_reader_hex(struct hyp_reader *reader, const struct hyp_tree_node *node,
                               void *target, const void *extra);

/* "12", "0x30-0x3F": first and last. HYP_OK | INVALID */
HYP_MUST_USE enum hyp_status hyp_reader_parse_range(struct hyp_str text, int64_t *ret_first,
                                                    int64_t *ret_last);

/* Complains unless the node is of that kind. */
HYP_MUST_USE enum hyp_status hyp_reader_expect(struct hyp_reader *reader,
                                               const struct hyp_tree_node *node,
                                               enum hyp_tree_kind kind);

#endif
