/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any application data through every profile.
 * Input: profile, medium, byte order, then the data records.
 */
#include "device/library.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hyp_library *shared_library(void)
{
    static struct hyp_library *library;
    if (library == NULL && hyp_library_create(&library, NULL) != HYP_OK) {
        abort();
    }
    return library;
}

/* No two values of a telegram may share a key. */
static void check_keys(const struct hyp_value *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (hyp_point_key_equal(&values[i].key, &values[k].key)) {
                abort();
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > HYP_TELEGRAM_PLAIN_MAX) {
        return 0;
    }
    const struct hyp_library *library = shared_library();
    struct hyp_telegram telegram = {
        .content = data[2] % 5 == 4 ? HYP_CONTENT_FIXED : HYP_CONTENT_RECORDS,
        .has_status = true,
        .lsb_first = data[2] % 2 == 0,
        .data = data + 3,
        .data_len = size - 3,
    };
    telegram.meter.medium = data[1];
    const struct hyp_profile *profile =
        hyp_library_at(library, data[0] % hyp_library_count(library));
    struct hyp_arena arena;
    hyp_arena_init(&arena, 1 << 22);
    struct hyp_value *values = NULL;
    size_t count = 0;
    struct hyp_civil time;
    struct hyp_error err = {0};
    enum hyp_status status =
        hyp_device_values(library, profile, &telegram, &arena, &values, &count, &time, &err);
    if (status != HYP_OK && err.text[0] == '\0') {
        abort();
    }
    check_keys(values, count);
    hyp_arena_finish(&arena);
    return 0;
}
