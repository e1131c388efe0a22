/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rows.h"

#include "api/proxies.h"
#include "api/request.h"

#include <arpa/inet.h>

static const struct list_row {
    const char *name;
    const char *list;
    const char *address;
    enum hyp_status status;
    bool trusted;
} list_rows[] = {
    {"none",            NULL,                   "127.0.0.1",       HYP_OK,      false},
    {"empty",           "",                     "127.0.0.1",       HYP_OK,      false},
    {"one",             "127.0.0.1",            "127.0.0.1",       HYP_OK,      true },
    {"another",         "127.0.0.1",            "127.0.0.2",       HYP_OK,      false},
    {"the second",      "10.0.0.1 , 127.0.0.1", "127.0.0.1",       HYP_OK,      true },
    {"a network",       "10.1.0.0/16",          "10.1.255.3",      HYP_OK,      true },
    {"outside of it",   "10.1.0.0/16",          "10.2.0.3",        HYP_OK,      false},
    {"odd bits",        "10.0.0.64/27",         "10.0.0.95",       HYP_OK,      true },
    {"beyond odd bits", "10.0.0.64/27",         "10.0.0.96",       HYP_OK,      false},
    {"v6",              "fd00::/8",             "fdab::1",         HYP_OK,      true },
    {"outside of v6",   "fd00::/8",             "fe80::1",         HYP_OK,      false},
    {"mapped",          "10.0.0.1",             "::ffff:10.0.0.1", HYP_OK,      true },
    {"v4 is not v6",    "10.0.0.0/8",           "a00::1",          HYP_OK,      false},
    {"no address",      "proxy.example",        NULL,              HYP_INVALID, false},
    {"empty part",      "10.0.0.1,,10.0.0.2",   NULL,              HYP_INVALID, false},
    {"everybody",       "0.0.0.0/0",            NULL,              HYP_INVALID, false},
    {"everybody of v6", "::/0",                 NULL,              HYP_INVALID, false},
    {"too many bits",   "10.0.0.1/33",          NULL,              HYP_INVALID, false},
    {"no bits",         "10.0.0.1/",            NULL,              HYP_INVALID, false},
    {"with a port",     "10.0.0.1:80",          NULL,              HYP_INVALID, false},
};

static struct in6_addr address_of(const char *text)
{
    struct in6_addr address;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
    assert_true(is_v4 || inet_pton(AF_INET6, text, &v6.sin6_addr) == 1);
    assert_true(hyp_address_of_socket(
        is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6, &address));
    return address;
}

static void check_list(void **state)
{
    const struct list_row *row = *state;
    struct hyp_error err = {0};
    struct hyp_proxies *proxies = NULL;
    assert_int_equal(hyp_proxies_create(row->list, false, &proxies, &err), row->status);
    if (row->status != HYP_OK) {
        assert_null(proxies);
        assert_true(err.text[0] != '\0');
        return;
    }
    const struct in6_addr address = address_of(row->address);
    assert_int_equal(hyp_proxies_trust(proxies, &address), row->trusted);
    hyp_proxies_destroy(proxies);
}

#define PROXIES "10.0.0.0/24, fd00::/8"
#define EIGHT "https,http,https,http,https,http,https,http,"
#define OFTEN EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT /* more than are kept */

/* The client that is found behind proxies 10.0.0.x and fd..; "" = nobody is named. */
static const struct hop_row {
    const char *name;
    bool forwarded;
    const char *first; /* two lines of the header */
    const char *second;
    const char *client;
} hop_rows[] = {
    {"nothing",            false, "",                                              "",              ""          },
    {"one",                false, "192.0.2.7",                                     "",              "192.0.2.7" },
    {"forged before it",   false, "1.1.1.1, 192.0.2.7",                            "",              "192.0.2.7" },
    {"a proxy is forged",  false, "1.1.1.1, 10.0.0.9, 192.0.2.7",                  "",              "192.0.2.7" },
    {"two proxies",        false, "1.1.1.1,192.0.2.7,10.0.0.2",                    "",              "192.0.2.7" },
    {"line of its own",    false, "1.1.1.1",                                       "192.0.2.7",     "192.0.2.7" },
    {"proxies only",       false, "10.0.0.3, 10.0.0.2",                            "",              "10.0.0.3"  },
    {"port",               false, "192.0.2.7:4711",                                "",              "192.0.2.7" },
    {"v6 is a household",  false, "2001:db8::1:2:3:4",                             "",              "2001:db8::"},
    {"v6 with a port",     false, "[2001:db8::7]:80",                              "",              "2001:db8::"},
    {"mapped",             false, "::ffff:192.0.2.7",                              "",              "192.0.2.7" },
    {"unknown",            false, "192.0.2.7, unknown",                            "",              ""          },
    {"behind unknown",     false, "192.0.2.7, unknown, 10.0.0.2",                  "",              "10.0.0.2"  },
    {"garbage",            false, "999.1.1.1",                                     "",              ""          },
    {"open bracket",       false, "[2001:db8::7",                                  "",              ""          },
    {"empty hops",         false, ",, 192.0.2.7 ,",                                "",              "192.0.2.7" },
    {"open quote",         false, "\"1.1.1.1, 192.0.2.7",                          "",              "192.0.2.7" },
    {"for",                true,  "for=192.0.2.7",                                 "",              "192.0.2.7" },
    {"among others",       true,  "proto=https; For=\"192.0.2.7:80\";by=10.0.0.2", "",              "192.0.2.7" },
    {"v6 in quotes",       true,  "for=\"[2001:db8::7]:80\"",                      "",              "2001:db8::"},
    {"forged for",         true,  "for=1.1.1.1, for=192.0.2.7",                    "",              "192.0.2.7" },
    {"forged in a quote",  true,  "for=192.0.2.7;host=\"a, for=1.1.1.1\"",         "",              "192.0.2.7" },
    {"escaped quote",      true,  "for=192.0.2.7;host=\"a\\\", for=1.1.1.1\"",     "",              "192.0.2.7" },
    {"hidden",             true,  "for=_secret",                                   "",              ""          },
    {"no for",             true,  "for=1.1.1.1, proto=https",                      "",              ""          },
    {"forged open quote",  true,  "for=\"1.1.1.1",                                 "for=192.0.2.7", "192.0.2.7" },
    {"quote left open",    true,  "for=1.1.1.1;host=\"a, for=192.0.2.7",           "",              ""          },
    {"plain in forwarded", true,  "192.0.2.7",                                     "",              ""          },
};

static void check_hops(void **state)
{
    const struct hop_row *row = *state;
    struct hyp_proxies *proxies = NULL;
    struct hyp_hops hops = {.known = false};
    char text[HYP_CLIENT_ADDRESS_MAX];
    assert_int_equal(hyp_proxies_create(PROXIES, row->forwarded, &proxies, NULL), HYP_OK);
    hyp_hops_add(&hops, proxies, hyp_str_from(row->first));
    hyp_hops_add(&hops, proxies, hyp_str_from(row->second));
    assert_string_equal(hops.known ? hyp_address_format(&hops.client, text, sizeof(text)) : "",
                        row->client);
    hyp_proxies_destroy(proxies);
}

/* Whether the client of these headers came by https. */
static const struct scheme_row {
    const char *name;
    bool forwarded;
    const char *hops;    /* X-Forwarded-For, or Forwarded */
    const char *schemes; /* X-Forwarded-Proto */
    bool https;
} scheme_rows[] = {
    {"no word",              false, "192.0.2.7",                                          "",                false},
    {"http",                 false, "192.0.2.7",                                          "http",            false},
    {"https",                false, "192.0.2.7",                                          "https",           true },
    {"HTTPS",                false, "192.0.2.7",                                          " HTTPS ",         true },
    {"only the scheme",      false, "",                                                   "https",           true },
    {"another word",         false, "192.0.2.7",                                          "httpsx",          false},
    {"a lie before it",      false, "192.0.2.7",                                          "https, http",     false},
    {"a denial before it",   false, "192.0.2.7",                                          "http, https",     true },
    {"lie in both",          false, "1.1.1.1, 192.0.2.7",                                 "https, http",     false},
    {"proxy to proxy plain", false, "192.0.2.7, 10.0.0.2",                                "https, http",     true },
    {"lie and two proxies",  false, "192.0.2.7, 10.0.0.2",                                "https,http,http", false},
    {"passed on once",       false, "192.0.2.7, 10.0.0.2",                                "https",           true },
    {"more than a word",     false, "192.0.2.7",                                          OFTEN "https",     true },
    {"lies by the dozen",    false, "192.0.2.7",                                          OFTEN "http",      false},
    {"forwarded",            true,  "for=192.0.2.7;proto=https",                          "",                true },
    {"forwarded quoted",     true,  "Proto=\"HTTPS\";for=192.0.2.7",                      "",                true },
    {"forwarded http",       true,  "for=192.0.2.7;proto=http",                           "",                false},
    {"forwarded without",    true,  "for=192.0.2.7",                                      "",                false},
    {"forwarded, no for",    true,  "proto=https",                                        "",                true },
    {"the other header",     true,  "for=192.0.2.7",                                      "https",           false},
    {"forwarded lie",        true,  "for=1.1.1.1;proto=https, for=192.0.2.7",             "",                false},
    {"forwarded twice",      true,  "for=192.0.2.7;proto=https, for=10.0.0.2;proto=http", "",                true },
    {"lie left open",        true,  "for=1.1.1.1;proto=\"https, for=192.0.2.7",           "",                false},
};

static void check_scheme(void **state)
{
    const struct scheme_row *row = *state;
    struct hyp_proxies *proxies = NULL;
    struct hyp_hops hops = {.known = false};
    assert_int_equal(hyp_proxies_create(PROXIES, row->forwarded, &proxies, NULL), HYP_OK);
    hyp_hops_add_scheme(&hops, proxies, hyp_str_from(row->schemes));
    hyp_hops_add(&hops, proxies, hyp_str_from(row->hops));
    assert_int_equal(hyp_hops_https(&hops), row->https);
    hyp_proxies_destroy(proxies);
}

static void names_its_header(void **state)
{
    struct hyp_proxies *proxies = NULL;
    (void)state;
    assert_int_equal(hyp_proxies_create("", false, &proxies, NULL), HYP_OK);
    assert_string_equal(hyp_proxies_header(proxies), "X-Forwarded-For");
    assert_true(hyp_proxies_is_empty(proxies));
    hyp_proxies_destroy(proxies);
    assert_int_equal(hyp_proxies_create("::1", true, &proxies, NULL), HYP_OK);
    assert_string_equal(hyp_proxies_header(proxies), "Forwarded");
    assert_false(hyp_proxies_is_empty(proxies));
    hyp_proxies_destroy(proxies);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, list_rows, check_list);
    TEST_ROWS(&list, hop_rows, check_hops);
    TEST_ROWS(&list, scheme_rows, check_scheme);
    TEST_ONE(&list, names_its_header);
    return test_list_run(&list, "proxies");
}
