/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealer's state, shared by the files that seal (store/seal.h); for nobody else.
 */
#ifndef HYP_STORE_SEAL_STATE_H
#define HYP_STORE_SEAL_STATE_H

#include "store/columns.h"
#include "store/period.h"
#include "store/seal.h"

#define HYP_SEAL_SLOTS (HYP_PERIOD_PARTS + 1)

/* A row of the log. */
struct hyp_seal_logged {
    int64_t row;
    int64_t newest;
};

/* A period of a device that the slice has written. */
struct hyp_seal_written {
    hyp_device_id device;
    int64_t from;
    int64_t to;
    int64_t first; /* of the chunk's readings */
    int64_t last;
    int64_t readings; /* more in chunks than before */
    int64_t values;
};

struct hyp_sealer {
    struct hyp_chunk_work work;
    struct hyp_rows rows;
    bool gathering; /* the values of the rows are in these columns, not in cells */
    struct hyp_columns columns;
    struct hyp_rows scratch;
    struct hyp_chunk_texts texts;
    struct hyp_chunk_point *points;
    size_t point_capacity;
    struct hyp_buf head;
    struct hyp_buf data;
    struct hyp_buf shown;
    struct hyp_buf old_head;
    struct hyp_buf old[HYP_SEAL_SLOTS]; /* texts of the rows are views into these */
    struct hyp_seal_written *written;
    size_t written_count;
    size_t written_capacity;
    size_t slice_bytes;
    /* the log */
    struct hyp_seal_logged *log;
    size_t log_count;
    size_t log_capacity;
    _Atomic size_t log_rows; /* log_count for everybody */
    /* the run */
    bool running;
    bool failed;        /* something could not be sealed: the log keeps its rows */
    int64_t horizon;    /* times before it are past */
    int64_t last_start; /* when the last run began; 0 = none yet */
    int64_t last_horizon;
    uint64_t last_readings; /* in memory when the last run ended */
    int64_t log_end;        /* the last row of the log when the run began */
    int64_t log_row;        /* the same when the slice began */
    size_t log_next;        /* index of the next row to look at */
    int64_t *devices;
    size_t device_count;
    size_t device_capacity;
    size_t device_next;
    /* the chunk that late readings were last compared with, and how far chunks are complete */
    int64_t cached;
    struct hyp_map complete;
    struct hyp_map unreadable; /* devices with a damaged page: not tried again */
};

/* Appends the rows of a chunk to sealer->rows. NOT_FOUND when there is none.
 * @written  may be NULL; its counts are made less by those of the chunk */
HYP_MUST_USE enum hyp_status hyp_seal_take_chunk(struct hyp_store *store, struct hyp_db *db,
                                                 struct hyp_series *series, uint32_t period,
                                                 struct hyp_seal_written *written);
/* Forgets the rows; the next ones have cells. */
void hyp_seal_clear_rows(struct hyp_sealer *sealer);
/* The same for a series whose points were listed, and the next ones are gathered in columns as
 * far as they have them all. */
void hyp_seal_begin_rows(struct hyp_sealer *sealer, const struct hyp_series *series);
/* Values of the rows, wherever they are. */
uint64_t hyp_seal_count_cells(const struct hyp_sealer *sealer);
/* Adds what memory has of [from, to). HYP_OK | NO_MEMORY | LIMIT | CORRUPT */
HYP_MUST_USE enum hyp_status hyp_seal_take_memory(struct hyp_sealer *sealer,
                                                  const struct hyp_series *series, int64_t from,
                                                  int64_t to);

/* The points of a device, before its first chunk is written. */
HYP_MUST_USE enum hyp_status hyp_seal_list_points(struct hyp_sealer *sealer,
                                                  const struct hyp_series *series);
/* Writes sealer->rows as the chunk of a period.
 * @log_row  up to which row of the log it is complete
 * @parts    bit per part of the month whose chunk it takes the place of */
HYP_MUST_USE enum hyp_status hyp_seal_write_chunk(struct hyp_store *store,
                                                  const struct hyp_series *series,
                                                  uint32_t period, int64_t log_row,
                                                  unsigned parts);
/* Keeps a copy for hyp_seal_save_sealed and hyp_seal_commit. HYP_OK | NO_MEMORY */
HYP_MUST_USE enum hyp_status hyp_seal_note_written(struct hyp_sealer *sealer,
                                                   const struct hyp_seal_written *written);
/* The device's row of the table sealed as it is with what was noted since `first_written`. */
void hyp_seal_save_sealed(struct hyp_store *store, const struct hyp_series *series,
                          size_t first_written);
/* Commits (or rolls back); memory and counters follow what was noted. */
HYP_MUST_USE enum hyp_status hyp_seal_commit(struct hyp_store *store, enum hyp_status status,
                                             const char *what, struct hyp_error *err);

/*
 * Puts sealer->rows in the place of what a chunk held, or removes it when there are none, and
 * accounts for it. Memory is left alone.
 * @written  as hyp_seal_take_chunk left it
 */
HYP_MUST_USE enum hyp_status hyp_seal_rewrite(struct hyp_store *store,
                                              struct hyp_series *series, int64_t id,
                                              int64_t log_row,
                                              struct hyp_seal_written *written);

/* Are there rows of the log that a run without any device left to seal may remove? So it is
 * when the run before failed after its last device, or was cut short there. */
bool hyp_seal_can_trim(const struct hyp_sealer *sealer);
/* Removes some rows of the log that hold nothing but sealed readings. Inside the gate, without
 * transaction. Returns whether there may be more; false also after a failure, which ends the
 * run.
 */
bool hyp_seal_trim_log(struct hyp_store *store);
/* The last row of the log that was noted; 0 = none. Inside the gate. */
int64_t hyp_seal_last_log_row(const struct hyp_sealer *sealer);

#endif
