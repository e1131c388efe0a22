/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of the MQTT library: its settings from those of a line, and its errors in plain words. */
#ifndef HYP_COLLECT_MQTT_TLS_H
#define HYP_COLLECT_MQTT_TLS_H

#include "collect/wire.h"

struct mosquitto;

/*
 * Makes the client speak TLS and check the broker's certificate and host name.
 * Returns  HYP_OK | NOT_FOUND (a file cannot be read) | INVALID
 */
HYP_MUST_USE enum hyp_status hyp_mqtt_tls_set_up(struct mosquitto *client,
                                                 const struct hyp_wire_settings *settings,
                                                 struct hyp_error *err);

/*
 * Why a connection did not come about, for somebody who has to mend it.
 * @said    first error the library has logged; empty = it was cut off. May be the result.
 */
const char *hyp_mqtt_tls_reason(const char *said);

#endif
