/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include "allocation_fault.h"
#include "statement_fault.h"
#include "vfs_shim.h"

#include <sqlite3.h>

/* SQLite allocates some thousand times where others do something once: one in so many. */
#define SQLITE_STRIDE 29
/* Only at a commit it matters whether the server has heard: one word in so many. */
#define ANSWER_STRIDE 7

void fault_prepare(void)
{
    allocation_fault_hook_sqlite();
    shim_install();
}

void fault_install(struct hyp_store *store)
{
    statement_fault_install(store);
}

static void arm_statement(const struct fault_place *place)
{
    statement_fault_arm(place->store, place->n, false);
}

static void arm_statements(const struct fault_place *place)
{
    statement_fault_arm(place->store, place->n, true);
}

static bool statement_has_failed(const struct fault_place *place)
{
    return statement_fault_taken(place->store) >= place->n;
}

static void disarm_statement(const struct fault_place *place)
{
    statement_fault_arm(place->store, 0, false);
}

static void arm_disk(const struct fault_place *place)
{
    shim_reset();
    shim_fail_at(place->n, SQLITE_FULL, true);
}

static void arm_power(const struct fault_place *place)
{
    shim_reset();
    shim_cut_at(place->n);
}

static bool disk_has_failed(const struct fault_place *place)
{
    return shim_steps() >= place->n;
}

static void disarm_disk(const struct fault_place *place)
{
    (void)place;
    shim_reset();
}

static void disarm_power(const struct fault_place *place)
{
    shim_after_cut(SHIM_KEEP_SOME, place->seed);
    shim_reset();
}

static void arm_ours(const struct fault_place *place)
{
    allocation_fault_arm(&our_allocations, place->n, false);
}

static bool our_allocation_has_failed(const struct fault_place *place)
{
    return atomic_load(&our_allocations.taken) >= place->n;
}

static void arm_sqlites(const struct fault_place *place)
{
    allocation_fault_arm(&sqlite_allocations, place->n, true);
}

static bool sqlite_allocation_has_failed(const struct fault_place *place)
{
    return atomic_load(&sqlite_allocations.taken) >= place->n;
}

static void disarm_allocations(const struct fault_place *place)
{
    (void)place;
    allocation_fault_arm(&our_allocations, 0, false);
    allocation_fault_arm(&sqlite_allocations, 0, false);
}

static void arm_cut_before(const struct fault_place *place)
{
    wire_cutter_arm(place->cutter, place->n, false);
}

static void arm_cut_after(const struct fault_place *place)
{
    wire_cutter_arm(place->cutter, place->n, true);
}

static bool wire_has_been_cut(const struct fault_place *place)
{
    return wire_cutter_has_cut(place->cutter);
}

static void disarm_cutter(const struct fault_place *place)
{
    wire_cutter_arm(place->cutter, 0, false);
}

bool fault_cuts(const struct fault *fault)
{
    return fault->disarm == disarm_cutter;
}

const struct fault faults[FAULTS] = {
    {.name = "one statement",
     .on_sqlite = true,
     .on_postgres = true,
     .stride = 1,
     .arm = arm_statement,
     .has_failed = statement_has_failed,
     .disarm = disarm_statement},
    {.name = "statements from one on",
     .on_sqlite = true,
     .stride = 1,
     .arm = arm_statements,
     .has_failed = statement_has_failed,
     .disarm = disarm_statement},
    {.name = "disk full",
     .on_sqlite = true,
     .stride = 1,
     .arm = arm_disk,
     .has_failed = disk_has_failed,
     .disarm = disarm_disk     },
    {.name = "power cut",
     .on_sqlite = true,
     .restarts = true,
     .stride = 1,
     .arm = arm_power,
     .has_failed = disk_has_failed,
     .disarm = disarm_power},
    {.name = "one allocation of ours",
     .on_sqlite = true,
     .stride = 1,
     .arm = arm_ours,
     .has_failed = our_allocation_has_failed,
     .disarm = disarm_allocations                   },
    {.name = "allocations of the database",
     .on_sqlite = true,
     .stride = SQLITE_STRIDE,
     .arm = arm_sqlites,
     .has_failed = sqlite_allocation_has_failed,
     .disarm = disarm_allocations                },
    {.name = "cut before a word",
     .on_postgres = true,
     .stride = 1,
     .arm = arm_cut_before,
     .has_failed = wire_has_been_cut,
     .disarm = disarm_cutter             },
    {.name = "cut after a word",
     .on_postgres = true,
     .stride = ANSWER_STRIDE,
     .arm = arm_cut_after,
     .has_failed = wire_has_been_cut,
     .disarm = disarm_cutter              },
};
