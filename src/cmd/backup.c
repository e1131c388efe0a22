/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypocaust backup and hypocaust restore: a store to a backup folder, and back.
 */
#include "cmd/command.h"

#include "cmd/database.h"
#include "cmd/options.h"
#include "store/move.h"
#include "store/store.h"

#include <stddef.h>
#include <stdio.h>

struct settings {
    const char *data;
    const char *other; /* --to or --from */
    const char *database;
};

static const char backup_usage[] =
    "hypocaust backup --data DIR [--database URL] --to DIR\n"
    "Copies the store, as it is at this moment, into a new folder and checks the copy. The\n"
    "server may be running. The copy holds secret.key: guard it like the data itself.";

static const char restore_usage[] =
    "hypocaust restore --from DIR --data DIR [--database URL]\n"
    "Checks a backup and copies it into a new or empty data folder, or into an empty\n"
    "PostgreSQL database with the keys in that folder. Backups of both kinds fit both.";

#define DATABASE_OPTION                                                                        \
    {                                                                                          \
        .name = "database", .argument = "URL",                                                 \
        .help = "postgresql://... instead of files ($HYPOCAUST_DATABASE)",                     \
        .offset = offsetof(struct settings, database)                                          \
    }

static const struct hyp_option backup_options[] = {
    {.name = "data",
     .argument = "DIR",
     .help = "data folder of the server",
     .offset = offsetof(struct settings, data) },
    {.name = "to",
     .argument = "DIR",
     .help = "folder to make",
     .offset = offsetof(struct settings, other)},
    DATABASE_OPTION,
};

static const struct hyp_option restore_options[] = {
    {.name = "from",
     .argument = "DIR",
     .help = "folder of the backup",
     .offset = offsetof(struct settings, other)},
    {.name = "data",
     .argument = "DIR",
     .help = "data folder to make",
     .offset = offsetof(struct settings, data) },
    DATABASE_OPTION,
};

/* Returns -1 to go on, or the exit status. */
static int parse(const char *usage, const struct hyp_option *options, size_t count, int argc,
                 char **argv, struct settings *settings)
{
    int rest = argc;
    enum hyp_status status =
        hyp_options_parse(usage, options, count, argc, argv, settings, &rest);
    if (status != HYP_OK) {
        return status == HYP_CANCELLED ? 0 : 2;
    }
    if (settings->data == NULL || settings->other == NULL || rest < argc) {
        fprintf(stderr, "hypocaust %s: both folders are needed, and nothing else; see --help\n",
                argv[0]);
        return 2;
    }
    return -1;
}

int hyp_command_backup(int argc, char **argv)
{
    struct settings settings = {0};
    int ended = parse(backup_usage, backup_options, HYP_ARRAY_LEN(backup_options), argc, argv,
                      &settings);
    if (ended >= 0) {
        return ended;
    }
    struct hyp_error err = {0};
    char *database = hyp_database_take(settings.database);
    enum hyp_status status = hyp_store_backup_folder(settings.data, database, settings.other,
                                                     hyp_clock_system(), &err);
    hyp_database_forget(database);
    if (status != HYP_OK) {
        fprintf(stderr, "hypocaust backup: %s\n", err.text);
        return 1;
    }
    printf("%s backed up to %s and checked\n", settings.data, settings.other);
    return 0;
}

int hyp_command_restore(int argc, char **argv)
{
    struct settings settings = {0};
    int ended = parse(restore_usage, restore_options, HYP_ARRAY_LEN(restore_options), argc,
                      argv, &settings);
    if (ended >= 0) {
        return ended;
    }
    struct hyp_error err = {0};
    char *database = hyp_database_take(settings.database);
    const struct hyp_store_move move = {
        .folder = settings.data, .database = database, .clock = hyp_clock_system()};
    enum hyp_status status = database == NULL
                                 ? hyp_store_restore(settings.other, settings.data, &err)
                                 : hyp_store_restore_database(settings.other, &move, &err);
    hyp_database_forget(database);
    if (status != HYP_OK) {
        fprintf(stderr, "hypocaust restore: %s\n", err.text);
        return 1;
    }
    printf("%s restored to %s\n", settings.other, settings.data);
    return 0;
}
