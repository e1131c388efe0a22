/* SPDX-License-Identifier: Apache-2.0 */
/* Meters of a file: looked up once each, however many lines name them. */
#include "service/import_row.h"
#include "service/inside.h"

#include <stdlib.h>
#include <string.h>

#define SERIAL_DIGITS 8

/* Spreadsheets drop leading zeros: "1234567" is "01234567". */
static void pad_serial(struct hyp_str text, char out[static SERIAL_DIGITS + 1])
{
    size_t zeros = SERIAL_DIGITS - text.len;
    memset(out, '0', zeros);
    memcpy(out + zeros, text.ptr, text.len);
    out[SERIAL_DIGITS] = '\0';
}

static void look_up(struct hyp_import_reader *reader, struct hyp_import_meter *meter)
{
    hyp_device_id found[2];
    struct hyp_str maker = hyp_str_from(meter->maker);
    struct hyp_str serial = hyp_str_from(meter->serial);
    struct hyp_directory *directory = reader->service->directory;
    meter->found = hyp_directory_find_serial(directory, reader->tenant, maker, serial, found,
                                             HYP_ARRAY_LEN(found));
    if (meter->found == 0 && serial.len > 0 && serial.len < SERIAL_DIGITS) {
        char padded[SERIAL_DIGITS + 1];
        pad_serial(serial, padded);
        meter->found =
            hyp_directory_find_serial(directory, reader->tenant, maker, hyp_str_from(padded),
                                      found, HYP_ARRAY_LEN(found));
    }
    meter->device = meter->found == 1 ? found[0] : (hyp_device_id){0};
}

static bool is_meter(const struct hyp_import_meter *meter, struct hyp_str maker,
                     struct hyp_str serial)
{
    return hyp_str_equal(hyp_str_from(meter->serial), serial) &&
           hyp_str_equal(hyp_str_from(meter->maker), maker);
}

static uint64_t hash_meter(struct hyp_str maker, struct hyp_str serial)
{
    return hyp_hash_bytes(serial.ptr, serial.len) + 31 * hyp_hash_bytes(maker.ptr, maker.len);
}

static enum hyp_status grow_meters(struct hyp_import_reader *reader)
{
    size_t capacity = HYP_MAX(reader->meter_capacity * 2, (size_t)64);
    struct hyp_import_meter *meters =
        realloc(reader->meters, capacity * sizeof(*reader->meters));
    if (meters == NULL) {
        return HYP_NO_MEMORY;
    }
    reader->meters = meters;
    reader->meter_capacity = capacity;
    return HYP_OK;
}

/* The place of a meter in reader->meters. */
static enum hyp_status find_meter(struct hyp_import_reader *reader, struct hyp_str maker,
                                  struct hyp_str serial, size_t *ret_at)
{
    uint64_t at;
    uint64_t hash = hash_meter(maker, serial);
    if (reader->last_meter < reader->meter_count &&
        is_meter(&reader->meters[reader->last_meter], maker, serial)) {
        *ret_at = reader->last_meter;
        return HYP_OK;
    }
    if (hyp_map_get(&reader->by_name, hash, &at) &&
        is_meter(&reader->meters[at], maker, serial)) {
        *ret_at = reader->last_meter = (size_t)at;
        return HYP_OK;
    }
    if (reader->meter_count == HYP_LIMIT_IMPORT_METERS) {
        return HYP_LIMIT;
    }
    if (reader->meter_count == reader->meter_capacity && grow_meters(reader) != HYP_OK) {
        return HYP_NO_MEMORY;
    }
    struct hyp_import_meter *meter = &reader->meters[reader->meter_count];
    *meter = (struct hyp_import_meter){0};
    hyp_text_copy(meter->maker, sizeof(meter->maker), maker);
    hyp_text_copy(meter->serial, sizeof(meter->serial), serial);
    look_up(reader, meter);
    if (hyp_map_set(&reader->by_name, hash, reader->meter_count) != HYP_OK) {
        return HYP_NO_MEMORY;
    }
    *ret_at = reader->last_meter = reader->meter_count++;
    return HYP_OK;
}

enum hyp_status hyp_import_find_serial(struct hyp_import_reader *reader, struct hyp_str maker,
                                       struct hyp_str serial, hyp_device_id *ret_device,
                                       struct hyp_error *err)
{
    size_t at = 0;
    if (serial.len == 0 || serial.len >= HYP_SERIAL_MAX || maker.len > 3) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%.*s\" is no serial number of a meter, or \"%.*s\" no maker of "
                             "three letters.",
                             HYP_STR_ARG(serial), HYP_STR_ARG(maker));
    }
    enum hyp_status status = find_meter(reader, maker, serial, &at);
    if (status == HYP_LIMIT) {
        return hyp_error_set(err, status, -1, "More than %d meters; cut the file into parts.",
                             HYP_LIMIT_IMPORT_METERS);
    }
    if (status != HYP_OK) {
        return status;
    }
    const struct hyp_import_meter *meter = &reader->meters[at];
    if (meter->found == 0) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1,
                             "There is no device with the serial number %s; add it first.",
                             meter->serial);
    }
    if (meter->found > 1) {
        return hyp_error_set(err, HYP_CONFLICT, -1,
                             "Several devices have the serial number %s; add a column "
                             "\"manufacturer\", or use a column \"device\".",
                             meter->serial);
    }
    *ret_device = meter->device;
    return HYP_OK;
}
