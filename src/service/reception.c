/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blob: version 1, then per device varints: id, telegrams, number of lines; and per line its
 * id, time of the last telegram, telegrams heard, of how many, and the last and the best signal
 * as -dBm (0 = not known).
 */
#include "service/reception.h"

#include "base/bytes.h"
#include "service/inside.h"

#include <stdlib.h>
#include <string.h>

#define BLOB_VERSION 1
#define LINE_BYTES_MAX (6 * 10)
#define BLOB_BYTES_MAX                                                                         \
    ((size_t)HYP_RECEPTION_GROUP * (3 * 10 + HYP_LIMIT_RECEIVERS * LINE_BYTES_MAX) + 1)
#define NAME_MAX_LEN 48

/* --- for people --- */

/* Heard most of the telegrams, then the stronger signal. */
static bool is_better(const struct hyp_heard_by *a, const struct hyp_heard_by *b)
{
    double share_a = (double)a->telegrams / (double)HYP_MAX(a->of, UINT64_C(1));
    double share_b = (double)b->telegrams / (double)HYP_MAX(b->of, UINT64_C(1));
    return share_a > share_b ||
           (share_a >= share_b && a->best_dbm != 0 && a->best_dbm > b->best_dbm);
}

static void add_receiver(struct hyp_reception_view *view, const struct hyp_receiver_view *added)
{
    size_t at = view->count++;
    while (at > 0 && is_better(&added->heard, &view->receivers[at - 1].heard)) {
        view->receivers[at] = view->receivers[at - 1];
        at--;
    }
    view->receivers[at] = *added;
}

enum hyp_status hyp_reception_get(struct hyp_service *service, const struct hyp_scope *scope,
                                  hyp_device_id device, struct hyp_reception_view *ret_view,
                                  struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DEVICE_READ, err);
    if (status != HYP_OK) {
        return status;
    }
    hyp_tenant_id tenant = hyp_scope_tenant(scope);
    if (!hyp_directory_has_device(service->directory, tenant, device)) {
        return hyp_service_not_found(err, "device", device.id);
    }
    *ret_view = (struct hyp_reception_view){.state = {.device = device}};
    struct hyp_collector *collector = atomic_load(&service->collector);
    if (collector == NULL ||
        hyp_collector_reception(collector, device, &ret_view->state) != HYP_OK) {
        return HYP_OK;
    }
    for (size_t i = 0; i < ret_view->state.count; i++) {
        struct hyp_receiver_view receiver = {.heard = ret_view->state.by[i]};
        hyp_directory_line_name(service->directory, tenant, receiver.heard.line,
                                receiver.line_name);
        if (receiver.line_name[0] != '\0') {
            add_receiver(ret_view, &receiver);
        }
    }
    return HYP_OK;
}

/* --- kept --- */

static void blob_name(char out[static NAME_MAX_LEN], int64_t group)
{
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, out, NAME_MAX_LEN);
    hyp_buf_append_fmt(&buf, "collect.receivers.%lld", (long long)group);
    hyp_buf_terminate(&buf);
}

static void write_state(struct hyp_buf *blob, const struct hyp_reception_state *state)
{
    hyp_buf_append_varint(blob, (uint64_t)state->device.id);
    hyp_buf_append_varint(blob, state->telegrams);
    hyp_buf_append_varint(blob, state->count);
    for (size_t i = 0; i < state->count; i++) {
        const struct hyp_heard_by *by = &state->by[i];
        hyp_buf_append_varint(blob, (uint64_t)by->line.id);
        hyp_buf_append_varint(blob, (uint64_t)by->last_heard.ms);
        hyp_buf_append_varint(blob, by->telegrams);
        hyp_buf_append_varint(blob, by->of);
        hyp_buf_append_varint(blob, (uint64_t)-by->last_dbm);
        hyp_buf_append_varint(blob, (uint64_t)-by->best_dbm);
    }
}

static void save_group(struct hyp_service *service, struct hyp_collector *collector,
                       struct hyp_reception_state *states, int64_t group)
{
    bool changed = false;
    size_t count =
        hyp_collector_receptions(collector, (hyp_device_id){group * HYP_RECEPTION_GROUP},
                                 states, HYP_RECEPTION_GROUP, &changed);
    if (!changed) {
        return;
    }
    char name[NAME_MAX_LEN];
    struct hyp_buf blob HYP_CLEANUP(hyp_buf_finish);
    hyp_buf_init_heap(&blob, BLOB_BYTES_MAX);
    hyp_buf_append_u8(&blob, BLOB_VERSION);
    for (size_t i = 0; i < count; i++) {
        write_state(&blob, &states[i]);
    }
    blob_name(name, group);
    if (hyp_buf_status(&blob) != HYP_OK ||
        hyp_store_blob_put(service->config.store, name, blob.data, blob.len) != HYP_OK) {
        hyp_log_event(service->config.log, HYP_LOG_WARNING, "reception.not_saved",
                      "group=%lld next=later", (long long)group);
    }
}

void hyp_reception_save(struct hyp_service *service)
{
    struct hyp_collector *collector = atomic_load(&service->collector);
    struct hyp_reception_state *states =
        collector == NULL ? NULL : calloc(HYP_RECEPTION_GROUP, sizeof(*states));
    if (states == NULL) {
        return;
    }
    int64_t last = hyp_directory_last_id(service->directory).id / HYP_RECEPTION_GROUP;
    for (int64_t group = 0; group <= last; group++) {
        save_group(service, collector, states, group);
    }
    free(states);
}

static int16_t read_dbm(struct hyp_bytes *bytes)
{
    uint64_t value = hyp_bytes_varint(bytes);
    return value > 255 ? 0 : (int16_t) - (int16_t)value;
}

static bool read_state(struct hyp_bytes *bytes, struct hyp_reception_state *state)
{
    *state = (struct hyp_reception_state){.device = {(int64_t)hyp_bytes_varint(bytes)}};
    state->telegrams = hyp_bytes_varint(bytes);
    state->count = hyp_bytes_varint(bytes);
    if (hyp_bytes_failed(bytes) || state->count > HYP_LIMIT_RECEIVERS) {
        return false;
    }
    for (size_t i = 0; i < state->count; i++) {
        struct hyp_heard_by *by = &state->by[i];
        by->line.id = (int64_t)hyp_bytes_varint(bytes);
        by->last_heard.ms = (int64_t)hyp_bytes_varint(bytes);
        by->telegrams = hyp_bytes_varint(bytes);
        by->of = hyp_bytes_varint(bytes);
        by->last_dbm = read_dbm(bytes);
        by->best_dbm = read_dbm(bytes);
    }
    return !hyp_bytes_failed(bytes);
}

static void restore_group(struct hyp_service *service, struct hyp_collector *collector,
                          struct hyp_arena *arena, int64_t group)
{
    char name[NAME_MAX_LEN];
    uint8_t *data;
    size_t len;
    struct hyp_reception_state state;
    blob_name(name, group);
    if (hyp_store_blob_get(service->config.store, name, arena, &data, &len) != HYP_OK) {
        return;
    }
    struct hyp_bytes bytes = hyp_bytes_from(data, len);
    if (hyp_bytes_u8(&bytes) != BLOB_VERSION) {
        return;
    }
    while (hyp_bytes_left(&bytes) > 0 && read_state(&bytes, &state)) {
        hyp_collector_restore_reception(collector, &state);
    }
}

void hyp_reception_restore(struct hyp_service *service, struct hyp_collector *collector)
{
    struct hyp_arena arena;
    hyp_arena_init(&arena, 4 * BLOB_BYTES_MAX);
    int64_t last = hyp_directory_last_id(service->directory).id / HYP_RECEPTION_GROUP;
    for (int64_t group = 0; group <= last; group++) {
        restore_group(service, collector, &arena, group);
        hyp_arena_reset(&arena);
    }
    hyp_arena_finish(&arena);
}
