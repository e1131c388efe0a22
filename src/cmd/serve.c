/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypocaust serve: the server. Joins store, device library, collector, service and API, and
 * ends them in the reverse order when told to.
 */
#include "cmd/command.h"

#include "api/server.h"
#include "cmd/daily_backups.h"
#include "cmd/database.h"
#include "cmd/first_load.h"
#include "cmd/log_sink.h"
#include "cmd/options.h"
#include "cmd/zone_file.h"
#include "collect/collect.h"
#include "service/auth.h"
#include "service/service.h"
#include "store/backup_copy.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_FILE_MAX ((size_t)1024 * 1024)

struct settings {
    const char *data;
    const char *database;
    const char *member;
    const char *listen;
    int64_t port;
    const char *tls_cert;
    const char *tls_key;
    const char *web_dir;
    const char *manifest;
    const char *history;
    const char *time_zone;
    const char *log_level;
    const char *backup_to;
    const char *backup_at;
    int64_t backup_keep;
    int64_t requests_per_s;
    int64_t connections;
    int64_t per_address;
    int64_t threads;
    const char *trusted_proxy;
    const char *proxy_header;
    bool no_collect;
};

#define AT(member) offsetof(struct settings, member)
#define TEXT(name, argument, help, member)                                                     \
    {                                                                                          \
        name, argument, help, HYP_OPTION_TEXT, AT(member), 0, 0                                \
    }
#define NUMBER(name, help, member, least, most)                                                \
    {                                                                                          \
        name, "N", help, HYP_OPTION_NUMBER, AT(member), least, most                            \
    }
#define SWITCH(name, help, kind, member)                                                       \
    {                                                                                          \
        name, NULL, help, HYP_OPTION_##kind, AT(member), 0, 0                                  \
    }

/* clang-format off */
static const struct hyp_option options[] = {
    TEXT("data", "DIR", "data folder (./data, or $HYPOCAUST_DATA)", data),
    TEXT("database", "URL", "postgresql://... instead of files ($HYPOCAUST_DATABASE)", database),
    TEXT("member", "NAME", "this server among several on one --database", member),
    TEXT("listen", "ADDRESS", "address to listen on (127.0.0.1)", listen),
    NUMBER("port", "port (8080); 0 takes a free one", port, 0, 65535),
    TEXT("tls-cert", "FILE", "certificate chain, PEM", tls_cert),
    TEXT("tls-key", "FILE", "its private key, PEM", tls_key),
    TEXT("import", "MANIFEST", "lines and devices for the first start", manifest),
    TEXT("history", "FILE", "past telegrams for the first start", history),
    TEXT("time-zone", "NAME", "zone of a new plant (the machine's)", time_zone),
    TEXT("log-level", "LEVEL", "debug, info, warning or error (info)", log_level),
    SWITCH("collect", "talk to devices (default)", OFF, no_collect),
    SWITCH("no-collect", "open no line; intake and files still work", ON, no_collect),
    TEXT("backup-to", "DIR", "make a backup every day, each in a folder of its own here", backup_to),
    TEXT("backup-at", "HH:MM", "at this time of the plant's zone (02:30)", backup_at),
    NUMBER("backup-keep", "good backups to keep (7)", backup_keep, 1, HYP_LIMIT_BACKUPS_KEPT),
    TEXT("web-dir", "DIR", "serve the UI from a folder (development)", web_dir),
    NUMBER("rate-limit", "requests per second and address (200); 0 = none", requests_per_s, 0, 1000000),
    NUMBER("connections", "connections at a time", connections, 8, 100000),
    NUMBER("per-address", "connections of one address", per_address, 1, 100000),
    TEXT("trusted-proxy", "ADDRESSES", "reverse proxies whose word on the client counts", trusted_proxy),
    TEXT("proxy-header", "NAME", "x-forwarded-for (default) or forwarded", proxy_header),
    NUMBER("threads", "threads that answer requests (2)", threads, 2, 64),
};
/* clang-format on */

#undef SWITCH
#undef NUMBER
#undef TEXT
#undef AT

/* Everything that runs; members are NULL until they are there. */
struct plant {
    struct settings settings;
    char *database; /* URL, may hold a password; NULL = files in the data folder */
    struct hyp_log log;
    struct hyp_live_zone zone;
    struct hyp_store *store;
    struct hyp_backups *backups; /* NULL = none are made */
    struct hyp_library *library;
    struct hyp_service *service;
    struct hyp_collector *collector;
    struct hyp_server *server;
    struct hyp_first_load *first_load;
    char *certificate;
    char *key;
    char machine_zone[64];
};

static int fail(const char *text)
{
    fprintf(stderr, "hypocaust serve: %s\n", text);
    return 1;
}

/* --- pieces --- */

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = file == NULL ? NULL : calloc(1, TEXT_FILE_MAX + 1);
    size_t len = text == NULL ? 0 : fread(text, 1, TEXT_FILE_MAX, file);
    bool good = len > 0 && ferror(file) == 0;
    if (!good) {
        fprintf(stderr, "hypocaust serve: cannot read %s: %s\n", path,
                file == NULL ? strerror(errno) : "it is empty");
        free(text);
        text = NULL;
    }
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

static int load_tls(struct plant *plant)
{
    const struct settings *settings = &plant->settings;
    if ((settings->tls_cert == NULL) != (settings->tls_key == NULL)) {
        return fail("--tls-cert and --tls-key go together");
    }
    if (settings->tls_cert == NULL) {
        return 0;
    }
    plant->certificate = read_text(settings->tls_cert);
    plant->key = plant->certificate == NULL ? NULL : read_text(settings->tls_key);
    return plant->key == NULL ? 1 : 0;
}

static enum hyp_status set_zone(void *user, const char *name, struct hyp_error *err)
{
    struct plant *plant = user;
    return hyp_live_zone_set(&plant->zone, name, err);
}

/* The stored zone of the tenant; before there is one, the option's or the machine's. */
static int choose_zone(struct plant *plant)
{
    struct hyp_arena arena;
    struct hyp_tenant *tenants;
    size_t count = 0;
    struct hyp_error err = {0};
    hyp_machine_zone_name(plant->machine_zone, sizeof(plant->machine_zone));
    if (plant->settings.time_zone == NULL) {
        plant->settings.time_zone = plant->machine_zone;
    }
    const char *name = plant->settings.time_zone;
    hyp_arena_init(&arena, 1024 * 1024);
    if (hyp_store_tenants(plant->store, &arena, &tenants, &count) == HYP_OK && count > 0) {
        name = tenants[0].time_zone;
    }
    enum hyp_status status = hyp_live_zone_set(&plant->zone, name, &err);
    hyp_arena_finish(&arena);
    return status == HYP_OK ? 0 : fail(err.text);
}

static int add_profile(struct plant *plant, const char *folder, const char *name)
{
    char path[1024];
    struct hyp_buf buf;
    struct hyp_error err = {0};
    hyp_buf_init_fixed(&buf, path, sizeof(path));
    hyp_buf_append_fmt(&buf, "%s/%s", folder, name);
    char *text = read_text(hyp_buf_terminate(&buf));
    if (text == NULL) {
        return 1;
    }
    enum hyp_status status = hyp_library_add(plant->library, hyp_str_from(text), name, &err);
    free(text);
    if (status != HYP_OK) {
        fprintf(stderr, "hypocaust serve: profile %s line %lld: %s\n", path,
                (long long)err.offset, err.text);
    }
    return status == HYP_OK ? 0 : 1;
}

/* The built-in profiles, and those of the site in DATA/profiles. */
static int load_library(struct plant *plant)
{
    char folder[1024];
    struct hyp_buf buf;
    struct hyp_error err = {0};
    if (hyp_library_create(&plant->library, &err) != HYP_OK) {
        return fail(err.text);
    }
    hyp_buf_init_fixed(&buf, folder, sizeof(folder));
    hyp_buf_append_fmt(&buf, "%s/profiles", plant->settings.data);
    DIR *listing = opendir(hyp_buf_terminate(&buf));
    if (listing == NULL) {
        return 0;
    }
    int result = 0;
    const struct dirent *entry;
    while (result == 0 && (entry = readdir(listing)) != NULL) {
        if (hyp_str_has_suffix(hyp_str_from(entry->d_name), HYP_STR(".yaml"))) {
            result = add_profile(plant, folder, entry->d_name);
        }
    }
    closedir(listing);
    return result;
}

static int open_store(struct plant *plant)
{
    struct hyp_error err = {0};
    const struct hyp_store_config config = {
        .folder = plant->settings.data,
        .database = plant->database,
        .member = plant->settings.member,
        .clock = hyp_clock_system(),
        .log = &plant->log,
        .retain = true,
        .zone = &plant->zone.zone,
    };
    return hyp_store_open(&config, &plant->store, &err) == HYP_OK ? 0 : fail(err.text);
}

/* Before anything is opened. */
static int check_backups(struct plant *plant)
{
    const struct settings *settings = &plant->settings;
    if (settings->backup_to == NULL &&
        (settings->backup_at != NULL || settings->backup_keep != 0)) {
        return fail("--backup-at and --backup-keep need --backup-to");
    }
    return 0;
}

static int prepare_backups(struct plant *plant)
{
    const struct settings *settings = &plant->settings;
    struct hyp_error err = {0};
    if (settings->backup_to == NULL) {
        return 0;
    }
    return hyp_daily_backups_create(
               &(struct hyp_daily_backups){
                   .store = plant->store,
                   .folder = settings->backup_to,
                   .at = settings->backup_at,
                   .keep = settings->backup_keep,
                   .zone = &plant->zone.zone,
                   .log = &plant->log,
               },
               &plant->backups, &err) == HYP_OK
               ? 0
               : fail(err.text);
}

static int start_backups(struct plant *plant)
{
    return plant->backups == NULL || hyp_backups_start(plant->backups) == HYP_OK
               ? 0
               : fail("no thread can be started for the backups");
}

static int start_service(struct plant *plant)
{
    struct hyp_error err = {0};
    const struct hyp_service_config service_config = {
        .store = plant->store,
        .library = plant->library,
        .clock = hyp_clock_system(),
        .rng = hyp_rng_system(),
        .log = &plant->log,
        .time_zone = plant->settings.time_zone,
        .zone = &plant->zone.zone,
        .set_zone = set_zone,
        .set_zone_user = plant,
        .backups = plant->backups,
        .no_collect = plant->settings.no_collect,
    };
    if (hyp_service_create(&service_config, &plant->service, &err) != HYP_OK) {
        return fail(err.text);
    }
    const struct hyp_collect_config collect_config = {
        .clock = hyp_clock_system(),
        .rng = hyp_rng_system(),
        .log = &plant->log,
        .library = plant->library,
        .sink = hyp_store_sink(plant->store),
        .observer = hyp_service_observer(plant->service),
        .zone = &plant->zone.zone,
    };
    if (hyp_collector_create(&collect_config, &plant->collector, &err) != HYP_OK ||
        hyp_service_start(plant->service, plant->collector, &err) != HYP_OK) {
        return fail(err.text);
    }
    return 0;
}

static int start_collecting(struct plant *plant)
{
    struct hyp_error err = {0};
    if (plant->settings.manifest != NULL &&
        hyp_first_load_manifest(plant->service, plant->store, plant->settings.manifest, &err) !=
            HYP_OK) {
        return fail(err.text);
    }
    if (hyp_collector_start(plant->collector, &err) != HYP_OK) {
        return fail(err.text);
    }
    if (plant->settings.history != NULL &&
        hyp_first_load_history(plant->service, plant->store, &plant->log,
                               plant->settings.history, &plant->first_load, &err) != HYP_OK) {
        return fail(err.text);
    }
    return 0;
}

static int start_server(struct plant *plant)
{
    struct hyp_error err = {0};
    const struct settings *settings = &plant->settings;
    const struct hyp_server_config config = {
        .service = plant->service,
        .listen = settings->listen,
        .port = (uint16_t)settings->port,
        .certificate_pem = plant->certificate,
        .key_pem = plant->key,
        .web_dir = settings->web_dir,
        .threads = (unsigned)settings->threads,
        .connections = (unsigned)settings->connections,
        .per_address = (unsigned)settings->per_address,
        .requests_per_s = settings->requests_per_s == 0 ? -1 : (int)settings->requests_per_s,
        .trusted_proxies = settings->trusted_proxy,
        .forwarded = strcasecmp(settings->proxy_header, "forwarded") == 0,
    };
    return hyp_server_start(&config, &plant->server, &err) == HYP_OK ? 0 : fail(err.text);
}

/* --- what the person at the console sees --- */

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static void announce(const struct plant *plant)
{
    const char *listen = plant->settings.listen;
    bool any = strcmp(listen, "0.0.0.0") == 0 || strcmp(listen, "::") == 0;
    bool v6 = !any && strchr(listen, ':') != NULL;
    char address[256];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, address, sizeof(address));
    hyp_buf_append_fmt(&buf, "%s://%s%s%s:%u/", plant->key == NULL ? "http" : "https",
                       v6 ? "[" : "", any ? "127.0.0.1" : listen, v6 ? "]" : "",
                       hyp_server_port(plant->server));
    hyp_buf_terminate(&buf);
    if (!is_loopback(listen) && plant->key == NULL) {
        fprintf(stderr,
                "hypocaust: warning: listening on %s without TLS; passwords and readings "
                "can be read on the way. Use --tls-cert and --tls-key.\n",
                listen);
    }
    printf("hypocaust: %s\n", address);
    const char *token = hyp_auth_setup_token(plant->service);
    if (token[0] != '\0') {
        printf("hypocaust: first start; create the administrator here:\n"
               "hypocaust: %s#/setup?token=%s\n",
               address, token);
    }
    fflush(stdout);
}

/* --- life --- */

static int start(struct plant *plant)
{
    static int (*const steps[])(struct plant * plant) = {
        load_tls,        check_backups, open_store,       choose_zone,  load_library,
        prepare_backups, start_service, start_collecting, start_server, start_backups,
    };
    for (size_t i = 0; i < HYP_ARRAY_LEN(steps); i++) {
        int result = steps[i](plant);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* What may still speak is ended before what it speaks to. */
static void stop(struct plant *plant)
{
    hyp_server_stop(plant->server);
    hyp_first_load_cancel(plant->first_load);
    if (plant->collector != NULL) {
        hyp_collector_stop(plant->collector);
    }
    hyp_first_load_destroy(plant->first_load);
    if (plant->service != NULL) {
        hyp_service_stop(plant->service);
    }
    hyp_collector_destroy(plant->collector);
    hyp_backups_destroy(plant->backups);
    hyp_store_close(plant->store);
    hyp_service_destroy(plant->service);
    hyp_library_destroy(plant->library);
    hyp_live_zone_finish(&plant->zone);
    if (plant->key != NULL) {
        hyp_wipe(plant->key, strlen(plant->key));
    }
    free(plant->key);
    free(plant->certificate);
    hyp_database_forget(plant->database);
}

/* Signals are taken by one thread only, and by asking for them. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int hyp_command_serve(int argc, char **argv)
{
    static const char usage[] = "Usage: hypocaust serve [OPTION]...\n"
                                "Runs the server until Ctrl-C or SIGTERM.\n";
    struct plant plant = {
        .settings = {.data = getenv("HYPOCAUST_DATA"),
                     .listen = "127.0.0.1",
                     .port = 8080,
                     .log_level = "info",
                     .proxy_header = "x-forwarded-for",
                     .requests_per_s = HYP_LIMIT_REQUESTS_PER_S}
    };
    enum hyp_log_level level;
    sigset_t signals;
    int rest;
    if (plant.settings.data == NULL) {
        plant.settings.data = "./data";
    }
    enum hyp_status status = hyp_options_parse(usage, options, HYP_ARRAY_LEN(options), argc,
                                               argv, &plant.settings, &rest);
    if (status != HYP_OK) {
        return status == HYP_CANCELLED ? 0 : 2;
    }
    if (strcasecmp(plant.settings.proxy_header, "forwarded") != 0 &&
        strcasecmp(plant.settings.proxy_header, "x-forwarded-for") != 0) {
        fail("--proxy-header is x-forwarded-for or forwarded");
        return 2;
    }
    if (rest < argc || hyp_log_level_find(plant.settings.log_level, &level) != HYP_OK) {
        fail(rest < argc ? "arguments without -- are not taken; see --help"
                         : "--log-level is debug, info, warning or error");
        return 2;
    }
    plant.database = hyp_database_take(plant.settings.database);
    hyp_log_sink_init(&plant.log, level);
    hyp_live_zone_init(&plant.zone);
    block_signals(&signals);
    int result = start(&plant);
    if (result == 0) {
        int number = 0;
        announce(&plant);
        sigwait(&signals, &number);
    }
    stop(&plant);
    return result;
}
