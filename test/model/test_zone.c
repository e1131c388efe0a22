/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zones are built from POSIX rules in a constructed TZif file, so that the tests need no zone
 * data of the machine; one test compares with the machine's files where they are.
 */
#include "model/zone.h"

#include "base/buf.h"

#include "support/rows.h"

#include <stdio.h>

static const char copenhagen[] = "CET-1CEST,M3.5.0,M10.5.0/3";

static void append_header(struct hyp_buf *out, uint32_t transitions, uint32_t types)
{
    hyp_buf_append_text(out, "TZif2");
    for (int i = 0; i < 15; i++) {
        hyp_buf_append_u8(out, 0);
    }
    hyp_buf_append_be32(out, 0);
    hyp_buf_append_be32(out, 0);
    hyp_buf_append_be32(out, 0);
    hyp_buf_append_be32(out, transitions);
    hyp_buf_append_be32(out, types);
    hyp_buf_append_be32(out, 4);
}

static void append_type(struct hyp_buf *out, int32_t seconds)
{
    hyp_buf_append_be32(out, (uint32_t)seconds);
    hyp_buf_append_text(out, "");
    hyp_buf_append_u8(out, 0);
    hyp_buf_append_u8(out, 0);
}

/* No transitions: the rule holds for all times. */
static void append_file(struct hyp_buf *out, const char *rule)
{
    for (int block = 0; block < 2; block++) {
        append_header(out, 0, 1);
        append_type(out, 3600);
        hyp_buf_append(out, "XXX", 4);
    }
    hyp_buf_append_char(out, '\n');
    hyp_buf_append_text(out, rule);
    hyp_buf_append_char(out, '\n');
}

static struct hyp_zone *zone_of(const char *rule)
{
    struct hyp_buf file;
    hyp_buf_init_heap(&file, 1000);
    append_file(&file, rule);
    struct hyp_zone *zone = NULL;
    struct hyp_error err = {0};
    enum hyp_status status = hyp_zone_create(file.data, file.len, &zone, &err);
    hyp_buf_finish(&file);
    if (status != HYP_OK) {
        print_message("%s: %s\n", rule, err.text);
    }
    assert_int_equal(status, HYP_OK);
    return zone;
}

static hyp_utc utc_of(const char *text)
{
    hyp_utc time = {0};
    assert_int_equal(hyp_utc_parse(hyp_str_from(text), &time), HYP_OK);
    return time;
}

struct offset_row {
    const char *name;
    const char *rule;
    const char *at;
    int minutes;
    int standard;
};

static const struct offset_row offset_rows[] = {
    {"winter",                          "CET-1CEST,M3.5.0,M10.5.0/3",           "2026-01-15T12:00:00Z",     60,   60  },
    {"summer",                          "CET-1CEST,M3.5.0,M10.5.0/3",           "2026-07-15T12:00:00Z",     120,  60  },
    {"just before spring",              "CET-1CEST,M3.5.0,M10.5.0/3",           "2026-03-29T00:59:59.999Z", 60,   60  },
    {"spring",                          "CET-1CEST,M3.5.0,M10.5.0/3",           "2026-03-29T01:00:00Z",     120,  60  },
    {"just before autumn",              "CET-1CEST,M3.5.0,M10.5.0/3",           "2026-10-25T00:59:59.999Z", 120,  60  },
    {"autumn",                          "CET-1CEST,M3.5.0,M10.5.0/3",           "2026-10-25T01:00:00Z",     60,   60  },
    {"far future",                      "CET-1CEST,M3.5.0,M10.5.0/3",           "2199-07-01T00:00:00Z",     120,  60  },
    {"New York, second Sunday",         "EST5EDT,M3.2.0,M11.1.0",               "2026-03-08T06:59:59Z",     -300, -300},
    {"New York, after",                 "EST5EDT,M3.2.0,M11.1.0",               "2026-03-08T07:00:00Z",     -240, -300},
    {"Sydney, January",                 "AEST-10AEDT,M10.1.0,M4.1.0/3",         "2026-01-15T00:00:00Z",     660,  600 },
    {"Sydney, July",                    "AEST-10AEDT,M10.1.0,M4.1.0/3",         "2026-07-15T00:00:00Z",     600,  600 },
    {"half an hour",                    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-01-15T00:00:00Z",     660,  630 },
    {"Dublin, winter is the exception", "IST-1GMT0,M10.5.0,M3.5.0/1",           "2026-01-15T00:00:00Z",     0,
     0                                                                                                                },
    {"Dublin, summer",                  "IST-1GMT0,M10.5.0,M3.5.0/1",           "2026-07-15T00:00:00Z",     60,   0   },
    {"no summer",                       "MSK-3",                                "2026-07-15T00:00:00Z",     180,  180 },
    {"quarter hour",                    "<+0545>-5:45",                         "2026-07-15T00:00:00Z",     345,  345 },
    {"day of year",                     "AAA0BBB,J60/0,J300/0",                 "2024-03-01T00:00:00Z",     60,   0   },
    {"day of year, before",             "AAA0BBB,J60/0,J300/0",                 "2024-02-29T23:59:59Z",     0,    0   },
    {"zero-based day",                  "AAA0BBB,59/0,300/0",                   "2024-02-29T00:00:00Z",     60,   0   },
    {"empty rule",                      "",                                     "2026-07-15T00:00:00Z",     60,   60  },
    {"change before midnight",          "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",      "2026-03-29T01:00:00Z",     -60,
     -120                                                                                                             },
};

static void check_offset(void **state)
{
    const struct offset_row *row = *state;
    struct hyp_zone *zone = zone_of(row->rule);
    hyp_utc at = utc_of(row->at);
    assert_int_equal(hyp_zone_offset_minutes(zone, at), row->minutes);
    assert_int_equal(hyp_zone_standard_minutes(zone, at), row->standard);
    hyp_zone_destroy(zone);
}

static const struct {
    const char *name;
    const char *rule;
} bad_rules[] = {
    {"no offset",           "CET"                         },
    {"short name",          "CE-1"                        },
    {"open name",           "<CET-1"                      },
    {"summer without rule", "CET-1CEST"                   },
    {"one change",          "CET-1CEST,M3.5.0"            },
    {"month 13",            "CET-1CEST,M13.5.0,M10.5.0"   },
    {"week 0",              "CET-1CEST,M3.0.0,M10.5.0"    },
    {"weekday 7",           "CET-1CEST,M3.5.7,M10.5.0"    },
    {"tail",                "CET-1CEST,M3.5.0,M10.5.0x"   },
    {"hours beyond a week", "CET-1CEST,M3.5.0/168,M10.5.0"},
};

static void check_bad_rule(void **state)
{
    const char *rule = ((const char *const *)*state)[1];
    struct hyp_buf file;
    hyp_buf_init_heap(&file, 1000);
    append_file(&file, rule);
    struct hyp_zone *zone = NULL;
    struct hyp_error err = {0};
    assert_int_equal(hyp_zone_create(file.data, file.len, &zone, &err), HYP_MALFORMED);
    assert_true(strlen(err.text) > 0);
    hyp_buf_finish(&file);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    struct hyp_buf file;
    hyp_buf_init_heap(&file, 1000);
    append_file(&file, copenhagen);
    for (size_t len = 0; len < file.len; len++) {
        uint8_t *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, file.data, len);
        struct hyp_zone *zone = NULL;
        assert_int_equal(hyp_zone_create(copy, len, &zone, NULL), HYP_MALFORMED);
        free(copy);
    }
    file.data[4] = '\0';
    struct hyp_zone *zone = NULL;
    assert_int_equal(hyp_zone_create(file.data, file.len, &zone, NULL), HYP_UNSUPPORTED);
    hyp_buf_finish(&file);
}

struct local_row {
    const char *name;
    const char *local; /* written as if it were UTC */
    const char *utc;
};

static const struct local_row local_rows[] = {
    {"winter",          "2026-01-15T12:00:00Z", "2026-01-15T11:00:00Z"},
    {"summer",          "2026-07-15T12:00:00Z", "2026-07-15T10:00:00Z"},
    {"before the gap",  "2026-03-29T01:59:00Z", "2026-03-29T00:59:00Z"},
    {"in the gap",      "2026-03-29T02:30:00Z", "2026-03-29T01:30:00Z"},
    {"after the gap",   "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"},
    {"before the fold", "2026-10-25T01:59:00Z", "2026-10-24T23:59:00Z"},
    {"in the fold",     "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"},
    {"after the fold",  "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"},
};

static void check_local(void **state)
{
    const struct local_row *row = *state;
    struct hyp_zone *zone = zone_of(copenhagen);
    assert_int_equal(hyp_zone_to_utc(zone, utc_of(row->local).ms).ms, utc_of(row->utc).ms);
    hyp_zone_destroy(zone);
}

struct next_row {
    const char *name;
    const char *schedule;
    const char *after;
    const char *due;
};

static const struct next_row next_rows[] = {
    {"daily, winter",             "daily 03:10",  "2026-01-15T12:00:00Z", "2026-01-16T02:10:00Z"},
    {"daily, into summer",        "daily 03:10",  "2026-03-28T12:00:00Z", "2026-03-29T01:10:00Z"},
    {"daily, into winter",        "daily 03:10",  "2026-10-24T12:00:00Z", "2026-10-25T02:10:00Z"},
    {"daily in the gap",          "daily 02:30",  "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"},
    {"daily after the gap",       "daily 02:30",  "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"},
    {"daily in the fold",         "daily 02:30",  "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
    {"daily in the fold is once", "daily 02:30",  "2026-10-25T00:30:00Z",
     "2026-10-26T01:30:00Z"                                                                     },
    {"weekday over the change",   "Sun 03:00",    "2026-03-22T02:00:00Z", "2026-03-29T01:00:00Z"},
    {"quarter into the gap",      "every 15 min", "2026-03-29T00:45:00Z", "2026-03-29T01:00:00Z"},
    {"quarter into the fold",     "every 15 min", "2026-10-25T00:45:00Z", "2026-10-25T01:00:00Z"},
    {"quarter in the fold",       "every 15 min", "2026-10-25T01:00:00Z", "2026-10-25T01:15:00Z"},
    {"two hours over the gap",    "every 2 h",    "2026-03-28T23:00:00Z", "2026-03-29T02:00:00Z"},
    {"midnight slot",             "every 24 h",   "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
};

static void check_next(void **state)
{
    const struct next_row *row = *state;
    struct hyp_zone *zone = zone_of(copenhagen);
    struct hyp_schedule schedule;
    assert_int_equal(hyp_schedule_parse(hyp_str_from(row->schedule), &schedule, NULL), HYP_OK);
    hyp_utc due = hyp_zone_schedule_next(zone, &schedule, utc_of(row->after));
    assert_int_equal(due.ms, utc_of(row->due).ms);
    hyp_zone_destroy(zone);
}

struct slots_row {
    const char *name;
    const char *from; /* local midnight */
    const char *to;
    int slots;
};

static const struct slots_row slots_rows[] = {
    {"normal day has 96 quarters",  "2026-05-01T22:00:00Z", "2026-05-02T22:00:00Z", 96 },
    {"spring day has 92 quarters",  "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 92 },
    {"autumn day has 100 quarters", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 100},
};

static void check_slots(void **state)
{
    const struct slots_row *row = *state;
    struct hyp_zone *zone = zone_of(copenhagen);
    struct hyp_schedule schedule = {.kind = HYP_SCHEDULE_EVERY, .minutes = 15};
    int slots = 0;
    hyp_utc at = {utc_of(row->from).ms - 1};
    for (;;) {
        hyp_utc next = hyp_zone_schedule_next(zone, &schedule, at);
        assert_true(next.ms > at.ms);
        at = next;
        if (at.ms >= utc_of(row->to).ms) {
            break;
        }
        slots++;
    }
    assert_int_equal(slots, row->slots);
    hyp_zone_destroy(zone);
}

static void fixed_zone(void **state)
{
    (void)state;
    struct hyp_zone_fixed fixed;
    hyp_zone_fixed_init(&fixed, -210);
    assert_int_equal(hyp_zone_offset_minutes(&fixed.zone, (hyp_utc){0}), -210);
    assert_int_equal(hyp_zone_standard_minutes(&fixed.zone, (hyp_utc){0}), -210);
    assert_int_equal(hyp_zone_to_utc(&fixed.zone, 0).ms, 210 * 60000);
    struct hyp_schedule none = {.kind = HYP_SCHEDULE_NONE};
    struct hyp_schedule broken = {.kind = HYP_SCHEDULE_DAILY};
    assert_int_equal(hyp_zone_schedule_next(&fixed.zone, &none, (hyp_utc){0}).ms, INT64_MAX);
    assert_int_equal(hyp_zone_schedule_next(&fixed.zone, &broken, (hyp_utc){0}).ms, INT64_MAX);
}

/* The machine's own file of Copenhagen agrees with the rule where both are known. */
static void machine_zone_file(void **state)
{
    (void)state;
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Copenhagen", "rb");
    if (file == NULL) {
        TEST_SKIP("no zone data on this machine");
    }
    static uint8_t bytes[65536];
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    struct hyp_zone *zone = NULL;
    struct hyp_error err;
    assert_int_equal(hyp_zone_create(bytes, len, &zone, &err), HYP_OK);
    struct hyp_zone *rule = zone_of(copenhagen);
    for (hyp_utc at = utc_of("2000-01-01T00:00:00Z"); at.ms < utc_of("2060-01-01T00:00:00Z").ms;
         at.ms += 3600000) {
        assert_int_equal(hyp_zone_offset_minutes(zone, at), hyp_zone_offset_minutes(rule, at));
    }
    /* 1979 had no summer time in Denmark, 1980 had. */
    assert_int_equal(hyp_zone_offset_minutes(zone, utc_of("1979-07-01T00:00:00Z")), 60);
    assert_int_equal(hyp_zone_offset_minutes(zone, utc_of("1980-07-01T00:00:00Z")), 120);
    hyp_zone_destroy(rule);
    hyp_zone_destroy(zone);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, offset_rows, check_offset);
    TEST_ROWS(&list, bad_rules, check_bad_rule);
    TEST_ONE(&list, every_cut_is_refused);
    TEST_ROWS(&list, local_rows, check_local);
    TEST_ROWS(&list, next_rows, check_next);
    TEST_ROWS(&list, slots_rows, check_slots);
    TEST_ONE(&list, fixed_zone);
    TEST_ONE(&list, machine_zone_file);
    return test_list_run(&list, "zone");
}
