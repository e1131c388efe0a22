/* SPDX-License-Identifier: Apache-2.0 */
/* What the two sides of TCP share; everybody else uses link.h. Loop thread only. */
#ifndef HYP_COLLECT_TCP_H
#define HYP_COLLECT_TCP_H

#include "collect/link.h"

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Makes a link of a connection that stands.
 * @fd      the link's from now on, and closed on failure
 * Returns  NULL without memory
 */
struct hyp_link *hyp_tcp_take(struct hyp_loop *loop, int fd);
/* Reads a numeric address, which needs no lookup; false for a name. */
bool hyp_tcp_parse_address(const char *host, uint16_t port,
                           struct sockaddr_storage *ret_address);
socklen_t hyp_tcp_address_size(sa_family_t family);

#endif
