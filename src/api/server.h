/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server: the HTTP side of the platform - JSON API, live push, static files.
 *
 * Not for decisions: who may do what and what happens then is decided in service/. Requests
 * are read and answered by a few epoll threads; whatever may touch the disk or take long runs
 * on workers while its connection sleeps, so a slow request never delays its neighbours.
 */
#ifndef HYP_API_SERVER_H
#define HYP_API_SERVER_H

#include "base/status.h"
#include "service/service.h"

#include <stdbool.h>
#include <stdint.h>

struct hyp_server;

struct hyp_server_config {
    struct hyp_service *service;
    const char *listen;          /* address, e.g. "127.0.0.1" or "::" */
    uint16_t port;               /* 0 = any free one */
    const char *certificate_pem; /* both or neither */
    const char *key_pem;
    const char *web_dir;  /* serve the UI from this folder instead of the embedded files */
    unsigned threads;     /* epoll threads, at least 2; 0 = default */
    unsigned workers;     /* 0 = default */
    unsigned connections; /* 0 = HYP_LIMIT_CONNECTIONS */
    unsigned per_address; /* connections of one address; 0 = default */
    int requests_per_s;   /* of one address; 0 = default, -1 = no limit */
    const char *trusted_proxies; /* see hyp_proxies_create; NULL = none */
    bool forwarded;              /* they write Forwarded, not X-Forwarded-For */
};

/*
 * Listens and serves. Copies the config; the PEM texts may be freed afterwards.
 * Returns   HYP_OK | IO (address taken or not ours) | INVALID (certificate, proxies) |
 *           NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_server_start(const struct hyp_server_config *config,
                                              struct hyp_server **ret_server,
                                              struct hyp_error *err);
/* The port it listens on. */
uint16_t hyp_server_port(const struct hyp_server *server);
/* Finishes what is being answered, ends streams, closes. NULL is allowed. Returns NULL. */
void *hyp_server_stop(struct hyp_server *server);

#endif
