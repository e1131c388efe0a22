/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to a Modbus device, and reading back what it keeps. */
#include "support/modbus_device.h"
#include "support/rows.h"

static const uint8_t write_data[] = {0x00, 0xD7, 0x01, 0x02};
static const uint8_t coil_data[] = {0xFF, 0x00};
static const uint8_t bits_data[] = {0x01};

static const struct write_row {
    const char *name;
    const char *script;
    struct hyp_modbus_request request;
    uint8_t read_back;
    enum hyp_status status;
    const char *requests;
    const char *text;
} write_rows[] = {
    {"one register",                "a", {DEVICE_UNIT, 6, 20, 1, write_data},  0, HYP_OK,      "6:20+215 ", ""               },
    {"one register, read back",
     "a",                                {DEVICE_UNIT, 6, 20, 1, write_data},
     3,                                                                           HYP_OK,
     "6:20+215 3:20+1 ",                                                                                    ""               },
    {"read back as input register",
     "a",                                {DEVICE_UNIT, 6, 20, 1, write_data},
     4,                                                                           HYP_OK,
     "6:20+215 4:20+1 ",                                                                                    ""               },
    {"registers, read back",
     "a",                                {DEVICE_UNIT, 16, 20, 2, write_data},
     3,                                                                           HYP_OK,
     "16:20+2 3:20+2 ",                                                                                     ""               },
    {"another value is kept",
     "k",                                {DEVICE_UNIT, 6, 20, 1, write_data},
     3,                                                                           HYP_REFUSED,
     "6:20+215 3:20+1 ",                                                                                    "now reads 0424" },
    {"a coil, read back",
     "a",                                {DEVICE_UNIT, 5, 20, 1, coil_data},
     1,                                                                           HYP_OK,
     "5:20+65280 1:20+1 ",                                                                                  ""               },
    {"coils, read back",
     "a",                                {DEVICE_UNIT, 15, 20, 1, bits_data},
     1,                                                                           HYP_OK,
     "15:20+1 1:20+1 ",                                                                                     ""               },
    {"silent once",
     "sa",                               {DEVICE_UNIT, 6, 20, 1, write_data},
     0,                                                                           HYP_OK,
     "6:20+215 6:20+215 ",                                                                                  ""               },
    {"silent for ever",
     "s",                                {DEVICE_UNIT, 6, 20, 1, write_data},
     3,                                                                           HYP_TIMEOUT,
     NULL,                                                                                                  "no answer"      },
    {"silent when read back",
     "as",                               {DEVICE_UNIT, 6, 20, 1, write_data},
     3,                                                                           HYP_TIMEOUT,
     NULL,                                                                                                  "function 3"     },
    {"refused",
     "f",                                {DEVICE_UNIT, 6, 20, 1, write_data},
     3,                                                                           HYP_REFUSED,
     "6:20+215 ",                                                                                           "device failure" },
    {"no such register",
     "a",                                {DEVICE_UNIT, 6, 200, 1, write_data},
     3,                                                                           HYP_REFUSED,
     "6:200+215 ",                                                                                          "illegal address"},
};

static void check_write(void **state)
{
    const struct write_row *row = *state;
    for (int framing = HYP_MODBUS_TCP; framing <= HYP_MODBUS_RTU; framing++) {
        struct device device;
        device_init(&device, (enum hyp_modbus_framing)framing, row->script);
        struct hyp_modbus_link link = link_of((enum hyp_modbus_framing)framing);
        struct hyp_modbus_write write;
        assert_int_equal(hyp_modbus_write_init(&write, &link, &row->request, row->read_back),
                         HYP_OK);
        struct run run = {.piece = 5};
        struct hyp_session session = {.ops = &hyp_modbus_write_ops, .state = &write};
        struct hyp_session_io io = drive(&run, session, &device);
        assert_int_equal(io.status, row->status);
        if (row->requests != NULL) {
            assert_string_equal(hyp_buf_terminate(&device.log_buf), row->requests);
        }
        assert_non_null(strstr(session.ops->error_text(&write), row->text));
    }
}

static void test_broadcast(void **state)
{
    (void)state;
    struct device device;
    device_init(&device, HYP_MODBUS_RTU, "a");
    struct hyp_modbus_link link = link_of(HYP_MODBUS_RTU);
    struct hyp_modbus_request request = {0, 6, 20, 1, write_data};
    struct hyp_modbus_write write;
    assert_int_equal(hyp_modbus_write_init(&write, &link, &request, 3), HYP_OK);
    struct run run = {0};
    struct hyp_session session = {.ops = &hyp_modbus_write_ops, .state = &write};
    assert_int_equal(drive(&run, session, &device).status, HYP_OK);
    assert_int_equal(device.requests, 1);
}

static void test_write_init_refuses(void **state)
{
    (void)state;
    struct hyp_modbus_link link = link_of(HYP_MODBUS_TCP);
    struct hyp_modbus_write write;
    struct hyp_modbus_request read = {DEVICE_UNIT, 3, 20, 1, write_data};
    assert_int_equal(hyp_modbus_write_init(&write, &link, &read, 0), HYP_UNSUPPORTED);
    struct hyp_modbus_request many = {DEVICE_UNIT, 16, 20, 124, write_data};
    assert_int_equal(hyp_modbus_write_init(&write, &link, &many, 0), HYP_INVALID);
    struct hyp_modbus_request coil = {DEVICE_UNIT, 5, 20, 1, coil_data};
    assert_int_equal(hyp_modbus_write_init(&write, &link, &coil, 3), HYP_INVALID);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, write_rows, check_write);
    TEST_ONE(&list, test_broadcast);
    TEST_ONE(&list, test_write_init_refuses);
    return test_list_run(&list, "modbus_write");
}
