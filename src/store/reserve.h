/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reserve: the one place where arrays of the store grow.
 */
#ifndef HYP_STORE_RESERVE_H
#define HYP_STORE_RESERVE_H

#include "base/attr.h"
#include "base/status.h"

#include <stddef.h>

/* Makes room for `wanted` elements of `size` in the malloc'ed array whose address is given; the
 * array is as it was when there is none. Returns   HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_reserve(void *memory_of, size_t *capacity, size_t wanted,
                                         size_t size);

#endif
