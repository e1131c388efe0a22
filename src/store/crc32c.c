/* SPDX-License-Identifier: Apache-2.0 */
#include "store/crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* x^32 + x^28 + ... + 1, reflected */
#define POLYNOMIAL 0x82F63B78u

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void fill_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        }
        tables[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (int t = 1; t < 8; t++) {
            tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xFF];
        }
    }
}

/* Eight bytes a turn, one table each. */
static uint32_t crc_portable(uint32_t crc, const uint8_t *data, size_t len)
{
    pthread_once(&tables_once, fill_tables);
    for (; len >= 8; data += 8, len -= 8) {
        uint32_t low = crc ^ ((uint32_t)data[0] | (uint32_t)data[1] << 8 |
                              (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24);
        crc = tables[7][low & 0xFF] ^ tables[6][low >> 8 & 0xFF] ^ tables[5][low >> 16 & 0xFF] ^
              tables[4][low >> 24] ^ tables[3][data[4]] ^ tables[2][data[5]] ^
              tables[1][data[6]] ^ tables[0][data[7]];
    }
    for (; len > 0; data++, len--) {
        crc = crc >> 8 ^ tables[0][(crc ^ *data) & 0xFF];
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_sse(uint32_t crc, const uint8_t *data,
                                                          size_t len)
{
    uint64_t wide = crc;
    for (; len >= 8; data += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, data, sizeof(word));
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; len > 0; data++, len--) {
        crc = __builtin_ia32_crc32qi(crc, *data);
    }
    return crc;
}

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#else
static uint32_t crc_sse(uint32_t crc, const uint8_t *data, size_t len)
{
    return crc_portable(crc, data, len);
}

static bool has_instruction(void)
{
    return false;
}
#endif

uint32_t hyp_crc32c_portable(const uint8_t *data, size_t len)
{
    return ~crc_portable(~0u, data, len);
}

uint32_t hyp_crc32c(const uint8_t *data, size_t len)
{
    return ~(has_instruction() ? crc_sse(~0u, data, len) : crc_portable(~0u, data, len));
}
