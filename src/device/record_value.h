/* SPDX-License-Identifier: Apache-2.0 */
/* The value of one data record, and of parts of it. Inside device/ only. */
#ifndef HYP_DEVICE_RECORD_VALUE_H
#define HYP_DEVICE_RECORD_VALUE_H

#include "device/profile.h"

/* One record on its way to a value. */
struct hyp_draft {
    const struct hyp_profile *profile;
    const struct hyp_telegram *telegram;
    const struct hyp_mbus_record *record;
    struct hyp_arena *arena;
    const struct hyp_field *field; /* the rule that fits, or NULL */
    struct hyp_value *value;       /* where it is made: copying it would cost as much again */
};

/*
 * Makes the value of the record. Returns   HYP_OK | NOT_FOUND (it is no value) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_draft_value(struct hyp_draft *draft);

/*
 * Makes the value of the next part of the record that the profile knows.
 * @at        0 for the first; moves on
 * Returns    HYP_OK | NOT_FOUND (there is no further one)
 */
HYP_MUST_USE enum hyp_status hyp_draft_part(struct hyp_draft *draft, size_t *at);

#endif
