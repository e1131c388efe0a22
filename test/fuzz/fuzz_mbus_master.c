/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A master's session against a line that says anything. The input is a program: the first bytes
 * choose the session, the rest what the line does, one operation after the other. Whatever
 * happens, the session ends, and every frame it keeps is sound and of the meter it was asked
 * to read.
 */
#include "base/attr.h"
#include "base/bytes.h"
#include "protocol/mbus/master.h"
#include "protocol/mbus/search.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PRIMARY 5
#define EVENTS_MAX 3000
#define FRAMES_MAX 1500

enum kind { READ_PRIMARY, READ_SECONDARY, COMMAND, BAUD, SEARCH, SCAN, KINDS };

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static const struct hyp_mbus_secondary wanted = {
    .id = 0x123FFFFF, .manufacturer = 0x2C2D, .version = 0xFF, .medium = 0xFF};

struct world {
    struct hyp_mbus_link link;
    struct hyp_mbus_read read;
    struct hyp_mbus_command command;
    struct hyp_mbus_search search;
    struct hyp_mbus_scan scan;
    struct hyp_mbus_found found[4];
    uint8_t frames[FRAMES_MAX];
    struct hyp_session session;
    hyp_mono now;
};

static struct hyp_session make_session(struct world *world, uint8_t kind)
{
    struct hyp_mbus_target target = {
        .secondary = kind == READ_SECONDARY, .primary = PRIMARY, .address = wanted};
    hyp_mbus_link_init(&world->link, hyp_mbus_timing_for_baud(2400), kind & 1);
    switch (kind) {
    case READ_PRIMARY:
    case READ_SECONDARY:
        hyp_mbus_read_init(&world->read, &world->link, &target, world->frames, FRAMES_MAX);
        return (struct hyp_session){&hyp_mbus_read_ops, &world->read};
    case COMMAND:
        hyp_mbus_command_reset_application(&world->command, &world->link, &target, 0x10);
        return (struct hyp_session){&hyp_mbus_command_ops, &world->command};
    case BAUD:
        HYP_IGNORE(
            hyp_mbus_command_set_baud(&world->command, &world->link, &target, 2400, 300));
        return (struct hyp_session){&hyp_mbus_command_ops, &world->command};
    case SEARCH:
        hyp_mbus_search_init(&world->search, &world->link, world->found, 4);
        return (struct hyp_session){&hyp_mbus_search_ops, &world->search};
    default: break;
    }
    hyp_mbus_scan_init(&world->scan, &world->link, 0, 20, world->found, 4);
    return (struct hyp_session){&hyp_mbus_scan_ops, &world->scan};
}

static void check_io(const struct hyp_session_io *io)
{
    if (io->send_len > 0) {
        struct hyp_mbus_frame frame;
        require(hyp_mbus_frame_parse(io->send, io->send_len, &frame, NULL) == HYP_OK);
        require(frame.len == io->send_len && hyp_mbus_frame_is_request(&frame));
    }
    if (io->state == HYP_SESSION_RUNNING) {
        require(io->deadline.ms != INT64_MAX);
    }
}

/* Bytes the line says next. Operations 0..3: sound answers made of the input; else raw bytes.
 */
static size_t line_bytes(struct hyp_bytes *program, uint8_t out[static HYP_MBUS_FRAME_MAX])
{
    uint8_t operation = hyp_bytes_u8(program);
    size_t len = operation >> 3;
    switch (operation & 7) {
    case 0: out[0] = 0xE5; return 1;
    case 1:
    case 2: {
        struct hyp_mbus_secondary meter = {.id = 0x12345678, .manufacturer = 0x2C2D};
        uint8_t data[HYP_MBUS_USER_DATA_MAX] = {0};
        meter.version = (operation & 7) == 1 ? 0 : hyp_bytes_u8(program);
        hyp_mbus_secondary_encode(&meter, data);
        data[8] = hyp_bytes_u8(program);
        len = HYP_MIN(len, hyp_bytes_left(program));
        const uint8_t *records = hyp_bytes_take(program, len);
        memcpy(data + 12, records, len);
        return hyp_mbus_frame_encode_long(0x08, PRIMARY, 0x72, data, 12 + len, out);
    }
    case 3: {
        uint8_t a = hyp_bytes_u8(program);
        uint8_t ci = hyp_bytes_u8(program);
        len = HYP_MIN(len, hyp_bytes_left(program));
        const uint8_t *records = hyp_bytes_take(program, len);
        return hyp_mbus_frame_encode_long(0x08, a, ci, records, len, out);
    }
    default: break;
    }
    len = HYP_MIN(len + 1, hyp_bytes_left(program));
    memcpy(out, hyp_bytes_take(program, len), len);
    return len;
}

static struct hyp_session_io step(struct world *world, struct hyp_bytes *program,
                                  struct hyp_session_io io)
{
    const struct hyp_session_ops *ops = world->session.ops;
    uint8_t bytes[HYP_MBUS_FRAME_MAX];
    bool speak = hyp_bytes_left(program) > 0 && (hyp_bytes_u8(program) & 3) != 0 &&
                 hyp_bytes_left(program) > 4;
    if (!speak) {
        world->now.ms = HYP_MAX(world->now.ms, io.deadline.ms);
        return ops->tick(world->session.state, world->now);
    }
    size_t len = line_bytes(program, bytes);
    return ops->feed(world->session.state, bytes, len, world->now);
}

static void check_frames(const struct world *world, bool primary)
{
    const uint8_t *at = world->frames;
    size_t left = world->read.frames_len;
    while (left > 0) {
        struct hyp_mbus_frame frame;
        require(hyp_mbus_frame_parse(at, left, &frame, NULL) == HYP_OK);
        require(!hyp_mbus_frame_is_request(&frame));
        if (primary) {
            require(frame.a == PRIMARY);
        } else {
            struct hyp_mbus_secondary meter;
            require(frame.data_len >= 8);
            if (frame.ci == 0x72) {
                meter = hyp_mbus_secondary_decode(frame.data);
                require(hyp_mbus_secondary_matches(&wanted, &meter));
            }
        }
        at += frame.len;
        left -= frame.len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct hyp_bytes program = hyp_bytes_from(data, size);
    memset(&world, 0, sizeof(world));
    uint8_t kind = hyp_bytes_u8(&program) % KINDS;
    world.session = make_session(&world, kind);
    struct hyp_session_io io = world.session.ops->start(world.session.state, world.now);
    size_t events = 0;
    check_io(&io);
    while (io.state == HYP_SESSION_RUNNING) {
        /* A search goes on for long when nobody answers; all others end soon. */
        require(++events < EVENTS_MAX + 8 * size || kind == SEARCH);
        io = step(&world, &program, io);
        check_io(&io);
    }
    require(world.session.ops->error_text(world.session.state) != NULL);
    if (kind == READ_PRIMARY || kind == READ_SECONDARY) {
        check_frames(&world, kind == READ_PRIMARY);
    }
    return 0;
}
