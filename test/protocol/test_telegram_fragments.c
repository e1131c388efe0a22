/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages in several telegrams. The message of profile B is the example of the OMS annex, cut
 * in pieces here: its code does not cover how it was cut, so it proves what was put together.
 */
#include "support/rows.h"

#include "support/hex.h"

#include "protocol/mbus/record.h"
#include "protocol/telegram.h"
#include "protocol/wmbus/fragments.h"

#define FRAME_MAX 256 /* L and what it counts */
#define STEPS_MAX 6

/* Behind L: C M ID VER MED, ELL, AFL. */
#define ADDRESS "4493157856341233038C2075"
#define OTHER "4493157956341233038C2075"
#define FIRST                                                                                  \
    "90070168"                                                                                 \
    "25B30A0000"          /* more follow, MCL, MCR */
#define MIDDLE "90020240" /* more follow */
#define LAST_2                                                                                 \
    "900A0204"                                                                                 \
    "21924D4F2FB66E01"
#define LAST_3                                                                                 \
    "900A0304"                                                                                 \
    "21924D4F2FB66E01"
#define PART_A "7A75002007109058475F4BC9"
#define PART_B "1DF878B80A1B0F98B629024AAC"
#define PART_C "727942BFC549233C0140829B93"
/* Without a code the length has to prove it: MCL and ML, 17 bytes. */
#define PLAIN_FIRST                                                                            \
    "90050170"                                                                                 \
    "401100"                                                                                   \
    "7A01000000"                                                                               \
    "04130102"
#define PLAIN_LAST                                                                             \
    "90020200"                                                                                 \
    "0000046D322A"
#define PLAIN_END "5F15"
#define UNPROVED_FIRST                                                                         \
    "90020140"                                                                                 \
    "7A01000000"                                                                               \
    "04130102"

/*
 * 405 bytes, more than a telegram holds: mode 5 with the key 00 01 .. 0F and N = 15, 2F 2F, 66
 * volumes and two fillers, encrypted by another program.
 */
/* clang-format off */
#define LONG_A \
    "7A7500F00504DF38F07726E3E7F2100824533DD917025BBD4FA77670927FBF0F114F79D8A0A66803" \
    "C39011AED7D61D581F9BB4D117F81E939A63AC3BD144118BF44294200E1C2C0652BFEA825CA96A72" \
    "B0C0061C17C3045B543CDE94D6FD5FFB0DC678406F453C468F26B4ACBB0DA82F4F669F638422662A" \
    "15A6FB8D16F4BC71A6E43F02595ABD8AC0C828E392F98EA830116269DCE28F08F0204A71C2066F1A" \
    "A6B855F612BF5009787F00E96C908C761FF0247AF05111594C77565AF7D220325D110FFA875E7126"
#define LONG_B \
    "77AD79D00EC875111F31A2AFCA54970577E367EB7CF19A00EEC8232F7596A3DFDAED26751EE9811A" \
    "CAD2939BC307C1093BE5A257852847B90E66E04D6AE97FB802FA3B68D90BCC29FC08FCA3851F2332" \
    "138BDE0336388E1A6512BC4C64C86820E419EC2FDB70337FF0638002C8C8FE2BA77AC9380A90EB17" \
    "2A6F524EA70D4DEFF77BFE8C9FDBA1B0647389AAF6025E96A466F5428E4B7E5CCC4A4BD7A390F843" \
    "D099FB7698C781F0511E0D4C0DBE9498E4A98668C27CA8E1F32C8208452E971A9289C7E004FAC03E" \
    "D6D4C8C56D"
/* clang-format on */
#define LONG_FIRST                                                                             \
    "90050170"                                                                                 \
    "409501"

static const struct step_row {
    const char *name;
    struct {
        const char *hex; /* NULL ends; without L */
        enum hyp_status status;
    } steps[STEPS_MAX];
    size_t records; /* of the last one */
} step_rows[] = {
    {"two parts, proved by the code",
     {{ADDRESS FIRST PART_A, HYP_NEED_MORE}, {ADDRESS LAST_2 PART_B PART_C, HYP_OK}},
     3                                                                                              },
    {"three parts",
     {{ADDRESS FIRST PART_A, HYP_NEED_MORE},
      {ADDRESS MIDDLE PART_B, HYP_NEED_MORE},
      {ADDRESS LAST_3 PART_C, HYP_OK}},
     3                                                                                              },
    {"every part heard twice",
     {{ADDRESS FIRST PART_A, HYP_NEED_MORE},
      {ADDRESS FIRST PART_A, HYP_NEED_MORE},
      {ADDRESS MIDDLE PART_B, HYP_NEED_MORE},
      {ADDRESS MIDDLE PART_B, HYP_NEED_MORE},
      {ADDRESS LAST_3 PART_C, HYP_OK}},
     3                                                                                              },
    {"another meter's parts between them",
     {{ADDRESS FIRST PART_A, HYP_NEED_MORE},
      {OTHER FIRST PART_A, HYP_NEED_MORE},
      {ADDRESS LAST_2 PART_B PART_C, HYP_OK}},
     3                                                                                              },
    {"a code shorter than the first part said",
     {{ADDRESS FIRST PART_A, HYP_NEED_MORE},
      {ADDRESS "90060204"
               "21924D4F" PART_B PART_C,
       HYP_UNSUPPORTED}},
     0                                                                                              },
    {"the middle is missing",
     {{ADDRESS FIRST PART_A, HYP_NEED_MORE},
      {ADDRESS LAST_3 PART_C, HYP_UNSUPPORTED},
      {ADDRESS MIDDLE PART_B, HYP_UNSUPPORTED}},
     0                                                                                              },
    {"the beginning is missing",                {{ADDRESS LAST_2 PART_B PART_C, HYP_UNSUPPORTED}}, 0},
    {"parts of two messages are no reading",
     {{ADDRESS FIRST PART_B, HYP_NEED_MORE}, {ADDRESS LAST_2 PART_A PART_C, HYP_UNSUPPORTED}},
     0                                                                                              },
    {"one byte of a part changed",
     {{ADDRESS FIRST PART_A, HYP_NEED_MORE},
      {ADDRESS LAST_2 PART_B "727942BFC549233C0140829B92", HYP_BAD_CHECK}},
     0                                                                                              },
    {"plain, proved by the length",
     {{ADDRESS PLAIN_FIRST, HYP_NEED_MORE}, {ADDRESS PLAIN_LAST PLAIN_END, HYP_OK}},
     2                                                                                              },
    {"plain, a byte short of the length",
     {{ADDRESS PLAIN_FIRST, HYP_NEED_MORE}, {ADDRESS PLAIN_LAST "5F", HYP_BAD_CHECK}},
     0                                                                                              },
    {"longer than a telegram, encrypted",
     {{ADDRESS LONG_FIRST LONG_A, HYP_NEED_MORE}, {ADDRESS "90020200" LONG_B, HYP_OK}},
     66                                                                                             },
    {"nothing proves it",
     {{ADDRESS UNPROVED_FIRST, HYP_NEED_MORE}, {ADDRESS PLAIN_LAST, HYP_BAD_CHECK}},
     0                                                                                              },
    {"fragment 0 with more to come",            {{ADDRESS "90020040" PART_A, HYP_UNSUPPORTED}},    0},
};

static struct hyp_fragments fragments;
static struct hyp_telegram telegram;

static bool find_key(void *user, const struct hyp_meter_identity *meter,
                     struct hyp_aes_key *ret_key)
{
    (void)user;
    (void)meter;
    for (uint8_t i = 0; i < sizeof(ret_key->bytes); i++) {
        ret_key->bytes[i] = i;
    }
    return true;
}

static enum hyp_status open_hex(const char *hex, const struct hyp_telegram_context *context)
{
    uint8_t bytes[FRAME_MAX];
    const size_t len = test_hex(hex, bytes + 1, sizeof(bytes) - 1);
    struct hyp_error err;
    bytes[0] = (uint8_t)len;
    return hyp_telegram_open(bytes, len + 1, HYP_LINK_WMBUS, context, &telegram, NULL, &err);
}

static size_t count_records(void)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    size_t count = 0;
    hyp_mbus_records_init(&records, telegram.data, telegram.data_len, NULL);
    while (hyp_mbus_records_next(&records, &record, NULL) == HYP_OK) {
        count++;
    }
    return count;
}

static void check_steps(void **state)
{
    const struct step_row *row = *state;
    const struct hyp_telegram_context context = {.find_key = find_key, .fragments = &fragments};
    size_t records = 0;
    hyp_fragments_init(&fragments);
    for (size_t i = 0; i < STEPS_MAX && row->steps[i].hex != NULL; i++) {
        assert_int_equal(open_hex(row->steps[i].hex, &context), row->steps[i].status);
        records = row->steps[i].status == HYP_OK ? count_records() : 0;
    }
    assert_int_equal(records, row->records);
}

static void without_a_table_fragments_are_refused(void **state)
{
    (void)state;
    const struct hyp_telegram_context context = {.find_key = find_key};
    assert_int_equal(open_hex(ADDRESS FIRST PART_A, &context), HYP_UNSUPPORTED);
}

/* More senders than places: the one that waited longest is forgotten. */
static void the_oldest_message_makes_room(void **state)
{
    (void)state;
    struct hyp_fragment fragment = {
        .number = 1, .more = true, .bytes = (const uint8_t *)"x", .len = 1};
    const struct hyp_message *message = NULL;
    hyp_fragments_init(&fragments);
    for (unsigned i = 0; i <= HYP_LIMIT_MESSAGES; i++) {
        fragment.address[0] = (uint8_t)i;
        assert_int_equal(hyp_fragments_add(&fragments, &fragment, &message), HYP_NEED_MORE);
    }
    fragment.number = 2;
    fragment.address[0] = 0;
    assert_int_equal(hyp_fragments_add(&fragments, &fragment, &message), HYP_NOT_FOUND);
    fragment.address[0] = 1;
    assert_int_equal(hyp_fragments_add(&fragments, &fragment, &message), HYP_NEED_MORE);
}

static void a_message_too_long_is_dropped(void **state)
{
    (void)state;
    static const uint8_t part[200];
    struct hyp_fragment fragment = {
        .number = 1, .more = true, .bytes = part, .len = sizeof(part)};
    const struct hyp_message *message = NULL;
    hyp_fragments_init(&fragments);
    assert_int_equal(hyp_fragments_add(&fragments, &fragment, &message), HYP_NEED_MORE);
    fragment.number = 2;
    assert_int_equal(hyp_fragments_add(&fragments, &fragment, &message), HYP_NEED_MORE);
    fragment.number = 3;
    assert_int_equal(hyp_fragments_add(&fragments, &fragment, &message), HYP_LIMIT);
    fragment.number = 4;
    assert_int_equal(hyp_fragments_add(&fragments, &fragment, &message), HYP_NOT_FOUND);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, step_rows, check_steps);
    TEST_ONE(&list, without_a_table_fragments_are_refused);
    TEST_ONE(&list, the_oldest_message_makes_room);
    TEST_ONE(&list, a_message_too_long_is_dropped);
    return test_list_run(&list, "telegram_fragments");
}
