/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails on order: a SQLite VFS in front of the real one.
 *
 * Every change of a file (write, truncate, sync, delete) counts as one step. From a chosen step
 * on the disk refuses with a chosen code, once or for good. As a power cut it refuses
 * everything from that step on, and what was not synced by then may be lost: the files get the
 * content of their last sync back, with none, all, or some of the writes after it (the last
 * one torn).
 */
#ifndef HYP_TEST_FAULT_VFS_SHIM_H
#define HYP_TEST_FAULT_VFS_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum shim_kept {
    SHIM_KEEP_ALL,  /* the system wrote everything out in time */
    SHIM_KEEP_NONE, /* nothing after the last sync reached the disk */
    SHIM_KEEP_SOME, /* a random part, in halves of writes */
};

/* Becomes the default VFS. Once per process. */
void shim_install(void);
/* Counts from 0 again; nothing fails. */
void shim_reset(void);
/* Steps since reset. */
long shim_steps(void);
/* From step `at` (1 = the next) on refuse with the SQLite `code`. @forever or once */
void shim_fail_at(long at, int code, bool forever);
/* Power fails at step `at`. */
void shim_cut_at(long at);
/* After everything is closed: makes the files look as after the cut, and lets the disk work
 * again. Nothing happens if there was no cut. */
void shim_after_cut(enum shim_kept kept, uint64_t seed);

#endif
