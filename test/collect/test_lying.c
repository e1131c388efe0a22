/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side of a polled line misbehaves: every kind of line by TCP against every fault. In
 * all of them the device is said to fail, in words; nothing is read that nobody said; and the
 * collector goes on asking.
 */
#include "field.h"

#include <string.h>

enum fault {
    FAULT_SILENT,  /* takes requests and says nothing */
    FAULT_HANG_UP, /* ends the connection at a request */
    FAULT_NOISE,   /* bytes that are no frame */
    FAULT_FLOOD,   /* more of them than anything can be long */
    FAULT_ECHO,    /* says what it was told */
    FAULT_PROMISE, /* the head of a long answer, and nothing after it */
    FAULT_BREAK,   /* the same, and ends the connection */
    FAULT_LIE,     /* a whole answer, but of somebody else */
};

static const struct kind {
    const char *name;
    enum hyp_line_kind kind;
    const char *head;  /* of a long answer of the device */
    const char *other; /* an answer of another device */
} kinds[] = {
    {"mbus-tcp",       HYP_LINE_MBUS_TCP,       "68F7F7680805",
     "681515680809727856341224400104550000000413150000008116"                                     },
    {"modbus-tcp",     HYP_LINE_MODBUS_TCP,     "000100000060050378", "00010000000709030400200021"},
    {"modbus-rtu-tcp", HYP_LINE_MODBUS_RTU_TCP, "050378",             "09030400200021B221"        },
};

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

static void say_hex(struct peer_client *client, const char *hex)
{
    uint8_t bytes[64];
    size_t len = 0;
    assert_int_equal(hyp_hex_decode(hyp_str_from(hex), bytes, sizeof(bytes), &len, NULL),
                     HYP_OK);
    peer_send(client, bytes, len);
}

static void say_noise(struct peer_client *client, size_t pieces)
{
    static const uint8_t noise[64] = {0xFF, 0x00, 0x12, 0x77, 0xA5, 0x5A};
    for (size_t i = 0; i < pieces; i++) {
        peer_send(client, noise, sizeof(noise));
    }
}

static void on_request(struct peer_client *client, const uint8_t *bytes, size_t len)
{
    const struct row *row = client->peer->user;
    switch (row->fault) {
    case FAULT_SILENT: break;
    case FAULT_HANG_UP: peer_drop(client); break;
    case FAULT_NOISE: say_noise(client, 1); break;
    case FAULT_FLOOD: say_noise(client, 100); break;
    case FAULT_ECHO: peer_send(client, bytes, len); break;
    case FAULT_PROMISE: say_hex(client, row->kind->head); break;
    case FAULT_BREAK:
        say_hex(client, row->kind->head);
        peer_drop(client);
        break;
    case FAULT_LIE: say_hex(client, row->kind->other); break;
    }
}

static void check(void **state)
{
    struct row *row = *state;
    struct field *field = field_create();
    struct peer peer = {.user = row};
    peer_open(&peer, field, on_request);
    peer.user = row;
    struct hyp_line line = field_line(1, row->kind->kind, peer.port);
    struct hyp_device device = field_modbus_device(1, 1, 5);
    if (row->kind->kind == HYP_LINE_MBUS_TCP) {
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
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    for (int step = 0; step < 3 * 3600; step++) {
        field_settle(field);
        field_advance(field, 1000);
    }
    field_settle(field);
    struct hyp_device_state failed = field_device_state(field, 1);
    struct hyp_line_state down = field_line_state(field, 1);
    assert_int_equal(field->sink.reading_count, 0);
    assert_int_equal(failed.comm.successes, 0);
    assert_true(failed.comm.last_error[0] != '\0' || down.comm.last_error[0] != '\0');
    assert_true(failed.comm.attempts >= 2);
    peer_close(&peer);
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
