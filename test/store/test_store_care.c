/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The care of members: only one of them seals, packs and wipes, and the others follow.
 */
#include "town.h"

#include "base/limits.h"
#include "store/layout.h"
#include "store/server.h"

/* --- care --- */

/* Who says that it has the care; -1 = nobody. One whose session was lost may say so for a
 * moment when another has it already: then it is not settled. */
static int carer(struct town *town)
{
    bool first = stats_of(town, 0).has_care;
    bool second = stats_of(town, 1).has_care;
    return first == second ? -1 : first ? 0 : 1;
}

static int wait_for_carer(struct town *town)
{
    int who;
    while ((who = carer(town)) < 0) {
        catch_up(town);
    }
    return who;
}

/* Everything past is in chunks when the log has only what is not. */
static void wait_until_sealed(struct town *town, int64_t log_rows)
{
    while (count_rows(town, "SELECT COUNT(*) FROM intake_log") > log_rows) {
        catch_up(town);
    }
}

static void what_one_seals_leaves_the_others(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    for (int i = 0; i < 200; i++) {
        put(&town, i % 2, device, START_MS + i * HOUR_MS, i);
    }
    assert_int_equal(same_answers(&town, device), 200);
    set_clocks(&town, START_MS + 90 * DAY_MS);
    put(&town, 0, device, START_MS + 89 * DAY_MS, 5000);
    put(&town, 1, device, START_MS + 89 * DAY_MS + HOUR_MS, 5001);
    wait_until_sealed(&town, 2);
    assert_int_equal(same_answers(&town, device), 202);
    assert_int_equal(stats_of(&town, 0).log_rows, 2);
    assert_int_equal(stats_of(&town, 1).log_rows, 2);
    /* What is sealed is known to both; late readings wait beside it and are sealed too. */
    put(&town, 0, device, START_MS + 3 * HOUR_MS, 3);
    put(&town, 1, device, START_MS + 4 * HOUR_MS, 4);
    assert_int_equal(same_answers(&town, device), 202);
    for (int i = 0; i < 20; i++) {
        put(&town, i % 2, device, START_MS + i * HOUR_MS + 60000, 100 + i);
        assert_int_equal(same_answers(&town, device), 203 + i);
    }
    close_member(&town, 1);
    open_member(&town, 1);
    set_clocks(&town, START_MS + 90 * DAY_MS);
    assert_int_equal(same_answers(&town, device), 222);
    close_town(&town);
}

static void the_care_goes_on_when_its_member_leaves(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    int who = wait_for_carer(&town);
    for (int i = 0; i < 50; i++) {
        put(&town, i % 2, device, START_MS + i * HOUR_MS, i);
    }
    close_member(&town, who);
    while (!stats_of(&town, 1 - who).has_care) {
        assert_int_equal(hyp_store_catch_up(town.members[1 - who].store), HYP_OK);
    }
    open_member(&town, who);
    set_clocks(&town, START_MS + 90 * DAY_MS);
    put(&town, who, device, START_MS + 89 * DAY_MS, 5000);
    wait_until_sealed(&town, 1);
    assert_int_equal(same_answers(&town, device), 51);
    assert_int_equal(carer(&town), 1 - who);
    close_town(&town);
}

/* Of those who share the schema. */
static const char *const end_sessions_sql =
    "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'"
    " AND classid = 1752789041 AND objid::bigint ="
    " hashtext(current_setting('hypocaust.schema'))::bigint & 4294967295";

/* The server ends every session; both come back, and nothing is doubled or lost. */
static void lost_sessions_come_back(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    wait_for_carer(&town);
    for (int i = 0; i < 60; i++) {
        if (i % 20 == 10) {
            assert_int_equal(count_rows(&town, end_sessions_sql), MEMBERS);
        }
        struct hyp_value value = test_decimal(HYP_NAME_ENERGY, i, 0);
        struct hyp_reading reading = test_reading(device, START_MS + i * HOUR_MS, &value, 1);
        /* Refused, it is still with its sender, who sends it again. */
        while (test_put(&town.members[i % 2], &reading) != HYP_OK) {
        }
    }
    while (hyp_store_catch_up(town.members[0].store) != HYP_OK ||
           hyp_store_catch_up(town.members[1].store) != HYP_OK) {
    }
    assert_int_equal(same_answers(&town, device), 60);
    wait_for_carer(&town);
    close_town(&town);
}

static void frames_are_packed_once(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    static uint8_t bytes[2000];
    enum { FRAMES = 400 };
    for (int i = 0; i < FRAMES; i++) {
        for (size_t b = 0; b < sizeof(bytes); b++) {
            bytes[b] = (uint8_t)((b * 7919u + (unsigned)i * 104729u) >> 3);
        }
        struct hyp_value value = test_decimal(HYP_NAME_ENERGY, i, 0);
        struct hyp_reading reading = test_reading(device, START_MS + i * HOUR_MS, &value, 1);
        struct hyp_raw_frame frame = {.device = device,
                                      .received.ms = START_MS + i * HOUR_MS,
                                      .protocol = HYP_RAW_MBUS,
                                      .bytes = bytes,
                                      .len = sizeof(bytes)};
        test_put_read_frame(&town.members[i % 2], &frame, &reading);
    }
    while (count_rows(&town, "SELECT COUNT(*) FROM frame_log") >= FRAMES) {
        catch_up(&town);
    }
    assert_int_equal(same_answers(&town, device), FRAMES);
    for (int i = 0; i < MEMBERS; i++) {
        struct test_store *t = &town.members[i];
        struct hyp_stored_frame *frames;
        size_t count;
        assert_int_equal(hyp_store_frames(t->store, t->tenant, device, (hyp_line_id){0}, 0,
                                          2 * FRAMES, &t->arena, &frames, &count),
                         HYP_OK);
        assert_int_equal(count, FRAMES);
        for (size_t f = 1; f < count; f++) {
            assert_true(frames[f].id.id < frames[f - 1].id.id);
        }
        assert_int_equal(stats_of(&town, i).frames, FRAMES);
    }
    close_town(&town);
}

static void what_is_forgotten_is_gone_everywhere(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    for (int i = 0; i < 100; i++) {
        put(&town, i % 2, device, START_MS + i * HOUR_MS, i);
    }
    set_clocks(&town, START_MS + 90 * DAY_MS);
    for (int i = 0; i < 10; i++) {
        put(&town, i % 2, device, START_MS + 89 * DAY_MS + i * HOUR_MS, 1000 + i);
    }
    int other = 1 - wait_for_carer(&town);
    struct hyp_forgotten forgotten = {.tenant = town.members[0].tenant,
                                      .device = device,
                                      .from.ms = START_MS + 50 * HOUR_MS,
                                      .to.ms = START_MS + 89 * DAY_MS + 5 * HOUR_MS,
                                      .reason = "moved out"};
    assert_int_equal(hyp_store_forget(town.members[other].store, &forgotten, NULL), HYP_OK);
    while (count_rows(&town, "SELECT COUNT(*) FROM forgotten WHERE ended = 0") > 0) {
        catch_up(&town);
    }
    assert_int_equal(same_answers(&town, device), 55);
    assert_int_equal(count_rows(&town, "SELECT readings FROM forgotten"), 55);
    close_town(&town);
}

/* The session with the lease "test" of this schema; it is over when this returns. */
static const char *const end_lease_sql =
    "SELECT COUNT(pg_terminate_backend(pid, 600000)) FROM pg_locks WHERE locktype = 'advisory'"
    " AND classid = 1752789044 AND objid::bigint ="
    " hashtext(current_setting('hypocaust.schema') || '/test')::bigint & 4294967295";

/* Though somebody else has met the loss before, and been refused. */
static void nothing_is_written_under_a_lease_that_was_lost(void **state)
{
    (void)state;
    struct town town;
    uint64_t session;
    open_town(&town);
    struct hyp_db *db = test_database(&town.folders[0], false);
    assert_int_equal(hyp_server_lease(db, "test", &session), HYP_OK);
    hyp_server_fence(db, session);
    hyp_db_begin(db);
    assert_int_equal(hyp_db_commit(db), HYP_OK);
    assert_int_equal(count_rows(&town, end_lease_sql), 1);
    for (int i = 0; i < 3; i++) {
        hyp_db_begin(db);
        assert_int_equal(hyp_db_commit(db), HYP_BUSY);
    }
    assert_false(hyp_server_has_session(db, session));
    hyp_server_fence(db, 0);
    hyp_db_begin(db);
    assert_int_equal(hyp_db_commit(db), HYP_OK);
    hyp_db_close(db);
    close_town(&town);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, what_one_seals_leaves_the_others);
    TEST_ONE(&list, the_care_goes_on_when_its_member_leaves);
    TEST_ONE(&list, lost_sessions_come_back);
    TEST_ONE(&list, nothing_is_written_under_a_lease_that_was_lost);
    TEST_ONE(&list, frames_are_packed_once);
    TEST_ONE(&list, what_is_forgotten_is_gone_everywhere);
    return test_list_run(&list, "store-care");
}
