/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/civil.h"
#include "sim/history.h"
#include "sim/manifest.h"
#include "sim/options.h"
#include "sim/scale.h"
#include "sim/serve.h"
#include "sim/setup.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* What a controller behind a mobile network takes to answer. */
#define SCALE_LATENCY_MS 200

static enum hyp_status run_serve(const struct sim_options *options, struct hyp_error *err)
{
    if (options->modbus_devices > 0 || options->mbus_devices > 0) {
        struct sim_options scaled = *options;
        scaled.latency_ms = options->has_latency ? options->latency_ms : SCALE_LATENCY_MS;
        return sim_scale_run(&scaled, err);
    }
    return sim_serve_run(options, hyp_clock_system(), err);
}

static enum hyp_status run_manifest(const struct sim_options *options, struct hyp_error *err)
{
    struct sim_town *town;
    struct sim_clock clock;
    enum hyp_status status = sim_setup(options, hyp_clock_system(), &town, &clock, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_buf text;
    hyp_buf_init_heap(&text, SIM_MANIFEST_MAX);
    sim_manifest_write(town, &text);
    if (hyp_buf_status(&text) != HYP_OK || fwrite(text.data, 1, text.len, stdout) != text.len ||
        fflush(stdout) != 0) {
        status = hyp_error_set(err, HYP_IO, -1, "cannot write the manifest");
    }
    hyp_buf_finish(&text);
    sim_town_destroy(town);
    return status;
}

/* Ends on the last full quarter of an hour before the town's present. */
static enum hyp_status run_history(const struct sim_options *options, struct hyp_error *err)
{
    const int64_t quarter = SIM_HOUR_MS / 4;
    struct sim_town *town;
    struct sim_clock clock;
    enum hyp_status status = sim_setup(options, hyp_clock_system(), &town, &clock, err);
    if (status != HYP_OK) {
        return status;
    }
    struct sim_history_folder folder;
    sim_history_to_folder(&folder, options->out);
    if (strcmp(options->out, "-") == 0) {
        sim_history_to_stdout(&folder.sink);
    }
    int64_t until = clock.start_ms / quarter * quarter;
    int64_t from =
        clock.start_ms / SIM_HOUR_MS * SIM_HOUR_MS - (int64_t)options->days * SIM_DAY_MS;
    status =
        sim_history_write(town, from, until, (unsigned)options->step_min, &folder.sink, err);
    sim_town_destroy(town);
    return status;
}

static enum hyp_status run_help(const struct sim_options *options, struct hyp_error *err)
{
    (void)options;
    (void)err;
    sim_options_help();
    return HYP_OK;
}

static const struct {
    const char *name;
    enum hyp_status (*run)(const struct sim_options *options, struct hyp_error *err);
} commands[] = {
    {"serve",    run_serve   },
    {"manifest", run_manifest},
    {"history",  run_history },
    {"help",     run_help    },
    {"--help",   run_help    },
};

int main(int argc, char **argv)
{
    struct hyp_error err = {0};
    struct sim_options options;
    const char *name = argc > 1 ? argv[1] : "help";
    if (argc > 2 && strcmp(argv[2], "--help") == 0) {
        name = "help"; /* one page for all commands */
        argc = 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < HYP_ARRAY_LEN(commands); i++) {
        if (strcmp(name, commands[i].name) != 0) {
            continue;
        }
        enum hyp_status status = HYP_OK;
        if (argc > 2) {
            status =
                sim_options_parse(&options, argc - 2, (const char *const *)(argv + 2), &err);
        } else {
            status = sim_options_parse(&options, 0, NULL, &err);
        }
        if (status == HYP_OK) {
            status = commands[i].run(&options, &err);
        }
        if (status != HYP_OK) {
            fprintf(stderr, "hypocaust-sim: %s\n", err.text);
            return status == HYP_INVALID ? 2 : 1;
        }
        return 0;
    }
    fprintf(stderr, "hypocaust-sim: unknown command \"%s\"; see `hypocaust-sim help`\n", name);
    return 2;
}
