/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proxies: whose address counts when a reverse proxy asks for others, and whether they came by
 * https.
 *
 * A proxy names its client in a header that anybody can send. So the header is believed only on
 * connections that come from an address which the administrator has named, and only as far back
 * as the proxies in it have been named too: the last address in it that is not a proxy is the
 * client, whatever a client has written before. The administrator also says which of the two
 * headers the proxy writes, as it passes the other one on unread; beside X-Forwarded-For
 * belongs X-Forwarded-Proto. Addresses are kept as IPv6, those of IPv4 mapped. Any thread.
 */
#ifndef HYP_API_PROXIES_H
#define HYP_API_PROXIES_H

#include "base/status.h"
#include "base/str.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hyp_proxies;

/*
 * Reads "10.0.0.5, 192.168.7.0/24, fd00::/8"; NULL or "" names none.
 * @forwarded  they write Forwarded (RFC 7239), not X-Forwarded-For
 * Returns     HYP_OK | INVALID, *err says which is no address | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_proxies_create(const char *list, bool forwarded,
                                                struct hyp_proxies **ret_proxies,
                                                struct hyp_error *err);
/* NULL is allowed. Returns NULL. */
void *hyp_proxies_destroy(struct hyp_proxies *proxies);
/* Are none named? Then no header is believed. */
bool hyp_proxies_is_empty(const struct hyp_proxies *proxies);
/* Is it the address of one of them, or in one of their networks? */
bool hyp_proxies_trust(const struct hyp_proxies *proxies, const struct in6_addr *address);
/* The header they write. */
const char *hyp_proxies_header(const struct hyp_proxies *proxies);

/* What the headers of one request have said so far. Begin with zeros. */
struct hyp_hops {
    bool known; /* client is set; else the connection's own address is all that is known */
    struct in6_addr client;
    unsigned behind;  /* hops that came after the client's */
    uint64_t schemes; /* a bit each, set for https; the newest is the lowest */
    unsigned scheme_count;
};

/* One line of the header; of several the first that arrived comes first. */
void hyp_hops_add(struct hyp_hops *hops, const struct hyp_proxies *proxies,
                  struct hyp_str line);
/* One line of X-Forwarded-Proto, likewise; where the proxies write Forwarded it is not read. */
void hyp_hops_add_scheme(struct hyp_hops *hops, const struct hyp_proxies *proxies,
                         struct hyp_str line);
/*
 * Whether the client came by https, after all lines. A proxy that replaces X-Forwarded-Proto
 * leaves one word; of those that add to it, the word counts that belongs to the client's hop.
 */
bool hyp_hops_https(const struct hyp_hops *hops);

/* An address of a socket; false for families that have none. */
bool hyp_address_of_socket(const struct sockaddr *socket, struct in6_addr *ret_address);
/*
 * As text, the same for one household: IPv6 to /64, as one has 2^64 of them. Returns `out`.
 * @size  at least HYP_CLIENT_ADDRESS_MAX
 */
const char *hyp_address_format(const struct in6_addr *address, char *out, size_t size);

#endif
