/* SPDX-License-Identifier: Apache-2.0 */
#include "store_sender.h"

#include <stdlib.h>

void store_sender_init(struct store_sender *sender, struct hyp_store *store, size_t limit)
{
    *sender = (struct store_sender){.store = store, .limit = limit};
    pthread_mutex_init(&sender->mutex, NULL);
    pthread_cond_init(&sender->done, NULL);
}

static void note_done(void *user, enum hyp_status status)
{
    struct store_sender *sender = user;
    pthread_mutex_lock(&sender->mutex);
    sender->in_flight--;
    sender->failed = sender->failed == HYP_OK ? status : sender->failed;
    pthread_cond_signal(&sender->done);
    pthread_mutex_unlock(&sender->mutex);
}

/* Until fewer than limit are under way; then there are as many more as wanted. */
static enum hyp_status wait_below(struct store_sender *sender, size_t limit, size_t more)
{
    pthread_mutex_lock(&sender->mutex);
    while (sender->in_flight >= limit) {
        pthread_cond_wait(&sender->done, &sender->mutex);
    }
    sender->in_flight += more;
    enum hyp_status failed = sender->failed;
    pthread_mutex_unlock(&sender->mutex);
    return failed;
}

enum hyp_status store_sender_put(struct store_sender *sender, const struct hyp_batch *batch)
{
    enum hyp_status failed = wait_below(sender, sender->limit, 1);
    struct hyp_sink *sink = hyp_store_sink(sender->store);
    enum hyp_status status = sink->submit(sink, batch, note_done, sender);
    if (status != HYP_OK) {
        note_done(sender, status); /* nobody else will */
        return status;
    }
    return failed;
}

enum hyp_status store_sender_settle(struct store_sender *sender)
{
    return wait_below(sender, 1, 0);
}

hyp_device_id *store_sender_add_devices(struct hyp_store *store, size_t count,
                                        struct hyp_error *err)
{
    struct hyp_tenant tenant = {.name = "bench", .language = "en", .time_zone = "UTC"};
    struct hyp_device *devices = calloc(count, sizeof(*devices));
    hyp_device_id *ids = calloc(count, sizeof(*ids));
    bool made =
        devices != NULL && ids != NULL && hyp_store_tenant_add(store, &tenant) == HYP_OK;
    for (size_t i = 0; made && i < count; i++) {
        struct hyp_buf serial;
        hyp_buf_init_fixed(&serial, devices[i].serial, sizeof(devices[i].serial));
        hyp_buf_append_fmt(&serial, "%08zu", i);
        (void)hyp_buf_terminate(&serial);
        devices[i].tenant = tenant.id;
        devices[i].primary_address = -1;
        devices[i].schedule.kind = HYP_SCHEDULE_NONE;
    }
    made = made && hyp_store_devices_add(store, devices, count, err) == HYP_OK;
    for (size_t i = 0; made && i < count; i++) {
        ids[i] = devices[i].id;
    }
    free(devices);
    if (!made) {
        free(ids);
        return NULL;
    }
    return ids;
}
