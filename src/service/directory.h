/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directory: every line and device with its communication, in memory, so that a list of
 * 10,000 devices is filtered and sorted in a few milliseconds without the disk.
 *
 * The store stays the truth: a change goes to the store first, then here. Any thread; one
 * read-write lock inside, held for the length of one query at most. Entries are copied out,
 * never handed out. Keys and passwords do not leave (see hyp_directory_find_key).
 */
#ifndef HYP_SERVICE_DIRECTORY_H
#define HYP_SERVICE_DIRECTORY_H

#include "base/arena.h"
#include "collect/collect.h"
#include "device/library.h"
#include "model/plant.h"
#include "store/store.h"

#include <stdbool.h>

struct hyp_directory;

/* What a list shows of a device's communication. */
enum hyp_condition {
    HYP_CONDITION_NEVER = 0, /* no success and no stored reading yet */
    HYP_CONDITION_OK,
    HYP_CONDITION_STALE,   /* last reading older than 3 periods (wireless: 24 h) */
    HYP_CONDITION_FAILING, /* 3 or more failures in a row */
    HYP_CONDITION_DISABLED,
    HYP_CONDITION_COUNT,
};
/* "never", "ok", "stale" ... as the API has them; never NULL. Back: HYP_OK | NOT_FOUND */
const char *hyp_condition_text(enum hyp_condition condition);
HYP_MUST_USE enum hyp_status hyp_condition_find(struct hyp_str text,
                                                enum hyp_condition *ret_condition);

/* A device as seen from outside; its key is wiped. */
struct hyp_device_view {
    struct hyp_device device;
    struct hyp_comm_state comm;
    enum hyp_condition condition;
    /* Last success, or the time of the newest stored reading where that is later. */
    hyp_utc last_reading;
    enum hyp_job_state job;
    hyp_utc next_due;
    bool backing_off;
    const struct hyp_profile *profile; /* chosen or matched; NULL only without a library */
    char line_name[HYP_LIMIT_NAME];    /* empty without a line */
    bool polled;                       /* its line asks it; others send by themselves */
};

enum hyp_device_sort {
    HYP_SORT_NAME = 0,
    HYP_SORT_SERIAL,
    HYP_SORT_KIND,
    HYP_SORT_ADDRESS,
    HYP_SORT_CITY,
    HYP_SORT_LINE,
    HYP_SORT_STATE,
    HYP_SORT_PROFILE,
    HYP_SORT_MANUFACTURER,
    HYP_SORT_LAST_SUCCESS,
    HYP_SORT_LAST_READING,
    HYP_SORT_LAST_ATTEMPT,
    HYP_SORT_CREATED,
    HYP_SORT_ID,
};

#define HYP_LINE_ANY INT64_MIN

struct hyp_device_query {
    struct hyp_str search;
    struct hyp_str kind;           /* empty = any */
    struct hyp_str profile;        /* empty = any */
    int64_t line;                  /* 0 = on none, HYP_LINE_ANY */
    uint32_t conditions;           /* bit per hyp_condition; 0 = any */
    const struct hyp_map *members; /* device ids that may appear; NULL = all */
    enum hyp_device_sort sort;
    bool descending;
    size_t offset;
    size_t limit;
};

struct hyp_facet {
    struct hyp_str key; /* kind */
    int64_t line;       /* line id */
    uint32_t count;
};
#define HYP_FACET_KINDS 32

/* Facets count what each filter would give while the other filters stay. */
struct hyp_device_page {
    size_t total;
    struct hyp_device_view *views;
    size_t count;
    struct hyp_facet kinds[HYP_FACET_KINDS];
    size_t kind_count;
    uint32_t conditions[HYP_CONDITION_COUNT];
    struct hyp_facet *lines;
    size_t line_count;
};

/*
 * An empty directory. destroy takes NULL; nobody may be asking.
 * @library  to match profiles in; must outlive the directory
 * Returns   HYP_OK | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_directory_create(const struct hyp_library *library,
                                                  struct hyp_directory **ret_directory);
void *hyp_directory_destroy(struct hyp_directory *directory);

/* Adds or replaces by id. HYP_OK | NO_MEMORY (unchanged). */
HYP_MUST_USE enum hyp_status hyp_directory_set_device(struct hyp_directory *directory,
                                                      const struct hyp_device *device);
/* Forgets a device, or a line; nothing when it is not there. */
void hyp_directory_remove_device(struct hyp_directory *directory, hyp_device_id id);
/* The same of a line; its password is not kept. Devices on it are found by its name. */
HYP_MUST_USE enum hyp_status hyp_directory_set_line(struct hyp_directory *directory,
                                                    const struct hyp_line *line);
void hyp_directory_remove_line(struct hyp_directory *directory, hyp_line_id id);

/* Another tenant's row is NOT_FOUND. @ret_view with wiped key. */
HYP_MUST_USE enum hyp_status hyp_directory_device(struct hyp_directory *directory,
                                                  hyp_tenant_id tenant, hyp_device_id id,
                                                  hyp_utc now,
                                                  struct hyp_device_view *ret_view);
/* Is this device of this tenant? Cheap. */
bool hyp_directory_has_device(struct hyp_directory *directory, hyp_tenant_id tenant,
                              hyp_device_id id);
/* The highest id of a device, of any tenant; 0 when there is none. */
hyp_device_id hyp_directory_last_id(struct hyp_directory *directory);
/* The line of any tenant with the next id after `line`; 0 when there is none. */
hyp_line_id hyp_directory_next_line(struct hyp_directory *directory, hyp_line_id line);
/* All lines of the tenant, in no order, into the arena. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_directory_lines(struct hyp_directory *directory,
                                                 hyp_tenant_id tenant, struct hyp_arena *arena,
                                                 hyp_line_id **ret_lines, size_t *ret_count);
/* How many lines there are, of all tenants. */
size_t hyp_directory_line_count(struct hyp_directory *directory);
/* Whose a device or a line is; 0 when there is no such one. */
hyp_tenant_id hyp_directory_tenant_of(struct hyp_directory *directory, hyp_device_id id);
hyp_tenant_id hyp_directory_tenant_of_line(struct hyp_directory *directory, hyp_line_id id);
/* Is it a line that is switched on, and whose devices are asked? */
bool hyp_directory_line_asks(struct hyp_directory *directory, hyp_line_id id);
/* Name of a line of the tenant, or "". */
void hyp_directory_line_name(struct hyp_directory *directory, hyp_tenant_id tenant,
                             hyp_line_id id, char ret_name[static HYP_LIMIT_NAME]);
/* Line of the tenant by its exact name; 0 when there is none. */
hyp_line_id hyp_directory_line_by_name(struct hyp_directory *directory, hyp_tenant_id tenant,
                                       struct hyp_str name);
/* Has another device of this device's line the primary address? @ret_name  of that one */
bool hyp_directory_address_taken(struct hyp_directory *directory, hyp_tenant_id tenant,
                                 hyp_device_id device, int32_t address,
                                 char ret_name[static HYP_LIMIT_NAME]);
/* Devices of a line; 0 = the line is free. */
size_t hyp_directory_devices_on_line(struct hyp_directory *directory, hyp_line_id id);
/* The same of many lines in one walk. @lines  in the order of their numbers
 * @ret_devices  `count` of them, in that order */
void hyp_directory_devices_on_lines(struct hyp_directory *directory, const hyp_line_id *lines,
                                    size_t count, size_t *ret_devices);

/*
 * One page of the tenant's devices that fit, with facets over all that do.
 * @now       what conditions are judged by
 * @ret_page  its lists are in the arena; a page behind the last device is empty
 * Returns    HYP_OK | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_directory_query(struct hyp_directory *directory,
                                                 hyp_tenant_id tenant,
                                                 const struct hyp_device_query *query,
                                                 hyp_utc now, struct hyp_arena *arena,
                                                 struct hyp_device_page *ret_page);

/* The key of a meter of the tenant by what its telegrams say. Never leaves the process. */
bool hyp_directory_find_key(struct hyp_directory *directory, hyp_tenant_id tenant,
                            const struct hyp_meter_identity *meter,
                            struct hyp_aes_key *ret_key);
/* Devices of the tenant with this serial (and maker, unless empty), into `out`. */
size_t hyp_directory_find_serial(struct hyp_directory *directory, hyp_tenant_id tenant,
                                 struct hyp_str manufacturer, struct hyp_str serial,
                                 hyp_device_id *out, size_t capacity);

/*
 * Takes over a device's communication.
 * @ret_flipped   it changed between success and failure (or spoke for the first time)
 */
void hyp_directory_set_state(struct hyp_directory *directory,
                             const struct hyp_device_state *state, bool *ret_flipped);
/*
 * A reading of the device is in the store; readings older than the newest change nothing.
 * Returns the device's tenant, 0 when there is no such device.
 */
hyp_tenant_id hyp_directory_note_reading(struct hyp_directory *directory, hyp_device_id device,
                                         hyp_utc source_time);
/* Communication read from the store at start. */
void hyp_directory_restore_comm(struct hyp_directory *directory, hyp_device_id device,
                                const struct hyp_comm_state *comm);
/* Moves up to `capacity` states that were not saved yet into `out`; they count as saved. */
size_t hyp_directory_take_dirty(struct hyp_directory *directory, struct hyp_stored_comm *out,
                                size_t capacity);
/* The given states could not be saved: try again later. */
void hyp_directory_mark_dirty(struct hyp_directory *directory,
                              const struct hyp_stored_comm *states, size_t count);

/* Kind of a device whose medium is known: "heat_meter", "water_meter" ... */
const char *hyp_device_kind_of_medium(int medium);

#endif
