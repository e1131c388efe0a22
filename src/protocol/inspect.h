/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inspect: one telegram explained to the last byte, for the inspector and `decode --explain`.
 *
 * The codecs note what they understand while they read. This makes a whole of it: every byte of
 * the input is in exactly one note, also of a telegram that is refused or damaged, and so is
 * every byte of the decrypted or expanded copy where there is one.
 */
#ifndef HYP_PROTOCOL_INSPECT_H
#define HYP_PROTOCOL_INSPECT_H

#include "protocol/telegram.h"

/*
 * Opens a telegram and walks its records for their notes.
 * @explain  notes are added behind those that are there
 * Returns   as hyp_telegram_open; then what the walk of the records says. ret_tel->content is
 *           NONE unless the layers were opened. err->offset is a byte of the input
 */
HYP_MUST_USE enum hyp_status
hyp_inspect_telegram(const uint8_t *bytes, size_t len, enum hyp_link_kind link,
                     const struct hyp_telegram_context *context, struct hyp_telegram *ret_tel,
                     struct hyp_explain *explain, struct hyp_error *err);

/*
 * Completes the notes of a telegram that was opened and walked already: sorted by stage and
 * place, without overlap, without holes.
 * @first   where the notes of this telegram begin in `explain`
 * @err     why it was refused; NULL when it was not
 * Limits   the capacity of the notes; beyond it holes may stay, and explain->dropped tells
 */
void hyp_inspect_settle(struct hyp_explain *explain, size_t first, const uint8_t *bytes,
                        size_t len, const struct hyp_telegram *telegram,
                        const struct hyp_error *err);

/* Are there notes about the copy (stage 1) from `first` on? */
bool hyp_inspect_has_copy(const struct hyp_explain *explain, size_t first);

#endif
