/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The questions of bench/historian (q1 to q4), and the comparison of what is there with the
 * set.
 */
#ifndef HYP_BENCH_HISTORIAN_ASK_H
#define HYP_BENCH_HISTORIAN_ASK_H

#include "store/store.h"

#define QUESTIONS 4

struct asker {
    struct hyp_store *store;
    struct hyp_arena arena;
    hyp_tenant_id tenant;
    hyp_device_id *devices;
    size_t device_count;
    hyp_point_id *energy; /* of every device that has one */
    size_t energy_count;
    int64_t begin;
    int64_t end;
    hyp_utc *days;
    size_t day_count;
    hyp_utc *months;
    size_t month_count;
    size_t turn;
};

/* One question's processor time, ms, and of the database server. */
struct asked {
    double median;
    double p95;
    double server; /* mean */
};

void ask_q1(struct asker *asker);
/* Asks each question some hundred times. */
void ask_all(struct asker *asker, struct asked asked[static QUESTIONS]);
/* Starts of days or months from begin to end, and the end. */
hyp_utc *make_bounds(int64_t begin, int64_t end, bool months, size_t *ret_spans);
/* Which register of each device q3 asks for. */
void find_energy(struct asker *asker);
/* Compares some devices value by value with what the set says once more. */
uint64_t count_wrong(struct asker *asker, char name, const char *files);

#endif
