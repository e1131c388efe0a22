/* SPDX-License-Identifier: Apache-2.0 */
/* The controller as a Modbus server: which requests it answers and how it refuses. */
#include "town_fixture.h"

#include "support/hex.h"

static struct sim_ecl *start(struct sim_town *town, unsigned controller)
{
    struct sim_ecl *ecl = &town->controllers[controller].ecl;
    sim_ecl_advance(ecl, TEST_NOW_MS);
    return ecl;
}

static const struct exchange_row {
    const char *name;
    unsigned controller;
    uint8_t unit;
    const char *request;
    const char *answer; /* empty = silence */
} exchange_rows[] = {
  /* The vector of the documents: registers 2059.. of A266.1 version 1.02. */
    {"application key",           0, 1,   "03 080B 0004",         "03 08 0041 010A 0001 0102"},
    {"function 4 reads the same", 0, 1,   "04 080B 0004",         "04 08 0041 010A 0001 0102"},
    {"A266.2",                    3, 1,   "03 080B 0004",         "03 08 0041 010A 0002 0103"},
    {"A266.9",                    5, 1,   "03 080B 0004",         "03 08 0041 010A 0009 0102"},
    {"A266.10",                   4, 1,   "03 080B 0004",         "03 08 0041 010A 000A 0101"},
    {"hardware A.2",              0, 1,   "03 0021 0001",         "03 02 4102"               },
    {"order code 087H3040",       0, 1,   "03 0012 0001",         "03 02 0BE0"               },
    {"service address",           0, 254, "03 080B 0001",         "03 02 0041"               },
    {"another unit",              0, 2,   "03 080B 0001",         ""                         },
    {"broadcast read",            0, 0,   "03 080B 0001",         ""                         },
    {"broadcast write",           0, 0,   "06 1068 0001",         ""                         },
    {"a hole at the end",         0, 1,   "03 080B 0005",         "83 02"                    },
    {"a hole in the middle",      0, 1,   "03 2B98 0020",         "83 02"                    },
    {"nothing there",             0, 1,   "03 FFFF 0001",         "83 02"                    },
    {"beyond the last address",   0, 1,   "03 FFFF 0002",         "83 02"                    },
    {"A266.9 has no 11112",       5, 1,   "03 2B67 0001",         "83 02"                    },
    {"no registers",              0, 1,   "03 080B 0000",         "83 03"                    },
    {"124 registers",             0, 1,   "03 080B 007C",         "83 03"                    },
    {"coils",                     0, 1,   "01 0000 0001",         "81 01"                    },
    {"write many",                0, 1,   "10 1068 0001 02 0001", "90 01"                    },
    {"write",                     0, 1,   "06 1068 0002",         "06 1068 0002"             },
    {"write out of range",        0, 1,   "06 1068 0009",         "86 03"                    },
    {"write a sensor",            0, 1,   "06 27D8 0000",         "86 02"                    },
    {"command register",          0, 1,   "06 0000 0000",         "06 0000 0000"             },
    {"write nowhere",             0, 1,   "06 0002 0000",         "86 02"                    },
    {"write cut short",           0, 1,   "06 1068",              "86 03"                    },
};

/* Of all rows: none of them changes what another one asks. */
static struct sim_town *shared_town;

static void check_exchange(void **state)
{
    const struct exchange_row *row = *state;
    struct sim_ecl *ecl = start(shared_town, row->controller);
    uint8_t request[32];
    uint8_t expect[64];
    uint8_t answer[256];
    size_t request_len = test_hex(row->request, request, sizeof(request));
    size_t expect_len = test_hex(row->answer, expect, sizeof(expect));
    size_t len = sim_ecl_answer(ecl, row->unit, request, request_len, answer);
    assert_int_equal(len, expect_len);
    assert_memory_equal(answer, expect, expect_len);
}

static bool write_register(struct sim_ecl *ecl, uint16_t number, uint16_t value)
{
    uint16_t address = (uint16_t)(number - 1);
    const uint8_t pdu[5] = {6, (uint8_t)(address >> 8), (uint8_t)address, (uint8_t)(value >> 8),
                            (uint8_t)value};
    uint8_t answer[256];
    size_t len = sim_ecl_answer(ecl, 1, pdu, sizeof(pdu), answer);
    return len == 5 && memcmp(pdu, answer, 5) == 0;
}

static int read_register(const struct sim_ecl *ecl, uint16_t number)
{
    return sim_registers_get(&ecl->registers, number);
}

/* Every single write must leave a valid date: 31.01. -> 28.02. needs the day first. */
static void the_clock_refuses_dates_that_do_not_exist(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    struct sim_ecl *ecl = start(town, 0);
    assert_true(write_register(ecl, 64047, 31));
    assert_false(write_register(ecl, 64048, 2));
    assert_int_equal(read_register(ecl, 64048), 1);
    assert_true(write_register(ecl, 64047, 28));
    assert_true(write_register(ecl, 64048, 2));
    sim_ecl_advance(ecl, TEST_NOW_MS + 60000);
    assert_int_equal(read_register(ecl, 64047), 28);
    assert_int_equal(read_register(ecl, 64048), 2);
    assert_int_equal(read_register(ecl, 64046), 1);
    sim_town_destroy(town);
}

static void a_new_unit_address_takes_effect_at_once(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    struct sim_ecl *ecl = start(town, 0);
    const uint8_t read[5] = {3, 8, 11, 0, 1};
    uint8_t answer[256];
    assert_true(write_register(ecl, 38, 17));
    assert_int_equal(sim_ecl_answer(ecl, 1, read, sizeof(read), answer), 0);
    assert_int_equal(sim_ecl_answer(ecl, 17, read, sizeof(read), answer), 4);
    sim_town_destroy(town);
}

/* Blocks that the documents call single good reads. */
static void known_blocks_are_one_read(void **state)
{
    (void)state;
    static const struct {
        uint16_t first;
        uint16_t last;
    } blocks[] = {
        {10201, 10212},
        {11011, 11014},
        {11031, 11037},
        {11112, 11119},
        {11147, 11150},
        {11177, 11187},
        {11400, 11405},
        {4201,  4202 },
        {4211,  4212 },
        {4000,  4011 },
        {3110,  3115 },
        {6000,  6023 },
        {64045, 64049},
        {12189, 12191},
        {1040,  1071 }
    };
    struct sim_town *town = test_town(1, 0);
    struct sim_ecl *ecl = start(town, 0);
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        uint16_t address = (uint16_t)(blocks[i].first - 1);
        uint16_t count = (uint16_t)(blocks[i].last - blocks[i].first + 1);
        const uint8_t pdu[5] = {3, (uint8_t)(address >> 8), (uint8_t)address, 0,
                                (uint8_t)count};
        uint8_t answer[256];
        assert_int_equal(sim_ecl_answer(ecl, 1, pdu, sizeof(pdu), answer), 2 + 2 * count);
    }
    sim_town_destroy(town);
}

static const struct length_row {
    const char *name;
    const char *hex;
    int expect;
} length_rows[] = {
    {"whole",          "0001 0000 0006 01 03 0000 0001",    12},
    {"with more",      "0001 0000 0006 01 03 0000 0001 00", 12},
    {"half",           "0001 0000 0006 01 03",              0 },
    {"header alone",   "0001 0000 00",                      0 },
    {"other protocol", "0001 0001 0006 01 03 0000 0001",    -1},
    {"no function",    "0001 0000 0001 01",                 -1},
    {"far too long",   "0001 0000 FFFF 01",                 -1},
};

static void check_length(void **state)
{
    const struct length_row *row = *state;
    uint8_t bytes[32];
    size_t len = test_hex(row->hex, bytes, sizeof(bytes));
    assert_int_equal(sim_modbus_tcp_length(bytes, len), row->expect);
}

int main(void)
{
    struct test_list list = {0};
    shared_town = test_town(1, 0);
    TEST_ROWS(&list, exchange_rows, check_exchange);
    TEST_ROWS(&list, length_rows, check_length);
    TEST_ONE(&list, the_clock_refuses_dates_that_do_not_exist);
    TEST_ONE(&list, a_new_unit_address_takes_effect_at_once);
    TEST_ONE(&list, known_blocks_are_one_read);
    int failed = test_list_run(&list, "sim-modbus");
    sim_town_destroy(shared_town);
    return failed;
}
