/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw frames: kept with their readings, packed, limited, found again.
 */
#include "fixture.h"

#include "base/rng.h"
#include "store/core.h"
#include "store/frames.h"
#include "store/intake.h"

#define FRAME_BYTES 200

static uint8_t frame_bytes[FRAME_BYTES];

/* A frame whose bytes say which one it is. */
static struct hyp_raw_frame make_frame(hyp_line_id line, hyp_device_id device, int64_t number)
{
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, frame_bytes, sizeof(frame_bytes));
    hyp_buf_append_fmt(&out, "68 frame %lld of device %lld ", (long long)number,
                       (long long)device.id);
    while (out.len < FRAME_BYTES) {
        hyp_buf_append_char(&out, 'x');
    }
    return (struct hyp_raw_frame){.line = line,
                                  .device = device,
                                  .received.ms = START_MS + number * 1000,
                                  .protocol = HYP_RAW_WMBUS,
                                  .signal_dbm = -71,
                                  .outcome = HYP_OK,
                                  .bytes = frame_bytes,
                                  .len = FRAME_BYTES};
}

/* One reading that came from one frame. */
static void put_read_frame(struct test_store *t, hyp_device_id device, int64_t number)
{
    struct hyp_raw_frame frame = make_frame((hyp_line_id){0}, device, number);
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, number, -2);
    struct hyp_reading reading = test_reading(device, START_MS + number * 1000, &value, 1);
    test_put_read_frame(t, &frame, &reading);
}

static size_t list_frames(struct test_store *t, hyp_device_id device, hyp_line_id line,
                          size_t offset, size_t limit, struct hyp_stored_frame **frames)
{
    size_t count = 0;
    assert_int_equal(hyp_store_frames(t->store, t->tenant, device, line, offset, limit,
                                      &t->arena, frames, &count),
                     HYP_OK);
    return count;
}

/* --- sent again --- */

static enum hyp_status put_unread(struct test_store *t, const struct hyp_raw_frame *frame)
{
    struct hyp_batch batch = {.frames = frame, .frame_count = 1};
    return test_submit(t->store, &batch);
}

/* A restart hides whether a batch was committed: what then comes again is there once, and
 * whatever differs is another frame. */
static void a_frame_without_readings_that_comes_again_is_kept_once(void **state)
{
    (void)state;
    struct test_folder folder;
    struct test_store t;
    struct hyp_stored_frame *frames;
    test_folder_make(&folder);
    test_store_open(&t, &folder);
    hyp_line_id line = test_line(&t, "roof");
    hyp_line_id other = test_line(&t, "cellar");
    struct hyp_raw_frame frame = make_frame(line, (hyp_device_id){0}, 1);
    frame.outcome = HYP_NO_KEY;
    assert_int_equal(put_unread(&t, &frame), HYP_OK);
    test_store_close(&t);
    test_store_open(&t, &folder);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(put_unread(&t, &frame), HYP_OK);
        assert_int_equal(test_stats(&t).frames, 1);
    }
    frame.received.ms++;
    assert_int_equal(put_unread(&t, &frame), HYP_OK);
    frame_bytes[FRAME_BYTES - 1] = 'y';
    assert_int_equal(put_unread(&t, &frame), HYP_OK);
    frame.line = other;
    assert_int_equal(put_unread(&t, &frame), HYP_OK);
    assert_int_equal(test_stats(&t).frames, 4);
    assert_int_equal(list_frames(&t, (hyp_device_id){0}, line, 0, 10, &frames), 3);
    /* Decoded again it is no frame that comes again, though it gives no reading once more. */
    frame = make_frame(line, (hyp_device_id){0}, 1);
    frame.outcome = HYP_WRONG_KEY;
    frame.replaces = frames[2].id;
    assert_int_equal(put_unread(&t, &frame), HYP_OK);
    assert_int_equal(list_frames(&t, (hyp_device_id){0}, line, 0, 10, &frames), 3);
    assert_int_equal(frames[0].outcome, HYP_WRONG_KEY); /* the newest is first */
    test_store_close(&t);
    test_folder_remove(&folder);
}

/* --- decoding again --- */

static const enum hyp_status later[] = {HYP_NO_KEY, HYP_WRONG_KEY};

static size_t refused_after(struct test_store *t, hyp_frame_id after,
                            struct hyp_stored_frame **frames)
{
    size_t count = 0;
    assert_int_equal(hyp_store_frames_after(t->store, t->tenant, after, later,
                                            HYP_ARRAY_LEN(later), &t->arena, frames, &count),
                     HYP_OK);
    return count;
}

/* All of them, page by page; they must come oldest first and once. */
static size_t count_refused(struct test_store *t, struct hyp_stored_frame *ret_first)
{
    size_t total = 0;
    hyp_frame_id after = {0};
    int64_t time = 0;
    struct hyp_stored_frame *frames;
    size_t count;
    while ((count = refused_after(t, after, &frames)) > 0) {
        for (size_t i = 0; i < count; i++) {
            assert_true(frames[i].id.id > after.id);
            assert_true(frames[i].received.ms > time);
            assert_int_equal(frames[i].len, FRAME_BYTES);
            time = frames[i].received.ms;
            after = frames[i].id;
            if (total++ == 0) {
                *ret_first = frames[i];
            }
        }
    }
    return total;
}

/* The same frame again, now with its reading. */
static void put_again(struct test_store *t, const struct hyp_stored_frame *old)
{
    struct hyp_raw_frame frame = {.line = old->line,
                                  .device = old->device,
                                  .received = old->received,
                                  .protocol = (uint16_t)old->protocol,
                                  .signal_dbm = old->signal_dbm,
                                  .outcome = HYP_OK,
                                  .replaces = old->id,
                                  .bytes = old->bytes,
                                  .len = old->len};
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 4711, -2);
    struct hyp_reading reading = test_reading(old->device, old->received.ms, &value, 1);
    test_put_read_frame(t, &frame, &reading);
}

static void a_frame_decoded_later_takes_the_place_of_the_old(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    hyp_device_id device = test_device(&t, "10000001");
    struct hyp_stored_frame first;
    for (int i = 1; i <= 3; i++) {
        struct hyp_raw_frame frame = make_frame((hyp_line_id){0}, device, i);
        frame.outcome = i == 2 ? HYP_BAD_CHECK : HYP_WRONG_KEY;
        test_put_frame(&t, &frame);
    }
    assert_int_equal(count_refused(&t, &first), 2);
    put_again(&t, &first);
    put_again(&t, &first); /* nothing is doubled */
    for (int round = 0; round < 2; round++) {
        struct hyp_stored_frame *frames;
        struct hyp_stored_frame shown;
        struct hyp_stored_frame next;
        struct hyp_latest *latest;
        size_t count;
        assert_int_equal(list_frames(&t, device, (hyp_line_id){0}, 0, 10, &frames), 3);
        assert_int_equal(frames[0].outcome, HYP_OK);
        assert_int_equal(frames[0].received.ms, first.received.ms);
        assert_int_equal(hyp_store_frame(t.store, t.tenant, first.id, &t.arena, &shown),
                         HYP_OK);
        assert_int_equal(hyp_store_latest(t.store, t.tenant, device, &t.arena, &latest, &count),
                         HYP_OK);
        assert_int_equal(latest[0].frame.id, frames[0].id.id);
        assert_int_equal(count_refused(&t, &next), 1);
        assert_true(next.id.id > first.id.id);
        test_store_close(&t);
        test_store_open(&t, &folder);
    }
    test_store_close(&t);
    test_folder_remove(&folder);
}

static void refused_frames_are_found_in_both_places(void **state)
{
    (void)state;
    enum { FRAMES = 6000 };
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "10000001");
    for (int i = 1; i <= FRAMES; i++) {
        struct hyp_raw_frame frame = make_frame((hyp_line_id){0}, device, i);
        frame.outcome = i % 100 == 0 ? HYP_NO_KEY : HYP_BAD_CHECK;
        test_put_frame(&t, &frame);
    }
    struct hyp_stored_frame first;
    assert_int_equal(count_refused(&t, &first), FRAMES / 100);
    test_store_close(&t);
}

/* --- rows --- */

static void a_frame_comes_back_whole(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "10000001");
    put_read_frame(&t, device, 5);
    struct hyp_stored_frame *frames;
    assert_int_equal(list_frames(&t, device, (hyp_line_id){0}, 0, 10, &frames), 1);
    assert_null(frames[0].bytes);
    struct hyp_stored_frame frame;
    assert_int_equal(hyp_store_frame(t.store, t.tenant, frames[0].id, &t.arena, &frame),
                     HYP_OK);
    struct hyp_raw_frame sent = make_frame((hyp_line_id){0}, device, 5);
    assert_int_equal(frame.len, sent.len);
    assert_memory_equal(frame.bytes, sent.bytes, sent.len);
    assert_int_equal(frame.device.id, device.id);
    assert_int_equal(frame.received.ms, sent.received.ms);
    assert_int_equal(frame.protocol, HYP_RAW_WMBUS);
    assert_int_equal(frame.signal_dbm, -71);
    assert_int_equal(frame.outcome, HYP_OK);
    test_store_close(&t);
}

static void a_reading_knows_its_frame(void **state)
{
    (void)state;
    struct test_folder folder;
    test_folder_make(&folder);
    struct test_store t;
    test_store_open(&t, &folder);
    hyp_device_id device = test_device(&t, "10000001");
    put_read_frame(&t, device, 1);
    put_read_frame(&t, device, 2);
    for (int round = 0; round < 2; round++) {
        struct hyp_latest *latest;
        size_t count;
        assert_int_equal(hyp_store_latest(t.store, t.tenant, device, &t.arena, &latest, &count),
                         HYP_OK);
        assert_int_equal(count, 1);
        struct hyp_stored_frame frame;
        assert_int_equal(hyp_store_frame(t.store, t.tenant, latest[0].frame, &t.arena, &frame),
                         HYP_OK);
        assert_int_equal(frame.received.ms, START_MS + 2000);
        test_store_close(&t);
        test_store_open(&t, &folder);
    }
    test_store_close(&t);
    test_folder_remove(&folder);
}

static void a_refused_frame_is_kept_with_its_reason(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_line_id line = test_line(&t, "concentrator");
    struct hyp_raw_frame frame = make_frame(line, (hyp_device_id){0}, 1);
    frame.outcome = HYP_WRONG_KEY;
    test_put_frame(&t, &frame);
    struct hyp_stored_frame *frames;
    assert_int_equal(list_frames(&t, (hyp_device_id){0}, line, 0, 10, &frames), 1);
    assert_int_equal(frames[0].outcome, HYP_WRONG_KEY);
    assert_int_equal(frames[0].device.id, 0);
    test_store_close(&t);
}

static void frames_of_a_resent_batch_are_kept_once(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    hyp_device_id device = test_device(&t, "10000001");
    put_read_frame(&t, device, 1);
    put_read_frame(&t, device, 1);
    struct hyp_stored_frame *frames;
    assert_int_equal(list_frames(&t, device, (hyp_line_id){0}, 0, 10, &frames), 1);
    struct hyp_store_stats stats;
    hyp_store_stats(t.store, &stats);
    assert_int_equal(stats.frames, 1);
    assert_int_equal(stats.duplicates, 1);
    test_store_close(&t);
}

static void frames_of_nobody_are_seen_by_nobody(void **state)
{
    (void)state;
    struct test_store t;
    test_store_open(&t, NULL);
    struct hyp_raw_frame frame = make_frame((hyp_line_id){.id = 99}, (hyp_device_id){0}, 1);
    test_put_frame(&t, &frame);
    struct hyp_stored_frame *frames;
    assert_int_equal(list_frames(&t, (hyp_device_id){0}, (hyp_line_id){0}, 0, 10, &frames), 0);
    test_store_close(&t);
}

/* --- many frames --- */

#define MANY 6000 /* several blocks */

struct town {
    struct test_store t;
    struct test_folder folder;
    hyp_device_id devices[3];
    hyp_line_id lines[2];
};

/* Frames by turns of three devices and two lines; every seventh of an unknown sender. */
static hyp_device_id owner_of(const struct town *town, size_t i)
{
    return i % 7 == 0 ? (hyp_device_id){0} : town->devices[i % 3];
}

static void send_many(struct town *town)
{
    static struct hyp_raw_frame frames[500];
    static uint8_t bytes[500][FRAME_BYTES];
    for (size_t at = 0; at < MANY; at += 500) {
        for (size_t i = 0; i < 500; i++) {
            frames[i] = make_frame(town->lines[(at + i) % 2], owner_of(town, at + i),
                                   (int64_t)(at + i));
            memcpy(bytes[i], frames[i].bytes, FRAME_BYTES);
            frames[i].bytes = bytes[i];
        }
        struct hyp_batch batch = {.frames = frames, .frame_count = 500};
        assert_int_equal(test_submit(town->t.store, &batch), HYP_OK);
    }
}

static void open_town(struct town *town)
{
    test_folder_make(&town->folder);
    test_store_open(&town->t, &town->folder);
    town->devices[0] = test_device(&town->t, "10000001");
    town->devices[1] = test_device(&town->t, "10000002");
    town->devices[2] = test_device(&town->t, "10000003");
    town->lines[0] = test_line(&town->t, "first");
    town->lines[1] = test_line(&town->t, "second");
}

static void close_town(struct town *town)
{
    test_store_close(&town->t);
    test_folder_remove(&town->folder);
}

/* Waits until the writer has packed what it can: its care steps are what is waited for. */
static void finish_care(struct town *town)
{
    while (hyp_frames_step(town->t.store)) {
    }
}

static void check_list(struct town *town, hyp_device_id device, hyp_line_id line)
{
    struct hyp_stored_frame *frames;
    size_t count = list_frames(&town->t, device, line, 0, MANY + 1, &frames);
    size_t at = 0;
    for (size_t i = MANY; i > 0; i--) {
        hyp_device_id owner = owner_of(town, i - 1);
        hyp_line_id on = town->lines[(i - 1) % 2];
        if ((device.id != 0 && owner.id != device.id) || (line.id != 0 && on.id != line.id)) {
            continue;
        }
        assert_true(at < count);
        assert_int_equal(frames[at].received.ms, START_MS + (int64_t)(i - 1) * 1000);
        assert_int_equal(frames[at].device.id, owner.id);
        assert_int_equal(frames[at].line.id, on.id);
        at++;
    }
    assert_int_equal(at, count);
}

static void check_one(struct town *town, const struct hyp_stored_frame *listed)
{
    struct hyp_stored_frame frame;
    assert_int_equal(
        hyp_store_frame(town->t.store, town->t.tenant, listed->id, &town->t.arena, &frame),
        HYP_OK);
    struct hyp_raw_frame sent =
        make_frame(listed->line, listed->device, (listed->received.ms - START_MS) / 1000);
    assert_int_equal(frame.len, sent.len);
    assert_memory_equal(frame.bytes, sent.bytes, sent.len);
}

static void check_all(struct town *town)
{
    hyp_device_id any = {0};
    hyp_line_id every = {0};
    check_list(town, any, every);
    check_list(town, town->devices[1], every);
    check_list(town, any, town->lines[1]);
    check_list(town, town->devices[2], town->lines[0]);
    struct hyp_stored_frame *all;
    size_t count = list_frames(&town->t, any, every, 0, MANY, &all);
    for (size_t i = 0; i < count; i += 97) {
        check_one(town, &all[i]);
    }
    struct hyp_stored_frame *page;
    assert_int_equal(list_frames(&town->t, any, every, 1234, 10, &page), 10);
    assert_int_equal(page[0].id.id, all[1234].id.id);
    struct hyp_store_stats stats;
    hyp_store_stats(town->t.store, &stats);
    assert_int_equal(stats.frames, MANY);
}

static void many_frames_are_packed_and_found(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    send_many(&town);
    check_all(&town);
    finish_care(&town);
    check_all(&town);
    assert_true(town.t.store->frames->packed_row > 0);
    /* Frames of one kind of meter take a tenth of their bytes. */
    assert_true(town.t.store->frames->stored_bytes < MANY * FRAME_BYTES / 10);
    test_store_close(&town.t);
    test_store_open(&town.t, &town.folder);
    check_all(&town);
    close_town(&town);
}

/* Between the block's commit and the frame log's the frames are in both, after a crash too. */
static void frames_in_both_places_are_seen_once(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    send_many(&town);
    finish_care(&town);
    struct hyp_connections write = town.t.store->write;
    hyp_core_enter(town.t.store);
    struct hyp_query query;
    /* Back into the frame log, as if the delete had been lost. */
    hyp_query_open(&query, write.main,
                   "INSERT INTO frame_log(id, data) SELECT $1, data FROM frame_log"
                   " ORDER BY id LIMIT 1");
    hyp_query_bind_i64(&query, 1);
    assert_int_equal(hyp_query_run(&query, NULL), HYP_OK);
    hyp_core_release(town.t.store);
    test_store_close(&town.t);
    test_store_open(&town.t, &town.folder);
    check_all(&town);
    close_town(&town);
}

/* --- limits --- */

static void old_frames_go(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    send_many(&town);
    finish_care(&town);
    struct hyp_stored_frame *frames;
    size_t before =
        list_frames(&town.t, (hyp_device_id){0}, (hyp_line_id){0}, 0, MANY, &frames);
    assert_int_equal(before, MANY);
    hyp_clock_fake_advance(&town.t.clock, 91LL * 24 * HOUR_MS);
    town.t.store->frames->check_limits = true;
    finish_care(&town);
    size_t after = list_frames(&town.t, (hyp_device_id){0}, (hyp_line_id){0}, 0, MANY, &frames);
    /* All blocks are older; what is left waits in the frame log. */
    assert_true(after < before / 2);
    assert_int_equal(town.t.store->frames->stored_bytes, 0);
    close_town(&town);
}

static int64_t replaced_rows(struct test_store *t)
{
    struct hyp_connections reader = hyp_core_reader(t->store);
    int64_t count = test_ask_at(
        reader.main, "SELECT COUNT(*) FROM learned WHERE name LIKE 'frames.replaced.%'");
    hyp_core_reader_return(t->store, reader);
    return count;
}

/* Which frame took the place of which is known for as long as one of the two is kept. */
static void replacements_go_with_their_frames(void **state)
{
    (void)state;
    struct town town;
    struct hyp_stored_frame refused;
    struct hyp_stored_frame shown;
    open_town(&town);
    struct hyp_raw_frame frame = make_frame(town.lines[0], town.devices[0], 0);
    frame.outcome = HYP_WRONG_KEY;
    test_put_frame(&town.t, &frame);
    assert_int_equal(count_refused(&town.t, &refused), 1);
    send_many(&town);
    finish_care(&town);
    put_again(&town.t, &refused);
    assert_int_equal(replaced_rows(&town.t), 1);
    send_many(&town);
    finish_care(&town);
    assert_int_equal(replaced_rows(&town.t), 1);
    assert_int_equal(
        hyp_store_frame(town.t.store, town.t.tenant, refused.id, &town.t.arena, &shown),
        HYP_OK);
    assert_int_equal(shown.outcome, HYP_OK);
    hyp_clock_fake_advance(&town.t.clock, 91LL * 24 * HOUR_MS);
    send_many(&town);
    finish_care(&town);
    assert_int_equal(replaced_rows(&town.t), 0);
    assert_int_equal(town.t.store->frames->replaced.count, 0);
    assert_int_equal(
        hyp_store_frame(town.t.store, town.t.tenant, refused.id, &town.t.arena, &shown),
        HYP_NOT_FOUND);
    close_town(&town);
}

static void too_many_frames_push_out_the_oldest(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    town.t.store->frame_bytes = 4000;
    send_many(&town);
    finish_care(&town);
    assert_true(town.t.store->frames->stored_bytes <= 4000);
    struct hyp_stored_frame *frames;
    size_t count = list_frames(&town.t, (hyp_device_id){0}, (hyp_line_id){0}, 0, MANY, &frames);
    assert_true(count > 0 && count < MANY);
    /* The newest are there. */
    assert_int_equal(frames[0].received.ms, START_MS + (MANY - 1) * 1000LL);
    close_town(&town);
}

/* --- removed devices --- */

static void frames_of_a_removed_device_go(void **state)
{
    (void)state;
    struct town town;
    open_town(&town);
    send_many(&town);
    finish_care(&town);
    assert_int_equal(
        hyp_store_device_remove(town.t.store, town.t.tenant, town.devices[0], NULL), HYP_OK);
    struct hyp_stored_frame *frames;
    size_t count;
    assert_int_equal(hyp_store_frames(town.t.store, town.t.tenant, town.devices[0],
                                      (hyp_line_id){0}, 0, 10, &town.t.arena, &frames, &count),
                     HYP_NOT_FOUND);
    count = list_frames(&town.t, (hyp_device_id){0}, (hyp_line_id){0}, 0, MANY, &frames);
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(frames[i].device.id, town.devices[0].id);
    }
    assert_true(count > MANY / 2);
    /* The index of the frames database says when the bytes are gone. */
    test_store_close(&town.t);
    test_store_open(&town.t, &town.folder);
    hyp_core_enter(town.t.store);
    const struct hyp_frame_span all = {
        .device = town.devices[0], .first = INT64_MIN, .last = INT64_MAX};
    enum hyp_status status = HYP_OK;
    int64_t block = 0;
    uint64_t erased;
    while (status == HYP_OK) {
        status = hyp_frames_erase_step(town.t.store, &all, &block, &erased);
    }
    hyp_core_release(town.t.store);
    assert_int_equal(status, HYP_NOT_FOUND);
    close_town(&town);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, a_frame_without_readings_that_comes_again_is_kept_once);
    TEST_ONE(&list, a_frame_comes_back_whole);
    TEST_ONE(&list, a_reading_knows_its_frame);
    TEST_ONE(&list, a_refused_frame_is_kept_with_its_reason);
    TEST_ONE(&list, a_frame_decoded_later_takes_the_place_of_the_old);
    TEST_ONE(&list, refused_frames_are_found_in_both_places);
    TEST_ONE(&list, frames_of_a_resent_batch_are_kept_once);
    TEST_ONE(&list, frames_of_nobody_are_seen_by_nobody);
    TEST_ONE(&list, many_frames_are_packed_and_found);
    TEST_ONE(&list, frames_in_both_places_are_seen_once);
    TEST_ONE(&list, old_frames_go);
    TEST_ONE(&list, replacements_go_with_their_frames);
    TEST_ONE(&list, too_many_frames_push_out_the_oldest);
    TEST_ONE(&list, frames_of_a_removed_device_go);
    return test_list_run(&list, "store-frames");
}
