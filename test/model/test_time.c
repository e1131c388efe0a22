/* SPDX-License-Identifier: Apache-2.0 */
#include "model/time.h"

#include "support/rows.h"

struct civil_row {
    const char *name;
    const char *text;
    const char *canonical; /* NULL = refused */
};

static const struct civil_row civil_rows[] = {
    {"date",               "2026-01-31",          "2026-01-31"         },
    {"minute",             "2026-01-31T14:05",    "2026-01-31T14:05"   },
    {"second",             "2026-01-31T14:05:09", "2026-01-31T14:05:09"},
    {"blank instead of T", "2026-01-31 14:05",    "2026-01-31T14:05"   },
    {"time of day",        "14:05:09",            "14:05:09"           },
    {"leap day",           "2024-02-29",          "2024-02-29"         },
    {"leap century",       "2000-02-29",          "2000-02-29"         },
    {"no leap century",    "1900-02-29",          NULL                 },
    {"no leap year",       "2026-02-29",          NULL                 },
    {"day 31 of April",    "2026-04-31",          NULL                 },
    {"day 0",              "2026-04-00",          NULL                 },
    {"month 13",           "2026-13-01",          NULL                 },
    {"month 0",            "2026-00-01",          NULL                 },
    {"year 0",             "0000-01-01",          NULL                 },
    {"hour 24",            "2026-01-01T24:00",    NULL                 },
    {"second 60",          "2026-01-01T23:59:60", NULL                 },
    {"short time of day",  "14:05",               NULL                 },
    {"zone",               "2026-01-31T14:05Z",   NULL                 },
    {"one digit month",    "2026-1-31",           NULL                 },
    {"empty",              "",                    NULL                 },
    {"open",               "2026-01-31T",         NULL                 },
};

static void check_civil(void **state)
{
    const struct civil_row *row = *state;
    struct hyp_civil civil;
    enum hyp_status status = hyp_civil_parse(hyp_str_from(row->text), &civil);
    assert_int_equal(status, row->canonical == NULL ? HYP_INVALID : HYP_OK);
    if (row->canonical != NULL) {
        char memory[40];
        struct hyp_buf out;
        hyp_buf_init_fixed(&out, memory, sizeof(memory));
        hyp_civil_format(&out, &civil);
        assert_string_equal(hyp_buf_terminate(&out), row->canonical);
    }
}

struct utc_row {
    const char *name;
    const char *text;
    bool ok;
    int64_t ms;
    const char *canonical;
};

static const struct utc_row utc_rows[] = {
    {"epoch",          "1970-01-01T00:00:00Z",        true,  0,             "1970-01-01T00:00:00Z"    },
    {"milliseconds",   "2001-09-09T01:46:40.250Z",    true,  1000000000250,
     "2001-09-09T01:46:40.250Z"                                                                       },
    {"microseconds",   "2001-09-09T01:46:40.250999Z", true,  1000000000250,
     "2001-09-09T01:46:40.250Z"                                                                       },
    {"east",           "2001-09-09T03:46:40+02:00",   true,  1000000000000, "2001-09-09T01:46:40Z"    },
    {"west, no colon", "2001-09-08T22:16:40-0330",    true,  1000000000000, "2001-09-09T01:46:40Z"    },
    {"hours only",     "2001-09-09T03:46:40+02",      true,  1000000000000, "2001-09-09T01:46:40Z"    },
    {"no seconds",     "2001-09-09T01:46Z",           true,  999999960000,  "2001-09-09T01:46:00Z"    },
    {"digits",         "1000000000250",               true,  1000000000250, "2001-09-09T01:46:40.250Z"},
    {"before epoch",   "1969-12-31T23:59:59.999Z",    true,  -1,            "1969-12-31T23:59:59.999Z"},
    {"leap day",       "2024-02-29T00:00:00Z",        true,  1709164800000, "2024-02-29T00:00:00Z"    },
    {"no zone",        "2001-09-09T01:46:40",         false, 0,             NULL                      },
    {"date only",      "2001-09-09",                  false, 0,             NULL                      },
    {"empty fraction", "2001-09-09T01:46:40.Z",       false, 0,             NULL                      },
    {"offset too far", "2001-09-09T01:46:40+15:00",   false, 0,             NULL                      },
    {"offset minutes", "2001-09-09T01:46:40+01:60",   false, 0,             NULL                      },
    {"tail",           "2001-09-09T01:46:40Zx",       false, 0,             NULL                      },
    {"short digits",   "123",                         false, 0,             NULL                      },
    {"bad day",        "2001-09-31T01:46:40Z",        false, 0,             NULL                      },
    {"empty",          "",                            false, 0,             NULL                      },
};

static void check_utc(void **state)
{
    const struct utc_row *row = *state;
    hyp_utc time = {77};
    enum hyp_status status = hyp_utc_parse(hyp_str_from(row->text), &time);
    assert_int_equal(status, row->ok ? HYP_OK : HYP_INVALID);
    assert_int_equal(time.ms, row->ok ? row->ms : 77);
    if (row->ok) {
        char memory[40];
        struct hyp_buf out;
        hyp_buf_init_fixed(&out, memory, sizeof(memory));
        hyp_utc_format(&out, time);
        assert_string_equal(hyp_buf_terminate(&out), row->canonical);
    }
}

static void every_day_of_800_years_reads_back(void **state)
{
    (void)state;
    int64_t first = hyp_days_from_date(1600, 1, 1);
    int64_t last = hyp_days_from_date(2400, 1, 1);
    assert_int_equal(last - first, 292194);
    assert_int_equal(hyp_days_from_date(1970, 1, 1), 0);
    for (int64_t day = first; day < last; day++) {
        struct hyp_civil civil = hyp_civil_from_seconds(day * 86400 + 86399);
        assert_true(hyp_civil_is_valid(&civil));
        assert_int_equal(hyp_days_from_date(civil.year, civil.month, civil.day), day);
        assert_int_equal(hyp_civil_to_seconds(&civil), day * 86400 + 86399);
    }
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, civil_rows, check_civil);
    TEST_ROWS(&list, utc_rows, check_utc);
    TEST_ONE(&list, every_day_of_800_years_reads_back);
    return test_list_run(&list, "time");
}
