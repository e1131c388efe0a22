/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A read and a write session against a device that does anything.
 * Input: framing and kind, then commands: 00-BF feed that many of the next bytes, C0-FF let the
 * deadline pass.
 */
#include "protocol/modbus/master.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hyp_modbus_block blocks[] = {
    {3, 1, 10,  4  },
    {4, 2, 100, 8  },
    {1, 1, 0,   20 },
    {3, 1, 500, 125}
};

struct script {
    const uint8_t *data;
    size_t size;
};

static void play(struct hyp_session session, struct script script)
{
    hyp_mono now = {0};
    struct hyp_session_io io = session.ops->start(session.state, now);
    size_t at = 0;
    while (at < script.size && io.state == HYP_SESSION_RUNNING) {
        uint8_t command = script.data[at++];
        if (command < 0xC0) {
            size_t len = script.size - at < command ? script.size - at : command;
            io = session.ops->feed(session.state, script.data + at, len, now);
            at += len;
        } else {
            now = io.deadline.ms == INT64_MAX ? now : io.deadline;
            io = session.ops->tick(session.state, now);
        }
    }
    (void)session.ops->error_text(session.state);
}

static void play_read(enum hyp_modbus_framing framing, struct script script)
{
    struct hyp_modbus_link link = {.framing = framing, .timeout_ms = 100, .retries = 1};
    struct hyp_modbus_hole holes[4];
    struct hyp_modbus_hole_list list = {.holes = holes, .capacity = 4};
    uint8_t snapshot[64];
    struct hyp_modbus_work work;
    struct hyp_modbus_read read;
    hyp_modbus_read_init(&read, &link, &work, 1, blocks, sizeof(blocks) / sizeof(blocks[0]));
    hyp_modbus_read_output(&read, snapshot, sizeof(snapshot), &list);
    play((struct hyp_session){.ops = &hyp_modbus_read_ops, .state = &read}, script);
    if (read.len > sizeof(snapshot) || list.count > list.capacity) {
        abort();
    }
}

static void play_write(enum hyp_modbus_framing framing, struct script script)
{
    static const uint8_t value[] = {0x00, 0xD7, 0x00, 0x01};
    struct hyp_modbus_link link = {
        .framing = framing, .timeout_ms = 100, .retries = 1, .echo = true};
    struct hyp_modbus_request request = {1, HYP_MODBUS_WRITE_REGISTERS, 20, 2, value};
    struct hyp_modbus_write write;
    if (hyp_modbus_write_init(&write, &link, &request, HYP_MODBUS_READ_HOLDING) != HYP_OK) {
        abort();
    }
    play((struct hyp_session){.ops = &hyp_modbus_write_ops, .state = &write}, script);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    enum hyp_modbus_framing framing = (data[0] & 1) == 0 ? HYP_MODBUS_TCP : HYP_MODBUS_RTU;
    struct script script = {.data = data + 1, .size = size - 1};
    if ((data[0] & 2) == 0) {
        play_read(framing, script);
    } else {
        play_write(framing, script);
    }
    return 0;
}
