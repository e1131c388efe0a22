/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "service/plant_json.h"

static const struct row {
    const char *name;
    const char *json;
    const char *fault; /* begin of the sentence; NULL = good */
} device_rows[] = {
    {"nothing",                   "{}",                                                NULL               },
    {"all texts",                 "{\"name\":\"a\",\"city\":\"b\",\"address\":\"c\"}", NULL               },
    {"null clears a text",        "{\"name\":null}",                                   NULL               },
    {"a number is no text",       "{\"name\":7}",                                      "name: "           },
    {"a long text",               "{\"manufacturer\":\"KAMS\"}",                       "manufacturer: "   },
    {"version null",              "{\"version\":null}",                                NULL               },
    {"version as text",           "{\"version\":\"1\"}",                               "version: "        },
    {"version out of range",      "{\"version\":40000}",                               "version: "        },
    {"unit 256",                  "{\"unit_id\":256}",                                 "unit_id: "        },
    {"unit 255",                  "{\"unit_id\":255}",                                 NULL               },
    {"fraction of an address",    "{\"primary_address\":1.5}",                         "primary_address: "},
    {"a flag is a flag",          "{\"enabled\":1}",                                   "enabled: "        },
    {"a place",                   "{\"latitude\":55.7,\"longitude\":12}",              NULL               },
    {"no place",                  "{\"latitude\":null,\"longitude\":null}",            NULL               },
    {"a schedule",                "{\"schedule\":\"every 15 min\"}",                   NULL               },
    {"an odd schedule",           "{\"schedule\":\"sometimes\"}",                      "schedule: "       },
    {"a key",                     "{\"key\":\"000102030405060708090A0B0C0D0E0F\"}",    NULL               },
    {"a short key",               "{\"key\":\"0001\"}",                                "key: "            },
    {"a key with a letter",       "{\"key\":\"000102030405060708090A0B0C0D0E0X\"}",    "key: "            },
    {"a key as number",           "{\"key\":1}",                                       "key: "            },
    {"what only the server says", "{\"id\":3,\"state\":\"ok\",\"headline\":null}",     NULL               },
    {"an unknown member",         "{\"nmae\":\"typo\"}",                               "nmae: "           },
    {"a list",                    "[]",                                                "A JSON object"    },
};

static json_t *parse(const char *text)
{
    json_error_t place;
    json_t *root = json_loads(text, 0, &place);
    assert_non_null(root);
    return root;
}

static void check_device(void **state)
{
    const struct row *row = *state;
    struct hyp_device device;
    struct hyp_error err = {0};
    bool key_given;
    json_t *root = parse(row->json);
    hyp_device_defaults(&device);
    enum hyp_status status = hyp_device_read_json(root, &device, &key_given, &err);
    json_decref(root);
    assert_int_equal(status, row->fault == NULL ? HYP_OK : HYP_INVALID);
    if (row->fault != NULL) {
        assert_true(hyp_str_has_prefix(hyp_str_from(err.text), hyp_str_from(row->fault)));
    }
}

static const struct row line_rows[] = {
    {"a gateway",         "{\"name\":\"n\",\"kind\":\"mbus-tcp\",\"host\":\"h\",\"port\":10001}", NULL      },
    {"an unknown kind",   "{\"kind\":\"pigeon\"}",                                                "kind: "  },
    {"port 65536",        "{\"port\":65536}",                                                     "port: "  },
    {"a parity",          "{\"parity\":\"E\"}",                                                   NULL      },
    {"parity null",       "{\"parity\":null}",                                                    NULL      },
    {"a long parity",     "{\"parity\":\"even\"}",                                                "parity: "},
    {"a password",        "{\"password\":\"x\"}",                                                 NULL      },
    {"its own state",     "{\"state\":{\"link\":\"failed\"},\"has_password\":true}",              NULL      },
    {"an unknown member", "{\"speed\":9600}",                                                     "speed: " },
};

static void check_line(void **state)
{
    const struct row *row = *state;
    struct hyp_line line;
    struct hyp_error err = {0};
    bool password_given;
    json_t *root = parse(row->json);
    hyp_line_defaults(&line);
    enum hyp_status status = hyp_line_read_json(root, &line, &password_given, &err);
    json_decref(root);
    assert_int_equal(status, row->fault == NULL ? HYP_OK : HYP_INVALID);
    if (row->fault != NULL) {
        assert_true(hyp_str_has_prefix(hyp_str_from(err.text), hyp_str_from(row->fault)));
    }
}

static void fields_land_where_they_belong(void **state)
{
    struct hyp_device device;
    bool key_given;
    (void)state;
    json_t *root =
        parse("{\"name\":\"n\",\"serial\":\"12345678\",\"version\":53,\"medium\":null,"
              "\"primary_address\":9,\"secondary\":true,\"unit_id\":17,\"line\":4,"
              "\"latitude\":-1.5,\"longitude\":2,\"enabled\":false,\"revision\":12,"
              "\"schedule\":\"every 60 min\","
              "\"key\":\"FF000000000000000000000000000001\"}");
    hyp_device_defaults(&device);
    assert_int_equal(hyp_device_read_json(root, &device, &key_given, NULL), HYP_OK);
    json_decref(root);
    assert_true(key_given);
    assert_string_equal(device.name, "n");
    assert_int_equal(device.version, 53);
    assert_int_equal(device.medium, -1);
    assert_int_equal(device.primary_address, 9);
    assert_true(device.secondary);
    assert_int_equal(device.unit_id, 17);
    assert_int_equal(device.line.id, 4);
    assert_true(device.latitude < -1.4 && device.latitude > -1.6);
    assert_false(device.enabled);
    assert_int_equal(device.revision, 12);
    assert_int_equal(device.schedule.minutes, 60);
    assert_true(device.has_key);
    assert_int_equal(device.key.bytes[0], 0xFF);
    assert_int_equal(device.key.bytes[15], 1);
}

static void absent_members_leave_fields_alone(void **state)
{
    struct hyp_device device;
    bool key_given;
    (void)state;
    hyp_device_defaults(&device);
    hyp_text_copy(device.name, sizeof(device.name), HYP_STR("kept"));
    device.has_key = true;
    json_t *root = parse("{\"city\":\"x\"}");
    assert_int_equal(hyp_device_read_json(root, &device, &key_given, NULL), HYP_OK);
    json_decref(root);
    assert_false(key_given);
    assert_true(device.has_key);
    assert_string_equal(device.name, "kept");
    root = parse("{\"key\":null}");
    assert_int_equal(hyp_device_read_json(root, &device, &key_given, NULL), HYP_OK);
    json_decref(root);
    assert_true(key_given);
    assert_false(device.has_key);
}

static void manifests_have_other_names(void **state)
{
    struct hyp_device device;
    (void)state;
    json_t *root = parse("{\"id\":\"00112233\",\"site\":\"Quay 3\",\"lat\":55.5,\"lon\":12.5,"
                         "\"unit_id\":null,\"title\":\"passed over\",\"transport\":\"wired\"}");
    hyp_device_defaults(&device);
    assert_int_equal(hyp_device_read_manifest(root, &device, NULL), HYP_OK);
    json_decref(root);
    assert_string_equal(device.serial, "00112233");
    assert_string_equal(device.address, "Quay 3");
    assert_true(device.longitude > 12.4 && device.longitude < 12.6);
    assert_int_equal(device.unit_id, 1);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, device_rows, check_device);
    TEST_ROWS(&list, line_rows, check_line);
    TEST_ONE(&list, fields_land_where_they_belong);
    TEST_ONE(&list, absent_members_leave_fields_alone);
    TEST_ONE(&list, manifests_have_other_names);
    return test_list_run(&list, "plant_json");
}
