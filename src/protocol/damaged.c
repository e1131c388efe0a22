/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/damaged.h"

#include "protocol/telegram.h"
#include "protocol/wmbus/link.h"

#define WIRED "EN 13757-2"
#define RADIO "EN 13757-4"
#define APPLICATION "EN 13757-3"

#define LONG_START 0x68
#define SHORT_START 0x10
#define ACKNOWLEDGEMENT 0xE5
#define LONG_HEADER_CI 0x72

/* A walk over bytes that may end anywhere. */
struct walk {
    struct hyp_explain *explain;
    const uint8_t *bytes;
    size_t len;
    size_t at;
};

/* Takes up to `want` bytes for a field; NULL when they are not all there. */
static const uint8_t *take(struct walk *walk, enum hyp_note_layer layer, size_t want,
                           const char *field, const char *clause, const char *meaning)
{
    const uint8_t *bytes = walk->bytes + walk->at;
    size_t there = HYP_MIN(want, walk->len - walk->at);
    if (there == 0) {
        return NULL;
    }
    hyp_explain_add(walk->explain, layer, walk->at, there, field, clause, "%s%s", meaning,
                    there < want ? " (cut)" : "");
    walk->at += there;
    return there < want ? NULL : bytes;
}

static void take_rest(struct walk *walk, size_t end, const char *field, const char *clause,
                      const char *meaning)
{
    end = HYP_MIN(end, walk->len);
    if (end > walk->at) {
        hyp_explain_add(walk->explain, HYP_NOTE_OTHER, walk->at, end - walk->at, field, clause,
                        "%s", meaning);
        walk->at = end;
    }
}

/* A byte that is a number. */
static void take_number(struct walk *walk, enum hyp_note_layer layer, const char *field,
                        const char *clause, const char *what)
{
    if (walk->at < walk->len) {
        hyp_explain_add(walk->explain, layer, walk->at, 1, field, clause, "%s %u", what,
                        walk->bytes[walk->at]);
        walk->at++;
    }
}

/* --- wired --- */

static const char *command_text(uint8_t c)
{
    switch (c & ~0x30u) {
    case 0x40: return "SND_NKE: the master resets a meter's link";
    case 0x43: return "SND_UD: the master sends data";
    case 0x4A: return "REQ_UD1: the master asks for alarms";
    case 0x4B: return "REQ_UD2: the master asks for data";
    case 0x08: return "RSP_UD: response of a meter";
    default: return "not a C field of wired M-Bus";
    }
}

static void note_short(struct walk *walk)
{
    const uint8_t *b = walk->bytes;
    bool whole = walk->len >= 5;
    take(walk, HYP_NOTE_LINK, 1, "start", WIRED, "short frame");
    take(walk, HYP_NOTE_LINK, 1, "C", WIRED, walk->len > 1 ? command_text(b[1]) : "");
    take_number(walk, HYP_NOTE_ADDRESS, "A", WIRED, "primary address");
    bool sums = whole && (uint8_t)(b[1] + b[2]) == b[3];
    take(walk, HYP_NOTE_LINK, 1, "CS", WIRED,
         sums ? "sum of C and A, correct" : "not the sum of C and A");
    take(walk, HYP_NOTE_LINK, 1, "stop", WIRED,
         whole && b[4] == 0x16 ? "end of frame" : "should be 16");
    take_rest(walk, walk->len, "rest", "", "behind the end of the frame");
}

/* The long header of a response: ID M VER TYPE ACC STS CFG. */
static void note_long_header(struct walk *walk, size_t end)
{
    if (end - walk->at < 12) {
        return;
    }
    const uint8_t *h = walk->bytes + walk->at;
    char maker[4];
    hyp_manufacturer_to_text((uint16_t)(h[4] | h[5] << 8), maker);
    struct hyp_explain *explain = walk->explain;
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, walk->at, 4, "ID", APPLICATION,
                    "%02X%02X%02X%02X, not proven", h[3], h[2], h[1], h[0]);
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, walk->at + 4, 2, "M", APPLICATION,
                    "manufacturer %s, not proven", maker);
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, walk->at + 6, 1, "VER", APPLICATION,
                    "version %02X", h[6]);
    hyp_explain_add(explain, HYP_NOTE_ADDRESS, walk->at + 7, 1, "TYPE", APPLICATION, "%s",
                    hyp_medium_text(h[7]));
    hyp_explain_add(explain, HYP_NOTE_TRANSPORT, walk->at + 8, 1, "ACC", APPLICATION,
                    "access number %u", h[8]);
    hyp_explain_add(explain, HYP_NOTE_TRANSPORT, walk->at + 9, 1, "STS", APPLICATION,
                    "status %02X", h[9]);
    hyp_explain_add(explain, HYP_NOTE_TRANSPORT, walk->at + 10, 2, "CFG", APPLICATION,
                    "configuration word %02X%02X", h[11], h[10]);
    walk->at += 12;
}

static uint8_t sum_of(const uint8_t *bytes, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += bytes[i];
    }
    return (uint8_t)sum;
}

static void note_long_tail(struct walk *walk, size_t l)
{
    if (walk->at >= walk->len) {
        return;
    }
    bool sums = sum_of(walk->bytes + 4, l) == walk->bytes[walk->at];
    take(walk, HYP_NOTE_LINK, 1, "CS", WIRED,
         sums ? "sum of the bytes from C, correct" : "not the sum of the bytes from C");
    bool stops = walk->at < walk->len && walk->bytes[walk->at] == 0x16;
    take(walk, HYP_NOTE_LINK, 1, "stop", WIRED, stops ? "end of frame" : "should be 16");
    take_rest(walk, walk->len, "rest", "", "behind the end of the frame");
}

static void note_long(struct walk *walk)
{
    const uint8_t *b = walk->bytes;
    size_t l = walk->len > 1 ? b[1] : 0;
    bool twice = walk->len > 2 && b[1] == b[2];
    take(walk, HYP_NOTE_LINK, 1, "start", WIRED, "long frame");
    take_number(walk, HYP_NOTE_LINK, "L", WIRED, "bytes from C to the checksum:");
    take(walk, HYP_NOTE_LINK, 1, "L", WIRED, twice ? "repeated" : "differs from the first");
    take(walk, HYP_NOTE_LINK, 1, "start", WIRED,
         walk->len > 3 && b[3] == LONG_START ? "repeated" : "should be 68");
    take(walk, HYP_NOTE_LINK, 1, "C", WIRED, walk->len > 4 ? command_text(b[4]) : "");
    take_number(walk, HYP_NOTE_ADDRESS, "A", WIRED, "primary address");
    uint8_t ci = walk->len > 6 ? b[6] : 0;
    take(walk, HYP_NOTE_TRANSPORT, 1, "CI", APPLICATION,
         "control information: what the data are");
    size_t end = HYP_MIN(l + 4, walk->len);
    if (ci == LONG_HEADER_CI && end > walk->at) {
        note_long_header(walk, end);
    }
    take_rest(walk, end, "data", APPLICATION,
              "application data, not read: the frame is unsound");
    note_long_tail(walk, l);
}

void hyp_damaged_note_wired(struct hyp_explain *explain, const uint8_t *bytes, size_t len)
{
    struct walk walk = {.explain = explain, .bytes = bytes, .len = len};
    if (len == 0) {
        return;
    }
    switch (bytes[0]) {
    case ACKNOWLEDGEMENT:
        take(&walk, HYP_NOTE_LINK, 1, "ACK", WIRED, "acknowledgement of a meter, without data");
        take_rest(&walk, len, "rest", "", "behind the acknowledgement");
        break;
    case SHORT_START: note_short(&walk); break;
    case LONG_START: note_long(&walk); break;
    default: take_rest(&walk, len, "not a frame", WIRED, "begins with none of 68, 10 and E5");
    }
}

/* --- wireless --- */

void hyp_damaged_note_wireless(struct hyp_explain *explain, const uint8_t *bytes, size_t len)
{
    struct walk walk = {.explain = explain, .bytes = bytes, .len = len};
    char maker[4] = "";
    take_number(&walk, HYP_NOTE_LINK, "L", RADIO, "bytes behind it, as it says:");
    const struct hyp_wmbus_function *function =
        len > 1 ? hyp_wmbus_function_find(bytes[1]) : NULL;
    take(&walk, HYP_NOTE_LINK, 1, "C", RADIO,
         function != NULL ? function->meaning : "not defined by the standard");
    if (len >= HYP_WMBUS_LINK_HEADER) {
        hyp_manufacturer_to_text((uint16_t)(bytes[2] | bytes[3] << 8), maker);
        hyp_explain_add(explain, HYP_NOTE_ADDRESS, 2, 2, "M", RADIO,
                        "manufacturer %s, not proven", maker);
        hyp_explain_add(explain, HYP_NOTE_ADDRESS, 4, 4, "ID", RADIO,
                        "%02X%02X%02X%02X, not proven", bytes[7], bytes[6], bytes[5], bytes[4]);
        hyp_explain_add(explain, HYP_NOTE_ADDRESS, 8, 1, "VER", RADIO, "version %02X",
                        bytes[8]);
        hyp_explain_add(explain, HYP_NOTE_ADDRESS, 9, 1, "TYPE", RADIO, "%s",
                        hyp_medium_text(bytes[9]));
        walk.at = HYP_WMBUS_LINK_HEADER;
    }
    take_rest(&walk, len, "data", RADIO, "not read: the telegram is unsound");
}
