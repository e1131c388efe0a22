/* SPDX-License-Identifier: Apache-2.0 */
#include "service/search.h"

#include <string.h>

/* Capital letters first..last (Unicode) whose small letter is `distance` further on. */
static const struct fold_range {
    uint16_t first, last;
    uint16_t distance;
} fold_ranges[] = {
    {0x00C0, 0x00D6, 0x20}, /* À..Ö */
    {0x00D8, 0x00DE, 0x20}, /* Ø..Þ */
    {0x0391, 0x03AB, 0x20}, /* Greek */
    {0x0400, 0x040F, 0x50}, /* Cyrillic Ѐ..Џ */
    {0x0410, 0x042F, 0x20}, /* Cyrillic А..Я */
};

static uint32_t fold_code_point(uint32_t c)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(fold_ranges); i++) {
        if (c >= fold_ranges[i].first && c <= fold_ranges[i].last) {
            return c + fold_ranges[i].distance;
        }
    }
    /* Latin Extended-A comes in pairs: capital even up to 0137, then odd, then even again. */
    bool even_capital = (c >= 0x0100 && c <= 0x0137) || (c >= 0x014A && c <= 0x0177);
    bool odd_capital = (c >= 0x0139 && c <= 0x0148) || (c >= 0x0179 && c <= 0x017E);
    if ((even_capital && c % 2 == 0) || (odd_capital && c % 2 == 1)) {
        return c + 1;
    }
    return c;
}

void hyp_search_fold(struct hyp_buf *out, struct hyp_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.ptr[i];
        if (c >= 'A' && c <= 'Z') {
            hyp_buf_append_u8(out, (uint8_t)(c + 0x20));
        } else if (c >= 0xC3 && c <= 0xD0 && i + 1 < text.len) {
            /* All letters above are two bytes: 110xxxxx 10xxxxxx. */
            uint32_t folded =
                fold_code_point((c & 0x1Fu) << 6 | ((uint8_t)text.ptr[++i] & 0x3Fu));
            hyp_buf_append_u8(out, (uint8_t)(0xC0u | folded >> 6));
            hyp_buf_append_u8(out, (uint8_t)(0x80u | (folded & 0x3F)));
        } else {
            hyp_buf_append_u8(out, c);
        }
    }
}

void hyp_search_init(struct hyp_search *search, struct hyp_str query)
{
    search->count = 0;
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, search->text, sizeof(search->text));
    query.len = HYP_MIN(query.len, (size_t)HYP_LIMIT_SEARCH_TEXT);
    hyp_search_fold(&buf, query);
    for (size_t i = 0; i < buf.len; i++) {
        /* Control characters separate words too: line feeds stand between fields. */
        buf.data[i] = buf.data[i] < ' ' ? ' ' : buf.data[i];
    }
    struct hyp_str rest = hyp_buf_view(&buf);
    struct hyp_str word;
    while (search->count < HYP_SEARCH_WORDS && hyp_str_split_next(&rest, ' ', &word)) {
        if (word.len > 0) {
            search->words[search->count++] = word;
        }
    }
}

bool hyp_search_matches(const struct hyp_search *search, const char *folded, size_t len)
{
    for (size_t i = 0; i < search->count; i++) {
        if (memmem(folded, len, search->words[i].ptr, search->words[i].len) == NULL) {
            return false;
        }
    }
    return true;
}
