/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State of communication of a device or line, in the compact form the collector keeps: there
 * are tens of thousands of them, and most have never failed.
 */
#ifndef HYP_COLLECT_COMM_H
#define HYP_COLLECT_COMM_H

#include "model/plant.h"

struct hyp_comm {
    hyp_utc last_attempt;
    hyp_utc last_success;
    hyp_utc last_failure;
    char *error;       /* own memory; NULL = none */
    uint32_t attempts; /* stay at the largest number, after a century of one a second */
    uint32_t successes;
    uint32_t failures_in_row;
    int16_t status; /* enum hyp_status of the last outcome */
};

/* Frees the text of the last error; times and counts stay. */
void hyp_comm_finish(struct hyp_comm *comm);
/* Counts an attempt; its outcome follows as one of the next three. A success keeps the text of
 * the last error: only the status says that it is over. */
void hyp_comm_attempted(struct hyp_comm *comm, hyp_utc at);
void hyp_comm_succeeded(struct hyp_comm *comm, hyp_utc at);
/* @text  one sentence; copied; when there is no memory for it the status alone remains */
void hyp_comm_failed(struct hyp_comm *comm, hyp_utc at, enum hyp_status status,
                     const char *text);
/* It could not even be asked, because its line is down: not counted as the device's failure. */
void hyp_comm_missed(struct hyp_comm *comm, hyp_utc at, enum hyp_status status,
                     const char *text);
/* The same as the model has it, and back (counts beyond 32 bits stay at the largest number;
 * without memory the text is left out). */
void hyp_comm_export(const struct hyp_comm *comm, struct hyp_comm_state *ret_state);
void hyp_comm_import(struct hyp_comm *comm, const struct hyp_comm_state *state);

#endif
