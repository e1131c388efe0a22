/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as a small tree with line numbers.
 *
 * Profiles are written by people, so every complaint names its line. Only what profiles need is
 * taken: maps, lists and scalars of one document. Anchors, aliases, tags and keys given twice
 * are refused, and so is a file beyond the limits. Scalars are text; what they mean is decided
 * by who reads them. Uses libyaml's events; nothing of libyaml is visible here.
 */
#ifndef HYP_DEVICE_TREE_H
#define HYP_DEVICE_TREE_H

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

#include <stddef.h>

enum hyp_tree_kind {
    HYP_TREE_SCALAR = 0,
    HYP_TREE_LIST,
    HYP_TREE_MAP,
};

struct hyp_tree_node {
    enum hyp_tree_kind kind;
    uint32_t line;               /* from 1 */
    struct hyp_str key;          /* in a map its own, in a list the list's */
    struct hyp_str text;         /* scalar */
    struct hyp_tree_node *first; /* child of a list or map, in order of the file */
    struct hyp_tree_node *next;  /* sibling */
    size_t count;                /* children */
};

/*
 * Reads one document.
 * @arena     nodes and texts live there
 * Returns    HYP_OK | MALFORMED | LIMIT | NO_MEMORY; err->offset = line
 */
HYP_MUST_USE enum hyp_status hyp_tree_parse(struct hyp_str source, struct hyp_arena *arena,
                                            struct hyp_tree_node **ret_root,
                                            struct hyp_error *err);

/* The child with that key, or NULL. */
const struct hyp_tree_node *hyp_tree_find(const struct hyp_tree_node *map, const char *key);

#endif
