/* SPDX-License-Identifier: Apache-2.0 */
/* A water meter, its telegram, and handing texts of telegrams to the collector. */
#ifndef HYP_TEST_COLLECT_FEEDING_H
#define HYP_TEST_COLLECT_FEEDING_H

#include "field.h"

/* Water meter KAM 12345699, version 0x68, medium 7, plain; 11.218 m3. */
#define TELEGRAM "1E442D2C9956341268077A550000000413D22B0000426C5F2C02FD17000003"

struct hyp_device water_meter(int64_t id, int16_t version, int16_t medium);
void set_device(struct field *field, const struct hyp_device *device);

struct fed {
    bool done;
    struct hyp_intake_result result;
};

/* For hyp_collector_feed, with a struct fed. */
void on_fed(void *user, const struct hyp_intake_result *result);
/* For field_until, with a struct fed. */
bool is_fed(struct field *field, void *argument);
void begin_feed(struct field *field, const char *text, struct fed *fed);
/* The same, to its end. */
struct hyp_intake_result feed(struct field *field, const char *text);

#endif
