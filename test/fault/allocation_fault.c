/* SPDX-License-Identifier: Apache-2.0 */
#include "allocation_fault.h"

#include <sqlite3.h>
#include <stdlib.h>

struct allocation_fault our_allocations;
struct allocation_fault sqlite_allocations;

static bool is_refused(struct allocation_fault *fault)
{
    long number = atomic_fetch_add(&fault->taken, 1) + 1;
    long at = atomic_load(&fault->at);
    return at != 0 && (number == at || (number > at && atomic_load(&fault->forever)));
}

void allocation_fault_arm(struct allocation_fault *fault, long at, bool forever)
{
    atomic_store(&fault->at, 0);
    atomic_store(&fault->taken, 0);
    atomic_store(&fault->forever, forever);
    atomic_store(&fault->at, at);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    return is_refused(&our_allocations) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused(&our_allocations) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return is_refused(&our_allocations) ? NULL : __real_realloc(memory, size);
}

static sqlite3_mem_methods real_memory;

static void *sqlite_malloc(int size)
{
    return is_refused(&sqlite_allocations) ? NULL : real_memory.xMalloc(size);
}

static void *sqlite_realloc(void *memory, int size)
{
    return is_refused(&sqlite_allocations) ? NULL : real_memory.xRealloc(memory, size);
}

void allocation_fault_hook_sqlite(void)
{
    sqlite3_mem_methods methods;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) != SQLITE_OK) {
        abort();
    }
    methods = real_memory;
    methods.xMalloc = sqlite_malloc;
    methods.xRealloc = sqlite_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK) {
        abort();
    }
}
