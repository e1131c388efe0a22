/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MQTT: a subscription as a link. Every message is one `received`. Loop thread only.
 *
 * A message is acknowledged to the broker only when the owner says so: after a message of
 * quality of service 1 the link writes nothing more to the broker until hyp_mqtt_acknowledge.
 * A process that dies before is sent the message again, because the session is kept by the
 * broker under the client id. So the owner says so after the commit, and knows what it has seen
 * (hyp_mqtt_may_repeat).
 *
 * Retained messages are passed over: nobody knows when they were true, and whoever is
 * subscribed all the time has had them. Messages longer than HYP_LIMIT_MQTT_PAYLOAD are
 * acknowledged and reported as `too_long`, which the owner must take.
 */
#ifndef HYP_COLLECT_MQTT_H
#define HYP_COLLECT_MQTT_H

#include "collect/link.h"
#include "collect/wire.h"

/*
 * Begins to connect and to subscribe to settings->topic.
 * @settings  with an empty client id the session ends with the connection; copied
 * Returns    HYP_OK (opened or closed will come) | NO_MEMORY | INVALID (topic)
 *            | NOT_FOUND (a file for TLS cannot be read) | INVALID (what is in it)
 */
HYP_MUST_USE enum hyp_status hyp_mqtt_subscribe(struct hyp_loop *loop,
                                                const struct hyp_wire_settings *settings,
                                                const struct hyp_link_events *events,
                                                void *user, struct hyp_link **ret_link,
                                                struct hyp_error *err);

/* All messages received so far are taken care of. */
void hyp_mqtt_acknowledge(struct hyp_link *link);
/*
 * May the message being received be one that was received before? So it is at the beginning of
 * a connection that continues a session: the broker repeats first what was not acknowledged.
 */
bool hyp_mqtt_may_repeat(const struct hyp_link *link);
/* Ends the subscription, which would else go on without us; before closing. */
void hyp_mqtt_unsubscribe(struct hyp_link *link);

#endif
