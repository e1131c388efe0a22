/* SPDX-License-Identifier: Apache-2.0 */
#include "refusals.h"

#include <pthread.h>

#define NEVER (-1)

static struct {
    long until;  /* calls that still succeed; NEVER = all do */
    long refuse; /* how many fail then */
    long refused;
} order = {.until = NEVER};
/* Files are read on a worker of the loop. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool take_locked(void)
{
    if (order.until == NEVER || field_own_work > 0) {
        return false;
    }
    if (order.until > 0) {
        order.until--;
        return false;
    }
    if (order.refuse == 0) {
        return false;
    }
    order.refuse--;
    order.refused++;
    return true;
}

bool refusals_take(void)
{
    pthread_mutex_lock(&lock);
    bool refused = take_locked();
    pthread_mutex_unlock(&lock);
    return refused;
}

bool refusals_any(void)
{
    pthread_mutex_lock(&lock);
    bool any = order.refused > 0;
    pthread_mutex_unlock(&lock);
    return any;
}

void refusals_begin(long until, long refuse)
{
    pthread_mutex_lock(&lock);
    order.refused = 0;
    order.refuse = refuse;
    order.until = until;
    pthread_mutex_unlock(&lock);
}

bool refusals_end(void)
{
    pthread_mutex_lock(&lock);
    order.until = NEVER;
    pthread_mutex_unlock(&lock);
    return refusals_any();
}

bool refusals_try(long until, long refuse)
{
    struct plant plant;
    plant_open(&plant);
    refusals_begin(until, refuse);
    plant_pass(&plant, PLANT_HOUR_MS / 2);
    bool refused = refusals_end();
    size_t before[] = {plant_readings(&plant, 1), plant_readings(&plant, 2)};
    plant_pass(&plant, 2 * PLANT_HOUR_MS);
    assert_true(plant_readings(&plant, 1) > before[0]);
    assert_true(plant_readings(&plant, 2) > before[1]);
    plant_check(&plant);
    plant_close(&plant);
    return refused;
}
