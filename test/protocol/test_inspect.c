/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every byte of every telegram is explained exactly once: good ones, encrypted ones with and
 * without their key, refused, cut and damaged ones. Over telegrams made up here, and over the
 * shared corpora where they are present (test/support/corpus.h).
 *
 *     test_inspect SOURCE_ROOT
 */
#include "support/corpus.h"
#include "support/hex.h"

#include "protocol/inspect.h"
#include "protocol/wmbus/formats.h"

#include <jansson.h>

#define WIRELESS "corpora/wmbus-telegrams.jsonl"
#define WIRED "corpora/mbus-frames/mbus-frames.jsonl"
#define LINE_MAX_LEN 65536
#define BYTES_MAX 1024

static struct hyp_note notes[HYP_LIMIT_NOTES];
static struct hyp_telegram telegram;
static struct hyp_formats formats;
static struct hyp_aes_key key;
static bool has_key;
static bool accept_plain;

/* --- the property --- */

static bool find_key(void *user, const struct hyp_meter_identity *meter,
                     struct hyp_aes_key *ret_key)
{
    (void)user;
    (void)meter;
    *ret_key = key;
    return has_key;
}

static const struct hyp_compact_format *find_format(void *user, uint16_t signature)
{
    return hyp_formats_find(user, signature);
}

static void learn_format(void *user, const struct hyp_compact_format *format)
{
    HYP_IGNORE(hyp_formats_learn(user, format));
}

static void check_stage(const struct hyp_explain *explain, uint8_t stage, size_t len)
{
    size_t at = 0;
    for (size_t i = 0; i < explain->count; i++) {
        const struct hyp_note *note = &explain->notes[i];
        if (note->stage != stage) {
            continue;
        }
        if (note->offset != at || note->len == 0) {
            fail_msg("stage %u, byte %zu: the next note is \"%s\" at %u+%u", stage, at,
                     note->field, note->offset, note->len);
        }
        if (note->field[0] == '\0' || note->meaning[0] == '\0') {
            fail_msg("stage %u, byte %u: a note without words", stage, note->offset);
        }
        at += note->len;
    }
    if (at != len) {
        fail_msg("stage %u: explained to byte %zu of %zu", stage, at, len);
    }
}

static enum hyp_status inspect(const uint8_t *bytes, size_t len, struct hyp_explain *explain)
{
    const struct hyp_telegram_context context = {.user = &formats,
                                                 .find_key = find_key,
                                                 .find_format = find_format,
                                                 .learn_format = learn_format,
                                                 .accept_plain = accept_plain};
    struct hyp_error err = {0};
    hyp_explain_init(explain, notes, HYP_LIMIT_NOTES);
    enum hyp_status status =
        hyp_inspect_telegram(bytes, len, HYP_LINK_UNSET, &context, &telegram, explain, &err);
    assert_int_equal(explain->dropped, 0);
    assert_int_equal(err.status, status);
    check_stage(explain, 0, len);
    if (hyp_inspect_has_copy(explain, 0)) {
        check_stage(explain, 1, telegram.plain_len);
    }
    if (status != HYP_OK) {
        assert_true(err.text[0] != '\0');
    }
    return status;
}

/* --- telegrams made up --- */

static const struct vector_row {
    const char *name;
    const char *hex;
    enum hyp_status status;
    const char *field; /* of the first note that must be there */
    size_t offset;
    enum hyp_note_layer layer;
} vector_rows[] = {
    {"acknowledgement",              "E5",                                                       HYP_UNSUPPORTED, "ACK",   0,  HYP_NOTE_ERROR  },
    {"short frame",                  "105B015C16",                                               HYP_UNSUPPORTED, "C",     1,  HYP_NOTE_LINK   },
    {"short frame with a wrong sum", "105B015D16",                                               HYP_BAD_CHECK,   "CS",    3,  HYP_NOTE_ERROR  },
    {"cut short frame",              "105B",                                                     HYP_NEED_MORE,   "C",     1,  HYP_NOTE_ERROR  },
    {"long frame, lengths differ",   "680F106808017278563412",                                   HYP_MALFORMED,   "start", 0,
     HYP_NOTE_LINK                                                                                                                             },
    {"long frame with a wrong sum",  "6815156808017278563412453201072A0000000C13785634120016",
     HYP_BAD_CHECK,                                                                                               "ID",    7,  HYP_NOTE_ADDRESS},
    {"a good long frame",            "6815156808017278563412453201072A0000000C13785634126B16",   HYP_OK,
     "ID",                                                                                                                 7,  HYP_NOTE_ADDRESS},
    {"bytes behind the end",         "6815156808017278563412453201072A0000000C13785634126B16FF",
     HYP_MALFORMED,                                                                                               "M",     11, HYP_NOTE_ADDRESS},
    {"a radio telegram",             "1644931578563412010772784A00000C1378563412",               HYP_NEED_MORE,   "L",     0,
     HYP_NOTE_ERROR                                                                                                                            },
    {"noise",                        "00FF00FF00FF00FF00FF00FF",                                 HYP_MALFORMED,   "L",     0,  HYP_NOTE_ERROR  },
    {"a lone byte",                  "2C",                                                       HYP_NEED_MORE,   "L",     0,  HYP_NOTE_ERROR  },
};

static void check_vector(void **state)
{
    const struct vector_row *row = *state;
    uint8_t bytes[BYTES_MAX];
    struct hyp_explain explain;
    size_t len = test_hex(row->hex, bytes, sizeof(bytes));
    assert_int_equal(inspect(bytes, len, &explain), row->status);
    for (size_t i = 0; i < explain.count; i++) {
        if (notes[i].stage == 0 && notes[i].offset == row->offset) {
            assert_string_equal(notes[i].field, row->field);
            assert_int_equal(notes[i].layer, row->layer);
            return;
        }
    }
    fail_msg("no note begins at byte %zu", row->offset);
}

/* OMS annex N: gas meter, mode 5, with its key; format A. */
static const char encrypted[] =
    "2E4493157856341233037A2A0020255923C95AAA26D1B2E7493B013EC4A6F6D3529B520EDFF0EA6DEFC99D6D69"
    "EBF3";
static const char encrypted_key[] = "0102030405060708090A0B0C0D0E0F11";

static void with_and_without_a_key(void **state)
{
    (void)state;
    uint8_t bytes[BYTES_MAX];
    struct hyp_explain explain;
    size_t len = test_hex(encrypted, bytes, sizeof(bytes));
    assert_int_equal(inspect(bytes, len, &explain), HYP_NO_KEY);
    assert_int_equal(test_hex(encrypted_key, key.bytes, sizeof(key.bytes)), sizeof(key.bytes));
    has_key = true;
    assert_int_equal(inspect(bytes, len, &explain), HYP_OK);
    assert_true(hyp_inspect_has_copy(&explain, 0));
    key.bytes[15] ^= 1;
    assert_int_equal(inspect(bytes, len, &explain), HYP_WRONG_KEY);
    has_key = false;
}

/* Whatever the air does to it. */
static void every_cut_and_every_damage(void **state)
{
    (void)state;
    static const char *const samples[] = {
        encrypted, "6815156808017278563412453201072A0000000C13785634126B16"};
    for (size_t s = 0; s < HYP_ARRAY_LEN(samples); s++) {
        uint8_t bytes[BYTES_MAX];
        struct hyp_explain explain;
        size_t len = test_hex(samples[s], bytes, sizeof(bytes));
        for (size_t cut = 1; cut < len; cut++) {
            HYP_IGNORE(inspect(bytes, cut, &explain));
        }
        for (size_t bit = 0; bit < len * 8; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            HYP_IGNORE(inspect(bytes, len, &explain));
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

/* Notes of several telegrams stand one behind the other. */
static void notes_before_are_left_alone(void **state)
{
    (void)state;
    static const uint8_t ack[] = {0xE5};
    struct hyp_explain explain;
    struct hyp_error err;
    hyp_explain_init(&explain, notes, HYP_LIMIT_NOTES);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            hyp_inspect_telegram(ack, 1, HYP_LINK_UNSET, NULL, &telegram, &explain, &err),
            HYP_UNSUPPORTED);
    }
    assert_int_equal(explain.count, 3);
}

/* --- telegrams of the corpora --- */

static json_t *rows[TEST_LIST_MAX];
static size_t row_count;

static void check_row(void **state)
{
    const json_t *row = *state;
    const char *hex = json_string_value(json_object_get(row, "hex"));
    const char *key_text = json_string_value(json_object_get(row, "key"));
    uint8_t bytes[BYTES_MAX];
    struct hyp_explain explain;
    size_t len = test_hex(hex, bytes, sizeof(bytes));
    HYP_IGNORE(inspect(bytes, len, &explain));
    accept_plain = true;
    HYP_IGNORE(inspect(bytes, len, &explain));
    accept_plain = false;
    if (key_text != NULL && strlen(key_text) == 2 * sizeof(key.bytes)) {
        test_hex(key_text, key.bytes, sizeof(key.bytes));
        has_key = true;
        HYP_IGNORE(inspect(bytes, len, &explain));
        key.bytes[0] ^= 0x80;
        HYP_IGNORE(inspect(bytes, len, &explain));
        has_key = false;
    }
    /* Cut in the middle, and with its last byte spoiled. */
    HYP_IGNORE(inspect(bytes, len / 2 + 1, &explain));
    bytes[len - 1] ^= 0xFF;
    HYP_IGNORE(inspect(bytes, len, &explain));
}

static void load(struct test_list *list, const char *root, const char *name)
{
    static char line[LINE_MAX_LEN];
    FILE *file = test_corpus_open(root, name);
    while (file != NULL && row_count < TEST_LIST_MAX && fgets(line, sizeof(line), file)) {
        json_t *row = json_loads(line, 0, NULL);
        if (row == NULL) {
            fprintf(stderr, "the corpus has a line that is no JSON\n");
            exit(EXIT_FAILURE);
        }
        test_list_add(list, json_string_value(json_object_get(row, "name")), check_row, row);
        rows[row_count++] = row;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static void corpora_are_not_there(void **state)
{
    (void)state;
    TEST_SKIP("the shared corpora are not there: HYP_SHARED can name them");
}

int main(int argc, char **argv)
{
    static struct test_list list;
    hyp_formats_init(&formats);
    hyp_formats_add_known(&formats);
    TEST_ROWS(&list, vector_rows, check_vector);
    TEST_ONE(&list, with_and_without_a_key);
    TEST_ONE(&list, every_cut_and_every_damage);
    TEST_ONE(&list, notes_before_are_left_alone);
    if (argc > 1) {
        load(&list, argv[1], WIRELESS);
        load(&list, argv[1], WIRED);
    }
    if (row_count == 0) {
        TEST_ONE(&list, corpora_are_not_there);
    }
    int failed = test_list_run(&list, "inspect");
    for (size_t i = 0; i < row_count; i++) {
        json_decref(rows[i]);
    }
    return failed;
}
