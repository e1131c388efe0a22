/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wide: a number of 128 bits, for sums of many of 64.
 */
#ifndef HYP_STORE_WIDE_H
#define HYP_STORE_WIDE_H

__extension__ typedef __int128 hyp_int128;

#endif
