/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tenant's things do not exist for another: each use case is asked for them by an
 * administrator of the other tenant, and by somebody without any right.
 */
#include "fixture.h"

#include "service/audit.h"
#include "service/explain.h"
#include "service/field.h"
#include "service/manifest.h"
#include "service/meter_registers.h"
#include "service/overview.h"
#include "service/period_walk.h"
#include "service/readings.h"

static struct test_service t;
static struct hyp_device device;
static struct hyp_line line;
static struct hyp_group group;
static struct hyp_user user;
static struct hyp_api_token token;
static hyp_point_id point;

static const hyp_utc far = {253402300799000LL};

static enum hyp_status device_get(const struct hyp_scope *scope)
{
    struct hyp_device_view view;
    return hyp_device_get(t.service, scope, device.id, &t.arena, &view, NULL, NULL);
}

static enum hyp_status device_update(const struct hyp_scope *scope)
{
    struct hyp_device changed = device;
    return hyp_device_update(t.service, scope, &changed, false, NULL);
}

static enum hyp_status device_remove(const struct hyp_scope *scope)
{
    return hyp_device_remove(t.service, scope, device.id, NULL);
}

static enum hyp_status latest(const struct hyp_scope *scope)
{
    struct hyp_latest *values;
    size_t count;
    return hyp_readings_latest(t.service, scope, device.id, &t.arena, &values, &count, NULL);
}

static enum hyp_status point_latest(const struct hyp_scope *scope)
{
    struct hyp_latest value;
    return hyp_readings_point_latest(t.service, scope, point, &t.arena, &value, NULL);
}

static enum hyp_status points(const struct hyp_scope *scope)
{
    struct hyp_point *found;
    size_t count;
    return hyp_readings_points(t.service, scope, device.id, &t.arena, &found, &count, NULL);
}

static enum hyp_status readings(const struct hyp_scope *scope)
{
    struct hyp_stored_reading *found;
    size_t count;
    size_t total;
    return hyp_readings_list(t.service, scope, device.id, (hyp_utc){0}, far,
                             (struct hyp_page){0, 10}, &t.arena, &found, &count, &total, NULL);
}

static enum hyp_status series(const struct hyp_scope *scope)
{
    struct hyp_series *found;
    const struct hyp_series_query query = {
        .points = &point, .point_count = 1, .to = far, .px = 100};
    return hyp_readings_series(t.service, scope, &query, &t.arena, &found, NULL);
}

static enum hyp_status export(const struct hyp_scope *scope) {
    struct hyp_export walk;
    return hyp_export_init(&walk, t.service, scope, device.id, (hyp_utc){0}, far, NULL);
}

static enum hyp_status period_walk(const struct hyp_scope *scope)
{
    struct hyp_period_walk walk;
    const struct hyp_periods_query query = {
        .point = point, .to = {TEST_START_MS}, .period = HYP_PERIOD_YEAR};
    enum hyp_status status =
        hyp_period_walk_begin(&walk, t.service, scope, &query, HYP_LIMIT_PERIOD_ROWS, NULL);
    if (status == HYP_OK) {
        hyp_period_walk_finish(&walk);
    }
    return status;
}

static enum hyp_status registers_of_group(const struct hyp_scope *scope)
{
    struct hyp_meter_registers found;
    const struct hyp_meter_registers_query query = {.key.name = HYP_NAME_ENERGY,
                                                    .group = group.id};
    return hyp_meter_registers_find(t.service, scope, &query, &t.arena, &found, NULL);
}

static enum hyp_status registers_of_list(const struct hyp_scope *scope)
{
    struct hyp_meter_registers found;
    const struct hyp_meter_registers_query query = {
        .key.name = HYP_NAME_ENERGY, .devices = &device.id, .device_count = 1};
    return hyp_meter_registers_find(t.service, scope, &query, &t.arena, &found, NULL);
}

static enum hyp_status frames(const struct hyp_scope *scope)
{
    struct hyp_stored_frame *found;
    size_t count;
    return hyp_frames_list(t.service, scope, device.id, (hyp_line_id){0}, false,
                           (struct hyp_page){0, 10}, &t.arena, &found, &count, NULL);
}

static enum hyp_status comm_events(const struct hyp_scope *scope)
{
    struct hyp_comm_event *found;
    size_t count;
    return hyp_field_comm_events(t.service, scope, device.id, &t.arena, &found, &count, NULL);
}

static enum hyp_status read_now(const struct hyp_scope *scope)
{
    struct hyp_job job;
    return hyp_field_read(t.service, scope, &device.id, 1, &job, NULL);
}

static enum hyp_status command(const struct hyp_scope *scope)
{
    struct hyp_job job;
    const struct hyp_meter_command wanted = {
        .kind = HYP_METER_RESET_APPLICATION, .device = device.id, .value = -1};
    return hyp_field_command(t.service, scope, &wanted, &job, NULL);
}

static enum hyp_status scan(const struct hyp_scope *scope)
{
    struct hyp_job job;
    const struct hyp_scan wanted = {.line = line.id};
    return hyp_field_scan(t.service, scope, &wanted, &job, NULL);
}

static enum hyp_status queue(const struct hyp_scope *scope)
{
    struct hyp_queue_view *found;
    size_t count;
    return hyp_field_queue(t.service, scope, line.id, &t.arena, &found, &count, NULL);
}

static enum hyp_status line_get(const struct hyp_scope *scope)
{
    struct hyp_line_view view;
    return hyp_line_get(t.service, scope, line.id, &view, NULL);
}

static enum hyp_status line_update(const struct hyp_scope *scope)
{
    struct hyp_line changed = line;
    return hyp_line_update(t.service, scope, &changed, false, NULL);
}

static enum hyp_status line_remove(const struct hyp_scope *scope)
{
    return hyp_line_remove(t.service, scope, line.id, NULL);
}

static enum hyp_status group_members(const struct hyp_scope *scope)
{
    hyp_device_id *found;
    size_t count;
    return hyp_group_members(t.service, scope, group.id, &t.arena, &found, &count, NULL);
}

static enum hyp_status group_change(const struct hyp_scope *scope)
{
    return hyp_group_change(t.service, scope, group.id,
                            &(struct hyp_group_change){.add = &device.id, .add_count = 1},
                            NULL);
}

static enum hyp_status group_remove(const struct hyp_scope *scope)
{
    return hyp_group_remove(t.service, scope, group.id, NULL);
}

static enum hyp_status user_get(const struct hyp_scope *scope)
{
    struct hyp_user found;
    return hyp_people_user(t.service, scope, user.id, &found, NULL);
}

static enum hyp_status user_remove(const struct hyp_scope *scope)
{
    return hyp_people_user_remove(t.service, scope, user.id, NULL);
}

static enum hyp_status token_remove(const struct hyp_scope *scope)
{
    return hyp_people_token_remove(t.service, scope, token.id, NULL);
}

static const struct row {
    const char *name;
    enum hyp_status (*run)(const struct hyp_scope *scope);
} rows[] = {
    {"device.get",           device_get        },
    {"device.update",        device_update     },
    {"device.remove",        device_remove     },
    {"latest",               latest            },
    {"point latest",         point_latest      },
    {"points",               points            },
    {"readings",             readings          },
    {"series",               series            },
    {"export",               export            },
    {"period walk",          period_walk       },
    {"registers of a group", registers_of_group},
    {"registers of a list",  registers_of_list },
    {"frames",               frames            },
    {"comm events",          comm_events       },
    {"read now",             read_now          },
    {"command",              command           },
    {"scan",                 scan              },
    {"queue",                queue             },
    {"line.get",             line_get          },
    {"line.update",          line_update       },
    {"line.remove",          line_remove       },
    {"group members",        group_members     },
    {"group change",         group_change      },
    {"group remove",         group_remove      },
    {"user.get",             user_get          },
    {"user.remove",          user_remove       },
    {"token.remove",         token_remove      },
};

static void fill(void)
{
    char text[HYP_TOKEN_TEXT_MAX];
    struct hyp_point *found;
    size_t count;
    test_service_open(&t);
    line = test_add_line(&t, "north");
    device = test_add_device(&t, "m", "12345678", line.id.id);
    test_commit(&t, device.id, TEST_START_MS, 1);
    group = (struct hyp_group){.name = "g"};
    assert_int_equal(hyp_group_add(t.service, &t.admin, &group, NULL), HYP_OK);
    user = test_add_user(&t, "rita", HYP_ROLE_READER);
    struct hyp_scope maker = hyp_scope_make(t.admin.tenant, user.id, HYP_ROLE_ADMIN);
    token = (struct hyp_api_token){.name = "t", .role = HYP_ROLE_READER};
    assert_int_equal(hyp_people_token_add(t.service, &maker, &token, text, NULL), HYP_OK);
    assert_int_equal(
        hyp_store_points(t.store, t.admin.tenant, device.id, &t.arena, &found, &count), HYP_OK);
    point = found[0].id;
}

static void check(void **state)
{
    const struct row *row = *state;
    struct hyp_scope nobody;
    fill();
    nobody = hyp_scope_make(t.admin.tenant, 5, HYP_ROLE_NONE);
    assert_int_equal(row->run(&t.stranger), HYP_NOT_FOUND);
    assert_int_equal(row->run(&nobody), HYP_DENIED);
    test_service_close(&t);
}

/* Lists of the other tenant are empty. */
static void lists_are_empty(void **state)
{
    struct hyp_device_page page;
    struct hyp_line_view *lines;
    struct hyp_group *groups;
    struct hyp_user *users;
    struct hyp_api_token *tokens;
    struct hyp_audit_view *entries;
    struct hyp_overview overview;
    const struct hyp_device_query query = {.line = HYP_LINE_ANY, .limit = 10};
    size_t count;
    (void)state;
    fill();
    const struct hyp_scope *stranger = &t.stranger;
    assert_int_equal(
        hyp_devices_list(t.service, stranger, &query, 0, &t.arena, &page, NULL, NULL), HYP_OK);
    assert_int_equal(page.total, 0);
    assert_int_equal(page.line_count, 0);
    assert_int_equal(hyp_lines_list(t.service, stranger, &t.arena, &lines, &count, NULL),
                     HYP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(hyp_groups_list(t.service, stranger, &t.arena, &groups, &count, NULL),
                     HYP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(hyp_people_users(t.service, stranger, &t.arena, &users, &count, NULL),
                     HYP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(hyp_people_tokens(t.service, stranger, &t.arena, &tokens, &count, NULL),
                     HYP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(
        hyp_audit_list(t.service, stranger, 0, 10, &t.arena, &entries, &count, NULL), HYP_OK);
    assert_int_equal(count, 0);
    struct hyp_meter_registers registers;
    const struct hyp_meter_registers_query energy = {.key.name = HYP_NAME_ENERGY};
    assert_int_equal(
        hyp_meter_registers_find(t.service, stranger, &energy, &t.arena, &registers, NULL),
        HYP_OK);
    assert_int_equal(registers.count + registers.without, 0);
    assert_int_equal(hyp_overview_get(t.service, stranger, &t.arena, &overview, NULL), HYP_OK);
    assert_int_equal(overview.devices + overview.lines, 0);
    test_service_close(&t);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, rows, check);
    TEST_ONE(&list, lists_are_empty);
    return test_list_run(&list, "isolation");
}
