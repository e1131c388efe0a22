/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile reader on any text. What it accepts is used: its captures are decoded, its poll
 * blocks merged, all without reading past anything.
 */
#include "device/profile.h"

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

static void use(const struct hyp_profile *profile)
{
    struct hyp_buf report;
    size_t ok = 0;
    size_t failed = 0;
    hyp_buf_init_heap(&report, 1 << 20);
    if (hyp_profile_check_captures(shared_library(), profile, &report, &ok, &failed) ==
            HYP_OK &&
        ok + failed != profile->capture_count) {
        abort();
    }
    hyp_buf_finish(&report);
    struct hyp_modbus_block blocks[16];
    (void)hyp_profile_modbus_blocks(profile, HYP_POLL_DAILY, NULL, 0, blocks, 16);
    struct hyp_info_bit bits[8];
    (void)hyp_profile_info_bits(profile, UINT64_MAX, bits, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hyp_profile *profile = NULL;
    struct hyp_error err = {0};
    struct hyp_str source = {.ptr = (const char *)data, .len = size};
    enum hyp_status status = hyp_profile_create(source, "fuzz.yaml", &profile, &err);
    if (status == HYP_OK) {
        use(profile);
        hyp_profile_destroy(profile);
    } else if (err.text[0] == '\0') {
        abort(); /* a refusal without a reason */
    }
    return 0;
}
