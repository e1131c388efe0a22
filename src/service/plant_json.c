/* SPDX-License-Identifier: Apache-2.0 */
#include "service/plant_json.h"

#include <assert.h>
#include <string.h>

enum field_kind {
    FIELD_PASS_OVER = 0, /* written by the server only */
    FIELD_TEXT,          /* char[size] */
    FIELD_BOOL,
    FIELD_U8,
    FIELD_U16,
    FIELD_U32,
    FIELD_I16_OR_NULL, /* null = -1 */
    FIELD_I64,
    FIELD_ID_OR_NULL, /* null = 0 */
    FIELD_DOUBLE_OR_NULL,
    FIELD_SCHEDULE,
    FIELD_KEY,
    FIELD_PARITY,
    FIELD_RECEIVER,
    FIELD_LINE_KIND,
    FIELD_PASSWORD,
};

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    size_t size;
};

#define ROW(type, text, kind, member)                                                          \
    {                                                                                          \
        text, FIELD_##kind, offsetof(struct type, member), sizeof(((struct type *)0)->member)  \
    }
#define D(text, kind, member) ROW(hyp_device, text, kind, member)
#define L(text, kind, member) ROW(hyp_line, text, kind, member)
#define PASS_OVER(text)                                                                        \
    {                                                                                          \
        text, FIELD_PASS_OVER, 0, 0                                                            \
    }

static const struct field device_fields[] = {
    D("name", TEXT, name),
    D("kind", TEXT, kind),
    D("profile", TEXT, profile),
    D("manufacturer", TEXT, manufacturer),
    D("serial", TEXT, serial),
    D("version", I16_OR_NULL, version),
    D("medium", I16_OR_NULL, medium),
    D("primary_address", I16_OR_NULL, primary_address),
    D("secondary", BOOL, secondary),
    D("baud", U32, baud),
    D("unit_id", U8, unit_id),
    D("line", ID_OR_NULL, line),
    D("key", KEY, key),
    D("address", TEXT, address),
    D("city", TEXT, city),
    D("latitude", DOUBLE_OR_NULL, latitude),
    D("longitude", DOUBLE_OR_NULL, longitude),
    D("schedule", SCHEDULE, schedule),
    D("enabled", BOOL, enabled),
    D("revision", I64, revision),
    PASS_OVER("id"),
    PASS_OVER("profile_title"),
    PASS_OVER("medium_text"),
    PASS_OVER("line_name"),
    PASS_OVER("polled"),
    PASS_OVER("has_key"),
    PASS_OVER("battery"),
    PASS_OVER("created"),
    PASS_OVER("state"),
    PASS_OVER("last_success"),
    PASS_OVER("last_reading"),
    PASS_OVER("last_attempt"),
    PASS_OVER("last_error"),
    PASS_OVER("info_severity"),
    PASS_OVER("headline"),
};

static const struct field manifest_fields[] = {
    D("name", TEXT, name),
    D("kind", TEXT, kind),
    D("profile", TEXT, profile),
    D("manufacturer", TEXT, manufacturer),
    D("id", TEXT, serial),
    D("version", I16_OR_NULL, version),
    D("medium", I16_OR_NULL, medium),
    D("primary_address", I16_OR_NULL, primary_address),
    D("secondary", BOOL, secondary),
    D("baud", U32, baud),
    D("unit_id", U8, unit_id),
    D("key", KEY, key),
    D("site", TEXT, address),
    D("city", TEXT, city),
    D("lat", DOUBLE_OR_NULL, latitude),
    D("lon", DOUBLE_OR_NULL, longitude),
    D("schedule", SCHEDULE, schedule),
    D("enabled", BOOL, enabled),
};

static const struct field line_fields[] = {
    L("name", TEXT, name),
    L("kind", LINE_KIND, kind),
    L("host", TEXT, host),
    L("port", U16, port),
    L("path", TEXT, path),
    L("baud", U32, baud),
    L("parity", PARITY, parity),
    L("receiver", RECEIVER, receiver),
    L("topic", TEXT, topic),
    L("login", TEXT, login),
    L("password", PASSWORD, password),
    L("tls", BOOL, tls),
    L("ca_file", TEXT, ca_file),
    L("cert_file", TEXT, cert_file),
    L("key_file", TEXT, key_file),
    L("client_id", TEXT, client_id),
    L("timeout_ms", U32, timeout_ms),
    L("retries", U8, retries),
    L("delay_ms", U32, delay_ms),
    L("echo", BOOL, echo),
    L("per_cycle", BOOL, per_cycle),
    L("enabled", BOOL, enabled),
    L("revision", I64, revision),
    PASS_OVER("id"),
    PASS_OVER("has_password"),
    PASS_OVER("devices"),
    PASS_OVER("device_limit"),
    PASS_OVER("state"),
};

#undef D
#undef L
#undef ROW
#undef PASS_OVER

/* One reading of one object. */
struct read_run {
    struct hyp_device *device; /* for FIELD_KEY */
    char *target;              /* the struct the offsets belong to */
    bool secret_given;         /* key or password */
    struct hyp_error *err;
};

void hyp_device_defaults(struct hyp_device *device)
{
    *device = (struct hyp_device){
        .version = -1, .medium = -1, .primary_address = -1, .unit_id = 1, .enabled = true};
}

void hyp_line_defaults(struct hyp_line *line)
{
    *line = (struct hyp_line){.enabled = true, .retries = 2};
}

static enum hyp_status wrong(struct read_run *run, const char *field, const char *wanted)
{
    return hyp_error_set(run->err, HYP_INVALID, -1, "%s: must be %s.", field, wanted);
}

static enum hyp_status read_text(struct read_run *run, const struct field *field,
                                 const json_t *value)
{
    if (json_is_null(value)) {
        run->target[field->offset] = '\0';
        return HYP_OK;
    }
    if (!json_is_string(value)) {
        return wrong(run, field->name, "a text");
    }
    struct hyp_str text = {json_string_value(value), json_string_length(value)};
    if (text.len >= field->size) {
        return hyp_error_set(run->err, HYP_INVALID, -1, "%s: has %zu bytes, at most %zu fit.",
                             field->name, text.len, field->size - 1);
    }
    hyp_text_copy(run->target + field->offset, field->size, text);
    return HYP_OK;
}

static enum hyp_status read_integer(struct read_run *run, const struct field *field,
                                    const json_t *value, int64_t least, int64_t most,
                                    int64_t *ret_number)
{
    int64_t number = json_is_integer(value) ? json_integer_value(value) : 0;
    if (!json_is_integer(value) || number < least || number > most) {
        return hyp_error_set(run->err, HYP_INVALID, -1,
                             "%s: must be a whole number from %lld to %lld.", field->name,
                             (long long)least, (long long)most);
    }
    *ret_number = number;
    return HYP_OK;
}

static enum hyp_status read_number(struct read_run *run, const struct field *field,
                                   const json_t *value)
{
    static const struct {
        int64_t least, most;
    } ranges[] = {
        [FIELD_U8] = {0,  UINT8_MAX },
          [FIELD_U16] = {0,  UINT16_MAX},
        [FIELD_U32] = {0,  UINT32_MAX},
          [FIELD_I16_OR_NULL] = {-1, INT16_MAX },
        [FIELD_I64] = {0,  INT64_MAX },
          [FIELD_ID_OR_NULL] = {0,  INT64_MAX },
    };
    bool nullable = field->kind == FIELD_I16_OR_NULL || field->kind == FIELD_ID_OR_NULL;
    int64_t number = field->kind == FIELD_I16_OR_NULL ? -1 : 0;
    if (json_is_null(value) && field->kind == FIELD_U8) {
        return HYP_OK; /* "unit_id": null of devices that have none */
    }
    if (!(nullable && json_is_null(value))) {
        enum hyp_status status = read_integer(run, field, value, ranges[field->kind].least,
                                              ranges[field->kind].most, &number);
        if (status != HYP_OK) {
            return status;
        }
    }
    /* Little-endian or not: the low bytes are taken through the field's own type. */
    char *at = run->target + field->offset;
    uint8_t u8 = (uint8_t)number;
    uint16_t u16 = (uint16_t)number;
    uint32_t u32 = (uint32_t)number;
    const void *from = field->size == 1   ? (const void *)&u8
                       : field->size == 2 ? (const void *)&u16
                       : field->size == 4 ? (const void *)&u32
                                          : (const void *)&number;
    memcpy(at, from, field->size);
    return HYP_OK;
}

static enum hyp_status read_bool(struct read_run *run, const struct field *field,
                                 const json_t *value)
{
    if (!json_is_boolean(value)) {
        return wrong(run, field->name, "true or false");
    }
    bool flag = json_is_true(value);
    memcpy(run->target + field->offset, &flag, sizeof(flag));
    return HYP_OK;
}

static enum hyp_status read_double(struct read_run *run, const struct field *field,
                                   const json_t *value)
{
    if (!json_is_number(value) && !json_is_null(value)) {
        return wrong(run, field->name, "a number or null");
    }
    double number = json_number_value(value); /* 0 for null */
    memcpy(run->target + field->offset, &number, sizeof(number));
    return HYP_OK;
}

static enum hyp_status read_schedule(struct read_run *run, const struct field *field,
                                     const json_t *value)
{
    struct hyp_schedule schedule = {0};
    if (json_is_null(value)) {
        return HYP_OK; /* the default of the line */
    }
    if (!json_is_string(value)) {
        return wrong(run, field->name, "a text like \"every 15 min\"");
    }
    struct hyp_error inner = {0};
    struct hyp_str text = {json_string_value(value), json_string_length(value)};
    if (hyp_schedule_parse(text, &schedule, &inner) != HYP_OK) {
        return hyp_error_set(run->err, HYP_INVALID, -1, "%s: %s", field->name, inner.text);
    }
    memcpy(run->target + field->offset, &schedule, sizeof(schedule));
    return HYP_OK;
}

enum hyp_status hyp_key_read_hex(struct hyp_str text, const char *field,
                                 struct hyp_aes_key *ret_key, struct hyp_error *err)
{
    struct hyp_aes_key key;
    size_t len = 0;
    if (hyp_hex_decode(text, key.bytes, sizeof(key.bytes), &len, NULL) != HYP_OK ||
        len != sizeof(key.bytes)) {
        return hyp_error_set(err, HYP_INVALID, -1, "%s: an AES-128 key has 32 hex digits.",
                             field);
    }
    *ret_key = key;
    hyp_wipe(&key, sizeof(key));
    return HYP_OK;
}

static enum hyp_status read_key(struct read_run *run, const struct field *field,
                                const json_t *value)
{
    struct hyp_str text = {json_string_value(value), json_string_length(value)};
    struct hyp_device *device = run->device;
    assert(device != NULL); /* lines have no row of this kind */
    run->secret_given = true;
    if (json_is_null(value) || (json_is_string(value) && text.len == 0)) {
        device->has_key = false;
        hyp_wipe(&device->key, sizeof(device->key));
        return HYP_OK;
    }
    if (!json_is_string(value)) {
        return wrong(run, field->name, "32 hex digits or null");
    }
    enum hyp_status status = hyp_key_read_hex(text, field->name, &device->key, run->err);
    device->has_key = status == HYP_OK || device->has_key;
    return status;
}

static enum hyp_status read_parity(struct read_run *run, const struct field *field,
                                   const json_t *value)
{
    if (!json_is_null(value) && !(json_is_string(value) && json_string_length(value) <= 1)) {
        return wrong(run, field->name, "\"N\", \"E\" or \"O\"");
    }
    run->target[field->offset] = json_is_null(value) ? '\0' : json_string_value(value)[0];
    return HYP_OK;
}

static enum hyp_status read_line_kind(struct read_run *run, const struct field *field,
                                      const json_t *value)
{
    enum hyp_line_kind kind;
    struct hyp_str text = {json_string_value(value), json_string_length(value)};
    if (!json_is_string(value) || hyp_line_kind_find(text, &kind) != HYP_OK) {
        return wrong(run, field->name, "a kind of line, e.g. \"mbus-tcp\"");
    }
    memcpy(run->target + field->offset, &kind, sizeof(kind));
    return HYP_OK;
}

static enum hyp_status read_receiver(struct read_run *run, const struct field *field,
                                     const json_t *value)
{
    enum hyp_receiver_kind kind;
    struct hyp_str text = {json_string_value(value), json_string_length(value)};
    if (!json_is_string(value) || hyp_receiver_kind_find(text, &kind) != HYP_OK) {
        return wrong(run, field->name, "a kind of receiver, e.g. \"auto\" or \"im871a\"");
    }
    memcpy(run->target + field->offset, &kind, sizeof(kind));
    return HYP_OK;
}

static enum hyp_status read_field(struct read_run *run, const struct field *field,
                                  const json_t *value)
{
    switch (field->kind) {
    case FIELD_PASS_OVER: return HYP_OK;
    case FIELD_TEXT: return read_text(run, field, value);
    case FIELD_BOOL: return read_bool(run, field, value);
    case FIELD_U8:
    case FIELD_U16:
    case FIELD_U32:
    case FIELD_I16_OR_NULL:
    case FIELD_I64:
    case FIELD_ID_OR_NULL: return read_number(run, field, value);
    case FIELD_DOUBLE_OR_NULL: return read_double(run, field, value);
    case FIELD_SCHEDULE: return read_schedule(run, field, value);
    case FIELD_KEY: return read_key(run, field, value);
    case FIELD_RECEIVER: return read_receiver(run, field, value);
    case FIELD_PARITY: return read_parity(run, field, value);
    case FIELD_LINE_KIND: return read_line_kind(run, field, value);
    case FIELD_PASSWORD: run->secret_given = true; return read_text(run, field, value);
    }
    return HYP_INTERNAL;
}

static const struct field *find_field(const struct field *fields, size_t count,
                                      const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static enum hyp_status read_object(struct read_run *run, const struct field *fields,
                                   size_t count, bool strict, const json_t *object)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object)) {
        return hyp_error_set(run->err, HYP_INVALID, -1, "A JSON object is needed here.");
    }
    /* jansson iterates without changing the object, but takes it as not const. */
    json_t *walked = (json_t *)(uintptr_t)object;
    json_object_foreach(walked, name, value)
    {
        const struct field *field = find_field(fields, count, name);
        if (field == NULL && strict) {
            return hyp_error_set(run->err, HYP_INVALID, -1, "%.60s: is not known here.", name);
        }
        enum hyp_status status = field == NULL ? HYP_OK : read_field(run, field, value);
        if (status != HYP_OK) {
            return status;
        }
    }
    return HYP_OK;
}

enum hyp_status hyp_device_read_json(const json_t *object, struct hyp_device *device,
                                     bool *ret_key_given, struct hyp_error *err)
{
    struct read_run run = {.device = device, .target = (char *)device, .err = err};
    enum hyp_status status =
        read_object(&run, device_fields, HYP_ARRAY_LEN(device_fields), true, object);
    *ret_key_given = run.secret_given;
    return status;
}

enum hyp_status hyp_device_read_manifest(const json_t *object, struct hyp_device *device,
                                         struct hyp_error *err)
{
    struct read_run run = {.device = device, .target = (char *)device, .err = err};
    return read_object(&run, manifest_fields, HYP_ARRAY_LEN(manifest_fields), false, object);
}

enum hyp_status hyp_line_read_json(const json_t *object, struct hyp_line *line,
                                   bool *ret_password_given, struct hyp_error *err)
{
    struct read_run run = {.target = (char *)line, .err = err};
    enum hyp_status status =
        read_object(&run, line_fields, HYP_ARRAY_LEN(line_fields), true, object);
    *ret_password_given = run.secret_given;
    return status;
}
