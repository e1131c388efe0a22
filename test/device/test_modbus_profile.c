/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and values of Modbus profiles. */
#include "device/values.h"

#define HEAD                                                                                   \
    "profile: test\ntitle: Test\nkind: controller\nprotocol: modbus\n"                         \
    "modbus: {max_registers: 10, max_gap: 2, read: 3, order: CDAB}\n"                          \
    "registers:\n"

static const struct row {
    const char *name;
    const char *registers; /* of the profile */
    const char *snapshot;
    const char *values;
} rows[] = {
    {"scale and sign",
     "  - {name: flow_temperature, address: 10, type: int16, scale: 0.01, unit: degC}\n",                                        "01 03 000A 0001 FF38",                               "flow_temperature=-2.00 degC; "   },
    {"offset",
     "  - {name: ratio, address: 10, type: uint16, scale: 0.5, offset: -10, unit: '%'}\n",                                       "01 03 000A 0001 0015",                               "ratio=0.5 %; "                   },
    {"canonical unit",                                "  - {name: power, address: 10, type: uint16, unit: W}\n",
     "01 03 000A 0001 04D2",                                                                                                                                                           "power=1.234 kW; "                },
    {"order of the profile",                          "  - {name: count, address: 10, type: uint32}\n",
     "01 03 000A 0002 0001 0002",                                                                                                                                                      "count=131073 count; "            },
    {"order of the point",                            "  - {name: count, address: 10, type: uint32, order: ABCD}\n",
     "01 03 000A 0002 0001 0002",                                                                                                                                                      "count=65538 count; "             },
    {"sentinel",
     "  - {name: pressure, address: 10, type: int16, unit: bar, invalid: [0x7FFF, -1]}\n",                                       "01 03 000A 0001 FFFF",                               "pressure=(no_value); "           },
    {"not believable",                                "  - {name: pressure, address: 10, type: int16, unit: bar, max: 25}\n",
     "01 03 000A 0001 001A",                                                                                                                                                           "pressure=(invalid); "            },
    {"BCD error",                                     "  - {name: count, address: 10, type: bcd16}\n",                           "01 03 000A 0001 12A4",
     "count=(invalid); "                                                                                                                                                                                                 },
    {"too large",                                     "  - {name: count, address: 10, type: uint64, order: ABCD}\n",
     "01 03 000A 0004 FFFFFFFFFFFFFFFF",                                                                                                                                               "count=(overflow); "              },
    {"not a number",                                  "  - {name: voltage, address: 10, type: float32, unit: V, order: ABCD}\n",
     "01 03 000A 0002 7FC00000",                                                                                                                                                       "voltage=(invalid); "             },
    {"one bit",                                       "  - {name: pump_state, address: 10, type: bit, bit: 3}\n",
     "01 03 000A 0001 0008",                                                                                                                                                           "pump_state=1; "                  },
    {"two bits",                                      "  - {name: valve_state, address: 10, type: bit, bit: 2, width: 2}\n",
     "01 03 000A 0001 000B",                                                                                                                                                           "valve_state=2; "                 },
    {"a coil",                                        "  - {name: pump_state, address: 10, type: bit, read: 1}\n",
     "01 01 0008 0008 04",                                                                                                                                                             "pump_state=1; "                  },
    {"flags",                                         "  - {name: alarm_state, address: 10, type: flags32, order: ABCD}\n",
     "01 03 000A 0002 0001 0002",                                                                                                                                                      "alarm_state=0x10002; "           },
    {"text",                                          "  - {name: text, address: 10, type: string, words: 3, label: site}\n",
     "01 03 000A 0003 4142 4300 0000",                                                                                                                                                 "text=ABC {site}; "               },
    {"empty text",                                    "  - {name: text, address: 10, type: string, words: 1}\n",
     "01 03 000A 0001 0000",                                                                                                                                                           "text=(no_value); "               },
    {"clock",
     "  - {name: meter_time, address: 10, type: clock, layout: [second, minute, hour, skip, "
     "day, month, year]}\n",                                                                                                     "01 03 000A 0007 0005 0023 000E 0000 001F 0001 001A", "meter_time=2026-01-31T14:35:05; "},
    {"clock that shows no date",
     "  - {name: meter_time, address: 10, type: clock, layout: [day, month, year]}\n",                                           "01 03 000A 0003 001F 0002 07EA",                     "meter_time=(invalid); "          },
    {"key parts",
     "  - {name: energy, address: 10, type: uint16, unit: kWh, function: maximum, "
     "storage: 2, tariff: 3, subunit: 4}\n",                                                                                     "01 03 000A 0001 0001",                               "energy.max.s2.t3.u4=1 kWh; "     },
    {"another function's register does not count",
     "  - {name: count, address: 10, type: uint16}\n",                                                                           "01 04 000A 0001 0001",                               ""                                },
    {"a value across two blocks is not put together",
     "  - {name: count, address: 10, type: uint32}\n",                                                                           "01 03 000A 0001 0001 01 03 000B 0001 0002",          ""                                },
    {"an absent register",
     "  - {name: count, address: 10, type: uint16}\n"
     "  - {name: count, subunit: 1, address: 12, type: uint16}\n",                                                               "01 03 000C 0001 0007",                               "count.u1=7 count; "              },
    {"nothing was read",                              "  - {name: count, address: 10, type: uint16}\n",                          "",                                                   ""                                },
};

static struct hyp_library *library;

static const struct hyp_profile *add(const char *registers)
{
    char memory[4096];
    struct hyp_buf text;
    struct hyp_error err = {0};
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    hyp_buf_append_fmt(&text, HEAD "%s", registers);
    if (hyp_library_add(library, hyp_buf_view(&text), "test.yaml", &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    return hyp_library_find(library, HYP_STR("test"));
}

static void check_values(void **state)
{
    const struct row *row = *state;
    const struct hyp_profile *profile = add(row->registers);
    uint8_t snapshot[128];
    size_t len = test_hex(row->snapshot, snapshot, sizeof(snapshot));
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1 << 16);
    struct hyp_value *values = NULL;
    size_t count = 0;
    assert_int_equal(
        hyp_device_modbus_values(profile, snapshot, len, &arena, &values, &count, NULL),
        HYP_OK);
    char memory[512];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    format_values(&text, values, count);
    assert_string_equal(hyp_buf_terminate(&text), row->values);
    hyp_arena_finish(&arena);
}

static const struct bad_row {
    const char *name;
    const char *snapshot;
    int64_t offset;
} bad_rows[] = {
    {"cut off in the header", "01 03 000A",                                0},
    {"cut off in the data",   "01 03 000A 0001 0001 01 03 000B 0002 0001", 8},
    {"writing function",      "01 06 000A 0001 0001",                      0},
    {"no registers",          "01 03 000A 0000",                           0},
};

static void check_bad_snapshot(void **state)
{
    const struct bad_row *row = *state;
    const struct hyp_profile *profile = add("  - {name: count, address: 10, type: uint16}\n");
    uint8_t snapshot[64];
    size_t len = test_hex(row->snapshot, snapshot, sizeof(snapshot));
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1 << 16);
    struct hyp_value *values = NULL;
    size_t count = 0;
    struct hyp_error err = {0};
    assert_int_equal(
        hyp_device_modbus_values(profile, snapshot, len, &arena, &values, &count, &err),
        HYP_MALFORMED);
    assert_int_equal(err.offset, row->offset);
    hyp_arena_finish(&arena);
}

static const struct block_row {
    const char *name;
    enum hyp_poll_class class;
    uint16_t hole; /* 0 = none */
    const char *blocks;
} block_rows[] = {
    {"live",              HYP_POLL_LIVE,   0,  "3:10+1 "              },
    {"normal holds live", HYP_POLL_NORMAL, 0,  "3:10+4 4:50+1 "       },
    {"daily holds all",   HYP_POLL_DAILY,  0,  "3:10+7 4:50+1 "       },
    {"without a hole",    HYP_POLL_DAILY,  13, "3:10+1 3:16+1 4:50+1 "},
};

static void check_blocks(void **state)
{
    const struct block_row *row = *state;
    const struct hyp_profile *profile =
        add("  - {name: count, address: 10, type: uint16, poll: live}\n"
            "  - {name: count, subunit: 1, address: 12, type: uint32}\n"
            "  - {name: count, subunit: 2, address: 16, type: uint16, poll: daily}\n"
            "  - {name: count, subunit: 3, address: 50, type: uint16, read: 4}\n");
    struct hyp_modbus_hole hole = {.function = 3, .address = row->hole};
    struct hyp_modbus_block blocks[8];
    size_t count = hyp_profile_modbus_blocks(profile, row->class, &hole, row->hole == 0 ? 0 : 1,
                                             blocks, 8);
    char memory[128];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append_fmt(&text, "%u:%u+%u ", blocks[i].function, blocks[i].start,
                           blocks[i].count);
    }
    assert_string_equal(hyp_buf_terminate(&text), row->blocks);
}

static void test_state_text(void **state)
{
    (void)state;
    const struct hyp_profile *ecl = hyp_library_find(library, HYP_STR("danfoss_ecl310_a266"));
    struct hyp_point_key mode = {.name = HYP_NAME_OPERATING_MODE, .subunit = 2};
    assert_string_equal(hyp_profile_state_text(ecl, &mode, 1), "scheduled");
    assert_null(hyp_profile_state_text(ecl, &mode, 77));
    mode.subunit = 9;
    assert_null(hyp_profile_state_text(ecl, &mode, 1));
}

/* Wire addresses are one below the maker's parameter numbers. */
static void test_detect(void **state)
{
    (void)state;
    struct hyp_modbus_block blocks[8];
    assert_true(hyp_library_detect_blocks(library, blocks, 8) >= 1);
    assert_int_equal(blocks[0].function, 3);
    assert_int_equal(blocks[0].start, 2059);
    assert_int_equal(blocks[0].count, 3);
    uint8_t snapshot[32];
    size_t len = test_hex("01 03 080B 0003 0041 010A 0001", snapshot, sizeof(snapshot));
    const struct hyp_profile *found = hyp_library_detect(library, snapshot, len);
    assert_non_null(found);
    assert_string_equal(hyp_profile_info(found)->name, "danfoss_ecl310_a266");
    len = test_hex("01 03 080B 0003 0041 010A 0003", snapshot, sizeof(snapshot));
    assert_null(hyp_library_detect(library, snapshot, len));
    len = test_hex("01 03 080B 0002 0041 010A", snapshot, sizeof(snapshot));
    assert_null(hyp_library_detect(library, snapshot, len));
}

int main(void)
{
    struct hyp_error err = {0};
    if (hyp_library_create(&library, &err) != HYP_OK) {
        print_error("%s\n", err.text);
        return 1;
    }
    struct test_list list = {0};
    TEST_ROWS(&list, rows, check_values);
    TEST_ROWS(&list, bad_rows, check_bad_snapshot);
    TEST_ROWS(&list, block_rows, check_blocks);
    TEST_ONE(&list, test_state_text);
    TEST_ONE(&list, test_detect);
    int failed = test_list_run(&list, "modbus profile");
    hyp_library_destroy(library);
    return failed;
}
