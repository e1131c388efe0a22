/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections: whose requests come on them, and slow clients. The HTTP library closes
 * connections that say nothing; one that sends a byte now and then would keep its place for
 * ever. A connection that waits for a request (or for the rest of one) longer than
 * HYP_LIMIT_REQUEST_S after an idle period could have ended is shut here. Connections whose
 * reply is being made or streamed are left alone.
 */
#include "api/inside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

struct connection {
    struct connection *next;
    struct connection **link;
    int socket;
    char address[HYP_CLIENT_ADDRESS_MAX];
    bool is_proxy;
    atomic_bool busy;
    _Atomic int64_t since_ms; /* when it became idle */
};

struct hyp_connections {
    const struct hyp_clock *clock;
    const struct hyp_proxies *proxies;
    pthread_mutex_t lock;
    struct connection *first;
};

enum hyp_status hyp_connections_create(const struct hyp_clock *clock,
                                       const struct hyp_proxies *proxies,
                                       struct hyp_connections **ret_connections)
{
    struct hyp_connections *connections = calloc(1, sizeof(*connections));
    if (connections == NULL) {
        return HYP_NO_MEMORY;
    }
    connections->clock = clock;
    connections->proxies = proxies;
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

static void note_address(const struct hyp_connections *connections,
                         struct MHD_Connection *handle, struct connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct in6_addr address;
    if (info == NULL || info->client_addr == NULL ||
        !hyp_address_of_socket(info->client_addr, &address)) {
        return;
    }
    hyp_address_format(&address, connection->address, sizeof(connection->address));
    connection->is_proxy = hyp_proxies_trust(connections->proxies, &address);
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
    note_address(connections, handle, connection);
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

/* --- whose request a proxy brings --- */

struct forwarded {
    const struct hyp_proxies *proxies;
    struct hyp_hops hops;
};

static enum MHD_Result add_hops(void *user, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    struct forwarded *forwarded = user;
    (void)kind;
    if (value != NULL && strcasecmp(name, hyp_proxies_header(forwarded->proxies)) == 0) {
        hyp_hops_add(&forwarded->hops, forwarded->proxies, hyp_str_from(value));
    } else if (value != NULL && strcasecmp(name, "X-Forwarded-Proto") == 0) {
        hyp_hops_add_scheme(&forwarded->hops, forwarded->proxies, hyp_str_from(value));
    }
    return MHD_YES;
}

void hyp_connections_note_client(struct hyp_request *req)
{
    const struct connection *watched = watched_of(req->connection);
    req->by_https = hyp_server_has_tls(req->server);
    if (watched == NULL || !watched->is_proxy) {
        return;
    }
    char text[HYP_CLIENT_ADDRESS_MAX];
    struct forwarded forwarded = {.proxies = req->server->proxies};
    MHD_get_connection_values(req->connection, MHD_HEADER_KIND, add_hops, &forwarded);
    req->by_https = req->by_https || hyp_hops_https(&forwarded.hops);
    if (forwarded.hops.known) {
        hyp_address_format(&forwarded.hops.client, text, sizeof(text));
        const char *client = hyp_arena_copy_str(&req->arena, hyp_str_from(text));
        req->address = client == NULL ? req->address : client;
    }
}

/* --- slow ones --- */

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
