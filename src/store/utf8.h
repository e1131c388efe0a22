/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 without zeros: what a database server takes for a text. SQLite keeps any bytes.
 */
#ifndef HYP_STORE_UTF8_H
#define HYP_STORE_UTF8_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Is all of it such characters? */
bool hyp_utf8_is_clean(struct hyp_str text);
/* Makes such a text out of any bytes: others become '?'. */
void hyp_utf8_clean(char *text, size_t len);

#endif
