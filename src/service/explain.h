/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explain: what every byte of a frame means, for the telegram inspector. Decodes again, on
 * request, what collect decoded on arrival (docs/decisions/0001).
 */
#ifndef HYP_SERVICE_EXPLAIN_H
#define HYP_SERVICE_EXPLAIN_H

#include "base/arena.h"
#include "device/library.h"
#include "service/scope.h"
#include "service/service.h"

struct hyp_explain_stage {
    const char *title; /* "as received", "decrypted" */
    const uint8_t *bytes;
    size_t len;
};

/* All memory is in the caller's arena. */
struct hyp_explanation {
    bool ok;
    struct hyp_error error; /* when not ok; offset in stage 0, or -1 */
    const char *link;       /* "mbus", "wmbus", "modbus" */
    struct hyp_explain_stage stages[2];
    size_t stage_count;
    struct hyp_note *notes;
    size_t note_count;
    bool has_meter;
    struct hyp_meter_identity meter;
    const char *profile; /* name, "" when none applies */
    uint8_t security_mode;
    enum hyp_encryption_state encryption;
    struct hyp_value *values;
    size_t value_count;
};

struct hyp_explain_request {
    const uint8_t *bytes;
    size_t len;
    enum hyp_raw_protocol protocol; /* UNSET = by the first bytes (M-Bus or wireless M-Bus) */
    const struct hyp_profile *profile; /* NULL = by identity; names Modbus registers */
    const struct hyp_aes_key *key; /* beside the tenant's own keys; NULL = none; never kept */
};
/*
 * Explains bytes: one frame, or the telegrams of one that came in several.
 * Returns    HYP_OK also when the bytes are refused (then ret->ok is false) | DENIED
 *          | INVALID (nothing, or longer than HYP_LIMIT_MULTI_TELEGRAMS frames) | NO_MEMORY
 * Limits     HYP_LIMIT_NOTES, HYP_LIMIT_READING_VALUES
 */
HYP_MUST_USE enum hyp_status
hyp_explain_bytes(struct hyp_service *service, const struct hyp_scope *scope,
                  const struct hyp_explain_request *request, struct hyp_arena *arena,
                  struct hyp_explanation *ret_explanation, struct hyp_error *err);

/* The same for a stored frame, with the profile of its device. @frame with its bytes */
HYP_MUST_USE enum hyp_status
hyp_explain_frame(struct hyp_service *service, const struct hyp_scope *scope,
                  const struct hyp_stored_frame *frame, struct hyp_arena *arena,
                  struct hyp_explanation *ret_explanation, struct hyp_error *err);

#endif
