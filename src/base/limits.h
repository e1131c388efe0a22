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
#define HYP_LIMIT_RECORD_TEXT 68       /* text of one record as UTF-8 with terminator */
#define HYP_LIMIT_READING_VALUES 512   /* values of one reading */
#define HYP_LIMIT_MULTI_TELEGRAMS 32   /* telegrams of one multi-telegram answer */
#define HYP_LIMIT_COMPACT_FORMATS 1024 /* learned formats of compact frames */
#define HYP_LIMIT_MESSAGES 16          /* messages in several telegrams under way */
#define HYP_LIMIT_MESSAGE_BYTES 480    /* of one such message */

/* --- profiles --- */
#define HYP_LIMIT_PROFILE_BYTES (1024 * 1024)
#define HYP_LIMIT_PROFILES 2048
#define HYP_LIMIT_PROFILE_FIELDS 1024
#define HYP_LIMIT_PROFILE_NAME 63           /* bytes of a profile's name */
#define HYP_LIMIT_PROFILE_NODES 65536       /* YAML keys and values of one file */
#define HYP_LIMIT_PROFILE_DEPTH 8           /* YAML nesting */
#define HYP_LIMIT_PROFILE_MEMORY (16 << 20) /* bytes of one profile in memory */
#define HYP_LIMIT_PROFILE_SENTINELS 8       /* "no value" numbers of one point */
#define HYP_LIMIT_CAPTURE_PRECEDING 4       /* telegrams before the one of a capture */
#define HYP_LIMIT_MODBUS_BISECT 64          /* extra requests of one poll to find holes */

/* --- names --- */
#define HYP_LIMIT_NAME 128 /* bytes of a name a user gives */
#define HYP_LIMIT_LOGIN 64
#define HYP_LIMIT_CLIENT_ID 64
#define HYP_LIMIT_PASSWORD_MIN 10
#define HYP_LIMIT_PASSWORD_MAX 256

/* --- collecting --- */
#define HYP_LIMIT_LINES 10000
#define HYP_LIMIT_LINE_QUEUE 20000   /* jobs waiting on one line */
#define HYP_LIMIT_MBUS_DEVICES 250   /* per M-Bus master */
#define HYP_LIMIT_MBUS_PROBES 200000 /* selections of one secondary search */
#define HYP_LIMIT_LINK_BUFFER 65536  /* bytes received and not yet understood */
#define HYP_LIMIT_LISTEN_CLIENTS 1024
#define HYP_LIMIT_NOISE 256 /* bytes or lines without a telegram before the line says so */
#define HYP_LIMIT_DROP_FILE_BYTES (64 * 1024 * 1024)
#define HYP_LIMIT_MQTT_PAYLOAD (256 * 1024)
#define HYP_LIMIT_MQTT_UNCOMMITTED 256 /* messages not acknowledged to a broker */
#define HYP_LIMIT_RECEIVERS 8          /* lines that are remembered to hear one meter */
#define HYP_LIMIT_COPY_MS 10000        /* the same bytes again within it are a copy */
#define HYP_LIMIT_COPY_BLOCKS 32       /* blocks of frames that are searched for copies */
#define HYP_LIMIT_UNREAD 1024     /* telegrams without a reading known again, a power of 2 */
#define HYP_LIMIT_RECENT 1024     /* newest telegrams of a line known again */
#define HYP_LIMIT_RAW_BYTES 16384 /* one kept frame: multi-telegram, Modbus snapshot */
#define HYP_LIMIT_OUTBOX_READINGS 500            /* readings of a batch before it leaves */
#define HYP_LIMIT_OUTBOX_FRAMES 500              /* frames of a batch before it leaves */
#define HYP_LIMIT_OUTBOX_BYTES (4 * 1024 * 1024) /* values of a batch before it leaves */
#define HYP_LIMIT_OUTBOX_BATCH_BYTES (16 * 1024 * 1024) /* memory of one batch */
#define HYP_LIMIT_OUTBOX_HOT_BYTES (64 * 1024)          /* the same while the sink is idle */
#define HYP_LIMIT_OUTBOX_SPARE 2                        /* empty batches kept for use again */
#define HYP_LIMIT_OUTBOX_BATCHES 16  /* filled batches before producers pause */
#define HYP_LIMIT_OUTBOX_SUBMITTED 4 /* batches with the sink at a time */
#define HYP_LIMIT_EXCHANGE_SPARE 64  /* idle exchanges kept for use again, of each kind */
#define HYP_LIMIT_CONNECTING 256     /* TCP connections being made at a time */
#define HYP_LIMIT_JOBS 1024          /* jobs remembered */
#define HYP_LIMIT_JOB_RESULTS 64     /* finished tests whose values are remembered */
#define HYP_LIMIT_JOB_FOUND 4096     /* devices found by one scan */
#define HYP_LIMIT_HEARD 4096         /* meters heard on the radio, not configured */
#define HYP_LIMIT_FEEDS 64           /* texts being fed at a time */
#define HYP_LIMIT_DEFAULT_KEYS 16    /* keys to try on meters without one, per tenant */
#define HYP_LIMIT_KEY_SETS 64        /* tenants with default keys */
#define HYP_LIMIT_KEY_ROWS 20000     /* rows of one key file */
#define HYP_LIMIT_FEED_LINE 40000    /* bytes of one line of a fed text */
#define HYP_LIMIT_DEVICE_BLOCKS 256  /* Modbus requests of one poll */
#define HYP_LIMIT_DEVICE_HOLES 4096  /* Modbus addresses known to be missing */

/* --- store --- */
#define HYP_LIMIT_BATCH_READINGS 4096
#define HYP_LIMIT_FRAME_DAYS 90                      /* configurable */
#define HYP_LIMIT_FRAME_STORE (2048LL * 1024 * 1024) /* bytes, configurable */

#define HYP_LIMIT_BATCH_FRAMES 4096               /* power of two: see store/frames.h */
#define HYP_LIMIT_INTAKE_QUEUE (64 * 1024 * 1024) /* bytes of batches waiting */
#define HYP_LIMIT_INTAKE_GROUP (4 * 1024 * 1024)  /* bytes of batches in one commit */
#define HYP_LIMIT_INTAKE_SPARE (4 * 1024 * 1024)  /* bytes of copies kept for reuse */
#define HYP_LIMIT_OBSERVERS 8
#define HYP_LIMIT_DEVICE_POINTS 4096              /* points of one device */
#define HYP_LIMIT_BLOCK_ROWS 65536                /* readings in one packed block */
#define HYP_LIMIT_CHUNK_ROWS (1 << 22)            /* readings in one sealed chunk */
#define HYP_LIMIT_CHUNK_BYTES (512 * 1024 * 1024) /* of one sealed chunk */
#define HYP_LIMIT_SEAL_GRACE_MS 86400000LL        /* a period is past so long after its end */
#define HYP_LIMIT_SPARE_MS 691200000LL            /* free pages unused so long are given back */
#define HYP_LIMIT_SPARE_PAGES_AT_ONCE 262144  /* of a database; more are given back in steps */
#define HYP_LIMIT_SEAL_PAUSE_MS 3600000LL     /* late readings wait at most so long for a run */
#define HYP_LIMIT_SEAL_READINGS (1 << 18)     /* or until there are so many; configurable */
#define HYP_LIMIT_INSTANT_READINGS 1024       /* readings of a device for one instant */
#define HYP_LIMIT_SUMMARY_SPANS 100000        /* of one question */
#define HYP_LIMIT_SUMMARIES (1 << 22)         /* points times spans of one question */
#define HYP_LIMIT_SQL_PARAMETERS 48           /* of one statement */
#define HYP_LIMIT_SCHEMA_NAME 64              /* PostgreSQL's own limit, with terminator */
#define HYP_LIMIT_DATABASE_CONNECT_S "10"     /* for a connection to a database server */
#define HYP_LIMIT_DATABASE_SILENCE_MS "20000" /* of a server that was asked something */
#define HYP_LIMIT_DATABASE_IDLE_S "10"        /* while it answers: then it is probed */
#define HYP_LIMIT_DATABASE_PROBE_S "5"        /* between probes */
#define HYP_LIMIT_DATABASE_PROBES "2"         /* without an answer: the machine is gone */
#define HYP_LIMIT_DATABASE_AWAY_MS 500        /* between tries when an outage is known */
#define HYP_LIMIT_DATABASE_TRY_MS 200         /* for somebody who tries just then */
#define HYP_LIMIT_DATABASE_TURNS 3            /* that the writer waits for then, a batch */
#define HYP_LIMIT_DATABASE_SETTLE_TRIES 12    /* rounds of asking what became of a commit */
#define HYP_LIMIT_DATABASE_PAUSE_MS 1000    /* between questions for it when it was given up */
#define HYP_LIMIT_MEMBER_NAME 48            /* of a process that shares a database */
#define HYP_LIMIT_MEMBER_SILENCE_MS "30000" /* after which its session and leases end */
#define HYP_LIMIT_MEMBER_POLL_MS 250        /* between looks at what the others wrote */
#define HYP_LIMIT_MEMBER_TRIES 10           /* to join, about five seconds */
#define HYP_LIMIT_MEMBER_LEASE_MS 2000      /* between tries to take a job over */
#define HYP_LIMIT_MEMBER_CHANGES 100000     /* of the shared tables that are remembered */
#define HYP_LIMIT_MEMBER_TOLD 65536         /* readings of others told to observers at once */
#define HYP_LIMIT_MEMBER_NAMED 64           /* lines and devices named as changed at once */
#define HYP_LIMIT_MEMBER_LOOKS 50           /* at memory and database until they agree */
#define HYP_LIMIT_MEMBER_ORDERS 256         /* passed on and not ended; as many taken */
#define HYP_LIMIT_MEMBER_ORDER_MS 60000     /* for a member to take an order */
#define HYP_LIMIT_RETENTION_FULL 13         /* months with all readings; per tenant */
#define HYP_LIMIT_RETENTION_DAY 60          /* months until none are kept; per tenant */
#define HYP_LIMIT_RETENTION_MONTHS 1200
#define HYP_LIMIT_RETENTION_JUMP_MS (35 * 86400000LL) /* of the clock, before a run waits */
#define HYP_LIMIT_COMM_EVENTS 1000                    /* kept per device */
#define HYP_LIMIT_LOG_BLOB (16 * 1024 * 1024)
#define HYP_LIMIT_KEPT_FRAME_BYTES                                                             \
    (HYP_LIMIT_FRAME_BYTES * HYP_LIMIT_MULTI_TELEGRAMS) /* one raw frame as kept */
#define HYP_LIMIT_BACKUPS 1000                    /* listed of the folder of scheduled ones */
#define HYP_LIMIT_BACKUPS_KEPT 366                /* good ones, at most; configurable */
#define HYP_LIMIT_BACKUP_RETRY_MS 3600000         /* after a failed one */
#define HYP_LIMIT_DOCTOR_FINDINGS 20              /* of one check that are told one by one */
#define HYP_LIMIT_DISK_LOW (1024LL * 1024 * 1024) /* free bytes the doctor asks for */
#define HYP_LIMIT_FRAME_PENDING (256 * 1024)      /* bytes of frames before they are packed */
#define HYP_LIMIT_RESENT_FRAMES 65536 /* found ones that are known when they come again */

/* --- api --- */
#define HYP_LIMIT_BODY_BYTES (1024 * 1024)
#define HYP_LIMIT_INTAKE_BYTES (8 * 1024 * 1024) /* body of POST /intake and of imports */
#define HYP_LIMIT_CONNECTIONS 4096               /* configurable */
#define HYP_LIMIT_ADDRESS_CONNECTIONS 256        /* per client address, configurable */
#define HYP_LIMIT_CONNECTION_MEMORY (16 * 1024)  /* head of a request and of its reply */
#define HYP_LIMIT_PAGE 1000
#define HYP_LIMIT_REPLY_BYTES (64 * 1024 * 1024)
#define HYP_LIMIT_REQUEST_ARENA (256 * 1024 * 1024) /* memory of one request */
#define HYP_LIMIT_REQUESTS_PER_S 200                /* per client address, configurable */
#define HYP_LIMIT_RATE_ADDRESSES 16384              /* addresses whose rate is remembered */
#define HYP_LIMIT_IDLE_S 75                         /* idle keep-alive connection */
#define HYP_LIMIT_REQUEST_S 60                      /* a request must have arrived by then */
#define HYP_LIMIT_WORKER_QUEUE 1024                 /* requests waiting for a worker */
#define HYP_LIMIT_GZIP_FROM 1024                    /* smaller replies are not compressed */
#define HYP_LIMIT_PATH_SEGMENTS 8
#define HYP_LIMIT_CHART_BUCKETS 4000
#define HYP_LIMIT_PERIOD_ROWS 100000 /* periods of one register in a table of many meters */
#define HYP_LIMIT_TABLE_ROWS 100000  /* rows of one page of such a table as JSON */
#define HYP_LIMIT_SUM_ROWS 10000000  /* values that one sum of many meters may rest on */
#define HYP_LIMIT_TABLE_METERS 1000  /* meters that a question names one by one */
#define HYP_LIMIT_DOWNLOAD_PIECE (32 * 1024) /* a piece of a download ends behind it */
#define HYP_LIMIT_SERIES 16
#define HYP_LIMIT_SERIES_RAW 200000 /* values of one point read for a chart */

/* --- people --- */
#define HYP_LIMIT_SESSIONS 100000
#define HYP_LIMIT_SESSION_HOURS 12     /* without a request */
#define HYP_LIMIT_SESSION_DAYS 30      /* in any case */
#define HYP_LIMIT_HASH_AT_ONCE 2       /* argon2id runs at the same time */
#define HYP_LIMIT_HASH_WAITING 2       /* waiting for a run; more are told to come back */
#define HYP_LIMIT_BACKOFF_ENTRIES 4096 /* logins and addresses with failed attempts */
#define HYP_LIMIT_BACKOFF_S 900        /* longest wait after failed attempts */
#define HYP_LIMIT_USERS 10000
#define HYP_LIMIT_TOKENS 1000

/* --- live push --- */
#define HYP_LIMIT_STREAMS 1000
#define HYP_LIMIT_USER_STREAMS 100 /* of one user, tokens included */
#define HYP_LIMIT_STREAM_POINTS 2000
#define HYP_LIMIT_STREAM_QUEUE 512 /* events waiting for one client */
#define HYP_LIMIT_STREAM_PING_S 15

/* --- use cases --- */
#define HYP_LIMIT_IMPORT_ERRORS 50     /* reported of one import */
#define HYP_LIMIT_IMPORT_LINE 65536    /* bytes of one line of a file of readings */
#define HYP_LIMIT_IMPORT_COLUMNS 512   /* at most HYP_LIMIT_READING_VALUES */
#define HYP_LIMIT_IMPORT_VALUES 32768  /* of one batch of an import */
#define HYP_LIMIT_IMPORT_METERS 100000 /* different ones in a file, remembered */
#define HYP_LIMIT_IMPORT_AHEAD 8       /* batches that wait for their commit */
#define HYP_LIMIT_SEARCH_TEXT 128
#define HYP_LIMIT_PENDING_COMMANDS 64 /* commands to meters whose end is awaited */
#define HYP_LIMIT_COMM_PAGE 200       /* communication events shown at once */
#define HYP_LIMIT_NOTES 4096          /* notes that explain one frame */
#define HYP_LIMIT_JOBS 1024

#endif
