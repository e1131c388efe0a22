/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wireless M-Bus telegrams as a concentrator hands them on (EN 13757-4, OMS).
 *
 *     L 44 M(2) ID(4) VER MED | CI ..                       the link layer, then
 *     78 records                                            plain
 *     7A ACC ST CFG(2) records                              short header; mode 5: AES-CBC
 *     72 ID M VER MED ACC ST CFG(2) records                 long header behind an adapter
 *     8D CC ACC SN(4) [ PLCRC(2) 78 records ]               AES-CTR over the brackets
 *     8D CC ACC SN(4) [ PLCRC(2) 79 SIG(2) CRC(2) data ]    compact: no DIF, no VIF
 */
#ifndef SIM_RADIO_H
#define SIM_RADIO_H

#include "sim/town.h"

/* L of at most 255, and two CRC bytes for each of up to 17 blocks. */
#define SIM_RADIO_MAX 300

struct sim_telegram {
    uint8_t bytes[SIM_RADIO_MAX];
    size_t len;
};

/*
 * Sends: builds the next telegram of a radio meter and counts it.
 * @full     a full frame even where the meter would send a compact one
 * Returns   HYP_OK | INTERNAL (cipher failed)
 */
HYP_MUST_USE enum hyp_status sim_radio_send(struct sim_device *device,
                                            const struct sim_climate *climate, int64_t now_ms,
                                            bool full, struct sim_telegram *ret_telegram);

/* --- the layers, for tests --- */

/* Puts the CRCs of format A between the blocks of a telegram without any. */
void sim_radio_add_crcs(struct sim_telegram *telegram);

/* Compact form of the records: `SIG CRC data`. @ret_bytes at least SIM_APDU_BYTES + 4 */
size_t sim_radio_compact(const struct sim_apdu *apdu, uint8_t *ret_bytes);

#endif
