/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vocabulary: the fixed lists of quantities, units and public names.
 *
 * Generated views: docs/vocabulary.md. Names are stable; enum numbers are not and never leave
 * the process (database and API use the text).
 */
#ifndef HYP_MODEL_VOCABULARY_H
#define HYP_MODEL_VOCABULARY_H

#include "base/decimal.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum hyp_unit {
#define X(name, text, canonical, exp10) HYP_UNIT_##name,
#include "model/unit.def"
#undef X
    HYP_UNIT_COUNT_OF
};

enum hyp_quantity {
#define X(name, text) HYP_QUANTITY_##name,
#include "model/quantity.def"
#undef X
    HYP_QUANTITY_COUNT_OF
};

enum hyp_aggregation {
    HYP_AGGREGATION_COUNTER,
    HYP_AGGREGATION_GAUGE,
    HYP_AGGREGATION_STATE,
};

enum hyp_name {
#define X(id, name, quantity, unit, aggregation, meaning) HYP_NAME_##id,
#include "model/vocabulary.def"
#undef X
    HYP_NAME_COUNT_OF
};

struct hyp_word {
    const char *name;
    const char *meaning;
    enum hyp_quantity quantity;
    enum hyp_unit unit; /* canonical; NONE where the device decides */
    enum hyp_aggregation aggregation;
};

/* The row of a name. Never NULL for a valid enum. */
const struct hyp_word *hyp_vocabulary_word(enum hyp_name name);
/* HYP_OK | NOT_FOUND */
HYP_MUST_USE enum hyp_status hyp_vocabulary_find(struct hyp_str text, enum hyp_name *ret_name);

/* The stable text of a unit ("m3", "degC"), which API, profiles and database use; never NULL.
 * Back: HYP_OK | NOT_FOUND. Quantities and aggregations likewise. */
const char *hyp_unit_text(enum hyp_unit unit);
/* As people write it, UTF-8: "m³", "°C"; the text where both are the same. */
const char *hyp_unit_symbol(enum hyp_unit unit);
HYP_MUST_USE enum hyp_status hyp_unit_find(struct hyp_str text, enum hyp_unit *ret_unit);
const char *hyp_quantity_text(enum hyp_quantity quantity);
HYP_MUST_USE enum hyp_status hyp_quantity_find(struct hyp_str text,
                                               enum hyp_quantity *ret_quantity);
const char *hyp_aggregation_text(enum hyp_aggregation aggregation);

/* Canonical unit of the unit's family, and the power of ten that leads there. */
enum hyp_unit hyp_unit_canonical(enum hyp_unit unit, int *ret_exp10);

/*
 * Moves a value to the canonical unit of its family; exact.
 * Returns   HYP_OK | IMPLAUSIBLE when the exponent leaves its range
 */
HYP_MUST_USE enum hyp_status hyp_unit_normalise(struct hyp_decimal *value, enum hyp_unit *unit);
/* May values of this name come in this unit (of any size: Wh suits where kWh does)? */
bool hyp_vocabulary_unit_suits(enum hyp_name name, enum hyp_unit unit);

#endif
