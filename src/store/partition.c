/* SPDX-License-Identifier: Apache-2.0 */
#include "store/partition.h"

#include "store/period.h"

/* Meters with a wrong clock must not make a partition each: the migrations have one for what is
 * before, and one for what is behind. */
#define YEAR_FIRST 2000
#define YEAR_END 2100
#define PERIODS_PER_YEAR (12 * 8)

static const struct {
    const char *name;
    uint32_t periods; /* of one partition, a power of two */
    uint32_t shift;   /* from a period to the column that rows are told apart by */
} tables[] = {
    [HYP_PARTITIONED_CHUNK] = {"chunk",        4, 32},
    [HYP_PARTITIONED_INTAKE_LOG] = {"intake_log",   1, 0 },
    [HYP_PARTITIONED_FRAME_LOG] = {"frame_log",    1, 0 },
    [HYP_PARTITIONED_FRAME_BLOCK] = {"frame_block",  1, 0 },
    [HYP_PARTITIONED_FRAME_DEVICE] = {"frame_device", 1, 0 },
    [HYP_PARTITIONED_FRAME_LINE] = {"frame_line",   1, 0 },
};

static bool has_own(uint32_t period)
{
    return period >= (YEAR_FIRST - 1) * PERIODS_PER_YEAR &&
           period < (YEAR_END - 1) * PERIODS_PER_YEAR;
}

void hyp_partition_need(struct hyp_db *db, enum hyp_partitioned table, uint32_t period)
{
    uint32_t first = period & ~(tables[table].periods - 1);
    uint64_t key = (uint64_t)table << 32 | first;
    uint64_t known;
    if (!hyp_db_is_sharded(db) || !has_own(period) ||
        hyp_map_get(&db->partitions, key, &known)) {
        return;
    }
    struct hyp_query query;
    hyp_query_open(&query, db, "SELECT add_partition($1, $2, $3, $4)");
    hyp_query_bind_text(&query, tables[table].name);
    hyp_query_bind_i64(&query, first);
    hyp_query_bind_i64(&query, tables[table].periods);
    hyp_query_bind_i64(&query, tables[table].shift);
    if (hyp_query_run(&query, NULL) == HYP_OK) {          /* else it is sticky until commit */
        HYP_IGNORE(hyp_map_set(&db->partitions, key, 1)); /* not noted, it is asked for again */
    }
}
