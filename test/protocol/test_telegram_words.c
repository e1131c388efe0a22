/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a telegram's numbers are called: a manufacturer's letters, the bits of the status byte.
 */
#include "support/rows.h"

#include "base/buf.h"
#include "protocol/telegram.h"

static const struct letters_row {
    const char *name;
    uint16_t code;
    const char *letters;
} letters_rows[] = {
    {"KAM",                        0x2C2D, "KAM"},
    {"LUG",                        0x32A7, "LUG"},
    {"soft address bit is masked", 0xA697, "ITW"},
    {"no letters",                 0x0000, "???"},
    {"one number is no letter",    0x2C3B, "KA?"},
};

static void check_letters(void **state)
{
    const struct letters_row *row = *state;
    char text[4];
    hyp_manufacturer_to_text(row->code, text);
    assert_string_equal(text, row->letters);
    if (strchr(text, '?') == NULL) {
        assert_int_equal(hyp_manufacturer_from_text(text), row->code & 0x7FFF);
    }
}

static const struct status_row {
    const char *name;
    uint8_t status;
    const char *names; /* joined with commas */
} status_rows[] = {
    {"status without error",         0x00, ""                          },
    {"status busy",                  0x01, "busy,"                     },
    {"status application error",     0x02, "application_error,"        },
    {"status alarm",                 0x03, "alarm,"                    },
    {"status battery and temporary", 0x14, "power_low,temporary_error,"},
    {"status all",                   0xFF,
     "alarm,power_low,permanent_error,temporary_error,manufacturer_5,manufacturer_6,"
     "manufacturer_7,"                                                 },
};

static void check_status(void **state)
{
    const struct status_row *row = *state;
    const char *names[8];
    char joined[200];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, joined, sizeof(joined));
    const size_t count = hyp_status_byte_names(row->status, names);
    for (size_t i = 0; i < count; i++) {
        hyp_buf_append_text(&buf, names[i]);
        hyp_buf_append_char(&buf, ',');
    }
    assert_string_equal(hyp_buf_terminate(&buf), row->names);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, letters_rows, check_letters);
    TEST_ROWS(&list, status_rows, check_status);
    return test_list_run(&list, "telegram words");
}
