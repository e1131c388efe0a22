/* SPDX-License-Identifier: Apache-2.0 */
#include "fresh.h"

#include "service/overview.h"

/* --- what is refused, with the name of the field --- */

static const struct check_row {
    const char *name;
    const char *field; /* NULL = good */
    struct hyp_device device;
    bool on_line;
} check_rows[] = {
    {"a radio meter",
     NULL,                                  {.serial = "12345678", .version = -1, .medium = -1, .primary_address = -1},
     false                                                                                                                                  },
    {"a number is needed on the air",
     "serial",                              {.primary_address = -1, .version = -1, .medium = -1},
     false                                                                                                                                  },
    {"eight digits",
     "serial",                              {.serial = "1234567", .primary_address = -1, .version = -1, .medium = -1},
     false                                                                                                                                  },
    {"hex digits",
     "serial",                              {.serial = "1234567G", .primary_address = -1, .version = -1, .medium = -1},
     false                                                                                                                                  },
    {"a meter by address",            NULL, {.primary_address = 5, .version = -1, .medium = -1},                                        true},
    {"an address is needed",
     "primary_address",                     {.serial = "12345678", .primary_address = -1, .version = -1, .medium = -1},
     true                                                                                                                                   },
    {"address 251 is no meter's",
     "primary_address",                     {.primary_address = 251, .version = -1, .medium = -1},
     true                                                                                                                                   },
    {"a meter by number",
     NULL,                                  {.serial = "12345678",
      .secondary = true,
      .primary_address = -1,
      .version = -1,
      .medium = -1},
     true                                                                                                                                   },
    {"by number, without one",
     "serial",                              {.secondary = true, .primary_address = -1, .version = -1, .medium = -1},
     true                                                                                                                                   },
    {"two letters are no maker",
     "manufacturer",                        {.serial = "12345678",
      .manufacturer = "KA",
      .primary_address = -1,
      .version = -1,
      .medium = -1},
     false                                                                                                                                  },
    {"versions are bytes",
     "version",                             {.serial = "12345678", .version = 256, .medium = -1, .primary_address = -1},
     false                                                                                                                                  },
    {"media are bytes",
     "medium",                              {.serial = "12345678", .version = -1, .medium = 300, .primary_address = -1},
     false                                                                                                                                  },
    {"an unknown kind",
     "kind",                                {.serial = "12345678",
      .kind = "toaster",
      .version = -1,
      .medium = -1,
      .primary_address = -1},
     false                                                                                                                                  },
    {"an unknown profile",
     "profile",                             {.serial = "12345678",
      .profile = "nonesuch",
      .version = -1,
      .medium = -1,
      .primary_address = -1},
     false                                                                                                                                  },
    {"a known profile",
     NULL,                                  {.serial = "12345678",
      .profile = "generic_en13757",
      .version = -1,
      .medium = -1,
      .primary_address = -1},
     false                                                                                                                                  },
    {"beyond the pole",
     "latitude",                            {.serial = "12345678", .latitude = 91, .version = -1, .medium = -1, .primary_address = -1},
     false                                                                                                                                  },
    {"an unknown line",
     "line",                                {.serial = "12345678", .line = {99}, .version = -1, .medium = -1, .primary_address = -1},
     false                                                                                                                                  },
};

static void check(void **state)
{
    const struct check_row *row = *state;
    struct hyp_device device = row->device;
    struct hyp_error err = {0};
    open_service(NULL);
    if (row->on_line) {
        device.line = test_add_line(&t, "north").id;
    }
    enum hyp_status status = hyp_device_add(t.service, &t.admin, &device, &err);
    if (row->field == NULL) {
        assert_int_equal(status, HYP_OK);
    } else {
        assert_int_equal(status, HYP_INVALID);
        assert_true(hyp_str_has_prefix(hyp_str_from(err.text), hyp_str_from(row->field)));
        assert_int_equal(err.text[strlen(row->field)], ':');
    }
    close_service(NULL);
}

/* --- defaults --- */

static void defaults_are_filled_in(void **state)
{
    struct hyp_device_view view;
    (void)state;
    struct hyp_line line = test_add_line(&t, "north");
    struct hyp_device device = {
        .line = line.id, .primary_address = 3, .version = -1, .medium = 7, .enabled = true};
    assert_int_equal(hyp_device_add(t.service, &t.admin, &device, NULL), HYP_OK);
    assert_int_equal(
        hyp_device_get(t.service, &t.reader, device.id, &t.arena, &view, NULL, NULL), HYP_OK);
    assert_string_equal(view.device.kind, "water_meter");
    assert_true(view.device.name[0] != '\0');
    assert_int_equal(view.device.schedule.kind, HYP_SCHEDULE_EVERY);
    assert_int_equal(view.device.schedule.minutes, 15);
    assert_string_equal(view.line_name, "north");
    assert_true(view.polled);
    assert_int_equal(view.device.created.ms, TEST_START_MS);
    struct hyp_device radio = test_add_device(&t, "r", "12345678", 0);
    assert_int_equal(radio.schedule.kind, HYP_SCHEDULE_NONE);
    assert_int_equal(
        hyp_device_get(t.service, &t.reader, radio.id, &t.arena, &view, NULL, NULL), HYP_OK);
    assert_false(view.polled);
}

/* --- change --- */

static void keys_stay_unless_given(void **state)
{
    struct hyp_device_view view;
    struct hyp_device stored;
    (void)state;
    struct hyp_device device = test_add_device(&t, "m", "12345678", 0);
    device.has_key = true;
    memset(device.key.bytes, 0x11, sizeof(device.key.bytes));
    assert_int_equal(hyp_device_update(t.service, &t.admin, &device, true, NULL), HYP_OK);
    assert_int_equal(
        hyp_device_get(t.service, &t.admin, device.id, &t.arena, &view, NULL, NULL), HYP_OK);
    hyp_text_copy(view.device.city, sizeof(view.device.city), HYP_STR("Thermopolis"));
    assert_int_equal(hyp_device_update(t.service, &t.admin, &view.device, false, NULL), HYP_OK);
    assert_int_equal(hyp_store_device(t.store, t.admin.tenant, device.id, &stored), HYP_OK);
    assert_true(stored.has_key);
    assert_int_equal(stored.key.bytes[15], 0x11);
    assert_string_equal(stored.city, "Thermopolis");
    /* The old revision is refused. */
    assert_int_equal(hyp_device_update(t.service, &t.admin, &device, false, NULL),
                     HYP_CONFLICT);
}

static void audit_tells_changes_but_no_secrets(void **state)
{
    (void)state;
    struct hyp_device device = test_add_device(&t, "before", "12345678", 0);
    hyp_text_copy(device.name, sizeof(device.name), HYP_STR("after"));
    device.has_key = true;
    memset(device.key.bytes, 0xAB, sizeof(device.key.bytes));
    assert_int_equal(hyp_device_update(t.service, &t.admin, &device, true, NULL), HYP_OK);
    struct hyp_audit_entry entry = test_last_audit(&t);
    assert_string_equal(entry.action, "device.update");
    assert_non_null(strstr(entry.detail, "name: before -> after"));
    assert_non_null(strstr(entry.detail, "key changed"));
    assert_null(strstr(entry.detail, "AB"));
    assert_null(strstr(entry.detail, "ab"));
}

static void removal(void **state)
{
    struct hyp_device_view view;
    (void)state;
    struct hyp_device device = test_add_device(&t, "m", "12345678", 0);
    assert_int_equal(hyp_device_remove(t.service, &t.reader, device.id, NULL), HYP_DENIED);
    assert_int_equal(hyp_device_remove(t.service, &t.admin, device.id, NULL), HYP_OK);
    assert_int_equal(hyp_device_remove(t.service, &t.admin, device.id, NULL), HYP_NOT_FOUND);
    assert_int_equal(
        hyp_device_get(t.service, &t.admin, device.id, &t.arena, &view, NULL, NULL),
        HYP_NOT_FOUND);
    test_add_device(&t, "again", "12345678", 0); /* the number is free */
}

static void the_same_meter_twice(void **state)
{
    struct hyp_error err = {0};
    (void)state;
    struct hyp_device device = test_add_device(&t, "m", "12345678", 0);
    device.id.id = 0;
    assert_int_equal(hyp_device_add(t.service, &t.admin, &device, &err), HYP_EXISTS);
    assert_true(err.text[0] != '\0');
}

static void a_restart_keeps_everything(void **state)
{
    struct hyp_device_view view;
    (void)state;
    struct hyp_line line = test_add_line(&t, "north");
    struct hyp_device device = test_add_device(&t, "m", "12345678", line.id.id);
    const struct hyp_device_state report = {
        .device = device.id,
        .comm = {.last_success = {TEST_START_MS + 5}, .attempts = 3, .successes = 3}
    };
    struct hyp_collect_observer observer = hyp_service_observer(t.service);
    observer.device_state(observer.user, &report);
    test_service_restart(&t);
    assert_int_equal(
        hyp_device_get(t.service, &t.admin, device.id, &t.arena, &view, NULL, NULL), HYP_OK);
    assert_string_equal(view.line_name, "north");
    assert_int_equal(view.comm.last_success.ms, TEST_START_MS + 5);
    struct hyp_comm_event *events;
    size_t count;
    assert_int_equal(hyp_store_comm_events(t.store, t.admin.tenant, device.id, 10, &t.arena,
                                           &events, &count),
                     HYP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(events[0].status, HYP_OK);
}

static void headline_and_severity(void **state)
{
    struct hyp_device_page page;
    struct hyp_device_extra *extras;
    const struct hyp_device_query query = {.line = HYP_LINE_ANY, .limit = 10};
    (void)state;
    struct hyp_device device = test_add_device(&t, "m", "12345678", 0);
    assert_int_equal(
        hyp_devices_list(t.service, &t.reader, &query, 0, &t.arena, &page, &extras, NULL),
        HYP_OK);
    assert_false(extras[0].has_headline);
    test_commit(&t, device.id, TEST_START_MS, 4711);
    assert_int_equal(
        hyp_devices_list(t.service, &t.reader, &query, 0, &t.arena, &page, &extras, NULL),
        HYP_OK);
    assert_true(extras[0].has_headline);
    assert_string_equal(extras[0].headline_key, "energy");
    assert_string_equal(extras[0].headline_text, "4711");
    assert_string_equal(extras[0].headline_unit, "kWh");
    assert_int_equal(extras[0].severity, HYP_SEVERITY_NORMAL);
    /* The status byte means the same for all meters, whatever their profile knows. */
    test_commit_status(&t, device.id, TEST_START_MS + 1000, 0x08);
    assert_int_equal(
        hyp_devices_list(t.service, &t.reader, &query, 0, &t.arena, &page, &extras, NULL),
        HYP_OK);
    assert_int_equal(extras[0].severity, HYP_SEVERITY_HIGH);
}

/* A device whose readings all came from a file: no line ever reported about it. */
static void imported_history_counts_as_read(void **state)
{
    struct hyp_device_page page;
    struct hyp_device_view view;
    struct hyp_overview overview;
    const struct hyp_device_query query = {.line = HYP_LINE_ANY, .limit = 10};
    (void)state;
    struct hyp_device device = test_add_device(&t, "m", "12345678", 0);
    assert_int_equal(
        hyp_device_get(t.service, &t.reader, device.id, &t.arena, &view, NULL, NULL), HYP_OK);
    assert_int_equal(view.condition, HYP_CONDITION_NEVER);
    assert_int_equal(view.last_reading.ms, 0);
    test_commit_heard(&t, device.id, TEST_START_MS - 7200000, 3600000, 3, 4711);
    for (int run = 0; run < 2; run++) {
        assert_int_equal(
            hyp_device_get(t.service, &t.reader, device.id, &t.arena, &view, NULL, NULL),
            HYP_OK);
        assert_int_equal(view.condition, HYP_CONDITION_OK);
        assert_int_equal(view.last_reading.ms, TEST_START_MS);
        assert_int_equal(view.comm.last_success.ms, 0);
        assert_int_equal(
            hyp_devices_list(t.service, &t.reader, &query, 0, &t.arena, &page, NULL, NULL),
            HYP_OK);
        assert_int_equal(page.views[0].last_reading.ms, TEST_START_MS);
        assert_int_equal(page.conditions[HYP_CONDITION_NEVER], 0);
        assert_int_equal(hyp_overview_get(t.service, &t.reader, &t.arena, &overview, NULL),
                         HYP_OK);
        assert_int_equal(overview.conditions[HYP_CONDITION_OK], 1);
        test_service_restart(&t); /* what is stored counts again */
    }
}

/* --- keys --- */

static void keys_by_number(void **state)
{
    struct hyp_key_row rows[] = {
        {.serial = "12345678",   .manufacturer = "KAM"},
        {.serial = "87654321"  },
        {.serial = "11111111", .manufacturer = "ELS"                     },
    };
    struct hyp_device stored;
    struct hyp_key_matches matches;
    (void)state;
    struct hyp_device one = test_add_device(&t, "one", "12345678", 0);
    test_add_device(&t, "two", "87654321", 0);
    test_add_device(&t, "three", "11111111", 0); /* a KAM */
    memset(rows[0].key.bytes, 0x22, sizeof(rows[0].key.bytes));
    assert_int_equal(hyp_keys_import(t.service, &t.reader, rows, 3, &t.arena, &matches, NULL),
                     HYP_DENIED);
    assert_int_equal(hyp_keys_import(t.service, &t.admin, rows, 3, &t.arena, &matches, NULL),
                     HYP_OK);
    assert_int_equal(matches.matched, 2);
    assert_int_equal(matches.unmatched, 1);
    assert_int_equal(hyp_store_device(t.store, t.admin.tenant, one.id, &stored), HYP_OK);
    assert_true(stored.has_key);
    assert_int_equal(stored.key.bytes[0], 0x22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(defaults_are_filled_in),
        WITH_SERVICE(keys_stay_unless_given),
        WITH_SERVICE(audit_tells_changes_but_no_secrets),
        WITH_SERVICE(removal),
        WITH_SERVICE(the_same_meter_twice),
        WITH_SERVICE(a_restart_keeps_everything),
        WITH_SERVICE(headline_and_severity),
        WITH_SERVICE(imported_history_counts_as_read),
        WITH_SERVICE(keys_by_number),
    };
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    TEST_ROWS(&list, check_rows, check);
    return test_list_run(&list, "devices");
}
