/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: what opens the telegrams of meters. They come in by file, by row or one by one, are
 * closed in boxes on the disk, and never go out again by any route, log or list.
 *
 * A meter has its own key, or the tenant's default keys are tried on it, in their order; the
 * one that works becomes its own. After every change the telegrams that could not be read are
 * tried again (backlog.h).
 */
#ifndef HYP_SERVICE_KEYS_H
#define HYP_SERVICE_KEYS_H

#include "base/arena.h"
#include "service/key_file.h"
#include "service/scope.h"
#include "service/service.h"

/* Rows that mean a meter, and rows that mean none. */
struct hyp_key_matches {
    size_t matched;
    size_t unmatched;
};
/*
 * Sets the keys of devices found by serial number (and maker, where a row names one); all of
 * them or none. Of two rows for one meter the later one counts.
 * @arena   for the work; keys in it are wiped before it returns
 * Returns  HYP_OK | DENIED | NO_MEMORY | what the store says: then no key is set
 */
HYP_MUST_USE enum hyp_status
hyp_keys_import(struct hyp_service *service, const struct hyp_scope *scope,
                const struct hyp_key_row *rows, size_t count, struct hyp_arena *arena,
                struct hyp_key_matches *ret_matches, struct hyp_error *err);

/* --- a file, with a preview --- */

enum hyp_key_result {
    HYP_KEY_NEW = 0, /* the meter had none */
    HYP_KEY_CHANGED, /* the meter had another */
    HYP_KEY_SAME,    /* the meter has it */
    HYP_KEY_UNKNOWN, /* there is no such meter */
    HYP_KEY_BAD,     /* the row cannot be read */
    HYP_KEY_RESULT_COUNT,
};
/* "new", "changed" ... */
const char *hyp_key_result_text(enum hyp_key_result result);

struct hyp_key_outcome {
    size_t line;
    char manufacturer[4];
    char serial[HYP_SERIAL_MAX];
    enum hyp_key_result result;
    hyp_device_id device; /* the first of `devices` */
    size_t devices;       /* that the row means */
    char name[HYP_LIMIT_NAME];
    char text[HYP_ERROR_TEXT_MAX]; /* why the row is bad */
};

struct hyp_key_report {
    struct hyp_key_outcome *outcomes;
    size_t count;
    size_t counts[HYP_KEY_RESULT_COUNT];
};

struct hyp_key_input {
    struct hyp_str text;
    struct hyp_str password; /* of a file that is closed with one; empty = none */
    bool apply;              /* set the keys; false = only tell what would happen */
    bool skip_bad;           /* set the good rows although others cannot be read */
};
/*
 * Reads a key file. All keys are set, in one transaction, or none.
 * @arena   for the rows, and the file in the clear if it was closed
 * Returns  HYP_OK | DENIED | UNSUPPORTED (no key file) | LIMIT (HYP_LIMIT_KEY_ROWS)
 *          | NO_KEY, WRONG_KEY (of the file) | MALFORMED
 *          | INVALID (to be applied, but row N cannot be read; nothing was set)
 */
HYP_MUST_USE enum hyp_status
hyp_keys_file(struct hyp_service *service, const struct hyp_scope *scope,
              const struct hyp_key_input *input, struct hyp_arena *arena,
              struct hyp_key_report *ret_report, struct hyp_error *err);

/* --- default keys --- */

/* As it may be shown. */
struct hyp_default_key {
    int64_t id;
    char name[HYP_LIMIT_NAME];
    hyp_utc created;
};
/* In the order in which they are tried; without the keys. HYP_OK | DENIED | what the store says
 */
HYP_MUST_USE enum hyp_status hyp_default_keys_list(struct hyp_service *service,
                                                   const struct hyp_scope *scope,
                                                   struct hyp_arena *arena,
                                                   struct hyp_default_key **ret_keys,
                                                   size_t *ret_count, struct hyp_error *err);
/*
 * Adds one behind the others, and tries it on what could not be read.
 * @name     1 .. HYP_LIMIT_NAME - 1 bytes, trimmed
 * @ret_key  with its id
 * Returns   HYP_OK | DENIED | INVALID (the name) | CONFLICT (HYP_LIMIT_DEFAULT_KEYS)
 *         | EXISTS (the key) | what the store says
 */
HYP_MUST_USE enum hyp_status
hyp_default_key_add(struct hyp_service *service, const struct hyp_scope *scope,
                    struct hyp_str name, const struct hyp_aes_key *key,
                    struct hyp_default_key *ret_key, struct hyp_error *err);
/* Is tried no more; keys that meters have got through it stay theirs. HYP_OK | DENIED |
 * NOT_FOUND | what the store says */
HYP_MUST_USE enum hyp_status hyp_default_key_remove(struct hyp_service *service,
                                                    const struct hyp_scope *scope, int64_t id,
                                                    struct hyp_error *err);

/* --- within the service --- */

/* Stores a device's key; memory and collector follow. Under the plant's lock. HYP_OK |
 * NOT_FOUND | what the store says */
enum hyp_status hyp_keys_set(struct hyp_service *service, hyp_tenant_id tenant,
                             hyp_device_id id, const struct hyp_aes_key *key,
                             struct hyp_error *err);
/* The keys themselves, for the inspector; wipe them. Returns how many. */
size_t hyp_default_keys_load(struct hyp_service *service, hyp_tenant_id tenant,
                             struct hyp_aes_key ret_keys[static HYP_LIMIT_DEFAULT_KEYS]);
/* Hands the default keys of all tenants to the collector, at start. */
HYP_MUST_USE enum hyp_status hyp_default_keys_push(struct hyp_service *service);
/* Observer call: a default key opens a device's telegrams. */
void hyp_keys_on_found(void *user, hyp_device_id device, const struct hyp_aes_key *key);
/* Called by the keeper: makes found keys the devices' own. */
void hyp_keys_save_found(struct hyp_service *service);

#endif
