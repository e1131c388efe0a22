/* SPDX-License-Identifier: Apache-2.0 */
/* A server to measure, and a plain blocking client for it; for bench/http.c only. */
#ifndef HYP_BENCH_HTTP_CLIENT_H
#define HYP_BENCH_HTTP_CLIENT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bench_server {
    pid_t pid;
    bool started;   /* by us: ended by us */
    bool temporary; /* the folder goes with it */
    uint16_t port;
    char folder[256];
    char setup_token[128];
    char token[128]; /* API token of an administrator */
};

/*
 * Starts `program` serve on a free port; ends the process when it cannot. server->token is set
 * when the folder is one that was filled before.
 * @data  folder that is kept; NULL = a new one that ends with the server
 */
void bench_server_start(struct bench_server *server, const char *program, const char *data);
/* Leaves the token in a folder that is kept. */
void bench_server_keep_token(const struct bench_server *server);
void bench_server_end(struct bench_server *server);
/* User and system seconds of the server process so far. */
double bench_server_cpu(const struct bench_server *server);
/* Resident megabytes. */
double bench_server_rss_mb(const struct bench_server *server);

int bench_connect(uint16_t port);
/* One request on an open connection; the body of the reply in *reply. Returns the status. */
int bench_request(int fd, const struct bench_server *server, const char *method,
                  const char *path, const char *type, struct hyp_str body,
                  struct hyp_buf *reply);
double bench_now(void);
void bench_fail(const char *text) __attribute__((noreturn));

#endif
