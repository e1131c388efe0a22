/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a subcommand as one table: parsing and the help text come from the same rows.
 */
#ifndef HYP_CMD_OPTIONS_H
#define HYP_CMD_OPTIONS_H

#include "base/status.h"

#include <stddef.h>

enum hyp_option_kind {
    HYP_OPTION_TEXT = 0, /* const char * */
    HYP_OPTION_NUMBER,   /* int64_t */
    HYP_OPTION_ON,       /* bool, set by the option */
    HYP_OPTION_OFF,      /* bool, cleared by it */
};

struct hyp_option {
    const char *name;     /* "data" for --data */
    const char *argument; /* "DIR"; NULL for ON and OFF */
    const char *help;
    enum hyp_option_kind kind;
    size_t offset; /* in the settings */
    int64_t least; /* NUMBER */
    int64_t most;
};

/*
 * Reads --name VALUE and --name=VALUE into *settings.
 * @ret_rest   index of the first argument that is no option
 * Returns     HYP_OK | INVALID (one sentence is on stderr) | CANCELLED (--help was printed)
 */
HYP_MUST_USE enum hyp_status hyp_options_parse(const char *usage,
                                               const struct hyp_option *table, size_t count,
                                               int argc, char **argv, void *settings,
                                               int *ret_rest);

#endif
