/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processor time of a PostgreSQL server on this machine.
 */
#ifndef HYP_BENCH_HISTORIAN_SERVER_H
#define HYP_BENCH_HISTORIAN_SERVER_H

/* Seconds that all processes of the server have taken since it began, user and system; 0 for no
 * URL, or a server of another machine. */
double server_cpu_s(const char *url);

#endif
