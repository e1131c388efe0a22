/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of an ear, shared by its files: ear.c (one link, and what comes over any) and
 * ear_clients.c (those who connect to us). For these two only.
 */
#ifndef HYP_COLLECT_EAR_PARTS_H
#define HYP_COLLECT_EAR_PARTS_H

#include "collect/ear.h"

/* --- ear.c --- */

/* Half a telegram and then nothing: what comes after a pause does not belong to it. */
void hyp_ear_note_gap(const struct hyp_ear *ear, struct hyp_stream *stream,
                      int64_t *last_bytes_ms);
/* @whole  the bytes are a message: no telegram goes on in the next */
void hyp_ear_take_bytes(struct hyp_ear *ear, struct hyp_stream *stream, const uint8_t *bytes,
                        size_t len, bool whole);

/* --- ear_clients.c --- */

extern const struct hyp_tcp_server_events hyp_ear_server_events;
/* All who are connected: not read from for a while, or disconnected. */
void hyp_ear_pause_clients(struct hyp_ear *ear, bool paused);
void hyp_ear_close_clients(struct hyp_ear *ear);

#endif
