/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged: notes on bytes that no layer accepted, as far as their form can still be told.
 *
 * A frame with a wrong checksum has a length, an address and a header all the same, and whoever
 * looks for the fault wants to see them. Nothing here is proven, and the notes say so.
 */
#ifndef HYP_PROTOCOL_DAMAGED_H
#define HYP_PROTOCOL_DAMAGED_H

#include "protocol/explain.h"

/* Short frame, acknowledgement, or what a long frame would be. */
void hyp_damaged_note_wired(struct hyp_explain *explain, const uint8_t *bytes, size_t len);
/* L C M ID VER TYPE, then the rest. */
void hyp_damaged_note_wireless(struct hyp_explain *explain, const uint8_t *bytes, size_t len);

#endif
