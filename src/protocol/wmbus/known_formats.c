/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compact frame formats of meters in the field, so that a compact frame opens before the first
 * full frame was heard. A format is a property of a firmware; its signature is the checksum of
 * its bytes, and every frame rebuilt with it proves itself.
 */
#include "protocol/wmbus/formats.h"

#include "base/str.h"
#include "protocol/wmbus/crc.h"

/* DIF and VIF bytes as hex, by signature. */
static const char *const known[] = {
    /* 052D */
    "426C441301FD17840113C40113840213C40213840313C40313840413C40413840513C4051384"
    "0613C40613840713C40713840813046D0413",
    /* 0905 */
    "04FF234413523B06FF1B426C61675167023B04138101E7FF0F",
    /* 1434 */
    "040E04FF0704FF08041384401484804014043B0259025D142D84100E84200E04FF22026C440E"
    "4413C44014C4804014426C",
    /* 2274 */
    "040504FB827504853C04FB82F53C01FD17",
    /* 36D4 */
    "02FF2004134413426C523B615B616751678101E7FF0F06FF1B",
    /* 52C2 */
    "030E430E0313426C022D01FF21",
    /* 61EB */
    "02FF2004134413A1015B8101E7FF0F",
    /* 6DE2 */
    "030F430F0314426C022D01FF21",
    /* 73DE */
    "22691269026905FF0905FF0A02FD17",
    /* 7C0E */
    "02FF200413523B",
    /* 82DD */
    "02F9FF15040604EEFF0704EEFF08041402FD17026C426C44064414043B0259025D",
    /* 8400 */
    "02F9FF15040604EEFF0704EEFF0804148440148480401402FD17026C426C44064414C44014C4"
    "804014043B0259025D",
    /* 8C13 */
    "040404843C042B04AB3C",
    /* A8ED */
    "02FF2004134413615B6167",
    /* A9F3 */
    "04FF2304134413426C023B92013BA2013B06FF1BA1015B91015BA10167",
    /* AE5A */
    "0406041404FF0704FF080259025D023B02FF22026C44064414426C",
    /* B34D */
    "040604FF0704FF080414043B0259025D04FF22026C44064414426C",
    /* C412 */
    "02FF20041392013BA1015B8101E7FF0F",
    /* D2F7 */
    "02FF2004134413615B5167",
    /* D7C4 */
    "040604FF0704FF08041402FD17043B0259025D",
    /* DD34 */
    "02FF2004134413",
    /* E7A2 */
    "040F04FF0704FF08041484401484804014043B0259025D142D84100F84200F04FF22026C440F"
    "4414C44014C4804014426C",
    /* F1E7 */
    "030643060314426C022D01FF21",
};

void hyp_formats_add_known(struct hyp_formats *formats)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(known); i++) {
        struct hyp_compact_format format;
        size_t len = 0;
        if (hyp_hex_decode(hyp_str_from(known[i]), format.difvif, sizeof(format.difvif), &len,
                           NULL) == HYP_OK) {
            format.len = (uint8_t)len;
            format.signature = hyp_wmbus_crc(format.difvif, len);
            /* Learned formats of the same signature are kept; the table is never full here. */
            if (hyp_formats_find(formats, format.signature) == NULL) {
                HYP_IGNORE(hyp_formats_learn(formats, &format));
            }
        }
    }
}
