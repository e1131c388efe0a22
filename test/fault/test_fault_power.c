/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cut at every single change of a file, and what was not synced is lost, kept or torn:
 * what was acknowledged is there.
 */
#include "scenario.h"
#include "vfs_shim.h"

static const struct cut_row {
    const char *name;
    enum shim_kept kept;
    uint64_t seal_readings;
} cuts[] = {
    {"unsynced writes are kept",                SHIM_KEEP_ALL,  0},
    {"unsynced writes are lost",                SHIM_KEEP_NONE, 0},
    {"unsynced writes are torn",                SHIM_KEEP_SOME, 0},
    {"unsynced writes are kept, while sealing", SHIM_KEEP_ALL,  1},
    {"unsynced writes are lost, while sealing", SHIM_KEEP_NONE, 1},
    {"unsynced writes are torn, while sealing", SHIM_KEEP_SOME, 1},
};

#define BATCHES 3

/* Opens, sends some batches, closes; anything may fail. */
static void live(struct scenario *s, int64_t first)
{
    struct hyp_store *store;
    if (scenario_open(s, &store) != HYP_OK) {
        return;
    }
    for (int64_t k = first; k < first + BATCHES; k++) {
        HYP_IGNORE(scenario_send(s, store, k)); /* noted by the scenario */
    }
    hyp_store_close(store);
}

static void acknowledged_survives_every_cut(void **state)
{
    const struct cut_row *row = *state;
    struct scenario s;
    scenario_make(&s);
    s.seal_readings = row->seal_readings;
    /* One life without a cut says how many steps there are. */
    shim_reset();
    live(&s, 0);
    long steps = shim_steps();
    assert_true(steps > 10);
    int64_t next = BATCHES;
    for (long at = 1; at <= steps + 2; at++, next += BATCHES) {
        shim_reset();
        shim_cut_at(at);
        live(&s, next);
        shim_after_cut(row->kept, (uint64_t)at);
        scenario_check_closed(&s);
        scenario_check_pages(&s);
    }
    scenario_remove(&s);
}

/* The very first start, cut at every step: the next one works. */
static void a_first_start_can_be_cut(void **state)
{
    const struct cut_row *row = *state;
    shim_reset();
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    test_store_close(&t);
    long steps = shim_steps();
    test_folder_remove(&folder);
    for (long at = 1; at <= steps; at += 7) {
        test_folder_make(&folder);
        shim_reset();
        shim_cut_at(at);
        struct hyp_store_config config = {.folder = folder.path, .clock = hyp_clock_system()};
        struct hyp_store *store;
        if (hyp_store_open(&config, &store, NULL) == HYP_OK) {
            hyp_store_close(store);
        }
        shim_after_cut(row->kept, (uint64_t)at);
        test_store_open(&t, &folder);
        test_device(&t, "1");
        test_store_close(&t);
        test_folder_remove(&folder);
    }
}

/* Each way of losing is a part that meson.build runs by itself, on another processor. */
static const char *part_of(const struct cut_row *row)
{
    switch (row->kept) {
    case SHIM_KEEP_ALL: return "kept";
    case SHIM_KEEP_NONE: return "lost";
    case SHIM_KEEP_SOME: return "torn";
    }
    return "";
}

/* With the name of a part, that one; without, all. */
int main(int argc, char **argv)
{
    shim_install();
    struct test_list list = {0};
    for (size_t i = 0; i < HYP_ARRAY_LEN(cuts); i++) {
        if (argc < 2 || strcmp(argv[1], part_of(&cuts[i])) == 0) {
            test_list_add(&list, cuts[i].name, acknowledged_survives_every_cut, &cuts[i]);
            test_list_add(&list, cuts[i].name, a_first_start_can_be_cut, &cuts[i]);
        }
    }
    if (list.count == 0) {
        fprintf(stderr, "usage: test_fault_power [kept | lost | torn]\n");
        return 2;
    }
    return test_list_run(&list, "fault-power");
}
