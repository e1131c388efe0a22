/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who hears a meter: copies of a telegram over several receivers, repeaters and slow ways. Each
 * row is a list of copies and what is known after them.
 */
#include "support/rows.h"

#include "collect/unread.h"

#define START_MS 1768471620000LL
/* What is kept of a telegram is not what is compared of it. */
#define MARK 1000

struct row {
    const char *name;
    const char *copies;  /* "ms telegram line signal, .."; line 0 = a file */
    const char *results; /* n new, r repeated, j joined; large: kept with the telegram */
    const char *state;   /* telegrams; best of the newest; line heard/of last best newest */
};

static const struct row rows[] = {
    {"one receiver",                                              "0 1 7 -70, 16000 2 7 -72, 32000 3 7 -68",              "nnn",
     "3; -68; 7 3/3 -68 -68 *"                                                                                                                                                    },
    {"two receivers, one reading each",                           "0 1 7 -70, 100 1 8 -50, 16000 2 8 -51, 16200 2 7 -71",
     "nJnR",                                                                                                                            "2; -51; 7 2/2 -71 -70 *, 8 2/2 -51 -50 *"},
    {"one of two misses every other",
     "0 1 7 -70, 0 1 8 -90, 16000 2 7 -70, 32000 3 7 -70, 32000 3 8 -91, 48000 4 7 -70",                                  "nJnnRn",     "4; -70; 7 4/4 -70 -70 *, 8 2/4 -91 -90"  },
    {"a receiver put up later is not blamed for what was before",
     "0 1 7 -70, 16000 2 7 -70, 32000 3 7 -70, 32000 3 8 -60, 48000 4 8 -60",                                             "nnnJn",
     "4; -60; 7 3/4 -70 -70, 8 2/2 -60 -60 *"                                                                                                                                     },
    {"a repeater counts once, the stronger copy stays",           "0 1 7 -80, 300 1 7 -60, 600 1 7 -75",
     "nrr",                                                                                                                             "1; -60; 7 1/1 -60 -60 *"                 },
    {"a slow way brings a copy after the next telegram",
     "0 1 7 -70, 4000 2 7 -70, 5000 1 8 -55, 6000 2 8 -56",                                                               "nnJR",
     "2; -56; 7 2/2 -70 -70 *, 8 2/2 -56 -55 *"                                                                                                                                   },
    {"the same bytes after ten seconds are another telegram",     "0 1 7 -70, 10000 1 7 -70",                             "nn",
     "2; -70; 7 2/2 -70 -70 *"                                                                                                                                                    },
    {"a clock put back",                                          "60000 1 7 -70, 0 1 7 -70",                             "nn",         "2; -70; 7 2/2 -70 -70 *"                 },
    {"no signal known",                                           "0 1 7 0, 0 1 8 -99",                                   "nJ",         "1; -99; 7 1/1 0 0 *, 8 1/1 -99 -99 *"    },
    {"a file is no receiver, and its copy is none either",        "0 1 0 0, 1000 1 7 -70, 2000 2 0 0",
     "nJn",                                                                                                                             "1; 0; 7 1/1 -70 -70"                     },
    {"the ninth takes the place of the one silent for longest",
     "0 1 1 -1, 20000 2 2 -2, 40000 3 3 -3, 60000 4 4 -4, 80000 5 5 -5, 100000 6 6 -6, 120000 "
     "7 7 -7, 140000 8 8 -8, 160000 9 1 -1, 180000 10 9 -9",                                                              "nnnnnnnnnn",
     "10; -9; 1 2/10 -1 -1, 9 1/1 -9 -9 *, 3 1/8 -3 -3, 4 1/7 -4 -4, 5 1/6 -5 -5, 6 1/5 -6 -6, "
     "7 1/4 -7 -7, 8 1/3 -8 -8"                                                                                                                                                   },
};

static void say_state(const struct hyp_reception *reception, struct hyp_buf *out)
{
    struct hyp_reception_state state;
    hyp_reception_export(reception, (hyp_device_id){1}, &state);
    hyp_buf_append_fmt(out, "%llu; %d; ", (unsigned long long)state.telegrams, state.best_dbm);
    for (size_t i = 0; i < state.count; i++) {
        const struct hyp_heard_by *by = &state.by[i];
        hyp_buf_append_fmt(out, "%s%lld %llu/%llu %d %d%s", i == 0 ? "" : ", ",
                           (long long)by->line.id, (unsigned long long)by->telegrams,
                           (unsigned long long)by->of, by->last_dbm, by->best_dbm,
                           by->newest ? " *" : "");
    }
}

static void read_numbers(struct hyp_str item, int64_t number[static 4])
{
    struct hyp_str word;
    item = hyp_str_trim(item);
    for (size_t i = 0; i < 4; i++) {
        assert_true(hyp_str_split_next(&item, ' ', &word));
        assert_int_equal(hyp_str_to_i64(word, &number[i]), HYP_OK);
    }
}

static void note_all(const struct row *row, struct hyp_reception *reception)
{
    char results[17] = "";
    size_t count = 0;
    struct hyp_str rest = hyp_str_from(row->copies);
    struct hyp_str item;
    while (hyp_str_split_next(&rest, ',', &item)) {
        int64_t number[4];
        read_numbers(item, number);
        const struct hyp_reception_copy copy = {
            .line = {number[2]},
            .received = {START_MS + number[0]},
            .hash = (uint64_t)number[1],
            .mark = (uint64_t)number[1] + MARK,
            .signal_dbm = (int16_t)number[3],
        };
        uint64_t mark = 0;
        enum hyp_reception_result result = hyp_reception_note(reception, &copy, &mark);
        results[count++] = (mark == 0 ? "nrj" : "NRJ")[result];
        assert_true(mark == 0 || mark == copy.hash + MARK);
    }
    assert_string_equal(results, row->results);
}

static void check(void **state)
{
    const struct row *row = *state;
    char text[512];
    struct hyp_buf out;
    struct hyp_reception reception = {0};
    note_all(row, &reception);
    hyp_buf_init_fixed(&out, text, sizeof(text));
    say_state(&reception, &out);
    assert_string_equal(hyp_buf_terminate(&out), row->state);
}

/* Saved, restored into an empty one and into one that has heard something meanwhile. */
static void what_was_saved_is_added(void **state)
{
    (void)state;
    struct hyp_reception before = {0};
    struct hyp_reception_state saved;
    char text[256];
    struct hyp_buf out;
    note_all(&rows[3], &before);
    hyp_reception_export(&before, (hyp_device_id){1}, &saved);

    struct hyp_reception after = {0};
    hyp_reception_import(&after, &saved);
    hyp_buf_init_fixed(&out, text, sizeof(text));
    say_state(&after, &out);
    assert_string_equal(hyp_buf_terminate(&out), "4; 0; 7 3/4 -70 -70, 8 2/2 -60 -60");

    struct hyp_reception late = {0};
    const struct hyp_reception_copy copies[] = {
        {.line = {8}, .received = {START_MS}, .hash = 9, .mark = 90, .signal_dbm = -40},
        {.line = {9}, .received = {START_MS}, .hash = 9, .mark = 91, .signal_dbm = -30},
    };
    uint64_t mark = 0;
    assert_int_equal(hyp_reception_note(&late, &copies[0], &mark), HYP_RECEPTION_NEW);
    assert_int_equal(hyp_reception_note(&late, &copies[1], &mark), HYP_RECEPTION_JOINED);
    assert_int_equal(mark, 90);
    hyp_reception_import(&late, &saved);
    hyp_buf_init_fixed(&out, text, sizeof(text));
    say_state(&late, &out);
    assert_string_equal(hyp_buf_terminate(&out),
                        "5; -30; 8 3/3 -40 -40 *, 9 1/1 -30 -30 *, 7 3/5 -70 -70");
}

/* Telegrams without a reading: "ms tenant hash line"; n new, r a copy, R one to be kept. */
static const struct unread_row {
    const char *name;
    const char *copies;
    const char *results;
} unread_rows[] = {
    {"unread: by three receivers",                        "0 1 5 7, 10 1 5 8, 20 1 5 9",           "nRR"      },
    {"unread: the same receiver again",                   "0 1 5 7, 10 1 5 7, 20 1 5 8, 30 1 5 8", "nrRr"     },
    {"unread: after ten seconds it is another",           "0 1 5 7, 9999 1 5 8, 10000 1 5 9",      "nRn"      },
    {"unread: of another tenant",                         "0 1 5 7, 10 2 5 8",                     "nn"       },
    {"unread: two that share a place",                    "0 1 5 7, 10 1 1029 7, 20 1 5 8",        "nnn"      },
    {"unread: a clock put back",                          "5000 1 5 7, 0 1 5 8",                   "nn"       },
    {"unread: no more receivers than one telegram keeps",
     "0 1 5 1, 1 1 5 2, 2 1 5 3, 3 1 5 4, 4 1 5 5, 5 1 5 6, 6 1 5 7, 7 1 5 8, 8 1 5 9",            "nRRRRRRRr"},
};

static void check_unread(void **state)
{
    const struct unread_row *row = *state;
    struct hyp_unread *unread = calloc(1, sizeof(*unread));
    assert_non_null(unread);
    char results[17] = "";
    size_t count = 0;
    struct hyp_str rest = hyp_str_from(row->copies);
    struct hyp_str item;
    while (hyp_str_split_next(&rest, ',', &item)) {
        int64_t number[4];
        read_numbers(item, number);
        const struct hyp_reception_copy copy = {
            .line = {number[3]},
            .received = {START_MS + number[0]},
            .hash = (uint64_t)number[2],
            .mark = (uint64_t)number[2] + MARK,
        };
        uint64_t mark = 0;
        bool repeated = hyp_unread_note(unread, (hyp_tenant_id){number[1]}, &copy, &mark);
        results[count++] = !repeated ? 'n' : mark == 0 ? 'r' : 'R';
        assert_true(mark == 0 || mark == copy.hash + MARK);
    }
    assert_string_equal(results, row->results);
    free(unread);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, rows, check);
    TEST_ONE(&list, what_was_saved_is_added);
    TEST_ROWS(&list, unread_rows, check_unread);
    return test_list_run(&list, "reception");
}
