/* SPDX-License-Identifier: Apache-2.0 */
#include "http_bare.h"

#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BODY_BYTES 200

static enum MHD_Result answer(void *user, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_len, void **context)
{
    static char body[BODY_BYTES];
    (void)user;
    (void)url;
    (void)method;
    (void)version;
    (void)data;
    (void)data_len;
    if (*context == NULL) {
        memset(body, ' ', sizeof(body));
        *context = body;
        return MHD_YES;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof(body), body, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static void serve(int tell)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_THREAD_POOL_SIZE,
        2u, MHD_OPTION_CONNECTION_LIMIT, 8192u, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        daemon == NULL ? NULL : MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    uint16_t port = info == NULL ? 0 : info->port;
    if (write(tell, &port, sizeof(port)) != sizeof(port)) {
        _exit(1);
    }
    for (;;) {
        pause(); /* until it is killed */
    }
}

void bench_bare_start(struct bench_server *server)
{
    int ends[2];
    *server = (struct bench_server){.started = true};
    if (pipe(ends) != 0) {
        bench_fail("no pipe");
    }
    fflush(stdout);
    server->pid = fork();
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        close(ends[0]);
        serve(ends[1]);
    }
    close(ends[1]);
    if (server->pid < 0 ||
        read(ends[0], &server->port, sizeof(server->port)) != sizeof(server->port) ||
        server->port == 0) {
        bench_fail("the bare server did not start");
    }
    close(ends[0]);
}

void bench_bare_end(struct bench_server *server)
{
    kill(server->pid, SIGTERM);
    waitpid(server->pid, NULL, 0);
}
