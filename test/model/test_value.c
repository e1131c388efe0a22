/* SPDX-License-Identifier: Apache-2.0 */
/* value, point key, reading words and vocabulary. */
#include "model/reading.h"
#include "model/value.h"

#include "support/rows.h"

struct key_row {
    const char *name;
    const char *text;
    bool ok;
    struct hyp_point_key key;
};

static const struct key_row key_rows[] = {
    {"plain",                "energy",                true,  {.name = HYP_NAME_ENERGY}                                },
    {"storage and tariff",
     "energy.s1.t2",                                  true,
     {.name = HYP_NAME_ENERGY, .storage = 1, .tariff = 2}                                                             },
    {"maximum",
     "flow.max.s1",                                   true,
     {.name = HYP_NAME_FLOW, .function = HYP_FUNCTION_MAXIMUM, .storage = 1}                                          },
    {"minimum",              "flow.min",              true,  {.name = HYP_NAME_FLOW, .function = HYP_FUNCTION_MINIMUM}},
    {"error state",
     "volume.err",                                    true,
     {.name = HYP_NAME_VOLUME, .function = HYP_FUNCTION_ERROR}                                                        },
    {"subunit",              "voltage.u3",            true,  {.name = HYP_NAME_VOLTAGE, .subunit = 3}                 },
    {"largest",
     "energy.err.s2199023255551.t1048575.u65535",     true,
     {.name = HYP_NAME_ENERGY,
      .function = HYP_FUNCTION_ERROR,
      .storage = 2199023255551,
      .tariff = 1048575,
      .subunit = 65535}                                                                                               },
    {"storage too large",    "energy.s2199023255552", false, {0}                                                      },
    {"tariff too large",     "energy.t1048576",       false, {0}                                                      },
    {"subunit too large",    "energy.u65536",         false, {0}                                                      },
    {"tariff far too large", "energy.t4294967297",    false, {0}                                                      },
    {"zero is left out",     "energy.s0",             false, {0}                                                      },
    {"no number",            "energy.s",              false, {0}                                                      },
    {"unknown part",         "energy.x1",             false, {0}                                                      },
    {"empty part",           "energy.",               false, {0}                                                      },
    {"unknown name",         "enthalpy",              false, {0}                                                      },
    {"empty",                "",                      false, {0}                                                      },
    {"upper case",           "Energy",                false, {0}                                                      },
};

static void check_key(void **state)
{
    const struct key_row *row = *state;
    struct hyp_point_key key = {.name = 7};
    enum hyp_status status = hyp_point_key_parse(hyp_str_from(row->text), &key);
    assert_int_equal(status, row->ok ? HYP_OK : HYP_INVALID);
    if (!row->ok) {
        assert_int_equal(key.name, 7);
        return;
    }
    assert_true(hyp_point_key_equal(&key, &row->key));
    char memory[HYP_POINT_KEY_TEXT_MAX];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, sizeof(memory));
    hyp_point_key_format(&out, &key);
    assert_int_equal(hyp_buf_status(&out), HYP_OK);
    assert_string_equal(hyp_buf_terminate(&out), row->text);
}

static void keys_differ_in_every_part(void **state)
{
    (void)state;
    struct hyp_point_key base = {.name = HYP_NAME_ENERGY};
    struct hyp_point_key others[] = {
        {.name = HYP_NAME_VOLUME          },
        { .name = HYP_NAME_ENERGY, .function = HYP_FUNCTION_MAXIMUM},
        { .name = HYP_NAME_ENERGY,                     .subunit = 1},
        { .name = HYP_NAME_ENERGY,                      .tariff = 1},
        { .name = HYP_NAME_ENERGY,                     .storage = 1},
        { .name = HYP_NAME_ENERGY,            .storage = 1ull << 32},
    };
    assert_true(hyp_point_key_equal(&base, &base));
    for (size_t i = 0; i < HYP_ARRAY_LEN(others); i++) {
        assert_false(hyp_point_key_equal(&base, &others[i]));
    }
}

static const char *text_of(const struct hyp_value *value, char *memory, size_t size)
{
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, size);
    hyp_value_format(&out, value);
    return hyp_buf_terminate(&out);
}

static void values_as_text(void **state)
{
    (void)state;
    char memory[64];
    struct hyp_value value = {.kind = HYP_VALUE_DECIMAL, .quality = HYP_QUALITY_GOOD};
    value.decimal = (struct hyp_decimal){1250, -2};
    assert_string_equal(text_of(&value, memory, sizeof(memory)), "12.50");
    value.quality = HYP_QUALITY_NO_VALUE;
    assert_string_equal(text_of(&value, memory, sizeof(memory)), "");
    value = (struct hyp_value){
        .kind = HYP_VALUE_FLAGS, .quality = HYP_QUALITY_DOUBTFUL, .flags = 4};
    assert_string_equal(text_of(&value, memory, sizeof(memory)), "0x0004");
    value = (struct hyp_value){
        .kind = HYP_VALUE_TEXT, .quality = HYP_QUALITY_GOOD, .text = HYP_STR("abc")};
    assert_string_equal(text_of(&value, memory, sizeof(memory)), "abc");
    value = (struct hyp_value){.kind = HYP_VALUE_CIVIL, .quality = HYP_QUALITY_GOOD};
    value.civil = (struct hyp_civil){.year = 2026, .month = 1, .day = 31};
    assert_string_equal(text_of(&value, memory, sizeof(memory)), "2026-01-31");
}

static void qualities_read_back_and_split_into_usable_and_absent(void **state)
{
    (void)state;
    for (int i = HYP_QUALITY_UNSET; i <= HYP_QUALITY_LAST; i++) {
        enum hyp_quality quality = HYP_QUALITY_UNSET;
        const char *text = hyp_quality_text((enum hyp_quality)i);
        assert_int_equal(hyp_quality_find(hyp_str_from(text), &quality), HYP_OK);
        assert_int_equal(quality, i);
    }
    enum hyp_quality quality;
    assert_int_equal(hyp_quality_find(HYP_STR("fine"), &quality), HYP_NOT_FOUND);
    assert_true(hyp_quality_is_usable(HYP_QUALITY_GOOD));
    assert_true(hyp_quality_is_usable(HYP_QUALITY_ESTIMATED));
    assert_false(hyp_quality_is_usable(HYP_QUALITY_UNSET));
    assert_false(hyp_quality_is_usable(HYP_QUALITY_NO_VALUE));
    assert_false(hyp_quality_is_usable(HYP_QUALITY_DEVICE_ERROR));
    assert_true(hyp_quality_is_usable(HYP_QUALITY_CORRECTED));
}

static void the_worse_of_two_qualities(void **state)
{
    static const enum hyp_quality order[] = {
        HYP_QUALITY_UNSET,     HYP_QUALITY_GOOD,     HYP_QUALITY_CORRECTED, HYP_QUALITY_MANUAL,
        HYP_QUALITY_ESTIMATED, HYP_QUALITY_DOUBTFUL, HYP_QUALITY_INVALID,
    };
    (void)state;
    for (size_t i = 0; i < HYP_ARRAY_LEN(order); i++) {
        for (size_t j = 0; j <= i; j++) {
            assert_int_equal(hyp_quality_worse(order[i], order[j]), order[i]);
            assert_int_equal(hyp_quality_worse(order[j], order[i]), order[i]);
        }
    }
}

static void vocabulary_is_consistent(void **state)
{
    (void)state;
    for (int i = 0; i < HYP_NAME_COUNT_OF; i++) {
        const struct hyp_word *word = hyp_vocabulary_word((enum hyp_name)i);
        enum hyp_name found;
        assert_int_equal(hyp_vocabulary_find(hyp_str_from(word->name), &found), HYP_OK);
        assert_int_equal(found, i); /* a name that stands twice would find the first */
        assert_true(strlen(word->meaning) > 0);
        for (const char *c = word->name; *c != '\0'; c++) {
            assert_true((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_');
        }
        int exp10 = 99;
        assert_int_equal(hyp_unit_canonical(word->unit, &exp10), word->unit);
        assert_int_equal(exp10, 0);
        assert_true(strlen(hyp_aggregation_text(word->aggregation)) > 0);
    }
    enum hyp_name name;
    assert_int_equal(hyp_vocabulary_find(HYP_STR("no_such_name"), &name), HYP_NOT_FOUND);
}

static void units_and_quantities_are_consistent(void **state)
{
    (void)state;
    for (int i = 0; i < HYP_UNIT_COUNT_OF; i++) {
        enum hyp_unit found;
        const char *text = hyp_unit_text((enum hyp_unit)i);
        assert_int_equal(hyp_unit_find(hyp_str_from(text), &found), HYP_OK);
        assert_int_equal(found, i);
        int exp10;
        enum hyp_unit canonical = hyp_unit_canonical((enum hyp_unit)i, &exp10);
        assert_int_equal(hyp_unit_canonical(canonical, &exp10), canonical);
        assert_int_equal(exp10, 0);
    }
    for (int i = 0; i < HYP_QUANTITY_COUNT_OF; i++) {
        enum hyp_quantity found;
        const char *text = hyp_quantity_text((enum hyp_quantity)i);
        assert_int_equal(hyp_quantity_find(hyp_str_from(text), &found), HYP_OK);
        assert_int_equal(found, i);
    }
    enum hyp_unit unit;
    assert_int_equal(hyp_unit_find(HYP_STR("furlong"), &unit), HYP_NOT_FOUND);
}

struct unit_row {
    const char *name;
    struct hyp_decimal value;
    enum hyp_unit unit;
    struct hyp_decimal normal;
    enum hyp_unit canonical;
};

static const struct unit_row unit_rows[] = {
    {"Wh to kWh",   {1234, 0},  HYP_UNIT_WH,      {1234, -3}, HYP_UNIT_KWH     },
    {"MWh to kWh",  {1234, -2}, HYP_UNIT_MWH,     {1234, 1},  HYP_UNIT_KWH     },
    {"MJ to GJ",    {5, 0},     HYP_UNIT_MJ,      {5, -3},    HYP_UNIT_GJ      },
    {"kWh stays",   {7, -1},    HYP_UNIT_KWH,     {7, -1},    HYP_UNIT_KWH     },
    {"l/h to m3/h", {250, 0},   HYP_UNIT_L_PER_H, {250, -3},  HYP_UNIT_M3_PER_H},
    {"Pa to bar",   {1, 0},     HYP_UNIT_PA,      {1, -5},    HYP_UNIT_BAR     },
};

static void check_unit(void **state)
{
    const struct unit_row *row = *state;
    struct hyp_decimal value = row->value;
    enum hyp_unit unit = row->unit;
    assert_int_equal(hyp_unit_normalise(&value, &unit), HYP_OK);
    assert_true(value.digits == row->normal.digits);
    assert_int_equal(value.exp10, row->normal.exp10);
    assert_int_equal(unit, row->canonical);
}

static void exponent_out_of_range_changes_nothing(void **state)
{
    (void)state;
    struct hyp_decimal value = {1, -99};
    enum hyp_unit unit = HYP_UNIT_WH;
    assert_int_equal(hyp_unit_normalise(&value, &unit), HYP_IMPLAUSIBLE);
    assert_int_equal(value.exp10, -99);
    assert_int_equal(unit, HYP_UNIT_WH);
}

static void reading_words(void **state)
{
    (void)state;
    assert_string_equal(hyp_reading_kind_text(HYP_READING_CURRENT), "current");
    assert_string_equal(hyp_reading_source_text(HYP_SOURCE_ON_DEMAND), "on_demand");
    assert_string_equal(hyp_raw_protocol_text(HYP_RAW_MBUS), "mbus");
    for (int i = 0; i <= HYP_READING_EVENT; i++) {
        assert_true(strlen(hyp_reading_kind_text((enum hyp_reading_kind)i)) > 0);
    }
    for (int i = 0; i <= HYP_SOURCE_PUSH; i++) {
        assert_true(strlen(hyp_reading_source_text((enum hyp_reading_source)i)) > 0);
    }
    for (int i = 0; i <= HYP_RAW_MODBUS_SNAPSHOT; i++) {
        assert_true(strlen(hyp_raw_protocol_text((enum hyp_raw_protocol)i)) > 0);
    }
    for (int i = 0; i <= HYP_FUNCTION_ERROR; i++) {
        assert_true(strlen(hyp_function_text((enum hyp_function)i)) > 0);
    }
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, key_rows, check_key);
    TEST_ONE(&list, keys_differ_in_every_part);
    TEST_ONE(&list, values_as_text);
    TEST_ONE(&list, qualities_read_back_and_split_into_usable_and_absent);
    TEST_ONE(&list, the_worse_of_two_qualities);
    TEST_ONE(&list, vocabulary_is_consistent);
    TEST_ONE(&list, units_and_quantities_are_consistent);
    TEST_ROWS(&list, unit_rows, check_unit);
    TEST_ONE(&list, exponent_out_of_range_changes_nothing);
    TEST_ONE(&list, reading_words);
    return test_list_run(&list, "value");
}
