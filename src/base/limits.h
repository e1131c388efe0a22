/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of limits: every queue, cache, upload, session and page size of the product.
 * A limit that can be configured is the default here and says so.
 */
#ifndef HYP_BASE_LIMITS_H
#define HYP_BASE_LIMITS_H

/* --- telegrams --- */
#define HYP_LIMIT_FRAME_BYTES 1024     /* longest frame of any protocol kept raw */
#define HYP_LIMIT_RECORDS 256          /* data records of one telegram */
#define HYP_LIMIT_VALUE_TEXT 64        /* bytes of a text value */
#define HYP_LIMIT_RECORD_TEXT      68   /* text of one record as UTF-8 with terminator */
#define HYP_LIMIT_READING_VALUES 512   /* values of one reading */
#define HYP_LIMIT_MULTI_TELEGRAMS 32   /* telegrams of one multi-telegram answer */
#define HYP_LIMIT_COMPACT_FORMATS 1024 /* learned formats of compact frames */

/* --- profiles --- */
#define HYP_LIMIT_PROFILE_BYTES (1024 * 1024)
#define HYP_LIMIT_PROFILES 2048
#define HYP_LIMIT_PROFILE_FIELDS 1024

/* --- names --- */
#define HYP_LIMIT_NAME 128 /* bytes of a name a user gives */
#define HYP_LIMIT_LOGIN 64
#define HYP_LIMIT_PASSWORD_MIN 10
#define HYP_LIMIT_PASSWORD_MAX 256

/* --- collecting --- */
#define HYP_LIMIT_LINES 10000
#define HYP_LIMIT_LINE_QUEUE 20000  /* jobs waiting on one line */
#define HYP_LIMIT_MBUS_DEVICES 250  /* per M-Bus master */
#define HYP_LIMIT_LINK_BUFFER 65536 /* bytes received and not yet understood */
#define HYP_LIMIT_LISTEN_CLIENTS 1024
#define HYP_LIMIT_DROP_FILE_BYTES (64 * 1024 * 1024)
#define HYP_LIMIT_MQTT_PAYLOAD (256 * 1024)

/* --- store --- */
#define HYP_LIMIT_BATCH_READINGS 4096
#define HYP_LIMIT_FRAME_DAYS 90                      /* configurable */
#define HYP_LIMIT_FRAME_STORE (2048LL * 1024 * 1024) /* bytes, configurable */

/* --- api --- */
#define HYP_LIMIT_BODY_BYTES (1024 * 1024)
#define HYP_LIMIT_CONNECTIONS 1024
#define HYP_LIMIT_PAGE 1000
#define HYP_LIMIT_REPLY_BYTES (64 * 1024 * 1024)
#define HYP_LIMIT_SESSIONS 100000
#define HYP_LIMIT_SESSION_HOURS 12
#define HYP_LIMIT_STREAMS 1000
#define HYP_LIMIT_STREAM_POINTS 2000
#define HYP_LIMIT_REQUESTS_PER_S 200 /* per client address, configurable */
#define HYP_LIMIT_CHART_BUCKETS 4000
#define HYP_LIMIT_SERIES 16

#endif
