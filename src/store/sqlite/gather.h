/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gather: a layer between SQLite and the files of a database that is written (a VFS), which
 * puts writes that follow each other in the file together before the system sees them.
 *
 * SQLite writes a page of the write-ahead log in two pieces, and each page by itself: with
 * pages of 1 KiB that is two system calls for a thousand bytes. What was gathered goes to the
 * system before anybody can count on it: before a sync, before the file is read, cut or
 * measured through the same handle, before a lock is given back, and when it does not fit.
 * Other connections learn of new pages of the log only after its sync, so this is for
 * connections with synchronous=FULL. Only the log is gathered: a checkpoint that a reader keeps
 * from its end lets others read the pages that it wrote to the database without any sync.
 *
 * A write that fails when it goes out is told by the call that had it go out; where that call
 * cannot say so, by the next write, sync or truncation.
 *
 * Context: the functions of one file are called by one thread at a time, as SQLite does.
 */
#ifndef HYP_STORE_SQLITE_GATHER_H
#define HYP_STORE_SQLITE_GATHER_H

/* Bytes that are held of a file at most; longer writes go through. */
#define HYP_SQLITE_GATHERED 65536

/*
 * Makes it known to SQLite, once per process. What is below it is the default VFS at the moment
 * a file is opened.
 * Returns  its name, for sqlite3_open_v2; NULL = no memory, and then SQLite's own will do
 */
const char *hyp_sqlite_gather(void);

#endif
