/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service: the use cases. Whatever a person or a program may ask of the platform is one
 * function here, checked against its scope; the API only turns it into bytes.
 *
 * Joins the store, the device library and the collector; keeps in memory what every screen
 * needs at once (devices, lines, their communication, sessions). All functions may be called
 * from any thread; the longer ones block on disk, none blocks on the field.
 *
 * Order of life: create -> (collector created with hyp_service_observer) -> start with that
 * collector -> collector stopped -> stop -> collector destroyed -> store closed (it may still
 * tell about commits) -> destroy.
 */
#ifndef HYP_SERVICE_SERVICE_H
#define HYP_SERVICE_SERVICE_H

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "collect/collect.h"
#include "device/library.h"
#include "store/store.h"

#include <stdbool.h>

struct hyp_service;

/* Work of one argon2id run. Zeros mean the product's default; tests take the least. */
struct hyp_hash_cost {
    unsigned long long operations;
    size_t memory_bytes;
};

struct hyp_service_config {
    struct hyp_store *store;
    const struct hyp_library *library;
    const struct hyp_clock *clock;
    struct hyp_rng *rng; /* fit for secrets, except in tests */
    struct hyp_log *log; /* may be NULL */
    struct hyp_hash_cost hash_cost;
    const char *time_zone;       /* of the tenant made at the very first start; NULL = UTC */
    const struct hyp_zone *zone; /* its rules, for "today"; NULL = UTC */
    /*
     * Told when the tenant's time zone is to change; may refuse it (INVALID: no such zone).
     * NULL = every name is taken.
     */
    enum hyp_status (*set_zone)(void *user, const char *name, struct hyp_error *err);
    void *set_zone_user;
    struct hyp_backups *backups; /* NULL = none are made; outlives the requests */
    bool no_collect;             /* keep all lines closed; intake and files still work */
};

/*
 * Loads the plant into memory; makes the first tenant in an empty store. Copies the config.
 * Once created, it must not be destroyed before the store is closed.
 * Returns   HYP_OK | NO_MEMORY | INTERNAL (libsodium cannot start) | what the store says
 */
HYP_MUST_USE enum hyp_status hyp_service_create(const struct hyp_service_config *config,
                                                struct hyp_service **ret_service,
                                                struct hyp_error *err);
/* What the collector must tell: give it to hyp_collector_create. */
struct hyp_collect_observer hyp_service_observer(struct hyp_service *service);
/*
 * Hands lines, devices and remembered states to the collector and starts the house-keeping
 * thread.
 * @collector   not started yet is fine; NULL = commands answer UNSUPPORTED (tests)
 */
HYP_MUST_USE enum hyp_status hyp_service_start(struct hyp_service *service,
                                               struct hyp_collector *collector,
                                               struct hyp_error *err);
/* Saves what is only in memory and ends the thread; streams are told to close. */
void hyp_service_stop(struct hyp_service *service);
/* After stop, and after the store was closed. NULL is allowed; secrets in memory are wiped.
 * Returns NULL. */
void *hyp_service_destroy(struct hyp_service *service);

/* What it was configured with (the log may be NULL), and when it was created. */
const struct hyp_clock *hyp_service_clock(const struct hyp_service *service);
struct hyp_log *hyp_service_log(const struct hyp_service *service);
hyp_utc hyp_service_started(const struct hyp_service *service);
const struct hyp_library *hyp_service_library(const struct hyp_service *service);
/* The tenant that was there first; its zone is the collector's. */
struct hyp_tenant hyp_service_first_tenant(struct hyp_service *service);

#endif
