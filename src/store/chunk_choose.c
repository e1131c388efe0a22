/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gains are bits a value: half the binary logarithm of the quotient of two variances, as of
 * normal noise. A twelfth is the variance that rounding to whole digits leaves.
 */
#include "store/chunk_choose.h"

#include "store/lanes.h"
#include "store/reserve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 32
#define HUBS_MAX (COLUMNS_MAX + 1) /* every column, and flow times temperatures */
#define PRODUCT COLUMNS_MAX
#define SAMPLES 256
#define ROWS_MIN 48
#define LINES_MAX ((size_t)1 << 20) /* numbers in all lines together */
#define ROUNDING (1.0 / 12)
#define GAIN_MIN 0.12
#define GAIN_SURE 2.0
#define NOBODY UINT32_MAX

/* What is known of a line at the sampled rows; means are taken out. */
struct sample {
    double level[SAMPLES];
    double step[SAMPLES]; /* against the row before */
    double flow[SAMPLES]; /* level times the time since the row before, in units */
    double level_var;
    double step_var;
    double flow_var;
    double own; /* least variance that the column has without a reference */
};

struct proposal {
    float gain;
    uint8_t relation;
    double factor;
};

struct hyp_chunk_chooser {
    size_t row_count;
    int64_t *times;
    int64_t *lines;
    size_t capacity; /* of times */
    size_t line_capacity;
    uint32_t count;
    uint32_t numbers[COLUMNS_MAX];
    uint32_t by_role[HYP_CHUNK_ROLE_COUNT_OF];
    int64_t unit;
    size_t stride;
    size_t samples;
    double spans[SAMPLES]; /* since the row before, in units */
    struct sample sample[HUBS_MAX];
    struct proposal proposals[COLUMNS_MAX][HUBS_MAX]; /* target, hub */
    bool is_source[COLUMNS_MAX];
    uint32_t hub_of[COLUMNS_MAX];
    struct hyp_chunk_reference references[COLUMNS_MAX];
};

void *hyp_chunk_chooser_destroy(struct hyp_chunk_chooser *chooser)
{
    if (chooser != NULL) {
        free(chooser->times);
        free(chooser->lines);
        free(chooser);
    }
    return NULL;
}

static double minus(int64_t a, int64_t b)
{
    return (double)(int64_t)((uint64_t)a - (uint64_t)b);
}

/* The span between two rows that most rows have, if more than half of them agree. */
static int64_t find_unit(const int64_t *times, size_t n)
{
    uint64_t unit = 1;
    size_t votes = 0;
    for (size_t r = 1; r < n; r++) {
        uint64_t span = (uint64_t)times[r] - (uint64_t)times[r - 1];
        if (votes == 0) {
            unit = span;
        }
        votes = span == unit ? votes + 1 : votes - 1;
    }
    return unit == 0 || unit > INT64_MAX ? 1 : (int64_t)unit;
}

enum hyp_status hyp_chunk_chooser_begin(struct hyp_chunk_chooser **made,
                                        const struct hyp_row *rows, size_t row_count)
{
    if (row_count < ROWS_MIN || row_count > LINES_MAX / 2) {
        return HYP_LIMIT;
    }
    if (*made == NULL) {
        *made = calloc(1, sizeof(**made));
        if (*made == NULL) {
            return HYP_NO_MEMORY;
        }
    }
    struct hyp_chunk_chooser *chooser = *made;
    enum hyp_status status =
        hyp_reserve(&chooser->times, &chooser->capacity, row_count, sizeof(*chooser->times));
    if (status != HYP_OK) {
        return status;
    }
    for (size_t r = 0; r < row_count; r++) {
        chooser->times[r] = rows[r].time;
    }
    chooser->row_count = row_count;
    chooser->count = 0;
    chooser->unit = find_unit(chooser->times, row_count);
    chooser->stride = HYP_MAX((row_count - 2) / SAMPLES, (size_t)1);
    chooser->samples = HYP_MIN((row_count - 2) / chooser->stride, (size_t)SAMPLES);
    for (size_t i = 0; i < chooser->samples; i++) {
        size_t r = 2 + i * chooser->stride;
        chooser->spans[i] =
            minus(chooser->times[r], chooser->times[r - 1]) / (double)chooser->unit;
    }
    for (size_t i = 0; i < HYP_CHUNK_ROLE_COUNT_OF; i++) {
        chooser->by_role[i] = NOBODY;
    }
    return HYP_OK;
}

static const int64_t *line_of(const struct hyp_chunk_chooser *chooser, uint32_t index)
{
    return chooser->lines + index * chooser->row_count;
}

int64_t *hyp_chunk_chooser_add(struct hyp_chunk_chooser *chooser, uint32_t number,
                               enum hyp_chunk_role role)
{
    size_t wanted = (chooser->count + 1) * chooser->row_count;
    if (chooser->count == COLUMNS_MAX || wanted > LINES_MAX) {
        return NULL;
    }
    if (hyp_reserve(&chooser->lines, &chooser->line_capacity, wanted,
                    sizeof(*chooser->lines)) != HYP_OK) {
        return NULL; /* then it is not referred to, which only costs bytes */
    }
    uint32_t index = chooser->count++;
    chooser->numbers[index] = number;
    if (role != HYP_CHUNK_ROLE_NONE && chooser->by_role[role] == NOBODY) {
        chooser->by_role[role] = index;
    }
    return chooser->lines + index * chooser->row_count;
}

/* --- samples --- */

HYP_LANES_BODY double dot_body(const double *a, const double *b, size_t n)
{
    /* Four sums, so that one addition need not wait for the one before; which of them a product
     * goes into, and so the result, is the same on every machine. */
    double sums[4] = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        for (size_t j = 0; j < 4; j++) {
            sums[j] += a[i + j] * b[i + j];
        }
    }
    for (; i < n; i++) {
        sums[0] += a[i] * b[i];
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

HYP_LANES(double, dot, (const double *a, const double *b, size_t n), (a, b, n))

static double dot(const double *a, const double *b, size_t n)
{
    return hyp_lanes_are_wide() ? dot_wide(a, b, n) : dot_narrow(a, b, n);
}

/* Takes the mean out. Returns the sum of the squares. */
static double centre(double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
    }
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        values[i] -= mean;
    }
    return dot(values, values, n);
}

static void take_sample(const struct hyp_chunk_chooser *chooser, const int64_t *line,
                        struct sample *sample)
{
    size_t n = chooser->samples;
    double bends = 0;
    for (size_t i = 0; i < n; i++) {
        size_t r = 2 + i * chooser->stride;
        sample->level[i] = minus(line[r], line[0]);
        sample->step[i] = minus(line[r], line[r - 1]);
        sample->flow[i] = (double)line[r] * chooser->spans[i];
        double bend = sample->step[i] - minus(line[r - 1], line[r - 2]);
        bends += bend * bend;
    }
    sample->level_var = centre(sample->level, n);
    sample->step_var = centre(sample->step, n);
    sample->flow_var = centre(sample->flow, n);
    sample->own = fmin(fmin(sample->level_var, sample->step_var), bends);
}

/* --- one column and one source --- */

static void propose(struct proposal *proposal, enum hyp_relation relation, double own,
                    double rest, double factor, size_t n)
{
    double least = ROUNDING * (double)n;
    double gain = 0.5 * log2((own + least) / (fmax(rest, 0) + 2 * least));
    if (gain > (double)proposal->gain && fabs(factor) < 1e9 && fabs(factor) > 1e-9) {
        *proposal = (struct proposal){
            .gain = (float)gain, .relation = (uint8_t)relation, .factor = factor};
    }
}

/* Sum of squares of y - factor * x. */
static double rest_of(double y_var, double xy, double x_var, double factor)
{
    return y_var - 2 * factor * xy + factor * factor * x_var;
}

/* What two lines have in common, the same in both directions. */
struct common {
    double level;
    double step;
};

static struct common find_common(const struct sample *a, const struct sample *b, size_t n)
{
    return (struct common){.level = dot(a->level, b->level, n),
                           .step = dot(a->step, b->step, n)};
}

static void compare(const struct sample *y, const struct sample *x, size_t n,
                    const struct common *common, struct proposal *proposal)
{
    *proposal = (struct proposal){0};
    double level = common->level;
    double step = common->step;
    double flow = dot(y->step, x->flow, n);
    if (x->level_var > 0) {
        double factor = level / x->level_var;
        double rest = fmin(rest_of(y->level_var, level, x->level_var, factor),
                           rest_of(y->step_var, step, x->step_var, factor));
        propose(proposal, HYP_RELATION_LEVEL, y->own, rest, factor, n);
    }
    if (x->step_var > 0) {
        double factor = step / x->step_var;
        double rest = fmin(rest_of(y->level_var, level, x->level_var, factor),
                           rest_of(y->step_var, step, x->step_var, factor));
        propose(proposal, HYP_RELATION_LEVEL, y->own, rest, factor, n);
    }
    if (x->flow_var > 0) {
        double factor = flow / x->flow_var;
        double rest = rest_of(y->step_var, flow, x->flow_var, factor);
        propose(proposal, HYP_RELATION_INTEGRAL, y->own, rest, factor, n);
    }
}

/* --- choosing sources --- */

static bool has_product(const struct hyp_chunk_chooser *chooser)
{
    return chooser->by_role[HYP_CHUNK_ROLE_FLOW] != NOBODY &&
           chooser->by_role[HYP_CHUNK_ROLE_SUPPLY] != NOBODY &&
           chooser->by_role[HYP_CHUNK_ROLE_RETURN] != NOBODY;
}

/* The columns of a hub. Returns how many. */
static uint8_t members_of(const struct hyp_chunk_chooser *chooser, uint32_t hub,
                          uint32_t ret_members[HYP_REFERENCE_COLUMNS])
{
    ret_members[0] = hub;
    if (hub != PRODUCT) {
        return 1;
    }
    for (uint32_t i = 0; i < HYP_REFERENCE_COLUMNS; i++) {
        ret_members[i] = chooser->by_role[HYP_CHUNK_ROLE_FLOW + i];
    }
    return HYP_REFERENCE_COLUMNS;
}

static float current_gain(const struct hyp_chunk_chooser *chooser, uint32_t target)
{
    uint32_t hub = chooser->hub_of[target];
    return hub == NOBODY ? 0 : chooser->proposals[target][hub].gain;
}

/* What all columns together would save if this hub were one of the sources. */
static float value_of(const struct hyp_chunk_chooser *chooser, uint32_t hub)
{
    uint32_t members[HYP_REFERENCE_COLUMNS];
    uint8_t count = members_of(chooser, hub, members);
    float value = 0;
    for (uint8_t i = 0; i < count; i++) {
        value -= current_gain(chooser, members[i]);
    }
    for (uint32_t t = 0; t < chooser->count; t++) {
        bool is_member = t == members[0] || (count > 1 && (t == members[1] || t == members[2]));
        float more = chooser->proposals[t][hub].gain - current_gain(chooser, t);
        if (!is_member && !chooser->is_source[t] && more > (float)GAIN_MIN) {
            value += more;
        }
    }
    return value;
}

static void add_hub(struct hyp_chunk_chooser *chooser, uint32_t hub)
{
    uint32_t members[HYP_REFERENCE_COLUMNS];
    uint8_t count = members_of(chooser, hub, members);
    for (uint8_t i = 0; i < count; i++) {
        chooser->is_source[members[i]] = true;
        chooser->hub_of[members[i]] = NOBODY;
    }
    for (uint32_t t = 0; t < chooser->count; t++) {
        float more = chooser->proposals[t][hub].gain - current_gain(chooser, t);
        if (!chooser->is_source[t] && more > (float)GAIN_MIN) {
            chooser->hub_of[t] = hub;
        }
    }
}

static bool is_hub(const struct hyp_chunk_chooser *chooser, uint32_t hub)
{
    return hub == PRODUCT ? has_product(chooser) : hub < chooser->count;
}

static void choose_hubs(struct hyp_chunk_chooser *chooser)
{
    for (;;) {
        float best_value = (float)GAIN_MIN;
        uint32_t best = NOBODY;
        for (uint32_t hub = 0; hub < HUBS_MAX; hub++) {
            float value = is_hub(chooser, hub) ? value_of(chooser, hub) : 0;
            if (value > best_value) {
                best_value = value;
                best = hub;
            }
        }
        if (best == NOBODY) {
            return;
        }
        add_hub(chooser, best);
    }
}

/* --- the references --- */

/* Where registers count each other, the factor is a simple fraction; found by fitting it is
 * not quite, and the line would drift away. */
static double simplify(double factor)
{
    static const double parts[] = {1, 2, 3, 4, 6, 10, 12, 60, 100, 1000, 10000};
    for (size_t i = 0; i < HYP_ARRAY_LEN(parts); i++) {
        double near = round(factor * parts[i]) / parts[i];
        if (fabs(near - factor) < 0.004 * fabs(factor) && fabs(near) > 0) {
            return near;
        }
    }
    return factor;
}

static void make_reference(struct hyp_chunk_chooser *chooser, uint32_t target)
{
    struct hyp_chunk_reference *reference = &chooser->references[target];
    *reference = (struct hyp_chunk_reference){0};
    uint32_t hub = chooser->hub_of[target];
    if (hub == NOBODY) {
        return;
    }
    const struct proposal *proposal = &chooser->proposals[target][hub];
    double factor = proposal->factor;
    if (proposal->relation == HYP_RELATION_INTEGRAL) {
        factor = simplify(factor);
    }
    reference->relation = proposal->relation;
    reference->factor = llround(factor * (double)HYP_REFERENCE_ONE);
    reference->unit = proposal->relation == HYP_RELATION_INTEGRAL ? chooser->unit : 1;
    uint32_t members[HYP_REFERENCE_COLUMNS];
    reference->count = members_of(chooser, hub, members);
    for (uint8_t i = 0; i < reference->count; i++) {
        reference->columns[i] = chooser->numbers[members[i]];
    }
}

static uint32_t index_of(const struct hyp_chunk_chooser *chooser, uint32_t number)
{
    for (uint32_t i = 0; i < chooser->count; i++) {
        if (chooser->numbers[i] == number) {
            return i;
        }
    }
    return NOBODY;
}

static void sample_product(struct hyp_chunk_chooser *chooser)
{
    struct sample *sample = &chooser->sample[PRODUCT];
    uint32_t members[HYP_REFERENCE_COLUMNS];
    members_of(chooser, PRODUCT, members);
    size_t n = chooser->samples;
    const int64_t *flow = line_of(chooser, members[0]);
    const int64_t *supply = line_of(chooser, members[1]);
    const int64_t *back = line_of(chooser, members[2]);
    for (size_t i = 0; i < n; i++) {
        size_t r = 2 + i * chooser->stride;
        double now = (double)flow[r] * minus(supply[r], back[r]);
        double before = (double)flow[r - 1] * minus(supply[r - 1], back[r - 1]);
        sample->level[i] = now;
        sample->step[i] = now - before;
        sample->flow[i] = now * chooser->spans[i];
    }
    sample->level_var = centre(sample->level, n);
    sample->step_var = centre(sample->step, n);
    sample->flow_var = centre(sample->flow, n);
}

/* Every column with every other one, in both directions, and with the product. */
static void compare_all(struct hyp_chunk_chooser *chooser)
{
    size_t n = chooser->samples;
    for (uint32_t t = 0; t < chooser->count; t++) {
        struct proposal *proposals = chooser->proposals[t];
        const struct sample *one = &chooser->sample[t];
        proposals[t] = (struct proposal){0};
        proposals[PRODUCT] = (struct proposal){0};
        for (uint32_t other = t + 1; other < chooser->count; other++) {
            const struct sample *two = &chooser->sample[other];
            struct common common = find_common(one, two, n);
            compare(one, two, n, &common, &proposals[other]);
            compare(two, one, n, &common, &chooser->proposals[other][t]);
        }
        if (has_product(chooser)) {
            struct common common = find_common(one, &chooser->sample[PRODUCT], n);
            compare(one, &chooser->sample[PRODUCT], n, &common, &proposals[PRODUCT]);
        }
    }
}

void hyp_chunk_chooser_run(struct hyp_chunk_chooser *chooser)
{
    for (uint32_t i = 0; i < chooser->count; i++) {
        take_sample(chooser, line_of(chooser, i), &chooser->sample[i]);
        chooser->is_source[i] = false;
        chooser->hub_of[i] = NOBODY;
    }
    if (has_product(chooser)) {
        sample_product(chooser);
    }
    compare_all(chooser);
    choose_hubs(chooser);
    for (uint32_t t = 0; t < chooser->count; t++) {
        make_reference(chooser, t);
    }
}

const struct hyp_chunk_reference *hyp_chunk_chooser_get(const struct hyp_chunk_chooser *chooser,
                                                        uint32_t number)
{
    uint32_t index = index_of(chooser, number);
    if (index == NOBODY || chooser->references[index].relation == HYP_RELATION_NONE) {
        return NULL;
    }
    return &chooser->references[index];
}

bool hyp_chunk_chooser_is_sure(const struct hyp_chunk_chooser *chooser, uint32_t number)
{
    uint32_t index = index_of(chooser, number);
    return index != NOBODY && current_gain(chooser, index) >= (float)GAIN_SURE;
}

bool hyp_chunk_chooser_is_source(const struct hyp_chunk_chooser *chooser, uint32_t number)
{
    uint32_t index = index_of(chooser, number);
    return index != NOBODY && chooser->is_source[index];
}

void hyp_chunk_chooser_line(const struct hyp_chunk_chooser *chooser,
                            const struct hyp_chunk_reference *reference, int64_t *ret_line)
{
    const int64_t *x[HYP_REFERENCE_COLUMNS] = {0};
    for (uint8_t i = 0; i < reference->count; i++) {
        x[i] = line_of(chooser, index_of(chooser, reference->columns[i]));
    }
    hyp_chunk_reference_source(reference, x, chooser->row_count, ret_line);
    hyp_chunk_reference_line(reference, chooser->times, chooser->row_count, ret_line);
}
