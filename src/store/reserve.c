/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reserve.h"

#include <stdlib.h>
#include <string.h>

enum hyp_status hyp_reserve(void *memory_of, size_t *capacity, size_t wanted, size_t size)
{
    if (wanted <= *capacity) {
        return HYP_OK;
    }
    void *memory;
    memcpy(&memory, memory_of, sizeof(memory));
    size_t bigger = HYP_MAX(*capacity * 2, HYP_MAX(wanted, (size_t)64));
    void *grown = realloc(memory, bigger * size);
    if (grown == NULL) {
        return HYP_NO_MEMORY;
    }
    memcpy(memory_of, &grown, sizeof(grown));
    *capacity = bigger;
    return HYP_OK;
}
