/* SPDX-License-Identifier: Apache-2.0 */
/* Many connections that ask one thing as fast as it is answered; for bench/http.c only. */
#ifndef HYP_BENCH_HTTP_LOAD_H
#define HYP_BENCH_HTTP_LOAD_H

#include "http_client.h"

struct load_figures {
    double per_cpu_s; /* requests per CPU second of the server */
    double p50_ms;
    double p99_ms;
};

/*
 * Each connection asks for the latest value of `point` again as soon as it has its answer, so
 * the latency is that of a server that never rests.
 */
struct load_figures load_run(struct bench_server *server, uint64_t connections,
                             uint64_t seconds, int64_t point);

#endif
