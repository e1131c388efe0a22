/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding meters: every row is a bus and what must be found on it. `found` is a list of
 * addresses in any order, with "!" behind for a collision and "?" for a meter without data.
 */
#include "support/hex.h"
#include "support/mbus_bus.h"

#include "base/buf.h"
#include "base/limits.h"
#include "protocol/mbus/search.h"

#define FOUND_MAX 300

#define ENERGY "04 06 05000000"
#define METER(text, at)                                                                        \
    {                                                                                          \
        .address = (text), .primary = (at), .telegrams = { ENERGY }                            \
    }

static const struct search_row {
    const char *name;
    struct bus_meter meters[8];
    size_t meter_count;
    bool echo;
    bool thorough;
    const char *noise;
    const char *within; /* pattern that narrows the search */
    const char *found[8];
    size_t probes_max; /* 0 = not checked */
} search_rows[] = {
  /* clang-format off */
    {.name = "an empty bus", .probes_max = 17},
    {.name = "one meter", .meters = {METER("12345678.KAM.35.04", 5)}, .meter_count = 1, .found = {"12345678.KAM.35.04"}, .probes_max = 17},
    {.name = "two meters with different last digits", .meters = {METER("12345678.KAM.35.04", 5), METER("12345679.KAM.35.04", 5)}, .meter_count = 2,
     .found = {"12345678.KAM.35.04", "12345679.KAM.35.04"}, .probes_max = 17},
    {.name = "two meters that differ in the first digit", .meters = {METER("12345678.KAM.35.04", 5), METER("92345678.KAM.35.04", 5)}, .meter_count = 2,
     .found = {"12345678.KAM.35.04", "92345678.KAM.35.04"}},
    {.name = "echoing converter", .meters = {METER("12345678.KAM.35.04", 5), METER("92345678.KAM.35.04", 5)}, .meter_count = 2, .echo = true,
     .found = {"12345678.KAM.35.04", "92345678.KAM.35.04"}},
    {.name = "a stray byte before every answer", .meters = {METER("12345678.KAM.35.04", 5), METER("12345679.KAM.35.04", 5)}, .meter_count = 2, .noise = "00",
     .found = {"12345678.KAM.35.04", "12345679.KAM.35.04"}, .probes_max = 17},
    {.name = "a hex digit last", .meters = {METER("1234567A.APA.40.04", 5)}, .meter_count = 1, .found = {"1234567A.APA.40.04"}, .probes_max = 17},
    {.name = "two hex ids", .meters = {METER("00149C06.APA.40.04", 5), METER("00149D06.APA.40.04", 6)}, .meter_count = 2,
     .found = {"00149C06.APA.40.04", "00149D06.APA.40.04"}},
    {.name = "a hex id beside a decimal one", .meters = {METER("00149C06.APA.40.04", 5), METER("12345606.KAM.35.04", 6)}, .meter_count = 2,
     .found = {"00149C06.APA.40.04", "12345606.KAM.35.04"}},
    {.name = "a hex id beside two decimal ones", .meters = {METER("00149C06.APA.40.04", 5), METER("12345606.KAM.35.04", 6), METER("12345706.KAM.35.04", 7)}, .meter_count = 3,
     .found = {"00149C06.APA.40.04", "12345606.KAM.35.04", "12345706.KAM.35.04"}},
    {.name = "two hex ids beside two decimal ones", .meters = {METER("0014AC06.APA.40.04", 5), METER("0014BC06.APA.40.04", 8), METER("12345606.KAM.35.04", 6), METER("12345706.KAM.35.04", 7)}, .meter_count = 4,
     .found = {"0014AC06.APA.40.04", "0014BC06.APA.40.04", "12345606.KAM.35.04", "12345706.KAM.35.04"}},
    {.name = "a hex id beside a hex and two decimal ones found first", .meters = {METER("0014A706.APA.40.04", 5), METER("12345606.KAM.35.04", 6), METER("12345706.KAM.35.04", 7), METER("22345706.KAM.35.04", 8)}, .meter_count = 4,
     .found = {"0014A706.APA.40.04", "12345606.KAM.35.04", "12345706.KAM.35.04", "22345706.KAM.35.04"}},
    {.name = "within: a hex id beside two decimal ones", .meters = {METER("1234567A.APA.40.04", 5), METER("12345671.KAM.35.04", 6), METER("12345672.KAM.35.04", 7)}, .meter_count = 3, .within = "1234567F",
     .found = {"1234567A.APA.40.04", "12345671.KAM.35.04", "12345672.KAM.35.04"}, .probes_max = 19},
    {.name = "a hex id beside two decimal ones, thorough", .meters = {METER("00149C06.APA.40.04", 5), METER("12345606.KAM.35.04", 6), METER("12345706.KAM.35.04", 7)}, .meter_count = 3, .thorough = true,
     .found = {"00149C06.APA.40.04", "12345606.KAM.35.04", "12345706.KAM.35.04"}},
    {.name = "one id, two media", .meters = {METER("12345678.KAM.35.04", 5), METER("12345678.KAM.35.0A", 6)}, .meter_count = 2,
     .found = {"12345678.KAM.35.04", "12345678.KAM.35.0A"}},
    {.name = "one id and medium, two versions", .meters = {METER("12345678.KAM.34.04", 5), METER("12345678.KAM.35.04", 6)}, .meter_count = 2,
     .found = {"12345678.KAM.34.04", "12345678.KAM.35.04"}},
    {.name = "one id, two makers", .meters = {METER("12345678.KAM.35.04", 5), METER("12345678.LUG.35.04", 6)}, .meter_count = 2,
     .found = {"12345678.KAM.35.04", "12345678.LUG.35.04"}},
    {.name = "twins apart from the fabrication number", .meters = {METER("12345678.KAM.35.04.00000815", 5), METER("12345678.KAM.35.04.00000816", 5)}, .meter_count = 2,
     .found = {"12345678.KAM.35.04.FFFFFFF5", "12345678.KAM.35.04.FFFFFFF6"}},
    {.name = "a meter that acknowledges but sends nothing", .meters = {{.address = "12345678.KAM.35.04", .primary = 5, .no_data = true}, METER("12345677.KAM.35.04", 6)}, .meter_count = 2,
     .found = {"12345678.*.*.*?", "12345677.KAM.35.04"}},
    {.name = "a slow meter", .meters = {{.address = "12345678.KAM.35.04", .primary = 5, .telegrams = {ENERGY}, .delay_ms = 250}}, .meter_count = 1, .found = {"12345678.KAM.35.04"}},
    {.name = "a slow meter beside a fast one, thorough", .meters = {METER("12345678.KAM.35.04", 5), {.address = "12345668.KAM.35.04", .primary = 6, .telegrams = {ENERGY}, .delay_ms = 200}}, .meter_count = 2, .thorough = true,
     .found = {"12345678.KAM.35.04", "12345668.KAM.35.04"}},
    {.name = "a slow and a fast twin, thorough", .meters = {METER("12345678.KAM.35.04", 5), {.address = "12345678.KAM.35.07", .primary = 6, .telegrams = {ENERGY}, .delay_ms = 250}}, .meter_count = 2, .thorough = true,
     .found = {"12345678.KAM.35.04", "12345678.KAM.35.07"}},
    {.name = "a silent meter is not found", .meters = {{.address = "12345678.KAM.35.04", .primary = 5, .silent = true}, METER("12345677.KAM.35.04", 6)}, .meter_count = 2, .found = {"12345677.KAM.35.04"}},
    {.name = "an answer lost below a collision", .meters = {METER("12345678.KAM.35.04", 5), {.address = "12345668.KAM.35.04", .primary = 6, .telegrams = {ENERGY}, .lost_from = 3, .lost = 1}}, .meter_count = 2,
     .found = {"12345678.KAM.35.04", "12345668.KAM.35.04"}},
    {.name = "within: nobody", .meters = {METER("12345678.KAM.35.04", 5)}, .meter_count = 1, .within = "99FFFFFF", .probes_max = 1},
    {.name = "within: leading digits of one", .meters = {METER("12345678.KAM.35.04", 5), METER("22345678.KAM.35.04", 6), METER("32345678.KAM.35.04", 7)}, .meter_count = 3, .within = "22FFFFFF",
     .found = {"22345678.KAM.35.04"}, .probes_max = 2},
    {.name = "within: leading digits of two", .meters = {METER("12345678.KAM.35.04", 5), METER("12345679.KAM.35.04", 6), METER("32345678.KAM.35.04", 7)}, .meter_count = 3, .within = "12FFFFFF",
     .found = {"12345678.KAM.35.04", "12345679.KAM.35.04"}, .probes_max = 18},
    {.name = "within: a digit in the middle", .meters = {METER("12345678.KAM.35.04", 5), METER("12385678.KAM.35.04", 6)}, .meter_count = 2, .within = "FFF8FFFF", .found = {"12385678.KAM.35.04"}, .probes_max = 2},
    {.name = "within: a maker", .meters = {METER("12345678.KAM.35.04", 5), METER("12345678.LUG.35.04", 6), METER("12345679.LUG.35.04", 7)}, .meter_count = 3, .within = "*.LUG",
     .found = {"12345678.LUG.35.04", "12345679.LUG.35.04"}, .probes_max = 18},
    {.name = "within: a version and a medium", .meters = {METER("12345678.KAM.35.04", 5), METER("12345678.KAM.34.04", 6), METER("12345678.KAM.35.07", 7)}, .meter_count = 3, .within = "*.*.35.07",
     .found = {"12345678.KAM.35.07"}, .probes_max = 2},
    {.name = "within: hex digits", .meters = {METER("00149C06.APA.40.04", 5), METER("00149D06.APA.40.04", 6), METER("00149006.APA.40.04", 7)}, .meter_count = 3, .within = "00149CFF",
     .found = {"00149C06.APA.40.04"}, .probes_max = 2},
    {.name = "within: a whole address", .meters = {METER("12345678.KAM.35.04", 5), METER("12345679.KAM.35.04", 6)}, .meter_count = 2, .within = "12345678.KAM.35.04",
     .found = {"12345678.KAM.35.04"}, .probes_max = 1},
    {.name = "within: a whole address and a fabrication number", .meters = {METER("12345678.KAM.35.04.00000815", 5), METER("12345678.KAM.35.04.00000816", 5)}, .meter_count = 2, .within = "12345678.KAM.35.04.00000816",
     .found = {"12345678.KAM.35.04.00000816"}, .probes_max = 1},
    {.name = "within: one id of two makers", .meters = {METER("12345678.KAM.35.04", 5), METER("12345678.LUG.35.04", 6), METER("12345679.LUG.35.04", 7)}, .meter_count = 3, .within = "12345678",
     .found = {"12345678.KAM.35.04", "12345678.LUG.35.04"}},
    {.name = "answers without an address", .meters = {{.address = "12345678.KAM.35.04", .primary = 5, .telegrams = {ENERGY}, .ci = 0x78}}, .meter_count = 1, .found = {"12345678.*.*.*"}},
  /* clang-format on */
};

static void format_found(struct hyp_buf *out, const struct hyp_mbus_found *found)
{
    hyp_mbus_secondary_format(out, &found->address);
    hyp_buf_append_text(out, found->collision ? "!" : found->no_data ? "?" : "");
}

static bool is_among(const struct hyp_mbus_findings *findings, const char *wanted)
{
    char text[HYP_MBUS_SECONDARY_TEXT_MAX + 2];
    for (size_t i = 0; i < findings->count; i++) {
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, text, sizeof(text));
        format_found(&buf, &findings->items[i]);
        if (strcmp(hyp_buf_terminate(&buf), wanted) == 0) {
            return true;
        }
    }
    return false;
}

static void check_search(void **state)
{
    const struct search_row *row = *state;
    static struct bus bus;
    static struct hyp_mbus_search search;
    struct bus_meter meters[8];
    struct hyp_mbus_found items[FOUND_MAX];
    struct hyp_mbus_link link;
    for (size_t pieces = 0; pieces < 2; pieces++) {
        memcpy(meters, row->meters, sizeof(meters));
        bus_init(&bus, meters, row->meter_count);
        bus.echo = row->echo;
        bus.noise = row->noise;
        bus.pieces = pieces;
        hyp_mbus_link_init(&link, hyp_mbus_timing_for_baud(2400), 0);
        hyp_mbus_search_init(&search, &link, items, HYP_ARRAY_LEN(items));
        search.thorough = row->thorough;
        if (row->within != NULL) {
            assert_int_equal(
                hyp_mbus_secondary_parse(hyp_str_from(row->within), &search.within), HYP_OK);
        }
        struct hyp_session_io io = bus_run(&bus, &hyp_mbus_search_ops, &search);
        assert_int_equal(io.state, HYP_SESSION_DONE);
        assert_int_equal(hyp_mbus_search_permille(&search), 1000);
        size_t wanted = 0;
        while (wanted < 8 && row->found[wanted] != NULL) {
            if (!is_among(&search.findings, row->found[wanted])) {
                fail_msg("not found: %s", row->found[wanted]);
            }
            wanted++;
        }
        assert_int_equal(search.findings.count, wanted);
        if (row->probes_max != 0) {
            assert_true(search.probes <= row->probes_max);
        }
    }
}

#define FULL 250
#define SLOW_MS 120
#define FULL_DECIMAL_PROBES 1700

/*
 * 250 meters of one delivery and some strangers: consecutive serial numbers in decimal, every
 * tenth a stranger with hex digits, every 25th with the number of its neighbour and another
 * medium.
 */
struct full_bus {
    struct bus bus;
    struct bus_meter meters[FULL];
    char texts[FULL][HYP_MBUS_SECONDARY_TEXT_MAX];
    struct hyp_mbus_search search;
    struct hyp_mbus_found items[FOUND_MAX];
    struct hyp_mbus_link link;
};

static struct hyp_mbus_secondary full_address(unsigned i)
{
    struct hyp_mbus_secondary address = {.manufacturer = 0x2C2D, .version = 0x35, .medium = 4};
    if (i % 25 == 24) {
        address = full_address(i - 1);
        address.medium = 7;
        return address;
    }
    unsigned base = i % 10 == 9 ? 15 : 10;
    unsigned rest = i % 10 == 9 ? 137u * i : 68300000u + 7u * i;
    for (unsigned k = 0; k < 8; k++, rest /= base) {
        address.id |= (uint32_t)(rest % base) << (4 * k);
    }
    return address;
}

static void full_bus_init(struct full_bus *full)
{
    for (unsigned i = 0; i < FULL; i++) {
        struct hyp_mbus_secondary address = full_address(i);
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, full->texts[i], sizeof(full->texts[i]));
        hyp_mbus_secondary_format(&buf, &address);
        (void)hyp_buf_terminate(&buf);
        full->meters[i] = (struct bus_meter){
            .address = full->texts[i], .primary = (uint8_t)i, .telegrams = {ENERGY}};
    }
    bus_init(&full->bus, full->meters, FULL);
    hyp_mbus_link_init(&full->link, hyp_mbus_timing_for_baud(2400), 0);
    hyp_mbus_search_init(&full->search, &full->link, full->items, HYP_ARRAY_LEN(full->items));
    full->search.thorough = true;
}

/* Every meter that answers is found, none twice. */
static void full_bus_check(struct full_bus *full)
{
    size_t wanted = 0;
    assert_int_equal(bus_run(&full->bus, &hyp_mbus_search_ops, &full->search).state,
                     HYP_SESSION_DONE);
    for (unsigned i = 0; i < FULL; i++) {
        wanted += full->meters[i].silent ? 0 : 1;
        if (is_among(&full->search.findings, full->texts[i]) == full->meters[i].silent) {
            fail_msg("%s: %s", full->meters[i].silent ? "a ghost" : "not found",
                     full->texts[i]);
        }
    }
    assert_int_equal(full->search.findings.count, wanted);
    assert_int_equal(full->search.findings.dropped, 0);
    print_message("# %zu selections, %lld s of bus time\n", full->search.probes,
                  (long long)(full->bus.now / 1000));
}

static void check_full_bus(void **state)
{
    (void)state;
    static struct full_bus full;
    full_bus_init(&full);
    full_bus_check(&full);
}

/* Letters among many decimal numbers are found without being thorough. */
static void check_full_bus_quick(void **state)
{
    (void)state;
    static struct full_bus full;
    full_bus_init(&full);
    full.search.thorough = false;
    full_bus_check(&full);
}

/* Nobody on it has a letter, and there are many: only the first level is asked for them. */
static void check_full_decimal_bus(void **state)
{
    (void)state;
    static struct full_bus full;
    full_bus_init(&full);
    for (unsigned i = 0; i < FULL; i++) {
        struct hyp_buf buf;
        hyp_buf_init_fixed(&buf, full.texts[i], sizeof(full.texts[i]));
        hyp_buf_append_fmt(&buf, "%08u.KAM.35.04", 68300000u + 7u * i);
        (void)hyp_buf_terminate(&buf);
    }
    bus_init(&full.bus, full.meters, FULL);
    full.search.thorough = false;
    full_bus_check(&full);
    assert_true(full.search.probes < FULL_DECIMAL_PROBES);
}

/* The same behind an echoing converter, with meters that are slow, silent, or not heard once.
 */
static void check_full_bus_with_faults(void **state)
{
    (void)state;
    static struct full_bus full;
    full_bus_init(&full);
    full.bus.echo = true;
    full.bus.pieces = 7;
    full.link.retries = 1;
    for (unsigned i = 0; i < FULL; i++) {
        full.meters[i].silent = i % 50 == 33;
        full.meters[i].delay_ms = i % 20 == 7 ? SLOW_MS : 0;
        full.meters[i].lost = i % 30 == 11 ? 1 : 0; /* the first acknowledgement */
    }
    full_bus_check(&full);
}

static void check_noisy_line(void **state)
{
    (void)state;
    static struct bus bus;
    static struct hyp_mbus_search search;
    struct hyp_mbus_found items[4];
    struct hyp_mbus_link link;
    bus_init(&bus, NULL, 0);
    bus.babble = "00 FF 13 37";
    hyp_mbus_link_init(&link, hyp_mbus_timing_for_baud(2400), 0);
    hyp_mbus_search_init(&search, &link, items, HYP_ARRAY_LEN(items));
    struct hyp_session_io io = bus_run(&bus, &hyp_mbus_search_ops, &search);
    assert_int_equal(io.state, HYP_SESSION_FAILED);
    assert_int_equal(io.status, HYP_BAD_CHECK);
    assert_true(hyp_mbus_search_ops.error_text(&search)[0] != '\0');
}

static void check_full_list(void **state)
{
    (void)state;
    static struct bus bus;
    static struct hyp_mbus_search search;
    struct bus_meter meters[] = {METER("12345678.KAM.35.04", 1), METER("12345677.KAM.35.04", 2),
                                 METER("12345676.KAM.35.04", 3)};
    struct hyp_mbus_found items[2];
    struct hyp_mbus_link link;
    bus_init(&bus, meters, 3);
    hyp_mbus_link_init(&link, hyp_mbus_timing_for_baud(2400), 0);
    hyp_mbus_search_init(&search, &link, items, HYP_ARRAY_LEN(items));
    assert_int_equal(bus_run(&bus, &hyp_mbus_search_ops, &search).state, HYP_SESSION_DONE);
    assert_int_equal(search.findings.count, 2);
    assert_int_equal(search.findings.dropped, 1);
}

static void check_progress_grows(void **state)
{
    (void)state;
    static struct hyp_mbus_search search;
    struct hyp_mbus_found items[2];
    struct hyp_mbus_link link;
    hyp_mbus_link_init(&link, hyp_mbus_timing_for_baud(2400), 0);
    hyp_mbus_search_init(&search, &link, items, HYP_ARRAY_LEN(items));
    hyp_mono now = {0};
    struct hyp_session_io io = hyp_mbus_search_ops.start(&search, now);
    unsigned last = hyp_mbus_search_permille(&search);
    assert_int_equal(last, 0);
    while (io.state == HYP_SESSION_RUNNING) {
        io = hyp_mbus_search_ops.tick(&search, io.deadline);
        assert_true(hyp_mbus_search_permille(&search) >= last);
        last = hyp_mbus_search_permille(&search);
    }
    assert_int_equal(last, 1000);
}

/* --- primary scan --- */

static const struct scan_row {
    const char *name;
    struct bus_meter meters[4];
    size_t meter_count;
    uint8_t first;
    uint8_t last;
    bool patient;
    bool echo;
    const char *found[4]; /* "primary address[!?]" */
} scan_rows[] = {
  /* clang-format off */
    {.name = "scan: an empty bus", .last = 250},
    {.name = "scan: two meters", .meters = {METER("12345678.KAM.35.04", 0), METER("12345679.LUG.04.07", 250)}, .meter_count = 2, .last = 250,
     .found = {"0 12345678.KAM.35.04", "250 12345679.LUG.04.07"}},
    {.name = "scan: echo", .meters = {METER("12345678.KAM.35.04", 0)}, .meter_count = 1, .last = 3, .echo = true, .found = {"0 12345678.KAM.35.04"}},
    {.name = "scan: only a range", .meters = {METER("12345678.KAM.35.04", 1), METER("12345679.LUG.04.07", 9)}, .meter_count = 2, .first = 2, .last = 9, .found = {"9 12345679.LUG.04.07"}},
    {.name = "scan: two meters with one address", .meters = {METER("12345678.KAM.35.04", 1), METER("92345679.LUG.04.07", 1)}, .meter_count = 2, .last = 3, .found = {"1 FFFFFFFF.*.*.*!"}},
    {.name = "scan: no data", .meters = {{.address = "12345678.KAM.35.04", .primary = 1, .no_data = true}}, .meter_count = 1, .last = 3, .found = {"1 FFFFFFFF.*.*.*?"}},
    {.name = "scan: a meter that ignores SND_NKE", .meters = {{.address = "12345678.KAM.35.04", .primary = 1, .no_reset_ack = true, .telegrams = {ENERGY}}}, .meter_count = 1, .last = 3},
    {.name = "scan: the same, patiently", .meters = {{.address = "12345678.KAM.35.04", .primary = 1, .no_reset_ack = true, .telegrams = {ENERGY}}}, .meter_count = 1, .last = 3, .patient = true,
     .found = {"1 12345678.KAM.35.04"}},
    {.name = "scan: an empty range", .first = 5, .last = 4},
  /* clang-format on */
};

static void check_scan(void **state)
{
    const struct scan_row *row = *state;
    static struct bus bus;
    static struct hyp_mbus_scan scan;
    struct bus_meter meters[4];
    struct hyp_mbus_found items[8];
    struct hyp_mbus_link link;
    memcpy(meters, row->meters, sizeof(meters));
    bus_init(&bus, meters, row->meter_count);
    bus.echo = row->echo;
    hyp_mbus_link_init(&link, hyp_mbus_timing_for_baud(2400), 0);
    hyp_mbus_scan_init(&scan, &link, row->first, row->last, items, HYP_ARRAY_LEN(items));
    scan.patient = row->patient;
    assert_int_equal(bus_run(&bus, &hyp_mbus_scan_ops, &scan).state, HYP_SESSION_DONE);
    assert_int_equal(hyp_mbus_scan_permille(&scan), 1000);
    size_t wanted = 0;
    for (; wanted < 4 && row->found[wanted] != NULL; wanted++) {
        char text[64];
        struct hyp_buf buf;
        assert_true(wanted < scan.findings.count);
        hyp_buf_init_fixed(&buf, text, sizeof(text));
        hyp_buf_append_fmt(&buf, "%d ", items[wanted].primary);
        format_found(&buf, &items[wanted]);
        assert_string_equal(hyp_buf_terminate(&buf), row->found[wanted]);
    }
    assert_int_equal(scan.findings.count, wanted);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, search_rows, check_search);
    TEST_ONE(&list, check_full_bus);
    TEST_ONE(&list, check_full_bus_quick);
    TEST_ONE(&list, check_full_decimal_bus);
    TEST_ONE(&list, check_full_bus_with_faults);
    TEST_ONE(&list, check_noisy_line);
    TEST_ONE(&list, check_full_list);
    TEST_ONE(&list, check_progress_grows);
    TEST_ROWS(&list, scan_rows, check_scan);
    return test_list_run(&list, "mbus_search");
}
