/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the inspector says of every VIF and VIFE, against the standard's tables written down
 * once more: EN 13757-3:2018 tables 10 to 16 and 18, FB codes that left the standard in 2004
 * among them. A code that no row names must be called reserved. For each type of annex A one
 * record shows that the explanation names it.
 */
#include "support/hex.h"
#include "support/rows.h"

#include "protocol/mbus/record.h"

#define INT16 0x02
#define NO_EXP 99 /* words alone */

/* `count` codes from `first` on: what they are called, and 10^(exp10 + k) of the unit, where k
 * counts the codes. A unit that grows instead is written with '|' between its steps. */
struct words {
    uint8_t first;
    uint8_t count;
    int8_t exp10;
    const char *words;
    const char *unit;
};

#define TIMES "s|min|h|d"
#define SPANS "h|d|month|y"

/* clang-format off */
static const struct words primary[] = {
    {0x00, 8, -3,     "energy",                    "Wh"     },
    {0x08, 8, 0,      "energy",                    "J"      },
    {0x10, 8, -6,     "volume",                    "m³"     },
    {0x18, 8, -3,     "mass",                      "kg"     },
    {0x20, 4, NO_EXP, "on time",                   TIMES    },
    {0x24, 4, NO_EXP, "operating time",            TIMES    },
    {0x28, 8, -3,     "power",                     "W"      },
    {0x30, 8, 0,      "power",                     "J/h"    },
    {0x38, 8, -6,     "volume flow",               "m³/h"   },
    {0x40, 8, -7,     "volume flow",               "m³/min" },
    {0x48, 8, -9,     "volume flow",               "m³/s"   },
    {0x50, 8, -3,     "mass flow",                 "kg/h"   },
    {0x58, 4, -3,     "flow temperature",          "°C"     },
    {0x5C, 4, -3,     "return temperature",        "°C"     },
    {0x60, 4, -3,     "temperature difference",    "K"      },
    {0x64, 4, -3,     "external temperature",      "°C"     },
    {0x68, 4, -3,     "pressure",                  "bar"    },
    {0x6C, 1, NO_EXP, "date",                      NULL     },
    {0x6D, 1, NO_EXP, "date and time",             NULL     },
    {0x6E, 1, NO_EXP, "heat cost allocator units", "units"  },
    {0x70, 4, NO_EXP, "averaging duration",        TIMES    },
    {0x74, 4, NO_EXP, "actuality duration",        TIMES    },
    {0x78, 1, NO_EXP, "fabrication number",        NULL     },
    {0x79, 1, NO_EXP, "enhanced identification",   NULL     },
    {0x7A, 1, NO_EXP, "bus address",               NULL     },
};

static const struct words after_fb[] = {
    {0x00, 2, -1,     "energy",                                  "MWh"                  },
    {0x02, 2, 0,      "reactive energy",                         "kvarh"                },
    {0x04, 2, 0,      "apparent energy",                         "kVAh"                 },
    {0x08, 2, -1,     "energy",                                  "GJ"                   },
    {0x0C, 4, -1,     "energy",                                  "Mcal"                 },
    {0x10, 2, 2,      "volume",                                  "m³"                   },
    {0x14, 4, -3,     "reactive power",                          "kvar"                 },
    {0x18, 2, 2,      "mass",                                    "t"                    },
    {0x1A, 2, -1,     "relative humidity",                       "% RH"                 },
    /* one foot is 0.3048 m, one US gallon 231 cubic inches of 0.0254 m */
    {0x20, 1, NO_EXP, "volume, cubic feet, 0.028316846592 m³",   NULL                   },
    {0x21, 1, NO_EXP, "volume, 0.1 cubic feet, 0.0028316846592 m³", NULL                },
    {0x22, 1, NO_EXP, "volume, 0.1 US gallon, 0.0003785411784 m³", NULL                 },
    {0x23, 1, NO_EXP, "volume, US gallon, 0.003785411784 m³",    NULL                   },
    {0x24, 1, NO_EXP, "volume flow, 0.001 US gallon/min, 0.000003785411784 m³/min", NULL},
    {0x25, 1, NO_EXP, "volume flow, US gallon/min, 0.003785411784 m³/min", NULL         },
    {0x26, 1, NO_EXP, "volume flow, US gallon/h, 0.003785411784 m³/h", NULL             },
    {0x28, 2, -1,     "power",                                   "MW"                   },
    {0x2A, 1, -1,     "phase angle, voltage to voltage",         "°"                    },
    {0x2B, 1, -1,     "phase angle, voltage to current",         "°"                    },
    {0x2C, 4, -3,     "frequency",                               "Hz"                   },
    {0x30, 2, -1,     "power",                                   "GJ/h"                 },
    {0x34, 4, -3,     "apparent power",                          "kVA"                  },
    {0x58, 4, -3,     "flow temperature, Fahrenheit",            "°F"                   },
    {0x5C, 4, -3,     "return temperature, Fahrenheit",          "°F"                   },
    {0x60, 4, -3,     "temperature difference, Fahrenheit",      "°F"                   },
    {0x64, 4, -3,     "external temperature, Fahrenheit",        "°F"                   },
    {0x68, 1, NO_EXP, "allocator rating factor K, 2^-12",        NULL                   },
    {0x69, 1, NO_EXP, "allocator thermal output rating KQ",      "W"                    },
    {0x6A, 1, NO_EXP, "allocator thermal coupling KC, 2^-12",    NULL                   },
    {0x6B, 1, NO_EXP, "allocator thermal coupling, room side, 2^-12", NULL              },
    {0x6C, 1, NO_EXP, "allocator thermal coupling, heater side, 2^-12", NULL            },
    {0x6D, 1, NO_EXP, "allocator low temperature factor KT, 2^-12", NULL                },
    {0x6E, 1, NO_EXP, "allocator display factor KD, 2^-12",      NULL                   },
    {0x70, 4, -3,     "temperature limit, Fahrenheit",           "°F"                   },
    {0x74, 4, -3,     "temperature limit",                       "°C"                   },
    {0x78, 8, -3,     "cumulated maximum power",                 "W"                    },
};

static const struct words after_fd[] = {
    {0x00, 4,  -3,     "credit",                            "currency"   },
    {0x04, 4,  -3,     "debit",                             "currency"   },
    {0x08, 1,  NO_EXP, "unique message identification",     NULL         },
    {0x09, 1,  NO_EXP, "medium",                            NULL         },
    {0x0A, 1,  NO_EXP, "manufacturer",                      NULL         },
    {0x0B, 1,  NO_EXP, "parameter set",                     NULL         },
    {0x0C, 1,  NO_EXP, "model or version",                  NULL         },
    {0x0D, 1,  NO_EXP, "hardware version",                  NULL         },
    {0x0E, 1,  NO_EXP, "firmware version",                  NULL         },
    {0x0F, 1,  NO_EXP, "software version",                  NULL         },
    {0x10, 1,  NO_EXP, "customer location",                 NULL         },
    {0x11, 1,  NO_EXP, "customer",                          NULL         },
    {0x12, 1,  NO_EXP, "access code of the user",           NULL         },
    {0x13, 1,  NO_EXP, "access code of the operator",       NULL         },
    {0x14, 1,  NO_EXP, "access code of the system operator", NULL        },
    {0x15, 1,  NO_EXP, "access code of the developer",      NULL         },
    {0x16, 1,  NO_EXP, "password",                          NULL         },
    {0x17, 1,  NO_EXP, "error flags",                       NULL         },
    {0x18, 1,  NO_EXP, "error mask",                        NULL         },
    {0x19, 1,  NO_EXP, "security key",                      NULL         },
    {0x1A, 1,  NO_EXP, "digital output",                    NULL         },
    {0x1B, 1,  NO_EXP, "digital input",                     NULL         },
    {0x1C, 1,  NO_EXP, "baud rate",                         "Bd"         },
    {0x1D, 1,  NO_EXP, "response delay, bit times",         NULL         },
    {0x1E, 1,  NO_EXP, "retries",                           NULL         },
    {0x1F, 1,  NO_EXP, "remote control",                    NULL         },
    {0x20, 1,  NO_EXP, "first storage number",              NULL         },
    {0x21, 1,  NO_EXP, "last storage number",               NULL         },
    {0x22, 1,  NO_EXP, "size of storage block",             NULL         },
    {0x23, 1,  NO_EXP, "tariff and subunit descriptor",     NULL         },
    {0x24, 6,  NO_EXP, "storage interval",                  "s|min|h|d|month|y"},
    {0x2A, 1,  NO_EXP, "operator specific data",            NULL         },
    {0x2B, 1,  NO_EXP, "time point, second",                "s"          },
    {0x2C, 4,  NO_EXP, "duration since last readout",       TIMES        },
    {0x30, 1,  NO_EXP, "start of tariff",                   NULL         },
    {0x31, 3,  NO_EXP, "duration of tariff",                "min|h|d"    },
    {0x34, 6,  NO_EXP, "period of tariff",                  "s|min|h|d|month|y"},
    {0x3A, 1,  NO_EXP, "dimensionless value",               "count"      },
    {0x3B, 1,  NO_EXP, "wireless M-Bus container",          NULL         },
    {0x3C, 4,  NO_EXP, "period of nominal transmissions",   TIMES        },
    {0x40, 16, -9,     "voltage",                           "V"          },
    {0x50, 16, -12,    "current",                           "A"          },
    {0x60, 1,  NO_EXP, "reset counter",                     "count"      },
    {0x61, 1,  NO_EXP, "cumulation counter",                "count"      },
    {0x62, 1,  NO_EXP, "control signal",                    NULL         },
    {0x63, 1,  NO_EXP, "day of week",                       NULL         },
    {0x64, 1,  NO_EXP, "week number",                       NULL         },
    {0x65, 1,  NO_EXP, "time point of day change",          NULL         },
    {0x66, 1,  NO_EXP, "state of parameter activation",     NULL         },
    {0x67, 1,  NO_EXP, "special supplier information",      NULL         },
    {0x68, 4,  NO_EXP, "duration since last cumulation",    SPANS        },
    {0x6C, 4,  NO_EXP, "operating time of the battery",     SPANS        },
    {0x70, 1,  NO_EXP, "time of battery change",            NULL         },
    {0x71, 1,  NO_EXP, "received signal level",             "dBm"        },
    {0x72, 1,  NO_EXP, "daylight saving rule",              NULL         },
    {0x73, 1,  NO_EXP, "listening window",                  NULL         },
    {0x74, 1,  NO_EXP, "remaining battery life",            "d"          },
    {0x75, 1,  NO_EXP, "number of stops",                   "count"      },
    {0x76, 1,  NO_EXP, "manufacturer container",            NULL         },
};

static const struct words after_fd_fd[] = {
    {0x00, 1, NO_EXP, "selected application",   NULL     },
    {0x02, 2, NO_EXP, "remaining battery life", "month|y"},
};

/* Behind any VIF; 00 to 1F as a meter sends them. */
static const struct words combinable[] = {
    {0x00, 1, NO_EXP, "no error",                                   NULL},
    {0x01, 1, NO_EXP, "too many DIFEs",                             NULL},
    {0x02, 1, NO_EXP, "storage number not implemented",             NULL},
    {0x03, 1, NO_EXP, "unit number not implemented",                NULL},
    {0x04, 1, NO_EXP, "tariff number not implemented",              NULL},
    {0x05, 1, NO_EXP, "function not implemented",                   NULL},
    {0x06, 1, NO_EXP, "data class not implemented",                 NULL},
    {0x07, 1, NO_EXP, "data size not implemented",                  NULL},
    {0x0B, 1, NO_EXP, "too many VIFEs",                             NULL},
    {0x0C, 1, NO_EXP, "illegal VIF group",                          NULL},
    {0x0D, 1, NO_EXP, "illegal VIF exponent",                       NULL},
    {0x0E, 1, NO_EXP, "VIF and DIF do not match",                   NULL},
    {0x0F, 1, NO_EXP, "unimplemented action",                       NULL},
    {0x12, 1, NO_EXP, "average value",                              NULL},
    {0x13, 1, NO_EXP, "inverse compact profile",                    NULL},
    {0x14, 1, NO_EXP, "relative deviation",                         NULL},
    {0x15, 1, NO_EXP, "no data available",                          NULL},
    {0x16, 1, NO_EXP, "data overflow",                              NULL},
    {0x17, 1, NO_EXP, "data underflow",                             NULL},
    {0x18, 1, NO_EXP, "data error",                                 NULL},
    {0x1C, 1, NO_EXP, "premature end of record",                    NULL},
    {0x1D, 1, NO_EXP, "standard conform data content",              NULL},
    {0x1E, 1, NO_EXP, "compact profile with register numbers",      NULL},
    {0x1F, 1, NO_EXP, "compact profile",                            NULL},
    {0x20, 1, NO_EXP, "per second",                                 NULL},
    {0x21, 1, NO_EXP, "per minute",                                 NULL},
    {0x22, 1, NO_EXP, "per hour",                                   NULL},
    {0x23, 1, NO_EXP, "per day",                                    NULL},
    {0x24, 1, NO_EXP, "per week",                                   NULL},
    {0x25, 1, NO_EXP, "per month",                                  NULL},
    {0x26, 1, NO_EXP, "per year",                                   NULL},
    {0x27, 1, NO_EXP, "per revolution or measurement",              NULL},
    {0x28, 1, NO_EXP, "increment per pulse of input 0",             NULL},
    {0x29, 1, NO_EXP, "increment per pulse of input 1",             NULL},
    {0x2A, 1, NO_EXP, "increment per pulse of output 0",            NULL},
    {0x2B, 1, NO_EXP, "increment per pulse of output 1",            NULL},
    {0x2C, 1, NO_EXP, "per litre",                                  NULL},
    {0x2D, 1, NO_EXP, "per m3",                                     NULL},
    {0x2E, 1, NO_EXP, "per kg",                                     NULL},
    {0x2F, 1, NO_EXP, "per K",                                      NULL},
    {0x30, 1, NO_EXP, "per kWh",                                    NULL},
    {0x31, 1, NO_EXP, "per GJ",                                     NULL},
    {0x32, 1, NO_EXP, "per kW",                                     NULL},
    {0x33, 1, NO_EXP, "per K*l",                                    NULL},
    {0x34, 1, NO_EXP, "per V",                                      NULL},
    {0x35, 1, NO_EXP, "per A",                                      NULL},
    {0x36, 1, NO_EXP, "multiplied by s",                            NULL},
    {0x37, 1, NO_EXP, "multiplied by s/V",                          NULL},
    {0x38, 1, NO_EXP, "multiplied by s/A",                          NULL},
    {0x39, 1, NO_EXP, "start date of",                              NULL},
    {0x3A, 1, NO_EXP, "uncorrected",                                NULL},
    {0x3B, 1, NO_EXP, "forward contributions only",                 NULL},
    {0x3C, 1, NO_EXP, "backward contributions only, absolute",      NULL},
    {0x3D, 1, NO_EXP, "non-metric units",                           NULL},
    {0x3E, 1, NO_EXP, "at base conditions",                         NULL},
    {0x3F, 1, NO_EXP, "OBIS declaration",                           NULL},
    {0x40, 1, NO_EXP, "lower limit value",                          NULL},
    {0x41, 1, NO_EXP, "times below the lower limit",                NULL},
    {0x42, 1, NO_EXP, "begin of first time below the lower limit",  NULL},
    {0x43, 1, NO_EXP, "end of first time below the lower limit",    NULL},
    {0x46, 1, NO_EXP, "begin of last time below the lower limit",   NULL},
    {0x47, 1, NO_EXP, "end of last time below the lower limit",     NULL},
    {0x48, 1, NO_EXP, "upper limit value",                          NULL},
    {0x49, 1, NO_EXP, "times above the upper limit",                NULL},
    {0x4A, 1, NO_EXP, "begin of first time above the upper limit",  NULL},
    {0x4B, 1, NO_EXP, "end of first time above the upper limit",    NULL},
    {0x4E, 1, NO_EXP, "begin of last time above the upper limit",   NULL},
    {0x4F, 1, NO_EXP, "end of last time above the upper limit",     NULL},
    {0x50, 4, NO_EXP, "duration of first time below the lower limit", TIMES},
    {0x54, 4, NO_EXP, "duration of last time below the lower limit", TIMES},
    {0x58, 4, NO_EXP, "duration of first time above the upper limit", TIMES},
    {0x5C, 4, NO_EXP, "duration of last time above the upper limit", TIMES},
    {0x60, 4, NO_EXP, "first duration of",                          TIMES},
    {0x64, 4, NO_EXP, "last duration of",                           TIMES},
    {0x68, 1, NO_EXP, "value while below the lower limit",          NULL},
    {0x69, 1, NO_EXP, "leakage value",                              NULL},
    {0x6A, 1, NO_EXP, "begin of first",                             NULL},
    {0x6B, 1, NO_EXP, "end of first",                               NULL},
    {0x6C, 1, NO_EXP, "value while above the upper limit",          NULL},
    {0x6D, 1, NO_EXP, "overflow value",                             NULL},
    {0x6E, 1, NO_EXP, "begin of last",                              NULL},
    {0x6F, 1, NO_EXP, "end of last",                                NULL},
    {0x70, 8, -6,     "multiplied by",                              ""  },
    {0x78, 4, -3,     "plus",                                       ""  },
    {0x7C, 1, NO_EXP, "extension of the VIFE table",                NULL},
    {0x7D, 1, 3,      "multiplied by",                              ""  },
    {0x7E, 1, NO_EXP, "future value",                               NULL},
    {0x7F, 1, NO_EXP, "manufacturer specific from here",            NULL},
};

static const struct words after_fc[] = {
    {0x01, 1, NO_EXP, "at phase L1",                                        NULL},
    {0x02, 1, NO_EXP, "at phase L2",                                        NULL},
    {0x03, 1, NO_EXP, "at phase L3",                                        NULL},
    {0x04, 1, NO_EXP, "at neutral",                                         NULL},
    {0x05, 1, NO_EXP, "between phases L1 and L2",                           NULL},
    {0x06, 1, NO_EXP, "between phases L2 and L3",                           NULL},
    {0x07, 1, NO_EXP, "between phases L3 and L1",                           NULL},
    {0x08, 1, NO_EXP, "quadrant Q1",                                        NULL},
    {0x09, 1, NO_EXP, "quadrant Q2",                                        NULL},
    {0x0A, 1, NO_EXP, "quadrant Q3",                                        NULL},
    {0x0B, 1, NO_EXP, "quadrant Q4",                                        NULL},
    {0x0C, 1, NO_EXP, "delta of import and export",                         NULL},
    {0x10, 1, NO_EXP, "forward and backward contributions, both absolute",  NULL},
    {0x11, 1, NO_EXP, "data type C",                                        NULL},
    {0x12, 1, NO_EXP, "data type D",                                        NULL},
    {0x14, 1, NO_EXP, "from the partner to the meter",                      NULL},
    {0x15, 1, NO_EXP, "from the meter to the partner",                      NULL},
};

static const struct table {
    const char *name;
    uint8_t prefix[2]; /* VIF bytes in front of the code */
    uint8_t prefix_len;
    uint8_t last;   /* codes above lead elsewhere */
    bool vife;      /* the code is a VIFE: its note is the last one of the VIB */
    const char *clause;
    const struct words *rows;
    size_t count;
} tables[] = {
    {"primary VIFs",    {0},          0, 0x7A, false, "EN 13757-3 6.4.2", primary,     HYP_ARRAY_LEN(primary)    },
    {"VIFs after FB",   {0xFB},       1, 0x7F, false, "EN 13757-3 6.4.5", after_fb,    HYP_ARRAY_LEN(after_fb)   },
    {"VIFs after FD",   {0xFD},       1, 0x7C, false, "EN 13757-3 6.4.4", after_fd,    HYP_ARRAY_LEN(after_fd)   },
    {"VIFs after FDFD", {0xFD, 0xFD}, 2, 0x7F, false, "EN 13757-3 6.4.4", after_fd_fd, HYP_ARRAY_LEN(after_fd_fd)},
    {"VIFEs",           {0x93},       1, 0x7F, true,  "EN 13757-3 6.4.6", combinable,  HYP_ARRAY_LEN(combinable) },
    {"VIFEs after FC",  {0x93, 0xFC}, 2, 0x7F, true,  "EN 13757-3 6.4.6", after_fc,    HYP_ARRAY_LEN(after_fc)   },
};

/* clang-format on */

/* The k-th of the texts that '|' parts. */
static struct hyp_str nth(const char *texts, unsigned k)
{
    for (; k > 0; k--) {
        texts = strchr(texts, '|') + 1;
    }
    const char *end = strchr(texts, '|');
    return (struct hyp_str){.ptr = texts,
                            .len = end == NULL ? strlen(texts) : (size_t)(end - texts)};
}

static void expect_words(const struct table *table, unsigned code, struct hyp_buf *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct words *row = &table->rows[i];
        if (code < row->first || code >= (unsigned)row->first + row->count) {
            continue;
        }
        const unsigned k = code - row->first;
        const int exp10 = row->exp10 + (int)k;
        hyp_buf_append_text(out, row->words);
        if (row->exp10 != NO_EXP && table->vife) {
            hyp_buf_append_fmt(out, " 10^%d", exp10);
        } else if (row->exp10 != NO_EXP && exp10 != 0) {
            hyp_buf_append_fmt(out, ", 10^%d %s", exp10, row->unit);
        } else if (row->unit != NULL) {
            struct hyp_str unit = nth(row->unit, row->exp10 == NO_EXP ? k : 0);
            hyp_buf_append_fmt(out, ", in %.*s", (int)unit.len, unit.ptr);
        }
        return;
    }
    hyp_buf_append_text(out, "reserved");
}

struct notes {
    struct hyp_note all[16];
    struct hyp_explain explain;
};

static void explain(const uint8_t *bytes, size_t len, struct notes *ret_notes)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    hyp_explain_init(&ret_notes->explain, ret_notes->all, HYP_ARRAY_LEN(ret_notes->all));
    hyp_mbus_records_init(&records, bytes, len, &ret_notes->explain);
    assert_int_equal(hyp_mbus_records_next(&records, &record, NULL), HYP_OK);
    assert_int_equal(ret_notes->explain.dropped, 0);
}

/* The first or last note of the VIB. */
static const struct hyp_note *vib_note(const struct notes *notes, bool last)
{
    const struct hyp_note *found = NULL;
    for (size_t i = 0; i < notes->explain.count; i++) {
        if (notes->all[i].layer == HYP_NOTE_VIB && (found == NULL || last)) {
            found = &notes->all[i];
        }
    }
    assert_non_null(found);
    return found;
}

/* What a meter may say is wrong with a record; the codes between are kept for the same. */
static bool is_record_error(const struct table *table, unsigned code)
{
    return table->rows == combinable && (code <= 0x11 || (code >= 0x15 && code <= 0x1C));
}

static void check_table(void **state)
{
    const struct table *table = *state;
    for (unsigned code = 0; code <= table->last; code++) {
        if (table->prefix_len == 0 && code == 0x6F) {
            continue; /* EF: the third extension table */
        }
        uint8_t bytes[8] = {INT16};
        size_t len = 1;
        memcpy(bytes + len, table->prefix, table->prefix_len);
        len += table->prefix_len;
        bytes[len++] = (uint8_t)code;
        len += 2;
        char memory[HYP_NOTE_TEXT_MAX];
        struct hyp_buf words;
        struct notes notes;
        hyp_buf_init_fixed(&words, memory, sizeof(memory));
        expect_words(table, code, &words);
        explain(bytes, len, &notes);
        const struct hyp_note *note = vib_note(&notes, table->vife);
        if (strcmp(note->meaning, hyp_buf_terminate(&words)) != 0) {
            fail_msg("%s: code %02X is \"%s\", not \"%s\"", table->name, code, note->meaning,
                     memory);
        }
        assert_string_equal(note->clause,
                            is_record_error(table, code) ? "EN 13757-3 6.4.8" : table->clause);
        assert_int_equal(note->offset + note->len, len - 2);
    }
}

/* --- special VIFs and data types --- */

/* clang-format off */
static const struct one {
    const char *name;
    const char *hex;
    const char *vif_clause; /* of the first note of the VIB */
    const char *data_clause;
} ones[] = {
    {"third extension table",      "01 EF 05 07",                     "EN 13757-3 6.4.3", "EN 13757-3 A, type B"},
    {"any VIF",                    "01 7E 05",                        "EN 13757-3 6.4.3", "EN 13757-3 A, type B"},
    {"maker's VIF",                "02 FF 22 0000",                   "EN 13757-3 6.4.3", "EN 13757-3 6.4.3"    },
    {"maker's VIFE",               "02 93 FF 22 0000",                "EN 13757-3 6.4.2", "EN 13757-3 6.4.3"    },
    {"plain text",                 "02 7C 03 48 52 25 3412",          "EN 13757-3 C.2",   "EN 13757-3 A, type B"},
    {"BCD is type A",              "0C 13 78563412",                  "EN 13757-3 6.4.2", "EN 13757-3 A, type A"},
    {"a number in BCD is type A",  "0C 78 78563412",                  "EN 13757-3 6.4.2", "EN 13757-3 A, type A"},
    {"integers are type B",        "04 13 01000000",                  "EN 13757-3 6.4.2", "EN 13757-3 A, type B"},
    {"numbers of things are C",    "04 78 01000000",                  "EN 13757-3 6.4.2", "EN 13757-3 A, type C"},
    {"humidity is type C",         "02 FB 1A 0100",                   "EN 13757-3 6.4.5", "EN 13757-3 A, type C"},
    {"counts are type C",          "02 DA 49 0100",                   "EN 13757-3 6.4.2", "EN 13757-3 A, type C"},
    {"durations are type C",       "02 DA 61 0100",                   "EN 13757-3 6.4.2", "EN 13757-3 A, type C"},
    {"FC 11 makes type C",         "02 93 FC 11 0100",                "EN 13757-3 6.4.2", "EN 13757-3 A, type C"},
    {"FC 12 makes type D",         "02 93 FC 12 0100",                "EN 13757-3 6.4.2", "EN 13757-3 A, type D"},
    {"flags are type D",           "02 FD 17 0100",                   "EN 13757-3 6.4.4", "EN 13757-3 A, type D"},
    {"date and time is type F",    "04 6D 32147A18",                  "EN 13757-3 6.4.2", "EN 13757-3 A, type F"},
    {"date is type G",             "02 6C 8121",                      "EN 13757-3 6.4.2", "EN 13757-3 A, type G"},
    {"float is type H",            "05 2E 0000803F",                  "EN 13757-3 6.4.2", "EN 13757-3 A, type H"},
    {"date with seconds is I",     "06 6D 0A140B8D3500",              "EN 13757-3 6.4.2", "EN 13757-3 A, type I"},
    {"time of day is type J",      "03 6D 0A140B",                    "EN 13757-3 6.4.2", "EN 13757-3 A, type J"},
    {"time of an event is type F", "04 DA 6F 32147A18",               "EN 13757-3 6.4.2", "EN 13757-3 A, type F"},
    {"daylight saving is type K",  "04 FD 72 01020304",               "EN 13757-3 6.4.4", "EN 13757-3 A, type K"},
    {"listening window is type L", "0D FD 73 EB 0102030405060708090A0B", "EN 13757-3 6.4.4", "EN 13757-3 A, type L"},
    {"date of any length is M",    "0D 6D 05 0102030405",             "EN 13757-3 6.4.2", "EN 13757-3 A, type M"},
    {"characters",                 "0D FD 11 03 333231",              "EN 13757-3 6.4.4", "EN 13757-3 6.3.3"    },
    {"radio message",              "0D FD 3B 03 1844AE",              "EN 13757-3 6.4.4", "EN 13757-3 6.3.3"    },
    {"BCD of any length",          "0D 06 C3 563412",                 "EN 13757-3 6.4.2", "EN 13757-3 A, type A"},
    {"binary of any length",       "0D 06 E3 563412",                 "EN 13757-3 6.4.2", "EN 13757-3 A, type B"},
};

/* clang-format on */

static void check_one(void **state)
{
    const struct one *one = *state;
    uint8_t bytes[32];
    struct notes notes;
    const size_t len = test_hex(one->hex, bytes, sizeof(bytes));
    explain(bytes, len, &notes);
    assert_string_equal(vib_note(&notes, false)->clause, one->vif_clause);
    const struct hyp_note *last = &notes.all[notes.explain.count - 1];
    assert_int_equal(last->layer, HYP_NOTE_DATA);
    assert_string_equal(last->clause, one->data_clause);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, tables, check_table);
    TEST_ROWS(&list, ones, check_one);
    return test_list_run(&list, "mbus_words");
}
