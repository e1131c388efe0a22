/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/first_load.h"

#include "service/auth.h"
#include "service/field.h"
#include "service/manifest.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_MARK "serve.import"
#define HISTORY_MARK "serve.history"
#define MANIFEST_MAX ((size_t)256 * 1024 * 1024)
#define PIECE_BYTES ((size_t)4 * 1024 * 1024)
#define ARENA_MAX ((size_t)512 * 1024 * 1024)

static bool is_marked(struct hyp_store *store, const char *name)
{
    struct hyp_arena arena;
    uint8_t *data;
    size_t len;
    hyp_arena_init(&arena, 4096);
    bool marked = hyp_store_blob_get(store, name, &arena, &data, &len) == HYP_OK;
    hyp_arena_finish(&arena);
    return marked;
}

static enum hyp_status mark(struct hyp_store *store, const char *name)
{
    static const uint8_t done[] = "done";
    return hyp_store_blob_put(store, name, done, sizeof(done) - 1);
}

static enum hyp_status open_file(const char *path, FILE **ret_file, struct hyp_error *err)
{
    *ret_file = fopen(path, "rb");
    return *ret_file != NULL ? HYP_OK
                             : hyp_error_set_code(err, HYP_IO, HYP_ERROR_ERRNO, errno,
                                                  "Cannot read %s: %s.", path, strerror(errno));
}

/* --- manifest --- */

static enum hyp_status read_whole(const char *path, struct hyp_buf *out, struct hyp_error *err)
{
    char chunk[16384];
    size_t got;
    FILE *file;
    enum hyp_status status = open_file(path, &file, err);
    if (status != HYP_OK) {
        return status;
    }
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        hyp_buf_append(out, chunk, got);
    }
    status = ferror(file) != 0 ? HYP_IO : hyp_buf_status(out);
    fclose(file);
    return status == HYP_OK ? HYP_OK
                            : hyp_error_set(err, status, -1, "Cannot read %s: %s.", path,
                                            hyp_status_text(status));
}

enum hyp_status hyp_first_load_manifest(struct hyp_service *service, struct hyp_store *store,
                                        const char *path, struct hyp_error *err)
{
    struct hyp_buf text;
    struct hyp_arena arena;
    struct hyp_manifest_result result;
    struct hyp_error inner = {0};
    if (is_marked(store, MANIFEST_MARK)) {
        return HYP_OK;
    }
    hyp_buf_init_heap(&text, MANIFEST_MAX);
    hyp_arena_init(&arena, ARENA_MAX);
    const struct hyp_scope *scope = hyp_auth_console(service, &arena);
    enum hyp_status status = scope == NULL ? HYP_NO_MEMORY : read_whole(path, &text, &inner);
    if (status == HYP_OK) {
        status =
            hyp_manifest_import(service, scope, hyp_buf_view(&text), &arena, &result, &inner);
    }
    if (status == HYP_OK) {
        printf("hypocaust: imported %zu lines and %zu devices from %s\n", result.lines,
               result.devices, path);
        status = mark(store, MANIFEST_MARK);
    }
    if (text.len > 0) {
        hyp_wipe(text.data, text.len); /* it holds keys */
    }
    hyp_buf_finish(&text);
    hyp_arena_finish(&arena);
    return status == HYP_OK ? HYP_OK
                            : hyp_error_set(err, status, -1, "%s: %s", path, inner.text);
}

/* --- history --- */

struct hyp_first_load {
    struct hyp_service *service;
    struct hyp_store *store;
    struct hyp_log *log;
    const struct hyp_scope *scope;
    struct hyp_arena arena;
    FILE *file;
    pthread_t thread;
    atomic_bool cancelled;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished; /* the piece that was fed */
    struct hyp_intake_result result;
    struct hyp_intake_result sum;
};

static void piece_done(void *user, const struct hyp_intake_result *result)
{
    struct hyp_first_load *load = user;
    pthread_mutex_lock(&load->lock);
    load->result = *result;
    load->finished = true;
    pthread_cond_signal(&load->done);
    pthread_mutex_unlock(&load->lock);
}

static enum hyp_status feed_piece(struct hyp_first_load *load, struct hyp_str piece)
{
    struct hyp_error err = {0};
    load->finished = false;
    enum hyp_status status = hyp_field_intake(load->service, load->scope, piece,
                                              HYP_SOURCE_FILE, piece_done, load, &err);
    if (status != HYP_OK) {
        return status;
    }
    pthread_mutex_lock(&load->lock);
    while (!load->finished) {
        pthread_cond_wait(&load->done, &load->lock);
    }
    pthread_mutex_unlock(&load->lock);
    load->sum.lines += load->result.lines;
    load->sum.readings += load->result.readings;
    load->sum.unknown += load->result.unknown;
    load->sum.refused += load->result.refused;
    return load->result.status;
}

/* Length of the part of the piece that ends with a line end; all of it at the end of the file.
 */
static size_t whole_lines(const char *piece, size_t len)
{
    size_t at = len;
    while (at > 0 && piece[at - 1] != '\n') {
        at--;
    }
    return at == 0 ? len : at;
}

static enum hyp_status feed_file(struct hyp_first_load *load, char *piece)
{
    size_t kept = 0;
    enum hyp_status status = HYP_OK;
    while (status == HYP_OK && !atomic_load(&load->cancelled)) {
        size_t len = kept + fread(piece + kept, 1, PIECE_BYTES - kept, load->file);
        bool last = len < PIECE_BYTES;
        size_t whole = last ? len : whole_lines(piece, len);
        if (len == 0) {
            break;
        }
        status = feed_piece(load, (struct hyp_str){piece, whole});
        kept = len - whole;
        memmove(piece, piece + whole, kept);
        if (last) {
            break;
        }
    }
    return ferror(load->file) != 0 ? HYP_IO : status;
}

static void *feed_all(void *argument)
{
    struct hyp_first_load *load = argument;
    char *piece = malloc(PIECE_BYTES);
    enum hyp_status status = piece == NULL ? HYP_NO_MEMORY : feed_file(load, piece);
    free(piece);
    if (status == HYP_OK && !atomic_load(&load->cancelled)) {
        status = mark(load->store, HISTORY_MARK);
    }
    if (status == HYP_OK) {
        hyp_log_event(
            load->log, HYP_LOG_INFO, "history.loaded",
            "lines=%llu readings=%llu unknown=%llu refused=%llu",
            (unsigned long long)load->sum.lines, (unsigned long long)load->sum.readings,
            (unsigned long long)load->sum.unknown, (unsigned long long)load->sum.refused);
    } else {
        hyp_log_event(load->log, HYP_LOG_WARNING, "history.not_loaded",
                      "status=%s next=again_at_the_next_start", hyp_status_name(status));
    }
    return NULL;
}

enum hyp_status hyp_first_load_history(struct hyp_service *service, struct hyp_store *store,
                                       struct hyp_log *log, const char *path,
                                       struct hyp_first_load **ret_load, struct hyp_error *err)
{
    FILE *file;
    *ret_load = NULL;
    if (is_marked(store, HISTORY_MARK)) {
        return HYP_OK;
    }
    enum hyp_status status = open_file(path, &file, err);
    if (status != HYP_OK) {
        return status;
    }
    struct hyp_first_load *load = calloc(1, sizeof(*load));
    if (load == NULL) {
        fclose(file);
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "No memory to load %s.", path);
    }
    load->service = service;
    load->store = store;
    load->log = log;
    load->file = file;
    hyp_arena_init(&load->arena, 4096);
    load->scope = hyp_auth_console(service, &load->arena);
    pthread_mutex_init(&load->lock, NULL);
    pthread_cond_init(&load->done, NULL);
    if (load->scope == NULL || pthread_create(&load->thread, NULL, feed_all, load) != 0) {
        fclose(file);
        hyp_arena_finish(&load->arena);
        free(load);
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "No thread to load %s.", path);
    }
    *ret_load = load;
    return HYP_OK;
}

void hyp_first_load_cancel(struct hyp_first_load *load)
{
    if (load != NULL) {
        atomic_store(&load->cancelled, true);
    }
}

void *hyp_first_load_destroy(struct hyp_first_load *load)
{
    if (load != NULL) {
        atomic_store(&load->cancelled, true);
        pthread_join(load->thread, NULL);
        fclose(load->file);
        pthread_cond_destroy(&load->done);
        pthread_mutex_destroy(&load->lock);
        hyp_arena_finish(&load->arena);
        free(load);
    }
    return NULL;
}
