/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/unread.h"

#include <assert.h>

static_assert((HYP_LIMIT_UNREAD & (HYP_LIMIT_UNREAD - 1)) == 0, "a place is a hash's low bits");

static bool is_copy_of(const struct hyp_unread_telegram *telegram, hyp_tenant_id tenant,
                       const struct hyp_reception_copy *copy)
{
    int64_t since = copy->received.ms - telegram->heard.ms;
    return telegram->heard.ms != 0 && telegram->hash == copy->hash &&
           telegram->tenant.id == tenant.id && since >= 0 && since < HYP_LIMIT_COPY_MS;
}

/* Returns whether the line has not told of it yet, and there is room for one more. */
static bool add_line(struct hyp_unread_telegram *telegram, hyp_line_id line)
{
    for (size_t i = 0; i < telegram->count; i++) {
        if (telegram->lines[i].id == line.id) {
            return false;
        }
    }
    if (telegram->count == HYP_ARRAY_LEN(telegram->lines)) {
        return false;
    }
    telegram->lines[telegram->count++] = line;
    return true;
}

bool hyp_unread_note(struct hyp_unread *unread, hyp_tenant_id tenant,
                     const struct hyp_reception_copy *copy, uint64_t *ret_mark)
{
    struct hyp_unread_telegram *telegram = &unread->table[copy->hash % HYP_LIMIT_UNREAD];
    bool repeated = is_copy_of(telegram, tenant, copy);
    if (!repeated) {
        *telegram = (struct hyp_unread_telegram){
            .hash = copy->hash, .mark = copy->mark, .heard = copy->received, .tenant = tenant};
    }
    bool first = add_line(telegram, copy->line);
    *ret_mark = repeated && first ? telegram->mark : 0;
    return repeated;
}
