/* SPDX-License-Identifier: Apache-2.0 */
/* Matching, replacing and looking up. */
#include "support/rows.h"

#include "device/library.h"

#define PROFILE(name, match)                                                                   \
    "profile: " name "\ntitle: T\nkind: heat_meter\nprotocol: meter\nmatch:\n  - {" match "}"  \
    "\n"

static enum hyp_status add(struct hyp_library *library, const char *text, struct hyp_error *err)
{
    return hyp_library_add(library, hyp_str_from(text), "site.yaml", err);
}

static struct hyp_meter_identity meter_of(const char *manufacturer, uint8_t version,
                                          uint8_t medium)
{
    struct hyp_meter_identity meter = {.version = version, .medium = medium};
    meter.manufacturer_code = hyp_manufacturer_from_text(manufacturer);
    return meter;
}

static const char *match_name(const struct hyp_library *library,
                              struct hyp_meter_identity meter)
{
    return hyp_profile_info(hyp_library_match(library, &meter))->name;
}

static const struct match_row {
    const char *name;
    const char *manufacturer;
    uint8_t version;
    uint8_t medium;
    const char *profile;
} match_rows[] = {
    {"MULTICAL 403",                       "KAM", 0x34, 0x04, "kamstrup_multical_403"},
    {"MULTICAL 603 cooling",               "KAM", 0x35, 0x0B, "kamstrup_multical_603"},
    {"the same version of another medium", "KAM", 0x30, 0x02, "kamstrup_omnipower"   },
    {"and of heat",                        "KAM", 0x30, 0x0C, "kamstrup_multical_302"},
    {"unknown Kamstrup heat meter",        "KAM", 0x77, 0x04, "generic_heat"         },
    {"unknown maker, water",               "XYZ", 0x01, 0x07, "generic_water"        },
    {"unknown maker, allocator",           "XYZ", 0x01, 0x08, "generic_hca"          },
    {"unknown maker, electricity",         "XYZ", 0x01, 0x02, "generic_electricity"  },
    {"unknown medium",                     "XYZ", 0x01, 0x00, "generic_en13757"      },
    {"Qundis allocator",                   "QDS", 0x35, 0x08, "qundis_caloric"       },
    {"Danfoss SonoMeter",                  "DFS", 0x2F, 0x04, "danfoss_sonometer"    },
};

static struct hyp_library *builtin;

static void check_match(void **state)
{
    const struct match_row *row = *state;
    struct hyp_meter_identity meter = meter_of(row->manufacturer, row->version, row->medium);
    assert_string_equal(match_name(builtin, meter), row->profile);
    /* Bit 15 of the code marks an address that is not globally unique. */
    meter.manufacturer_code |= 0x8000;
    assert_string_equal(match_name(builtin, meter), row->profile);
}

static void test_no_manufacturer(void **state)
{
    (void)state;
    struct hyp_meter_identity meter = {.medium = 0x07};
    assert_string_equal(match_name(builtin, meter), "generic_water");
}

static void test_most_specific_wins(void **state)
{
    (void)state;
    struct hyp_library *library = NULL;
    assert_int_equal(hyp_library_create(&library, NULL), HYP_OK);
    assert_int_equal(add(library, PROFILE("any_tst", "manufacturer: TST"), NULL), HYP_OK);
    assert_int_equal(add(library, PROFILE("range", "manufacturer: TST, version: 1-9"), NULL),
                     HYP_OK);
    assert_int_equal(add(library, PROFILE("one", "manufacturer: TST, version: 5"), NULL),
                     HYP_OK);
    assert_int_equal(
        add(library, PROFILE("one_heat", "manufacturer: TST, version: 5, medium: heat"), NULL),
        HYP_OK);
    assert_string_equal(match_name(library, meter_of("TST", 0x20, 0x04)), "any_tst");
    assert_string_equal(match_name(library, meter_of("TST", 0x02, 0x04)), "range");
    assert_string_equal(match_name(library, meter_of("TST", 0x05, 0x07)), "one");
    assert_string_equal(match_name(library, meter_of("TST", 0x05, 0x04)), "one_heat");
    hyp_library_destroy(library);
}

static void test_ambiguous_is_refused(void **state)
{
    (void)state;
    struct hyp_library *library = NULL;
    struct hyp_error err = {0};
    assert_int_equal(hyp_library_create(&library, NULL), HYP_OK);
    assert_int_equal(add(library, PROFILE("first", "manufacturer: TST, version: [1, 2]"), NULL),
                     HYP_OK);
    size_t count = hyp_library_count(library);
    assert_int_equal(
        add(library, PROFILE("second", "manufacturer: TST, version: [2, 3]"), &err),
        HYP_CONFLICT);
    assert_int_equal(err.offset, 6);
    assert_non_null(strstr(err.text, "site.yaml:6: fits the same meters as profile first"));
    assert_int_equal(hyp_library_count(library), count);
    assert_int_equal(
        add(library, PROFILE("second", "manufacturer: TST, version: [3, 4]"), &err), HYP_OK);
    hyp_library_destroy(library);
}

/* No two built-in profiles may compete for a meter; creating the library would have failed. */
static void test_replace_by_name(void **state)
{
    (void)state;
    struct hyp_library *library = NULL;
    assert_int_equal(hyp_library_create(&library, NULL), HYP_OK);
    size_t count = hyp_library_count(library);
    assert_int_equal(add(library,
                         PROFILE("kamstrup_multical_403", "manufacturer: KAM, version: 0x34"),
                         NULL),
                     HYP_OK);
    assert_int_equal(hyp_library_count(library), count);
    const struct hyp_profile *profile =
        hyp_library_find(library, HYP_STR("kamstrup_multical_403"));
    assert_non_null(profile);
    assert_string_equal(hyp_profile_info(profile)->title, "T");
    assert_string_equal(match_name(library, meter_of("KAM", 0x34, 0x04)),
                        "kamstrup_multical_403");
    hyp_library_destroy(library);
}

/* The generic profile can be replaced like any other and stays the last resort. */
static void test_replace_generic(void **state)
{
    (void)state;
    struct hyp_library *library = NULL;
    assert_int_equal(hyp_library_create(&library, NULL), HYP_OK);
    assert_int_equal(add(library, PROFILE("generic_en13757", "manufacturer: ZZZ"), NULL),
                     HYP_OK);
    assert_string_equal(match_name(library, meter_of("XYZ", 1, 0x00)), "generic_en13757");
    hyp_library_destroy(library);
}

static void test_failed_addition_changes_nothing(void **state)
{
    (void)state;
    struct hyp_library *library = NULL;
    assert_int_equal(hyp_library_create(&library, NULL), HYP_OK);
    size_t count = hyp_library_count(library);
    assert_int_equal(add(library, "profile: kamstrup_multical_403\n", NULL), HYP_INVALID);
    assert_int_equal(hyp_library_count(library), count);
    const struct hyp_profile *profile =
        hyp_library_find(library, HYP_STR("kamstrup_multical_403"));
    assert_string_equal(hyp_profile_info(profile)->title, "Kamstrup MULTICAL 403");
    hyp_library_destroy(library);
}

static void test_find(void **state)
{
    (void)state;
    assert_null(hyp_library_find(builtin, HYP_STR("nobody")));
    const struct hyp_profile *profile =
        hyp_library_find(builtin, HYP_STR("danfoss_ecl310_a266"));
    assert_non_null(profile);
    const struct hyp_profile_link *link = hyp_profile_link(profile);
    assert_int_equal(link->port, 502);
    assert_int_equal(link->baud, 38400);
    assert_int_equal(link->parity, 'E');
    assert_int_equal(link->retries, -1);
    assert_int_equal(link->quirks, HYP_QUIRK_SINGLE_CLIENT);
    assert_int_equal(hyp_profile_info(profile)->protocol, HYP_DEVICE_MODBUS);
    assert_null(hyp_library_destroy(NULL));
}

static void test_info_bits_worst_first(void **state)
{
    (void)state;
    const struct hyp_profile *profile =
        hyp_library_find(builtin, HYP_STR("kamstrup_multical_603"));
    struct hyp_info_bit bits[8];
    size_t count =
        hyp_profile_info_bits(profile, 1u << 28 | 1u << 1 | 1u << 3 | 1ull << 60, bits, 8);
    assert_int_equal(count, 3);
    assert_string_equal(bits[0].name, "burst_loss");
    assert_int_equal(bits[0].severity, HYP_SEVERITY_CRITICAL);
    assert_int_equal(bits[0].bit, 28);
    assert_string_equal(bits[1].name, "t1_above_range");
    assert_string_equal(bits[2].name, "low_battery");
    assert_int_equal(hyp_profile_info_bits(profile, UINT64_MAX, bits, 2), 2);
    assert_int_equal(hyp_profile_info_bits(profile, 0, bits, 8), 0);
    assert_string_equal(hyp_severity_text(HYP_SEVERITY_HIGH), "high");
}

/* What names make of a value, joined by blanks. */
static void check_names(const struct hyp_info_bit *bits, size_t count, const char *expected)
{
    char text[256];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append_fmt(&buf, "%s%s", i == 0 ? "" : " ", bits[i].name);
    }
    assert_string_equal(hyp_buf_terminate(&buf), expected);
}

static void test_status_byte_of_all_meters(void **state)
{
    static const struct {
        uint8_t status;
        const char *names;
    } rows[] = {
        {0x00, ""                                               },
        {0x01, "busy"                                           },
        {0x02, "application_error"                              },
        {0x03, "alarm"                                          },
        {0x04, "power_low"                                      },
        {0x1F, "permanent_error alarm power_low temporary_error"},
        {0xE0, ""                                               }, /* the maker's own */
    };
    struct hyp_info_bit bits[8];
    (void)state;
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        check_names(bits, hyp_profile_status_bits(NULL, rows[i].status, bits, 8),
                    rows[i].names);
    }
    assert_int_equal(hyp_profile_status_bits(NULL, 0x1F, bits, 2), 2);
    check_names(bits, 2, "permanent_error alarm");
}

static void test_makers_status(void **state)
{
    const struct hyp_profile *bits_of = hyp_library_find(builtin, HYP_STR("bmeters_hydrocal"));
    const struct hyp_profile *codes_of = hyp_library_find(builtin, HYP_STR("diehl_hydrus"));
    struct hyp_info_bit bits[8];
    (void)state;
    check_names(bits, hyp_profile_value_bits(bits_of, HYP_NAME_STATUS, 0x84, bits, 8),
                "sabotage power_low");
    check_names(bits, hyp_profile_value_bits(codes_of, HYP_NAME_STATUS, 0xB4, bits, 8),
                "reverse_flow power_low temporary_error");
    assert_int_equal(bits[0].code, 0xB0);
    assert_int_equal(bits[0].bit, -1);
    /* One that the profile does not know leaves what the standard says. */
    check_names(bits, hyp_profile_value_bits(codes_of, HYP_NAME_STATUS, 0x54, bits, 8),
                "power_low temporary_error");
    assert_int_equal(hyp_profile_value_bits(bits_of, HYP_NAME_ENERGY, UINT64_MAX, bits, 8), 0);
    assert_int_equal(hyp_profile_value_bits(NULL, HYP_NAME_INFO_CODE, UINT64_MAX, bits, 8), 0);
}

static void test_numbers_add_up(void **state)
{
    const struct hyp_profile *profile = hyp_library_find(builtin, HYP_STR("zenner_zelsius"));
    struct hyp_info_bit bits[8];
    (void)state;
    check_names(bits, hyp_profile_info_bits(profile, 0, bits, 8), "");
    check_names(bits, hyp_profile_info_bits(profile, 9, bits, 8), "hardware_2");
    check_names(bits, hyp_profile_info_bits(profile, 1047, bits, 8),
                "battery_expired air low_battery");
    check_names(bits, hyp_profile_info_bits(profile, 3853, bits, 8),
                "t2_short battery_expired overload verification_expired radio");
    check_names(bits, hyp_profile_info_bits(profile, 60, bits, 8), "measuring overload");
    /* What is left over is nobody's. */
    check_names(bits, hyp_profile_info_bits(profile, 4000, bits, 8), "verification_expired");
    assert_int_equal(hyp_profile_info_bits(profile, UINT64_MAX, bits, 8), 1);
    assert_int_equal(hyp_profile_info_all(profile, bits, 8), 8);
    assert_int_equal(bits[0].severity, HYP_SEVERITY_HIGH);
}

int main(void)
{
    struct hyp_error err = {0};
    if (hyp_library_create(&builtin, &err) != HYP_OK) {
        print_error("%s\n", err.text);
        return 1;
    }
    struct test_list list = {0};
    TEST_ROWS(&list, match_rows, check_match);
    TEST_ONE(&list, test_no_manufacturer);
    TEST_ONE(&list, test_most_specific_wins);
    TEST_ONE(&list, test_ambiguous_is_refused);
    TEST_ONE(&list, test_replace_by_name);
    TEST_ONE(&list, test_replace_generic);
    TEST_ONE(&list, test_failed_addition_changes_nothing);
    TEST_ONE(&list, test_find);
    TEST_ONE(&list, test_info_bits_worst_first);
    TEST_ONE(&list, test_status_byte_of_all_meters);
    TEST_ONE(&list, test_makers_status);
    TEST_ONE(&list, test_numbers_add_up);
    int failed = test_list_run(&list, "library");
    hyp_library_destroy(builtin);
    return failed;
}
