/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First load: lines, devices and past telegrams given to the very first start. The store
 * remembers what is done, so that the same command line may be used for every start.
 */
#ifndef HYP_CMD_FIRST_LOAD_H
#define HYP_CMD_FIRST_LOAD_H

#include "service/service.h"

struct hyp_first_load;

/* Imports a manifest file once. HYP_OK also when it was imported before. */
HYP_MUST_USE enum hyp_status hyp_first_load_manifest(struct hyp_service *service,
                                                     struct hyp_store *store, const char *path,
                                                     struct hyp_error *err);
/*
 * Begins to feed a file of telegram lines in the background; an interrupted load starts over at
 * the next start, which does no harm, because the same reading twice is one reading.
 * @ret_load   NULL when it was loaded before
 */
HYP_MUST_USE enum hyp_status hyp_first_load_history(struct hyp_service *service,
                                                    struct hyp_store *store,
                                                    struct hyp_log *log, const char *path,
                                                    struct hyp_first_load **ret_load,
                                                    struct hyp_error *err);
/* No further piece is begun. NULL is allowed. */
void hyp_first_load_cancel(struct hyp_first_load *load);
/* Waits for the piece that is under way. NULL is allowed. Returns NULL. */
void *hyp_first_load_destroy(struct hyp_first_load *load);

#endif
