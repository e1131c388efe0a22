/* SPDX-License-Identifier: Apache-2.0 */
/* Serial lines on a pair of pseudo terminals: the test holds the other end. */
#include "program.h"
#include "receivers.h"
#include "terminal.h"

#include <errno.h>
#include <unistd.h>

static struct hyp_line serial_line(enum hyp_line_kind kind, const struct terminal *terminal)
{
    struct hyp_line line = field_line(1, kind, 0);
    hyp_text_copy(line.path, sizeof(line.path), hyp_str_from(terminal->path));
    line.baud = 19200;
    line.parity = 'N'; /* pseudo terminals know no parity */
    return line;
}

static hyp_job_id read_now(struct field *field, int64_t device)
{
    hyp_device_id id = {device};
    hyp_job_id job = {0};
    assert_int_equal(
        hyp_collector_read(field->collector, &id, 1, HYP_PRIORITY_LIVE, &job, NULL), HYP_OK);
    return job;
}

static void modbus_rtu(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct terminal terminal;
    terminal_open(&terminal);
    struct hyp_line line = serial_line(HYP_LINE_MODBUS_SERIAL, &terminal);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct hyp_device device = field_modbus_device(7, 1, 2);
    device.schedule.kind = HYP_SCHEDULE_NONE;
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    hyp_job_id job = read_now(field, 7);
    terminal_expect(&terminal, field, 8);
    /* unit 2, read holding, from 10, one register */
    static const uint8_t request[] = {0x02, 0x03, 0x00, 0x0A, 0x00, 0x01, 0xA4, 0x3B};
    assert_int_equal(terminal.seen_len, sizeof(request));
    assert_memory_equal(terminal.seen, request, sizeof(request));
    terminal_say(&terminal, "020302");
    field_settle(field);
    terminal_say(&terminal, "00C8FDD2"); /* 200, in two pieces */
    assert_int_equal(field_until_finished(field, job).state, HYP_JOB_DONE);
    field_assert_decimal(&field->sink.readings[0], "flow_temperature", "20.0");
    field_destroy(field);
    terminal_close(&terminal);
}

static void mbus_meter(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct terminal terminal;
    terminal_open(&terminal);
    struct hyp_line line = serial_line(HYP_LINE_MBUS_SERIAL, &terminal);
    line.baud = 2400;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct hyp_device device = {.id = {7},
                                .tenant = FIELD_TENANT,
                                .line = {1},
                                .version = -1,
                                .medium = -1,
                                .primary_address = 5,
                                .enabled = true};
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    hyp_job_id job = read_now(field, 7);
    terminal_expect(&terminal, field, 5);
    assert_memory_equal(terminal.seen, "\x10\x40\x05\x45\x16", 5); /* SND_NKE */
    terminal_say(&terminal, "E5");
    terminal_expect(&terminal, field, 10);
    assert_memory_equal(terminal.seen + 5, "\x10\x7B\x05\x80\x16", 5); /* REQ_UD2, FCB set */
    terminal_say(&terminal, "68151568080572 56341200 2D2C 35 04 00000000");
    struct hyp_job now;
    do { /* the kernel hands the bytes over when it likes */
        field_settle(field);
        assert_int_equal(hyp_collector_job(field->collector, job, &now), HYP_OK);
    } while (now.state == HYP_JOB_SENT);
    assert_int_equal(now.state, HYP_JOB_LOADING);
    terminal_say(&terminal, "0406 64000000 1B16");
    assert_int_equal(field_until_finished(field, job).state, HYP_JOB_DONE);
    field_assert_decimal(&field->sink.readings[0], "energy", "100");
    field_destroy(field);
    terminal_close(&terminal);
}

static void baud_changes_after_what_was_sent(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct terminal terminal;
    terminal_open(&terminal);
    struct hyp_serial_settings settings = {.path = terminal.path, .baud = 2400, .parity = 'E'};
    static const struct hyp_link_events events = {0};
    struct hyp_link *link = NULL;
    struct hyp_error err;
    assert_int_equal(hyp_serial_open(field->loop, &settings, &events, NULL, &link, &err),
                     HYP_OK);
    struct termios now;
    tcgetattr(terminal.slave, &now);
    assert_int_equal(cfgetospeed(&now), B2400);
    hyp_link_set_baud(link, 9600);
    tcgetattr(terminal.slave, &now);
    assert_int_equal(cfgetospeed(&now), B9600);
    assert_int_equal(cfgetispeed(&now), B9600);
    hyp_link_set_baud(link, 12345); /* no such rate: nothing changes */
    tcgetattr(terminal.slave, &now);
    assert_int_equal(cfgetospeed(&now), B9600);
    /* Nobody else may open it meanwhile. */
    struct hyp_link *second = NULL;
    assert_int_equal(hyp_serial_open(field->loop, &settings, &events, NULL, &second, &err),
                     HYP_BUSY);
    assert_non_null(strstr(err.text, "another program"));
    hyp_link_close(link);
    field_destroy(field);
    terminal_close(&terminal);
}

struct open_row {
    const char *name;
    const char *path;
    uint32_t baud;
    enum hyp_status status;
};

static const struct open_row open_rows[] = {
    {"no such port", "/dev/hyp-no-such-port", 9600, HYP_NOT_FOUND},
    {"not a port",   "/dev/null",             9600, HYP_INVALID  },
    {"odd rate",     "/dev/null",             1234, HYP_INVALID  },
};

static void check_open(void **state)
{
    const struct open_row *row = *state;
    struct field *field = field_create();
    struct hyp_serial_settings settings = {.path = row->path, .baud = row->baud, .parity = 'N'};
    static const struct hyp_link_events events = {0};
    struct hyp_link *link = NULL;
    struct hyp_error err = {0};
    assert_int_equal(hyp_serial_open(field->loop, &settings, &events, NULL, &link, &err),
                     row->status);
    assert_true(strlen(err.text) > 0);
    field_destroy(field);
}

static void an_unplugged_adapter_is_a_failed_line(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct terminal terminal;
    terminal_open(&terminal);
    struct hyp_line line = serial_line(HYP_LINE_MODBUS_SERIAL, &terminal);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct hyp_device device = field_modbus_device(7, 1, 2);
    device.schedule.kind = HYP_SCHEDULE_NONE;
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    hyp_job_id job = read_now(field, 7);
    terminal_expect(&terminal, field, 8);
    terminal_close(&terminal);
    struct hyp_job ended = field_until_finished(field, job);
    assert_int_equal(ended.state, HYP_JOB_ERROR);
    assert_non_null(strstr(ended.text, "serial port is gone"));
    assert_int_equal(field_line_state(field, 1).link, HYP_LINK_FAILED);
    field_destroy(field);
}

static void adapter_answers(struct field *field, struct terminal *terminal, hyp_job_id job)
{
    terminal_expect(terminal, field, 5); /* SND_NKE */
    terminal_say(terminal, "E5");
    terminal_expect(terminal, field, 10); /* REQ_UD2 */
    terminal_say(terminal, "68151568080572 56341200 2D2C 35 04 00000000 0406 64000000 1B16");
    assert_int_equal(field_until_finished(field, job).state, HYP_JOB_DONE);
}

/* Pulled out while nobody asks, asked in vain, and put in again under the same name. */
static void an_adapter_that_comes_back_is_read_again(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct program scratch = {0};
    program_prepare(&scratch);
    char path[160];
    program_text(path, sizeof(path), "%s", program_path(&scratch, "adapter"));
    struct terminal terminal;
    terminal_plug(&terminal, path);
    struct hyp_line line = serial_line(HYP_LINE_MBUS_SERIAL, &terminal);
    hyp_text_copy(line.path, sizeof(line.path), hyp_str_from(path));
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct hyp_device device = {.id = {7},
                                .tenant = FIELD_TENANT,
                                .line = {1},
                                .version = -1,
                                .medium = -1,
                                .primary_address = 5,
                                .enabled = true};
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    adapter_answers(field, &terminal, read_now(field, 7));
    terminal_unplug(&terminal, path);
    while (field_line_state(field, 1).link == HYP_LINK_CONNECTED) {
        hyp_loop_step(field->loop, true);
    }
    struct hyp_job missed = field_until_finished(field, read_now(field, 7));
    assert_int_equal(missed.state, HYP_JOB_ERROR);
    assert_non_null(strstr(missed.text, path));
    struct hyp_line_state down = field_line_state(field, 1);
    assert_int_equal(down.link, HYP_LINK_FAILED);
    assert_int_equal(down.comm.last_status, HYP_NOT_FOUND);
    assert_non_null(strstr(down.comm.last_error, path));
    terminal_plug(&terminal, path);
    hyp_job_id again = read_now(field, 7);
    field_advance(field, 2000); /* the pause of the line */
    adapter_answers(field, &terminal, again);
    assert_int_equal(field->sink.reading_count, 2);
    assert_int_equal(field_line_state(field, 1).link, HYP_LINK_CONNECTED);
    field_destroy(field);
    terminal_unplug(&terminal, path);
    program_stop(&scratch);
}

/* --- radio receivers --- */

struct receiver_row {
    const char *name;
    enum hyp_receiver_kind kind;
    bool text; /* `said` is a line of text, not hex */
    const char *said;
    const char *greeting; /* what is said to it first */
    int16_t signal_dbm;
};

static const struct receiver_row receiver_rows[] = {
    {"im871a on a port",         HYP_RECEIVER_IM871A,       false, RX_IM871A,                   "",               -70},
    {"amb8465 on a port",        HYP_RECEIVER_AMB8465,      false, RX_AMB8465,                  "",               0  },
    {"amb8465-rssi on a port",   HYP_RECEIVER_AMB8465_RSSI, false, RX_AMB8465_RSSI,             "",               -90},
    {"rc1180 on a port",         HYP_RECEIVER_RC1180,       false, RX_RC1180,                   "",               0  },
    {"rc1180-rssi on a port",    HYP_RECEIVER_RC1180_RSSI,  false, RX_RC1180_RSSI,              "",               -70},
    {"cul-t on a port",          HYP_RECEIVER_CUL_T,        true,  "b" RX_FORMAT_A "40E0\r\n",  "X21\r\nbrt\r\n",
     -90                                                                                                             },
    {"cul-c on a port",          HYP_RECEIVER_CUL_C,        true,  "bY" RX_FORMAT_B "40E0\r\n", "X21\r\nbrc\r\n",
     -90                                                                                                             },
    {"bare telegram on a port",  HYP_RECEIVER_AUTO,         false, RX_RC1180,                   "",               0  },
    {"rtl_wmbus line on a port", HYP_RECEIVER_AUTO,         true,
     "T1;1;1;2026-01-15 10:00:00.000;117;102;12345699;0x1e442d2c9956341268077a550000000413d22b"
     "0000426c5f2c02fd17000003\n",                                                              "",               0  },
};

static void check_receiver(void **state)
{
    const struct receiver_row *row = *state;
    struct field *field = field_create();
    struct terminal terminal;
    terminal_open(&terminal);
    struct hyp_line line = serial_line(HYP_LINE_WMBUS_SERIAL, &terminal);
    line.receiver = row->kind;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct hyp_device device = {.id = {7},
                                .tenant = FIELD_TENANT,
                                .manufacturer = "KAM",
                                .serial = "12345699",
                                .version = 0x68,
                                .medium = 7,
                                .primary_address = -1,
                                .enabled = true};
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    terminal_expect(&terminal, field, strlen(row->greeting));
    assert_memory_equal(terminal.seen, row->greeting, strlen(row->greeting));
    if (row->text) {
        size_t len = strlen(row->said);
        assert_int_equal(write(terminal.master, row->said, len), len);
    } else {
        terminal_say(&terminal, row->said);
    }
    field_until_readings(field, 1);
    field_assert_decimal(&field->sink.readings[0], "volume", "11.218");
    assert_int_equal(field->sink.frames[0].signal_dbm, row->signal_dbm);
    assert_int_equal(field->sink.frames[0].line.id, 1);
    assert_int_equal(field_line_state(field, 1).link, HYP_LINK_CONNECTED);
    field_destroy(field);
    terminal_close(&terminal);
}

/* Its old descriptor lives for another turn of the loop, and must not be in the way. */
static void a_changed_line_has_its_port_at_once(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct terminal terminal;
    terminal_open(&terminal);
    struct hyp_line line = serial_line(HYP_LINE_WMBUS_SERIAL, &terminal);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    field_settle(field);
    assert_int_equal(field_line_state(field, 1).link, HYP_LINK_CONNECTED);
    line.baud = 19200;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    assert_string_equal(field_line_state(field, 1).comm.last_error, "");
    field_settle(field);
    assert_int_equal(field_line_state(field, 1).link, HYP_LINK_CONNECTED);
    field_destroy(field);
    terminal_close(&terminal);
}

int main(void)
{
    static struct test_list list;
    TEST_ONE(&list, modbus_rtu);
    TEST_ONE(&list, mbus_meter);
    TEST_ONE(&list, baud_changes_after_what_was_sent);
    TEST_ROWS(&list, open_rows, check_open);
    TEST_ONE(&list, an_unplugged_adapter_is_a_failed_line);
    TEST_ONE(&list, an_adapter_that_comes_back_is_read_again);
    TEST_ROWS(&list, receiver_rows, check_receiver);
    TEST_ONE(&list, a_changed_line_has_its_port_at_once);
    return test_list_run(&list, "serial");
}
