/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices, lines and groups of the tenant: list, look at, add, change, remove.
 *
 * A change goes to the store, then to the directory, then to the collector, and is audited.
 * A sentence about a wrong field begins with the field's name and a colon.
 *
 * All that take a scope return HYP_OK | DENIED | NOT_FOUND (what the id names is not the
 * tenant's) | what the store says. Those that add or change: INVALID (a field), EXISTS (name,
 * number or address is taken), CONFLICT (the revision is not the stored one: somebody else has
 * changed it); NO_MEMORY also when the store has the change and memory could not follow.
 */
#ifndef HYP_SERVICE_DEVICES_H
#define HYP_SERVICE_DEVICES_H

#include "base/arena.h"
#include "service/directory.h"
#include "service/scope.h"
#include "service/service.h"

/* What the latest values add to a device in a list. */
struct hyp_device_extra {
    bool has_headline;
    char headline_key[HYP_POINT_KEY_TEXT_MAX];
    char headline_text[HYP_LIMIT_VALUE_TEXT + 16];
    const char *headline_unit;
    enum hyp_severity severity; /* worst active info bit */
};

/*
 * A page of the tenant's devices, from memory.
 * @group       only its members; 0 = all devices. query->members is not looked at with a group
 * @ret_page    lists in the arena
 * @ret_extras  one per view of the page, from the store's latest values; NULL = not wanted
 * Returns      HYP_OK | DENIED | NOT_FOUND (the group) | NO_MEMORY | what the store says
 */
HYP_MUST_USE enum hyp_status
hyp_devices_list(struct hyp_service *service, const struct hyp_scope *scope,
                 const struct hyp_device_query *query, int64_t group, struct hyp_arena *arena,
                 struct hyp_device_page *ret_page, struct hyp_device_extra **ret_extras,
                 struct hyp_error *err);
/* One device. @ret_extra NULL = not wanted. HYP_OK | DENIED | NOT_FOUND | what the store says
 */
HYP_MUST_USE enum hyp_status
hyp_device_get(struct hyp_service *service, const struct hyp_scope *scope, hyp_device_id id,
               struct hyp_arena *arena, struct hyp_device_view *ret_view,
               struct hyp_device_extra *ret_extra, struct hyp_error *err);
/*
 * When it is asked next; 0 = never. Before the first attempt since the start the directory does
 * not know, and the collector is asked.
 * Context  any thread but the collector's
 */
hyp_utc hyp_device_next_due(struct hyp_service *service, const struct hyp_device_view *view);
/* Empty name, kind and schedule get defaults; id, revision, created are filled in. */
HYP_MUST_USE enum hyp_status hyp_device_add(struct hyp_service *service,
                                            const struct hyp_scope *scope,
                                            struct hyp_device *device, struct hyp_error *err);
/* @key_given  take key and has_key from *device, else they stay as stored */
HYP_MUST_USE enum hyp_status hyp_device_update(struct hyp_service *service,
                                               const struct hyp_scope *scope,
                                               struct hyp_device *device, bool key_given,
                                               struct hyp_error *err);
/* Removes it with its points, readings and frames. */
HYP_MUST_USE enum hyp_status hyp_device_remove(struct hyp_service *service,
                                               const struct hyp_scope *scope, hyp_device_id id,
                                               struct hyp_error *err);
/* The checks of add and update, with defaults filled in; stores nothing. */
HYP_MUST_USE enum hyp_status hyp_device_check(struct hyp_service *service, hyp_tenant_id tenant,
                                              struct hyp_device *device, struct hyp_error *err);

/* --- lines --- */

struct hyp_line_view {
    struct hyp_line line; /* password wiped; has_password says whether there is one */
    bool has_password;
    size_t devices;
    struct hyp_line_state state;
    char active_device_name[HYP_LIMIT_NAME];
    char member[HYP_LIMIT_MEMBER_NAME + 1]; /* of several servers the one that has it open */
};
/* All lines of the tenant, in the order in which they were added. */
HYP_MUST_USE enum hyp_status hyp_lines_list(struct hyp_service *service,
                                            const struct hyp_scope *scope,
                                            struct hyp_arena *arena,
                                            struct hyp_line_view **ret_lines, size_t *ret_count,
                                            struct hyp_error *err);
/* One line, without its password. HYP_OK | DENIED | NOT_FOUND | what the store says */
HYP_MUST_USE enum hyp_status hyp_line_get(struct hyp_service *service,
                                          const struct hyp_scope *scope, hyp_line_id id,
                                          struct hyp_line_view *ret_line,
                                          struct hyp_error *err);
/* Defaults are filled in, id and revision too. EXISTS when the name is taken. */
HYP_MUST_USE enum hyp_status hyp_line_add(struct hyp_service *service,
                                          const struct hyp_scope *scope, struct hyp_line *line,
                                          struct hyp_error *err);
/* @password_given  take the password from *line, else it stays as stored */
HYP_MUST_USE enum hyp_status hyp_line_update(struct hyp_service *service,
                                             const struct hyp_scope *scope,
                                             struct hyp_line *line, bool password_given,
                                             struct hyp_error *err);
/* CONFLICT while devices use it. */
HYP_MUST_USE enum hyp_status hyp_line_remove(struct hyp_service *service,
                                             const struct hyp_scope *scope, hyp_line_id id,
                                             struct hyp_error *err);
/* The checks of add and update, with defaults filled in; stores nothing. */
HYP_MUST_USE enum hyp_status hyp_line_check(struct hyp_line *line, struct hyp_error *err);

/* Names for lists that tell of devices and lines by number; "" where there is none. */
struct hyp_plant_names {
    char device[HYP_LIMIT_NAME];
    char line[HYP_LIMIT_NAME];
};
/* Names of a device and a line of the tenant; id 0 = not asked. */
void hyp_plant_names(struct hyp_service *service, const struct hyp_scope *scope,
                     hyp_device_id device, hyp_line_id line, struct hyp_plant_names *ret_names);

/* --- groups --- */

/* All groups of the tenant by name. */
HYP_MUST_USE enum hyp_status hyp_groups_list(struct hyp_service *service,
                                             const struct hyp_scope *scope,
                                             struct hyp_arena *arena,
                                             struct hyp_group **ret_groups, size_t *ret_count,
                                             struct hyp_error *err);
/* INVALID without a name; EXISTS when it is taken. */
HYP_MUST_USE enum hyp_status hyp_group_add(struct hyp_service *service,
                                           const struct hyp_scope *scope,
                                           struct hyp_group *group, struct hyp_error *err);
/* Its devices stay. */
HYP_MUST_USE enum hyp_status hyp_group_remove(struct hyp_service *service,
                                              const struct hyp_scope *scope, int64_t id,
                                              struct hyp_error *err);
/* Takes devices into a group and out of it: all or none. NOT_FOUND names what is not there. */
HYP_MUST_USE enum hyp_status hyp_group_change(struct hyp_service *service,
                                              const struct hyp_scope *scope, int64_t id,
                                              const struct hyp_group_change *change,
                                              struct hyp_error *err);
/* Ids of the devices in a group. */
HYP_MUST_USE enum hyp_status hyp_group_members(struct hyp_service *service,
                                               const struct hyp_scope *scope, int64_t id,
                                               struct hyp_arena *arena,
                                               hyp_device_id **ret_devices, size_t *ret_count,
                                               struct hyp_error *err);

#endif
