/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay between clients and a PostgreSQL server that cuts a connection at the n-th thing a
 * client says, before the server hears it or before the client hears the answer.
 */
#ifndef HYP_TEST_FAULT_WIRE_CUTTER_H
#define HYP_TEST_FAULT_WIRE_CUTTER_H

#include <stdbool.h>

struct wire_cutter;

/* Listens like a server with its socket in `folder`; the real one is that of this run. */
struct wire_cutter *wire_cutter_start(const char *folder);
/* The database of this run by way of the cutter; valid until it is stopped. */
const char *wire_cutter_url(const struct wire_cutter *cutter);
void wire_cutter_stop(struct wire_cutter *cutter);
/* Waits until every client has gone. */
void wire_cutter_wait(struct wire_cutter *cutter);
/* From now on: cuts at the n-th message, once. @after when the server has answered */
void wire_cutter_arm(struct wire_cutter *cutter, long n, bool after);
/* From the next cut on nobody gets through, until this is taken back. */
void wire_cutter_stay_away(struct wire_cutter *cutter, bool away);
/* Cuts everybody off, and the next `n` who come; 0 = from now on everybody gets through. */
void wire_cutter_turn_away(struct wire_cutter *cutter, long n);
/* How many have come, whether they got through or not. */
long wire_cutter_came(struct wire_cutter *cutter);
/* Has it cut, since it was armed? */
bool wire_cutter_has_cut(struct wire_cutter *cutter);
/* How many messages clients have sent since it was armed. */
long wire_cutter_heard(struct wire_cutter *cutter);

#endif
