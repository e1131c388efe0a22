/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key XML: the key files that Kamstrup's key service hands out (.kem, .kem2), closed with a
 * password or opened already.
 *
 * The outer file is W3C XML Encryption: AES-128-CBC over the inner one, with the password,
 * filled with zeros to 16 bytes, as key and as first vector. The inner one lists the meters:
 *
 *     <MetersInOrder> <Meter>  <SerialNo>  <VendorId>       <DEK>   ..
 *     <Devices>       <Device> <SerialNumber> <ManufacturerId> <Value> ..
 *
 * Elements are found by their names, with or without a prefix, at any depth within a meter. It
 * reads exactly that and is no XML library: no entities but the five of XML, no DTD.
 */
#ifndef HYP_SERVICE_KEY_XML_H
#define HYP_SERVICE_KEY_XML_H

#include "base/arena.h"
#include "service/key_file.h"

/* Does a key file begin like XML? */
bool hyp_key_xml_is(struct hyp_str text);

/* A file in the clear. */
struct hyp_key_plain {
    struct hyp_str text;
    uint8_t *secret; /* where it was decrypted to: wipe it; NULL = it was in the clear before */
    size_t secret_len;
};

/*
 * Opens a file that is closed with a password; one that is not comes back as it is.
 * @password   empty = none was given
 * @arena      for the inner file
 * @ret_plain  lives as long as the arena and `text`; `secret` is set on failure too
 * Returns     HYP_OK | NO_KEY (a password is needed) | WRONG_KEY | MALFORMED | NO_MEMORY
 *             | UNSUPPORTED (no key file)
 */
HYP_MUST_USE enum hyp_status hyp_key_xml_open(struct hyp_str text, struct hyp_str password,
                                              struct hyp_arena *arena,
                                              struct hyp_key_plain *ret_plain,
                                              struct hyp_error *err);

/* One meter of the file, as far as it is there. */
struct hyp_key_xml_meter {
    struct hyp_str serial;
    struct hyp_str maker;
    struct hyp_str key;
};
/* The next meter, or false at the end. @rest  what has not been read; moves on */
bool hyp_key_xml_next(struct hyp_str *rest, struct hyp_key_xml_meter *ret_meter);

#endif
