/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All kinds of failure a store can meet, as a table: a test goes over the places 1, 2, .. of
 * each until it meets none any more. Programs are linked with --wrap as allocation_fault.h
 * says.
 */
#ifndef HYP_TEST_FAULT_FAULT_H
#define HYP_TEST_FAULT_FAULT_H

#include "wire_cutter.h"

#include "store/store.h"

/* Where the failure is to be. */
struct fault_place {
    struct hyp_store *store;
    struct wire_cutter *cutter; /* on PostgreSQL */
    long n;
    uint64_t seed; /* of what is left after a power cut */
};

struct fault {
    const char *name;
    bool on_sqlite;
    bool on_postgres;
    bool restarts; /* nothing goes on but a new start: disarmed while the store is closed */
    long stride;   /* from one place to the next */
    void (*arm)(const struct fault_place *place);
    bool (*has_failed)(const struct fault_place *place); /* since it was armed */
    void (*disarm)(const struct fault_place *place);
};

#define FAULTS 8
extern const struct fault faults[FAULTS];

/* Does it want a cutter between the store and its server? */
bool fault_cuts(const struct fault *fault);
/* At the begin of the program. */
void fault_prepare(void);
/* After a store was opened. */
void fault_install(struct hyp_store *store);

#endif
