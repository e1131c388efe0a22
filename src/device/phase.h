/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phases of electricity meters that are named by a maker's VIFE (behind FF) instead of the
 * standard's, and the total of meters that send phases only.
 */
#ifndef HYP_DEVICE_PHASE_H
#define HYP_DEVICE_PHASE_H

#include "model/value.h"
#include "protocol/mbus/record.h"

/*
 * The phase 1..3 that a maker's VIFE names; 0 = none. Makers of electricity meters agree on
 * this much (ABB, EasyMeter, eBZ, EMU, Finder, IME, Saia, Schneider); ABB sends a 00 behind it.
 * Records with a subunit have none: there it means reactive or apparent under the VIF of the
 * active one.
 */
unsigned hyp_phase_of_maker(const struct hyp_mbus_record *record);

/* Is this a quantity that has phases? */
bool hyp_phase_has(enum hyp_name name);

/*
 * The subunit of a value of one phase. Voltage and current have the phase itself; powers and
 * energies have subunits of their makers beside it, so their phases are counted above those.
 */
uint16_t hyp_phase_subunit(const struct hyp_mbus_record *record, enum hyp_name name);

/* The active powers of one telegram, as far as they matter for a total. */
struct hyp_phase_powers {
    struct hyp_decimal phase[3];
    unsigned seen;  /* bits of the phases that are there */
    bool has_total; /* the meter sends one: nothing is computed */
};
/* Looks at a value, in any order. */
void hyp_phase_powers_add(struct hyp_phase_powers *powers, const struct hyp_value *value);
/*
 * The active power of the meter as the exact sum of its three phases, of quality ESTIMATED
 * because nobody measured it. Returns   false when a phase is missing, or the meter sends a
 * total
 */
bool hyp_phase_powers_total(const struct hyp_phase_powers *powers, struct hyp_value *ret_total);

/* The same for a row of values. */
bool hyp_phase_total(const struct hyp_value *values, size_t count, struct hyp_value *ret_total);

#endif
