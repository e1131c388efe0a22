/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bus: a line whose devices are asked one after the other (M-Bus or Modbus; TCP or serial).
 *
 * One queue for everything that is asked on it (queue.h). The connection is made when there is
 * something to ask and kept, or given back after each round. Loop thread only.
 */
#ifndef HYP_COLLECT_BUS_H
#define HYP_COLLECT_BUS_H

#include "collect/queue.h"
#include "collect/wire.h"
#include "protocol/mbus/master.h"
#include "protocol/modbus/master.h"

struct hyp_exchange;

struct hyp_bus {
    struct hyp_wire wire;
    struct hyp_link *link;
    struct hyp_exchange *active;
    struct hyp_station *stations; /* by next_on_bus */
    struct hyp_bus *next_waiting; /* to connect */
    struct hyp_timer timer;       /* deadline of whatever is going on */
    hyp_mono not_before;          /* of the next connect or request */
    struct hyp_queue queue;
    uint16_t silence_ms; /* RTU on a serial line: pause that ends a frame */
    uint8_t silent;      /* devices in a row that did not answer */
    bool connecting : 1; /* the link is on its way up */
    bool up : 1;
    bool fresh : 1;   /* nothing has been answered on this connection */
    bool waiting : 1; /* for its turn to connect */
    union {
        struct hyp_modbus_link modbus;
        struct hyp_mbus_link mbus;
    } protocol; /* the memory ends with the member of the line's kind */
};

/* The memory that a bus of this kind takes; it is zeroed before hyp_bus_init. */
size_t hyp_bus_size(enum hyp_line_kind kind);

/* With `wire` filled and all else zero. Connects to nothing yet. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_bus_init(struct hyp_bus *bus);
/* Ends everything; what waited is cancelled. The stations stay, without a bus. */
void hyp_bus_finish(struct hyp_bus *bus);

/* The station is one of this bus from now on; it must not be on another. */
void hyp_bus_attach(struct hyp_bus *bus, struct hyp_station *station);
/* What waits for the station, or is being asked, is cancelled. */
void hyp_bus_detach(struct hyp_bus *bus, struct hyp_station *station);
/*
 * The station has been changed and stays on its bus: what waits is asked as it is now, and what
 * is being asked is asked once more, because the answer may be of the meter it was before.
 */
void hyp_bus_renew(struct hyp_bus *bus, const struct hyp_station *station);

/*
 * Puts a read into the queue.
 * @order  NULL for a scheduled read; then a second one of the same station is left out
 * Returns HYP_OK | LIMIT (queue full) | NO_MEMORY
 */
HYP_MUST_USE enum hyp_status hyp_bus_read(struct hyp_bus *bus, struct hyp_station *station,
                                          struct hyp_order *order);
/* Puts a scan into the queue. */
HYP_MUST_USE enum hyp_status hyp_bus_scan(struct hyp_bus *bus, struct hyp_order *order);
/* Takes an order's entries out of the queue; an exchange under way is given up. */
void hyp_bus_cancel(struct hyp_bus *bus, struct hyp_order *order);

/* Goes on with what waits: after room in the outbox, or a free place to connect. */
void hyp_bus_pump(struct hyp_bus *bus);

/* What is being asked, then what waits, in order, up to `capacity`. Returns how many. */
size_t hyp_bus_queue_list(const struct hyp_bus *bus, struct hyp_queue_entry *out,
                          size_t capacity);

#endif
