/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that are listened to: concentrators by TCP both ways, UDP, the drop folder. */
#include "caller.h"
#include "program.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Mode 0, plain: water meter KAM 12345699, version 0x68, medium 7; 11.218 m3. */
#define TELEGRAM "1E442D2C9956341268077A550000000413D22B0000426C5F2C02FD17000003"

static struct hyp_device water_meter(int64_t id)
{
    return (struct hyp_device){.id = {id},
                               .tenant = FIELD_TENANT,
                               .manufacturer = "KAM",
                               .serial = "12345699",
                               .version = 0x68,
                               .medium = 7,
                               .primary_address = -1,
                               .enabled = true};
}

static struct field *create_with_meter(void)
{
    struct field *field = field_create();
    struct hyp_device device = water_meter(1);
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    return field;
}

static struct hyp_ear *ear_of(struct field *field, int64_t line)
{
    struct hyp_wire *wire = hyp_collector_wire(field->collector, (hyp_line_id){line});
    assert_non_null(wire);
    return HYP_CONTAINER_OF(wire, struct hyp_ear, wire);
}

static void assert_reading(const struct field *field, size_t index)
{
    assert_int_equal(field->sink.readings[index].device.id, 1);
    field_assert_decimal(&field->sink.readings[index], "volume", "11.218");
}

/* --- TCP: we connect --- */

static bool is_listed_connected(struct field *field, void *argument)
{
    (void)argument;
    return field_line_state(field, 1).link == HYP_LINK_CONNECTED;
}

static void concentrator_we_connect_to(void **state)
{
    (void)state;
    struct field *field = create_with_meter();
    struct peer peer = {0};
    peer_open(&peer, field, NULL);
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_TCP, peer.port);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    field_until(field, is_listed_connected, NULL);
    field_until(field, peer_has_clients, &peer);
    peer_broadcast(&peer, (const uint8_t *)TELEGRAM "\r\n", sizeof(TELEGRAM) + 1);
    field_until_readings(field, 1);
    assert_reading(field, 0);
    struct hyp_device_state device = field_device_state(field, 1);
    assert_int_equal(device.comm.successes, 1);
    struct hyp_line_state line_state = field_line_state(field, 1);
    assert_int_equal(line_state.frames_in, 1);
    assert_int_equal(line_state.clients, 1);
    /* The same telegram over a repeater is not a second reading. */
    peer_broadcast(&peer, (const uint8_t *)TELEGRAM "\n", sizeof(TELEGRAM));
    while (field_line_state(field, 1).frames_in < 2) {
        hyp_loop_step(field->loop, true);
    }
    assert_int_equal(field->sink.reading_count, 1);
    assert_int_equal(field_device_state(field, 1).comm.successes, 1);
    peer_close(&peer);
    field_destroy(field);
}

static void a_lost_concentrator_is_connected_to_again(void **state)
{
    (void)state;
    struct field *field = create_with_meter();
    struct peer peer = {0};
    peer_open(&peer, field, NULL);
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_TCP, peer.port);
    hyp_text_copy(line.host, sizeof(line.host), HYP_STR("localhost")); /* a name */
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    field_until(field, peer_has_clients, &peer);
    field_until(field, is_listed_connected, NULL);
    peer_broadcast(&peer, (const uint8_t *)TELEGRAM, 20); /* half of one */
    while (field_line_state(field, 1).bytes_in < 20) {
        hyp_loop_step(field->loop, true);
    }
    peer_drop(peer.clients);
    while (field_line_state(field, 1).link != HYP_LINK_FAILED) {
        hyp_loop_step(field->loop, true);
    }
    assert_int_equal(field_line_state(field, 1).comm.last_status, HYP_CLOSED);
    field_advance(field, 2000);
    field_until(field, peer_has_clients, &peer);
    field_until(field, is_listed_connected, NULL);
    peer_broadcast(&peer, (const uint8_t *)TELEGRAM "\n", sizeof(TELEGRAM));
    field_until_readings(field, 1); /* the half before does not spoil it */
    assert_int_equal(field_line_state(field, 1).comm.failures_in_row, 0);
    peer_close(&peer);
    field_destroy(field);
}

static void a_concentrator_that_is_not_there_is_tried_with_growing_pauses(void **state)
{
    (void)state;
    struct field *field = create_with_meter();
    uint16_t port = (uint16_t)program_free_port();
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_TCP, port);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    int64_t pauses[6];
    for (size_t i = 0; i < HYP_ARRAY_LEN(pauses); i++) {
        while (field_line_state(field, 1).comm.failures_in_row <= i) {
            hyp_loop_step(field->loop, true);
        }
        struct hyp_ear *ear = ear_of(field, 1);
        pauses[i] = ear->timer.due_ms - hyp_loop_now(field->loop).ms;
        field_advance(field, pauses[i]);
    }
    assert_in_range(pauses[0], 700, 1300);
    assert_in_range(pauses[5], 20000, 45000);
    assert_non_null(strstr(field_line_state(field, 1).comm.last_error, "refused"));
    field_destroy(field);
}

/* --- TCP: they connect --- */

static void concentrators_that_connect_to_us(void **state)
{
    (void)state;
    struct field *field = create_with_meter();
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_TCP_LISTEN, 0);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    assert_int_equal(field_line_state(field, 1).link, HYP_LINK_LISTENING);
    uint16_t port = hyp_ear_port(ear_of(field, 1));
    struct caller callers[3];
    for (size_t i = 0; i < HYP_ARRAY_LEN(callers); i++) {
        caller_open(&callers[i], field, port);
    }
    while (field_line_state(field, 1).clients < 3) {
        hyp_loop_step(field->loop, true);
    }
    /* Halves of two clients do not mix. */
    caller_say(&callers[0], TELEGRAM, 30);
    caller_say(&callers[1], TELEGRAM, 30);
    while (field_line_state(field, 1).bytes_in < 60) {
        hyp_loop_step(field->loop, true);
    }
    caller_say(&callers[0], &TELEGRAM[30], sizeof(TELEGRAM) - 31);
    caller_say(&callers[0], "\n", 1);
    field_until_readings(field, 1);
    assert_reading(field, 0);
    caller_close(&callers[1], field);
    while (field_line_state(field, 1).clients > 2) {
        hyp_loop_step(field->loop, true);
    }
    hyp_collector_remove_line(field->collector, (hyp_line_id){1});
    caller_close(&callers[0], field);
    caller_close(&callers[2], field);
    field_destroy(field);
}

static void a_taken_port_is_waited_for(void **state)
{
    (void)state;
    struct field *field = create_with_meter();
    struct peer peer = {0};
    peer_open_at(&peer, field, NULL, (uint16_t)program_free_port());
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_TCP_LISTEN, peer.port);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct hyp_line_state failed = field_line_state(field, 1);
    assert_int_equal(failed.link, HYP_LINK_FAILED);
    assert_non_null(strstr(failed.comm.last_error, "in use"));
    peer_close(&peer);
    field_advance(field, 2000);
    field_settle(field);
    assert_int_equal(field_line_state(field, 1).link, HYP_LINK_LISTENING);
    line.host[0] = '?';
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    assert_non_null(strstr(field_line_state(field, 1).comm.last_error, "no address"));
    field_destroy(field);
}

/* --- UDP --- */

static void telegrams_by_datagram(void **state)
{
    (void)state;
    struct field *field = create_with_meter();
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_UDP_LISTEN, 0);
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", hyp_ear_port(ear_of(field, 1)), &address);
    uv_udp_t socket;
    uv_udp_init(&field->loop->uv, &socket);
    uint8_t bytes[64];
    size_t len = 0;
    assert_int_equal(hyp_hex_decode(HYP_STR(TELEGRAM), bytes, sizeof(bytes), &len, NULL),
                     HYP_OK);
    uv_buf_t noise = uv_buf_init((char[]){"hello"}, 5);
    uv_buf_t half = uv_buf_init((char *)bytes, (unsigned)len / 2);
    uv_buf_t whole = uv_buf_init((char *)bytes, (unsigned)len);
    uv_udp_try_send(&socket, &noise, 1, (const struct sockaddr *)&address);
    uv_udp_try_send(&socket, &half, 1, (const struct sockaddr *)&address);
    uv_udp_try_send(&socket, &whole, 1, (const struct sockaddr *)&address);
    field_until_readings(field, 1);
    assert_reading(field, 0);
    assert_int_equal(field_line_state(field, 1).frames_refused, 2);
    uv_close((uv_handle_t *)&socket, NULL);
    field_settle(field);
    field_destroy(field);
}

/* --- drop folder --- */

struct drop {
    struct program scratch; /* only its folder */
    struct field *field;
};

static void drop_open(struct drop *drop)
{
    program_prepare(&drop->scratch);
    drop->field = create_with_meter();
    struct hyp_line line = field_line(1, HYP_LINE_DROP_FOLDER, 0);
    hyp_text_copy(line.path, sizeof(line.path), hyp_str_from(drop->scratch.folder));
    hyp_text_copy(line.name, sizeof(line.name), HYP_STR("inbox"));
    assert_int_equal(hyp_collector_set_line(drop->field->collector, &line), HYP_OK);
    assert_int_equal(field_line_state(drop->field, 1).link, HYP_LINK_LISTENING);
}

static void drop_close(struct drop *drop)
{
    field_destroy(drop->field);
    program_stop(&drop->scratch);
}

static void write_file(struct drop *drop, const char *name, const char *text)
{
    FILE *file = fopen(program_path(&drop->scratch, name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

static bool has_file(struct drop *drop, const char *name)
{
    return access(program_path(&drop->scratch, name), F_OK) == 0;
}

/* Lets time pass until the file is there. */
static void until_file(struct drop *drop, const char *name)
{
    while (!has_file(drop, name)) {
        field_advance(drop->field, 100);
        field_settle(drop->field);
    }
}

static void read_file(struct drop *drop, const char *name, char *out, size_t size)
{
    FILE *file = fopen(program_path(&drop->scratch, name), "r");
    assert_non_null(file);
    size_t len = fread(out, 1, size - 1, file);
    out[len] = '\0';
    fclose(file);
}

static void good_files_are_done(void **state)
{
    (void)state;
    struct drop drop;
    drop_open(&drop);
    write_file(&drop, "a.txt", "# from the field\n2026-01-10T00:00:00Z radio " TELEGRAM "\n");
    until_file(&drop, "done/a.txt");
    assert_false(has_file(&drop, "a.txt"));
    assert_int_equal(drop.field->sink.reading_count, 1);
    assert_reading(drop.field, 0);
    const struct field_reading *reading = &drop.field->sink.readings[0];
    assert_int_equal(reading->source, HYP_SOURCE_FILE);
    assert_int_equal(reading->receive_time.ms, 1768003200000);
    /* The same name again gets a number. */
    write_file(&drop, "a.txt", TELEGRAM "\n");
    until_file(&drop, "done/a.txt.1");
    assert_int_equal(drop.field->sink.reading_count, 2);
    assert_int_equal(field_line_state(drop.field, 1).comm.last_status, HYP_OK);
    drop_close(&drop);
}

struct bad_row {
    const char *name;
    const char *text;
    const char *reason;
    size_t readings;
};

static const struct bad_row bad_rows[] = {
    {"no telegrams",   "# nothing\n\n",                                                    "no telegrams", 0},
    {"garbage",        "hello world\n",                                                    "line 1",       0},
    {"bad time",       "2026-13-10T00:00:00Z radio " TELEGRAM "\n",                        "is no time",   0},
    {"two parts",      "2026-01-10T00:00:00Z " TELEGRAM "\n",                              "three parts",  0},
    {"partly bad",     TELEGRAM "\n\nzz\n",                                                "line 3",       1},
    {"nobody's meter", "1E442D2C9956341269077A550000000413D22B0000426C5F2C02FD17000003\n",
     "configured",                                                                                         0},
};

static void check_bad_file(void **state)
{
    const struct bad_row *row = *state;
    struct drop drop;
    drop_open(&drop);
    write_file(&drop, "b.txt", row->text);
    until_file(&drop, "failed/b.txt.reason");
    assert_true(has_file(&drop, "failed/b.txt"));
    char reason[512];
    read_file(&drop, "failed/b.txt.reason", reason, sizeof(reason));
    if (strstr(reason, row->reason) == NULL) {
        fail_msg("the reason is: %s", reason);
    }
    assert_int_equal(drop.field->sink.reading_count, row->readings);
    assert_int_equal(field_line_state(drop.field, 1).comm.failures_in_row, 1);
    drop_close(&drop);
}

static void files_still_being_written_are_left_alone(void **state)
{
    (void)state;
    struct drop drop;
    drop_open(&drop);
    write_file(&drop, "c.tmp", TELEGRAM "\n");
    write_file(&drop, "c.part", TELEGRAM "\n");
    write_file(&drop, ".hidden", TELEGRAM "\n");
    /* One that grows while it is looked at is taken when it has come to rest. */
    write_file(&drop, "d.txt", TELEGRAM);
    for (int i = 0; i < 5; i++) {
        field_settle(drop.field);
        field_advance(drop.field, 300);
        FILE *file = fopen(program_path(&drop.scratch, "d.txt"), "a");
        fprintf(file, "\n# more %d", i);
        fclose(file);
    }
    assert_true(has_file(&drop, "d.txt"));
    until_file(&drop, "done/d.txt");
    assert_int_equal(drop.field->sink.reading_count, 1);
    assert_true(has_file(&drop, "c.tmp"));
    assert_true(has_file(&drop, "c.part"));
    assert_true(has_file(&drop, ".hidden"));
    /* Renamed into place, as careful programs do. */
    char from[512];
    program_text(from, sizeof(from), "%s", program_path(&drop.scratch, "c.tmp"));
    assert_int_equal(rename(from, program_path(&drop.scratch, "c.txt")), 0);
    until_file(&drop, "done/c.txt");
    drop_close(&drop);
}

static void many_files_are_taken_in_order(void **state)
{
    (void)state;
    struct drop drop;
    drop_open(&drop);
    for (int i = 9; i >= 0; i--) {
        char name[32];
        char text[256];
        program_text(name, sizeof(name), "%02d.txt", i);
        program_text(text, sizeof(text), "2026-01-10T00:00:%02dZ radio %s\n", i * 5, TELEGRAM);
        /* The seconds differ by less than repeated telegrams may: another access number. */
        text[27 + 30] = (char)('0' + i);
        write_file(&drop, name, text);
    }
    until_file(&drop, "done/09.txt");
    assert_int_equal(drop.field->sink.reading_count, 10);
    for (size_t i = 1; i < 10; i++) {
        assert_true(drop.field->sink.readings[i].receive_time.ms >
                    drop.field->sink.readings[i - 1].receive_time.ms);
    }
    drop_close(&drop);
}

static void a_file_waits_for_the_commit(void **state)
{
    (void)state;
    struct drop drop;
    drop_open(&drop);
    drop.field->sink.hold = true;
    write_file(&drop, "e.txt", TELEGRAM "\n");
    while (drop.field->sink.held_count == 0) {
        field_advance(drop.field, 100);
        field_settle(drop.field);
    }
    assert_true(has_file(&drop, "e.txt"));
    assert_false(has_file(&drop, "done/e.txt"));
    field_sink_release(drop.field, HYP_OK);
    until_file(&drop, "done/e.txt");
    drop_close(&drop);
}

static void a_missing_folder_is_named(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_line line = field_line(1, HYP_LINE_DROP_FOLDER, 0);
    hyp_text_copy(line.path, sizeof(line.path), HYP_STR("/tmp/hyp-no-such-folder"));
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct hyp_line_state failed = field_line_state(field, 1);
    assert_int_equal(failed.link, HYP_LINK_FAILED);
    assert_non_null(strstr(failed.comm.last_error, "/tmp/hyp-no-such-folder"));
    field_destroy(field);
}

static void what_was_heard_before_a_restart_is_known_of_the_line(void **state)
{
    (void)state;
    struct field *field = field_create();
    struct hyp_line line = field_line(1, HYP_LINE_WMBUS_TCP, 1);
    line.enabled = false;
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct hyp_device device = water_meter(7);
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    const struct hyp_reception_state before = {
        .device = {7                                                                             },
        .telegrams = 3,
        .count = 2,
        .by = { {.line = {1}, .telegrams = 3, .of = 3, .last_heard = {FIELD_START_MS - 60000}},
                   {.line = {2}, .telegrams = 3, .of = 3, .last_heard = {FIELD_START_MS - 50000}}},
    };
    hyp_collector_restore_reception(field->collector, &before);
    assert_int_equal(field_line_state(field, 1).comm.last_success.ms, FIELD_START_MS - 60000);
    field_destroy(field);
}

int main(void)
{
    static struct test_list list;
    TEST_ONE(&list, concentrator_we_connect_to);
    TEST_ONE(&list, a_lost_concentrator_is_connected_to_again);
    TEST_ONE(&list, a_concentrator_that_is_not_there_is_tried_with_growing_pauses);
    TEST_ONE(&list, concentrators_that_connect_to_us);
    TEST_ONE(&list, a_taken_port_is_waited_for);
    TEST_ONE(&list, telegrams_by_datagram);
    TEST_ONE(&list, good_files_are_done);
    TEST_ROWS(&list, bad_rows, check_bad_file);
    TEST_ONE(&list, files_still_being_written_are_left_alone);
    TEST_ONE(&list, many_files_are_taken_in_order);
    TEST_ONE(&list, a_file_waits_for_the_commit);
    TEST_ONE(&list, a_missing_folder_is_named);
    TEST_ONE(&list, what_was_heard_before_a_restart_is_known_of_the_line);
    return test_list_run(&list, "listen");
}
