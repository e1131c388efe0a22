/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting: what people tell about counters, kept beside their readings: exchanges and resets,
 * digits of the display, settlement day and hour. What becomes of it is src/metering.
 *
 * Part of store.h, which includes it; the same rules hold.
 */
#ifndef HYP_STORE_COUNTING_H
#define HYP_STORE_COUNTING_H

#include "base/arena.h"
#include "model/plant.h"

struct hyp_store;

enum hyp_counter_entry_kind {
    HYP_COUNTER_ENTRY_UNSET = 0,
    HYP_COUNTER_ENTRY_EXCHANGE, /* "exchange": another meter counts on */
    HYP_COUNTER_ENTRY_RESET,    /* "reset": the same one, set to another number */
};
/* Never NULL; and back: HYP_OK | NOT_FOUND */
const char *hyp_counter_entry_kind_text(enum hyp_counter_entry_kind kind);
HYP_MUST_USE enum hyp_status hyp_counter_entry_kind_find(struct hyp_str text,
                                                         enum hyp_counter_entry_kind *ret_kind);

struct hyp_counter_entry {
    int64_t id;
    hyp_point_id point;
    hyp_utc time;
    enum hyp_counter_entry_kind kind;
    struct hyp_decimal closing; /* last reading of the old count, in the point's unit */
    struct hyp_decimal opening; /* first of the new one */
    int64_t author;             /* user; 0 = the system */
    hyp_utc entered;
    char note[HYP_LIMIT_NAME];
};

/* Fills in the id. EXISTS when the register has an entry at this time. NOT_FOUND */
HYP_MUST_USE enum hyp_status hyp_store_counter_entry_add(struct hyp_store *store,
                                                         hyp_tenant_id tenant,
                                                         struct hyp_counter_entry *entry,
                                                         struct hyp_error *err);
/* NOT_FOUND when the point is not the tenant's, or has no such entry; *err is for what the
 * database says. */
HYP_MUST_USE enum hyp_status hyp_store_counter_entry_remove(struct hyp_store *store,
                                                            hyp_tenant_id tenant,
                                                            hyp_point_id point, int64_t id,
                                                            struct hyp_error *err);
/* In order of time; none of another tenant's point. */
HYP_MUST_USE enum hyp_status hyp_store_counter_entries(struct hyp_store *store,
                                                       hyp_tenant_id tenant, hyp_point_id point,
                                                       struct hyp_arena *arena,
                                                       struct hyp_counter_entry **ret_entries,
                                                       size_t *ret_count);

/* How a register and its meter count. */
struct hyp_counting {
    int digits;          /* before the decimal point, in the point's unit; 0 = not known */
    int settlement_day;  /* 1..28, of the whole device */
    int settlement_hour; /* 0..23 */
};
/* What was set, or the defaults: not known, 1, 0. NOT_FOUND (the point) */
HYP_MUST_USE enum hyp_status hyp_store_counting(struct hyp_store *store, hyp_tenant_id tenant,
                                                hyp_point_id point,
                                                struct hyp_counting *ret_counting);
/* The members must be in their ranges. NOT_FOUND (the point) */
HYP_MUST_USE enum hyp_status hyp_store_counting_set(struct hyp_store *store,
                                                    hyp_tenant_id tenant, hyp_point_id point,
                                                    const struct hyp_counting *counting,
                                                    struct hyp_error *err);

#endif
