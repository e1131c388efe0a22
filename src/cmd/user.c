/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypocaust user: people who may sign in, from a shell on the machine. The server must not be
 * running on the same data; a running one manages its users in the browser.
 */
#include "cmd/command.h"

#include "cmd/database.h"
#include "cmd/log_sink.h"
#include "cmd/options.h"
#include "service/people.h"
#include "service/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct settings {
    const char *data;
    const char *database;
    const char *role;
    const char *name;
};

static const struct hyp_option options[] = {
    {"data",     "DIR",  "data folder (./data, or $HYPOCAUST_DATA)",                HYP_OPTION_TEXT,
     offsetof(struct settings,                                                                                                 data),     0, 0},
    {"database", "URL",  "postgresql://... instead of files ($HYPOCAUST_DATABASE)",
     HYP_OPTION_TEXT,                                                                                offsetof(struct settings, database), 0, 0},
    {"role",     "ROLE", "admin or reader (reader)",                                HYP_OPTION_TEXT,
     offsetof(struct settings,                                                                                                 role),     0, 0},
    {"name",     "TEXT", "name of the person",                                      HYP_OPTION_TEXT, offsetof(struct settings, name),     0,
     0                                                                                                                                        },
};

struct shell {
    struct settings settings;
    char *database;
    struct hyp_log log;
    struct hyp_store *store;
    struct hyp_service *service;
    struct hyp_arena arena;
    const struct hyp_scope *scope;
    const char *login;
};

static int fail(const char *text)
{
    fprintf(stderr, "hypocaust user: %s\n", text);
    return 1;
}

/* --- passwords --- */

/* Reads a line without showing it when it is typed. */
static bool read_secret(const char *prompt, char *out, size_t size)
{
    struct termios shown;
    bool typed = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &shown) == 0;
    if (typed) {
        struct termios hidden = shown;
        hidden.c_lflag &= (tcflag_t)~ECHO;
        fprintf(stderr, "%s", prompt);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    bool got = fgets(out, (int)size, stdin) != NULL;
    if (typed) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fprintf(stderr, "\n");
    }
    if (got) {
        out[strcspn(out, "\r\n")] = '\0';
    }
    return got;
}

static bool ask_password(char *out, size_t size)
{
    char again[HYP_LIMIT_PASSWORD_MAX + 2];
    if (!read_secret("Password: ", out, size)) {
        fail("no password was given");
        return false;
    }
    if (isatty(STDIN_FILENO) != 1) {
        return true; /* from a pipe: once is enough */
    }
    bool same = read_secret("Again: ", again, sizeof(again)) && strcmp(out, again) == 0;
    hyp_wipe(again, sizeof(again));
    if (!same) {
        fail("the two passwords differ");
    }
    return same;
}

/* --- actions --- */

static int add(struct shell *shell)
{
    struct hyp_user user = {.enabled = true, .role = HYP_ROLE_READER};
    struct hyp_error err = {0};
    char password[HYP_LIMIT_PASSWORD_MAX + 2];
    const char *role = shell->settings.role == NULL ? "reader" : shell->settings.role;
    const char *name = shell->settings.name == NULL ? shell->login : shell->settings.name;
    if (hyp_role_find(hyp_str_from(role), &user.role) != HYP_OK) {
        return fail("--role is admin or reader");
    }
    hyp_text_copy(user.login, sizeof(user.login), hyp_str_from(shell->login));
    hyp_text_copy(user.name, sizeof(user.name), hyp_str_from(name));
    if (!ask_password(password, sizeof(password))) {
        return 1;
    }
    enum hyp_status status =
        hyp_people_user_add(shell->service, shell->scope, &user, hyp_str_from(password), &err);
    hyp_wipe(password, sizeof(password));
    if (status != HYP_OK) {
        return fail(err.text);
    }
    printf("user %s added as %s\n", user.login, role);
    return 0;
}

static int list(struct shell *shell)
{
    struct hyp_user *users;
    size_t count;
    struct hyp_error err = {0};
    if (hyp_people_users(shell->service, shell->scope, &shell->arena, &users, &count, &err) !=
        HYP_OK) {
        return fail(err.text);
    }
    for (size_t i = 0; i < count; i++) {
        printf("%s\t%s\t%s\t%s\n", users[i].login, hyp_role_text(users[i].role),
               users[i].enabled ? "enabled" : "disabled", users[i].name);
    }
    return 0;
}

static int change(struct shell *shell, bool new_password, bool enabled)
{
    struct hyp_user user;
    struct hyp_error err = {0};
    char password[HYP_LIMIT_PASSWORD_MAX + 2] = "";
    if (hyp_people_user_by_login(shell->service, shell->scope, hyp_str_from(shell->login),
                                 &user, &err) != HYP_OK) {
        return fail(err.text);
    }
    if (new_password && !ask_password(password, sizeof(password))) {
        return 1;
    }
    user.enabled = enabled;
    enum hyp_status status = hyp_people_user_update(shell->service, shell->scope, &user,
                                                    hyp_str_from(password), &err);
    hyp_wipe(password, sizeof(password));
    if (status != HYP_OK) {
        return fail(err.text);
    }
    printf("user %s: %s\n", user.login,
           new_password ? "password set" : (enabled ? "enabled" : "disabled"));
    return 0;
}

static int set_password(struct shell *shell)
{
    return change(shell, true, true);
}

static int disable(struct shell *shell)
{
    return change(shell, false, false);
}

static int enable(struct shell *shell)
{
    return change(shell, false, true);
}

static const struct action {
    const char *name;
    int (*run)(struct shell *shell);
    bool needs_login;
} actions[] = {
    {"add",      add,          true },
    {"list",     list,         false},
    {"password", set_password, true },
    {"disable",  disable,      true },
    {"enable",   enable,       true },
};

/* --- the command --- */

static int with_service(struct shell *shell, const struct action *action)
{
    struct hyp_error err = {0};
    const struct hyp_store_config store_config = {.folder = shell->settings.data,
                                                  .database = shell->database,
                                                  .clock = hyp_clock_system(),
                                                  .log = &shell->log};
    if (hyp_store_open(&store_config, &shell->store, &err) != HYP_OK) {
        return fail(err.text);
    }
    const struct hyp_service_config config = {
        .store = shell->store,
        .clock = hyp_clock_system(),
        .rng = hyp_rng_system(),
        .log = &shell->log,
    };
    int result = 1;
    hyp_arena_init(&shell->arena, HYP_LIMIT_REQUEST_ARENA);
    if (hyp_service_create(&config, &shell->service, &err) != HYP_OK) {
        fail(err.text);
    } else {
        shell->scope = hyp_auth_console(shell->service, &shell->arena);
        result = shell->scope == NULL ? fail("out of memory") : action->run(shell);
    }
    hyp_store_close(shell->store);
    hyp_service_destroy(shell->service);
    hyp_arena_finish(&shell->arena);
    return result;
}

int hyp_command_user(int argc, char **argv)
{
    static const char usage[] =
        "Usage: hypocaust user add|list|password|disable|enable [OPTION]... [LOGIN]\n"
        "Manages users of a server that is not running. Passwords are read from the terminal\n"
        "or from standard input.\n";
    struct shell shell = {.settings = {.data = getenv("HYPOCAUST_DATA")}};
    const struct action *action = NULL;
    int rest = 1;
    for (size_t i = 0; argc > 1 && i < HYP_ARRAY_LEN(actions); i++) {
        action = strcmp(argv[1], actions[i].name) == 0 ? &actions[i] : action;
    }
    bool help = argc > 1 && strcmp(argv[1], "--help") == 0;
    if (action == NULL && !help) {
        fprintf(stderr, "%s", usage);
        return 2;
    }
    int skip = help ? 0 : 1;
    enum hyp_status status =
        hyp_options_parse(usage, options, HYP_ARRAY_LEN(options), argc - skip, argv + skip,
                          &shell.settings, &rest);
    if (status != HYP_OK) {
        return status == HYP_CANCELLED ? 0 : 2;
    }
    shell.login = argv[skip + rest];
    if (action->needs_login != (skip + rest < argc)) {
        fail(action->needs_login ? "the login is missing" : "no login is taken here");
        return 2;
    }
    if (shell.settings.data == NULL) {
        shell.settings.data = "./data";
    }
    shell.database = hyp_database_take(shell.settings.database);
    hyp_log_sink_init(&shell.log, HYP_LOG_WARNING);
    int result = with_service(&shell, action);
    hyp_database_forget(shell.database);
    return result;
}
