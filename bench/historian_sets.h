/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data sets of bench/historian, reading by reading in the order of time.
 *
 * S, L   heat meters, hourly, ten registers; C substations with twenty sensors every quarter of
 *        an hour, three tenths of them at jittered times; R recorded substations, from files.
 * S, L and C follow from a seed: outdoor temperature with season and day, set-back at night,
 * hot-water draws, half a per cent of telegrams lost, one meter of a thousand with a fault.
 */
#ifndef HYP_BENCH_HISTORIAN_SETS_H
#define HYP_BENCH_HISTORIAN_SETS_H

#include "model/reading.h"

#define SET_REGISTERS_MAX 20

struct set_site; /* how one device is doing */
struct set_file; /* one recorded device */

struct set {
    char name;
    size_t devices;
    size_t registers;
    int64_t begin; /* first instant, UTC ms */
    int64_t end;
    int64_t step;
    /* state */
    size_t device;
    int64_t time;
    struct set_site *sites;
    struct set_file *files;
};

/* Sets opened from now on have no more than so many devices. */
void set_limit(size_t devices);

/* @folder  where the files of R are; NULL for the others. Ends the program when it cannot. */
void set_open(struct set *set, char name, const char *folder);
void set_close(struct set *set);
/*
 * The next reading: number of its device, source time, values. False at the end.
 * @values  SET_REGISTERS_MAX of them; *ret_count of them are filled
 */
bool set_next(struct set *set, size_t *ret_device, int64_t *ret_time, struct hyp_value *values,
              size_t *ret_count);

#endif
