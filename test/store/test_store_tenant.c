/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant never sees or changes what is another's: every function that takes a tenant and an
 * id, with the wrong one (NOT_FOUND, or an empty list) and then with the right one (it must
 * work, so nothing was changed by the wrong one). All on one store, in the order of the table.
 */
#include "fixture.h"

struct owned {
    struct test_store t;
    hyp_tenant_id stranger;
    struct hyp_line line;
    struct hyp_line receiver; /* another one, that heard the telegram too */
    struct hyp_device device;
    hyp_point_id point;
    struct hyp_stored_frame frame;
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
SINGLE(frame_get, hyp_store_frame(o->t.store, who, o->frame.id, &o->t.arena,
                                  &(struct hyp_stored_frame){0}))
SINGLE(keys_set, hyp_store_device_keys_set(o->t.store, who,
                                           &(struct hyp_device_key){.device = o->device.id,
                                                                    .key.bytes = {7}},
                                           1, NULL))
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
LIST(newest_frames, struct hyp_stored_frame,
     hyp_store_newest_frames(o->t.store, who, o->line.id, 9, &o->t.arena, &list, count))
LIST(frames_after, struct hyp_stored_frame,
     hyp_store_frames_after(o->t.store, who, (hyp_frame_id){0}, &(enum hyp_status){HYP_OK}, 1,
                            &o->t.arena, &list, count))
LIST(versions, struct hyp_version,
     hyp_store_versions(o->t.store, who, o->point, begin, end, 9, &o->t.arena, &list, count))
LIST(forgotten, struct hyp_forgotten,
     hyp_store_forgotten(o->t.store, who, &o->t.arena, &list, count))
LIST(comm_events, struct hyp_comm_event,
     hyp_store_comm_events(o->t.store, who, o->device.id, 9, &o->t.arena, &list, count))
LIST(places, struct hyp_metering_point,
     hyp_store_metering_points(o->t.store, who, &o->t.arena, &list, count))
LIST(installations, struct hyp_installation,
     hyp_store_installations(o->t.store, who, (hyp_device_id){0}, &o->t.arena, &list, count))
LIST(installations_of_device, struct hyp_installation,
     hyp_store_installations(o->t.store, who, o->device.id, &o->t.arena, &list, count))
LIST(groups, struct hyp_group, hyp_store_groups(o->t.store, who, &o->t.arena, &list, count))
LIST(members, hyp_device_id,
     hyp_store_group_members(o->t.store, who, o->group.id, &o->t.arena, &list, count))
LIST(users, struct hyp_user, hyp_store_users(o->t.store, who, &o->t.arena, &list, count))
LIST(tokens, struct hyp_api_token, hyp_store_tokens(o->t.store, who, &o->t.arena, &list, count))
LIST(audit, struct hyp_audit_entry,
     hyp_store_audit(o->t.store, who, 0, 9, &o->t.arena, &list, count))

static enum hyp_status readings(struct owned *o, hyp_tenant_id who, size_t *count)
{
    struct hyp_stored_reading *list;
    size_t total;
    return hyp_store_readings(o->t.store, who, o->device.id, begin, end, 0, 9, &o->t.arena,
                              &list, count, &total);
}

static enum hyp_status instants(struct owned *o, hyp_tenant_id who, size_t *count)
{
    struct hyp_stored_reading *list;
    size_t total;
    return hyp_store_instants(o->t.store, who, o->device.id, begin, end, 0, 9, &o->t.arena,
                              &list, count, &total);
}

static enum hyp_status summaries(struct owned *o, hyp_tenant_id who, size_t *count)
{
    const hyp_utc bounds[] = {{START_MS - HOUR_MS}, {START_MS + HOUR_MS}};
    struct hyp_summary *list;
    enum hyp_status status =
        hyp_store_summaries(o->t.store, who, &o->point, 1, bounds, 1, &o->t.arena, &list);
    *count = status == HYP_OK ? list[0].count : 0;
    return status;
}

static enum hyp_status frame_copies(struct owned *o, hyp_tenant_id who, size_t *count)
{
    struct hyp_frame_copy copies[HYP_LIMIT_RECEIVERS];
    return hyp_store_frame_copies(o->t.store, who, &o->frame, copies, count);
}

static enum hyp_status retention_plan(struct owned *o, hyp_tenant_id who, size_t *count)
{
    const struct hyp_retention rule = {.full_months = 13};
    struct hyp_retention_plan plan;
    enum hyp_status status = hyp_store_retention_plan(o->t.store, who, &rule, &plan, NULL);
    *count = plan.devices;
    return status;
}

/* What one sets is not what the other gets. */
static enum hyp_status retention(struct owned *o, hyp_tenant_id who, size_t *count)
{
    const struct hyp_retention wanted = {.full_months = 20, .day_hour = 7};
    struct hyp_retention found;
    enum hyp_status status = hyp_store_retention_set(o->t.store, o->t.tenant, &wanted, NULL);
    if (status == HYP_OK) {
        status = hyp_store_retention(o->t.store, who, &found);
    }
    *count = status == HYP_OK && found.full_months == 20 && found.day_hour == 7;
    return status;
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
    enum hyp_status status = hyp_store_device_add(o->t.store, &device, NULL);
    return status == HYP_OK ? hyp_store_device_remove(o->t.store, who, device.id, NULL)
                            : status;
}

/* One of the caller's own, and one on the line in question. */
static enum hyp_status devices_on_line(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    struct hyp_device devices[] = {
        {.tenant = who,    .serial = "own"   },
        { .tenant = who, .serial = "new", .line = o->line.id},
    };
    enum hyp_status status = hyp_store_devices_add(o->t.store, devices, 2, NULL);
    for (size_t i = 0; i < HYP_ARRAY_LEN(devices) && status == HYP_OK; i++) {
        status = hyp_store_device_remove(o->t.store, who, devices[i].id, NULL);
    }
    return status;
}

/* The device in question into a group of the caller's own. */
static enum hyp_status device_into_group(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    struct hyp_group own = {.tenant = who, .name = "Own"};
    enum hyp_status status = hyp_store_group_add(o->t.store, &own, NULL);
    if (status == HYP_OK) {
        status = hyp_store_group_change(
            o->t.store, who, own.id,
            &(struct hyp_group_change){.add = &o->device.id, .add_count = 1}, NULL);
    }
    return status;
}

/* The device in question at a place of the caller's own, and the other way round. */
static enum hyp_status device_at_place(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    struct hyp_metering_point own = {.tenant = who, .name = "Own"};
    enum hyp_status status = hyp_store_metering_point_add(o->t.store, &own, NULL);
    struct hyp_installation installation = {
        .metering_point = own.id, .device = o->device.id, .from.ms = 3000, .to.ms = 4000};
    return status == HYP_OK ? hyp_store_installation_add(o->t.store, who, &installation, NULL)
                            : status;
}

static enum hyp_status place_of_device(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    struct hyp_device own = {.tenant = who, .serial = "own"};
    enum hyp_status status = hyp_store_device_add(o->t.store, &own, NULL);
    struct hyp_installation installation = {
        .metering_point = o->place.id, .device = own.id, .from.ms = 3000, .to.ms = 4000};
    return status == HYP_OK ? hyp_store_installation_add(o->t.store, who, &installation, NULL)
                            : status;
}

static enum hyp_status enter(struct owned *o, hyp_tenant_id who, size_t *count)
{
    const struct hyp_entry entry = {.tenant = who,
                                    .device = o->device.id,
                                    .time.ms = START_MS + HOUR_MS,
                                    .quality = HYP_QUALITY_MANUAL,
                                    .key.name = HYP_NAME_VOLUME,
                                    .unit = hyp_vocabulary_word(HYP_NAME_VOLUME)->unit,
                                    .decimal = {.digits = 6},
                                    .author = "A",
                                    .reason = "read"};
    bool stored = false;
    enum hyp_status status = hyp_store_enter(o->t.store, &entry, &stored, NULL);
    *count = stored;
    return status;
}

static enum hyp_status forget(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    struct hyp_forgotten span = {.tenant = who,
                                 .device = o->device.id,
                                 .from.ms = START_MS,
                                 .to.ms = START_MS + 1,
                                 .reason = "moved out"};
    return hyp_store_forget(o->t.store, &span, NULL);
}

static enum hyp_status user_update(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    o->user.tenant = who;
    return hyp_store_user_update(o->t.store, &o->user, false, NULL);
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

SINGLE(group_change, hyp_store_group_change(o->t.store, who, o->group.id,
                                            &(struct hyp_group_change){.remove = &o->device.id,
                                                                       .remove_count = 1},
                                            NULL))
SINGLE(group_remove, hyp_store_group_remove(o->t.store, who, o->group.id, NULL))
SINGLE(token_remove, hyp_store_token_remove(o->t.store, who, o->token.id))
SINGLE(user_remove, hyp_store_user_remove(o->t.store, who, o->user.id, NULL))
SINGLE(device_remove, hyp_store_device_remove(o->t.store, who, o->device.id, NULL))

static enum hyp_status line_remove(struct owned *o, hyp_tenant_id who, size_t *count)
{
    *count = 1;
    return hyp_store_line_remove(o->t.store, who, o->line.id, NULL);
}

static const struct isolation {
    const char *name;
    call call;
    bool empty_for_strangers; /* a list of the tenant's own things, so no NOT_FOUND */
} rows[] = {
    {"line",                         line_get,                false},
    {"lines",                        lines,                   true },
    {"device",                       device_get,              false},
    {"devices",                      devices,                 true },
    {"points",                       points,                  false},
    {"point",                        point_get,               false},
    {"latest",                       latest,                  false},
    {"series",                       series,                  false},
    {"summaries",                    summaries,               false},
    {"readings",                     readings,                false},
    {"instants",                     instants,                false},
    {"versions",                     versions,                false},
    {"frames",                       frames,                  true },
    {"frames of the device",         frames_of_device,        false},
    {"frames of the line",           frames_of_line,          false},
    {"newest_frames",                newest_frames,           false},
    {"frame",                        frame_get,               false},
    {"frame_copies",                 frame_copies,            true },
    {"frames_after",                 frames_after,            true },
    {"comm_events",                  comm_events,             false},
    {"metering_points",              places,                  true },
    {"installations",                installations,           true },
    {"installations of the device",  installations_of_device, true },
    {"groups",                       groups,                  true },
    {"group_members",                members,                 false},
    {"users",                        users,                   true },
    {"tokens",                       tokens,                  true },
    {"audit",                        audit,                   true },
    {"counting",                     counting_get,            false},
    {"counter_entries",              counter_entries,         true },
    {"forgotten",                    forgotten,               true },
    {"retention",                    retention,               true },
    {"retention_plan",               retention_plan,          true },
    {"counting_set",                 counting_set,            false},
    {"counter_entry_add",            counter_entry_add,       false},
    {"counter_entry_remove",         counter_entry_remove,    false},
    {"line_update",                  line_update,             false},
    {"device_add on the line",       device_on_line,          false},
    {"devices_add on the line",      devices_on_line,         false},
    {"device_update",                device_update,           false},
    {"device_keys_set",              keys_set,                false},
    {"installation_add",             installation_add,        false},
    {"installation_add, own place",  device_at_place,         false},
    {"installation_add, own device", place_of_device,         false},
    {"group_change",                 group_change,            false},
    {"group_change, own group",      device_into_group,       false},
    {"enter",                        enter,                   false},
    {"forget",                       forget,                  false},
    {"user_update",                  user_update,             false},
    {"token_add for the user",       token_add,               false},
    {"group_remove",                 group_remove,            false},
    {"token_remove",                 token_remove,            false},
    {"user_remove",                  user_remove,             false},
    {"device_remove",                device_remove,           false},
    {"line_remove",                  line_remove,             false},
};

/* --- what there is to see --- */

static void add_history(struct owned *o)
{
    static const uint8_t bytes[] = {0x02, 0x44, 0x16};
    uint8_t mark[8];
    for (size_t i = 0; i < sizeof(mark); i++) {
        mark[i] = (uint8_t)(hyp_raw_frame_mark(bytes, sizeof(bytes)) >> (8 * i));
    }
    /* Old ones would go as soon as they are packed. */
    const hyp_utc now = o->t.clock.now_utc;
    const struct hyp_raw_frame frames[] = {
        {.line = o->line.id,
         .device = o->device.id,
         .received = now,
         .protocol = HYP_RAW_WMBUS,
         .bytes = bytes,
         .len = sizeof(bytes)},
        {.line = o->receiver.id,
         .received.ms = now.ms + 20,
         .protocol = HYP_RAW_COPY,
         .bytes = mark,
         .len = sizeof(mark) },
    };
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 5, 0);
    struct hyp_reading reading = test_reading(o->device.id, START_MS, &value, 1);
    reading.frame = 0;
    struct hyp_batch batch = {
        .readings = &reading, .reading_count = 1, .frames = frames, .frame_count = 2};
    assert_int_equal(test_submit(o->t.store, &batch), HYP_OK);
    o->point = test_point(&o->t, o->device.id, HYP_NAME_VOLUME);
    struct hyp_latest *found;
    size_t count;
    assert_int_equal(
        hyp_store_latest(o->t.store, o->t.tenant, o->device.id, &o->t.arena, &found, &count),
        HYP_OK);
    assert_int_equal(
        hyp_store_frame(o->t.store, o->t.tenant, found[0].frame, &o->t.arena, &o->frame),
        HYP_OK);
    o->entry = (struct hyp_counter_entry){
        .point = o->point, .time.ms = START_MS, .kind = HYP_COUNTER_ENTRY_EXCHANGE};
    assert_int_equal(hyp_store_counter_entry_add(o->t.store, o->t.tenant, &o->entry, NULL),
                     HYP_OK);
    struct hyp_comm_event event = {.time.ms = 1};
    assert_int_equal(hyp_store_comm_event_add(o->t.store, o->device.id, &event), HYP_OK);
    struct hyp_forgotten gone = {
        .tenant = o->t.tenant, .device = o->device.id, .from.ms = 1, .to.ms = 2};
    assert_int_equal(hyp_store_forget(o->t.store, &gone, NULL), HYP_OK);
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
        hyp_store_group_change(o->t.store, tenant, o->group.id,
                               &(struct hyp_group_change){.add = &o->device.id, .add_count = 1},
                               NULL),
        HYP_OK);
}

static struct owned owned;

static void there_is_something_to_own(void **state)
{
    (void)state;
    struct owned *o = &owned;
    test_store_open(&o->t, NULL);
    struct hyp_tenant stranger = {.name = "Next town", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(o->t.store, &stranger), HYP_OK);
    o->stranger = stranger.id;
    o->line = (struct hyp_line){.tenant = o->t.tenant, .kind = HYP_LINE_MBUS_TCP};
    assert_int_equal(hyp_store_line_add(o->t.store, &o->line, NULL), HYP_OK);
    o->receiver = (struct hyp_line){.tenant = o->t.tenant, .kind = HYP_LINE_WMBUS_TCP};
    assert_int_equal(hyp_store_line_add(o->t.store, &o->receiver, NULL), HYP_OK);
    o->device = (struct hyp_device){.tenant = o->t.tenant, .line = o->line.id, .serial = "1"};
    assert_int_equal(hyp_store_device_add(o->t.store, &o->device, NULL), HYP_OK);
    add_history(o);
    add_people(o);
    add_places(o);
}

static void strangers_get_nothing(void **state)
{
    const struct isolation *row = *state;
    size_t count = 0;
    enum hyp_status status = row->call(&owned, owned.stranger, &count);
    if (row->empty_for_strangers) {
        assert_int_equal(status, HYP_OK);
        assert_int_equal(count, 0);
    } else {
        assert_int_equal(status, HYP_NOT_FOUND);
    }
}

static void owners_get_it(void **state)
{
    const struct isolation *row = *state;
    size_t count = 0;
    assert_int_equal(row->call(&owned, owned.t.tenant, &count), HYP_OK);
    assert_true(count > 0);
}

static void it_ends(void **state)
{
    (void)state;
    test_store_close(&owned.t);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, there_is_something_to_own);
    TEST_ROWS(&list, rows, strangers_get_nothing);
    TEST_ROWS(&list, rows, owners_get_it);
    TEST_ONE(&list, it_ends);
    return test_list_run(&list, "store-tenant");
}
