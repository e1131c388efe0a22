/* SPDX-License-Identifier: Apache-2.0 */
#include "service/csv_layout.h"

#include "base/csv.h"

/* Titles as they are met, in lower case without blanks, dashes and underscores. */
static const struct title_row {
    const char *text;
    enum hyp_csv_role role;
} title_rows[] = {
    {"-",            HYP_CSV_SKIP    },
    {"time",         HYP_CSV_TIME    },
    {"datetime",     HYP_CSV_TIME    },
    {"timestamp",    HYP_CSV_TIME    },
    {"device",       HYP_CSV_DEVICE  },
    {"serial",       HYP_CSV_SERIAL  },
    {"serialno",     HYP_CSV_SERIAL  },
    {"serialnumber", HYP_CSV_SERIAL  },
    {"meter",        HYP_CSV_SERIAL  },
    {"meternumber",  HYP_CSV_SERIAL  },
    {"manufacturer", HYP_CSV_MAKER   },
    {"maker",        HYP_CSV_MAKER   },
    {"kind",         HYP_CSV_KIND    },
    {"quality",      HYP_CSV_QUALITY },
    {"register",     HYP_CSV_REGISTER},
    {"point",        HYP_CSV_REGISTER},
    {"value",        HYP_CSV_AMOUNT  },
    {"unit",         HYP_CSV_UNIT    },
 /* of the files that we write */
    {"receivetime",  HYP_CSV_SKIP    },
    {"source",       HYP_CSV_SKIP    },
};

static bool find_role(struct hyp_str title, enum hyp_csv_role *ret_role)
{
    char folded[16];
    size_t len = 0;
    for (size_t i = 0; i < title.len; i++) {
        char c = title.ptr[i];
        if ((c == ' ' || c == '-' || c == '_') && title.len > 1) {
            continue;
        }
        if (len == sizeof(folded)) {
            return false;
        }
        folded[len++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    for (size_t i = 0; i < HYP_ARRAY_LEN(title_rows); i++) {
        if (hyp_str_equal((struct hyp_str){folded, len}, hyp_str_from(title_rows[i].text))) {
            *ret_role = title_rows[i].role;
            return true;
        }
    }
    return false;
}

/* --- registers --- */

enum hyp_status hyp_csv_unit_read(struct hyp_str text, const struct hyp_point_key *key,
                                  enum hyp_unit *ret_unit, struct hyp_error *err)
{
    enum hyp_name name = (enum hyp_name)key->name;
    const struct hyp_word *word = hyp_vocabulary_word(name);
    enum hyp_unit unit = word->unit;
    if (text.len > 0 && hyp_unit_find(text, &unit) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "there is no unit \"%.*s\"; see docs/vocabulary.md",
                             HYP_STR_ARG(text));
    }
    if (!hyp_vocabulary_unit_suits(name, unit)) {
        return text.len == 0
                   ? hyp_error_set(err, HYP_INVALID, -1,
                                   "\"%s\" needs its unit, like \"%s [%s]\"", word->name,
                                   word->name,
                                   word->quantity == HYP_QUANTITY_ENERGY ? "kWh" : "unit")
                   : hyp_error_set(err, HYP_INVALID, -1, "\"%s\" is not measured in %.*s",
                                   word->name, HYP_STR_ARG(text));
    }
    *ret_unit = unit;
    return HYP_OK;
}

enum hyp_status hyp_csv_register_read(struct hyp_str text, struct hyp_point_key *ret_key,
                                      enum hyp_unit *ret_unit, struct hyp_error *err)
{
    struct hyp_str unit = {"", 0};
    struct hyp_str key = text;
    ptrdiff_t bracket = hyp_str_find_char(text, '[');
    if (bracket >= 0 && text.ptr[text.len - 1] == ']') {
        unit = hyp_str_trim(
            (struct hyp_str){text.ptr + bracket + 1, text.len - (size_t)bracket - 2});
        key = hyp_str_trim((struct hyp_str){text.ptr, (size_t)bracket});
    }
    struct hyp_point_key found;
    if (hyp_point_key_parse(key, &found) != HYP_OK || found.name == HYP_NAME_UNKNOWN) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "\"%.*s\" is no register; write one like \"energy [kWh]\" "
                             "(docs/vocabulary.md)",
                             HYP_STR_ARG(key));
    }
    enum hyp_status status = hyp_csv_unit_read(unit, &found, ret_unit, err);
    if (status == HYP_OK) {
        *ret_key = found;
    }
    return status;
}

/* --- titles --- */

/* What the mapping makes of a title; itself where it says nothing. */
static struct hyp_str map_title(struct hyp_str title, struct hyp_str mapping)
{
    struct hyp_str part;
    while (hyp_str_split_next(&mapping, ',', &part)) {
        ptrdiff_t sign = hyp_str_find_char(part, '=');
        if (sign >= 0 &&
            hyp_str_equal(hyp_str_trim((struct hyp_str){part.ptr, (size_t)sign}), title)) {
            return hyp_str_trim(
                (struct hyp_str){part.ptr + sign + 1, part.len - (size_t)sign - 1});
        }
    }
    return title;
}

static enum hyp_status read_title(struct hyp_str title, struct hyp_str mapping,
                                  struct hyp_csv_column *column, struct hyp_error *err)
{
    struct hyp_str target = map_title(title, mapping);
    hyp_text_copy(column->title, sizeof(column->title), title);
    if (find_role(target, &column->role)) {
        return HYP_OK;
    }
    column->role = HYP_CSV_VALUE;
    struct hyp_error why = {0};
    enum hyp_status status = hyp_csv_register_read(target, &column->key, &column->unit, &why);
    return status == HYP_OK
               ? HYP_OK
               : hyp_error_set(err, status, -1,
                               "Column \"%s\": %s. Say what it is by columns "
                               "\"%.40s=energy [kWh]\", or leave it out by \"%.40s=-\".",
                               column->title, why.text, column->title, column->title);
}

/* Every title that the mapping names must be there: else a slip of the pen goes unnoticed. */
static enum hyp_status check_mapping(const struct hyp_csv_layout *layout,
                                     struct hyp_str mapping, struct hyp_error *err)
{
    struct hyp_str part;
    while (mapping.len > 0 && hyp_str_split_next(&mapping, ',', &part)) {
        ptrdiff_t sign = hyp_str_find_char(part, '=');
        bool found = false;
        struct hyp_str title =
            hyp_str_trim((struct hyp_str){part.ptr, sign < 0 ? part.len : (size_t)sign});
        for (size_t i = 0; sign >= 0 && i < layout->count; i++) {
            found |= hyp_str_equal(title, hyp_str_from(layout->columns[i].title));
        }
        if (!found) {
            return hyp_error_set(err, HYP_INVALID, -1,
                                 "The columns name \"%.*s\", but the file has no such title.",
                                 HYP_STR_ARG(title));
        }
    }
    return HYP_OK;
}

static enum hyp_status check_layout(const struct hyp_csv_layout *layout, bool has_values,
                                    struct hyp_error *err)
{
    bool by_line = layout->at[HYP_CSV_REGISTER] >= 0 && layout->at[HYP_CSV_AMOUNT] >= 0;
    if (layout->at[HYP_CSV_TIME] < 0) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "No column holds the time; say which by columns \"title=time\".");
    }
    if (layout->at[HYP_CSV_AMOUNT] >= 0 && layout->at[HYP_CSV_REGISTER] < 0) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "A column \"value\" needs a column \"register\" beside it; or say "
                             "by columns what it holds: \"value=energy [kWh]\".");
    }
    if (!has_values && !by_line) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "No column holds values, like \"energy [kWh]\".");
    }
    return HYP_OK;
}

static enum hyp_status note_column(struct hyp_csv_layout *layout, size_t column,
                                   struct hyp_error *err)
{
    const struct hyp_csv_column *this = &layout->columns[column];
    bool twice = false;
    for (size_t i = 0; this->role == HYP_CSV_VALUE && i < column; i++) {
        twice |= layout->columns[i].role == HYP_CSV_VALUE &&
                 hyp_point_key_equal(&layout->columns[i].key, &this->key);
    }
    if (this->role != HYP_CSV_SKIP && this->role != HYP_CSV_VALUE) {
        twice = layout->at[this->role] >= 0;
        layout->at[this->role] = (int)column;
    }
    return twice ? hyp_error_set(err, HYP_INVALID, -1,
                                 "Column \"%s\" is there twice; leave one out by columns "
                                 "\"title=-\".",
                                 this->title)
                 : HYP_OK;
}

enum hyp_status hyp_csv_layout_read(char *titles, size_t len, struct hyp_str mapping,
                                    struct hyp_csv_layout *ret_layout, struct hyp_error *err)
{
    struct hyp_str cells[HYP_LIMIT_IMPORT_COLUMNS];
    struct hyp_csv_layout *layout = ret_layout;
    bool has_values = false;
    layout->separator = hyp_csv_separator((struct hyp_str){titles, len});
    layout->count = 0;
    for (size_t i = 0; i < HYP_CSV_ROLE_COUNT; i++) {
        layout->at[i] = -1;
    }
    enum hyp_status status = hyp_csv_split(titles, len, layout->separator, cells,
                                           HYP_ARRAY_LEN(cells), &layout->count);
    if (status == HYP_LIMIT) {
        return hyp_error_set(err, HYP_INVALID, -1, "The title line has more than %d columns.",
                             HYP_LIMIT_IMPORT_COLUMNS);
    }
    if (status != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1,
                             "The title line has a quote that does not end with its cell.");
    }
    for (size_t i = 0; status == HYP_OK && i < layout->count; i++) {
        status = read_title(cells[i], mapping, &layout->columns[i], err);
        if (status == HYP_OK) {
            status = note_column(layout, i, err);
        }
        has_values |= layout->columns[i].role == HYP_CSV_VALUE;
    }
    if (status == HYP_OK) {
        status = check_mapping(layout, mapping, err);
    }
    return status == HYP_OK ? check_layout(layout, has_values, err) : status;
}
