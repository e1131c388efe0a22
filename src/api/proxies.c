/* SPDX-License-Identifier: Apache-2.0 */
#include "api/proxies.h"

#include "base/attr.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define MAPPED_BITS 96 /* ::ffff:0:0, in front of an address of IPv4 */
#define ADDRESS_BITS 128

struct network {
    struct in6_addr address;
    unsigned bits; /* of it that count, 1..128 */
};

struct hyp_proxies {
    bool forwarded;
    size_t count;
    struct network networks[];
};

/* --- addresses --- */

static void map_v4(const struct in_addr *v4, struct in6_addr *out)
{
    *out = (struct in6_addr){0};
    out->s6_addr[10] = 0xFF;
    out->s6_addr[11] = 0xFF;
    memcpy(out->s6_addr + 12, v4, sizeof(*v4));
}

/* "192.0.2.7" or "2001:db8::7", nothing before or behind. */
static bool parse_address(struct hyp_str text, struct in6_addr *ret_address)
{
    char copy[INET6_ADDRSTRLEN + 1];
    struct in_addr v4;
    if (text.len == 0 || text.len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        map_v4(&v4, ret_address);
        return true;
    }
    return inet_pton(AF_INET6, copy, ret_address) == 1;
}

bool hyp_address_of_socket(const struct sockaddr *socket, struct in6_addr *ret_address)
{
    if (socket->sa_family == AF_INET) {
        map_v4(&((const struct sockaddr_in *)(const void *)socket)->sin_addr, ret_address);
        return true;
    }
    if (socket->sa_family == AF_INET6) {
        *ret_address = ((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr;
        return true;
    }
    return false;
}

const char *hyp_address_format(const struct in6_addr *address, char *out, size_t size)
{
    struct in6_addr network = *address;
    out[0] = '\0';
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        inet_ntop(AF_INET, address->s6_addr + 12, out, (socklen_t)size);
    } else {
        memset(network.s6_addr + 8, 0, 8);
        inet_ntop(AF_INET6, &network, out, (socklen_t)size);
    }
    return out;
}

/* --- the list --- */

static bool parse_network(struct hyp_str text, struct network *ret_network)
{
    uint64_t bits = 0;
    ptrdiff_t slash = hyp_str_find_char(text, '/');
    struct hyp_str address = {text.ptr, slash < 0 ? text.len : (size_t)slash};
    if (!parse_address(address, &ret_network->address)) {
        return false;
    }
    const bool v4 = hyp_str_find_char(address, ':') < 0;
    const unsigned before = v4 ? MAPPED_BITS : 0;
    ret_network->bits = ADDRESS_BITS;
    if (slash < 0) {
        return true;
    }
    struct hyp_str number = {text.ptr + slash + 1, text.len - (size_t)slash - 1};
    /* A network of everybody would let everybody name any address. */
    if (hyp_str_to_u64(number, &bits) != HYP_OK || bits == 0 || bits > ADDRESS_BITS - before) {
        return false;
    }
    ret_network->bits = before + (unsigned)bits;
    return true;
}

enum hyp_status hyp_proxies_create(const char *list, bool forwarded,
                                   struct hyp_proxies **ret_proxies, struct hyp_error *err)
{
    struct hyp_str rest = hyp_str_from(list == NULL ? "" : list);
    struct hyp_str part;
    size_t most = 1;
    for (size_t i = 0; i < rest.len; i++) {
        most += rest.ptr[i] == ',' ? 1 : 0;
    }
    struct hyp_proxies *proxies =
        calloc(1, sizeof(*proxies) + most * sizeof(proxies->networks[0]));
    if (proxies == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "No memory for the list of proxies.");
    }
    proxies->forwarded = forwarded;
    while (rest.len > 0 && hyp_str_split_next(&rest, ',', &part)) {
        if (!parse_network(hyp_str_trim(part), &proxies->networks[proxies->count])) {
            free(proxies);
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "\"%.*s\" is no proxy's address; write ones like 127.0.0.1, "
                                 "10.0.0.0/24 or fd00::/8.",
                                 HYP_STR_ARG(part));
        }
        proxies->count++;
    }
    *ret_proxies = proxies;
    return HYP_OK;
}

void *hyp_proxies_destroy(struct hyp_proxies *proxies)
{
    free(proxies);
    return NULL;
}

bool hyp_proxies_is_empty(const struct hyp_proxies *proxies)
{
    return proxies->count == 0;
}

const char *hyp_proxies_header(const struct hyp_proxies *proxies)
{
    return proxies->forwarded ? "Forwarded" : "X-Forwarded-For";
}

static bool is_in(const struct network *network, const struct in6_addr *address)
{
    const unsigned whole = network->bits / 8;
    const unsigned left = network->bits % 8;
    if (memcmp(network->address.s6_addr, address->s6_addr, whole) != 0) {
        return false;
    }
    return left == 0 ||
           (network->address.s6_addr[whole] ^ address->s6_addr[whole]) >> (8 - left) == 0;
}

bool hyp_proxies_trust(const struct hyp_proxies *proxies, const struct in6_addr *address)
{
    for (size_t i = 0; i < proxies->count; i++) {
        if (is_in(&proxies->networks[i], address)) {
            return true;
        }
    }
    return false;
}

/* --- the header --- */

/* An address with or without a port: "192.0.2.7:80", "2001:db8::7", "[2001:db8::7]:80". */
static bool parse_node(struct hyp_str text, struct in6_addr *ret_address)
{
    ptrdiff_t end = -1;
    if (text.len > 0 && text.ptr[0] == '[') {
        end = hyp_str_find_char(text, ']');
        if (end < 0) {
            return false;
        }
        struct hyp_str behind = {text.ptr + end + 1, text.len - (size_t)end - 1};
        return (behind.len == 0 || behind.ptr[0] == ':') &&
               parse_address((struct hyp_str){text.ptr + 1, (size_t)end - 1}, ret_address);
    }
    end = hyp_str_find_char(text, ':');
    if (end >= 0) {
        struct hyp_str port = {text.ptr + end + 1, text.len - (size_t)end - 1};
        if (hyp_str_find_char(port, ':') < 0) {
            text.len = (size_t)end;
        }
    }
    return parse_address(text, ret_address);
}

/*
 * Cuts off what stands before the next `separator` that is not within quotes, where there are
 * any. *open is set when a quote does not end: it has taken all the rest with it.
 */
static struct hyp_str cut(struct hyp_str *rest, char separator, bool has_quotes, bool *open)
{
    const char *begin = rest->ptr;
    bool quoted = false;
    size_t at = 0;
    for (; at < rest->len && (quoted || begin[at] != separator); at++) {
        if (quoted && begin[at] == '\\') {
            at += at + 1 < rest->len ? 1 : 0;
        } else if (has_quotes && begin[at] == '"') {
            quoted = !quoted;
        }
    }
    *open = *open || quoted;
    const size_t over = at < rest->len ? at + 1 : at;
    rest->ptr += over;
    rest->len -= over;
    return hyp_str_trim((struct hyp_str){begin, at});
}

/* What one hop says of the request that it got. */
struct hop {
    bool named; /* address is set */
    struct in6_addr address;
    bool https;
};

static struct hyp_str unquoted(struct hyp_str value)
{
    bool quoted = value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';
    return quoted ? (struct hyp_str){value.ptr + 1, value.len - 2} : value;
}

/* "for=192.0.2.7;proto=https" (RFC 7239 section 4). */
static struct hop parse_forwarded(struct hyp_str text)
{
    bool open = false; /* never: the hop was cut at its quotes */
    struct hop hop = {.named = false};
    while (text.len > 0) {
        struct hyp_str pair = cut(&text, ';', true, &open);
        ptrdiff_t sign = hyp_str_find_char(pair, '=');
        if (sign < 0) {
            continue;
        }
        struct hyp_str name = {pair.ptr, (size_t)sign};
        struct hyp_str value =
            unquoted((struct hyp_str){pair.ptr + sign + 1, pair.len - (size_t)sign - 1});
        if (hyp_str_equal_nocase(name, HYP_STR("for"))) {
            hop.named = parse_node(value, &hop.address);
        } else if (hyp_str_equal_nocase(name, HYP_STR("proto"))) {
            hop.https = hyp_str_equal_nocase(value, HYP_STR("https"));
        }
    }
    return hop;
}

static void push_scheme(struct hyp_hops *hops, bool https)
{
    hops->schemes = hops->schemes << 1 | (https ? 1 : 0);
    hops->scheme_count++;
}

/*
 * From the oldest hop to the newest: who is no proxy takes the place of all before, as only its
 * own word vouches for them; behind a hop without an address everything begins anew.
 */
void hyp_hops_add(struct hyp_hops *hops, const struct hyp_proxies *proxies, struct hyp_str line)
{
    bool open = false;
    while (line.len > 0) {
        struct hop hop = {.named = false};
        struct hyp_str text = cut(&line, ',', proxies->forwarded, &open);
        if (text.len == 0) {
            continue;
        }
        /* What a client has left open would swallow the word of the proxy behind it. */
        if (!open && proxies->forwarded) {
            hop = parse_forwarded(text);
        } else if (!open) {
            hop.named = parse_node(text, &hop.address);
        }
        if (proxies->forwarded) {
            push_scheme(hops, hop.https);
        }
        bool begins = !hop.named || !hops->known || !hyp_proxies_trust(proxies, &hop.address);
        hops->behind = begins ? 0 : hops->behind + 1;
        hops->known = hop.named;
        hops->client = begins ? hop.address : hops->client;
    }
}

void hyp_hops_add_scheme(struct hyp_hops *hops, const struct hyp_proxies *proxies,
                         struct hyp_str line)
{
    bool open = false;
    while (!proxies->forwarded && line.len > 0) {
        struct hyp_str word = cut(&line, ',', false, &open);
        if (word.len > 0) {
            push_scheme(hops, hyp_str_equal_nocase(word, HYP_STR("https")));
        }
    }
}

bool hyp_hops_https(const struct hyp_hops *hops)
{
    if (hops->scheme_count == 0) {
        return false;
    }
    const unsigned at = HYP_MIN(hops->behind, hops->scheme_count - 1);
    return at < 64 && (hops->schemes >> at & 1) != 0;
}
