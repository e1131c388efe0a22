/* SPDX-License-Identifier: Apache-2.0 */
/* The plant of bench/http: heat meters with ten registers, and what they have said so far. */
#ifndef HYP_BENCH_HTTP_PLANT_H
#define HYP_BENCH_HTTP_PLANT_H

#include "http_client.h"

#define PLANT_REGISTERS 10
#define PLANT_START_MS 1735689600000LL /* set S begins here */

/* The first administrator and a token of theirs, kept in *server. */
void plant_set_up(struct bench_server *server);
void plant_add_meters(struct bench_server *server, uint64_t meters);
/* Hands in so many days of set S as CSV; values per CPU second of the server. */
double plant_load_past(struct bench_server *server, uint64_t meters, uint64_t days);
/* Hands in radio telegrams of ten registers, later than the past; values per CPU second. */
double plant_load_telegrams(struct bench_server *server, uint64_t meters, uint64_t count);
/* The points of the first meter, as "1,2,3"; the one of its energy. */
int64_t plant_find_points(struct bench_server *server, struct hyp_buf *list);

#endif
