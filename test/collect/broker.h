/* SPDX-License-Identifier: Apache-2.0 */
/* A real Mosquitto broker on a free port, and what tests do with it. */
#ifndef HYP_TEST_COLLECT_BROKER_H
#define HYP_TEST_COLLECT_BROKER_H

#include "field.h"
#include "program.h"

#define BROKER "/usr/sbin/mosquitto"
#define OPENSSL "/usr/bin/openssl"
#define TELEGRAM "1E442D2C9956341268077A550000000413D22B0000426C5F2C02FD17000003"

struct mosquitto;

enum broker_manner {
    BROKER_OPEN = 0,
    BROKER_PASSWORD,    /* nobody is let in without one */
    BROKER_TLS,         /* with a certificate for localhost of the test's own authority */
    BROKER_TLS_CLIENTS, /* and asks for certificates of clients */
};

struct broker {
    struct program program;
    unsigned port;
    enum broker_manner manner;
};

void broker_start(struct broker *broker, enum broker_manner manner);
/* Ends the process, keeps the port. */
void broker_kill(struct broker *broker);
void broker_publish(const struct broker *broker, const char *topic, const void *payload,
                    size_t len);
/* By a client of the test's own making, which is destroyed. */
void broker_publish_as(struct mosquitto *client, const struct broker *broker, const char *topic,
                       const void *payload, size_t len);

/* A field with one meter, the sender of TELEGRAM. */
struct field *broker_field(void);
/* Line 1, subscribed to `topic` at "localhost". */
struct hyp_line broker_line(const struct broker *broker, const char *topic);
void until_link(struct field *field, enum hyp_link_state link);
/* Runs the field until the broker logs a line with the text. */
void until_logged(struct field *field, struct broker *broker, const char *text);

#endif
