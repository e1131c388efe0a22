/* SPDX-License-Identifier: Apache-2.0 */
#include "historian_sets.h"

#include "model/time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define HOUR_MS 3600000LL
#define DAY_MS (24 * HOUR_MS)
#define LOST_PER_MILLE 5

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench/historian: %s: %s\n", what, why);
    exit(1);
}

/* --- chance --- */

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9u;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* One of many independent draws: device, instant, purpose. */
static uint64_t draw(size_t device, int64_t time, unsigned purpose)
{
    return mix((uint64_t)device * 0x9E3779B97F4A7C15u + (uint64_t)time * 31 + purpose);
}

/* About normal, mean 0, deviation 1: the sum of four sixteen-bit numbers. */
static double normal(uint64_t bits)
{
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (double)(bits >> (16 * i) & 0xFFFF) / 65536.0 - 0.5;
    }
    return sum * 1.7320508;
}

/* --- weather and sites --- */

static double outdoor(int64_t time)
{
    double day = (double)time / (double)DAY_MS;
    return 9.0 - 9.5 * cos((day - 15) * 0.017202) + 2.5 * sin(day / 2.7) +
           1.8 * sin(day / 1.13 + 1) - 3.0 * cos((day - 0.6) * 6.2831853);
}

struct set_site {
    double size;   /* kW at design temperature */
    double energy; /* counters in their own steps */
    double volume;
    int64_t hours;
    int64_t max_flow; /* of this month */
    int64_t min_flow;
    int64_t month;
    bool faulty;
    bool jittered;
};

static void make_sites(struct set *set)
{
    set->sites = calloc(set->devices, sizeof(*set->sites));
    if (set->sites == NULL) {
        fail("sites", "no memory");
    }
    for (size_t i = 0; i < set->devices; i++) {
        struct set_site *site = &set->sites[i];
        uint64_t r = draw(i, 0, 1);
        site->size = 12 + (double)(r % 60);
        site->energy = (double)(r >> 8 & 0xFFFFF);
        site->volume = (double)(r >> 24 & 0xFFFFFF);
        site->hours = (int64_t)(r >> 32 & 0x7FFF);
        site->month = -1;
        site->faulty = i % 1000 == 499;
        site->jittered = i % 10 < 3;
    }
}

/* Heat a site takes in kW. */
static double demand(const struct set_site *site, size_t device, int64_t time)
{
    int64_t hour = time % DAY_MS / HOUR_MS;
    double heating = site->size * fmax(0, 17 - outdoor(time)) / 29;
    heating *= hour < 5 || hour >= 22 ? 0.6 : hour < 7 ? 1.25 : 1.0;
    bool busy = (hour >= 6 && hour < 9) || (hour >= 17 && hour < 22);
    uint64_t tap = draw(device, time, 2);
    double water = tap % 100 < (busy ? 40u : 8u) ? 2 + (double)(tap >> 8 & 0x7FF) / 120 : 0;
    return fmax(0, heating * (1 + 0.04 * normal(draw(device, time, 3))) + water);
}

static void put(struct hyp_value *value, enum hyp_name name, unsigned subunit, int64_t digits,
                int8_t exp10)
{
    *value = (struct hyp_value){
        .key = {.name = (uint16_t)name, .subunit = (uint16_t)subunit},
        .unit = hyp_vocabulary_word(name)->unit,
        .quality = HYP_QUALITY_GOOD,
        .kind = HYP_VALUE_DECIMAL,
        .decimal = {.digits = digits,       .exp10 = exp10              },
    };
}

static void put_extreme(struct hyp_value *value, enum hyp_function function, int64_t digits)
{
    put(value, HYP_NAME_FLOW, 0, digits, -3);
    value->key.function = (uint8_t)function;
}

/* A heat meter's telegram. */
static size_t meter_values(struct set_site *site, size_t device, int64_t time,
                           struct hyp_value *v)
{
    double power = demand(site, device, time);
    double supply = 72 - 0.6 * outdoor(time) + 0.5 * normal(draw(device, time, 4));
    double back = 41 + 3 * sin((double)device) + 0.5 * normal(draw(device, time, 5));
    int64_t flow = (int64_t)(power / (1.163 * (supply - back)) * 1000);
    site->energy += power * 10;
    site->volume += (double)flow / 10;
    site->hours++;
    int64_t month = time / (30 * DAY_MS);
    if (month != site->month) {
        site->month = month;
        site->max_flow = flow;
        site->min_flow = flow;
    }
    site->max_flow = flow > site->max_flow ? flow : site->max_flow;
    site->min_flow = flow < site->min_flow ? flow : site->min_flow;
    bool fault = site->faulty && time / DAY_MS % 9 < 2;
    put(&v[0], HYP_NAME_ENERGY, 0, (int64_t)site->energy, -1);
    put(&v[1], HYP_NAME_VOLUME, 0, (int64_t)site->volume, -2);
    put(&v[2], HYP_NAME_FLOW_TEMPERATURE, 0, (int64_t)(supply * 100), -2);
    put(&v[3], HYP_NAME_RETURN_TEMPERATURE, 0, (int64_t)(back * 100), -2);
    put(&v[4], HYP_NAME_FLOW, 0, flow, -3);
    put(&v[5], HYP_NAME_POWER, 0, (int64_t)(power * 10), -1);
    put(&v[6], HYP_NAME_OPERATING_TIME, 0, site->hours, 0);
    put(&v[7], HYP_NAME_INFO_CODE, 0, 0, 0);
    v[7].kind = HYP_VALUE_FLAGS;
    v[7].flags = fault ? 4 : 0;
    put_extreme(&v[8], HYP_FUNCTION_MINIMUM, site->min_flow);
    put_extreme(&v[9], HYP_FUNCTION_MAXIMUM, site->max_flow);
    if (fault) {
        v[2].quality = HYP_QUALITY_DEVICE_ERROR;
    }
    return 10;
}

/* The sensors of a substation: six circuits with supply and return, pressures, valves. */
static size_t sensor_values(struct set_site *site, size_t device, int64_t time,
                            struct hyp_value *v)
{
    double load = demand(site, device, time) / site->size;
    for (unsigned i = 0; i < 20; i++) {
        double noise = normal(draw(device, time, 10 + i));
        double slow = sin((double)time / (double)HOUR_MS / 5 + i);
        if (i < 12) {
            double level = i % 2 == 0 ? 55 + 14 * load + i : 34 + 5 * load + i;
            put(&v[i], i % 2 == 0 ? HYP_NAME_FLOW_TEMPERATURE : HYP_NAME_RETURN_TEMPERATURE,
                i / 2, (int64_t)((level + slow + 0.3 * noise) * 10), -1);
        } else if (i < 16) {
            put(&v[i], HYP_NAME_PRESSURE, i, (int64_t)((5.2 + 0.1 * slow + 0.02 * noise) * 100),
                -2);
        } else {
            /* A valve stays where it is until it is worth moving. */
            put(&v[i], HYP_NAME_VALVE_POSITION, i,
                (int64_t)(100 * fmin(1, load) / 4 + slow / 2) * 4, 0);
        }
    }
    return 20;
}

static bool made_next(struct set *set, size_t *ret_device, int64_t *ret_time,
                      struct hyp_value *values, size_t *ret_count)
{
    while (set->time < set->end) {
        size_t device = set->device++;
        int64_t time = set->time;
        if (set->device == set->devices) {
            set->device = 0;
            set->time += set->step;
        }
        struct set_site *site = &set->sites[device];
        *ret_device = device;
        *ret_time = time;
        if (set->name == 'C') {
            *ret_time += site->jittered ? (int64_t)(draw(device, time, 6) % 90000) : 0;
            *ret_count = sensor_values(site, device, time, values);
        } else {
            *ret_count = meter_values(site, device, time, values);
        }
        if (draw(device, time, 7) % 1000 >= LOST_PER_MILLE) {
            return true;
        }
    }
    return false;
}

/* --- recorded substations --- */

#define RECORDED 5
#define RECORDED_REGISTERS 8

struct row {
    int64_t time;
    struct hyp_decimal values[RECORDED_REGISTERS];
    bool present[RECORDED_REGISTERS];
};

struct set_file {
    struct row *rows; /* oldest first */
    size_t count;
    size_t capacity;
    size_t next;
};

static const char *const recorded_names[RECORDED] = {"L12", "L17", "L22", "L4", "L8"};

static bool parse_row(char *line, struct row *row)
{
    memset(row, 0, sizeof(*row));
    char *field = strchr(line, ',');
    if (field == NULL || field - line != 19) {
        return false;
    }
    line[10] = 'T';
    *field = '\0';
    struct hyp_civil civil;
    if (hyp_civil_parse(hyp_str_from(line), &civil) != HYP_OK) {
        return false;
    }
    row->time = hyp_civil_to_seconds(&civil) * 1000;
    for (size_t i = 0; i < RECORDED_REGISTERS && field != NULL; i++) {
        char *text = field + 1;
        size_t len = strcspn(text, ",\r\n");
        field = text[len] == ',' ? text + len : NULL;
        struct hyp_str view = {.ptr = text, .len = len};
        row->present[i] = len > 0 && hyp_decimal_parse(view, &row->values[i]) == HYP_OK;
    }
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;
    return (x->time > y->time) - (x->time < y->time);
}

static void read_file(struct set_file *file, const char *folder, const char *name)
{
    char path_text[1024];
    struct hyp_buf path;
    hyp_buf_init_fixed(&path, path_text, sizeof(path_text));
    hyp_buf_append_fmt(&path, "%s/scada_%s.csv.gz", folder, name);
    gzFile gz = gzopen(hyp_buf_terminate(&path), "rb");
    if (gz == NULL) {
        fail(path_text, "cannot be read");
    }
    char line[512];
    while (gzgets(gz, line, sizeof(line)) != NULL) {
        if (file->count == file->capacity) {
            file->capacity = file->capacity == 0 ? 4096 : file->capacity * 2;
            file->rows = realloc(file->rows, file->capacity * sizeof(*file->rows));
            if (file->rows == NULL) {
                fail(path_text, "no memory");
            }
        }
        file->count += parse_row(line, &file->rows[file->count]);
    }
    gzclose(gz);
    qsort(file->rows, file->count, sizeof(*file->rows), by_time);
}

static bool recorded_next(struct set *set, size_t *ret_device, int64_t *ret_time,
                          struct hyp_value *values, size_t *ret_count)
{
    static const enum hyp_name names[RECORDED_REGISTERS] = {HYP_NAME_OUTDOOR_TEMPERATURE,
                                                            HYP_NAME_FLOW_TEMPERATURE,
                                                            HYP_NAME_FLOW_TEMPERATURE,
                                                            HYP_NAME_RETURN_TEMPERATURE,
                                                            HYP_NAME_FLOW_TEMPERATURE,
                                                            HYP_NAME_RETURN_TEMPERATURE,
                                                            HYP_NAME_ENERGY,
                                                            HYP_NAME_POWER};
    static const unsigned subunits[RECORDED_REGISTERS] = {0, 3, 1, 1, 2, 2, 0, 0};
    struct set_file *oldest = NULL;
    for (size_t i = 0; i < RECORDED; i++) {
        struct set_file *file = &set->files[i];
        if (file->next < file->count &&
            (oldest == NULL || file->rows[file->next].time < oldest->rows[oldest->next].time)) {
            oldest = file;
            *ret_device = i;
        }
    }
    if (oldest == NULL) {
        return false;
    }
    const struct row *row = &oldest->rows[oldest->next++];
    *ret_time = row->time;
    *ret_count = 0;
    for (size_t i = 0; i < RECORDED_REGISTERS; i++) {
        if (row->present[i]) {
            struct hyp_value *value = &values[(*ret_count)++];
            put(value, names[i], subunits[i], row->values[i].digits, row->values[i].exp10);
        }
    }
    return true;
}

static void open_recorded(struct set *set, const char *folder)
{
    if (folder == NULL) {
        fail("--set R", "wants --file FOLDER with scada_L4.csv.gz and its siblings");
    }
    set->files = calloc(RECORDED, sizeof(*set->files));
    set->begin = INT64_MAX;
    set->end = INT64_MIN;
    for (size_t i = 0; i < RECORDED && set->files != NULL; i++) {
        struct set_file *file = &set->files[i];
        read_file(file, folder, recorded_names[i]);
        if (file->count == 0) {
            fail(recorded_names[i], "has no rows");
        }
        set->begin = HYP_MIN(set->begin, file->rows[0].time);
        set->end = HYP_MAX(set->end, file->rows[file->count - 1].time + 1);
    }
}

/* --- public --- */

static size_t devices_most; /* 0 = as many as the set has */

void set_limit(size_t devices)
{
    devices_most = devices;
}

void set_open(struct set *set, char name, const char *folder)
{
    /* 2025-01-01, so that ninety days are three whole months. */
    static const int64_t begin = 1735689600000;
    *set = (struct set){.name = name, .registers = 10, .begin = begin, .step = HOUR_MS};
    switch (name) {
    case 'S':
        set->devices = 1000;
        set->end = begin + 90 * DAY_MS;
        break;
    case 'L':
        set->devices = 10000;
        set->end = begin + 30 * DAY_MS;
        break;
    case 'C':
        set->devices = 500;
        set->registers = 20;
        set->step = HOUR_MS / 4;
        set->end = begin + 30 * DAY_MS;
        break;
    case 'R':
        set->devices = RECORDED;
        set->registers = RECORDED_REGISTERS;
        open_recorded(set, folder);
        break;
    default: fail("--set", "is S, L, C or R");
    }
    set->time = set->begin;
    if (devices_most > 0 && name != 'R') {
        set->devices = HYP_MIN(set->devices, devices_most);
    }
    if (name != 'R') {
        make_sites(set);
    }
}

void set_close(struct set *set)
{
    for (size_t i = 0; set->files != NULL && i < RECORDED; i++) {
        free(set->files[i].rows);
    }
    free(set->files);
    free(set->sites);
}

bool set_next(struct set *set, size_t *ret_device, int64_t *ret_time, struct hyp_value *values,
              size_t *ret_count)
{
    return set->name == 'R' ? recorded_next(set, ret_device, ret_time, values, ret_count)
                            : made_next(set, ret_device, ret_time, values, ret_count);
}
