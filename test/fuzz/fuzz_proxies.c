/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of trusted proxies, and what their header may hold. The first byte chooses the header,
 * the first line is a list, the others are lines of the header. Whatever a client has written,
 * the address that a trusted proxy puts behind it is the one that counts, and so is its word on
 * http or https.
 */
#include "api/proxies.h"
#include "api/request.h"

#include <stdlib.h>
#include <string.h>

static void demand(bool good)
{
    if (!good) {
        abort();
    }
}

static bool is_client(const struct hyp_hops *hops)
{
    char text[HYP_CLIENT_ADDRESS_MAX];
    return hops->known &&
           strcmp(hyp_address_format(&hops->client, text, sizeof(text)), "192.0.2.7") == 0;
}

/* The proxy adds to the line that the client sent. */
static void check_same_line(const struct hyp_proxies *proxies, struct hyp_str line,
                            bool forwarded)
{
    struct hyp_hops hops = {.known = false};
    struct hyp_buf whole;
    hyp_buf_init_heap(&whole, line.len + 64);
    hyp_buf_append_str(&whole, line);
    hyp_buf_append_text(&whole, forwarded ? ", for=192.0.2.7" : ", 192.0.2.7");
    hyp_hops_add(&hops, proxies, hyp_buf_view(&whole));
    /* A quote that the client has left open makes the rest one hop, without an address. */
    demand(is_client(&hops) || (forwarded && !hops.known));
    hyp_buf_finish(&whole);
}

static void check_lines(const struct hyp_proxies *proxies, struct hyp_str rest, bool forwarded)
{
    struct hyp_hops hops = {.known = false};
    struct hyp_str line;
    while (rest.len > 0 && hyp_str_split_next(&rest, '\n', &line)) {
        hyp_hops_add(&hops, proxies, line);
        check_same_line(proxies, line, forwarded);
    }
    hyp_hops_add(&hops, proxies, hyp_str_from(forwarded ? "for=192.0.2.7" : "192.0.2.7"));
    demand(is_client(&hops));
}

static void check_schemes(const struct hyp_proxies *proxies, struct hyp_str rest,
                          bool forwarded, bool https)
{
    struct hyp_hops hops = {.known = false};
    struct hyp_str line;
    while (rest.len > 0 && hyp_str_split_next(&rest, '\n', &line)) {
        hyp_hops_add(&hops, proxies, line);
        hyp_hops_add_scheme(&hops, proxies, line);
    }
    if (forwarded) {
        hyp_hops_add(&hops, proxies,
                     hyp_str_from(https ? "proto=https;for=192.0.2.7" : "for=192.0.2.7"));
    } else {
        hyp_hops_add(&hops, proxies, hyp_str_from("192.0.2.7"));
        hyp_hops_add_scheme(&hops, proxies, hyp_str_from(https ? "https" : "http"));
    }
    demand(hyp_hops_https(&hops) == https);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hyp_proxies *proxies = NULL;
    struct hyp_error err = {0};
    struct hyp_str list;
    char text[256];
    if (size == 0) {
        return 0;
    }
    bool forwarded = (data[0] & 1) != 0;
    struct hyp_str rest = {(const char *)data + 1, size - 1};
    if (rest.len > 0 && hyp_str_split_next(&rest, '\n', &list)) {
        hyp_text_copy(text, sizeof(text), list);
        enum hyp_status status = hyp_proxies_create(text, forwarded, &proxies, &err);
        demand((status == HYP_OK) == (proxies != NULL));
        demand(status == HYP_OK || err.text[0] != '\0');
        hyp_proxies_destroy(proxies);
    }
    demand(hyp_proxies_create("10.0.0.0/24, fd00::/8", forwarded, &proxies, &err) == HYP_OK);
    check_lines(proxies, rest, forwarded);
    check_schemes(proxies, rest, forwarded, true);
    check_schemes(proxies, rest, forwarded, false);
    hyp_proxies_destroy(proxies);
    return 0;
}
