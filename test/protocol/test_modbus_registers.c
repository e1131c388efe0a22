/* SPDX-License-Identifier: Apache-2.0 */
/* Register formats and block merging. */
#include "support/hex.h"

#include "protocol/modbus/block.h"
#include "protocol/modbus/registers.h"

static const struct number_row {
    const char *name;
    enum hyp_modbus_type type;
    const char *order;
    const char *hex;
    enum hyp_status status;
    const char *text;
} number_rows[] = {
    {"int16",                           HYP_MODBUS_TYPE_INT16,   "ABCD",     "FF38",             HYP_OK,          "-200"        },
    {"uint16",                          HYP_MODBUS_TYPE_UINT16,  "ABCD",     "FF38",             HYP_OK,          "65336"       },
    {"uint16 low byte first",           HYP_MODBUS_TYPE_UINT16,  "BADC",     "38FF",             HYP_OK,          "65336"       },
    {"int32",                           HYP_MODBUS_TYPE_INT32,   "ABCD",     "FFFFFF38",         HYP_OK,          "-200"        },
    {"uint32 ABCD",                     HYP_MODBUS_TYPE_UINT32,  "ABCD",     "01020304",         HYP_OK,          "16909060"    },
    {"uint32 CDAB",                     HYP_MODBUS_TYPE_UINT32,  "CDAB",     "03040102",         HYP_OK,          "16909060"    },
    {"uint32 BADC",                     HYP_MODBUS_TYPE_UINT32,  "BADC",     "02010403",         HYP_OK,          "16909060"    },
    {"uint32 DCBA",                     HYP_MODBUS_TYPE_UINT32,  "DCBA",     "04030201",         HYP_OK,          "16909060"    },
    {"uint32 in a pairwise order",      HYP_MODBUS_TYPE_UINT32,  "CDABGHEF", "03040102",         HYP_OK,
     "16909060"                                                                                                                 },
    {"int48",                           HYP_MODBUS_TYPE_INT48,   "ABCD",     "FFFFFFFFFF38",     HYP_OK,          "-200"        },
    {"uint48 words reversed",           HYP_MODBUS_TYPE_UINT48,  "CDAB",     "0003 0002 0001",   HYP_OK,
     "4295098371"                                                                                                               },
    {"int64",                           HYP_MODBUS_TYPE_INT64,   "ABCDEFGH", "FFFFFFFFFFFFFF38", HYP_OK,          "-200"        },
    {"uint64 ABCDEFGH",                 HYP_MODBUS_TYPE_UINT64,  "ABCDEFGH", "0102030405060708", HYP_OK,
     "72623859790382856"                                                                                                        },
    {"uint64 GHEFCDAB",                 HYP_MODBUS_TYPE_UINT64,  "GHEFCDAB", "0708050603040102", HYP_OK,
     "72623859790382856"                                                                                                        },
    {"uint64 BADCFEHG",                 HYP_MODBUS_TYPE_UINT64,  "BADCFEHG", "0201040306050807", HYP_OK,
     "72623859790382856"                                                                                                        },
    {"uint64 HGFEDCBA",                 HYP_MODBUS_TYPE_UINT64,  "HGFEDCBA", "0807060504030201", HYP_OK,
     "72623859790382856"                                                                                                        },
    {"uint64 CDABGHEF",                 HYP_MODBUS_TYPE_UINT64,  "cdabghef", "0304010207080506", HYP_OK,
     "72623859790382856"                                                                                                        },
    {"uint64 DCBAHGFE",                 HYP_MODBUS_TYPE_UINT64,  "DCBAHGFE", "0403020108070605", HYP_OK,
     "72623859790382856"                                                                                                        },
    {"uint64 beyond 63 bits",           HYP_MODBUS_TYPE_UINT64,  "ABCD",     "8000000000000000",
     HYP_IMPLAUSIBLE,                                                                                             NULL          },
    {"float32",                         HYP_MODBUS_TYPE_FLOAT32, "ABCD",     "43668000",         HYP_OK,          "230.5"       },
    {"float32 keeps the shortest text", HYP_MODBUS_TYPE_FLOAT32, "ABCD",     "3DCCCCCD",         HYP_OK,
     "0.1"                                                                                                                      },
    {"float32 words swapped",           HYP_MODBUS_TYPE_FLOAT32, "CDAB",     "80004366",         HYP_OK,          "230.5"       },
    {"float32 negative",                HYP_MODBUS_TYPE_FLOAT32, "ABCD",     "C1480000",         HYP_OK,          "-12.5"       },
    {"float32 not a number",            HYP_MODBUS_TYPE_FLOAT32, "ABCD",     "7FC00000",         HYP_IMPLAUSIBLE,
     NULL                                                                                                                       },
    {"float32 infinite",                HYP_MODBUS_TYPE_FLOAT32, "ABCD",     "7F800000",         HYP_IMPLAUSIBLE, NULL          },
    {"float64",                         HYP_MODBUS_TYPE_FLOAT64, "ABCD",     "3FB999999999999A", HYP_OK,          "0.1"         },
    {"float64 words reversed",          HYP_MODBUS_TYPE_FLOAT64, "CDAB",     "999A999999993FB9", HYP_OK,
     "0.1"                                                                                                                      },
    {"bcd16",                           HYP_MODBUS_TYPE_BCD16,   "ABCD",     "1234",             HYP_OK,          "1234"        },
    {"bcd32 words swapped",             HYP_MODBUS_TYPE_BCD32,   "CDAB",     "56781234",         HYP_OK,          "12345678"    },
    {"bcd64",                           HYP_MODBUS_TYPE_BCD64,   "ABCD",     "0000123456789012", HYP_OK,          "123456789012"},
    {"bcd with a nibble above 9",       HYP_MODBUS_TYPE_BCD16,   "ABCD",     "12A4",             HYP_MALFORMED,   NULL          },
    {"a string is no number",           HYP_MODBUS_TYPE_STRING,  "ABCD",     "3132",             HYP_UNSUPPORTED, NULL          },
};

static void check_number(void **state)
{
    const struct number_row *row = *state;
    uint8_t data[16] = {0};
    test_hex(row->hex, data, sizeof(data));
    enum hyp_modbus_order order;
    assert_int_equal(hyp_modbus_order_find(hyp_str_from(row->order), &order), HYP_OK);
    struct hyp_decimal number;
    assert_int_equal(hyp_modbus_register_number(row->type, order, data, &number), row->status);
    if (row->status == HYP_OK) {
        char memory[64];
        struct hyp_buf text;
        hyp_buf_init_fixed(&text, memory, sizeof(memory));
        hyp_decimal_format(&text, number);
        assert_string_equal(hyp_buf_terminate(&text), row->text);
    }
}

static const struct text_row {
    const char *name;
    const char *order;
    const char *hex;
    const char *text;
} text_rows[] = {
    {"up to the zero", "ABCD", "4142 4300", "ABC" },
    {"blanks removed", "ABCD", "4142 2020", "AB"  },
    {"low byte first", "BADC", "4241 0043", "ABC" },
    {"all of it",      "ABCD", "41424344",  "ABCD"},
    {"Latin-1",        "ABCD", "B043",
     "\xC2\xB0"
     "C"                                          },
    {"nothing",        "ABCD", "0000",      ""    },
};

static void check_text(void **state)
{
    const struct text_row *row = *state;
    uint8_t data[16];
    size_t len = test_hex(row->hex, data, sizeof(data));
    enum hyp_modbus_order order;
    assert_int_equal(hyp_modbus_order_find(hyp_str_from(row->order), &order), HYP_OK);
    char memory[64];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    hyp_modbus_register_text(order, data, len / 2, &text);
    assert_string_equal(hyp_buf_terminate(&text), row->text);
}

static void test_names(void **state)
{
    (void)state;
    enum hyp_modbus_order order;
    enum hyp_modbus_type type;
    assert_int_equal(hyp_modbus_order_find(HYP_STR("ABDC"), &order), HYP_NOT_FOUND);
    assert_int_equal(hyp_modbus_order_find(HYP_STR(""), &order), HYP_NOT_FOUND);
    assert_int_equal(hyp_modbus_type_find(HYP_STR("float16"), &type), HYP_NOT_FOUND);
    assert_int_equal(hyp_modbus_type_find(HYP_STR(""), &type), HYP_NOT_FOUND);
    for (int i = HYP_MODBUS_TYPE_UNSET + 1; i < HYP_MODBUS_TYPE_COUNT_OF; i++) {
        const char *name = hyp_modbus_type_text((enum hyp_modbus_type)i);
        assert_int_equal(hyp_modbus_type_find(hyp_str_from(name), &type), HYP_OK);
        assert_int_equal(type, i);
    }
    assert_int_equal(hyp_modbus_type_words(HYP_MODBUS_TYPE_FLOAT64), 4);
    assert_int_equal(hyp_modbus_type_words(HYP_MODBUS_TYPE_STRING), 0);
}

/* --- merging --- */

static const struct merge_row {
    const char *name;
    const char *wanted; /* function:start+count, blanks between */
    struct hyp_modbus_merge_rules rules;
    const char *holes;  /* function:address */
    const char *blocks; /* function:start+count/grain */
} merge_rows[] = {
    {"neighbours",                        "3:10+1 3:11+1 3:12+2", {125, 0},   "",     "3:10+4/1 "             },
    {"any order",                         "3:12+2 3:10+1 3:11+1", {125, 0},   "",     "3:10+4/1 "             },
    {"a gap that is allowed",             "3:10+1 3:19+1",        {125, 8},   "",     "3:10+10/1 "            },
    {"a gap that is too wide",            "3:10+1 3:20+1",        {125, 8},   "",     "3:10+1/1 3:20+1/1 "    },
    {"floats keep their halves together", "4:0+2 4:2+2 4:6+2",    {125, 2},   "",     "4:0+8/2 "              },
    {"floats at odd addresses",           "4:1+2 4:3+2",          {125, 0},   "",     "4:1+4/2 "              },
    {"mixed widths",                      "4:0+2 4:2+1 4:3+1",    {125, 0},   "",     "4:0+4/1 "              },
    {"the limit never cuts a value",      "3:0+4 3:4+4 3:8+4",    {10, 0},    "",     "3:0+8/4 3:8+4/4 "      },
    {"functions apart",                   "3:10+1 4:11+1",        {125, 8},   "",     "3:10+1/1 4:11+1/1 "    },
    {"a hole in the gap",                 "3:10+1 3:14+1",        {125, 8},   "3:12", "3:10+1/1 3:14+1/1 "    },
    {"a hole of another function",        "3:10+1 3:14+1",        {125, 8},   "4:12", "3:10+5/1 "             },
    {"a wanted hole is left out",
     "3:10+1 3:11+1 3:12+1",                                      {125, 8},
     "3:11",                                                                          "3:10+1/1 3:12+1/1 "    },
    {"a value with a hole is left out",   "3:10+2 3:12+1",        {125, 8},   "3:11", "3:12+1/1 "             },
    {"the same register twice",           "3:10+1 3:10+1 3:11+1", {125, 0},   "",     "3:10+2/1 "             },
    {"overlapping",                       "3:10+4 3:12+1",        {125, 0},   "",     "3:10+4/1 "             },
    {"coils are counted in bits",
     "1:0+1 1:1999+1 1:2000+1",                                   {10, 2000},
     "",                                                                              "1:0+2000/1 1:2000+1/1 "},
    {"the last address",                  "3:65534+1 3:65535+1",  {125, 8},   "",     "3:65534+2/1 "          },
    {"nothing",                           "",                     {125, 8},   "",     ""                      },
};

static uint16_t read_number(struct hyp_str text)
{
    uint64_t number = 0;
    if (hyp_str_to_u64(text, &number) != HYP_OK) {
        fail_msg("bad number in a row");
    }
    return (uint16_t)number;
}

static size_t parse_blocks(const char *text, struct hyp_modbus_block *out)
{
    struct hyp_str rest = hyp_str_from(text);
    struct hyp_str part;
    size_t count = 0;
    while (rest.len > 0 && hyp_str_split_next(&rest, ' ', &part)) {
        struct hyp_str field;
        hyp_str_split_next(&part, ':', &field);
        out[count].function = (uint8_t)read_number(field);
        hyp_str_split_next(&part, '+', &field);
        out[count].start = read_number(field);
        out[count].count = part.len > 0 ? read_number(part) : 0;
        count++;
    }
    return count;
}

static void check_merge(void **state)
{
    const struct merge_row *row = *state;
    struct hyp_modbus_block wanted[16] = {0};
    struct hyp_modbus_block hole_blocks[4] = {0};
    struct hyp_modbus_block blocks[8];
    struct hyp_modbus_hole holes[4];
    size_t hole_count = parse_blocks(row->holes, hole_blocks);
    for (size_t i = 0; i < hole_count; i++) {
        holes[i] = (struct hyp_modbus_hole){hole_blocks[i].function, hole_blocks[i].start};
    }
    size_t count = hyp_modbus_blocks_merge(wanted, parse_blocks(row->wanted, wanted),
                                           &row->rules, holes, hole_count, blocks, 8);
    char memory[256];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append_fmt(&text, "%u:%u+%u/%u ", blocks[i].function, blocks[i].start,
                           blocks[i].count, blocks[i].grain);
    }
    assert_string_equal(hyp_buf_terminate(&text), row->blocks);
}

static void test_merge_capacity(void **state)
{
    (void)state;
    struct hyp_modbus_block wanted[3] = {
        {.function = 3, .start = 0,   .count = 1},
        {.function = 3, .start = 100, .count = 1},
        {.function = 3, .start = 200, .count = 1},
    };
    struct hyp_modbus_block blocks[2] = {0};
    struct hyp_modbus_merge_rules rules = {.max_registers = 125};
    assert_int_equal(hyp_modbus_blocks_merge(wanted, 3, &rules, NULL, 0, blocks, 1), 3);
    assert_int_equal(blocks[0].count, 1);
    assert_int_equal(blocks[1].count, 0);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, number_rows, check_number);
    TEST_ROWS(&list, text_rows, check_text);
    TEST_ONE(&list, test_names);
    TEST_ROWS(&list, merge_rows, check_merge);
    TEST_ONE(&list, test_merge_capacity);
    return test_list_run(&list, "modbus_registers");
}
