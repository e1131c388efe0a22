/* SPDX-License-Identifier: Apache-2.0 */
/* A real Mosquitto broker, started here on a free port. */
#include "field.h"
#include "program.h"

#include <mosquitto.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BROKER "/usr/sbin/mosquitto"
#define TELEGRAM "1E442D2C9956341268077A550000000413D22B0000426C5F2C02FD17000003"

struct broker {
    struct program program;
    unsigned port;
};

static void broker_start(struct broker *broker, bool with_password)
{
    if (broker->program.folder[0] == '\0') {
        program_prepare(&broker->program);
        broker->port = program_free_port();
    }
    char config[512];
    program_text(config, sizeof(config), "%s",
                 program_path(&broker->program, "mosquitto.conf"));
    FILE *file = fopen(config, "w");
    assert_non_null(file);
    fprintf(file, "listener %u 127.0.0.1\nallow_anonymous %s\n", broker->port,
            with_password ? "false" : "true");
    fclose(file);
    char *argv[] = {(char[]){BROKER}, (char[]){"-v"}, (char[]){"-c"}, config, NULL};
    program_start(&broker->program, argv);
    assert_true(program_wait_for(&broker->program, "running"));
}

/* Ends the process, keeps folder and port. */
static void broker_kill(struct broker *broker)
{
    char folder[64];
    memcpy(folder, broker->program.folder, sizeof(folder));
    program_stop(&broker->program);
    unsigned port = broker->port;
    *broker = (struct broker){.port = port};
    program_prepare(&broker->program);
}

static void publish(const struct broker *broker, const char *topic, const void *payload,
                    size_t len)
{
    struct mosquitto *client = mosquitto_new(NULL, true, NULL);
    assert_non_null(client);
    assert_int_equal(mosquitto_connect(client, "127.0.0.1", (int)broker->port, 10),
                     MOSQ_ERR_SUCCESS);
    assert_int_equal(mosquitto_publish(client, NULL, topic, (int)len, payload, 1, false),
                     MOSQ_ERR_SUCCESS);
    while (mosquitto_want_write(client)) {
        mosquitto_loop(client, 100, 1);
    }
    for (int i = 0; i < 3; i++) {
        mosquitto_loop(client, 20, 1); /* connection and publication are acknowledged */
    }
    mosquitto_disconnect(client);
    mosquitto_destroy(client);
}

static struct field *create_field(const struct broker *broker, const char *topic)
{
    struct field *field = field_create();
    struct hyp_device device = {.id = {1},
                                .tenant = FIELD_TENANT,
                                .manufacturer = "KAM",
                                .serial = "12345699",
                                .version = 0x68,
                                .medium = 7,
                                .primary_address = -1,
                                .enabled = true};
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_MQTT, (uint16_t)broker->port);
    hyp_text_copy(line.host, sizeof(line.host), HYP_STR("localhost"));
    hyp_text_copy(line.topic, sizeof(line.topic), hyp_str_from(topic));
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    return field;
}

static void until_link(struct field *field, enum hyp_link_state link)
{
    while (field_line_state(field, 1).link != link) {
        hyp_loop_step(field->loop, true);
    }
}

/* Runs the field until the broker logs a line with the text. */
static void until_logged(struct field *field, struct broker *broker, const char *text)
{
    struct pollfd poller = {.fd = broker->program.output, .events = POLLIN};
    for (;;) {
        if (poll(&poller, 1, 10) > 0) {
            assert_true(program_wait_for(&broker->program, ""));
            if (strstr(broker->program.line, text) != NULL) {
                return;
            }
        }
        field_settle(field);
    }
}

static void every_kind_of_payload(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, false);
    struct field *field = create_field(&broker, "town/+/telegram");
    until_link(field, HYP_LINK_CONNECTED);
    uint8_t bytes[64];
    size_t len = 0;
    assert_int_equal(hyp_hex_decode(HYP_STR(TELEGRAM), bytes, sizeof(bytes), &len, NULL),
                     HYP_OK);
    publish(&broker, "town/1/other", TELEGRAM, sizeof(TELEGRAM) - 1);
    publish(&broker, "town/1/telegram", TELEGRAM, sizeof(TELEGRAM) - 1);
    field_until_readings(field, 1);
    field_advance(field, 20000); /* else it is the same telegram by a second receiver */
    publish(&broker, "town/2/telegram", bytes, len);
    field_until_readings(field, 2);
    field_advance(field, 20000);
    static const char json[] =
        "{\"gateway\":\"g1\",\"telegram\":\"" TELEGRAM "\",\"rssi\":-88}";
    publish(&broker, "town/3/telegram", json, sizeof(json) - 1);
    field_until_readings(field, 3);
    assert_int_equal(field->sink.frames[2].signal_dbm, -88);
    for (size_t i = 0; i < 3; i++) {
        field_assert_decimal(&field->sink.readings[i], "volume", "11.218");
    }
    publish(&broker, "town/4/telegram", "hello", 5);
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
    broker_start(&broker, false);
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
    broker_start(&broker, false);
    field_advance(field, 10000);
    until_link(field, HYP_LINK_CONNECTED);
    publish(&broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
    field_until_readings(field, 1);
    field_destroy(field);
    program_stop(&broker.program);
}

static void a_refused_sign_in_says_why(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, true);
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
    broker_start(&broker, false);
    struct field *field = create_field(&broker, "town/#");
    until_link(field, HYP_LINK_CONNECTED);
    hyp_ear_pause(HYP_CONTAINER_OF(hyp_collector_wire(field->collector, (hyp_line_id){1}),
                                   struct hyp_ear, wire),
                  true);
    publish(&broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
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

/* --- nothing acknowledged is lost, nothing doubled --- */

#define CLIENT "hypocaust-test"

static struct field *create_kept(const struct broker *broker)
{
    struct field *field = create_field(broker, "none");
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_MQTT, (uint16_t)broker->port);
    hyp_text_copy(line.host, sizeof(line.host), HYP_STR("localhost"));
    hyp_text_copy(line.topic, sizeof(line.topic), HYP_STR("town/#"));
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
    broker_start(&broker, false);
    struct field *field = create_kept(&broker);
    until_link(field, HYP_LINK_CONNECTED);
    field->sink.hold = true;
    publish(&broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
    until_held(field);
    /* Had it been written, the broker would log it before what it does next for us. */
    publish(&broker, "town/2", "no telegram", 11);
    while (field_line_state(field, 1).frames_refused == 0) {
        hyp_loop_step(field->loop, true);
    }
    publish(&broker, "town/3", "no telegram", 11);
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
    broker_start(&broker, false);
    struct field *field = create_kept(&broker);
    until_link(field, HYP_LINK_CONNECTED);
    field->sink.hold = true;
    publish(&broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
    until_held(field);
    field_sink_release(field, HYP_CORRUPT); /* given up */
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
    broker_start(&broker, false);
    struct field *field = create_kept(&broker);
    until_link(field, HYP_LINK_CONNECTED);
    field->sink.hold = true;
    publish(&broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
    until_held(field);
    field_advance(field, 60000); /* else it would pass for a telegram of a second receiver */
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_MQTT, (uint16_t)broker.port);
    hyp_text_copy(line.name, sizeof(line.name), HYP_STR("new name"));
    hyp_text_copy(line.host, sizeof(line.host), HYP_STR("localhost"));
    hyp_text_copy(line.topic, sizeof(line.topic), HYP_STR("town/#"));
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
    publish(broker, "town/1", TELEGRAM, sizeof(TELEGRAM) - 1);
}

static void a_process_that_dies_before_the_commit_loses_nothing(void **state)
{
    (void)state;
    struct broker broker = {0};
    broker_start(&broker, false);
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
    broker_start(&broker, false);
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

int main(void)
{
    if (!program_exists(BROKER)) {
        printf("1..0 # skipped: %s is not installed\n", BROKER);
        return 77;
    }
    mosquitto_lib_init();
    static struct test_list list;
    TEST_ONE(&list, every_kind_of_payload);
    TEST_ONE(&list, a_broker_that_comes_back_is_subscribed_to_again);
    TEST_ONE(&list, a_refused_sign_in_says_why);
    TEST_ONE(&list, a_bad_topic_is_refused);
    TEST_ONE(&list, messages_wait_in_the_broker_while_the_sink_is_busy);
    TEST_ONE(&list, the_acknowledgement_waits_for_the_commit);
    TEST_ONE(&list, what_could_not_be_stored_is_sent_again);
    TEST_ONE(&list, a_repeated_message_is_taken_once);
    TEST_ONE(&list, a_process_that_dies_before_the_commit_loses_nothing);
    TEST_ONE(&list, a_process_that_dies_after_the_commit_doubles_nothing);
    int failed = test_list_run(&list, "mqtt");
    mosquitto_lib_cleanup();
    return failed;
}
