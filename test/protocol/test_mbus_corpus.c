/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real wired frames of the shared corpus, one test per frame: the link layer is sound or
 * refused as the corpus says, every record has the bytes, place and function that an
 * independent walk found, and its value is what other projects wrote down, except where the
 * corpus itself calls that wrong.
 *
 * The corpus is not part of this repository. It is found in $HYP_SHARED, or in a folder
 * "shared" beside one of the folders above the source; where it is missing, the test says so.
 *
 *     test_mbus_corpus SOURCE_ROOT
 */
#include "support/corpus.h"

#include "protocol/mbus/fixed.h"
#include "protocol/mbus/frame.h"
#include "protocol/mbus/record.h"

#include <jansson.h>
#include <math.h>

#define CORPUS "corpora/mbus-frames/mbus-frames.jsonl"
#define LINE_MAX_LEN 65536

static json_t *rows[TEST_LIST_MAX];
static size_t row_count;

/* --- values --- */

/* Quantity and factor to the corpus' base unit of one of our units; the value is normalised. */
static const struct unit_row {
    enum hyp_unit unit;
    double factor;
} unit_rows[] = {
    {HYP_UNIT_KWH,        1e3    },
    {HYP_UNIT_GJ,         1e9    },
    {HYP_UNIT_KW,         1e3    },
    {HYP_UNIT_GJ_PER_H,   1e9    },
    {HYP_UNIT_M3,         1.0    },
    {HYP_UNIT_M3_PER_H,   1.0    },
    {HYP_UNIT_M3_PER_MIN, 60.0   },
    {HYP_UNIT_M3_PER_S,   3600.0 },
    {HYP_UNIT_DEG_C,      1.0    },
    {HYP_UNIT_K,          1.0    },
    {HYP_UNIT_V,          1.0    },
    {HYP_UNIT_A,          1.0    },
    {HYP_UNIT_KG,         1.0    },
    {HYP_UNIT_BAR,        1.0    },
    {HYP_UNIT_HCA,        1.0    },
    {HYP_UNIT_S,          1.0    },
    {HYP_UNIT_MIN,        60.0   },
    {HYP_UNIT_H,          3600.0 },
    {HYP_UNIT_D,          86400.0},
};

static const struct quantity_row {
    const char *text;
    enum hyp_quantity quantity;
} quantity_rows[] = {
    {"Energy",                 HYP_QUANTITY_ENERGY                },
    {"Volume",                 HYP_QUANTITY_VOLUME                },
    {"Power",                  HYP_QUANTITY_POWER                 },
    {"Voltage",                HYP_QUANTITY_VOLTAGE               },
    {"Volume flow",            HYP_QUANTITY_FLOW                  },
    {"Current",                HYP_QUANTITY_CURRENT               },
    {"Flow temperature",       HYP_QUANTITY_TEMPERATURE           },
    {"Return temperature",     HYP_QUANTITY_TEMPERATURE           },
    {"External temperature",   HYP_QUANTITY_TEMPERATURE           },
    {"Temperature difference", HYP_QUANTITY_TEMPERATURE_DIFFERENCE},
    {"On time",                HYP_QUANTITY_DURATION              },
    {"Operating time",         HYP_QUANTITY_DURATION              },
    {"Averaging Duration",     HYP_QUANTITY_DURATION              },
    {"Actuality Duration",     HYP_QUANTITY_DURATION              },
    {"H.C.A.",                 HYP_QUANTITY_HCA                   },
};

static const struct quantity_row *find_quantity(const char *text)
{
    for (size_t i = 0; text != NULL && i < HYP_ARRAY_LEN(quantity_rows); i++) {
        if (strcmp(text, quantity_rows[i].text) == 0) {
            return &quantity_rows[i];
        }
    }
    return NULL;
}

static bool base_value(const struct hyp_mbus_record *record, double *ret_value)
{
    struct hyp_decimal value = record->decimal;
    enum hyp_unit unit = record->unit;
    if (hyp_unit_normalise(&value, &unit) != HYP_OK) {
        return false;
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(unit_rows); i++) {
        if (unit_rows[i].unit == unit) {
            *ret_value = hyp_decimal_to_double(value) * unit_rows[i].factor;
            return true;
        }
    }
    return false;
}

static void check_number(const struct hyp_mbus_record *record, const json_t *expected,
                         size_t index)
{
    const struct quantity_row *row =
        find_quantity(json_string_value(json_object_get(expected, "quantity")));
    const json_t *wanted = json_object_get(expected, "value");
    double found = 0;
    /* A VIFE that makes it a date or a count is what the corpus marks as suspect. */
    if (row == NULL || !json_is_number(wanted) || !hyp_quality_is_usable(record->quality)) {
        return;
    }
    assert_int_equal(record->quantity, row->quantity);
    assert_int_equal(record->kind, HYP_VALUE_DECIMAL);
    assert_true(base_value(record, &found));
    double value = json_number_value(wanted);
    /* The other project prints six decimals. */
    if (fabs(found - value) > HYP_MAX(2e-6 * fabs(value), 5.1e-7)) {
        fail_msg("record %zu: %.9g, expected %.9g", index, found, value);
    }
}

/* "2014-03-13T14:26:00Z" against the civil time, as far as its precision goes. */
static void check_time(const struct hyp_mbus_record *record, const json_t *expected,
                       size_t index)
{
    const char *quantity = json_string_value(json_object_get(expected, "quantity"));
    const char *wanted = json_string_value(json_object_get(expected, "value"));
    char text[32];
    struct hyp_buf buf;
    bool is_time = quantity != NULL && strncmp(quantity, "Time point", 10) == 0;
    if (!is_time || wanted == NULL || record->quality == HYP_QUALITY_NO_VALUE) {
        return;
    }
    assert_int_equal(record->kind, HYP_VALUE_CIVIL);
    if (record->quality == HYP_QUALITY_INVALID) {
        return;
    }
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_civil_format(&buf, &record->civil);
    (void)hyp_buf_terminate(&buf);
    if (strncmp(text, wanted, strlen(text)) != 0) {
        fail_msg("record %zu: %s, expected %s", index, text, wanted);
    }
}

static bool is_suspect(const json_t *row, size_t index)
{
    const json_t *list = json_object_get(row, "expect_suspect");
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (json_integer_value(json_object_get(item, "record")) == (json_int_t)index) {
            return true;
        }
    }
    return false;
}

/* --- records --- */

static void assert_hex(const uint8_t *bytes, size_t len, const json_t *expected)
{
    char text[2 * HYP_MBUS_FRAME_MAX + 1];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_buf_append_hex(&buf, bytes, len);
    assert_string_equal(hyp_buf_terminate(&buf), json_string_value(expected));
}

/* The corpus gives the VIB without the text of a plain text VIF, and LVAR with the data. */
static void check_bytes(const uint8_t *data, const struct hyp_mbus_record *record,
                        const json_t *expected)
{
    const uint8_t *vib = data + record->offset + record->dib_len;
    assert_hex(data + record->offset, record->dib_len, json_object_get(expected, "dib"));
    if (record->table != HYP_VIF_TEXT) {
        assert_hex(vib, record->vib_len, json_object_get(expected, "vib"));
    } else {
        assert_string_equal(record->vif_text,
                            json_string_value(json_object_get(expected, "vif_text")));
    }
    bool variable = (record->dif & 0x0F) == 0x0D;
    assert_hex(record->data - (variable ? 1 : 0), record->data_len + (variable ? 1u : 0u),
               json_object_get(expected, "data"));
    assert_int_equal(record->storage, json_integer_value(json_object_get(expected, "storage")));
    assert_int_equal(record->tariff, json_integer_value(json_object_get(expected, "tariff")));
    assert_int_equal(record->subunit, json_integer_value(json_object_get(expected, "subunit")));
    assert_string_equal(hyp_function_text(record->function),
                        json_string_value(json_object_get(expected, "function")));
}

static void check_records(const json_t *row, const uint8_t *data, size_t len)
{
    const json_t *walked = json_object_get(row, "records");
    const json_t *expected = json_object_get(json_object_get(row, "expect"), "records");
    bool cut = json_object_get(row, "records_note") != NULL;
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    enum hyp_status status;
    size_t index = 0;
    hyp_mbus_records_init(&records, data, len, NULL);
    records.keep_containers = true;
    while ((status = hyp_mbus_records_next(&records, &record, NULL)) == HYP_OK) {
        const json_t *item = json_array_get(walked, index);
        assert_non_null(item);
        if (record.manufacturer_data) {
            assert_hex(record.data, record.data_len, json_object_get(item, "mfct"));
        } else {
            check_bytes(data, &record, item);
            if (!is_suspect(row, index)) {
                check_number(&record, json_array_get(expected, index), index);
                check_time(&record, json_array_get(expected, index), index);
            }
        }
        index++;
    }
    assert_int_equal(index, json_array_size(walked));
    assert_int_equal(status != HYP_NOT_FOUND, cut);
}

static void check_fixed(const json_t *row, const uint8_t *data, size_t len)
{
    const json_t *expected = json_object_get(json_object_get(row, "expect"), "records");
    struct hyp_mbus_record records[2];
    size_t count = 0;
    assert_int_equal(hyp_mbus_fixed_decode(data, len, false, NULL, records, &count, NULL),
                     HYP_OK);
    assert_int_equal(count, json_array_size(expected));
}

/* --- frames --- */

static size_t frame_bytes(const json_t *row, uint8_t *out, size_t capacity)
{
    size_t len = 0;
    const char *hex = json_string_value(json_object_get(row, "hex"));
    assert_int_equal(hyp_hex_decode(hyp_str_from(hex), out, capacity, &len, NULL), HYP_OK);
    return len;
}

static bool flag(const json_t *row, const char *name)
{
    return json_is_true(json_object_get(json_object_get(row, "header"), name));
}

static void check_row(void **state)
{
    const json_t *row = *state;
    uint8_t bytes[1024];
    struct hyp_mbus_frame frame;
    struct hyp_error err;
    size_t len = frame_bytes(row, bytes, sizeof(bytes));
    enum hyp_status status = hyp_mbus_frame_parse(bytes, len, &frame, &err);
    bool sound = flag(row, "checksum_ok") && flag(row, "stop_ok") && flag(row, "l_ok");
    if (!sound) {
        assert_int_not_equal(status, HYP_OK);
        assert_true(err.text[0] != '\0');
        return;
    }
    assert_int_equal(status, HYP_OK);
    const json_t *enc = json_object_get(row, "enc");
    bool encrypted =
        json_is_object(enc) &&
        strcmp(json_string_value(json_object_get(enc, "state")), "reserved-mode") != 0;
    if (frame.ci == 0x73) {
        check_fixed(row, frame.data, frame.data_len);
    } else if (frame.ci == 0x72 && frame.data_len >= 12 && !encrypted) {
        check_records(row, frame.data + 12, frame.data_len - 12);
    }
}

/* --- the corpus --- */

static void load(FILE *file)
{
    static char line[LINE_MAX_LEN];
    while (row_count < TEST_LIST_MAX && fgets(line, sizeof(line), file) != NULL) {
        json_t *row = json_loads(line, 0, NULL);
        if (row == NULL) {
            fprintf(stderr, "the corpus has a line that is no JSON\n");
            exit(EXIT_FAILURE);
        }
        rows[row_count++] = row;
    }
}

int main(int argc, char **argv)
{
    static struct test_list list;
    FILE *file = argc > 1 ? test_corpus_open(argv[1], CORPUS) : NULL;
    if (file == NULL) {
        return test_list_skip("the shared corpus is not there: HYP_SHARED can name it");
    }
    load(file);
    (void)fclose(file);
    for (size_t i = 0; i < row_count; i++) {
        const char *name = json_string_value(json_object_get(rows[i], "name"));
        test_list_add(&list, name, check_row, rows[i]);
    }
    int failed = test_list_run(&list, "mbus_corpus");
    for (size_t i = 0; i < row_count; i++) {
        json_decref(rows[i]);
    }
    return failed;
}
