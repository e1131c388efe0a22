/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store with daily backups beside it, whose clock a test sets.
 */
#ifndef HYP_TEST_STORE_DAILY_H
#define HYP_TEST_STORE_DAILY_H

#include "fixture.h"

#include "model/zone.h"
#include "store/backups.h"

#define MINUTE_MS 60000LL
#define DAY_MS 86400000LL
/* 2023-11-14 00:00 UTC: 22 hours before the store's clock. */
#define MIDNIGHT_MS 1699920000000LL
#define HALF_PAST_TWO 150

struct daily {
    struct test_folder folder;
    struct test_store t;
    struct hyp_zone_fixed zone;
    struct hyp_backups *backups;
    struct hyp_backups_report report;
};

/* At midnight; `keep` good ones are kept. */
void open_daily(struct daily *d, size_t keep);
void close_daily(struct daily *d);
/* A path that begins like the folder of backups; valid until the next call with the slot. */
const char *target(struct daily *d, const char *name, int slot);
/* As after a start of the server. */
void start(struct daily *d, size_t keep, struct hyp_log *log);
void restart(struct daily *d, size_t keep);
/* What the thread does at that time; fills the report. */
bool step_at(struct daily *d, int64_t ms);
void assert_good(const struct daily *d, size_t count);

#endif
