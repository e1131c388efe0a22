/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profiles of devices/, put into the program when it is built (tools/embed-profiles). They
 * are text and go through the same reader as files of the site.
 */
#ifndef HYP_DEVICE_BUILTIN_H
#define HYP_DEVICE_BUILTIN_H

#include <stddef.h>

struct hyp_builtin_profile {
    const char *file;
    const unsigned char *text;
    size_t len;
};

/* generic_en13757.yaml first, the others by name. */
extern const struct hyp_builtin_profile hyp_builtin_profiles[];
extern const size_t hyp_builtin_profile_count;

#endif
