/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block format: the bits of a packed column (store/block.h), for those who pack and unpack.
 */
#ifndef HYP_STORE_BLOCK_FORMAT_H
#define HYP_STORE_BLOCK_FORMAT_H

#define MODE_EVERY_ROW 1u
#define MODE_ONE_EXPONENT 2u
#define MODE_ONE_QUALITY 4u
#define MODE_ONE_PAYLOAD 8u

#endif
