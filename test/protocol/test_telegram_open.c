/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole telegrams, opened down to their application data: who sent them, what protects them,
 * and why the others are refused. Vectors: OMS volume 2 annex N, EN 13757 examples, and
 * telegrams that owners of meters published. Rows named "trap" are what a naive decoder gets
 * wrong.
 */
#include "support/rows.h"

#include "base/buf.h"
#include "protocol/telegram.h"
#include "protocol/wmbus/formats.h"

#define FRAME_MAX 400
#define NOTES_MAX 512

static size_t from_hex(const char *hex, uint8_t *out, size_t capacity)
{
    size_t len = 0;
    if (hyp_hex_decode(hyp_str_from(hex), out, capacity, &len, NULL) != HYP_OK) {
        fail_msg("bad hex in a row: %s", hex);
    }
    return len;
}

/* What the context of a test knows: one key of either length for every meter, and formats. */
struct keyring {
    uint8_t key[16];
    size_t key_len;                  /* 0, 8 or 16 */
    struct hyp_meter_identity asked; /* whose key was asked for last */
    struct hyp_formats formats;
};

static bool find_key(void *user, const struct hyp_meter_identity *meter,
                     struct hyp_aes_key *ret_key)
{
    struct keyring *ring = user;
    ring->asked = *meter;
    memcpy(ret_key->bytes, ring->key, sizeof(ret_key->bytes));
    return ring->key_len == 16;
}

static bool find_short_key(void *user, const struct hyp_meter_identity *meter,
                           uint8_t ret_key[static 8])
{
    struct keyring *ring = user;
    ring->asked = *meter;
    memcpy(ret_key, ring->key, 8);
    return ring->key_len == 8;
}

static const struct hyp_compact_format *find_format(void *user, uint16_t signature)
{
    const struct keyring *ring = user;
    return hyp_formats_find(&ring->formats, signature);
}

static void learn_format(void *user, const struct hyp_compact_format *format)
{
    struct keyring *ring = user;
    HYP_IGNORE(hyp_formats_learn(&ring->formats, format)); /* known already is as good */
}

static struct hyp_telegram_context context_of(struct keyring *ring, const char *key,
                                              bool accept_plain)
{
    hyp_formats_init(&ring->formats);
    ring->key_len = key != NULL ? from_hex(key, ring->key, sizeof(ring->key)) : 0;
    return (struct hyp_telegram_context){
        .user = ring,
        .find_key = find_key,
        .find_short_key = find_short_key,
        .find_format = find_format,
        .learn_format = learn_format,
        .accept_plain = accept_plain,
    };
}

static struct keyring ring;
static struct hyp_telegram telegram;
static struct hyp_note notes[NOTES_MAX];

static bool is_noted(const struct hyp_explain *explain, size_t offset)
{
    for (size_t i = 0; i < explain->count; i++) {
        const struct hyp_note *note = &explain->notes[i];
        if (note->stage == 0 && offset >= note->offset &&
            offset < (size_t)note->offset + note->len) {
            return true;
        }
    }
    return false;
}

/* Every byte received has a note, or belongs to the data that the records' notes explain. */
static void check_notes(const struct hyp_explain *explain, size_t len)
{
    const bool same = telegram.data_offset + telegram.data_len <= telegram.received_len &&
                      explain->stage == 0;
    assert_int_equal(explain->dropped, 0);
    for (size_t at = 0; at < len; at++) {
        const bool data =
            same && at >= telegram.data_offset && at < telegram.data_offset + telegram.data_len;
        if (!data && !is_noted(explain, at)) {
            fail_msg("byte %zu has no note", at);
        }
    }
}

/* Opens with and without notes; both must agree. */
static enum hyp_status open_hex(const char *hex, const struct hyp_telegram_context *context,
                                struct hyp_error *err)
{
    uint8_t bytes[FRAME_MAX];
    const size_t len = from_hex(hex, bytes, sizeof(bytes));
    enum hyp_status silent =
        hyp_telegram_open(bytes, len, HYP_LINK_UNSET, context, &telegram, NULL, NULL);
    struct hyp_explain explain;
    hyp_explain_init(&explain, notes, NOTES_MAX);
    *err = (struct hyp_error){.offset = -1};
    enum hyp_status status =
        hyp_telegram_open(bytes, len, HYP_LINK_UNSET, context, &telegram, &explain, err);
    assert_int_equal(silent, status);
    check_notes(&explain, len);
    if (status != HYP_OK) {
        assert_true(err->text[0] != '\0');
        assert_in_range(err->offset, 0, len);
        assert_int_equal(telegram.data_len, 0);
    }
    return status;
}

#define KEY_OMS_A "0102030405060708090A0B0C0D0E0F11"
#define KEY_OMS_B "000102030405060708090A0B0C0D0E0F"
#define KEY_WRONG "00000000000000000000000000000000"
#define OMS_PLAIN "2F2F0C1427048502046D32371F1502FD1700002F2F2F2F2F2F2F2F2F2F2F2F2F"

#define OMS_A                                                                                  \
    "2E44931578563412330333637A2A0020255923C95AAA26D1B2E7493BC2AD013EC4A6F6D3529B520EDFF0EA6D" \
    "EFC955B29D6D69EBF3EC8A"
#define OMS_B_HEAD                                                                             \
    "434493157856341233037AC98C2075900F002C25B30A000021924D4FBA372FB66E017A75002007109058475F" \
    "4BC9D1281DF878B80A1B0F98B629024AAC7279429398BFC549233C0140829B93BAA1"
/* The same without block CRCs, so that bytes can be changed. */
#define OMS_B                                                                                  \
    "434493157856341233038C2075900F002C25B30A000021924D4F2FB66E017A7500200710"                 \
    "9058475F4BC91DF878B80A1B0F98B629024AAC727942BFC549233C0140829B93"
#define KAM_CTR                                                                                \
    "2A442D2C998734761B168D2091D37CAC21E1D68CDAFFCD3DC452BD802913FF7B1706CA9E355D6C2701CC24"
#define KAM_CTR_KEY "28F64A24988064A079AA2C807D6102AE"
#define PARTIAL                                                                                \
    "304493444433221155378C00757288776655934455080004100500DFE2A782146D1513581CD2F83F39040CFD" \
    "1078563412"
#define PARTIAL_PLAIN "2F2F0B6E341200426CFE044B6E5634020CFD1078563412"
#define WIRED_PARTIAL                                                                          \
    "682C2C6808FD7288776655934455080004100500DFE2A782146D1513581CD2F83F39040CFD10785634120C78" \
    "443322112616"

/* Danfoss SONOMETER 1000 and 1100; their owner read 316583 kWh and 5655.149 m3, 24007 kWh and
   9549.82 m3 off the displays. */
#define SONOMETER                                                                              \
    "3744D3102B04198923367ADF50293CBE9096999A0C57B93AE2E90AFEC18252F41DEC4AA0E578E5C92D6CEDC5" \
    "EAC92BD30F6998F614461AE3"
#define SONOMETER_PLAIN                                                                        \
    "0C05305816030C12931455563B3ADDBDEB3A5ABDEB3A5EBDEB8C10050000000009A718738120FD1A00"

static const struct open_row {
    const char *name;
    const char *hex;
    const char *key;
    bool accept_plain;
    enum hyp_status status;
    enum hyp_encryption_state encryption;
    const char *meter;  /* manufacturer and id, NULL = no identity */
    const char *sender; /* id on the link when it differs */
    const char *data;   /* application data, NULL when refused or none */
} open_rows[] = {
    {"profile A, format A",                                        OMS_A,                                                            KEY_OMS_A,                          false, HYP_OK,          HYP_ENCRYPTION_DECRYPTED,
     "ELS12345678",                                                                                                                                                                                                                           NULL,       OMS_PLAIN                                       },
    {"profile A without a key",                                    OMS_A,                                                            NULL,                               false, HYP_NO_KEY,      HYP_ENCRYPTION_NO_KEY,
     "ELS12345678",                                                                                                                                                                                                                           NULL,       NULL                                            },
    {"trap 3: profile A, wrong key noticed by 2F 2F",              OMS_A,                                                            KEY_WRONG,                          false, HYP_WRONG_KEY,
     HYP_ENCRYPTION_WRONG_KEY,                                                                                                                                                                                                 "ELS12345678", NULL,       NULL                                            },
    {"profile B, format A",                                        OMS_B_HEAD,                                                       KEY_OMS_B,                          false, HYP_OK,          HYP_ENCRYPTION_DECRYPTED,
     "ELS12345678",                                                                                                                                                                                                                           NULL,       OMS_PLAIN                                       },
    {"profile B, stripped",                                        OMS_B,                                                            KEY_OMS_B,                          false, HYP_OK,          HYP_ENCRYPTION_DECRYPTED,
     "ELS12345678",                                                                                                                                                                                                                           NULL,       OMS_PLAIN                                       },
    {"profile B, wrong key",                                       OMS_B,                                                            KEY_WRONG,                          false, HYP_WRONG_KEY,   HYP_ENCRYPTION_WRONG_KEY,
     "ELS12345678",                                                                                                                                                                                                                           NULL,       NULL                                            },
    {"trap 3: profile B, last byte changed under the right key",
     "434493157856341233038C2075900F002C25B30A000021924D4F2FB66E017A75002007109058475F4BC91DF8"
     "78B80A1B0F98B629024AAC727942BFC549233C0140829B92",                                                                             KEY_OMS_B,                          false, HYP_BAD_CHECK,   HYP_ENCRYPTION_NONE,          "ELS12345678", NULL,       NULL                                            },
    {"trap 3: profile B, status byte changed under the right key",
     "434493157856341233038C2075900F002C25B30A000021924D4F2FB66E017A75042007109058475F4BC91DF8"
     "78B80A1B0F98B629024AAC727942BFC549233C0140829B93",                                                                             KEY_OMS_B,                          false, HYP_BAD_CHECK,   HYP_ENCRYPTION_NONE,          "ELS12345678", NULL,       NULL                                            },
    {"mode 7 without a message counter",
     "2F4493157856341233037A75002007109058475F4BC91DF878B80A1B0F98"
     "B629024AAC727942BFC549233C0140829B93",                                                                                         KEY_OMS_B,                          false, HYP_MALFORMED,   HYP_ENCRYPTION_NONE,          "ELS12345678", NULL,       NULL                                            },
    {"trap 3: mode 7 without a MAC",
     "334493157856341233037A7500202710B30A00009058475F4BC91DF878B8"
     "0A1B0F98B629024AAC727942BFC549233C0140829B93",                                                                                 KEY_OMS_B,                          false, HYP_UNSUPPORTED, HYP_ENCRYPTION_NONE,          "ELS12345678", NULL,       NULL                                            },
    {"Kamstrup AES-CTR",                                           KAM_CTR,                                                          KAM_CTR_KEY,                        false, HYP_OK,          HYP_ENCRYPTION_DECRYPTED,
     "KAM76348799",                                                                                                                                                                                                                           NULL,       "02FF207100041308190000441308190000615B7F616713"},
    {"Kamstrup AES-CTR, wrong key",                                KAM_CTR,                                                          KEY_WRONG,                          false, HYP_WRONG_KEY,
     HYP_ENCRYPTION_WRONG_KEY,                                                                                                                                                                                                 "KAM76348799", NULL,       NULL                                            },
    {"Kamstrup AES-CTR, no key",                                   KAM_CTR,                                                          NULL,                               false, HYP_NO_KEY,      HYP_ENCRYPTION_NO_KEY,
     "KAM76348799",                                                                                                                                                                                                                           NULL,       NULL                                            },
    {"trap 1: AES-CTR behind a repeater (hop bit in CC)",
     "24442D2C692845631B168D3050209CD621B006B1140AEF4953AE5B86FAFC0B00E70705B84689",                                                 "4E5508544202058100DFEFA06B0934A5", false, HYP_OK,          HYP_ENCRYPTION_DECRYPTED,     "KAM63452869",
     NULL,                                                                                                                                                                                                                                                "02FF2000000413803C070044139F380700"            },
    {"trap 2, 3: long header gives the vector; the tail is plain", PARTIAL,                                                          KEY_OMS_B,                          false,
     HYP_OK,                                                                                                                                                                                     HYP_ENCRYPTION_DECRYPTED,     "QDS55667788", "11223344", PARTIAL_PLAIN                                   },
    {"wired and partly encrypted",                                 WIRED_PARTIAL,                                                    KEY_OMS_B,                          false, HYP_OK,
     HYP_ENCRYPTION_DECRYPTED,                                                                                                                                                                                                 "QDS55667788", NULL,       PARTIAL_PLAIN "0C7844332211"                    },
    {"transport layer without data",                               "194793444433221155378C20758B8877665593445508FF040000",
     NULL,                                                                                                                                                               false, HYP_OK,          HYP_ENCRYPTION_NONE,          "QDS55667788", "11223344", NULL                                            },
 /* Made with openssl: AES-128-CBC, M ID VER MED ACC x 8, over the plain data below. */
    {"Diehl under the key of its factory",
     "1E44A5117856341270077A2A00100530EB00CBCB9407064F284B5BD7BB0F07",                                                               NULL,                               false, HYP_OK,
     HYP_ENCRYPTION_DECRYPTED,                                                                                                                                                                                                 "DME12345678", NULL,       "2F2F0C13785634120B3B2143002F2F2F"              },
    {"Diehl under a key of its own that is not known",
     "1E44A5117856341270077A2A001005675513FFCCB0367DE3812A92672B31B7",                                                               NULL,                               false, HYP_NO_KEY,
     HYP_ENCRYPTION_NO_KEY,                                                                                                                                                                                                    "DME12345678", NULL,       NULL                                            },
    {"Diehl under another key than the one known",
     "1E44A5117856341270077A2A00100530EB00CBCB9407064F284B5BD7BB0F07",                                                               KEY_WRONG,                          false,
     HYP_WRONG_KEY,                                                                                                                                                                              HYP_ENCRYPTION_WRONG_KEY,     "DME12345678", NULL,       NULL                                            },
    {"DES of an old meter",                                        "1E468B050100000004077A01001002BBD1EAFD0222F871CB70DA16C78AE098",
     "0102030405060708",                                                                                                                                                 false, HYP_OK,          HYP_ENCRYPTION_DECRYPTED,     "ALK00000001", NULL,
     "2F2F0413E80300002F2F2F2F2F2F2F2F"                                                                                                                                                                                                                                                                   },
    {"trap 18: scrambled by Danfoss, bit 12 is no mode",           SONOMETER,                                                        NULL,                               false, HYP_OK,
     HYP_ENCRYPTION_DECRYPTED,                                                                                                                                                                                                 "DFS36238919", NULL,       SONOMETER_PLAIN                                 },
    {"scrambled, one bit wrong",
     "3744D3102B04198923367ADF50293CBE9096999A0C57B93AE2E90AFEC18252F41DEC4AA0E578E5C92D6CEDC5"
     "EAC92BD30F6998F614461AE2",                                                                                                     NULL,                               false, HYP_WRONG_KEY,   HYP_ENCRYPTION_WRONG_KEY,     "DFS36238919", NULL,       NULL                                            },
    {"format B with ELL",                                          "1444AE0C7856341201078C2027780B134365877AC5",                     NULL,                               false, HYP_OK,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      "CEN12345678", NULL,       "0B13436587"                                    },
    {"no CRCs, but the last two bytes read as one",
     "144493157856341201077A4C0000000C1376000000",                                                                                   NULL,                               false, HYP_OK,          HYP_ENCRYPTION_NONE,
     "ELS12345678",                                                                                                                                                                                                                           NULL,       "0C1376000000"                                  },
    {"format B, cut record: the CRC stays one",                    "1444AE0C7856341201078C2027780C13436587B357",
     NULL,                                                                                                                                                               false, HYP_OK,          HYP_ENCRYPTION_NONE,          "CEN12345678", NULL,       "0C13436587"                                    },
    {"trap 11: RSSI behind the telegram is no record",
     "1244AE0C7856341201078C2027780B1343658704",                                                                                     NULL,                               false, HYP_OK,          HYP_ENCRYPTION_NONE,
     "CEN12345678",                                                                                                                                                                                                                           NULL,       "0B13436587"                                    },
    {"trap 9: hexadecimal id with leading zeros",                  "1244AE0C069C140001078C2027780B13436587",
     NULL,                                                                                                                                                               false, HYP_OK,          HYP_ENCRYPTION_NONE,          "CEN00149C06", NULL,       "0B13436587"                                    },
    {"header says mode 5, payload is plain: refused",
     "2644496A2463025514377234661815496A0007760010052F2F0C1355140000026CA92B2F2F2F2F",                                               KEY_OMS_A,                          false, HYP_WRONG_KEY,   HYP_ENCRYPTION_WRONG_KEY,     "ZRI15186634", "55026324",
     NULL                                                                                                                                                                                                                                                                                                 },
    {"mode 5 of test data already opened",
     "2644496A2463025514377234661815496A0007760010052F2F0C1355140000026CA92B2F2F2F2F",                                               NULL,
     true,                                                                                                                                                                      HYP_OK,          HYP_ENCRYPTION_ALREADY_PLAIN, "ZRI15186634", "55026324",
     "2F2F0C1355140000026CA92B2F2F2F2F"                                                                                                                                                                                                                                                                   },
    {"mode 8",                                                     "1444AE0C7856341201077A010010080B134365870000",                   NULL,                               false, HYP_UNSUPPORTED,
     HYP_ENCRYPTION_UNSUPPORTED,                                                                                                                                                                                               "CEN12345678", NULL,       NULL                                            },
    {"mode 9",                                                     "1444AE0C7856341201077A010010090B134365870000",                   NULL,                               false, HYP_UNSUPPORTED,
     HYP_ENCRYPTION_UNSUPPORTED,                                                                                                                                                                                               "CEN12345678", NULL,       NULL                                            },
    {"mode 13",                                                    "1444AE0C7856341201077A0100100D0B134365870000",                   NULL,                               false, HYP_UNSUPPORTED,
     HYP_ENCRYPTION_UNSUPPORTED,                                                                                                                                                                                               "CEN12345678", NULL,       NULL                                            },
    {"mode 5 with more blocks than bytes",                         "1444AE0C7856341201077A010020050B134365870000",
     KEY_OMS_A,                                                                                                                                                          false, HYP_MALFORMED,   HYP_ENCRYPTION_NONE,          "CEN12345678", NULL,       NULL                                            },
    {"reserved encryption of the extended link layer",
     "1744AE0C7856341201078D2027112233440000780B13436587",                                                                           NULL,                               false, HYP_UNSUPPORTED,
     HYP_ENCRYPTION_UNSUPPORTED,                                                                                                                                                                                               "CEN12345678", NULL,       NULL                                            },
    {"payload CRC of a plain session",                             "1744AE0C7856341201078D2027112233040000780B13436587",
     NULL,                                                                                                                                                               false, HYP_BAD_CHECK,   HYP_ENCRYPTION_NONE,          "CEN12345678", NULL,       NULL                                            },
    {"extended link layer V",                                      "1244AE0C785634120107862027780B13436587",                         NULL,                               false,
     HYP_UNSUPPORTED,                                                                                                                                                                            HYP_ENCRYPTION_NONE,          "CEN12345678", NULL,       NULL                                            },
    {"fragment of a message",                                      "1344AE0C78563412010790020140780B13436587",                       NULL,                               false,
     HYP_UNSUPPORTED,                                                                                                                                                                            HYP_ENCRYPTION_NONE,          "CEN12345678", NULL,       NULL                                            },
    {"authentication layer shorter than its fields",
     "1444AE0C7856341201079003002C25780B13436587",                                                                                   NULL,                               false, HYP_MALFORMED,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      "CEN12345678", NULL,       NULL                                            },
    {"command to a meter",                                         "1253AE0C7856341201078C20275A0B13436587",                         NULL,                               false,
     HYP_UNSUPPORTED,                                                                                                                                                                            HYP_ENCRYPTION_NONE,          "CEN12345678", NULL,       NULL                                            },
    {"command CI in a meter's telegram",                           "1244AE0C7856341201078C2027510B13436587",                         NULL,                               false,
     HYP_UNSUPPORTED,                                                                                                                                                                            HYP_ENCRYPTION_NONE,          "CEN12345678", NULL,       NULL                                            },
    {"DLMS",                                                       "1244AE0C7856341201078C20277D0B13436587",                         NULL,                               false, HYP_UNSUPPORTED,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      "CEN12345678", NULL,       NULL                                            },
    {"reserved CI",                                                "1244AE0C7856341201078C2027400B13436587",                         NULL,                               false, HYP_UNSUPPORTED,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      "CEN12345678", NULL,       NULL                                            },
    {"short header cut",                                           "0C44AE0C7856341201077A0100",                                     NULL,                               false, HYP_MALFORMED,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      "CEN12345678", NULL,       NULL                                            },
    {"wireless application error",                                 "0F44AE0C7856341201076E0100000008",                               NULL,                               false, HYP_REFUSED,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      "CEN12345678", NULL,       NULL                                            },
    {"compact frame of an unknown format",
     "1844AE0C78563412010779E2E2D3D3010203040506070809000000",                                                                       NULL,                               false, HYP_NOT_FOUND,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      "CEN12345678", NULL,       NULL                                            },
 /* wired */
    {"wired application error",                                    "68040468080170088116",                                           NULL,                               false, HYP_REFUSED,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      NULL,          NULL,       NULL                                            },
    {"wired long header cut",                                      "680808680802727856341224B416",                                   NULL,                               false, HYP_MALFORMED,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      NULL,          NULL,       NULL                                            },
    {"wired command",                                              "680F0F6853FE510C79785634120C06070100005516",                     NULL,                               false,
     HYP_UNSUPPORTED,                                                                                                                                                                            HYP_ENCRYPTION_NONE,          NULL,          NULL,       NULL                                            },
    {"wired checksum wrong",                                       "68040468080170088216",                                           NULL,                               false, HYP_BAD_CHECK,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      NULL,          NULL,       NULL                                            },
    {"wired stop byte wrong",                                      "68040468080170088117",                                           NULL,                               false, HYP_MALFORMED,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      NULL,          NULL,       NULL                                            },
    {"wired length bytes differ",                                  "68040568080170088116",                                           NULL,                               false, HYP_MALFORMED,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      NULL,          NULL,       NULL                                            },
    {"wired cut",                                                  "680404680801700881",                                             NULL,                               false, HYP_NEED_MORE,   HYP_ENCRYPTION_NONE,          NULL,
     NULL,                                                                                                                                                                                                                                                NULL                                            },
    {"wired bytes behind the end",                                 "6804046808017008811600",                                         NULL,                               false, HYP_MALFORMED,
     HYP_ENCRYPTION_NONE,                                                                                                                                                                                                      NULL,          NULL,       NULL                                            },
    {"wired acknowledgement",                                      "E5",                                                             NULL,                               false, HYP_UNSUPPORTED, HYP_ENCRYPTION_NONE,          NULL,
     NULL,                                                                                                                                                                                                                                                NULL                                            },
    {"wired fixed structure",                                      "6813136808057378563412 0A00E97E01000000350100003C16",            NULL,
     false,                                                                                                                                                                     HYP_OK,          HYP_ENCRYPTION_NONE,          NULL,          NULL,       "785634120A00E97E0100000035010000"              },
    {"MSB first: header too",                                      "68151568080176123456782C2D3404100000000406000006004416",         NULL,
     false,                                                                                                                                                                     HYP_OK,          HYP_ENCRYPTION_NONE,          "KAM12345678", NULL,       "040600000600"                                  },
    {"wired alarm",                                                "68040468080171017B16",                                           NULL,                               false, HYP_OK,          HYP_ENCRYPTION_NONE,          NULL,
     NULL,                                                                                                                                                                                                                                                "01"                                            },
    {"wired response of a selected application",                   "68040468080166006F16",                                           NULL,                               false,
     HYP_UNSUPPORTED,                                                                                                                                                                            HYP_ENCRYPTION_NONE,          NULL,          NULL,       NULL                                            },
};

static void check_open(void **state)
{
    const struct open_row *row = *state;
    const struct hyp_telegram_context context = context_of(&ring, row->key, row->accept_plain);
    struct hyp_error err;
    enum hyp_status status = open_hex(row->hex, &context, &err);
    if (status != row->status) {
        fail_msg("%s: %s", hyp_status_name(status), err.text);
    }
    assert_int_equal(telegram.encryption, row->encryption);
    assert_int_equal(telegram.has_identity, row->meter != NULL);
    if (row->meter != NULL) {
        assert_memory_equal(telegram.meter.manufacturer, row->meter, 3);
        assert_string_equal(telegram.meter.id, row->meter + 3);
        if (telegram.link == HYP_LINK_WMBUS) {
            assert_string_equal(telegram.sender.id,
                                row->sender != NULL ? row->sender : row->meter + 3);
        }
    }
    uint8_t data[FRAME_MAX];
    const size_t len = row->data != NULL ? from_hex(row->data, data, sizeof(data)) : 0;
    assert_int_equal(telegram.data_len, len);
    assert_memory_equal(telegram.data, data, len);
}

/* --- vectors of our own making --- */

#define VECTOR_PLAIN "0C1427048502046D32371F1502FD170000"

static const struct vector_row {
    const char *name;
    const char *hex;
    enum hyp_encryption_state encryption;
} vector_rows[] = {
#include "security_vectors.inc"
};

static enum hyp_status open_vector(const uint8_t *bytes, size_t len, const char *key)
{
    const struct hyp_telegram_context context = context_of(&ring, key, false);
    return hyp_telegram_open(bytes, len, HYP_LINK_UNSET, &context, &telegram, NULL, NULL);
}

/* Opened with the key; with another or none the reason is named and no byte comes out. */
static void check_vector(void **state)
{
    const struct vector_row *row = *state;
    const bool secret = row->encryption == HYP_ENCRYPTION_DECRYPTED;
    uint8_t bytes[FRAME_MAX];
    uint8_t data[FRAME_MAX];
    struct hyp_error err;
    const size_t len = from_hex(row->hex, bytes, sizeof(bytes));
    const size_t data_len = from_hex(VECTOR_PLAIN, data, sizeof(data));
    const struct hyp_telegram_context context = context_of(&ring, KEY_OMS_B, false);
    enum hyp_status status = open_hex(row->hex, &context, &err);
    if (status != HYP_OK) {
        fail_msg("%s: %s", hyp_status_name(status), err.text);
    }
    assert_int_equal(telegram.encryption, row->encryption);
    const bool checked = telegram.security_mode != 0; /* 2F 2F in front */
    assert_in_range(telegram.data_len, data_len + (checked ? 2 : 0), FRAME_MAX);
    assert_memory_equal(telegram.data + (checked ? 2 : 0), data, data_len);
    assert_int_equal(open_vector(bytes, len, KEY_WRONG), secret ? HYP_WRONG_KEY : HYP_OK);
    assert_int_equal(open_vector(bytes, len, NULL), secret ? HYP_NO_KEY : HYP_OK);
}

/* Under a MAC or a payload check no bit behind the link address may change unnoticed, apart
 * from the two of CC that a repeater sets. In mode 5 the first block is the only proof. */
static void no_changed_bit_passes(void **state)
{
    const struct vector_row *row = *state;
    uint8_t bytes[FRAME_MAX];
    const size_t len = from_hex(row->hex, bytes, sizeof(bytes));
    assert_int_equal(open_vector(bytes, len, KEY_OMS_B), HYP_OK);
    /* Two bytes of MAC pass one of 65,536 forgeries by design. */
    if (telegram.security_mode != 7 || strstr(row->name, " 2 bytes") != NULL) {
        return;
    }
    const size_t transport = telegram.payload_offset;
    for (size_t bit = transport * 8; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (open_vector(bytes, len, KEY_OMS_B) == HYP_OK) {
            fail_msg("bit %zu of byte %zu may change", bit % 8, bit / 8);
        }
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* --- identity --- */

/* A key belongs to one meter: with any bit of the address changed it is somebody else's. */
static bool find_key_of_one(void *user, const struct hyp_meter_identity *meter,
                            struct hyp_aes_key *ret_key)
{
    return strcmp(meter->id, "55667788") == 0 && meter->manufacturer_code == 0x4493 &&
           meter->version == 0x55 && meter->medium == 8 && find_key(user, meter, ret_key);
}

static void changed_address_is_another_meter(void **state)
{
    (void)state;
    struct hyp_telegram_context context = context_of(&ring, KEY_OMS_B, false);
    context.find_key = find_key_of_one;
    uint8_t bytes[FRAME_MAX];
    const size_t len = from_hex(PARTIAL, bytes, sizeof(bytes));
    const size_t long_header = 14; /* behind link, ELL and CI */
    for (size_t bit = long_header * 8; bit < (long_header + 8) * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(
            hyp_telegram_open(bytes, len, HYP_LINK_WMBUS, &context, &telegram, NULL, NULL),
            HYP_NO_KEY);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(
        hyp_telegram_open(bytes, len, HYP_LINK_WMBUS, &context, &telegram, NULL, NULL), HYP_OK);
}

/* The key asked for is that of the meter in the long header, not of the adapter that sent it.
 */
static void key_of_the_meter_is_asked(void **state)
{
    (void)state;
    const struct hyp_telegram_context context = context_of(&ring, KEY_OMS_B, false);
    struct hyp_error err;
    assert_int_equal(open_hex(PARTIAL, &context, &err), HYP_OK);
    assert_string_equal(ring.asked.id, "55667788");
    assert_int_equal(ring.asked.medium, 8);
    assert_int_equal(telegram.sender.medium, 0x37);
}

/* Nothing of key or payload in a text that may end in a log. */
static void errors_tell_no_secrets(void **state)
{
    (void)state;
    const struct hyp_telegram_context context = context_of(&ring, KAM_CTR_KEY, false);
    struct hyp_error err;
    assert_int_equal(open_hex(OMS_A, &context, &err), HYP_WRONG_KEY);
    assert_null(strstr(err.text, "28F6"));
    assert_null(strstr(err.text, "5923"));
}

int main(void)
{
    struct test_list list = {0};
    TEST_ROWS(&list, open_rows, check_open);
    TEST_ROWS(&list, vector_rows, check_vector);
    TEST_ROWS(&list, vector_rows, no_changed_bit_passes);
    TEST_ONE(&list, changed_address_is_another_meter);
    TEST_ONE(&list, key_of_the_meter_is_asked);
    TEST_ONE(&list, errors_tell_no_secrets);
    return test_list_run(&list, "telegram open");
}
