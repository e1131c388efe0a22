/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several members on one PostgreSQL database: what one has committed the others know, and a
 * reading that comes to two is one.
 */
#include "town.h"

#include "store/core.h"

#include <pthread.h>
#include <stdatomic.h>

/* --- joining --- */

static void members_need_a_name_and_others_that_share(void **state)
{
    (void)state;
    struct town town;
    struct hyp_store *store = NULL;
    struct hyp_error err = {0};
    open_town(&town);
    close_member(&town, 1);
    assert_int_equal(open_store(&town, 1, NULL, &store, &err), HYP_BUSY);
    assert_non_null(strstr(err.text, "--member"));
    assert_int_equal(open_store(&town, 1, "north", &store, &err), HYP_BUSY);
    assert_non_null(strstr(err.text, "name"));
    assert_int_equal(open_store(&town, 1, "no spaces", &store, &err), HYP_INVALID);
    close_member(&town, 0);
    assert_int_equal(open_store(&town, 0, NULL, &store, &err), HYP_OK);
    struct hyp_store *second = NULL;
    assert_int_equal(open_store(&town, 1, "south", &second, &err), HYP_BUSY);
    hyp_store_close(store);
    open_member(&town, 0);
    open_member(&town, 1);
    close_town(&town);
}

/* --- intake --- */

static void what_one_stores_the_others_know(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id first = test_device(&town.members[0], "1");
    hyp_device_id second = test_device(&town.members[1], "2");
    for (int i = 0; i < 40; i++) {
        put(&town, i % 2, first, START_MS + i * HOUR_MS, i);
        put(&town, i % 3 == 0, second, START_MS + i * HOUR_MS, 10 * i);
    }
    assert_int_equal(same_answers(&town, first), 40);
    assert_int_equal(same_answers(&town, second), 40);
    close_member(&town, 0);
    open_member(&town, 0);
    assert_int_equal(same_answers(&town, first), 40);
    close_town(&town);
}

static void a_reading_that_comes_to_both_is_one(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id device = test_device(&town.members[0], "1");
    for (int i = 0; i < 30; i++) {
        put(&town, i % 2, device, START_MS + i * HOUR_MS, i);
        put(&town, 1 - i % 2, device, START_MS + i * HOUR_MS, i);
    }
    assert_int_equal(same_answers(&town, device), 30);
    assert_int_equal(stats_of(&town, 0).values, 60);
    assert_int_equal(stats_of(&town, 0).duplicates + stats_of(&town, 1).duplicates, 60);
    /* Another value of the same instant stays beside the first, the same one is shown. */
    put(&town, 0, device, START_MS, 900);
    put(&town, 1, device, START_MS, 901);
    put(&town, 0, device, START_MS + 29 * HOUR_MS, 902);
    put(&town, 1, device, START_MS + 29 * HOUR_MS, 903);
    assert_int_equal(same_answers(&town, device), 34);
    close_town(&town);
}

struct told {
    atomic_int values;
    atomic_int changes;
    _Atomic int64_t tenant; /* of the last change */
};

static void count_values(void *user, hyp_device_id device, hyp_utc source_time,
                         const struct hyp_stored_value *values, size_t count)
{
    (void)device;
    (void)source_time;
    (void)values;
    atomic_fetch_add(&((struct told *)user)->values, (int)count);
}

static void count_changes(void *user, const struct hyp_store_changes *changes)
{
    struct told *told = user;
    if (changes->id_count > 0) {
        atomic_store(&told->tenant, changes->ids[changes->id_count - 1].tenant.id);
    }
    atomic_fetch_add(&told->changes, (int)changes->id_count);
}

static void observers_are_told_of_the_others(void **state)
{
    (void)state;
    struct town town;
    static struct told told;
    told = (struct told){0};
    open_town(&town);
    const struct hyp_store_observer observer = {
        .user = &told, .committed = count_values, .changed = count_changes};
    assert_int_equal(hyp_store_observe(town.members[1].store, &observer), HYP_OK);
    hyp_device_id device = test_device(&town.members[0], "1");
    for (int i = 0; i < 10; i++) {
        put(&town, 0, device, START_MS + i * HOUR_MS, i);
    }
    while (atomic_load(&told.values) < 20 || atomic_load(&told.changes) < 1) {
        catch_up(&town);
    }
    assert_int_equal(atomic_load(&told.values), 20);
    assert_int_equal(atomic_load(&told.changes), 1);
    assert_int_equal(atomic_load(&told.tenant), town.members[0].tenant.id);
    /* Whose it is comes along: a server follows every tenant. */
    struct hyp_tenant next = {.name = "Next town", .language = "en", .time_zone = "UTC"};
    assert_int_equal(hyp_store_tenant_add(town.members[0].store, &next), HYP_OK);
    struct hyp_line line = {.tenant = next.id, .kind = HYP_LINE_MBUS_TCP};
    assert_int_equal(hyp_store_line_add(town.members[0].store, &line, NULL), HYP_OK);
    while (atomic_load(&told.changes) < 2) {
        catch_up(&town);
    }
    assert_int_equal(atomic_load(&told.tenant), next.id.id);
    close_town(&town);
}

/* --- lines --- */

static bool is_holder(const struct town *town, int asked, hyp_line_id line, const char *name)
{
    char holder[HYP_LIMIT_MEMBER_NAME + 1] = "?";
    assert_int_equal(hyp_store_line_holder(town->members[asked].store, line, holder), HYP_OK);
    return strcmp(holder, name) == 0;
}

/* The lines of a tenant and who has them, as "north south -". */
static void list_holders(const struct town *town, int asked, char *out, size_t size)
{
    const struct test_store *t = &town->members[asked];
    struct hyp_line_holder *holders;
    struct hyp_line *lines;
    struct hyp_arena arena;
    struct hyp_buf text;
    size_t count;
    size_t line_count;
    hyp_arena_init(&arena, (size_t)1 << 20);
    hyp_buf_init_fixed(&text, out, size);
    assert_int_equal(hyp_store_line_holders(t->store, t->tenant, &arena, &holders, &count),
                     HYP_OK);
    assert_int_equal(hyp_store_lines(t->store, t->tenant, &arena, &lines, &line_count), HYP_OK);
    for (size_t i = 0, next = 0; i < line_count; i++) {
        bool has = next < count && holders[next].line.id == lines[i].id.id;
        hyp_buf_append_fmt(&text, "%s%s", i == 0 ? "" : " ", has ? holders[next].member : "-");
        next += has;
    }
    (void)hyp_buf_terminate(&text);
    hyp_arena_finish(&arena);
}

static void all_know_who_has_which_lines(void **state)
{
    (void)state;
    struct town town;
    char text[128];
    hyp_line_id lines[3];
    static const char *const names[] = {"cellar", "roof", "attic"};
    open_town(&town);
    for (size_t i = 0; i < HYP_ARRAY_LEN(lines); i++) {
        lines[i] = test_line(&town.members[0], names[i]);
    }
    list_holders(&town, 1, text, sizeof(text));
    assert_string_equal(text, "- - -");
    assert_true(hyp_store_line_lease(town.members[0].store, lines[0]));
    assert_true(hyp_store_line_lease(town.members[1].store, lines[2]));
    for (int i = 0; i < MEMBERS; i++) {
        list_holders(&town, i, text, sizeof(text));
        assert_string_equal(text, "north - south");
    }
    hyp_store_line_release(town.members[0].store, lines[0]);
    list_holders(&town, 1, text, sizeof(text));
    assert_string_equal(text, "- - south");
    close_town(&town);
}

static void all_know_who_has_a_line(void **state)
{
    (void)state;
    struct town town;
    const hyp_line_id line = {.id = 7};
    const hyp_line_id next = {.id = 71};
    open_town(&town);
    assert_true(is_holder(&town, 0, line, ""));
    assert_true(hyp_store_line_lease(town.members[0].store, line));
    assert_true(hyp_store_line_lease(town.members[1].store, next));
    for (int i = 0; i < MEMBERS; i++) {
        assert_true(is_holder(&town, i, line, "north"));
        assert_true(is_holder(&town, i, next, "south"));
    }
    hyp_store_line_release(town.members[0].store, line);
    assert_true(is_holder(&town, 1, line, ""));
    assert_true(hyp_store_line_lease(town.members[1].store, line));
    assert_true(is_holder(&town, 0, line, "south"));
    /* It goes with its member. */
    close_member(&town, 1);
    while (!hyp_store_line_lease(town.members[0].store, line)) {
        /* The server has to notice that the session has ended. */
    }
    assert_true(is_holder(&town, 0, line, "north"));
    open_member(&town, 1);
    close_town(&town);
}

/* --- the plant --- */

static void devices_go_everywhere(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    hyp_device_id stays = test_device(&town.members[0], "1");
    hyp_device_id goes = test_device(&town.members[0], "2");
    put(&town, 1, stays, START_MS, 1);
    put(&town, 1, goes, START_MS, 2);
    assert_int_equal(
        hyp_store_device_remove(town.members[0].store, town.members[0].tenant, goes, NULL),
        HYP_OK);
    put(&town, 1, goes, START_MS + HOUR_MS, 3); /* dropped: nobody has it any more */
    catch_up(&town);
    struct hyp_latest *latest;
    size_t count;
    assert_int_equal(hyp_store_latest(town.members[1].store, town.members[1].tenant, goes,
                                      &town.members[1].arena, &latest, &count),
                     HYP_NOT_FOUND);
    assert_int_equal(stats_of(&town, 1).dropped, 2);
    assert_int_equal(same_answers(&town, stays), 1);
    close_town(&town);
}
/* --- all at once --- */

#define ROUNDS 150

struct sender {
    struct town *town;
    int member;
    hyp_device_id devices[2];
};

/* Both members get every reading, in another order, old and new ones. */
static void *send_all(void *argument)
{
    const struct sender *sender = argument;
    for (int i = 0; i < ROUNDS; i++) {
        int n = sender->member == 0 ? i : (i * 7) % ROUNDS;
        put(sender->town, sender->member, sender->devices[n % 2], START_MS + n * HOUR_MS, n);
        put(sender->town, sender->member, sender->devices[0], START_MS + 89 * DAY_MS + n * 1000,
            n);
    }
    return NULL;
}

static void both_at_once(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    set_clocks(&town, START_MS + 90 * DAY_MS);
    hyp_device_id a = test_device(&town.members[0], "1");
    hyp_device_id b = test_device(&town.members[1], "2");
    struct sender senders[MEMBERS];
    pthread_t threads[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
        senders[i] = (struct sender){
            .town = &town, .member = i, .devices = {a, b}
        };
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    for (int i = 0; i < MEMBERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(same_answers(&town, a), ROUNDS + ROUNDS / 2);
    assert_int_equal(same_answers(&town, b), ROUNDS / 2);
    close_member(&town, 0);
    close_member(&town, 1);
    open_member(&town, 1);
    open_member(&town, 0);
    assert_int_equal(same_answers(&town, a), ROUNDS + ROUNDS / 2);
    assert_int_equal(same_answers(&town, b), ROUNDS / 2);
    close_town(&town);
}

/* --- orders --- */

static enum hyp_status take(struct town *town, int member, const struct hyp_order_row *order,
                            size_t *ret_count)
{
    struct test_store *t = &town->members[member];
    hyp_device_id *devices;
    return hyp_store_order_take(t->store, order, &t->arena, &devices, ret_count);
}

static void note_orders(void *user, const struct hyp_store_changes *changes)
{
    atomic_fetch_add(&((struct told *)user)->changes, changes->orders);
}

static void an_order_is_taken_once_by_who_has_the_line(void **state)
{
    (void)state;
    struct town town;
    static struct told told;
    told = (struct told){0};
    const hyp_device_id devices[] = {{7}, {8}, {INT64_MAX}};
    struct hyp_order_row order = {.tenant = {.id = 1}, .line = {.id = 7}, .user = 3};
    size_t count = 0;
    open_town(&town);
    struct hyp_store *north = town.members[0].store;
    struct hyp_store *south = town.members[1].store;
    const struct hyp_store_observer observer = {
        .user = &told, .committed = count_values, .changed = note_orders};
    assert_int_equal(hyp_store_observe(south, &observer), HYP_OK);
    assert_int_equal(hyp_store_order_add(north, &order, devices, 3), HYP_OK);
    while (atomic_load(&told.changes) == 0) {
        catch_up(&town);
    }
    assert_int_equal(take(&town, 1, &order, &count), HYP_BUSY);
    assert_true(hyp_store_line_lease(south, order.line));
    assert_int_equal(take(&town, 0, &order, &count), HYP_BUSY);
    assert_int_equal(take(&town, 1, &order, &count), HYP_OK);
    assert_int_equal(count, 3);
    assert_int_equal(take(&town, 1, &order, &count), HYP_CONFLICT);
    /* Not by the next one either. */
    hyp_store_line_release(south, order.line);
    assert_true(hyp_store_line_lease(north, order.line));
    assert_int_equal(take(&town, 0, &order, &count), HYP_CONFLICT);
    /* It has changed since it was passed on. */
    assert_int_equal(hyp_store_order_remove(north, &order), HYP_CONFLICT);
    assert_int_equal(hyp_store_order_tell(north, &order), HYP_NOT_FOUND);
    order.ended = true;
    assert_int_equal(hyp_store_order_tell(south, &order), HYP_OK);
    assert_int_equal(hyp_store_order_tell(south, &order), HYP_NOT_FOUND);
    assert_int_equal(hyp_store_order_cancel(north, order.id), HYP_NOT_FOUND);
    hyp_text_copy(order.taker, sizeof(order.taker), HYP_STR("south"));
    assert_int_equal(hyp_store_order_remove(north, &order), HYP_OK);
    assert_int_equal(count_rows(&town, "SELECT COUNT(*) FROM member_order"), 0);
    close_town(&town);
}

static void orders_grow_old(void **state)
{
    (void)state;
    struct town town;
    const hyp_device_id device = {7};
    struct hyp_order_row order = {.tenant = {.id = 1}, .line = {.id = 7}};
    struct hyp_order_row next = order;
    size_t count;
    open_town(&town);
    struct test_store *t = &town.members[0];
    struct hyp_db *db = t->store->write.main;
    assert_true(hyp_store_line_lease(t->store, order.line));
    assert_int_equal(hyp_store_order_add(t->store, &order, &device, 1), HYP_OK);
    assert_int_equal(hyp_db_exec(db, "UPDATE member_order SET created = created - 60000"),
                     HYP_OK);
    assert_int_equal(take(&town, 0, &order, &count), HYP_CONFLICT);
    struct hyp_order_row *orders;
    assert_int_equal(hyp_store_orders(t->store, &t->arena, &orders, &count), HYP_OK);
    assert_int_equal(count, 1);
    assert_string_equal(orders[0].asker, "north");
    assert_int_equal(hyp_db_exec(db, "UPDATE member_order SET created = created - 86400000"),
                     HYP_OK);
    assert_int_equal(hyp_store_order_add(t->store, &next, &device, 1), HYP_OK);
    assert_int_equal(hyp_store_orders(t->store, &t->arena, &orders, &count), HYP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(orders[0].id, next.id);
    assert_int_equal(hyp_store_order_cancel(t->store, next.id), HYP_OK);
    assert_int_equal(take(&town, 0, &next, &count), HYP_CONFLICT);
    close_town(&town);
}

/* --- backup --- */

/* What members tell each other is no part of it. */
static void what_they_share_can_be_backed_up(void **state)
{
    (void)state;
    struct town town;
    struct test_folder folder;
    struct test_store back = {0};
    struct hyp_error err = {0};
    open_town(&town);
    test_folder_make(&folder);
    hyp_device_id device = test_device(&town.members[1], "1");
    put(&town, 1, device, START_MS, 7);
    if (hyp_store_backup(town.members[0].store, test_path(&folder, "backup", 0), &err) !=
            HYP_OK ||
        hyp_store_restore(test_path(&folder, "backup", 0), test_path(&folder, "data", 1),
                          &err) != HYP_OK) {
        fail_msg("%s", err.text);
    }
    const struct hyp_store_config config = {.folder = test_path(&folder, "data", 1),
                                            .clock = hyp_clock_system()};
    assert_int_equal(hyp_store_open(&config, &back.store, &err), HYP_OK);
    struct hyp_store_stats stats;
    hyp_store_stats(back.store, &stats);
    assert_int_equal(stats.readings, 1);
    hyp_store_close(back.store);
    test_folder_remove(&folder);
    close_town(&town);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, members_need_a_name_and_others_that_share);
    TEST_ONE(&list, what_one_stores_the_others_know);
    TEST_ONE(&list, a_reading_that_comes_to_both_is_one);
    TEST_ONE(&list, observers_are_told_of_the_others);
    TEST_ONE(&list, all_know_who_has_a_line);
    TEST_ONE(&list, all_know_who_has_which_lines);
    TEST_ONE(&list, devices_go_everywhere);
    TEST_ONE(&list, both_at_once);
    TEST_ONE(&list, an_order_is_taken_once_by_who_has_the_line);
    TEST_ONE(&list, orders_grow_old);
    TEST_ONE(&list, what_they_share_can_be_backed_up);
    return test_list_run(&list, "store-members");
}
