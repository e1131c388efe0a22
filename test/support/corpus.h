/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared corpora of real telegrams. They are not part of this repository: they are found in
 * $HYP_SHARED, or in a folder "shared" beside one of the folders above the source. A test that
 * does not find them says so and skips.
 */
#ifndef HYP_TEST_SUPPORT_CORPUS_H
#define HYP_TEST_SUPPORT_CORPUS_H

#include "support/rows.h"

#include "base/buf.h"
#include "base/str.h"

#include <stdio.h>

#define TEST_PATH_LEN 1024

static inline FILE *test_corpus_open_in(const char *folder, const char *sub, const char *name)
{
    char path[TEST_PATH_LEN];
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, path, sizeof(path));
    hyp_buf_append_fmt(&buf, "%s%s/%s", folder, sub, name);
    return hyp_buf_status(&buf) == HYP_OK ? fopen(hyp_buf_terminate(&buf), "r") : NULL;
}

/* @name  "corpora/..."; NULL when it is nowhere */
static inline FILE *test_corpus_open(const char *source_root, const char *name)
{
    char folder[TEST_PATH_LEN];
    const char *shared = getenv("HYP_SHARED");
    FILE *file = shared == NULL ? NULL : test_corpus_open_in(shared, "", name);
    (void)hyp_text_copy(folder, sizeof(folder), hyp_str_from(source_root));
    for (char *cut = strrchr(folder, '/'); file == NULL && cut != NULL;
         cut = strrchr(folder, '/')) {
        *cut = '\0';
        file = test_corpus_open_in(folder, "/shared", name);
    }
    return file;
}

#endif
