/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/database.h"

#include "base/crypto.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE "HYPOCAUST_DATABASE"

/* What a list of processes still shows: which kind of database it is. */
static void hide(char *url)
{
    char *begin = strstr(url, "://");
    begin = begin == NULL ? url : begin + 3;
    memset(begin, 'x', strlen(begin));
}

char *hyp_database_take(const char *option)
{
    const char *url = option == NULL ? getenv(VARIABLE) : option;
    char *copy = url == NULL || url[0] == '\0' ? NULL : strdup(url);
    if (copy != NULL && option != NULL) {
        /* The arguments of a process are its own to change (ISO C 5.1.2.2.1). */
        hide((char *)(uintptr_t)option);
    }
    return copy;
}

void hyp_database_forget(char *url)
{
    if (url != NULL) {
        hyp_wipe(url, strlen(url));
    }
    free(url);
}
