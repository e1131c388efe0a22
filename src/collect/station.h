/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Station: a configured device as the collector knows it, and the register of all of them.
 *
 * Found by id, by what a telegram says of its sender, or by line and address; each in constant
 * time. Two meters can never be taken for each other: a telegram's manufacturer and id must be
 * those of the station, and its version and medium too unless the station leaves them open.
 * Loop thread only.
 */
#ifndef HYP_COLLECT_STATION_H
#define HYP_COLLECT_STATION_H

#include "base/map.h"
#include "collect/comm.h"
#include "collect/loop.h"
#include "device/library.h"
#include "protocol/modbus/master.h"

struct hyp_bus;
struct hyp_reception;

/* The requests of one poll; one for all stations of a profile that have no holes. */
struct hyp_plan {
    uint32_t users;
    uint32_t count;
    size_t snapshot_size;
    struct hyp_modbus_block blocks[];
};

/* What few stations have. */
struct hyp_station_extra {
    struct hyp_modbus_hole_list holes; /* none: count 0 */
    struct hyp_plan *plans[3];         /* of its own, because of the holes; by poll class */
    struct hyp_reception *reception;   /* by radio; NULL = not heard yet */
    struct hyp_aes_key key;
    bool has_key;
};

struct hyp_station {
    hyp_device_id id;
    hyp_tenant_id tenant;
    hyp_line_id line;
    struct hyp_bus *bus;               /* polled line; NULL when it only listens or has none */
    const struct hyp_profile *profile; /* NULL = match by identity */
    struct hyp_station_extra *extra;   /* NULL = nothing of it */
    struct hyp_station *next_identity; /* same hash of identity */
    struct hyp_station *next_address;  /* same hash of line and address */
    struct hyp_station *next_on_bus;
    struct hyp_timer timer; /* next scheduled read */
    hyp_utc due;            /* the same as a date; 0 = none */
    struct hyp_comm comm;
    int32_t daily_done;    /* local day number of the last daily reading */
    uint32_t id_raw;       /* M-Bus id, nibbles as a number */
    uint16_t manufacturer; /* code; 0 = not known */
    int16_t version;       /* -1 = any */
    int16_t medium;        /* -1 = any */
    int16_t primary;       /* -1 = none */
    uint32_t baud;         /* M-Bus on a serial port; 0 = the line's */
    uint8_t unit;
    uint8_t job_state; /* enum hyp_job_state */
    uint8_t strikes;   /* reads in row that the device itself failed */
    struct hyp_schedule schedule;
    bool has_identity : 1; /* id_raw and manufacturer are set */
    bool has_serial : 1;   /* id_raw is set */
    bool secondary : 1;
    bool enabled : 1;
    bool queued : 1; /* a scheduled read waits or runs */
    bool missed : 1; /* its line was down when it was due */
};

struct hyp_stations {
    struct hyp_map by_id;       /* -> struct hyp_station * */
    struct hyp_map by_identity; /* hash -> first of a chain */
    struct hyp_map by_address;  /* hash -> first of a chain */
    struct hyp_map plans;       /* profile and class -> struct hyp_plan * */
};

/* No stations; allocates nothing. */
void hyp_stations_init(struct hyp_stations *stations);
/* Frees all stations; their timers must have been removed. */
void hyp_stations_finish(struct hyp_stations *stations);

/*
 * Fills what a device says; keeps communication state, holes and links. Not while it is in the
 * register: remove it before, insert it again.
 * Returns  HYP_OK | NO_MEMORY (unchanged)
 */
HYP_MUST_USE enum hyp_status hyp_station_set(struct hyp_station *station,
                                             const struct hyp_device *device,
                                             const struct hyp_library *library);
/* Frees what it holds, wipes its key; the station itself is the caller's. Neither in the
 * register nor on a bus any more. */
void hyp_station_finish(struct hyp_station *station);

/* Room for one more, so that the next insert cannot fail. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_stations_reserve(struct hyp_stations *stations);
/* Puts a station into the register, which has room and does not own it before the end
 * (hyp_stations_finish). remove: it must be as it was when it was inserted. */
void hyp_stations_insert(struct hyp_stations *stations, struct hyp_station *station);
void hyp_stations_remove(struct hyp_stations *stations, struct hyp_station *station);

/* By number; NULL when there is none. */
struct hyp_station *hyp_stations_find(const struct hyp_stations *stations, hyp_device_id id);
/* Whose telegram is this? The most specific station of the tenant, or NULL. */
struct hyp_station *hyp_stations_match(const struct hyp_stations *stations,
                                       hyp_tenant_id tenant,
                                       const struct hyp_meter_identity *meter);
/* By primary address (M-Bus) or unit id (Modbus) on a line. */
struct hyp_station *hyp_stations_at(const struct hyp_stations *stations, hyp_line_id line,
                                    int address);
/* Walks all stations; start with *cursor = 0. Nothing may be added or removed meanwhile. */
struct hyp_station *hyp_stations_next(const struct hyp_stations *stations, size_t *cursor);

/* May a telegram of that meter be the station's? */
bool hyp_station_is(const struct hyp_station *station, const struct hyp_meter_identity *meter);

/* Its key; NULL when it has none. Wiped with the station. */
const struct hyp_aes_key *hyp_station_key(const struct hyp_station *station);
/* How it is heard by radio; NULL when it has not been heard. */
struct hyp_reception *hyp_station_reception(const struct hyp_station *station);
/* The same, begun when there is none; NULL without memory. */
struct hyp_reception *hyp_station_begin_reception(struct hyp_station *station);
/* Addresses it was found not to have; NULL when none is known. */
const struct hyp_modbus_hole_list *hyp_station_holes(const struct hyp_station *station);

/* The requests of a poll class; NULL when the profile has none or memory is short. Made when
 * first asked for and kept by profile, or by the station where it has holes. Whoever keeps one
 * beyond the call uses it, and releases it again: the last release frees it. NULL is allowed.
 */
struct hyp_plan *hyp_station_plan(struct hyp_stations *stations, struct hyp_station *station,
                                  enum hyp_poll_class poll_class);
struct hyp_plan *hyp_plan_use(struct hyp_plan *plan);
void hyp_plan_release(struct hyp_plan *plan);
/* Its own plans (because of holes) are made anew when asked for. */
void hyp_station_forget_plans(struct hyp_station *station);
/* Adds what a poll has learned; true when it is known from now on. */
bool hyp_station_add_holes(struct hyp_station *station, const struct hyp_modbus_hole *holes,
                           size_t count);

#endif
