/* SPDX-License-Identifier: Apache-2.0 */
/* A real Mosquitto broker, started here on a free port. */
#include "broker.h"

#include <mosquitto.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct field *create_field(const struct broker *broker, const char *topic)
{
    struct field *field = broker_field();
    struct hyp_line line = broker_line(broker, topic);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    return field;
}

static void every_kind_of_payload(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, BROKER_OPEN);
    struct field *field = create_field(&broker, "town/+/telegram");
    until_link(field, HYP_LINK_CONNECTED);
    uint8_t bytes[64];
    size_t len = 0;
    assert_int_equal(hyp_hex_decode(HYP_STR(TELEGRAM), bytes, sizeof(bytes), &len, NULL),
                     HYP_OK);
    broker_publish(&broker, "town/1/other", TELEGRAM, sizeof(TELEGRAM) - 1);
    broker_publish(&broker, "town/1/telegram", TELEGRAM, sizeof(TELEGRAM) - 1);
    field_until_readings(field, 1);
    field_advance(field, 20000); /* else it is the same telegram by a second receiver */
    broker_publish(&broker, "town/2/telegram", bytes, len);
    field_until_readings(field, 2);
    field_advance(field, 20000);
    static const char json[] =
        "{\"gateway\":\"g1\",\"telegram\":\"" TELEGRAM "\",\"rssi\":-88}";
    broker_publish(&broker, "town/3/telegram", json, sizeof(json) - 1);
    field_until_readings(field, 3);
    assert_int_equal(field->sink.frames[2].signal_dbm, -88);
    for (size_t i = 0; i < 3; i++) {
        field_assert_decimal(&field->sink.readings[i], "volume", "11.218");
    }
    broker_publish(&broker, "town/4/telegram", "hello", 5);
    while (field_line_state(field, 1).frames_refused == 0) {
        hyp_loop_step(field->loop, true);
    }
    field_destroy(field);
    program_stop(&broker.program);
}

static void a_broker_that_comes_back_is_subscribed_to_again(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, BROKER_OPEN);
    struct field *field = create_field(&broker, "town/#");
    until_link(field, HYP_LINK_CONNECTED);
    broker_kill(&broker);
    until_link(field, HYP_LINK_FAILED);
    assert_true(strlen(field_line_state(field, 1).comm.last_error) > 0);
    /* While it is away: refused, and tried with pauses. */
    field_advance(field, 2000);
    while (field_line_state(field, 1).comm.failures_in_row < 2) {
        hyp_loop_step(field->loop, true);
    }
    broker_start(&broker, BROKER_OPEN);
    field_advance(field, 10000);
    until_link(field, HYP_LINK_CONNECTED);
    broker_publish(&broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
    field_until_readings(field, 1);
    field_destroy(field);
    program_stop(&broker.program);
}

static void a_refused_sign_in_says_why(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, BROKER_PASSWORD);
    struct field *field = create_field(&broker, "town/#");
    until_link(field, HYP_LINK_FAILED);
    struct hyp_line_state line = field_line_state(field, 1);
    assert_int_equal(line.comm.last_status, HYP_DENIED);
    assert_non_null(strstr(line.comm.last_error, "not authori"));
    field_destroy(field);
    program_stop(&broker.program);
}

static void a_bad_topic_is_refused(void **state)
{
    (void)state;
    struct broker broker = {.port = 1};
    struct field *field = create_field(&broker, "town/#/more");
    struct hyp_line_state line = field_line_state(field, 1);
    assert_int_equal(line.link, HYP_LINK_FAILED);
    assert_non_null(strstr(line.comm.last_error, "no topic"));
    field_destroy(field);
}

/* With a full outbox the broker keeps the messages; nothing is lost. */
static void messages_wait_in_the_broker_while_the_sink_is_busy(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, BROKER_OPEN);
    struct field *field = create_field(&broker, "town/#");
    until_link(field, HYP_LINK_CONNECTED);
    hyp_ear_pause(HYP_CONTAINER_OF(hyp_collector_wire(field->collector, (hyp_line_id){1}),
                                   struct hyp_ear, wire),
                  true);
    broker_publish(&broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
    assert_true(program_wait_for(&broker.program, "Sending PUBLISH to"));
    field_settle(field);
    assert_int_equal(field_line_state(field, 1).bytes_in, 0);
    hyp_ear_pause(HYP_CONTAINER_OF(hyp_collector_wire(field->collector, (hyp_line_id){1}),
                                   struct hyp_ear, wire),
                  false);
    field_until_readings(field, 1);
    field_destroy(field);
    program_stop(&broker.program);
}

static void a_message_that_is_too_long_is_told(void **state)
{
    (void)state;
    static char large[HYP_LIMIT_MQTT_PAYLOAD + 1];
    struct broker broker = {0};
    broker_start(&broker, BROKER_OPEN);
    struct field *field = create_field(&broker, "town/#");
    until_link(field, HYP_LINK_CONNECTED);
    memset(large, 'A', sizeof(large));
    broker_publish(&broker, "town/1", large, sizeof(large));
    while (field_line_state(field, 1).frames_refused == 0) {
        hyp_loop_step(field->loop, true);
    }
    struct hyp_line_state line = field_line_state(field, 1);
    assert_int_equal(line.link, HYP_LINK_CONNECTED);
    assert_int_equal(line.bytes_in, sizeof(large));
    assert_int_equal(line.comm.last_status, HYP_LIMIT);
    assert_non_null(strstr(line.comm.last_error, "a message of 262145 bytes was left out"));
    assert_non_null(strstr(line.comm.last_error, "narrow the topic"));
    broker_publish(&broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
    field_until_readings(field, 1);
    line = field_line_state(field, 1);
    assert_int_equal(line.frames_refused, 1);
    assert_int_equal(line.comm.last_status, HYP_OK);
    field_destroy(field);
    program_stop(&broker.program);
}

/* --- nothing acknowledged is lost, nothing doubled --- */

#define CLIENT "hypocaust-test"

static struct field *create_kept(const struct broker *broker)
{
    struct field *field = broker_field();
    struct hyp_line line = broker_line(broker, "town/#");
    hyp_text_copy(line.client_id, sizeof(line.client_id), HYP_STR(CLIENT));
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    return field;
}

static void until_held(struct field *field)
{
    while (field->sink.held_count == 0) {
        hyp_loop_step(field->loop, true);
    }
}

static void the_acknowledgement_waits_for_the_commit(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, BROKER_OPEN);
    struct field *field = create_kept(&broker);
    until_link(field, HYP_LINK_CONNECTED);
    field->sink.hold = true;
    broker_publish(&broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
    until_held(field);
    /* Had it been written, the broker would log it before what it does next for us. */
    broker_publish(&broker, "town/2", "no telegram", 11);
    while (field_line_state(field, 1).frames_refused == 0) {
        hyp_loop_step(field->loop, true);
    }
    broker_publish(&broker, "town/3", "no telegram", 11);
    assert_true(
        program_wait_for(&broker.program, "Sending PUBLISH to " CLIENT " (d0, q1, r0, m2"));
    do {
        assert_true(program_wait_for(&broker.program, CLIENT));
        assert_null(strstr(broker.program.line, "PUBACK from"));
    } while (strstr(broker.program.line, "m3") == NULL);
    field_sink_release(field, HYP_OK);
    field_until_readings(field, 1);
    until_logged(field, &broker, "PUBACK from " CLIENT " (Mid: 1");
    until_logged(field, &broker, "PUBACK from " CLIENT " (Mid: 3");
    field_destroy(field);
    program_stop(&broker.program);
}

static void what_could_not_be_stored_is_sent_again(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, BROKER_OPEN);
    struct field *field = create_kept(&broker);
    until_link(field, HYP_LINK_CONNECTED);
    field->sink.hold = true;
    broker_publish(&broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
    until_held(field);
    field_sink_release(field, HYP_CONFLICT); /* given up */
    until_link(field, HYP_LINK_FAILED);
    assert_non_null(strstr(field_line_state(field, 1).comm.last_error, "sends them again"));
    field_advance(field, 20000);
    field_until_readings(field, 1);
    field_settle(field);
    assert_int_equal(field->sink.reading_count, 1);
    field_destroy(field);
    program_stop(&broker.program);
}

/* A new connection of the same process: the telegram is on its way to the disk already. */
static void a_repeated_message_is_taken_once(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, BROKER_OPEN);
    struct field *field = create_kept(&broker);
    until_link(field, HYP_LINK_CONNECTED);
    field->sink.hold = true;
    broker_publish(&broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
    until_held(field);
    field_advance(field, 60000); /* else it would pass for a telegram of a second receiver */
    struct hyp_line line = broker_line(&broker, "town/#");
    hyp_text_copy(line.name, sizeof(line.name), HYP_STR("new name"));
    hyp_text_copy(line.client_id, sizeof(line.client_id), HYP_STR(CLIENT));
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    while (field_line_state(field, 1).bytes_in == 0) {
        hyp_loop_step(field->loop, true);
    }
    field_sink_release(field, HYP_OK);
    field_until_readings(field, 1);
    until_logged(field, &broker, "PUBACK from " CLIENT);
    field_settle(field);
    assert_int_equal(field->sink.reading_count, 1);
    field_destroy(field);
    program_stop(&broker.program);
}

/* Another process that dies when the telegram has reached its sink. */
static void let_a_process_die(const struct broker *broker)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct field *field = create_kept(broker);
        field->sink.hold = true;
        until_held(field);
        _exit(7);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void begin_session(struct broker *broker)
{
    struct field *field = create_kept(broker);
    until_link(field, HYP_LINK_CONNECTED);
    field_destroy(field);
    broker_publish(broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
}

static void a_process_that_dies_before_the_commit_loses_nothing(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, BROKER_OPEN);
    begin_session(&broker);
    let_a_process_die(&broker);
    struct field *field = create_kept(&broker);
    field_until_readings(field, 1);
    field_assert_decimal(&field->sink.readings[0], "volume", "11.218");
    field_destroy(field);
    program_stop(&broker.program);
}

static void a_process_that_dies_after_the_commit_doubles_nothing(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, BROKER_OPEN);
    begin_session(&broker);
    let_a_process_die(&broker);
    struct field *field = create_kept(&broker);
    uint8_t bytes[64];
    size_t len = 0;
    assert_int_equal(hyp_hex_decode(HYP_STR(TELEGRAM), bytes, sizeof(bytes), &len, NULL),
                     HYP_OK);
    /* What the store remembers of the time before. */
    hyp_collector_restore_telegram(field->collector, (hyp_line_id){1}, bytes, len);
    until_logged(field, &broker, "PUBACK from " CLIENT);
    assert_int_equal(field->sink.reading_count, 0);
    field_destroy(field);
    program_stop(&broker.program);
}

/* --- TLS --- */

static void use_file(const struct broker *broker, char *out, size_t size, const char *name)
{
    out[0] = '\0';
    if (name != NULL) {
        program_text(out, size, "%s/%s", broker->program.folder, name);
    }
}

static struct field *create_tls(const struct broker *broker, const char *ca, const char *cert,
                                const char *key, const char *host)
{
    struct field *field = broker_field();
    struct hyp_line line = broker_line(broker, "town/#");
    line.tls = true;
    hyp_text_copy(line.host, sizeof(line.host), hyp_str_from(host));
    use_file(broker, line.ca_file, sizeof(line.ca_file), ca);
    use_file(broker, line.cert_file, sizeof(line.cert_file), cert);
    use_file(broker, line.key_file, sizeof(line.key_file), key);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    return field;
}

static void publish_tls(const struct broker *broker)
{
    char ca[128], cert[128], key[128];
    use_file(broker, ca, sizeof(ca), "ca.pem");
    use_file(broker, cert, sizeof(cert), "client.pem");
    use_file(broker, key, sizeof(key), "client.key");
    struct mosquitto *client = mosquitto_new(NULL, true, NULL);
    assert_int_equal(mosquitto_tls_set(client, ca, NULL, cert, key, NULL), MOSQ_ERR_SUCCESS);
    broker_publish_as(client, broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
}

static void telegrams_over_tls(void **state)
{
    (void)state;
    static const enum broker_manner manners[] = {BROKER_TLS, BROKER_TLS_CLIENTS};
    for (size_t i = 0; i < HYP_ARRAY_LEN(manners); i++) {
        struct broker broker = {0};
        broker_start(&broker, manners[i]);
        struct field *field =
            manners[i] == BROKER_TLS
                ? create_tls(&broker, "ca.pem", NULL, NULL, "localhost")
                : create_tls(&broker, "ca.pem", "client.pem", "client.key", "localhost");
        until_link(field, HYP_LINK_CONNECTED);
        publish_tls(&broker);
        field_until_readings(field, 1);
        field_assert_decimal(&field->sink.readings[0], "volume", "11.218");
        field_destroy(field);
        program_stop(&broker.program);
    }
}

static void brokers_that_are_not_believed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *ca, *cert, *key;
        const char *host;
        enum broker_manner manner;
        const char *error;
    } rows[] = {
        {"another authority",         "other.pem", NULL,         NULL,         "localhost", BROKER_TLS,
         "not signed by a known authority"                                                                                                             },
        {"the machine's authorities", NULL,        NULL,         NULL,         "localhost", BROKER_TLS,
         "not signed by a known authority"                                                                                                             },
        {"another host name",         "ca.pem",    NULL,         NULL,         "127.0.0.1", BROKER_TLS,
         "another host name"                                                                                                                           },
        {"no such file",              "none.pem",  NULL,         NULL,         "localhost", BROKER_TLS,         "cannot be read"                       },
        {"no certificate in it",      "names",     NULL,         NULL,         "localhost", BROKER_TLS,
         "no certificate"                                                                                                                              },
        {"a key that does not fit",   "ca.pem",    "client.pem", "server.key", "localhost",
         BROKER_TLS_CLIENTS,                                                                                    "must belong to the client certificate"},
        {"no client certificate",     "ca.pem",    NULL,         NULL,         "localhost", BROKER_TLS_CLIENTS,
         "client certificate"                                                                                                                          },
        {"no TLS there",              NULL,        NULL,         NULL,         "localhost", BROKER_OPEN,        "speak TLS on this port"               },
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(rows); i++) {
        struct broker broker = {0};
        broker_start(&broker, rows[i].manner);
        struct field *field =
            create_tls(&broker, rows[i].ca, rows[i].cert, rows[i].key, rows[i].host);
        until_link(field, HYP_LINK_FAILED);
        struct hyp_line_state line = field_line_state(field, 1);
        if (strstr(line.comm.last_error, rows[i].error) == NULL) {
            fail_msg("%s: \"%s\"", rows[i].name, line.comm.last_error);
        }
        field_destroy(field);
        program_stop(&broker.program);
    }
}

int main(void)
{
    if (!program_exists(BROKER) || !program_exists(OPENSSL)) {
        return test_list_skip(BROKER " or " OPENSSL " is not installed");
    }
    mosquitto_lib_init();
    static struct test_list list;
    TEST_ONE(&list, every_kind_of_payload);
    TEST_ONE(&list, a_broker_that_comes_back_is_subscribed_to_again);
    TEST_ONE(&list, a_refused_sign_in_says_why);
    TEST_ONE(&list, a_bad_topic_is_refused);
    TEST_ONE(&list, messages_wait_in_the_broker_while_the_sink_is_busy);
    TEST_ONE(&list, a_message_that_is_too_long_is_told);
    TEST_ONE(&list, the_acknowledgement_waits_for_the_commit);
    TEST_ONE(&list, what_could_not_be_stored_is_sent_again);
    TEST_ONE(&list, a_repeated_message_is_taken_once);
    TEST_ONE(&list, a_process_that_dies_before_the_commit_loses_nothing);
    TEST_ONE(&list, a_process_that_dies_after_the_commit_doubles_nothing);
    TEST_ONE(&list, telegrams_over_tls);
    TEST_ONE(&list, brokers_that_are_not_believed);
    int failed = test_list_run(&list, "mqtt");
    mosquitto_lib_cleanup();
    return failed;
}
