/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Render: the JSON forms of what the service gives, each in one place (docs/openapi.yaml names
 * them as schemas).
 *
 * Functions that end in _members, and those that say so, add members to an object that is open;
 * the others write one whole value. Nothing fails here: a writer that is full, or was driven
 * wrongly, knows it (base/json.h).
 */
#ifndef HYP_API_RENDER_H
#define HYP_API_RENDER_H

#include "base/json.h"
#include "service/auth.h"
#include "service/devices.h"
#include "service/explain.h"
#include "service/field.h"
#include "service/overview.h"
#include "service/readings.h"

/* The words of the API: "live", "manual" ...; "decimal", "flags" ... Never NULL. */
const char *hyp_render_priority(enum hyp_priority priority);
const char *hyp_render_value_kind(enum hyp_value_kind kind);

/*
 * The envelope of every list: {"total", "offset", "items": [ ... ]}. Between begin and end come
 * the items. A list that says more closes the array itself, then adds, then closes the object.
 */
void hyp_render_list_begin(struct hyp_json *json, size_t total, size_t offset);
void hyp_render_list_end(struct hyp_json *json);

/* A time, or null when it is 0. */
void hyp_render_time(struct hyp_json *json, const char *key, hyp_utc time);
/* A number that may not be known. */
void hyp_render_or_null(struct hyp_json *json, const char *key, int64_t value, bool known);

/* A device in a list and on its page, without its key. @extra its latest values */
void hyp_render_device(struct hyp_json *json, const struct hyp_device_view *view,
                       const struct hyp_device_extra *extra);
/* A line with its state, without its password; its state alone, inside an object. */
void hyp_render_line(struct hyp_json *json, const struct hyp_line_view *view);
void hyp_render_line_state(struct hyp_json *json, const struct hyp_line_state *state);

/* Name, unit and the rest of what a point key says; inside an object. */
void hyp_render_key_members(struct hyp_json *json, const struct hyp_point_key *key,
                            enum hyp_unit unit, struct hyp_str label);
/* "kind", "value", "text", "quality" of a stored value; inside an object. */
void hyp_render_payload(struct hyp_json *json, const struct hyp_stored_value *value,
                        const char *state_text);
/* The payload alone: a number, a text, or null when it may not be used. */
void hyp_render_bare_value(struct hyp_json *json, const struct hyp_stored_value *value);
/* A value that is not stored (inspector, test read). */
void hyp_render_value(struct hyp_json *json, const struct hyp_value *value,
                      const struct hyp_profile *profile);
/*
 * The latest value of a register.
 * @profile  names the states of the register; NULL = has no names
 * @now      what its age is counted to; never below 0
 */
void hyp_render_latest(struct hyp_json *json, const struct hyp_latest *latest,
                       const struct hyp_profile *profile, hyp_utc now);
/* Just the value: "point", "value", "text", "quality"; for streams and readings. */
void hyp_render_short_value(struct hyp_json *json, const struct hyp_stored_value *value);

/* A status bit or code that is set, as the profile calls it. */
void hyp_render_info_bit(struct hyp_json *json, const struct hyp_info_bit *bit);

/* A job; its members alone, for answers that add its results; a meter that was found or heard,
 * with the title of the profile that is proposed; who a meter is; what a telegram says, with
 * all notes; communication of a device, members alone. */
void hyp_render_job(struct hyp_json *json, const struct hyp_job *job);
void hyp_render_job_members(struct hyp_json *json, const struct hyp_job *job);
void hyp_render_found(struct hyp_json *json, const struct hyp_found_device *found,
                      const struct hyp_library *library);
void hyp_render_meter(struct hyp_json *json, const struct hyp_meter_identity *meter);
void hyp_render_explanation(struct hyp_json *json, const struct hyp_explanation *explanation,
                            const struct hyp_library *library);
void hyp_render_comm_members(struct hyp_json *json, const struct hyp_comm_state *comm);

#endif
