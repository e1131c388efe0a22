/* SPDX-License-Identifier: Apache-2.0 */
/* Files that appear whole or not at all. */
#ifndef SIM_FILE_H
#define SIM_FILE_H

#include "base/status.h"
#include "base/str.h"

/*
 * Writes a file under a hidden name in the same folder and moves it into place, so that nobody
 * who waits for it ever reads half of it.
 * Returns   HYP_OK | IO with *err naming the file
 */
HYP_MUST_USE enum hyp_status sim_file_put(const char *path, struct hyp_str text,
                                          struct hyp_error *err);

#endif
