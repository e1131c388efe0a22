/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The care: one member at a time seals, packs, thins and wipes. Its lease is held in both
 * writing sessions, so that nothing can be written after it was lost.
 */
#include "store/follow_state.h"

#include "store/frames.h"
#include "store/intake.h"
#include "store/postgres/postgres.h"
#include "store/retention.h"
#include "store/seal.h"

#define CARE "care"
/* The server ends a session that is silent; this often the second one says something. */
#define GREET_MS 5000

static int64_t mono_ms(void)
{
    /* The machine's clock: the server measures silence with one like it. */
    return hyp_clock_mono(hyp_clock_system()).ms;
}

static void lose(struct hyp_store *store)
{
    struct hyp_follower *follower = store->follower;
    follower->has_care = false;
    hyp_postgres_release(store->write.main, CARE);
    hyp_postgres_release(store->write.frames, CARE);
    hyp_log_event(store->log, HYP_LOG_WARNING, "member.care_lost",
                  "member=%s; the session was lost, another member may go on", store->member);
}

/* What an own run had begun is of no use, and blocks may have been written by others. */
static enum hyp_status start_over(struct hyp_store *store)
{
    hyp_seal_start_over(store);
    hyp_retention_start_over(store);
    store->forget_pending = true;
    store->forgotten_in_memory = 0;
    store->frames->check_limits = true;
    enum hyp_status status = hyp_frames_load_totals(store);
    if (status == HYP_OK) {
        hyp_frames_let_go(store->frames, store->frames->packed_row);
    }
    return status;
}

static void try_take(struct hyp_store *store)
{
    struct hyp_follower *follower = store->follower;
    if (hyp_postgres_lease(store->write.main, CARE, &follower->main_session) != HYP_OK) {
        return;
    }
    if (hyp_postgres_lease(store->write.frames, CARE, &follower->frames_session) != HYP_OK ||
        start_over(store) != HYP_OK) {
        hyp_postgres_release(store->write.main, CARE);
        hyp_postgres_release(store->write.frames, CARE);
        return;
    }
    follower->has_care = true;
    follower->is_new = true;
    hyp_log_event(store->log, HYP_LOG_INFO, "member.care_taken", "member=%s", store->member);
}

static void greet(struct hyp_store *store, int64_t now)
{
    if (now - store->follower->greeted_ms >= GREET_MS) {
        store->follower->greeted_ms = now;
        /* Lost, it is noticed by the next look. */
        HYP_IGNORE(hyp_db_exec(store->write.frames, "SELECT 1"));
    }
}

bool hyp_follow_cares(const struct hyp_store *store)
{
    return store->member == NULL || atomic_load(&store->follower->has_care);
}

bool hyp_follow_has_care(struct hyp_store *store)
{
    struct hyp_follower *follower = store->follower;
    int64_t now = mono_ms();
    hyp_core_enter(store);
    if (follower->has_care) {
        greet(store, now);
        if (!hyp_postgres_has_session(store->write.main, follower->main_session) ||
            !hyp_postgres_has_session(store->write.frames, follower->frames_session)) {
            lose(store);
        }
    } else if (follower->tried_ms == 0 ||
               now - follower->tried_ms >= HYP_LIMIT_MEMBER_LEASE_MS) {
        follower->tried_ms = now;
        try_take(store);
    }
    bool has = follower->has_care && !follower->is_new;
    bool is_new = follower->has_care && follower->is_new;
    follower->is_new = false;
    hyp_core_release(store);
    if (is_new) {
        hyp_intake_wake(store->intake);
    }
    return has;
}

static void fence(struct hyp_store *store, uint64_t main_session, uint64_t frames_session)
{
    if (store->member != NULL) {
        hyp_postgres_fence(store->write.main, main_session);
        hyp_postgres_fence(store->write.frames, frames_session);
    }
}

void hyp_follow_enter_care(struct hyp_store *store)
{
    const struct hyp_follower *follower = store->follower;
    hyp_core_enter(store);
    if (store->member != NULL && follower->has_care) {
        fence(store, follower->main_session, follower->frames_session);
    }
}

void hyp_follow_leave_care(struct hyp_store *store)
{
    fence(store, 0, 0);
    hyp_core_release(store);
}

/* --- lines --- */

#define JOB_MAX 32

static void name_job(hyp_line_id line, char out[static JOB_MAX])
{
    struct hyp_buf name;
    hyp_buf_init_fixed(&name, out, JOB_MAX);
    hyp_buf_append_fmt(&name, "line/%lld", (long long)line.id);
    hyp_buf_terminate(&name);
}

/* Inside the gate. */
static bool has_line(const struct hyp_store *store, hyp_line_id line)
{
    uint64_t session;
    return hyp_map_get(&store->follower->lines, (uint64_t)line.id, &session) &&
           hyp_postgres_has_session(store->write.main, session);
}

bool hyp_store_line_lease(struct hyp_store *store, hyp_line_id line)
{
    if (store->member == NULL) {
        return true;
    }
    char job[JOB_MAX];
    uint64_t session;
    name_job(line, job);
    hyp_core_enter(store);
    bool has = has_line(store, line);
    if (!has && hyp_postgres_lease(store->write.main, job, &session) == HYP_OK) {
        has = hyp_map_set(&store->follower->lines, (uint64_t)line.id, session) == HYP_OK;
        if (!has) {
            hyp_postgres_release(store->write.main, job);
        }
    }
    hyp_core_release(store);
    return has;
}

void hyp_store_line_release(struct hyp_store *store, hyp_line_id line)
{
    if (store->member == NULL) {
        return;
    }
    char job[JOB_MAX];
    name_job(line, job);
    hyp_core_enter(store);
    if (has_line(store, line)) {
        hyp_postgres_release(store->write.main, job);
    }
    hyp_map_remove(&store->follower->lines, (uint64_t)line.id);
    hyp_core_release(store);
}

enum hyp_status hyp_store_line_holder(struct hyp_store *store, hyp_line_id line,
                                      char ret_member[static HYP_LIMIT_MEMBER_NAME + 1])
{
    ret_member[0] = '\0';
    if (store->member == NULL) {
        return HYP_OK;
    }
    char job[JOB_MAX];
    name_job(line, job);
    hyp_core_enter(store);
    enum hyp_status status = hyp_postgres_lease_holder(store->write.main, job, ret_member,
                                                       HYP_LIMIT_MEMBER_NAME + 1);
    hyp_core_release(store);
    return status;
}

const char *hyp_store_member(const struct hyp_store *store)
{
    return store->member;
}
