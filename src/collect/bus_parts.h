/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a bus, shared by its files: bus.c (what is done next), bus_link.c (the
 * connection), bus_exchange.c (one question and its answer). For these three only.
 *
 * Who owns an entry: the queue while it waits, the exchange while it is asked. Whoever takes it
 * from there says how it ended (hyp_bus_failed, hyp_bus_device_failed, or the answer) and then
 * frees it, or queues it again.
 */
#ifndef HYP_COLLECT_BUS_PARTS_H
#define HYP_COLLECT_BUS_PARTS_H

#include "collect/bus.h"

/* --- bus.c --- */

/* Shows how far an entry is. */
void hyp_bus_progress(struct hyp_bus *bus, const struct hyp_entry *entry,
                      enum hyp_job_state state);
/* The entry has ended without a reading, and nobody on the bus is to blame. */
void hyp_bus_failed(struct hyp_bus *bus, const struct hyp_entry *entry, enum hyp_status status,
                    const char *text);
/* The device was asked and it was its fault. */
void hyp_bus_device_failed(struct hyp_bus *bus, const struct hyp_entry *entry,
                           enum hyp_status status, const char *text);
/* For hyp_queue_sweep: matches every entry. */
bool hyp_entry_is_any(const struct hyp_entry *entry, const void *what);

/* --- bus_link.c --- */

/* Begins to connect, or waits for its turn to. */
void hyp_bus_connect(struct hyp_bus *bus);
/* Ends the connection or the attempt at one. */
void hyp_bus_disconnect(struct hyp_bus *bus);
/* The connection does not come up in time. */
void hyp_bus_connect_timed_out(struct hyp_bus *bus);
/* Leaves the list of those who wait for their turn to connect. */
void hyp_bus_stop_waiting(struct hyp_bus *bus);
/* Makes place for another one that waits to connect. */
void hyp_bus_leave_connecting(struct hyp_bus *bus);

/* --- bus_exchange.c --- */

/* Asks: takes the entry. */
void hyp_bus_begin(struct hyp_bus *bus, struct hyp_entry *entry);
/* Bytes have come. */
void hyp_bus_feed(struct hyp_bus *bus, const uint8_t *bytes, size_t len);
/* The deadline of the exchange under way is over. */
void hyp_bus_tick(struct hyp_bus *bus);
/* Ends the exchange under way without an answer; its entry goes to the caller. */
struct hyp_entry *hyp_bus_end_exchange(struct hyp_bus *bus);
/* No request may go out before the line's pause is over. */
void hyp_bus_pause_requests(struct hyp_bus *bus);

#endif
