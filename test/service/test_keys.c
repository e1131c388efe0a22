/* SPDX-License-Identifier: Apache-2.0 */
/* Key files as they are met, what they do, and default keys. The backlog is in system/keys. */
#include "fresh.h"

#include "support/hex.h"

#include "service/explain.h"
#include "service/key_xml.h"

#define KEY_1 "0102030405060708090A0B0C0D0E0F11"
#define KEY_2 "ffeeddccbbaa99887766554433221100"

/* --- reading --- */

/* `wanted` tells rows as "line serial maker first-byte-of-key" or "line !" for a bad one. */
static const struct file_row {
    const char *name;
    const char *text;
    const char *wanted;
} file_rows[] = {
    {"two columns",           "12345678;" KEY_1,                                                  "1 12345678  01,"               },
    {"commas",                "12345678," KEY_1 "\n87654321," KEY_2 "\n",                         "1 12345678  01,2 87654321  FF,"},
    {"tabs",                  "12345678\t" KEY_1,                                                 "1 12345678  01,"               },
    {"blanks",                "12345678 " KEY_1,                                                  "1 12345678  01,"               },
    {"three columns",         "KAM;12345678;" KEY_1,                                              "1 12345678 KAM 01,"            },
    {"any order",             KEY_1 ";12345678;kam",                                              "1 12345678 KAM 01,"            },
    {"titles",                "Serial No;Encryption Key\n12345678;" KEY_1,                        "2 12345678  01,"               },
    {"titles in any order",   "Key,Location,Manufacturer,Meter-ID\n" KEY_1 ",north,KAM,12345678",
     "2 12345678 KAM 01,"                                                                                                         },
    {"quotes and line ends",  "\"serial\";\"key\"\r\n\"12345678\";\"" KEY_1 "\"\r\n",
     "2 12345678  01,"                                                                                                            },
    {"byte order mark",       "\xEF\xBB\xBFserial;key\n12345678;" KEY_1,                          "2 12345678  01,"               },
    {"comments, empty lines", "# keys\n\n12345678;" KEY_1 "\n\n",                                 "3 12345678  01,"               },
    {"lost zeros",            "serial;key\n345678;" KEY_1,                                        "2 00345678  01,"               },
    {"hex serial",            "1234567a;" KEY_1,                                                  "1 1234567A  01,"               },
    {"a short key",           "12345678;0102",                                                    "1 !,"                          },
    {"no serial",             ";" KEY_1,                                                          "1 !,"                          },
    {"a long serial",         "serial;key\n123456789;" KEY_1,                                     "2 !,"                          },
    {"a bad maker",           "serial;key;maker\n12345678;" KEY_1 ";KAMSTRUP",                    "2 !,"                          },
    {"good after bad",        "x;y\n12345678;" KEY_1,                                             "1 !,2 12345678  01,"           },
    {"nothing",               "",                                                                 ""                              },
    {"only titles",           "serial;key\n",                                                     ""                              },
};

static void check_file(void **state)
{
    const struct file_row *row = *state;
    struct hyp_key_file file;
    struct hyp_key_row key;
    struct hyp_error err = {0};
    char text[256];
    struct hyp_buf out;
    enum hyp_status status;
    hyp_buf_init_fixed(&out, text, sizeof(text));
    hyp_key_file_init(&file, hyp_str_from(row->text));
    while ((status = hyp_key_file_next(&file, &key, &err)) != HYP_NOT_FOUND) {
        if (status == HYP_OK) {
            hyp_buf_append_fmt(&out, "%zu %s %s %02X,", file.line, key.serial, key.manufacturer,
                               key.key.bytes[0]);
        } else {
            assert_int_equal(status, HYP_INVALID);
            assert_true(err.text[0] != '\0');
            hyp_buf_append_fmt(&out, "%zu !,", file.line);
        }
    }
    assert_string_equal(hyp_buf_terminate(&out), row->wanted);
}

#define METER_XML(serial, maker, key)                                                          \
    "<Meter><MeterName>MC603</MeterName><MeterNo>17</MeterNo><SerialNo>" serial                \
    "</SerialNo><VendorId>" maker "</VendorId><DEK>" key "</DEK></Meter>"

static const struct file_row xml_rows[] = {
    {"meters in order",
     "<?xml version=\"1.0\"?>\n<MetersInOrder v=\"2\">" METER_XML("12345678",                    "KAM",                                                                         KEY_1)
         METER_XML("87654321", "KAM", KEY_2) "</MetersInOrder>",
     "1 12345678 KAM 01,2 87654321 KAM FF,"},
    {"devices with prefixes",
     "<d:Devices><d:Device><d:SerialNumber> 12345678 "
     "</d:SerialNumber><d:ManufacturerId>KAM</d:ManufacturerId><d:Keys><d:Key><d:Value>" KEY_1
     "</d:Value></d:Key></d:Keys></d:Device></d:Devices>",                                                          "1 12345678 KAM 01,"                                                                                                                                   },
    {"a maker that is a number",
     "<MetersInOrder>" METER_XML("12345678",                                       "11",                                       KEY_1) "</MetersInOrder>",
     "1 12345678  01,"},
    {"no key",
     "<MetersInOrder><Meter><SerialNo>12345678</SerialNo><DEK/></Meter>" METER_XML(
         "87654321",                                                     "KAM",                                                                                        KEY_2) "</MetersInOrder>",
     "1 !,2 87654321 KAM FF,"},
    {"no serial",          "<MetersInOrder><Meter><DEK>" KEY_1 "</DEK></Meter></MetersInOrder>",                                                                        "1 !,"                                                                                                                                             },
    {"an element that does not end",                     "<MetersInOrder><Meter><SerialNo>12345678</SerialNo>",      ""                                                                                                                                                 },
    {"no meters",                "<MetersInOrder></MetersInOrder>", ""},
};

/* Made with openssl enc from one meter, 12345678 of KAM with KEY_1; the password is 4711. */
#define CLOSED                                                                                 \
    "<?xml version=\"1.0\" encoding=\"utf-8\"?><EncryptedData "                                \
    "xmlns=\"http://www.w3.org/2001/04/xmlenc#\"><CipherData><CipherValue>\n"                  \
    "N41Uw8U7DBOU9QpWj4fBy2lcGkrU/lfHx17D1mitcxe9Q1zeu8HN/9nYp5S6JTkT\n"                       \
    "8CmwAIPX9u4i8icjYa5JQkMP+dy281TVlOtwfOwfOv0GyiF6KZfw6z0D11JLB4SZ\n"                       \
    "9ksJS1vSAqu63u0eCvBAFkIALKvPJSGoaxZky0asGD28Fg16p8UJr0bn0yU9u9rL\n"                       \
    "yZkaB37td3bomp9CBk5Wy30nbPOzhrf4PYDC4XGO4b6ltKJTxO1tp1Pfd8wLy/j6\n"                       \
    "oLynA7KKCKQAd7Sbjf6W33okEdGRnGO5dtuI2szyqBByp5jSNrYEc8FVLZJOl8Gg\n"                       \
    "Km6oE0Soo34bqZW/rB67s0eV3EyLD3t5rVKK74Qqk5t8b02Ykvgqf9A9VqaVO4rC\n"                       \
    "qLGIJVJ3hQi2yQtZiNrtaw==\n"                                                               \
    "</CipherValue></CipherData></EncryptedData>"

static const struct closed_row {
    const char *name;
    const char *text;
    const char *password;
    enum hyp_status status;
    const char *word; /* in the sentence of a refusal */
} closed_rows[] = {
    {"the right password",         CLOSED,                                                           "4711",              HYP_OK,          ""           },
    {"another password",           CLOSED,                                                           "4712",              HYP_WRONG_KEY,   "password"   },
    {"none",                       CLOSED,                                                           "",                  HYP_NO_KEY,      "password"   },
    {"a password longer than any", CLOSED,                                                           "12345678901234567", HYP_NO_KEY,      "16"         },
    {"cut",                        "<EncryptedData><CipherValue>AAAA</CipherValue></EncryptedData>", "4711",
     HYP_MALFORMED,                                                                                                                        "CipherValue"},
    {"no base64",                  "<EncryptedData><CipherValue>!!!!</CipherValue></EncryptedData>", "4711",
     HYP_MALFORMED,                                                                                                                        "CipherValue"},
    {"another kind of XML",        "<html><body/></html>",                                           "",                  HYP_UNSUPPORTED, "CSV"        },
};

static void check_closed(void **state)
{
    const struct closed_row *row = *state;
    struct hyp_arena arena;
    struct hyp_key_plain plain;
    struct hyp_key_file file;
    struct hyp_key_row key;
    struct hyp_error err = {0};
    hyp_arena_init(&arena, 1 << 20);
    enum hyp_status status = hyp_key_xml_open(
        hyp_str_from(row->text), hyp_str_from(row->password), &arena, &plain, &err);
    assert_int_equal(status, row->status);
    if (status == HYP_OK) {
        hyp_key_file_init(&file, plain.text);
        assert_int_equal(hyp_key_file_next(&file, &key, &err), HYP_OK);
        assert_string_equal(key.serial, "12345678");
        assert_int_equal(key.key.bytes[15], 0x11);
        assert_int_equal(hyp_key_file_next(&file, &key, &err), HYP_NOT_FOUND);
    } else {
        assert_non_null(strstr(err.text, row->word));
    }
    hyp_arena_finish(&arena);
}

/* --- what a file does --- */

static struct hyp_key_report run_file(const char *text, bool apply)
{
    struct hyp_key_report report = {0};
    struct hyp_error err = {0};
    const struct hyp_key_input input = {
        .text = hyp_str_from(text), .password = {"", 0},
             .apply = apply, .skip_bad = true
    };
    enum hyp_status status =
        hyp_keys_file(t.service, &t.admin, &input, &t.arena, &report, &err);
    if (status != HYP_OK) {
        fail_msg("%s", err.text);
    }
    return report;
}

static struct hyp_aes_key stored_key(hyp_device_id id, bool *has)
{
    struct hyp_device stored;
    assert_int_equal(hyp_store_device(t.store, t.admin.tenant, id, &stored), HYP_OK);
    *has = stored.has_key;
    return stored.key;
}

static void a_preview_changes_nothing(void **state)
{
    (void)state;
    static const char text[] = "12345678;" KEY_1 "\n99999999;" KEY_1 "\nnonsense\n";
    bool has;
    struct hyp_device device = test_add_device(&t, "one", "12345678", 0);
    struct hyp_key_report report = run_file(text, false);
    assert_int_equal(report.count, 3);
    assert_int_equal(report.outcomes[0].result, HYP_KEY_NEW);
    assert_int_equal(report.outcomes[0].device.id, device.id.id);
    assert_string_equal(report.outcomes[0].name, "one");
    assert_int_equal(report.outcomes[1].result, HYP_KEY_UNKNOWN);
    assert_int_equal(report.outcomes[2].result, HYP_KEY_BAD);
    assert_int_equal(report.outcomes[2].line, 3);
    stored_key(device.id, &has);
    assert_false(has);
    assert_string_not_equal(test_last_audit(&t).action, "key.import");
}

static void keys_are_set_changed_and_known(void **state)
{
    (void)state;
    bool has;
    struct hyp_device device = test_add_device(&t, "one", "12345678", 0);
    assert_int_equal(run_file("12345678;" KEY_1, true).counts[HYP_KEY_NEW], 1);
    assert_int_equal(stored_key(device.id, &has).bytes[0], 0x01);
    assert_true(has);
    assert_int_equal(run_file("12345678;" KEY_1, true).counts[HYP_KEY_SAME], 1);
    assert_int_equal(run_file("12345678;" KEY_2, false).counts[HYP_KEY_CHANGED], 1);
    assert_int_equal(stored_key(device.id, &has).bytes[0], 0x01);
    assert_int_equal(run_file("12345678;" KEY_2, true).counts[HYP_KEY_CHANGED], 1);
    assert_int_equal(stored_key(device.id, &has).bytes[0], 0xFF);
    struct hyp_audit_entry entry = test_last_audit(&t);
    assert_string_equal(entry.action, "key.import");
    assert_null(strstr(entry.detail, "FF"));
}

static void a_bad_row_stops_the_file(void **state)
{
    (void)state;
    bool has;
    struct hyp_key_report report;
    struct hyp_error err = {0};
    struct hyp_device device = test_add_device(&t, "one", "12345678", 0);
    struct hyp_key_input input = {
        .text = HYP_STR("serial;key\n12345678;" KEY_1 "\n12345678;12\n"),
        .password = {"", 0},
        .apply = true
    };
    assert_int_equal(hyp_keys_file(t.service, &t.admin, &input, &t.arena, &report, &err),
                     HYP_INVALID);
    assert_non_null(strstr(err.text, "Row 3 "));
    assert_non_null(strstr(err.text, "32 hex digits"));
    stored_key(device.id, &has);
    assert_false(has);
    input.skip_bad = true;
    assert_int_equal(hyp_keys_file(t.service, &t.admin, &input, &t.arena, &report, &err),
                     HYP_OK);
    stored_key(device.id, &has);
    assert_true(has);
    input.text = HYP_STR("PK\x03\x04rest");
    assert_int_equal(hyp_keys_file(t.service, &t.admin, &input, &t.arena, &report, &err),
                     HYP_UNSUPPORTED);
    assert_non_null(strstr(err.text, "Unpack"));
}

/* The devices of a big town, added in one go. */
static hyp_device_id add_many(size_t count)
{
    struct hyp_device *devices = calloc(count, sizeof(*devices));
    struct hyp_buf serial;
    assert_non_null(devices);
    for (size_t i = 0; i < count; i++) {
        devices[i] = (struct hyp_device){.tenant = t.admin.tenant,
                                         .kind = "heat_meter",
                                         .manufacturer = "KAM",
                                         .version = 0x35,
                                         .medium = 4,
                                         .primary_address = -1,
                                         .enabled = true};
        hyp_text_copy(devices[i].name, sizeof(devices[i].name), HYP_STR("meter"));
        hyp_buf_init_fixed(&serial, devices[i].serial, sizeof(devices[i].serial));
        hyp_buf_append_fmt(&serial, "%08zu", 10000000 + i);
        hyp_buf_terminate(&serial);
    }
    assert_int_equal(hyp_store_devices_add(t.store, devices, count, NULL), HYP_OK);
    for (size_t i = 0; i < count; i++) {
        hyp_service_follow_device(t.service, &devices[i]);
    }
    hyp_device_id last = devices[count - 1].id;
    free(devices);
    return last;
}

static void ten_thousand_keys_are_set_at_once(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    bool has;
    struct hyp_key_report report;
    struct hyp_buf text HYP_CLEANUP(hyp_buf_finish);
    hyp_device_id last = add_many(MANY);
    hyp_buf_init_heap(&text, HYP_LIMIT_BODY_BYTES);
    for (size_t i = 0; i < MANY; i++) {
        hyp_buf_append_fmt(&text, "%08zu;%032zX\n", 10000000 + i, i + 1);
    }
    const struct hyp_key_input input = {
        .text = hyp_buf_view(&text), .password = {"", 0},
             .apply = true
    };
    assert_int_equal(hyp_keys_file(t.service, &t.admin, &input, &t.arena, &report, NULL),
                     HYP_OK);
    assert_int_equal(report.counts[HYP_KEY_NEW], MANY);
    assert_int_equal(stored_key(last, &has).bytes[14], MANY >> 8);
    assert_true(has);
    assert_string_equal(test_last_audit(&t).action, "key.import");
}

/* The transaction fails at its last row: one device of the list is gone from the store. */
static void a_fault_of_the_disk_sets_no_key(void **state)
{
    (void)state;
    bool has;
    struct hyp_error err = {0};
    struct hyp_device device = test_add_device(&t, "one", "12345678", 0);
    const struct hyp_device_key keys[] = {
        {device.id,  {{1}}},
        {{99999999}, {{2}}},
    };
    assert_int_equal(
        hyp_store_device_keys_set(t.store, t.admin.tenant, keys, HYP_ARRAY_LEN(keys), &err),
        HYP_NOT_FOUND);
    assert_non_null(strstr(err.text, "99999999"));
    stored_key(device.id, &has);
    assert_false(has);
    assert_int_equal(hyp_store_device_keys_set(t.store, t.stranger.tenant, keys, 1, &err),
                     HYP_NOT_FOUND);
    assert_int_equal(hyp_store_device_keys_set(t.store, t.admin.tenant, keys, 1, &err), HYP_OK);
    stored_key(device.id, &has);
    assert_true(has);
}

static void nobody_else_sets_keys(void **state)
{
    (void)state;
    const struct hyp_key_input input = {
        .text = HYP_STR("12345678;" KEY_1), .password = {"", 0},
              .apply = true
    };
    struct hyp_key_report report;
    struct hyp_default_key key;
    struct hyp_default_key *keys;
    struct hyp_backlog_state backlog;
    size_t count;
    const struct hyp_aes_key bytes = {{1}};
    test_add_device(&t, "one", "12345678", 0);
    assert_int_equal(hyp_keys_file(t.service, &t.reader, &input, &t.arena, &report, NULL),
                     HYP_DENIED);
    assert_int_equal(
        hyp_default_key_add(t.service, &t.reader, HYP_STR("x"), &bytes, &key, NULL),
        HYP_DENIED);
    assert_int_equal(hyp_default_keys_list(t.service, &t.reader, &t.arena, &keys, &count, NULL),
                     HYP_DENIED);
    assert_int_equal(hyp_default_key_remove(t.service, &t.reader, 1, NULL), HYP_DENIED);
    assert_int_equal(hyp_backlog_get(t.service, &t.reader, &backlog, NULL), HYP_DENIED);
    assert_int_equal(hyp_backlog_start(t.service, &t.reader, NULL), HYP_DENIED);
    /* Another tenant's administrator does not reach the meter. */
    assert_int_equal(hyp_keys_file(t.service, &t.stranger, &input, &t.arena, &report, NULL),
                     HYP_OK);
    assert_int_equal(report.outcomes[0].result, HYP_KEY_UNKNOWN);
}

/* --- default keys --- */

static void default_keys_keep_their_order(void **state)
{
    (void)state;
    struct hyp_default_key added;
    struct hyp_default_key *keys;
    struct hyp_aes_key bytes = {{1}};
    struct hyp_error err = {0};
    size_t count;
    assert_int_equal(
        hyp_default_key_add(t.service, &t.admin, HYP_STR("  "), &bytes, &added, &err),
        HYP_INVALID);
    assert_int_equal(
        hyp_default_key_add(t.service, &t.admin, HYP_STR("factory"), &bytes, &added, &err),
        HYP_OK);
    int64_t first = added.id;
    assert_int_equal(
        hyp_default_key_add(t.service, &t.admin, HYP_STR("again"), &bytes, &added, &err),
        HYP_EXISTS);
    for (uint8_t i = 1; i < HYP_LIMIT_DEFAULT_KEYS; i++) {
        bytes.bytes[0] = (uint8_t)(i + 1);
        assert_int_equal(
            hyp_default_key_add(t.service, &t.admin, HYP_STR("more"), &bytes, &added, &err),
            HYP_OK);
    }
    bytes.bytes[0] = 99;
    assert_int_equal(
        hyp_default_key_add(t.service, &t.admin, HYP_STR("one more"), &bytes, &added, &err),
        HYP_CONFLICT);
    assert_int_equal(hyp_default_key_remove(t.service, &t.admin, first, &err), HYP_OK);
    assert_int_equal(hyp_default_key_remove(t.service, &t.admin, first, &err), HYP_NOT_FOUND);
    test_service_restart(&t);
    assert_int_equal(hyp_default_keys_list(t.service, &t.admin, &t.arena, &keys, &count, &err),
                     HYP_OK);
    assert_int_equal(count, HYP_LIMIT_DEFAULT_KEYS - 1);
    assert_string_equal(keys[0].name, "more");
    struct hyp_aes_key loaded[HYP_LIMIT_DEFAULT_KEYS];
    assert_int_equal(hyp_default_keys_load(t.service, t.admin.tenant, loaded), count);
    assert_int_equal(loaded[0].bytes[0], 2);
    assert_int_equal(
        hyp_default_keys_list(t.service, &t.stranger, &t.arena, &keys, &count, &err), HYP_OK);
    assert_int_equal(count, 0);
}

static void a_key_that_works_becomes_the_meters_own(void **state)
{
    (void)state;
    bool has;
    struct hyp_device device = test_add_device(&t, "one", "12345678", 0);
    struct hyp_device gone = test_add_device(&t, "two", "87654321", 0);
    const struct hyp_aes_key key = {{0x42}};
    assert_int_equal(hyp_device_remove(t.service, &t.admin, gone.id, NULL), HYP_OK);
    hyp_keys_on_found(t.service, device.id, &key);
    hyp_keys_on_found(t.service, device.id, &key);
    hyp_keys_on_found(t.service, gone.id, &key);
    hyp_keys_save_found(t.service);
    assert_int_equal(stored_key(device.id, &has).bytes[0], 0x42);
    assert_true(has);
    assert_string_equal(test_last_audit(&t).action, "key.found");
}

/* The inspector tries them too, and never tells them. */
static void the_inspector_uses_default_keys(void **state)
{
    (void)state;
    static const char sealed[] =
        "2E4493157856341233037A2A0020255923C95AAA26D1B2E7493B013EC4A6F6"
        "D3529B520EDFF0EA6DEFC99D6D69EBF3";
    uint8_t bytes[64];
    struct hyp_explanation explanation;
    struct hyp_default_key added;
    struct hyp_aes_key key = {{0xFF}};
    const struct hyp_explain_request request = {.bytes = bytes,
                                                .len = test_hex(sealed, bytes, sizeof(bytes))};
    for (int round = 0; round < 3; round++) {
        assert_int_equal(
            hyp_explain_bytes(t.service, &t.admin, &request, &t.arena, &explanation, NULL),
            HYP_OK);
        assert_int_equal(explanation.ok, round == 2);
        if (round < 2) {
            assert_int_equal(explanation.error.status, HYP_NO_KEY);
        }
        assert_int_equal(
            hyp_default_key_add(t.service, &t.admin, HYP_STR("k"), &key, &added, NULL), HYP_OK);
        /* Round 0 adds one that does not fit, round 1 the right one. */
        test_hex(KEY_1, key.bytes, sizeof(key.bytes));
        key.bytes[0] ^= (uint8_t)(round == 0 ? 0 : 0x10);
    }
    assert_true(explanation.value_count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(a_preview_changes_nothing),
        WITH_SERVICE(keys_are_set_changed_and_known),
        WITH_SERVICE(a_bad_row_stops_the_file),
        WITH_SERVICE(ten_thousand_keys_are_set_at_once),
        WITH_SERVICE(a_fault_of_the_disk_sets_no_key),
        WITH_SERVICE(nobody_else_sets_keys),
        WITH_SERVICE(default_keys_keep_their_order),
        WITH_SERVICE(a_key_that_works_becomes_the_meters_own),
        WITH_SERVICE(the_inspector_uses_default_keys),
    };
    struct test_list list = {0};
    TEST_ROWS(&list, file_rows, check_file);
    TEST_ROWS(&list, xml_rows, check_file);
    TEST_ROWS(&list, closed_rows, check_closed);
    for (size_t i = 0; i < HYP_ARRAY_LEN(tests); i++) {
        list.tests[list.count++] = tests[i];
    }
    return test_list_run(&list, "keys");
}
