/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search of a full master over a real connection: 250 meters with consecutive numbers,
 * digits A to E, numbers that two makers gave twice, some that take their time and some that
 * never answer, behind a converter that sends back what it hears. The bytes go through the
 * kernel; time is the test's own and passes only when none of them is under way, so that the
 * hour this takes in a cellar is over in seconds, on a slow machine too.
 */
#include "field.h"

#include "support/mbus_bus.h"

#include <fcntl.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#define METERS 250
#define FIRST_NUMBER 68300000u
#define STEP_MS 250
#define TIMEOUT_MS 500
#define SLOW_MS 200

struct crowd {
    struct field *field;
    struct peer peer; /* the converter on TCP */
    int master;       /* or the far end of the port */
    int slave;
    char path[128];
    struct bus bus;
    struct bus_meter meters[METERS];
    char addresses[METERS][24];
    char energies[METERS][16];
    uint8_t heard[HYP_MBUS_FRAME_MAX];
    size_t heard_len;
    uint8_t answer[BUS_ANSWER_MAX]; /* on its way */
    size_t answer_len;
    int64_t answer_at;
    uint64_t read; /* bytes that came out of the line, in all */
    uint64_t written;
};

/* --- who is there --- */

static bool is_dead(unsigned i)
{
    return i % 25 == 5;
}

static bool is_twin(unsigned i)
{
    return i % 120 == 11; /* the number of the one before, of another maker */
}

static void write_address(struct crowd *crowd, unsigned i)
{
    struct hyp_buf text;
    unsigned k = is_twin(i) ? i - 1 : i;
    hyp_buf_init_fixed(&text, crowd->addresses[i], sizeof(crowd->addresses[i]));
    if (k % 10 == 3) {
        unsigned n = k / 10;
        hyp_buf_append_fmt(&text, "00149A%X%X", n / 15, n % 15); /* F would be any digit */
    } else {
        hyp_buf_append_fmt(&text, "%08u", FIRST_NUMBER + 7 * k);
    }
    hyp_buf_append_fmt(&text, ".%s.35.04", is_twin(i) ? "DFS" : "KAM");
    hyp_buf_terminate(&text);
}

static void name_meters(struct crowd *crowd)
{
    for (unsigned i = 0; i < METERS; i++) {
        struct hyp_buf text;
        write_address(crowd, i);
        hyp_buf_init_fixed(&text, crowd->energies[i], sizeof(crowd->energies[i]));
        hyp_buf_append_fmt(&text, "0406%02X%02X0000", i & 0xFF, (i >> 8) + 0x10);
        hyp_buf_terminate(&text);
        crowd->meters[i] = (struct bus_meter){
            .address = crowd->addresses[i],
            .primary = i % 3 == 0 ? 0 : (uint8_t)(i + 1),
            .telegrams = {crowd->energies[i]},
            .silent = is_dead(i),
            .delay_ms = i % 20 == 7 ? SLOW_MS : 0,
        };
    }
}

/* --- the line --- */

static void on_request(struct peer_client *client, const uint8_t *bytes, size_t len)
{
    struct crowd *crowd = client->peer->user;
    assert_true(crowd->heard_len + len <= sizeof(crowd->heard));
    memcpy(crowd->heard + crowd->heard_len, bytes, len);
    crowd->heard_len += len;
    crowd->read += len;
}

static void listen_to_port(struct crowd *crowd)
{
    ssize_t got = crowd->master < 0 ? 0
                                    : read(crowd->master, crowd->heard + crowd->heard_len,
                                           sizeof(crowd->heard) - crowd->heard_len);
    crowd->heard_len += got > 0 ? (size_t)got : 0;
    crowd->read += got > 0 ? (size_t)got : 0;
}

static void say(struct crowd *crowd, const uint8_t *bytes, size_t len)
{
    if (crowd->master < 0) {
        peer_broadcast(&crowd->peer, bytes, len);
    } else {
        assert_int_equal(write(crowd->master, bytes, len), len);
    }
    crowd->written += len;
}

static hyp_mono now(const struct crowd *crowd)
{
    return hyp_clock_mono(&crowd->field->clock.clock);
}

/* The time the fastest of those takes that have something to say. */
static uint32_t delay_of(const struct bus *bus)
{
    uint32_t delay = UINT32_MAX;
    for (size_t i = 0; i < bus->count; i++) {
        delay = bus->says_len[i] > 0 ? HYP_MIN(delay, bus->meters[i].delay_ms) : delay;
    }
    return delay == UINT32_MAX ? 0 : delay;
}

static void take_request(struct crowd *crowd)
{
    struct hyp_mbus_frame frame;
    if (crowd->heard_len == 0 ||
        hyp_mbus_frame_parse(crowd->heard, crowd->heard_len, &frame, NULL) != HYP_OK) {
        return;
    }
    say(crowd, crowd->heard, crowd->heard_len); /* the echo */
    const uint8_t *answer =
        bus_hear(&crowd->bus, crowd->heard, crowd->heard_len, &crowd->answer_len);
    memcpy(crowd->answer, answer, crowd->answer_len);
    crowd->answer_at = now(crowd).ms + delay_of(&crowd->bus);
    crowd->heard_len = 0;
}

static void step(struct crowd *crowd)
{
    struct hyp_line_state line;
    do {
        listen_to_port(crowd);
        take_request(crowd);
        if (crowd->answer_len > 0 && crowd->answer_at <= now(crowd).ms) {
            size_t len = crowd->answer_len;
            crowd->answer_len = 0;
            say(crowd, crowd->answer, len);
        }
        field_settle(crowd->field);
        line = field_line_state(crowd->field, 1);
    } while (crowd->read < line.bytes_out || line.bytes_in < crowd->written ||
             crowd->heard_len > 0);
    field_advance(crowd->field, STEP_MS);
}

static struct hyp_job finish(struct crowd *crowd, hyp_job_id id)
{
    struct hyp_job job;
    assert_int_equal(hyp_collector_job(crowd->field->collector, id, &job), HYP_OK);
    while (job.state != HYP_JOB_DONE && job.state != HYP_JOB_DONE_WITH_ERRORS &&
           job.state != HYP_JOB_ERROR) {
        step(crowd);
        assert_int_equal(hyp_collector_job(crowd->field->collector, id, &job), HYP_OK);
    }
    return job;
}

static struct hyp_line open_port(struct crowd *crowd)
{
    struct termios settings;
    assert_int_equal(openpty(&crowd->master, &crowd->slave, crowd->path, NULL, NULL), 0);
    tcgetattr(crowd->slave, &settings);
    cfmakeraw(&settings);
    tcsetattr(crowd->slave, TCSANOW, &settings);
    fcntl(crowd->master, F_SETFL, O_NONBLOCK);
    struct hyp_line line = field_line(1, HYP_LINE_MBUS_SERIAL, 0);
    hyp_text_copy(line.path, sizeof(line.path), hyp_str_from(crowd->path));
    line.baud = 2400;
    line.parity = 'N'; /* pseudo terminals know no parity */
    return line;
}

static void crowd_open(struct crowd *crowd, enum hyp_line_kind kind)
{
    memset(crowd, 0, sizeof(*crowd));
    crowd->field = field_create();
    crowd->master = -1;
    name_meters(crowd);
    bus_init(&crowd->bus, crowd->meters, METERS);
    struct hyp_line line;
    if (kind == HYP_LINE_MBUS_SERIAL) {
        line = open_port(crowd);
    } else {
        peer_open(&crowd->peer, crowd->field, on_request);
        crowd->peer.user = crowd;
        line = field_line(1, HYP_LINE_MBUS_TCP, crowd->peer.port);
    }
    line.timeout_ms = TIMEOUT_MS;
    line.retries = 1;
    assert_int_equal(hyp_collector_set_line(crowd->field->collector, &line), HYP_OK);
}

static void crowd_close(struct crowd *crowd)
{
    if (crowd->master < 0) {
        peer_close(&crowd->peer);
        field_destroy(crowd->field);
        return;
    }
    field_destroy(crowd->field);
    close(crowd->master);
    close(crowd->slave);
}

/* --- found, adopted, read --- */

/* Place of a meter by what was found of it; METERS when there is none like that. */
static unsigned place_of(const struct crowd *crowd, const struct hyp_found_device *found)
{
    char text[24];
    struct hyp_buf address;
    hyp_buf_init_fixed(&address, text, sizeof(text));
    hyp_buf_append_fmt(&address, "%s.%s.%02X.%02X", found->meter.id, found->meter.manufacturer,
                       found->meter.version, found->meter.medium);
    hyp_buf_terminate(&address);
    unsigned i = 0;
    while (i < METERS && strcmp(crowd->addresses[i], text) != 0) {
        i++;
    }
    return i;
}

static size_t search(struct crowd *crowd, struct hyp_found_device *found)
{
    const struct hyp_scan scan = {.line = {1}, .secondary = true, .thorough = true};
    hyp_job_id id;
    assert_int_equal(hyp_collector_scan(crowd->field->collector, &scan, &id, NULL), HYP_OK);
    struct hyp_job job = finish(crowd, id);
    assert_int_equal(job.state, HYP_JOB_DONE);
    assert_int_equal(job.done, job.total);
    return hyp_collector_found(crowd->field->collector, id, found, METERS + 1);
}

static void check_found(const struct crowd *crowd, const struct hyp_found_device *found,
                        size_t count)
{
    bool seen[METERS] = {false};
    for (size_t i = 0; i < count; i++) {
        unsigned place = place_of(crowd, &found[i]);
        assert_int_equal(found[i].trouble, HYP_FOUND_FINE);
        assert_in_range(place, 0, METERS - 1);
        assert_false(seen[place] || is_dead(place));
        seen[place] = true;
    }
    for (unsigned i = 0; i < METERS; i++) {
        if (!seen[i] && !is_dead(i)) {
            fail_msg("%s was not found", crowd->addresses[i]);
        }
    }
}

/* All that were found become devices, as the search has named them. */
static void adopt(struct crowd *crowd, const struct hyp_found_device *found, size_t count,
                  hyp_device_id *ret_devices)
{
    for (size_t i = 0; i < count; i++) {
        struct hyp_device device = {
            .id = {place_of(crowd, &found[i]) + 1},
            .tenant = FIELD_TENANT,
            .line = found[i].line,
            .version = found[i].meter.version,
            .medium = found[i].meter.medium,
            .primary_address = -1,
            .secondary = true,
            .schedule = {.kind = HYP_SCHEDULE_NONE},
            .enabled = true,
        };
        hyp_text_copy(device.serial, sizeof(device.serial), hyp_str_from(found[i].meter.id));
        hyp_text_copy(device.manufacturer, sizeof(device.manufacturer),
                      hyp_str_from(found[i].meter.manufacturer));
        hyp_text_copy(device.profile, sizeof(device.profile), hyp_str_from(found[i].profile));
        assert_int_equal(hyp_collector_set_device(crowd->field->collector, &device), HYP_OK);
        ret_devices[i] = device.id;
    }
}

/* Every meter once, each with its own counter. */
static void check_readings(const struct crowd *crowd, size_t count)
{
    const struct field_sink *sink = &crowd->field->sink;
    bool seen[METERS] = {false};
    assert_int_equal(sink->reading_count, count);
    for (size_t i = 0; i < count; i++) {
        unsigned place = (unsigned)sink->readings[i].device.id - 1;
        char text[16];
        struct hyp_buf value;
        hyp_buf_init_fixed(&value, text, sizeof(text));
        hyp_buf_append_u64(&value, place + 0x1000u);
        assert_in_range(place, 0, METERS - 1);
        assert_false(seen[place]);
        seen[place] = true;
        field_assert_decimal(&sink->readings[i], "energy", hyp_buf_terminate(&value));
    }
}

static void a_crowd_is_found_adopted_and_read(void **state)
{
    static struct crowd crowd;
    static struct hyp_found_device found[METERS + 1];
    hyp_device_id devices[METERS];
    crowd_open(&crowd, *(const enum hyp_line_kind *)*state);
    size_t count = search(&crowd, found);
    print_message("# %zu found with %zu requests in %lld s of the line's time\n", count,
                  crowd.bus.requests,
                  (long long)(hyp_clock_utc(&crowd.field->clock.clock).ms - FIELD_START_MS) /
                      1000);
    check_found(&crowd, found, count);
    adopt(&crowd, found, count, devices);
    hyp_job_id id;
    assert_int_equal(hyp_collector_read(crowd.field->collector, devices, count,
                                        HYP_PRIORITY_MANUAL, &id, NULL),
                     HYP_OK);
    struct hyp_job job = finish(&crowd, id);
    assert_string_equal(job.text, "");
    assert_int_equal(job.state, HYP_JOB_DONE);
    assert_int_equal(job.done, count);
    check_readings(&crowd, count);
    crowd_close(&crowd);
}

int main(void)
{
    static const enum hyp_line_kind tcp = HYP_LINE_MBUS_TCP;
    static const enum hyp_line_kind serial = HYP_LINE_MBUS_SERIAL;
    static struct test_list list;
    test_list_add(&list, "250 meters behind a TCP converter", a_crowd_is_found_adopted_and_read,
                  &tcp);
    test_list_add(&list, "250 meters on a serial port", a_crowd_is_found_adopted_and_read,
                  &serial);
    return test_list_run(&list, "search");
}
