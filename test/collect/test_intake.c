/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to readings: whose telegram, when, what is learned. */
#include "feeding.h"

/* TELEGRAM of another version, medium, maker. */
#define OTHER_VERSION "1E442D2C9956341269077A550000000413D22B0000426C5F2C02FD17000003"
#define OTHER_MEDIUM "1E442D2C9956341268067A550000000413D22B0000426C5F2C02FD17000003"
#define OTHER_MAKER "1E44D3109956341268077A550000000413D22B0000426C5F2C02FD17000003"
/* TELEGRAM with bit 15 of the manufacturer: the address is not globally unique. */
#define SOFT_ADDRESS "1E442DAC9956341268077A550000000413D22B0000426C5F2C02FD17000003"

/* --- keys that come later --- */

/* Gas meter ELS 12345678 of OMS annex N, mode 5. */
#define SEALED                                                                                 \
    "2E4493157856341233037A2A0020255923C95AAA26D1B2E7493B013EC4A6F6D3529B520EDFF0EA6DEFC99D6D" \
    "69EBF3"
static const struct hyp_aes_key right_key = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17}
};
#define SEALED_TIME_MS (FIELD_START_MS - 86400000)

static struct hyp_device gas_meter(void)
{
    struct hyp_device device = water_meter(1, -1, -1);
    memcpy(device.manufacturer, "ELS", 4);
    memcpy(device.serial, "12345678", 9);
    return device;
}

static struct hyp_intake_result decode_again(struct field *field)
{
    uint8_t bytes[64];
    size_t len = 0;
    struct fed fed = {0};
    assert_int_equal(hyp_hex_decode(hyp_str_from(SEALED), bytes, sizeof(bytes), &len, NULL),
                     HYP_OK);
    const struct hyp_raw_frame frame = {.device = {1},
                                        .received = {SEALED_TIME_MS},
                                        .protocol = HYP_RAW_WMBUS,
                                        .signal_dbm = -77,
                                        .outcome = HYP_NO_KEY,
                                        .replaces = {42},
                                        .bytes = bytes,
                                        .len = len};
    assert_int_equal(
        hyp_collector_decode_again(field->collector, FIELD_TENANT, &frame, 1, on_fed, &fed),
        HYP_OK);
    field_until(field, is_fed, &fed);
    return fed.result;
}

static void a_stored_frame_is_read_when_its_key_is_there(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_device device = gas_meter();
    set_device(field, &device);
    struct hyp_intake_result result = decode_again(field);
    assert_int_equal(result.lines, 1);
    assert_int_equal(result.refused, 1);
    assert_int_equal(field->sink.frame_count, 0); /* it is stored as it was */
    device.has_key = true;
    device.key = right_key;
    set_device(field, &device);
    result = decode_again(field);
    assert_int_equal(result.readings, 1);
    assert_int_equal(result.refused, 0);
    assert_int_equal(field->sink.frame_count, 1);
    assert_int_equal(field->sink.frames[0].replaces.id, 42);
    assert_int_equal(field->sink.frames[0].received.ms, SEALED_TIME_MS);
    assert_int_equal(field->sink.frames[0].signal_dbm, -77);
    assert_int_equal(field->sink.frames[0].outcome, HYP_OK);
    assert_int_equal(field->sink.readings[0].receive_time.ms, SEALED_TIME_MS);
    field_destroy(field);
}

static void default_keys_are_tried_in_order(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_device device = gas_meter();
    const struct hyp_aes_key keys[] = {{{0xFF}}, right_key, {{0x11}}};
    struct hyp_aes_key many[HYP_LIMIT_DEFAULT_KEYS + 1] = {0};
    set_device(field, &device);
    assert_int_equal(feed(field, SEALED).refused, 1);
    assert_int_equal(field->sink.frames[0].outcome, HYP_NO_KEY);
    assert_int_equal(hyp_collector_set_default_keys(field->collector, FIELD_TENANT, many,
                                                    HYP_ARRAY_LEN(many)),
                     HYP_LIMIT);
    assert_int_equal(hyp_collector_set_default_keys(field->collector, FIELD_TENANT, keys, 1),
                     HYP_OK);
    struct hyp_intake_result result = feed(field, SEALED);
    assert_int_equal(result.refused, 1);
    assert_non_null(strstr(result.first_error, "default key"));
    assert_int_equal(hyp_collector_set_default_keys(field->collector, FIELD_TENANT, keys, 3),
                     HYP_OK);
    assert_int_equal(feed(field, SEALED).readings, 1);
    assert_int_equal(field->keys_found, 1);
    assert_memory_equal(&field->key_found, &right_key, sizeof(right_key));
    /* A meter with a key of its own is not tried: a wrong key must show. */
    device.has_key = true;
    set_device(field, &device);
    field_advance(field, 60000);
    assert_int_equal(feed(field, SEALED).refused, 1);
    assert_int_equal(field->keys_found, 1);
    field_destroy(field);
}

/* --- whose is it --- */

struct match_row {
    const char *name;
    int16_t version; /* of the configured device, -1 = any */
    int16_t medium;
    const char *telegram;
    bool matches;
};

static const struct match_row match_rows[] = {
    {"exact",           0x68, 7,  TELEGRAM,      true },
    {"version open",    -1,   7,  OTHER_VERSION, true },
    {"medium open",     0x68, -1, OTHER_MEDIUM,  true },
    {"both open",       -1,   -1, TELEGRAM,      true },
    {"soft address",    0x68, 7,  SOFT_ADDRESS,  true },
    {"another version", 0x68, 7,  OTHER_VERSION, false},
    {"another medium",  0x68, 7,  OTHER_MEDIUM,  false},
    {"another maker",   -1,   -1, OTHER_MAKER,   false},
};

static void check_match(void **state)
{
    const struct match_row *row = *state;
    struct field *field = field_create();
    struct hyp_device device = water_meter(1, row->version, row->medium);
    set_device(field, &device);
    struct hyp_intake_result result = feed(field, row->telegram);
    assert_int_equal(result.readings, row->matches ? 1 : 0);
    assert_int_equal(result.unknown, row->matches ? 0 : 1);
    assert_int_equal(field->sink.frames[0].device.id, row->matches ? 1 : 0);
    field_destroy(field);
}

static void the_most_specific_device_has_it(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_device devices[] = {water_meter(1, -1, -1), water_meter(2, 0x68, 7),
                                   water_meter(3, 0x68, -1)};
    for (size_t i = 0; i < 3; i++) {
        set_device(field, &devices[i]);
    }
    feed(field, TELEGRAM);
    assert_int_equal(field->sink.readings[0].device.id, 2);
    feed(field, OTHER_MEDIUM);
    assert_int_equal(field->sink.readings[1].device.id, 3);
    feed(field, OTHER_VERSION);
    assert_int_equal(field->sink.readings[2].device.id, 1);
    hyp_collector_remove_device(field->collector, (hyp_device_id){2});
    field_advance(field, 60000);
    feed(field, TELEGRAM);
    assert_int_equal(field->sink.readings[3].device.id, 3);
    field_destroy(field);
}

static void tenants_do_not_see_each_others_meters(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_device device = water_meter(1, 0x68, 7);
    device.tenant.id = 2;
    set_device(field, &device);
    struct hyp_intake_result result = feed(field, TELEGRAM);
    assert_int_equal(result.readings, 0);
    assert_int_equal(result.unknown, 1);
    field_destroy(field);
}

static void a_device_without_maker_or_serial_matches_nothing(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_device device = water_meter(1, -1, -1);
    device.manufacturer[0] = '\0';
    set_device(field, &device);
    assert_int_equal(feed(field, TELEGRAM).unknown, 1);
    device = water_meter(1, -1, -1);
    hyp_text_copy(device.serial, sizeof(device.serial), HYP_STR("1234569"));
    set_device(field, &device);
    assert_int_equal(feed(field, TELEGRAM).unknown, 1);
    field_destroy(field);
}

static void changing_a_device_changes_whom_it_matches(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_device device = water_meter(1, 0x68, 7);
    set_device(field, &device);
    device.version = 0x69;
    set_device(field, &device);
    assert_int_equal(feed(field, TELEGRAM).unknown, 1);
    assert_int_equal(feed(field, OTHER_VERSION).readings, 1);
    hyp_collector_remove_device(field->collector, (hyp_device_id){1});
    assert_int_equal(feed(field, OTHER_VERSION).unknown, 1);
    struct hyp_device_state gone;
    assert_int_equal(hyp_collector_device_state(field->collector, (hyp_device_id){1}, &gone),
                     HYP_NOT_FOUND);
    field_destroy(field);
}

/* --- kinds of lines --- */

static void snapshots_and_wired_frames_find_their_devices_by_line(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_line line = field_line(3, HYP_LINE_MODBUS_TCP, 1);
    line.enabled = false;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct hyp_device controller = field_modbus_device(7, 3, 2);
    set_device(field, &controller);
    struct hyp_intake_result result =
        feed(field, "2026-01-10T00:00:00Z modbus:line-3 0203000A000200D700B4\n"
                    "2026-01-10T00:00:00Z modbus:line-3 0903000A000200D700B4\n"
                    "2026-01-10T00:00:00Z modbus:nowhere 0203000A000200D700B4\n"
                    "2026-01-10T00:00:00Z modbus:line-3 0203000A0002\n");
    assert_int_equal(result.lines, 4);
    assert_int_equal(result.readings, 1);
    assert_int_equal(result.unknown, 2);
    assert_int_equal(result.refused, 1);
    assert_non_null(strstr(result.first_error, "line 4"));
    field_assert_decimal(&field->sink.readings[0], "flow_temperature", "21.5");
    assert_int_equal(field->sink.readings[0].receive_time.ms, 1768003200000);
    assert_int_equal(field->sink.frames[0].protocol, HYP_RAW_MODBUS_SNAPSHOT);
    assert_int_equal(field->sink.frames[0].line.id, 3);
    field_destroy(field);
}

struct line_row {
    const char *name;
    const char *line;
    enum hyp_status status;
    bool has_time;
    bool snapshot;
    const char *link;
    const char *hex;
};

static const struct line_row line_rows[] = {
    {"three parts",   "2026-01-01T00:00:00Z radio 1E44",      HYP_OK,        true,  false, "radio", "1E44" },
    {"offset",        "2026-01-01T01:00:00+01:00 r 1E44",     HYP_OK,        true,  false, "r",     "1E44" },
    {"snapshot",      "2026-01-01T00:00:00Z modbus:ecl-1 01", HYP_OK,        true,  true,  "ecl-1", "01"   },
    {"plain hex",     "1E44",                                 HYP_OK,        false, false, "",      "1E44" },
    {"hex in groups", " 1E 44 ",                              HYP_OK,        false, false, "",      "1E 44"},
    {"comment",       "# 1E44",                               HYP_NOT_MINE,  false, false, "",      ""     },
    {"empty",         "  \r",                                 HYP_NOT_MINE,  false, false, "",      ""     },
    {"no hex",        "2026-01-01T00:00:00Z radio",           HYP_MALFORMED, false, false, "",      ""     },
    {"no zone",       "2026-01-01T00:00:00 radio 1E",         HYP_MALFORMED, false, false, "",      ""     },
};

static void check_line(void **state)
{
    const struct line_row *row = *state;
    struct hyp_feed_line line;
    struct hyp_error err = {0};
    assert_int_equal(hyp_feed_line_parse(hyp_str_from(row->line), &line, &err), row->status);
    if (row->status == HYP_OK) {
        assert_int_equal(line.has_time, row->has_time);
        assert_int_equal(line.snapshot, row->snapshot);
        assert_true(hyp_str_equal(line.link, hyp_str_from(row->link)));
        assert_true(hyp_str_equal(line.hex, hyp_str_from(row->hex)));
    }
    if (row->status == HYP_MALFORMED) {
        assert_true(strlen(err.text) > 0);
    }
}

/* --- when --- */

struct time_row {
    const char *name;
    const char *received;
    const char *meter; /* its own clock; NULL = none */
    bool summer;
    const char *age; /* actuality duration in minutes; NULL = none */
    const char *source;
};

/* Central Europe without the rule: standard time is one hour east. */
static const struct time_row time_rows[] = {
    {"no clock",            "2026-01-15T10:07:00Z", NULL,                  false, NULL,   "2026-01-15T10:07:00Z"},
    {"age",                 "2026-01-15T10:07:00Z", NULL,                  false, "45",   "2026-01-15T09:22:00Z"},
    {"age too high",        "2026-01-15T10:07:00Z", NULL,                  false, "2000", "2026-01-15T10:07:00Z"},
    {"standard time",       "2026-01-15T10:07:00Z", "2026-01-15T11:00",    false, NULL,
     "2026-01-15T10:00:00Z"                                                                                     },
    {"seconds",             "2026-01-15T10:07:00Z", "2026-01-15T11:00:30", false, NULL,
     "2026-01-15T10:00:30Z"                                                                                     },
    {"clock before age",    "2026-01-15T10:07:00Z", "2026-01-15T11:00",    false, "45",
     "2026-01-15T10:00:00Z"                                                                                     },
    {"standard in summer",  "2026-07-15T10:07:00Z", "2026-07-15T11:00",    false, NULL,
     "2026-07-15T10:00:00Z"                                                                                     },
    {"summer time, said",   "2026-07-15T10:07:00Z", "2026-07-15T12:00",    true,  NULL,
     "2026-07-15T10:00:00Z"                                                                                     },
    {"summer time, unsaid", "2026-07-15T10:07:00Z", "2026-07-15T12:00",    false, NULL,
     "2026-07-15T10:00:00Z"                                                                                     },
    {"a little fast",       "2026-01-15T10:07:00Z", "2026-01-15T11:12",    false, NULL,
     "2026-01-15T10:07:00Z"                                                                                     },
    {"far in the future",   "2026-01-15T10:07:00Z", "2026-01-15T15:00",    false, NULL,
     "2026-01-15T10:07:00Z"                                                                                     },
    {"23 hours old",        "2026-01-15T10:07:00Z", "2026-01-14T12:00",    false, NULL,
     "2026-01-14T11:00:00Z"                                                                                     },
    {"25 hours old",        "2026-01-15T10:07:00Z", "2026-01-14T10:00",    false, NULL,
     "2026-01-15T10:07:00Z"                                                                                     },
    {"never set",           "2026-01-15T10:07:00Z", "2000-01-01T00:00",    false, "5",
     "2026-01-15T10:02:00Z"                                                                                     },
    {"date only",           "2026-01-15T10:07:00Z", "2026-01-15",          false, NULL,   "2026-01-15T10:07:00Z"},
};

static int berlin_offset(const struct hyp_zone *zone, hyp_utc at)
{
    (void)zone;
    /* Summer 2026: from 29 March 01:00 to 25 October 01:00 UTC. */
    return at.ms >= 1774746000000 && at.ms < 1792890000000 ? 120 : 60;
}

static void check_time(void **state)
{
    const struct time_row *row = *state;
    const struct hyp_zone zone = {.offset_minutes = berlin_offset};
    hyp_utc received;
    hyp_utc expected;
    struct hyp_civil meter = {0};
    struct hyp_value value = {.key = {.name = HYP_NAME_ACTUALITY_DURATION},
                              .unit = HYP_UNIT_MIN,
                              .kind = HYP_VALUE_DECIMAL,
                              .quality = HYP_QUALITY_GOOD};
    assert_int_equal(hyp_utc_parse(hyp_str_from(row->received), &received), HYP_OK);
    assert_int_equal(hyp_utc_parse(hyp_str_from(row->source), &expected), HYP_OK);
    if (row->meter != NULL) {
        assert_int_equal(hyp_civil_parse(hyp_str_from(row->meter), &meter), HYP_OK);
        meter.summer_time = row->summer;
    }
    if (row->age != NULL) {
        assert_int_equal(hyp_decimal_parse(hyp_str_from(row->age), &value.decimal), HYP_OK);
    }
    hyp_utc got = hyp_source_time(&zone, received, &meter, &value, row->age == NULL ? 0 : 1);
    assert_int_equal(got.ms, expected.ms);
}

/* --- the list of meters heard --- */

static void heard_meters_are_bounded_and_newest_first(void **state)
{
    (void)state;
    struct hyp_heard heard;
    hyp_heard_init(&heard);
    for (uint32_t i = 0; i < HYP_LIMIT_HEARD + 100; i++) {
        struct hyp_found_device found = {.meter = {.id_raw = i}, .last_heard = {i}};
        assert_true(hyp_heard_note(&heard, FIELD_TENANT, &found));
    }
    static struct hyp_found_device out[HYP_LIMIT_HEARD + 100];
    size_t count = hyp_heard_list(&heard, out, HYP_ARRAY_LEN(out));
    assert_int_equal(count, HYP_LIMIT_HEARD);
    assert_int_equal(out[0].meter.id_raw, HYP_LIMIT_HEARD + 99);
    assert_int_equal(out[count - 1].meter.id_raw, 100);
    struct hyp_found_device again = {.meter = {.id_raw = 200}, .signal_dbm = -70};
    assert_false(hyp_heard_note(&heard, FIELD_TENANT, &again));
    assert_int_equal(hyp_heard_list(&heard, out, 1), 1);
    assert_int_equal(out[0].meter.id_raw, 200);
    assert_int_equal(out[0].signal_dbm, -70);
    hyp_heard_forget(&heard, FIELD_TENANT, &again.meter);
    assert_int_equal(hyp_heard_list(&heard, out, HYP_ARRAY_LEN(out)), HYP_LIMIT_HEARD - 1);
    assert_true(hyp_heard_note(&heard, (hyp_tenant_id){2}, &again));
    assert_true(hyp_heard_note(&heard, FIELD_TENANT, &again));
    hyp_heard_finish(&heard);
}

static void a_configured_meter_leaves_the_list(void **state)
{
    (void)state;
    struct field *field = field_create();
    feed(field, TELEGRAM);
    struct hyp_found_device heard[4];
    assert_int_equal(hyp_collector_heard(field->collector, heard, 4), 1);
    assert_string_equal(heard[0].meter.id, "12345699");
    assert_string_equal(heard[0].meter.manufacturer, "KAM");
    assert_int_equal(heard[0].meter.version, 0x68);
    assert_true(strlen(heard[0].profile) > 0);
    struct hyp_device device = water_meter(1, 0x68, 7);
    set_device(field, &device);
    assert_int_equal(hyp_collector_heard(field->collector, heard, 4), 0);
    field_destroy(field);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, match_rows, check_match);
    TEST_ONE(&list, a_stored_frame_is_read_when_its_key_is_there);
    TEST_ONE(&list, default_keys_are_tried_in_order);
    TEST_ONE(&list, the_most_specific_device_has_it);
    TEST_ONE(&list, tenants_do_not_see_each_others_meters);
    TEST_ONE(&list, a_device_without_maker_or_serial_matches_nothing);
    TEST_ONE(&list, changing_a_device_changes_whom_it_matches);
    TEST_ONE(&list, snapshots_and_wired_frames_find_their_devices_by_line);
    TEST_ROWS(&list, line_rows, check_line);
    TEST_ROWS(&list, time_rows, check_time);
    TEST_ONE(&list, heard_meters_are_bounded_and_newest_first);
    TEST_ONE(&list, a_configured_meter_leaves_the_list);
    return test_list_run(&list, "intake");
}
