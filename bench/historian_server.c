/* SPDX-License-Identifier: Apache-2.0 */
#include "historian_server.h"

#include "base/buf.h"
#include "base/str.h"

#include <dirent.h>
#include <postgresql/libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Fields of /proc/PID/stat behind the name, counted from the state: proc(5). */
enum { PARENT = 1, USER = 11, SYSTEM = 12, CHILDREN_USER = 13, CHILDREN_SYSTEM = 14, FIELDS };

static bool read_stat(const char *pid, int64_t fields[static FIELDS])
{
    char path[64];
    char text[1024];
    struct hyp_buf name;
    hyp_buf_init_fixed(&name, path, sizeof(path));
    hyp_buf_append_fmt(&name, "/proc/%s/stat", pid);
    FILE *file = fopen(hyp_buf_terminate(&name), "r");
    if (file == NULL) {
        return false;
    }
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    /* The name is in brackets and may hold anything. */
    const char *end = strrchr(text, ')');
    if (end == NULL || strlen(end) < 2) {
        return false;
    }
    struct hyp_str rest = hyp_str_from(end + 2);
    struct hyp_str word;
    for (size_t i = 0; i < FIELDS; i++) {
        if (!hyp_str_split_next(&rest, ' ', &word) ||
            (i > 0 && hyp_str_to_i64(word, &fields[i]) != HYP_OK)) {
            return false;
        }
    }
    return true;
}

static void write_pid(char out[static 24], int64_t pid)
{
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, out, 24);
    hyp_buf_append_i64(&text, pid);
    (void)hyp_buf_terminate(&text);
}

/* The process that has made the one of our connection; 0 when it is not on this machine. */
static int64_t find_server(const char *url)
{
    int64_t fields[FIELDS] = {0};
    PGconn *conn = PQconnectdb(url);
    char pid[24];
    write_pid(pid, PQbackendPID(conn));
    bool found = PQstatus(conn) == CONNECTION_OK && read_stat(pid, fields);
    PQfinish(conn);
    return found ? fields[PARENT] : 0;
}

/* Those that have ended, and were waited for, count with the server that made them. */
static bool own_ticks(const char *pid, int64_t *ret_ticks)
{
    int64_t fields[FIELDS] = {0};
    bool read = read_stat(pid, fields);
    *ret_ticks =
        fields[USER] + fields[SYSTEM] + fields[CHILDREN_USER] + fields[CHILDREN_SYSTEM];
    return read;
}

static bool children_ticks(int64_t server, int64_t *ret_ticks)
{
    int64_t fields[FIELDS] = {0};
    DIR *folder = opendir("/proc");
    *ret_ticks = 0;
    if (folder == NULL) {
        return false;
    }
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        bool is_process = entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
        if (is_process && read_stat(entry->d_name, fields) && fields[PARENT] == server) {
            *ret_ticks += fields[USER] + fields[SYSTEM];
        }
    }
    closedir(folder);
    return true;
}

double server_cpu_s(const char *url)
{
    int64_t server = url == NULL ? 0 : find_server(url);
    char pid[24];
    write_pid(pid, server);
    int64_t before;
    int64_t after;
    int64_t children;
    /* A process that ends meanwhile would be in neither sum, or in both. */
    do {
        if (server == 0 || !own_ticks(pid, &before) || !children_ticks(server, &children) ||
            !own_ticks(pid, &after)) {
            return 0;
        }
    } while (before != after);
    return (double)(after + children) / (double)sysconf(_SC_CLK_TCK);
}
