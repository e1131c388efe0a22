/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Master sessions against meters in virtual time. Every reading row runs with the answers
 * delivered whole, byte by byte, and cut at every place: the result must not differ.
 */
#include "support/hex.h"
#include "support/mbus_bus.h"

#include "base/buf.h"
#include "protocol/mbus/master.h"

#define FRAMES_MAX 2048

#define ENERGY_5 "04 06 05000000"
#define ENERGY_6 "04 06 06000000"
#define ENERGY_7 "04 06 07000000"
#define MORE "1F"
#define HEAT .address = "12345678.KAM.35.04", .primary = 5
#define WATER .address = "87654321.KAM.1B.16", .primary = 6

static const struct read_row {
    const char *name;
    struct bus_meter meters[3];
    size_t meter_count;
    struct bus bus; /* line faults only */
    uint8_t primary;
    const char *secondary; /* instead of the primary address */
    const char *identity;  /* that must answer at the primary address */
    enum hyp_mbus_reset reset;
    int application; /* -1 plain reset, >= 1 subcode, 0 none */
    size_t telegrams_max;
    uint8_t retries;
    /* expected */
    enum hyp_status status;
    const char *records; /* of all telegrams, without the trailing 1F */
    size_t requests;     /* frames sent */
    bool more_follows;
    int error_code;
} read_rows[] = {
  /* clang-format off */
    {.name = "primary address", .meters = {{HEAT, .telegrams = {ENERGY_5}}}, .meter_count = 1, .primary = 5,
     .records = ENERGY_5, .requests = 2},
    {.name = "without reset", .meters = {{HEAT, .telegrams = {ENERGY_5}}}, .meter_count = 1, .primary = 5,
     .reset = HYP_MBUS_RESET_NEVER, .records = ENERGY_5, .requests = 1},
    {.name = "address 254 takes the only meter", .meters = {{HEAT, .telegrams = {ENERGY_5}}}, .meter_count = 1, .primary = 254,
     .records = ENERGY_5, .requests = 2},
    {.name = "three telegrams", .meters = {{HEAT, .telegrams = {ENERGY_5 MORE, ENERGY_6 MORE, ENERGY_7}}}, .meter_count = 1, .primary = 5,
     .records = ENERGY_5 ENERGY_6 ENERGY_7, .requests = 4},
    {.name = "a limit on telegrams", .meters = {{HEAT, .telegrams = {ENERGY_5 MORE, ENERGY_6 MORE, ENERGY_7}}}, .meter_count = 1, .primary = 5,
     .telegrams_max = 2, .records = ENERGY_5 ENERGY_6, .requests = 3, .more_follows = true},
    {.name = "secondary address", .meters = {{HEAT, .telegrams = {ENERGY_5}}, {WATER, .telegrams = {ENERGY_6}}}, .meter_count = 2, .secondary = "12345678.KAM.35.04",
     .records = ENERGY_5, .requests = 2},
    {.name = "secondary address with wildcards", .meters = {{HEAT, .telegrams = {ENERGY_5}}, {WATER, .telegrams = {ENERGY_6}}}, .meter_count = 2, .secondary = "8765FFFF.*.*.16",
     .records = ENERGY_6, .requests = 2},
    {.name = "secondary multi-telegram", .meters = {{HEAT, .telegrams = {ENERGY_5 MORE, ENERGY_6}}}, .meter_count = 1, .secondary = "12345678",
     .records = ENERGY_5 ENERGY_6, .requests = 3},
    {.name = "enhanced selection", .meters = {{.address = "12345678.KAM.35.04.00000001", .primary = 5, .telegrams = {ENERGY_5}}, {.address = "12345678.KAM.35.04.00000002", .primary = 5, .telegrams = {ENERGY_6}}},
     .meter_count = 2, .secondary = "12345678.KAM.35.04.00000002", .records = ENERGY_6, .requests = 2},
    {.name = "application reset with a subcode first", .meters = {{HEAT, .telegrams = {ENERGY_5}}}, .meter_count = 1, .primary = 5,
     .application = 0x10, .records = ENERGY_5, .requests = 3},
    {.name = "application reset without a subcode", .meters = {{HEAT, .telegrams = {ENERGY_5}}}, .meter_count = 1, .secondary = "12345678",
     .application = -1, .records = ENERGY_5, .requests = 3},
    {.name = "a meter that does not acknowledge SND_NKE", .meters = {{HEAT, .telegrams = {ENERGY_5}, .no_reset_ack = true}}, .meter_count = 1, .primary = 5,
     .records = ENERGY_5, .requests = 2},
    {.name = "echoing converter", .meters = {{HEAT, .telegrams = {ENERGY_5 MORE, ENERGY_6}}}, .meter_count = 1, .bus = {.echo = true}, .primary = 5,
     .records = ENERGY_5 ENERGY_6, .requests = 3},
    {.name = "echoing converter, selection", .meters = {{HEAT, .telegrams = {ENERGY_5}}}, .meter_count = 1, .bus = {.echo = true}, .secondary = "12345678",
     .records = ENERGY_5, .requests = 2},
    {.name = "noise before every answer", .meters = {{HEAT, .telegrams = {ENERGY_5 MORE, ENERGY_6}}}, .meter_count = 1, .bus = {.noise = "00 FF 68"}, .primary = 5,
     .records = ENERGY_5 ENERGY_6, .requests = 3},
    {.name = "an answer at the last moment", .meters = {{HEAT, .telegrams = {ENERGY_5}, .delay_ms = 250}}, .meter_count = 1, .primary = 5,
     .records = ENERGY_5, .requests = 2},
    {.name = "the first answer is lost", .meters = {{HEAT, .telegrams = {ENERGY_5 MORE, ENERGY_6}, .lost = 2}}, .meter_count = 1, .primary = 5, .retries = 2,
     .records = ENERGY_5 ENERGY_6, .requests = 4},
    {.name = "a damaged answer is asked again", .meters = {{HEAT, .telegrams = {ENERGY_5 MORE, ENERGY_6}, .damaged = 2}}, .meter_count = 1, .primary = 5, .retries = 2,
     .records = ENERGY_5 ENERGY_6, .requests = 4},
    {.name = "the answer of another meter is not taken", .meters = {{HEAT, .telegrams = {ENERGY_5}}}, .meter_count = 1,
     .bus = {.intruder = "68 15 15 68 08 07 72 78563412 2D2C 35 04 01 00 0000 04 06 09000000 3B 16"}, .primary = 5,
     .records = ENERGY_5, .requests = 2},
    {.name = "only another meter answers", .meters = {{.address = "12345678.KAM.35.04", .primary = 5, .no_data = false, .telegrams = {ENERGY_5}}}, .meter_count = 1, .primary = 5, .identity = "12345679.KAM.35.04",
     .status = HYP_NOT_MINE, .requests = 2},
    {.name = "the meter that must be there", .meters = {{HEAT, .telegrams = {ENERGY_5}}}, .meter_count = 1, .primary = 5, .identity = "12345678.KAM",
     .records = ENERGY_5, .requests = 2},
    {.name = "an answer without an address cannot be told apart", .meters = {{HEAT, .telegrams = {ENERGY_5}, .ci = 0x78}}, .meter_count = 1, .secondary = "12345678",
     .status = HYP_NOT_MINE, .requests = 2},
    {.name = "an answer without an address by primary address", .meters = {{HEAT, .telegrams = {ENERGY_5}, .ci = 0x78}}, .meter_count = 1, .primary = 5,
     .records = ENERGY_5, .requests = 2},
    {.name = "two meters with one primary address", .meters = {{HEAT, .telegrams = {ENERGY_5}}, {.address = "87654321.LUG.04.07", .primary = 5, .telegrams = {ENERGY_6}}}, .meter_count = 2, .primary = 5,
     .status = HYP_BAD_CHECK, .requests = 2},
    {.name = "a dead meter", .meters = {{HEAT, .silent = true}}, .meter_count = 1, .primary = 5, .retries = 2,
     .status = HYP_TIMEOUT, .requests = 4},
    {.name = "nobody has this secondary address", .meters = {{HEAT, .telegrams = {ENERGY_5}}}, .meter_count = 1, .secondary = "12345679", .retries = 1,
     .status = HYP_TIMEOUT, .requests = 2},
    {.name = "the meter has no data", .meters = {{HEAT, .no_data = true}}, .meter_count = 1, .primary = 5,
     .status = HYP_REFUSED, .requests = 2},
    {.name = "application error", .meters = {{HEAT, .error_code = 0x10}}, .meter_count = 1, .primary = 5,
     .status = HYP_REFUSED, .requests = 2, .error_code = 0x10},
    {.name = "application busy", .meters = {{HEAT, .error_code = 0x08}}, .meter_count = 1, .secondary = "12345678",
     .status = HYP_BUSY, .requests = 2, .error_code = 0x08},
    {.name = "a babbling line", .meters = {{HEAT, .silent = true}}, .meter_count = 1, .bus = {.babble = "00 01 02 03 68 04 04 68 05"}, .primary = 5,
     .status = HYP_BAD_CHECK, .requests = 2},
  /* clang-format on */
};

struct read_result {
    struct hyp_mbus_read read;
    uint8_t frames[FRAMES_MAX];
    struct hyp_session_io io;
    size_t requests;
};

static void run_read(const struct read_row *row, size_t pieces, size_t cut,
                     struct read_result *result)
{
    struct bus_meter meters[3];
    struct bus bus;
    struct hyp_mbus_link link;
    struct hyp_mbus_target target =
        row->secondary != NULL ? by_secondary(row->secondary) : by_primary(row->primary);
    memcpy(meters, row->meters, sizeof(meters));
    bus_init(&bus, meters, row->meter_count);
    bus.echo = row->bus.echo;
    bus.noise = row->bus.noise;
    bus.babble = row->bus.babble;
    bus.intruder = row->bus.intruder;
    bus.pieces = pieces;
    bus.cut = cut;
    if (row->identity != NULL) {
        target.check_identity = true;
        target.address = by_secondary(row->identity).address;
    }
    hyp_mbus_link_init(&link, hyp_mbus_timing_for_baud(2400), row->retries);
    memset(result->frames, 0, sizeof(result->frames));
    hyp_mbus_read_init(&result->read, &link, &target, result->frames, sizeof(result->frames));
    result->read.reset = row->reset;
    result->read.has_application_reset = row->application != 0;
    result->read.application = (int16_t)row->application;
    if (row->telegrams_max != 0) {
        result->read.telegrams_max = row->telegrams_max;
    }
    result->io = bus_run(&bus, &hyp_mbus_read_ops, &result->read);
    result->requests = bus.requests;
    if (row->application > 0) {
        assert_int_equal(meters[0].application, row->application);
    }
}

/* The record bytes of all frames, the 1F that announces more left out. */
static void append_records(struct hyp_buf *out, const uint8_t *frames, size_t len)
{
    struct hyp_mbus_frame frame;
    while (len > 0) {
        assert_int_equal(hyp_mbus_frame_parse(frames, len, &frame, NULL), HYP_OK);
        size_t header = frame.ci == 0x72 ? 12 : 0;
        size_t size = frame.data_len - header;
        if (size > 0 && frame.data[frame.data_len - 1] == 0x1F) {
            size--;
        }
        hyp_buf_append(out, frame.data + header, size);
        frames += frame.len;
        len -= frame.len;
    }
}

static void expect_result(const struct read_row *row, struct read_result *result)
{
    uint8_t expected[512];
    uint8_t found[FRAMES_MAX];
    struct hyp_buf out;
    const char *error = hyp_mbus_read_ops.error_text(&result->read);
    assert_int_equal(result->io.status, row->status);
    assert_int_equal(result->io.state,
                     row->status == HYP_OK ? HYP_SESSION_DONE : HYP_SESSION_FAILED);
    assert_int_equal(error[0] != '\0', row->status != HYP_OK);
    assert_int_equal(result->requests, row->requests);
    assert_int_equal(result->read.more_follows, row->more_follows);
    if (row->error_code != 0) {
        assert_int_equal(result->read.error_code, row->error_code);
    }
    size_t len = test_hex(row->records == NULL ? "" : row->records, expected, sizeof(expected));
    hyp_buf_init_fixed(&out, found, sizeof(found));
    append_records(&out, result->frames, result->read.frames_len);
    assert_int_equal(out.len, len);
    assert_memory_equal(found, expected, len);
}

static void check_read(void **state)
{
    static struct read_result whole;
    static struct read_result parts;
    const struct read_row *row = *state;
    run_read(row, 0, 0, &whole);
    expect_result(row, &whole);
    run_read(row, 1, 0, &parts);
    expect_result(row, &parts);
    assert_memory_equal(whole.frames, parts.frames, sizeof(whole.frames));
    for (size_t cut = 1; cut < 40; cut++) {
        run_read(row, 0, cut, &parts);
        expect_result(row, &parts);
        assert_memory_equal(whole.frames, parts.frames, sizeof(whole.frames));
    }
}

/* The frame count bit lives as long as the link: the second readout is new data, without
 * another SND_NKE. */
static void check_second_readout_is_fresh(void **state)
{
    (void)state;
    struct bus_meter meter = {HEAT, .telegrams = {ENERGY_5}};
    struct bus bus;
    struct hyp_mbus_link link;
    struct hyp_mbus_read read;
    uint8_t frames[FRAMES_MAX];
    struct hyp_mbus_target target = by_primary(5);
    bus_init(&bus, &meter, 1);
    hyp_mbus_link_init(&link, hyp_mbus_timing_for_baud(2400), 0);
    for (unsigned round = 1; round <= 5; round++) {
        hyp_mbus_read_init(&read, &link, &target, frames, sizeof(frames));
        assert_int_equal(bus_run(&bus, &hyp_mbus_read_ops, &read).state, HYP_SESSION_DONE);
        assert_int_equal(meter.access, round);
        assert_int_equal(bus.requests, 1 + round);
        assert_true(read.has_identity);
        assert_int_equal(read.meter.id, 0x12345678);
    }
}

/* After a failure the bit of the meter is not known: the next read resets the link first. */
static void check_failure_resets_next_time(void **state)
{
    (void)state;
    struct bus_meter meter = {HEAT, .telegrams = {ENERGY_5}};
    struct bus bus;
    struct hyp_mbus_link link;
    struct hyp_mbus_read read;
    uint8_t frames[FRAMES_MAX];
    struct hyp_mbus_target target = by_primary(5);
    bus_init(&bus, &meter, 1);
    hyp_mbus_link_init(&link, hyp_mbus_timing_for_baud(2400), 0);
    hyp_mbus_read_init(&read, &link, &target, frames, sizeof(frames));
    assert_int_equal(bus_run(&bus, &hyp_mbus_read_ops, &read).state, HYP_SESSION_DONE);
    meter.silent = true;
    hyp_mbus_read_init(&read, &link, &target, frames, sizeof(frames));
    assert_int_equal(bus_run(&bus, &hyp_mbus_read_ops, &read).status, HYP_TIMEOUT);
    meter.silent = false;
    bus.requests = 0;
    hyp_mbus_read_init(&read, &link, &target, frames, sizeof(frames));
    assert_int_equal(bus_run(&bus, &hyp_mbus_read_ops, &read).state, HYP_SESSION_DONE);
    assert_int_equal(bus.requests, 2);
}

static void check_two_meters_keep_their_bits(void **state)
{
    (void)state;
    struct bus_meter meters[] = {
        {HEAT,  .telegrams = {ENERGY_5}},
        {WATER, .telegrams = {ENERGY_6}}
    };
    struct bus bus;
    struct hyp_mbus_link link;
    struct hyp_mbus_read read;
    uint8_t frames[FRAMES_MAX];
    bus_init(&bus, meters, 2);
    hyp_mbus_link_init(&link, hyp_mbus_timing_for_baud(2400), 0);
    for (unsigned round = 0; round < 7; round++) {
        /* The first meter twice as often, so that one bit for the line would go wrong. */
        struct hyp_mbus_target target = by_primary(round % 3 == 2 ? 6 : 5);
        hyp_mbus_read_init(&read, &link, &target, frames, sizeof(frames));
        assert_int_equal(bus_run(&bus, &hyp_mbus_read_ops, &read).state, HYP_SESSION_DONE);
    }
    assert_int_equal(meters[0].access, 5);
    assert_int_equal(meters[1].access, 53 + 2);
}

static void check_small_buffer(void **state)
{
    (void)state;
    struct bus_meter meter = {
        HEAT, .telegrams = {ENERGY_5 MORE, ENERGY_6}
    };
    struct bus bus;
    struct hyp_mbus_link link;
    struct hyp_mbus_read read;
    uint8_t frames[30];
    struct hyp_mbus_target target = by_primary(5);
    bus_init(&bus, &meter, 1);
    hyp_mbus_link_init(&link, hyp_mbus_timing_for_baud(2400), 0);
    hyp_mbus_read_init(&read, &link, &target, frames, sizeof(frames));
    assert_int_equal(bus_run(&bus, &hyp_mbus_read_ops, &read).state, HYP_SESSION_DONE);
    assert_true(read.frames_full);
    assert_int_equal(read.frame_count, 1);
}

/* A dead meter costs one reset and (1 + retries) answer times, not more. */
static void check_dead_meter_time(void **state)
{
    static const struct {
        uint8_t retries;
        const char *says;
    } rows[] = {
        {0, "no answer for the request within 300 ms (1 try)"  },
        {2, "no answer for the request within 300 ms (3 tries)"},
    };
    (void)state;
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        struct bus bus;
        struct hyp_mbus_link link;
        struct hyp_mbus_read read;
        uint8_t frames[FRAMES_MAX];
        struct hyp_mbus_target target = by_primary(5);
        bus_init(&bus, NULL, 0);
        hyp_mbus_link_init(&link, (struct hyp_mbus_timing){.answer_ms = 300, .gap_ms = 50},
                           rows[i].retries);
        hyp_mbus_read_init(&read, &link, &target, frames, sizeof(frames));
        assert_int_equal(bus_run(&bus, &hyp_mbus_read_ops, &read).status, HYP_TIMEOUT);
        assert_int_equal(bus.now, (2 + rows[i].retries) * 300);
        assert_string_equal(hyp_mbus_read_ops.error_text(&read), rows[i].says);
    }
}

/* A slow line may deliver a frame over a long time, as long as every piece comes soon. */
static void check_slow_pieces(void **state)
{
    (void)state;
    struct bus_meter meter = {HEAT, .telegrams = {ENERGY_5}};
    struct bus bus;
    struct hyp_mbus_link link;
    struct hyp_mbus_read read;
    uint8_t frames[FRAMES_MAX];
    struct hyp_mbus_target target = by_primary(5);
    bus_init(&bus, &meter, 1);
    bus.pieces = 1;
    bus.piece_gap_ms = 49;
    hyp_mbus_link_init(&link, (struct hyp_mbus_timing){.answer_ms = 300, .gap_ms = 50}, 0);
    hyp_mbus_read_init(&read, &link, &target, frames, sizeof(frames));
    assert_int_equal(bus_run(&bus, &hyp_mbus_read_ops, &read).state, HYP_SESSION_DONE);
    bus.piece_gap_ms = 400;
    hyp_mbus_read_init(&read, &link, &target, frames, sizeof(frames));
    assert_int_equal(bus_run(&bus, &hyp_mbus_read_ops, &read).status, HYP_BAD_CHECK);
}

/*
 * Every answer comes after its repetition was sent: each telegram arrives twice. The copies
 * must not be taken for the telegrams that follow.
 */
static void check_late_copies(void **state)
{
    (void)state;
    struct bus_meter meter = {
        HEAT, .telegrams = {ENERGY_5 MORE, ENERGY_6 MORE, ENERGY_7},
           .delay_ms = 350
    };
    struct bus bus;
    struct hyp_mbus_link link;
    struct hyp_mbus_read read;
    uint8_t frames[FRAMES_MAX];
    uint8_t expected[64];
    uint8_t found[FRAMES_MAX];
    struct hyp_buf out;
    struct hyp_mbus_target target = by_primary(5);
    bus_init(&bus, &meter, 1);
    bus.keep_late = true;
    hyp_mbus_link_init(&link, (struct hyp_mbus_timing){.answer_ms = 300, .gap_ms = 50}, 2);
    hyp_mbus_read_init(&read, &link, &target, frames, sizeof(frames));
    read.reset = HYP_MBUS_RESET_NEVER;
    assert_int_equal(bus_run(&bus, &hyp_mbus_read_ops, &read).state, HYP_SESSION_DONE);
    assert_int_equal(read.frame_count, 3);
    size_t len = test_hex(ENERGY_5 ENERGY_6 ENERGY_7, expected, sizeof(expected));
    hyp_buf_init_fixed(&out, found, sizeof(found));
    append_records(&out, frames, read.frames_len);
    assert_int_equal(out.len, len);
    assert_memory_equal(found, expected, len);
}

/* The rate of the line goes out before the first byte. */
static void check_line_rate(void **state)
{
    (void)state;
    struct bus_meter meter = {HEAT, .telegrams = {ENERGY_5}};
    struct bus bus;
    struct hyp_mbus_link link;
    struct hyp_mbus_read read;
    uint8_t frames[FRAMES_MAX];
    struct hyp_mbus_target target = by_primary(5);
    bus_init(&bus, &meter, 1);
    bus.baud = 300;
    hyp_mbus_link_init(&link, hyp_mbus_timing_for_baud(2400), 0);
    link.baud = 2400;
    hyp_mbus_read_init(&read, &link, &target, frames, sizeof(frames));
    assert_int_equal(bus_run(&bus, &hyp_mbus_read_ops, &read).state, HYP_SESSION_DONE);
    assert_int_equal(bus.baud, 2400);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, read_rows, check_read);
    TEST_ONE(&list, check_second_readout_is_fresh);
    TEST_ONE(&list, check_failure_resets_next_time);
    TEST_ONE(&list, check_two_meters_keep_their_bits);
    TEST_ONE(&list, check_small_buffer);
    TEST_ONE(&list, check_dead_meter_time);
    TEST_ONE(&list, check_slow_pieces);
    TEST_ONE(&list, check_late_copies);
    TEST_ONE(&list, check_line_rate);
    return test_list_run(&list, "mbus_master");
}
