/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plant.h"

#include <assert.h>

#define MINUTES_PER_DAY 1440
#define MS_PER_MINUTE 60000
#define ALL_WEEKDAYS 0x7Fu

static const char *const line_kind_texts[] = {
    [HYP_LINE_UNSET] = "unset",
    [HYP_LINE_MBUS_TCP] = "mbus-tcp",
    [HYP_LINE_MBUS_SERIAL] = "mbus-serial",
    [HYP_LINE_MODBUS_TCP] = "modbus-tcp",
    [HYP_LINE_MODBUS_RTU_TCP] = "modbus-rtu-tcp",
    [HYP_LINE_MODBUS_SERIAL] = "modbus-serial",
    [HYP_LINE_WMBUS_TCP] = "wmbus-tcp",
    [HYP_LINE_WMBUS_TCP_LISTEN] = "wmbus-tcp-listen",
    [HYP_LINE_WMBUS_UDP_LISTEN] = "wmbus-udp-listen",
    [HYP_LINE_WMBUS_MQTT] = "wmbus-mqtt",
    [HYP_LINE_WMBUS_SERIAL] = "wmbus-serial",
    [HYP_LINE_DROP_FOLDER] = "drop-folder",
};
static_assert(HYP_ARRAY_LEN(line_kind_texts) == HYP_LINE_KIND_COUNT, "one per line kind");

static const struct {
    const char *name;
    uint32_t baud;
} receivers[] = {
    [HYP_RECEIVER_AUTO] = {"auto",         38400 },
    [HYP_RECEIVER_IM871A] = {"im871a",       57600 },
    [HYP_RECEIVER_AMB8465] = {"amb8465",      9600  },
    [HYP_RECEIVER_AMB8465_RSSI] = {"amb8465-rssi", 9600  },
    [HYP_RECEIVER_CUL_T] = {"cul-t",        38400 },
    [HYP_RECEIVER_CUL_C] = {"cul-c",        38400 },
    [HYP_RECEIVER_CUL_S] = {"cul-s",        38400 },
    [HYP_RECEIVER_RC1180] = {"rc1180",       19200 },
    [HYP_RECEIVER_RC1180_RSSI] = {"rc1180-rssi",  19200 },
    [HYP_RECEIVER_IU891A] = {"iu891a",       115200},
    [HYP_RECEIVER_EMBIT] = {"embit",        9600  },
    [HYP_RECEIVER_CHIPS] = {"chips",        115200},
};
static_assert(HYP_ARRAY_LEN(receivers) == HYP_RECEIVER_KIND_COUNT, "one per receiver");

static const char *const job_state_texts[] = {
    [HYP_JOB_UNKNOWN] = "unknown", [HYP_JOB_WAITING] = "waiting",
    [HYP_JOB_QUEUED] = "queued",   [HYP_JOB_SENT] = "sent",
    [HYP_JOB_LOADING] = "loading", [HYP_JOB_PROCESSING] = "processing",
    [HYP_JOB_DONE] = "done",       [HYP_JOB_DONE_WITH_ERRORS] = "done_with_errors",
    [HYP_JOB_ERROR] = "error",
};
static_assert(HYP_ARRAY_LEN(job_state_texts) == HYP_JOB_ERROR + 1, "one per job state");

static const char *const job_kind_texts[] = {
    [HYP_JOB_KIND_UNSET] = "unset", [HYP_JOB_READ] = "read",       [HYP_JOB_SCAN] = "scan",
    [HYP_JOB_TEST] = "test",        [HYP_JOB_COMMAND] = "command",
};
static_assert(HYP_ARRAY_LEN(job_kind_texts) == HYP_JOB_COMMAND + 1, "one per job kind");

static const char *const weekday_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
#define WEEKDAY_COUNT ((int)HYP_ARRAY_LEN(weekday_names))

const char *hyp_line_kind_text(enum hyp_line_kind kind)
{
    return line_kind_texts[kind];
}

uint32_t hyp_line_kind_capacity(enum hyp_line_kind kind)
{
    bool wired = kind == HYP_LINE_MBUS_TCP || kind == HYP_LINE_MBUS_SERIAL;
    return wired ? HYP_LIMIT_MBUS_DEVICES : 0;
}

int hyp_mbus_baud_index(uint32_t baud)
{
    static const uint32_t rates[] = {300, 600, 1200, 2400, 4800, 9600, 19200, 38400};
    for (size_t i = 0; i < HYP_ARRAY_LEN(rates); i++) {
        if (rates[i] == baud) {
            return (int)i;
        }
    }
    return -1;
}

enum hyp_status hyp_line_kind_find(struct hyp_str text, enum hyp_line_kind *ret_kind)
{
    for (size_t i = HYP_LINE_UNSET + 1; i < HYP_ARRAY_LEN(line_kind_texts); i++) {
        if (hyp_str_equal(text, hyp_str_from(line_kind_texts[i]))) {
            *ret_kind = (enum hyp_line_kind)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

const char *hyp_receiver_kind_text(enum hyp_receiver_kind kind)
{
    return receivers[kind].name;
}

enum hyp_status hyp_receiver_kind_find(struct hyp_str text, enum hyp_receiver_kind *ret_kind)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(receivers); i++) {
        if (hyp_str_equal(text, hyp_str_from(receivers[i].name))) {
            *ret_kind = (enum hyp_receiver_kind)i;
            return HYP_OK;
        }
    }
    return HYP_NOT_FOUND;
}

uint32_t hyp_receiver_kind_baud(enum hyp_receiver_kind kind)
{
    return receivers[kind].baud;
}

const char *hyp_job_state_text(enum hyp_job_state state)
{
    return job_state_texts[state];
}

const char *hyp_job_kind_text(enum hyp_job_kind kind)
{
    return job_kind_texts[kind];
}

/* --- schedule as text --- */

static void append_two_digits(struct hyp_buf *out, unsigned value)
{
    hyp_buf_append_char(out, (char)('0' + value / 10 % 10));
    hyp_buf_append_char(out, (char)('0' + value % 10));
}

/* Runs of three or more days become a range: "Mon-Fri", "Mon,Tue", "Mon-Wed,Sat". */
static void append_weekdays(struct hyp_buf *out, unsigned weekdays)
{
    bool first = true;
    for (int day = 0; day < WEEKDAY_COUNT; day++) {
        if ((weekdays >> day & 1) == 0) {
            continue;
        }
        int last = day;
        while (last + 1 < WEEKDAY_COUNT && (weekdays >> (last + 1) & 1) != 0) {
            last++;
        }
        if (!first) {
            hyp_buf_append_char(out, ',');
        }
        first = false;
        hyp_buf_append_text(out, weekday_names[day]);
        if (last - day >= 2) {
            hyp_buf_append_char(out, '-');
            hyp_buf_append_text(out, weekday_names[last]);
            day = last;
        }
    }
}

static void append_every(struct hyp_buf *out, unsigned minutes)
{
    bool hours = minutes % 60 == 0;
    hyp_buf_append_text(out, "every ");
    hyp_buf_append_u64(out, hours ? minutes / 60 : minutes);
    hyp_buf_append_text(out, hours ? " h" : " min");
}

void hyp_schedule_format(struct hyp_buf *out, const struct hyp_schedule *schedule)
{
    switch (schedule->kind) {
    case HYP_SCHEDULE_UNSET:
    case HYP_SCHEDULE_NONE: hyp_buf_append_text(out, "none"); break;
    case HYP_SCHEDULE_EVERY: append_every(out, schedule->minutes); break;
    case HYP_SCHEDULE_DAILY:
        if (schedule->weekdays == ALL_WEEKDAYS) {
            hyp_buf_append_text(out, "daily");
        } else {
            append_weekdays(out, schedule->weekdays);
        }
        hyp_buf_append_char(out, ' ');
        append_two_digits(out, schedule->minute_of_day / 60u);
        hyp_buf_append_char(out, ':');
        append_two_digits(out, schedule->minute_of_day % 60u);
        break;
    }
}

static bool word_is(struct hyp_str word, const char *text)
{
    return hyp_str_equal_nocase(word, hyp_str_from(text));
}

/* The next word of *rest; false at the end. */
static bool next_word(struct hyp_str *rest, struct hyp_str *ret_word)
{
    *rest = hyp_str_trim(*rest);
    if (rest->len == 0) {
        return false;
    }
    ptrdiff_t end = hyp_str_find_char(*rest, ' ');
    size_t len = end < 0 ? rest->len : (size_t)end;
    *ret_word = (struct hyp_str){.ptr = rest->ptr, .len = len};
    rest->ptr += len;
    rest->len -= len;
    return true;
}

/* "15 min", "2 h", "hour" */
static enum hyp_status parse_every(struct hyp_str rest, struct hyp_schedule *ret_schedule,
                                   struct hyp_error *err)
{
    struct hyp_str number;
    struct hyp_str unit = {0};
    uint64_t count = 0;
    if (!next_word(&rest, &number)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"every\" needs a period, like \"every 15 min\"");
    }
    if (hyp_str_to_u64(number, &count) == HYP_OK) {
        if (!next_word(&rest, &unit)) {
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "the period needs a unit: min or h, like \"every 2 h\"");
        }
    } else {
        unit = number;
        count = 1;
    }
    uint64_t factor = 0;
    if (word_is(unit, "min") || word_is(unit, "minutes")) {
        factor = 1;
    } else if (word_is(unit, "h") || word_is(unit, "hour") || word_is(unit, "hours")) {
        factor = 60;
    }
    if (factor == 0 || hyp_str_trim(rest).len != 0) {
        return hyp_error_set(err, HYP_INVALID, -1, "\"%.*s\" is no period: use min or h",
                             HYP_STR_ARG(unit));
    }
    if (count == 0 || count > MINUTES_PER_DAY / factor) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "the period must lie between 1 minute and 24 hours");
    }
    *ret_schedule = (struct hyp_schedule){.kind = HYP_SCHEDULE_EVERY,
                                          .minutes = (uint16_t)(count * factor)};
    return HYP_OK;
}

static int find_weekday(struct hyp_str text)
{
    for (int day = 0; day < WEEKDAY_COUNT; day++) {
        if (word_is(text, weekday_names[day])) {
            return day;
        }
    }
    return -1;
}

/* "Mon", "Mon-Fri" (a hyphen or an en dash), "Fri-Mon" runs over Sunday; 0 when it is none. */
static unsigned parse_day_range(struct hyp_str text)
{
    size_t dash_len = 1;
    ptrdiff_t dash = hyp_str_find_char(text, '-');
    if (dash < 0) {
        dash = hyp_str_find_char(text, '\xE2');
        dash_len = 3;
        if (dash >= 0 && (text.len < (size_t)dash + dash_len || text.ptr[dash + 1] != '\x80' ||
                          text.ptr[dash + 2] != '\x93')) {
            return 0;
        }
    }
    int first = find_weekday((struct hyp_str){text.ptr, dash < 0 ? text.len : (size_t)dash});
    int last = first;
    if (dash >= 0) {
        size_t skip = (size_t)dash + dash_len;
        last = find_weekday((struct hyp_str){text.ptr + skip, text.len - skip});
    }
    if (first < 0 || last < 0) {
        return 0;
    }
    unsigned days = 1u << last;
    for (int day = first; day != last; day = (day + 1) % WEEKDAY_COUNT) {
        days |= 1u << day;
    }
    return days;
}

static enum hyp_status parse_weekdays(struct hyp_str text, uint8_t *ret_weekdays,
                                      struct hyp_error *err)
{
    unsigned days = 0;
    struct hyp_str part;
    while (hyp_str_split_next(&text, ',', &part)) {
        unsigned range = parse_day_range(part);
        if (range == 0) {
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "\"%.*s\" is no weekday: use Mon Tue Wed Thu Fri Sat Sun, "
                                 "\"daily\", \"every\" or \"none\"",
                                 HYP_STR_ARG(part));
        }
        days |= range;
    }
    *ret_weekdays = (uint8_t)days;
    return HYP_OK;
}

/* "06:00" */
static enum hyp_status parse_minute_of_day(struct hyp_str text, uint16_t *ret_minute,
                                           struct hyp_error *err)
{
    ptrdiff_t colon = hyp_str_find_char(text, ':');
    uint64_t hour = 0;
    uint64_t minute = 0;
    if (colon < 1 || colon > 2 || text.len - (size_t)colon != 3 ||
        hyp_str_to_u64((struct hyp_str){text.ptr, (size_t)colon}, &hour) != HYP_OK ||
        hyp_str_to_u64((struct hyp_str){text.ptr + colon + 1, 2}, &minute) != HYP_OK ||
        hour > 23 || minute > 59) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%.*s\" is no time of day: use 00:00 to 23:59",
                             HYP_STR_ARG(text));
    }
    *ret_minute = (uint16_t)(hour * 60 + minute);
    return HYP_OK;
}

static enum hyp_status parse_daily(uint8_t weekdays, struct hyp_str rest,
                                   struct hyp_schedule *ret_schedule, struct hyp_error *err)
{
    uint16_t minute = 0;
    enum hyp_status status = parse_minute_of_day(hyp_str_trim(rest), &minute, err);
    if (status == HYP_OK) {
        *ret_schedule = (struct hyp_schedule){
            .kind = HYP_SCHEDULE_DAILY, .minute_of_day = minute, .weekdays = weekdays};
    }
    return status;
}

enum hyp_status hyp_schedule_parse(struct hyp_str text, struct hyp_schedule *ret_schedule,
                                   struct hyp_error *err)
{
    struct hyp_str rest = text;
    struct hyp_str word;
    if (!next_word(&rest, &word)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "the schedule is empty: use \"none\" to read by hand only");
    }
    bool alone = hyp_str_trim(rest).len == 0;
    if (alone && word_is(word, "none")) {
        *ret_schedule = (struct hyp_schedule){.kind = HYP_SCHEDULE_NONE};
        return HYP_OK;
    }
    if (alone && word_is(word, "hourly")) {
        *ret_schedule = (struct hyp_schedule){.kind = HYP_SCHEDULE_EVERY, .minutes = 60};
        return HYP_OK;
    }
    if (word_is(word, "every")) {
        return parse_every(rest, ret_schedule, err);
    }
    if (word_is(word, "daily")) {
        return parse_daily(ALL_WEEKDAYS, rest, ret_schedule, err);
    }
    uint8_t weekdays = 0;
    enum hyp_status status = parse_weekdays(word, &weekdays, err);
    return status == HYP_OK ? parse_daily(weekdays, rest, ret_schedule, err) : status;
}

/* --- due times --- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* 1970-01-01 was a Thursday. */
static int weekday_of(int64_t day)
{
    int64_t weekday = (day + 3) % WEEKDAY_COUNT;
    return (int)(weekday < 0 ? weekday + WEEKDAY_COUNT : weekday);
}

/* Slots are counted from local midnight, so a restart never moves them. */
static int64_t next_every(int64_t local_minute, int64_t period)
{
    int64_t day = floor_div(local_minute, MINUTES_PER_DAY);
    int64_t minute = local_minute - day * MINUTES_PER_DAY;
    int64_t next = HYP_MIN((minute / period + 1) * period, MINUTES_PER_DAY);
    return day * MINUTES_PER_DAY + next;
}

static int64_t next_daily(const struct hyp_schedule *schedule, int64_t local_minute)
{
    int64_t today = floor_div(local_minute, MINUTES_PER_DAY);
    for (int64_t day = today; day <= today + WEEKDAY_COUNT; day++) {
        int64_t due = day * MINUTES_PER_DAY + schedule->minute_of_day;
        if (due > local_minute && (schedule->weekdays >> weekday_of(day) & 1) != 0) {
            return due;
        }
    }
    return INT64_MAX; /* no weekday is set */
}

hyp_utc hyp_schedule_next(const struct hyp_schedule *schedule, hyp_utc after,
                          int utc_offset_minutes)
{
    int64_t local_minute = floor_div(after.ms, MS_PER_MINUTE) + utc_offset_minutes;
    int64_t due = INT64_MAX;
    switch (schedule->kind) {
    case HYP_SCHEDULE_UNSET:
    case HYP_SCHEDULE_NONE: break;
    case HYP_SCHEDULE_EVERY:
        due = schedule->minutes == 0 ? INT64_MAX : next_every(local_minute, schedule->minutes);
        break;
    case HYP_SCHEDULE_DAILY: due = next_daily(schedule, local_minute); break;
    }
    if (due == INT64_MAX) {
        return (hyp_utc){INT64_MAX};
    }
    return (hyp_utc){(due - utc_offset_minutes) * MS_PER_MINUTE};
}
