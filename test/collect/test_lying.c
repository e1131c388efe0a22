/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side of a polled line misbehaves: every kind of line, by TCP and on a serial port,
 * against every fault. In all of them the device is said to fail, in words; nothing is read
 * that nobody said; and the collector goes on asking.
 */
#include "program.h"
#include "terminal.h"

#include <string.h>
#include <unistd.h>

enum fault {
    FAULT_SILENT,  /* takes requests and says nothing */
    FAULT_HANG_UP, /* ends the connection at a request; a port is pulled out */
    FAULT_NOISE,   /* bytes that are no frame */
    FAULT_FLOOD,   /* more of them than anything can be long */
    FAULT_ECHO,    /* says what it was told */
    FAULT_PROMISE, /* the head of a long answer, and nothing after it */
    FAULT_BREAK,   /* the same, and ends the connection */
    FAULT_LIE,     /* a whole answer, but of somebody else */
};

#define MBUS_HEAD "68F7F7680805"
#define MBUS_OTHER "681515680809727856341224400104550000000413150000008116"
#define RTU_HEAD "050378"
#define RTU_OTHER "09030400200021B221"

static const struct kind {
    const char *name;
    enum hyp_line_kind kind;
    const char *head;  /* of a long answer of the device */
    const char *other; /* an answer of another device */
} kinds[] = {
    {"mbus-tcp",       HYP_LINE_MBUS_TCP,       MBUS_HEAD,            MBUS_OTHER                  },
    {"mbus-serial",    HYP_LINE_MBUS_SERIAL,    MBUS_HEAD,            MBUS_OTHER                  },
    {"modbus-tcp",     HYP_LINE_MODBUS_TCP,     "000100000060050378", "00010000000709030400200021"},
    {"modbus-rtu-tcp", HYP_LINE_MODBUS_RTU_TCP, RTU_HEAD,             RTU_OTHER                   },
    {"modbus-serial",  HYP_LINE_MODBUS_SERIAL,  RTU_HEAD,             RTU_OTHER                   },
};

static bool is_serial(const struct kind *kind)
{
    return kind->kind == HYP_LINE_MBUS_SERIAL || kind->kind == HYP_LINE_MODBUS_SERIAL;
}

static const struct {
    const char *name;
    enum fault fault;
} faults[] = {
    {"silent",                   FAULT_SILENT },
    {"hangs up",                 FAULT_HANG_UP},
    {"noise",                    FAULT_NOISE  },
    {"a flood of noise",         FAULT_FLOOD  },
    {"an echo",                  FAULT_ECHO   },
    {"a head without a body",    FAULT_PROMISE},
    {"a head, then the end",     FAULT_BREAK  },
    {"an answer of another one", FAULT_LIE    },
};

struct row {
    char name[64];
    const struct kind *kind;
    enum fault fault;
};

/* The other side: a TCP server, or the far end of a serial port. */
struct side {
    const struct row *row;
    struct field *field;
    struct peer peer;
    struct program scratch; /* of the device node */
    char path[160];
    struct terminal terminal;
    bool plugged;
};

static void say(struct side *side, struct peer_client *client, const void *bytes, size_t len)
{
    if (client == NULL) {
        terminal_say_bytes(&side->terminal, side->field, bytes, len);
    } else {
        peer_send(client, bytes, len);
    }
}

static void say_hex(struct side *side, struct peer_client *client, const char *hex)
{
    uint8_t bytes[64];
    size_t len = 0;
    assert_int_equal(hyp_hex_decode(hyp_str_from(hex), bytes, sizeof(bytes), &len, NULL),
                     HYP_OK);
    say(side, client, bytes, len);
}

static void say_noise(struct side *side, struct peer_client *client, size_t pieces)
{
    static const uint8_t noise[64] = {0xFF, 0x00, 0x12, 0x77, 0xA5, 0x5A};
    for (size_t i = 0; i < pieces; i++) {
        say(side, client, noise, sizeof(noise));
    }
}

static void hang_up(struct side *side, struct peer_client *client)
{
    if (client == NULL) {
        terminal_unplug(&side->terminal, side->path);
        side->plugged = false;
    } else {
        peer_drop(client);
    }
}

/* @client  NULL on a serial port */
static void answer(struct side *side, struct peer_client *client, const uint8_t *bytes,
                   size_t len)
{
    const struct row *row = side->row;
    switch (row->fault) {
    case FAULT_SILENT: break;
    case FAULT_HANG_UP: hang_up(side, client); break;
    case FAULT_NOISE: say_noise(side, client, 1); break;
    case FAULT_FLOOD: say_noise(side, client, 100); break;
    case FAULT_ECHO: say(side, client, bytes, len); break;
    case FAULT_PROMISE: say_hex(side, client, row->kind->head); break;
    case FAULT_BREAK:
        say_hex(side, client, row->kind->head);
        hang_up(side, client);
        break;
    case FAULT_LIE: say_hex(side, client, row->kind->other); break;
    }
}

static void on_request(struct peer_client *client, const uint8_t *bytes, size_t len)
{
    answer(client->peer->user, client, bytes, len);
}

static void plug(struct side *side)
{
    terminal_plug(&side->terminal, side->path);
    side->plugged = true;
}

static struct hyp_line side_open(struct side *side)
{
    struct hyp_line line = field_line(1, side->row->kind->kind, 0);
    if (is_serial(side->row->kind)) {
        program_prepare(&side->scratch);
        program_text(side->path, sizeof(side->path), "%s",
                     program_path(&side->scratch, "adapter"));
        plug(side);
        hyp_text_copy(line.path, sizeof(line.path), hyp_str_from(side->path));
        line.baud = 9600;
        line.parity = 'N'; /* pseudo terminals know no parity */
    } else {
        peer_open(&side->peer, side->field, on_request);
        side->peer.user = side;
        line.port = side->peer.port;
    }
    return line;
}

static void side_close(struct side *side)
{
    if (!is_serial(side->row->kind)) {
        peer_close(&side->peer);
        return;
    }
    if (side->plugged) {
        terminal_unplug(&side->terminal, side->path);
    }
    program_stop(&side->scratch);
}

/* What has come out of the port is answered; one that was pulled out comes back, now and then.
 */
static void serve_port(struct side *side, int step)
{
    if (!side->plugged) {
        if (step % 600 == 0) {
            plug(side);
        }
        return;
    }
    side->terminal.seen_len = 0;
    size_t len = terminal_listen(&side->terminal);
    if (len > 0) {
        answer(side, NULL, side->terminal.seen, len);
    }
}

static struct hyp_device device_on(const struct kind *kind)
{
    struct hyp_device device = field_modbus_device(1, 1, 5);
    if (kind->kind == HYP_LINE_MBUS_TCP || kind->kind == HYP_LINE_MBUS_SERIAL) {
        device = (struct hyp_device){.id = {1},
                                     .tenant = FIELD_TENANT,
                                     .line = {1},
                                     .serial = "00123456",
                                     .manufacturer = "KAM",
                                     .version = 53,
                                     .medium = 4,
                                     .primary_address = 5,
                                     .enabled = true};
    }
    device.schedule = (struct hyp_schedule){.kind = HYP_SCHEDULE_EVERY, .minutes = 15};
    return device;
}

/* Somebody reads it: it says where, and what to look at. */
static void check_words(const struct side *side, const struct hyp_device_state *failed,
                        const struct hyp_line_state *down)
{
    bool broke = side->row->fault == FAULT_HANG_UP || side->row->fault == FAULT_BREAK;
    const char *text =
        failed->comm.last_error[0] != '\0' ? failed->comm.last_error : down->comm.last_error;
    assert_true(strlen(text) > 10);
    if (broke) {
        assert_non_null(strstr(text, is_serial(side->row->kind) ? side->path : "127.0.0.1:"));
    }
}

static void check(void **state)
{
    struct side side = {.row = *state, .field = field_create()};
    struct field *field = side.field;
    struct hyp_line line = side_open(&side);
    struct hyp_device device = device_on(side.row->kind);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    for (int step = 0; step < 3 * 3600; step++) {
        field_settle(field);
        if (is_serial(side.row->kind)) {
            serve_port(&side, step);
            field_settle(field); /* what happens is seen before the time for it is over */
        }
        field_advance(field, 1000);
    }
    field_settle(field);
    struct hyp_device_state failed = field_device_state(field, 1);
    struct hyp_line_state down = field_line_state(field, 1);
    assert_int_equal(field->sink.reading_count, 0);
    assert_int_equal(failed.comm.successes, 0);
    assert_true(failed.comm.attempts >= 2);
    assert_true(failed.comm.attempts < 1000);
    check_words(&side, &failed, &down);
    side_close(&side);
    field_destroy(field);
}

int main(void)
{
    static struct row rows[HYP_ARRAY_LEN(kinds) * HYP_ARRAY_LEN(faults)];
    static struct test_list list;
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        struct row *row = &rows[i];
        struct hyp_buf name;
        row->kind = &kinds[i / HYP_ARRAY_LEN(faults)];
        row->fault = faults[i % HYP_ARRAY_LEN(faults)].fault;
        hyp_buf_init_fixed(&name, row->name, sizeof(row->name));
        hyp_buf_append_fmt(&name, "%s: %s", row->kind->name,
                           faults[i % HYP_ARRAY_LEN(faults)].name);
        hyp_buf_terminate(&name);
        list.tests[list.count++] =
            (struct CMUnitTest){.name = row->name, .test_func = check, .initial_state = row};
    }
    return test_list_run(&list, "lying");
}
