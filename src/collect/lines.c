/* SPDX-License-Identifier: Apache-2.0 */
/* The register of lines: they come, are changed, and go. */
#include "base/limits.h"
#include "collect/collector.h"

#include <stdlib.h>
#include <string.h>

static uint64_t name_hash(hyp_tenant_id tenant, struct hyp_str name)
{
    return hyp_hash_bytes(name.ptr, name.len) ^ (uint64_t)tenant.id * 0x9E3779B97F4A7C15u;
}

struct hyp_wire *hyp_collector_wire(const struct hyp_collector *collector, hyp_line_id id)
{
    uint64_t value = 0;
    return hyp_map_get(&collector->lines, (uint64_t)id.id, &value)
               ? (struct hyp_wire *)(uintptr_t)value
               : NULL;
}

struct hyp_wire *hyp_collector_wire_by_name(const struct hyp_collector *collector,
                                            hyp_tenant_id tenant, struct hyp_str name)
{
    uint64_t value = 0;
    if (!hyp_map_get(&collector->line_names, name_hash(tenant, name), &value)) {
        return NULL;
    }
    struct hyp_wire *wire = (struct hyp_wire *)(uintptr_t)value;
    bool same = wire->tenant.id == tenant.id &&
                hyp_str_equal(hyp_str_from(hyp_wire_text(wire->settings, HYP_WIRE_NAME)), name);
    return same ? wire : NULL;
}

struct hyp_wire *hyp_collector_next_wire(const struct hyp_collector *collector, size_t *cursor)
{
    uint64_t key;
    uint64_t value;
    return hyp_map_next(&collector->lines, cursor, &key, &value)
               ? (struct hyp_wire *)(uintptr_t)value
               : NULL;
}

/* Its places in the register, where they are not another's already. */
static void leave_register(struct hyp_collector *collector, const struct hyp_wire *wire)
{
    uint64_t hash =
        name_hash(wire->tenant, hyp_str_from(hyp_wire_text(wire->settings, HYP_WIRE_NAME)));
    uint64_t value = 0;
    if (hyp_map_get(&collector->line_names, hash, &value) &&
        value == (uint64_t)(uintptr_t)wire) {
        hyp_map_remove(&collector->line_names, hash);
    }
    if (hyp_collector_wire(collector, wire->id) == wire) {
        hyp_map_remove(&collector->lines, (uint64_t)wire->id.id);
    }
}

static void close_wire(struct hyp_collector *collector, struct hyp_wire *wire)
{
    leave_register(collector, wire);
    if (hyp_wire_bus(wire) != NULL) {
        hyp_bus_finish(hyp_wire_bus(wire));
    } else {
        hyp_ear_finish(hyp_wire_ear(wire));
    }
    hyp_comm_finish(&wire->comm);
    hyp_wire_settings_destroy(wire->settings);
    free(wire);
}

static struct hyp_wire *allocate_wire(struct hyp_collector *collector,
                                      const struct hyp_line *line)
{
    bool polled = hyp_line_kind_is_polled(line->kind);
    struct hyp_wire *wire =
        calloc(1, polled ? hyp_bus_size(line->kind) : sizeof(struct hyp_ear));
    struct hyp_wire_settings *settings = hyp_wire_settings_create(line);
    if (wire == NULL || settings == NULL) {
        free(wire);
        hyp_wire_settings_destroy(settings);
        return NULL;
    }
    wire->collector = collector;
    wire->settings = settings;
    wire->id = line->id;
    wire->tenant = line->tenant;
    wire->kind = (uint8_t)line->kind;
    wire->enabled = line->enabled;
    return wire;
}

/* All that needs memory, and nothing that another line would notice: not in the register, no
 * link. From here on the line can be had. */
static enum hyp_status make_wire(struct hyp_collector *collector, const struct hyp_line *line,
                                 struct hyp_wire **ret_wire)
{
    struct hyp_wire *wire = allocate_wire(collector, line);
    if (wire == NULL) {
        return HYP_NO_MEMORY;
    }
    enum hyp_status status = hyp_wire_bus(wire) != NULL ? hyp_bus_init(hyp_wire_bus(wire))
                                                        : hyp_ear_init(hyp_wire_ear(wire));
    if (status != HYP_OK) {
        hyp_wire_settings_destroy(wire->settings);
        free(wire);
        return status;
    }
    if (hyp_map_reserve(&collector->lines) != HYP_OK ||
        hyp_map_reserve(&collector->line_names) != HYP_OK) {
        close_wire(collector, wire);
        return HYP_NO_MEMORY;
    }
    *ret_wire = wire;
    return HYP_OK;
}

static void enter_register(struct hyp_collector *collector, struct hyp_wire *wire)
{
    uint64_t hash =
        name_hash(wire->tenant, hyp_str_from(hyp_wire_text(wire->settings, HYP_WIRE_NAME)));
    uint64_t value = (uint64_t)(uintptr_t)wire;
    /* The room was made with the wire. */
    HYP_IGNORE(hyp_map_set(&collector->lines, (uint64_t)wire->id.id, value));
    HYP_IGNORE(hyp_map_set(&collector->line_names, hash, value));
}

struct line_call {
    struct hyp_collector *collector;
    const struct hyp_line *line;
    hyp_line_id id;
    enum hyp_status status;
};

static bool is_same_subscription(const struct hyp_wire *wire, const struct hyp_line *line)
{
    const struct hyp_wire_settings *old = wire->settings;
    return line->enabled && wire->kind == (uint8_t)line->kind && old->port == line->port &&
           strcmp(hyp_wire_text(old, HYP_WIRE_HOST), line->host) == 0 &&
           strcmp(hyp_wire_text(old, HYP_WIRE_TOPIC), line->topic) == 0 &&
           strcmp(hyp_wire_text(old, HYP_WIRE_CLIENT_ID), line->client_id) == 0;
}

static struct hyp_recent *take_recent(struct hyp_wire *wire)
{
    struct hyp_ear *ear = hyp_wire_ear(wire);
    struct hyp_recent *recent = ear == NULL ? NULL : ear->recent;
    if (ear != NULL) {
        ear->recent = NULL;
    }
    return recent;
}

/* Closes the line that a new one replaces, which inherits what is known of it. */
static void replace_wire(struct hyp_collector *collector, struct hyp_wire *old,
                         struct hyp_wire *wire, const struct hyp_line *line)
{
    struct hyp_comm_state before;
    struct hyp_recent *recent = take_recent(old);
    hyp_comm_export(&old->comm, &before);
    before.failures_in_row = 0;
    hyp_comm_import(&wire->comm, &before);
    if (hyp_wire_ear(wire) != NULL) {
        hyp_ear_inherit(hyp_wire_ear(wire), recent);
    }
    free(recent);
    old->leaving = !is_same_subscription(old, line);
    close_wire(collector, old);
}

static void do_set_line(void *argument)
{
    struct line_call *call = argument;
    struct hyp_collector *collector = call->collector;
    if (collector->stopping) {
        call->status = HYP_CANCELLED;
        return;
    }
    struct hyp_wire *old = hyp_collector_wire(collector, call->line->id);
    if (old == NULL && collector->lines.count >= HYP_LIMIT_LINES) {
        call->status = HYP_LIMIT;
        return;
    }
    struct hyp_wire *wire = NULL;
    call->status = make_wire(collector, call->line, &wire);
    if (call->status != HYP_OK) {
        return;
    }
    if (old != NULL) {
        replace_wire(collector, old, wire, call->line);
    }
    enter_register(collector, wire);
    if (hyp_wire_bus(wire) != NULL) {
        hyp_collector_attach(collector, wire->id);
    } else {
        hyp_ear_start(hyp_wire_ear(wire));
    }
    hyp_wire_changed(wire);
}

enum hyp_status hyp_collector_set_line(struct hyp_collector *collector,
                                       const struct hyp_line *line)
{
    if (line->id.id == 0 || line->kind <= HYP_LINE_UNSET || line->kind >= HYP_LINE_KIND_COUNT) {
        return HYP_INVALID;
    }
    struct line_call call = {.collector = collector, .line = line};
    hyp_loop_call(&collector->loop, do_set_line, &call);
    return call.status;
}

static void do_remove_line(void *argument)
{
    struct line_call *call = argument;
    struct hyp_wire *wire = hyp_collector_wire(call->collector, call->id);
    if (wire != NULL) {
        wire->leaving = true;
        close_wire(call->collector, wire);
    }
}

struct telegram_call {
    struct hyp_collector *collector;
    hyp_line_id line;
    const uint8_t *bytes;
    size_t len;
};

static void do_restore_telegram(void *argument)
{
    const struct telegram_call *call = argument;
    struct hyp_wire *wire = hyp_collector_wire(call->collector, call->line);
    if (wire != NULL && hyp_wire_bus(wire) == NULL) {
        hyp_ear_remember(hyp_wire_ear(wire), call->bytes, call->len);
    }
}

void hyp_collector_restore_telegram(struct hyp_collector *collector, hyp_line_id line,
                                    const uint8_t *bytes, size_t len)
{
    struct telegram_call call = {
        .collector = collector, .line = line, .bytes = bytes, .len = len};
    hyp_loop_call(&collector->loop, do_restore_telegram, &call);
}

void hyp_collector_remove_line(struct hyp_collector *collector, hyp_line_id line)
{
    struct line_call call = {.collector = collector, .id = line};
    hyp_loop_call(&collector->loop, do_remove_line, &call);
}

void hyp_collector_close_wires(struct hyp_collector *collector)
{
    size_t cursor = 0;
    struct hyp_wire *wire;
    while ((wire = hyp_collector_next_wire(collector, &cursor)) != NULL) {
        close_wire(collector, wire);
        cursor = 0;
    }
}
