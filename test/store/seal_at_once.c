/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked to a test, this makes its stores seal every reading at once.
 */
#include "fixture.h"

__attribute__((constructor)) static void seal_at_once(void)
{
    test_seal_at_once = true;
}
