/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service over a store in memory: fake clock, seeded randomness, the cheapest argon2id.
 */
#ifndef HYP_TEST_SERVICE_FIXTURE_H
#define HYP_TEST_SERVICE_FIXTURE_H

#include "support/rows.h"

#include "service/auth.h"
#include "service/devices.h"
#include "service/inside.h"
#include "service/people.h"
#include "service/scope_make.h"
#include "service/service.h"

struct test_service {
    struct hyp_clock_fake clock;
    struct hyp_rng_seeded rng;
    struct hyp_store *store;
    struct hyp_library *library;
    struct hyp_service *service;
    struct hyp_arena arena;
    struct hyp_scope admin;
    struct hyp_scope reader;
    struct hyp_scope stranger; /* administrator of another tenant */
};

#define TEST_START_MS 1767225600000LL /* 2026-01-01T00:00:00Z */
#define TEST_PASSWORD "correct horse battery"

void test_service_open(struct test_service *t);
void test_service_close(struct test_service *t);
/* Ends the service and makes a new one over the same store: a restart. */
void test_service_restart(struct test_service *t);

/* Does the first set-up and gives the session. */
struct hyp_grant test_set_up(struct test_service *t);
/* A login as it comes from the network. */
enum hyp_status test_login(struct test_service *t, const char *login, const char *password,
                           const char *address, struct hyp_grant *ret_grant,
                           int64_t *ret_wait_ms);
struct hyp_user test_add_user(struct test_service *t, const char *login, enum hyp_role role);

/* A wired meter on `line` (0 = radio) with the given number, stored through the use case. */
struct hyp_device test_add_device(struct test_service *t, const char *name, const char *serial,
                                  int64_t line);
struct hyp_line test_add_line(struct test_service *t, const char *name);
/* Commits one reading: energy in kWh and a text. Waits for the commit. */
void test_commit(struct test_service *t, hyp_device_id device, int64_t time_ms, int64_t energy);
/* The same for many readings in one batch; the energy grows by one each. */
void test_commit_many(struct test_service *t, hyp_device_id device, int64_t time_ms,
                      int64_t step_ms, size_t count, int64_t energy);
/* Commits a reading of this one value. Waits for the commit. */
void test_commit_value(struct test_service *t, hyp_device_id device, int64_t time_ms,
                       const struct hyp_value *value);
/* Commits a status byte (EN 13757-7), as the header of a telegram brings it. */
void test_commit_status(struct test_service *t, hyp_device_id device, int64_t time_ms,
                        uint8_t status);
/* The same, and waits until the service has heard of every reading: that is after the commit.
 */
void test_commit_heard(struct test_service *t, hyp_device_id device, int64_t time_ms,
                       int64_t step_ms, size_t count, int64_t energy);

/* The newest audit entry. */
struct hyp_audit_entry test_last_audit(struct test_service *t);

#endif
