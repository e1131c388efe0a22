/* SPDX-License-Identifier: Apache-2.0 */
/* The sections "modbus" and "registers": how a Modbus device is read and what its points mean.
 */
#include "device/profile.h"

#include "protocol/modbus/frame.h"

#include <stdlib.h>

static const char *const poll_texts[] = {
    [HYP_POLL_NORMAL] = "normal",
    [HYP_POLL_LIVE] = "live",
    [HYP_POLL_DAILY] = "daily",
};
static const struct hyp_reader_words poll_words = {poll_texts, HYP_ARRAY_LEN(poll_texts)};

static const char *const clock_texts[] = {
    [HYP_CLOCK_YEAR] = "year", [HYP_CLOCK_MONTH] = "month",   [HYP_CLOCK_DAY] = "day",
    [HYP_CLOCK_HOUR] = "hour", [HYP_CLOCK_MINUTE] = "minute", [HYP_CLOCK_SECOND] = "second",
    [HYP_CLOCK_SKIP] = "skip",
};
static const struct hyp_reader_words clock_words = {clock_texts, HYP_ARRAY_LEN(clock_texts)};

static const struct hyp_reader_range read_range = {HYP_MODBUS_READ_COILS,
                                                   HYP_MODBUS_READ_INPUT};
static const struct hyp_reader_range detect_range = {HYP_MODBUS_READ_HOLDING,
                                                     HYP_MODBUS_READ_INPUT};
static const struct hyp_reader_range address_range = {0, 65536};
static const struct hyp_reader_range base_range = {0, 1};
static const struct hyp_reader_range registers_range = {1, HYP_MODBUS_READ_REGISTERS_MAX};
static const struct hyp_reader_range gap_range = {0, HYP_MODBUS_READ_REGISTERS_MAX};
static const struct hyp_reader_range words_range = {1, HYP_MODBUS_STRING_WORDS_MAX};
static const struct hyp_reader_range bit_range = {0, 15};
static const struct hyp_reader_range width_range = {1, 16};
static const struct hyp_reader_range subunit_range = {0, 1023};
static const struct hyp_reader_range tariff_range = {0, (1 << 20) - 1};
static const struct hyp_reader_range storage_range = {0, (1LL << 41) - 1};

static enum hyp_status read_order(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                  void *target, const void *extra)
{
    (void)extra;
    enum hyp_modbus_order order = HYP_MODBUS_ORDER_UNSET;
    if (node->kind != HYP_TREE_SCALAR || hyp_modbus_order_find(node->text, &order) != HYP_OK) {
        return hyp_reader_refuse(
            reader, HYP_INVALID, node->line,
            "\"%.*s\" must be ABCD, CDAB, BADC, DCBA, CDABGHEF or DCBAHGFE",
            HYP_STR_ARG(node->key));
    }
    *(int *)target = (int)order;
    return HYP_OK;
}

static enum hyp_status read_type(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                 void *target, const void *extra)
{
    (void)extra;
    struct hyp_register *point = target;
    enum hyp_modbus_type type = HYP_MODBUS_TYPE_UNSET;
    point->is_clock =
        node->kind == HYP_TREE_SCALAR && hyp_str_equal(node->text, HYP_STR("clock"));
    if (point->is_clock) {
        point->type = HYP_MODBUS_TYPE_UINT16;
        return HYP_OK;
    }
    if (node->kind != HYP_TREE_SCALAR || hyp_modbus_type_find(node->text, &type) != HYP_OK) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                 "\"%.20s\" is no register type (int16 uint16 int32 float32 "
                                 "flags16 bit string clock ...)",
                                 node->kind == HYP_TREE_SCALAR ? node->text.ptr : "");
    }
    point->type = (int)type;
    return HYP_OK;
}

static enum hyp_status read_write(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                  void *target, const void *extra)
{
    (void)extra;
    int64_t function = 0;
    enum hyp_status status = hyp_reader_integer(reader, node, &function);
    if (status == HYP_OK && function != HYP_MODBUS_WRITE_COIL &&
        function != HYP_MODBUS_WRITE_REGISTER && function != HYP_MODBUS_WRITE_COILS &&
        function != HYP_MODBUS_WRITE_REGISTERS) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                 "\"write\" is function 5, 6, 15 or 16");
    }
    *(int64_t *)target = function;
    return status;
}

static enum hyp_status read_min(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                void *target, const void *extra)
{
    struct hyp_register *point = target;
    point->has_min = true;
    return hyp_reader_decimal(reader, node, &point->min, extra);
}

static enum hyp_status read_max(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                void *target, const void *extra)
{
    struct hyp_register *point = target;
    point->has_max = true;
    return hyp_reader_decimal(reader, node, &point->max, extra);
}

static enum hyp_status read_write_min(struct hyp_reader *reader,
                                      const struct hyp_tree_node *node, void *target,
                                      const void *extra)
{
    struct hyp_register *point = target;
    point->has_write_min = true;
    return hyp_reader_decimal(reader, node, &point->write_min, extra);
}

static enum hyp_status read_write_max(struct hyp_reader *reader,
                                      const struct hyp_tree_node *node, void *target,
                                      const void *extra)
{
    struct hyp_register *point = target;
    point->has_write_max = true;
    return hyp_reader_decimal(reader, node, &point->write_max, extra);
}

static enum hyp_status read_invalid(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                    void *target, const void *extra)
{
    (void)extra;
    struct hyp_register *point = target;
    return hyp_profile_read_decimals(
        reader, node, (struct hyp_decimal_list){point->invalid, &point->invalid_count});
}

static enum hyp_status read_states(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                   void *target, const void *extra)
{
    (void)extra;
    struct hyp_register *point = target;
    enum hyp_status status = hyp_reader_expect(reader, node, HYP_TREE_MAP);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_state *states =
        hyp_arena_alloc_array(reader->arena, HYP_MAX(node->count, 1), sizeof(*states));
    if (states == NULL) {
        return hyp_reader_refuse(reader, HYP_NO_MEMORY, node->line, "out of memory");
    }
    size_t count = 0;
    for (const struct hyp_tree_node *child = node->first; child != NULL; child = child->next) {
        if (hyp_reader_parse_integer(child->key, &states[count].value) != HYP_OK) {
            return hyp_reader_refuse(reader, HYP_INVALID, child->line,
                                     "the keys of \"states\" are numbers");
        }
        status = hyp_reader_text(reader, child, &states[count].text, NULL);
        if (status != HYP_OK) {
            return status;
        }
        count++;
    }
    point->states = states;
    point->state_count = count;
    return HYP_OK;
}

static enum hyp_status read_layout(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                   void *target, const void *extra)
{
    (void)extra;
    struct hyp_register *point = target;
    enum hyp_status status = hyp_reader_expect(reader, node, HYP_TREE_LIST);
    if (status == HYP_OK && node->count > HYP_CLOCK_WORDS_MAX) {
        return hyp_reader_refuse(reader, HYP_LIMIT, node->line,
                                 "a clock has at most %d registers", HYP_CLOCK_WORDS_MAX);
    }
    point->words = 0;
    for (const struct hyp_tree_node *child = node->first; child != NULL && status == HYP_OK;
         child = child->next) {
        int part = 0;
        status = hyp_reader_word(reader, child, &part, &clock_words);
        point->clock_parts[point->words++] = (uint8_t)part;
    }
    return status;
}

#define MEMBER(member) offsetof(struct hyp_register, member)
static const struct hyp_reader_row register_rows[] = {
    {"name",      true,  hyp_profile_read_name,     MEMBER(name),           NULL          },
    {"address",   true,  hyp_reader_number,         MEMBER(address),        &address_range},
    {"type",      true,  read_type,                 0,                      NULL          },
    {"label",     false, hyp_reader_text,           MEMBER(label),          NULL          },
    {"function",  false, hyp_profile_read_function, MEMBER(point_function), NULL          },
    {"storage",   false, hyp_reader_number,         MEMBER(storage),        &storage_range},
    {"tariff",    false, hyp_reader_number,         MEMBER(tariff),         &tariff_range },
    {"subunit",   false, hyp_reader_number,         MEMBER(subunit),        &subunit_range},
    {"read",      false, hyp_reader_number,         MEMBER(read),           &read_range   },
    {"words",     false, hyp_reader_number,         MEMBER(words),          &words_range  },
    {"order",     false, read_order,                MEMBER(order),          NULL          },
    {"bit",       false, hyp_reader_number,         MEMBER(bit),            &bit_range    },
    {"width",     false, hyp_reader_number,         MEMBER(width),          &width_range  },
    {"scale",     false, hyp_reader_decimal,        MEMBER(scale),          NULL          },
    {"offset",    false, hyp_reader_decimal,        MEMBER(offset),         NULL          },
    {"unit",      false, hyp_profile_read_unit,     MEMBER(unit),           NULL          },
    {"poll",      false, hyp_reader_word,           MEMBER(poll),           &poll_words   },
    {"invalid",   false, read_invalid,              0,                      NULL          },
    {"min",       false, read_min,                  0,                      NULL          },
    {"max",       false, read_max,                  0,                      NULL          },
    {"states",    false, read_states,               0,                      NULL          },
    {"layout",    false, read_layout,               0,                      NULL          },
    {"write",     false, read_write,                MEMBER(write),          NULL          },
    {"write_min", false, read_write_min,            0,                      NULL          },
    {"write_max", false, read_write_max,            0,                      NULL          },
};
#undef MEMBER

static void init_register(void *element, const struct hyp_tree_node *node)
{
    *(struct hyp_register *)element = (struct hyp_register){
        .read = HYP_ANY,
        .width = 1,
        .scale = {.digits = 1},
        .unit = HYP_ANY,
        .line = node->line,
    };
}

/* --- checks --- */

static enum hyp_status refuse_register(struct hyp_reader *reader,
                                       const struct hyp_register *point, const char *reason)
{
    return hyp_reader_refuse(reader, HYP_INVALID, point->line, "register %lld: %s",
                             (long long)point->address, reason);
}

/* Brings one point into its final form: defaults of the file, wire address, size. */
static enum hyp_status finish_register(struct hyp_reader *reader,
                                       const struct hyp_modbus_profile *modbus,
                                       struct hyp_register *point)
{
    enum hyp_modbus_type type = (enum hyp_modbus_type)point->type;
    if (point->read == HYP_ANY) {
        point->read = modbus->read;
    }
    if (point->order == HYP_MODBUS_ORDER_UNSET) {
        point->order = modbus->order;
    }
    bool coil = hyp_modbus_is_bits((uint8_t)point->read);
    if (coil && (type != HYP_MODBUS_TYPE_BIT || point->width != 1)) {
        return refuse_register(reader, point, "functions 1 and 2 read type bit");
    }
    if (point->bit + point->width > 16) {
        return refuse_register(reader, point, "the bits reach beyond the register");
    }
    if (point->is_clock && point->words == 0) {
        return refuse_register(reader, point, "a clock needs a \"layout\"");
    }
    if (point->unit == HYP_ANY &&
        hyp_vocabulary_word((enum hyp_name)point->name)->unit == HYP_UNIT_COUNT) {
        point->unit = HYP_UNIT_COUNT;
    }
    if (!point->is_clock && type != HYP_MODBUS_TYPE_STRING) {
        point->words = hyp_modbus_type_words(type);
    }
    if (point->words == 0) {
        return refuse_register(reader, point, "a string needs \"words\"");
    }
    int64_t last = point->address - modbus->address_base + point->words - 1;
    if (point->address < modbus->address_base || last > UINT16_MAX) {
        return refuse_register(reader, point, "the address is outside 0 to 65535");
    }
    point->address -= modbus->address_base;
    return HYP_OK;
}

static enum hyp_status check_register(struct hyp_reader *reader,
                                      const struct hyp_modbus_profile *modbus,
                                      const struct hyp_register *point)
{
    if (point->words > modbus->max_registers) {
        return refuse_register(reader, point, "longer than max_registers");
    }
    if (point->unit != HYP_ANY &&
        !hyp_vocabulary_unit_suits((enum hyp_name)point->name, (enum hyp_unit)point->unit)) {
        return refuse_register(reader, point, "the unit does not suit the name");
    }
    if (point->unit == HYP_ANY &&
        !hyp_vocabulary_unit_suits((enum hyp_name)point->name, HYP_UNIT_NONE)) {
        return refuse_register(reader, point, "\"unit\" is missing");
    }
    if (point->scale.digits == 0) {
        return refuse_register(reader, point, "a scale of 0 makes every value 0");
    }
    return HYP_OK;
}

static struct hyp_point_key key_of(const struct hyp_register *point)
{
    return (struct hyp_point_key){
        .name = (uint16_t)point->name,
        .function = (uint8_t)point->point_function,
        .storage = (uint64_t)point->storage,
        .tariff = (uint32_t)point->tariff,
        .subunit = (uint16_t)point->subunit,
    };
}

static enum hyp_status check_keys(struct hyp_reader *reader, const struct hyp_profile *profile)
{
    for (size_t i = 1; i < profile->register_count; i++) {
        struct hyp_point_key key = key_of(&profile->registers[i]);
        for (size_t k = 0; k < i; k++) {
            struct hyp_point_key other = key_of(&profile->registers[k]);
            if (hyp_point_key_equal(&key, &other)) {
                return hyp_reader_refuse(reader, HYP_INVALID, profile->registers[i].line,
                                         "the same point as line %u; give a subunit or storage",
                                         profile->registers[k].line);
            }
        }
    }
    return HYP_OK;
}

enum hyp_status hyp_profile_read_registers(struct hyp_reader *reader,
                                           const struct hyp_tree_node *node, void *target,
                                           const void *extra)
{
    (void)extra;
    struct hyp_profile *profile = target;
    void *array = NULL;
    enum hyp_status status = hyp_reader_array(
        reader, node, register_rows, HYP_ARRAY_LEN(register_rows), sizeof(struct hyp_register),
        init_register, &array, &profile->register_count);
    profile->registers = array;
    for (size_t i = 0; status == HYP_OK && i < profile->register_count; i++) {
        status = finish_register(reader, &profile->modbus, &profile->registers[i]);
        if (status == HYP_OK) {
            status = check_register(reader, &profile->modbus, &profile->registers[i]);
        }
    }
    return status == HYP_OK ? check_keys(reader, profile) : status;
}

/* --- the section "modbus" --- */

static enum hyp_status read_equals(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                   void *target, const void *extra)
{
    (void)extra;
    struct hyp_detect *detect = target;
    const struct hyp_tree_node *child = node->kind == HYP_TREE_LIST ? node->first : node;
    while (child != NULL) {
        if (detect->equals_count == HYP_ARRAY_LEN(detect->equals)) {
            return hyp_reader_refuse(reader, HYP_LIMIT, child->line, "at most %zu values here",
                                     HYP_ARRAY_LEN(detect->equals));
        }
        enum hyp_status status =
            hyp_profile_read_span(reader, child, &detect->equals[detect->equals_count], NULL);
        if (status != HYP_OK) {
            return status;
        }
        detect->equals_count++;
        child = node->kind == HYP_TREE_LIST ? child->next : NULL;
    }
    return HYP_OK;
}

static const struct hyp_reader_row detect_rows[] = {
    {"address",      true, hyp_reader_number, offsetof(struct hyp_detect, address),                      &address_range},
    {"read",              false,             hyp_reader_number,            offsetof(struct hyp_detect,         read), &detect_range},
    {"equals", true,     read_equals,               0,                                     NULL                                                  },
};

static void init_detect(void *element, const struct hyp_tree_node *node)
{
    (void)node;
    ((struct hyp_detect *)element)->read = HYP_ANY;
}

static enum hyp_status read_detects(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                    void *target, const void *extra)
{
    (void)extra;
    struct hyp_modbus_profile *modbus = target;
    void *array = NULL;
    enum hyp_status status =
        hyp_reader_array(reader, node, detect_rows, HYP_ARRAY_LEN(detect_rows),
                         sizeof(struct hyp_detect), init_detect, &array, &modbus->detect_count);
    modbus->detects = array;
    return status;
}

#define MEMBER(member) offsetof(struct hyp_modbus_profile, member)
static const struct hyp_reader_row modbus_rows[] = {
    {"address_base",  false, hyp_reader_number, MEMBER(address_base),  &base_range     },
    {"read",          false, hyp_reader_number, MEMBER(read),          &read_range     },
    {"max_registers", false, hyp_reader_number, MEMBER(max_registers), &registers_range},
    {"max_gap",       false, hyp_reader_number, MEMBER(max_gap),       &gap_range      },
    {"order",         false, read_order,        MEMBER(order),         NULL            },
    {"detect",        false, read_detects,      0,                     NULL            },
};
#undef MEMBER

enum hyp_status hyp_profile_read_modbus(struct hyp_reader *reader,
                                        const struct hyp_tree_node *node, void *target,
                                        const void *extra)
{
    (void)extra;
    struct hyp_modbus_profile *modbus = target;
    enum hyp_status status =
        hyp_reader_map(reader, node, modbus_rows, HYP_ARRAY_LEN(modbus_rows), modbus);
    if (status != HYP_OK) {
        return status;
    }
    for (size_t i = 0; i < modbus->detect_count; i++) {
        struct hyp_detect *detect = &modbus->detects[i];
        if (detect->address < modbus->address_base ||
            detect->address - modbus->address_base > UINT16_MAX) {
            return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                     "\"detect\": the address is outside 0 to 65535");
        }
        detect->address -= modbus->address_base;
        if (detect->read == HYP_ANY) {
            detect->read = modbus->read;
        }
    }
    return HYP_OK;
}
