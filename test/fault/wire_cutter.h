/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay between clients and a PostgreSQL server that cuts a connection at the n-th thing a
 * client says, before the server hears it or before the client hears the answer.
 */
#ifndef HYP_TEST_FAULT_WIRE_CUTTER_H
#define HYP_TEST_FAULT_WIRE_CUTTER_H

#include <stdbool.h>

struct wire_cutter;

/* Listens like a server with its socket in `folder`; the real one's is in `server_folder`. */
struct wire_cutter *wire_cutter_start(const char *folder, const char *server_folder);
void wire_cutter_stop(struct wire_cutter *cutter);
/* From now on: cuts at the n-th message, once. @after when the server has answered */
void wire_cutter_arm(struct wire_cutter *cutter, long n, bool after);
/* From the next cut on nobody gets through, until this is taken back. */
void wire_cutter_stay_away(struct wire_cutter *cutter, bool away);
/* Has it cut, since it was armed? */
bool wire_cutter_has_cut(struct wire_cutter *cutter);

#endif
