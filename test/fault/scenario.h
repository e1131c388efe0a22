/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fault tests do to a store while something fails, and what must hold afterwards.
 *
 * Batch k has one reading of each of some devices, at time k with value k, their frame, and
 * one at least that gave no reading. The
 * promises: a batch that was acknowledged is there, whole, after the store is opened again;
 * nothing is there twice; nothing is there that was not sent.
 */
#ifndef HYP_TEST_FAULT_SCENARIO_H
#define HYP_TEST_FAULT_SCENARIO_H

#include "fixture.h"

#define SCENARIO_DEVICES 3
#define SCENARIO_BATCHES_MAX 4096

struct scenario {
    struct test_folder folder;
    hyp_tenant_id tenant;
    const char *database;          /* instead of what test_place says; of that kind too */
    bool is_heavy;                 /* batches have so many frames that each is packed at once */
    struct hyp_log *log;           /* of the store's configuration, as the next three */
    const struct hyp_clock *clock; /* NULL = the machine's */
    int database_tries;
    uint64_t seal_readings; /* 1 = seal after every batch */
    hyp_device_id devices[SCENARIO_DEVICES];
    bool sent[SCENARIO_BATCHES_MAX];
    bool acknowledged[SCENARIO_BATCHES_MAX];
};

/* A folder with a store of one tenant and some devices, closed. */
void scenario_make(struct scenario *s);
void scenario_remove(struct scenario *s);
/* Opens it; does not fail the test. */
enum hyp_status scenario_open(struct scenario *s, struct hyp_store **ret_store);
/* Sends batch k and notes what became of it. */
enum hyp_status scenario_send(struct scenario *s, struct hyp_store *store, int64_t k);
/* Builds batch k; valid until the next call. Not for several threads. */
const struct hyp_batch *scenario_batch(const struct scenario *s, int64_t k);
/* How many frames a batch has. */
size_t scenario_frames(const struct scenario *s);
/* Checks the promises in an open store. */
void scenario_check(struct scenario *s, struct hyp_store *store);
/* Opens, checks, closes. */
void scenario_check_closed(struct scenario *s);
/* The database's own check of every page. */
void scenario_check_pages(struct scenario *s);

#endif
