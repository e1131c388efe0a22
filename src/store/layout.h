/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the files of a data folder. docs/storage.md describes them.
 */
#ifndef HYP_STORE_LAYOUT_H
#define HYP_STORE_LAYOUT_H

#define HYP_MAIN_FILE "hypocaust.db"
#define HYP_FRAMES_FILE "frames.db"
#define HYP_MANIFEST_FILE "backup.txt"

#endif
