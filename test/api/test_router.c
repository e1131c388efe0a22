/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rows.h"

#include "api/inside.h"

static enum hyp_status answer(struct hyp_request *req, struct hyp_error *err)
{
    (void)req;
    (void)err;
    return HYP_OK;
}

static const struct hyp_route table[] = {
    {"GET",    "/devices",             HYP_PERMISSION_DEVICE_READ,  answer, 0},
    {"POST",   "/devices",             HYP_PERMISSION_DEVICE_WRITE, answer, 0},
    {"POST",   "/devices/import",      HYP_PERMISSION_DEVICE_WRITE, answer, 0},
    {"GET",    "/devices/{id}",        HYP_PERMISSION_DEVICE_READ,  answer, 0},
    {"PATCH",  "/devices/{id}",        HYP_PERMISSION_DEVICE_WRITE, answer, 0},
    {"DELETE", "/devices/{id}",        HYP_PERMISSION_DEVICE_WRITE, answer, 0},
    {"GET",    "/devices/{id}/latest", HYP_PERMISSION_READING_READ, answer, 0},
    {"GET",    "/profiles/{name}",     HYP_PERMISSION_SYSTEM_READ,  answer, 0},
};

static const struct row {
    const char *name;
    const char *method;
    const char *path;
    enum hyp_status status;
    int route; /* index in the table */
    int64_t id;
    const char *allow;
} rows[] = {
    {"a list",                    "GET",    "/devices",                     HYP_OK,          0,  0,         NULL                },
    {"a slash at the end",        "GET",    "/devices/",                    HYP_OK,          0,  0,         NULL                },
    {"by method",                 "POST",   "/devices",                     HYP_OK,          1,  0,         NULL                },
    {"a word, not an id",         "POST",   "/devices/import",              HYP_OK,          2,  0,         NULL                },
    {"an id",                     "GET",    "/devices/17",                  HYP_OK,          3,  17,        NULL                },
    {"a long id",                 "GET",    "/devices/9223372036854775807", HYP_OK,          3,  INT64_MAX, NULL                },
    {"too long an id",            "GET",    "/devices/9223372036854775808", HYP_NOT_FOUND,   -1, 0,         NULL                },
    {"id zero",                   "GET",    "/devices/0",                   HYP_NOT_FOUND,   -1, 0,         NULL                },
    {"a negative id",             "GET",    "/devices/-1",                  HYP_NOT_FOUND,   -1, 0,         NULL                },
    {"a word for an id",          "GET",    "/devices/x",                   HYP_NOT_FOUND,   -1, 0,         NULL                },
    {"behind an id",              "GET",    "/devices/17/latest",           HYP_OK,          6,  17,        NULL                },
    {"too deep",                  "GET",    "/devices/17/latest/x",         HYP_NOT_FOUND,   -1, 0,         NULL                },
    {"much too deep",             "GET",    "/a/b/c/d/e/f/g/h/i",           HYP_NOT_FOUND,   -1, 0,         NULL                },
    {"the root",                  "GET",    "",                             HYP_NOT_FOUND,   -1, 0,         NULL                },
    {"an empty segment",          "GET",    "/devices//latest",             HYP_NOT_FOUND,   -1, 0,         NULL                },
    {"another case",              "GET",    "/Devices",                     HYP_NOT_FOUND,   -1, 0,         NULL                },
    {"a name",                    "GET",    "/profiles/kam_403",            HYP_OK,          7,  0,         NULL                },
    {"a method it does not take", "DELETE", "/devices",                     HYP_UNSUPPORTED, -1, 0,         "GET, POST"         },
    {"an unknown method",         "BREW",   "/devices/17",                  HYP_UNSUPPORTED, -1, 0,         "GET, PATCH, DELETE"},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct hyp_router *router = NULL;
    struct hyp_request req = {0};
    const char *allow = NULL;
    assert_int_equal(hyp_router_create(table, HYP_ARRAY_LEN(table), &router, NULL), HYP_OK);
    enum hyp_status status = HYP_NOT_FOUND;
    if (hyp_router_split(hyp_str_from(row->path), req.segments, &req.segment_count)) {
        status = hyp_router_find(router, row->method, &req, &allow);
    }
    assert_int_equal(status, row->status);
    if (status == HYP_OK) {
        assert_ptr_equal(req.route, &table[row->route]);
        assert_int_equal(req.ids[0], row->id);
    }
    if (row->allow != NULL) {
        assert_string_equal(allow, row->allow);
    }
    hyp_router_destroy(router);
}

static void names_are_given(void **state)
{
    struct hyp_router *router = NULL;
    struct hyp_request req = {0};
    const char *allow;
    (void)state;
    assert_int_equal(hyp_router_create(table, HYP_ARRAY_LEN(table), &router, NULL), HYP_OK);
    assert_true(
        hyp_router_split(HYP_STR("/profiles/kam_403"), req.segments, &req.segment_count));
    assert_int_equal(hyp_router_find(router, "GET", &req, &allow), HYP_OK);
    assert_true(hyp_str_equal(req.name, HYP_STR("kam_403")));
    hyp_router_destroy(router);
}

/* Default deny: a route that forgot its right stops the server. */
static void incomplete_routes_are_refused(void **state)
{
    static const struct hyp_route wrong[] = {
        {"GET", "/a",                 HYP_PERMISSION_UNSET,       answer, 0},
        {"GET", "/a",                 HYP_PERMISSION_COUNT,       answer, 0},
        {"GET", "/a",                 HYP_PERMISSION_DEVICE_READ, NULL,   0},
        {NULL,  "/a",                 HYP_PERMISSION_DEVICE_READ, answer, 0},
        {"GET", NULL,                 HYP_PERMISSION_DEVICE_READ, answer, 0},
        {"GET", "/a/b/c/d/e/f/g/h/i", HYP_PERMISSION_DEVICE_READ, answer, 0},
    };
    (void)state;
    for (size_t i = 0; i < HYP_ARRAY_LEN(wrong); i++) {
        struct hyp_router *router = NULL;
        struct hyp_error err = {0};
        assert_int_equal(hyp_router_create(&wrong[i], 1, &router, &err), HYP_INTERNAL);
        assert_true(err.text[0] != '\0');
    }
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, rows, check);
    TEST_ONE(&list, names_are_given);
    TEST_ONE(&list, incomplete_routes_are_refused);
    return test_list_run(&list, "router");
}
