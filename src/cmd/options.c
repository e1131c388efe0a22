/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

static void print_help(const char *usage, const struct hyp_option *table, size_t count)
{
    printf("%s\n", usage);
    for (size_t i = 0; i < count; i++) {
        int used = printf("  --%s%s%s", table[i].name, table[i].argument == NULL ? "" : " ",
                          table[i].argument == NULL ? "" : table[i].argument);
        printf("%*s%s\n", used < 27 ? 27 - used : 2, "", table[i].help);
    }
}

static const struct hyp_option *find(const struct hyp_option *table, size_t count,
                                     struct hyp_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (hyp_str_equal(hyp_str_from(table[i].name), name)) {
            return &table[i];
        }
    }
    return NULL;
}

static enum hyp_status store_value(const char *command, const struct hyp_option *option,
                                   const char *value, void *settings)
{
    char *target = (char *)settings + option->offset;
    int64_t number = 0;
    bool flag = option->kind == HYP_OPTION_ON;
    switch (option->kind) {
    case HYP_OPTION_TEXT: memcpy(target, &value, sizeof(value)); return HYP_OK;
    case HYP_OPTION_ON:
    case HYP_OPTION_OFF: memcpy(target, &flag, sizeof(flag)); return HYP_OK;
    case HYP_OPTION_NUMBER: break;
    }
    if (hyp_str_to_i64(hyp_str_from(value), &number) != HYP_OK || number < option->least ||
        number > option->most) {
        fprintf(stderr, "hypocaust %s: --%s must be a number from %lld to %lld\n", command,
                option->name, (long long)option->least, (long long)option->most);
        return HYP_INVALID;
    }
    memcpy(target, &number, sizeof(number));
    return HYP_OK;
}

enum hyp_status hyp_options_parse(const char *usage, const struct hyp_option *table,
                                  size_t count, int argc, char **argv, void *settings,
                                  int *ret_rest)
{
    int at = 1;
    while (at < argc && strncmp(argv[at], "--", 2) == 0 && argv[at][2] != '\0') {
        struct hyp_str name = hyp_str_from(argv[at] + 2);
        const char *value = strchr(argv[at], '=');
        if (value != NULL) {
            name.len = (size_t)(value++ - argv[at]) - 2;
        }
        if (hyp_str_equal(name, HYP_STR("help"))) {
            print_help(usage, table, count);
            return HYP_CANCELLED;
        }
        const struct hyp_option *option = find(table, count, name);
        bool needs_value = option != NULL && option->argument != NULL;
        if (needs_value && value == NULL && at + 1 < argc) {
            value = argv[++at];
        }
        if (option == NULL || (needs_value && value == NULL) ||
            (!needs_value && value != NULL)) {
            fprintf(stderr, "hypocaust %s: %s --%.*s; --help lists the options\n", argv[0],
                    option == NULL
                        ? "there is no option"
                        : (needs_value ? "a value is missing behind" : "no value is taken by"),
                    HYP_STR_ARG(name));
            return HYP_INVALID;
        }
        enum hyp_status status = store_value(argv[0], option, value, settings);
        if (status != HYP_OK) {
            return status;
        }
        at++;
    }
    *ret_rest = at;
    return HYP_OK;
}
