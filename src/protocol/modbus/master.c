/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/modbus/master.h"

#include "base/buf.h"
#include "base/limits.h"

#include <string.h>

#define SNAPSHOT_HEADER 6

static struct hyp_session_io ended(enum hyp_session_state state, enum hyp_status status)
{
    return (struct hyp_session_io){
        .state = state, .status = status, .deadline = HYP_NO_DEADLINE};
}

static void copy_text(char out[static HYP_MODBUS_TEXT_MAX], const char *text)
{
    if (text == out) {
        return; /* the reason is there already */
    }
    hyp_text_copy(out, HYP_MODBUS_TEXT_MAX, hyp_str_from(text));
}

/* --- reading --- */

size_t hyp_modbus_snapshot_size(const struct hyp_modbus_block *blocks, size_t block_count)
{
    size_t size = 0;
    for (size_t i = 0; i < block_count; i++) {
        size += SNAPSHOT_HEADER + hyp_modbus_data_bytes(blocks[i].function, blocks[i].count);
    }
    return size;
}

void hyp_modbus_read_init(struct hyp_modbus_read *read, struct hyp_modbus_link *link,
                          struct hyp_modbus_work *work, uint8_t unit,
                          const struct hyp_modbus_block *blocks, size_t block_count)
{
    memset(read, 0, sizeof(*read));
    read->unit = unit;
    read->blocks = blocks;
    read->block_count = (uint32_t)block_count;
    hyp_modbus_exchange_init(&read->exchange, link, work);
}

void hyp_modbus_read_output(struct hyp_modbus_read *read, uint8_t *snapshot, size_t capacity,
                            struct hyp_modbus_hole_list *holes)
{
    read->snapshot = snapshot;
    read->capacity = (uint32_t)capacity;
    read->holes = holes;
}

void hyp_modbus_read_keep_snapshot(struct hyp_modbus_read *read, uint8_t *snapshot,
                                   size_t capacity)
{
    memcpy(snapshot, read->snapshot, read->len);
    read->snapshot = snapshot;
    read->capacity = (uint32_t)capacity;
}

static struct hyp_session_io read_fail(struct hyp_modbus_read *read, enum hyp_status status,
                                       const char *text)
{
    read->state = HYP_SESSION_FAILED;
    read->status = status;
    copy_text(read->exchange.work->text, text);
    return ended(read->state, status);
}

/* Others may have worked in the same memory since the refusal: its words are made anew. */
static void say_refusal(struct hyp_modbus_read *read)
{
    struct hyp_modbus_request *request = &read->exchange.request;
    request->function = read->refusal.function;
    request->address = read->refusal.start;
    request->count = read->refusal.count;
    hyp_modbus_exchange_say(&read->exchange, hyp_modbus_exception_text(read->exception));
}

static struct hyp_session_io read_finish(struct hyp_modbus_read *read)
{
    if (read->refused > 0) {
        say_refusal(read);
    }
    if (read->blocks_read == 0) {
        bool empty = read->block_count == 0;
        return read_fail(read, empty ? HYP_INVALID : HYP_REFUSED,
                         empty ? "no registers to read" : read->exchange.work->text);
    }
    read->state = HYP_SESSION_DONE;
    return ended(read->state, HYP_OK);
}

static bool next_piece(struct hyp_modbus_read *read)
{
    if (read->stack_len > 0) {
        read->current = read->stack[--read->stack_len];
        return true;
    }
    if (read->next_block < read->block_count) {
        read->current = read->blocks[read->next_block++];
        return true;
    }
    return false;
}

static void take_data(struct hyp_modbus_read *read)
{
    const struct hyp_modbus_answer *answer = &read->exchange.work->answer;
    read->blocks_read++;
    if (read->capacity - read->len < SNAPSHOT_HEADER + answer->data_len) {
        read->snapshot_full = true;
        return;
    }
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, read->snapshot + read->len, read->capacity - read->len);
    hyp_buf_append_u8(&out, read->unit);
    hyp_buf_append_u8(&out, read->current.function);
    hyp_buf_append_be16(&out, read->current.start);
    hyp_buf_append_be16(&out, read->current.count);
    hyp_buf_append(&out, answer->data, answer->data_len);
    read->len += (uint32_t)out.len;
}

static void learn_holes(struct hyp_modbus_read *read)
{
    struct hyp_modbus_hole_list *list = read->holes;
    for (uint16_t i = 0; list != NULL && i < read->current.count; i++) {
        if (list->count == list->capacity) {
            return;
        }
        list->holes[list->count++] = (struct hyp_modbus_hole){
            .function = read->current.function, .address = (uint16_t)(read->current.start + i)};
        read->holes_learned++;
    }
}

/*
 * "Illegal address" for the current piece: halves it on a value boundary, or learns the hole.
 * A stack of 12 holds any descent: each half is at most half as long, 2000 bits at most.
 */
static void bisect(struct hyp_modbus_read *read)
{
    struct hyp_modbus_block *current = &read->current;
    uint16_t grain = HYP_MAX(current->grain, 1);
    uint16_t grains = current->count / grain;
    if (grains < 2) {
        learn_holes(read);
        return;
    }
    if (read->bisect_requests + 2 > HYP_LIMIT_MODBUS_BISECT ||
        (size_t)read->stack_len + 2 > HYP_ARRAY_LEN(read->stack)) {
        return;
    }
    read->bisect_requests = (uint16_t)(read->bisect_requests + 2);
    uint16_t first = (uint16_t)(grains / 2 * grain);
    struct hyp_modbus_block left = *current;
    struct hyp_modbus_block right = *current;
    left.count = first;
    right.start = (uint16_t)(current->start + first);
    right.count = (uint16_t)(current->count - first);
    read->stack[read->stack_len++] = right;
    read->stack[read->stack_len++] = left;
}

static void take_refusal(struct hyp_modbus_read *read)
{
    read->refused++;
    read->exception = read->exchange.work->answer.exception;
    read->refusal = read->current;
    if (read->exception == HYP_MODBUS_ILLEGAL_ADDRESS) {
        bisect(read);
    }
}

static struct hyp_session_io read_run(struct hyp_modbus_read *read,
                                      enum hyp_modbus_outcome outcome, bool first, hyp_mono now)
{
    while (outcome != HYP_MODBUS_PENDING) {
        if (outcome == HYP_MODBUS_FAILED) {
            return read_fail(read, read->exchange.status, read->exchange.work->text);
        }
        if (!next_piece(read)) {
            return read_finish(read);
        }
        struct hyp_modbus_request request = {.unit = read->unit,
                                             .function = read->current.function,
                                             .address = read->current.start,
                                             .count = read->current.count};
        outcome = hyp_modbus_exchange_begin(&read->exchange, &request, first, now);
        first = false;
    }
    return hyp_modbus_exchange_io(&read->exchange);
}

static struct hyp_session_io read_start(void *session, hyp_mono now)
{
    struct hyp_modbus_read *read = session;
    return read_run(read, HYP_MODBUS_ANSWERED, true, now);
}

static struct hyp_session_io read_step(struct hyp_modbus_read *read,
                                       enum hyp_modbus_outcome outcome, hyp_mono now)
{
    if (outcome == HYP_MODBUS_ANSWERED) {
        take_data(read);
    } else if (outcome == HYP_MODBUS_EXCEPTION) {
        take_refusal(read);
    }
    return read_run(read, outcome, false, now);
}

static struct hyp_session_io read_feed(void *session, const uint8_t *bytes, size_t len,
                                       hyp_mono now)
{
    struct hyp_modbus_read *read = session;
    if (read->state != HYP_SESSION_RUNNING) {
        return ended(read->state, read->status);
    }
    return read_step(read, hyp_modbus_exchange_feed(&read->exchange, bytes, len, now), now);
}

static struct hyp_session_io read_tick(void *session, hyp_mono now)
{
    struct hyp_modbus_read *read = session;
    if (read->state != HYP_SESSION_RUNNING) {
        return ended(read->state, read->status);
    }
    return read_step(read, hyp_modbus_exchange_tick(&read->exchange, now), now);
}

static const char *read_error_text(const void *session)
{
    const struct hyp_modbus_read *read = session;
    return read->exchange.work->text;
}

const struct hyp_session_ops hyp_modbus_read_ops = {
    .name = "modbus.read",
    .start = read_start,
    .feed = read_feed,
    .tick = read_tick,
    .error_text = read_error_text,
};

/* --- writing --- */

enum hyp_status hyp_modbus_write_init(struct hyp_modbus_write *write,
                                      struct hyp_modbus_link *link,
                                      const struct hyp_modbus_request *request,
                                      uint8_t read_back)
{
    if (hyp_modbus_is_read(request->function)) {
        return HYP_UNSUPPORTED;
    }
    bool bits = hyp_modbus_is_bits(request->function);
    if (read_back != 0 &&
        (!hyp_modbus_is_read(read_back) || hyp_modbus_is_bits(read_back) != bits)) {
        return HYP_INVALID;
    }
    struct hyp_buf probe;
    uint8_t memory[HYP_MODBUS_FRAME_MAX];
    hyp_buf_init_fixed(&probe, memory, sizeof(memory));
    enum hyp_status status = hyp_modbus_request_encode(&probe, link->framing, 0, request);
    if (status != HYP_OK) {
        return status;
    }
    memset(write, 0, sizeof(*write));
    size_t data_len = request->function == HYP_MODBUS_WRITE_COIL
                          ? 2
                          : hyp_modbus_data_bytes(request->function, request->count);
    memcpy(write->data, request->data, data_len);
    write->request = *request;
    write->request.data = write->data;
    write->read_back = read_back;
    hyp_modbus_exchange_init(&write->exchange, link, &write->work);
    return HYP_OK;
}

static struct hyp_session_io write_end(struct hyp_modbus_write *write, enum hyp_status status,
                                       const char *text)
{
    write->state = status == HYP_OK ? HYP_SESSION_DONE : HYP_SESSION_FAILED;
    write->status = status;
    copy_text(write->work.text, text);
    return ended(write->state, status);
}

/* Does the device hold what was written? Function 5 is read back as one bit. */
static bool is_as_written(const struct hyp_modbus_write *write)
{
    if (write->request.function == HYP_MODBUS_WRITE_COIL) {
        return (write->found[0] & 1u) == (write->data[0] != 0 ? 1u : 0u);
    }
    size_t whole = write->found_len;
    uint16_t rest =
        write->request.function == HYP_MODBUS_WRITE_COILS ? write->request.count % 8 : 0;
    if (rest != 0) {
        whole--;
        uint8_t mask = (uint8_t)((1u << rest) - 1);
        if (((write->found[whole] ^ write->data[whole]) & mask) != 0) {
            return false;
        }
    }
    return memcmp(write->found, write->data, whole) == 0;
}

static struct hyp_session_io take_read_back(struct hyp_modbus_write *write)
{
    const struct hyp_modbus_answer *answer = &write->work.answer;
    memcpy(write->found, answer->data, answer->data_len);
    write->found_len = answer->data_len;
    if (is_as_written(write)) {
        return write_end(write, HYP_OK, "");
    }
    char memory[HYP_MODBUS_TEXT_MAX];
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, memory, sizeof(memory));
    hyp_buf_append_fmt(&text, "the device took the write at address %u but now reads ",
                       write->request.address);
    hyp_buf_append_hex(&text, write->found, HYP_MIN(write->found_len, 16));
    return write_end(write, HYP_REFUSED, hyp_buf_terminate(&text));
}

static struct hyp_session_io write_step(struct hyp_modbus_write *write,
                                        enum hyp_modbus_outcome outcome, hyp_mono now)
{
    bool broadcast =
        write->request.unit == 0 && write->exchange.link->framing == HYP_MODBUS_RTU;
    switch (outcome) {
    case HYP_MODBUS_PENDING: break;
    case HYP_MODBUS_FAILED: return write_end(write, write->exchange.status, write->work.text);
    case HYP_MODBUS_EXCEPTION:
        write->exception = write->work.answer.exception;
        return write_end(write, HYP_REFUSED, write->work.text);
    case HYP_MODBUS_ANSWERED:
        if (write->reading_back) {
            return take_read_back(write);
        }
        if (write->read_back == 0 || broadcast) {
            return write_end(write, HYP_OK, "");
        }
        write->reading_back = true;
        struct hyp_modbus_request request = {.unit = write->request.unit,
                                             .function = write->read_back,
                                             .address = write->request.address,
                                             .count = write->request.count};
        outcome = hyp_modbus_exchange_begin(&write->exchange, &request, false, now);
        if (outcome != HYP_MODBUS_PENDING) {
            return write_end(write, write->exchange.status, write->work.text);
        }
    }
    return hyp_modbus_exchange_io(&write->exchange);
}

static struct hyp_session_io write_start(void *session, hyp_mono now)
{
    struct hyp_modbus_write *write = session;
    enum hyp_modbus_outcome outcome =
        hyp_modbus_exchange_begin(&write->exchange, &write->request, true, now);
    return write_step(write, outcome, now);
}

static struct hyp_session_io write_feed(void *session, const uint8_t *bytes, size_t len,
                                        hyp_mono now)
{
    struct hyp_modbus_write *write = session;
    if (write->state != HYP_SESSION_RUNNING) {
        return ended(write->state, write->status);
    }
    return write_step(write, hyp_modbus_exchange_feed(&write->exchange, bytes, len, now), now);
}

static struct hyp_session_io write_tick(void *session, hyp_mono now)
{
    struct hyp_modbus_write *write = session;
    if (write->state != HYP_SESSION_RUNNING) {
        return ended(write->state, write->status);
    }
    return write_step(write, hyp_modbus_exchange_tick(&write->exchange, now), now);
}

static const char *write_error_text(const void *session)
{
    const struct hyp_modbus_write *write = session;
    return write->work.text;
}

const struct hyp_session_ops hyp_modbus_write_ops = {
    .name = "modbus.write",
    .start = write_start,
    .feed = write_feed,
    .tick = write_tick,
    .error_text = write_error_text,
};
