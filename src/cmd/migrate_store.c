/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypocaust migrate-store: moves a data folder's readings into a PostgreSQL database.
 */
#include "cmd/command.h"

#include "cmd/database.h"
#include "cmd/options.h"
#include "store/move.h"

#include <stddef.h>
#include <stdio.h>

struct settings {
    const char *from;
    const char *to;
};

static const char usage[] =
    "Usage: hypocaust migrate-store --from DIR --to URL\n"
    "Moves everything that the server of DIR keeps in SQLite into an empty PostgreSQL\n"
    "database, counts and compares it, and marks DIR. The server must not be running; it is\n"
    "started with --data DIR --database URL afterwards. Nothing is moved unless all is. After\n"
    "a failure it can be run again: what is in the database already is compared with DIR.\n";

static const struct hyp_option options[] = {
    {.name = "from",
     .argument = "DIR",
     .help = "data folder of the server",
     .offset = offsetof(struct settings, from)},
    {.name = "to",
     .argument = "URL",
     .help = "postgresql://user@host:5432/name ($HYPOCAUST_DATABASE)",
     .offset = offsetof(struct settings, to)  },
};

static void print_table(void *user, const char *table, int64_t rows, uint64_t checksum)
{
    (void)user;
    printf("%-24s %12lld rows  checksum %016llx\n", table, (long long)rows,
           (unsigned long long)checksum);
    fflush(stdout);
}

int hyp_command_migrate_store(int argc, char **argv)
{
    struct settings settings = {0};
    int rest = argc;
    enum hyp_status status =
        hyp_options_parse(usage, options, HYP_ARRAY_LEN(options), argc, argv, &settings, &rest);
    if (status != HYP_OK) {
        return status == HYP_CANCELLED ? 0 : 2;
    }
    char *database = hyp_database_take(settings.to);
    if (settings.from == NULL || database == NULL || rest < argc) {
        hyp_database_forget(database);
        fprintf(stderr,
                "hypocaust migrate-store: --from and --to are needed, and nothing else; "
                "see --help\n");
        return 2;
    }
    struct hyp_error err = {0};
    const struct hyp_store_move move = {.folder = settings.from,
                                        .database = database,
                                        .clock = hyp_clock_system(),
                                        .moved = print_table};
    status = hyp_store_move(&move, &err);
    hyp_database_forget(database);
    if (status != HYP_OK) {
        fprintf(stderr, "hypocaust migrate-store: %s\n", err.text);
        return 1;
    }
    printf("%s moved and compared; start with: hypocaust serve --data %s --database URL\n",
           settings.from, settings.from);
    return 0;
}
