/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What retention will do and has done, for people who look before they change it.
 *
 * A plan goes by the oldest reading of each device, which is in memory: no chunk is read. So it
 * says whose readings are concerned, not how many.
 */
#include "base/bytes.h"
#include "model/time.h"
#include "store/historian.h"
#include "store/retention.h"

#define NEXT_NAME "retention_next"
#define RUN_NAME "retention_run."
#define NAME_SIZE (sizeof(RUN_NAME) + 20)

/* --- settings --- */

static void save(struct hyp_db *db, const char *name, const struct hyp_buf *data)
{
    struct hyp_query query;
    struct hyp_str bytes = hyp_buf_view(data);
    hyp_query_open(&query, db,
                   "INSERT INTO setting(name, data) VALUES ($1, $2)"
                   " ON CONFLICT (name) DO UPDATE SET data = excluded.data");
    hyp_query_bind_text(&query, name);
    hyp_query_bind_blob(&query, (const uint8_t *)bytes.ptr, bytes.len);
    HYP_IGNORE(hyp_query_run(&query, NULL)); /* sticky until commit */
}

/* Two numbers of a setting; zeros when there is none. */
static enum hyp_status load(struct hyp_db *db, const char *name, uint64_t ret_numbers[static 2])
{
    struct hyp_query query;
    ret_numbers[0] = 0;
    ret_numbers[1] = 0;
    hyp_query_open(&query, db, "SELECT data FROM setting WHERE name = $1");
    hyp_query_bind_text(&query, name);
    if (hyp_query_row(&query)) {
        struct hyp_str blob = hyp_query_blob(&query);
        struct hyp_bytes in = hyp_bytes_from((const uint8_t *)blob.ptr, blob.len);
        ret_numbers[0] = hyp_bytes_le64(&in);
        ret_numbers[1] = hyp_bytes_le64(&in); /* zero when it is not there */
    }
    return hyp_query_close(&query);
}

static const char *run_name(char text[static NAME_SIZE], hyp_tenant_id tenant)
{
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, text, NAME_SIZE);
    hyp_buf_append_fmt(&buf, RUN_NAME "%lld", (long long)tenant.id);
    return hyp_buf_terminate(&buf);
}

enum hyp_status hyp_retention_load_next(struct hyp_db *db, int64_t *ret_next)
{
    uint64_t numbers[2];
    enum hyp_status status = load(db, NEXT_NAME, numbers);
    *ret_next = status == HYP_OK ? (int64_t)numbers[0] : 0;
    return status;
}

void hyp_retention_save_next(struct hyp_db *db, int64_t next)
{
    uint8_t bytes[8];
    struct hyp_buf data;
    hyp_buf_init_fixed(&data, bytes, sizeof(bytes));
    hyp_buf_append_le64(&data, (uint64_t)next);
    save(db, NEXT_NAME, &data);
}

void hyp_retention_save_run(struct hyp_db *db, hyp_tenant_id tenant,
                            const struct hyp_retention_run *run)
{
    char name[NAME_SIZE];
    uint8_t bytes[16];
    struct hyp_buf data;
    hyp_buf_init_fixed(&data, bytes, sizeof(bytes));
    hyp_buf_append_le64(&data, (uint64_t)run->ended);
    hyp_buf_append_le64(&data, run->values);
    save(db, run_name(name, tenant), &data);
}

/* --- plan --- */

int64_t hyp_retention_months_before(int64_t now, int64_t months)
{
    if (months == 0) {
        return INT64_MIN;
    }
    struct hyp_civil civil = hyp_civil_from_seconds(now / 1000);
    int64_t month = civil.year * 12LL + civil.month - 1 - months;
    civil.year = (int16_t)(month / 12);
    civil.month = (uint8_t)(month % 12 + 1);
    civil.day = HYP_MIN(civil.day, (uint8_t)28);
    return hyp_civil_to_seconds(&civil) * 1000;
}

/* INT64_MAX without readings. */
static int64_t oldest_of(const struct hyp_series *series)
{
    int64_t oldest = series->sealed_readings > 0 ? series->sealed_first : INT64_MAX;
    return series->block_count > 0 ? HYP_MIN(oldest, series->blocks[0].first) : oldest;
}

static void count_devices(struct hyp_store *store, hyp_tenant_id tenant, int64_t thin_before,
                          int64_t remove_before, struct hyp_retention_plan *plan)
{
    size_t cursor = 0;
    uint64_t device;
    uint64_t address;
    int64_t oldest = INT64_MAX;
    pthread_rwlock_rdlock(&store->historian->lock);
    while (hyp_map_next(&store->historian->devices, &cursor, &device, &address)) {
        const struct hyp_series *series =
            hyp_historian_find_for(store->historian, tenant, (hyp_device_id){(int64_t)device});
        int64_t first = series == NULL ? INT64_MAX : oldest_of(series);
        plan->devices += first < INT64_MAX;
        plan->thin_devices += first < thin_before;
        plan->remove_devices += first < remove_before;
        oldest = HYP_MIN(oldest, first);
    }
    pthread_rwlock_unlock(&store->historian->lock);
    plan->oldest.ms = oldest == INT64_MAX ? 0 : oldest;
}

static enum hyp_status load_runs(struct hyp_store *store, hyp_tenant_id tenant,
                                 struct hyp_retention_plan *plan)
{
    char name[NAME_SIZE];
    uint64_t last[2];
    struct hyp_connections reader = hyp_core_reader(store);
    enum hyp_status status = load(reader.main, run_name(name, tenant), last);
    if (status == HYP_OK) {
        status = hyp_retention_load_next(reader.main, &plan->next_run.ms);
    }
    hyp_core_reader_return(store, reader);
    plan->last_run.ms = (int64_t)last[0];
    plan->last_values = last[1];
    return status;
}

enum hyp_status hyp_store_retention_plan(struct hyp_store *store, hyp_tenant_id tenant,
                                         const struct hyp_retention *rule,
                                         struct hyp_retention_plan *ret_plan,
                                         struct hyp_error *err)
{
    struct hyp_retention_plan plan = {0};
    int64_t now = hyp_core_now(store).ms;
    enum hyp_status status = hyp_retention_check(rule, err);
    if (status != HYP_OK) {
        return status;
    }
    int64_t thin_before = hyp_retention_months_before(now, rule->full_months);
    int64_t remove_before = hyp_retention_months_before(now, rule->day_months);
    count_devices(store, tenant, thin_before, remove_before, &plan);
    plan.thin_before.ms = thin_before == INT64_MIN ? 0 : thin_before;
    plan.remove_before.ms = remove_before == INT64_MIN ? 0 : remove_before;
    status = load_runs(store, tenant, &plan);
    if (status == HYP_OK) {
        *ret_plan = plan;
    }
    return status;
}
