/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A full line: 250 meters behind one converter, ten of them dead. Time is the field's own: it
 * passes only while nobody has anything to say, so a delay is what the dead have cost.
 */
#include "field.h"

#define METERS 250
#define DEAD 10
#define EVERY_MIN 15
#define PERIOD_MS (EVERY_MIN * 60000LL)
#define STEP_MS 100
/* Slots are on the quarter hour, each meter's share of the period behind it. */
#define SHARE_MAX_MS 30000
/* One attempt at a meter that keeps silent: SND_NKE and REQ_UD2, two seconds each. */
#define DEAD_COST_MS 4200

struct crowd {
    struct field *field;
    struct mbus_peer bus;
    struct meter meters[METERS];
    char ids[METERS][9];
};

static void name_meters(struct crowd *crowd, int dead)
{
    for (int i = 0; i < METERS; i++) {
        struct hyp_buf id;
        hyp_buf_init_fixed(&id, crowd->ids[i], sizeof(crowd->ids[i]));
        hyp_buf_append_fmt(&id, "%08d", 10000000 + i);
        hyp_buf_terminate(&id);
        /* The dead are spread over the line. */
        bool is_dead = dead > 0 && i % (METERS / dead) == 0;
        crowd->meters[i] = (struct meter){.primary = i + 1,
                                          .id = crowd->ids[i],
                                          .manufacturer = 0x2C2D,
                                          .version = 53,
                                          .medium = 4,
                                          .kwh = (uint32_t)(1000 + i),
                                          .manner = is_dead ? METER_SILENT : METER_GOOD};
    }
}

static void open_crowd(struct crowd *crowd, int dead)
{
    *crowd = (struct crowd){.field = field_create()};
    name_meters(crowd, dead);
    mbus_open(&crowd->bus, crowd->field, crowd->meters, METERS);
    struct hyp_line line = field_line(1, HYP_LINE_MBUS_TCP, crowd->bus.peer.port);
    line.retries = 1;
    assert_int_equal(hyp_collector_set_line(crowd->field->collector, &line), HYP_OK);
    for (int i = 0; i < METERS; i++) {
        struct hyp_device device = {
            .id = {i + 1},
            .tenant = FIELD_TENANT,
            .line = {                          1    },
            .version = 53,
            .medium = 4,
            .primary_address = (int16_t)(i + 1),
            .schedule = { .kind = HYP_SCHEDULE_EVERY,     .minutes = EVERY_MIN},
            .enabled = true,
        };
        hyp_text_copy(device.serial, sizeof(device.serial), hyp_str_from(crowd->ids[i]));
        assert_int_equal(hyp_collector_set_device(crowd->field->collector, &device), HYP_OK);
    }
}

static void close_crowd(struct crowd *crowd)
{
    peer_close(&crowd->bus.peer);
    field_destroy(crowd->field);
}

/* Lets time pass until the end of a period, counted from the first slot. */
static void pass_until(struct crowd *crowd, hyp_utc end)
{
    while (hyp_clock_utc(&crowd->field->clock.clock).ms < end.ms) {
        field_settle(crowd->field);
        field_advance(crowd->field, STEP_MS);
    }
}

struct delays {
    size_t readings;
    int64_t longest_ms; /* behind the slot */
    int64_t sum_ms;
};

/* The readings of the period that begins with the slot. */
static struct delays read_period(struct crowd *crowd, hyp_utc slot)
{
    struct delays delays = {0};
    size_t before = crowd->field->sink.reading_count;
    pass_until(crowd, (hyp_utc){slot.ms + PERIOD_MS - STEP_MS});
    bool seen[METERS + 1] = {false};
    for (size_t i = before; i < crowd->field->sink.reading_count; i++) {
        const struct field_reading *reading = &crowd->field->sink.readings[i];
        int64_t delay = reading->receive_time.ms - slot.ms;
        assert_false(seen[reading->device.id]); /* once a period, no more */
        seen[reading->device.id] = true;
        delays.readings++;
        delays.longest_ms = HYP_MAX(delays.longest_ms, delay);
        delays.sum_ms += delay;
    }
    return delays;
}

static void every_reading_is_its_own_meters(const struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->field->sink.reading_count; i++) {
        const struct field_reading *reading = &crowd->field->sink.readings[i];
        char kwh[16];
        struct hyp_buf text;
        hyp_buf_init_fixed(&text, kwh, sizeof(kwh));
        hyp_buf_append_i64(&text, 1000 + reading->device.id - 1);
        field_assert_decimal(reading, "energy", hyp_buf_terminate(&text));
    }
}

static const struct crowd_row {
    const char *name;
    int dead;
} crowd_rows[] = {
    {"250 meters, all well", 0   },
    {"250 meters, 10 dead",  DEAD},
};

static void check_crowd(void **state)
{
    const struct crowd_row *row = *state;
    struct crowd crowd;
    open_crowd(&crowd, row->dead);
    size_t well = (size_t)(METERS - row->dead);
    hyp_utc slot = {FIELD_START_MS + 8 * 60000};      /* 10:15 */
    pass_until(&crowd, (hyp_utc){slot.ms - STEP_MS}); /* the round of new devices */
    assert_int_equal(crowd.field->sink.reading_count, well);
    for (int period = 0; period < 6; period++) {
        struct delays delays = read_period(&crowd, slot);
        print_message("# %s, period %d: %zu readings, mean delay %lld ms, longest %lld ms\n",
                      row->name, period, delays.readings,
                      (long long)(delays.sum_ms / (int64_t)delays.readings),
                      (long long)delays.longest_ms);
        assert_int_equal(delays.readings, well);
        /* Whoever is in the way is so once, and not behind another one of its kind. */
        int64_t cost = row->dead == 0 ? 0 : DEAD_COST_MS;
        assert_true(delays.longest_ms <= SHARE_MAX_MS + cost + 10LL * STEP_MS);
        slot.ms += PERIOD_MS;
    }
    every_reading_is_its_own_meters(&crowd);
    for (int i = 0; i < METERS; i++) {
        bool is_dead = crowd.meters[i].manner == METER_SILENT;
        struct hyp_device_state device = field_device_state(crowd.field, i + 1);
        assert_int_equal(device.backing_off, is_dead);
        assert_int_equal(device.comm.failures_in_row > 0, is_dead);
    }
    close_crowd(&crowd);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, crowd_rows, check_crowd);
    return test_list_run(&list, "crowd");
}
