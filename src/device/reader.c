/* SPDX-License-Identifier: Apache-2.0 */
#include "device/reader.h"

#include "base/limits.h"

#include <stdarg.h>

enum hyp_status hyp_reader_refuse(struct hyp_reader *reader, enum hyp_status status,
                                  uint32_t line, const char *format, ...)
{
    char memory[HYP_ERROR_TEXT_MAX];
    struct hyp_buf text;
    va_list args;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    va_start(args, format);
    hyp_buf_append_vfmt(&text, format, args);
    va_end(args);
    return hyp_error_set(reader->err, status, line, "%.60s:%u: %.130s", reader->file, line,
                         hyp_buf_terminate(&text));
}

static const char *kind_text(enum hyp_tree_kind kind)
{
    switch (kind) {
    case HYP_TREE_SCALAR: return "a value";
    case HYP_TREE_LIST: return "a list";
    case HYP_TREE_MAP: return "a map of keys";
    }
    return "";
}

enum hyp_status hyp_reader_expect(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                  enum hyp_tree_kind kind)
{
    if (node->kind == kind) {
        return HYP_OK;
    }
    return hyp_reader_refuse(reader, HYP_INVALID, node->line, "\"%.*s\" must be %s",
                             HYP_STR_ARG(node->key), kind_text(kind));
}

static const struct hyp_reader_row *find_row(const struct hyp_reader_row *rows,
                                             size_t row_count, struct hyp_str key)
{
    for (size_t i = 0; i < row_count; i++) {
        if (hyp_str_equal(key, hyp_str_from(rows[i].key))) {
            return &rows[i];
        }
    }
    return NULL;
}

static enum hyp_status refuse_unknown_key(struct hyp_reader *reader,
                                          const struct hyp_tree_node *child,
                                          const struct hyp_reader_row *rows, size_t row_count)
{
    char memory[HYP_ERROR_TEXT_MAX];
    struct hyp_buf known;
    hyp_buf_init_fixed(&known, memory, sizeof(memory));
    for (size_t i = 0; i < row_count; i++) {
        hyp_buf_append_fmt(&known, "%s%s", i == 0 ? "" : " ", rows[i].key);
    }
    return hyp_reader_refuse(
        reader, HYP_INVALID, child->line, "unknown key \"%.*s\"; known: %s",
        (int)HYP_MIN(child->key.len, 40), child->key.ptr, hyp_buf_terminate(&known));
}

enum hyp_status hyp_reader_map(struct hyp_reader *reader, const struct hyp_tree_node *node,
                               const struct hyp_reader_row *rows, size_t row_count,
                               void *target)
{
    enum hyp_status status = hyp_reader_expect(reader, node, HYP_TREE_MAP);
    if (status != HYP_OK) {
        return status;
    }
    for (const struct hyp_tree_node *child = node->first; child != NULL; child = child->next) {
        const struct hyp_reader_row *row = find_row(rows, row_count, child->key);
        if (row == NULL) {
            return refuse_unknown_key(reader, child, rows, row_count);
        }
        status = row->read(reader, child, (char *)target + row->offset, row->extra);
        if (status != HYP_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].required && hyp_tree_find(node, rows[i].key) == NULL) {
            return hyp_reader_refuse(reader, HYP_INVALID, node->line, "\"%s\" is missing",
                                     rows[i].key);
        }
    }
    return HYP_OK;
}

enum hyp_status hyp_reader_array(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                 const struct hyp_reader_row *rows, size_t row_count,
                                 size_t size,
                                 void (*init)(void *element, const struct hyp_tree_node *node),
                                 void **ret_array, size_t *ret_count)
{
    enum hyp_status status = hyp_reader_expect(reader, node, HYP_TREE_LIST);
    if (status != HYP_OK) {
        return status;
    }
    if (node->count > HYP_LIMIT_PROFILE_FIELDS) {
        return hyp_reader_refuse(reader, HYP_LIMIT, node->line, "more than %d entries",
                                 HYP_LIMIT_PROFILE_FIELDS);
    }
    char *array = hyp_arena_alloc_array(reader->arena, HYP_MAX(node->count, 1), size);
    if (array == NULL) {
        return hyp_reader_refuse(reader, HYP_NO_MEMORY, node->line, "out of memory");
    }
    size_t count = 0;
    for (const struct hyp_tree_node *child = node->first; child != NULL; child = child->next) {
        void *element = array + count * size;
        if (init != NULL) {
            init(element, child);
        }
        status = hyp_reader_map(reader, child, rows, row_count, element);
        if (status != HYP_OK) {
            return status;
        }
        count++;
    }
    *ret_array = array;
    *ret_count = count;
    return HYP_OK;
}

enum hyp_status hyp_reader_text(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                void *target, const void *extra)
{
    (void)extra;
    enum hyp_status status = hyp_reader_expect(reader, node, HYP_TREE_SCALAR);
    if (status == HYP_OK && node->text.len == 0) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line, "\"%.*s\" is empty",
                                 HYP_STR_ARG(node->key));
    }
    if (status == HYP_OK) {
        *(const char **)target = node->text.ptr;
    }
    return status;
}

enum hyp_status hyp_reader_bool(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                void *target, const void *extra)
{
    (void)extra;
    bool yes = hyp_str_equal(node->text, HYP_STR("true"));
    if (node->kind != HYP_TREE_SCALAR ||
        (!yes && !hyp_str_equal(node->text, HYP_STR("false")))) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line, "\"%.*s\" is true or false",
                                 HYP_STR_ARG(node->key));
    }
    *(bool *)target = yes;
    return HYP_OK;
}

enum hyp_status hyp_reader_decimal(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                   void *target, const void *extra)
{
    (void)extra;
    struct hyp_decimal value;
    if (node->kind != HYP_TREE_SCALAR || hyp_decimal_parse(node->text, &value) != HYP_OK) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                 "\"%.*s\" must be a decimal number such as 0.01",
                                 HYP_STR_ARG(node->key));
    }
    *(struct hyp_decimal *)target = value;
    return HYP_OK;
}

enum hyp_status hyp_reader_parse_integer(struct hyp_str text, int64_t *ret_number)
{
    if (hyp_str_has_prefix(text, HYP_STR("0x"))) {
        uint64_t number = 0;
        struct hyp_str digits = {.ptr = text.ptr + 2, .len = text.len - 2};
        if (hyp_str_hex_to_u64(digits, &number) != HYP_OK || number > INT64_MAX) {
            return HYP_INVALID;
        }
        *ret_number = (int64_t)number;
        return HYP_OK;
    }
    return hyp_str_to_i64(text, ret_number);
}

enum hyp_status hyp_reader_integer(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                   int64_t *ret_number)
{
    if (node->kind == HYP_TREE_SCALAR &&
        hyp_reader_parse_integer(node->text, ret_number) == HYP_OK) {
        return HYP_OK;
    }
    return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                             "\"%.*s\" must be a whole number, decimal or 0x hex",
                             HYP_STR_ARG(node->key));
}

enum hyp_status hyp_reader_number(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                  void *target, const void *extra)
{
    const struct hyp_reader_range *range = extra;
    int64_t number = 0;
    enum hyp_status status = hyp_reader_integer(reader, node, &number);
    if (status != HYP_OK) {
        return status;
    }
    if (range != NULL && (number < range->min || number > range->max)) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                 "\"%.*s\" must be %lld to %lld", HYP_STR_ARG(node->key),
                                 (long long)range->min, (long long)range->max);
    }
    *(int64_t *)target = number;
    return HYP_OK;
}

enum hyp_status hyp_reader_word(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                void *target, const void *extra)
{
    const struct hyp_reader_words *words = extra;
    char memory[HYP_ERROR_TEXT_MAX];
    struct hyp_buf known;
    hyp_buf_init_fixed(&known, memory, sizeof(memory));
    for (size_t i = 0; i < words->count; i++) {
        if (words->texts[i] == NULL) {
            continue;
        }
        if (node->kind == HYP_TREE_SCALAR &&
            hyp_str_equal(node->text, hyp_str_from(words->texts[i]))) {
            *(int *)target = (int)i;
            return HYP_OK;
        }
        hyp_buf_append_fmt(&known, " %s", words->texts[i]);
    }
    return hyp_reader_refuse(reader, HYP_INVALID, node->line, "\"%.*s\" must be one of:%s",
                             HYP_STR_ARG(node->key), hyp_buf_terminate(&known));
}

enum hyp_status hyp_reader_hex(struct hyp_reader *reader, const struct hyp_tree_node *node,
                               void *target, const void *extra)
{
    (void)extra;
    struct hyp_reader_bytes *bytes = target;
    size_t capacity = node->text.len / 2;
    uint8_t *data = hyp_arena_alloc(reader->arena, HYP_MAX(capacity, 1));
    if (data == NULL) {
        return hyp_reader_refuse(reader, HYP_NO_MEMORY, node->line, "out of memory");
    }
    if (node->kind != HYP_TREE_SCALAR ||
        hyp_hex_decode(node->text, data, capacity, &bytes->len, NULL) != HYP_OK ||
        bytes->len == 0) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                 "\"%.*s\" must be bytes in hex", HYP_STR_ARG(node->key));
    }
    bytes->data = data;
    return HYP_OK;
}

enum hyp_status hyp_reader_parse_range(struct hyp_str text, int64_t *ret_first,
                                       int64_t *ret_last)
{
    struct hyp_str first;
    if (!hyp_str_split_next(&text, '-', &first) ||
        hyp_reader_parse_integer(hyp_str_trim(first), ret_first) != HYP_OK) {
        return HYP_INVALID;
    }
    *ret_last = *ret_first;
    if (text.len > 0 && hyp_reader_parse_integer(hyp_str_trim(text), ret_last) != HYP_OK) {
        return HYP_INVALID;
    }
    return *ret_first <= *ret_last ? HYP_OK : HYP_INVALID;
}
