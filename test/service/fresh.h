/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For files whose tests each begin with a fresh service, `t`: list them with
 * WITH_SERVICE(test); rows open and close it themselves.
 */
#ifndef HYP_TEST_SERVICE_FRESH_H
#define HYP_TEST_SERVICE_FRESH_H

#include "fixture.h"

static struct test_service t;

static int open_service(void **state)
{
    (void)state;
    test_service_open(&t);
    return 0;
}

static int close_service(void **state)
{
    (void)state;
    test_service_close(&t);
    return 0;
}

#define WITH_SERVICE(test) cmocka_unit_test_setup_teardown(test, open_service, close_service)

#endif
