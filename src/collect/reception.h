/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reception: which receivers hear a meter, how well, and which telegrams are the same one.
 *
 * A telegram by radio arrives once per receiver in reach, and again over repeaters. The first
 * copy becomes the reading; the others say who heard it as well. Several telegrams are
 * remembered, because a slow way (a broker, a busy concentrator) may bring the copy of one
 * after the next has been heard elsewhere. Loop thread only.
 */
#ifndef HYP_COLLECT_RECEPTION_H
#define HYP_COLLECT_RECEPTION_H

#include "collect/collect.h"

#define HYP_RECEPTION_RECENT 4

struct hyp_reception {
    uint64_t telegrams; /* different ones */
    struct hyp_reception_telegram {
        uint64_t hash;
        uint64_t mark;   /* of the frame that was kept of it */
        hyp_utc heard;   /* the first copy; 0 = none */
        uint64_t before; /* telegrams of the meter before it */
        uint32_t lines;  /* bit i: by[i] has heard it */
        bool counted;    /* a receiver has heard it, not only a file brought it */
    } recent[HYP_RECEPTION_RECENT];
    uint8_t newest; /* of `recent` */
    uint8_t count;  /* of `by` */
    bool changed;   /* since it was last exported to be saved */
    struct hyp_reception_line {
        hyp_line_id line;
        hyp_utc last_heard;
        uint64_t telegrams;
        uint64_t missed_before; /* telegrams of the meter before this line heard it at all */
        int16_t last_dbm;
        int16_t best_dbm;
    } by[HYP_LIMIT_RECEIVERS];
};

/* One telegram as one receiver heard it. */
struct hyp_reception_copy {
    hyp_line_id line; /* 0 = no receiver: a file or a push; it only takes part in merging */
    hyp_utc received;
    uint64_t hash; /* of what was sent, without what receivers leave in or add */
    uint64_t mark; /* hyp_raw_frame_mark of the bytes */
    int16_t signal_dbm;
};

enum hyp_reception_result {
    HYP_RECEPTION_NEW = 0,  /* take it */
    HYP_RECEPTION_REPEATED, /* a copy of one that was taken */
    HYP_RECEPTION_JOINED,   /* the same, by a receiver that had never heard the meter */
};
/*
 * @ret_mark  of the telegram taken, when the copy is one to be kept with it: the first of this
 *            line; else 0
 */
enum hyp_reception_result hyp_reception_note(struct hyp_reception *reception,
                                             const struct hyp_reception_copy *copy,
                                             uint64_t *ret_mark);

/* Into the numbers that others see. */
void hyp_reception_export(const struct hyp_reception *reception, hyp_device_id device,
                          struct hyp_reception_state *ret_state);
/* From before a restart; what has been heard since then is added. */
void hyp_reception_import(struct hyp_reception *reception,
                          const struct hyp_reception_state *state);

#endif
