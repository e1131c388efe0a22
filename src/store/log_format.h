/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the format of the intake log that writers and reader share (store/log.h draws it).
 */
#ifndef HYP_STORE_LOG_FORMAT_H
#define HYP_STORE_LOG_FORMAT_H

/* Versions. */
#define HYP_LOG_PLAIN 1
#define HYP_LOG_PACKED 2

/* What the head of a packed reading says beside its shape. */
#define HYP_LOG_SHAPE_MASK 0x0Fu
#define HYP_LOG_SAME_TIME 0x10u
#define HYP_LOG_SAME_ORIGIN 0x20u
#define HYP_LOG_HAS_FRAME 0x40u
#define HYP_LOG_SAME_STEPS 0x80u

/* One column of a shape: step LE32, exponent, kind << 4 | quality, width, least LE64. */
#define HYP_LOG_COLUMN_BYTES 15
#define HYP_LOG_MEANING_AT 5
#define HYP_LOG_WIDTH_AT 6

#endif
