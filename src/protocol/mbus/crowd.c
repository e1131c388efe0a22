/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/mbus/crowd.h"

#include "protocol/mbus/level.h"
#include "protocol/mbus/search.h"

#define ID_DIGITS 8
#define WILDCARD 0x0F

static uint8_t digit_of(const struct hyp_mbus_found *found, uint8_t level)
{
    return (uint8_t)(found->address.id >> (4 * level) & 0x0F);
}

void hyp_mbus_crowds_init(struct hyp_mbus_crowds *crowds,
                          const struct hyp_mbus_findings *findings, const uint8_t *order,
                          uint8_t order_len, uint8_t first)
{
    *crowds = (struct hyp_mbus_crowds){.findings = findings, .order = order, .first = first};
    while (crowds->levels < order_len && order[crowds->levels] < HYP_MBUS_LEVEL_MEDIUM) {
        crowds->levels++;
    }
}

/* Does a meter have the digits of the place? One whose digits are not known does not. */
static bool is_at(const struct hyp_mbus_crowds *crowds, size_t item)
{
    const struct hyp_mbus_found *found = &crowds->findings->items[item];
    for (unsigned i = 0; i < crowds->depth; i++) {
        uint8_t digit = digit_of(found, crowds->order[i]);
        if (digit == WILDCARD || digit != hyp_mbus_crowds_digit(crowds, i)) {
            return false;
        }
    }
    return true;
}

/* Is `item` the first of several there? */
static bool is_crowded(const struct hyp_mbus_crowds *crowds)
{
    size_t count = 0;
    for (size_t i = 0; i < crowds->findings->count && count < 2; i++) {
        if (!is_at(crowds, i)) {
            continue;
        }
        if (i < crowds->item) {
            return false;
        }
        count++;
    }
    return count >= 2;
}

bool hyp_mbus_crowds_next(struct hyp_mbus_crowds *crowds)
{
    while (crowds->item < crowds->findings->count) {
        crowds->depth = crowds->begun ? (uint8_t)(crowds->depth + 1) : crowds->first;
        crowds->begun = true;
        if (crowds->depth >= crowds->levels) {
            crowds->item++;
            crowds->begun = false;
            continue;
        }
        if (is_crowded(crowds)) {
            return true;
        }
    }
    return false;
}

uint8_t hyp_mbus_crowds_digit(const struct hyp_mbus_crowds *crowds, unsigned at)
{
    return digit_of(&crowds->findings->items[crowds->item], crowds->order[at]);
}

bool hyp_mbus_findings_have_letters(const struct hyp_mbus_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        for (uint8_t level = 0; level < ID_DIGITS; level++) {
            uint8_t digit = digit_of(&findings->items[i], level);
            if (digit > 9 && digit != WILDCARD) {
                return true;
            }
        }
    }
    return false;
}

void hyp_mbus_findings_add(struct hyp_mbus_findings *findings,
                           const struct hyp_mbus_found *found)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct hyp_mbus_found *known = &findings->items[i];
        if (known->has_address == found->has_address &&
            hyp_mbus_secondary_equal(&known->address, &found->address)) {
            return;
        }
    }
    if (findings->count == findings->capacity) {
        findings->dropped++;
        return;
    }
    findings->items[findings->count++] = *found;
}
