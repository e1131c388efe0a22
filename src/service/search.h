/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search text: folds case so that "øster" finds "Østerbro", without a locale.
 *
 * Latin (ASCII, Latin-1, Extended-A), Greek and Cyrillic letters, which covers the languages of
 * the product; everything else is compared as it is.
 */
#ifndef HYP_SERVICE_SEARCH_H
#define HYP_SERVICE_SEARCH_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"

#include <stdbool.h>

#define HYP_SEARCH_WORDS 8

/* Appends `text` in lower case. */
void hyp_search_fold(struct hyp_buf *out, struct hyp_str text);

/* The folded words of a query; more than HYP_SEARCH_WORDS are ignored. */
struct hyp_search {
    char text[256];
    struct hyp_str words[HYP_SEARCH_WORDS];
    size_t count;
};
/* Folds and splits the first HYP_LIMIT_SEARCH_TEXT bytes of a query. The words are views into
 * search->text: it must not be moved or copied. */
void hyp_search_init(struct hyp_search *search, struct hyp_str query);
/* Does every word occur in the folded text? True without words. */
bool hyp_search_matches(const struct hyp_search *search, const char *folded, size_t len);

#endif
