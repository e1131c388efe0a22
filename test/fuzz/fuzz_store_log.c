/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of the intake log: what reads well, written again, reads the same.
 * Input: the row behind version and checksum, which are made to fit; once for each version.
 */
#include "base/buf.h"
#include "base/map.h"
#include "store/crc32c.h"
#include "store/log.h"
#include "store/log_format.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_head(struct hyp_buf *out, uint8_t version, const uint8_t *data, size_t size)
{
    hyp_buf_append_u8(out, version);
    hyp_buf_append_le32(out, hyp_crc32c(data, size));
    hyp_buf_append(out, data, size);
}

/* Reads all; writes it again when `writer` is not NULL. Returns a hash of what was read. */
static enum hyp_status read_all(struct hyp_log_reader *reader, struct hyp_log_writer *writer,
                                size_t *ret_readings, uint64_t *ret_hash)
{
    struct hyp_log_reading reading;
    enum hyp_status status;
    while ((status = hyp_log_next(reader, &reading)) == HYP_OK) {
        (*ret_readings)++;
        *ret_hash = *ret_hash * 31 + hyp_hash_bytes(&reading.device, sizeof(reading.device)) +
                    (uint64_t)reading.time * 7 + (uint64_t)reading.receive * 5 +
                    reading.kind * 3u + reading.source + reading.frame * 11u;
        if (writer != NULL) {
            hyp_log_reading(writer, &reading);
        }
        for (uint32_t i = 0; i < reading.value_count; i++) {
            struct hyp_log_value value;
            status = hyp_log_next_value(reader, &value);
            if (status != HYP_OK) {
                return status;
            }
            *ret_hash = *ret_hash * 31 + (uint64_t)value.point * 3 +
                        (uint64_t)value.payload * 5 + value.quality * 7u + value.kind * 11u +
                        (uint8_t)value.exp10 + hyp_hash_bytes(value.text.ptr, value.text.len);
            if (writer != NULL) {
                hyp_log_value(writer, &value);
            }
        }
    }
    return status == HYP_NOT_FOUND ? HYP_OK : status;
}

static void check_again(const struct hyp_log_reader *start, size_t readings, uint64_t hash)
{
    struct hyp_buf again;
    hyp_buf_init_heap(&again, (size_t)1 << 26);
    struct hyp_log_writer writer;
    struct hyp_log_reader reader = *start;
    size_t count = 0;
    uint64_t same = 0;
    hyp_log_begin(&writer, &again, reader.frame_row, readings);
    if (read_all(&reader, &writer, &count, &same) != HYP_OK || hyp_log_end(&writer) != HYP_OK) {
        abort();
    }
    count = 0;
    same = 0;
    if (hyp_log_open(&reader, again.data, again.len) != HYP_OK ||
        read_all(&reader, NULL, &count, &same) != HYP_OK || same != hash || count != readings) {
        abort();
    }
    hyp_buf_finish(&again);
}

static void check_version(uint8_t version, const uint8_t *data, size_t size)
{
    struct hyp_buf blob;
    hyp_buf_init_heap(&blob, size + 5);
    add_head(&blob, version, data, size);
    struct hyp_log_reader reader;
    if (hyp_log_open(&reader, blob.data, blob.len) == HYP_OK) {
        struct hyp_log_reader start = reader;
        size_t readings = 0;
        uint64_t hash = 0;
        if (read_all(&reader, NULL, &readings, &hash) == HYP_OK) {
            check_again(&start, readings, hash);
        }
    }
    hyp_buf_finish(&blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_version(HYP_LOG_PLAIN, data, size);
    check_version(HYP_LOG_PACKED, data, size);
    return 0;
}
