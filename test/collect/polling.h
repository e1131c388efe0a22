/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and devices of Modbus TCP for the tests of polling, with the profile "test_modbus". */
#ifndef HYP_TEST_COLLECT_POLLING_H
#define HYP_TEST_COLLECT_POLLING_H

#include "field.h"

void add_line(struct field *field, int64_t id, uint16_t port);
/* Read every quarter of an hour. */
void add_device(struct field *field, int64_t id, int64_t line, uint8_t unit);
/* Read when somebody asks for it only. */
void add_quiet_device(struct field *field, int64_t id, int64_t line, uint8_t unit);
hyp_job_id read_now(struct field *field, int64_t device, enum hyp_priority priority);

#endif
