/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypocaust doctor: checks a data folder and says in words what is wrong and what to do.
 */
#include "cmd/command.h"

#include "cmd/database.h"
#include "cmd/options.h"
#include "store/doctor.h"

#include <stddef.h>
#include <stdio.h>

#define EXIT_WARNING 3
#define EXIT_DAMAGE 4

struct settings {
    const char *data;
    const char *database;
    int64_t free_mb;
};

static const char usage[] =
    "hypocaust doctor --data DIR [--database URL]\n"
    "Checks every checksum, page, reference and secret of a store, the disk and the clock,\n"
    "and says what to do. Changes nothing; the server may be running.\n"
    "Exit status: 0 all is well, 1 it could not be checked, 2 wrong usage, 3 warnings only,\n"
    "4 something is damaged.";

static const struct hyp_option options[] = {
    {"data",     "DIR", "data folder of the server",                               HYP_OPTION_TEXT,
     offsetof(struct settings,                                                                                                  data),     0, 0        },
    {"database", "URL", "postgresql://... instead of files ($HYPOCAUST_DATABASE)",
     HYP_OPTION_TEXT,                                                                                 offsetof(struct settings, database), 0, 0        },
    {"free",     "MB",  "warn when less is free on the disk (1024)",               HYP_OPTION_NUMBER,
     offsetof(struct settings,                                                                                                  free_mb),  1, 1LL << 40},
};

static void print_finding(void *user, const struct hyp_finding *finding)
{
    static const char *const words[] = {
        [HYP_FINDING_FINE] = "ok",
        [HYP_FINDING_WARNING] = "WARNING",
        [HYP_FINDING_DAMAGE] = "DAMAGE",
    };
    (void)user;
    printf("%-8s %-14s %s\n", words[finding->level], finding->check, finding->what);
    if (finding->remedy[0] != '\0') {
        printf("%-8s %-14s -> %s\n", "", "", finding->remedy);
    }
}

int hyp_command_doctor(int argc, char **argv)
{
    struct settings settings = {.free_mb = 1024};
    int rest = argc;
    enum hyp_status status =
        hyp_options_parse(usage, options, HYP_ARRAY_LEN(options), argc, argv, &settings, &rest);
    if (status != HYP_OK) {
        return status == HYP_CANCELLED ? 0 : 2;
    }
    if (settings.data == NULL || rest < argc) {
        fprintf(stderr, "hypocaust doctor: --data DIR is needed, and nothing else\n");
        return 2;
    }
    char *database = hyp_database_take(settings.database);
    struct hyp_doctor doctor = {.folder = settings.data,
                                .database = database,
                                .clock = hyp_clock_system(),
                                .least_free = settings.free_mb << 20,
                                .tell = print_finding};
    enum hyp_finding_level worst = HYP_FINDING_FINE;
    struct hyp_error err = {0};
    status = hyp_doctor_check(&doctor, &worst, &err);
    hyp_database_forget(database);
    if (status != HYP_OK) {
        fprintf(stderr, "hypocaust doctor: %s\n", err.text);
        return 1;
    }
    switch (worst) {
    case HYP_FINDING_FINE: break;
    case HYP_FINDING_WARNING: return EXIT_WARNING;
    case HYP_FINDING_DAMAGE: return EXIT_DAMAGE;
    }
    return 0;
}
