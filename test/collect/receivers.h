/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One telegram as each receiver says it. Made by hand after the descriptions of the receivers'
 * protocols, checksums by another program; the telegram is one of a water meter, 11.218 m3.
 */
#ifndef HYP_TEST_COLLECT_RECEIVERS_H
#define HYP_TEST_COLLECT_RECEIVERS_H

#include "model/plant.h"

#define RX_CONTENT                                                                             \
    "442D2C9956341268077A550000000413D22B0000426C5F2C02FD17000003" /* without L */
#define RX_FORMAT_A "1E442D2C99563412680744B27A550000000413D22B0000426C5F2C02FA43FD17000003EA99"
#define RX_FORMAT_B "20442D2C9956341268077A550000000413D22B0000426C5F2C02FD1700000367DB"

#define RX_IM871A "A5E2031E" RX_CONTENT "0102030469CBD7" /* time, RSSI, CRC */
#define RX_IM871A_PLAIN "A502031E" RX_CONTENT            /* none of them */
#define RX_IM871A_PING "A58102004CA3"                    /* an answer */
#define RX_AMB8465 "FF031E" RX_CONTENT "56"
#define RX_AMB8465_RSSI "FF031F" RX_CONTENT "E0B7"
#define RX_AMB8465_REPLY "FF8401007A"
#define RX_RC1180 "1E" RX_CONTENT
#define RX_RC1180_RSSI "1E" RX_CONTENT "8C"

#endif
