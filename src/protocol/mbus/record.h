/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data records of the M-Bus application layer (EN 13757-3 clause 6).
 *
 * A record is DIF [DIFE x0..10] VIF [VIFE x0..10] data. The iterator walks the bytes of one
 * application layer message (after the transport header, decrypted) and yields one decoded
 * record after the other. It never allocates; text lives in the record. It is not about names
 * or makes: device/ turns records into named values.
 */
#ifndef HYP_PROTOCOL_MBUS_RECORD_H
#define HYP_PROTOCOL_MBUS_RECORD_H

#include "base/bytes.h"
#include "base/limits.h"
#include "model/value.h"
#include "protocol/explain.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which VIF table a code is from; with the 7-bit code it identifies the meaning. */
enum hyp_vif_table {
    HYP_VIF_PRIMARY = 0,
    HYP_VIF_FB,
    HYP_VIF_FD,
    HYP_VIF_FD_SECOND, /* FD FD */
    HYP_VIF_EF,        /* third extension table */
    HYP_VIF_TEXT,      /* plain text VIF: text in hyp_mbus_record.vif_text */
    HYP_VIF_MANUFACTURER,
    HYP_VIF_ANY, /* 7E */
};

/* What combinable VIFEs say; each is its own small field so that several may be present. */
struct hyp_mbus_qualifier {
    uint8_t direction;  /* 0 none, 1 forward only (3B), 2 backward only (3C), 3 both as absolute
                           (FC 10) */
    uint8_t phase;      /* 0 none, 1..3 L1..L3, 4 neutral, 5 L1-L2, 6 L2-L3, 7 L3-L1 */
    uint8_t quadrant;   /* 0 none, 1..4 */
    uint8_t limit;      /* 0 none, 1 lower limit, 2 upper limit */
    uint8_t what;       /* enum hyp_mbus_what */
    uint8_t per;        /* VIFE 20..2B as is, 0 none */
    uint8_t multiplied; /* VIFE 2C..38 as is, 0 none */
    bool average;       /* 12 */
    bool future;        /* 7E */
    bool uncorrected;   /* 3A */
    bool base_conditions; /* 3E */
    bool last;            /* 42..: last of (else first) */
    bool end;             /* 42..: end of (else begin) */
    bool oms_standard;    /* 1D standard conform data content */
    bool manufacturer;    /* 7F: following VIFEs are the maker's */
};

enum hyp_mbus_what {
    HYP_MBUS_VALUE = 0,
    HYP_MBUS_COUNT_OF_LIMIT,    /* 41, 49 number of exceeds */
    HYP_MBUS_TIME_OF_LIMIT,     /* 42.. date of a limit exceed */
    HYP_MBUS_DURATION_OF_LIMIT, /* 50..5F */
    HYP_MBUS_DURATION_OF,       /* 60..67 */
    HYP_MBUS_TIME_OF,           /* 39, 6A.. */
    HYP_MBUS_LIMIT_VALUE,       /* 40, 48 */
    HYP_MBUS_VALUE_DURING,      /* 68, 6C */
    HYP_MBUS_LEAKAGE,           /* 69 */
    HYP_MBUS_OVERFLOW_VALUE,    /* 6D */
    HYP_MBUS_PROFILE,           /* 1E, 1F, 13: compact profile container */
};

#define HYP_MBUS_VIFE_MAX 10

struct hyp_mbus_record {
    /* Byte ranges within the application data. */
    uint16_t offset;
    uint8_t dib_len;
    uint8_t vib_len; /* with plain text */
    uint16_t data_len;
    const uint8_t *data; /* raw value bytes (after the LVAR byte), in the caller's buffer */
    uint8_t lvar;        /* LVAR byte of variable length data, 0 otherwise */

    uint8_t dif;
    enum hyp_function function;
    uint64_t storage;
    uint32_t tariff;
    uint16_t subunit;

    enum hyp_vif_table table;
    uint8_t code; /* 7 bits */
    uint8_t vife[HYP_MBUS_VIFE_MAX];
    uint8_t vife_count;
    struct hyp_mbus_qualifier qualifier;
    uint8_t record_error; /* VIFE 01..1F from the meter, 0 none */

    enum hyp_quantity quantity;
    enum hyp_unit unit; /* unit of the decoded decimal, as the VIF says (not normalised) */
    enum hyp_value_kind kind;
    enum hyp_quality quality; /* GOOD, or why absent */
    union {
        struct hyp_decimal decimal;
        struct hyp_civil civil;
        uint64_t flags;
    };
    char text[HYP_LIMIT_RECORD_TEXT];     /* UTF-8, terminated; kind TEXT */
    char vif_text[HYP_LIMIT_RECORD_TEXT]; /* plain text VIF, UTF-8, terminated */

    bool manufacturer_data; /* pseudo record: the rest after DIF 0F/1F; data covers it */
    bool more_follows;      /* DIF 1F was seen */
};

struct hyp_mbus_records {
    struct hyp_bytes bytes;
    size_t index;
    bool binary_flags_unsigned;
    struct hyp_explain *explain;
    bool more_follows; /* set when DIF 1F was seen */
    bool ended;
};

/*
 * Starts walking the records of one application layer message.
 * @data     outlives the iterator; @len up to HYP_LIMIT_FRAME_BYTES
 * @explain  notes on every byte, or NULL; offsets relative to `data` plus explain->base
 */
void hyp_mbus_records_init(struct hyp_mbus_records *records, const uint8_t *data, size_t len,
                           struct hyp_explain *explain);

/*
 * The next record. Idle fillers (2F) are skipped.
 * Returns   HYP_OK | NOT_FOUND at the regular end | MALFORMED (err->offset = byte) |
 *           UNSUPPORTED (reserved DIF or LVAR). After a failure the walk has ended; records
 *           returned before stay valid.
 */
HYP_MUST_USE enum hyp_status hyp_mbus_records_next(struct hyp_mbus_records *records,
                                                   struct hyp_mbus_record *ret_record,
                                                   struct hyp_error *err);

#endif
