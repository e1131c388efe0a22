/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data records: each row is the application data of one message and the records that must come
 * out, one per line, as
 *     subject>quantity unit value quality function storage tariff subunit extras
 * (`subject>` only when it differs). "!STATUS@offset" ends a row that must be refused.
 */
#include "support/hex.h"

#include "base/buf.h"
#include "protocol/mbus/record.h"

#define MESSAGE_MAX 1100

static const char *what_text(uint8_t what)
{
    static const char *const texts[] = {
        [HYP_MBUS_VALUE] = "",
        [HYP_MBUS_COUNT_OF_LIMIT] = " count",
        [HYP_MBUS_TIME_OF_LIMIT] = " limit-time",
        [HYP_MBUS_DURATION_OF_LIMIT] = " limit-duration",
        [HYP_MBUS_DURATION_OF] = " duration-of",
        [HYP_MBUS_TIME_OF] = " time-of",
        [HYP_MBUS_LIMIT_VALUE] = " limit-value",
        [HYP_MBUS_VALUE_DURING] = " during",
        [HYP_MBUS_LEAKAGE] = " leakage",
        [HYP_MBUS_OVERFLOW_VALUE] = " overflow",
        [HYP_MBUS_OBIS] = " OBIS",
        [HYP_MBUS_PROFILE] = " profile",
    };
    return texts[what];
}

static void append_value(struct hyp_buf *out, const struct hyp_mbus_record *record)
{
    if (!hyp_quality_is_usable(record->quality)) {
        hyp_buf_append_text(out, "-");
        return;
    }
    switch (record->kind) {
    case HYP_VALUE_UNSET: hyp_buf_append_hex(out, record->data, record->data_len); break;
    case HYP_VALUE_DECIMAL: hyp_decimal_format(out, record->decimal); break;
    case HYP_VALUE_CIVIL: hyp_civil_format(out, &record->civil); break;
    case HYP_VALUE_FLAGS: hyp_buf_append_fmt(out, "0x%llX", (long long)record->flags); break;
    case HYP_VALUE_TEXT: hyp_buf_append_fmt(out, "\"%s\"", record->text); break;
    }
}

static void append_number(struct hyp_buf *out, const char *letter, uint64_t number)
{
    if (number != 0) {
        hyp_buf_append_fmt(out, " %s%llu", letter, (unsigned long long)number);
    }
}

static void append_flag(struct hyp_buf *out, const char *text, bool set)
{
    hyp_buf_append_text(out, set ? text : "");
}

static void append_qualifier(struct hyp_buf *out, const struct hyp_mbus_qualifier *q)
{
    static const char *const directions[] = {"", " forward", " backward", " both"};
    hyp_buf_append_text(out, directions[q->direction]);
    append_number(out, "phase", q->phase);
    append_number(out, "quadrant", q->quadrant);
    hyp_buf_append_text(out, what_text(q->what));
    append_flag(out, " lower", q->limit == 1);
    append_flag(out, " upper", q->limit == 2);
    append_flag(out, " last", q->last);
    append_flag(out, " end", q->end);
    append_flag(out, " average", q->average);
    append_flag(out, " future", q->future);
    append_flag(out, " uncorrected", q->uncorrected);
    append_flag(out, " base", q->base_conditions);
    append_flag(out, " non-metric", q->non_metric);
    append_flag(out, " oms", q->oms_standard);
    append_flag(out, " maker", q->manufacturer);
    append_number(out, "per", q->per);
    append_number(out, "times", q->multiplied);
}

static void describe(struct hyp_buf *out, const struct hyp_mbus_record *record)
{
    if (record->manufacturer_data) {
        hyp_buf_append_text(out, record->more_follows ? "more " : "rest ");
        hyp_buf_append_hex(out, record->data, record->data_len);
        return;
    }
    if (record->subject != record->quantity) {
        hyp_buf_append_fmt(out, "%s>", hyp_quantity_text(record->subject));
    }
    hyp_buf_append_text(out, hyp_quantity_text(record->quantity));
    append_flag(out, " text:", record->table == HYP_VIF_TEXT);
    hyp_buf_append_text(out, record->vif_text);
    if (record->unit != HYP_UNIT_NONE) {
        hyp_buf_append_fmt(out, " %s", hyp_unit_text(record->unit));
    }
    hyp_buf_append_char(out, ' ');
    append_value(out, record);
    if (record->quality != HYP_QUALITY_GOOD) {
        hyp_buf_append_fmt(out, " %s", hyp_quality_text(record->quality));
    }
    if (record->function != HYP_FUNCTION_INSTANTANEOUS) {
        hyp_buf_append_fmt(out, " %s", hyp_function_text(record->function));
    }
    append_number(out, "s", record->storage);
    append_number(out, "t", record->tariff);
    append_number(out, "u", record->subunit);
    append_qualifier(out, &record->qualifier);
    append_number(out, "err", record->record_error);
    append_number(out, "#", record->profile_element);
    if (record->has_time) {
        hyp_buf_append_text(out, " @");
        hyp_civil_format(out, &record->time);
    }
}

static void describe_all(const uint8_t *data, size_t len, bool msb_first,
                         struct hyp_explain *explain, struct hyp_buf *out)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    struct hyp_error err;
    enum hyp_status status;
    hyp_mbus_records_init(&records, data, len, explain);
    records.msb_first = msb_first;
    while ((status = hyp_mbus_records_next(&records, &record, &err)) == HYP_OK) {
        describe(out, &record);
        hyp_buf_append_char(out, '\n');
    }
    if (status != HYP_NOT_FOUND) {
        hyp_buf_append_fmt(out, "!%s@%d\n", hyp_status_name(status), (int)err.offset);
    }
}

static const struct row {
    const char *name;
    const char *hex;
    const char *expected;
    bool msb_first;
} rows[] = {
  /* clang-format off */
    /* --- DIB --- */
    {"energy in Wh, 32 bit", "04 06 39300000", "energy Wh 12345000\n"},
    {"storage 1", "44 06 01000000", "energy Wh 1000 s1\n"},
    {"function maximum, storage 1", "52 59 3412", "temperature degC 46.60 maximum s1\n"},
    {"function error state", "3C 22 08070605", "duration h 5060708 error\n"},
    {"subunits 1 and 2 are kept apart", "84 40 14 0A000000  84 80 40 14 0B000000", "volume m3 0.10 u1\nvolume m3 0.11 u2\n"},
    {"tariff 1", "84 10 06 05000000", "energy Wh 5000 t1\n"},
    {"storage 32, tariff 1 over three DIFEs", "84 90 81 00 03 F0490200", "energy Wh 150000 s32 t1\n"},
    {"all ten DIFEs: 41, 20 and 10 bits", "C1 FF FF FF FF FF FF FF FF FF 7F 6E 07", "hca hca 7 s2199023255551 t1048575 u1023\n"},
    {"eleven DIFEs", "81 80 80 80 80 80 80 80 80 80 80 00 6E 07", "!MALFORMED@11\n"},
    {"end within the DIFEs", "81 80", "!MALFORMED@2\n"},
    {"end before the VIF", "04", "!MALFORMED@1\n"},
    {"end within the VIFEs", "04 86", "!MALFORMED@2\n"},
    {"end within the data", "04 06 01 02 03", "!MALFORMED@5\n"},
    {"records before the broken one stay", "01 6E 05 04 06 01", "hca hca 5\n!MALFORMED@6\n"},
    {"reserved DIF", "01 6E 05 3F 00", "hca hca 5\n!UNSUPPORTED@3\n"},
    {"reserved DIF with extension bit", "8F 00", "!UNSUPPORTED@0\n"},
    {"filler before, between and after", "2F2F 01 6E 05 2F 01 6E 06 2F 2F", "hca hca 5\nhca hca 6\n"},
    {"manufacturer data", "01 6E 05 0F 00 01 75 13", "hca hca 5\nrest 00017513\n"},
    {"more telegrams follow", "01 6E 05 1F", "hca hca 5\nmore \n"},
    {"more follow with data", "1F AA", "more AA\n"},
    {"readout request at the end of a heat meter's telegram", "01 6E 05 7F 05 01 00 01 01 11", "hca hca 5\nrest 050100010111\n"},
    {"no data", "00 06", "energy Wh - no_value\n"},
    {"selection for readout", "48 06", "energy Wh - no_value s1\n"},
    {"empty message", "", ""},
    /* --- numbers --- */
    {"8 bit negative", "01 2B FE", "power W -2\n"},
    {"16 bit negative", "02 5A F6FF", "temperature degC -1.0\n"},
    {"24 bit negative sign-extends", "03 FD 59 BEFFFF", "current A -0.066\n"},
    {"48 bit negative sign-extends", "06 06 FFFFFFFFFFFF", "energy Wh -1000\n"},
    {"64 bit", "07 03 0100000000000080", "energy Wh -9223372036854775807\n"},
    {"16 bit sentinel", "02 5A 0080", "temperature degC - no_value\n"},
    {"8 bit sentinel", "01 5B 80", "temperature degC - no_value\n"},
    {"24 bit sentinel", "03 13 000080", "volume m3 - no_value\n"},
    {"48 bit sentinel", "06 13 000000000080", "volume m3 - no_value\n"},
    {"64 bit sentinel", "07 13 0000000000000080", "volume m3 - no_value\n"},
    {"a stored counter that was never written", "44 13 FFFFFFFF", "volume m3 - no_value s1\n"},
    {"a counter that stands at -1 now", "04 13 FFFFFFFF", "volume m3 -0.001\n"},
    {"a stored flow of -1", "44 3B FFFFFFFF", "flow m3/h -0.001 s1\n"},
    {"the smallest 16 bit value is one above the sentinel", "02 5A 0180", "temperature degC -3276.7\n"},
    {"BCD 2, 4, 6, 8, 12 digits", "09 6E 42  0A 5A 5102  0B 2B 563412  0C 13 78563412  0E 00 563412907856", "hca hca 42\ntemperature degC 25.1\npower W 123456\nvolume m3 12345.678\nenergy Wh 567890123.456\n"},
    {"BCD minus", "0A 5A 23F1", "temperature degC -12.3\n"},
    {"BCD minus, flow of a T230", "0B 3B 1600F0", "flow m3/h -0.016\n"},
    {"BCD error display is no number", "3C 2B BDEBDDDD", "power W - invalid error\n"},
    {"BCD one bad nibble", "0A 5A 2A01", "temperature degC - invalid\n"},
    {"BCD F in a lower byte", "0C 13 F0000000", "volume m3 - invalid\n"},
    {"BCD blank", "0B 6E FFFFFF", "hca hca - no_value\n"},
    {"integer sentinel in a BCD field", "0C 13 00000080  0B 13 000080", "volume m3 - no_value\nvolume m3 - no_value\n"},
    {"BCD 80 of two digits is a number", "09 6E 80", "hca hca 80\n"},
    {"float", "05 2B 0000C841", "power W 25\n"},
    {"float shortest decimal", "05 5B CDCC4C3E", "temperature degC 0.2\n"},
    {"float with exponent of the VIF", "05 2E 0000C03F", "power W 1500\n"},
    {"float NaN", "05 FF 3A 0000C0FF", "unknown - no_value\n"},
    {"float infinity", "05 2B 0000807F", "power W - invalid\n"},
    {"most significant byte first", "04 06 00003039  02 5A FFF6  0A 5A 0251", "energy Wh 12345000\ntemperature degC -1.0\ntemperature degC 25.1\n", true},
    /* --- primary VIFs --- */
    {"energy J", "04 0E 02000000", "energy J 2000000\n"},
    {"mass is 10^(n-3) kg", "04 1B 02000000", "mass kg 2\n"},
    {"on time s min h d", "01 20 01 01 21 01 01 22 01 01 23 01", "duration s 1\nduration min 1\nduration h 1\nduration d 1\n"},
    {"operating time h", "02 26 4000", "duration h 64\n"},
    {"power J/h", "01 33 05", "power J/h 5000\n"},
    {"flow in three units", "01 3B 05 01 44 05 01 4D 05", "flow m3/h 0.005\nflow m3/min 0.005\nflow m3/s 0.0005\n"},
    {"mass flow", "01 53 05", "mass_flow kg/h 5\n"},
    {"temperatures", "01 5B 05 01 5F 06 01 63 07 01 67 08", "temperature degC 5\ntemperature degC 6\ntemperature_difference K 7\ntemperature degC 8\n"},
    {"pressure", "02 69 0A00", "pressure bar 0.10\n"},
    {"actuality and averaging", "09 74 04 09 70 04", "duration s 4\nduration s 4\n"},
    {"fabrication number keeps its zeros", "0C 78 04030201", "identifier \"01020304\"\n"},
    {"fabrication number with hex digits", "0C 78 069C1400", "identifier \"00149C06\"\n"},
    {"fabrication number, binary", "04 78 04030201", "identifier 16909060\n"},
    {"enhanced identification is an address", "07 79 78563412 2D2C 35 04", "identifier \"12345678.KAM.35.04\"\n"},
    {"bus address", "01 7A 05", "identifier 5\n"},
    {"reserved primary VIF", "01 6F 05", "unknown 5\n"},
    {"third extension table", "01 EF 05 05", "unknown 5\n"},
    {"any VIF", "01 7E 05", "unknown 5\n"},
    {"manufacturer VIF is unsigned and has no sentinel", "04 FF 22 00000080", "unknown 2147483648\n"},
    {"manufacturer VIF without extension", "01 7F 05", "unknown 5\n"},
    /* --- FD --- */
    {"credit and debit", "02 FD 01 E803 02 FD 06 0500", "currency currency 10.00\ncurrency currency 0.5\n"},
    {"error flags are unsigned", "02 FD 17 0080", "flags 0x8000\n"},
    {"error flags all set stay flags", "02 FD 17 FFFF", "flags 0xFFFF\n"},
    {"OMS error flags", "02 FD 97 1D 0500", "flags 0x5 oms\n"},
    {"digital output and input", "01 FD 1A 03 01 FD 1B FF", "flags 0x3\nflags 0xFF\n"},
    {"access number 255 is a number", "01 FD 08 FF", "count 255\n"},
    {"version, binary and BCD", "01 FD 0C 1B 09 FD 0E 02", "identifier 27\nidentifier \"02\"\n"},
    {"voltage and current", "02 FD 49 E600 02 FD 59 0A00", "voltage V 230\ncurrent A 0.010\n"},
    {"dimensionless", "02 FD 3A 0500", "count count 5\n"},
    {"remaining battery, none", "02 FD 74 EE11 02 FD 74 FFFF", "duration d 4590\nduration d - no_value\n"},
    {"remaining battery in months, second level", "02 FD FD 02 B300", "duration month 179\n"},
    {"battery operating time", "03 FD 6C 601500", "duration h 5472\n"},
    {"start of tariff", "02 FD 30 8121", "time 2020-01-01\n"},
    {"signal level is signed", "01 FD 71 C4", "level dBm -60\n"},
    {"reserved FD code", "01 FD 7B 05", "unknown 5\n"},
    /* --- FB --- */
    {"0.1 MWh and 0.1 GJ", "04 FB 00 05000000 04 FB 08 05000000", "energy MWh 0.5\nenergy GJ 0.5\n"},
    {"Mcal", "04 FB 0D 05000000", "energy Mcal 5\n"},
    {"reactive energy with correction", "04 FB 82 75 0A000000", "reactive_energy kvarh 1.0\n"},
    {"reactive power with correction", "04 FB 97 72 AFFFFFFF", "reactive_power kvar -0.0081\n"},
    {"reactive energy backward with correction", "04 FB 82 F5 3C CA010000", "reactive_energy kvarh 45.8 backward\n"},
    {"humidity", "02 FB 1A 4F01", "humidity %RH 33.5\n"},
    {"frequency", "02 FB 2D 8813", "frequency Hz 50.00\n"},
    {"apparent power", "02 FB 34 E803", "apparent_power kVA 1.000\n"},
    {"cubic feet are exact", "01 FB 20 02", "volume m3 0.056633693184\n"},
    {"gallons are exact", "01 FB 23 01", "volume m3 0.003785411784\n"},
    {"allocator factor is a multiple of 2^-12", "02 FB 68 0014", "ratio 1.250000000000\n"},
    {"Fahrenheit keeps its unit", "02 FB 5A D004 01 FB 61 F6", "temperature degF 123.2\ntemperature_difference degF -0.10\n"},
    {"humidity, mass and rating factors are unsigned", "01 FB 1A C8 01 FB 18 C8 02 FB 68 FFFF", "humidity %RH 20.0\nmass t 20000\nratio - no_value\n"},
    {"temperature limit", "02 FB 76 FA00", "temperature degC 25.0\n"},
    {"cumulated maximum power", "01 FB 7B 05", "power W 5\n"},
    {"reserved FB code", "01 FB 06 05", "unknown 5\n"},
    /* --- VIFEs --- */
    {"backward energy (cooling)", "04 86 3C 07000000", "energy Wh 7000 backward\n"},
    {"forward energy", "04 86 3B 07000000", "energy Wh 7000 forward\n"},
    {"both directions", "0B AB C8 FC 10 563412", "power W 123456 both limit-value upper\n"},
    {"phase", "0A FD C9 FC 02 2502", "voltage V 225 phase2\n"},
    {"quadrant", "04 83 FC 0A 01000000", "energy Wh 1 quadrant3\n"},
    {"average, future, uncorrected, base", "01 AB 12 05 01 AB 7E 05 01 93 3A 05 01 93 3E 05", "power W 5 average\npower W 5 future\nvolume m3 0.005 uncorrected\nvolume m3 0.005 base\n"},
    {"non-metric units", "01 93 3D 05", "volume>unknown 0.005 non-metric\n"},
    {"scaled by 1000 and by 10^-2", "01 AB 7D 05 01 AB 74 05", "power W 5000\npower W 0.05\n"},
    {"additive constant", "01 DA 79 05", "temperature degC 0.51\n"},
    {"limit value and count", "01 DA 48 05 01 DA 49 05", "temperature degC 0.5 limit-value upper\ntemperature>count count 5 count upper\n"},
    {"time of a maximum is no temperature", "94 10 DA 6F 32147A18", "temperature>time 2011-08-26T20:50 maximum t1 time-of last end\n"},
    {"time of a maximum, date only", "12 BB 6F 8121", "flow>time 2020-01-01 maximum time-of last end\n"},
    {"start date", "02 93 39 8121", "volume>time 2020-01-01 time-of\n"},
    {"time of limit exceed", "04 DA 4F 32147A18", "temperature>time 2011-08-26T20:50 limit-time upper last end\n"},
    {"duration of limit exceed", "04 BE 50 71BBB000 04 BE 58 F4020000", "flow>duration s 11582321 limit-duration lower\nflow>duration s 756 limit-duration upper\n"},
    {"duration of", "02 BB 66 0500", "flow>duration h 5 duration-of last\n"},
    {"value during, leakage, overflow", "01 BB 6C 05 01 BB 69 05 01 BB 6D 05", "flow m3/h 0.005 during upper\nflow m3/h 0.005 leakage\nflow m3/h 0.005 overflow\n"},
    {"per pulse is no volume", "01 93 28 05", "volume>unknown m3 0.005 per40\n"},
    {"maximum power per month is a power", "94 80 01 AE 25 09000000", "power W 9000 maximum s32 per37\n"},
    {"multiplied by s", "01 AB 36 05", "power>unknown W 5 times54\n"},
    {"record errors", "01 AB 15 05 01 AB 16 05 01 AB 17 05 01 AB 18 05 01 AB 0E 05", "power W - no_value err21\npower W - overflow err22\npower W - underflow err23\npower W - device_error err24\npower W - device_error err14\n"},
    {"error 00 is none", "01 AB 00 05", "power W 5\n"},
    {"reserved error code leaves a doubtful value", "01 AB 08 05", "power W 5 doubtful err8\n"},
    {"manufacturer VIFEs", "02 FD C9 FF 01 E600", "voltage V 230 maker\n"},
    {"manufacturer VIFE codes are not interpreted", "02 93 FF 3C 0500", "volume m3 0.005 maker\n"},
    {"ten VIFEs", "01 AB 80 80 80 80 80 80 80 80 80 00 05", "power W 5\n"},
    {"eleven VIFEs", "01 AB 80 80 80 80 80 80 80 80 80 80 00 05", "!MALFORMED@12\n"},
    /* --- text --- */
    {"plain text unit, text before VIFE", "02 FC 03 48 52 25 74 3412", "humidity text:%RH %RH 46.60\n"},
    {"plain text unit, VIFE before text", "02 FC 74 03 48 52 25 3412", "humidity text:%RH %RH 46.60\n"},
    {"plain text unit with a text value", "0D 7C 08 44 49 20 2E 74 73 75 63 0A 35 35 37 36 37 30 41 4C 39 30", "unknown text:cust. ID \"09LA076755\"\n"},
    {"plain text unit cut short", "02 7C 08 44 49", "!MALFORMED@3\n"},
    {"text of several words", "0D FD 0A 05 4F 4C 4C 45 48", "identifier \"HELLO\"\n"},
    {"Latin-1 becomes UTF-8", "0D FD 10 02 FC 4D", "identifier \"M\xC3\xBC\"\n"},
    {"control characters do not pass", "0D FD 10 03 00 0A 4D", "identifier \"M?\"\n"},
    /* --- LVAR --- */
    {"LVAR empty", "0D 06 00", "energy Wh - no_value\n"},
    {"LVAR positive BCD", "0D 06 C3 563412", "energy Wh 123456000\n"},
    {"LVAR negative BCD", "0D 5A D2 5102", "temperature degC -25.1\n"},
    {"LVAR binary", "0D 06 E5 FFFFFFFFFF", "energy Wh -1000\n"},
    {"LVAR 16 bytes", "0D FF 5F F0 000102030405060708090A0B0C0D0E0F", "unknown 000102030405060708090A0B0C0D0E0F\n"},
    {"LVAR container", "0D FD 76 03 414243", "unknown 414243\n"},
    {"radio message in a container", "0D FD 3B 03 1844AE", "unknown 1844AE\n"},
    {"type K, no number", "04 FD 72 01020304", "unknown 01020304\n"},
    {"type L, no number, not even all FF", "04 FD 73 FFFFFFFF", "unknown FFFFFFFF\n"},
    {"LVAR manufacturer text", "0D FF AA 00 03 434241", "unknown \"ABC\"\n"},
    {"LVAR manufacturer bytes", "0D 7F 03 000182", "unknown 000182\n"},
    {"LVAR reserved", "0D 06 CA 00", "!UNSUPPORTED@2\n"},
    {"LVAR reserved above F6", "0D 06 FA 00", "!UNSUPPORTED@2\n"},
    {"LVAR longer than the message", "0D 06 05 01", "!MALFORMED@4\n"},
    /* --- dates --- */
    {"type G", "02 6C BE2B", "time 2021-11-30\n"},
    {"type G year above 99", "02 6C A1C1", "time - invalid\n"},
    {"type G 1985", "02 6C A1A1", "time 1985-01-01\n"},
    {"type G not set, both ways", "42 6C FFFF 42 6C 0000", "time - no_value s1\ntime - no_value s1\n"},
    {"type G every year", "02 6C FFFC", "time - no_value\n"},
    {"type G 31 February", "02 6C BF22", "time - invalid\n"},
    {"type F", "04 6D 1A0ECD13", "time 2014-03-13T14:26\n"},
    {"type F summer time flag", "04 6D 1A8ECD13", "time 2014-03-13T14:26\n"},
    {"type F marked invalid", "04 6D 9A0ECD13", "time - invalid\n"},
    {"type F century bits", "04 6D 1A2ECD13", "time 2014-03-13T14:26\n"},
    {"type F 1999", "04 6D 0000 7FCC", "time 1999-12-31T00:00\n"},
    {"type F every hour", "04 6D 1A1FCD13", "time - no_value\n"},
    {"type I", "06 6D 000020 A12B 00", "time 2021-11-01T00:00:00\n"},
    {"type I of OMS", "86 80 81 00 6D 0000A0411135", "time 2010-01-01T00:00:00 s32\n"},
    {"type J", "03 6D 3B300B", "time 11:48:59\n"},
    {"type J midnight", "03 6D 000000", "time 00:00:00\n"},
    {"type J every second", "03 6D 3F300B", "time - no_value\n"},
    {"date of a length that is none", "01 6C 05", "time - invalid\n"},
    {"date in BCD", "0A 6C 0102", "time - invalid\n"},
    {"type M is not guessed", "0D 6D 04 01020304", "time 01020304\n"},
    /* --- where other decoders print a number (docs/telegrams.md) --- */
    {"Relay Padpuls M2: the meter marks its clock invalid", "04 6D A115E917", "time - invalid\n"},
    {"relhca: the meter marks its clock invalid", "04 6D 9C021732", "time - invalid\n"},
    {"iEM3000: the meter marks its clock invalid", "04 6D B82E4D08", "time - invalid\n"},
    {"Ultraheat T230: 1 January of every year", "84 8F 0F 6D 0000E1F1", "time - no_value s510\n"},
    {"Zenner c5isf: 80000000 is no energy", "C4 84 00 06 00000080", "energy Wh - no_value s9\n"},
    {"EDC: all digits of the float", "85 00 3B 8400353F", "flow m3/h 0.0007070391\n"},
    {"Pollustat: all digits of the float", "05 63 00803BBD", "temperature_difference K -0.045776367\n"},
    /* --- compact profiles (annex F) --- */
    {"F.2.6 with register numbers, absolute",
     "86 80 81 00 6D 0000A0411135  84 90 81 00 03 F0490200  8D 90 81 00 83 1E 0A 34 FE A0860100 D0FB0100",
     "time 2010-01-01T00:00:00 s32\nenergy Wh 150000 s32 t1\nenergy Wh 34FEA0860100D0FB0100 s32 t1 profile\n"
     "energy Wh 100000 s33 t1 #1 @2010-02-01T00:00:00\nenergy Wh 130000 s34 t1 #2 @2010-03-01T00:00:00\n"},
    {"F.2.7 increments per hour",
     "84 04 6D 00204111  8B 04 15 003012  8D 04 95 1F 05 69 01 03 02 11",
     "time 2010-01-01T00:00 s8\nvolume m3 12300.0 s8\nvolume m3 6901030211 s8 profile\n"
     "volume m3 12300.3 s9 #1 @2010-01-01T01:00\nvolume m3 12300.5 s10 #2 @2010-01-01T02:00\nvolume m3 12301.6 s11 #3 @2010-01-01T03:00\n"},
    {"F.2.8 inverse",
     "84 04 6D 00234111  8B 04 15 163012  8D 04 95 13 05 69 01 11 02 03",
     "time 2010-01-01T03:00 s8\nvolume m3 12301.6 s8\nvolume m3 6901110203 s8 profile\n"
     "volume m3 12300.5 s9 #1 @2010-01-01T02:00\nvolume m3 12300.3 s10 #2 @2010-01-01T01:00\nvolume m3 12300.0 s11 #3 @2010-01-01T00:00\n"},
    {"the base may come after the profile",
     "8D 04 95 13 05 69 01 11 02 03  8B 04 15 163012",
     "volume m3 6901110203 s8 profile\nvolume m3 12300.5 s9 #1\nvolume m3 12300.3 s10 #2\nvolume m3 12300.0 s11 #3\nvolume m3 12301.6 s8\n"},
    {"monthly allocator values going back from a month start",
     "82 04 6C 4132  8B 04 6E 030200  8D 04 EE 13 08 3B FE 990000 520000",
     "time 2026-02-01 s8\nhca hca 203 s8\nhca hca 3BFE990000520000 s8 profile\nhca hca 99 s9 #1 @2026-01-01\nhca hca 52 s10 #2 @2025-12-01\n"},
    {"month ends stay month ends",
     "83 04 6E 000000  82 04 6C 7F2A  8D 04 EE 1F 0A 72 FE 0100 0000 0000 0300",
     "hca hca 0 s8\ntime 2019-10-31 s8\nhca hca 72FE0100000000000300 s8 profile\n"
     "hca hca 1 s9 #1 @2019-11-30\nhca hca 1 s10 #2 @2019-12-31\nhca hca 1 s11 #3 @2020-01-31\nhca hca 4 s12 #4 @2020-02-29\n"},
    {"elements without a value",
     "82 04 6C A12B  8D 04 93 13 08 3B FE FFFFFF 120000",
     "time 2021-11-01 s8\nvolume m3 3BFEFFFFFF120000 s8 profile\nvolume m3 - no_value s9 #1 @2021-10-01\nvolume m3 0.012 s10 #2 @2021-09-01\n"},
    {"a missing increment breaks the chain",
     "8B 04 15 003012  8D 04 95 1F 05 69 01 03 FF 11",
     "volume m3 12300.0 s8\nvolume m3 690103FF11 s8 profile\nvolume m3 12300.3 s9 #1\nvolume m3 - no_value s10 #2\nvolume m3 - no_value s11 #3\n"},
    {"increments without a base are absent",
     "8D 04 95 1F 04 69 01 03 02", "volume m3 69010302 s8 profile\nvolume m3 - no_value s9 #1\nvolume m3 - no_value s10 #2\n"},
    {"differences without a base are doubtful absolute values",
     "8D 04 93 13 05 FB FE 710000", "volume m3 FBFE710000 s8 profile\nvolume m3 0.071 doubtful s9 #1\n"},
    {"a base without a value", "8B 04 13 FFFFFF 8D 04 93 13 05 FB FE 710000",
     "volume m3 - no_value s8\nvolume m3 FBFE710000 s8 profile\nvolume m3 - no_value s9 #1\n"},
    {"quarters and half years", "82 04 6C 9F2C  8D 04 EE 1F 04 22 FE 0100  8D 04 EE 1F 04 11 FE 01 02",
     "time 2020-12-31 s8\nhca hca 22FE0100 s8 profile\nhca hca 1 s9 #1 @2021-03-31\n"
     "hca hca 11FE0102 s8 profile\nhca hca 1 s9 #1 @2021-06-30\nhca hca 2 s10 #2 @2021-12-31\n"},
    {"half months", "82 04 6C 8F2C  8D 04 EE 1F 05 31 FD 01 02 03  8D 04 EE 13 05 31 FD 01 02 03",
     "time 2020-12-15 s8\nhca hca 31FD010203 s8 profile\nhca hca 1 s9 #1 @2020-12-31\nhca hca 2 s10 #2 @2021-01-15\nhca hca 3 s11 #3 @2021-01-31\n"
     "hca hca 31FD010203 s8 profile\nhca hca 1 s9 #1 @2020-11-30\nhca hca 2 s10 #2 @2020-11-15\nhca hca 3 s11 #3 @2020-10-31\n"},
    {"array without time", "82 04 6C 9F2C  8D 04 EE 1F 04 01 00 01 02",
     "time 2020-12-31 s8\nhca hca 01000102 s8 profile\nhca hca 1 s9 #1\nhca hca 2 s10 #2\n"},
    {"element codings D and F are not allowed", "8D 04 EE 1F 04 0D 01 01 02  8D 04 EE 1F 04 0F 01 01 02",
     "hca hca 0D010102 s8 profile\nhca hca 0F010102 s8 profile\n"},
    {"float elements", "85 04 2B 0000C03F  8D 04 AB 1F 0A 45 01 0000003F 0000803E",
     "power W 1.5 s8\npower W 45010000003F0000803E s8 profile\npower W 2.0 s9 #1\npower W 2.25 s10 #2\n"},
    {"a profile VIFE on data that is no container", "4E F0 BF 13 E9 00 00 80 8B 6E", "duration>identifier \"6E8B800000E9\" s1 profile\n"},
    {"profile too short for an element", "8D 04 EE 1F 03 04 01 01 01 6E 05", "hca hca 040101 s8 profile\nhca hca 5\n"},
  /* clang-format on */
};

static void check_row(void **state)
{
    const struct row *row = *state;
    uint8_t message[MESSAGE_MAX];
    char text[8192];
    struct hyp_buf out;
    size_t len = test_hex(row->hex, message, sizeof(message));
    hyp_buf_init_fixed(&out, text, sizeof(text));
    describe_all(message, len, row->msb_first, NULL, &out);
    assert_string_equal(hyp_buf_terminate(&out), row->expected);
}

/* Every byte of every message belongs to a note, refused or not, and notes change nothing. */
static void check_notes_cover_all_bytes(void **state)
{
    const struct row *row = *state;
    static struct hyp_note notes[1024];
    uint8_t message[MESSAGE_MAX];
    bool covered[MESSAGE_MAX] = {false};
    char text[8192];
    struct hyp_buf out;
    struct hyp_explain explain;
    size_t len = test_hex(row->hex, message, sizeof(message));
    hyp_explain_init(&explain, notes, HYP_ARRAY_LEN(notes));
    hyp_buf_init_fixed(&out, text, sizeof(text));
    describe_all(message, len, row->msb_first, &explain, &out);
    assert_string_equal(hyp_buf_terminate(&out), row->expected);
    assert_int_equal(explain.dropped, 0);
    for (size_t i = 0; i < explain.count; i++) {
        assert_true(notes[i].offset + notes[i].len <= len);
        for (size_t k = 0; k < notes[i].len; k++) {
            covered[notes[i].offset + k] = true;
        }
        assert_true(notes[i].meaning[0] != '\0' && notes[i].clause[0] != '\0');
    }
    for (size_t i = 0; i < len; i++) {
        if (!covered[i]) {
            fail_msg("byte %zu has no note", i);
        }
    }
}

/* A message cut anywhere ends with a refusal or earlier, and never reads past its end: the copy
 * is exactly as long as the cut, so that the sanitizer sees a step too far. */
static void check_every_cut(void **state)
{
    const struct row *row = *state;
    uint8_t message[MESSAGE_MAX];
    size_t len = test_hex(row->hex, message, sizeof(message));
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *copy = malloc(cut == 0 ? 1 : cut);
        assert_non_null(copy);
        memcpy(copy, message, cut);
        char text[8192];
        struct hyp_buf out;
        hyp_buf_init_fixed(&out, text, sizeof(text));
        describe_all(copy, cut, row->msb_first, NULL, &out);
        assert_int_equal(hyp_buf_status(&out), HYP_OK);
        free(copy);
    }
}

static void check_vif_texts(void **state)
{
    (void)state;
    for (int table = HYP_VIF_PRIMARY; table <= HYP_VIF_ANY; table++) {
        for (unsigned code = 0; code < 128; code++) {
            assert_non_null(hyp_mbus_vif_text((enum hyp_vif_table)table, (uint8_t)code));
        }
    }
    assert_string_equal(hyp_mbus_vif_text(HYP_VIF_PRIMARY, 0x59), "flow temperature");
    assert_string_equal(hyp_mbus_vif_text(HYP_VIF_FB, 0x06), "reserved");
    assert_string_equal(hyp_mbus_record_error_text(0x16), "data overflow");
    assert_string_equal(hyp_mbus_record_error_text(0x99), "reserved");
}

static void check_raw(void **state)
{
    (void)state;
    const uint8_t message[] = {0x03, 0xFF, 0x22, 0x01, 0x02, 0x83};
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    hyp_mbus_records_init(&records, message, sizeof(message), NULL);
    assert_int_equal(hyp_mbus_records_next(&records, &record, NULL), HYP_OK);
    assert_int_equal(hyp_mbus_record_raw(&record), 0x830201);
    assert_int_equal(record.vife_count, 1);
    assert_int_equal(record.vife[0], 0x22);
    assert_int_equal(hyp_mbus_records_next(&records, &record, NULL), HYP_NOT_FOUND);
    assert_int_equal(hyp_mbus_records_next(&records, &record, NULL), HYP_NOT_FOUND);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, rows, check_row);
    TEST_ROWS(&list, rows, check_notes_cover_all_bytes);
    TEST_ROWS(&list, rows, check_every_cut);
    TEST_ONE(&list, check_vif_texts);
    TEST_ONE(&list, check_raw);
    return test_list_run(&list, "mbus_record");
}
