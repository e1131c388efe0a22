/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resent: raw frames that come again because nobody told their sender that they were kept.
 *
 * A reading that comes twice is known by its device, time and value, and its frame with it. A
 * frame that gave no reading has only itself: it is the same when line, device, time of receipt
 * and bytes are. Looked for are those that this process found in the database, at its start or
 * after a commit whose outcome it did not hear; what it commits itself its sender knows of.
 */
#ifndef HYP_STORE_RESENT_H
#define HYP_STORE_RESENT_H

#include "store/frames.h"

/*
 * Notes frames of a row that was found in the frame log. Without memory they are not: then they
 * are kept twice when they come again, as any two frames would be.
 * Context   inside the gate, as the other one
 * Limits    HYP_LIMIT_RESENT_FRAMES; older ones are forgotten together
 */
void hyp_resent_note(struct hyp_frames *frames, const struct hyp_kept_frame *kept,
                     size_t count);
/* Was this frame found? */
bool hyp_resent_is_known(const struct hyp_frames *frames, const struct hyp_kept_frame *kept);

#endif
