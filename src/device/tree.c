/* SPDX-License-Identifier: Apache-2.0 */
#include "device/tree.h"

#include "base/limits.h"

#include <string.h>
#include <yaml.h>

/* Keys of one map; also bounds the search for keys given twice. */
#define KEYS_MAX HYP_LIMIT_PROFILE_FIELDS

struct builder {
    yaml_parser_t parser;
    struct hyp_arena *arena;
    struct hyp_error *err;
    size_t nodes;
};

static enum hyp_status refuse(struct builder *builder, enum hyp_status status, size_t line,
                              const char *reason)
{
    hyp_error_set(builder->err, status, (int64_t)line, "%s", reason);
    return status;
}

/* libyaml counts lines from 0, people from 1. */
static size_t line_of(const yaml_event_t *event)
{
    return event->start_mark.line + 1;
}

static enum hyp_status next_event(struct builder *builder, yaml_event_t *event)
{
    if (yaml_parser_parse(&builder->parser, event)) {
        return HYP_OK;
    }
    const yaml_parser_t *parser = &builder->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return refuse(builder, HYP_NO_MEMORY, parser->problem_mark.line + 1, "out of memory");
    }
    return hyp_error_set(builder->err, HYP_MALFORMED, (int64_t)parser->problem_mark.line + 1,
                         "not valid YAML: %s", parser->problem);
}

static enum hyp_status new_node(struct builder *builder, const yaml_event_t *event,
                                enum hyp_tree_kind kind, struct hyp_tree_node **ret_node)
{
    if (++builder->nodes > HYP_LIMIT_PROFILE_NODES) {
        return refuse(builder, HYP_LIMIT, line_of(event), "too many entries");
    }
    struct hyp_tree_node *node = hyp_arena_alloc(builder->arena, sizeof(*node));
    if (node == NULL) {
        return refuse(builder, HYP_NO_MEMORY, line_of(event), "out of memory");
    }
    node->kind = kind;
    node->line = (uint32_t)line_of(event);
    *ret_node = node;
    return HYP_OK;
}

static enum hyp_status copy_scalar(struct builder *builder, const yaml_event_t *event,
                                   struct hyp_str *ret_text)
{
    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL) {
        return refuse(builder, HYP_MALFORMED, line_of(event), "anchors and tags are not used");
    }
    struct hyp_str view = {.ptr = (const char *)event->data.scalar.value,
                           .len = event->data.scalar.length};
    if (memchr(view.ptr, '\0', view.len) != NULL) {
        return refuse(builder, HYP_MALFORMED, line_of(event), "a text with a zero byte");
    }
    const char *copy = hyp_arena_copy_str(builder->arena, view);
    if (copy == NULL) {
        return refuse(builder, HYP_NO_MEMORY, line_of(event), "out of memory");
    }
    *ret_text = (struct hyp_str){.ptr = copy, .len = view.len};
    return HYP_OK;
}

static enum hyp_status build_node(struct builder *builder, const yaml_event_t *event, int depth,
                                  struct hyp_tree_node **ret_node);

static void append_child(struct hyp_tree_node *parent, struct hyp_tree_node **last,
                         struct hyp_tree_node *child)
{
    if (*last == NULL) {
        parent->first = child;
    } else {
        (*last)->next = child;
    }
    *last = child;
    parent->count++;
}

/* Elements of a list carry the list's key, so that complaints can name it. */
static void name_elements(struct hyp_tree_node *node)
{
    if (node->kind != HYP_TREE_LIST) {
        return;
    }
    for (struct hyp_tree_node *child = node->first; child != NULL; child = child->next) {
        child->key = node->key;
    }
}

static enum hyp_status build_pair(struct builder *builder, struct hyp_tree_node *map,
                                  const yaml_event_t *key_event, int depth,
                                  struct hyp_tree_node **ret_node)
{
    struct hyp_str key;
    if (key_event->type != YAML_SCALAR_EVENT) {
        return refuse(builder, HYP_MALFORMED, line_of(key_event), "a key must be a plain word");
    }
    enum hyp_status status = copy_scalar(builder, key_event, &key);
    if (status != HYP_OK) {
        return status;
    }
    const struct hyp_tree_node *twin = hyp_tree_find(map, key.ptr);
    if (twin != NULL) {
        return hyp_error_set(builder->err, HYP_MALFORMED, (int64_t)line_of(key_event),
                             "\"%.60s\" is given twice, first in line %u", key.ptr, twin->line);
    }
    if (map->count == KEYS_MAX) {
        return refuse(builder, HYP_LIMIT, line_of(key_event), "too many keys");
    }
    yaml_event_t event;
    status = next_event(builder, &event);
    if (status != HYP_OK) {
        return status;
    }
    status = build_node(builder, &event, depth, ret_node);
    yaml_event_delete(&event);
    if (status == HYP_OK) {
        (*ret_node)->key = key;
        (*ret_node)->line = (uint32_t)line_of(key_event);
        name_elements(*ret_node);
    }
    return status;
}

static enum hyp_status build_children(struct builder *builder, struct hyp_tree_node *parent,
                                      yaml_event_type_t end, int depth)
{
    struct hyp_tree_node *last = NULL;
    for (;;) {
        yaml_event_t event;
        enum hyp_status status = next_event(builder, &event);
        if (status != HYP_OK) {
            return status;
        }
        bool ended = event.type == end;
        struct hyp_tree_node *child = NULL;
        if (!ended && parent->kind == HYP_TREE_MAP) {
            status = build_pair(builder, parent, &event, depth, &child);
        } else if (!ended) {
            status = build_node(builder, &event, depth, &child);
        }
        yaml_event_delete(&event);
        if (ended || status != HYP_OK) {
            return status;
        }
        append_child(parent, &last, child);
    }
}

static enum hyp_status build_node(struct builder *builder, const yaml_event_t *event, int depth,
                                  struct hyp_tree_node **ret_node)
{
    enum hyp_status status = HYP_OK;
    if (depth > HYP_LIMIT_PROFILE_DEPTH) {
        return refuse(builder, HYP_LIMIT, line_of(event), "nested too deeply");
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        status = new_node(builder, event, HYP_TREE_SCALAR, ret_node);
        return status == HYP_OK ? copy_scalar(builder, event, &(*ret_node)->text) : status;
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor != NULL ||
            event->data.sequence_start.tag != NULL) {
            break;
        }
        status = new_node(builder, event, HYP_TREE_LIST, ret_node);
        return status == HYP_OK
                   ? build_children(builder, *ret_node, YAML_SEQUENCE_END_EVENT, depth + 1)
                   : status;
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL) {
            break;
        }
        status = new_node(builder, event, HYP_TREE_MAP, ret_node);
        return status == HYP_OK
                   ? build_children(builder, *ret_node, YAML_MAPPING_END_EVENT, depth + 1)
                   : status;
    default: break;
    }
    return refuse(builder, HYP_MALFORMED, line_of(event),
                  "anchors, aliases and tags are not used in profiles");
}

/* Expects one event of the given type. */
static enum hyp_status expect(struct builder *builder, yaml_event_type_t type,
                              const char *reason)
{
    yaml_event_t event;
    enum hyp_status status = next_event(builder, &event);
    if (status != HYP_OK) {
        return status;
    }
    bool fits = event.type == type;
    size_t line = line_of(&event);
    yaml_event_delete(&event);
    return fits ? HYP_OK : refuse(builder, HYP_MALFORMED, line, reason);
}

static enum hyp_status build_document(struct builder *builder, struct hyp_tree_node **ret_root)
{
    enum hyp_status status = expect(builder, YAML_STREAM_START_EVENT, "not a YAML stream");
    if (status == HYP_OK) {
        status = expect(builder, YAML_DOCUMENT_START_EVENT, "the file is empty");
    }
    if (status != HYP_OK) {
        return status;
    }
    yaml_event_t event;
    status = next_event(builder, &event);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_tree_node *root = NULL;
    status = build_node(builder, &event, 0, &root);
    yaml_event_delete(&event);
    if (status == HYP_OK) {
        status = expect(builder, YAML_DOCUMENT_END_EVENT, "more than one value");
    }
    if (status == HYP_OK) {
        status = expect(builder, YAML_STREAM_END_EVENT, "more than one document");
    }
    if (status == HYP_OK) {
        *ret_root = root;
    }
    return status;
}

enum hyp_status hyp_tree_parse(struct hyp_str source, struct hyp_arena *arena,
                               struct hyp_tree_node **ret_root, struct hyp_error *err)
{
    struct builder builder = {.arena = arena, .err = err};
    if (source.len > HYP_LIMIT_PROFILE_BYTES) {
        return hyp_error_set(err, HYP_LIMIT, 1, "the file is larger than %d bytes",
                             HYP_LIMIT_PROFILE_BYTES);
    }
    if (!yaml_parser_initialize(&builder.parser)) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory");
    }
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)source.ptr,
                                 source.len);
    yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
    enum hyp_status status = build_document(&builder, ret_root);
    yaml_parser_delete(&builder.parser);
    return status;
}

const struct hyp_tree_node *hyp_tree_find(const struct hyp_tree_node *map, const char *key)
{
    struct hyp_str wanted = hyp_str_from(key);
    for (const struct hyp_tree_node *child = map->first; child != NULL; child = child->next) {
        if (hyp_str_equal(child->key, wanted)) {
            return child;
        }
    }
    return NULL;
}
