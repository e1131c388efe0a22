/* SPDX-License-Identifier: Apache-2.0 */
#include "feeding.h"

struct hyp_device water_meter(int64_t id, int16_t version, int16_t medium)
{
    return (struct hyp_device){.id = {id},
                               .tenant = FIELD_TENANT,
                               .manufacturer = "KAM",
                               .serial = "12345699",
                               .version = version,
                               .medium = medium,
                               .primary_address = -1,
                               .enabled = true};
}

void set_device(struct field *field, const struct hyp_device *device)
{
    assert_int_equal(hyp_collector_set_device(field->collector, device), HYP_OK);
}

void on_fed(void *user, const struct hyp_intake_result *result)
{
    struct fed *fed = user;
    fed->done = true;
    fed->result = *result;
}

bool is_fed(struct field *field, void *argument)
{
    (void)field;
    return ((struct fed *)argument)->done;
}

void begin_feed(struct field *field, const char *text, struct fed *fed)
{
    *fed = (struct fed){0};
    assert_int_equal(hyp_collector_feed(field->collector, FIELD_TENANT, hyp_str_from(text),
                                        HYP_SOURCE_PUSH, on_fed, fed),
                     HYP_OK);
}

struct hyp_intake_result feed(struct field *field, const char *text)
{
    struct fed fed;
    begin_feed(field, text, &fed);
    field_until(field, is_fed, &fed);
    return fed.result;
}
