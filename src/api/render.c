/* SPDX-License-Identifier: Apache-2.0 */
#include "api/render.h"

#include <string.h>

static const char *const value_kind_texts[] = {
    [HYP_VALUE_UNSET] = "none",  [HYP_VALUE_DECIMAL] = "decimal", [HYP_VALUE_CIVIL] = "civil",
    [HYP_VALUE_FLAGS] = "flags", [HYP_VALUE_TEXT] = "text",
};

static const char *const priority_texts[] = {
    [HYP_PRIORITY_SCHEDULED] = "scheduled",
    [HYP_PRIORITY_MANUAL] = "manual",
    [HYP_PRIORITY_LIVE] = "live",
};

const char *hyp_render_priority(enum hyp_priority priority)
{
    return priority_texts[priority];
}

const char *hyp_render_value_kind(enum hyp_value_kind kind)
{
    return value_kind_texts[kind];
}

void hyp_render_time(struct hyp_json *json, const char *key, hyp_utc time)
{
    char text[40];
    struct hyp_buf buf;
    if (time.ms == 0) {
        hyp_json_member_null(json, key);
        return;
    }
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_utc_format(&buf, time);
    hyp_json_member_str(json, key, hyp_buf_view(&buf));
}

static void member_double(struct hyp_json *json, const char *key, double value)
{
    hyp_json_key(json, key);
    hyp_json_double(json, value);
}

/* A number, or null for "not known". */
void hyp_render_or_null(struct hyp_json *json, const char *key, int64_t value, bool known)
{
    if (known) {
        hyp_json_member_i64(json, key, value);
    } else {
        hyp_json_member_null(json, key);
    }
}

/* --- devices --- */

static void render_device_identity(struct hyp_json *json, const struct hyp_device *device,
                                   const struct hyp_profile *profile)
{
    const struct hyp_profile_info *info = profile == NULL ? NULL : hyp_profile_info(profile);
    hyp_json_member_i64(json, "id", device->id.id);
    hyp_json_member_text(json, "name", device->name);
    hyp_json_member_text(json, "kind", device->kind);
    hyp_json_member_text(json, "profile", device->profile);
    hyp_json_member_text(json, "profile_title", info == NULL ? "" : info->title);
    hyp_json_member_text(json, "manufacturer", device->manufacturer);
    hyp_json_member_text(json, "serial", device->serial);
    hyp_render_or_null(json, "version", device->version, device->version >= 0);
    hyp_render_or_null(json, "medium", device->medium, device->medium >= 0);
    hyp_json_member_text(json, "medium_text",
                         device->medium < 0 ? "" : hyp_medium_text((uint8_t)device->medium));
    hyp_render_or_null(json, "primary_address", device->primary_address,
                       device->primary_address >= 0);
    hyp_json_member_bool(json, "secondary", device->secondary);
    hyp_json_member_u64(json, "baud", device->baud);
    hyp_json_member_u64(json, "unit_id", device->unit_id);
    hyp_json_member_bool(json, "has_key", device->has_key);
    hyp_json_member_bool(json, "battery", info != NULL && info->battery);
}

static void render_device_place(struct hyp_json *json, const struct hyp_device *device)
{
    char text[64];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_schedule_format(&buf, &device->schedule);
    bool placed = device->latitude < 0 || device->latitude > 0 || device->longitude < 0 ||
                  device->longitude > 0;
    hyp_json_member_text(json, "address", device->address);
    hyp_json_member_text(json, "city", device->city);
    if (placed) {
        member_double(json, "latitude", device->latitude);
        member_double(json, "longitude", device->longitude);
    } else {
        hyp_json_member_null(json, "latitude");
        hyp_json_member_null(json, "longitude");
    }
    hyp_json_member_str(json, "schedule", hyp_buf_view(&buf));
    hyp_json_member_bool(json, "enabled", device->enabled);
    hyp_json_member_i64(json, "revision", device->revision);
    hyp_render_time(json, "created", device->created);
}

void hyp_render_device(struct hyp_json *json, const struct hyp_device_view *view,
                       const struct hyp_device_extra *extra)
{
    hyp_json_object_begin(json);
    render_device_identity(json, &view->device, view->profile);
    hyp_render_or_null(json, "line", view->device.line.id, view->device.line.id != 0);
    hyp_json_member_text(json, "line_name", view->line_name);
    hyp_json_member_bool(json, "polled", view->polled);
    render_device_place(json, &view->device);
    hyp_json_member_text(json, "state", hyp_condition_text(view->condition));
    hyp_render_time(json, "last_reading", view->last_reading);
    hyp_render_time(json, "last_success", view->comm.last_success);
    hyp_render_time(json, "last_attempt", view->comm.last_attempt);
    hyp_json_member_text(json, "last_error", view->comm.last_error);
    hyp_json_member_text(json, "info_severity", hyp_severity_text(extra->severity));
    hyp_json_key(json, "headline");
    if (extra->has_headline) {
        hyp_json_object_begin(json);
        hyp_json_member_text(json, "key", extra->headline_key);
        hyp_json_member_text(json, "text", extra->headline_text);
        hyp_json_member_text(json, "unit", extra->headline_unit);
        hyp_json_object_end(json);
    } else {
        hyp_json_null(json);
    }
    hyp_json_object_end(json);
}

/* --- lines --- */

void hyp_render_line_state(struct hyp_json *json, const struct hyp_line_state *state)
{
    hyp_json_member_text(json, "link", hyp_link_state_text(state->link));
    hyp_render_time(json, "last_attempt", state->comm.last_attempt);
    hyp_render_time(json, "last_success", state->comm.last_success);
    hyp_json_member_text(json, "last_error", state->comm.last_error);
    hyp_json_member_u64(json, "queue_length", state->queue_length);
    hyp_json_member_u64(json, "clients", state->clients);
    hyp_render_or_null(json, "active_device", state->active_device.id,
                       state->active_device.id != 0);
    hyp_json_member_u64(json, "bytes_in", state->bytes_in);
    hyp_json_member_u64(json, "bytes_out", state->bytes_out);
    hyp_json_member_u64(json, "frames_in", state->frames_in);
    hyp_json_member_u64(json, "frames_refused", state->frames_refused);
}

void hyp_render_line(struct hyp_json *json, const struct hyp_line_view *view)
{
    const struct hyp_line *line = &view->line;
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "id", line->id.id);
    hyp_json_member_text(json, "name", line->name);
    hyp_json_member_text(json, "kind", hyp_line_kind_text(line->kind));
    hyp_json_member_text(json, "host", line->host);
    hyp_json_member_u64(json, "port", line->port);
    hyp_json_member_text(json, "path", line->path);
    hyp_json_member_u64(json, "baud", line->baud);
    hyp_json_member_str(json, "parity",
                        (struct hyp_str){&line->parity, line->parity == '\0' ? 0 : 1});
    hyp_json_member_text(json, "receiver", hyp_receiver_kind_text(line->receiver));
    hyp_json_member_text(json, "topic", line->topic);
    hyp_json_member_text(json, "login", line->login);
    hyp_json_member_bool(json, "has_password", view->has_password);
    hyp_json_member_bool(json, "tls", line->tls);
    hyp_json_member_text(json, "ca_file", line->ca_file);
    hyp_json_member_text(json, "cert_file", line->cert_file);
    hyp_json_member_text(json, "key_file", line->key_file);
    hyp_json_member_text(json, "client_id", line->client_id);
    hyp_json_member_u64(json, "timeout_ms", line->timeout_ms);
    hyp_json_member_u64(json, "retries", line->retries);
    hyp_json_member_u64(json, "delay_ms", line->delay_ms);
    hyp_json_member_bool(json, "echo", line->echo);
    hyp_json_member_bool(json, "per_cycle", line->per_cycle);
    hyp_json_member_bool(json, "enabled", line->enabled);
    hyp_json_member_i64(json, "revision", line->revision);
    hyp_json_member_u64(json, "devices", view->devices);
    if (hyp_line_kind_capacity(line->kind) == 0) {
        hyp_json_member_null(json, "device_limit");
    } else {
        hyp_json_member_u64(json, "device_limit", hyp_line_kind_capacity(line->kind));
    }
    if (view->member[0] == '\0') {
        hyp_json_member_null(json, "member");
    } else {
        hyp_json_member_text(json, "member", view->member);
    }
    hyp_json_key(json, "state");
    hyp_json_object_begin(json);
    hyp_render_line_state(json, &view->state);
    hyp_json_member_text(json, "active_device_name", view->active_device_name);
    hyp_json_object_end(json);
    hyp_json_object_end(json);
}

void hyp_render_comm_members(struct hyp_json *json, const struct hyp_comm_state *comm)
{
    hyp_render_time(json, "last_attempt", comm->last_attempt);
    hyp_render_time(json, "last_success", comm->last_success);
    hyp_render_time(json, "last_failure", comm->last_failure);
    hyp_json_member_text(json, "last_status", hyp_status_name(comm->last_status));
    hyp_json_member_text(json, "last_error", comm->last_error);
    hyp_json_member_u64(json, "failures_in_row", comm->failures_in_row);
    hyp_json_member_u64(json, "attempts", comm->attempts);
    hyp_json_member_u64(json, "successes", comm->successes);
}

/* --- values --- */

void hyp_render_key_members(struct hyp_json *json, const struct hyp_point_key *key,
                            enum hyp_unit unit, struct hyp_str label)
{
    char text[HYP_POINT_KEY_TEXT_MAX];
    struct hyp_buf buf;
    const struct hyp_word *word = hyp_vocabulary_word((enum hyp_name)key->name);
    hyp_buf_init_fixed(&buf, text, sizeof(text));
    hyp_point_key_format(&buf, key);
    hyp_json_member_str(json, "key", hyp_buf_view(&buf));
    hyp_json_member_text(json, "name", word->name);
    hyp_json_member_str(json, "label", label);
    hyp_json_member_text(json, "quantity", hyp_quantity_text(word->quantity));
    hyp_json_member_text(json, "unit", hyp_unit_text(unit));
    hyp_json_member_text(json, "aggregation", hyp_aggregation_text(word->aggregation));
    hyp_json_member_text(json, "function", hyp_function_text((enum hyp_function)key->function));
    hyp_json_member_u64(json, "storage", key->storage);
    hyp_json_member_u64(json, "tariff", key->tariff);
    hyp_json_member_u64(json, "subunit", key->subunit);
}

/* The value alone: numbers as they are, flags as a number, dates and texts as text. */
void hyp_render_bare_value(struct hyp_json *json, const struct hyp_stored_value *value)
{
    char memory[HYP_LIMIT_VALUE_TEXT + 64];
    struct hyp_buf text;
    if (!hyp_quality_is_usable(value->quality)) {
        hyp_json_null(json);
    } else if (value->kind == HYP_VALUE_DECIMAL) {
        hyp_json_decimal(json, value->decimal);
    } else if (value->kind == HYP_VALUE_FLAGS) {
        hyp_json_u64(json, value->flags);
    } else {
        hyp_buf_init_fixed(&text, memory, sizeof(memory));
        hyp_stored_value_format(&text, value);
        hyp_json_str(json, hyp_buf_view(&text));
    }
}

/* "value" as JSON and "text" as people read it; null and "" when there is none. */
static void render_value_and_text(struct hyp_json *json, const struct hyp_stored_value *value,
                                  const char *state_text)
{
    char memory[HYP_LIMIT_VALUE_TEXT + 64];
    struct hyp_buf text;
    bool usable = hyp_quality_is_usable(value->quality);
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    if (usable) {
        hyp_stored_value_format(&text, value);
    }
    hyp_json_key(json, "value");
    hyp_render_bare_value(json, value);
    hyp_json_member_str(json, "text",
                        usable && state_text != NULL ? hyp_str_from(state_text)
                                                     : hyp_buf_view(&text));
}

void hyp_render_payload(struct hyp_json *json, const struct hyp_stored_value *value,
                        const char *state_text)
{
    hyp_json_member_text(json, "kind", value_kind_texts[value->kind]);
    render_value_and_text(json, value, state_text);
    hyp_json_member_text(json, "quality", hyp_quality_text(value->quality));
}

void hyp_render_short_value(struct hyp_json *json, const struct hyp_stored_value *value)
{
    hyp_json_member_i64(json, "point", value->point.id);
    render_value_and_text(json, value, NULL);
    hyp_json_member_text(json, "quality", hyp_quality_text(value->quality));
}

/* The profile's word for a code, where the point is a list of states. */
static const char *state_text(const struct hyp_profile *profile,
                              const struct hyp_point_key *key, enum hyp_value_kind kind,
                              struct hyp_decimal decimal)
{
    struct hyp_decimal whole;
    const struct hyp_word *word = hyp_vocabulary_word((enum hyp_name)key->name);
    if (profile == NULL || kind != HYP_VALUE_DECIMAL ||
        word->aggregation != HYP_AGGREGATION_STATE ||
        hyp_decimal_rescale(decimal, 0, &whole) != HYP_OK) {
        return NULL;
    }
    return hyp_profile_state_text(profile, key, whole.digits);
}

void hyp_render_value(struct hyp_json *json, const struct hyp_value *value,
                      const struct hyp_profile *profile)
{
    struct hyp_stored_value stored = {.kind = value->kind, .quality = value->quality};
    switch (value->kind) {
    case HYP_VALUE_DECIMAL: stored.decimal = value->decimal; break;
    case HYP_VALUE_CIVIL: stored.civil = value->civil; break;
    case HYP_VALUE_FLAGS: stored.flags = value->flags; break;
    case HYP_VALUE_TEXT: stored.text = value->text; break;
    case HYP_VALUE_UNSET: break;
    }
    hyp_json_object_begin(json);
    hyp_render_key_members(json, &value->key, value->unit, value->label);
    hyp_render_payload(json, &stored,
                       state_text(profile, &value->key, value->kind, stored.decimal));
    hyp_json_object_end(json);
}

void hyp_render_latest(struct hyp_json *json, const struct hyp_latest *latest,
                       const struct hyp_profile *profile, hyp_utc now)
{
    const struct hyp_stored_value *value = &latest->value;
    hyp_json_object_begin(json);
    hyp_json_member_i64(json, "point", latest->point.id.id);
    hyp_render_key_members(json, &latest->point.key, latest->point.unit,
                           hyp_str_from(latest->point.label));
    hyp_render_payload(json, value,
                       state_text(profile, &latest->point.key, value->kind, value->decimal));
    hyp_render_time(json, "time", value->time);
    hyp_render_time(json, "receive_time", latest->receive_time);
    hyp_json_member_i64(json, "age_s",
                        value->time.ms < now.ms ? (now.ms - value->time.ms) / 1000 : 0);
    hyp_render_or_null(json, "frame", latest->frame.id, latest->frame.id != 0);
    hyp_json_member_text(json, "source", hyp_reading_source_text(value->source));
    hyp_json_object_end(json);
}

/* --- info bits --- */

void hyp_render_info_bit(struct hyp_json *json, const struct hyp_info_bit *bit)
{
    hyp_json_object_begin(json);
    hyp_render_or_null(json, "bit", bit->bit, bit->bit >= 0);
    hyp_render_or_null(json, "code", bit->code, bit->code >= 0);
    hyp_json_member_text(json, "name", bit->name);
    hyp_json_member_text(json, "text", bit->text);
    hyp_json_member_text(json, "severity", hyp_severity_text(bit->severity));
    hyp_json_object_end(json);
}

/* --- jobs --- */

void hyp_render_job_members(struct hyp_json *json, const struct hyp_job *job)
{
    hyp_json_member_u64(json, "id", job->id.id);
    hyp_json_member_text(json, "kind", hyp_job_kind_text(job->kind));
    hyp_json_member_text(json, "state", hyp_job_state_text(job->state));
    hyp_json_member_text(json, "priority", priority_texts[job->priority]);
    hyp_render_or_null(json, "line", job->line.id, job->line.id != 0);
    hyp_render_or_null(json, "device", job->device.id, job->device.id != 0);
    hyp_render_time(json, "created", job->created);
    hyp_render_time(json, "changed", job->changed);
    hyp_json_member_u64(json, "total", job->total);
    hyp_json_member_u64(json, "done", job->done);
    hyp_json_member_u64(json, "failed", job->failed);
    hyp_json_member_u64(json, "found", job->found);
    hyp_json_member_text(json, "text", job->text);
}

void hyp_render_job(struct hyp_json *json, const struct hyp_job *job)
{
    hyp_json_object_begin(json);
    hyp_render_job_members(json, job);
    hyp_json_object_end(json);
}

void hyp_render_meter(struct hyp_json *json, const struct hyp_meter_identity *meter)
{
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "manufacturer", meter->manufacturer);
    hyp_json_member_text(json, "id", meter->id);
    hyp_json_member_u64(json, "version", meter->version);
    hyp_json_member_u64(json, "medium", meter->medium);
    hyp_json_member_text(json, "medium_text", hyp_medium_text(meter->medium));
    hyp_json_object_end(json);
}

void hyp_render_found(struct hyp_json *json, const struct hyp_found_device *found,
                      const struct hyp_library *library)
{
    const struct hyp_profile *profile = hyp_library_find(library, hyp_str_from(found->profile));
    hyp_json_object_begin(json);
    hyp_render_or_null(json, "line", found->line.id, found->line.id != 0);
    hyp_json_member_text(json, "manufacturer", found->meter.manufacturer);
    hyp_json_member_text(json, "serial", found->meter.id);
    hyp_json_member_u64(json, "version", found->meter.version);
    hyp_json_member_u64(json, "medium", found->meter.medium);
    hyp_json_member_text(json, "medium_text", hyp_medium_text(found->meter.medium));
    hyp_render_or_null(json, "primary_address", found->primary_address,
                       found->primary_address >= 0);
    hyp_json_member_u64(json, "unit_id", found->unit_id);
    hyp_json_member_text(json, "profile", found->profile);
    hyp_json_member_text(json, "profile_title",
                         profile == NULL ? "" : hyp_profile_info(profile)->title);
    hyp_json_member_text(json, "kind",
                         profile == NULL ? hyp_device_kind_of_medium(found->meter.medium)
                                         : hyp_profile_info(profile)->kind);
    hyp_json_member_bool(json, "encrypted", found->encrypted);
    hyp_render_or_null(json, "signal_dbm", found->signal_dbm, found->signal_dbm != 0);
    hyp_json_member_bool(json, "known", found->known);
    hyp_json_member_u64(json, "baud", found->baud);
    hyp_json_member_text(json, "trouble", hyp_found_trouble_text(found->trouble));
    hyp_render_time(json, "last_heard", found->last_heard);
    hyp_json_object_end(json);
}
