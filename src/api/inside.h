/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the server, shared by the files of this room only. */
#ifndef HYP_API_INSIDE_H
#define HYP_API_INSIDE_H

#include "api/proxies.h"
#include "api/request.h"
#include "api/server.h"

#include <pthread.h>
#include <stdatomic.h>

/* --- routes (routes.c, router.c) --- */

extern const struct hyp_route hyp_routes[];
extern const size_t hyp_route_count;

struct hyp_router;
/* Checks and compiles the table. INTERNAL names the route that is wrong. */
HYP_MUST_USE enum hyp_status hyp_router_create(const struct hyp_route *routes, size_t count,
                                               struct hyp_router **ret_router,
                                               struct hyp_error *err);
/* NULL is allowed; the table of routes is not its own. Returns NULL. */
void *hyp_router_destroy(struct hyp_router *router);
/*
 * Finds the route of req->segments and fills ids and name.
 * @ret_allow   when the path is known but not with this method: "GET, POST"
 * Returns      HYP_OK | NOT_FOUND | UNSUPPORTED (*ret_allow is set)
 */
HYP_MUST_USE enum hyp_status hyp_router_find(const struct hyp_router *router,
                                             const char *method, struct hyp_request *req,
                                             const char **ret_allow);
/* Cuts "/devices/17" into segments; false when there are too many. */
bool hyp_router_split(struct hyp_str path, struct hyp_str *out, size_t *ret_count);

/* --- rate of requests (rate.c) --- */

struct hyp_rate;
/* @per_s requests a second of one address, in the long run; 0 = as many as come.
 * HYP_OK | NO_MEMORY. destroy takes NULL. */
HYP_MUST_USE enum hyp_status hyp_rate_create(int per_s, struct hyp_rate **ret_rate);
void *hyp_rate_destroy(struct hyp_rate *rate);
/* True when the address may make a request at `now`; else after how many seconds. */
bool hyp_rate_allows(struct hyp_rate *rate, const char *address, hyp_mono now,
                     unsigned *ret_retry_s);

/* --- workers (workers.c) --- */

struct hyp_workers;
/*
 * Starts `count` threads that run requests, each one on one thread.
 * Returns  HYP_OK | NO_MEMORY (also when the system gives no threads; those begun have ended)
 */
HYP_MUST_USE enum hyp_status hyp_workers_create(unsigned count,
                                                void (*run)(struct hyp_request *req),
                                                struct hyp_workers **ret_workers);
/* Runs what is queued, then ends the threads. */
void *hyp_workers_destroy(struct hyp_workers *workers);
/* False when the queue is full. */
bool hyp_workers_submit(struct hyp_workers *workers, struct hyp_request *req);
/* Takes a request that has begun already, full or not: there is one per connection at most. */
void hyp_workers_continue(struct hyp_workers *workers, struct hyp_request *req);

/* --- connections and slow clients (connections.c) --- */

struct hyp_connections;
/* HYP_OK | NO_MEMORY. @clock, @proxies outlive the connections. destroy: NULL is allowed; after
 * the HTTP library has let go of every connection. */
HYP_MUST_USE enum hyp_status hyp_connections_create(const struct hyp_clock *clock,
                                                    const struct hyp_proxies *proxies,
                                                    struct hyp_connections **ret_connections);
void *hyp_connections_destroy(struct hyp_connections *connections);
/* Callback for MHD_OPTION_NOTIFY_CONNECTION. */
void hyp_connections_notify(void *user, struct MHD_Connection *connection,
                            void **socket_context, enum MHD_ConnectionNotificationCode code);
/*
 * The client's address as text, the same for one household (IPv6 /64); made once and lives as
 * long as the connection. NULL when there was no memory to note it.
 */
const char *hyp_connections_address(struct MHD_Connection *connection);
/*
 * Sets req->by_https; on a connection of a trusted proxy, that and req->address become what its
 * headers say. Where they name nobody the request counts as the proxy's own.
 */
void hyp_connections_note_client(struct hyp_request *req);
/* A request begins to be served, or the connection waits for the next one. */
void hyp_connections_busy(struct hyp_connections *connections,
                          struct MHD_Connection *connection, bool busy);
/* Shuts connections on which a request has been arriving for too long. */
void hyp_connections_reap(struct hyp_connections *connections);

/* --- static files (assets.c; the embedded ones are generated) --- */

struct hyp_asset {
    const char *path; /* "/index.html" */
    const char *type;
    const uint8_t *bytes;
    size_t len;
    const uint8_t *gz; /* NULL without a twin */
    size_t gz_len;
    const char *etag;
    bool immutable; /* the name holds a hash of the content */
};
extern const struct hyp_asset hyp_assets[];
extern const size_t hyp_asset_count;

/* Documents that the API serves: "/openapi.yaml", "/openapi.json". */
extern const struct hyp_asset hyp_documents[];
extern const size_t hyp_document_count;

/* Fills the reply of a GET outside of /api. */
void hyp_assets_serve(struct hyp_request *req, struct hyp_str path);

/* --- replies (reply.c) --- */

/* Compresses, compares ETags: makes req ready. Worker or epoll thread. */
void hyp_reply_prepare(struct hyp_request *req);
/* Queues the prepared reply. Epoll thread. */
enum MHD_Result hyp_reply_send(struct hyp_request *req);
/* HTTP status of a hyp_status: the one table. */
unsigned hyp_reply_http_status(enum hyp_status status);

/* --- the way of a request (flow.c) --- */

/* Callbacks of the HTTP library; `user` is the server. access comes several times for one
 * request: once for its head, for each piece of its body, and behind it; completed once,
 * however it ended, and gives the request's memory back. Epoll threads. */
enum MHD_Result hyp_flow_access(void *user, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_len, void **context);
void hyp_flow_completed(void *user, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code);
/* Runs a request on a worker. */
void hyp_flow_run(struct hyp_request *req);
/*
 * Puts the connection to sleep until a worker has made the next piece of its download; false
 * when the server is going down. Epoll thread, from the reader of the response.
 */
bool hyp_flow_continue(struct hyp_request *req);
/* Frees a request that nobody has any more, with its arena and buffers. */
void hyp_request_free(struct hyp_request *req);

/* --- the server itself --- */

struct hyp_server {
    struct hyp_server_config config;
    struct MHD_Daemon *daemon;
    struct hyp_router *router;
    struct hyp_rate *rate;
    struct hyp_proxies *proxies;
    struct hyp_workers *workers;
    struct hyp_connections *connections;
    uint16_t port;
    bool tls;
    atomic_bool stopping;

    pthread_mutex_t lock;
    pthread_cond_t idle;
    unsigned running;          /* requests that are suspended */
    struct hyp_request *spare; /* finished requests with their memory */
    size_t spare_count;

    pthread_t reaper;
    bool reaper_runs;
};

#endif
