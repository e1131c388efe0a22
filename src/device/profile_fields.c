/* SPDX-License-Identifier: Apache-2.0 */
/* The section "fields": rules by which data records of a meter get their names. */
#include "device/profile.h"

static const char *const form_texts[] = {
    [HYP_FORM_RECORD] = "record", [HYP_FORM_FLAGS] = "flags", [HYP_FORM_UNSIGNED] = "unsigned",
    [HYP_FORM_SIGNED] = "signed", [HYP_FORM_BCD] = "bcd",     [HYP_FORM_HEX] = "hex",
};
static const struct hyp_reader_words form_words = {form_texts, HYP_ARRAY_LEN(form_texts)};

static const struct hyp_reader_range mask_range = {1, INT64_MAX};
static const struct hyp_reader_range function_range = {0, HYP_FUNCTION_ERROR};
static const struct hyp_reader_range storage_range = {0, (1LL << 41) - 1};
static const struct hyp_reader_range tariff_range = {0, (1 << 20) - 1};
/* What a meter can have, and behind it the phases of powers and energies (phase.h). */
static const struct hyp_reader_range subunit_range = {0, 1027};

enum hyp_status hyp_profile_read_name(struct hyp_reader *reader,
                                      const struct hyp_tree_node *node, void *target,
                                      const void *extra)
{
    (void)extra;
    enum hyp_name name = HYP_NAME_UNKNOWN;
    if (node->kind != HYP_TREE_SCALAR || hyp_vocabulary_find(node->text, &name) != HYP_OK ||
        name == HYP_NAME_UNKNOWN) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                 "\"%.60s\" is no name of docs/vocabulary.md",
                                 node->kind == HYP_TREE_SCALAR ? node->text.ptr : "");
    }
    *(int *)target = (int)name;
    return HYP_OK;
}

enum hyp_status hyp_profile_read_unit(struct hyp_reader *reader,
                                      const struct hyp_tree_node *node, void *target,
                                      const void *extra)
{
    (void)extra;
    enum hyp_unit unit = HYP_UNIT_NONE;
    if (node->kind != HYP_TREE_SCALAR || hyp_unit_find(node->text, &unit) != HYP_OK) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                 "\"%.40s\" is no unit of docs/vocabulary.md",
                                 node->kind == HYP_TREE_SCALAR ? node->text.ptr : "");
    }
    *(int *)target = (int)unit;
    return HYP_OK;
}

enum hyp_status hyp_profile_read_function(struct hyp_reader *reader,
                                          const struct hyp_tree_node *node, void *target,
                                          const void *extra)
{
    (void)extra;
    const char *texts[HYP_FUNCTION_ERROR + 1];
    for (int i = 0; i <= HYP_FUNCTION_ERROR; i++) {
        texts[i] = hyp_function_text((enum hyp_function)i);
    }
    struct hyp_reader_words words = {texts, HYP_ARRAY_LEN(texts)};
    return hyp_reader_word(reader, node, target, &words);
}

enum hyp_status hyp_profile_read_span(struct hyp_reader *reader,
                                      const struct hyp_tree_node *node, void *target,
                                      const void *extra)
{
    (void)extra;
    struct hyp_span span = {0};
    if (node->kind != HYP_TREE_SCALAR ||
        hyp_reader_parse_range(node->text, &span.first, &span.last) != HYP_OK ||
        span.first < 0) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                 "\"%.*s\" must be a number or a range such as 1-12",
                                 HYP_STR_ARG(node->key));
    }
    *(struct hyp_span *)target = span;
    return HYP_OK;
}

enum hyp_status hyp_profile_read_decimals(struct hyp_reader *reader,
                                          const struct hyp_tree_node *node,
                                          struct hyp_decimal_list list)
{
    const struct hyp_tree_node *child = node->kind == HYP_TREE_LIST ? node->first : node;
    *list.count = 0;
    while (child != NULL) {
        if (*list.count == HYP_LIMIT_PROFILE_SENTINELS) {
            return hyp_reader_refuse(reader, HYP_LIMIT, child->line, "at most %d numbers here",
                                     HYP_LIMIT_PROFILE_SENTINELS);
        }
        int64_t whole = 0;
        struct hyp_decimal *value = &list.values[*list.count];
        if (child->kind == HYP_TREE_SCALAR &&
            hyp_reader_parse_integer(child->text, &whole) == HYP_OK) {
            *value = (struct hyp_decimal){.digits = whole};
        } else {
            enum hyp_status status = hyp_reader_decimal(reader, child, value, NULL);
            if (status != HYP_OK) {
                return status;
            }
        }
        ++*list.count;
        child = node->kind == HYP_TREE_LIST ? child->next : NULL;
    }
    return HYP_OK;
}

static enum hyp_status read_invalid(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                    void *target, const void *extra)
{
    (void)extra;
    struct hyp_field *field = target;
    return hyp_profile_read_decimals(
        reader, node, (struct hyp_decimal_list){field->invalid, &field->invalid_count});
}

static enum hyp_status read_fault_bits(struct hyp_reader *reader,
                                       const struct hyp_tree_node *node, void *target,
                                       const void *extra)
{
    (void)extra;
    enum hyp_status status = hyp_reader_expect(reader, node, HYP_TREE_LIST);
    uint64_t mask = 0;
    for (const struct hyp_tree_node *child = node->first; child != NULL && status == HYP_OK;
         child = child->next) {
        static const struct hyp_reader_range bits = {0, 63};
        int64_t bit = 0;
        status = hyp_reader_number(reader, child, &bit, &bits);
        mask |= 1ull << bit;
    }
    *(uint64_t *)target = mask;
    return status;
}

#define MEMBER(member) offsetof(struct hyp_field, member)
static const struct hyp_reader_row field_rows[] = {
    {"vif",          false, hyp_reader_hex,            MEMBER(vib),          NULL           },
    {"generic",      false, hyp_profile_read_name,     MEMBER(generic),      NULL           },
    {"function",     false, hyp_profile_read_function, MEMBER(function),     NULL           },
    {"storage",      false, hyp_profile_read_span,     MEMBER(storage),      NULL           },
    {"tariff",       false, hyp_profile_read_span,     MEMBER(tariff),       NULL           },
    {"subunit",      false, hyp_profile_read_span,     MEMBER(subunit),      NULL           },
    {"name",         false, hyp_profile_read_name,     MEMBER(name),         NULL           },
    {"ignore",       false, hyp_reader_bool,           MEMBER(ignore),       NULL           },
    {"label",        false, hyp_reader_text,           MEMBER(label),        NULL           },
    {"unit",         false, hyp_profile_read_unit,     MEMBER(unit),         NULL           },
    {"scale",        false, hyp_reader_decimal,        MEMBER(scale),        NULL           },
    {"offset",       false, hyp_reader_decimal,        MEMBER(offset),       NULL           },
    {"bits",         false, hyp_profile_read_span,     MEMBER(bits),         NULL           },
    {"mask",         false, hyp_reader_number,         MEMBER(mask),         &mask_range    },
    {"as",           false, hyp_reader_word,           MEMBER(form),         &form_words    },
    {"set_function", false, hyp_reader_number,         MEMBER(set_function), &function_range},
    {"set_storage",  false, hyp_reader_number,         MEMBER(set_storage),  &storage_range },
    {"set_tariff",   false, hyp_reader_number,         MEMBER(set_tariff),   &tariff_range  },
    {"set_subunit",  false, hyp_reader_number,         MEMBER(set_subunit),  &subunit_range },
    {"invalid",      false, read_invalid,              0,                    NULL           },
    {"fault_bits",   false, read_fault_bits,           MEMBER(fault_bits),   NULL           },
};
#undef MEMBER

static void init_field(void *element, const struct hyp_tree_node *node)
{
    const struct hyp_span any = {0, INT64_MAX};
    *(struct hyp_field *)element = (struct hyp_field){
        .generic = HYP_ANY,
        .function = HYP_ANY,
        .storage = any,
        .tariff = any,
        .subunit = any,
        .name = HYP_ANY,
        .unit = HYP_ANY,
        .scale = {.digits = 1},
        .mask = HYP_ANY,
        .bits = { 0,         -1},
        .set_function = HYP_ANY,
        .set_storage = HYP_ANY,
        .set_tariff = HYP_ANY,
        .set_subunit = HYP_ANY,
        .line = node->line,
    };
}

/* Parts are numbers of at most 63 bits. */
static enum hyp_status check_bits(struct hyp_reader *reader, const struct hyp_field *field)
{
    if (field->mask != HYP_ANY && field->form != HYP_FORM_FLAGS) {
        return hyp_reader_refuse(reader, HYP_INVALID, field->line,
                                 "a \"mask\" is for \"as: flags\"");
    }
    if (!hyp_field_is_part(field)) {
        return HYP_OK;
    }
    if (field->bits.last > 62 || field->ignore || field->form != HYP_FORM_RECORD) {
        return hyp_reader_refuse(
            reader, HYP_INVALID, field->line,
            "\"bits\" are a range within 0-62 with a name, without \"as\" and \"ignore\"");
    }
    return HYP_OK;
}

static enum hyp_status check_field(struct hyp_reader *reader, const struct hyp_field *field)
{
    if (field->vib.len == 0 && field->generic == HYP_ANY) {
        return hyp_reader_refuse(reader, HYP_INVALID, field->line,
                                 "a field says which records by \"vif\" or \"generic\"");
    }
    if (field->ignore == (field->name != HYP_ANY)) {
        return hyp_reader_refuse(reader, HYP_INVALID, field->line,
                                 "a field has either a \"name\" or \"ignore: true\"");
    }
    if (field->unit != HYP_ANY && !field->ignore &&
        !hyp_vocabulary_unit_suits((enum hyp_name)field->name, (enum hyp_unit)field->unit)) {
        return hyp_reader_refuse(reader, HYP_INVALID, field->line, "%s is not measured in %s",
                                 hyp_vocabulary_word((enum hyp_name)field->name)->name,
                                 hyp_unit_text((enum hyp_unit)field->unit));
    }
    return check_bits(reader, field);
}

enum hyp_status hyp_profile_read_fields(struct hyp_reader *reader,
                                        const struct hyp_tree_node *node, void *target,
                                        const void *extra)
{
    (void)extra;
    struct hyp_profile *profile = target;
    void *array = NULL;
    enum hyp_status status =
        hyp_reader_array(reader, node, field_rows, HYP_ARRAY_LEN(field_rows),
                         sizeof(struct hyp_field), init_field, &array, &profile->field_count);
    profile->fields = array;
    for (size_t i = 0; status == HYP_OK && i < profile->field_count; i++) {
        status = check_field(reader, &profile->fields[i]);
        profile->part_count += hyp_field_is_part(&profile->fields[i]) ? 1 : 0;
    }
    return status;
}
