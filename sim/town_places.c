/* SPDX-License-Identifier: Apache-2.0 */
/* Streets of a town that does not exist, near 55.70 N 12.50 E. */
#include "sim/town.h"

#include "base/buf.h"

static const struct {
    const char *name;
    double lat;
    double lon;
    double lat_step; /* from one house number to the next */
    double lon_step;
} streets[SIM_STREETS] = {
  /* north */
    {"Badehusgade",     55.7112, 12.4921, 0.00006,  0.00021},
    {"Caldariumvej",    55.7128, 12.4968, 0.00010,  0.00012},
    {"Hypokaustvej",    55.7095, 12.5011, -0.00004, 0.00022},
    {"Akvædukten",     55.7141, 12.5034, 0.00012,  0.00005},
 /* south */
    {"Kedelgade",       55.6931, 12.4952, 0.00003,  0.00020},
    {"Kobbergade",      55.6917, 12.5008, -0.00009, 0.00014},
    {"Møllestien",     55.6902, 12.4983, 0.00011,  0.00009},
    {"Esseallé",       55.6944, 12.5061, -0.00005, 0.00018},
 /* harbour */
    {"Havnepromenaden", 55.7010, 12.5172, 0.00013,  0.00007},
    {"Dampskibskajen",  55.7031, 12.5204, 0.00008,  0.00015},
    {"Fyrtårnsvej",    55.6988, 12.5219, -0.00010, 0.00010},
    {"Termevænget",    55.6971, 12.5150, 0.00005,  0.00019},
};

const char *sim_street_name(unsigned street)
{
    return streets[street].name;
}

struct sim_site sim_site_make(unsigned street, unsigned house, const char *flat)
{
    struct sim_site site = {
        .lat = streets[street].lat + streets[street].lat_step * house,
        .lon = streets[street].lon + streets[street].lon_step * house,
        /* Groups: town, three districts, then the streets in order. */
        .group = (uint8_t)(4 + street),
    };
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, site.address, sizeof(site.address));
    hyp_buf_append_fmt(&text, "%s %u%s%s", streets[street].name, house,
                       flat == NULL ? "" : ", ", flat == NULL ? "" : flat);
    (void)hyp_buf_terminate(&text);
    return site;
}
