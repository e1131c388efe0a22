/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches of a bus that lies. The input says which meters are on the bus, under which pattern
 * they are looked for, and what becomes of each answer on its way. Whatever comes back: only
 * addresses under the pattern are selected, nothing is found twice or outside of it, progress
 * never goes back; and from a bus that does not lie only meters are found that are there.
 *
 * Input: flags, count, pattern (8), per meter 6 bytes, then per request what is done to the
 * answer.
 */
#include "base/attr.h"
#include "base/bytes.h"
#include "protocol/mbus/search.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define METERS_MAX 6
#define FOUND_MAX 8
#define REQUESTS_MAX 150
#define ANSWER_MAX (2 * HYP_MBUS_FRAME_MAX)

enum { FLAG_THOROUGH = 1, FLAG_ECHO = 2, FLAG_HONEST = 4, FLAG_RETRY = 8, FLAG_PATTERN = 16 };

struct meter {
    struct hyp_mbus_secondary address;
    bool selected;
};

struct world {
    struct hyp_mbus_link link;
    struct hyp_mbus_search search;
    struct hyp_mbus_found found[FOUND_MAX];
    struct meter meters[METERS_MAX];
    size_t count;
    uint8_t flags;
    struct hyp_bytes program;
    hyp_mono now;
    unsigned permille;
    uint8_t answer[ANSWER_MAX];
    size_t answer_len;
};

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

/* Digits of a number a meter may have: F is none. */
static uint32_t digits(uint32_t raw)
{
    for (unsigned shift = 0; shift < 32; shift += 4) {
        if ((raw >> shift & 0x0F) == 0x0F) {
            raw &= ~(0x0Fu << shift);
        }
    }
    return raw;
}

static void read_world(struct world *world)
{
    struct hyp_bytes *program = &world->program;
    world->flags = hyp_bytes_u8(program);
    world->count = hyp_bytes_u8(program) % (METERS_MAX + 1);
    hyp_mbus_link_init(&world->link, hyp_mbus_timing_for_baud(2400),
                       (world->flags & FLAG_RETRY) != 0);
    hyp_mbus_search_init(&world->search, &world->link, world->found, FOUND_MAX);
    world->search.thorough = (world->flags & FLAG_THOROUGH) != 0;
    uint8_t pattern[8];
    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = hyp_bytes_u8(program);
    }
    if ((world->flags & FLAG_PATTERN) != 0) {
        world->search.within = hyp_mbus_secondary_decode(pattern);
    }
    for (size_t i = 0; i < world->count; i++) {
        uint32_t raw = hyp_bytes_le32(program);
        world->meters[i].address = (struct hyp_mbus_secondary){
            .id = digits(raw),
            .manufacturer = 0x2C2D,
            .version = hyp_bytes_u8(program) & 0x3F,
            .medium = hyp_bytes_u8(program) & 0x3F,
        };
    }
}

/* Adds what one meter says to what the others say at the same time: a 0 bit wins. */
static void collide(struct world *world, size_t start, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        size_t at = start + i;
        bool beside = at < world->answer_len;
        world->answer[at] = beside ? world->answer[at] & bytes[i] : bytes[i];
    }
    world->answer_len = HYP_MAX(world->answer_len, start + len);
}

static void ask_meter(struct world *world, struct meter *meter, size_t start,
                      const struct hyp_mbus_frame *frame)
{
    uint8_t out[HYP_MBUS_FRAME_MAX] = {0xE5};
    if (frame->ci == 0x52 && frame->data_len >= 8) {
        struct hyp_mbus_secondary wanted = hyp_mbus_secondary_decode(frame->data);
        meter->selected =
            frame->data_len == 8 && hyp_mbus_secondary_matches(&wanted, &meter->address);
        if (meter->selected) {
            collide(world, start, out, 1);
        }
    } else if (frame->c == HYP_MBUS_C_SND_NKE) {
        meter->selected = false;
    } else if (meter->selected) {
        uint8_t data[12] = {0};
        hyp_mbus_secondary_encode(&meter->address, data);
        data[8] = (uint8_t)(meter - world->meters);
        collide(world, start, out,
                hyp_mbus_frame_encode_long(0x08, 5, 0x72, data, sizeof(data), out));
    }
}

/* What the wire makes of the answer. */
static void lie(struct world *world)
{
    struct hyp_bytes *program = &world->program;
    uint8_t what = hyp_bytes_left(program) == 0 ? 0 : hyp_bytes_u8(program);
    size_t extra = HYP_MIN((size_t)(what >> 3), hyp_bytes_left(program));
    switch (what & 7) {
    case 0:
    case 1:
    case 2: return;
    case 3: world->answer_len = 0; return;
    case 4:
        world->answer[0] = 0xE5;
        world->answer_len = 1;
        return;
    case 5:
        if (world->answer_len > 0) {
            world->answer[extra % world->answer_len] ^= (uint8_t)(1u << (what >> 5));
        }
        return;
    case 6: /* the same once more */
        if (2 * world->answer_len <= ANSWER_MAX) {
            memcpy(world->answer + world->answer_len, world->answer, world->answer_len);
            world->answer_len *= 2;
        }
        return;
    default: break;
    }
    memcpy(world->answer, hyp_bytes_take(program, extra), extra);
    world->answer_len = extra;
}

static void check_request(const struct world *world, const struct hyp_session_io *io,
                          struct hyp_mbus_frame *frame)
{
    require(hyp_mbus_frame_parse(io->send, io->send_len, frame, NULL) == HYP_OK);
    require(hyp_mbus_frame_is_request(frame) && frame->len == io->send_len);
    if (frame->ci == 0x52) {
        const struct hyp_mbus_secondary *within = &world->search.within;
        struct hyp_mbus_secondary wanted = hyp_mbus_secondary_decode(frame->data);
        for (unsigned shift = 0; shift < 32; shift += 4) {
            uint32_t digit = within->id >> shift & 0x0F;
            require(digit == 0x0F || digit == (wanted.id >> shift & 0x0F));
        }
        require(within->version == 0xFF || within->version == wanted.version);
        require(within->medium == 0xFF || within->medium == wanted.medium);
    }
}

static struct hyp_session_io step(struct world *world, struct hyp_session_io io)
{
    struct hyp_mbus_frame frame;
    world->answer_len = 0;
    if (io.send_len > 0) {
        check_request(world, &io, &frame);
        if ((world->flags & FLAG_ECHO) != 0) {
            memcpy(world->answer, io.send, io.send_len);
            world->answer_len = io.send_len;
        }
        size_t start = world->answer_len;
        for (size_t i = 0; i < world->count; i++) {
            ask_meter(world, &world->meters[i], start, &frame);
        }
        if ((world->flags & FLAG_HONEST) == 0) {
            lie(world);
        }
    }
    if (world->answer_len > 0) {
        return hyp_mbus_search_ops.feed(&world->search, world->answer, world->answer_len,
                                        world->now);
    }
    require(io.deadline.ms != INT64_MAX);
    world->now.ms = HYP_MAX(world->now.ms, io.deadline.ms);
    return hyp_mbus_search_ops.tick(&world->search, world->now);
}

static void check_findings(const struct world *world)
{
    const struct hyp_mbus_findings *findings = &world->search.findings;
    require(findings->count <= FOUND_MAX);
    for (size_t i = 0; i < findings->count; i++) {
        const struct hyp_mbus_found *found = &findings->items[i];
        bool real = !found->has_address || (world->flags & FLAG_HONEST) == 0;
        for (size_t k = 0; k < world->count; k++) {
            real = real || hyp_mbus_secondary_equal(&world->meters[k].address, &found->address);
        }
        require(real);
        if (found->has_address && found->address.manufacturer != 0xFFFF) {
            require(hyp_mbus_secondary_matches(&world->search.within, &found->address));
        }
        for (size_t k = 0; k < i; k++) {
            require(findings->items[k].has_address != found->has_address ||
                    !hyp_mbus_secondary_equal(&findings->items[k].address, &found->address));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    memset(&world, 0, sizeof(world));
    world.program = hyp_bytes_from(data, size);
    read_world(&world);
    struct hyp_session_io io = hyp_mbus_search_ops.start(&world.search, world.now);
    /* A search may be left at any time; one of a bus that answers everything takes hours. */
    for (size_t i = 0; i < 3 * REQUESTS_MAX && io.state == HYP_SESSION_RUNNING; i++) {
        unsigned permille = hyp_mbus_search_permille(&world.search);
        require(permille <= 1000 && permille >= world.permille);
        world.permille = permille;
        io = step(&world, io);
    }
    check_findings(&world);
    require(hyp_mbus_search_ops.error_text(&world.search) != NULL);
    return 0;
}
