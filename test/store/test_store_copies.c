/* SPDX-License-Identifier: Apache-2.0 */
/* Copies: which receivers heard a telegram besides the one whose bytes are kept. */
#include "fixture.h"

#include "store/core.h"
#include "store/frames.h"

static size_t count_frames(struct test_store *t, hyp_device_id device, hyp_line_id line,
                           struct hyp_stored_frame **frames)
{
    size_t count = 0;
    assert_int_equal(
        hyp_store_frames(t->store, t->tenant, device, line, 0, 10, &t->arena, frames, &count),
        HYP_OK);
    return count;
}

static void put_copy(struct test_store *t, const struct hyp_raw_frame *of, hyp_line_id line,
                     int64_t after_ms, int16_t signal_dbm)
{
    uint8_t mark[8];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, mark, sizeof(mark));
    hyp_buf_append_le64(&out, hyp_raw_frame_mark(of->bytes, of->len));
    struct hyp_raw_frame copy = {.line = line,
                                 .device = of->device,
                                 .received.ms = of->received.ms + after_ms,
                                 .protocol = HYP_RAW_COPY,
                                 .signal_dbm = signal_dbm,
                                 .bytes = mark,
                                 .len = sizeof(mark)};
    test_put_frame(t, &copy);
}

/* "line signal, .." of those that also heard the newest frame in the lists. */
static const char *copies_of(struct test_store *t, hyp_device_id device, char out[static 128])
{
    struct hyp_stored_frame *frames;
    struct hyp_stored_frame frame;
    struct hyp_frame_copy copies[HYP_LIMIT_RECEIVERS];
    size_t count = 0;
    struct hyp_buf text;
    assert_int_equal(count_frames(t, device, (hyp_line_id){0}, &frames), 1);
    assert_int_equal(hyp_store_frame(t->store, t->tenant, frames[0].id, &t->arena, &frame),
                     HYP_OK);
    assert_int_equal(hyp_store_frame_copies(t->store, t->tenant, &frame, copies, &count),
                     HYP_OK);
    hyp_buf_init_fixed(&text, out, 128);
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append_fmt(&text, "%s%lld %d", i == 0 ? "" : ", ", (long long)copies[i].line.id,
                           copies[i].signal_dbm);
    }
    return hyp_buf_terminate(&text);
}

static void copies_stay_with_their_telegram(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    char text[128];
    hyp_device_id device = test_device(&t, "10000001");
    hyp_device_id other = test_device(&t, "10000002");
    hyp_line_id lines[3] = {test_line(&t, "a"), test_line(&t, "b"), test_line(&t, "c")};
    static const uint8_t bytes[] = "one telegram";
    struct hyp_raw_frame frame = {.line = lines[0],
                                  .device = device,
                                  .received.ms = START_MS,
                                  .protocol = HYP_RAW_WMBUS,
                                  .signal_dbm = -71,
                                  .outcome = HYP_NO_KEY,
                                  .bytes = bytes,
                                  .len = sizeof(bytes)};
    test_put_frame(&t, &frame);
    put_copy(&t, &frame, lines[2], 900, -80);
    put_copy(&t, &frame, lines[1], 300, -60);
    put_copy(&t, &frame, lines[1], 400, -50); /* the same line once more */
    put_copy(&t, &frame, lines[0], 500, -40); /* the line of the frame itself */
    put_copy(&t, &frame, lines[2], HYP_LIMIT_COPY_MS, -30);
    struct hyp_raw_frame foreign = frame;
    foreign.device = other;
    put_copy(&t, &foreign, lines[2], 100, -20);
    char wanted[128];
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, wanted, sizeof(wanted));
    hyp_buf_append_fmt(&out, "%lld -60, %lld -80", (long long)lines[1].id,
                       (long long)lines[2].id);
    hyp_buf_terminate(&out);
    assert_string_equal(copies_of(&t, device, text), wanted);
    struct hyp_stored_frame *frames;
    assert_int_equal(count_frames(&t, other, (hyp_line_id){0}, &frames), 0);
    assert_int_equal(count_frames(&t, (hyp_device_id){0}, lines[1], &frames), 0);
    /* Packed, and decoded again with a key that came later. */
    hyp_core_enter(t.store);
    assert_int_equal(hyp_frames_pack(t.store), HYP_OK);
    hyp_core_release(t.store);
    assert_string_equal(copies_of(&t, device, text), wanted);
    assert_int_equal(count_frames(&t, device, (hyp_line_id){0}, &frames), 1);
    frame.outcome = HYP_OK;
    frame.replaces = frames[0].id;
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 4711, -2);
    struct hyp_reading reading = test_reading(device, START_MS, &value, 1);
    test_put_read_frame(&t, &frame, &reading);
    assert_string_equal(copies_of(&t, device, text), wanted);
    test_store_close(&t);
    test_folder_remove(&folder);
}

int main(void)
{
    static struct test_list list;
    TEST_ONE(&list, copies_stay_with_their_telegram);
    return test_list_run(&list, "store-copies");
}
