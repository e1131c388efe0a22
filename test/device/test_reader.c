/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the profile reader refuses, each with the line and a reason a person can act on. Rows
 * hold what differs from a good profile; HEAD and MODBUS are good beginnings of 6 lines.
 */
#include "support/rows.h"

#include "device/library.h"

#define HEAD                                                                                   \
    "profile: test\n"                                                                          \
    "title: Test\n"                                                                            \
    "kind: heat_meter\n"                                                                       \
    "protocol: meter\n"                                                                        \
    "match:\n"                                                                                 \
    "  - {manufacturer: TST, version: 1, medium: heat}\n"
#define MODBUS                                                                                 \
    "profile: test\n"                                                                          \
    "title: Test\n"                                                                            \
    "kind: controller\n"                                                                       \
    "protocol: modbus\n"                                                                       \
    "modbus: {address_base: 1}\n"                                                              \
    "registers:\n"
#define GOOD_REGISTER "  - {name: power, address: 10, type: int16, unit: kW}\n"

static const struct row {
    const char *name;
    const char *text;
    enum hyp_status status;
    int line;
    const char *reason; /* part of the message */
} rows[] = {
    {"good meter",                       HEAD,                                                                       HYP_OK,        0, ""                                      },
    {"good controller",                  MODBUS GOOD_REGISTER,                                                       HYP_OK,        0, ""                                      },
 /* YAML */
    {"empty file",                       "",                                                                         HYP_MALFORMED, 1, "empty"                                 },
    {"only a comment",                   "# nothing\n",                                                              HYP_MALFORMED, 2, "empty"                                 },
    {"a list at the top",                "- a\n- b\n",                                                               HYP_INVALID,   1, "must be a map"                         },
    {"bad indentation",                  "profile: a\n  title: b\n",                                                 HYP_MALFORMED, 2, "not valid YAML"                        },
    {"not UTF-8",                        "profile: \xFF\n",                                                          HYP_MALFORMED, 1, "not valid YAML"                        },
    {"duplicate key",                    HEAD "title: Again\n",                                                      HYP_MALFORMED, 7, "given twice, first in line 2"          },
    {"anchor",                           HEAD "notes: &a text\n",                                                    HYP_MALFORMED, 7, "anchors"                               },
    {"alias",                            HEAD "notes: *a\n",                                                         HYP_MALFORMED, 7, "anchors"                               },
    {"tag",                              HEAD "notes: !!int 3\n",                                                    HYP_MALFORMED, 7, "tags"                                  },
    {"two documents",                    HEAD "---\n" HEAD,                                                          HYP_MALFORMED, 7, "more than one document"                },
    {"nested too deeply",                "a: [[[[[[[[[[1]]]]]]]]]]\n",                                               HYP_LIMIT,     1, "too deeply"                            },
    {"a map as key",                     "? {a: b}\n: c\n",                                                          HYP_MALFORMED, 1, "plain word"                            },
 /* identity */
    {"unknown key",                      HEAD "colour: red\n",                                                       HYP_INVALID,   7,
     "unknown key \"colour\"; known: profile"                                                                                                                                  },
    {"name missing",                     "title: T\nkind: generic\nprotocol: meter\n",                               HYP_INVALID,   1,
     "\"profile\" is missing"                                                                                                                                                  },
    {"name in capitals",                 "profile: Test\n",                                                          HYP_INVALID,   1, "a-z, 0-9 and _"                        },
    {"empty title",                      "profile: a\ntitle:\n",                                                     HYP_INVALID,   2, "\"title\" is empty"                    },
    {"unknown kind",                     "profile: a\ntitle: T\nkind: toaster\n",                                    HYP_INVALID,   3, "heat_meter"                            },
    {"unknown protocol",                 "profile: a\nprotocol: opc\n",                                              HYP_INVALID,   2,
     "mbus wmbus meter modbus"                                                                                                                                                 },
    {"battery is not a word",            HEAD "battery: yes\n",                                                      HYP_INVALID,   7, "true or false"                         },
    {"no match",                         "profile: a\ntitle: T\nkind: generic\nprotocol: mbus\n",                    HYP_INVALID,   1,
     "\"match\" is missing"                                                                                                                                                    },
    {"manufacturer in small letters",    "match:\n  - {manufacturer: tst}\n",                                        HYP_INVALID,   2,
     "three capital letters"                                                                                                                                                   },
    {"version beyond a byte",            "match:\n  - {version: 256}\n",                                             HYP_INVALID,   2, "no byte"                               },
    {"range backwards",                  "match:\n  - {version: 5-3}\n",                                             HYP_INVALID,   2, "no byte"                               },
    {"unknown medium",                   "match:\n  - {medium: soup}\n",                                             HYP_INVALID,   2, "medium word"                           },
    {"empty version list",               "match:\n  - {version: []}\n",                                              HYP_INVALID,   2, "is empty"                              },
    {"unknown match key",                "match:\n  - {maker: TST}\n",                                               HYP_INVALID,   2, "known: manufacturer"                   },
 /* link */
    {"baud too low",                     HEAD "link: {baud: 50}\n",                                                  HYP_INVALID,   7, "300 to 921600"                         },
    {"unknown parity",                   HEAD "link: {parity: mark}\n",                                              HYP_INVALID,   7, "none even odd"                         },
    {"unknown quirk",                    HEAD "quirks: [lazy]\n",                                                    HYP_INVALID,   7, "no known quirk"                        },
    {"quirk given twice",                HEAD "quirks: [single_client, single_client]\n",                            HYP_INVALID,   7,
     "given twice"                                                                                                                                                             },
 /* fields */
    {"good field",
     HEAD "fields:\n  - {name: volume_flow_temperature, vif: FF07, unit: m3*degC}\n",                                HYP_OK,        0,
     ""                                                                                                                                                                        },
    {"unknown public name",              HEAD "fields:\n  - {name: warmth, vif: FF07}\n",                            HYP_INVALID,   8,
     "\"warmth\" is no name of docs/vocabulary.md"                                                                                                                             },
    {"name unknown itself",              HEAD "fields:\n  - {name: unknown, vif: FF07}\n",                           HYP_INVALID,   8,
     "is no name"                                                                                                                                                              },
    {"field without condition",          HEAD "fields:\n  - {name: energy}\n",                                       HYP_INVALID,   8,
     "\"vif\" or \"generic\""                                                                                                                                                  },
    {"field without name",               HEAD "fields:\n  - {vif: FF07}\n",                                          HYP_INVALID,   8, "\"name\""                              },
    {"ignored and named",                HEAD "fields:\n  - {vif: FF07, name: energy, ignore: true}\n",
     HYP_INVALID,                                                                                                                   8, "either"                                },
    {"odd hex",                          HEAD "fields:\n  - {name: energy, vif: FF0}\n",                             HYP_INVALID,   8, "bytes in hex"                          },
    {"unit does not suit",               HEAD "fields:\n  - {name: energy, vif: FF07, unit: degC}\n",
     HYP_INVALID,                                                                                                                   8, "energy is not measured in degC"        },
    {"unknown unit",                     HEAD "fields:\n  - {name: energy, vif: FF07, unit: BTU}\n",                 HYP_INVALID,   8,
     "\"BTU\" is no unit"                                                                                                                                                      },
    {"unknown function",                 HEAD "fields:\n  - {name: energy, vif: FF07, function: peak}\n",
     HYP_INVALID,                                                                                                                   8, "maximum"                               },
    {"bad scale",                        HEAD "fields:\n  - {name: energy, vif: FF07, scale: ten}\n",                HYP_INVALID,   8,
     "decimal number"                                                                                                                                                          },
    {"too many sentinels",
     HEAD "fields:\n  - {name: energy, vif: FF07, invalid: "
          "[1, 2, 3, 4, 5, 6, 7, 8, 9]}\n",                                                                          HYP_LIMIT,     8, "at most 8"                             },
    {"good part",
     HEAD "fields:\n  - {name: count, vif: FF07, bits: 4-6, scale: 2, offset: 1.5}\n",                               HYP_OK,
     0,                                                                                                                                ""                                      },
    {"part beyond bit 62",               HEAD "fields:\n  - {name: count, vif: FF07, bits: 60-63}\n",
     HYP_INVALID,                                                                                                                   8, "within 0-62"                           },
    {"part that is ignored",             HEAD "fields:\n  - {vif: FF07, bits: 4-6, ignore: true}\n",
     HYP_INVALID,                                                                                                                   8, "within 0-62"                           },
    {"part of another form",
     HEAD "fields:\n  - {name: count, vif: FF07, bits: 4-6, as: signed}\n",                                          HYP_INVALID,   8,
     "without \"as\""                                                                                                                                                          },
    {"mask on a number",                 HEAD "fields:\n  - {name: count, vif: FF07, mask: 0x0F}\n",
     HYP_INVALID,                                                                                                                   8, "\"as: flags\""                         },
    {"fault bit beyond 63",              HEAD "fields:\n  - {name: energy, vif: FF07, fault_bits: [64]}\n",
     HYP_INVALID,                                                                                                                   8, "0 to 63"                               },
    {"registers in a meter's profile",   HEAD "registers:\n" GOOD_REGISTER,                                          HYP_INVALID,   7,
     "no place in a profile for meter"                                                                                                                                         },
 /* info */
    {"info bit twice",
     HEAD "info:\n  - {bit: 1, name: a, severity: low, text: A}\n"
          "  - {bit: 1, name: b, severity: low, text: B}\n",                                                         HYP_INVALID,   7, "given twice"                           },
    {"info name twice",
     HEAD "info:\n  - {bit: 1, name: a, severity: low, text: A}\n"
          "  - {bit: 2, name: a, severity: low, text: B}\n",                                                         HYP_INVALID,   7, "given twice"                           },
    {"unknown severity",                 HEAD "info:\n  - {bit: 1, name: a, severity: awful, text: A}\n",
     HYP_INVALID,                                                                                                                   8, "critical"                              },
    {"info row with bit and code",
     HEAD "info:\n  - {bit: 1, code: 2, name: a, severity: low, text: b}\n",                                         HYP_INVALID,   7,
     "either a bit or a code"                                                                                                                                                  },
    {"info row without bit and code",    HEAD "info:\n  - {name: a, severity: low, text: b}\n",
     HYP_INVALID,                                                                                                                   7, "either a bit or a code"                },
    {"bits and codes in one list",
     HEAD "info:\n  - {bit: 1, name: a, severity: low, text: b}\n  - {code: 1, name: c, "
          "severity: low, text: d}\n",                                                                               HYP_INVALID,   7, "bits and codes in one list"            },
    {"code of the standard's status",
     HEAD "status:\n  - {code: 0x74, name: a, severity: low, text: b}\n",                                            HYP_INVALID,   7,
     "lower half"                                                                                                                                                              },
    {"bit of the standard's status",
     HEAD "status:\n  - {bit: 4, name: a, severity: low, text: b}\n",                                                HYP_INVALID,   8, "5 to 7"                                },
    {"info bit without text",            HEAD "info:\n  - {bit: 1, name: a, severity: low}\n",                       HYP_INVALID,
     8,                                                                                                                                "\"text\" is missing"                   },
 /* registers */
    {"unknown register type",            MODBUS "  - {name: power, address: 10, type: int17, unit: kW}\n",
     HYP_INVALID,                                                                                                                   7, "no register type"                      },
    {"address 0 of base 1",              MODBUS "  - {name: power, address: 0, type: int16, unit: kW}\n",
     HYP_INVALID,                                                                                                                   7, "outside"                               },
    {"past the last address",
     MODBUS "  - {name: power, address: 65536, type: int32, unit: kW}\n",                                            HYP_INVALID,   7,
     "outside"                                                                                                                                                                 },
    {"register without unit",            MODBUS "  - {name: power, address: 10, type: int16}\n",
     HYP_INVALID,                                                                                                                   7, "\"unit\" is missing"                   },
    {"register with a wrong unit",
     MODBUS "  - {name: power, address: 10, type: int16, unit: V}\n",                                                HYP_INVALID,   7,
     "does not suit"                                                                                                                                                           },
    {"scale 0",                          MODBUS "  - {name: power, address: 10, type: int16, unit: kW, scale: 0}\n",
     HYP_INVALID,                                                                                                                   7, "scale of 0"                            },
    {"string without words",             MODBUS "  - {name: text, address: 10, type: string}\n",
     HYP_INVALID,                                                                                                                   7, "needs \"words\""                       },
    {"clock without layout",             MODBUS "  - {name: meter_time, address: 10, type: clock}\n",
     HYP_INVALID,                                                                                                                   7, "needs a \"layout\""                    },
    {"coil as number",
     MODBUS "  - {name: power, address: 10, type: int16, unit: kW, read: 1}\n",                                      HYP_INVALID,   7,
     "read type bit"                                                                                                                                                           },
    {"bits past the register",
     MODBUS "  - {name: pump_state, address: 10, type: bit, bit: 15, width: 2}\n",                                   HYP_INVALID,
     7,                                                                                                                                "beyond the register"                   },
    {"writing with a reading function",
     MODBUS "  - {name: power, address: 10, type: int16, unit: kW, write: 3}\n",                                     HYP_INVALID,   7,
     "5, 6, 15 or 16"                                                                                                                                                          },
    {"unknown word order",
     MODBUS "  - {name: power, address: 10, type: int32, unit: kW, order: ABDC}\n",                                  HYP_INVALID,
     7,                                                                                                                                "ABCD, CDAB"                            },
    {"the same point twice",             MODBUS GOOD_REGISTER GOOD_REGISTER,                                         HYP_INVALID,   8,
     "the same point as line 7"                                                                                                                                                },
    {"longer than a request",
     "profile: t\ntitle: T\nkind: controller\nprotocol: modbus\nmodbus: {max_registers: 1}\n"
     "registers:\n  - {name: power, address: 10, type: int32, unit: kW}\n",                                          HYP_INVALID,   7, "max_registers"                         },
    {"states by word",
     MODBUS "  - {name: pump_state, address: 10, type: uint16, states: {on: 1}}\n",                                  HYP_INVALID,
     7,                                                                                                                                "keys of \"states\" are numbers"        },
    {"no registers",                     "profile: t\ntitle: T\nkind: controller\nprotocol: modbus\n",               HYP_INVALID,
     1,                                                                                                                                "\"registers\" is missing"              },
    {"fields in a controller's profile",
     MODBUS GOOD_REGISTER "fields:\n  - {name: energy, vif: FF07}\n",                                                HYP_INVALID,   8,
     "no place"                                                                                                                                                                },
    {"unknown detection register key",
     "profile: t\nmodbus:\n  detect:\n    - {address: 5, is: 3}\n",                                                  HYP_INVALID,   4,
     "known: address"                                                                                                                                                          },
 /* captures */
    {"capture without class",            HEAD "captures:\n  - {name: a, source: b, telegram: 10}\n",
     HYP_INVALID,                                                                                                                   8, "\"class\" is missing"                  },
    {"capture of nothing",               HEAD "captures:\n  - {name: a, source: b, class: ok}\n",                    HYP_INVALID,
     8,                                                                                                                                "either a \"telegram\" or \"registers\""},
    {"key of wrong length",
     HEAD "captures:\n  - {name: a, source: b, class: ok, telegram: 10, key: 0102}\n",
     HYP_INVALID,                                                                                                                   8, "16 bytes"                              },
    {"unknown refusal",
     HEAD "captures:\n  - {name: a, source: b, class: error, telegram: 10, refused: NO}\n",
     HYP_INVALID,                                                                                                                   8, "BAD_CHECK"                             },
    {"expectation of no point",
     HEAD "captures:\n  - {name: a, source: b, class: ok, telegram: 10, expect: {heat: 1}}\n",
     HYP_INVALID,                                                                                                                   8, "is no point"                           },
    {"register value beyond a word",
     MODBUS GOOD_REGISTER
     "captures:\n  - {name: a, source: b, class: ok, registers: {10: [65536]}}\n",                                   HYP_INVALID,   9, "-32768 to 65535"                       },
    {"register address by word",
     MODBUS GOOD_REGISTER
     "captures:\n  - {name: a, source: b, class: ok, registers: {x: [1]}}\n",                                        HYP_INVALID,   9, "address: ["                            },
};

static struct hyp_library *library;

/* One library for all rows: a good row replaces the profile of the good row before. */
static void check(void **state)
{
    const struct row *row = *state;
    struct hyp_error err = {0};
    enum hyp_status status =
        hyp_library_add(library, hyp_str_from(row->text), "test.yaml", &err);
    if (status != row->status || (status != HYP_OK && strstr(err.text, row->reason) == NULL)) {
        fail_msg("%s: %s", hyp_status_name(status), err.text);
    }
    if (row->status != HYP_OK) {
        assert_int_equal(err.offset, row->line);
        assert_true(strncmp(err.text, "test.yaml:", 10) == 0);
    }
}

static void test_too_large(void **state)
{
    (void)state;
    struct hyp_error err = {0};
    size_t len = HYP_LIMIT_PROFILE_BYTES + 1;
    char *text = calloc(1, len);
    assert_non_null(text);
    memset(text, '#', len);
    struct hyp_str source = {.ptr = text, .len = len};
    assert_int_equal(hyp_library_add(library, source, "big.yaml", &err), HYP_LIMIT);
    free(text);
}

int main(void)
{
    struct hyp_error err = {0};
    if (hyp_library_create(&library, &err) != HYP_OK) {
        print_error("%s\n", err.text);
        return 1;
    }
    struct test_list list = {0};
    TEST_ROWS(&list, rows, check);
    TEST_ONE(&list, test_too_large);
    int failed = test_list_run(&list, "profile reader");
    hyp_library_destroy(library);
    return failed;
}
