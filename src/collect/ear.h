/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ear: a line that is only listened to: telegrams by TCP (we connect, or they do), UDP or MQTT,
 * and files dropped into a folder. Loop thread only.
 */
#ifndef HYP_COLLECT_EAR_H
#define HYP_COLLECT_EAR_H

#include "collect/outbox.h"
#include "collect/stream.h"
#include "collect/wire.h"

struct hyp_ear_client;
struct hyp_folder;
struct hyp_recent;

struct hyp_ear {
    struct hyp_wire wire;
    struct hyp_timer timer; /* the next attempt to connect or listen */
    struct hyp_link *link;  /* TCP client, UDP, MQTT */
    struct hyp_stream *stream;
    struct hyp_tcp_server *server;
    struct hyp_ear_client *clients;
    uint32_t client_count;
    struct hyp_folder *folder;
    struct hyp_recent *recent;       /* MQTT: what a broker may repeat */
    struct hyp_outbox_waiter commit; /* MQTT: then its messages are acknowledged */
    int64_t last_bytes_ms;           /* when the last bytes came */
    uint32_t noise;                  /* bytes and lines since the last telegram */
    uint32_t fruitless;              /* connections in a row that brought nothing */
    bool heard_here;                 /* this connection has brought something */
    bool opening;                    /* the link is on its way up */
    bool paused;                     /* the outbox is full */
};

/*
 * init: HYP_OK | NO_MEMORY (nothing to finish), with `wire` filled and all else zero. start
 * begins to connect or listen where the line is enabled; a failure is told as the line's state
 * and tried again. finish closes everything at once: what has not become a telegram is lost,
 * what waits for a commit is not acknowledged. A line that leaves for good takes back its MQTT
 * subscription.
 */
HYP_MUST_USE enum hyp_status hyp_ear_init(struct hyp_ear *ear);
void hyp_ear_start(struct hyp_ear *ear);
void hyp_ear_finish(struct hyp_ear *ear);
/* Stops and resumes listening, when the outbox is full. */
void hyp_ear_pause(struct hyp_ear *ear, bool paused);
/* The port that is listened on (tests use port 0); 0 when there is none. */
uint16_t hyp_ear_port(const struct hyp_ear *ear);

/* What the line was before it was changed has heard. @recent  copied; may be NULL */
void hyp_ear_inherit(struct hyp_ear *ear, struct hyp_recent *recent);
/* A telegram that was committed before a restart: a broker that repeats it is not believed. */
void hyp_ear_remember(struct hyp_ear *ear, const uint8_t *bytes, size_t len);

/* --- folder.c --- */

/*
 * Watches the folder of a line: every file in it is handed to the feeds, and moved to done/ or
 * failed/ in it when its readings are committed or given up. Missing folders are made.
 * Returns   HYP_OK | NO_MEMORY | what the system says of the folder, *err names it
 * Ownership closed before its ear ends; a file under way is then read again later
 */
HYP_MUST_USE enum hyp_status
hyp_folder_open(struct hyp_ear *ear, struct hyp_folder **ret_folder, struct hyp_error *err);
void hyp_folder_close(struct hyp_folder *folder);

#endif
