/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record says beyond its name and key; private to generic naming. Names are chosen in
 * generic.c, labels written in generic_label.c, and both ask here.
 */
#ifndef HYP_DEVICE_GENERIC_WORDS_H
#define HYP_DEVICE_GENERIC_WORDS_H

#include "model/value.h"
#include "protocol/mbus/record.h"

/* A value that is not simply the quantity: "per day", "m3 x s", a difference of two directions,
 * or bent by the maker's VIFE. */
bool hyp_generic_is_derived(const struct hyp_mbus_record *record, enum hyp_name name);

/* Does the record say more about its value than name and key can tell? */
bool hyp_generic_is_qualified(const struct hyp_mbus_record *record, enum hyp_name name);

#endif
