/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of the device tests: application data as hex in, "key=value unit" text out. */
#ifndef HYP_TEST_DEVICE_VALUES_H
#define HYP_TEST_DEVICE_VALUES_H

#include "support/hex.h"
#include "support/rows.h"

#include "device/library.h"

/* A telegram as the layers below would hand it over. `data` outlives it. */
static inline void telegram_of(struct hyp_telegram *telegram, uint8_t medium,
                               const uint8_t *data, size_t len)
{
    memset(telegram, 0, sizeof(*telegram));
    telegram->content = HYP_CONTENT_RECORDS;
    telegram->lsb_first = true;
    telegram->meter.medium = medium;
    telegram->data = data;
    telegram->data_len = len;
}

/* "energy.s1=12.50 kWh; flow=(invalid); ", labels in braces. */
static inline void format_values(struct hyp_buf *out, const struct hyp_value *values,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct hyp_value *value = &values[i];
        hyp_point_key_format(out, &value->key);
        hyp_buf_append_char(out, '=');
        if (hyp_quality_is_usable(value->quality)) {
            hyp_value_format(out, value);
            if (value->unit != HYP_UNIT_NONE) {
                hyp_buf_append_fmt(out, " %s", hyp_unit_text(value->unit));
            }
        } else {
            hyp_buf_append_fmt(out, "(%s)", hyp_quality_text(value->quality));
        }
        if (value->label.len > 0) {
            hyp_buf_append_fmt(out, " {%.*s}", HYP_STR_ARG(value->label));
        }
        hyp_buf_append_text(out, "; ");
    }
}

#endif
