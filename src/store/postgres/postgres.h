/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL (15 or newer) behind the database layer (store/db.h, store/server.h), through
 * libpq. Nobody but store/server.c includes this.
 *
 * Parameters and columns travel in binary; statements are prepared once per session. Rows are
 * read one at a time as they arrive, so a long scan needs no memory; when another statement
 * wants the connection meanwhile, the rest of the scan is taken in first.
 *
 * A lost connection comes back alone. Inside a transaction the loss is the transaction's
 * failure. A query outside one is asked again. When the connection goes during COMMIT, the
 * outcome is asked for by a number that every transaction counts up, so that a commit is never
 * reported as failed when it is not, nor the other way round. (pg_xact_status does not do:
 * after a crash the server gives the number of an unfinished transaction to another one.)
 *
 * Error texts never hold the URL: it may contain a password.
 */
#ifndef HYP_STORE_POSTGRES_POSTGRES_H
#define HYP_STORE_POSTGRES_POSTGRES_H

#include "store/server.h"

/* As hyp_server_open; the name of the schema is whole, without a suffix. */
HYP_MUST_USE enum hyp_status hyp_postgres_open(const struct hyp_server_config *config,
                                               struct hyp_db **ret_db, struct hyp_error *err);

#endif
