/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A serial M-Bus on a pair of pseudo terminals: its rates, and commands to meters. The test
 * plays the wire, looks at the rate the port is set to, and lets only meters of that rate hear
 * what is sent.
 */
#include "field.h"

#include "support/mbus_bus.h"

#include <fcntl.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#define STEP_MS 20
#define ENERGY "04 06 05000000"
#define METER(text, at)                                                                        \
    {                                                                                          \
        .address = (text), .primary = (at), .telegrams = { ENERGY }                            \
    }

struct wire {
    struct field *field;
    int master;
    int slave; /* kept open, so that the master does not hang up between opens */
    char path[128];
    struct bus bus;
    uint8_t heard[HYP_MBUS_FRAME_MAX];
    size_t heard_len;
    size_t switches;  /* changes of the rate */
    uint64_t read;    /* bytes that came out of the port, in all */
    uint64_t written; /* bytes put into it */
};

static void wire_open(struct wire *wire, struct bus_meter *meters, size_t count)
{
    struct termios settings;
    memset(wire, 0, sizeof(*wire));
    wire->field = field_create();
    assert_int_equal(openpty(&wire->master, &wire->slave, wire->path, NULL, NULL), 0);
    tcgetattr(wire->slave, &settings);
    cfmakeraw(&settings);
    tcsetattr(wire->slave, TCSANOW, &settings);
    fcntl(wire->master, F_SETFL, O_NONBLOCK);
    bus_init(&wire->bus, meters, count);
    struct hyp_line line = field_line(1, HYP_LINE_MBUS_SERIAL, 0);
    hyp_text_copy(line.path, sizeof(line.path), hyp_str_from(wire->path));
    line.baud = 2400;
    line.parity = 'N'; /* pseudo terminals know no parity */
    assert_int_equal(hyp_collector_set_line(wire->field->collector, &line), HYP_OK);
}

static void wire_close(struct wire *wire)
{
    field_destroy(wire->field);
    close(wire->master);
    close(wire->slave);
}

static uint32_t rate_of_port(const struct wire *wire)
{
    static const struct {
        speed_t speed;
        uint32_t baud;
    } rows[] = {
        {B300,   300  },
        {B1200,  1200 },
        {B2400,  2400 },
        {B9600,  9600 },
        {B19200, 19200}
    };
    struct termios settings;
    tcgetattr(wire->slave, &settings);
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        if (rows[i].speed == cfgetospeed(&settings)) {
            return rows[i].baud;
        }
    }
    fail_msg("the port is set to a rate that the test does not know");
    return 0;
}

static void wire_answer(struct wire *wire)
{
    struct hyp_mbus_frame frame;
    size_t len;
    if (wire->heard_len == 0 ||
        hyp_mbus_frame_parse(wire->heard, wire->heard_len, &frame, NULL) != HYP_OK) {
        return;
    }
    uint32_t baud = rate_of_port(wire);
    wire->switches += baud == wire->bus.baud ? 0 : 1;
    wire->bus.baud = baud;
    const uint8_t *answer = bus_hear(&wire->bus, wire->heard, wire->heard_len, &len);
    assert_int_equal(write(wire->master, answer, len), len);
    wire->written += len;
    wire->heard_len = 0;
}

/*
 * Takes what is on the wire, and lets time pass when nothing is: the kernel hands bytes from
 * one end to the other when it likes, and no answer may be late because of that.
 */
static void wire_step(struct wire *wire)
{
    struct hyp_line_state state;
    do {
        ssize_t got = read(wire->master, wire->heard + wire->heard_len,
                           sizeof(wire->heard) - wire->heard_len);
        wire->heard_len += got > 0 ? (size_t)got : 0;
        wire->read += got > 0 ? (size_t)got : 0;
        wire_answer(wire);
        field_settle(wire->field);
        state = field_line_state(wire->field, 1);
    } while (wire->read < state.bytes_out || state.bytes_in < wire->written);
    field_advance(wire->field, STEP_MS);
}

static struct hyp_job wire_finish(struct wire *wire, hyp_job_id id)
{
    struct hyp_job job;
    for (;;) {
        assert_int_equal(hyp_collector_job(wire->field->collector, id, &job), HYP_OK);
        if (job.state == HYP_JOB_DONE || job.state == HYP_JOB_DONE_WITH_ERRORS ||
            job.state == HYP_JOB_ERROR) {
            return job;
        }
        wire_step(wire);
    }
}

static struct hyp_job read_now(struct wire *wire, int64_t device)
{
    hyp_device_id id = {device};
    hyp_job_id job = {0};
    assert_int_equal(
        hyp_collector_read(wire->field->collector, &id, 1, HYP_PRIORITY_MANUAL, &job, NULL),
        HYP_OK);
    return wire_finish(wire, job);
}

static void add_device(struct wire *wire, int64_t id, int primary, uint32_t baud)
{
    struct hyp_device device = {.id = {id},
                                .tenant = FIELD_TENANT,
                                .line = {1},
                                .version = -1,
                                .medium = -1,
                                .primary_address = (int16_t)primary,
                                .baud = baud,
                                .schedule = {.kind = HYP_SCHEDULE_NONE},
                                .enabled = true};
    assert_int_equal(hyp_collector_set_device(wire->field->collector, &device), HYP_OK);
}

/* --- scans --- */

static const struct scan_row {
    const char *name;
    struct hyp_scan scan;
    const char *found; /* "id@baud" in any order */
    uint32_t total;
} scan_rows[] = {
    {"search at the line's rate",           {.secondary = true},                       "12345678@2400", 1000},
    {"search at three rates",
     {.secondary = true, .bauds = {2400, 300, 9600}},
     "12345678@2400 00149C06@300 87654321@9600",                                                        1000},
    {"search at three rates, narrowed",
     {.secondary = true, .bauds = {2400, 300, 9600}, .wildcard = "00"},
     "00149C06@300",                                                                                    1000},
    {"addresses at the line's rate",        {.first = 4, .last = 7},                   "12345678@2400", 4   },
    {"addresses at two rates",
     {.first = 4, .last = 7, .bauds = {300, 2400}},
     "00149C06@300 12345678@2400",                                                                      8   },
    {"addresses at a rate where nobody is", {.first = 4, .last = 7, .bauds = {19200}}, "",              4   },
};

static void check_scan(void **state)
{
    const struct scan_row *row = *state;
    static struct wire wire;
    struct bus_meter meters[] = {METER("12345678.KAM.35.04", 5), METER("00149C06.APA.40.04", 5),
                                 METER("87654321.LUG.04.07", 6)};
    wire_open(&wire, meters, 3);
    meters[1].baud = 300;
    meters[2].baud = 9600;
    struct hyp_scan scan = row->scan;
    scan.line.id = 1;
    hyp_job_id id;
    struct hyp_error err = {0};
    assert_int_equal(hyp_collector_scan(wire.field->collector, &scan, &id, &err), HYP_OK);
    struct hyp_job job = wire_finish(&wire, id);
    assert_int_equal(job.state, HYP_JOB_DONE);
    assert_int_equal(job.total, row->total);
    assert_int_equal(job.done, job.total);
    struct hyp_found_device found[8];
    size_t count = hyp_collector_found(wire.field->collector, id, found, 8);
    size_t wanted = 0;
    for (const char *at = row->found; *at != '\0'; at++) {
        wanted += *at == '@' ? 1 : 0;
    }
    assert_int_equal(count, wanted);
    for (size_t i = 0; i < count; i++) {
        char text[32];
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, text, sizeof(text));
        hyp_buf_append_fmt(&buf, "%s@%u", found[i].meter.id, found[i].baud);
        if (strstr(row->found, hyp_buf_terminate(&buf)) == NULL) {
            fail_msg("found %s, but only %s is there", text, row->found);
        }
    }
    wire_close(&wire);
}

static const struct bad_row {
    const char *name;
    enum hyp_line_kind kind;
    struct hyp_scan scan;
    enum hyp_status status;
} bad_rows[] = {
    {"a rate that is none", HYP_LINE_MBUS_SERIAL, {.bauds = {2400, 1234}}, HYP_INVALID    },
    {"a rate of Modbus",    HYP_LINE_MBUS_SERIAL, {.bauds = {115200}},     HYP_INVALID    },
    {"rates over TCP",      HYP_LINE_MBUS_TCP,    {.bauds = {2400}},       HYP_UNSUPPORTED},
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    struct field *field = field_create();
    struct hyp_line line = field_line(1, row->kind, 1);
    hyp_text_copy(line.path, sizeof(line.path), HYP_STR("/dev/null"));
    line.baud = 2400;
    struct hyp_scan scan = row->scan;
    scan.line.id = 1;
    scan.last = 3;
    hyp_job_id id;
    struct hyp_error err = {0};
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &id, &err), row->status);
    assert_true(err.text[0] != '\0');
    field_destroy(field);
}

/* --- reading --- */

/* Three meters of three rates, two of them with one address: each is read at its own. */
static void meters_of_several_rates_share_a_line(void **state)
{
    (void)state;
    static struct wire wire;
    struct bus_meter meters[] = {METER("12345678.KAM.35.04", 5), METER("00149C06.APA.40.04", 5),
                                 METER("87654321.LUG.04.07", 6)};
    meters[1].telegrams[0] = "04 06 06000000";
    meters[2].telegrams[0] = "04 06 07000000";
    wire_open(&wire, meters, 3);
    meters[1].baud = 300;
    meters[2].baud = 9600;
    add_device(&wire, 1, 5, 0);
    add_device(&wire, 2, 5, 300);
    add_device(&wire, 3, 6, 9600);
    for (size_t round = 0; round < 2; round++) {
        for (int64_t id = 1; id <= 3; id++) {
            assert_int_equal(read_now(&wire, id).state, HYP_JOB_DONE);
            const struct field_reading *reading =
                &wire.field->sink.readings[wire.field->sink.reading_count - 1];
            assert_int_equal(reading->device.id, id);
            field_assert_decimal(reading, "energy", id == 1 ? "5" : id == 2 ? "6" : "7");
        }
    }
    assert_int_equal(wire.switches, 5);
    wire_close(&wire);
}

/* A meter that is set to a wrong rate is not heard, and the line goes back to its own. */
static void a_silent_rate_does_not_stay(void **state)
{
    (void)state;
    static struct wire wire;
    struct bus_meter meters[] = {METER("12345678.KAM.35.04", 5)};
    wire_open(&wire, meters, 1);
    add_device(&wire, 1, 5, 0);
    add_device(&wire, 2, 6, 9600);
    assert_int_equal(read_now(&wire, 2).state, HYP_JOB_ERROR);
    assert_int_equal(read_now(&wire, 1).state, HYP_JOB_DONE);
    assert_int_equal(rate_of_port(&wire), 2400);
    wire_close(&wire);
}

/* --- commands --- */

static hyp_job_id command(struct wire *wire, enum hyp_meter_command_kind kind, int64_t device,
                          int32_t value)
{
    const struct hyp_meter_command order = {.kind = kind, .device = {device}, .value = value};
    hyp_job_id job = {0};
    struct hyp_error err = {0};
    if (hyp_collector_command(wire->field->collector, &order, &job, &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    return job;
}

/* New meters of a delivery all have address 0: a command reaches the one it is for. */
static void commands_go_to_one_meter(void **state)
{
    (void)state;
    static struct wire wire;
    struct bus_meter meters[] = {METER("12345678.KAM.35.04", 0),
                                 METER("1234567A.KAM.35.04", 0)};
    wire_open(&wire, meters, 2);
    struct hyp_device device = {.id = {1},
                                .tenant = FIELD_TENANT,
                                .line = {1},
                                .serial = "1234567A",
                                .manufacturer = "KAM",
                                .version = 53,
                                .medium = 4,
                                .schedule = {.kind = HYP_SCHEDULE_NONE},
                                .enabled = true};
    assert_int_equal(hyp_collector_set_device(wire.field->collector, &device), HYP_OK);
    struct hyp_job job = wire_finish(&wire, command(&wire, HYP_METER_SET_ADDRESS, 1, 7));
    assert_int_equal(job.state, HYP_JOB_DONE);
    assert_int_equal(job.kind, HYP_JOB_COMMAND);
    assert_int_equal(meters[0].primary, 0);
    assert_int_equal(meters[1].primary, 7);
    job = wire_finish(&wire, command(&wire, HYP_METER_RESET_APPLICATION, 1, 0x10));
    assert_int_equal(job.state, HYP_JOB_DONE);
    assert_int_equal(meters[0].application, 0xFF);
    assert_int_equal(meters[1].application, 0x10);
    assert_int_equal(field_device_state(wire.field, 1).comm.last_status, HYP_OK);
    wire_close(&wire);
}

static void a_meter_is_set_to_another_rate(void **state)
{
    (void)state;
    static struct wire wire;
    struct bus_meter meters[] = {METER("12345678.KAM.35.04", 5),
                                 METER("87654321.LUG.04.07", 6)};
    wire_open(&wire, meters, 2);
    add_device(&wire, 1, 5, 0);
    add_device(&wire, 2, 6, 0);
    struct hyp_job job = wire_finish(&wire, command(&wire, HYP_METER_SET_BAUD, 1, 9600));
    assert_int_equal(job.state, HYP_JOB_DONE);
    assert_int_equal(meters[0].baud, 9600);
    assert_int_equal(rate_of_port(&wire), 9600);
    /* Its neighbour is read at the line's rate as before, the meter itself at its new one. */
    assert_int_equal(read_now(&wire, 2).state, HYP_JOB_DONE);
    assert_int_equal(rate_of_port(&wire), 2400);
    add_device(&wire, 1, 5, 9600);
    assert_int_equal(read_now(&wire, 1).state, HYP_JOB_DONE);
    assert_int_equal(wire.field->sink.reading_count, 2);
    wire_close(&wire);
}

/* A meter that acknowledges and then stays where it was: the line comes back to it. */
static void a_rate_that_does_not_take_is_given_up(void **state)
{
    (void)state;
    static struct wire wire;
    struct bus_meter meters[] = {METER("12345678.KAM.35.04", 5)};
    meters[0].keeps_rate = true;
    wire_open(&wire, meters, 1);
    add_device(&wire, 1, 5, 0);
    struct hyp_job job = wire_finish(&wire, command(&wire, HYP_METER_SET_BAUD, 1, 300));
    assert_int_equal(job.state, HYP_JOB_ERROR);
    assert_non_null(strstr(job.text, "back at 2400"));
    assert_int_equal(rate_of_port(&wire), 2400);
    assert_int_equal(read_now(&wire, 1).state, HYP_JOB_DONE);
    wire_close(&wire);
}

/* Cancelled while it waits: nothing is sent. Cancelled on its way: the meter's word counts. */
static void a_command_under_way_is_not_cancelled(void **state)
{
    (void)state;
    static struct wire wire;
    struct bus_meter meters[] = {METER("12345678.KAM.35.04", 5)};
    wire_open(&wire, meters, 1);
    add_device(&wire, 1, 5, 0);
    hyp_job_id first = command(&wire, HYP_METER_SET_ADDRESS, 1, 7);
    hyp_job_id second = command(&wire, HYP_METER_SET_ADDRESS, 1, 8);
    while (field_line_state(wire.field, 1).bytes_out == 0) {
        hyp_loop_step(wire.field->loop, true);
    }
    assert_int_equal(hyp_collector_cancel(wire.field->collector, second), HYP_OK);
    assert_int_equal(hyp_collector_cancel(wire.field->collector, first), HYP_OK);
    assert_int_equal(wire_finish(&wire, first).state, HYP_JOB_DONE);
    assert_int_equal(wire_finish(&wire, second).state, HYP_JOB_ERROR);
    assert_int_equal(meters[0].primary, 7);
    wire_close(&wire);
}

static const struct refused_row {
    const char *name;
    struct hyp_meter_command command;
    enum hyp_line_kind kind;
    enum hyp_status status;
} refused_rows[] = {
    {"no such device",
     {HYP_METER_RESET_APPLICATION, {99}, -1},
     HYP_LINE_MBUS_SERIAL,                                                                HYP_NOT_FOUND  },
    {"no such command",        {HYP_METER_COMMAND_UNSET, {1}, 0}, HYP_LINE_MBUS_SERIAL,   HYP_INVALID    },
    {"an address above 250",
     {HYP_METER_SET_ADDRESS, {1}, 251},
     HYP_LINE_MBUS_SERIAL,                                                                HYP_INVALID    },
    {"a negative address",     {HYP_METER_SET_ADDRESS, {1}, -1},  HYP_LINE_MBUS_TCP,      HYP_INVALID    },
    {"a subcode above a byte",
     {HYP_METER_RESET_APPLICATION, {1}, 256},
     HYP_LINE_MBUS_TCP,                                                                   HYP_INVALID    },
    {"a rate that is none",    {HYP_METER_SET_BAUD, {1}, 1000},   HYP_LINE_MBUS_SERIAL,   HYP_INVALID    },
    {"a rate over TCP",        {HYP_METER_SET_BAUD, {1}, 2400},   HYP_LINE_MBUS_TCP,      HYP_UNSUPPORTED},
    {"Modbus",                 {HYP_METER_SET_ADDRESS, {1}, 7},   HYP_LINE_MODBUS_SERIAL, HYP_UNSUPPORTED},
};

static void check_refused(void **state)
{
    const struct refused_row *row = *state;
    struct field *field = field_create();
    struct hyp_line line = field_line(1, row->kind, 1);
    hyp_text_copy(line.path, sizeof(line.path), HYP_STR("/dev/null"));
    line.baud = 2400;
    struct hyp_device device = field_modbus_device(1, 1, 2);
    device.primary_address = 5;
    device.schedule.kind = HYP_SCHEDULE_NONE;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    hyp_job_id id;
    struct hyp_error err = {0};
    assert_int_equal(hyp_collector_command(field->collector, &row->command, &id, &err),
                     row->status);
    assert_true(err.text[0] != '\0');
    field_destroy(field);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, scan_rows, check_scan);
    TEST_ROWS(&list, bad_rows, check_bad);
    TEST_ONE(&list, meters_of_several_rates_share_a_line);
    TEST_ONE(&list, a_silent_rate_does_not_stay);
    TEST_ONE(&list, commands_go_to_one_meter);
    TEST_ONE(&list, a_meter_is_set_to_another_rate);
    TEST_ONE(&list, a_rate_that_does_not_take_is_given_up);
    TEST_ONE(&list, a_command_under_way_is_not_cancelled);
    TEST_ROWS(&list, refused_rows, check_refused);
    return test_list_run(&list, "wire");
}
