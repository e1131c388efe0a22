/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plant: the lines and devices of a utility as configured, shared by store (which keeps them)
 * and collect (which talks to them).
 *
 * Plain data with fixed-size texts, so that a copy is a struct assignment and ownership is
 * never a question. Texts are UTF-8 and terminated.
 */
#ifndef HYP_MODEL_PLANT_H
#define HYP_MODEL_PLANT_H

#include "base/crypto.h"
#include "base/limits.h"
#include "model/reading.h"

#include <stdbool.h>
#include <stdint.h>

enum hyp_line_kind {
    HYP_LINE_UNSET = 0,
    HYP_LINE_MBUS_TCP,         /* M-Bus master behind a TCP converter */
    HYP_LINE_MBUS_SERIAL,      /* M-Bus level converter on a serial port */
    HYP_LINE_MODBUS_TCP,       /* one Modbus TCP endpoint */
    HYP_LINE_MODBUS_RTU_TCP,   /* RTU framing over TCP (device server) */
    HYP_LINE_MODBUS_SERIAL,    /* RTU on a serial port */
    HYP_LINE_WMBUS_TCP,        /* we connect to a concentrator that sends telegrams */
    HYP_LINE_WMBUS_TCP_LISTEN, /* concentrators connect to us */
    HYP_LINE_WMBUS_UDP_LISTEN, /* telegrams by UDP */
    HYP_LINE_WMBUS_MQTT,       /* telegrams by MQTT subscription */
    HYP_LINE_WMBUS_SERIAL,     /* a radio receiver on a serial port */
    HYP_LINE_DROP_FOLDER,      /* files of telegrams dropped into a folder */
    HYP_LINE_KIND_COUNT,
};
/* "mbus-tcp" ..., never NULL; and back: HYP_OK | NOT_FOUND (for "unset" too). */
const char *hyp_line_kind_text(enum hyp_line_kind kind);
HYP_MUST_USE enum hyp_status hyp_line_kind_find(struct hyp_str text,
                                                enum hyp_line_kind *ret_kind);

/* How many devices a line of this kind carries; 0 = no limit of its own. */
uint32_t hyp_line_kind_capacity(enum hyp_line_kind kind);

/* The place of a rate among those of EN 13757-3 (300, 600 .. 38400), -1 = none of them. */
int hyp_mbus_baud_index(uint32_t baud);

/* What a radio receiver says on its way to us; which of them is a setting of the line. */
enum hyp_receiver_kind {
    HYP_RECEIVER_AUTO = 0,     /* bare telegrams and text lines (hex, rtl_wmbus, JSON) in any
                                  mixture */
    HYP_RECEIVER_IM871A,       /* IMST iM871A, iM170A */
    HYP_RECEIVER_AMB8465,      /* AMBER AMB8465 and like, command mode */
    HYP_RECEIVER_AMB8465_RSSI, /* the same, set to tell the signal strength */
    HYP_RECEIVER_CUL_T,        /* culfw; told to receive mode T */
    HYP_RECEIVER_CUL_C,
    HYP_RECEIVER_CUL_S,
    HYP_RECEIVER_RC1180, /* Radiocrafts RC1180, and bare telegrams without text */
    HYP_RECEIVER_RC1180_RSSI,
    HYP_RECEIVER_IU891A, /* IMST iU891A, iM881A-XL */
    HYP_RECEIVER_EMBIT,  /* Embit EMB-WMB, binary interface */
    HYP_RECEIVER_CHIPS,  /* lines of raw chips in hex, as software radios print them */
    HYP_RECEIVER_KIND_COUNT,
};
/* "auto", "im871a" ..., never NULL; and back: HYP_OK | NOT_FOUND. */
const char *hyp_receiver_kind_text(enum hyp_receiver_kind kind);
HYP_MUST_USE enum hyp_status hyp_receiver_kind_find(struct hyp_str text,
                                                    enum hyp_receiver_kind *ret_kind);
/* Its usual rate on a serial port. */
uint32_t hyp_receiver_kind_baud(enum hyp_receiver_kind kind);

#define HYP_HOST_MAX 256
#define HYP_PATH_MAX 512

struct hyp_line {
    hyp_line_id id;
    hyp_tenant_id tenant;
    char name[HYP_LIMIT_NAME];
    enum hyp_line_kind kind;
    char host[HYP_HOST_MAX]; /* to connect to, or address to listen on */
    uint16_t port;
    char path[HYP_PATH_MAX];         /* serial port or folder */
    uint32_t baud;                   /* serial: 300..115200 */
    char parity;                     /* 'N', 'E', 'O' */
    enum hyp_receiver_kind receiver; /* of a radio line */
    char topic[HYP_PATH_MAX];        /* MQTT topic filter */
    char login[HYP_LIMIT_LOGIN];
    char password[HYP_LIMIT_PASSWORD_MAX]; /* encrypted at rest, never leaves through the API */
    bool tls;                              /* MQTT: the broker's certificate is checked */
    char ca_file[HYP_PATH_MAX];            /* PEM; empty = the machine's authorities */
    char cert_file[HYP_PATH_MAX];          /* client certificate, PEM; empty = none */
    char key_file[HYP_PATH_MAX];           /* its key, PEM without password */
    char client_id[HYP_LIMIT_CLIENT_ID];   /* under which the broker keeps our messages */
    uint32_t timeout_ms;                   /* per answer; 0 = default of the kind */
    uint8_t retries;
    uint32_t delay_ms; /* pause between requests */
    bool echo;         /* the converter echoes what is sent */
    bool per_cycle;    /* TCP: close the connection when nothing waits, for devices that
                          serve one client at a time */
    bool enabled;
    int64_t revision; /* grows with each change */
};

enum hyp_schedule_kind {
    HYP_SCHEDULE_UNSET = 0,
    HYP_SCHEDULE_NONE,  /* listens only, or read by hand */
    HYP_SCHEDULE_EVERY, /* every `minutes`, aligned to the hour */
    HYP_SCHEDULE_DAILY, /* at minute_of_day on the weekdays in `weekdays` */
};

struct hyp_schedule {
    enum hyp_schedule_kind kind : 8;
    uint16_t minutes;       /* EVERY: 1..1440 */
    uint16_t minute_of_day; /* DAILY: 0..1439, in the tenant's zone */
    uint8_t weekdays;       /* DAILY: bit 0 Monday .. bit 6 Sunday */
};
/* "none", "every 15 min", "daily 03:10", "Mon-Fri 06:00", "Mon,Wed 06:00"; and back ("hourly"
 * too), in English, letter case does not matter: HYP_OK | INVALID, *err says how it is written.
 */
void hyp_schedule_format(struct hyp_buf *out, const struct hyp_schedule *schedule);
HYP_MUST_USE enum hyp_status hyp_schedule_parse(struct hyp_str text,
                                                struct hyp_schedule *ret_schedule,
                                                struct hyp_error *err);
/*
 * The first due time after `after`.
 * @utc_offset_minutes  offset of the tenant's zone at that time
 * Returns  INT64_MAX ms for NONE
 */
hyp_utc hyp_schedule_next(const struct hyp_schedule *schedule, hyp_utc after,
                          int utc_offset_minutes);

#define HYP_SERIAL_MAX 24

struct hyp_device {
    hyp_device_id id;
    hyp_tenant_id tenant;
    hyp_line_id line; /* 0 = heard on any wM-Bus line */
    char name[HYP_LIMIT_NAME];
    char kind[24];    /* "heat_meter", "water_meter", "hca", "electricity_meter", "controller",
                         "generic" */
    char profile[64]; /* profile name; empty = match by identity */
    char manufacturer[4];
    char serial[HYP_SERIAL_MAX]; /* M-Bus id: 8 hex digits */
    int16_t version;             /* -1 = not known */
    int16_t medium;              /* -1 = not known */
    int16_t primary_address;     /* M-Bus 0..250, -1 = none */
    bool secondary;              /* M-Bus: use secondary addressing */
    uint32_t baud;               /* M-Bus on a serial port: the meter's rate; 0 = the line's */
    uint8_t unit_id;             /* Modbus */
    bool has_key;
    struct hyp_aes_key key;       /* encrypted at rest, never leaves through the API */
    char address[HYP_LIMIT_NAME]; /* street and number */
    char city[HYP_LIMIT_NAME];
    double latitude; /* degrees; both 0 = not placed */
    double longitude;
    struct hyp_schedule schedule;
    bool enabled;
    int64_t revision;
    hyp_utc created;
};

/* State of communication, kept per device and per line [COL-38]. */
struct hyp_comm_state {
    hyp_utc last_attempt; /* 0 = never */
    hyp_utc last_success;
    hyp_utc last_failure;
    enum hyp_status last_status;
    uint32_t failures_in_row;
    uint64_t attempts;
    uint64_t successes;
    char last_error[HYP_ERROR_TEXT_MAX];
};

/* The nine visible states of a job [COL-37, catalogue 21.1]. */
enum hyp_job_state {
    HYP_JOB_UNKNOWN = 0,
    HYP_JOB_WAITING,    /* waits for its time or for its line */
    HYP_JOB_QUEUED,     /* in the queue of its line */
    HYP_JOB_SENT,       /* request sent */
    HYP_JOB_LOADING,    /* answer arriving */
    HYP_JOB_PROCESSING, /* being decoded and stored */
    HYP_JOB_DONE,
    HYP_JOB_DONE_WITH_ERRORS, /* some devices or records failed */
    HYP_JOB_ERROR,
};
/* The words of the API; never NULL. */
const char *hyp_job_state_text(enum hyp_job_state state);

enum hyp_job_kind {
    HYP_JOB_KIND_UNSET = 0,
    HYP_JOB_READ,
    HYP_JOB_SCAN,
    HYP_JOB_TEST,
    HYP_JOB_COMMAND,
};
/* "read", "scan", "test", "command", "unset"; never NULL. */
const char *hyp_job_kind_text(enum hyp_job_kind kind);

enum hyp_priority {
    HYP_PRIORITY_SCHEDULED = 0,
    HYP_PRIORITY_MANUAL,
    HYP_PRIORITY_LIVE,
};

#endif
