/* SPDX-License-Identifier: Apache-2.0 */
/* The town as a whole: who is in it, that a seed decides everything, what a manifest keeps. */
#include "town_fixture.h"

#include "sim/file.h"
#include "sim/history.h"
#include "sim/manifest.h"
#include "sim/options.h"
#include "sim/radio.h"
#include "sim/setup.h"

#include <stdio.h>
#include <unistd.h>

static struct hyp_buf manifest_of(uint64_t seed, unsigned faults)
{
    struct sim_town *town = test_town(seed, faults);
    struct hyp_buf text;
    hyp_buf_init_heap(&text, SIM_MANIFEST_MAX);
    sim_manifest_write(town, &text);
    assert_int_equal(hyp_buf_status(&text), HYP_OK);
    sim_town_destroy(town);
    return text;
}

static bool same_text(const struct hyp_buf *a, const struct hyp_buf *b)
{
    return hyp_str_equal(hyp_buf_view(a), hyp_buf_view(b));
}

static void a_seed_decides_everything(void **state)
{
    (void)state;
    struct hyp_buf once = manifest_of(7, SIM_FAULT_ALL);
    struct hyp_buf again = manifest_of(7, SIM_FAULT_ALL);
    struct hyp_buf other = manifest_of(8, SIM_FAULT_ALL);
    assert_true(same_text(&once, &again));
    assert_false(same_text(&once, &other));
    hyp_buf_finish(&once);
    hyp_buf_finish(&again);
    hyp_buf_finish(&other);
}

static bool is_encrypted(const struct sim_device *device)
{
    static const struct hyp_aes_key none;
    return memcmp(&device->key, &none, sizeof(none)) != 0;
}

static void the_town_has_the_promised_inhabitants(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, SIM_FAULT_ALL);
    unsigned wired[SIM_KIND_POWER + 1] = {0};
    unsigned radio = 0;
    unsigned encrypted = 0;
    unsigned by_tcp = 0;
    unsigned multi = 0;
    for (size_t i = 0; i < town->device_count; i++) {
        const struct sim_device *device = &town->devices[i];
        bool is_wired = device->wrap == SIM_WRAP_WIRED;
        wired[device->make->kind] += is_wired;
        radio += !is_wired;
        encrypted += is_encrypted(device);
        by_tcp += device->line == sim_town_line(town, "radio-tcp");
        multi += device->make->telegrams > 1;
        assert_true(device->name[0] != 0 && device->site.address[0] != 0);
    }
    assert_int_equal(wired[SIM_KIND_HEAT], 60);
    assert_int_equal(wired[SIM_KIND_WATER], 40);
    assert_int_equal(wired[SIM_KIND_POWER], 4);
    assert_int_equal(radio, 150);
    assert_int_equal(encrypted, 75);
    assert_int_equal(by_tcp, 75);
    assert_int_equal(multi, 16);
    assert_int_equal(town->controller_count, 6);
    sim_town_destroy(town);
}

/* Names are unique; ids too, but for the one planted pair; primary addresses on each line. */
static void names_and_addresses_tell_devices_apart(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    unsigned twins = 0;
    unsigned letters = 0;
    for (size_t i = 0; i < town->device_count; i++) {
        const struct sim_device *a = &town->devices[i];
        for (unsigned shift = 0; shift < 32; shift += 4) {
            letters += (a->meter.identity.id >> shift & 0xF) > 9;
        }
        for (size_t k = 0; k < i; k++) {
            const struct sim_device *b = &town->devices[k];
            assert_string_not_equal(a->name, b->name);
            twins += a->meter.identity.id == b->meter.identity.id;
            assert_false(a->wrap == SIM_WRAP_WIRED && a->line == b->line && a->primary != 0 &&
                         a->primary == b->primary);
        }
    }
    assert_int_equal(twins, 1);
    assert_int_equal(letters, 3); /* 4A1C7E25 */
    sim_town_destroy(town);
}

static void a_saved_manifest_brings_the_same_town_back(void **state)
{
    (void)state;
    char path[64];
    struct hyp_buf name;
    hyp_buf_init_fixed(&name, path, sizeof(path));
    hyp_buf_append_fmt(&name, "sim-town-%d.json", (int)getpid());
    (void)hyp_buf_terminate(&name);
    struct hyp_buf text = manifest_of(5, SIM_FAULT_BURST | SIM_FAULT_NOISY);
    struct hyp_error err;
    assert_int_equal(sim_file_put(path, hyp_buf_view(&text), &err), HYP_OK);
    struct sim_options options;
    const char *arguments[] = {"--town", path, "--start", "2026-02-20T10:00:00Z"};
    assert_int_equal(sim_options_parse(&options, 4, arguments, &err), HYP_OK);
    struct sim_town *town;
    struct sim_clock clock;
    assert_int_equal(sim_setup(&options, hyp_clock_system(), &town, &clock, &err), HYP_OK);
    assert_int_equal(town->plan.seed, 5);
    assert_int_equal(town->plan.anchor_ms, TEST_NOW_MS);
    assert_int_equal(town->plan.faults, SIM_FAULT_BURST | SIM_FAULT_NOISY);
    struct hyp_buf again;
    hyp_buf_init_heap(&again, SIM_MANIFEST_MAX);
    sim_manifest_write(town, &again);
    assert_true(same_text(&text, &again));
    hyp_buf_finish(&text);
    hyp_buf_finish(&again);
    sim_town_destroy(town);
    unlink(path);
}

static void the_towns_clock_runs_at_its_speed(void **state)
{
    (void)state;
    struct hyp_clock_fake machine;
    hyp_clock_fake_init(&machine, (hyp_utc){TEST_NOW_MS});
    struct sim_options options;
    struct hyp_error err;
    const char *arguments[] = {"--speed", "720"};
    assert_int_equal(sim_options_parse(&options, 2, arguments, &err), HYP_OK);
    struct sim_town *town;
    struct sim_clock clock;
    assert_int_equal(sim_setup(&options, &machine.clock, &town, &clock, &err), HYP_OK);
    assert_int_equal(sim_clock_now(&clock), TEST_NOW_MS);
    hyp_clock_fake_advance(&machine, 120000);
    assert_int_equal(sim_clock_now(&clock), TEST_NOW_MS + SIM_DAY_MS);
    assert_int_equal(town->plan.anchor_ms, TEST_NOW_MS / SIM_DAY_MS * SIM_DAY_MS);
    sim_town_destroy(town);
}

static const struct start_row {
    const char *name;
    enum hyp_status status;
    int64_t before_ms;
} start_rows[] = {
    {"now-30d",              HYP_OK,      30 * SIM_DAY_MS },
    {"now-12h",              HYP_OK,      12 * SIM_HOUR_MS},
    {"2026-01-14T06:00:00Z", HYP_OK,      SIM_DAY_MS      },
    {"now-d",                HYP_INVALID, 0               },
    {"now-",                 HYP_INVALID, 0               },
    {"now-5w",               HYP_INVALID, 0               },
    {"now-99999d",           HYP_INVALID, 0               },
    {"2023-01-01",           HYP_INVALID, 0               },
};

static void check_start(void **state)
{
    const struct start_row *row = *state;
    struct hyp_clock_fake machine;
    hyp_clock_fake_init(&machine, (hyp_utc){TEST_NOW_MS});
    struct sim_options options;
    struct hyp_error err;
    const char *arguments[] = {"--start", row->name};
    assert_int_equal(sim_options_parse(&options, 2, arguments, &err), HYP_OK);
    struct sim_town *town;
    struct sim_clock clock;
    assert_int_equal(sim_setup(&options, &machine.clock, &town, &clock, &err), row->status);
    if (row->status == HYP_OK) {
        assert_int_equal(sim_clock_now(&clock), TEST_NOW_MS - row->before_ms);
        sim_town_destroy(town);
    }
}

static const struct faults_row {
    const char *name;
    enum hyp_status status;
    unsigned faults;
} faults_rows[] = {
    {"none",        HYP_OK,      0                                },
    {"default",     HYP_OK,      SIM_FAULT_ALL                    },
    {"dead",        HYP_OK,      SIM_FAULT_DEAD                   },
    {"noisy,burst", HYP_OK,      SIM_FAULT_NOISY | SIM_FAULT_BURST},
    {"wrongkey",    HYP_OK,      SIM_FAULT_WRONG_KEY              },
    {"earthquake",  HYP_INVALID, 0                                },
    {"dead,",       HYP_INVALID, 0                                },
};

static void check_faults(void **state)
{
    const struct faults_row *row = *state;
    unsigned faults = 0;
    assert_int_equal(sim_faults_parse(hyp_str_from(row->name), &faults), row->status);
    assert_int_equal(faults, row->faults);
}

static const struct options_row {
    const char *name;
    const char *arguments[4];
    int count;
    enum hyp_status status;
} options_rows[] = {
    {"nothing",            {0},                         0, HYP_OK     },
    {"number",             {"--seed", "12"},            2, HYP_OK     },
    {"flag",               {"--echo"},                  1, HYP_OK     },
    {"unknown option",     {"--sped", "12"},            2, HYP_INVALID},
    {"value missing",      {"--seed"},                  1, HYP_INVALID},
    {"no number",          {"--seed", "abc"},           2, HYP_INVALID},
    {"negative",           {"--seed", "-1"},            2, HYP_INVALID},
    {"speed 0",            {"--speed", "0"},            2, HYP_INVALID},
    {"too many registers", {"--registers", "124"},      2, HYP_INVALID},
    {"odd format",         {"--radio-format", "morse"}, 2, HYP_INVALID},
};

static void check_options(void **state)
{
    const struct options_row *row = *state;
    struct sim_options options;
    struct hyp_error err = {0};
    assert_int_equal(sim_options_parse(&options, row->count, row->arguments, &err),
                     row->status);
    assert_int_equal(err.text[0] != 0, row->status != HYP_OK);
}

static void endpoints_are_host_and_port(void **state)
{
    (void)state;
    char host[64];
    uint16_t port = 0;
    assert_int_equal(sim_endpoint_parse("127.0.0.1:1883", host, sizeof(host), &port), HYP_OK);
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(port, 1883);
    assert_int_equal(sim_endpoint_parse("localhost", host, sizeof(host), &port), HYP_INVALID);
    assert_int_equal(sim_endpoint_parse(":1883", host, sizeof(host), &port), HYP_INVALID);
    assert_int_equal(sim_endpoint_parse("a:70000", host, sizeof(host), &port), HYP_INVALID);
    assert_int_equal(sim_endpoint_parse("a:", host, sizeof(host), &port), HYP_INVALID);
}

/* --- history --- */

struct day_check {
    struct sim_history_sink sink;
    unsigned days;
    unsigned lines;
    unsigned radio;
    unsigned controllers;
    unsigned dead_after;
    int64_t last_ms;
    uint64_t hash;
    uint32_t dead_id;
    int64_t dead_ms;
};

/* One poll: spans of `unit function start(2) count(2) data`, one after the other. */
static void check_spans(const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len) {
        assert_true(at + 6 <= len);
        assert_int_equal(bytes[at], 1);
        assert_int_equal(bytes[at + 1], 3);
        at += 6 + 2u * (unsigned)(bytes[at + 4] << 8 | bytes[at + 5]);
    }
    assert_int_equal(at, len);
}

static void check_line(struct day_check *check, struct hyp_str line)
{
    struct hyp_str rest = line;
    struct hyp_str time;
    struct hyp_str link;
    int64_t ms;
    assert_true(hyp_str_split_next(&rest, ' ', &time));
    assert_true(hyp_str_split_next(&rest, ' ', &link));
    assert_int_equal(sim_iso_parse(time, &ms), HYP_OK);
    assert_true(ms >= check->last_ms);
    check->last_ms = ms;
    uint8_t bytes[1024];
    size_t len;
    struct hyp_error err;
    assert_int_equal(hyp_hex_decode(rest, bytes, sizeof(bytes), &len, &err), HYP_OK);
    check->radio += hyp_str_has_prefix(link, HYP_STR("radio-"));
    if (hyp_str_has_prefix(link, HYP_STR("modbus:ecl-"))) {
        check->controllers++;
        check_spans(bytes, len);
    }
    if (hyp_str_has_prefix(link, HYP_STR("mbus-"))) {
        uint32_t id = (uint32_t)bytes[7] | (uint32_t)bytes[8] << 8 | (uint32_t)bytes[9] << 16 |
                      (uint32_t)bytes[10] << 24;
        assert_int_equal(len, bytes[1] + 6);
        check->dead_after += id == check->dead_id && ms >= check->dead_ms;
    }
}

static enum hyp_status take_day(struct sim_history_sink *sink, int64_t day_ms,
                                struct hyp_str text, struct hyp_error *err)
{
    struct day_check *check = HYP_CONTAINER_OF(sink, struct day_check, sink);
    (void)err;
    check->days++;
    assert_int_equal(day_ms % SIM_DAY_MS, 0);
    struct hyp_str rest = text;
    struct hyp_str line;
    while (hyp_str_split_next(&rest, '\n', &line) && line.len > 0) {
        check->lines++;
        check_line(check, line);
    }
    for (size_t i = 0; i < text.len; i++) {
        check->hash = check->hash * 31 + (uint8_t)text.ptr[i];
    }
    return HYP_OK;
}

static struct day_check run_history(void)
{
    struct sim_town *town = test_town(1, SIM_FAULT_ALL);
    const struct sim_device *dead = test_device(town, SIM_MAKE_MULTICAL_403, 1);
    struct day_check check = {.sink = {.day = take_day},
                              .dead_id = dead->meter.identity.id,
                              .dead_ms = dead->meter.defects.dead_ms};
    struct hyp_error err;
    assert_int_equal(sim_history_write(town, TEST_NOW_MS - 3 * SIM_DAY_MS, TEST_NOW_MS, 60,
                                       &check.sink, &err),
                     HYP_OK);
    sim_town_destroy(town);
    return check;
}

static void history_is_complete_sorted_and_repeatable(void **state)
{
    (void)state;
    struct day_check check = run_history();
    assert_int_equal(check.days, 4); /* three times 24 hours touch four dates */
    assert_int_equal(check.radio, 72 * 150);
    assert_int_equal(check.dead_after, 0);
    assert_int_equal(check.controllers, 288 * 6);
    assert_true(check.last_ms < TEST_NOW_MS);
    assert_int_equal(run_history().hash, check.hash);
}

static void history_before_the_epoch_is_refused(void **state)
{
    (void)state;
    struct sim_town *town = test_town(1, 0);
    struct sim_history_sink sink = {.day = take_day};
    struct hyp_error err = {0};
    assert_int_equal(
        sim_history_write(town, SIM_EPOCH_MS, SIM_EPOCH_MS + SIM_DAY_MS, 60, &sink, &err),
        HYP_INVALID);
    assert_true(err.text[0] != 0);
    sim_town_destroy(town);
}

/* Every suggested profile is a file in devices/ (folder given by the build). */
static void suggested_profiles_exist(void **state)
{
    (void)state;
    const char *folder = getenv("HYP_DEVICES");
    assert_non_null(folder);
    for (unsigned id = SIM_MAKE_UNSET + 1; id < SIM_MAKE_COUNT; id++) {
        char memory[4096];
        struct hyp_buf path;
        hyp_buf_init_fixed(&path, memory, sizeof(memory));
        hyp_buf_append_fmt(&path, "%s/%s.yaml", folder,
                           sim_make_get((enum sim_make_id)id)->profile);
        if (access(hyp_buf_terminate(&path), R_OK) != 0) {
            fail_msg("no profile %s", memory);
        }
    }
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, start_rows, check_start);
    TEST_ROWS(&list, faults_rows, check_faults);
    TEST_ROWS(&list, options_rows, check_options);
    TEST_ONE(&list, a_seed_decides_everything);
    TEST_ONE(&list, the_town_has_the_promised_inhabitants);
    TEST_ONE(&list, names_and_addresses_tell_devices_apart);
    TEST_ONE(&list, a_saved_manifest_brings_the_same_town_back);
    TEST_ONE(&list, the_towns_clock_runs_at_its_speed);
    TEST_ONE(&list, endpoints_are_host_and_port);
    TEST_ONE(&list, history_is_complete_sorted_and_repeatable);
    TEST_ONE(&list, history_before_the_epoch_is_refused);
    TEST_ONE(&list, suggested_profiles_exist);
    return test_list_run(&list, "sim-town");
}
