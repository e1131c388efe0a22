/* SPDX-License-Identifier: Apache-2.0 */
#include "service/key_file.h"

#include "service/key_xml.h"
#include "service/plant_json.h"

#include <string.h>

#define CELLS_MAX 32
#define KEY_DIGITS 32
#define SERIAL_DIGITS 8

enum { SERIAL = 0, KEY, MAKER, COLUMNS };

/* Titles as they are met, in lower case without blanks, dashes and underscores. */
static const struct title_row {
    const char *text;
    int column;
} title_rows[] = {
    {"serial",        SERIAL},
    {"serialno",      SERIAL},
    {"serialnumber",  SERIAL},
    {"meter",         SERIAL},
    {"meterid",       SERIAL},
    {"meterno",       SERIAL},
    {"meternumber",   SERIAL},
    {"meterserial",   SERIAL},
    {"id",            SERIAL},
    {"number",        SERIAL},
    {"secondary",     SERIAL},
    {"key",           KEY   },
    {"aeskey",        KEY   },
    {"aes",           KEY   },
    {"aes128",        KEY   },
    {"aes128key",     KEY   },
    {"encryptionkey", KEY   },
    {"decryptionkey", KEY   },
    {"deckey",        KEY   },
    {"enckey",        KEY   },
    {"radiokey",      KEY   },
    {"manufacturer",  MAKER },
    {"maker",         MAKER },
    {"man",           MAKER },
    {"mfct",          MAKER },
    {"vendor",        MAKER },
};

void hyp_key_file_init(struct hyp_key_file *file, struct hyp_str text)
{
    static const struct hyp_str mark = {"\xEF\xBB\xBF", 3};
    if (hyp_str_has_prefix(text, mark)) {
        text.ptr += mark.len;
        text.len -= mark.len;
    }
    *file = (struct hyp_key_file){
        .rest = text, .separator = ',', .columns = {-1, -1, -1},
                .xml = hyp_key_xml_is(text)
    };
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool all(struct hyp_str text, bool (*is)(char))
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is(text.ptr[i])) {
            return false;
        }
    }
    return text.len > 0;
}

static size_t split(struct hyp_str line, char separator, struct hyp_str cells[static CELLS_MAX])
{
    size_t count = 0;
    struct hyp_str cell;
    while (count < CELLS_MAX && hyp_str_split_next(&line, separator, &cell)) {
        cell = hyp_str_trim(cell);
        if (cell.len >= 2 && cell.ptr[0] == '"' && cell.ptr[cell.len - 1] == '"') {
            cell = hyp_str_trim((struct hyp_str){cell.ptr + 1, cell.len - 2});
        }
        cells[count++] = cell;
    }
    return count;
}

/* --- titles --- */

static int column_of(struct hyp_str title)
{
    char folded[24];
    size_t len = 0;
    for (size_t i = 0; i < title.len; i++) {
        char c = title.ptr[i];
        if (c == ' ' || c == '-' || c == '_' || c == '.') {
            continue;
        }
        if (len == sizeof(folded)) {
            return -1;
        }
        folded[len++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(title_rows); i++) {
        if (hyp_str_equal((struct hyp_str){folded, len}, hyp_str_from(title_rows[i].text))) {
            return title_rows[i].column;
        }
    }
    return -1;
}

/* Is the first line one of titles? Then it says which column is which. */
static bool take_titles(struct hyp_key_file *file, const struct hyp_str *cells, size_t count)
{
    int columns[COLUMNS] = {-1, -1, -1};
    for (size_t i = 0; i < count; i++) {
        int column = column_of(cells[i]);
        if (column >= 0 && columns[column] < 0) {
            columns[column] = (int)i;
        }
    }
    if (columns[SERIAL] < 0 || columns[KEY] < 0) {
        return false;
    }
    memcpy(file->columns, columns, sizeof(columns));
    file->titled = true;
    return true;
}

static char separator_of(struct hyp_str line)
{
    static const char candidates[] = {';', '\t', ','};
    for (size_t i = 0; i < sizeof(candidates); i++) {
        if (hyp_str_find_char(line, candidates[i]) >= 0) {
            return candidates[i];
        }
    }
    return ' ';
}

/* --- rows --- */

/* Which cell is what, by its looks: for files without titles. */
static void guess(const struct hyp_str *cells, size_t count, int columns[static COLUMNS])
{
    for (size_t i = 0; i < count; i++) {
        int column = -1;
        if (cells[i].len == KEY_DIGITS && all(cells[i], is_hex)) {
            column = KEY;
        } else if (cells[i].len == 3 && all(cells[i], is_letter)) {
            column = MAKER;
        } else if (cells[i].len <= SERIAL_DIGITS && all(cells[i], is_hex)) {
            column = SERIAL;
        }
        if (column >= 0 && columns[column] < 0) {
            columns[column] = (int)i;
        }
    }
}

static struct hyp_str cell_at(const struct hyp_str *cells, size_t count, int column)
{
    return column >= 0 && (size_t)column < count ? cells[column] : (struct hyp_str){"", 0};
}

/* Spreadsheets drop leading zeros. */
static void take_serial(struct hyp_key_row *row, struct hyp_str cell)
{
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, row->serial, sizeof(row->serial));
    for (size_t i = cell.len; i < SERIAL_DIGITS; i++) {
        hyp_buf_append_char(&out, '0');
    }
    for (size_t i = 0; i < cell.len; i++) {
        char c = cell.ptr[i];
        hyp_buf_append_char(&out, c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c);
    }
    hyp_buf_terminate(&out);
}

static enum hyp_status take_row(struct hyp_str serial, struct hyp_str maker, struct hyp_str key,
                                struct hyp_key_row *row, struct hyp_error *err)
{
    if (serial.len == 0 || serial.len > SERIAL_DIGITS || !all(serial, is_hex)) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "no serial number of up to %d digits in this row", SERIAL_DIGITS);
    }
    take_serial(row, serial);
    if (maker.len > 0) {
        if (maker.len != 3 || !all(maker, is_letter)) {
            return hyp_error_set(err, HYP_INVALID, -1, "a maker has three letters");
        }
        for (size_t i = 0; i < 3; i++) {
            char c = maker.ptr[i];
            row->manufacturer[i] = c >= 'a' ? (char)(c - 'a' + 'A') : c;
        }
    }
    if (hyp_key_read_hex(key, "key", &row->key, NULL) != HYP_OK) {
        /* Never the key itself in a sentence, not even a wrong one. */
        return hyp_error_set(err, HYP_INVALID, -1,
                             "a key has 32 hex digits, here are %zu characters", key.len);
    }
    return HYP_OK;
}

/* The maker of a KEM file is not always one of three letters; the number is enough then. */
static enum hyp_status next_meter(struct hyp_key_file *file, struct hyp_key_row *ret_row,
                                  struct hyp_error *err)
{
    struct hyp_key_xml_meter meter;
    if (!hyp_key_xml_next(&file->rest, &meter)) {
        return HYP_NOT_FOUND;
    }
    file->line++;
    bool letters = meter.maker.len == 3 && all(meter.maker, is_letter);
    return take_row(meter.serial, letters ? meter.maker : (struct hyp_str){"", 0}, meter.key,
                    ret_row, err);
}

enum hyp_status hyp_key_file_next(struct hyp_key_file *file, struct hyp_key_row *ret_row,
                                  struct hyp_error *err)
{
    struct hyp_str line;
    struct hyp_str cells[CELLS_MAX];
    *ret_row = (struct hyp_key_row){.serial = ""};
    if (file->xml) {
        return next_meter(file, ret_row, err);
    }
    while (hyp_str_split_next(&file->rest, '\n', &line)) {
        file->line++;
        line = hyp_str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#') {
            continue;
        }
        bool first = !file->started;
        file->started = true;
        if (first) {
            file->separator = separator_of(line);
        }
        size_t count = split(line, file->separator, cells);
        if (first && take_titles(file, cells, count)) {
            continue;
        }
        int columns[COLUMNS];
        memcpy(columns, file->columns, sizeof(columns));
        if (!file->titled) {
            guess(cells, count, columns);
        }
        return take_row(cell_at(cells, count, columns[SERIAL]),
                        cell_at(cells, count, columns[MAKER]),
                        cell_at(cells, count, columns[KEY]), ret_row, err);
    }
    return HYP_NOT_FOUND;
}
