/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plant.h"

#include "support/rows.h"

struct text_row {
    const char *name;
    const char *text;
    const char *canonical; /* NULL = refused */
};

static const struct text_row text_rows[] = {
    {"none",                  "none",                           "none"             },
    {"quarter",               "every 15 min",                   "every 15 min"     },
    {"blanks around",         "  every   15  min ",             "every 15 min"     },
    {"whole hours",           "every 120 min",                  "every 2 h"        },
    {"hours",                 "every 2 h",                      "every 2 h"        },
    {"hour",                  "every hour",                     "every 1 h"        },
    {"hourly",                "Hourly",                         "every 1 h"        },
    {"whole day",             "every 24 h",                     "every 24 h"       },
    {"daily",                 "daily 03:10",                    "daily 03:10"      },
    {"one digit hour",        "daily 3:10",                     "daily 03:10"      },
    {"working days",          "Mon-Fri 06:00",                  "Mon-Fri 06:00"    },
    {"en dash",
     "Mon\xE2\x80\x93"
     "Fri 06:00",                                               "Mon-Fri 06:00"    },
    {"list",                  "Mon,Wed 06:00",                  "Mon,Wed 06:00"    },
    {"pair is a list",        "Mon-Tue 06:00",                  "Mon,Tue 06:00"    },
    {"range and day",         "Mon-Wed,Sat 23:59",              "Mon-Wed,Sat 23:59"},
    {"over Sunday",           "Fri-Mon 00:00",                  "Mon,Fri-Sun 00:00"},
    {"all days",              "Mon-Sun 12:00",                  "daily 12:00"      },
    {"one day",               "sun 12:00",                      "Sun 12:00"        },
    {"empty",                 "",                               NULL               },
    {"blank",                 "   ",                            NULL               },
    {"zero minutes",          "every 0 min",                    NULL               },
    {"over a day",            "every 25 h",                     NULL               },
    {"over a day in minutes", "every 1441 min",                 NULL               },
    {"huge number",           "every 99999999999999999999 min", NULL               },
    {"no unit",               "every 15",                       NULL               },
    {"no period",             "every",                          NULL               },
    {"seconds",               "every 15 s",                     NULL               },
    {"tail",                  "every 15 min please",            NULL               },
    {"hour 24",               "daily 24:00",                    NULL               },
    {"minute 60",             "daily 00:60",                    NULL               },
    {"no time",               "daily",                          NULL               },
    {"one digit minute",      "daily 03:1",                     NULL               },
    {"three digit hour",      "daily 003:10",                   NULL               },
    {"sign",                  "daily -3:10",                    NULL               },
    {"unknown day",           "Mo-Fr 06:00",                    NULL               },
    {"open range",            "Mon- 06:00",                     NULL               },
    {"cut en dash",           "Mon\xE2 06:00",                  NULL               },
    {"empty part",            "Mon,,Tue 06:00",                 NULL               },
    {"none with tail",        "none 06:00",                     NULL               },
};

static void check_text(void **state)
{
    const struct text_row *row = *state;
    struct hyp_schedule schedule;
    struct hyp_error err = {0};
    enum hyp_status status = hyp_schedule_parse(hyp_str_from(row->text), &schedule, &err);
    if (row->canonical == NULL) {
        assert_int_equal(status, HYP_INVALID);
        assert_true(strlen(err.text) > 0);
        return;
    }
    assert_int_equal(status, HYP_OK);
    char memory[64];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, sizeof(memory));
    hyp_schedule_format(&out, &schedule);
    assert_string_equal(hyp_buf_terminate(&out), row->canonical);
    struct hyp_schedule again;
    assert_int_equal(hyp_schedule_parse(hyp_buf_view(&out), &again, NULL), HYP_OK);
    assert_int_equal(again.kind, schedule.kind);
    assert_int_equal(again.minutes, schedule.minutes);
    assert_int_equal(again.minute_of_day, schedule.minute_of_day);
    assert_int_equal(again.weekdays, schedule.weekdays);
}

struct next_row {
    const char *name;
    const char *schedule;
    const char *after;
    int offset;
    const char *due; /* NULL = never */
};

static const struct next_row next_rows[] = {
    {"quarter mid slot",                   "every 15 min",  "2026-03-01T10:07:30Z",     0,    "2026-03-01T10:15:00Z"},
    {"quarter on the slot",                "every 15 min",  "2026-03-01T10:15:00Z",     0,    "2026-03-01T10:30:00Z"},
    {"just before the slot",               "every 15 min",  "2026-03-01T10:14:59.999Z", 0,
     "2026-03-01T10:15:00Z"                                                                                         },
    {"over midnight",                      "every 15 min",  "2026-02-28T23:50:00Z",     0,    "2026-03-01T00:00:00Z"},
    {"hour",                               "every 1 h",     "2026-03-01T10:00:01Z",     60,   "2026-03-01T11:00:00Z"},
    {"hour, half-hour zone",               "every 1 h",     "2026-03-01T10:00:01Z",     330,  "2026-03-01T10:30:00Z"},
    {"two hours are local",                "every 2 h",     "2026-03-01T10:00:00Z",     60,   "2026-03-01T11:00:00Z"},
    {"uneven period restarts at midnight", "every 7 h",     "2026-03-01T21:30:00Z",     0,
     "2026-03-02T00:00:00Z"                                                                                         },
    {"whole day",                          "every 24 h",    "2026-03-01T00:00:00Z",     0,    "2026-03-02T00:00:00Z"},
    {"daily today",                        "daily 03:10",   "2026-03-01T02:00:00Z",     60,   "2026-03-01T02:10:00Z"},
    {"daily tomorrow",                     "daily 03:10",   "2026-03-01T02:10:00Z",     60,   "2026-03-02T02:10:00Z"},
    {"daily west",                         "daily 23:00",   "2026-03-01T03:59:00Z",     -300, "2026-03-01T04:00:00Z"},
    {"Friday to Monday",                   "Mon-Fri 06:00", "2026-02-27T06:00:00Z",     0,    "2026-03-02T06:00:00Z"},
    {"same weekday next week",             "Sun 06:00",     "2026-03-01T06:00:00Z",     0,    "2026-03-08T06:00:00Z"},
    {"weekday is local",                   "Mon 00:30",     "2026-03-01T22:00:00Z",     120,  "2026-03-01T22:30:00Z"},
    {"before 1970",                        "every 15 min",  "1969-12-31T23:59:59Z",     0,    "1970-01-01T00:00:00Z"},
    {"Thursday 1970",                      "Thu 00:01",     "1969-12-31T23:59:59Z",     0,    "1970-01-01T00:01:00Z"},
    {"none",                               "none",          "2026-03-01T06:00:00Z",     0,    NULL                  },
};

static hyp_utc utc_of(const char *text)
{
    hyp_utc time = {0};
    assert_int_equal(hyp_utc_parse(hyp_str_from(text), &time), HYP_OK);
    return time;
}

static void check_next(void **state)
{
    const struct next_row *row = *state;
    struct hyp_schedule schedule;
    assert_int_equal(hyp_schedule_parse(hyp_str_from(row->schedule), &schedule, NULL), HYP_OK);
    hyp_utc due = hyp_schedule_next(&schedule, utc_of(row->after), row->offset);
    int64_t expected = row->due == NULL ? INT64_MAX : utc_of(row->due).ms;
    assert_int_equal(due.ms, expected);
}

static void day_has_96_quarters(void **state)
{
    (void)state;
    struct hyp_schedule schedule = {.kind = HYP_SCHEDULE_EVERY, .minutes = 15};
    hyp_utc end = utc_of("2026-03-02T00:00:00Z");
    hyp_utc at = {utc_of("2026-03-01T00:00:00Z").ms - 1};
    size_t slots = 0;
    for (;;) {
        at = hyp_schedule_next(&schedule, at, 60);
        if (at.ms >= end.ms) {
            break;
        }
        slots++;
    }
    assert_int_equal(slots, 96);
}

static void damaged_schedules_are_never_due(void **state)
{
    (void)state;
    struct hyp_schedule no_period = {.kind = HYP_SCHEDULE_EVERY, .minutes = 0};
    struct hyp_schedule no_weekday = {.kind = HYP_SCHEDULE_DAILY, .weekdays = 0};
    assert_int_equal(hyp_schedule_next(&no_period, (hyp_utc){0}, 0).ms, INT64_MAX);
    assert_int_equal(hyp_schedule_next(&no_weekday, (hyp_utc){0}, 0).ms, INT64_MAX);
}

static void line_kinds_read_back(void **state)
{
    (void)state;
    for (int i = HYP_LINE_UNSET + 1; i < HYP_LINE_KIND_COUNT; i++) {
        enum hyp_line_kind kind = HYP_LINE_UNSET;
        const char *text = hyp_line_kind_text((enum hyp_line_kind)i);
        assert_int_equal(hyp_line_kind_find(hyp_str_from(text), &kind), HYP_OK);
        assert_int_equal(kind, i);
    }
    enum hyp_line_kind kind = HYP_LINE_UNSET;
    assert_int_equal(hyp_line_kind_find(HYP_STR("unset"), &kind), HYP_NOT_FOUND);
    assert_int_equal(hyp_line_kind_find(HYP_STR("mbus"), &kind), HYP_NOT_FOUND);
}

static void job_words(void **state)
{
    (void)state;
    assert_string_equal(hyp_job_state_text(HYP_JOB_UNKNOWN), "unknown");
    assert_string_equal(hyp_job_state_text(HYP_JOB_DONE_WITH_ERRORS), "done_with_errors");
    assert_string_equal(hyp_job_state_text(HYP_JOB_ERROR), "error");
    assert_string_equal(hyp_job_kind_text(HYP_JOB_READ), "read");
    assert_string_equal(hyp_job_kind_text(HYP_JOB_TEST), "test");
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, text_rows, check_text);
    TEST_ROWS(&list, next_rows, check_next);
    TEST_ONE(&list, day_has_96_quarters);
    TEST_ONE(&list, damaged_schedules_are_never_due);
    TEST_ONE(&list, line_kinds_read_back);
    TEST_ONE(&list, job_words);
    return test_list_run(&list, "plant");
}
