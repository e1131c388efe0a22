/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations that fail on order. A program that is linked with --wrap for malloc, calloc and
 * realloc has every one of ours pass here; SQLite's come through its own hook. They are counted
 * apart: SQLite allocates hundreds of times for each of ours.
 */
#ifndef HYP_TEST_FAULT_ALLOCATION_FAULT_H
#define HYP_TEST_FAULT_ALLOCATION_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>

struct allocation_fault {
    atomic_long taken;
    atomic_long at; /* 0 = never */
    atomic_bool forever;
};

extern struct allocation_fault our_allocations;
extern struct allocation_fault sqlite_allocations;

/* SQLite's pass here too. Before its first use. */
void allocation_fault_hook_sqlite(void);
/* Counts from 0 again; the one numbered `at` fails (0 = none), or all from it on. */
void allocation_fault_arm(struct allocation_fault *fault, long at, bool forever);

#endif
