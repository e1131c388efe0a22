/* SPDX-License-Identifier: Apache-2.0 */
/* One telegram, two receivers: kept once, with both of them. */
#include "field.h"

#define PLAIN "1E442D2C9956341268077A550000000413D22B0000426C5F2C02FD17000003"
/* Mode 5, two blocks, of a meter whose key nobody knows. */
#define LOCKED                                                                                 \
    "2E442D2C9956341268077A55002025AABBCCDDEEFF00112233445566778899AABBCCDDEEFF001122334455"   \
    "667788FF"

static const struct copies_row {
    const char *name;
    bool configured;
    const char *said;
    enum hyp_status outcome;
    size_t readings;
} rows[] = {
    {"one that is read",    true,  PLAIN,  HYP_OK,        1},
    {"one without its key", true,  LOCKED, HYP_NO_KEY,    0},
    {"one of nobody",       false, PLAIN,  HYP_NOT_FOUND, 0},
};

static void say(struct field *field, struct peer *peer, const char *said, size_t frames)
{
    peer_broadcast(peer, (const uint8_t *)said, strlen(said));
    peer_broadcast(peer, (const uint8_t *)"\n", 1);
    field_until_frames(field, frames);
}

static void check(void **state)
{
    const struct copies_row *row = *state;
    struct field *field = field_create();
    struct hyp_device device = {.id = {1},
                                .tenant = FIELD_TENANT,
                                .manufacturer = "KAM",
                                .serial = "12345699",
                                .version = 0x68,
                                .medium = 7,
                                .primary_address = -1,
                                .enabled = row->configured};
    if (row->configured) {
        assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    }
    struct peer peers[2] = {{0}};
    for (int i = 0; i < 2; i++) {
        peer_open(&peers[i], field, NULL);
        struct hyp_line line = field_line(i + 1, HYP_LINE_WMBUS_TCP, peers[i].port);
        assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
        field_until(field, peer_has_clients, &peers[i]);
    }
    say(field, &peers[0], row->said, 1);
    field_advance(field, 700);
    say(field, &peers[1], row->said, 2);
    const struct field_frame *first = &field->sink.frames[0];
    const struct field_frame *copy = &field->sink.frames[1];
    assert_int_equal(first->protocol, HYP_RAW_WMBUS);
    assert_int_equal(first->outcome, row->outcome);
    assert_int_equal(copy->protocol, HYP_RAW_COPY);
    assert_int_equal(copy->line.id, 2);
    assert_int_equal(copy->device.id, first->device.id);
    assert_int_equal(copy->received.ms, first->received.ms + 700);
    struct hyp_bytes mark = hyp_bytes_from(copy->bytes, copy->len);
    assert_int_equal(copy->len, sizeof(uint64_t));
    assert_true(hyp_bytes_le64(&mark) == hyp_raw_frame_mark(first->bytes, first->len));
    assert_int_equal(field->sink.reading_count, row->readings);
    /* Later it is another telegram. */
    field_advance(field, HYP_LIMIT_COPY_MS);
    say(field, &peers[1], row->said, 3);
    assert_int_equal(field->sink.frames[2].protocol, HYP_RAW_WMBUS);
    peer_close(&peers[0]);
    peer_close(&peers[1]);
    field_destroy(field);
}

int main(void)
{
    static struct test_list list;
    TEST_ROWS(&list, rows, check);
    return test_list_run(&list, "copies");
}
