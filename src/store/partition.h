/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partition: the parts by time that the large tables of a shared database have.
 *
 * In PostgreSQL the tables below are partitioned by period (store/period.h) and have the tenant
 * in their key, so that a database of many tenants can be spread over machines, and what is
 * past is dropped as a whole instead of row by row. SQLite has one table each, without the two
 * columns: the few statements that differ are written for both (hyp_db_is_sharded).
 *
 * A partition is made before its first row; empty ones are dropped by hyp_db_tidy. Times before
 * 2000 and after 2099 share one each. When another process has just dropped a partition that
 * this one knows, the transaction fails with BUSY and the next one makes it again.
 */
#ifndef HYP_STORE_PARTITION_H
#define HYP_STORE_PARTITION_H

#include "model/reading.h"
#include "store/db.h"

enum hyp_partitioned {
    HYP_PARTITIONED_CHUNK = 0, /* the parts of a month, and the whole month */
    HYP_PARTITIONED_INTAKE_LOG,
    HYP_PARTITIONED_FRAME_LOG,
    HYP_PARTITIONED_FRAME_BLOCK, /* of the frames database, as those that follow */
    HYP_PARTITIONED_FRAME_DEVICE,
    HYP_PARTITIONED_FRAME_LINE,
};

/* Whose a row is and when it came, for the two columns. */
struct hyp_shard {
    hyp_tenant_id tenant; /* 0 = of several */
    uint32_t period;
};

/*
 * Makes the partition that rows of the period go into, unless it is there. Does nothing where
 * tables have none. Inside the caller's transaction; a failure is sticky until its commit.
 */
void hyp_partition_need(struct hyp_db *db, enum hyp_partitioned table, uint32_t period);

#endif
