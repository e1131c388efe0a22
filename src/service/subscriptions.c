/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subscription to a broker needs over restarts: the name its messages are kept under,
 * and the telegrams that were committed last, because the broker sends again what had not been
 * acknowledged when the process ended.
 */
#include "service/inside.h"

#include <string.h>

/* A broker keeps messages under the name of a client; two clients of one name would throw each
 * other out. */
void hyp_line_name_client(struct hyp_service *service, struct hyp_line *line)
{
    if (line->kind != HYP_LINE_WMBUS_MQTT || line->client_id[0] != '\0') {
        return;
    }
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, line->client_id, sizeof(line->client_id));
    hyp_buf_append_fmt(&out, "hypocaust-%012llx",
                       (unsigned long long)hyp_rng_below(service->config.rng, 1ull << 48));
    hyp_buf_terminate(&out);
}

/* Lines from before there was such a name get one. */
static void adopt(struct hyp_service *service, struct hyp_line *line)
{
    struct hyp_error err = {0};
    if (line->kind != HYP_LINE_WMBUS_MQTT || line->client_id[0] != '\0') {
        return;
    }
    hyp_line_name_client(service, line);
    enum hyp_status status = hyp_store_line_update(service->config.store, line, &err);
    if (status != HYP_OK) {
        line->client_id[0] = '\0';
        hyp_log_event(service->config.log, HYP_LOG_ERROR, "line.unnamed_client",
                      "line=%lld status=%s what=\"its broker keeps no messages\"",
                      (long long)line->id.id, hyp_status_name(status));
    }
}

static void restore_telegrams(struct hyp_service *service, struct hyp_collector *collector,
                              const struct hyp_line *line)
{
    struct hyp_arena arena;
    struct hyp_stored_frame *frames = NULL;
    size_t count = 0;
    hyp_arena_init(&arena, HYP_LIMIT_REQUEST_ARENA);
    enum hyp_status status =
        hyp_store_newest_frames(service->config.store, line->tenant, line->id, HYP_LIMIT_RECENT,
                                &arena, &frames, &count);
    if (status != HYP_OK) {
        hyp_log_event(service->config.log, HYP_LOG_WARNING, "line.repeats_unknown",
                      "line=%lld status=%s what=\"a repeated message may be stored twice\"",
                      (long long)line->id.id, hyp_status_name(status));
        count = 0;
    }
    for (size_t i = count; i > 0; i--) {
        hyp_collector_restore_telegram(collector, line->id, frames[i - 1].bytes,
                                       frames[i - 1].len);
    }
    hyp_arena_finish(&arena);
}

enum hyp_status hyp_service_restore_line(struct hyp_service *service,
                                         struct hyp_collector *collector, struct hyp_line *line)
{
    adopt(service, line);
    enum hyp_status status = hyp_service_push_line(service, line);
    if (status == HYP_OK && line->kind == HYP_LINE_WMBUS_MQTT) {
        restore_telegrams(service, collector, line);
    }
    return status;
}
