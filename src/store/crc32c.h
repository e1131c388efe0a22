/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C (Castagnoli, RFC 3720): the checksum of everything the store writes.
 */
#ifndef HYP_STORE_CRC32C_H
#define HYP_STORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of all bytes at once; 0 for none. Any thread. */
uint32_t hyp_crc32c(const uint8_t *data, size_t len);
/* The same without the processor's own instruction; for machines without it and for tests. */
uint32_t hyp_crc32c_portable(const uint8_t *data, size_t len);

#endif
