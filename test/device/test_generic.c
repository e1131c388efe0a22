/* SPDX-License-Identifier: Apache-2.0 */
/* Names, units and labels that records get without a profile. */
#include "device/values.h"

#define HEAT 0x04
#define COOLING 0x0A
#define HEAT_COOLING 0x0D
#define ELECTRICITY 0x02
#define WATER 0x07
#define HCA 0x08
#define ROOM 0x1B
#define OTHER 0x00

#define THREE_PHASES                                                                           \
    "active_power.u1025=0.09471 kW {phase 1}; active_power.u1026=0.10602 kW {phase 2}; "       \
    "active_power.u1027=0.01606 kW {phase 3}; active_power=0.21679 kW {sum of the phases}; "
#define TOTAL_SENT                                                                             \
    "active_power.u1025=0.00001 kW {phase 1}; active_power.u1026=0.00001 kW {phase 2}; "       \
    "active_power.u1027=0.00001 kW {phase 3}; active_power=0.00007 kW; "
#define PHASE_ABSENT                                                                           \
    "active_power.u1025=0.00001 kW {phase 1}; active_power.u1026=(no_value) {phase 2}; "       \
    "active_power.u1027=0.00001 kW {phase 3}; "

static const struct row {
    const char *name;
    uint8_t medium;
    const char *hex;
    const char *values;
} rows[] = {
  /* telegrams.md section 6 */
    {"energy kWh",                                    HEAT,         "0406 A5000000",                                               "energy=165 kWh; "                },
    {"energy 0.1 kWh",                                HEAT,         "0405 6C2B0000",                                               "energy=1111.6 kWh; "             },
    {"energy BCD",                                    HEAT,         "0C06 40870300",                                               "energy=38740 kWh; "              },
    {"energy MJ stays in its family",                 HEAT,         "040F A5000000",                                               "energy=1.65 GJ; "                },
    {"energy 0.1 MWh",                                HEAT,         "04FB00 60830000",                                             "energy=3363200 kWh; "            },
    {"energy GJ",                                     HEAT,         "04FB09 13000000",                                             "energy=19 GJ; "                  },
    {"energy Gcal",                                   HEAT,         "04FB0E 13000000",                                             "energy=0.19 Gcal; "              },
    {"backward energy of a heat meter",               HEAT,         "0406 9A000000 04863C 05000000",
     "energy=154 kWh; cooling_energy=5 kWh; "                                                                                                                        },
    {"backward energy of heat and cooling",           HEAT_COOLING, "04863B 9A000000 04863C 05000000",
     "energy=154 kWh; cooling_energy=5 kWh; "                                                                                                                        },
    {"energy of a cooling meter",                     COOLING,      "040E 2D0A0000",                                               "cooling_energy=2.605 GJ; "       },
    {"energy of another medium by direction",         OTHER,        "04863B 01000000 04863C 02000000",
     "energy_forward=1 kWh; energy_backward=2 kWh; "                                                                                                                 },
    {"tariff",                                        HEAT,         "841006 07000000",                                             "energy.t1=7 kWh; "               },
    {"volume",                                        HEAT,         "0414 21020000",                                               "volume=5.45 m3; "                },
    {"pulse inputs of a heat meter",                  HEAT,         "844014 01000000 84804014 02000000",
     "pulse_volume.u1=0.01 m3; pulse_volume.u2=0.02 m3; "                                                                                                            },
    {"subunit of a water meter",                      WATER,        "844014 01000000",                                             "volume.u1=0.01 m3; "             },
    {"backward volume",                               WATER,        "0C943C 01000000",                                             "volume_backward=0.01 m3; "       },
    {"power and flow",                                HEAT,         "022D 0C00 043B 12000000",                                     "power=1.2 kW; flow=0.018 m3/h; " },
    {"negative flow in BCD",                          HEAT,         "0B3B 1600F0",                                                 "flow=-0.016 m3/h; "              },
    {"temperatures of a heat meter",                  HEAT,         "0259 D014 025D 0009 0261 D00B 0265 0200",
     "flow_temperature=53.28 degC; return_temperature=23.04 degC; "
     "temperature_difference=30.24 K; outdoor_temperature=0.02 degC; "                                                                                               },
    {"temperatures of a water meter",                 WATER,        "015B 0C 0167 13",
     "medium_temperature=12 degC; ambient_temperature=19 degC; "                                                                                                     },
    {"temperatures of an allocator",                  HCA,          "025A 9001 0266 C800",
     "radiator_temperature=40.0 degC; room_temperature=20.0 degC; "                                                                                                  },
    {"temperature of a room sensor",                  ROOM,         "0266 C800",                                                   "room_temperature=20.0 degC; "    },
    {"maximum of the last period",                    HEAT,         "542D C9010000",                                               "power.max.s1=45.7 kW; "          },
    {"due date and value",                            HEAT,         "426C BF2A 4406 A7000000",
     "meter_date.s1=2021-10-31; energy.s1=167 kWh; "                                                                                                                 },
    {"monthly storage",                               HEAT,         "820406 0700 840406 A7000000",
     "energy.s8=7 kWh; energy.s8.u32768=167 kWh; "                                                                                                                   },
    {"clock and date of today",                       HEAT,         "046D 2E2B0F31 026C 0F31",
     "meter_time=2024-01-15T11:46; meter_date=2024-01-15; "                                                                                                          },
    {"date and time of a storage",                    HEAT,         "446D 2E2B0F31",                                               "meter_date.s1=2024-01-15T11:46; "},
    {"date that was never set",                       HEAT,         "426C FFFF",                                                   "meter_date.s1=(no_value); "      },
    {"on time, hours in error",                       HEAT,         "0422 50430000 3422 1C000000",
     "on_time=17232 h; error_time=28 h; "                                                                                                                            },
    {"operating time in days",                        HEAT,         "0427 07000000",                                               "operating_time=7 d; "            },
    {"date of a fault",                               HCA,          "326C BF2A",                                                   "error_date=2021-10-31; "         },
    {"value during error state keeps apart",          HEAT,         "0B3B 160000 3B3B 170000",
     "flow=0.016 m3/h; flow.err=0.017 m3/h; "                                                                                                                        },
    {"BCD error display",                             HEAT,         "3C2B BDEBDDDD",                                               "power.err=(invalid); "           },
    {"phases by a maker's VIFE",                      ELECTRICITY,
     "04A9FF01 FF240000 02FDC8FF8200 0A09 0285FF03 0100",                                                                          "active_power.u1025=0.09471 kW {phase 1}; voltage.u2=231.4 V {phase 2}; "
     "active_energy_import.u1027=0.1 kWh {phase 3}; "                                                       },
    {"three phases make a total",                     ELECTRICITY,
     "04A9FF01 FF240000 04A9FF02 6A290000 04A9FF03 46060000",                                                                      THREE_PHASES                      },
    {"a total that is sent is not computed",          ELECTRICITY,
     "04A9FF01 01000000 04A9FF02 01000000 04A9FF03 01000000 0429 07000000",                                                        TOTAL_SENT                        },
    {"an absent phase makes no total",                ELECTRICITY,
     "04A9FF01 01000000 04A9FF02 00000080 04A9FF03 01000000",                                                                      PHASE_ABSENT                      },
    {"a maker's VIFE beside a subunit stays unnamed", ELECTRICITY,  "8440A9FF01 FF240000",
     "experimental.u24199=0.09471 kW {power, VIFE 7F 01}; "                                                                                                          },
    {"what is left of a battery",                     WATER,        "01FDEE7E 78 01FD6E 0C",
     "battery_remaining=120 month; battery_operating_time=12 month; "                                                                                                },
    {"allocator",                                     HCA,          "0B6E 270100 4B6E 450100 CB086E 790000",
     "hca_units=127 hca; hca_units.s1=145 hca; hca_units.s17=79 hca; "                                                                                               },
    {"error flags, and those of OMS",                 HEAT,         "02FD17 0400 02FD971D 0100",
     "info_code=0x0004; oms_info_code=0x0001; "                                                                                                                      },
    {"electric energy",                               ELECTRICITY,  "0403 15CD5B07 04833C 01000000",
     "active_energy_import=123456.789 kWh; active_energy_export=0.001 kWh; "                                                                                         },
    {"electric power",                                ELECTRICITY,  "042B 15000000 04AB3C 16000000",
     "active_power=0.021 kW; active_power_export=0.022 kW; "                                                                                                         },
    {"reactive",                                      ELECTRICITY,  "04FB8275 10000000 04FB82F53C 11000000 04FB14 0A000000",
     "reactive_energy=1.6 kvarh; reactive_energy_export=1.7 kvarh; reactive_power=0.010 "
     "kvar; "                                                                                                                                                        },
    {"phases",                                        ELECTRICITY,  "04FDC8FC01 FC080000 04FDC8FC02 FD080000 04FDC8FC03 FE080000",
     "voltage.u1=230.0 V; voltage.u2=230.1 V; voltage.u3=230.2 V; "                                                                                                  },
    {"frequency",                                     ELECTRICITY,  "02FB2E F401",                                                 "frequency=50.0 Hz; "             },
    {"pressure",                                      WATER,        "0269 E803",                                                   "pressure=10.00 bar; "            },
    {"numbers of the device",                         HEAT,         "0C78 30328584 02FD0E 0701",
     "fabrication_number=84853230; firmware_version=263; "                                                                                                           },
    {"battery",                                       WATER,        "02FD74 640A",                                                 "battery_remaining=2660 d; "      },
    {"average beside the present value",              HEAT,         "022D 0C00 02AD12 0A00",
     "power=1.2 kW; power.u18831=1.0 kW {average power}; "                                                                                                           },
    {"date of a maximum",                             HEAT,         "9410BB6F 2E2B0F31",
     "event_time.max.t1.u27010=2024-01-15T11:46 {last time of volume flow}; "                                                                                        },
    {"upper limit",                                   HEAT,         "04BB48 E8030000",
     "experimental.u22370=1.000 m3/h {upper limit of volume flow}; "                                                                                                 },
    {"the same record twice",                         HEAT,         "0406 A5000000 0406 A5000000",
     "energy=165 kWh; energy.u32768=165 kWh; "                                                                                                                       },
    {"the same key in two units",                     HEAT,         "0406 A5000000 040F A5000000 0406 A6000000",
     "energy=165 kWh; energy.u32768=1.65 GJ; energy.u32769=166 kWh; "                                                                                                },
    {"VIF of the standard without a name",            HEAT,         "04FD72 01020304",
     "unknown=04030201 {VIF FD72, daylight saving rule}; "                                                                                                           },
    {"manufacturer's VIF",                            HEAT,         "04FF07 2B010000",                                             "unknown=299 {VIF FF07}; "        },
    {"passwords are no values",                       HEAT,         "04FD16 01020304 0406 A5000000",                               "energy=165 kWh; "                },
    {"manufacturer data behind 0F",                   HEAT,         "0406 A5000000 0F 010203",                                     "energy=165 kWh; "                },
    {"Fahrenheit is no flow temperature in Celsius",  HEAT,         "02FB5A D004",
     "experimental.u21649=123.2 degF {flow temperature, Fahrenheit}; "                                                                                               },
    {"plain text unit",                               ROOM,         "02FC03485225 74 0A1A",                                        "humidity=66.66 %RH; "            },
    {"nothing",                                       HEAT,         "",                                                            ""                                },
};

static struct hyp_library *library;

static void check(void **state)
{
    const struct row *row = *state;
    uint8_t data[256];
    size_t len = test_hex(row->hex, data, sizeof(data));
    struct hyp_telegram telegram;
    telegram_of(&telegram, row->medium, data, len);
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1 << 20);
    struct hyp_value *values = NULL;
    size_t count = 0;
    struct hyp_civil time;
    struct hyp_error err = {0};
    const struct hyp_profile *generic = hyp_library_find(library, HYP_STR("generic_en13757"));
    assert_int_equal(
        hyp_device_values(library, generic, &telegram, &arena, &values, &count, &time, &err),
        HYP_OK);
    char memory[1024];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    format_values(&text, values, count);
    assert_string_equal(hyp_buf_terminate(&text), row->values);
    hyp_arena_finish(&arena);
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
    int failed = test_list_run(&list, "generic");
    hyp_library_destroy(library);
    return failed;
}
