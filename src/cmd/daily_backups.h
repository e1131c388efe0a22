/* SPDX-License-Identifier: Apache-2.0 */
/* The options --backup-to, --backup-at and --backup-keep of the server. */
#ifndef HYP_CMD_DAILY_BACKUPS_H
#define HYP_CMD_DAILY_BACKUPS_H

#include "store/store.h"

struct hyp_daily_backups {
    struct hyp_store *store;
    const char *folder;
    const char *at; /* "02:30"; NULL = the usual time */
    int64_t keep;   /* 0 = as many as usual */
    const struct hyp_zone *zone;
    struct hyp_log *log;
};
/* As hyp_backups_create; INVALID when the time is none. */
HYP_MUST_USE enum hyp_status hyp_daily_backups_create(const struct hyp_daily_backups *daily,
                                                      struct hyp_backups **ret_backups,
                                                      struct hyp_error *err);

#endif
