/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server.h"

#include "api/inside.h"
#include "service/hub.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_THREADS 2
#define DEFAULT_WORKERS 6
#define REAP_PERIOD_S 5

/* The library's default would still speak TLS 1.0 and 1.1. */
static const char tls_versions[] =
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

bool hyp_server_has_tls(const struct hyp_server *server)
{
    return server->tls;
}

uint16_t hyp_server_port(const struct hyp_server *server)
{
    return server->port;
}

static void *reap(void *argument)
{
    struct hyp_server *server = argument;
    pthread_mutex_lock(&server->lock);
    while (!atomic_load(&server->stopping)) {
        int64_t now_ms = hyp_clock_mono(hyp_clock_system()).ms;
        struct timespec until = {.tv_sec = now_ms / 1000 + REAP_PERIOD_S,
                                 .tv_nsec = now_ms % 1000 * 1000000};
        int waited = 0;
        while (!atomic_load(&server->stopping) && waited != ETIMEDOUT) {
            waited = pthread_cond_timedwait(&server->idle, &server->lock, &until);
        }
        pthread_mutex_unlock(&server->lock);
        hyp_connections_reap(server->connections);
        pthread_mutex_lock(&server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static enum hyp_status resolve(const struct hyp_server_config *config,
                               struct sockaddr_storage *ret_address, struct hyp_error *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(config->listen, NULL, &hints, &found);
    if (failed != 0 || found == NULL) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%s\" is not an address to listen on; use one like 127.0.0.1, "
                             "0.0.0.0 or ::.",
                             config->listen);
    }
    *ret_address = (struct sockaddr_storage){0};
    memcpy(ret_address, found->ai_addr, found->ai_addrlen);
    if (found->ai_family == AF_INET) {
        ((struct sockaddr_in *)(void *)ret_address)->sin_port = htons(config->port);
    } else {
        ((struct sockaddr_in6 *)(void *)ret_address)->sin6_port = htons(config->port);
    }
    freeaddrinfo(found);
    return HYP_OK;
}

/* What helps when an address cannot be listened on. */
static const char *listen_remedy(int code)
{
    switch (code) {
    case EADDRINUSE: return "End the program that has it, or choose another port.";
    case EADDRNOTAVAIL: return "Choose an address of this machine.";
    case EACCES: return "Choose a port from 1024 on, or give the service the right.";
    default: return "Choose another address or port.";
    }
}

/* Bound here and not by the library, which can only say that something went wrong. */
static enum hyp_status open_socket(const struct hyp_server_config *config, int *ret_socket,
                                   uint16_t *ret_port, struct hyp_error *err)
{
    struct sockaddr_storage address;
    enum hyp_status status = resolve(config, &address, err);
    if (status != HYP_OK) {
        return status;
    }
    int yes = 1;
    socklen_t len =
        address.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
                bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 1024) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &len) == 0;
    if (!good) {
        int code = errno;
        if (fd >= 0) {
            close(fd);
        }
        return hyp_error_set_code(err, HYP_IO, HYP_ERROR_ERRNO, code,
                                  "Cannot listen on %s port %u: %s. %s", config->listen,
                                  config->port, strerror(code), listen_remedy(code));
    }
    *ret_socket = fd;
    *ret_port = ntohs(address.ss_family == AF_INET
                          ? ((struct sockaddr_in *)(void *)&address)->sin_port
                          : ((struct sockaddr_in6 *)(void *)&address)->sin6_port);
    return HYP_OK;
}

static enum hyp_status start_daemon(struct hyp_server *server, int socket_fd,
                                    struct hyp_error *err)
{
    const struct hyp_server_config *config = &server->config;
    unsigned threads = HYP_MAX(config->threads, (unsigned)DEFAULT_THREADS);
    unsigned connections =
        config->connections == 0 ? (unsigned)HYP_LIMIT_CONNECTIONS : config->connections;
    /* A proxy holds the connections of all its clients. */
    unsigned per_address = hyp_proxies_is_empty(server->proxies)
                               ? (unsigned)HYP_LIMIT_ADDRESS_CONNECTIONS
                               : connections;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     (server->tls ? MHD_USE_TLS : 0u);
    /* Without a certificate the rows about TLS end the list early. */
    enum MHD_OPTION tls_option = server->tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END;
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, hyp_flow_access, server, MHD_OPTION_LISTEN_SOCKET, socket_fd,
        MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        config->per_address == 0 ? per_address : config->per_address,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HYP_LIMIT_IDLE_S,
        /* The library wipes all of it after each request. */
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HYP_LIMIT_CONNECTION_MEMORY,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, hyp_flow_completed,
        server, MHD_OPTION_NOTIFY_CONNECTION, hyp_connections_notify, server->connections,
        tls_option, config->certificate_pem, MHD_OPTION_HTTPS_MEM_KEY, config->key_pem,
        MHD_OPTION_HTTPS_PRIORITIES, tls_versions, MHD_OPTION_END);
    if (server->daemon != NULL) {
        return HYP_OK;
    }
    close(socket_fd);
    return hyp_error_set(err, server->tls ? HYP_INVALID : HYP_INTERNAL, -1, "%s",
                         server->tls ? "The HTTP server cannot start. Check that the "
                                       "certificate and the key are PEM and belong together."
                                     : "The HTTP server cannot start.");
}

static enum hyp_status build(struct hyp_server *server, struct hyp_error *err)
{
    const struct hyp_server_config *config = &server->config;
    int rate = config->requests_per_s == 0 ? HYP_LIMIT_REQUESTS_PER_S : config->requests_per_s;
    unsigned workers = config->workers == 0 ? DEFAULT_WORKERS : config->workers;
    enum hyp_status status =
        hyp_router_create(hyp_routes, hyp_route_count, &server->router, err);
    if (status == HYP_OK) {
        status = hyp_rate_create(rate, &server->rate);
    }
    if (status == HYP_OK) {
        status = hyp_proxies_create(config->trusted_proxies, config->forwarded,
                                    &server->proxies, err);
    }
    if (status == HYP_OK) {
        status =
            hyp_connections_create(hyp_clock_system(), server->proxies, &server->connections);
    }
    if (status == HYP_OK) {
        status = hyp_workers_create(workers, hyp_flow_run, &server->workers);
    }
    int socket_fd = -1;
    if (status == HYP_OK) {
        status = open_socket(config, &socket_fd, &server->port, err);
    }
    if (status == HYP_OK) {
        status = start_daemon(server, socket_fd, err);
    }
    if (status == HYP_OK) {
        server->reaper_runs = pthread_create(&server->reaper, NULL, reap, server) == 0;
        status = server->reaper_runs ? HYP_OK : HYP_NO_MEMORY;
    }
    return status;
}

enum hyp_status hyp_server_start(const struct hyp_server_config *config,
                                 struct hyp_server **ret_server, struct hyp_error *err)
{
    struct hyp_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return hyp_error_set(err, HYP_NO_MEMORY, -1, "No memory for the HTTP server.");
    }
    server->config = *config;
    server->tls = config->certificate_pem != NULL && config->key_pem != NULL;
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    enum hyp_status status = build(server, err);
    if (status != HYP_OK) {
        if (err != NULL && err->text[0] == '\0') {
            hyp_error_set(err, status, -1, "The HTTP server cannot start: %s.",
                          hyp_status_text(status));
        }
        hyp_server_stop(server);
        return status;
    }
    *ret_server = server;
    return HYP_OK;
}

/*
 * Every sleeping connection must be awake before the library may be stopped; from now on none
 * falls asleep, and who still asks is told that the server goes down. The library's own way to
 * hear nobody any more (MHD_quiesce_daemon) races with its threads for the listening socket and
 * then ends the whole program.
 */
static void wait_until_idle(struct hyp_server *server)
{
    hyp_streams_close_all(server->config.service);
    pthread_mutex_lock(&server->lock);
    while (server->running > 0) {
        pthread_cond_wait(&server->idle, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

void *hyp_server_stop(struct hyp_server *server)
{
    if (server == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&server->lock);
    atomic_store(&server->stopping, true);
    pthread_cond_broadcast(&server->idle);
    pthread_mutex_unlock(&server->lock);
    if (server->reaper_runs) {
        pthread_join(server->reaper, NULL);
    }
    if (server->daemon != NULL) {
        wait_until_idle(server);
        MHD_stop_daemon(server->daemon);
    }
    server->workers = hyp_workers_destroy(server->workers);
    while (server->spare != NULL) {
        struct hyp_request *req = server->spare;
        server->spare = req->next;
        hyp_request_free(req);
    }
    hyp_connections_destroy(server->connections);
    hyp_proxies_destroy(server->proxies);
    hyp_rate_destroy(server->rate);
    hyp_router_destroy(server->router);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->lock);
    free(server);
    return NULL;
}
