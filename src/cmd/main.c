/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypocaust: one binary, one row per subcommand.
 */
#include "cmd/command.h"

#include "base/attr.h"

#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    const char *help;
    hyp_command_fn run;
} commands[] = {
    {"decode",        "print the readings of M-Bus and wireless M-Bus telegrams", hyp_command_decode },
    {"serve",         "run the server: collect, store, show",                     hyp_command_serve  },
    {"user",          "manage who may sign in",                                   hyp_command_user   },
    {"import",        "bring readings from CSV files into a data folder",         hyp_command_import },
    {"backup",        "copy a data folder while the server runs",                 hyp_command_backup },
    {"restore",       "make a data folder from a backup",                         hyp_command_restore},
    {"migrate-store", "move a data folder into a PostgreSQL database",
     hyp_command_migrate_store                                                                       },
    {"doctor",        "check everything a data folder holds",                     hyp_command_doctor },
};

static void print_usage(FILE *out)
{
    fprintf(out, "Usage: hypocaust COMMAND [OPTION]...\n\nCommands:\n");
    for (size_t i = 0; i < HYP_ARRAY_LEN(commands); i++) {
        fprintf(out, "  %-13s %s\n", commands[i].name, commands[i].help);
    }
    fprintf(out, "\nhypocaust COMMAND --help tells more about one of them.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("hypocaust %s\n", HYP_VERSION);
        return 0;
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "hypocaust: there is no command \"%s\"; hypocaust --help lists them\n",
            argv[1]);
    return 2;
}
