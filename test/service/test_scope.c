/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static const struct row {
    const char *name;
    enum hyp_permission permission;
    bool reader, admin;
} rows[] = {
    {"anybody reads public things", HYP_PERMISSION_PUBLIC,        true,  true },
    {"readers see themselves",      HYP_PERMISSION_SESSION,       true,  true },
    {"readers see devices",         HYP_PERMISSION_DEVICE_READ,   true,  true },
    {"readers see readings",        HYP_PERMISSION_READING_READ,  true,  true },
    {"readers see frames",          HYP_PERMISSION_FRAME_READ,    true,  true },
    {"readers see lines",           HYP_PERMISSION_LINE_READ,     true,  true },
    {"readers change no device",    HYP_PERMISSION_DEVICE_WRITE,  false, true },
    {"readers change no line",      HYP_PERMISSION_LINE_WRITE,    false, true },
    {"readers run no jobs",         HYP_PERMISSION_JOB_RUN,       false, true },
    {"readers hand in nothing",     HYP_PERMISSION_READING_WRITE, false, true },
    {"readers set no keys",         HYP_PERMISSION_KEY_WRITE,     false, true },
    {"readers manage no users",     HYP_PERMISSION_USER_MANAGE,   false, true },
    {"readers make no tokens",      HYP_PERMISSION_TOKEN_MANAGE,  false, true },
    {"readers see no audit",        HYP_PERMISSION_AUDIT_READ,    false, true },
    {"readers manage no data",      HYP_PERMISSION_DATA_MANAGE,   false, true },
    {"readers remove no backups",   HYP_PERMISSION_BACKUP_REMOVE, false, true },
    {"unset is nobody's",           HYP_PERMISSION_UNSET,         false, false},
    {"out of range is nobody's",    HYP_PERMISSION_COUNT,         false, false},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct hyp_scope reader = hyp_scope_make((hyp_tenant_id){1}, 7, HYP_ROLE_READER);
    struct hyp_scope admin = hyp_scope_make((hyp_tenant_id){1}, 8, HYP_ROLE_ADMIN);
    struct hyp_scope nobody = hyp_scope_make((hyp_tenant_id){1}, 9, HYP_ROLE_NONE);
    struct hyp_error err = {0};
    bool is_public = row->permission == HYP_PERMISSION_PUBLIC;
    assert_int_equal(hyp_scope_may(&reader, row->permission), row->reader);
    assert_int_equal(hyp_scope_may(&admin, row->permission), row->admin);
    assert_int_equal(hyp_scope_may(&nobody, row->permission), is_public);
    assert_int_equal(hyp_scope_may(NULL, row->permission), is_public);
    assert_int_equal(hyp_scope_require(&reader, row->permission, &err),
                     row->reader ? HYP_OK : HYP_DENIED);
    assert_int_equal(err.text[0] == '\0', row->reader);
}

static void names_are_unique(void **state)
{
    (void)state;
    for (int a = HYP_PERMISSION_PUBLIC; a < HYP_PERMISSION_COUNT; a++) {
        for (int b = a + 1; b < HYP_PERMISSION_COUNT; b++) {
            assert_string_not_equal(hyp_permission_text((enum hyp_permission)a),
                                    hyp_permission_text((enum hyp_permission)b));
        }
    }
    assert_string_equal(hyp_permission_text(HYP_PERMISSION_UNSET), "unset");
}

static void roles_have_names(void **state)
{
    enum hyp_role role;
    (void)state;
    assert_int_equal(hyp_role_find(HYP_STR("admin"), &role), HYP_OK);
    assert_int_equal(role, HYP_ROLE_ADMIN);
    assert_int_equal(hyp_role_find(HYP_STR("reader"), &role), HYP_OK);
    assert_int_equal(role, HYP_ROLE_READER);
    assert_int_equal(hyp_role_find(HYP_STR("none"), &role), HYP_NOT_FOUND);
    assert_int_equal(hyp_role_find(HYP_STR(""), &role), HYP_NOT_FOUND);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, rows, check);
    TEST_ONE(&list, names_are_unique);
    TEST_ONE(&list, roles_have_names);
    return test_list_run(&list, "scope");
}
