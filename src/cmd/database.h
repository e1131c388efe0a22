/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which database a command works on: the one of --database, or of $HYPOCAUST_DATABASE.
 */
#ifndef HYP_CMD_DATABASE_H
#define HYP_CMD_DATABASE_H

/*
 * The URL to use, NULL for the data folder alone. A URL from the command line is taken out of
 * it, so that a list of processes does not show the password in it.
 * @option   value of --database as parsed, or NULL; points into the arguments
 * Ownership the caller frees the result with hyp_database_forget
 */
char *hyp_database_take(const char *option);
/* Wipes and frees. NULL is allowed. */
void hyp_database_forget(char *url);

#endif
