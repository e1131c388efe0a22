/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compact profiles: one container record, many values (EN 13757-3 annex F). Private to the
 * record decoder.
 */
#ifndef HYP_PROTOCOL_MBUS_PROFILE_H
#define HYP_PROTOCOL_MBUS_PROFILE_H

#include "protocol/mbus/record.h"
#include "protocol/mbus/vife.h"

/*
 * Opens the profile of a container record: reads the two control bytes and looks for the base
 * value and base time in the whole message. Leaves the profile closed when the container holds
 * no elements or an element coding the standard does not allow.
 * @message  the reader of the message; its position is not used
 */
void hyp_mbus_profile_open(struct hyp_mbus_profile *profile,
                           const struct hyp_mbus_record *container,
                           const struct hyp_bytes *message);

static inline bool hyp_mbus_profile_is_open(const struct hyp_mbus_profile *profile)
{
    return profile->elements != NULL;
}

/*
 * Turns a record whose DIB and VIB are those of the container into the next element; closes the
 * profile after the last one.
 */
void hyp_mbus_profile_next(struct hyp_mbus_profile *profile, struct hyp_mbus_record *record,
                           const struct hyp_mbus_scale *scale);

/* Bytes of one element of a container; 0 when its data is no profile that can be expanded. */
size_t hyp_mbus_profile_element_size(const struct hyp_mbus_record *container);

/* "increments" and so on, for notes. @control first control byte */
const char *hyp_mbus_profile_mode_text(uint8_t control);

#endif
