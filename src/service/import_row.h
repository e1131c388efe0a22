/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of an import: one line of the file into one reading of a batch. Knows the layout,
 * finds devices by what the line says of them, and remembers them.
 */
#ifndef HYP_SERVICE_IMPORT_ROW_H
#define HYP_SERVICE_IMPORT_ROW_H

#include "base/map.h"
#include "service/csv_layout.h"
#include "service/import.h"

/* Readings on their way to the store. */
struct hyp_import_batch {
    struct hyp_reading *readings; /* HYP_LIMIT_BATCH_READINGS */
    size_t reading_count;
    struct hyp_value *values; /* HYP_LIMIT_IMPORT_VALUES */
    size_t value_count;
    struct hyp_arena texts; /* of text values */
};

/* init: HYP_OK | NO_MEMORY, and finish it all the same. reset: no readings, no texts. */
HYP_MUST_USE enum hyp_status hyp_import_batch_init(struct hyp_import_batch *batch);
void hyp_import_batch_finish(struct hyp_import_batch *batch);
void hyp_import_batch_reset(struct hyp_import_batch *batch);
/* Would the longest line no longer fit? */
bool hyp_import_batch_is_full(const struct hyp_import_batch *batch);
/*
 * By device, each from old to new: the store looks into each chunk of a device once, however
 * the file is ordered.
 */
void hyp_import_batch_sort(struct hyp_import_batch *batch);

/* A meter of the file. */
struct hyp_import_meter {
    char maker[8];
    char serial[HYP_SERIAL_MAX];
    hyp_device_id device; /* 0 = there is none, or several */
    size_t found;
};

struct hyp_import_reader {
    struct hyp_service *service;
    hyp_tenant_id tenant;
    hyp_device_id device; /* of all lines; 0 = the line says */
    const struct hyp_zone *zone;
    struct hyp_zone_fixed utc;
    hyp_utc now;
    struct hyp_csv_layout *layout;
    struct hyp_str *cells;
    size_t cell_count;

    struct hyp_import_meter *meters;
    size_t meter_count;
    size_t meter_capacity;
    struct hyp_map by_name; /* hash of maker and serial -> place in meters */
    size_t last_meter;

    char time_text[40]; /* of the line before: many lines share theirs */
    size_t time_len;
    hyp_utc time;
};

/*
 * The one device with this serial number; "1234567" finds 01234567.
 * Returns  HYP_OK | NOT_FOUND, CONFLICT (several), INVALID, LIMIT (err says what to do) |
 *          NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_import_find_serial(struct hyp_import_reader *reader,
                                                    struct hyp_str maker, struct hyp_str serial,
                                                    hyp_device_id *ret_device,
                                                    struct hyp_error *err);

/*
 * Reads the title line and finds the device of all lines, if the configuration names one.
 * @reader  all zero; to be finished also after a failure
 * @titles  without its line end; changed, and must live as long as the reader
 * Returns  HYP_OK | INVALID (titles, or number of a device) | NOT_FOUND, CONFLICT (the device)
 *        | NO_MEMORY, *err says what to do
 */
HYP_MUST_USE enum hyp_status
hyp_import_reader_init(struct hyp_import_reader *reader, struct hyp_service *service,
                       const struct hyp_scope *scope, const struct hyp_import_config *config,
                       char *titles, size_t len, struct hyp_error *err);
void hyp_import_reader_finish(struct hyp_import_reader *reader);

/*
 * Adds what a line says to the batch. A line that is refused leaves the batch as it was.
 * Returns  HYP_OK | NO_MEMORY | any other: refused, err says why
 */
HYP_MUST_USE enum hyp_status hyp_import_row(struct hyp_import_reader *reader,
                                            struct hyp_import_batch *batch, char *line,
                                            size_t len, struct hyp_error *err);

#endif
