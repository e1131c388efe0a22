/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifest: lines, devices and groups in one JSON text, imported all or nothing.
 *
 * The form is the one hypocaust-sim prints (docs/simulator.md). Lines are recognised by their
 * name, devices by maker, number, version and medium (or line and unit); those that are there
 * already are left alone and counted as skipped, so the same manifest may be imported again.
 */
#ifndef HYP_SERVICE_MANIFEST_H
#define HYP_SERVICE_MANIFEST_H

#include "base/arena.h"
#include "service/scope.h"
#include "service/service.h"

struct hyp_manifest_result {
    size_t lines;                       /* added */
    size_t devices;                     /* added */
    size_t groups;                      /* added */
    size_t skipped;                     /* lines and devices that were there */
    char (*errors)[HYP_ERROR_TEXT_MAX]; /* what is wrong; nothing was imported if any */
    size_t error_count;
};

/*
 * Returns  HYP_OK | INVALID (ret_result->errors lists up to HYP_LIMIT_IMPORT_ERRORS places;
 * *err has the first) | MALFORMED (no JSON) | DENIED | ...
 */
HYP_MUST_USE enum hyp_status hyp_manifest_import(struct hyp_service *service,
                                                 const struct hyp_scope *scope,
                                                 struct hyp_str text, struct hyp_arena *arena,
                                                 struct hyp_manifest_result *ret_result,
                                                 struct hyp_error *err);

#endif
