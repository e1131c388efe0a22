/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rows.h"

#include "base/csv.h"

#include <string.h>

#define CELLS 4

static const struct split_row {
    const char *name;
    const char *line;
    char separator;
    enum hyp_status status;
    const char *cells[CELLS]; /* to the first NULL */
} split_rows[] = {
    {"plain",                      "a;b;c",           ';',  HYP_OK,        {"a", "b", "c"}     },
    {"one cell",                   "a",               ';',  HYP_OK,        {"a"}               },
    {"an empty line is a cell",    "",                ';',  HYP_OK,        {""}                },
    {"empty cells",                ";;",              ';',  HYP_OK,        {"", "", ""}        },
    {"blanks around",              " a ; b \r",       ';',  HYP_OK,        {"a", "b"}          },
    {"blanks inside stay",         "a b;c",           ';',  HYP_OK,        {"a b", "c"}        },
    {"an empty cell between tabs", "a\t\tb",          '\t', HYP_OK,        {"a", "", "b"}      },
    {"separator in quotes",        "\"a;b\";c",       ';',  HYP_OK,        {"a;b", "c"}        },
    {"doubled quotes",             "\"a \"\"b\"\"\"", ',',  HYP_OK,        {"a \"b\""}         },
    {"empty quotes",               "\"\",x",          ',',  HYP_OK,        {"", "x"}           },
    {"blanks in quotes stay",      "\" a \" ,x",      ',',  HYP_OK,        {" a ", "x"}        },
    {"a quote inside a cell",      "5\" pipe,x",      ',',  HYP_OK,        {"5\" pipe", "x"}   },
    {"an open quote",              "\"a;b",           ';',  HYP_MALFORMED, {NULL}              },
    {"a lone quote at the end",    "a;\"",            ';',  HYP_MALFORMED, {NULL}              },
    {"text behind quotes",         "\"a\"b;c",        ';',  HYP_MALFORMED, {NULL}              },
    {"as many as fit",             "a,b,c,d",         ',',  HYP_OK,        {"a", "b", "c", "d"}},
    {"more than fit",              "a,b,c,d,e",       ',',  HYP_LIMIT,     {NULL}              },
};

static void split_row(void **state)
{
    const struct split_row *row = *state;
    char line[64];
    struct hyp_str cells[CELLS];
    size_t count = 99;
    size_t len = strlen(row->line);
    memcpy(line, row->line, len);
    assert_int_equal(hyp_csv_split(line, len, row->separator, cells, CELLS, &count),
                     row->status);
    if (row->status != HYP_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        assert_non_null(row->cells[i]);
        assert_true(hyp_str_equal(cells[i], hyp_str_from(row->cells[i])));
    }
    assert_true(count == CELLS || row->cells[count] == NULL);
}

static void separators(void **state)
{
    (void)state;
    assert_int_equal(hyp_csv_separator(HYP_STR("time;energy, MWh")), ';');
    assert_int_equal(hyp_csv_separator(HYP_STR("time\tenergy, MWh")), '\t');
    assert_int_equal(hyp_csv_separator(HYP_STR("time,energy")), ',');
    assert_int_equal(hyp_csv_separator(HYP_STR("time")), ',');
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, split_rows, split_row);
    TEST_ONE(&list, separators);
    return test_list_run(&list, "csv");
}
