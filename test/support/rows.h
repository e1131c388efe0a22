/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as tests: every row of a static table runs as its own named cmocka test.
 *
 *     static const struct row {const char *name; ...} rows[] = {...};
 *     static void check(void **state) { const struct row *row = *state; ... }
 *     int main(void) {
 *         struct test_list list = {0};
 *         TEST_ROWS(&list, rows, check);
 *         TEST_ONE(&list, something);
 *         return test_list_run(&list, "module");
 *     }
 */
#ifndef HYP_TEST_SUPPORT_ROWS_H
#define HYP_TEST_SUPPORT_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST_LIST_MAX 1024

struct test_list {
    struct CMUnitTest tests[TEST_LIST_MAX];
    size_t count;
};

static inline void test_list_add(struct test_list *list, const char *name,
                                 CMUnitTestFunction function, const void *row)
{
    if (list->count == TEST_LIST_MAX) {
        abort();
    }
    /* cmocka's state is not const; the rows are only read. */
    void *state = NULL;
    memcpy(&state, &row, sizeof(state));
    list->tests[list->count++] =
        (struct CMUnitTest){.name = name, .test_func = function, .initial_state = state};
}

/* The first member of a row is `const char *name`. */
#define TEST_ROWS(list, rows, function)                                                        \
    do {                                                                                       \
        for (size_t i_ = 0; i_ < sizeof(rows) / sizeof((rows)[0]); i_++) {                     \
            test_list_add((list), (rows)[i_].name, (function), &(rows)[i_]);                   \
        }                                                                                      \
    } while (0)
#define TEST_ONE(list, function) test_list_add((list), #function, (function), NULL)

/* Ends a test that cannot run on this machine. cmocka's skip() reports it as "not ok # SKIP",
 * which Meson takes for a failure.
 */
#define TEST_SKIP(why)                                                                         \
    do {                                                                                       \
        print_message("# skipped: %s\n", (why));                                               \
        return;                                                                                \
    } while (0)

/* Result of a program none of whose tests can run on this machine. */
static inline int test_list_skip(const char *why)
{
    printf("1..0 # SKIP %s\n", why);
    return 0;
}

static inline int test_list_run(struct test_list *list, const char *group)
{
    return _cmocka_run_group_tests(group, list->tests, list->count, NULL, NULL);
}

#endif
