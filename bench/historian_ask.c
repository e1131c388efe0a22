/* SPDX-License-Identifier: Apache-2.0 */
#include "historian_ask.h"

#include "historian_send.h"
#include "historian_server.h"
#include "historian_sets.h"

#include <stdlib.h>

#define RUNS 101

static void check(enum hyp_status status, const char *what)
{
    if (status != HYP_OK) {
        fail(what, hyp_status_text(status));
    }
}

static hyp_device_id next_device(struct asker *asker)
{
    return asker->devices[asker->turn++ * 7919 % asker->device_count];
}

static size_t points_of(struct asker *asker, hyp_device_id device, hyp_point_id *ids,
                        size_t capacity)
{
    struct hyp_point *points;
    size_t count;
    check(hyp_store_points(asker->store, asker->tenant, device, &asker->arena, &points, &count),
          "points");
    size_t taken = 0;
    for (size_t i = 0; i < count && taken < capacity; i++) {
        if (points[i].kind == HYP_VALUE_DECIMAL) {
            ids[taken++] = points[i].id;
        }
    }
    if (taken == 0) {
        fail("points", "a device has none");
    }
    return taken;
}

void ask_q1(struct asker *asker)
{
    hyp_point_id ids[SET_REGISTERS_MAX];
    size_t count = points_of(asker, next_device(asker), ids, SET_REGISTERS_MAX);
    struct hyp_stored_value *values;
    check(hyp_store_series(asker->store, asker->tenant, ids[asker->turn % count],
                           (hyp_utc){asker->begin}, (hyp_utc){asker->end}, &asker->arena,
                           &values, &count),
          "q1");
}

static void ask_q2(struct asker *asker)
{
    hyp_point_id ids[SET_REGISTERS_MAX];
    size_t count = points_of(asker, next_device(asker), ids, SET_REGISTERS_MAX);
    struct hyp_summary *summaries;
    check(hyp_store_summaries(asker->store, asker->tenant, ids, count, asker->days,
                              asker->day_count, &asker->arena, &summaries),
          "q2");
}

static void ask_q3(struct asker *asker)
{
    struct hyp_summary *summaries;
    check(hyp_store_summaries(asker->store, asker->tenant, asker->energy, asker->energy_count,
                              asker->months, asker->month_count, &asker->arena, &summaries),
          "q3");
}

static void ask_q4(struct asker *asker)
{
    for (size_t i = 0; i < asker->device_count; i++) {
        struct hyp_latest *latest;
        size_t count;
        check(hyp_store_latest(asker->store, asker->tenant, asker->devices[i], &asker->arena,
                               &latest, &count),
              "q4");
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct asked ask_often(struct asker *asker, void (*ask)(struct asker *))
{
    double times[RUNS];
    double server = server_cpu_s(database);
    for (size_t i = 0; i < RUNS; i++) {
        hyp_arena_reset(&asker->arena);
        double begin = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        ask(asker);
        times[i] = (seconds_of(CLOCK_THREAD_CPUTIME_ID) - begin) * 1000;
    }
    server = server_cpu_s(database) - server;
    qsort(times, RUNS, sizeof(times[0]), compare_doubles);
    return (struct asked){.median = times[RUNS / 2],
                          .p95 = times[RUNS * 95 / 100],
                          .server = server * 1000 / RUNS};
}

void ask_all(struct asker *asker, struct asked asked[static QUESTIONS])
{
    static void (*const questions[])(struct asker *) = {ask_q1, ask_q2, ask_q3, ask_q4};
    for (size_t i = 0; i < QUESTIONS; i++) {
        asked[i] = ask_often(asker, questions[i]);
    }
}

hyp_utc *make_bounds(int64_t begin, int64_t end, bool months, size_t *ret_spans)
{
    size_t capacity = (size_t)((end - begin) / DAY_MS) + 3;
    hyp_utc *bounds = calloc(capacity, sizeof(*bounds));
    size_t count = 0;
    for (int64_t day = begin / DAY_MS; bounds != NULL && day * DAY_MS < end; day++) {
        if (!months || count == 0 || hyp_civil_from_seconds(day * 86400).day == 1) {
            bounds[count++].ms = day * DAY_MS;
        }
    }
    if (bounds == NULL || count == 0) {
        fail("bounds", "no memory");
    }
    bounds[count].ms = end;
    *ret_spans = count;
    return bounds;
}

void find_energy(struct asker *asker)
{
    asker->energy = calloc(asker->device_count, sizeof(*asker->energy));
    for (size_t i = 0; asker->energy != NULL && i < asker->device_count; i++) {
        struct hyp_point *points;
        size_t count;
        check(hyp_store_points(asker->store, asker->tenant, asker->devices[i], &asker->arena,
                               &points, &count),
              "points");
        /* The first register of C, which has no energy, stands for it. */
        hyp_point_id chosen = points[0].id;
        for (size_t p = 0; p < count; p++) {
            chosen = points[p].key.name == HYP_NAME_ENERGY ? points[p].id : chosen;
        }
        asker->energy[asker->energy_count++] = chosen;
        hyp_arena_reset(&asker->arena);
    }
}

uint64_t count_wrong(struct asker *asker, char name, const char *files)
{
    struct set set;
    set_open(&set, name, files);
    struct hyp_value values[SET_REGISTERS_MAX];
    size_t device;
    int64_t time;
    size_t count;
    uint64_t wrong = 0;
    size_t every = set.devices > 50 ? set.devices / 10 : 2;
    while (set_next(&set, &device, &time, values, &count)) {
        if (device % every != 0 || time % DAY_MS / HOUR_MS != (int64_t)(device % 24)) {
            continue;
        }
        struct hyp_stored_reading *readings;
        size_t found;
        size_t total;
        hyp_arena_reset(&asker->arena);
        check(hyp_store_readings(asker->store, asker->tenant, asker->devices[device],
                                 (hyp_utc){time}, (hyp_utc){time + 1}, 0, 1, &asker->arena,
                                 &readings, &found, &total),
              "readings");
        for (size_t i = 0; i < count; i++) {
            bool same =
                found == 1 && readings[0].value_count == count &&
                readings[0].values[i].quality == values[i].quality &&
                (values[i].quality != HYP_QUALITY_GOOD || values[i].kind != HYP_VALUE_DECIMAL ||
                 (readings[0].values[i].decimal.digits == values[i].decimal.digits &&
                  readings[0].values[i].decimal.exp10 == values[i].decimal.exp10));
            wrong += !same;
        }
    }
    set_close(&set);
    return wrong;
}
