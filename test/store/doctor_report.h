/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the doctor share, of stores in files and in PostgreSQL.
 */
#ifndef HYP_TEST_STORE_DOCTOR_REPORT_H
#define HYP_TEST_STORE_DOCTOR_REPORT_H

#include "fixture.h"

#include "store/doctor.h"

/* What the doctor said, a line a finding. */
struct test_report {
    char text[65536];
    size_t len;
    size_t counts[HYP_FINDING_DAMAGE + 1];
    size_t without_remedy;
};

/* Keeps a finding. @user a struct test_report */
void test_report_note(void *user, const struct hyp_finding *finding);
void test_report_says(const struct test_report *report, const char *part);
/* Two devices with a month in chunks and a reading in the log, frames in both forms. */
void test_doctor_fill(struct test_store *t);
/* Asks the doctor; every finding must have a remedy. */
enum hyp_finding_level test_doctor_visit(const char *folder, int64_t now, int64_t least_free,
                                         struct test_report *report);

#endif
