/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes of meters: which records a meter of a maker sends, in which coding and resolution.
 *
 * One row per make in the table of make.c; the writers are in make_<kind>.c. The formats
 * imitate real meters (traps included), the values come from sim_meter_state().
 */
#ifndef SIM_MAKE_H
#define SIM_MAKE_H

#include "sim/apdu.h"
#include "sim/meter.h"

/* Remembered peaks of a month, because searching one costs 720 look-ups. */
struct sim_peak_cache {
    int64_t from_ms;
    int64_t until_ms;
    struct sim_peak peak;
};

/* A meter about to send: all that a writer may use. */
struct sim_moment {
    const struct sim_meter *meter;
    const struct sim_climate *climate;
    struct sim_peak_cache *peaks; /* two: this month, last month */
    int64_t now_ms;
    struct sim_state now;
};

/* Index into the table. */
enum sim_make_id {
    SIM_MAKE_UNSET = 0,
    SIM_MAKE_MULTICAL_603,
    SIM_MAKE_MULTICAL_603_LOG, /* two telegrams: the second is the monthly log */
    SIM_MAKE_MULTICAL_403,
    SIM_MAKE_SONOMETER,
    SIM_MAKE_T550, /* three telegrams */
    SIM_MAKE_SENSOSTAR,
    SIM_MAKE_FLOWIQ,
    SIM_MAKE_HYDRUS,
    SIM_MAKE_MINOMESS,
    SIM_MAKE_OMNIPOWER,
    SIM_MAKE_RADIO_MULTICAL_603,
    SIM_MAKE_RADIO_MULTICAL_403,
    SIM_MAKE_RADIO_FLOWIQ,
    SIM_MAKE_RADIO_SENSOSTAR,
    SIM_MAKE_RADIO_HYDRUS,
    SIM_MAKE_RADIO_ZELSIUS,
    SIM_MAKE_RADIO_QCALORIC,
    SIM_MAKE_RADIO_SONTEX868,
    SIM_MAKE_RADIO_MINOMESS,
    SIM_MAKE_RADIO_OMNIPOWER,
    SIM_MAKE_COUNT,
};

struct sim_make {
    const char *title;   /* as a person says it */
    const char *profile; /* device profile that reads it */
    enum sim_kind kind;
    const char *manufacturer;
    uint8_t version;
    uint8_t medium;
    uint8_t telegrams;
    void (*write)(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu);
};

/* The row of a make. */
const struct sim_make *sim_make_get(enum sim_make_id id);

/* Fills a moment. @peaks two entries that live as long as the meter, zeroed at first */
void sim_moment_init(struct sim_moment *moment, const struct sim_meter *meter,
                     const struct sim_climate *climate, struct sim_peak_cache *peaks,
                     int64_t now_ms);
/* Registers at an earlier instant. */
struct sim_state sim_moment_past(const struct sim_moment *moment, int64_t then_ms);
/* Peak of the month `months_back` (0 or 1) months ago; of this month up to the last full hour.
 */
struct sim_peak sim_moment_peak(struct sim_moment *moment, int months_back);

/* Status byte of the header: 04 battery low, 10 temporary error (leak, missing sensor). */
uint8_t sim_moment_status(const struct sim_moment *moment);

/* A register's whole steps of `step`; a momentary value rounded to `step`. */
int64_t sim_counted(double value, double step);
int64_t sim_rounded(double value, double step);

/* Writers, by file. */
void sim_write_multical(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu);
void sim_write_multical_log(struct sim_moment *moment, unsigned telegram,
                            struct sim_apdu *apdu);
void sim_write_multical_radio(struct sim_moment *moment, unsigned telegram,
                              struct sim_apdu *apdu);
void sim_write_sonometer(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu);
void sim_write_t550(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu);
void sim_write_sensostar(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu);
void sim_write_sensostar_radio(struct sim_moment *moment, unsigned telegram,
                               struct sim_apdu *apdu);
void sim_write_zelsius_radio(struct sim_moment *moment, unsigned telegram,
                             struct sim_apdu *apdu);
void sim_write_flowiq(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu);
void sim_write_flowiq_radio(struct sim_moment *moment, unsigned telegram,
                            struct sim_apdu *apdu);
void sim_write_hydrus(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu);
void sim_write_hydrus_radio(struct sim_moment *moment, unsigned telegram,
                            struct sim_apdu *apdu);
void sim_write_minomess(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu);
void sim_write_omnipower(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu);
void sim_write_omnipower_radio(struct sim_moment *moment, unsigned telegram,
                               struct sim_apdu *apdu);
void sim_write_qcaloric(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu);
void sim_write_sontex868(struct sim_moment *moment, unsigned telegram, struct sim_apdu *apdu);

#endif
