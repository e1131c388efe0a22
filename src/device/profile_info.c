/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the info code and the status byte of a family mean:
 *
 *     info:     bits of the record named info_code, or numbers that add up to it
 *     status:   bits 7..5 of the status byte, or numbers in its upper half
 *
 * The lower five bits of the status byte mean the same for all meters (EN 13757-7 7.5.6); a
 * profile only says what is its maker's own.
 */
#include "device/profile.h"

#include <string.h>

static const struct hyp_reader_range bit_range = {0, 63};
static const struct hyp_reader_range code_range = {1, UINT32_MAX};
static const struct hyp_reader_range status_bit_range = {5, 7};
static const struct hyp_reader_range status_code_range = {HYP_INFO_STATUS_CODE_MIN, 0xF0};

#define ROWS(bits, codes)                                                                      \
    {"bit", false, hyp_reader_number, offsetof(struct hyp_info_row, bit), &(bits)},            \
        {"code", false, hyp_reader_number, offsetof(struct hyp_info_row, code), &(codes)},     \
        {"name", true, hyp_reader_text, offsetof(struct hyp_info_row, name), NULL},            \
        {"severity", true, hyp_reader_word, offsetof(struct hyp_info_row, severity),           \
         &hyp_severity_words},                                                                 \
    {                                                                                          \
        "text", true, hyp_reader_text, offsetof(struct hyp_info_row, text), NULL               \
    }

static const struct hyp_reader_row info_rows[] = {ROWS(bit_range, code_range)};
static const struct hyp_reader_row status_rows[] = {ROWS(status_bit_range, status_code_range)};

static void init_row(void *element, const struct hyp_tree_node *node)
{
    struct hyp_info_row *row = element;
    (void)node;
    row->bit = -1;
    row->code = -1;
}

static bool is_same(const struct hyp_info_row *a, const struct hyp_info_row *b)
{
    return (a->bit == b->bit && a->code == b->code) || strcmp(a->name, b->name) == 0;
}

/* Bits and numbers in one value would contradict each other. */
static enum hyp_status check_rows(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                  const struct hyp_info_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct hyp_info_row *row = &table->rows[i];
        if ((row->bit >= 0) == (row->code >= 0)) {
            return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                     "\"%s\" needs either a bit or a code", row->name);
        }
        if ((row->bit >= 0) != (table->rows[0].bit >= 0)) {
            return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                     "bits and codes in one list: \"%s\"", row->name);
        }
        for (size_t k = 0; k < i; k++) {
            if (is_same(row, &table->rows[k])) {
                return hyp_reader_refuse(
                    reader, HYP_INVALID, node->line, "info %s %lld (%s) is given twice",
                    row->bit >= 0 ? "bit" : "code",
                    (long long)(row->bit >= 0 ? row->bit : row->code), row->name);
            }
        }
    }
    return HYP_OK;
}

static enum hyp_status read_table(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                  const struct hyp_reader_row *rows, size_t row_count,
                                  struct hyp_info_table *table)
{
    void *array = NULL;
    enum hyp_status status =
        hyp_reader_array(reader, node, rows, row_count, sizeof(struct hyp_info_row), init_row,
                         &array, &table->count);
    if (status != HYP_OK) {
        return status;
    }
    table->rows = array;
    return check_rows(reader, node, table);
}

enum hyp_status hyp_profile_read_info(struct hyp_reader *reader,
                                      const struct hyp_tree_node *node, void *target,
                                      const void *extra)
{
    struct hyp_profile *profile = target;
    (void)extra;
    return read_table(reader, node, info_rows, HYP_ARRAY_LEN(info_rows), &profile->codes);
}

enum hyp_status hyp_profile_read_status(struct hyp_reader *reader,
                                        const struct hyp_tree_node *node, void *target,
                                        const void *extra)
{
    struct hyp_profile *profile = target;
    (void)extra;
    enum hyp_status status =
        read_table(reader, node, status_rows, HYP_ARRAY_LEN(status_rows), &profile->status);
    for (size_t i = 0; status == HYP_OK && i < profile->status.count; i++) {
        const struct hyp_info_row *row = &profile->status.rows[i];
        if (row->code >= 0 && (row->code & 0x0F) != 0) {
            return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                     "code 0x%llX of \"%s\": the lower half of the status byte "
                                     "is not the maker's",
                                     (unsigned long long)row->code, row->name);
        }
    }
    return status;
}
