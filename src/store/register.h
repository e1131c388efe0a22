/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Register: which one a value belongs to, in two words that are equal when all of it is: the
 * key of its point, its unit and the kind of its values.
 *
 *     what    63     48 47     32 31   24 23      20 19  16 15        0
 *            |  name   | subunit |  unit | function |  kind |  not its |
 *     where   63                20 19       0
 *            |      storage       |  tariff  |
 *
 * The low 16 bits of `what` are whose the register is: 0 in a column, exponent and quality in a
 * queued value (store/queued.h).
 */
#ifndef HYP_STORE_REGISTER_H
#define HYP_STORE_REGISTER_H

#include "model/value.h"

#define HYP_REGISTER_NOT_ITS 16 /* bits */

struct hyp_register {
    uint64_t what;
    uint64_t where;
};

/* Storage numbers have 41 bits and tariffs 20 (EN 13757-3, ten DIFEs), as their text forms. */
static inline bool hyp_register_holds(const struct hyp_point_key *key)
{
    return key->tariff < 1u << 20 && key->storage < 1ull << 41;
}

/* The register of a key that hyp_register_holds.
 * @unit, kind  enum hyp_unit, enum hyp_value_kind */
static inline struct hyp_register hyp_register_of(const struct hyp_point_key *key,
                                                  unsigned unit, unsigned kind)
{
    return (struct hyp_register){.what = (uint64_t)key->name << 48 |
                                         (uint64_t)key->subunit << 32 | (uint64_t)unit << 24 |
                                         (uint64_t)key->function << 20 | (uint64_t)kind << 16,
                                 .where = key->storage << 20 | key->tariff};
}

/* Nothing of the two differs but what is not the register's. */
static inline bool hyp_register_equal(struct hyp_register a, struct hyp_register b)
{
    return ((a.what ^ b.what) >> HYP_REGISTER_NOT_ITS | (a.where ^ b.where)) == 0;
}

/* The same key, whatever unit and kind. */
static inline bool hyp_register_same_key(struct hyp_register a, struct hyp_register b)
{
    return (((a.what ^ b.what) & 0xFFFFFFFF00F00000u) | (a.where ^ b.where)) == 0;
}

static inline struct hyp_point_key hyp_register_key(struct hyp_register reg)
{
    return (struct hyp_point_key){.name = (uint16_t)(reg.what >> 48),
                                  .function = reg.what >> 20 & 0xF,
                                  .subunit = (uint16_t)(reg.what >> 32),
                                  .tariff = reg.where & 0xFFFFF,
                                  .storage = reg.where >> 20};
}

static inline enum hyp_unit hyp_register_unit(struct hyp_register reg)
{
    return (enum hyp_unit)(reg.what >> 24 & 0xFF);
}

static inline enum hyp_value_kind hyp_register_kind(struct hyp_register reg)
{
    return (enum hyp_value_kind)(reg.what >> 16 & 0xF);
}

#endif
