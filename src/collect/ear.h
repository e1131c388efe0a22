/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ear: a line that is only listened to: telegrams by TCP (we connect, or they do), UDP or MQTT,
 * and files dropped into a folder. Loop thread only.
 */
#ifndef HYP_COLLECT_EAR_H
#define HYP_COLLECT_EAR_H

#include "collect/stream.h"
#include "collect/wire.h"

struct hyp_ear_client;
struct hyp_folder;

struct hyp_ear {
    struct hyp_wire wire;
    struct hyp_timer timer; /* the next attempt to connect or listen */
    struct hyp_link *link;  /* TCP client, UDP, MQTT */
    struct hyp_stream *stream;
    struct hyp_tcp_server *server;
    struct hyp_ear_client *clients;
    uint32_t client_count;
    struct hyp_folder *folder;
    bool opening; /* the link is on its way up */
    bool paused;  /* the outbox is full */
};

HYP_MUST_USE enum hyp_status hyp_ear_init(struct hyp_ear *ear);
void hyp_ear_start(struct hyp_ear *ear);
void hyp_ear_finish(struct hyp_ear *ear);
/* Stops and resumes listening, when the outbox is full. */
void hyp_ear_pause(struct hyp_ear *ear, bool paused);
/* The port that is listened on (tests use port 0); 0 when there is none. */
uint16_t hyp_ear_port(const struct hyp_ear *ear);

/* --- mqtt.c --- */

/*
 * Subscribes to a topic; every message is one `received`.
 * Returns  HYP_OK (opened or closed will come) | NO_MEMORY | INVALID (topic)
 */
HYP_MUST_USE enum hyp_status
hyp_mqtt_subscribe(struct hyp_loop *loop, const struct hyp_wire_settings *settings,
                   const char *client_id, const struct hyp_link_events *events, void *user,
                   struct hyp_link **ret_link, struct hyp_error *err);

/* --- folder.c --- */

HYP_MUST_USE enum hyp_status
hyp_folder_open(struct hyp_ear *ear, struct hyp_folder **ret_folder, struct hyp_error *err);
void hyp_folder_close(struct hyp_folder *folder);

#endif
