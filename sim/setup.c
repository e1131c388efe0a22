/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/setup.h"

#include "sim/civil.h"
#include "sim/manifest.h"

#include <string.h>

int64_t sim_clock_now(const struct sim_clock *clock)
{
    int64_t passed = hyp_clock_mono(clock->machine).ms - clock->machine_start_ms;
    return clock->start_ms + passed * (int64_t)clock->speed;
}

static enum hyp_status parse_time(const char *name, const char *text, int64_t *time_ms,
                                  struct hyp_error *err)
{
    if (text != NULL && sim_iso_parse(hyp_str_from(text), time_ms) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "%s takes a time like 2026-01-31T12:00:00Z, not \"%s\"", name,
                             text);
    }
    return HYP_OK;
}

/* `now-30d`, `now-12h`, or a time. */
static enum hyp_status parse_start(const char *text, int64_t *time_ms, struct hyp_error *err)
{
    struct hyp_str rest = hyp_str_from(text);
    if (!hyp_str_has_prefix(rest, HYP_STR("now-"))) {
        return parse_time("--start", text, time_ms, err);
    }
    int64_t unit = hyp_str_has_suffix(rest, HYP_STR("d"))   ? SIM_DAY_MS
                   : hyp_str_has_suffix(rest, HYP_STR("h")) ? SIM_HOUR_MS
                                                            : 0;
    rest = (struct hyp_str){.ptr = rest.ptr + 4, .len = rest.len - 5};
    uint64_t count;
    if (unit == 0 || hyp_str_to_u64(rest, &count) != HYP_OK || count > 100000) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "--start takes now-30d, now-12h or a time, not \"%s\"", text);
    }
    *time_ms -= (int64_t)count * unit;
    return HYP_OK;
}

static bool is_default(const char *town)
{
    return strcmp(town, "default") == 0;
}

/* What the options say beats what a saved manifest says, which beats the defaults. */
static enum hyp_status plan_town(const struct sim_options *options, int64_t start_ms,
                                 struct sim_manifest *manifest, struct hyp_error *err)
{
    *manifest = (struct sim_manifest){
        .plan = {.seed = options->seed,
                 .anchor_ms = start_ms / SIM_DAY_MS * SIM_DAY_MS,
                 .faults = SIM_FAULT_ALL,
                 .crowd = (unsigned)options->crowd}
    };
    const char *saved = !is_default(options->town) ? options->town : options->ports_from;
    if (saved != NULL) {
        enum hyp_status status = sim_manifest_load(saved, manifest, err);
        if (status != HYP_OK) {
            return status;
        }
        if (options->has_seed) {
            manifest->plan.seed = options->seed;
        }
    }
    if (options->faults != NULL &&
        sim_faults_parse(hyp_str_from(options->faults), &manifest->plan.faults) != HYP_OK) {
        return hyp_error_set(
            err, HYP_INVALID, -1,
            "--faults \"%s\": give none, default, or names joined by commas of "
            "dead, noisy, wrongkey, stuck, burst, swapped, battery",
            options->faults);
    }
    return parse_time("--anchor", options->anchor, &manifest->plan.anchor_ms, err);
}

static void take_ports(struct sim_town *town, const struct sim_manifest *manifest)
{
    for (size_t i = 0; i < manifest->line_count; i++) {
        int line = sim_town_line(town, manifest->lines[i].name);
        if (line >= 0) {
            town->lines[line].port = manifest->lines[i].port;
        }
    }
}

enum hyp_status sim_setup(const struct sim_options *options, const struct hyp_clock *machine,
                          struct sim_town **ret_town, struct sim_clock *ret_clock,
                          struct hyp_error *err)
{
    struct sim_manifest manifest;
    struct sim_clock clock = {.machine = machine,
                              .start_ms = hyp_clock_utc(machine).ms,
                              .machine_start_ms = hyp_clock_mono(machine).ms,
                              .speed = options->speed};
    enum hyp_status status = parse_start(options->start, &clock.start_ms, err);
    if (status == HYP_OK) {
        status = plan_town(options, clock.start_ms, &manifest, err);
    }
    if (status != HYP_OK) {
        return status;
    }
    struct sim_town *town;
    status = sim_town_create(&manifest.plan, &town);
    if (status == HYP_OK) {
        status = sim_climate_reserve(&town->climate, clock.start_ms);
        if (status != HYP_OK) {
            sim_town_destroy(town);
        }
    }
    if (status != HYP_OK) {
        return hyp_error_set(err, status, -1,
                             status == HYP_INVALID
                                 ? "start and anchor must lie between 2024 and 2049"
                                 : "no memory for the town");
    }
    take_ports(town, &manifest);
    *ret_town = town;
    *ret_clock = clock;
    return HYP_OK;
}
