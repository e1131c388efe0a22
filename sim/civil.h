/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calendar for the simulated town: UTC milliseconds to wall clock and back, ISO 8601 text.
 *
 * Own arithmetic (proleptic Gregorian), no C library time zone. The town keeps Central European
 * Time; people and controllers follow summer time, meters stay on standard time as real ones
 * do.
 */
#ifndef SIM_CIVIL_H
#define SIM_CIVIL_H

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#include <stdint.h>

#define SIM_SECOND_MS ((int64_t)1000)
#define SIM_HOUR_MS ((int64_t)3600000)
#define SIM_DAY_MS ((int64_t)86400000)

struct sim_civil {
    int year;
    int month; /* 1..12 */
    int day;   /* 1..31 */
    int hour;
    int minute;
    int second;
    int weekday; /* 1 Monday .. 7 Sunday */
};

/* Wall clock of the instant in a zone `offset_minutes` east of UTC. */
struct sim_civil sim_civil_from_utc(int64_t utc_ms, int offset_minutes);
/* The instant of a wall clock; weekday is ignored. */
int64_t sim_civil_to_utc(const struct sim_civil *civil, int offset_minutes);

/* Offset of the town's clock with EU summer time: 60 or 120. */
int sim_zone_people(int64_t utc_ms);
/* Offset of the meters' clocks, which never change: 60. */
#define SIM_ZONE_METER 60

/* First instant of the month that lies `months` before the one of `utc_ms`, meter time. */
int64_t sim_month_start(int64_t utc_ms, int months_back);
/* First instant of the year of `utc_ms`, meter time. */
int64_t sim_year_start(int64_t utc_ms);

/* 2026-01-02T03:04:05Z */
void sim_iso_append(struct hyp_buf *out, int64_t utc_ms);
/* The same form, with optional fraction of a second; `2026-01-02` alone means midnight UTC. */
HYP_MUST_USE enum hyp_status sim_iso_parse(struct hyp_str text, int64_t *ret_utc_ms);

#endif
