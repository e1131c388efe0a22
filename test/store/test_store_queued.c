/* SPDX-License-Identifier: Apache-2.0 */
/* Batches in the queue: what is opened there is what was handed in. */
#include "support/rows.h"

#include "base/limits.h"
#include "store/queued.h"

#include <string.h>

#define VALUES 12

static struct hyp_queued_spare spare;

static struct hyp_value number(int64_t digits, int8_t exp10)
{
    return (struct hyp_value){
        .key = {.name = HYP_NAME_ENERGY, .storage = 3, .tariff = 2, .subunit = 1},
        .unit = HYP_UNIT_KWH,
        .kind = HYP_VALUE_DECIMAL,
        .quality = HYP_QUALITY_GOOD,
        .decimal = {.digits = digits,           .exp10 = exp10                      }
    };
}

/* One of each kind, and numbers at the ends of their ranges. */
static size_t fill_all_kinds(struct hyp_value values[static VALUES])
{
    size_t count = 0;
    values[count++] = number(1250, -2);
    values[count++] = number(INT64_MIN, INT8_MIN);
    values[count++] = number(INT64_MAX, INT8_MAX);
    struct hyp_value *at = &values[count++];
    *at = number(-1, 0);
    at->key = (struct hyp_point_key){.name = HYP_NAME_COUNT_OF - 1,
                                     .function = HYP_FUNCTION_ERROR,
                                     .subunit = UINT16_MAX,
                                     .tariff = (1u << 20) - 1,
                                     .storage = (1ull << 41) - 1};
    at->unit = HYP_UNIT_COUNT_OF - 1;
    at->quality = HYP_QUALITY_CORRECTED;
    at->label = HYP_STR("a name of its own");
    at = &values[count++];
    *at = (struct hyp_value){
        .kind = HYP_VALUE_FLAGS, .quality = HYP_QUALITY_DOUBTFUL, .flags = UINT64_MAX};
    at = &values[count++];
    *at = (struct hyp_value){
        .kind = HYP_VALUE_CIVIL,
        .quality = HYP_QUALITY_GOOD,
        .civil = {.year = 9999,
                  .month = 12,
                  .day = 31,
                  .hour = 23,
                  .minute = 59,
                  .second = 59,
                  .precision = 2,
                  .summer_time = true}
    };
    at = &values[count++];
    *at = (struct hyp_value){
        .kind = HYP_VALUE_TEXT, .quality = HYP_QUALITY_GOOD, .text = HYP_STR("one")};
    at = &values[count++];
    *at = (struct hyp_value){
        .kind = HYP_VALUE_TEXT, .quality = HYP_QUALITY_MANUAL, .text = HYP_STR("")};
    at = &values[count++];
    *at = number(77, 1);
    at->label = HYP_STR("another");
    at = &values[count++];
    *at = (struct hyp_value){.key = {.name = HYP_NAME_ENERGY},
                             .unit = HYP_UNIT_KWH,
                             .quality = HYP_QUALITY_NO_VALUE,
                             .label = HYP_STR("absent")};
    at = &values[count++];
    *at = (struct hyp_value){.kind = HYP_VALUE_TEXT,
                             .quality = HYP_QUALITY_INVALID,
                             .text = HYP_STR("not looked at")};
    return count;
}

static void assert_same_payload(const struct hyp_value *got, const struct hyp_value *given)
{
    char texts[2][HYP_LIMIT_VALUE_TEXT + 8];
    const struct hyp_value *values[] = {got, given};
    for (size_t i = 0; i < HYP_ARRAY_LEN(values); i++) {
        struct hyp_buf out;
        hyp_buf_init_fixed(&out, texts[i], sizeof(texts[i]));
        hyp_value_format(&out, values[i]);
        hyp_buf_append_char(&out, '\0');
    }
    assert_string_equal(texts[0], texts[1]);
    if (given->kind == HYP_VALUE_DECIMAL) {
        assert_int_equal(got->decimal.digits, given->decimal.digits);
        assert_int_equal(got->decimal.exp10, given->decimal.exp10);
    }
}

static void assert_same(const struct hyp_value *got, const struct hyp_value *given)
{
    assert_true(hyp_point_key_equal(&got->key, &given->key));
    assert_int_equal(got->unit, given->unit);
    assert_int_equal(got->kind, given->kind);
    assert_int_equal(got->quality, given->quality);
    assert_true(hyp_str_equal(got->label, given->label));
    if (hyp_quality_is_usable(given->quality)) {
        assert_same_payload(got, given);
    }
}

static struct hyp_reading reading_of(const struct hyp_value *values, size_t count)
{
    return (struct hyp_reading){.device = {.id = 7},
                                .kind = HYP_READING_CURRENT,
                                .source = HYP_SOURCE_AUTOMATIC,
                                .frame = HYP_NO_FRAME,
                                .values = values,
                                .value_count = count};
}

static enum hyp_status take(const struct hyp_reading *readings, size_t count,
                            struct hyp_queued_batch **ret_queued)
{
    struct hyp_batch batch = {.readings = readings, .reading_count = count};
    return hyp_queued_take(&spare, &batch, ret_queued);
}

/* What is opened is what was handed in, for all readings of a batch. */
static void check_opened(const struct hyp_reading *readings, size_t count)
{
    struct hyp_queued_batch *queued;
    assert_int_equal(take(readings, count, &queued), HYP_OK);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct hyp_reading *copy = &queued->content.batch.readings[i];
        assert_int_equal(copy->device.id, readings[i].device.id);
        assert_int_equal(copy->value_count, readings[i].value_count);
        for (size_t v = 0; v < readings[i].value_count; v++, at++) {
            struct hyp_value got = hyp_queued_open(&queued->content, at);
            assert_same(&got, &readings[i].values[v]);
        }
    }
    hyp_queued_give(&spare, queued);
}

static void every_kind_is_opened_as_it_was(void **state)
{
    (void)state;
    struct hyp_value values[VALUES];
    size_t count = fill_all_kinds(values);
    struct hyp_reading readings[] = {reading_of(values, count), reading_of(values, 0),
                                     reading_of(values, count), reading_of(values, count),
                                     reading_of(values + 1, count - 1)};
    check_opened(readings, HYP_ARRAY_LEN(readings));
    check_opened(readings, 0);
}

static const struct other {
    const char *name;
    struct hyp_value value;
} others[] = {
    {"another name",     {.key.name = HYP_NAME_FLOW}           },
    {"another function", {.key.function = HYP_FUNCTION_MAXIMUM}},
    {"another subunit",  {.key.subunit = 9}                    },
    {"another tariff",   {.key.tariff = 9}                     },
    {"another storage",  {.key.storage = 9}                    },
    {"another unit",     {.unit = HYP_UNIT_M3}                 },
    {"another kind",     {.kind = HYP_VALUE_FLAGS}             },
    {"another quality",  {.quality = HYP_QUALITY_DOUBTFUL}     },
    {"absent",           {.quality = HYP_QUALITY_NO_VALUE}     },
    {"another exponent", {.decimal.exp10 = 3}                  },
    {"another payload",  {.decimal.digits = -5}                },
    {"a label",          {.label = {.ptr = "a name", .len = 6}}},
};

/* What a row says of a value in place of what the value says. */
static struct hyp_value changed(struct hyp_value value, const struct hyp_value *by)
{
    value.key.name = by->key.name != 0 ? by->key.name : value.key.name;
    value.key.function = by->key.function;
    value.key.subunit = by->key.subunit != 0 ? by->key.subunit : value.key.subunit;
    value.key.tariff = by->key.tariff != 0 ? by->key.tariff : value.key.tariff;
    value.key.storage = by->key.storage != 0 ? by->key.storage : value.key.storage;
    value.unit = by->unit != 0 ? by->unit : value.unit;
    value.kind = by->kind != HYP_VALUE_UNSET ? by->kind : value.kind;
    value.quality = by->quality != HYP_QUALITY_UNSET ? by->quality : value.quality;
    if (by->decimal.exp10 != 0 || by->decimal.digits != 0) {
        value.decimal = by->decimal;
    }
    value.label = by->label;
    return value;
}

/* A reading of the registers of the one before, but for one that is different in one way. */
static void registers_are_told_apart(void **state)
{
    const struct other *row = *state;
    struct hyp_value before[] = {number(10, -1), number(20, -1), number(30, -1)};
    struct hyp_value after[] = {number(11, -1), changed(number(21, -1), &row->value),
                                number(31, -1)};
    struct hyp_reading readings[] = {reading_of(before, 3), reading_of(after, 3),
                                     reading_of(before, 3)};
    check_opened(readings, HYP_ARRAY_LEN(readings));
}

/* Flags have no exponent, whatever was in its place. */
static void flags_are_left_without_exponent(void **state)
{
    (void)state;
    struct hyp_value flags[2];
    for (size_t i = 0; i < HYP_ARRAY_LEN(flags); i++) {
        flags[i] = number(5, (int8_t)(3 + i)); /* in the same bytes */
        flags[i].kind = HYP_VALUE_FLAGS;
    }
    struct hyp_reading readings[] = {reading_of(&flags[0], 1), reading_of(&flags[1], 1)};
    struct hyp_queued_batch *queued;
    assert_int_equal(take(readings, 2, &queued), HYP_OK);
    for (size_t i = 0; i < HYP_ARRAY_LEN(flags); i++) {
        assert_int_equal(hyp_queued_exponent(&queued->content.values[i]), 0);
        assert_int_equal(queued->content.values[i].payload, 5);
    }
    hyp_queued_give(&spare, queued);
}

/* Behind a reading of the same registers, which are not looked at again. */
static void what_is_no_value_is_refused(void **state)
{
    (void)state;
    struct hyp_value bad[] = {number(1, 0), number(1, 0), number(1, 0), number(1, 0)};
    bad[0].key.storage = 1ull << 41;
    bad[1].key.tariff = 1u << 20;
    bad[2].kind = HYP_VALUE_UNSET;
    bad[3].quality = (enum hyp_quality)(HYP_QUALITY_GOOD + (1 << 16));
    for (size_t i = 0; i < HYP_ARRAY_LEN(bad); i++) {
        struct hyp_value values[] = {number(1, 0), number(2, 0)};
        struct hyp_value with_bad[] = {number(1, 0), bad[i]};
        struct hyp_reading readings[] = {reading_of(values, 2), reading_of(with_bad, 2)};
        struct hyp_queued_batch *queued;
        assert_int_equal(take(readings, 2, &queued), HYP_INVALID);
        assert_int_equal(take(&readings[1], 1, &queued), HYP_INVALID);
    }
}

static void frames_are_copied_and_memory_is_used_again(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x68, 0x03, 0x16};
    struct hyp_raw_frame frames[] = {
        {.line = {.id = 3},     .bytes = bytes, .len = sizeof(bytes)},
        {.line = {.id = 4}}
    };
    struct hyp_value value = number(1, 0);
    value.label = HYP_STR("kept apart");
    struct hyp_reading reading = reading_of(&value, 1);
    reading.frame = 1;
    struct hyp_batch batch = {
        .readings = &reading, .reading_count = 1, .frames = frames, .frame_count = 2};
    struct hyp_queued_batch *first;
    assert_int_equal(hyp_queued_take(&spare, &batch, &first), HYP_OK);
    const struct hyp_raw_frame *copy = first->content.batch.frames;
    assert_int_equal(copy[0].line.id, 3);
    assert_ptr_not_equal(copy[0].bytes, bytes);
    assert_memory_equal(copy[0].bytes, bytes, sizeof(bytes));
    assert_int_equal(copy[1].len, 0);
    assert_int_equal(first->content.batch.readings[0].frame, 1);
    hyp_queued_give(&spare, first);
    value.label = HYP_STR("");
    struct hyp_queued_batch *second;
    assert_int_equal(hyp_queued_take(&spare, &batch, &second), HYP_OK);
    assert_ptr_equal(second, first);
    assert_int_equal(second->content.label_count, 0);
    struct hyp_value got = hyp_queued_open(&second->content, 0);
    assert_same(&got, &value);
    hyp_queued_give(&spare, second);
    reading.frame = 2;
    assert_int_equal(hyp_queued_take(&spare, &batch, &second), HYP_INVALID);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, every_kind_is_opened_as_it_was);
    TEST_ROWS(&list, others, registers_are_told_apart);
    TEST_ONE(&list, flags_are_left_without_exponent);
    TEST_ONE(&list, what_is_no_value_is_refused);
    TEST_ONE(&list, frames_are_copied_and_memory_is_used_again);
    hyp_queued_init(&spare);
    int status = test_list_run(&list, "store-queued");
    hyp_queued_finish(&spare);
    return status;
}
