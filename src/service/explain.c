/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stored M-Bus answer may be several frames back to back (multi-telegram): each is opened on
 * its own, its offsets moved behind those before. Stage 0 is what came over the wire, stage 1
 * the plain copies, put together in the same order.
 */
#include "service/explain.h"

#include "protocol/inspect.h"
#include "service/inside.h"

#include <string.h>

#define MBUS_FRAME_START 0x68
#define MBUS_FRAME_EXTRA 6 /* 68 L L 68 ... checksum 16 */

/* Everything that belongs to one explanation in the making. */
struct explain_run {
    struct hyp_service *service;
    hyp_tenant_id tenant;
    const struct hyp_explain_request *request;
    struct hyp_arena *arena;
    struct hyp_explanation *result;
    struct hyp_explain notes;
    struct hyp_buf plain;            /* stage 1 of all telegrams */
    const struct hyp_aes_key *trial; /* default key on trial */
    struct hyp_value *values;
};

static bool find_key(void *user, const struct hyp_meter_identity *meter,
                     struct hyp_aes_key *ret_key)
{
    const struct explain_run *run = user;
    if (run->request->key != NULL) {
        *ret_key = *run->request->key;
        return true;
    }
    if (hyp_directory_find_key(run->service->directory, run->tenant, meter, ret_key)) {
        return true;
    }
    if (run->trial != NULL) {
        *ret_key = *run->trial;
    }
    return run->trial != NULL;
}

static const struct hyp_compact_format *find_format(void *user, uint16_t signature)
{
    const struct explain_run *run = user;
    return hyp_learned_format(run->service, signature);
}

static void fail(struct explain_run *run, enum hyp_status status, size_t base,
                 const struct hyp_error *err)
{
    struct hyp_explanation *result = run->result;
    if (!result->ok) {
        return; /* the first reason counts */
    }
    result->ok = false;
    result->error = *err;
    result->error.status = status;
    if (result->error.offset >= 0) {
        result->error.offset += (int64_t)base;
    }
    if (result->error.text[0] == '\0') {
        hyp_text_copy(result->error.text, sizeof(result->error.text),
                      hyp_str_from(hyp_status_text(status)));
    }
}

static void add_values(struct explain_run *run, const struct hyp_value *values, size_t count)
{
    size_t room = HYP_LIMIT_READING_VALUES - run->result->value_count;
    size_t taken = HYP_MIN(count, room);
    if (taken > 0) {
        memcpy(run->values + run->result->value_count, values, taken * sizeof(*values));
        run->result->value_count += taken;
    }
}

static enum hyp_status name_values(struct explain_run *run, const struct hyp_telegram *telegram,
                                   size_t first_note)
{
    const struct hyp_library *library = run->service->config.library;
    const struct hyp_profile *profile = run->request->profile;
    struct hyp_value *values = NULL;
    size_t count = 0;
    struct hyp_civil meter_time;
    if (profile == NULL) {
        profile = hyp_library_match(library, &telegram->meter);
    }
    run->result->profile = hyp_profile_info(profile)->name;
    enum hyp_status status = hyp_device_values(library, profile, telegram, run->arena, &values,
                                               &count, &meter_time, NULL);
    if (status == HYP_NO_MEMORY) {
        return status;
    }
    /* Where the walk stopped has been reported; values before it are good. */
    add_values(run, values, count);
    hyp_device_explain(profile, telegram, run->arena, &run->notes, first_note);
    return HYP_OK;
}

static void take_identity(struct explain_run *run, const struct hyp_telegram *telegram)
{
    struct hyp_explanation *result = run->result;
    result->link = telegram->link == HYP_LINK_MBUS ? "mbus" : "wmbus";
    if (!result->has_meter && (telegram->has_identity || telegram->link == HYP_LINK_WMBUS) &&
        telegram->meter.manufacturer_code != 0) {
        result->has_meter = true;
        result->meter = telegram->meter;
    }
    result->security_mode = telegram->security_mode;
    result->encryption = telegram->encryption;
}

/* With the meter's key; without one with the tenant's default keys, the first that fits. */
static enum hyp_status inspect(struct explain_run *run, const uint8_t *bytes, size_t len,
                               enum hyp_link_kind link, struct hyp_telegram *telegram,
                               struct hyp_error *err)
{
    struct hyp_telegram_context context = {
        .user = run, .find_key = find_key, .find_format = find_format};
    size_t first_note = run->notes.count;
    enum hyp_status status =
        hyp_inspect_telegram(bytes, len, link, &context, telegram, &run->notes, err);
    if (status != HYP_NO_KEY) {
        return status;
    }
    struct hyp_aes_key keys[HYP_LIMIT_DEFAULT_KEYS];
    size_t count = hyp_default_keys_load(run->service, run->tenant, keys);
    for (size_t i = 0; status != HYP_OK && i < count; i++) {
        run->trial = &keys[i];
        run->notes.count = first_note;
        status = hyp_inspect_telegram(bytes, len, link, &context, telegram, &run->notes, err);
    }
    run->trial = NULL;
    hyp_wipe(keys, sizeof(keys));
    if (status != HYP_OK && count > 0) {
        run->notes.count = first_note;
        status = hyp_inspect_telegram(bytes, len, link, &context, telegram, &run->notes, err);
    }
    return status;
}

static enum hyp_status explain_telegram(struct explain_run *run, const uint8_t *bytes,
                                        size_t len, size_t base, enum hyp_link_kind link)
{
    struct hyp_telegram *telegram = hyp_arena_alloc(run->arena, sizeof(*telegram));
    if (telegram == NULL) {
        return HYP_NO_MEMORY;
    }
    struct hyp_error err = {.offset = -1};
    size_t first_note = run->notes.count;
    enum hyp_status status = inspect(run, bytes, len, link, telegram, &err);
    take_identity(run, telegram);
    if (status != HYP_OK) {
        fail(run, status, base, &err);
    }
    status = HYP_OK;
    if (telegram->content != HYP_CONTENT_NONE) {
        status = name_values(run, telegram, first_note);
    }
    bool copied = hyp_inspect_has_copy(&run->notes, first_note);
    for (size_t i = first_note; i < run->notes.count; i++) {
        struct hyp_note *note = &run->notes.notes[i];
        note->offset = (uint16_t)(note->offset + (note->stage == 0 ? base : run->plain.len));
    }
    if (copied) {
        hyp_buf_append(&run->plain, telegram->plain, telegram->plain_len);
    }
    return status;
}

/* Length of the wired long frame at `bytes`; the whole rest when it is none. */
static size_t wired_frame_len(const uint8_t *bytes, size_t len)
{
    if (len >= 4 && bytes[0] == MBUS_FRAME_START && bytes[3] == MBUS_FRAME_START &&
        bytes[1] == bytes[2]) {
        return HYP_MIN((size_t)bytes[1] + MBUS_FRAME_EXTRA, len);
    }
    return len;
}

static enum hyp_status explain_wired(struct explain_run *run)
{
    const struct hyp_explain_request *request = run->request;
    size_t at = 0;
    while (at < request->len) {
        size_t len = wired_frame_len(request->bytes + at, request->len - at);
        enum hyp_status status =
            explain_telegram(run, request->bytes + at, len, at, HYP_LINK_MBUS);
        if (status != HYP_OK) {
            return status;
        }
        at += len;
    }
    return HYP_OK;
}

/* --- Modbus snapshots: unit, function, start BE16, count BE16, data; repeated --- */

static size_t note_register(struct hyp_explain *notes, const uint8_t *bytes, size_t at,
                            unsigned address)
{
    uint16_t value = (uint16_t)(bytes[at] << 8 | bytes[at + 1]);
    hyp_explain_add(notes, HYP_NOTE_DATA, at, 2, "register", "", "%u: %u (signed %d, 0x%04X)",
                    address, value, (int16_t)value, value);
    return at + 2;
}

/* One block; returns where the next begins, or 0 when the bytes end inside this one. */
static size_t note_block(struct hyp_explain *notes, const uint8_t *bytes, size_t len, size_t at)
{
    if (len - at < 6) {
        return 0;
    }
    unsigned function = bytes[at + 1];
    unsigned start = (unsigned)(bytes[at + 2] << 8 | bytes[at + 3]);
    unsigned count = (unsigned)(bytes[at + 4] << 8 | bytes[at + 5]);
    bool bits = function == 1 || function == 2;
    size_t data_len = bits ? (count + 7u) / 8u : 2u * (size_t)count;
    hyp_explain_add(notes, HYP_NOTE_ADDRESS, at, 1, "unit", "Modbus", "unit %u", bytes[at]);
    hyp_explain_add(notes, HYP_NOTE_LINK, at + 1, 1, "function", "Modbus", "function %u",
                    function);
    hyp_explain_add(notes, HYP_NOTE_TRANSPORT, at + 2, 2, "start", "Modbus",
                    "first register, wire address %u", start);
    hyp_explain_add(notes, HYP_NOTE_TRANSPORT, at + 4, 2, "count", "Modbus", "%u %s", count,
                    bits ? "bits" : "registers");
    at += 6;
    if (len - at < data_len) {
        return 0;
    }
    if (bits) {
        hyp_explain_add(notes, HYP_NOTE_DATA, at, data_len, "bits", "Modbus",
                        "%u bits, lowest first", count);
        return at + data_len;
    }
    for (unsigned i = 0; i < count; i++) {
        notes->record++;
        at = note_register(notes, bytes, at, start + i);
    }
    return at;
}

static enum hyp_status explain_modbus(struct explain_run *run)
{
    const struct hyp_explain_request *request = run->request;
    size_t at = 0;
    run->result->link = "modbus";
    run->notes.record = -1;
    while (at < request->len) {
        size_t next = note_block(&run->notes, request->bytes, request->len, at);
        if (next == 0) {
            struct hyp_error err = {.offset = (int64_t)at,
                                    .text = "the bytes end inside a block of registers"};
            hyp_explain_add(&run->notes, HYP_NOTE_ERROR, at, request->len - at, "rest", "",
                            "%s", err.text);
            fail(run, HYP_MALFORMED, 0, &err);
            break;
        }
        at = next;
    }
    if (request->profile == NULL) {
        return HYP_OK;
    }
    struct hyp_value *values = NULL;
    size_t count = 0;
    struct hyp_error err = {.offset = -1};
    run->result->profile = hyp_profile_info(request->profile)->name;
    enum hyp_status status = hyp_device_modbus_values(
        request->profile, request->bytes, request->len, run->arena, &values, &count, &err);
    if (status == HYP_NO_MEMORY) {
        return status;
    }
    if (status != HYP_OK) {
        fail(run, status, 0, &err);
        return HYP_OK;
    }
    add_values(run, values, count);
    return HYP_OK;
}

/* --- the whole --- */

static enum hyp_status finish(struct explain_run *run)
{
    struct hyp_explanation *result = run->result;
    const struct hyp_explain_request *request = run->request;
    result->notes = run->notes.notes;
    result->note_count = run->notes.count;
    result->values = run->values;
    uint8_t *bytes = hyp_arena_alloc(run->arena, request->len + run->plain.len);
    if (bytes == NULL || hyp_buf_status(&run->plain) != HYP_OK) {
        return HYP_NO_MEMORY;
    }
    memcpy(bytes, request->bytes, request->len);
    result->stages[result->stage_count++] =
        (struct hyp_explain_stage){"as received", bytes, request->len};
    if (run->plain.len > 0) {
        const char *title =
            result->encryption == HYP_ENCRYPTION_DECRYPTED ? "decrypted" : "plain";
        memcpy(bytes + request->len, run->plain.data, run->plain.len);
        result->stages[result->stage_count++] =
            (struct hyp_explain_stage){title, bytes + request->len, run->plain.len};
    }
    return HYP_OK;
}

static enum hyp_status explain_by_protocol(struct explain_run *run)
{
    const struct hyp_explain_request *request = run->request;
    enum hyp_raw_protocol protocol = request->protocol;
    if (protocol == HYP_RAW_UNSET) {
        protocol = request->bytes[0] == MBUS_FRAME_START ? HYP_RAW_MBUS : HYP_RAW_WMBUS;
    }
    switch (protocol) {
    case HYP_RAW_MBUS: return explain_wired(run);
    case HYP_RAW_MODBUS_SNAPSHOT: return explain_modbus(run);
    case HYP_RAW_COPY: /* nobody is shown one */
    case HYP_RAW_WMBUS:
    case HYP_RAW_UNSET: break;
    }
    return explain_telegram(run, request->bytes, request->len, 0, HYP_LINK_UNSET);
}

enum hyp_status hyp_explain_bytes(struct hyp_service *service, const struct hyp_scope *scope,
                                  const struct hyp_explain_request *request,
                                  struct hyp_arena *arena,
                                  struct hyp_explanation *ret_explanation,
                                  struct hyp_error *err)
{
    const size_t most = (size_t)HYP_LIMIT_FRAME_BYTES * HYP_LIMIT_MULTI_TELEGRAMS;
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_FRAME_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    if (request->len == 0 || request->len > most) {
        return hyp_error_set(err, HYP_INVALID, -1, "hex: 1 to %zu bytes make a frame.", most);
    }
    struct hyp_explanation result = {.ok = true, .profile = "", .link = "mbus"};
    struct hyp_note *notes = hyp_arena_alloc_array(arena, HYP_LIMIT_NOTES, sizeof(*notes));
    struct explain_run run = {
        .service = service,
        .tenant = hyp_scope_tenant(scope),
        .request = request,
        .arena = arena,
        .result = &result,
        .values = hyp_arena_alloc_array(arena, HYP_LIMIT_READING_VALUES, sizeof(*run.values)),
    };
    if (notes == NULL || run.values == NULL) {
        return hyp_service_explain_failure(err, HYP_NO_MEMORY);
    }
    hyp_explain_init(&run.notes, notes, HYP_LIMIT_NOTES);
    hyp_buf_init_heap(&run.plain, (size_t)HYP_TELEGRAM_PLAIN_MAX * HYP_LIMIT_MULTI_TELEGRAMS);
    status = explain_by_protocol(&run);
    if (status == HYP_OK) {
        status = finish(&run);
    }
    hyp_buf_finish(&run.plain);
    if (status != HYP_OK) {
        return hyp_service_explain_failure(err, status);
    }
    *ret_explanation = result;
    return HYP_OK;
}

enum hyp_status hyp_explain_frame(struct hyp_service *service, const struct hyp_scope *scope,
                                  const struct hyp_stored_frame *frame, struct hyp_arena *arena,
                                  struct hyp_explanation *ret_explanation,
                                  struct hyp_error *err)
{
    struct hyp_device_view view;
    struct hyp_explain_request request = {
        .bytes = frame->bytes, .len = frame->len, .protocol = frame->protocol};
    if (frame->device.id != 0 &&
        hyp_directory_device(service->directory, hyp_scope_tenant(scope), frame->device,
                             hyp_service_now(service), &view) == HYP_OK) {
        request.profile = view.profile;
    }
    return hyp_explain_bytes(service, scope, &request, arena, ret_explanation, err);
}
