/* SPDX-License-Identifier: Apache-2.0 */
#include "http_client.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void bench_fail(const char *text)
{
    fprintf(stderr, "http: %s\n", text);
    exit(1);
}

double bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- the server --- */

static void take_after(const char *line, const char *mark, char *out, size_t size)
{
    const char *at = strstr(line, mark);
    if (at != NULL) {
        struct hyp_str text = hyp_str_trim(hyp_str_from(at + strlen(mark)));
        hyp_text_copy(out, size, text);
    }
}

static FILE *open_token(const struct bench_server *server, const char *mode)
{
    char text[300];
    struct hyp_buf path;
    hyp_buf_init_fixed(&path, text, sizeof(text));
    hyp_buf_append_fmt(&path, "%s/bench.token", server->folder);
    return fopen(hyp_buf_terminate(&path), mode);
}

/*
 * The program prints its address first, then the link for the first administrator unless there
 * is one.
 */
static void read_announcement(struct bench_server *server, FILE *out)
{
    char line[512];
    char port[16] = "";
    uint64_t number = 0;
    bool whole = false;
    while (!whole && fgets(line, sizeof(line), out) != NULL) {
        if (port[0] == '\0') {
            take_after(line, "http://127.0.0.1:", port, sizeof(port));
            port[strcspn(port, "/")] = '\0';
        }
        take_after(line, "setup?token=", server->setup_token, sizeof(server->setup_token));
        whole = port[0] != '\0' && (server->token[0] != '\0' || server->setup_token[0] != '\0');
    }
    if (!whole || hyp_str_to_u64(hyp_str_from(port), &number) != HYP_OK) {
        bench_fail("the server did not start");
    }
    server->port = (uint16_t)number;
}

/* A folder of its own, or the one that is kept, with the token that was made for it. */
static void choose_folder(struct bench_server *server, const char *data)
{
    const char *base = getenv("TMPDIR");
    struct hyp_buf path;
    hyp_buf_init_fixed(&path, server->folder, sizeof(server->folder));
    if (data == NULL) {
        hyp_buf_append_fmt(&path, "%s/hypocaust-http-XXXXXX", base == NULL ? "/var/tmp" : base);
        hyp_buf_terminate(&path);
        server->temporary = mkdtemp(server->folder) != NULL;
        if (!server->temporary) {
            bench_fail("no folder for the data");
        }
        return;
    }
    hyp_buf_append_text(&path, data);
    hyp_buf_terminate(&path);
    FILE *file = open_token(server, "r");
    size_t len = file == NULL ? 0 : fread(server->token, 1, sizeof(server->token) - 1, file);
    server->token[len] = '\0';
    if (file != NULL) {
        fclose(file);
    }
}

void bench_server_keep_token(const struct bench_server *server)
{
    FILE *file = server->temporary ? NULL : open_token(server, "w");
    if (file != NULL) {
        fputs(server->token, file);
        fclose(file);
    }
}

void bench_server_start(struct bench_server *server, const char *program, const char *data)
{
    int ends[2];
    *server = (struct bench_server){.started = true};
    choose_folder(server, data);
    if (pipe(ends) != 0) {
        bench_fail("no pipe");
    }
    server->pid = fork();
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* a bench that fails leaves nothing behind */
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(program, program, "serve", "--data", server->folder, "--port", "0",
              "--rate-limit", "0", "--per-address", "10000", "--no-collect", "--log-level",
              "error", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    if (server->pid < 0 || out == NULL) {
        bench_fail("the server cannot be started");
    }
    read_announcement(server, out);
    fclose(out);
}

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path);
}

void bench_server_end(struct bench_server *server)
{
    if (server->started) {
        kill(server->pid, SIGTERM);
        waitpid(server->pid, NULL, 0);
    }
    if (server->temporary) {
        nftw(server->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
}

/* Field `index` (from 1) of /proc/PID/stat behind the name in brackets. */
static uint64_t stat_field(pid_t pid, int index)
{
    char path[64];
    char text[1024];
    struct hyp_buf buf;
    uint64_t number = 0;
    hyp_buf_init_fixed(&buf, path, sizeof(path));
    hyp_buf_append_fmt(&buf, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(hyp_buf_terminate(&buf), "r");
    size_t len = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);
    if (file != NULL) {
        fclose(file);
    }
    text[len] = '\0';
    const char *behind = strrchr(text, ')');
    struct hyp_str rest = hyp_str_from(behind == NULL ? "" : behind + 2);
    struct hyp_str part = {0};
    for (int i = 2; i < index && hyp_str_split_next(&rest, ' ', &part); i++) {
    }
    return hyp_str_to_u64(part, &number) == HYP_OK ? number : 0;
}

double bench_server_cpu(const struct bench_server *server)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(server->pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        bench_fail("the server's CPU time cannot be read");
    }
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

double bench_server_rss_mb(const struct bench_server *server)
{
    return (double)stat_field(server->pid, 24) * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

/* --- the client --- */

int bench_connect(uint16_t port)
{
    int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        bench_fail("cannot connect");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return fd;
}

static void send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            bench_fail("the connection broke while sending");
        }
        data += sent;
        len -= (size_t)sent;
    }
}

/* Value of a header in the head of a reply, as a number; -1 when absent. */
static int64_t header_number(struct hyp_str head, const char *name)
{
    struct hyp_str line;
    int64_t value = -1;
    while (hyp_str_split_next(&head, '\n', &line)) {
        ptrdiff_t colon = hyp_str_find_char(line, ':');
        if (colon > 0 && hyp_str_equal_nocase((struct hyp_str){line.ptr, (size_t)colon},
                                              hyp_str_from(name))) {
            struct hyp_str text = {line.ptr + colon + 1, line.len - (size_t)colon - 1};
            HYP_IGNORE(hyp_str_to_i64(hyp_str_trim(text), &value)); /* stays -1 */
        }
    }
    return value;
}

int bench_request(int fd, const struct bench_server *server, const char *method,
                  const char *path, const char *type, struct hyp_str body,
                  struct hyp_buf *reply)
{
    char head_text[1024];
    struct hyp_buf head;
    hyp_buf_init_fixed(&head, head_text, sizeof(head_text));
    hyp_buf_append_fmt(&head, "%s /api/v1%s HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, path);
    if (server->token[0] != '\0') {
        hyp_buf_append_fmt(&head, "Authorization: Bearer %s\r\n", server->token);
    }
    if (type != NULL) {
        hyp_buf_append_fmt(&head, "Content-Type: %s\r\nContent-Length: %zu\r\n", type,
                           body.len);
    }
    hyp_buf_append_text(&head, "\r\n");
    send_all(fd, (const char *)head.data, head.len);
    send_all(fd, body.ptr, body.len);
    hyp_buf_reset(reply);
    size_t wanted = SIZE_MAX;
    size_t head_len = 0;
    while (reply->len < wanted) {
        char chunk[65536];
        ssize_t got = recv(fd, chunk, sizeof(chunk), 0);
        if (got <= 0) {
            bench_fail("the connection broke while receiving");
        }
        hyp_buf_append(reply, chunk, (size_t)got);
        const char *end = head_len > 0 ? NULL : memmem(reply->data, reply->len, "\r\n\r\n", 4);
        if (end != NULL) {
            head_len = (size_t)(end - (const char *)reply->data) + 4;
            struct hyp_str all = {(const char *)reply->data, head_len};
            int64_t length = header_number(all, "Content-Length");
            wanted = head_len + (length < 0 ? 0 : (size_t)length);
        }
    }
    uint64_t status = 0;
    struct hyp_str code = {(const char *)reply->data + 9, 3};
    if (hyp_str_to_u64(code, &status) != HYP_OK) {
        bench_fail("this is no HTTP");
    }
    memmove(reply->data, reply->data + head_len, reply->len - head_len);
    reply->len -= head_len;
    return (int)status;
}
