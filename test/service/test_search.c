/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "service/search.h"

static const struct fold_row {
    const char *name;
    const char *text;
    const char *folded;
} fold_rows[] = {
    {"ASCII",                "Meter 12 NORTH",     "meter 12 north"    },
    {"Danish",               "ØSTERBRO Ærø Å", "østerbro ærø å"},
    {"German",               "Straße ÄÖÜ",     "straße äöü"    },
    {"Polish and Czech",     "ŁÓDŹ ŠKODA Ĺ",  "łódź škoda ĺ" },
    {"Russian",              "ЁЛКА Дом",    "ёлка дом"   },
    {"Greek",                "ΑΘΗΝΑ",         "αθηνα"        },
    {"multiplication sign",  "2 × 3",             "2 × 3"            },
    {"other scripts stay",   "東京 €",         "東京 €"        },
    {"cut sequence is kept", "a\xC3",              "a\xC3"             },
    {"empty",                "",                   ""                  },
};

static void check_fold(void **state)
{
    const struct fold_row *row = *state;
    char memory[128];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, memory, sizeof(memory));
    hyp_search_fold(&out, hyp_str_from(row->text));
    assert_string_equal(hyp_buf_terminate(&out), row->folded);
}

static const struct match_row {
    const char *name;
    const char *query;
    bool found;
} match_rows[] = {
    {"one word",               "østerbro",                                   true },
    {"any case",               "ØsterBRO",                                   true },
    {"part of a word",         "terbr",                                       true },
    {"all words needed",       "heat 1234",                                   true },
    {"in any order",           "5678 heat",                                   true },
    {"one word is missing",    "heat water",                                  false},
    {"blanks do not count",    "   heat    ",                                 true },
    {"nothing asked",          "",                                            true },
    {"a line feed is a blank", "heat\nkam",                                   true },
    {"not across fields",      "heat12345678",                                false},
    {"more than eight words",  "heat heat heat heat heat heat heat heat xyz", true },
};

static void check_match(void **state)
{
    const struct match_row *row = *state;
    static const char folded[] = "østerbro heat\n12345678\nkam\n";
    struct hyp_search search;
    hyp_search_init(&search, hyp_str_from(row->query));
    assert_int_equal(hyp_search_matches(&search, folded, sizeof(folded) - 1), row->found);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, fold_rows, check_fold);
    TEST_ROWS(&list, match_rows, check_match);
    return test_list_run(&list, "search");
}
