/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filtering, counting and sorting of the directory.
 *
 * One pass over all devices decides per filter whether it lets the device through; a device
 * that only one filter holds back still counts in that filter's facet. Sorting works on small
 * rows (a number made of the key's first bytes, then the text), not on the devices.
 */
#include "service/directory_inside.h"

#include "service/search.h"

#include <stdlib.h>
#include <string.h>

struct sort_row {
    uint64_t number;  /* the key, or its first 8 bytes in order */
    const char *text; /* the rest decides; NULL for numbers */
    const struct hyp_directory_entry *entry;
};

struct query_run {
    const struct hyp_directory *directory;
    const struct hyp_device_query *query;
    hyp_tenant_id tenant;
    hyp_utc now;
    struct hyp_search search;
    struct sort_row *rows;
    size_t row_count;
    struct hyp_device_page *page;
    struct hyp_map line_facets; /* line id -> index in page->lines */
};

/* --- order of names --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_at(const char *text)
{
    size_t count = 0;
    while (is_digit(text[count])) {
        count++;
    }
    return count;
}

/* Compares two runs of digits by value; leading zeros do not count. */
static int compare_numbers(const char **a, const char **b)
{
    while (**a == '0') {
        (*a)++;
    }
    while (**b == '0') {
        (*b)++;
    }
    size_t len_a = digits_at(*a);
    size_t len_b = digits_at(*b);
    int order = len_a != len_b ? (len_a < len_b ? -1 : 1) : memcmp(*a, *b, len_a);
    *a += len_a;
    *b += len_b;
    return order;
}

/* Folded names, numbers inside by value: "meter 9" before "meter 10". */
static int compare_folded(const char *a, const char *b)
{
    /* The name is the first field of the folded text and ends with its line feed. */
    while (*a != '\n' && *b != '\n') {
        if (is_digit(*a) && is_digit(*b)) {
            int order = compare_numbers(&a, &b);
            if (order != 0) {
                return order;
            }
        } else if (*a != *b) {
            return (uint8_t)*a < (uint8_t)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return (*b == '\n') - (*a == '\n');
}

static int compare_entries(const void *left, const void *right)
{
    const struct hyp_directory_entry *a = *(struct hyp_directory_entry *const *)left;
    const struct hyp_directory_entry *b = *(struct hyp_directory_entry *const *)right;
    int order = compare_folded(a->folded, b->folded);
    return order != 0
               ? order
               : (a->device.id.id > b->device.id.id) - (a->device.id.id < b->device.id.id);
}

/* Puts the entries themselves into name order, so that a rank is a position. */
static void rank_names(struct hyp_directory *directory)
{
    pthread_rwlock_wrlock(&directory->lock);
    if (directory->ranks_stale) {
        if (directory->count > 0) {
            /* An array of pointers. */
            qsort(directory->entries, directory->count, sizeof(void *), compare_entries);
        }
        for (size_t i = 0; i < directory->count; i++) {
            directory->entries[i]->name_rank = (uint32_t)i;
        }
        directory->ranks_stale = false;
    }
    pthread_rwlock_unlock(&directory->lock);
}

/* --- filters and facets --- */

static void count_kind(struct hyp_device_page *page, const char *kind)
{
    struct hyp_str key = hyp_str_from(kind);
    for (size_t i = 0; i < page->kind_count; i++) {
        if (hyp_str_equal(page->kinds[i].key, key)) {
            page->kinds[i].count++;
            return;
        }
    }
    if (page->kind_count < HYP_FACET_KINDS) {
        page->kinds[page->kind_count++] = (struct hyp_facet){.key = key, .count = 1};
    }
}

static enum hyp_status count_line(struct query_run *run, int64_t line)
{
    uint64_t at = run->page->line_count;
    if (!hyp_map_get(&run->line_facets, (uint64_t)line, &at)) {
        enum hyp_status status = hyp_map_set(&run->line_facets, (uint64_t)line, at);
        if (status != HYP_OK) {
            return status;
        }
        run->page->lines[run->page->line_count++] = (struct hyp_facet){.line = line};
    }
    run->page->lines[at].count++;
    return HYP_OK;
}

static bool passes_common(const struct query_run *run, const struct hyp_directory_entry *entry)
{
    const struct hyp_device_query *query = run->query;
    uint64_t ignored;
    if (entry->device.tenant.id != run->tenant.id) {
        return false;
    }
    if (query->members != NULL &&
        !hyp_map_get(query->members, (uint64_t)entry->device.id.id, &ignored)) {
        return false;
    }
    if (query->profile.len > 0) {
        const char *name = entry->profile == NULL ? entry->device.profile
                                                  : hyp_profile_info(entry->profile)->name;
        if (!hyp_str_equal(hyp_str_from(name), query->profile)) {
            return false;
        }
    }
    return hyp_search_matches(&run->search, entry->folded, entry->folded_len);
}

static enum hyp_status examine(struct query_run *run, const struct hyp_directory_entry *entry)
{
    const struct hyp_device_query *query = run->query;
    if (!passes_common(run, entry)) {
        return HYP_OK;
    }
    enum hyp_condition condition = hyp_directory_condition(entry, run->now);
    bool kind =
        query->kind.len == 0 || hyp_str_equal(hyp_str_from(entry->device.kind), query->kind);
    bool line = query->line == HYP_LINE_ANY || query->line == entry->device.line.id;
    bool state = query->conditions == 0 || (query->conditions >> condition & 1u) != 0;
    if (line && state) {
        count_kind(run->page, entry->device.kind);
    }
    if (kind && line) {
        run->page->conditions[condition]++;
    }
    if (kind && state) {
        enum hyp_status status = count_line(run, entry->device.line.id);
        if (status != HYP_OK) {
            return status;
        }
    }
    if (kind && line && state) {
        run->rows[run->row_count++].entry = entry;
    }
    return HYP_OK;
}

/* --- sorting --- */

static uint64_t first_bytes(const char *text)
{
    uint64_t number = 0;
    size_t i = 0;
    for (; i < 8 && text[i] != '\0'; i++) {
        number = number << 8 | (uint8_t)text[i];
    }
    return i == 0 ? 0 : number << (8 * (8 - i));
}

/* Times are never negative here; the bias keeps the order should one be. */
static uint64_t biased(int64_t value)
{
    return (uint64_t)value ^ 1ull << 63;
}

static const char *profile_title(const struct hyp_directory_entry *entry)
{
    return entry->profile == NULL ? "" : hyp_profile_info(entry->profile)->title;
}

static void fill_key(const struct query_run *run, struct sort_row *row)
{
    const struct hyp_directory_entry *entry = row->entry;
    const struct hyp_line *line = NULL;
    switch (run->query->sort) {
    case HYP_SORT_NAME: row->number = entry->name_rank; return;
    case HYP_SORT_ID: row->number = biased(entry->device.id.id); return;
    case HYP_SORT_LAST_SUCCESS: row->number = biased(entry->comm.last_success.ms); return;
    case HYP_SORT_LAST_READING:
        row->number = biased(hyp_directory_last_reading(entry, run->now).ms);
        return;
    case HYP_SORT_LAST_ATTEMPT: row->number = biased(entry->comm.last_attempt.ms); return;
    case HYP_SORT_CREATED: row->number = biased(entry->device.created.ms); return;
    case HYP_SORT_STATE: row->number = hyp_directory_condition(entry, run->now); return;
    case HYP_SORT_SERIAL: row->text = entry->device.serial; break;
    case HYP_SORT_KIND: row->text = entry->device.kind; break;
    case HYP_SORT_ADDRESS: row->text = entry->device.address; break;
    case HYP_SORT_CITY: row->text = entry->device.city; break;
    case HYP_SORT_PROFILE: row->text = profile_title(entry); break;
    case HYP_SORT_MANUFACTURER: row->text = entry->device.manufacturer; break;
    case HYP_SORT_LINE:
        line = hyp_directory_line_locked(run->directory, entry->device.line);
        row->text = line == NULL ? "" : line->name;
        break;
    }
    row->number = first_bytes(row->text);
}

static int compare_rows(const struct sort_row *a, const struct sort_row *b)
{
    if (a->number != b->number) {
        return a->number < b->number ? -1 : 1;
    }
    return a->text == NULL ? 0 : strcmp(a->text, b->text);
}

static int by_name(const struct sort_row *a, const struct sort_row *b)
{
    return (a->entry->name_rank > b->entry->name_rank) -
           (a->entry->name_rank < b->entry->name_rank);
}

static int compare_up(const void *left, const void *right)
{
    int order = compare_rows(left, right);
    return order != 0 ? order : by_name(left, right);
}

static int compare_down(const void *left, const void *right)
{
    int order = compare_rows(right, left);
    return order != 0 ? order : by_name(left, right);
}

static void sort_rows(struct query_run *run)
{
    bool descending = run->query->descending;
    if (run->query->sort == HYP_SORT_NAME && !descending) {
        return; /* the entries are kept in this order */
    }
    for (size_t i = 0; i < run->row_count; i++) {
        fill_key(run, &run->rows[i]);
    }
    if (run->row_count > 1) {
        qsort(run->rows, run->row_count, sizeof(run->rows[0]),
              descending ? compare_down : compare_up);
    }
}

/* --- the query --- */

static enum hyp_status run_locked(struct query_run *run, struct hyp_arena *arena)
{
    struct hyp_device_page *page = run->page;
    size_t count = run->directory->count;
    run->rows = hyp_arena_alloc_array(arena, count + 1, sizeof(*run->rows));
    page->lines = hyp_arena_alloc_array(arena, count + 1, sizeof(*page->lines));
    if (run->rows == NULL || page->lines == NULL) {
        return HYP_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        enum hyp_status status = examine(run, run->directory->entries[i]);
        if (status != HYP_OK) {
            return status;
        }
    }
    sort_rows(run);
    page->total = run->row_count;
    size_t from = HYP_MIN(run->query->offset, run->row_count);
    page->count = HYP_MIN(run->query->limit, run->row_count - from);
    page->views = hyp_arena_alloc_array(arena, page->count + 1, sizeof(*page->views));
    if (page->views == NULL) {
        return HYP_NO_MEMORY;
    }
    for (size_t i = 0; i < page->count; i++) {
        hyp_directory_view_of(run->directory, run->rows[from + i].entry, run->now,
                              &page->views[i]);
    }
    /* Keys point into entries that may go once the lock is open. */
    for (size_t i = 0; i < page->kind_count; i++) {
        page->kinds[i].key.ptr = hyp_arena_copy_str(arena, page->kinds[i].key);
        if (page->kinds[i].key.ptr == NULL) {
            return HYP_NO_MEMORY;
        }
    }
    return HYP_OK;
}

enum hyp_status hyp_directory_query(struct hyp_directory *directory, hyp_tenant_id tenant,
                                    const struct hyp_device_query *query, hyp_utc now,
                                    struct hyp_arena *arena, struct hyp_device_page *ret_page)
{
    struct hyp_device_page page = {0};
    struct query_run run = {
        .directory = directory, .query = query, .tenant = tenant, .now = now, .page = &page};
    hyp_search_init(&run.search, query->search);
    hyp_map_init(&run.line_facets);
    pthread_rwlock_rdlock(&directory->lock);
    while (directory->ranks_stale) {
        pthread_rwlock_unlock(&directory->lock);
        rank_names(directory);
        pthread_rwlock_rdlock(&directory->lock);
    }
    enum hyp_status status = run_locked(&run, arena);
    pthread_rwlock_unlock(&directory->lock);
    hyp_map_finish(&run.line_facets);
    if (status == HYP_OK) {
        *ret_page = page;
    }
    return status;
}
