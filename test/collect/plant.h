/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small plant for tests of faults: a controller of two blocks, a meter of two telegrams. What
 * it reads is always the same, so that a reading of somebody else, or half of one, shows.
 */
#ifndef HYP_TEST_COLLECT_PLANT_H
#define HYP_TEST_COLLECT_PLANT_H

#include "field.h"

#define PLANT_HOUR_MS 3600000LL

struct plant {
    struct field *field;
    struct slave slave;
    struct mbus_peer bus;
    struct meter meter;
};

/* Modbus controller 1 on line 1, M-Bus meter 2 on line 2, both read every 15 minutes. */
void plant_open(struct plant *plant);
void plant_close(struct plant *plant);
/* Lets time go by, in steps that no answer is too slow for. */
void plant_pass(struct plant *plant, int64_t ms);
size_t plant_readings(const struct plant *plant, int64_t device);
/* Every reading has the values of its device. */
void plant_check(const struct plant *plant);

#endif
