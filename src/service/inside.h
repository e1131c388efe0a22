/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the service, shared by the files of this room only. */
#ifndef HYP_SERVICE_INSIDE_H
#define HYP_SERVICE_INSIDE_H

#include "service/auth.h"
#include "service/backlog.h"
#include "service/backoff.h"
#include "service/directory.h"
#include "service/hub.h"
#include "service/keys.h"
#include "service/learned.h"
#include "service/members.h"
#include "service/passing.h"
#include "service/password.h"
#include "service/scope.h"
#include "service/service.h"
#include "service/sessions.h"

#include <pthread.h>
#include <stdatomic.h>

struct hyp_job_owner {
    hyp_job_id job;
    hyp_tenant_id tenant;
};

/* A change between success and failure that the keeper still has to write down. */
struct hyp_comm_note {
    hyp_device_id device;
    struct hyp_comm_event event;
};
#define HYP_COMM_NOTES 4096

/* A command to a meter, until its end is written down (meter_command.c). */
struct hyp_pending_command {
    bool used;
    bool ended;
    bool good;
    hyp_job_id job;
    hyp_tenant_id tenant;
    int64_t user;
    struct hyp_meter_command command;
    char text[HYP_ERROR_TEXT_MAX]; /* why it failed */
};

struct hyp_auth {
    struct hyp_hasher hasher;
    struct hyp_sessions *sessions;
    pthread_mutex_t lock; /* back-off, set-up, changes of users */
    struct hyp_backoff backoff;
    atomic_bool first_run; /* becomes false once */
    char setup_token[HYP_TOKEN_TEXT_MAX];
};

/* Readings of the present day (today.c). */
struct hyp_today {
    pthread_mutex_t lock;
    int64_t day;
    uint64_t readings;
    bool dirty;
};

/* Keys that were found by trying (keys.c) and wait to be saved. */
#define HYP_FOUND_KEYS 256
struct hyp_found_keys {
    pthread_mutex_t lock;
    size_t count;
    struct hyp_found_key {
        hyp_device_id device;
        struct hyp_aes_key key;
    } list[HYP_FOUND_KEYS];
};

struct hyp_service {
    struct hyp_service_config config;
    _Atomic(struct hyp_collector *) collector;
    struct hyp_directory *directory;
    struct hyp_hub *hub;
    struct hyp_auth auth;
    struct hyp_learned *learned;
    struct hyp_backlog *backlog;
    struct hyp_found_keys found_keys;
    struct hyp_today today;
    hyp_utc started;
    pthread_mutex_t tenant_lock;
    struct hyp_tenant tenant;
    pthread_mutex_t job_lock;
    struct hyp_job_owner job_owners[HYP_LIMIT_JOBS]; /* a ring; the oldest gives way */
    size_t job_next;
    struct hyp_members members;
    struct hyp_passing passing;
    pthread_mutex_t plant_lock; /* one change of lines and devices at a time */

    /* the keeper: a thread that saves what is only in memory */
    pthread_t keeper;
    bool keeper_runs;
    bool stopping;
    pthread_mutex_t keeper_lock;
    pthread_cond_t keeper_wake;
    struct hyp_comm_note *notes;
    size_t note_count;
    struct hyp_pending_command commands[HYP_LIMIT_PENDING_COMMANDS];
    bool commands_ended; /* some have, and the keeper does not know yet */
    bool orders_told;    /* the same: orders of other servers are further */
};

static inline hyp_utc hyp_service_now(const struct hyp_service *service)
{
    return hyp_clock_utc(service->config.clock);
}

/*
 * Writes an audit entry of a change that was made. A failure is logged: the change stands.
 * @object  "device:17"
 */
void hyp_service_audit(struct hyp_service *service, const struct hyp_scope *scope,
                       const char *action, const char *object_kind, int64_t object_id,
                       const char *format, ...) HYP_PRINTF(6, 7);

/* The same for what happens after its user has gone. */
void hyp_service_audit_as(struct hyp_service *service, hyp_tenant_id tenant, int64_t user,
                          const char *action, const char *object_kind, int64_t object_id,
                          const char *format, ...) HYP_PRINTF(7, 8);

/*
 * Starts hashing, sessions and back-off; without a user yet, makes the set-up token. finish
 * wipes the token; only after an init that made the sessions.
 * Returns  HYP_OK | INTERNAL (libsodium) | NO_MEMORY | what the store says
 */
enum hyp_status hyp_auth_init(struct hyp_service *service, struct hyp_error *err);
void hyp_auth_finish(struct hyp_service *service);
/* A new session of a user whose password was right. CONFLICT when the user, as given, has
 * changed since: then there is none. */
enum hyp_status hyp_auth_open_session(struct hyp_service *service, const struct hyp_user *user,
                                      struct hyp_arena *arena, struct hyp_grant *ret_grant);
/* Reads the back-off table from before the restart (signin.c). */
void hyp_signin_load_backoff(struct hyp_service *service);
/* Called by the keeper: tells the store which sessions were used, drops expired ones. */
void hyp_auth_sweep(struct hyp_service *service);
/* Random bytes as base64url with a prefix; the digest for the store. */
void hyp_auth_make_token(struct hyp_service *service, const char *prefix,
                         char ret_token[static HYP_TOKEN_TEXT_MAX],
                         uint8_t ret_hash[static 32]);

/*
 * Counts a committed reading whose source time is of the present day in the plant's zone; how
 * many there are. save writes the count if it has changed, load takes it over at start, before
 * there are other threads; a failure of either costs a right count, nothing else.
 */
void hyp_today_note(struct hyp_service *service, hyp_utc source_time);
uint64_t hyp_today_count(struct hyp_service *service);
void hyp_today_save(struct hyp_service *service);
void hyp_today_load(struct hyp_service *service, struct hyp_arena *arena);

/* The collector, or UNSUPPORTED with a sentence. */
HYP_MUST_USE enum hyp_status hyp_service_collector(struct hyp_service *service,
                                                   struct hyp_collector **ret_collector,
                                                   struct hyp_error *err);
/* Passes a line on to the collector, closed where the configuration or another member has it
 * so. HYP_OK (also without a collector) | as hyp_collector_set_line */
enum hyp_status hyp_service_push_line(struct hyp_service *service, const struct hyp_line *line);
/* The same at start: with what a broker may repeat. */
HYP_MUST_USE enum hyp_status hyp_service_restore_line(struct hyp_service *service,
                                                      struct hyp_collector *collector,
                                                      struct hyp_line *line);
/* Makes up the client id of an MQTT line that has none. */
void hyp_line_name_client(struct hyp_service *service, struct hyp_line *line);
/* The same of a device: HYP_OK | as hyp_collector_set_device */
enum hyp_status hyp_service_push_device(struct hyp_service *service,
                                        const struct hyp_device *device);

/* May `more` devices be added to a line? HYP_OK | INVALID (err: how many it carries) */
HYP_MUST_USE enum hyp_status hyp_line_has_room(struct hyp_service *service,
                                               hyp_tenant_id tenant, hyp_line_id line,
                                               size_t more, struct hyp_error *err);

/*
 * After a change of the store: memory and collector follow. Under the plant's lock. The change
 * is made, so this cannot fail: what there is no memory for now, the keeper does soon, and
 * until then the line or device is as it was before.
 */
void hyp_service_follow_line(struct hyp_service *service, const struct hyp_line *line);
void hyp_service_follow_device(struct hyp_service *service, const struct hyp_device *device);

/* NOT_FOUND with "There is no <what> <id>." */
enum hyp_status hyp_service_not_found(struct hyp_error *err, const char *what, int64_t id);
/* Fills *err with the status' own sentence if the callee left none. */
enum hyp_status hyp_service_explain_failure(struct hyp_error *err, enum hyp_status status);
#define hyp_service_explain_failure(err, status)                                               \
    hyp_error_outcome((hyp_service_explain_failure)(err, status), status)

/* Whose jobs are those that name neither a device nor a line (a selection)? */
void hyp_service_remember_job(struct hyp_service *service, hyp_job_id job,
                              hyp_tenant_id tenant);
/* 0 when not known. */
hyp_tenant_id hyp_service_job_tenant(struct hyp_service *service, hyp_job_id job);

/* The job of a command has changed; loop thread. */
void hyp_commands_ended(struct hyp_service *service, const struct hyp_job *job);
/* Called by the keeper: devices follow the commands that have ended. */
void hyp_commands_apply(struct hyp_service *service);
/* A meter has taken a command: its device is changed accordingly (devices.c). */
HYP_MUST_USE enum hyp_status hyp_device_commanded(struct hyp_service *service,
                                                  hyp_tenant_id tenant,
                                                  const struct hyp_meter_command *command,
                                                  struct hyp_error *err);

/* Observer calls of the collector (field.c), loop thread: memory follows, streams are told.
 * @user  the service */
void hyp_field_device_state(void *user, const struct hyp_device_state *state);
void hyp_field_line_state(void *user, const struct hyp_line_state *state);
void hyp_field_job(void *user, const struct hyp_job *job);
/* Called by the keeper: saves communication states and events. */
void hyp_field_save(struct hyp_service *service);

/* --- counter_check.c --- */

/*
 * Does a value that is typed in lie between its neighbours, where the register is a counter? A
 * recorded exchange or reset between them makes any number right.
 * Returns  HYP_OK | INVALID (err: "confirm: ...") | what the store says
 */
HYP_MUST_USE enum hyp_status hyp_counter_check(struct hyp_service *service,
                                               hyp_tenant_id tenant,
                                               const struct hyp_entry *entry,
                                               struct hyp_arena *arena, struct hyp_error *err);

#endif
