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

/* IMST in SLIP: time C001DB02 is escaped; then an answer. */
#define RX_IU891A                                                                              \
    "C00920DBDC01DBDD02030000B31E442D2C9956341268077A550000000413D22B000042"                   \
    "6C5F2C02FD170000031919C0"
#define RX_IU891A_PING "C0010200A0AFC0"
/* Embit: with RSSI, with RSSI and time, with neither; a notification of state. */
#define RX_EMBIT                                                                               \
    "0026E08007AF1E442D2C9956341268077A550000000413D22B0000426C5F2C02FD1700"                   \
    "0003D0"
#define RX_EMBIT_TIME                                                                          \
    "002AE0800FAF000123451E442D2C9956341268077A550000000413D22B0000426C5F2C"                   \
    "02FD1700000345"
#define RX_EMBIT_PLAIN                                                                         \
    "0025E000071E442D2C9956341268077A550000000413D22B0000426C5F2C02FD170000"                   \
    "03A0"
#define RX_EMBIT_STATE "0005841099"
/* Chips: mode T with preamble at an odd bit and noise behind, without preamble; mode C in
 * frame format A and B. */
#define RX_CHIPS_T                                                                             \
    "AAAAAAAAAAA1E9B938E1D89DA4B2B2D16E1A73562C9B8E46727332CACB2CB2CB2CE1A5"                   \
    "E271D1ACB2CB38735A3349DA2C7533385D389A9ACB2CB2C5E534B2EE9C"
#define RX_CHIPS_T_BARE                                                                        \
    "37271C3B13B496565A2DC34E6AC59371C8CE4E665959659659659C34BC4E3A35965967"                   \
    "0E6B46693B458EA6670BA7135359659658BCA69650"
#define RX_CHIPS_C_A                                                                           \
    "5555555561EAA668F2216964CAB1A093403A2593D2A8000000209E915800021362F960"                   \
    "17D21FE8B800001F54CD80"
#define RX_CHIPS_C_B                                                                           \
    "555555550F550F48110B4B26558D049A01DE954000000104F48AC000109B17CB00BF45"                   \
    "C00000D9F6D0"
/* Mode S: preamble from the middle of a byte, synchronisation, Manchester code; and only that.
 */
#define RX_CHIPS_S                                                                             \
    "B2AAAAAAAAAAA8ED2D52AD35354CB34CB4D2D3332D4B35534D2CD5552B3534CB4D2ACD33335555555555"     \
    "555535534AB34D4CCB55555555354D2CB532AB4CB5554CAACD354AAAB3532B55555555554AACCCD2D3A0"
#define RX_CHIPS_S_BARE                                                                        \
    "A9569A9AA659A65A69699996A59AA9A6966AAA959A9A65A695669999AAAAAAAAAAAAAA9AA9A559A6A665"     \
    "AAAAAAAA9AA6965A9955A65AAAA655669AA55559A995AAAAAAAAAAA556666969C0"
/* Ones and zeros exchanged behind the synchronisation. */
#define RX_CHIPS_S_SWAPPED                                                                     \
    "B2AAAAAAAAAAA8ED2CAD52CACAB34CB34B2D2CCCD2B4CAACB2D32AAAD4CACB34B2D532CCCCAAAAAAAAAA"     \
    "AAAACAACB54CB2B334AAAAAAAACAB2D34ACD54B34AAAB35532CAB5554CACD4AAAAAAAAAAB553332D2DA0"

#endif
