/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The past of the town as telegrams: what the server would have received, one line each.
 *
 *     2026-01-01T00:00:00Z mbus-north 68A8A868..
 *     2026-01-01T00:00:01Z modbus:ecl-1 0103..
 *
 * A controller's line is one poll: spans of unit, function, start, count and data in a row.
 * More: docs/simulator.md.
 */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include "sim/town.h"

/* Takes the lines of one day. Returns HYP_OK or what ends the history. */
struct sim_history_sink {
    enum hyp_status (*day)(struct sim_history_sink *sink, int64_t day_ms, struct hyp_str text,
                           struct hyp_error *err);
};

/*
 * Writes everything sent in [from, until), in order of time.
 * @step_min  minutes between two readings of a meter; controllers are read every 15 minutes
 * Returns    HYP_OK | INVALID (before 2024) | NO_MEMORY | the sink's failure, with *err filled
 */
HYP_MUST_USE enum hyp_status sim_history_write(struct sim_town *town, int64_t from_ms,
                                               int64_t until_ms, unsigned step_min,
                                               struct sim_history_sink *sink,
                                               struct hyp_error *err);

/* All days to standard output. */
void sim_history_to_stdout(struct sim_history_sink *sink);

/* One file per day in a folder, thermopolis-2026-01-31.txt, put in place whole. */
struct sim_history_folder {
    struct sim_history_sink sink;
    const char *path;
};
void sim_history_to_folder(struct sim_history_folder *folder, const char *path);

#endif
