/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile: one device family as data, read from one YAML file (docs/profiles.md).
 *
 * Inside device/ only; other rooms see the opaque type of library.h. Immutable after reading;
 * all memory is in the profile's arena.
 */
#ifndef HYP_DEVICE_PROFILE_H
#define HYP_DEVICE_PROFILE_H

#include "base/arena.h"
#include "base/decimal.h"
#include "base/limits.h"
#include "device/library.h"
#include "device/reader.h"
#include "protocol/modbus/registers.h"

/* A set of bytes: versions or media of a match rule. */
struct hyp_byte_set {
    uint64_t bits[4];
    uint16_t count; /* 256 = any */
};
/* Is the byte in it; have two sets a byte in common? */
bool hyp_byte_set_has(const struct hyp_byte_set *set, uint8_t byte);
bool hyp_byte_sets_meet(const struct hyp_byte_set *a, const struct hyp_byte_set *b);

/* Who a profile is for. */
struct hyp_match {
    int64_t manufacturer; /* code without bit 15; 0 = any */
    struct hyp_byte_set version;
    struct hyp_byte_set medium;
    uint32_t line;
};

/* Inclusive; {0, INT64_MAX} = any. */
struct hyp_span {
    int64_t first;
    int64_t last;
};

/* How the bytes of a manufacturer's record are read, where the record itself does not say. */
enum hyp_field_form {
    HYP_FORM_RECORD = 0, /* as the record layer decoded it */
    HYP_FORM_FLAGS,      /* bits, least significant byte first */
    HYP_FORM_UNSIGNED,   /* unsigned number, least significant byte first */
    HYP_FORM_SIGNED,     /* two's complement */
    HYP_FORM_BCD,        /* BCD, least significant byte first */
    HYP_FORM_HEX,        /* text: the bytes as hex, most significant first */
};

#define HYP_ANY (-1)

/* One rule: records that ... are called ... . The first rule that fits wins. */
struct hyp_field {
    /* which records; a member that is HYP_ANY or empty does not matter */
    struct hyp_reader_bytes vib; /* VIF with VIFEs, as sent */
    int generic;                 /* enum hyp_name that generic naming gives, or HYP_ANY */
    int function;
    struct hyp_span storage;
    struct hyp_span tariff;
    struct hyp_span subunit;
    /* what they are */
    int name; /* enum hyp_name */
    bool ignore;
    const char *label;
    int unit; /* enum hyp_unit or HYP_ANY */
    struct hyp_decimal scale;
    struct hyp_decimal offset; /* added after scaling */
    int form;                  /* enum hyp_field_form */
    int64_t mask;              /* bits of flags that are kept; HYP_ANY = all */
    struct hyp_span bits;      /* a part of the record; none when last < first */
    int64_t set_function;
    int64_t set_storage;
    int64_t set_tariff;
    int64_t set_subunit;
    struct hyp_decimal
        invalid[HYP_LIMIT_PROFILE_SENTINELS]; /* sentinels, as sent, before scaling */
    size_t invalid_count;
    uint64_t fault_bits; /* info-code bits that make the value a DEVICE_ERROR */
    uint32_t line;
};

/* Does the rule make a value of its own of some bits, beside the record's? */
static inline bool hyp_field_is_part(const struct hyp_field *field)
{
    return field->bits.last >= field->bits.first;
}

/* A number with its meaning: register states. */
struct hyp_state {
    int64_t value;
    const char *text;
};

/* Parts of a clock that is spread over registers. */
enum hyp_clock_part {
    HYP_CLOCK_YEAR = 0,
    HYP_CLOCK_MONTH,
    HYP_CLOCK_DAY,
    HYP_CLOCK_HOUR,
    HYP_CLOCK_MINUTE,
    HYP_CLOCK_SECOND,
    HYP_CLOCK_SKIP,
};
#define HYP_CLOCK_WORDS_MAX 8

/* One point of a Modbus device. */
struct hyp_register {
    int name;
    const char *label;
    int point_function; /* enum hyp_function */
    int64_t storage;
    int64_t tariff;
    int64_t subunit;
    int64_t read;    /* Modbus function */
    int64_t address; /* wire address once the profile is read */
    int type;        /* enum hyp_modbus_type */
    int64_t words;   /* strings and clocks */
    int order;       /* enum hyp_modbus_order */
    int64_t bit;     /* lowest bit of type bit */
    int64_t width;   /* how many bits */
    struct hyp_decimal scale;
    struct hyp_decimal offset;
    int unit; /* enum hyp_unit or HYP_ANY */
    int poll; /* enum hyp_poll_class */
    struct hyp_decimal invalid[HYP_LIMIT_PROFILE_SENTINELS];
    size_t invalid_count;
    bool has_min;
    bool has_max;
    struct hyp_decimal min; /* believable values, after scaling */
    struct hyp_decimal max;
    const struct hyp_state *states;
    size_t state_count;
    bool is_clock;
    uint8_t clock_parts[HYP_CLOCK_WORDS_MAX];
    int64_t write; /* Modbus function that writes it, 0 = read only */
    bool has_write_min;
    bool has_write_max;
    struct hyp_decimal write_min;
    struct hyp_decimal write_max;
    uint32_t line;
};

/* A register that tells whether a device is of this family. */
struct hyp_detect {
    int64_t read;
    int64_t address;
    struct hyp_span equals[HYP_LIMIT_PROFILE_SENTINELS];
    size_t equals_count;
};

struct hyp_modbus_profile {
    int64_t address_base; /* what the file's addresses count from: 0 or 1 */
    int64_t read;
    int64_t max_registers;
    int64_t max_gap;
    int order;
    struct hyp_detect *detects;
    size_t detect_count;
};

/* What a capture has to give for one point. */
struct hyp_expectation {
    struct hyp_str key;  /* text form of the point key */
    struct hyp_str text; /* "12.50 kWh", or "(no_value)" */
    uint32_t line;
};

struct hyp_capture {
    const char *name;
    const char *source;
    bool error; /* of class "error": refused, a fault, or absent values */
    struct hyp_reader_bytes telegram;
    struct hyp_reader_bytes preceding[HYP_LIMIT_CAPTURE_PRECEDING];
    size_t preceding_count;
    struct hyp_reader_bytes key;
    bool accept_plain;
    struct hyp_reader_bytes snapshot;
    int refused; /* index into the status words, 0 = not refused */
    const struct hyp_expectation *expectations;
    size_t expectation_count;
    const char *info; /* names of the active info bits, worst first, blanks between */
    uint32_t line;
};

/* One of `bit` and `code` is -1. */
struct hyp_info_row {
    int64_t bit;
    int64_t code;
    const char *name;
    const char *text;
    int severity;
};

/* Bits or numbers, never both. */
struct hyp_info_table {
    struct hyp_info_row *rows;
    size_t count;
};

/* Numbers of the status byte stand in its upper half. */
#define HYP_INFO_STATUS_CODE_MIN 0x10

struct hyp_profile {
    struct hyp_profile_info info;
    struct hyp_profile_link link;
    const char *notes;
    struct hyp_str text; /* the whole file, in the arena */
    struct hyp_match *matches;
    size_t match_count;
    struct hyp_field *fields;
    size_t field_count;
    size_t part_count;            /* how many of them are about parts */
    struct hyp_info_table codes;  /* of the record named info_code */
    struct hyp_info_table status; /* the maker's part of the status byte */
    struct hyp_modbus_profile modbus;
    struct hyp_register *registers;
    size_t register_count;
    struct hyp_capture *captures;
    size_t capture_count;
    struct hyp_arena arena;
};

/*
 * Reads one profile.
 * @file   for messages
 * Returns HYP_OK | INVALID | MALFORMED | LIMIT | NO_MEMORY; err->offset = line
 */
HYP_MUST_USE enum hyp_status hyp_profile_create(struct hyp_str source, const char *file,
                                                struct hyp_profile **ret_profile,
                                                struct hyp_error *err);
/* NULL is allowed; everything that was read is in its arena. Returns NULL. */
void *hyp_profile_destroy(struct hyp_profile *profile);

/*
 * Row tables of the larger sections, one file each; hyp_reader_functions, with the type behind
 * `target` in brackets. Each checks what its section demands beyond single members.
 * Returns HYP_OK | INVALID | LIMIT | NO_MEMORY; file, line and reason in the reader's error
 */
extern const struct hyp_reader_words hyp_severity_words;
enum hyp_status hyp_profile_read_info(struct hyp_reader *reader,
                                      const struct hyp_tree_node *node, void *target,
                                      const void *extra);
enum hyp_status hyp_profile_read_status(struct hyp_reader *reader,
                                        const struct hyp_tree_node *node, void *target,
                                        const void *extra);
enum hyp_status hyp_profile_read_fields(struct hyp_reader *reader,
                                        const struct hyp_tree_node *node, void *target,
                                        const void *extra); /* [struct hyp_profile] */
enum hyp_status hyp_profile_read_registers(struct hyp_reader *reader,
                                           const struct hyp_tree_node *node, void *target,
                                           const void *extra); /* [struct hyp_profile] */
enum hyp_status hyp_profile_read_modbus(struct hyp_reader *reader,
                                        const struct hyp_tree_node *node, void *target,
                                        const void *extra); /* [struct hyp_modbus_profile] */
enum hyp_status hyp_profile_read_captures(struct hyp_reader *reader,
                                          const struct hyp_tree_node *node, void *target,
                                          const void *extra); /* [struct hyp_profile] */

/* Scalars of profiles: names, units, functions, spans. */
enum hyp_status hyp_profile_read_name(struct hyp_reader *reader,
                                      const struct hyp_tree_node *node, void *target,
                                      const void *extra); /* [int] enum hyp_name */
enum hyp_status hyp_profile_read_unit(struct hyp_reader *reader,
                                      const struct hyp_tree_node *node, void *target,
                                      const void *extra); /* [int] enum hyp_unit */
enum hyp_status hyp_profile_read_function(struct hyp_reader *reader,
                                          const struct hyp_tree_node *node, void *target,
                                          const void *extra); /* [int] enum hyp_function */
enum hyp_status hyp_profile_read_span(struct hyp_reader *reader,
                                      const struct hyp_tree_node *node, void *target,
                                      const void *extra); /* [struct hyp_span] */

/* "BAD_CHECK" ... of hyp_capture.refused; NULL for 0. */
const char *hyp_capture_refusal_text(int refused);

struct hyp_decimal_list {
    struct hyp_decimal *values; /* HYP_LIMIT_PROFILE_SENTINELS of them */
    size_t *count;
};
/* Sentinels: a number (also 0x hex) or a list of numbers. HYP_OK | INVALID
 * | LIMIT (HYP_LIMIT_PROFILE_SENTINELS) */
HYP_MUST_USE enum hyp_status hyp_profile_read_decimals(struct hyp_reader *reader,
                                                       const struct hyp_tree_node *node,
                                                       struct hyp_decimal_list list);

#endif
