/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generic naming: what a data record of EN 13757-3 is called when no profile says otherwise.
 *
 * By quantity, VIF, qualifiers and the medium of the meter, so that every meter that keeps to
 * the standard gives sensible names without a profile.
 */
#ifndef HYP_DEVICE_GENERIC_H
#define HYP_DEVICE_GENERIC_H

#include "base/arena.h"
#include "model/value.h"
#include "protocol/mbus/record.h"

/* What media have in common for naming. */
enum hyp_medium_class {
    HYP_MEDIUM_CLASS_OTHER = 0,
    HYP_MEDIUM_CLASS_HEAT,    /* heat, and heat with cooling */
    HYP_MEDIUM_CLASS_COOLING, /* cooling only */
    HYP_MEDIUM_CLASS_WATER,
    HYP_MEDIUM_CLASS_ELECTRICITY,
    HYP_MEDIUM_CLASS_HCA,
    HYP_MEDIUM_CLASS_ROOM,
};
/* The class of a medium byte (EN 13757-7); OTHER for those that are not named above. */
enum hyp_medium_class hyp_medium_class_of(uint8_t medium);

/* The name and the whole key of a record; HYP_NAME_UNKNOWN when nobody knows. */
void hyp_generic_key(const struct hyp_mbus_record *record, uint8_t medium,
                     struct hyp_point_key *ret_key);

/*
 * Words for what the key does not tell: "average", "upper limit", the text of a plain-text VIF.
 * @ret_label  empty for most records; lives in the arena
 * Returns     HYP_OK | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_generic_label(const struct hyp_mbus_record *record,
                                               enum hyp_name name, struct hyp_arena *arena,
                                               struct hyp_str *ret_label);

#endif
