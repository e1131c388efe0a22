/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/comm.h"

#include <stdlib.h>
#include <string.h>

static uint32_t one_more(uint32_t count)
{
    return count == UINT32_MAX ? count : count + 1;
}

static void set_error(struct hyp_comm *comm, const char *text)
{
    if (comm->error != NULL && strcmp(comm->error, text) == 0) {
        return; /* a dead device says the same for years */
    }
    free(comm->error);
    comm->error = text[0] == '\0' ? NULL : strndup(text, HYP_ERROR_TEXT_MAX - 1);
}

void hyp_comm_finish(struct hyp_comm *comm)
{
    free(comm->error);
    comm->error = NULL;
}

void hyp_comm_attempted(struct hyp_comm *comm, hyp_utc at)
{
    comm->last_attempt = at;
    comm->attempts = one_more(comm->attempts);
}

void hyp_comm_succeeded(struct hyp_comm *comm, hyp_utc at)
{
    comm->last_success = at;
    comm->successes = one_more(comm->successes);
    comm->failures_in_row = 0;
    comm->status = HYP_OK;
}

void hyp_comm_failed(struct hyp_comm *comm, hyp_utc at, enum hyp_status status,
                     const char *text)
{
    hyp_comm_missed(comm, at, status, text);
    comm->failures_in_row++;
}

void hyp_comm_missed(struct hyp_comm *comm, hyp_utc at, enum hyp_status status,
                     const char *text)
{
    comm->last_failure = at;
    comm->status = (int16_t)status;
    set_error(comm, text);
}

void hyp_comm_export(const struct hyp_comm *comm, struct hyp_comm_state *ret_state)
{
    *ret_state = (struct hyp_comm_state){
        .last_attempt = comm->last_attempt,
        .last_success = comm->last_success,
        .last_failure = comm->last_failure,
        .last_status = (enum hyp_status)comm->status,
        .failures_in_row = comm->failures_in_row,
        .attempts = comm->attempts,
        .successes = comm->successes,
    };
    hyp_text_copy(ret_state->last_error, sizeof(ret_state->last_error),
                  hyp_str_from(comm->error));
}

void hyp_comm_import(struct hyp_comm *comm, const struct hyp_comm_state *state)
{
    comm->last_attempt = state->last_attempt;
    comm->last_success = state->last_success;
    comm->last_failure = state->last_failure;
    comm->status = (int16_t)state->last_status;
    comm->failures_in_row = state->failures_in_row;
    comm->attempts = (uint32_t)HYP_MIN(state->attempts, (uint64_t)UINT32_MAX);
    comm->successes = (uint32_t)HYP_MIN(state->successes, (uint64_t)UINT32_MAX);
    set_error(comm, state->last_error);
}
