/* SPDX-License-Identifier: Apache-2.0 */
#include "service/backups.h"

#include "service/inside.h"

enum hyp_status hyp_service_backups(struct hyp_service *service, const struct hyp_scope *scope,
                                    struct hyp_arena *arena, bool *ret_made,
                                    struct hyp_backups_report *ret_report,
                                    struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DATA_MANAGE, err);
    if (status != HYP_OK) {
        return status;
    }
    *ret_made = service->config.backups != NULL;
    *ret_report = (struct hyp_backups_report){0};
    if (*ret_made) {
        status = hyp_backups_report(service->config.backups, arena, ret_report);
    }
    return status == HYP_OK ? HYP_OK : hyp_service_explain_failure(err, status);
}

enum hyp_status hyp_service_backups_ask(struct hyp_service *service,
                                        const struct hyp_scope *scope, struct hyp_error *err)
{
    enum hyp_status status = hyp_scope_require(scope, HYP_PERMISSION_DATA_MANAGE, err);
    if (status == HYP_OK && service->config.backups == NULL) {
        status = hyp_error_set(err, HYP_UNSUPPORTED, -1,
                               "This server makes no backups: start it with --backup-to and a "
                               "folder, best on another disk.");
    }
    if (status == HYP_OK) {
        status = hyp_backups_ask(service->config.backups, err);
    }
    if (status == HYP_OK) {
        hyp_service_audit(service, scope, "data.backup", "plant", 0, "asked for");
    }
    return status;
}
