/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/serve.h"

#include "sim/civil.h"
#include "sim/file.h"
#include "sim/manifest.h"
#include "sim/serve_radio.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define SWEEP_MS 1000
/* The controllers close a connection that has been silent for so long. */
#define ECL_IDLE_MS 75000

int64_t sim_serve_now(struct sim_serve *serve)
{
    int64_t now = sim_clock_now(&serve->clock);
    /* Without memory the town stands still, which is all it can do. */
    HYP_IGNORE(sim_climate_reserve(&serve->town->climate, now + 2 * SIM_HOUR_MS));
    return now;
}

static void stop(struct sim_serve *serve)
{
    if (serve->stopping) {
        return;
    }
    serve->stopping = true;
    for (size_t i = 0; i < HYP_ARRAY_LEN(serve->signals); i++) {
        uv_close((uv_handle_t *)&serve->signals[i], NULL);
    }
    uv_close((uv_handle_t *)&serve->sweep, NULL);
    sim_radio_stop(serve);
    for (size_t i = 0; i < serve->town->line_count; i++) {
        sim_server_close(&serve->servers[i]);
    }
    sim_net_finish(&serve->net);
}

static void signalled(uv_signal_t *handle, int number)
{
    (void)number;
    stop(handle->data);
}

static void swept(uv_timer_t *timer)
{
    struct sim_serve *serve = timer->data;
    for (size_t i = 0; i < serve->town->line_count; i++) {
        sim_server_drop_idle(&serve->servers[i]);
    }
}

static enum hyp_status start_loop(struct sim_serve *serve, struct hyp_error *err)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    if (uv_loop_init(&serve->loop) != 0 || sim_net_init(&serve->net, &serve->loop) != HYP_OK ||
        uv_timer_init(&serve->loop, &serve->sweep) != 0 ||
        uv_timer_start(&serve->sweep, swept, SWEEP_MS, SWEEP_MS) != 0) {
        return hyp_error_set(err, HYP_IO, -1, "cannot start the event loop");
    }
    serve->sweep.data = serve;
    serve->net.latency_ms = (uint32_t)serve->options->latency_ms;
    serve->net.split = serve->options->split;
    for (size_t i = 0; i < HYP_ARRAY_LEN(serve->signals); i++) {
        serve->signals[i].data = serve;
        if (uv_signal_init(&serve->loop, &serve->signals[i]) != 0 ||
            uv_signal_start(&serve->signals[i], signalled, numbers[i]) != 0) {
            return hyp_error_set(err, HYP_IO, -1, "cannot watch for signals");
        }
    }
    serve->loop_is_ready = true;
    return HYP_OK;
}

/* Each bus gets its stretch of the common slave array. */
static enum hyp_status start_buses(struct sim_serve *serve, struct hyp_error *err)
{
    serve->slaves = calloc(SIM_TOWN_DEVICES, sizeof(*serve->slaves));
    if (serve->slaves == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory for the meters");
    }
    struct sim_slave *next = serve->slaves;
    size_t bus = 0;
    for (size_t i = 0; i < serve->town->line_count; i++) {
        if (serve->town->lines[i].kind != SIM_LINE_MBUS_TCP) {
            continue;
        }
        size_t count = sim_town_slaves(serve->town, (int)i, next);
        struct sim_bus *made = &serve->buses[bus++];
        sim_bus_init(made, &serve->town->climate, next, count, serve->town->plan.seed + i);
        made->noise = sim_town_noise(serve->town, (int)i);
        made->silent = serve->options->silence;
        made->echo = serve->options->echo;
        next += count;
    }
    return HYP_OK;
}

/* The port a line was asked to have: by option, by saved manifest, or any. */
static uint16_t wanted_port(const struct sim_serve *serve, size_t line, size_t nth_of_kind)
{
    uint64_t first = 0;
    switch (serve->town->lines[line].kind) {
    case SIM_LINE_MBUS_TCP: first = serve->options->mbus_port; break;
    case SIM_LINE_MODBUS_TCP: first = serve->options->modbus_port; break;
    case SIM_LINE_WMBUS_TCP: first = serve->options->radio_port; break;
    case SIM_LINE_WMBUS_MQTT: break;
    }
    return first == 0 ? serve->town->lines[line].port : (uint16_t)(first + nth_of_kind);
}

static void connect_protocol(struct sim_serve *serve, size_t line, size_t nth_of_kind)
{
    struct sim_server *server = &serve->servers[line];
    switch (serve->town->lines[line].kind) {
    case SIM_LINE_MBUS_TCP: sim_server_init(server, &serve->net, &sim_mbus_ops, serve); break;
    case SIM_LINE_MODBUS_TCP:
        sim_server_init(server, &serve->net, &sim_modbus_ops, serve);
        server->idle_limit_ms = ECL_IDLE_MS;
        break;
    case SIM_LINE_WMBUS_TCP: sim_server_init(server, &serve->net, &sim_radio_ops, serve); break;
    case SIM_LINE_WMBUS_MQTT: break;
    }
    server->index = nth_of_kind;
}

static enum hyp_status start_servers(struct sim_serve *serve, struct hyp_error *err)
{
    size_t nth[SIM_LINE_WMBUS_MQTT + 1] = {0};
    for (size_t i = 0; i < serve->town->line_count; i++) {
        struct sim_line *line = &serve->town->lines[i];
        size_t nth_of_kind = nth[line->kind]++;
        connect_protocol(serve, i, nth_of_kind);
        if (serve->servers[i].ops == NULL) {
            continue;
        }
        hyp_text_copy(line->host, sizeof(line->host), hyp_str_from(serve->options->host));
        enum hyp_status status =
            sim_server_listen(&serve->servers[i], serve->options->host,
                              wanted_port(serve, i, nth_of_kind), &line->port, err);
        if (status != HYP_OK) {
            return status;
        }
    }
    return HYP_OK;
}

static enum hyp_status write_ports_file(const struct sim_serve *serve, struct hyp_error *err)
{
    struct hyp_buf text;
    hyp_buf_init_heap(&text, SIM_MANIFEST_MAX);
    sim_manifest_write(serve->town, &text);
    enum hyp_status status = hyp_buf_status(&text);
    if (status == HYP_OK) {
        status = sim_file_put(serve->options->ports_file, hyp_buf_view(&text), err);
    } else {
        status = hyp_error_set(err, status, -1, "no memory for the manifest");
    }
    hyp_buf_finish(&text);
    return status;
}

static void report_ready(const struct sim_serve *serve)
{
    for (size_t i = 0; i < serve->town->line_count; i++) {
        const struct sim_line *line = &serve->town->lines[i];
        printf("line.ready name=%s host=%s port=%u\n", line->name, line->host, line->port);
    }
    fflush(stdout);
}

static enum hyp_status start(struct sim_serve *serve, struct hyp_error *err)
{
    enum hyp_status status = start_loop(serve, err);
    if (status == HYP_OK) {
        status = start_buses(serve, err);
    }
    if (status == HYP_OK) {
        status = start_servers(serve, err);
    }
    if (status == HYP_OK) {
        status = sim_radio_start(serve, err);
    }
    if (status == HYP_OK && serve->options->ports_file != NULL) {
        status = write_ports_file(serve, err);
    }
    return status;
}

enum hyp_status sim_serve_run(const struct sim_options *options,
                              const struct hyp_clock *machine, struct hyp_error *err)
{
    struct sim_serve *serve = calloc(1, sizeof(*serve));
    if (serve == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "no memory");
    }
    serve->options = options;
    enum hyp_status status = sim_setup(options, machine, &serve->town, &serve->clock, err);
    if (status == HYP_OK) {
        status = start(serve, err);
        if (status == HYP_OK) {
            report_ready(serve);
        } else if (serve->loop_is_ready) {
            stop(serve);
        }
        if (serve->loop_is_ready) {
            uv_run(&serve->loop, UV_RUN_DEFAULT);
            HYP_IGNORE(uv_loop_close(&serve->loop)); /* all handles are closed: not busy */
        }
        sim_town_destroy(serve->town);
    }
    free(serve->slaves);
    free(serve);
    return status;
}
