/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A full M-Bus master, as hard to search as real ones: consecutive numbers of one delivery,
 * numbers with digits A to E, numbers that two makers gave twice, meters that nobody gave a
 * primary address, some that take their time to answer and some that never do.
 */
#include "sim/civil.h"
#include "sim/town.h"

#define FIRST_NUMBER 68300000u
#define SLOW_MS 300

/* Neighbours, the last and the first included, differ in maker or medium. */
static const enum sim_make_id makes[] = {
    SIM_MAKE_MULTICAL_603, SIM_MAKE_SONOMETER, SIM_MAKE_MULTICAL_603_LOG,
    SIM_MAKE_SENSOSTAR,    SIM_MAKE_FLOWIQ,    SIM_MAKE_HYDRUS,
    SIM_MAKE_T550,         SIM_MAKE_MINOMESS,
};

/* Number of the i-th meter. */
static uint32_t number_of(unsigned i)
{
    if (i % 12 == 11) {
        return number_of(i - 1); /* the same again, of another maker */
    }
    if (i % 10 == 3) {
        unsigned n = i / 10; /* digits 0 to E: F would be a wildcard */
        return 0x00149A00u + n % 5 * 0x100u + n / 15 * 0x10u + n % 15;
    }
    return (uint32_t)sim_bcd(FIRST_NUMBER + 7u * i);
}

void sim_town_add_crowd(struct sim_town *town, unsigned count)
{
    struct sim_line *line = &town->lines[town->line_count++];
    line->kind = SIM_LINE_MBUS_TCP;
    hyp_text_copy(line->name, sizeof(line->name), HYP_STR("mbus-crowd"));
    hyp_text_copy(line->host, sizeof(line->host), HYP_STR("127.0.0.1"));
    for (unsigned i = 0; i < count; i++) {
        struct sim_device *device =
            sim_town_add_device(town, makes[i % HYP_ARRAY_LEN(makes)], 0);
        struct hyp_buf name;
        device->meter.identity.id = number_of(i);
        device->primary = i % 3 == 0 ? 0 : (uint8_t)(i + 1);
        device->delay_ms = i % 20 == 7 ? SLOW_MS : 0;
        device->meter.defects.dead_ms = i % 25 == 5 ? SIM_SINCE_EVER : 0;
        device->site = sim_site_make(i % SIM_STREETS, 2 + i / SIM_STREETS, NULL);
        hyp_buf_init_fixed(&name, device->name, sizeof(device->name));
        hyp_buf_append_fmt(&name, "Crowd %u", i + 1);
        (void)hyp_buf_terminate(&name);
    }
}
