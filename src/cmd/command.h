/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subcommands of the one binary: each is a function and one row of the table in main.c.
 */
#ifndef HYP_CMD_COMMAND_H
#define HYP_CMD_COMMAND_H

/*
 * Runs a subcommand.
 * @argc, @argv  from the subcommand's name on (argv[0] = "decode")
 * Returns       exit status: 0 done, 1 failed, 2 wrong usage
 */
typedef int (*hyp_command_fn)(int argc, char **argv);

/* decode: hex lines of telegrams. serve: the server, until a signal. user, import: on the store
 * of a server that is not running. backup: of a store that may be running. restore,
 * migrate-store: into a folder or database that nobody uses. What they print is for people,
 * failures on standard error. */
int hyp_command_decode(int argc, char **argv);
int hyp_command_serve(int argc, char **argv);
int hyp_command_user(int argc, char **argv);
int hyp_command_backup(int argc, char **argv);
int hyp_command_restore(int argc, char **argv);
int hyp_command_import(int argc, char **argv);
int hyp_command_migrate_store(int argc, char **argv);
/* Beside these: 3 there are warnings, 4 something is damaged. */
int hyp_command_doctor(int argc, char **argv);

#endif
