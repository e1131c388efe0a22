/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rows.h"

#include "api/inside.h"

static const struct status_row {
    const char *name;
    enum hyp_status status;
    unsigned http;
} status_rows[] = {
    {"ok",              HYP_OK,              200},
    {"malformed",       HYP_MALFORMED,       400},
    {"invalid",         HYP_INVALID,         422},
    {"not found",       HYP_NOT_FOUND,       404},
    {"exists",          HYP_EXISTS,          409},
    {"conflict",        HYP_CONFLICT,        409},
    {"denied",          HYP_DENIED,          403},
    {"unauthenticated", HYP_UNAUTHENTICATED, 401},
    {"busy",            HYP_BUSY,            503},
    {"no disk",         HYP_IO,              503},
    {"full",            HYP_FULL,            507},
    {"no answer",       HYP_TIMEOUT,         504},
    {"internal",        HYP_INTERNAL,        500},
};

static void check_status(void **state)
{
    const struct status_row *row = *state;
    assert_int_equal(hyp_reply_http_status(row->status), row->http);
}

static void every_status_is_in_the_table(void **state)
{
    (void)state;
    /* A status without a row would read as 500 although it is not internal. */
    for (int status = 0; status >= HYP_INTERNAL; status--) {
        unsigned http = hyp_reply_http_status((enum hyp_status)status);
        assert_true(http == 200 || (http >= 400 && http < 600));
        assert_string_not_equal(hyp_status_name((enum hyp_status)status), "UNKNOWN");
    }
}

static const struct field_row {
    const char *name;
    const char *text;
    const char *field; /* NULL = none */
} field_rows[] = {
    {"a field",             "serial: must be ...",       "serial"         },
    {"with an underscore",  "primary_address: must ...", "primary_address"},
    {"a sentence",          "There is no device 17.",    NULL             },
    {"a sentence with one", "Line 1, column 2: oops",    NULL             },
    {"a place in a list",   "devices[3] key: wrong",     NULL             },
    {"no blank behind",     "http://example",            NULL             },
    {"nothing before",      ": what",                    NULL             },
    {"nothing behind",      "name:",                     NULL             },
};

static void check_field(void **state)
{
    const struct field_row *row = *state;
    struct hyp_request req = {0};
    struct hyp_error err = {.offset = 7};
    json_error_t place;
    hyp_buf_init_heap(&req.out, 4096);
    hyp_request_refuse(&req, 422, "INVALID", row->text, &err);
    json_t *root =
        json_loadb((const char *)req.out.data, req.out.len, JSON_REJECT_DUPLICATES, &place);
    assert_non_null(root);
    const char *field = json_string_value(json_object_get(root, "field"));
    if (row->field == NULL) {
        assert_null(field);
    } else {
        assert_string_equal(field, row->field);
    }
    assert_string_equal(json_string_value(json_object_get(root, "detail")), row->text);
    assert_int_equal(json_integer_value(json_object_get(root, "offset")), 7);
    assert_int_equal(json_integer_value(json_object_get(root, "status")), 422);
    assert_string_equal(req.content_type, "application/problem+json");
    json_decref(root);
    hyp_buf_finish(&req.out);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, status_rows, check_status);
    TEST_ONE(&list, every_status_is_in_the_table);
    TEST_ROWS(&list, field_rows, check_field);
    return test_list_run(&list, "reply");
}
