/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout of a file of readings: what each of its columns is, found from the title line.
 *
 * Two shapes: a column per register ("time;serial;energy [kWh];volume [m3]"), or a line per
 * value ("time;serial;register;value;unit"). Titles that are no names of ours are mapped:
 * "datetime=time, e=energy [MWh], note=-". docs/import.md has the rules. Pure; any thread.
 */
#ifndef HYP_SERVICE_CSV_LAYOUT_H
#define HYP_SERVICE_CSV_LAYOUT_H

#include "base/limits.h"
#include "model/value.h"

enum hyp_csv_role {
    HYP_CSV_SKIP = 0,
    HYP_CSV_TIME,
    HYP_CSV_DEVICE, /* number of the device in this plant */
    HYP_CSV_SERIAL,
    HYP_CSV_MAKER,
    HYP_CSV_KIND,    /* "current", "hour", "day", "month" ... of the reading */
    HYP_CSV_QUALITY, /* of all values of the line */
    HYP_CSV_VALUE,   /* a register; its key and unit are in the title */
    HYP_CSV_REGISTER,
    HYP_CSV_AMOUNT, /* "value" beside a column "register" */
    HYP_CSV_UNIT,
    HYP_CSV_ROLE_COUNT,
};

struct hyp_csv_column {
    enum hyp_csv_role role;
    struct hyp_point_key key; /* HYP_CSV_VALUE */
    enum hyp_unit unit;       /* as in the file */
    char title[HYP_LIMIT_NAME];
};

struct hyp_csv_layout {
    char separator;
    struct hyp_csv_column columns[HYP_LIMIT_IMPORT_COLUMNS];
    size_t count;
    int at[HYP_CSV_ROLE_COUNT]; /* the column of a role, -1 = none; not for SKIP and VALUE */
};

/*
 * Reads the title line.
 * @titles   changed in place, as hyp_csv_split does
 * @mapping  "title=target" parts with commas between; may be empty
 * Returns   HYP_OK | INVALID (a title nobody knows, twice the same, no time, no values; err
 *           says which and what to do)
 */
HYP_MUST_USE enum hyp_status hyp_csv_layout_read(char *titles, size_t len,
                                                 struct hyp_str mapping,
                                                 struct hyp_csv_layout *ret_layout,
                                                 struct hyp_error *err);

/*
 * "energy [kWh]" or "energy": a register and its unit.
 * Returns  HYP_OK | INVALID (err: no such register or unit, or the unit is missing)
 */
HYP_MUST_USE enum hyp_status hyp_csv_register_read(struct hyp_str text,
                                                   struct hyp_point_key *ret_key,
                                                   enum hyp_unit *ret_unit,
                                                   struct hyp_error *err);
/* The unit of a register by its text; "" where the vocabulary fixes it. HYP_OK | INVALID */
HYP_MUST_USE enum hyp_status hyp_csv_unit_read(struct hyp_str text,
                                               const struct hyp_point_key *key,
                                               enum hyp_unit *ret_unit, struct hyp_error *err);

#endif
