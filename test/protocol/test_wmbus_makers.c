/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makers' own layouts: what a telegram says after its translation into records, written as
 * `[function]storage[/subunit] value unit` joined by blanks. The telegrams were published by
 * owners of such meters with what they read; the numbers are theirs.
 */
#include "support/rows.h"

#include "base/buf.h"
#include "protocol/mbus/record.h"
#include "protocol/telegram.h"

#define FRAME_MAX 300

/* The formatter breaks long strings, and breaks on them. */
/* clang-format off */
static const struct maker_row {
    const char *name;
    const char *hex;
    enum hyp_status status;
    const char *meter;
    const char *records; /* NULL when refused */
} maker_rows[] = {
    {"Techem FHKV data III, version 69",
     "18446850226677116980A0119F27020480048300C408F70900",
     HYP_OK, "TCH11776622",
     "0 2020-02-08; 0 131 hca; 1 1026 hca; 0 22.44 degC; 0 25.51 degC; 1 2019-12-31; "},
    {"Techem FHKV data III, version 94",
     "19446850341211119480A20F9F292D005024040011BD08380900",
     HYP_OK, "TCH11111234",
     "0 2021-02-05; 0 4 hca; 1 45 hca; 0 22.37 degC; 0 23.60 degC; 1 2020-12-31; "},
    {"Techem radio 3 water, current date in the next year",
     "13446850313233347462A2069F255900B0293100", HYP_OK, "TCH34333231",
     "0 2019-04-27; 0 13.8 m3; 1 8.9 m3; 0/1 4.9 m3; 1 2018-12-31; "},
    {"Techem radio 3 water, current date in the same year",
     "13446850313233347462A2067F245900B0293100", HYP_OK, "TCH34333231",
     "0 2018-04-27; 0 13.8 m3; 1 8.9 m3; 0/1 4.9 m3; 1 2018-03-31; "},
    {"Techem Compact V",
     "14446850336633663943A210672C866100181C0100", HYP_OK, "TCH66336633",
     "0 25250000 Wh; 1 24966000 Wh; 0/1 284000 Wh; 1 2022-03-07; "},
    {"Techem vario 4 counts megajoules",
     "134468506549235827C3A2129F25383300A86226", HYP_OK, "TCH58234965",
     "0 2019-04-01; 0 22938000000 J; 1 13112000000 J; 0/1 9826000000 J; 1 2018-12-31; "},
    {"Techem smoke detector, alarm", "0D4468506935639176F0A0019F27", HYP_OK, "TCH91633569",
     "0 0x1; 0 2019-12-31; "},
    {"Techem of an unknown version stays undecoded", "0D4468506935639178F0A0019F27", HYP_OK,
     "TCH91633569", ""},
    {"Techem with an impossible date", "0D4468506935639176F0A001FFFF", HYP_MALFORMED,
     "TCH91633569", NULL},
    {"Techem allocator cut", "11446850226677116980A0119F2702048004", HYP_MALFORMED,
     "TCH11776622", NULL},
    {"PRIOS of Diehl, address swapped",
     "1944A511780779194820A121170013355F8EDB2D03C6912B1E37", HYP_OK, "DME20481979",
     "0 8 s; 0 138 month; 0 0x0; 0 4.366 m3; 1 0.000 m3; 1 2020-12-31; "},
    {"PRIOS of Sappel, address as in the standard",
     "1944304C9C5824210C04A363140013716577EC59E8663AB0D31C", HYP_OK, "SAP2124589C",
     "0 32 s; 0 120 month; 0 0x0; 0 38.944 m3; 1 38.691 m3; 1 2021-02-01; "},
    {"PRIOS with one bit wrong in the check",
     "1944A511780779194820A121170013355E8EDB2D03C6912B1E37", HYP_OK, "DME20481979",
     "0 8 s; 0 138 month; 0 0x0; 0 4.367 m3; 1 0.000 m3; 1 2020-12-31; "},
    {"PRIOS under a key that nobody has",
     "1944A511780779194820A121170013345F8EDB2D03C6912B1E37", HYP_WRONG_KEY, "DME20481979", NULL},
    {"Apator pulses, a third of a litre each",
     "1C441486069C14000F0FA042F214000040030000000005FF0472BF1400", HYP_OK, "APT00149C06",
     "0 457.579333 m3; "},
    {"Apator pulses, a third of a cubic metre each",
     "1C44148607A814000411A01D5400000840030000000005FF05D83D0000", HYP_OK, "APT0014A807",
     "0 7177.666667 m3; "},
    {"Apator E-ITN", "19440186313737370408A0A1000059001C270100322DE413B415", HYP_OK, "APA37373731",
     "0 1 hca; 1 89 hca; e0 2019-08-28; 0 2022-09-18; 1 2022-05-01; 1 19.89062500 degC; 0 21.70312500 degC; "},
    {"Apator NA-1 with the factory key",
     "1C440106813591041407A0B000266A705474DDB80D9A0EB9AE2EF29D96", HYP_OK, "APA04913581",
     "0 345.312 m3; 1 300.619 m3; 0 2024-03-23T15:22; 1 2024-02-29T22:22; 1 545 h; "},
    {"Apator NA-1 under another key",
     "1C440106813591041407A0B000276A705474DDB80D9A0EB9AE2EF29D96", HYP_WRONG_KEY, "APA04913581",
     NULL},
    {"BMeters HYDRODIGIT with backflow",
     "2144B4099163742315077AF70000000C1399999999046D092A30340F050B01000000", HYP_OK,
     "BMT23746391", "0 99999.999 m3; 0 2025-04-16T10:09; 0 3.200 V; 0 0.001 m3; "},
    {"BMeters RFM-TX1, volume masked (made from the description)",
     "2144B4097856341205077A2A0006107E616A86297400000000000000592314110521", HYP_OK,
     "BMT12345678", "0 123.456 m3; 0 2021-05-11T14:23; "},
    {"BMeters RFM-TX1, unmasked digits are none",
     "2144B4097856341205077A2A0006107E619A86297400000000000000592314110521", HYP_MALFORMED,
     "BMT12345678", NULL},
    {"BMeters HYDROCLIMA",
     "2E44B0099861036853087A000000002F2F036E0000000F100043106A7D2C4A078F12202CB1242A06D3062100210000",
     HYP_OK, "BMP68036198",
     "0 0 hca; 0 18.66 degC; +0 47.51 degC; 17 15.78 degC; 17 17.47 degC; 0/1 33 hca; "},
    {"BFW 240 radio, months packed in 12 bits",
     "3644D7088877700002087A000000002F2F9E1F03C10388152A00000000000000000000000000000204000404000EE2020AC1321D280221",
     HYP_OK, "BFW00707788",
     "0 904 hca; 1 961 hca; 34 0 hca; 33 0 hca; 32 0 hca; 31 0 hca; 30 0 hca; 29 0 hca; 28 0 hca; 27 0 hca; 26 0 hca; 25 2 hca; 24 4 hca; 23 4 hca; 22 4 hca; 21 14 hca; 20 226 hca; 19 522 hca; 18 961 hca; 17 541 hca; 0 2021-02-28; "},
    {"Zenner water in 1/256 litre",
     "1E44496A677308500B167A000000002F2F0F0000000080BF1B0000A6420000", HYP_OK, "ZRI50087367",
     "1 7.10350000000 m3; 0 17.06200000000 m3; "},
    {"Qundis walk-by block takes the address behind the converter",
     "5B44934475149167463778077975149167934446040DFF5F3500823D0000810007C006FFFF49000000FF2C000000001F3111000000008000800080008000800080008000800080000000000B002F02FD170000046D390D1432488408",
     HYP_OK, "QDS67911475", NULL},
    /* Made from the descriptions in the makers' files, with our own numbers. */
    {"Apator E-ITN 40",
     "40440106563412000908A000002101830158010C00650066006700680069006A006B006C006D006E006F0070"
     "007100720073005901A6028E0358046E3205000000",
     HYP_OK, "APA00123456",
     "0 345 hca; 1 678 hca; 2 910 hca; 3 1112 hca; 0 24.1875 degC; 0 21.5000 degC; 16/1 12 hca"
     "; 17/1 101 hca; 18/1 102 hca; 19/1 103 hca; 20/1 104 hca; 21/1 105 hca; 22/1 106 hca; 23"
     "/1 107 hca; 24/1 108 hca; 25/1 109 hca; 26/1 110 hca; 27/1 111 hca; 28/1 112 hca; 29/1 1"
     "13 hca; 30/1 114 hca; 31/1 115 hca; 0 2025-03-14; 1 2024-09-01; 0 0x0; "},
    {"Apator E-ITN 40, wrapped, seal broken",
     "44441406563412000D08B6021122A000002101830158010C00650066006700680069006A006B006C006D006E"
     "006F0070007100720073005901A6028E0358046E320500FFFF",
     HYP_OK, "APT00123456",
     "0 345 hca; 1 678 hca; 2 910 hca; 3 1112 hca; 0 24.1875 degC; 0 21.5000 degC; 16/1 12 hca"
     "; 17/1 101 hca; 18/1 102 hca; 19/1 103 hca; 20/1 104 hca; 21/1 105 hca; 22/1 106 hca; 23"
     "/1 107 hca; 24/1 108 hca; 25/1 109 hca; 26/1 110 hca; 27/1 111 hca; 28/1 112 hca; 29/1 1"
     "13 hca; 30/1 114 hca; 31/1 115 hca; 0 2025-03-14; 1 2024-09-01; 0 0xFFFF; "},
    {"Apator 16-2 in a wrapper",
     "20441406868614000507B60211227A350000000F010000000000001039300000FF",
     HYP_OK, "APT00148686", "0 12.345 m3; "},
    {"Apator 16-2, month ends, one before the module was there",
     "354401067856341205077A010000002F2F0F1122334455000043640041555910393000007201102700008813000000000000FFFF3861",
     HYP_OK, "APA12345678", "0 100 d; 0 12.345 m3; 17 10.000 m3; 18 5.000 m3; 19 absent; "},
    {"Apator 16-2, the checksum follows at once",
     "294401067856341205077A010000002F2F0F112233445500001039300000710110270000881300009C00",
     HYP_OK, "APA12345678", "0 12.345 m3; 17 10.000 m3; 18 5.000 m3; "},
    {"BMeters HYDROCLIMA, long, below zero, no room sensor",
     "4544B0099861036853087A000000002F2F036E0B00000F1100000000293428349CFF0080BC163633960E8208D401D90879076006DA080809DA08E537000A3500DF1201830900",
     HYP_OK, "BMP68036198",
     "0 11 hca; e0 2025-04-08; 0 -1.00 degC; 0 absent; +0 58.20 degC; 17 37.34 degC; 17 21.78 degC; 2 468 hca; 3 2265 hca; 4 1913 hca; 5 1632 hca; 2 22.66 degC; 3 23.12 degC; 4 22.66 degC; 0/1 2435 hca; "},
    {"BMeters HYDROCLIMA, long, one byte short",
     "4444B0099861036853087A000000002F2F036E0B00000F1100000000293428349CFF0080BC163633960E8208D401D90879076006DA080809DA08E537000A3500DF12018309",
     HYP_OK, "BMP68036198", "0 11 hca; 0 ?; "},
    {"Techem allocator in frost, no radiator sensor",
     "18446850226677116980A0119F270204800483009CFF008000",
     HYP_OK, "TCH11776622",
     "0 2020-02-08; 0 131 hca; 1 1026 hca; 0 -1.00 degC; 0 absent; 1 2019-12-31; "},
    {"Apator E-ITN 40 without radiator sensor, room in frost",
     "40440106563412000908A0000021010080F8FF0C00650066006700680069006A006B006C006D006E006F0070007100720073005901A6028E0358046E3205000000",
     HYP_OK, "APA00123456",
     "0 345 hca; 1 678 hca; 2 910 hca; 3 1112 hca; 0 absent; 0 -0.5000 degC; 16/1 12 hca"
     "; 17/1 101 hca; 18/1 102 hca; 19/1 103 hca; 20/1 104 hca; 21/1 105 hca; 22/1 106 hca; 23"
     "/1 107 hca; 24/1 108 hca; 25/1 109 hca; 26/1 110 hca; 27/1 111 hca; 28/1 112 hca; 29/1 1"
     "13 hca; 30/1 114 hca; 31/1 115 hca; 0 2025-03-14; 1 2024-09-01; 0 0x0; "},
    {"GWF water, flags and battery behind its records",
     "1A44E61E785634123C077A070000002F2F041301000000" "0F0122E3",
     HYP_OK, "GWF12345678", "0 0.001 m3; 0 0x22; 0 227 ; "},
    {"GWF water, a kind that is not known",
     "1A44E61E785634123C077A070000002F2F041301000000" "0F0222E3",
     HYP_OK, "GWF12345678", "0 0.001 m3; 0 ?; "},
    {"GWF water, cut behind the flags",
     "1944E61E785634123C077A070000002F2F041301000000" "0F0122",
     HYP_OK, "GWF12345678", "0 0.001 m3; 0 ?; "},
    {"Zenner water, the due value erased",
     "1D44496A677308500B167A000000002F2F0F00000000FFFFFFFF00A64200",
     HYP_OK, "ZRI50087367", "1 absent; 0 17.06200000000 m3; "},
    {"BMeters HYDRODIGIT, backflow erased",
     "1A44B4096745230117077A010000000C13563412000F04FFFFFFFF",
     HYP_OK, "BMT01234567", "0 123.456 m3; 0 absent; "},
    {"Apator's wrapper longer than the telegram", "0F441406868614000507B60511227A35", HYP_OK, "APT00148686", ""},
    {"the wrapper is Apator's only", "18449315868614000507B60211227A350000000C1312340000", HYP_OK, "ELS00148686", ""},
    {"Apator E-ITN 40 under AES stays undecoded",
     "40440106563412000A08A000002101830158010C00650066006700680069006A006B006C006D006E006F0070"
     "007100720073005901A6028E0358046E3205000000",
     HYP_OK, "APA00123456",
     ""},
    {"Apator E-ITN 40 cut",
     "3F440106563412000908A000002101830158010C00650066006700680069006A006B006C006D006E006F0070"
     "007100720073005901A6028E0358046E32050000",
     HYP_MALFORMED, "APA00123456",
     NULL},
    {"BMeters HYDRODIGIT with leak date and months before its start",
     "4344B4096745230117077A010000000C13563412000F950A24042507000000640000C800002C0100FFFFFFFF"
     "FFFF580200BC0200200300840300E803004C0400B0040000",
     HYP_OK, "BMT01234567",
     "0 123.456 m3; 0 3.050 V; e0/1 2024-04-25; 0 0.007 m3; 1 1.00 m3; 2 2.00 m3; 3 3.00 m3; 4"
     " absent; 5 absent; 6 6.00 m3; 7 7.00 m3; 8 8.00 m3; 9 9.00 m3; 10 10.00 m3; 11 11.00 m3;"
     " 12 12.00 m3; "},
    {"BMeters HYDRODIGIT with everything, no leak yet",
     "4644B4096745230117077A010000000C13563412000F970C8023051200000009000000640000C800002C0100"
     "FFFFFFFFFFFF580200BC0200200300840300E803004C0400B00400",
     HYP_OK, "BMT01234567",
     "0 123.456 m3; 0 3.350 V; 0 0x80; e0 2023-05-12; e0/1 absent; 0 0.009 m3; 1 1.00 m3; 2 2."
     "00 m3; 3 3.00 m3; 4 absent; 5 absent; 6 6.00 m3; 7 7.00 m3; 8 8.00 m3; 9 9.00 m3; 10 10."
     "00 m3; 11 11.00 m3; 12 12.00 m3; "},
    {"BMeters HYDRODIGIT, months cut",
     "3A44B4096745230117077A010000000C13563412000F110C640000C800002C0100FFFFFFFFFFFF580200BC02"
     "00200300840300E803004C0400B004",
     HYP_OK, "BMT01234567",
     "0 123.456 m3; 0 3.350 V; "},
    {"Techem radio 3 water, version 50, first half of the month",
     "36446850785634125072A20C006C3139300000010200030400050600070800090A000B0C000D0E000F100011"
     "1200131400151600171800",
     HYP_OK, "TCH12345678",
     "0 2024-11-12; 0 1234.5 m3; 16/1 0.1 m3; 17/1 0.5 m3; 18/1 0.9 m3; 19/1 1.3 m3; 20/1 1.7 "
     "m3; 21/1 2.1 m3; 22/1 2.5 m3; 23/1 2.9 m3; 24/1 3.3 m3; 25/1 3.7 m3; 26/1 4.1 m3; 27/1 4"
     ".5 m3; "},
    {"Techem radio 3 water, version 50, second half of the month",
     "36446850785634125072A20C007C3139300000010200030400050600070800090A000B0C000D0E000F100011"
     "1200131400151600171800",
     HYP_OK, "TCH12345678",
     "0 2024-11-28; 0 1234.5 m3; 16/1 0.3 m3; 17/1 0.7 m3; 18/1 1.1 m3; 19/1 1.5 m3; 20/1 1.9 "
     "m3; 21/1 2.3 m3; 22/1 2.7 m3; 23/1 3.1 m3; 24/1 3.5 m3; 25/1 3.9 m3; 26/1 4.3 m3; 27/1 4"
     ".7 m3; "},
    {"Techem radio 3 water, version 50, cut",
     "10446850785634125072A20C007C310102",
     HYP_MALFORMED, "TCH12345678",
     NULL},
    {"PRIOS without a due date",
     "1344A511780778563412A1211400134E9BDB4196",
     HYP_OK, "DME12345678",
     "0 8 s; 0 120 month; 0 0x0; 0 98.765 m3; "},
    {"PRIOS cut in the volume",
     "1244A511780778563412A1211400134E9BDB41",
     HYP_MALFORMED, "DME12345678",
     NULL},
};
/* clang-format on */

static size_t from_hex(const char *hex, uint8_t *out, size_t capacity)
{
    size_t len = 0;
    if (hyp_hex_decode(hyp_str_from(hex), out, capacity, &len, NULL) != HYP_OK) {
        fail_msg("bad hex in a row: %s", hex);
    }
    return len;
}

static void write_record(struct hyp_buf *out, const struct hyp_mbus_record *record)
{
    static const char *const functions[] = {"", "+", "-", "e"};
    hyp_buf_append_fmt(out, "%s%llu", functions[record->function],
                       (unsigned long long)record->storage);
    if (record->subunit != 0) {
        hyp_buf_append_fmt(out, "/%u", record->subunit);
    }
    hyp_buf_append_char(out, ' ');
    if (!hyp_quality_is_usable(record->quality)) {
        hyp_buf_append_text(out, "absent; ");
        return;
    }
    switch (record->kind) {
    case HYP_VALUE_DECIMAL:
        hyp_decimal_format(out, record->decimal);
        hyp_buf_append_fmt(out, " %s", hyp_unit_text(record->unit));
        break;
    case HYP_VALUE_CIVIL: hyp_civil_format(out, &record->civil); break;
    case HYP_VALUE_FLAGS:
        hyp_buf_append_fmt(out, "0x%llX", (unsigned long long)record->flags);
        break;
    case HYP_VALUE_TEXT:
    case HYP_VALUE_UNSET: hyp_buf_append_text(out, "?"); break;
    }
    hyp_buf_append_text(out, "; ");
}

static struct hyp_telegram telegram;

static void check_maker(void **state)
{
    const struct maker_row *row = *state;
    uint8_t bytes[FRAME_MAX];
    char text[2000];
    struct hyp_buf out;
    struct hyp_error err = {.text = ""};
    const size_t len = from_hex(row->hex, bytes, sizeof(bytes));
    enum hyp_status status =
        hyp_telegram_open(bytes, len, HYP_LINK_WMBUS, NULL, &telegram, NULL, &err);
    if (status != row->status) {
        fail_msg("%s: %s", hyp_status_name(status), err.text);
    }
    if (row->meter != NULL) {
        assert_memory_equal(telegram.meter.manufacturer, row->meter, 3);
        assert_string_equal(telegram.meter.id, row->meter + 3);
    }
    if (status != HYP_OK || row->records == NULL) {
        return;
    }
    hyp_buf_init_fixed(&out, text, sizeof(text));
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    hyp_mbus_records_init(&records, telegram.data,
                          telegram.content == HYP_CONTENT_RECORDS ? telegram.data_len : 0,
                          NULL);
    while (hyp_mbus_records_next(&records, &record, &err) == HYP_OK) {
        write_record(&out, &record);
    }
    assert_string_equal(hyp_buf_terminate(&out), row->records);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, maker_rows, check_maker);
    return test_list_run(&list, "wmbus makers");
}
