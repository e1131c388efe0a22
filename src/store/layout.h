/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the files of a data folder and of the schemas of a database, and of what they are
 * known by. docs/storage.md describes them.
 */
#ifndef HYP_STORE_LAYOUT_H
#define HYP_STORE_LAYOUT_H

#define HYP_MAIN_FILE "hypocaust.db"
#define HYP_FRAMES_FILE "frames.db"
#define HYP_MAIN_SCHEMA "hypocaust" /* of PostgreSQL */
#define HYP_FRAMES_SCHEMA_SUFFIX "_frames"
#define HYP_MOVED_FILE "moved.txt" /* says that the readings are in PostgreSQL */
#define HYP_MANIFEST_FILE "backup.txt"

/* A box with a known text, in the table setting: says whether secret.key is the one the secrets
 * were closed with. */
#define HYP_SECRET_CHECK_NAME "secret_check"
#define HYP_SECRET_CHECK_TEXT "hypocaust"

#endif
