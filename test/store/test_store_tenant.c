/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant never sees or changes what is another's: every function that takes a tenant, with
 * the right one (it must work) and with the wrong one (NOT_FOUND, or an empty list).
 */
#include "fixture.h"

struct owned {
    struct test_store t;
    hyp_tenant_id stranger;
    struct hyp_line line;
    struct hyp_device device;
    hyp_point_id point;
    hyp_frame_id frame;
    struct hyp_metering_point place;
    struct hyp_group group;
    struct hyp_user user;
    struct hyp_api_token token;
    struct hyp_counter_entry entry;
};

/* Calls one function for `who`. *count: how many things were seen; 1 where there is no list. */
typedef enum hyp_status (*call)(struct owned *o, hyp_tenant_id who, size_t *count);

#define SINGLE(name, expression)                                                               \
    static enum hyp_status name(struct owned *o, hyp_tenant_id who, size_t *count)             \
    {                                                                                          \
        *count = 1;                                                                            \
        return (expression);                                                                   \
    }
#define LIST(name, type, expression)                                                           \
    static enum hyp_status name(struct owned *o, hyp_tenant_id who, size_t *count)             \
    {                                                                                          \
        type *list;                                                                            \
        return (expression);                                                                   \
    }

static const hyp_utc begin = {INT64_MIN};
static const hyp_utc end = {INT64_MAX};

SINGLE(line_get, hyp_store_line(o->t.store, who, o->line.id, &(struct hyp_line){0}))
SINGLE(device_get, hyp_store_device(o->t.store, who, o->device.id, &(struct hyp_device){0}))
SINGLE(point_get, hyp_store_point(o->t.store, who, o->point, &(struct hyp_point){0}))
SINGLE(frame_get,
       hyp_store_frame(o->t.store, who, o->frame, &o->t.arena, &(struct hyp_stored_frame){0}))
SINGLE(counting_get, hyp_store_counting(o->t.store, who, o->point, &(struct hyp_counting){0}))
SINGLE(counting_set, hyp_store_counting_set(o->t.store, who, o->point,
                                            &(struct hyp_counting){.settlement_day = 2}, NULL))
SINGLE(counter_entry_add,
       hyp_store_counter_entry_add(o->t.store, who,
                                   &(struct hyp_counter_entry){.point = o->point,
                                                               .kind = HYP_COUNTER_ENTRY_RESET},
                                   NULL))
SINGLE(counter_entry_remove,
       hyp_store_counter_entry_remove(o->t.store, who, o->point, o->entry.id, NULL))
LIST(counter_entries, struct hyp_counter_entry,
     hyp_store_counter_entries(o->t.store, who, o->point, &o->t.arena, &list, count))
LIST(lines, struct hyp_line, hyp_store_lines(o->t.store, who, &o->t.arena, &list, count))
LIST(devices, struct hyp_device, hyp_store_devices(o->t.store, who, &o->t.arena, &list, count))
LIST(points, struct hyp_point,
     hyp_store_points(o->t.store, who, o->device.id, &o->t.arena, &list, count))
LIST(latest, struct hyp_latest,
     hyp_store_latest(o->t.store, who, o->device.id, &o->t.arena, &list, count))
LIST(series, struct hyp_stored_value,
     hyp_store_series(o->t.store, who, o->point, begin, end, &o->t.arena, &list, count))
LIST(frames, struct hyp_stored_frame,
     hyp_store_frames(o->t.store, who, (hyp_device_id){0}, (hyp_line_id){0}, 0, 9, &o->t.arena,
                      &list, count))
LIST(frames_of_device, struct hyp_stored_frame,
     hyp_store_frames(o->t.store, who, o->device.id, (hyp_line_id){0}, 0, 9, &o->t.arena, &list,
                      count))
LIST(frames_of_line, struct hyp_stored_frame,
     hyp_store_frames(o->t.store, who, (hyp_device_id){0}, o->line.id, 0, 9, &o->t.arena, &list,
                      count))
LIST(comm_events, struct hyp_comm_event,
     hyp_store_comm_events(o->t.store, who, o->device.id, 9, &o->t.arena, &list, count))
LIST(places, struct hyp_metering_point,
     hyp_store_metering_points(o->t.store, who, &o->t.arena, &list, count))
LIST(installations, struct hyp_installation,
     hyp_store_installations(o->t.store, who, (hyp_device_id){0}, &o->t.arena, &list, count))
LIST(groups, struct hyp_group, hyp_store_groups(o->t.store, who, &o->t.arena, &list, count))
LIST(members, hyp_device_id,
     hyp_store_group_members(o->t.store, who, o->group.id, &o->t.arena, &list, count))
LIST(users, struct hyp_user, hyp_store_users(o->t.store, who, &o->t.arena, &list, count))
LIST(tokens, struct hyp_api_token, hyp_store_tokens(o->t.store, who, &o->t.arena, &list, count))
LIST(audit, struct hyp_audit_entry,
     hyp_store_audit(o->t.store, who, 0, 9, &o->t.arena, &list, count))

static enum hyp_status buckets(struct owned *o, hyp_tenant_id who, size_t *count)
{
    struct hyp_bucket *list;
    *count = 1;
    return hyp_store_buckets(o->t.store, who, o->point, (hyp_utc){0}, (hyp_utc){10}, 2,
                             &o->t.arena, &list);
}

static enum hyp_status readings(struct owned *o, hyp_tenant_id who, size_t *count)
{
    struct hyp_stored_reading *list;
    size_t total;
    return hyp_store_readings(o->t.store, who, o->device.id, begin, end, 0, 9, &o->t.arena,
                              &list, count, &total);
}

/* --- changes --- */

static enum hyp_status line_update(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    o->line.tenant = who;
    return hyp_store_line_update(o->t.store, &o->line, NULL);
}

static enum hyp_status device_update(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    o->device.tenant = who;
    o->device.line.id = 0;
    return hyp_store_device_update(o->t.store, &o->device, NULL);
}

/* A device of the caller's own on the line in question. */
static enum hyp_status device_on_line(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    struct hyp_device device = {.tenant = who, .line = o->line.id, .serial = "new"};
    return hyp_store_device_add(o->t.store, &device, NULL);
}

static enum hyp_status user_update(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    o->user.tenant = who;
    return hyp_store_user_update(o->t.store, &o->user, NULL);
}

static enum hyp_status token_add(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    struct hyp_api_token token = {
        .tenant = who, .user = o->user.id, .token_hash = {77}, .role = HYP_ROLE_ADMIN};
    return hyp_store_token_add(o->t.store, &token);
}

static enum hyp_status installation_add(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    struct hyp_installation installation = {
        .metering_point = o->place.id, .device = o->device.id, .from.ms = 5000};
    return hyp_store_installation_add(o->t.store, who, &installation, NULL);
}

SINGLE(group_set,
       hyp_store_group_set(o->t.store, who, o->group.id, &o->device.id, 1, false, NULL))
SINGLE(group_remove, hyp_store_group_remove(o->t.store, who, o->group.id, NULL))
SINGLE(token_remove, hyp_store_token_remove(o->t.store, who, o->token.id))
SINGLE(user_remove, hyp_store_user_remove(o->t.store, who, o->user.id, NULL))
SINGLE(device_remove, hyp_store_device_remove(o->t.store, who, o->device.id, NULL))

static enum hyp_status line_remove(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    /* In use the owner gets CONFLICT, so the device goes first. */
    HYP_IGNORE(hyp_store_device_remove(o->t.store, o->t.tenant, o->device.id, NULL));
    return hyp_store_line_remove(o->t.store, who, o->line.id, NULL);
}

static const struct isolation {
    const char *name;
    call call;
    bool empty_for_strangers; /* a list of the tenant's own things, so no NOT_FOUND */
} rows[] = {
    {"line",                   line_get,             false},
    {"lines",                  lines,                true },
    {"line_update",            line_update,          false},
    {"line_remove",            line_remove,          false},
    {"device",                 device_get,           false},
    {"devices",                devices,              true },
    {"device_update",          device_update,        false},
    {"device_remove",          device_remove,        false},
    {"device_add on the line", device_on_line,       false},
    {"points",                 points,               false},
    {"point",                  point_get,            false},
    {"latest",                 latest,               false},
    {"series",                 series,               false},
    {"buckets",                buckets,              false},
    {"readings",               readings,             false},
    {"frames",                 frames,               true },
    {"frames of the device",   frames_of_device,     false},
    {"frames of the line",     frames_of_line,       false},
    {"frame",                  frame_get,            false},
    {"comm_events",            comm_events,          false},
    {"metering_points",        places,               true },
    {"installations",          installations,        true },
    {"installation_add",       installation_add,     false},
    {"groups",                 groups,               true },
    {"group_members",          members,              false},
    {"group_set",              group_set,            false},
    {"group_remove",           group_remove,         false},
    {"users",                  users,                true },
    {"user_update",            user_update,          false},
    {"user_remove",            user_remove,          false},
    {"tokens",                 tokens,               true },
    {"token_add for the user", token_add,            false},
    {"token_remove",           token_remove,         false},
    {"audit",                  audit,                true },
    {"counting",               counting_get,         false},
    {"counting_set",           counting_set,         false},
    {"counter_entry_add",      counter_entry_add,    false},
    {"counter_entry_remove",   counter_entry_remove, false},
    {"counter_entries",        counter_entries,      true },
};

/* --- what there is to see --- */

static void add_history(struct owned *o)
{
    static const uint8_t bytes[] = {0x68, 0x16};
    struct hyp_raw_frame frame = {.line = o->line.id,
                                  .device = o->device.id,
                                  .received.ms = START_MS,
                                  .protocol = HYP_RAW_MBUS,
                                  .bytes = bytes,
                                  .len = sizeof(bytes)};
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 5, 0);
    struct hyp_reading reading = test_reading(o->device.id, START_MS, &value, 1);
    reading.frame = 0;
    struct hyp_batch batch = {
        .readings = &reading, .reading_count = 1, .frames = &frame, .frame_count = 1};
    assert_int_equal(test_submit(o->t.store, &batch), HYP_OK);
    o->point = test_point(&o->t, o->device.id, HYP_NAME_VOLUME);
    struct hyp_latest *found;
    size_t count;
    assert_int_equal(
        hyp_store_latest(o->t.store, o->t.tenant, o->device.id, &o->t.arena, &found, &count),
        HYP_OK);
    o->frame = found[0].frame;
    o->entry = (struct hyp_counter_entry){
        .point = o->point, .time.ms = START_MS, .kind = HYP_COUNTER_ENTRY_EXCHANGE};
    assert_int_equal(hyp_store_counter_entry_add(o->t.store, o->t.tenant, &o->entry, NULL),
                     HYP_OK);
    struct hyp_comm_event event = {.time.ms = 1};
    assert_int_equal(hyp_store_comm_event_add(o->t.store, o->device.id, &event), HYP_OK);
}

static void add_people(struct owned *o)
{
    hyp_tenant_id tenant = o->t.tenant;
    o->user = (struct hyp_user){.tenant = tenant, .login = "a", .role = HYP_ROLE_ADMIN};
    assert_int_equal(hyp_store_user_add(o->t.store, &o->user, NULL), HYP_OK);
    o->token = (struct hyp_api_token){.tenant = tenant, .user = o->user.id, .token_hash = {1}};
    assert_int_equal(hyp_store_token_add(o->t.store, &o->token), HYP_OK);
    struct hyp_audit_entry entry = {.tenant = tenant, .action = "x"};
    assert_int_equal(hyp_store_audit_add(o->t.store, &entry), HYP_OK);
}

static void add_places(struct owned *o)
{
    hyp_tenant_id tenant = o->t.tenant;
    o->place = (struct hyp_metering_point){.tenant = tenant, .name = "X"};
    assert_int_equal(hyp_store_metering_point_add(o->t.store, &o->place, NULL), HYP_OK);
    struct hyp_installation installation = {
        .metering_point = o->place.id, .device = o->device.id, .from.ms = 1, .to.ms = 2};
    assert_int_equal(hyp_store_installation_add(o->t.store, tenant, &installation, NULL),
                     HYP_OK);
    o->group = (struct hyp_group){.tenant = tenant, .name = "G"};
    assert_int_equal(hyp_store_group_add(o->t.store, &o->group, NULL), HYP_OK);
    assert_int_equal(
        hyp_store_group_set(o->t.store, tenant, o->group.id, &o->device.id, 1, true, NULL),
        HYP_OK);
}

static void open_owned(struct owned *o)
{
    *o = (struct owned){0};
    test_store_open(&o->t, NULL);
    struct hyp_tenant stranger = {.name = "Next town", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(o->t.store, &stranger), HYP_OK);
    o->stranger = stranger.id;
    o->line = (struct hyp_line){.tenant = o->t.tenant, .kind = HYP_LINE_MBUS_TCP};
    assert_int_equal(hyp_store_line_add(o->t.store, &o->line, NULL), HYP_OK);
    o->device = (struct hyp_device){.tenant = o->t.tenant, .line = o->line.id, .serial = "1"};
    assert_int_equal(hyp_store_device_add(o->t.store, &o->device, NULL), HYP_OK);
    add_history(o);
    add_people(o);
    add_places(o);
}

static void strangers_get_nothing(void **state)
{
    const struct isolation *row = *state;
    struct owned o;
    open_owned(&o);
    size_t count = 0;
    enum hyp_status status = row->call(&o, o.stranger, &count);
    if (row->empty_for_strangers) {
        assert_int_equal(status, HYP_OK);
        assert_int_equal(count, 0);
    } else {
        assert_int_equal(status, HYP_NOT_FOUND);
    }
    test_store_close(&o.t);
}

static void owners_get_it(void **state)
{
    const struct isolation *row = *state;
    struct owned o;
    open_owned(&o);
    size_t count = 0;
    assert_int_equal(row->call(&o, o.t.tenant, &count), HYP_OK);
    assert_int_equal(count, 1);
    test_store_close(&o.t);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, rows, strangers_get_nothing);
    TEST_ROWS(&list, rows, owners_get_it);
    return test_list_run(&list, "store-tenant");
}
