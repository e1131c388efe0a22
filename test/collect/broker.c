/* SPDX-License-Identifier: Apache-2.0 */
#include "broker.h"

#include <mosquitto.h>
#include <poll.h>
#include <stdio.h>

/* --- certificates --- */

/* One command line in the broker's folder. */
static void run(struct broker *broker, const char *command)
{
    char line[1024];
    program_text(line, sizeof(line), "cd %s && %s 2>openssl.log", broker->program.folder,
                 command);
    assert_int_equal(system(line), 0);
}

/* An authority, a certificate for "localhost", one for a client, and a second authority. */
static void make_certificates(struct broker *broker)
{
    static const char *const commands[] = {
        OPENSSL " req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
                " -subj /CN=test-ca -keyout ca.key -out ca.pem",
        OPENSSL " req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
                " -subj /CN=other-ca -keyout other.key -out other.pem",
        "echo subjectAltName=DNS:localhost > names",
        OPENSSL " req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
                " -subj /CN=localhost -keyout server.key -out server.csr",
        OPENSSL " x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
                " -extfile names -out server.pem",
        OPENSSL " req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
                " -subj /CN=hypocaust -keyout client.key -out client.csr",
        OPENSSL " x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
                " -out client.pem",
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(commands); i++) {
        run(broker, commands[i]);
    }
}

static void write_config(struct broker *broker, const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    const char *folder = broker->program.folder;
    /* Started by root it would become somebody who cannot read the folder. */
    fprintf(file, "user root\nlistener %u 127.0.0.1\nallow_anonymous %s\n", broker->port,
            broker->manner == BROKER_PASSWORD ? "false" : "true");
    if (broker->manner >= BROKER_TLS) {
        fprintf(file, "certfile %s/server.pem\nkeyfile %s/server.key\n", folder, folder);
    }
    if (broker->manner == BROKER_TLS_CLIENTS) {
        fprintf(file, "cafile %s/ca.pem\nrequire_certificate true\n", folder);
    }
    fclose(file);
}

/* --- the broker --- */

void broker_start(struct broker *broker, enum broker_manner manner)
{
    broker->manner = manner;
    if (broker->program.folder[0] == '\0') {
        program_prepare(&broker->program);
        broker->port = broker->port == 0 ? program_free_port() : broker->port;
        if (manner >= BROKER_TLS) {
            make_certificates(broker);
        }
    }
    char config[512];
    program_text(config, sizeof(config), "%s",
                 program_path(&broker->program, "mosquitto.conf"));
    write_config(broker, config);
    char *argv[] = {(char[]){BROKER}, (char[]){"-v"}, (char[]){"-c"}, config, NULL};
    program_start(&broker->program, argv);
    assert_true(program_wait_for(&broker->program, "running"));
}

void broker_kill(struct broker *broker)
{
    program_stop(&broker->program);
    unsigned port = broker->port;
    *broker = (struct broker){.port = port};
    program_prepare(&broker->program);
}

static void on_published(struct mosquitto *client, void *user, int message)
{
    (void)client;
    (void)message;
    *(bool *)user = true;
}

void broker_publish_as(struct mosquitto *client, const struct broker *broker, const char *topic,
                       const void *payload, size_t len)
{
    bool acknowledged = false;
    mosquitto_user_data_set(client, &acknowledged);
    mosquitto_publish_callback_set(client, on_published);
    assert_int_equal(mosquitto_connect(client, "localhost", (int)broker->port, 10),
                     MOSQ_ERR_SUCCESS);
    assert_int_equal(mosquitto_publish(client, NULL, topic, (int)len, payload, 1, false),
                     MOSQ_ERR_SUCCESS);
    while (!acknowledged) {
        assert_int_equal(mosquitto_loop(client, 100, 1), MOSQ_ERR_SUCCESS);
    }
    mosquitto_disconnect(client);
    mosquitto_destroy(client);
}

void broker_publish(const struct broker *broker, const char *topic, const void *payload,
                    size_t len)
{
    struct mosquitto *client = mosquitto_new(NULL, true, NULL);
    assert_non_null(client);
    broker_publish_as(client, broker, topic, payload, len);
}

/* --- the field --- */

struct field *broker_field(void)
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
    return field;
}

struct hyp_line broker_line(const struct broker *broker, const char *topic)
{
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_MQTT, (uint16_t)broker->port);
    hyp_text_copy(line.host, sizeof(line.host), HYP_STR("localhost"));
    hyp_text_copy(line.topic, sizeof(line.topic), hyp_str_from(topic));
    return line;
}

void until_link(struct field *field, enum hyp_link_state link)
{
    while (field_line_state(field, 1).link != link) {
        hyp_loop_step(field->loop, true);
    }
}

void until_logged(struct field *field, struct broker *broker, const char *text)
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
