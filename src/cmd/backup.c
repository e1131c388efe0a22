/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypocaust backup and hypocaust restore: a data folder to a backup folder, and back.
 */
#include "cmd/command.h"

#include "store/store.h"

#include <getopt.h>
#include <stdio.h>

static const char backup_usage[] =
    "Usage: hypocaust backup --data DIR --to DIR\n"
    "Copies the data folder, as it is at this moment, into a new folder and checks the copy.\n"
    "The server may be running. The copy holds secret.key: guard it like the data itself.\n";

static const char restore_usage[] =
    "Usage: hypocaust restore --from DIR --data DIR\n"
    "Checks a backup and copies it into a new or empty data folder.\n";

struct folders {
    const char *data;
    const char *other; /* --to or --from */
};

/* Returns 0, or the exit status plus 1 (so that --help can end with 0). */
static int parse_folders(int argc, char **argv, const char *other, const char *usage,
                         struct folders *folders)
{
    const struct option options[] = {
        {"data", required_argument, NULL, 'd'},
        {other,  required_argument, NULL, 'o'},
        {"help", no_argument,       NULL, 'h'},
        {NULL,   0,                 NULL, 0  },
    };
    int option = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'd': folders->data = optarg; break;
        case 'o': folders->other = optarg; break;
        case 'h': fputs(usage, stdout); return 1;
        default: fputs(usage, stderr); return 3;
        }
    }
    if (folders->data == NULL || folders->other == NULL || optind < argc) {
        fputs(usage, stderr);
        return 3;
    }
    return 0;
}

int hyp_command_backup(int argc, char **argv)
{
    struct folders folders = {0};
    int ended = parse_folders(argc, argv, "to", backup_usage, &folders);
    if (ended != 0) {
        return ended - 1;
    }
    struct hyp_error err = {0};
    if (hyp_store_backup_folder(folders.data, folders.other, hyp_clock_system(), &err) !=
        HYP_OK) {
        fprintf(stderr, "hypocaust backup: %s\n", err.text);
        return 1;
    }
    printf("%s backed up to %s and checked\n", folders.data, folders.other);
    return 0;
}

int hyp_command_restore(int argc, char **argv)
{
    struct folders folders = {0};
    int ended = parse_folders(argc, argv, "from", restore_usage, &folders);
    if (ended != 0) {
        return ended - 1;
    }
    struct hyp_error err = {0};
    if (hyp_store_restore(folders.other, folders.data, &err) != HYP_OK) {
        fprintf(stderr, "hypocaust restore: %s\n", err.text);
        return 1;
    }
    printf("%s restored to %s\n", folders.other, folders.data);
    return 0;
}
