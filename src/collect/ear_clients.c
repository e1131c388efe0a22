/* SPDX-License-Identifier: Apache-2.0 */
/* Concentrators that connect to an ear: each has a link and a stream of its own. */
#include "base/limits.h"
#include "collect/collector.h"
#include "collect/ear_parts.h"

#include <stdlib.h>

/* A concentrator that has connected to us. */
struct hyp_ear_client {
    struct hyp_ear_client *next;
    struct hyp_ear *ear;
    struct hyp_link *link;
    struct hyp_stream stream;
    int64_t last_bytes_ms;
};

/* Takes the client out of the list that `at` is part of, and frees it. */
static void client_remove(struct hyp_ear *ear, struct hyp_ear_client **at)
{
    struct hyp_ear_client *client = *at;
    *at = client->next;
    ear->client_count--;
    hyp_stream_finish(&client->stream);
    free(client);
}

static void on_client_bytes(void *user, const uint8_t *bytes, size_t len)
{
    struct hyp_ear_client *client = user;
    hyp_ear_note_gap(client->ear, &client->stream, &client->last_bytes_ms);
    hyp_ear_take_bytes(client->ear, &client->stream, bytes, len, false);
}

static void on_client_closed(void *user, enum hyp_status status, const char *text)
{
    (void)status;
    (void)text;
    struct hyp_ear_client *client = user;
    struct hyp_ear *ear = client->ear;
    struct hyp_ear_client **at = &ear->clients;
    while (*at != client) {
        at = &(*at)->next;
    }
    client_remove(ear, at);
    hyp_wire_changed(&ear->wire);
}

static void on_client_opened(void *user)
{
    (void)user; /* an accepted link is open from the start */
}

static const struct hyp_link_events client_events = {
    .opened = on_client_opened, .received = on_client_bytes, .closed = on_client_closed};

static void refuse_client(struct hyp_ear *ear, bool full)
{
    char what[HYP_ERROR_TEXT_MAX];
    const char *text = full ? "a connection was refused, as many are open already as one line "
                              "takes: see who connects again and again, or add a line"
                            : "a connection was refused: out of memory";
    hyp_comm_missed(&ear->wire.comm, hyp_collector_utc(ear->wire.collector),
                    full ? HYP_LIMIT : HYP_NO_MEMORY,
                    hyp_wire_say_closed(&ear->wire, false, text, what));
    hyp_wire_changed(&ear->wire);
}

static void on_accepted(void *user, struct hyp_link *link)
{
    struct hyp_ear *ear = user;
    bool full = ear->client_count >= HYP_LIMIT_LISTEN_CLIENTS;
    struct hyp_ear_client *client = full ? NULL : calloc(1, sizeof(*client));
    if (client == NULL) {
        hyp_link_close(link);
        refuse_client(ear, full);
        return;
    }
    *client = (struct hyp_ear_client){.next = ear->clients, .ear = ear, .link = link};
    hyp_stream_init(&client->stream, ear->wire.settings->receiver);
    ear->clients = client;
    ear->client_count++;
    link->events = &client_events;
    link->user = client;
    hyp_comm_succeeded(&ear->wire.comm, hyp_collector_utc(ear->wire.collector));
    if (ear->paused) {
        hyp_link_pause(link, true);
    }
    hyp_wire_changed(&ear->wire);
}

const struct hyp_tcp_server_events hyp_ear_server_events = {.accepted = on_accepted};

void hyp_ear_pause_clients(struct hyp_ear *ear, bool paused)
{
    for (struct hyp_ear_client *client = ear->clients; client != NULL; client = client->next) {
        hyp_link_pause(client->link, paused);
    }
}

void hyp_ear_close_clients(struct hyp_ear *ear)
{
    while (ear->clients != NULL) {
        hyp_link_close(ear->clients->link);
        client_remove(ear, &ear->clients);
    }
}
