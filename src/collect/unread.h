/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unread: telegrams by radio that gave no reading (no key, nobody's meter, damaged), so that
 * each of them is kept once however many receivers have heard it. Those that are read are known
 * again by their meter's reception (reception.h). Loop thread only.
 *
 * A table with one place for each hash: a telegram that shares its place with a newer one is
 * forgotten, and its copy kept like a telegram of its own.
 */
#ifndef HYP_COLLECT_UNREAD_H
#define HYP_COLLECT_UNREAD_H

#include "collect/reception.h"

struct hyp_unread {
    struct hyp_unread_telegram {
        uint64_t hash;
        uint64_t mark;
        hyp_utc heard; /* the first copy; 0 = none */
        hyp_tenant_id tenant;
        uint8_t count; /* of `lines` */
        hyp_line_id lines[HYP_LIMIT_RECEIVERS];
    } table[HYP_LIMIT_UNREAD];
};

/*
 * Notes a copy.
 * @ret_mark  as hyp_reception_note
 * Returns    whether it is a copy of one that was noted before
 */
bool hyp_unread_note(struct hyp_unread *unread, hyp_tenant_id tenant,
                     const struct hyp_reception_copy *copy, uint64_t *ret_mark);

#endif
