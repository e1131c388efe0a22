/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rows.h"

#include "metering/counter.h"

static const struct row {
    const char *name;
    const char *before, *after;
    const char *modulus, *tolerance; /* "" = not known, none */
    const char *closing, *opening;   /* NULL = no event */
    enum hyp_counter_step step;
    const char *delta;
} rows[] = {
    {"forward",                  "8412.6",  "8433.0",  "",         "",     NULL,     NULL,   HYP_COUNTER_NORMAL,     "20.4"},
    {"nothing",                  "5",       "5",       "",         "",     NULL,     NULL,   HYP_COUNTER_NORMAL,     "0"   },
    {"another resolution",       "5.25",    "6",       "",         "",     NULL,     NULL,   HYP_COUNTER_NORMAL,     "0.75"},
    {"seven digits roll over",   "9999812", "143",     "10000000", "",     NULL,     NULL,
     HYP_COUNTER_ROLLOVER,                                                                                           "331" },
    {"digits not told",          "9999812", "143",     "",         "",     NULL,     NULL,   HYP_COUNTER_ROLLOVER,   "331" },
    {"with decimals",            "99999.8", "0.3",     "",         "",     NULL,     NULL,   HYP_COUNTER_ROLLOVER,   "0.5" },
    {"a small register falls",   "95",      "2",       "",         "",     NULL,     NULL,   HYP_COUNTER_BACK,       NULL  },
    {"too far below the top",    "8999999", "143",     "10000000", "",     NULL,     NULL,   HYP_COUNTER_BACK,
     NULL                                                                                                                  },
    {"too high behind it",       "9999812", "1000000", "10000000", "",     NULL,     NULL,   HYP_COUNTER_BACK,
     NULL                                                                                                                  },
    {"noise",                    "100.02",  "100.00",  "",         "0.02", NULL,     NULL,   HYP_COUNTER_SMALL_BACK, "0"   },
    {"more than noise",          "100.03",  "100.00",  "",         "0.02", NULL,     NULL,   HYP_COUNTER_BACK,       NULL  },
    {"no tolerance",             "100.02",  "100.00",  "",         "",     NULL,     NULL,   HYP_COUNTER_BACK,       NULL  },
    {"exchange",                 "8400",    "12.5",    "",         "",     "8410.5", "2",    HYP_COUNTER_REPLACED,   "21.0"},
    {"exchange to a higher one", "100",     "5010",    "",         "",     "103",    "5000", HYP_COUNTER_REPLACED,
     "13"                                                                                                                  },
    {"reset",                    "731",     "4",       "",         "",     "740",    "0",    HYP_COUNTER_REPLACED,   "13"  },
    {"a closing that goes back", "8400",    "12.5",    "",         "",     "8399",   "2",    HYP_COUNTER_BACK,       NULL  },
    {"an opening too high",      "8400",    "12.5",    "",         "",     "8410",   "13",   HYP_COUNTER_BACK,       NULL  },
    {"to a negative one",        "9999812", "-1",      "10000000", "",     NULL,     NULL,   HYP_COUNTER_BACK,       NULL  },
};

static struct hyp_decimal decimal(const char *text)
{
    struct hyp_decimal value = {0};
    if (text[0] != '\0') {
        assert_int_equal(hyp_decimal_parse(hyp_str_from(text), &value), HYP_OK);
    }
    return value;
}

static void check(void **state)
{
    const struct row *row = *state;
    const struct hyp_counter_rules rules = {decimal(row->modulus), decimal(row->tolerance)};
    struct hyp_counter_event event = {0};
    struct hyp_decimal delta = {0};
    if (row->closing != NULL) {
        event.closing = decimal(row->closing);
        event.opening = decimal(row->opening);
    }
    assert_int_equal(hyp_counter_between(&rules, row->closing == NULL ? NULL : &event,
                                         decimal(row->before), decimal(row->after), &delta),
                     row->step);
    if (row->delta != NULL) {
        assert_int_equal(hyp_decimal_compare(delta, decimal(row->delta)), 0);
    }
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, rows, check);
    return test_list_run(&list, "counter");
}
