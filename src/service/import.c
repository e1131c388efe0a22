/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch is filled line by line and handed to the store, which copies it; up to
 * HYP_LIMIT_IMPORT_AHEAD batches wait for their commit at a time. Each carries the place in the
 * file behind its last line. The store commits in order, so the mark of the last batch that is
 * done is where a later run may begin.
 */
#include "service/import.h"

#include "service/import_row.h"
#include "service/inside.h"

#include <stdlib.h>
#include <string.h>

struct hyp_import {
    struct hyp_service *service;
    struct hyp_import_config config;
    struct hyp_import_reader reader;
    struct hyp_import_batch batch;
    struct hyp_import_mark at;
    uint64_t told; /* refused lines that were reported */

    pthread_mutex_t lock;
    pthread_cond_t done;
    struct hyp_import_mark waiting[HYP_LIMIT_IMPORT_AHEAD]; /* a ring */
    size_t first;
    size_t count;
    struct hyp_import_mark committed;
    enum hyp_status failure; /* the first */
};

/* --- batches --- */

static void batch_done(void *user, enum hyp_status status)
{
    struct hyp_import *import = user;
    pthread_mutex_lock(&import->lock);
    if (status == HYP_OK && import->failure == HYP_OK) {
        import->committed = import->waiting[import->first];
    } else if (import->failure == HYP_OK) {
        import->failure = status;
    }
    import->first = (import->first + 1) % HYP_LIMIT_IMPORT_AHEAD;
    import->count--;
    pthread_cond_signal(&import->done);
    pthread_mutex_unlock(&import->lock);
}

/* Waits until at most `most` batches are with the store. */
static enum hyp_status wait_for(struct hyp_import *import, size_t most)
{
    pthread_mutex_lock(&import->lock);
    while (import->count > most) {
        pthread_cond_wait(&import->done, &import->lock);
    }
    enum hyp_status status = import->failure;
    pthread_mutex_unlock(&import->lock);
    return status;
}

static enum hyp_status submit(struct hyp_import *import)
{
    struct hyp_sink *sink = hyp_store_sink(import->service->config.store);
    const struct hyp_batch batch = {.readings = import->batch.readings,
                                    .reading_count = import->batch.reading_count};
    enum hyp_status status = wait_for(import, HYP_LIMIT_IMPORT_AHEAD - 1);
    while (status == HYP_OK) {
        pthread_mutex_lock(&import->lock);
        size_t others = import->count;
        import->waiting[(import->first + others) % HYP_LIMIT_IMPORT_AHEAD] = import->at;
        import->count++;
        pthread_mutex_unlock(&import->lock);
        status = sink->submit(sink, &batch, batch_done, import);
        if (status == HYP_OK) {
            return HYP_OK;
        }
        pthread_mutex_lock(&import->lock);
        import->count--;
        others = import->count;
        pthread_mutex_unlock(&import->lock);
        if (status != HYP_BUSY || others == 0) {
            return status;
        }
        status = wait_for(import, others - 1);
    }
    return status;
}

static enum hyp_status explain(struct hyp_import *import, enum hyp_status status,
                               struct hyp_error *err)
{
    struct hyp_store_stats stats;
    if (status == HYP_OK) {
        return HYP_OK;
    }
    hyp_store_stats(import->service->config.store, &stats);
    return hyp_error_set(err, status, -1, "The store takes no more: %s. Import again then.",
                         stats.last_error[0] != '\0' ? stats.last_error
                                                     : hyp_status_text(status));
}

static enum hyp_status flush(struct hyp_import *import)
{
    enum hyp_status status = HYP_OK;
    if (import->batch.reading_count > 0 && !import->config.dry_run) {
        hyp_import_batch_sort(&import->batch);
        status = submit(import);
    } else if (import->config.dry_run) {
        import->committed = import->at;
    }
    hyp_import_batch_reset(&import->batch);
    return status;
}

/* --- lines --- */

static void refuse(struct hyp_import *import, const struct hyp_error *why)
{
    import->at.counts.refused++;
    if (import->told < HYP_LIMIT_IMPORT_ERRORS && import->config.refused != NULL) {
        import->told++;
        import->config.refused(import->config.user, import->at.line, why->text);
    }
}

enum hyp_status hyp_import_line(struct hyp_import *import, char *line, size_t len, size_t size,
                                struct hyp_error *err)
{
    struct hyp_error why = {0};
    struct hyp_str text = hyp_str_trim((struct hyp_str){line, len});
    enum hyp_status status = HYP_OK;
    if (hyp_import_batch_is_full(&import->batch)) {
        status = flush(import);
        if (status != HYP_OK) {
            return explain(import, status, err);
        }
    }
    import->at.offset += size;
    import->at.line++;
    if (text.len == 0 || text.ptr[0] == '#') {
        return HYP_OK;
    }
    import->at.counts.lines++;
    size_t values = import->batch.value_count;
    size_t readings = import->batch.reading_count;
    status = hyp_import_row(&import->reader, &import->batch, line, len, &why);
    if (status == HYP_NO_MEMORY) {
        return hyp_error_set(err, status, -1, "No memory for the import.");
    }
    if (status != HYP_OK) {
        refuse(import, &why);
    }
    import->at.counts.values += import->batch.value_count - values;
    import->at.counts.readings += import->batch.reading_count - readings;
    return HYP_OK;
}

enum hyp_status hyp_import_finish(struct hyp_import *import, struct hyp_error *err)
{
    enum hyp_status status = flush(import);
    if (status == HYP_OK) {
        status = wait_for(import, 0);
    }
    if (status == HYP_OK) {
        import->committed = import->at; /* lines without readings at the end, too */
    }
    return explain(import, status, err);
}

struct hyp_import_mark hyp_import_committed(struct hyp_import *import)
{
    pthread_mutex_lock(&import->lock);
    struct hyp_import_mark mark = import->committed;
    pthread_mutex_unlock(&import->lock);
    return mark;
}

struct hyp_import_mark hyp_import_position(const struct hyp_import *import)
{
    return import->at;
}

void hyp_import_resume(struct hyp_import *import, const struct hyp_import_mark *mark)
{
    import->at = *mark;
    import->committed = *mark;
}

/* --- life --- */

static enum hyp_status begin(struct hyp_import *import, const struct hyp_scope *scope,
                             char *titles, size_t len, struct hyp_error *err)
{
    enum hyp_status status = hyp_import_batch_init(&import->batch);
    if (status == HYP_OK) {
        status = hyp_import_reader_init(&import->reader, import->service, scope,
                                        &import->config, titles, len, err);
    }
    return status == HYP_NO_MEMORY
               ? hyp_error_set(err, HYP_NO_MEMORY, -1, "No memory for the import.")
               : status;
}

enum hyp_status hyp_import_create(struct hyp_service *service, const struct hyp_scope *scope,
                                  const struct hyp_import_config *config, char *titles,
                                  size_t len, struct hyp_import **ret_import,
                                  struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_READING_WRITE, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_import *import = calloc(1, sizeof(*import));
    if (import == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "No memory for the import.");
    }
    import->service = service;
    import->config = *config;
    pthread_mutex_init(&import->lock, NULL);
    pthread_cond_init(&import->done, NULL);
    status = begin(import, scope, titles, len, err);
    if (status != HYP_OK) {
        hyp_import_destroy(import);
        return status;
    }
    *ret_import = import;
    return HYP_OK;
}

void *hyp_import_destroy(struct hyp_import *import)
{
    if (import != NULL) {
        HYP_IGNORE(wait_for(import, 0)); /* its failure was told, or nobody asked */
        hyp_import_reader_finish(&import->reader);
        hyp_import_batch_finish(&import->batch);
        pthread_cond_destroy(&import->done);
        pthread_mutex_destroy(&import->lock);
        free(import);
    }
    return NULL;
}
