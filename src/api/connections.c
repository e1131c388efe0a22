/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slow clients. The HTTP library closes connections that say nothing; one that sends a byte
 * now and then would keep its place for ever. A connection that waits for a request (or for
 * the rest of one) longer than HYP_LIMIT_REQUEST_S after an idle period could have ended is
 * shut here. Connections whose reply is being made or streamed are left alone.
 */
#include "api/inside.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct connection {
    struct connection *next;
    struct connection **link;
    int socket;
    char address[HYP_CLIENT_ADDRESS_MAX];
    atomic_bool busy;
    _Atomic int64_t since_ms; /* when it became idle */
};

struct hyp_connections {
    const struct hyp_clock *clock;
    pthread_mutex_t lock;
    struct connection *first;
};

enum hyp_status hyp_connections_create(const struct hyp_clock *clock,
                                       struct hyp_connections **ret_connections)
{
    struct hyp_connections *connections = calloc(1, sizeof(*connections));
    if (connections == NULL) {
        return HYP_NO_MEMORY;
    }
    connections->clock = clock;
    pthread_mutex_init(&connections->lock, NULL);
    *ret_connections = connections;
    return HYP_OK;
}

void *hyp_connections_destroy(struct hyp_connections *connections)
{
    if (connections != NULL) {
        pthread_mutex_destroy(&connections->lock);
        free(connections);
    }
    return NULL;
}

static void note_address(struct MHD_Connection *connection, char *out, size_t size)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const char *text = NULL;
    out[0] = '\0';
    if (info == NULL || info->client_addr == NULL) {
        return;
    }
    if (info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)info->client_addr;
        text = inet_ntop(AF_INET, &v4->sin_addr, out, (socklen_t)size);
    } else if (info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)info->client_addr;
        struct in6_addr network = v6->sin6_addr;
        if (!IN6_IS_ADDR_V4MAPPED(&network)) {
            /* One household has 2^64 addresses: they count as one. */
            memset(network.s6_addr + 8, 0, 8);
        }
        text = inet_ntop(AF_INET6, &network, out, (socklen_t)size);
    }
    if (text == NULL) {
        out[0] = '\0';
    }
}

static void enter(struct hyp_connections *connections, struct MHD_Connection *handle,
                  void **socket_context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct connection *connection = calloc(1, sizeof(*connection));
    *socket_context = connection;
    if (connection == NULL || info == NULL) {
        return; /* not watched: what it asks is not answered */
    }
    connection->socket = info->connect_fd;
    note_address(handle, connection->address, sizeof(connection->address));
    connection->since_ms = hyp_clock_mono(connections->clock).ms;
    pthread_mutex_lock(&connections->lock);
    connection->next = connections->first;
    connection->link = &connections->first;
    if (connection->next != NULL) {
        connection->next->link = &connection->next;
    }
    connections->first = connection;
    pthread_mutex_unlock(&connections->lock);
}

static void leave(struct hyp_connections *connections, struct connection *connection)
{
    if (connection == NULL) {
        return;
    }
    pthread_mutex_lock(&connections->lock);
    if (connection->link != NULL) {
        *connection->link = connection->next;
        if (connection->next != NULL) {
            connection->next->link = connection->link;
        }
    }
    pthread_mutex_unlock(&connections->lock);
    free(connection);
}

void hyp_connections_notify(void *user, struct MHD_Connection *connection,
                            void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    switch (code) {
    case MHD_CONNECTION_NOTIFY_STARTED: enter(user, connection, socket_context); break;
    case MHD_CONNECTION_NOTIFY_CLOSED:
        leave(user, *socket_context);
        *socket_context = NULL;
        break;
    }
}

static struct connection *watched_of(struct MHD_Connection *handle)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

const char *hyp_connections_address(struct MHD_Connection *connection)
{
    const struct connection *watched = watched_of(connection);
    return watched == NULL || watched->address[0] == '\0' ? NULL : watched->address;
}

void hyp_connections_busy(struct hyp_connections *connections,
                          struct MHD_Connection *connection, bool busy)
{
    struct connection *watched = watched_of(connection);
    if (watched == NULL) {
        return;
    }
    /* The thread that owns the connection: it cannot be closed meanwhile. */
    atomic_store_explicit(&watched->since_ms, hyp_clock_mono(connections->clock).ms,
                          memory_order_relaxed);
    atomic_store_explicit(&watched->busy, busy, memory_order_release);
}

void hyp_connections_reap(struct hyp_connections *connections)
{
    const int64_t most_ms = (HYP_LIMIT_IDLE_S + HYP_LIMIT_REQUEST_S) * 1000LL;
    pthread_mutex_lock(&connections->lock);
    int64_t now_ms = hyp_clock_mono(connections->clock).ms;
    for (struct connection *at = connections->first; at != NULL; at = at->next) {
        if (!at->busy && now_ms - at->since_ms > most_ms) {
            /* The library sees the end of the stream and closes; the number stays its own. */
            shutdown(at->socket, SHUT_RDWR);
            at->since_ms = now_ms;
        }
    }
    pthread_mutex_unlock(&connections->lock);
}
