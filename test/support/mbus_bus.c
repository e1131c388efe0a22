/* SPDX-License-Identifier: Apache-2.0 */
#include "support/mbus_bus.h"

#include "support/hex.h"

#define STEPS_MAX 2000000

void bus_init(struct bus *bus, struct bus_meter *meters, size_t count)
{
    *bus = (struct bus){.meters = meters, .count = count, .baud = 2400, .piece_gap_ms = 5};
    for (size_t i = 0; i < count; i++) {
        meters[i].baud = 2400;
        meters[i].application = 0xFF;
        /* Real meters do not count in step. */
        meters[i].access = (uint8_t)(i * 53);
    }
}

static struct hyp_mbus_secondary parse(const char *text)
{
    struct hyp_mbus_secondary address;
    if (hyp_mbus_secondary_parse(hyp_str_from(text), &address) != HYP_OK) {
        fail_msg("bad address in a test: %s", text);
    }
    return address;
}

struct hyp_mbus_target by_primary(uint8_t address)
{
    return (struct hyp_mbus_target){.primary = address, .address = HYP_MBUS_SECONDARY_ANY};
}

struct hyp_mbus_target by_secondary(const char *text)
{
    return (struct hyp_mbus_target){.secondary = true, .address = parse(text)};
}

static struct hyp_mbus_secondary address_of(const struct bus_meter *meter)
{
    return parse(meter->address);
}

size_t bus_frame(const struct bus_meter *meter, size_t telegram, uint8_t access,
                 uint8_t out[static HYP_MBUS_FRAME_MAX])
{
    uint8_t data[HYP_MBUS_USER_DATA_MAX] = {0};
    struct hyp_mbus_secondary address = address_of(meter);
    uint8_t ci = meter->ci == 0 ? 0x72 : meter->ci;
    size_t header = ci == 0x72 ? 12 : 0;
    hyp_mbus_secondary_encode(&address, data);
    data[8] = access;
    size_t len = test_hex(meter->telegrams[telegram] == NULL ? "" : meter->telegrams[telegram],
                          data + header, sizeof(data) - header);
    return hyp_mbus_frame_encode_long(HYP_MBUS_C_RSP_UD, meter->primary, ci, data, header + len,
                                      out);
}

static bool nibbles_match(const uint8_t *pattern, uint32_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned digit = pattern[i / 2] >> (4 * (i % 2)) & 0x0F;
        if (digit != 0x0F && digit != (value >> (4 * i) & 0x0F)) {
            return false;
        }
    }
    return true;
}

static bool is_selected_by(const struct bus_meter *meter, const struct hyp_mbus_frame *frame)
{
    struct hyp_mbus_secondary address = address_of(meter);
    const uint8_t *data = frame->data;
    if (frame->data_len < 8 || !nibbles_match(data, address.id)) {
        return false;
    }
    bool fits = (data[4] == 0xFF || data[4] == (address.manufacturer & 0xFF)) &&
                (data[5] == 0xFF || data[5] == address.manufacturer >> 8) &&
                (data[6] == 0xFF || data[6] == address.version) &&
                (data[7] == 0xFF || data[7] == address.medium);
    if (fits && frame->data_len == 14) {
        fits =
            data[8] == 0x0C && data[9] == 0x78 && nibbles_match(data + 10, address.fabrication);
    }
    return fits;
}

static size_t telegram_count(const struct bus_meter *meter)
{
    size_t count = 1;
    while (count < BUS_TELEGRAMS_MAX && meter->telegrams[count] != NULL) {
        count++;
    }
    return count;
}

static void reset_link(struct bus_meter *meter)
{
    meter->has_bit = false;
    meter->next = 0;
}

/* True when the frame count bit says that this is a new request. */
static bool is_new(struct bus_meter *meter, uint8_t c)
{
    bool bit = (c & HYP_MBUS_C_FCB) != 0;
    bool fresh = !meter->has_bit || meter->bit != bit;
    meter->has_bit = true;
    meter->bit = bit;
    return fresh;
}

static size_t answer_request(struct bus_meter *meter, uint8_t c,
                             uint8_t out[static HYP_MBUS_FRAME_MAX])
{
    if (is_new(meter, c)) {
        meter->last = meter->next;
        meter->next = (meter->next + 1) % telegram_count(meter);
        meter->access++;
    }
    if (meter->no_data) {
        out[0] = 0xE5;
        return 1;
    }
    if (meter->error_code > 0) {
        uint8_t code = (uint8_t)meter->error_code;
        return hyp_mbus_frame_encode_long(HYP_MBUS_C_RSP_UD, meter->primary, 0x70, &code, 1,
                                          out);
    }
    return bus_frame(meter, meter->last, meter->access, out);
}

static void carry_out(struct bus_meter *meter, const struct hyp_mbus_frame *frame)
{
    static const uint32_t rates[] = {300, 600, 1200, 2400, 4800, 9600, 19200, 38400};
    if (!is_new(meter, frame->c)) {
        return;
    }
    meter->commands++;
    if (frame->ci == 0x50) {
        meter->application = frame->data_len > 0 ? frame->data[0] : 0;
        meter->next = 0;
    } else if (frame->ci == 0x51 && frame->data_len == 3 && frame->data[1] == 0x7A) {
        meter->primary = frame->data[2];
    } else if (frame->ci >= 0xB8 && frame->ci <= 0xBF && !meter->keeps_rate) {
        meter->baud = rates[frame->ci - 0xB8];
    }
}

/* What one meter says to one frame; 0 = nothing. */
static size_t meter_answer(struct bus_meter *meter, const struct hyp_mbus_frame *frame,
                           uint8_t out[static HYP_MBUS_FRAME_MAX])
{
    bool to_me = frame->a == meter->primary || frame->a == HYP_MBUS_ADDRESS_ANY ||
                 frame->a == HYP_MBUS_ADDRESS_ALL ||
                 (frame->a == HYP_MBUS_ADDRESS_SELECTED && meter->selected);
    bool quiet = meter->silent || frame->a == HYP_MBUS_ADDRESS_ALL;
    uint8_t function = frame->c & 0x4F;
    out[0] = 0xE5;
    if (frame->a == HYP_MBUS_ADDRESS_SELECTED && frame->ci == 0x52) {
        meter->selected = is_selected_by(meter, frame);
        if (meter->selected) {
            reset_link(meter);
        }
        return meter->selected && !quiet ? 1 : 0;
    }
    if (!to_me) {
        return 0;
    }
    if (frame->c == HYP_MBUS_C_SND_NKE) {
        reset_link(meter);
        meter->selected = meter->selected && frame->a != HYP_MBUS_ADDRESS_SELECTED;
        return quiet || meter->no_reset_ack ? 0 : 1;
    }
    if (function == (HYP_MBUS_C_REQ_UD2 & 0x4F)) {
        size_t len = answer_request(meter, frame->c, out);
        return quiet ? 0 : len;
    }
    if (function == (HYP_MBUS_C_SND_UD & 0x4F)) {
        carry_out(meter, frame);
        return quiet ? 0 : 1;
    }
    return 0;
}

static void add_hex(struct bus *bus, const char *hex)
{
    if (hex != NULL) {
        bus->answer_len +=
            test_hex(hex, bus->answer + bus->answer_len, sizeof(bus->answer) - bus->answer_len);
    }
}

/* What one meter says, after what the wire does to it; 0 = nothing. */
static size_t heard_from(struct bus_meter *meter, const struct hyp_mbus_frame *frame,
                         uint8_t out[static HYP_MBUS_FRAME_MAX])
{
    size_t len = meter_answer(meter, frame, out);
    if (len > 0 && meter->lost_from > 0) {
        meter->lost_from--;
    } else if (len > 0 && meter->lost > 0) {
        meter->lost--;
        len = 0;
    }
    if (len > 0 && meter->damaged > 0) {
        meter->damaged--;
        out[len / 2] ^= 0x55;
    }
    return len;
}

static void ask_meters(struct bus *bus, const struct hyp_mbus_frame *frame)
{
    for (size_t i = 0; i < bus->count; i++) {
        struct bus_meter *meter = &bus->meters[i];
        bus->says_len[i] =
            meter->baud == bus->baud ? heard_from(meter, frame, bus->says[i]) : 0;
    }
}

/* Joins what meters say at the same time; false when nobody of that delay says anything. */
static bool join(struct bus *bus, uint32_t delay)
{
    uint8_t line[HYP_MBUS_FRAME_MAX];
    size_t line_len = 0;
    for (size_t i = 0; i < bus->count; i++) {
        size_t len = bus->meters[i].delay_ms == delay ? bus->says_len[i] : 0;
        for (size_t k = 0; k < len; k++) {
            line[k] = k < line_len ? line[k] & bus->says[i][k] : bus->says[i][k];
        }
        line_len = HYP_MAX(line_len, len);
    }
    if (line_len > 0) {
        add_hex(bus, bus->noise);
        add_hex(bus, bus->intruder);
        memcpy(bus->answer + bus->answer_len, line, line_len);
        bus->answer_len += line_len;
    }
    return line_len > 0;
}

/* The shortest delay above `after` of a meter that says something; UINT32_MAX = none. */
static uint32_t next_delay(const struct bus *bus, int64_t after)
{
    uint32_t next = UINT32_MAX;
    for (size_t i = 0; i < bus->count; i++) {
        uint32_t delay = bus->meters[i].delay_ms;
        next = bus->says_len[i] > 0 && delay > after && delay < next ? delay : next;
    }
    return next;
}

static void hear(struct bus *bus, const uint8_t *bytes, size_t len)
{
    struct hyp_mbus_frame frame;
    bus->answer_len = 0;
    bus->requests++;
    if (bus->echo) {
        memcpy(bus->answer, bytes, len);
        bus->answer_len = len;
    }
    assert_int_equal(hyp_mbus_frame_parse(bytes, len, &frame, NULL), HYP_OK);
    assert_int_equal(frame.len, len);
    ask_meters(bus, &frame);
}

const uint8_t *bus_hear(struct bus *bus, const uint8_t *bytes, size_t len, size_t *ret_len)
{
    hear(bus, bytes, len);
    for (uint32_t delay = next_delay(bus, -1); delay != UINT32_MAX;
         delay = next_delay(bus, delay)) {
        (void)join(bus, delay);
    }
    add_hex(bus, bus->babble);
    *ret_len = bus->answer_len;
    return bus->answer;
}

/* Puts bus->answer under way; deliveries stay in order of time. */
static void enqueue(struct bus *bus, int64_t at)
{
    if (bus->answer_len == 0) {
        return;
    }
    if (bus->queue_len == BUS_QUEUE_MAX) {
        fail_msg("too many answers under way");
    }
    size_t place = bus->queue_len++;
    for (; place > 0 && bus->queue[place - 1].at > at; place--) {
        bus->queue[place] = bus->queue[place - 1];
    }
    struct bus_delivery *delivery = &bus->queue[place];
    delivery->at = at;
    delivery->len = bus->answer_len;
    memcpy(delivery->bytes, bus->answer, bus->answer_len);
    bus->answer_len = 0;
}

static void bus_send(struct bus *bus, const uint8_t *bytes, size_t len)
{
    /* Mostly what the last answer still had to say is lost: both directions share the line. */
    bus->queue_len = bus->keep_late ? bus->queue_len : 0;
    bus->cut_left = bus->cut;
    int64_t at = bus->now + bus->latency_ms;
    hear(bus, bytes, len);
    for (uint32_t delay = next_delay(bus, -1); delay != UINT32_MAX;
         delay = next_delay(bus, delay)) {
        (void)join(bus, delay);
        uint32_t later = next_delay(bus, delay);
        if (later != UINT32_MAX) {
            enqueue(bus, at + delay);
        } else {
            at += delay;
        }
    }
    add_hex(bus, bus->babble);
    memcpy(bus->babbled, bus->answer, bus->answer_len);
    bus->babbled_len = bus->answer_len;
    enqueue(bus, at);
}

/* Removes the first `count` bytes of the delivery that is due first. */
static void consume(struct bus *bus, size_t count)
{
    struct bus_delivery *first = &bus->queue[0];
    first->len -= count;
    memmove(first->bytes, first->bytes + count, first->len);
    first->at += bus->piece_gap_ms;
    if (first->len == 0 && bus->babble != NULL) {
        memcpy(first->bytes, bus->babbled, bus->babbled_len);
        first->len = bus->babbled_len;
    }
    if (first->len == 0) {
        bus->queue_len--;
        memmove(first, first + 1, bus->queue_len * sizeof(*first));
    }
}

static struct hyp_session_io deliver(struct bus *bus, const struct hyp_session_ops *ops,
                                     void *session)
{
    struct bus_delivery *first = &bus->queue[0];
    size_t len = first->len;
    if (bus->cut > 0 && bus->cut_left > 0) {
        len = HYP_MIN(len, bus->cut_left);
        bus->cut_left -= len;
    } else if (bus->pieces > 0) {
        len = HYP_MIN(len, bus->pieces);
    }
    bus->now = HYP_MAX(bus->now, first->at);
    /* A copy of exactly that length, so that the sanitizer sees a read too far. */
    uint8_t *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, first->bytes, len);
    consume(bus, len);
    struct hyp_session_io io = ops->feed(session, copy, len, (hyp_mono){bus->now});
    free(copy);
    return io;
}

static struct hyp_session_io next_event(struct bus *bus, const struct hyp_session_ops *ops,
                                        void *session, hyp_mono deadline)
{
    if (bus->queue_len > 0 && bus->queue[0].at <= deadline.ms) {
        return deliver(bus, ops, session);
    }
    assert_true(deadline.ms != INT64_MAX);
    bus->now = HYP_MAX(bus->now, deadline.ms);
    return ops->tick(session, (hyp_mono){bus->now});
}

struct hyp_session_io bus_run(struct bus *bus, const struct hyp_session_ops *ops, void *session)
{
    struct hyp_session_io io = ops->start(session, (hyp_mono){bus->now});
    for (size_t step = 0; step < STEPS_MAX; step++) {
        if (io.baud != 0) {
            bus->baud = io.baud;
        }
        if (io.send_len > 0) {
            bus_send(bus, io.send, io.send_len);
        }
        if (io.state != HYP_SESSION_RUNNING) {
            return io;
        }
        io = next_event(bus, ops, session, io.deadline);
    }
    fail_msg("the session does not end");
    return io;
}
