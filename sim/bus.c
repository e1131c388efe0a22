/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/bus.h"

#include "sim/noise.h"
#include "sim/slave.h"

#include <string.h>

/* Noise channels of one answer. */
enum { NOISE_FATE = 1, NOISE_PLACE, NOISE_JITTER };

void sim_bus_init(struct sim_bus *bus, const struct sim_climate *climate,
                  struct sim_slave *slaves, size_t count, uint64_t seed)
{
    *bus = (struct sim_bus){.climate = climate, .slaves = slaves, .count = count, .seed = seed};
}

void sim_bus_idle(struct sim_bus *bus)
{
    bus->input_len = 0;
}

/*
 * Two slaves talk at once: currents add, so each bit that is 0 (current flowing) in either one
 * arrives as 0. Slaves begin a little apart, so acknowledgements pile up to several bytes.
 */
static void collide(struct sim_bus *bus, struct sim_answer *answer,
                    const struct sim_wired *frame)
{
    if (frame->len == 1 && answer->len > 0) {
        bool in_unison = sim_unit(bus->seed, NOISE_JITTER, bus->answers + answer->len) < 0.5;
        if (!in_unison && answer->len < 4) {
            answer->bytes[answer->len - 1] &= 0x65;
            answer->bytes[answer->len++] = frame->bytes[0];
        }
        return;
    }
    for (size_t i = 0; i < frame->len; i++) {
        answer->bytes[i] =
            i < answer->len ? answer->bytes[i] & frame->bytes[i] : frame->bytes[i];
    }
    answer->len = HYP_MAX(answer->len, frame->len);
}

static void ask_slaves(struct sim_bus *bus, const struct sim_request *request, int64_t now_ms,
                       struct sim_answer *answer)
{
    bool is_reset_of_network = request->control == 0x40 && request->address == 0xFD;
    for (size_t i = 0; i < bus->count; i++) {
        struct sim_slave *slave = &bus->slaves[i];
        struct sim_wired frame;
        if (sim_defect_holds(slave->meter->defects.dead_ms, now_ms) ||
            !sim_slave_react(slave, bus->climate, request, now_ms, &frame)) {
            continue;
        }
        answer->extra_delay_ms = HYP_MAX(answer->extra_delay_ms, slave->delay_ms);
        if (answer->len == 0) {
            memcpy(answer->bytes, frame.bytes, frame.len);
            answer->len = frame.len;
        } else {
            collide(bus, answer, &frame);
        }
    }
    /* Deselecting is a command to all; only the one selected slave acknowledges, if any. */
    if (is_reset_of_network && answer->len > 1) {
        answer->len = 1;
        answer->bytes[0] = SIM_WIRED_ACK;
    }
}

/* A bad line turns bits, delays or loses answers. Exactly repeatable for a seed. */
static void add_noise(struct sim_bus *bus, struct sim_answer *answer)
{
    uint64_t number = bus->answers++;
    if (answer->len == 0) {
        return;
    }
    const struct sim_line_noise *noise = &bus->noise;
    uint32_t fate = (uint32_t)(sim_hash(bus->seed, NOISE_FATE, number) % 1000000);
    uint64_t place = sim_hash(bus->seed, NOISE_PLACE, number);
    if (fate < noise->bit_errors) {
        answer->bytes[place % answer->len] ^= (uint8_t)(1u << (place >> 32 & 7));
    } else if (fate < noise->bit_errors + noise->late) {
        answer->extra_delay_ms += noise->late_ms;
    } else if (fate < noise->bit_errors + noise->late + noise->lost) {
        answer->len = 0;
    }
}

static void put_echo(struct sim_answer *answer, const uint8_t *request, size_t len)
{
    memmove(answer->bytes + len, answer->bytes, answer->len);
    memcpy(answer->bytes, request, len);
    answer->len += len;
}

static void drop_input(struct sim_bus *bus, size_t used)
{
    bus->input_len -= used;
    memmove(bus->input, bus->input + used, bus->input_len);
}

bool sim_bus_feed(struct sim_bus *bus, const uint8_t *bytes, size_t len, int64_t now_ms,
                  size_t *ret_used, struct sim_answer *ret_answer)
{
    size_t taken = HYP_MIN(len, sizeof(bus->input) - bus->input_len);
    memcpy(bus->input + bus->input_len, bytes, taken);
    bus->input_len += taken;
    *ret_used = taken;
    for (;;) {
        struct sim_request request;
        size_t used = 0;
        enum sim_request_result result =
            sim_request_parse(bus->input, bus->input_len, &request, &used);
        if (result == SIM_REQUEST_MORE) {
            return false;
        }
        if (result == SIM_REQUEST_NOISE) {
            drop_input(bus, used);
            continue;
        }
        ret_answer->len = 0;
        ret_answer->extra_delay_ms = 0;
        if (!bus->silent) {
            ask_slaves(bus, &request, now_ms, ret_answer);
            add_noise(bus, ret_answer);
        }
        if (bus->echo) {
            put_echo(ret_answer, bus->input, used);
        }
        drop_input(bus, used);
        return true;
    }
}
