/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: the HTTP library alone, answering 200 fixed bytes from two threads. What our
 * server reaches is to be compared with this figure of the same minute, not with one of another
 * day.
 */
#ifndef HYP_BENCH_HTTP_BARE_H
#define HYP_BENCH_HTTP_BARE_H

#include "http_client.h"

/* Starts it in a process of its own, whose CPU time bench_server_cpu() gives. */
void bench_bare_start(struct bench_server *server);
void bench_bare_end(struct bench_server *server);

#endif
