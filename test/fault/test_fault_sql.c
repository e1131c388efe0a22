/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The n-th step of a statement fails, for every n: whatever was being done is done or not done,
 * says so, and the next thing works.
 */
#include "scenario.h"
#include "statement_fault.h"

/* --- actions that write, each to be done or not done --- */

struct acting {
    struct test_store t;
    struct hyp_line line;
    struct hyp_device device;
    int round;
};

typedef enum hyp_status (*action)(struct acting *a, struct hyp_error *err);

static void number_text(char *out, size_t size, int number)
{
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, out, size);
    hyp_buf_append_i64(&buf, number);
    (void)hyp_buf_terminate(&buf);
}

static enum hyp_status add_device(struct acting *a, struct hyp_error *err)
{
    struct hyp_device device = {
        .tenant = a->t.tenant, .line = a->line.id, .unit_id = (uint8_t)a->round};
    number_text(device.serial, sizeof(device.serial), a->round);
    return hyp_store_device_add(a->t.store, &device, err);
}

static enum hyp_status add_devices(struct acting *a, struct hyp_error *err)
{
    struct hyp_device devices[2] = {{.tenant = a->t.tenant}, {.tenant = a->t.tenant}};
    number_text(devices[0].serial, sizeof(devices[0].serial), 1000 + a->round);
    number_text(devices[1].serial, sizeof(devices[1].serial), 2000 + a->round);
    return hyp_store_devices_add(a->t.store, devices, 2, err);
}

static enum hyp_status update_device(struct acting *a, struct hyp_error *err)
{
    return hyp_store_device_update(a->t.store, &a->device, err);
}

static enum hyp_status remove_device(struct acting *a, struct hyp_error *err)
{
    struct hyp_device device = {.tenant = a->t.tenant};
    number_text(device.serial, sizeof(device.serial), 3000 + a->round);
    enum hyp_status status = hyp_store_device_add(a->t.store, &device, err);
    return status == HYP_OK ? hyp_store_device_remove(a->t.store, a->t.tenant, device.id, err)
                            : status;
}

static enum hyp_status update_line(struct acting *a, struct hyp_error *err)
{
    return hyp_store_line_update(a->t.store, &a->line, err);
}

static enum hyp_status add_and_remove_line(struct acting *a, struct hyp_error *err)
{
    struct hyp_line line = {.tenant = a->t.tenant, .kind = HYP_LINE_MBUS_TCP};
    enum hyp_status status = hyp_store_line_add(a->t.store, &line, err);
    return status == HYP_OK ? hyp_store_line_remove(a->t.store, a->t.tenant, line.id, err)
                            : status;
}

static enum hyp_status add_user(struct acting *a, struct hyp_error *err)
{
    struct hyp_user user = {.tenant = a->t.tenant};
    number_text(user.login, sizeof(user.login), a->round);
    return hyp_store_user_add(a->t.store, &user, err);
}

static enum hyp_status add_group(struct acting *a, struct hyp_error *err)
{
    struct hyp_group group = {.tenant = a->t.tenant};
    number_text(group.name, sizeof(group.name), a->round);
    enum hyp_status status = hyp_store_group_add(a->t.store, &group, err);
    if (status == HYP_OK) {
        status = hyp_store_group_change(
            a->t.store, a->t.tenant, group.id,
            &(struct hyp_group_change){.add = &a->device.id, .add_count = 1}, err);
    }
    return status;
}

static enum hyp_status add_place(struct acting *a, struct hyp_error *err)
{
    struct hyp_metering_point place = {.tenant = a->t.tenant};
    enum hyp_status status = hyp_store_metering_point_add(a->t.store, &place, err);
    struct hyp_installation installation = {.metering_point = place.id,
                                            .device = a->device.id,
                                            .from.ms = a->round * 10 + 1,
                                            .to.ms = a->round * 10 + 2};
    return status == HYP_OK
               ? hyp_store_installation_add(a->t.store, a->t.tenant, &installation, err)
               : status;
}

/* Calls without an error text fill one, so that the check below holds for them too. */
static enum hyp_status plain(enum hyp_status status, struct hyp_error *err)
{
    return status == HYP_OK ? status : hyp_error_set(err, status, -1, "status only");
}

static enum hyp_status save_comm(struct acting *a, struct hyp_error *err)
{
    struct hyp_stored_comm state = {.device = a->device.id, .comm.attempts = 1};
    struct hyp_comm_event event = {.time.ms = 1};
    enum hyp_status status = hyp_store_comm_save(a->t.store, &state, 1);
    if (status == HYP_OK) {
        status = hyp_store_comm_event_add(a->t.store, a->device.id, &event);
    }
    return plain(status, err);
}

static enum hyp_status sign_in(struct acting *a, struct hyp_error *err)
{
    struct hyp_user user = {.tenant = a->t.tenant};
    number_text(user.login, sizeof(user.login), 5000 + a->round);
    enum hyp_status status = hyp_store_user_add(a->t.store, &user, err);
    struct hyp_session_row session = {.user = user.id, .expires.ms = START_MS + HOUR_MS};
    memcpy(session.token_hash, user.login, 8);
    struct hyp_api_token token = {.tenant = a->t.tenant, .user = user.id};
    memcpy(token.token_hash, user.login, 8);
    if (status == HYP_OK) {
        status = hyp_store_session_add(a->t.store, &user, &session);
    }
    if (status == HYP_OK) {
        status = hyp_store_token_add(a->t.store, &token);
    }
    if (status == HYP_OK) {
        status = hyp_store_session_touch(a->t.store, session.token_hash, (hyp_utc){1},
                                         (hyp_utc){START_MS + HOUR_MS});
    }
    return plain(status, err);
}

/* The session ends with the change, or neither is done. */
static enum hyp_status change_password(struct acting *a, struct hyp_error *err)
{
    struct hyp_user user = {.tenant = a->t.tenant};
    number_text(user.login, sizeof(user.login), 7000 + a->round);
    enum hyp_status status = hyp_store_user_add(a->t.store, &user, err);
    struct hyp_session_row session = {.user = user.id, .expires.ms = START_MS + HOUR_MS};
    memcpy(session.token_hash, user.login, 8);
    if (status == HYP_OK) {
        status = plain(hyp_store_session_add(a->t.store, &user, &session), err);
    }
    if (status != HYP_OK) {
        return status;
    }
    hyp_text_copy(user.password_hash, sizeof(user.password_hash), HYP_STR("new"));
    status = hyp_store_user_update(a->t.store, &user, true, err);
    struct hyp_user back;
    statement_fault_pause(a->t.store, true);
    assert_int_equal(hyp_store_user(a->t.store, user.id, &back), HYP_OK);
    assert_string_equal(back.password_hash, status == HYP_OK ? "new" : "");
    assert_int_equal(hyp_store_session(a->t.store, session.token_hash, &session),
                     status == HYP_OK ? HYP_NOT_FOUND : HYP_OK);
    statement_fault_pause(a->t.store, false);
    return status;
}

static enum hyp_status write_audit(struct acting *a, struct hyp_error *err)
{
    struct hyp_audit_entry entry = {.tenant = a->t.tenant};
    enum hyp_status status = hyp_store_audit_add(a->t.store, &entry);
    if (status == HYP_OK) {
        status = hyp_store_blob_put(a->t.store, "x", (const uint8_t *)"y", 1);
    }
    return plain(status, err);
}

static const struct action_row {
    const char *name;
    action run;
} actions[] = {
    {"device_add",          add_device         },
    {"devices_add",         add_devices        },
    {"device_update",       update_device      },
    {"device_remove",       remove_device      },
    {"line_update",         update_line        },
    {"line_add and remove", add_and_remove_line},
    {"user_add",            add_user           },
    {"groups",              add_group          },
    {"places",              add_place          },
    {"communication",       save_comm          },
    {"sessions and tokens", sign_in            },
    {"password",            change_password    },
    {"audit, learned",      write_audit        },
};

static void each_failing_step_is_reported(void **state)
{
    const struct action_row *row = *state;
    struct acting a = {0};
    test_store_open(&a.t, NULL);
    a.line = (struct hyp_line){.tenant = a.t.tenant, .kind = HYP_LINE_MODBUS_TCP};
    assert_int_equal(hyp_store_line_add(a.t.store, &a.line, NULL), HYP_OK);
    a.device = (struct hyp_device){.tenant = a.t.tenant, .serial = "base"};
    assert_int_equal(hyp_store_device_add(a.t.store, &a.device, NULL), HYP_OK);
    statement_fault_install(a.t.store);
    struct hyp_error err = {0};
    statement_fault_arm(a.t.store, 0, false);
    assert_int_equal(row->run(&a, &err), HYP_OK);
    long steps = statement_fault_taken(a.t.store);
    assert_true(steps > 2);
    bool failed = false;
    for (long n = 1; n <= steps; n++) {
        a.line.revision = HYP_MAX(a.line.revision, 1);
        a.round++;
        err = (struct hyp_error){0};
        statement_fault_arm(a.t.store, n, false);
        enum hyp_status status = row->run(&a, &err);
        statement_fault_arm(a.t.store, 0, false);
        if (status != HYP_OK) {
            failed = true;
            assert_int_equal(err.status, status);
            assert_true(err.text[0] != '\0');
        }
        /* The next try succeeds, and was not made twice by the first. */
        a.round++;
        if (row->run(&a, &err) != HYP_OK) {
            fail_msg("after failing step %ld: %s", n, err.text);
        }
    }
    assert_true(failed);
    test_store_close(&a.t);
}

/* --- intake --- */

static void intake_keeps_its_promises(void **state)
{
    (void)state;
    struct scenario s;
    scenario_make(&s);
    struct hyp_store *store;
    assert_int_equal(scenario_open(&s, &store), HYP_OK);
    statement_fault_install(store);
    statement_fault_arm(store, 0, false);
    assert_int_equal(scenario_send(&s, store, 0), HYP_OK);
    long steps = statement_fault_taken(store);
    assert_true(steps > 4);
    int64_t k = 1;
    bool failed = false;
    for (long n = 1; n <= steps; n++, k += 2) {
        statement_fault_arm(store, n, false);
        failed |= scenario_send(&s, store, k) != HYP_OK;
        statement_fault_arm(store, 0, false);
        assert_int_equal(scenario_send(&s, store, k + 1), HYP_OK);
        scenario_check(&s, store);
    }
    assert_true(failed);
    hyp_store_close(store);
    scenario_check_closed(&s);
    scenario_check_pages(&s);
    scenario_remove(&s);
}

/* New points appear in the same transaction; when that fails they do not stay behind. */
static void points_of_a_failed_batch_are_forgotten(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "1");
    statement_fault_install(t.store);
    long steps = 1;
    for (long n = 0; n <= steps; n++) {
        struct hyp_value values[] = {test_decimal(HYP_NAME_VOLUME, 1, 0),
                                     test_decimal(HYP_NAME_FLOW, 1, 0)};
        values[0].key.storage = (uint64_t)n;
        values[1].key.storage = (uint64_t)n;
        struct hyp_reading reading = test_reading(device, START_MS, values, 2);
        struct hyp_store_stats before;
        hyp_store_stats(t.store, &before);
        statement_fault_arm(t.store, n, false);
        enum hyp_status status = test_put(&t, &reading);
        steps = n == 0 ? statement_fault_taken(t.store) : steps;
        statement_fault_arm(t.store, 0, false);
        struct hyp_store_stats after;
        hyp_store_stats(t.store, &after);
        assert_int_equal(after.points, before.points + (status == HYP_OK ? 2 : 0));
        struct hyp_point *points;
        size_t count;
        assert_int_equal(hyp_store_points(t.store, t.tenant, device, &t.arena, &points, &count),
                         HYP_OK);
        assert_int_equal(count, after.points);
        assert_int_equal(test_put(&t, &reading), HYP_OK);
        hyp_store_stats(t.store, &after);
        assert_int_equal(after.points, before.points + 2);
        assert_int_equal(after.values, before.values + 2);
    }
    test_store_close(&t);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, actions, each_failing_step_is_reported);
    TEST_ONE(&list, intake_keeps_its_promises);
    TEST_ONE(&list, points_of_a_failed_batch_are_forgotten);
    return test_list_run(&list, "fault-sql");
}
