/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bytes of a set go: by table, by part of the chunks, and by register.
 */
#ifndef HYP_BENCH_HISTORIAN_WEIGH_H
#define HYP_BENCH_HISTORIAN_WEIGH_H

#include <stdint.h>

/* Prints the breakdown of a closed store's database, in bytes a value. */
void weigh(const char *folder, uint64_t values);

#endif
