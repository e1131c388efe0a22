/* SPDX-License-Identifier: Apache-2.0 */
/* The town as JSON: what a server has to know to read it, and what a later run has to keep. */
#ifndef SIM_MANIFEST_H
#define SIM_MANIFEST_H

#include "sim/town.h"

#define SIM_MANIFEST_MAX ((size_t)4 * 1024 * 1024)

/* Appends the manifest. Docs: docs/simulator.md. */
void sim_manifest_write(const struct sim_town *town, struct hyp_buf *out);

/* What a saved manifest decides about a new run. */
struct sim_manifest {
    struct sim_town_plan plan;
    struct sim_line lines[SIM_TOWN_LINES]; /* name, host and port */
    size_t line_count;
};

/*
 * Reads a manifest file.
 * Returns   HYP_OK | IO (cannot be read) | MALFORMED (no manifest), with *err filled
 */
HYP_MUST_USE enum hyp_status
sim_manifest_load(const char *path, struct sim_manifest *ret_manifest, struct hyp_error *err);

#endif
