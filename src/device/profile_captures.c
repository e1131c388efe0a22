/* SPDX-License-Identifier: Apache-2.0 */
/* The section "captures": what devices of the family really sent, and what it has to become. */
#include "device/profile.h"

#include "base/limits.h"
#include "protocol/modbus/frame.h"

#include <string.h>

static const char *const class_texts[] = {"ok", "error"};
static const struct hyp_reader_words class_words = {class_texts, HYP_ARRAY_LEN(class_texts)};

/* Reasons for which a telegram may be refused; index 0 = it is not. */
static const char *const refusal_texts[] = {
    NULL,        "BAD_CHECK", "MALFORMED", "UNSUPPORTED", "NO_KEY",
    "WRONG_KEY", "NEED_MORE", "NOT_FOUND", "REFUSED",     "IMPLAUSIBLE",
};
static const struct hyp_reader_words refusal_words = {refusal_texts,
                                                      HYP_ARRAY_LEN(refusal_texts)};

const char *hyp_capture_refusal_text(int refused)
{
    return refusal_texts[refused];
}

struct capture_text {
    struct hyp_capture capture;
    const struct hyp_tree_node *registers; /* read once the function is known */
    int class;
    int64_t read;
};

static enum hyp_status read_preceding(struct hyp_reader *reader,
                                      const struct hyp_tree_node *node, void *target,
                                      const void *extra)
{
    struct hyp_capture *capture = target;
    enum hyp_status status = hyp_reader_expect(reader, node, HYP_TREE_LIST);
    if (status == HYP_OK && node->count > HYP_LIMIT_CAPTURE_PRECEDING) {
        return hyp_reader_refuse(reader, HYP_LIMIT, node->line,
                                 "at most %d preceding telegrams", HYP_LIMIT_CAPTURE_PRECEDING);
    }
    for (const struct hyp_tree_node *child = node->first; child != NULL && status == HYP_OK;
         child = child->next) {
        status = hyp_reader_hex(reader, child, &capture->preceding[capture->preceding_count++],
                                extra);
    }
    return status;
}

static enum hyp_status read_expect(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                   void *target, const void *extra)
{
    (void)extra;
    struct hyp_capture *capture = target;
    enum hyp_status status = hyp_reader_expect(reader, node, HYP_TREE_MAP);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_expectation *expectations =
        hyp_arena_alloc_array(reader->arena, HYP_MAX(node->count, 1), sizeof(*expectations));
    if (expectations == NULL) {
        return hyp_reader_refuse(reader, HYP_NO_MEMORY, node->line, "out of memory");
    }
    for (const struct hyp_tree_node *child = node->first; child != NULL; child = child->next) {
        struct hyp_point_key key;
        if (child->kind != HYP_TREE_SCALAR || hyp_point_key_parse(child->key, &key) != HYP_OK) {
            return hyp_reader_refuse(reader, HYP_INVALID, child->line,
                                     "\"%.60s\" is no point such as energy.s1: value unit",
                                     child->key.ptr);
        }
        expectations[capture->expectation_count++] = (struct hyp_expectation){
            .key = child->key, .text = child->text, .line = child->line};
    }
    capture->expectations = expectations;
    return HYP_OK;
}

static enum hyp_status keep_node(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                 void *target, const void *extra)
{
    (void)reader;
    (void)extra;
    *(const struct hyp_tree_node **)target = node;
    return HYP_OK;
}

static const struct hyp_reader_range read_range = {HYP_MODBUS_READ_COILS,
                                                   HYP_MODBUS_READ_INPUT};

#define MEMBER(member) offsetof(struct capture_text, member)
static const struct hyp_reader_row capture_rows[] = {
    {"name",         true,  hyp_reader_text,   MEMBER(capture.name),         NULL          },
    {"source",       true,  hyp_reader_text,   MEMBER(capture.source),       NULL          },
    {"class",        true,  hyp_reader_word,   MEMBER(class),                &class_words  },
    {"telegram",     false, hyp_reader_hex,    MEMBER(capture.telegram),     NULL          },
    {"preceding",    false, read_preceding,    MEMBER(capture),              NULL          },
    {"key",          false, hyp_reader_hex,    MEMBER(capture.key),          NULL          },
    {"accept_plain", false, hyp_reader_bool,   MEMBER(capture.accept_plain), NULL          },
    {"registers",    false, keep_node,         MEMBER(registers),            NULL          },
    {"read",         false, hyp_reader_number, MEMBER(read),                 &read_range   },
    {"refused",      false, hyp_reader_word,   MEMBER(capture.refused),      &refusal_words},
    {"expect",       false, read_expect,       MEMBER(capture),              NULL          },
    {"info",         false, hyp_reader_text,   MEMBER(capture.info),         NULL          },
};
#undef MEMBER

static enum hyp_status append_word(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                   bool low_first, struct hyp_buf *out)
{
    static const struct hyp_reader_range word_range = {INT16_MIN, UINT16_MAX};
    int64_t word = 0;
    enum hyp_status status = hyp_reader_number(reader, node, &word, &word_range);
    if (low_first) {
        hyp_buf_append_le16(out, (uint16_t)(word & 0xFFFF));
    } else {
        hyp_buf_append_be16(out, (uint16_t)(word & 0xFFFF));
    }
    return status;
}

/* One entry "address: [words]" as one block of a snapshot. */
static enum hyp_status append_block(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                    int64_t base, int64_t function, struct hyp_buf *out)
{
    int64_t address = 0;
    bool bits = hyp_modbus_is_bits((uint8_t)function);
    size_t count = node->kind == HYP_TREE_LIST ? node->count : 1;
    if (hyp_reader_parse_integer(node->key, &address) != HYP_OK || address < base ||
        address - base > UINT16_MAX || count > HYP_MODBUS_READ_REGISTERS_MAX || count == 0) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                 "\"registers\" holds address: [at most %d values]",
                                 HYP_MODBUS_READ_REGISTERS_MAX);
    }
    hyp_buf_append_u8(out, 1);
    hyp_buf_append_u8(out, (uint8_t)function);
    hyp_buf_append_be16(out, (uint16_t)(address - base));
    /* For coils each value holds sixteen of them, the first in the lowest bit. */
    hyp_buf_append_be16(out, (uint16_t)(bits ? count * 16 : count));
    const struct hyp_tree_node *child = node->kind == HYP_TREE_LIST ? node->first : node;
    while (child != NULL) {
        enum hyp_status status = append_word(reader, child, bits, out);
        if (status != HYP_OK) {
            return status;
        }
        child = node->kind == HYP_TREE_LIST ? child->next : NULL;
    }
    return HYP_OK;
}

static enum hyp_status read_snapshot(struct hyp_reader *reader,
                                     const struct hyp_tree_node *node, int64_t base,
                                     int64_t function, struct hyp_capture *capture)
{
    enum hyp_status status = hyp_reader_expect(reader, node, HYP_TREE_MAP);
    struct hyp_buf out;
    hyp_buf_init_heap(&out, HYP_LIMIT_PROFILE_BYTES);
    for (const struct hyp_tree_node *child = node->first; child != NULL && status == HYP_OK;
         child = child->next) {
        status = append_block(reader, child, base, function, &out);
    }
    if (status == HYP_OK) {
        uint8_t *copy = hyp_arena_alloc(reader->arena, HYP_MAX(out.len, 1));
        if (copy == NULL || hyp_buf_status(&out) != HYP_OK) {
            status = hyp_reader_refuse(reader, HYP_NO_MEMORY, node->line, "out of memory");
        } else if (out.len > 0) {
            memcpy(copy, out.data, out.len);
            capture->snapshot = (struct hyp_reader_bytes){.data = copy, .len = out.len};
        }
    }
    hyp_buf_finish(&out);
    return status;
}

static void init_capture(void *element, const struct hyp_tree_node *node)
{
    struct capture_text *text = element;
    text->read = HYP_ANY;
    text->capture.line = node->line;
}

static enum hyp_status finish_capture(struct hyp_reader *reader,
                                      const struct hyp_profile *profile,
                                      struct capture_text *text)
{
    struct hyp_capture *capture = &text->capture;
    capture->error = text->class == 1;
    if (capture->key.len != 0 && capture->key.len != 16 && capture->key.len != 8) {
        return hyp_reader_refuse(reader, HYP_INVALID, capture->line,
                                 "\"key\" has 16 bytes (or 8 for DES and old Diehl meters)");
    }
    if ((text->registers == NULL) == (capture->telegram.len == 0)) {
        return hyp_reader_refuse(reader, HYP_INVALID, capture->line,
                                 "a capture has either a \"telegram\" or \"registers\"");
    }
    if (text->registers != NULL) {
        int64_t function = text->read == HYP_ANY ? profile->modbus.read : text->read;
        return read_snapshot(reader, text->registers, profile->modbus.address_base, function,
                             capture);
    }
    return HYP_OK;
}

enum hyp_status hyp_profile_read_captures(struct hyp_reader *reader,
                                          const struct hyp_tree_node *node, void *target,
                                          const void *extra)
{
    (void)extra;
    struct hyp_profile *profile = target;
    void *array = NULL;
    size_t count = 0;
    enum hyp_status status =
        hyp_reader_array(reader, node, capture_rows, HYP_ARRAY_LEN(capture_rows),
                         sizeof(struct capture_text), init_capture, &array, &count);
    if (status != HYP_OK) {
        return status;
    }
    struct capture_text *texts = array;
    profile->captures =
        hyp_arena_alloc_array(reader->arena, HYP_MAX(count, 1), sizeof(*profile->captures));
    if (profile->captures == NULL) {
        return hyp_reader_refuse(reader, HYP_NO_MEMORY, node->line, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        status = finish_capture(reader, profile, &texts[i]);
        if (status != HYP_OK) {
            return status;
        }
        profile->captures[profile->capture_count++] = texts[i].capture;
    }
    return HYP_OK;
}
