/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices and lines out of JSON, by one table of fields each, for the API and for manifests.
 *
 * A member that is absent leaves its field as it is, so the same reader serves creation and
 * change. Members that only the server writes are passed over; others that it does not know are
 * refused by name. Sentences begin with the name of the field.
 */
#ifndef HYP_SERVICE_PLANT_JSON_H
#define HYP_SERVICE_PLANT_JSON_H

#include "base/status.h"
#include "model/plant.h"

#include <jansson.h>
#include <stdbool.h>

/* A device with nothing chosen: no version, no medium, no address, enabled. */
void hyp_device_defaults(struct hyp_device *device);
/* A line with nothing chosen, not even its kind: enabled, two retries. */
void hyp_line_defaults(struct hyp_line *line);

/*
 * Reads the members of the API's device object.
 * @ret_key_given  "key" was there (null removes the key)
 */
HYP_MUST_USE enum hyp_status hyp_device_read_json(const json_t *object,
                                                  struct hyp_device *device,
                                                  bool *ret_key_given, struct hyp_error *err);
/* @ret_password_given  "password" was there */
HYP_MUST_USE enum hyp_status hyp_line_read_json(const json_t *object, struct hyp_line *line,
                                                bool *ret_password_given,
                                                struct hyp_error *err);
/*
 * Reads a device of a simulator's manifest (docs/simulator.md), whose members have other names
 * ("id", "site", "lat", "lon"); its line is a name and stays with the caller. Unknown members
 * are passed over.
 */
HYP_MUST_USE enum hyp_status hyp_device_read_manifest(const json_t *object,
                                                      struct hyp_device *device,
                                                      struct hyp_error *err);

/* "0123..." (32 digits). @field for the sentence. */
HYP_MUST_USE enum hyp_status hyp_key_read_hex(struct hyp_str text, const char *field,
                                              struct hyp_aes_key *ret_key,
                                              struct hyp_error *err);

#endif
