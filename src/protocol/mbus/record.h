/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data records of the M-Bus application layer (EN 13757-3 clause 6).
 *
 * A record is DIF [DIFE x0..10] VIF [VIFE x0..10] data. The iterator walks the bytes of one
 * application layer message (after the transport header, decrypted) and yields one decoded
 * record after the other. It never allocates; text lives in the record. It is not about names
 * or makes: device/ turns records into named values.
 *
 * A compact profile (annex F) is one container on the wire and many values: the iterator
 * yields the container (qualifier.what == HYP_MBUS_PROFILE, no value of its own) and then one
 * record per element, with the storage number, the value and, where the base time is known,
 * the time of that element.
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
    HYP_VIF_EF,        /* third extension table: reserved by the standard */
    HYP_VIF_TEXT,      /* plain text VIF: text in hyp_mbus_record.vif_text */
    HYP_VIF_MANUFACTURER,
    HYP_VIF_ANY, /* 7E */
};

/* What combinable VIFEs say; each is its own small field so that several may be present. */
struct hyp_mbus_qualifier {
    uint8_t direction;  /* 0 none, 1 forward only (3B), 2 backward only (3C), 3 both as absolute
                           (FC 10), 4 import less export (FC 0C) */
    uint8_t phase;      /* 0 none, 1..3 L1..L3, 4 neutral, 5 L1-L2, 6 L2-L3, 7 L3-L1 */
    uint8_t quadrant;   /* 0 none, 1..4 */
    uint8_t limit;      /* 0 none, 1 lower limit, 2 upper limit */
    uint8_t what;       /* enum hyp_mbus_what */
    uint8_t per;        /* VIFE 20..35 as is, 0 none: the unit is "per" something */
    uint8_t multiplied; /* VIFE 36..38 as is, 0 none */
    bool average;       /* 12 */
    bool future;        /* 7E */
    bool uncorrected;   /* 3A */
    bool base_conditions; /* 3E */
    bool non_metric;      /* 3D: units of the alternate, non-metric table */
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
    HYP_MBUS_OBIS,              /* 3F: the data is an OBIS code */
};

#define HYP_MBUS_VIFE_MAX 10

struct hyp_mbus_record {
    /* Byte ranges within the application data. */
    uint16_t offset;
    uint8_t dib_len;
    uint16_t vib_len; /* with plain text */
    uint16_t data_len;
    const uint8_t *data; /* raw value bytes (after the LVAR byte), in the caller's buffer */

    uint8_t dif;
    enum hyp_function function;
    uint64_t storage;
    uint32_t tariff;
    uint16_t subunit;

    enum hyp_vif_table table;
    uint8_t code;                    /* 7 bits */
    uint8_t vife[HYP_MBUS_VIFE_MAX]; /* 7 bits each, in order, also the maker's */
    uint8_t vife_count;
    uint8_t record_error;    /* VIFE 01..1F from the meter, 0 none */
    uint8_t lvar;            /* LVAR byte of variable length data, 0 otherwise */
    uint8_t profile_element; /* n-th element (1..) of a compact profile, 0 for other records */
    bool has_time;           /* `time` is set: when this profile element was true */
    bool manufacturer_data;  /* pseudo record: the rest after DIF 0F/1F; data covers it */
    bool more_follows;       /* DIF 1F was seen */
    struct hyp_mbus_qualifier qualifier;

    /*
     * What the value is. Differs from `subject`, what the VIF names, where a VIFE changes the
     * kind: the date of the maximum flow has quantity TIME and subject FLOW. UNKNOWN when the
     * VIF is the maker's or a VIFE leaves no quantity of the vocabulary ("energy per pulse").
     */
    enum hyp_quantity quantity;
    enum hyp_quantity subject;
    enum hyp_unit unit; /* unit of the decoded decimal, as the VIF says (not normalised) */
    /* UNSET with quality GOOD: bytes without a standard meaning, see `data`. */
    enum hyp_value_kind kind;
    enum hyp_quality quality; /* GOOD, or why absent */
    union {
        struct hyp_decimal decimal;
        struct hyp_civil civil;
        uint64_t flags;
    };
    char text[HYP_LIMIT_RECORD_TEXT];     /* UTF-8, terminated; kind TEXT */
    char vif_text[HYP_LIMIT_RECORD_TEXT]; /* plain text VIF, UTF-8, terminated */

    struct hyp_civil time; /* of a profile element, when has_time */
};

/* The compact profile that is being expanded; private to the iterator. */
struct hyp_mbus_profile {
    size_t container;         /* where the container record starts */
    const uint8_t *elements;  /* NULL when no profile is open */
    uint8_t count;            /* elements in it */
    uint8_t next;             /* number of the next element, from 1 */
    uint8_t mode;             /* 0 absolute, 1 increments, 2 decrements, 3 signed difference */
    uint8_t spacing_unit;     /* 0 s, 1 min, 2 h, 3 d */
    uint8_t spacing;          /* 0 array, 1..250, FD half month, FE month/quarter/half year */
    uint8_t coding;           /* as the low nibble of a DIF */
    bool inverse;             /* back in time from the base */
    bool has_base;            /* a base value record exists */
    bool has_time;            /* a base time record exists */
    enum hyp_quality quality; /* of the running value */
    struct hyp_decimal value; /* running value before scaling */
    struct hyp_civil time;    /* base time */
};

struct hyp_mbus_records {
    struct hyp_bytes bytes;
    size_t index;         /* records yielded so far */
    bool msb_first;       /* CI 76/77: multi-byte values most significant byte first */
    bool keep_containers; /* do not expand compact profiles (to walk the DIF/VIF bytes only) */
    struct hyp_explain *explain;
    bool more_follows; /* set when DIF 1F was seen */
    bool ended;
    struct hyp_mbus_profile profile;
};

/*
 * Starts walking the records of one application layer message.
 * @data     outlives the iterator; @len up to HYP_LIMIT_FRAME_BYTES
 * @explain  notes on every byte, or NULL; offsets relative to `data` plus explain->base
 * msb_first and keep_containers may be set after this call and before the first next.
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

/* The data bytes as an unsigned number (first 8 bytes, least significant first). */
uint64_t hyp_mbus_record_raw(const struct hyp_mbus_record *record);

/* What a VIF code names, in English: "flow temperature". Never NULL; "reserved" for holes. */
const char *hyp_mbus_vif_text(enum hyp_vif_table table, uint8_t code);

/* What a record error VIFE says: "data overflow". Never NULL. */
const char *hyp_mbus_record_error_text(uint8_t code);

#endif
