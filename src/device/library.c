/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching. Every match rule of every profile is one entry of an index sorted by manufacturer
 * and, within a manufacturer, from narrow to wide: fewer versions first, then fewer media. The
 * first entry that fits is the most specific one. Two rules of different profiles that are
 * equally narrow and share a meter would make the answer depend on chance, so the second one is
 * refused when it is added.
 */
#include "device/library.h"

#include "base/limits.h"
#include "device/builtin.h"
#include "device/profile.h"

#include <stdlib.h>
#include <string.h>

/* Bit 15 of a manufacturer code only says that the address is not globally unique. */
#define MANUFACTURER_MASK 0x7FFFu

struct index_entry {
    uint16_t manufacturer; /* 0 = any; these come last */
    const struct hyp_match *match;
    const struct hyp_profile *profile;
};

struct hyp_library {
    struct hyp_profile *profiles[HYP_LIMIT_PROFILES];
    size_t count;
    struct index_entry *index;
    size_t index_count;
    const struct hyp_profile *generic;
};

static int compare_entries(const void *left, const void *right)
{
    const struct index_entry *a = left;
    const struct index_entry *b = right;
    if (a->manufacturer != b->manufacturer) {
        /* any (0) after all others */
        return (uint16_t)(a->manufacturer - 1) < (uint16_t)(b->manufacturer - 1) ? -1 : 1;
    }
    if (a->match->version.count != b->match->version.count) {
        return a->match->version.count < b->match->version.count ? -1 : 1;
    }
    if (a->match->medium.count != b->match->medium.count) {
        return a->match->medium.count < b->match->medium.count ? -1 : 1;
    }
    return strcmp(a->profile->info.name, b->profile->info.name);
}

static enum hyp_status build_index(struct hyp_library *library)
{
    size_t count = 0;
    for (size_t i = 0; i < library->count; i++) {
        count += library->profiles[i]->match_count;
    }
    struct index_entry *index = calloc(HYP_MAX(count, 1), sizeof(*index));
    if (index == NULL) {
        return HYP_NO_MEMORY;
    }
    size_t at = 0;
    for (size_t i = 0; i < library->count; i++) {
        const struct hyp_profile *profile = library->profiles[i];
        for (size_t k = 0; k < profile->match_count; k++) {
            index[at++] = (struct index_entry){
                .manufacturer = (uint16_t)profile->matches[k].manufacturer,
                .match = &profile->matches[k],
                .profile = profile,
            };
        }
    }
    qsort(index, count, sizeof(*index), compare_entries);
    free(library->index);
    library->index = index;
    library->index_count = count;
    return HYP_OK;
}

/* First entry of a manufacturer, or where it would be. */
static size_t lower_bound(const struct hyp_library *library, uint16_t manufacturer)
{
    size_t low = 0;
    size_t high = library->index_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint16_t found = library->index[middle].manufacturer;
        if ((uint16_t)(found - 1) < (uint16_t)(manufacturer - 1)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const struct hyp_profile *match_from(const struct hyp_library *library,
                                            uint16_t manufacturer,
                                            const struct hyp_meter_identity *meter)
{
    for (size_t i = lower_bound(library, manufacturer); i < library->index_count; i++) {
        const struct index_entry *entry = &library->index[i];
        if (entry->manufacturer != manufacturer) {
            return NULL;
        }
        if (hyp_byte_set_has(&entry->match->version, meter->version) &&
            hyp_byte_set_has(&entry->match->medium, meter->medium)) {
            return entry->profile;
        }
    }
    return NULL;
}

const struct hyp_profile *hyp_library_match(const struct hyp_library *library,
                                            const struct hyp_meter_identity *meter)
{
    uint16_t manufacturer = meter->manufacturer_code & MANUFACTURER_MASK;
    const struct hyp_profile *profile =
        manufacturer == 0 ? NULL : match_from(library, manufacturer, meter);
    if (profile == NULL) {
        profile = match_from(library, 0, meter);
    }
    return profile == NULL ? library->generic : profile;
}

/* --- adding --- */

static bool is_ambiguous(const struct hyp_match *a, const struct hyp_match *b)
{
    return a->manufacturer == b->manufacturer && a->version.count == b->version.count &&
           a->medium.count == b->medium.count && hyp_byte_sets_meet(&a->version, &b->version) &&
           hyp_byte_sets_meet(&a->medium, &b->medium);
}

static enum hyp_status check_ambiguity(const struct hyp_profile *added,
                                       const struct hyp_profile *other, const char *file,
                                       struct hyp_error *err)
{
    for (size_t i = 0; i < added->match_count; i++) {
        for (size_t k = 0; k < other->match_count; k++) {
            if (is_ambiguous(&added->matches[i], &other->matches[k])) {
                uint32_t line = added->matches[i].line;
                return hyp_error_set(
                    err, HYP_CONFLICT, line,
                    "%.60s:%u: fits the same meters as profile %s; name fewer versions or "
                    "media, or call this profile %s to replace that one",
                    file, line, other->info.name, other->info.name);
            }
        }
    }
    return HYP_OK;
}

/* The slot of a profile of that name, or the end. */
static size_t find_slot(const struct hyp_library *library, const char *name)
{
    size_t i = 0;
    while (i < library->count && strcmp(library->profiles[i]->info.name, name) != 0) {
        i++;
    }
    return i;
}

static enum hyp_status check_addition(const struct hyp_library *library,
                                      const struct hyp_profile *profile, size_t slot,
                                      const char *file, struct hyp_error *err)
{
    if (slot == HYP_LIMIT_PROFILES) {
        return hyp_error_set(err, HYP_LIMIT, -1, "%.60s: more than %d profiles", file,
                             HYP_LIMIT_PROFILES);
    }
    for (size_t i = 0; i < library->count; i++) {
        if (i != slot) {
            enum hyp_status status = check_ambiguity(profile, library->profiles[i], file, err);
            if (status != HYP_OK) {
                return status;
            }
        }
    }
    return HYP_OK;
}

/* Puts the profile into its slot; on failure the library is as before. */
static enum hyp_status place(struct hyp_library *library, struct hyp_profile *profile,
                             size_t slot)
{
    bool appended = slot == library->count;
    struct hyp_profile *replaced = appended ? NULL : library->profiles[slot];
    library->profiles[slot] = profile;
    library->count += appended ? 1 : 0;
    if (build_index(library) != HYP_OK) {
        library->profiles[slot] = replaced;
        library->count -= appended ? 1 : 0;
        return HYP_NO_MEMORY;
    }
    if (library->generic == NULL || library->generic == replaced) {
        library->generic = profile;
    }
    hyp_profile_destroy(replaced);
    return HYP_OK;
}

enum hyp_status hyp_library_add(struct hyp_library *library, struct hyp_str source,
                                const char *file_name, struct hyp_error *err)
{
    struct hyp_profile *profile = NULL;
    enum hyp_status status = hyp_profile_create(source, file_name, &profile, err);
    if (status != HYP_OK) {
        return status;
    }
    size_t slot = find_slot(library, profile->info.name);
    status = check_addition(library, profile, slot, file_name, err);
    if (status == HYP_OK) {
        status = place(library, profile, slot);
        if (status != HYP_OK) {
            hyp_error_set(err, status, -1, "%.60s: out of memory", file_name);
        }
    }
    if (status != HYP_OK) {
        hyp_profile_destroy(profile);
    }
    return status;
}

enum hyp_status hyp_library_create(struct hyp_library **ret_library, struct hyp_error *err)
{
    struct hyp_library *library = calloc(1, sizeof(*library));
    if (library == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "out of memory");
    }
    enum hyp_status status = HYP_OK;
    /* The generic profile is the first of the list: it is what match falls back to. */
    for (size_t i = 0; i < hyp_builtin_profile_count && status == HYP_OK; i++) {
        const struct hyp_builtin_profile *builtin = &hyp_builtin_profiles[i];
        struct hyp_str source = {.ptr = (const char *)builtin->text, .len = builtin->len};
        status = hyp_library_add(library, source, builtin->file, err);
    }
    if (status != HYP_OK) {
        hyp_library_destroy(library);
        return status;
    }
    *ret_library = library;
    return HYP_OK;
}

void *hyp_library_destroy(struct hyp_library *library)
{
    if (library != NULL) {
        for (size_t i = 0; i < library->count; i++) {
            hyp_profile_destroy(library->profiles[i]);
        }
        free(library->index);
        free(library);
    }
    return NULL;
}

/* --- looking up --- */

size_t hyp_library_count(const struct hyp_library *library)
{
    return library->count;
}

const struct hyp_profile *hyp_library_at(const struct hyp_library *library, size_t index)
{
    return library->profiles[index];
}

const struct hyp_profile *hyp_library_find(const struct hyp_library *library,
                                           struct hyp_str name)
{
    for (size_t i = 0; i < library->count; i++) {
        if (hyp_str_equal(name, hyp_str_from(library->profiles[i]->info.name))) {
            return library->profiles[i];
        }
    }
    return NULL;
}

struct hyp_str hyp_profile_source(const struct hyp_profile *profile)
{
    return profile->text;
}

const struct hyp_profile_info *hyp_profile_info(const struct hyp_profile *profile)
{
    return &profile->info;
}

const struct hyp_profile_link *hyp_profile_link(const struct hyp_profile *profile)
{
    return &profile->link;
}
