/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every built-in profile loads, stands in a file of its own name, carries captures of both
 * classes, and decodes each of them to exactly what stands beside it.
 */
#include "support/rows.h"

#include "device/builtin.h"
#include "device/profile.h"

#include <stdio.h>

static struct hyp_library *library;

static void test_file_names(void **state)
{
    (void)state;
    assert_true(hyp_library_count(library) >= hyp_builtin_profile_count);
    for (size_t i = 0; i < hyp_builtin_profile_count; i++) {
        char memory[HYP_LIMIT_PROFILE_NAME + 8];
        struct hyp_buf file;
        hyp_buf_init_fixed(&file, memory, sizeof(memory));
        hyp_buf_append_fmt(&file, "%s.yaml", hyp_library_at(library, i)->info.name);
        assert_string_equal(hyp_buf_terminate(&file), hyp_builtin_profiles[i].file);
    }
}

/* The generic profile is first, so that matching always has something to fall back to. */
static void test_generic_is_first(void **state)
{
    (void)state;
    assert_string_equal(hyp_library_at(library, 0)->info.name, "generic_en13757");
}

static void check_has_captures(void **state)
{
    const struct hyp_profile *profile = *state;
    size_t ok = 0;
    size_t error = 0;
    for (size_t i = 0; i < profile->capture_count; i++) {
        const struct hyp_capture *capture = &profile->captures[i];
        ok += capture->error ? 0 : 1;
        error += capture->error ? 1 : 0;
        if (!capture->error && (capture->refused != 0 || capture->expectation_count == 0)) {
            fail_msg("%s: capture \"%s\" is of class ok but expects nothing",
                     profile->info.name, capture->name);
        }
    }
    if (ok == 0 || error == 0) {
        fail_msg(
            "%s has %zu captures of class ok and %zu of class error; one of each is needed",
            profile->info.name, ok, error);
    }
}

static void check_captures(void **state)
{
    const struct hyp_profile *profile = *state;
    struct hyp_buf report;
    hyp_buf_init_heap(&report, 1 << 20);
    size_t ok = 0;
    size_t failed = 0;
    assert_int_equal(hyp_profile_check_captures(library, profile, &report, &ok, &failed),
                     HYP_OK);
    if (failed > 0) {
        fputs(hyp_buf_terminate(&report), stderr);
    }
    hyp_buf_finish(&report);
    assert_int_equal(failed, 0);
    assert_int_equal(ok, profile->capture_count);
}

/* Files named on the command line join the built-in ones: the template, or a site's own. */
static bool add_file(const char *path)
{
    static char text[HYP_LIMIT_PROFILE_BYTES];
    struct hyp_error err = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    struct hyp_str source = {.ptr = text, .len = fread(text, 1, sizeof(text), file)};
    fclose(file);
    const char *slash = strrchr(path, '/');
    if (hyp_library_add(library, source, slash == NULL ? path : slash + 1, &err) != HYP_OK) {
        print_error("%s\n", err.text);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct hyp_error err = {0};
    if (hyp_library_create(&library, &err) != HYP_OK) {
        print_error("%s\n", err.text);
        return 1;
    }
    for (int i = 1; i < argc; i++) {
        if (!add_file(argv[i])) {
            return 1;
        }
    }
    struct test_list list = {0};
    TEST_ONE(&list, test_file_names);
    TEST_ONE(&list, test_generic_is_first);
    for (size_t i = 0; i < hyp_library_count(library); i++) {
        const struct hyp_profile *profile = hyp_library_at(library, i);
        test_list_add(&list, profile->info.name, check_has_captures, profile);
        test_list_add(&list, profile->info.name, check_captures, profile);
    }
    int failed = test_list_run(&list, "profiles");
    hyp_library_destroy(library);
    return failed;
}
