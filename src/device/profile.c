/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections of a profile, top down: identity, match rules, link defaults, info bits. The
 * tables are the grammar; docs/profiles.md explains it to people.
 */
#include "device/profile.h"

#include "base/limits.h"
#include "protocol/modbus/frame.h"

#include <stdlib.h>
#include <string.h>

static const char *const protocol_texts[] = {
    [HYP_DEVICE_MBUS] = "mbus",
    [HYP_DEVICE_WMBUS] = "wmbus",
    [HYP_DEVICE_METER] = "meter",
    [HYP_DEVICE_MODBUS] = "modbus",
};
static const struct hyp_reader_words protocol_words = {protocol_texts,
                                                       HYP_ARRAY_LEN(protocol_texts)};

static const char *const kind_texts[] = {
    "heat_meter", "water_meter", "hca",    "electricity_meter",
    "gas_meter",  "controller",  "sensor", "generic",
};

static const char *const severity_texts[] = {
    [HYP_SEVERITY_NORMAL] = "normal",     [HYP_SEVERITY_LOW] = "low",
    [HYP_SEVERITY_MEDIUM] = "medium",     [HYP_SEVERITY_HIGH] = "high",
    [HYP_SEVERITY_CRITICAL] = "critical",
};
const struct hyp_reader_words hyp_severity_words = {severity_texts,
                                                    HYP_ARRAY_LEN(severity_texts)};

static const char *const parity_texts[] = {"none", "even", "odd"};
static const struct hyp_reader_words parity_words = {parity_texts, HYP_ARRAY_LEN(parity_texts)};

struct quirk_row {
    const char *name;
    enum hyp_quirk quirk;
};
static const struct quirk_row quirk_rows[] = {
    {"nke_before_read", HYP_QUIRK_NKE_BEFORE_READ},
    {"single_client",   HYP_QUIRK_SINGLE_CLIENT  },
};

const char *hyp_severity_text(enum hyp_severity severity)
{
    return severity_texts[severity];
}

bool hyp_byte_set_has(const struct hyp_byte_set *set, uint8_t byte)
{
    return (set->bits[byte / 64] >> (byte % 64) & 1u) != 0;
}

bool hyp_byte_sets_meet(const struct hyp_byte_set *a, const struct hyp_byte_set *b)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(a->bits); i++) {
        if ((a->bits[i] & b->bits[i]) != 0) {
            return true;
        }
    }
    return false;
}

static void add_bytes(struct hyp_byte_set *set, int64_t first, int64_t last)
{
    for (int64_t byte = first; byte <= last; byte++) {
        uint64_t bit = (uint64_t)1 << (byte % 64);
        if ((set->bits[byte / 64] & bit) == 0) {
            set->bits[byte / 64] |= bit;
            set->count++;
        }
    }
}

/* --- match rules --- */

static enum hyp_status read_manufacturer(struct hyp_reader *reader,
                                         const struct hyp_tree_node *node, void *target,
                                         const void *extra)
{
    (void)extra;
    bool letters = node->kind == HYP_TREE_SCALAR && node->text.len == 3;
    for (size_t i = 0; letters && i < 3; i++) {
        letters = node->text.ptr[i] >= 'A' && node->text.ptr[i] <= 'Z';
    }
    if (!letters) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                 "\"manufacturer\" must be three capital letters");
    }
    *(int64_t *)target = hyp_manufacturer_from_text(node->text.ptr);
    return HYP_OK;
}

/* Words of a medium in hyp_medium_text's spelling stand for all bytes that have the word. */
static bool add_medium_word(struct hyp_byte_set *set, struct hyp_str word)
{
    bool found = false;
    for (int medium = 0; medium < 256; medium++) {
        if (hyp_str_equal(word, hyp_str_from(hyp_medium_text((uint8_t)medium)))) {
            add_bytes(set, medium, medium);
            found = true;
        }
    }
    return found;
}

static enum hyp_status add_element(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                   struct hyp_byte_set *set, bool words)
{
    int64_t first = 0;
    int64_t last = 0;
    if (node->kind != HYP_TREE_SCALAR) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line, "\"%.*s\" is nested too deep",
                                 HYP_STR_ARG(node->key));
    }
    if (hyp_reader_parse_range(node->text, &first, &last) == HYP_OK && first >= 0 &&
        last <= UINT8_MAX) {
        add_bytes(set, first, last);
        return HYP_OK;
    }
    if (words && add_medium_word(set, node->text)) {
        return HYP_OK;
    }
    return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                             "\"%.*s\": \"%.40s\" is no byte (0x00 to 0xFF), range%s",
                             HYP_STR_ARG(node->key), node->text.ptr,
                             words ? " or medium word" : "");
}

/* extra: non-NULL when words of media are allowed */
static enum hyp_status read_byte_set(struct hyp_reader *reader,
                                     const struct hyp_tree_node *node, void *target,
                                     const void *extra)
{
    struct hyp_byte_set set = {0};
    enum hyp_status status = HYP_OK;
    if (node->kind == HYP_TREE_LIST) {
        for (const struct hyp_tree_node *child = node->first; child != NULL && status == HYP_OK;
             child = child->next) {
            status = add_element(reader, child, &set, extra != NULL);
        }
    } else {
        status = add_element(reader, node, &set, extra != NULL);
    }
    if (status == HYP_OK && set.count == 0) {
        return hyp_reader_refuse(reader, HYP_INVALID, node->line, "\"%.*s\" is empty",
                                 HYP_STR_ARG(node->key));
    }
    *(struct hyp_byte_set *)target = set;
    return status;
}

static const struct hyp_reader_row match_rows[] = {
    {"manufacturer", false, read_manufacturer, offsetof(struct hyp_match, manufacturer), NULL   },
    {"version",      false, read_byte_set,     offsetof(struct hyp_match, version),      NULL   },
    {"medium",       false, read_byte_set,     offsetof(struct hyp_match, medium),       "words"},
};

static void init_match(void *element, const struct hyp_tree_node *node)
{
    struct hyp_match *match = element;
    add_bytes(&match->version, 0, UINT8_MAX);
    add_bytes(&match->medium, 0, UINT8_MAX);
    match->line = node->line;
}

static enum hyp_status read_matches(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                    void *target, const void *extra)
{
    (void)extra;
    struct hyp_profile *profile = target;
    void *array = NULL;
    enum hyp_status status =
        hyp_reader_array(reader, node, match_rows, HYP_ARRAY_LEN(match_rows),
                         sizeof(struct hyp_match), init_match, &array, &profile->match_count);
    profile->matches = array;
    return status;
}

/* --- link defaults and quirks --- */

static const struct hyp_reader_range ms_range = {0, 60000};
static const struct hyp_reader_range baud_range = {300, 921600};
static const struct hyp_reader_range byte_range = {0, 255};
static const struct hyp_reader_range port_range = {1, 65535};

struct link_text {
    int64_t baud;
    int parity;
    int64_t timeout_ms;
    int64_t delay_ms;
    int64_t retries;
    int64_t port;
    int64_t unit;
};

static const struct hyp_reader_row link_rows[] = {
    {"baud",       false, hyp_reader_number, offsetof(struct link_text, baud),       &baud_range  },
    {"parity",     false, hyp_reader_word,   offsetof(struct link_text, parity),     &parity_words},
    {"timeout_ms", false, hyp_reader_number, offsetof(struct link_text, timeout_ms), &ms_range    },
    {"delay_ms",   false, hyp_reader_number, offsetof(struct link_text, delay_ms),   &ms_range    },
    {"retries",    false, hyp_reader_number, offsetof(struct link_text, retries),    &byte_range  },
    {"port",       false, hyp_reader_number, offsetof(struct link_text, port),       &port_range  },
    {"unit",       false, hyp_reader_number, offsetof(struct link_text, unit),       &byte_range  },
};

static enum hyp_status read_link(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                 void *target, const void *extra)
{
    (void)extra;
    struct hyp_profile_link *link = target;
    struct link_text text = {.parity = HYP_ANY, .retries = HYP_ANY};
    enum hyp_status status =
        hyp_reader_map(reader, node, link_rows, HYP_ARRAY_LEN(link_rows), &text);
    if (status != HYP_OK) {
        return status;
    }
    link->baud = (uint32_t)text.baud;
    link->parity = text.parity == HYP_ANY ? '\0' : "NEO"[text.parity];
    link->timeout_ms = (uint32_t)text.timeout_ms;
    link->delay_ms = (uint32_t)text.delay_ms;
    link->retries = (int16_t)text.retries;
    link->port = (uint16_t)text.port;
    link->unit = (uint8_t)text.unit;
    return HYP_OK;
}

static enum hyp_status read_quirks(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                   void *target, const void *extra)
{
    (void)extra;
    struct hyp_profile_link *link = target;
    enum hyp_status status = hyp_reader_expect(reader, node, HYP_TREE_LIST);
    if (status != HYP_OK) {
        return status;
    }
    for (const struct hyp_tree_node *child = node->first; child != NULL; child = child->next) {
        uint32_t before = link->quirks;
        for (size_t i = 0; i < HYP_ARRAY_LEN(quirk_rows); i++) {
            if (hyp_str_equal(child->text, hyp_str_from(quirk_rows[i].name))) {
                link->quirks |= quirk_rows[i].quirk;
            }
        }
        if (link->quirks == before) {
            return hyp_reader_refuse(reader, HYP_INVALID, child->line,
                                     "\"%.40s\" is no known quirk, or is given twice",
                                     child->kind == HYP_TREE_SCALAR ? child->text.ptr : "");
        }
    }
    return HYP_OK;
}

/* --- the whole file --- */

/* Names become file names, URLs and database text: lower case, digits, underscore. */
static enum hyp_status read_profile_name(struct hyp_reader *reader,
                                         const struct hyp_tree_node *node, void *target,
                                         const void *extra)
{
    enum hyp_status status = hyp_reader_text(reader, node, target, extra);
    for (size_t i = 0; status == HYP_OK && i < node->text.len; i++) {
        char c = node->text.ptr[i];
        if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) ||
            node->text.len > HYP_LIMIT_PROFILE_NAME) {
            return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                     "a profile name has at most %d of a-z, 0-9 and _",
                                     HYP_LIMIT_PROFILE_NAME);
        }
    }
    return status;
}

static enum hyp_status read_kind(struct hyp_reader *reader, const struct hyp_tree_node *node,
                                 void *target, const void *extra)
{
    (void)extra;
    static const struct hyp_reader_words words = {kind_texts, HYP_ARRAY_LEN(kind_texts)};
    int index = 0;
    enum hyp_status status = hyp_reader_word(reader, node, &index, &words);
    *(const char **)target = kind_texts[index];
    return status;
}

static enum hyp_status read_protocol(struct hyp_reader *reader,
                                     const struct hyp_tree_node *node, void *target,
                                     const void *extra)
{
    int index = 0;
    enum hyp_status status = hyp_reader_word(reader, node, &index, extra);
    *(enum hyp_device_protocol *)target = (enum hyp_device_protocol)index;
    return status;
}

#define MEMBER(member) offsetof(struct hyp_profile, member)
static const struct hyp_reader_row profile_rows[] = {
    {"profile",   true,  read_profile_name,          MEMBER(info.name),     NULL           },
    {"title",     true,  hyp_reader_text,            MEMBER(info.title),    NULL           },
    {"kind",      true,  read_kind,                  MEMBER(info.kind),     NULL           },
    {"protocol",  true,  read_protocol,              MEMBER(info.protocol), &protocol_words},
    {"battery",   false, hyp_reader_bool,            MEMBER(info.battery),  NULL           },
    {"notes",     false, hyp_reader_text,            MEMBER(notes),         NULL           },
    {"match",     false, read_matches,               0,                     NULL           },
    {"link",      false, read_link,                  MEMBER(link),          NULL           },
    {"quirks",    false, read_quirks,                MEMBER(link),          NULL           },
    {"fields",    false, hyp_profile_read_fields,    0,                     NULL           },
    {"info",      false, hyp_profile_read_info,      0,                     NULL           },
    {"status",    false, hyp_profile_read_status,    0,                     NULL           },
    {"modbus",    false, hyp_profile_read_modbus,    MEMBER(modbus),        NULL           },
    {"registers", false, hyp_profile_read_registers, 0,                     NULL           },
    {"captures",  false, hyp_profile_read_captures,  0,                     NULL           },
};
#undef MEMBER

/* What the sections cannot see of each other. */
static enum hyp_status check_whole(struct hyp_reader *reader, const struct hyp_tree_node *root,
                                   const struct hyp_profile *profile)
{
    bool modbus = profile->info.protocol == HYP_DEVICE_MODBUS;
    static const char *const meter_only[] = {"match", "fields"};
    static const char *const modbus_only[] = {"modbus", "registers"};
    const char *const *wrong = modbus ? meter_only : modbus_only;
    for (size_t i = 0; i < 2; i++) {
        const struct hyp_tree_node *node = hyp_tree_find(root, wrong[i]);
        if (node != NULL) {
            return hyp_reader_refuse(reader, HYP_INVALID, node->line,
                                     "\"%s\" has no place in a profile for %s", wrong[i],
                                     protocol_texts[profile->info.protocol]);
        }
    }
    if (modbus && profile->register_count == 0) {
        return hyp_reader_refuse(reader, HYP_INVALID, root->line, "\"registers\" is missing");
    }
    if (!modbus && profile->match_count == 0) {
        return hyp_reader_refuse(reader, HYP_INVALID, root->line, "\"match\" is missing");
    }
    return HYP_OK;
}

/* Registers are read before the file's defaults are known when the sections stand in another
 * order, so "modbus" is brought to the front. */
static void put_first(struct hyp_tree_node *root, const char *key)
{
    struct hyp_tree_node **link = &root->first;
    while (*link != NULL && !hyp_str_equal((*link)->key, hyp_str_from(key))) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        struct hyp_tree_node *node = *link;
        *link = node->next;
        node->next = root->first;
        root->first = node;
    }
}

static enum hyp_status read_profile(struct hyp_profile *profile, struct hyp_str source,
                                    const char *file, struct hyp_error *err)
{
    struct hyp_reader reader = {.arena = &profile->arena, .file = file, .err = err};
    struct hyp_error reason = {0};
    struct hyp_tree_node *root = NULL;
    enum hyp_status status = hyp_tree_parse(source, &profile->arena, &root, &reason);
    if (status != HYP_OK) {
        return hyp_reader_refuse(&reader, status, (uint32_t)HYP_MAX(reason.offset, 0), "%s",
                                 reason.text);
    }
    profile->link.retries = HYP_ANY;
    profile->modbus = (struct hyp_modbus_profile){
        .read = HYP_MODBUS_READ_HOLDING,
        .max_registers = HYP_MODBUS_READ_REGISTERS_MAX,
        .order = HYP_MODBUS_ABCD,
    };
    if (root->kind == HYP_TREE_MAP) {
        put_first(root, "modbus");
    }
    status = hyp_reader_map(&reader, root, profile_rows, HYP_ARRAY_LEN(profile_rows), profile);
    return status == HYP_OK ? check_whole(&reader, root, profile) : status;
}

enum hyp_status hyp_profile_create(struct hyp_str source, const char *file,
                                   struct hyp_profile **ret_profile, struct hyp_error *err)
{
    struct hyp_profile *profile = calloc(1, sizeof(*profile));
    if (profile == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory");
    }
    hyp_arena_init(&profile->arena, HYP_LIMIT_PROFILE_MEMORY);
    enum hyp_status status = read_profile(profile, source, file, err);
    if (status == HYP_OK) {
        profile->text =
            (struct hyp_str){hyp_arena_copy_str(&profile->arena, source), source.len};
        if (profile->text.ptr == NULL) {
            status = hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory");
        }
    }
    if (status != HYP_OK) {
        hyp_profile_destroy(profile);
        return status;
    }
    *ret_profile = profile;
    return HYP_OK;
}

void *hyp_profile_destroy(struct hyp_profile *profile)
{
    if (profile != NULL) {
        hyp_arena_finish(&profile->arena);
        free(profile);
    }
    return NULL;
}
