/* SPDX-License-Identifier: Apache-2.0 */
/* How meters on one wire behave, request by request. */
#include "town_fixture.h"

#include "support/hex.h"

#include "sim/bus.h"

#define METERS 5

/* A bus of five: ids 10000001.. ; number 3 has two telegrams; number 4 no primary address. */
struct plant {
    struct sim_meter meters[METERS];
    struct sim_peak_cache peaks[METERS][2];
    struct sim_slave slaves[METERS];
    struct sim_bus bus;
};

/* Lends its climate and kinds of meters to all plants. */
static struct sim_town *shared_town;

static struct plant *set_up(void)
{
    static const enum sim_make_id makes[METERS] = {SIM_MAKE_MULTICAL_603, SIM_MAKE_SONOMETER,
                                                   SIM_MAKE_FLOWIQ, SIM_MAKE_T550,
                                                   SIM_MAKE_MINOMESS};
    static const uint32_t ids[METERS] = {0x10000001, 0x10000002, 0x2000000A, 0x30000004,
                                         0x10000001};
    struct plant *plant = calloc(1, sizeof(*plant));
    assert_non_null(plant);
    for (size_t i = 0; i < METERS; i++) {
        struct sim_device *device = test_device(shared_town, makes[i], 0);
        plant->meters[i] = device->meter;
        plant->meters[i].identity.id = ids[i];
        plant->slaves[i] = (struct sim_slave){.meter = &plant->meters[i],
                                              .make = device->make,
                                              .peaks = plant->peaks[i],
                                              .primary = i == 4 ? 0 : (uint8_t)(i + 1)};
    }
    sim_bus_init(&plant->bus, &shared_town->climate, plant->slaves, METERS, 1);
    return plant;
}

static void tear_down(struct plant *plant)
{
    free(plant);
}

static struct sim_answer ask(struct plant *plant, const char *hex)
{
    uint8_t bytes[300];
    size_t len = test_hex(hex, bytes, sizeof(bytes));
    struct sim_answer answer = {0};
    size_t used;
    assert_true(sim_bus_feed(&plant->bus, bytes, len, TEST_NOW_MS, &used, &answer));
    assert_int_equal(used, len);
    return answer;
}

static struct sim_answer ask_short(struct plant *plant, uint8_t control, uint8_t address)
{
    struct sim_wired frame;
    struct sim_answer answer = {0};
    size_t used;
    sim_wired_short(&frame, control, address);
    assert_true(sim_bus_feed(&plant->bus, frame.bytes, frame.len, TEST_NOW_MS, &used, &answer));
    return answer;
}

/* @pattern the eight bytes of a selection, and more for an enhanced one */
static struct sim_answer select_by(struct plant *plant, uint8_t ci, const char *pattern)
{
    uint8_t data[32];
    size_t len = test_hex(pattern, data, sizeof(data));
    struct sim_wired frame;
    struct sim_answer answer = {0};
    size_t used;
    sim_wired_long(&frame, 0x53, 0xFD, ci, data, len);
    assert_true(sim_bus_feed(&plant->bus, frame.bytes, frame.len, TEST_NOW_MS, &used, &answer));
    return answer;
}

static bool is_ack(struct sim_answer answer)
{
    return answer.len == 1 && answer.bytes[0] == 0xE5;
}

/* One undamaged long frame? */
static bool is_frame(struct sim_answer answer)
{
    struct sim_request parsed;
    size_t used;
    return sim_request_parse(answer.bytes, answer.len, &parsed, &used) == SIM_REQUEST_READY &&
           used == answer.len && parsed.is_long;
}

static uint32_t id_of(struct sim_answer answer)
{
    assert_true(is_frame(answer));
    return (uint32_t)answer.bytes[7] | (uint32_t)answer.bytes[8] << 8 |
           (uint32_t)answer.bytes[9] << 16 | (uint32_t)answer.bytes[10] << 24;
}

static const struct select_row {
    const char *name;
    uint8_t ci;
    const char *pattern;
    unsigned selected; /* bit per meter */
} select_rows[] = {
    {"whole address",          0x52, "02000010 D310 2F 04",               0x02},
    {"id alone",               0x52, "02000010 FFFF FF FF",               0x02},
    {"twin ids",               0x52, "01000010 FFFF FF FF",               0x11},
    {"twin ids, one maker",    0x52, "01000010 2D2C FF FF",               0x01},
    {"twin ids, version",      0x52, "01000010 FFFF 01 FF",               0x10},
    {"medium alone",           0x52, "FFFFFFFF FFFF FF 04",               0x0B},
    {"first digit 1",          0x52, "FFFFFF1F FFFF FF FF",               0x13},
    {"last digit is a letter", 0x52, "FAFFFFFF FFFF FF FF",               0x04},
    {"digit 0 is no wildcard", 0x52, "00000010 FFFF FF FF",               0x00},
    {"everybody",              0x52, "FFFFFFFF FFFF FF FF",               0x1F},
    {"most significant first", 0x56, "10000002 10D3 2F 04",               0x02},
    {"enhanced, fits",         0x52, "01000010 FFFF FF FF 0C78 01000010", 0x11},
    {"enhanced, does not fit", 0x52, "01000010 FFFF FF FF 0C78 02000010", 0x00},
    {"too short",              0x52, "01000010 FFFF FF",                  0x00},
};

static void check_select(void **state)
{
    const struct select_row *row = *state;
    struct plant *plant = set_up();
    struct sim_answer answer = select_by(plant, row->ci, row->pattern);
    assert_int_equal(answer.len > 0, row->selected != 0);
    for (unsigned i = 0; i < METERS; i++) {
        assert_int_equal(plant->slaves[i].selected, row->selected >> i & 1);
    }
    if (row->selected != 0 && (row->selected & (row->selected - 1)) == 0) {
        assert_true(is_ack(answer));
        assert_int_equal(id_of(ask_short(plant, 0x7B, 0xFD)),
                         plant->meters[__builtin_ctz(row->selected)].identity.id);
    }
    tear_down(plant);
}

static void only_the_addressed_meter_answers(struct plant *plant)
{
    assert_true(is_ack(ask_short(plant, 0x40, 2)));
    assert_int_equal(id_of(ask_short(plant, 0x7B, 2)), 0x10000002);
    assert_int_equal(ask_short(plant, 0x7B, 77).len, 0);
    assert_int_equal(id_of(ask_short(plant, 0x7B, 0)), 0x10000001);
}

/* Selected twins answer at once: each 0 bit wins and the sum no longer fits. */
static void twins_collide(struct plant *plant)
{
    assert_true(select_by(plant, 0x52, "01000010 FFFF FF FF").len > 0);
    struct sim_answer both = ask_short(plant, 0x7B, 0xFD);
    assert_true(both.len > 0);
    assert_false(is_frame(both));
    assert_true(is_ack(select_by(plant, 0x52, "01000010 496A FF FF")));
    assert_int_equal(id_of(ask_short(plant, 0x7B, 0xFD)), 0x10000001);
}

static void everybody_answers_the_test_address_and_nobody_the_broadcast(struct plant *plant)
{
    assert_false(is_frame(ask_short(plant, 0x7B, 0xFE)));
    assert_int_equal(ask_short(plant, 0x40, 0xFF).len, 0);
}

/* A new bit asks for the next telegram, an unchanged one for the same again. */
static void the_frame_count_bit_turns_the_pages(struct plant *plant)
{
    static const struct {
        uint8_t control;
        uint8_t page; /* by length of the answer: pages of T550 differ */
    } steps[] = {
        {0x7B, 0},
        {0x7B, 0},
        {0x5B, 1},
        {0x5B, 1},
        {0x7B, 2},
        {0x5B, 0},
        {0x7B, 1}
    };
    size_t lengths[3] = {0};
    assert_true(is_ack(ask_short(plant, 0x40, 4)));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct sim_answer answer = ask_short(plant, steps[i].control, 4);
        assert_true(is_frame(answer));
        size_t *length = &lengths[steps[i].page];
        if (*length == 0) {
            *length = answer.len;
        }
        assert_int_equal(answer.len, *length);
        /* All but the last page announce another one. */
        assert_int_equal(answer.bytes[answer.len - 3] == 0x1F, steps[i].page < 2);
    }
    assert_true(lengths[0] != lengths[1] && lengths[1] != lengths[2]);
}

/* A master that never toggles reads the first page for ever. */
static void without_toggling_the_page_never_turns(struct plant *plant)
{
    assert_true(is_ack(ask_short(plant, 0x40, 4)));
    size_t len = ask_short(plant, 0x5B, 4).len;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(ask_short(plant, 0x5B, 4).len, len);
    }
}

static void the_primary_and_the_network_link_count_alone(struct plant *plant)
{
    assert_true(is_ack(ask_short(plant, 0x40, 4)));
    size_t first = ask_short(plant, 0x7B, 4).len;
    assert_true(ask_short(plant, 0x5B, 4).len != first);
    assert_true(is_ack(select_by(plant, 0x52, "04000030 FFFF FF FF")));
    assert_int_equal(ask_short(plant, 0x7B, 0xFD).len, first);
}

static void application_reset_returns_to_the_first_page(struct plant *plant)
{
    assert_true(is_ack(ask_short(plant, 0x40, 4)));
    size_t first = ask_short(plant, 0x7B, 4).len;
    assert_true(ask_short(plant, 0x5B, 4).len != first);
    assert_true(is_ack(ask(plant, "68 03 03 68 53 04 50 A7 16")));
    assert_int_equal(ask_short(plant, 0x7B, 4).len, first);
}

static void a_reset_to_fd_deselects(struct plant *plant)
{
    assert_true(is_ack(select_by(plant, 0x52, "02000010 FFFF FF FF")));
    assert_true(is_ack(ask_short(plant, 0x40, 0xFD)));
    assert_int_equal(ask_short(plant, 0x7B, 0xFD).len, 0);
    assert_int_equal(ask_short(plant, 0x40, 0xFD).len, 0);
}

static void another_selection_deselects(struct plant *plant)
{
    assert_true(is_ack(select_by(plant, 0x52, "02000010 FFFF FF FF")));
    assert_true(is_ack(select_by(plant, 0x52, "04000030 FFFF FF FF")));
    assert_int_equal(id_of(ask_short(plant, 0x7B, 0xFD)), 0x30000004);
}

static void a_primary_address_can_be_given(struct plant *plant)
{
    assert_true(is_ack(select_by(plant, 0x52, "01000010 496A FF FF")));
    assert_true(is_ack(ask(plant, "68 06 06 68 53 FD 51 01 7A 09 25 16")));
    struct sim_answer answer = ask_short(plant, 0x7B, 9);
    assert_int_equal(id_of(answer), 0x10000001);
    assert_int_equal(answer.bytes[5], 9);
}

static void an_id_can_be_given(struct plant *plant)
{
    assert_true(is_ack(ask(plant, "68 09 09 68 53 02 51 0C 79 44332211 D5 16")));
    assert_int_equal(id_of(ask_short(plant, 0x7B, 2)), 0x11223344);
}

static void dead_meters_keep_silent(struct plant *plant)
{
    plant->meters[1].defects.dead_ms = TEST_NOW_MS - 1;
    assert_int_equal(ask_short(plant, 0x40, 2).len, 0);
    plant->meters[1].defects.dead_ms = TEST_NOW_MS + 1;
    assert_true(is_ack(ask_short(plant, 0x40, 2)));
}

static void an_echoing_converter_sends_the_request_first(struct plant *plant)
{
    plant->bus.echo = true;
    struct sim_answer answer = ask(plant, "10 40 02 42 16");
    uint8_t expect[6];
    assert_int_equal(test_hex("10 40 02 42 16 E5", expect, sizeof(expect)), answer.len);
    assert_memory_equal(answer.bytes, expect, answer.len);
}

static void a_silent_bus_is_silent(struct plant *plant)
{
    plant->bus.silent = true;
    assert_int_equal(ask_short(plant, 0x40, 2).len, 0);
}

/* The share of bad answers is near the one asked for, and repeats exactly. */
static void noise_is_rare_and_repeatable(struct plant *plant)
{
    unsigned damaged[2] = {0};
    unsigned late[2] = {0};
    unsigned lost[2] = {0};
    plant->bus.noise = (struct sim_line_noise){
        .bit_errors = 50000, .late = 30000, .lost = 20000, .late_ms = 1000};
    for (unsigned run = 0; run < 2; run++) {
        plant->bus.answers = 0;
        for (unsigned i = 0; i < 2000; i++) {
            struct sim_answer answer = ask_short(plant, 0x7B, 2);
            lost[run] += answer.len == 0;
            late[run] += answer.extra_delay_ms > 0;
            damaged[run] += answer.len > 0 && !is_frame(answer);
        }
    }
    assert_in_range(damaged[0], 70, 130);
    assert_in_range(late[0], 35, 90);
    assert_in_range(lost[0], 20, 65);
    assert_int_equal(damaged[0], damaged[1]);
    assert_int_equal(late[0], late[1]);
    assert_int_equal(lost[0], lost[1]);
}

/* Whole, byte by byte and behind rubbish: the same answer. */
static void requests_may_come_in_pieces(struct plant *plant)
{
    uint8_t bytes[16];
    size_t len = test_hex("FF 00 10 40 02 42 16", bytes, sizeof(bytes));
    struct sim_answer answer = {0};
    size_t used;
    for (size_t i = 0; i < len; i++) {
        bool done = sim_bus_feed(&plant->bus, bytes + i, 1, TEST_NOW_MS, &used, &answer);
        assert_int_equal(used, 1);
        assert_int_equal(done, i == len - 1);
    }
    assert_true(is_ack(answer));
}

static const struct case_row {
    const char *name;
    void (*run)(struct plant *plant);
} case_rows[] = {
    {"only the addressed meter answers",                            only_the_addressed_meter_answers     },
    {"twins collide",                                               twins_collide                        },
    {"everybody answers the test address and nobody the broadcast",
     everybody_answers_the_test_address_and_nobody_the_broadcast                                         },
    {"the frame count bit turns the pages",                         the_frame_count_bit_turns_the_pages  },
    {"without toggling the page never turns",                       without_toggling_the_page_never_turns},
    {"the primary and the network link count alone",
     the_primary_and_the_network_link_count_alone                                                        },
    {"application reset returns to the first page",
     application_reset_returns_to_the_first_page                                                         },
    {"a reset to fd deselects",                                     a_reset_to_fd_deselects              },
    {"another selection deselects",                                 another_selection_deselects          },
    {"a primary address can be given",                              a_primary_address_can_be_given       },
    {"an id can be given",                                          an_id_can_be_given                   },
    {"dead meters keep silent",                                     dead_meters_keep_silent              },
    {"an echoing converter sends the request first",
     an_echoing_converter_sends_the_request_first                                                        },
    {"a silent bus is silent",                                      a_silent_bus_is_silent               },
    {"noise is rare and repeatable",                                noise_is_rare_and_repeatable         },
    {"requests may come in pieces",                                 requests_may_come_in_pieces          },
};

static void check_case(void **state)
{
    const struct case_row *row = *state;
    struct plant *plant = set_up();
    row->run(plant);
    tear_down(plant);
}

int main(void)
{
    struct test_list list = {0};
    shared_town = test_town(1, 0);
    TEST_ROWS(&list, select_rows, check_select);
    TEST_ROWS(&list, case_rows, check_case);
    int failed = test_list_run(&list, "sim-bus");
    sim_town_destroy(shared_town);
    return failed;
}
