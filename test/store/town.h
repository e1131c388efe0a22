/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A town whose servers share one PostgreSQL database. Each member is a store of its own here,
 * with its own connections; that processes are killed is test/system/members.py.
 */
#ifndef HYP_TEST_STORE_TOWN_H
#define HYP_TEST_STORE_TOWN_H

#include "fixture.h"

#define DAY_MS (24 * HOUR_MS)
#define MEMBERS 2

/* The members of one schema, which has the first folder's name. */
struct town {
    struct test_folder folders[MEMBERS];
    struct test_store members[MEMBERS];
    struct test_place place;
};

void open_town(struct town *town);
void close_town(struct town *town);
/* One member under a name; NULL = one that wants to be alone. */
enum hyp_status open_store(struct town *town, int i, const char *member,
                           struct hyp_store **ret_store, struct hyp_error *err);
/* The member that opens again, or goes. */
void open_member(struct town *town, int i);
void close_member(struct town *town, int i);

void set_clocks(struct town *town, int64_t now);
/* All members know what is committed. */
void catch_up(struct town *town);
/* One reading of two values at one member. */
void put(struct town *town, int member, hyp_device_id device, int64_t time, int64_t digits);
struct hyp_store_stats stats_of(struct town *town, int member);
/* All members answer the same. Returns how many readings of the device they have. */
size_t same_answers(struct town *town, hyp_device_id device);
/* The first number that the database answers. */
int64_t count_rows(struct town *town, const char *sql);

#endif
