/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brokers that are none, or change their mind: a listening line by MQTT against a server that
 * stays silent, lies and hangs up at every step of the greeting. In all of them the line says
 * what is wrong, pauses, and is a good line again as soon as the broker behaves.
 */
#include "field.h"

#define CONNECT 0x10
#define SUBSCRIBE 0x82
#define PATIENCE_MS 15000
#define LONGEST_PAUSE_MS 400000 /* before it is tried again, with its jitter */

static const struct row {
    const char *name;
    const char *to_connect;   /* hex; NULL = silence, "" = the end of the connection */
    const char *to_subscribe; /* the same; GRANT = what a good broker says */
    const char *then;         /* right behind it */
    size_t waits_at;          /* request after which nothing tells but the time; 0 = none */
    enum hyp_status status;
    const char *text;
} rows[] = {
#define GRANT "grant"
#define REFUSE "refuse"
#define END ""
  /* clang-format off */
    {"silence after the connection",  NULL,           NULL,   NULL,         1,  HYP_TIMEOUT, "no answer within 15 s"},
    {"the end at the greeting",       END,            NULL,   NULL,         0, HYP_CLOSED,  "onnection"},
    {"another protocol",              "485454502F312E3120343030204261642052657175657374", NULL, NULL, 1, HYP_TIMEOUT, "no answer within 15 s"},
    {"a message that is no greeting", "F000",         NULL,   NULL,         0, HYP_CLOSED,  "does not speak MQTT: check host and port"},
    {"half a greeting",               "2002",         NULL,   NULL,         1,  HYP_TIMEOUT, "no answer within 15 s"},
    {"a sign-in that is refused",     "20020005",     NULL,   NULL,         0, HYP_DENIED,  "not authorised"},
    {"a broker that is not ready",    "20020003",     NULL,   NULL,         0, HYP_DENIED,  "broker unavailable"},
    {"silence after the subscription","20020000",     NULL,   NULL,         2,  HYP_TIMEOUT, "no answer within 15 s"},
    {"the end at the subscription",   "20020000",     END,    NULL,         0, HYP_CLOSED,  "onnection"},
    {"a topic that is refused",       "20020000",     REFUSE, NULL,         0, HYP_DENIED,  "does not allow to subscribe"},
    {"half a message, then the end",  "20020000",     GRANT,  "30FF7F0001", 0, HYP_CLOSED,  "onnection"},
    {"a length without an end",       "20020000",     GRANT,  "30FFFFFFFFFF", 0, HYP_CLOSED, "no MQTT"},
  /* clang-format on */
};

struct server {
    struct peer peer;
    const struct row *row; /* NULL: behaves */
    size_t requests;       /* of the line */
};

static void say_hex(struct peer_client *client, const char *hex)
{
    uint8_t bytes[64];
    size_t len = 0;
    assert_int_equal(hyp_hex_decode(hyp_str_from(hex), bytes, sizeof(bytes), &len, NULL),
                     HYP_OK);
    peer_send(client, bytes, len);
}

/* @code  0 or 1 = granted, 80 = refused */
static void answer_subscription(struct peer_client *client, const uint8_t *bytes, uint8_t code)
{
    const uint8_t answer[] = {0x90, 0x03, bytes[2], bytes[3], code};
    peer_send(client, answer, sizeof(answer));
}

static void answer(struct peer_client *client, const char *what, const uint8_t *bytes)
{
    if (what == NULL) {
        return;
    }
    if (strcmp(what, END) == 0) {
        peer_drop(client);
    } else if (strcmp(what, GRANT) == 0) {
        answer_subscription(client, bytes, 1);
    } else if (strcmp(what, REFUSE) == 0) {
        answer_subscription(client, bytes, 0x80);
    } else {
        say_hex(client, what);
    }
}

/* Both are small, and sent in one piece each, when the step before has been answered. */
static void on_request(struct peer_client *client, const uint8_t *bytes, size_t len)
{
    struct server *server = client->peer->user;
    const struct row *row = server->row;
    if (len < 4) {
        return; /* it says goodbye */
    }
    server->requests++;
    if (bytes[0] == CONNECT) {
        answer(client, row == NULL ? "20020000" : row->to_connect, bytes);
    } else if (bytes[0] == SUBSCRIBE) {
        answer(client, row == NULL ? GRANT : row->to_subscribe, bytes);
        if (row != NULL && row->then != NULL) {
            say_hex(client, row->then);
            peer_drop(client);
        }
    }
}

static bool has_come(struct field *field, void *argument)
{
    (void)field;
    const struct server *server = argument;
    return server->requests >= server->row->waits_at;
}

static bool has_failed(struct field *field, void *argument)
{
    (void)argument;
    return field_line_state(field, 1).link == HYP_LINK_FAILED;
}

static bool is_connected(struct field *field, void *argument)
{
    (void)argument;
    return field_line_state(field, 1).link == HYP_LINK_CONNECTED;
}

static void check(void **state)
{
    const struct row *row = *state;
    struct field *field = field_create();
    struct server server = {.row = row};
    server.peer.user = &server;
    peer_open(&server.peer, field, on_request);
    server.peer.user = &server;
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_MQTT, server.peer.port);
    hyp_text_copy(line.topic, sizeof(line.topic), HYP_STR("town/#"));
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    field_until(field, has_come, &server);
    if (row->waits_at > 0) {
        field_settle(field);
        assert_int_equal(field_line_state(field, 1).link, HYP_LINK_CONNECTING);
        field_advance(field, PATIENCE_MS);
    }
    field_until(field, has_failed, NULL);
    struct hyp_line_state failed = field_line_state(field, 1);
    assert_int_equal(failed.comm.last_status, row->status);
    if (strstr(failed.comm.last_error, row->text) == NULL ||
        strstr(failed.comm.last_error, "127.0.0.1") == NULL) {
        fail_msg("\"%s\"", failed.comm.last_error);
    }
    assert_int_equal(field->sink.reading_count, 0);
    server.row = NULL; /* it behaves from now on */
    field_advance(field, LONGEST_PAUSE_MS);
    field_until(field, is_connected, NULL);
    assert_int_equal(field_line_state(field, 1).comm.last_status, HYP_OK);
    peer_close(&server.peer);
    field_destroy(field);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, rows, check);
    return test_list_run(&list, "brokers");
}
