/* SPDX-License-Identifier: Apache-2.0 */
#include "service/import_row.h"

#include "base/csv.h"
#include "service/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(HYP_LIMIT_IMPORT_COLUMNS <= HYP_LIMIT_READING_VALUES, "a line is one reading");

#define AHEAD_MS (24LL * 3600 * 1000) /* a reading may be later than now by so much */

/* --- cells --- */

static struct hyp_str cell_of(const struct hyp_import_reader *reader, enum hyp_csv_role role)
{
    int at = reader->layout->at[role];
    return at >= 0 && (size_t)at < reader->cell_count ? reader->cells[at]
                                                      : (struct hyp_str){"", 0};
}

static enum hyp_status find_device(struct hyp_import_reader *reader, hyp_device_id *ret_device,
                                   struct hyp_error *err)
{
    struct hyp_str number = cell_of(reader, HYP_CSV_DEVICE);
    if (reader->device.id != 0) {
        *ret_device = reader->device;
        return HYP_OK;
    }
    if (reader->layout->at[HYP_CSV_DEVICE] < 0) {
        return hyp_import_find_serial(reader, cell_of(reader, HYP_CSV_MAKER),
                                      cell_of(reader, HYP_CSV_SERIAL), ret_device, err);
    }
    hyp_device_id device = {0};
    if (hyp_str_to_i64(number, &device.id) != HYP_OK ||
        !hyp_directory_has_device(reader->service->directory, reader->tenant, device)) {
        return hyp_error_set(err, HYP_NOT_FOUND, -1, "There is no device %.*s.",
                             HYP_STR_ARG(number));
    }
    *ret_device = device;
    return HYP_OK;
}

/* "31.01.2026 14:05[:09]", as spreadsheets of half of Europe write it, into ISO's order. */
static bool turn_date(struct hyp_str text, char out[static 24], size_t *ret_len)
{
    bool dotted = text.len >= 10 && text.len < 24 && text.ptr[2] == '.' && text.ptr[5] == '.';
    if (dotted) {
        memcpy(out, text.ptr + 6, 4);
        out[4] = '-';
        memcpy(out + 5, text.ptr + 3, 2);
        out[7] = '-';
        memcpy(out + 8, text.ptr, 2);
        memcpy(out + 10, text.ptr + 10, text.len - 10);
        *ret_len = text.len;
    }
    return dotted;
}

static enum hyp_status parse_time(const struct hyp_import_reader *reader, struct hyp_str text,
                                  hyp_utc *ret_time)
{
    char turned[24];
    struct hyp_civil civil;
    if (hyp_utc_parse(text, ret_time) == HYP_OK) {
        return HYP_OK;
    }
    struct hyp_str iso = {turned, 0};
    if (!turn_date(text, turned, &iso.len)) {
        iso = text;
    }
    if (hyp_civil_parse(iso, &civil) != HYP_OK || civil.precision == HYP_CIVIL_TIME_OF_DAY) {
        return HYP_INVALID;
    }
    *ret_time = hyp_zone_to_utc(reader->zone, hyp_civil_to_seconds(&civil) * 1000);
    return HYP_OK;
}

static enum hyp_status read_time(struct hyp_import_reader *reader, hyp_utc *ret_time,
                                 struct hyp_error *err)
{
    struct hyp_str text = cell_of(reader, HYP_CSV_TIME);
    if (reader->time_len > 0 &&
        hyp_str_equal(text, (struct hyp_str){reader->time_text, reader->time_len})) {
        *ret_time = reader->time;
        return HYP_OK;
    }
    if (parse_time(reader, text, ret_time) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%.*s\" is no time; write it like 2026-01-31T14:05:00Z, "
                             "2026-01-31 14:05 or 31.01.2026 14:05.",
                             HYP_STR_ARG(text));
    }
    if (ret_time->ms < 0 || ret_time->ms > reader->now.ms + AHEAD_MS) {
        return hyp_error_set(err, HYP_INVALID, -1, "%.*s lies before 1970 or in the future.",
                             HYP_STR_ARG(text));
    }
    reader->time_len = text.len < sizeof(reader->time_text) ? text.len : 0;
    memcpy(reader->time_text, text.ptr, reader->time_len);
    reader->time = *ret_time;
    return HYP_OK;
}

/* --- values --- */

/* What files write for "there is none". */
static bool is_nothing(struct hyp_str text)
{
    static const char *const nothings[] = {"-", "nan", "null", "n/a", "na"};
    if (text.len == 0) {
        return true;
    }
    if (text.ptr[0] >= '0' && text.ptr[0] <= '9') {
        return false; /* nearly all cells */
    }
    for (size_t i = 0; text.len <= 4 && i < HYP_ARRAY_LEN(nothings); i++) {
        if (hyp_str_equal_nocase(text, hyp_str_from(nothings[i]))) {
            return true;
        }
    }
    return false;
}

static enum hyp_status read_number(struct hyp_str text, struct hyp_value *value,
                                   struct hyp_error *err)
{
    char dotted[64];
    struct hyp_str number = text;
    ptrdiff_t comma = hyp_str_find_char(text, ',');
    if (comma >= 0 && text.len < sizeof(dotted)) {
        memcpy(dotted, text.ptr, text.len);
        dotted[comma] = '.';
        number = (struct hyp_str){dotted, text.len};
    }
    enum hyp_status status = hyp_decimal_parse(number, &value->decimal);
    if (status == HYP_OK) {
        status = hyp_unit_normalise(&value->decimal, &value->unit);
    }
    value->kind = HYP_VALUE_DECIMAL;
    return status == HYP_OK
               ? HYP_OK
               : hyp_error_set(err, HYP_INVALID, -1,
                               "\"%.*s\" is no number; write it like 12.5 or 12,5.",
                               HYP_STR_ARG(text));
}

static enum hyp_status read_flags(struct hyp_str text, struct hyp_value *value,
                                  struct hyp_error *err)
{
    bool hex = text.len > 2 && text.ptr[0] == '0' && (text.ptr[1] == 'x' || text.ptr[1] == 'X');
    enum hyp_status status =
        hex ? hyp_str_hex_to_u64((struct hyp_str){text.ptr + 2, text.len - 2}, &value->flags)
            : hyp_str_to_u64(text, &value->flags);
    value->kind = HYP_VALUE_FLAGS;
    return status == HYP_OK
               ? HYP_OK
               : hyp_error_set(err, HYP_INVALID, -1,
                               "\"%.*s\" are no flags; write them like 0x0004 or 4.",
                               HYP_STR_ARG(text));
}

static enum hyp_status read_text(struct hyp_str text, struct hyp_import_batch *batch,
                                 struct hyp_value *value, struct hyp_error *err)
{
    if (text.len > HYP_LIMIT_VALUE_TEXT) {
        return hyp_error_set(err, HYP_INVALID, -1, "a text has at most %d bytes.",
                             HYP_LIMIT_VALUE_TEXT);
    }
    value->text = (struct hyp_str){hyp_arena_copy_str(&batch->texts, text), text.len};
    value->kind = HYP_VALUE_TEXT;
    return value->text.ptr == NULL ? HYP_NO_MEMORY : HYP_OK;
}

/* By the quantity of the register, as the store expects it. */
static enum hyp_status read_payload(struct hyp_str text, struct hyp_import_batch *batch,
                                    struct hyp_value *value, struct hyp_error *err)
{
    switch (hyp_vocabulary_word((enum hyp_name)value->key.name)->quantity) {
    case HYP_QUANTITY_TIME:
        value->kind = HYP_VALUE_CIVIL;
        return hyp_civil_parse(text, &value->civil) == HYP_OK
                   ? HYP_OK
                   : hyp_error_set(err, HYP_INVALID, -1,
                                   "\"%.*s\" is no date; write it like 2026-01-31.",
                                   HYP_STR_ARG(text));
    case HYP_QUANTITY_TEXT:
    case HYP_QUANTITY_IDENTIFIER: return read_text(text, batch, value, err);
    case HYP_QUANTITY_FLAGS: return read_flags(text, value, err);
    default: return read_number(text, value, err);
    }
}

/* One cell into the next value of the batch; an empty one adds none. */
static enum hyp_status add_value(struct hyp_import_batch *batch, struct hyp_str text,
                                 const struct hyp_csv_column *column, enum hyp_quality quality,
                                 struct hyp_error *err)
{
    struct hyp_error why; /* written on failure only: clearing it for each cell is felt */
    struct hyp_value *value = &batch->values[batch->value_count];
    if (is_nothing(text)) {
        return HYP_OK;
    }
    *value = (struct hyp_value){.key = column->key, .unit = column->unit, .quality = quality};
    enum hyp_status status = read_payload(text, batch, value, &why);
    if (status == HYP_OK) {
        batch->value_count++;
        return HYP_OK;
    }
    return status == HYP_NO_MEMORY
               ? status
               : hyp_error_set(err, status, -1, "column \"%s\": %s", column->title, why.text);
}

/* --- a line --- */

static enum hyp_status read_attributes(const struct hyp_import_reader *reader,
                                       struct hyp_reading *reading,
                                       enum hyp_quality *ret_quality, struct hyp_error *err)
{
    struct hyp_str kind = cell_of(reader, HYP_CSV_KIND);
    struct hyp_str quality = cell_of(reader, HYP_CSV_QUALITY);
    if (kind.len > 0 && hyp_reading_kind_find(kind, &reading->kind) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "kind is current, hour, day, month, integrator or event, not "
                             "\"%.*s\".",
                             HYP_STR_ARG(kind));
    }
    if (quality.len > 0 && (hyp_quality_find(quality, ret_quality) != HYP_OK ||
                            !hyp_quality_is_usable(*ret_quality))) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "quality is good, doubtful, manual, estimated or corrected, not "
                             "\"%.*s\".",
                             HYP_STR_ARG(quality));
    }
    return HYP_OK;
}

static enum hyp_status add_by_columns(const struct hyp_import_reader *reader,
                                      struct hyp_import_batch *batch, enum hyp_quality quality,
                                      struct hyp_error *err)
{
    enum hyp_status status = HYP_OK;
    size_t count = HYP_MIN(reader->cell_count, reader->layout->count);
    for (size_t i = 0; status == HYP_OK && i < count; i++) {
        const struct hyp_csv_column *column = &reader->layout->columns[i];
        if (column->role == HYP_CSV_VALUE) {
            status = add_value(batch, reader->cells[i], column, quality, err);
        }
    }
    return status;
}

static enum hyp_status add_by_line(const struct hyp_import_reader *reader,
                                   struct hyp_import_batch *batch, enum hyp_quality quality,
                                   struct hyp_error *err)
{
    struct hyp_csv_column column = {.role = HYP_CSV_VALUE, .title = "value"};
    struct hyp_str unit = cell_of(reader, HYP_CSV_UNIT);
    struct hyp_str name = cell_of(reader, HYP_CSV_REGISTER);
    enum hyp_status status;
    if (unit.len == 0) {
        status = hyp_csv_register_read(name, &column.key, &column.unit, err);
    } else {
        status = hyp_point_key_parse(name, &column.key) == HYP_OK
                     ? hyp_csv_unit_read(unit, &column.key, &column.unit, err)
                     : hyp_error_set(err, HYP_INVALID, -1,
                                     "\"%.*s\" is no register; write one like \"energy\" "
                                     "(docs/vocabulary.md).",
                                     HYP_STR_ARG(name));
    }
    return status == HYP_OK
               ? add_value(batch, cell_of(reader, HYP_CSV_AMOUNT), &column, quality, err)
               : status;
}

/* A line per value: those of one device and time are one reading. */
static bool joins_last(const struct hyp_import_batch *batch, const struct hyp_reading *reading)
{
    if (batch->reading_count == 0) {
        return false;
    }
    const struct hyp_reading *last = &batch->readings[batch->reading_count - 1];
    if (last->device.id != reading->device.id || last->kind != reading->kind ||
        last->source_time.ms != reading->source_time.ms ||
        last->value_count + reading->value_count > HYP_LIMIT_READING_VALUES ||
        last->values + last->value_count != reading->values) {
        return false;
    }
    for (size_t i = 0; i < last->value_count; i++) {
        if (hyp_point_key_equal(&last->values[i].key, &reading->values[0].key)) {
            return false;
        }
    }
    return true;
}

static void add_reading(struct hyp_import_batch *batch, const struct hyp_reading *reading,
                        bool by_line)
{
    if (reading->value_count == 0) {
        return;
    }
    if (by_line && joins_last(batch, reading)) {
        batch->readings[batch->reading_count - 1].value_count += reading->value_count;
        return;
    }
    batch->readings[batch->reading_count++] = *reading;
}

static enum hyp_status split_line(struct hyp_import_reader *reader, char *line, size_t len,
                                  struct hyp_error *err)
{
    enum hyp_status status = hyp_csv_split(line, len, reader->layout->separator, reader->cells,
                                           HYP_LIMIT_IMPORT_COLUMNS, &reader->cell_count);
    if (status == HYP_OK && reader->cell_count > reader->layout->count) {
        status = HYP_LIMIT;
    }
    if (status == HYP_MALFORMED) {
        return hyp_error_set(err, status, -1, "A quote does not end with its cell.");
    }
    return status == HYP_OK
               ? HYP_OK
               : hyp_error_set(err, status, -1,
                               "More cells than the title line has columns (%zu); put those "
                               "with a separator inside into quotes.",
                               reader->layout->count);
}

enum hyp_status hyp_import_row(struct hyp_import_reader *reader, struct hyp_import_batch *batch,
                               char *line, size_t len, struct hyp_error *err)
{
    bool by_line = reader->layout->at[HYP_CSV_REGISTER] >= 0;
    enum hyp_quality quality = HYP_QUALITY_GOOD;
    const size_t first = batch->value_count;
    struct hyp_reading reading = {.receive_time = reader->now,
                                  .kind = HYP_READING_CURRENT,
                                  .source = HYP_SOURCE_FILE,
                                  .frame = HYP_NO_FRAME,
                                  .values = &batch->values[first]};
    enum hyp_status status = split_line(reader, line, len, err);
    if (status == HYP_OK) {
        status = find_device(reader, &reading.device, err);
    }
    if (status == HYP_OK) {
        status = read_time(reader, &reading.source_time, err);
    }
    if (status == HYP_OK) {
        status = read_attributes(reader, &reading, &quality, err);
    }
    if (status == HYP_OK) {
        status = by_line ? add_by_line(reader, batch, quality, err)
                         : add_by_columns(reader, batch, quality, err);
    }
    if (status != HYP_OK) {
        batch->value_count = first;
        return status;
    }
    reading.value_count = batch->value_count - first;
    add_reading(batch, &reading, by_line);
    return HYP_OK;
}

/* --- life --- */

/* The device of all lines, if one is given; else the lines must say. */
static enum hyp_status choose_device(struct hyp_import_reader *reader,
                                     const struct hyp_import_config *config,
                                     struct hyp_error *err)
{
    const int *at = reader->layout->at;
    if (config->id.id != 0) {
        reader->device = config->id;
        return hyp_directory_has_device(reader->service->directory, reader->tenant, config->id)
                   ? HYP_OK
                   : hyp_service_not_found(err, "device", config->id.id);
    }
    if (config->device.len > 0) {
        return hyp_import_find_serial(reader, (struct hyp_str){"", 0}, config->device,
                                      &reader->device, err);
    }
    return at[HYP_CSV_DEVICE] >= 0 || at[HYP_CSV_SERIAL] >= 0
               ? HYP_OK
               : hyp_error_set(err, HYP_INVALID, -1,
                               "No column says which meter a line is of: name one "
                               "(columns \"title=serial\"), or the device of the whole file.");
}

enum hyp_status hyp_import_reader_init(struct hyp_import_reader *reader,
                                       struct hyp_service *service,
                                       const struct hyp_scope *scope,
                                       const struct hyp_import_config *config, char *titles,
                                       size_t len, struct hyp_error *err)
{
    reader->service = service;
    reader->tenant = hyp_scope_tenant(scope);
    reader->now = hyp_service_now(service);
    hyp_zone_fixed_init(&reader->utc, 0);
    reader->zone = config->zone != NULL           ? config->zone
                   : service->config.zone != NULL ? service->config.zone
                                                  : &reader->utc.zone;
    hyp_map_init(&reader->by_name);
    reader->layout = calloc(1, sizeof(*reader->layout));
    reader->cells = calloc(HYP_LIMIT_IMPORT_COLUMNS, sizeof(*reader->cells));
    if (reader->layout == NULL || reader->cells == NULL) {
        return HYP_NO_MEMORY;
    }
    enum hyp_status status =
        hyp_csv_layout_read(titles, len, config->columns, reader->layout, err);
    return status == HYP_OK ? choose_device(reader, config, err) : status;
}

void hyp_import_reader_finish(struct hyp_import_reader *reader)
{
    free(reader->layout);
    free(reader->cells);
    free(reader->meters);
    hyp_map_finish(&reader->by_name);
}
