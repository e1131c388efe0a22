/* SPDX-License-Identifier: Apache-2.0 */
#include "statement_fault.h"

#include "store/core.h"

#include <string.h>

static struct {
    long at; /* 0 = never */
    bool forever;
    bool paused;
    long taken;
    const struct hyp_db_ops *real;
    struct hyp_db_ops ops;
} fault;

static bool is_due(void)
{
    if (fault.paused) {
        return false;
    }
    fault.taken++;
    return fault.at > 0 &&
           (fault.taken == fault.at || (fault.forever && fault.taken > fault.at));
}

static enum hyp_status faulty_step(struct hyp_db *db, struct hyp_stmt *stmt, bool *ret_row)
{
    return is_due() ? HYP_IO : fault.real->step(db, stmt, ret_row);
}

static enum hyp_status faulty_exec(struct hyp_db *db, const char *sql)
{
    /* A database that cannot even do that has done it by itself. */
    bool ends = strcmp(sql, "ROLLBACK") == 0;
    return !ends && is_due() ? HYP_IO : fault.real->exec(db, sql);
}

static enum hyp_status faulty_prepare(struct hyp_db *db, const char *sql,
                                      struct hyp_stmt **ret_stmt)
{
    return is_due() ? HYP_NO_MEMORY : fault.real->prepare(db, sql, ret_stmt);
}

void statement_fault_install(struct hyp_store *store)
{
    hyp_core_enter(store);
    fault.real = store->write.main->ops;
    fault.ops = *fault.real;
    fault.ops.step = faulty_step;
    fault.ops.exec = faulty_exec;
    fault.ops.prepare = faulty_prepare;
    store->write.main->ops = &fault.ops;
    store->write.frames->ops = &fault.ops;
    hyp_core_release(store);
}

void statement_fault_arm(struct hyp_store *store, long n, bool forever)
{
    hyp_core_enter(store);
    fault.at = n;
    fault.forever = forever;
    fault.paused = false;
    fault.taken = 0;
    hyp_core_release(store);
}

void statement_fault_pause(struct hyp_store *store, bool paused)
{
    hyp_core_enter(store);
    fault.paused = paused;
    hyp_core_release(store);
}

long statement_fault_taken(struct hyp_store *store)
{
    hyp_core_enter(store);
    long taken = fault.taken;
    hyp_core_release(store);
    return taken;
}
