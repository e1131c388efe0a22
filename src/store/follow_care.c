/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The care: one member at a time seals, packs, thins and wipes. Its lease is held in both
 * writing sessions, so that nothing can be written after it was lost.
 */
#include "store/follow_state.h"

#include "store/frames.h"
#include "store/intake.h"
#include "store/retention.h"
#include "store/seal.h"
#include "store/server.h"

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
    hyp_server_release(store->write.main, CARE);
    hyp_server_release(store->write.frames, CARE);
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
    if (hyp_server_lease(store->write.main, CARE, &follower->main_session) != HYP_OK) {
        return;
    }
    if (hyp_server_lease(store->write.frames, CARE, &follower->frames_session) != HYP_OK ||
        start_over(store) != HYP_OK) {
        hyp_server_release(store->write.main, CARE);
        hyp_server_release(store->write.frames, CARE);
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
        if (!hyp_server_has_session(store->write.main, follower->main_session) ||
            !hyp_server_has_session(store->write.frames, follower->frames_session)) {
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
        hyp_server_fence(store->write.main, main_session);
        hyp_server_fence(store->write.frames, frames_session);
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

bool hyp_follow_has_line(const struct hyp_store *store, hyp_line_id line)
{
    uint64_t session;
    return hyp_map_get(&store->follower->lines, (uint64_t)line.id, &session) &&
           hyp_server_has_session(store->write.main, session);
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
    bool has = hyp_follow_has_line(store, line);
    if (!has && hyp_server_lease(store->write.main, job, &session) == HYP_OK) {
        has = hyp_map_set(&store->follower->lines, (uint64_t)line.id, session) == HYP_OK;
        if (!has) {
            hyp_server_release(store->write.main, job);
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
    if (hyp_follow_has_line(store, line)) {
        hyp_server_release(store->write.main, job);
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
    enum hyp_status status =
        hyp_server_lease_holder(store->write.main, job, ret_member, HYP_LIMIT_MEMBER_NAME + 1);
    hyp_core_release(store);
    return status;
}

/* The names of jobs are those of name_job. Whoever reads has a session of his own, so that this
 * waits for no commit. */
static const char *const holders_sql =
    "SELECT line.id, substr(a.application_name, length('" HYP_SERVER_APPLICATION "') + 1)"
    " FROM line JOIN pg_locks l ON l.objid::bigint ="
    " hashtext(current_setting('hypocaust.schema') || '/line/' || line.id)::bigint"
    " & 4294967295 JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE (line.tenant = $1 OR $1 = 0) AND l.locktype = 'advisory' AND l.granted"
    " AND l.objsubid = 2 AND l.classid = " HYP_SERVER_LEASE
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND starts_with(a.application_name, '" HYP_SERVER_APPLICATION "') ORDER BY line.id";

enum hyp_status hyp_store_line_holders(struct hyp_store *store, hyp_tenant_id tenant,
                                       struct hyp_arena *arena,
                                       struct hyp_line_holder **ret_holders, size_t *ret_count)
{
    if (store->member == NULL) {
        *ret_holders = NULL;
        *ret_count = 0;
        return HYP_OK;
    }
    struct hyp_rowset set;
    struct hyp_line_holder *holder;
    hyp_rowset_open(&set, store, arena, sizeof(*holder), holders_sql);
    hyp_query_bind_i64(&set.query, tenant.id);
    while ((holder = hyp_rowset_next(&set)) != NULL) {
        holder->line.id = hyp_query_i64(&set.query);
        hyp_query_text(&set.query, holder->member, sizeof(holder->member));
    }
    enum hyp_status status = hyp_rowset_close(&set);
    if (status == HYP_OK) {
        *ret_holders = set.list.items;
        *ret_count = set.list.count;
    }
    return status;
}

const char *hyp_store_member(const struct hyp_store *store)
{
    return store->member;
}
