/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of bench/historian: opened with the clock of the set, and filled by processes of
 * their own.
 */
#ifndef HYP_BENCH_HISTORIAN_SEND_H
#define HYP_BENCH_HISTORIAN_SEND_H

#include "store/store.h"

#include <stdatomic.h>
#include <time.h>

#define HOUR_MS 3600000LL
#define DAY_MS (24 * HOUR_MS)

/* What the clock of the store says. */
extern _Atomic int64_t now_ms;
/* NULL = SQLite in the folder. */
extern const char *database;

/* Ends the program with a sentence. */
_Noreturn void fail(const char *what, const char *why);
double seconds_of(clockid_t clock);

struct hyp_store *open_store(const char *folder);
hyp_tenant_id first_tenant(struct hyp_store *store, struct hyp_arena *arena);
/* All of them; the caller frees the list. */
hyp_device_id *list_devices(struct hyp_store *store, struct hyp_arena *arena,
                            size_t *ret_count);

/* What a process tells its parent. */
struct told {
    uint64_t values;
    double cpu_s;
    int64_t now;
    int64_t peak_kb;
    int64_t bytes;     /* as the store says */
    double server_cpu; /* of the database server meanwhile, s */
};

/* Takes the whole set in, until everything is sealed. */
struct told take_in(const char *folder, char name, const char *files);
/* One more hour of every device, acknowledged; the store is left open. */
struct told send_hour(const char *folder, char name, const char *files);

#endif
