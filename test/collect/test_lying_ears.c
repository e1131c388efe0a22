/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side of a line that listens misbehaves: every kind of link against every fault. In
 * all of them the telegram that comes after the fault becomes its reading, and nothing else
 * does; what is kept of the rest is bounded; and where nothing good comes the line says why.
 */
#include "broker.h"
#include "caller.h"
#include "receivers.h"
#include "terminal.h"

#include <unistd.h>

/* A fault may need this long to be over: a gap on a network is the longest. */
#define PAUSE_MS 20000
#define FLOOD 300000

static const struct kind {
    const char *name;
    enum hyp_line_kind kind;
    enum hyp_receiver_kind receiver;
    const char *said; /* the telegram, as this side says it */
} kinds[] = {
    {"tcp",               HYP_LINE_WMBUS_TCP,        HYP_RECEIVER_AUTO,    RX_RC1180 },
    {"tcp-listen",        HYP_LINE_WMBUS_TCP_LISTEN, HYP_RECEIVER_AUTO,    RX_RC1180 },
    {"udp",               HYP_LINE_WMBUS_UDP_LISTEN, HYP_RECEIVER_AUTO,    RX_RC1180 },
    {"mqtt",              HYP_LINE_WMBUS_MQTT,       HYP_RECEIVER_AUTO,    RX_RC1180 },
    {"serial",            HYP_LINE_WMBUS_SERIAL,     HYP_RECEIVER_AUTO,    RX_RC1180 },
    {"im871a on a port",  HYP_LINE_WMBUS_SERIAL,     HYP_RECEIVER_IM871A,  RX_IM871A },
    {"amb8465 on a port", HYP_LINE_WMBUS_SERIAL,     HYP_RECEIVER_AMB8465, RX_AMB8465},
    {"im871a behind tcp", HYP_LINE_WMBUS_TCP,        HYP_RECEIVER_IM871A,  RX_IM871A },
};

/* --- the other side, whatever the link is --- */

struct mouth {
    struct field *field;
    const struct kind *kind;
    struct peer peer;
    struct caller caller;
    uv_udp_t udp;
    struct sockaddr_in address;
    struct program scratch; /* of the device node */
    char path[160];
    struct terminal terminal;
    struct broker broker;
    uint8_t good[128];
    size_t len;
};

static struct hyp_ear *ear_of(const struct mouth *mouth)
{
    struct hyp_wire *wire = hyp_collector_wire(mouth->field->collector, (hyp_line_id){1});
    return HYP_CONTAINER_OF(wire, struct hyp_ear, wire);
}

static void connect_back(struct mouth *mouth)
{
    uint16_t port = hyp_ear_port(ear_of(mouth));
    if (mouth->kind->kind == HYP_LINE_WMBUS_TCP_LISTEN) {
        caller_open(&mouth->caller, mouth->field, port);
        while (field_line_state(mouth->field, 1).clients == 0) {
            hyp_loop_step(mouth->field->loop, true);
        }
    } else if (mouth->kind->kind == HYP_LINE_WMBUS_UDP_LISTEN) {
        uv_ip4_addr("127.0.0.1", port, &mouth->address);
        uv_udp_init(&mouth->field->loop->uv, &mouth->udp);
    }
}

/* Lets time pass until we are connected to the other side. */
static void until_connected(struct mouth *mouth)
{
    while (field_line_state(mouth->field, 1).link != HYP_LINK_CONNECTED) {
        field_settle(mouth->field);
        field_advance(mouth->field, 100);
    }
    if (mouth->kind->kind == HYP_LINE_WMBUS_TCP) {
        field_until(mouth->field, peer_has_clients, &mouth->peer);
    }
}

static bool connects_to_it(const struct mouth *mouth)
{
    return mouth->kind->kind != HYP_LINE_WMBUS_TCP_LISTEN &&
           mouth->kind->kind != HYP_LINE_WMBUS_UDP_LISTEN;
}

static struct hyp_line line_to(struct mouth *mouth)
{
    struct hyp_line line = field_line(1, mouth->kind->kind, 0);
    line.receiver = mouth->kind->receiver;
    switch (mouth->kind->kind) {
    case HYP_LINE_WMBUS_TCP:
        peer_open(&mouth->peer, mouth->field, NULL);
        line.port = mouth->peer.port;
        break;
    case HYP_LINE_WMBUS_MQTT:
        broker_start(&mouth->broker, BROKER_OPEN);
        return broker_line(&mouth->broker, "town/#");
    case HYP_LINE_WMBUS_SERIAL:
        program_prepare(&mouth->scratch);
        program_text(mouth->path, sizeof(mouth->path), "%s",
                     program_path(&mouth->scratch, "adapter"));
        terminal_plug(&mouth->terminal, mouth->path);
        hyp_text_copy(line.path, sizeof(line.path), hyp_str_from(mouth->path));
        line.baud = 57600;
        line.parity = 'N';
        break;
    default: break;
    }
    return line;
}

static void mouth_open(struct mouth *mouth, const struct kind *kind)
{
    *mouth = (struct mouth){.field = broker_field(), .kind = kind};
    struct hyp_line line = line_to(mouth);
    assert_int_equal(hyp_hex_decode(hyp_str_from(kind->said), mouth->good, sizeof(mouth->good),
                                    &mouth->len, NULL),
                     HYP_OK);
    assert_int_equal(hyp_collector_set_line(mouth->field->collector, &line), HYP_OK);
    connect_back(mouth);
    if (connects_to_it(mouth)) {
        until_connected(mouth);
    }
}

static void say(struct mouth *mouth, const void *bytes, size_t len)
{
    uv_buf_t buf = uv_buf_init(NULL, (unsigned)len);
    memcpy(&buf.base, &bytes, sizeof(bytes));
    uint64_t before = field_line_state(mouth->field, 1).bytes_in;
    switch (mouth->kind->kind) {
    case HYP_LINE_WMBUS_TCP: peer_broadcast(&mouth->peer, bytes, len); break;
    case HYP_LINE_WMBUS_TCP_LISTEN: caller_say(&mouth->caller, bytes, len); break;
    case HYP_LINE_WMBUS_MQTT: broker_publish(&mouth->broker, "town/1", bytes, len); break;
    case HYP_LINE_WMBUS_UDP_LISTEN:
        assert_int_equal(
            uv_udp_try_send(&mouth->udp, &buf, 1, (const struct sockaddr *)&mouth->address),
            len);
        break;
    default: terminal_say_bytes(&mouth->terminal, mouth->field, bytes, len); break;
    }
    while (field_line_state(mouth->field, 1).bytes_in < before + len) {
        hyp_loop_step(mouth->field->loop, true);
    }
}

/* The connection ends, or the adapter is pulled out, and comes again. */
static void break_and_come_again(struct mouth *mouth)
{
    switch (mouth->kind->kind) {
    case HYP_LINE_WMBUS_TCP:
        while (mouth->peer.clients != NULL) {
            peer_drop(mouth->peer.clients);
        }
        break;
    case HYP_LINE_WMBUS_TCP_LISTEN:
        caller_close(&mouth->caller, mouth->field);
        while (field_line_state(mouth->field, 1).clients > 0) {
            hyp_loop_step(mouth->field->loop, true);
        }
        connect_back(mouth);
        return;
    case HYP_LINE_WMBUS_SERIAL: terminal_unplug(&mouth->terminal, mouth->path); break;
    default: return; /* datagrams and messages know no connection */
    }
    while (field_line_state(mouth->field, 1).link == HYP_LINK_CONNECTED) {
        hyp_loop_step(mouth->field->loop, true);
    }
    struct hyp_line_state down = field_line_state(mouth->field, 1);
    if (mouth->kind->kind == HYP_LINE_WMBUS_SERIAL) {
        assert_non_null(strstr(down.comm.last_error, mouth->path));
        assert_non_null(strstr(down.comm.last_error, "plugged in"));
        terminal_plug(&mouth->terminal, mouth->path);
    } else {
        assert_non_null(strstr(down.comm.last_error, "127.0.0.1:"));
    }
    until_connected(mouth);
}

static void mouth_close(struct mouth *mouth)
{
    hyp_collector_remove_line(mouth->field->collector, (hyp_line_id){1});
    switch (mouth->kind->kind) {
    case HYP_LINE_WMBUS_TCP: peer_close(&mouth->peer); break;
    case HYP_LINE_WMBUS_TCP_LISTEN: caller_close(&mouth->caller, mouth->field); break;
    case HYP_LINE_WMBUS_UDP_LISTEN:
        uv_close((uv_handle_t *)&mouth->udp, NULL);
        field_settle(mouth->field);
        break;
    case HYP_LINE_WMBUS_MQTT: program_stop(&mouth->broker.program); break;
    default:
        terminal_unplug(&mouth->terminal, mouth->path);
        program_stop(&mouth->scratch);
        break;
    }
    field_destroy(mouth->field);
}

/* --- faults --- */

static bool is_stream(const struct mouth *mouth)
{
    return mouth->kind->kind != HYP_LINE_WMBUS_UDP_LISTEN &&
           mouth->kind->kind != HYP_LINE_WMBUS_MQTT;
}

/* No byte of it can be the length of a telegram. */
static void say_noise(struct mouth *mouth, size_t len)
{
    static const uint8_t noise[] = {0x01, 0x00, 0x02, 0x07, 0x05, 0x03, 0x06, 0x04};
    uint8_t bytes[60000];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = noise[i % sizeof(noise)];
    }
    size_t piece = mouth->kind->kind == HYP_LINE_WMBUS_MQTT ? sizeof(bytes) : 1024;
    for (size_t said = 0; said < len; said += piece) {
        say(mouth, bytes, HYP_MIN(len - said, piece));
    }
}

static void silence(struct mouth *mouth)
{
    for (int i = 0; i < 24; i++) {
        field_advance(mouth->field, 3600000);
        field_settle(mouth->field);
    }
    assert_int_equal(field_line_state(mouth->field, 1).frames_in, 0);
}

static void a_little_noise(struct mouth *mouth)
{
    say_noise(mouth, 40);
    assert_int_equal(field_line_state(mouth->field, 1).comm.last_status, HYP_OK);
}

static void a_flood(struct mouth *mouth)
{
    say_noise(mouth, FLOOD);
    struct hyp_line_state state = field_line_state(mouth->field, 1);
    assert_true(ear_of(mouth)->stream->pending.len <= HYP_LIMIT_LINK_BUFFER);
    assert_int_equal(state.comm.last_status, HYP_MALFORMED);
    assert_non_null(strstr(state.comm.last_error, "no telegram is among them"));
    assert_non_null(strstr(state.comm.last_error, "check the kind of receiver"));
    bool serial = mouth->kind->kind == HYP_LINE_WMBUS_SERIAL;
    assert_int_equal(serial, strstr(state.comm.last_error, "baud rate") != NULL);
    assert_int_equal(serial, strstr(state.comm.last_error, mouth->path) != NULL &&
                                 mouth->path[0] != '\0');
}

static void a_byte_at_a_time(struct mouth *mouth)
{
    if (!is_stream(mouth)) {
        return; /* a message of one byte is none */
    }
    for (size_t i = 0; i < mouth->len; i++) {
        say(mouth, mouth->good + i, 1);
        field_advance(mouth->field, 50);
    }
    field_until_readings(mouth->field, 1);
}

static void half_and_then_nothing(struct mouth *mouth)
{
    say(mouth, mouth->good, mouth->len / 2);
}

/* Longer than anything that follows. */
static void a_length_that_lies(struct mouth *mouth)
{
    static const uint8_t lies[][4] = {
        {0xFF, 0x44, 0x2D, 0x2C},
        {0xA5, 0x02, 0x03, 0xFF},
        {0xFF, 0x03, 0xFF, 0x44},
        {0x68, 0xFF, 0xFF, 0x68},
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(lies); i++) {
        say(mouth, lies[i], sizeof(lies[i]));
        say_noise(mouth, 12);
        field_advance(mouth->field, PAUSE_MS);
    }
}

static void broken_at_every_byte(struct mouth *mouth)
{
    for (size_t cut = 1; cut < mouth->len; cut++) {
        say(mouth, mouth->good, cut);
        break_and_come_again(mouth);
    }
}

/* Takes the connection and ends it: not asked every second for ever. */
static void a_loop_of_connections(struct mouth *mouth)
{
    hyp_mono begin = hyp_loop_now(mouth->field->loop);
    for (int i = 0; i < 10; i++) {
        break_and_come_again(mouth);
    }
    int64_t took = hyp_loop_now(mouth->field->loop).ms - begin.ms;
    assert_true(took > 300000 || !is_stream(mouth) ||
                mouth->kind->kind == HYP_LINE_WMBUS_TCP_LISTEN);
}

static const struct fault {
    const char *name;
    void (*happens)(struct mouth *mouth);
} faults[] = {
    {"silence",               silence              },
    {"a little noise",        a_little_noise       },
    {"a flood of noise",      a_flood              },
    {"a byte at a time",      a_byte_at_a_time     },
    {"half, then nothing",    half_and_then_nothing},
    {"a length that lies",    a_length_that_lies   },
    {"broken at every byte",  broken_at_every_byte },
    {"a loop of connections", a_loop_of_connections},
};

struct row {
    char name[64];
    const struct kind *kind;
    const struct fault *fault;
};

static void check(void **state)
{
    const struct row *row = *state;
    if (row->kind->kind == HYP_LINE_WMBUS_MQTT && !program_exists(BROKER)) {
        TEST_SKIP(BROKER " is not installed");
    }
    struct mouth mouth;
    mouth_open(&mouth, row->kind);
    row->fault->happens(&mouth);
    field_advance(mouth.field, PAUSE_MS);
    size_t before = mouth.field->sink.reading_count;
    say(&mouth, mouth.good, mouth.len);
    field_until_readings(mouth.field, before + 1);
    for (size_t i = 0; i < mouth.field->sink.reading_count; i++) {
        field_assert_decimal(&mouth.field->sink.readings[i], "volume", "11.218");
    }
    struct hyp_line_state good = field_line_state(mouth.field, 1);
    assert_int_equal(good.comm.last_status, HYP_OK);
    assert_int_equal(good.comm.failures_in_row, 0);
    assert_int_equal(good.link,
                     connects_to_it(&mouth) ? HYP_LINK_CONNECTED : HYP_LINK_LISTENING);
    mouth_close(&mouth);
}

/* --- one more connection than a listener takes --- */

static void a_crowd_at_the_door(void **state)
{
    (void)state;
    struct mouth mouth;
    mouth_open(&mouth, &kinds[1]);
    struct hyp_ear *ear = ear_of(&mouth);
    uint32_t real = ear->client_count;
    ear->client_count = HYP_LIMIT_LISTEN_CLIENTS; /* as if so many were there */
    struct caller one_more;
    caller_open(&one_more, mouth.field, hyp_ear_port(ear));
    while (field_line_state(mouth.field, 1).comm.last_status == HYP_OK) {
        hyp_loop_step(mouth.field->loop, true);
    }
    struct hyp_line_state full = field_line_state(mouth.field, 1);
    assert_int_equal(full.comm.last_status, HYP_LIMIT);
    assert_non_null(strstr(full.comm.last_error, "connects again and again"));
    assert_int_equal(full.link, HYP_LINK_LISTENING);
    ear->client_count = real;
    caller_close(&one_more, mouth.field);
    say(&mouth, mouth.good, mouth.len); /* who is in is heard */
    field_until_readings(mouth.field, 1);
    mouth_close(&mouth);
}

int main(void)
{
    static struct row rows[HYP_ARRAY_LEN(kinds) * HYP_ARRAY_LEN(faults)];
    static struct test_list list;
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        struct row *row = &rows[i];
        struct hyp_buf name;
        row->kind = &kinds[i / HYP_ARRAY_LEN(faults)];
        row->fault = &faults[i % HYP_ARRAY_LEN(faults)];
        hyp_buf_init_fixed(&name, row->name, sizeof(row->name));
        hyp_buf_append_fmt(&name, "%s: %s", row->kind->name, row->fault->name);
        hyp_buf_terminate(&name);
        test_list_add(&list, row->name, check, row);
    }
    TEST_ONE(&list, a_crowd_at_the_door);
    return test_list_run(&list, "lying_ears");
}
