/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table and docs/openapi.yaml describe the same API: every route is in the document
 * with its right, and the document promises nothing that is not in the table.
 */
#include "support/rows.h"

#include "api/inside.h"

#include <ctype.h>

static json_t *document;

static int load(void **state)
{
    json_error_t place;
    (void)state;
    for (size_t i = 0; i < hyp_document_count; i++) {
        if (strcmp(hyp_documents[i].path, "/openapi.json") == 0) {
            document = json_loadb((const char *)hyp_documents[i].bytes, hyp_documents[i].len,
                                  JSON_REJECT_DUPLICATES, &place);
        }
    }
    return document == NULL ? -1 : 0;
}

static int unload(void **state)
{
    (void)state;
    json_decref(document);
    return 0;
}

static const json_t *operation_of(const struct hyp_route *route)
{
    char method[8] = {0};
    for (size_t i = 0; i + 1 < sizeof(method) && route->method[i] != '\0'; i++) {
        method[i] = (char)tolower(route->method[i]);
    }
    return json_object_get(json_object_get(json_object_get(document, "paths"), route->pattern),
                           method);
}

static void every_route_is_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < hyp_route_count; i++) {
        const json_t *operation = operation_of(&hyp_routes[i]);
        if (operation == NULL) {
            fail_msg("%s %s is not in docs/openapi.yaml", hyp_routes[i].method,
                     hyp_routes[i].pattern);
        }
        assert_non_null(json_object_get(operation, "summary"));
        assert_non_null(json_object_get(operation, "responses"));
    }
}

/* What runs on the threads of connections waits for no database and no password. */
static void only_memory_is_fast(void **state)
{
    static const char *const from_memory[] = {"/health", "/openapi.yaml", "/openapi.json",
                                              "/points/{id}/latest", "/devices/{id}/latest"};
    size_t found = 0;
    (void)state;
    for (size_t i = 0; i < hyp_route_count; i++) {
        bool known = false;
        for (size_t n = 0; n < HYP_ARRAY_LEN(from_memory); n++) {
            known = known || strcmp(hyp_routes[i].pattern, from_memory[n]) == 0;
        }
        bool fast = (hyp_routes[i].flags & HYP_ROUTE_FAST) != 0;
        if (fast && !known) {
            fail_msg("%s %s is not known to need memory only", hyp_routes[i].method,
                     hyp_routes[i].pattern);
        }
        found += fast;
    }
    assert_int_equal(found, HYP_ARRAY_LEN(from_memory));
}

static void rights_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < hyp_route_count; i++) {
        const json_t *operation = operation_of(&hyp_routes[i]);
        const json_t *security = json_object_get(operation, "security");
        const char *right = json_string_value(json_object_get(operation, "x-permission"));
        if (hyp_routes[i].permission == HYP_PERMISSION_PUBLIC) {
            assert_null(right);
            assert_true(json_is_array(security) && json_array_size(security) == 0);
        } else {
            assert_non_null(right);
            assert_null(security);
            assert_string_equal(right, hyp_permission_text(hyp_routes[i].permission));
        }
    }
}

static bool has_route(const char *method, const char *path)
{
    for (size_t i = 0; i < hyp_route_count; i++) {
        if (strcasecmp(hyp_routes[i].method, method) == 0 &&
            strcmp(hyp_routes[i].pattern, path) == 0) {
            return true;
        }
    }
    return false;
}

static void nothing_else_is_documented(void **state)
{
    const char *path;
    json_t *item;
    const char *method;
    json_t *operation;
    size_t count = 0;
    (void)state;
    json_object_foreach(json_object_get(document, "paths"), path, item)
    {
        json_object_foreach(item, method, operation)
        {
            if (strcmp(method, "parameters") == 0) {
                continue;
            }
            count++;
            if (!has_route(method, path)) {
                fail_msg("%s %s is documented and does not exist", method, path);
            }
        }
    }
    assert_int_equal(count, hyp_route_count);
}

static void no_route_is_there_twice(void **state)
{
    (void)state;
    for (size_t a = 0; a < hyp_route_count; a++) {
        for (size_t b = a + 1; b < hyp_route_count; b++) {
            assert_false(strcmp(hyp_routes[a].method, hyp_routes[b].method) == 0 &&
                         strcmp(hyp_routes[a].pattern, hyp_routes[b].pattern) == 0);
        }
    }
}

/* Whatever may change something needs a right that readers do not have. */
static void readers_change_nothing(void **state)
{
    static const char *const harmless[] = {"/setup", "/session", "/explain"};
    (void)state;
    for (size_t i = 0; i < hyp_route_count; i++) {
        const struct hyp_route *route = &hyp_routes[i];
        bool allowed = strcmp(route->method, "GET") == 0;
        for (size_t n = 0; n < HYP_ARRAY_LEN(harmless); n++) {
            allowed = allowed || strcmp(route->pattern, harmless[n]) == 0;
        }
        if (!allowed) {
            assert_true(route->permission == HYP_PERMISSION_DEVICE_WRITE ||
                        route->permission == HYP_PERMISSION_LINE_WRITE ||
                        route->permission == HYP_PERMISSION_JOB_RUN ||
                        route->permission == HYP_PERMISSION_DEVICE_COMMAND ||
                        route->permission == HYP_PERMISSION_DATA_MANAGE ||
                        route->permission == HYP_PERMISSION_BACKUP_REMOVE ||
                        route->permission == HYP_PERMISSION_GROUP_WRITE ||
                        route->permission == HYP_PERMISSION_KEY_WRITE ||
                        route->permission == HYP_PERMISSION_READING_WRITE ||
                        route->permission == HYP_PERMISSION_USER_MANAGE ||
                        route->permission == HYP_PERMISSION_TOKEN_MANAGE);
        }
    }
}

static void the_table_compiles(void **state)
{
    struct hyp_router *router = NULL;
    struct hyp_error err = {0};
    (void)state;
    assert_int_equal(hyp_router_create(hyp_routes, hyp_route_count, &router, &err), HYP_OK);
    hyp_router_destroy(router);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, every_route_is_documented);
    TEST_ONE(&list, only_memory_is_fast);
    TEST_ONE(&list, rights_agree);
    TEST_ONE(&list, nothing_else_is_documented);
    TEST_ONE(&list, no_route_is_there_twice);
    TEST_ONE(&list, readers_change_nothing);
    TEST_ONE(&list, the_table_compiles);
    return _cmocka_run_group_tests("routes", list.tests, list.count, load, unload);
}
