/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor_report.h"

void test_report_note(void *user, const struct hyp_finding *finding)
{
    struct test_report *report = user;
    struct hyp_buf out;
    hyp_buf_init_fixed(&out, report->text + report->len, sizeof(report->text) - report->len);
    hyp_buf_append_fmt(&out, "%d %s: %s\n", (int)finding->level, finding->check, finding->what);
    report->len += out.len;
    report->text[report->len] = '\0';
    report->counts[finding->level]++;
    report->without_remedy += finding->level != HYP_FINDING_FINE &&
                              finding->remedy[0] == '\0' &&
                              strncmp(finding->what, "and ", 4) != 0;
}

enum hyp_finding_level test_doctor_visit(const char *folder, int64_t now, int64_t least_free,
                                         struct test_report *report)
{
    struct test_folder place_folder;
    struct test_place place;
    struct hyp_clock_fake clock;
    hyp_text_copy(place_folder.path, sizeof(place_folder.path), hyp_str_from(folder));
    test_place(&place, &place_folder);
    *report = (struct test_report){0};
    hyp_clock_fake_init(&clock, (hyp_utc){.ms = now});
    struct hyp_doctor doctor = {.folder = folder,
                                .database = place.config.database,
                                .schema = place.config.schema,
                                .clock = &clock.clock,
                                .least_free = least_free,
                                .user = report,
                                .tell = test_report_note};
    enum hyp_finding_level worst = HYP_FINDING_FINE;
    struct hyp_error err = {0};
    if (hyp_doctor_check(&doctor, &worst, &err) != HYP_OK) {
        fail_msg("the doctor says: %s", err.text);
    }
    assert_int_equal(report->without_remedy, 0);
    return worst;
}

void test_report_says(const struct test_report *report, const char *part)
{
    if (strstr(report->text, part) == NULL) {
        fail_msg("it does not say \"%s\", but:\n%s", part, report->text);
    }
}

void test_doctor_fill(struct test_store *t)
{
    struct hyp_device device = {.tenant = t->tenant, .serial = "1", .has_key = true};
    memcpy(device.key.bytes, "0123456789ABCDEF", 16);
    assert_int_equal(hyp_store_device_add(t->store, &device, NULL), HYP_OK);
    hyp_device_id other = test_device(t, "2");
    static uint8_t bytes[HYP_LIMIT_FRAME_BYTES];
    struct hyp_raw_frame frame = {.device = device.id,
                                  .received = {.ms = START_MS + SEAL_LATER_MS},
                                  .protocol = HYP_RAW_MBUS,
                                  .bytes = bytes,
                                  .len = sizeof(bytes)};
    for (int i = 0; i < 300; i++) {
        struct hyp_value value = test_decimal(HYP_NAME_VOLUME, i, 0);
        struct hyp_reading reading =
            test_reading(i % 2 == 0 ? device.id : other, START_MS + i * HOUR_MS, &value, 1);
        bytes[0] = (uint8_t)i;
        test_put_read_frame(t, &frame, &reading);
    }
    struct hyp_value value = test_decimal(HYP_NAME_VOLUME, 1000, 0);
    struct hyp_reading fresh = test_reading(device.id, START_MS + SEAL_LATER_MS, &value, 1);
    assert_int_equal(test_put(t, &fresh), HYP_OK);
}
