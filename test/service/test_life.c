/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typing values in, their versions, retention and forgetting: who may, what is refused and why,
 * and what the audit log says.
 */
#include "fixture.h"

#include "service/counting.h"
#include "service/life.h"
#include "service/readings.h"

#define HOUR_MS (3600LL * 1000)

static struct test_service t;
static struct hyp_device device;

static int open_service(void **state)
{
    (void)state;
    test_service_open(&t);
    device = test_add_device(&t, "m", "12345678", 0);
    test_commit(&t, device.id, TEST_START_MS - HOUR_MS, 100);
    return 0;
}

static int close_service(void **state)
{
    (void)state;
    test_service_close(&t);
    return 0;
}

static const struct typed_row {
    const char *name;
    const char *key;
    const char *unit;
    const char *number;
    const char *quality;
    const char *reason;
    int64_t time;
    enum hyp_status status;
    const char *says; /* begins with the field */
} typed_rows[] = {
    {"a reading by hand",   "energy", "",    "123.4", "",          "read at the door",
     TEST_START_MS - HOUR_MS,                                                                               HYP_OK,      ""        },
    {"a correction",        "energy", "",    "99",    "corrected", "wrong pulse weight",
     TEST_START_MS - HOUR_MS,                                                                               HYP_OK,      ""        },
    {"a new register",      "volume", "",    "7.25",  "estimated", "meter was blocked",  TEST_START_MS,
     HYP_OK,                                                                                                             ""        },
    {"no such register",    "enregy", "",    "1",     "",          "x",                  TEST_START_MS,     HYP_INVALID, "key:"    },
    {"a register of texts", "text",   "",    "1",     "",          "x",                  TEST_START_MS,     HYP_INVALID, "key:"    },
    {"no such unit",        "energy", "kWg", "1",     "",          "x",                  TEST_START_MS,     HYP_INVALID, "unit:"   },
    {"no number",           "energy", "",    "1,5",   "",          "x",                  TEST_START_MS,     HYP_INVALID, "value:"  },
    {"a quality of meters", "energy", "",    "1",     "good",      "x",                  TEST_START_MS,     HYP_INVALID,
     "quality:"                                                                                                                    },
    {"no such quality",     "energy", "",    "1",     "best",      "x",                  TEST_START_MS,     HYP_INVALID, "quality:"},
    {"no reason",           "energy", "",    "1",     "",          "  ",                 TEST_START_MS,     HYP_INVALID, "reason:" },
    {"in the future",       "energy", "",    "1",     "",          "x",                  TEST_START_MS + 1, HYP_INVALID, "time:"   },
    {"long ago",            "energy", "",    "1",     "",          "x",                  0,                 HYP_INVALID, "time:"   },
};

static struct hyp_typed_value typed_of(const struct typed_row *row)
{
    return (struct hyp_typed_value){.device = device.id,
                                    .key = hyp_str_from(row->key),
                                    .unit = hyp_str_from(row->unit),
                                    .number = hyp_str_from(row->number),
                                    .quality = hyp_str_from(row->quality),
                                    .reason = hyp_str_from(row->reason),
                                    .time.ms = row->time};
}

static size_t count_audit(const char *action)
{
    struct hyp_audit_entry *entries;
    size_t count;
    size_t found = 0;
    assert_int_equal(hyp_store_audit(t.store, hyp_scope_tenant(&t.admin), 0, 100, &t.arena,
                                     &entries, &count),
                     HYP_OK);
    for (size_t i = 0; i < count; i++) {
        found += strcmp(entries[i].action, action) == 0;
    }
    return found;
}

static void typed_values_are_checked(void **state)
{
    const struct typed_row *row = *state;
    struct hyp_typed_value typed = typed_of(row);
    struct hyp_error err = {0};
    bool stored = false;
    open_service(NULL);
    assert_int_equal(hyp_life_enter(t.service, &t.admin, &typed, &t.arena, &stored, &err),
                     row->status);
    assert_int_equal(stored, row->status == HYP_OK);
    assert_int_equal(strncmp(err.text, row->says, strlen(row->says)), 0);
    assert_int_equal(count_audit("reading.enter"), row->status == HYP_OK);
    close_service(NULL);
}

static void only_those_who_may_type_in(void **state)
{
    (void)state;
    struct hyp_typed_value typed = typed_of(&typed_rows[0]);
    bool stored;
    assert_int_equal(hyp_life_enter(t.service, &t.reader, &typed, &t.arena, &stored, NULL),
                     HYP_DENIED);
    assert_int_equal(hyp_life_enter(t.service, &t.stranger, &typed, &t.arena, &stored, NULL),
                     HYP_NOT_FOUND);
}

/* 100 before, 120 after; hours of the day. */
static const struct forward_row {
    const char *name;
    const char *number;
    const char *unit;
    const char *says; /* empty = kept */
    bool confirmed;
    bool exchanged;
} forward_rows[] = {
    {"between them",            "110",  "kWh", "",                                     false, false},
    {"the same as before",      "100",  "kWh", "",                                     false, false},
    {"less than before",        "99.9", "kWh", "confirm: less than the 100 kWh of 20", false, false},
    {"more than after",         "121",  "kWh", "confirm: more than the 120 kWh of 20", false, false},
    {"less, confirmed",         "1",    "kWh", "",                                     true,  false},
    {"less, after an exchange", "1",    "kWh", "",                                     false, true },
    {"in another unit",         "0.1",  "MWh", "",                                     false, false},
};

static void a_typed_counter_goes_forward(void **state)
{
    const struct forward_row *row = *state;
    struct hyp_error err = {0};
    bool stored = false;
    open_service(NULL); /* 100 kWh an hour ago */
    test_commit(&t, device.id, TEST_START_MS + HOUR_MS, 120);
    t.clock.now_utc.ms = TEST_START_MS + 2 * HOUR_MS;
    struct hyp_point *points;
    size_t count;
    assert_int_equal(
        hyp_readings_points(t.service, &t.reader, device.id, &t.arena, &points, &count, NULL),
        HYP_OK);
    struct hyp_counter_entry exchange = {.point = points[0].id,
                                         .time.ms = TEST_START_MS - HOUR_MS / 2,
                                         .kind = HYP_COUNTER_ENTRY_EXCHANGE,
                                         .closing = {.digits = 101},
                                         .opening = {0}};
    if (row->exchanged) {
        assert_int_equal(hyp_counting_entry_add(t.service, &t.admin, &exchange, NULL), HYP_OK);
    }
    const struct hyp_typed_value typed = {.device = device.id,
                                          .key = HYP_STR("energy"),
                                          .unit = hyp_str_from(row->unit),
                                          .number = hyp_str_from(row->number),
                                          .time.ms = TEST_START_MS,
                                          .reason = HYP_STR("read at the door"),
                                          .confirmed = row->confirmed};
    enum hyp_status status =
        hyp_life_enter(t.service, &t.admin, &typed, &t.arena, &stored, &err);
    assert_int_equal(status, row->says[0] == '\0' ? HYP_OK : HYP_INVALID);
    assert_int_equal(stored, row->says[0] == '\0');
    if (strncmp(err.text, row->says, strlen(row->says)) != 0) {
        fail_msg("%s: \"%s\"", row->name, err.text);
    }
    close_service(NULL);
}

static void readers_see_every_version(void **state)
{
    (void)state;
    struct hyp_typed_value typed = typed_of(&typed_rows[1]);
    struct hyp_latest *values;
    struct hyp_version *versions;
    size_t count;
    bool stored;
    assert_int_equal(hyp_life_enter(t.service, &t.admin, &typed, &t.arena, &stored, NULL),
                     HYP_OK);
    assert_int_equal(
        hyp_readings_latest(t.service, &t.reader, device.id, &t.arena, &values, &count, NULL),
        HYP_OK);
    struct hyp_version_query query = {
        .point = values[0].value.point, .to.ms = TEST_START_MS, .limit = 10};
    assert_int_equal(values[0].value.decimal.digits, 99);
    assert_int_equal(values[0].value.quality, HYP_QUALITY_CORRECTED);
    assert_int_equal(
        hyp_life_versions(t.service, &t.reader, &query, &t.arena, &versions, &count, NULL),
        HYP_OK);
    assert_int_equal(count, 2);
    assert_true(versions[1].shown);
    assert_string_equal(versions[1].reason, "wrong pulse weight");
    assert_int_equal(
        hyp_life_versions(t.service, &t.stranger, &query, &t.arena, &versions, &count, NULL),
        HYP_NOT_FOUND);
    query.from = query.to;
    assert_int_equal(
        hyp_life_versions(t.service, &t.reader, &query, &t.arena, &versions, &count, NULL),
        HYP_INVALID);
}

static void retention_is_the_administrators(void **state)
{
    (void)state;
    struct hyp_retention rule;
    struct hyp_retention changed = {.full_months = 24, .day_months = 120, .day_hour = 6};
    assert_int_equal(hyp_life_retention(t.service, &t.reader, &rule, NULL), HYP_OK);
    assert_int_equal(rule.full_months, 13);
    assert_int_equal(rule.day_months, 60);
    assert_int_equal(hyp_life_retention_set(t.service, &t.reader, &changed, NULL), HYP_DENIED);
    assert_int_equal(hyp_life_retention_set(t.service, &t.admin, &changed, NULL), HYP_OK);
    assert_int_equal(hyp_life_retention(t.service, &t.reader, &rule, NULL), HYP_OK);
    assert_memory_equal(&rule, &changed, sizeof(rule));
    assert_int_equal(count_audit("data.retention"), 1);
    changed.day_months = 1;
    assert_int_equal(hyp_life_retention_set(t.service, &t.admin, &changed, NULL), HYP_INVALID);
    assert_int_equal(hyp_life_retention(t.service, &t.stranger, &rule, NULL), HYP_OK);
    assert_int_equal(rule.full_months, 13);
    struct hyp_retention_plan plan;
    assert_int_equal(hyp_life_retention_plan(t.service, &t.reader, &rule, &plan, NULL),
                     HYP_DENIED);
    assert_int_equal(hyp_life_retention_plan(t.service, &t.stranger, &rule, &plan, NULL),
                     HYP_OK);
    assert_int_equal(plan.devices, 0); /* those of another tenant are not counted */
    assert_int_equal(hyp_life_retention_plan(t.service, &t.admin, &rule, &plan, NULL), HYP_OK);
    assert_int_equal(plan.devices, 1);
    assert_int_equal(plan.oldest.ms, TEST_START_MS - HOUR_MS);
}

static void forgetting_is_the_administrators(void **state)
{
    (void)state;
    struct hyp_forgotten *list;
    size_t count;
    struct hyp_forgotten asked = {
        .device = device.id, .from.ms = 0, .to.ms = TEST_START_MS, .reason = "request 12"};
    assert_int_equal(hyp_life_forget(t.service, &t.reader, &asked, NULL), HYP_DENIED);
    assert_int_equal(hyp_life_forget(t.service, &t.stranger, &asked, NULL), HYP_NOT_FOUND);
    asked.reason[0] = '\0';
    assert_int_equal(hyp_life_forget(t.service, &t.admin, &asked, NULL), HYP_INVALID);
    asked.reason[0] = 'x';
    assert_int_equal(hyp_life_forget(t.service, &t.admin, &asked, NULL), HYP_OK);
    assert_int_equal(count_audit("data.forget"), 1);
    assert_int_equal(hyp_life_forgotten(t.service, &t.reader, &t.arena, &list, &count, NULL),
                     HYP_DENIED);
    assert_int_equal(hyp_life_forgotten(t.service, &t.stranger, &t.arena, &list, &count, NULL),
                     HYP_OK);
    assert_int_equal(count, 0);
    do {
        test_commit(&t, device.id, TEST_START_MS + HOUR_MS, 100);
        assert_int_equal(hyp_life_forgotten(t.service, &t.admin, &t.arena, &list, &count, NULL),
                         HYP_OK);
        assert_int_equal(count, 1);
    } while (list[0].ended.ms == 0);
    assert_int_equal(list[0].id, asked.id);
    struct hyp_stored_reading *readings;
    size_t total;
    assert_int_equal(hyp_store_readings(t.store, hyp_scope_tenant(&t.admin), device.id,
                                        (hyp_utc){0}, (hyp_utc){TEST_START_MS}, 0, 10, &t.arena,
                                        &readings, &count, &total),
                     HYP_OK);
    assert_int_equal(total, 0);
}

/* What there is with backups is test/store/test_store_backups.c and test/system/backups.py. */
static void removing_backups_is_a_right_of_its_own(void **state)
{
    (void)state;
    struct hyp_life_backups backups;
    struct hyp_life_removal found;
    struct hyp_error err = {0};
    struct hyp_forgotten asked = {
        .device = device.id, .from.ms = 0, .to.ms = TEST_START_MS, .reason = "request 12"};
    assert_int_equal(hyp_life_forget(t.service, &t.admin, &asked, NULL), HYP_OK);
    assert_int_equal(hyp_life_backups(t.service, &t.reader, &t.arena, &backups, NULL),
                     HYP_DENIED);
    assert_int_equal(hyp_life_backups(t.service, &t.admin, &t.arena, &backups, NULL), HYP_OK);
    assert_int_equal(backups.report.count, 0);
    assert_non_null(strstr(hyp_life_unseen_copies(t.service), "copies of backups"));
    assert_int_equal(
        hyp_life_remove_backups(t.service, &t.reader, asked.id, &t.arena, &found, &err),
        HYP_DENIED);
    assert_non_null(strstr(err.text, "backup.remove"));
    assert_int_equal(
        hyp_life_remove_backups(t.service, &t.stranger, asked.id, &t.arena, &found, &err),
        HYP_NOT_FOUND);
    assert_int_equal(
        hyp_life_remove_backups(t.service, &t.admin, asked.id, &t.arena, &found, &err),
        HYP_UNSUPPORTED);
    assert_int_equal(count_audit("backup.remove"), 0);
}

#define WITH_SERVICE(test) cmocka_unit_test_setup_teardown(test, open_service, close_service)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(only_those_who_may_type_in),
        WITH_SERVICE(readers_see_every_version),
        WITH_SERVICE(retention_is_the_administrators),
        WITH_SERVICE(forgetting_is_the_administrators),
        WITH_SERVICE(removing_backups_is_a_right_of_its_own),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    TEST_ROWS(&list, typed_rows, typed_values_are_checked);
    TEST_ROWS(&list, forward_rows, a_typed_counter_goes_forward);
    return test_list_run(&list, "service-life");
}
