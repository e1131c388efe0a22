/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A move that fails on order (store/move.h): at the n-th statement of either database, the n-th
 * piece of a COPY, the answer to COMMIT, or the n-th change of a file. Programs are linked with
 * --wrap for what stands in move_fault.c.
 */
#ifndef HYP_TEST_FAULT_MOVE_FAULT_H
#define HYP_TEST_FAULT_MOVE_FAULT_H

enum move_fault {
    MOVE_FAULT_NONE,
    MOVE_FAULT_SOURCE, /* a statement or step of SQLite */
    MOVE_FAULT_TARGET, /* the same of PostgreSQL */
    MOVE_FAULT_COPY,   /* rows on their way */
    MOVE_FAULT_ANSWER, /* the server commits, and libpq has no memory for what it says */
    MOVE_FAULT_FILE,   /* a file of the folder is written or synced */
};

/* Databases that are opened from now on count; the n-th event of this kind fails. */
void move_fault_arm(enum move_fault kind, long n);
void move_fault_disarm(void);
/* How many there were since it was armed. */
long move_fault_taken(void);

#endif
