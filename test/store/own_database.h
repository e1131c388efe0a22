/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database of its own for each folder of a test, with the tables already in it: a copy of one
 * that the program makes once, which takes a sixth of the time. For tests that are not about
 * the making of tables; test/store/meson.build says which (HYP_TEST_COPIED_TABLES).
 */
#ifndef HYP_TEST_STORE_OWN_DATABASE_H
#define HYP_TEST_STORE_OWN_DATABASE_H

#include <stdbool.h>
#include <stddef.h>

/* Do the stores of this run begin with copied tables? */
bool own_database_is_wanted(void);
/* The URL of the database of this name, which is made when it is not there yet. Its tables are
 * those of the newest version in the schemas HYP_MAIN_SCHEMA and that of its frames, without a
 * row. */
void own_database_url(const char *name, char *out, size_t size);
/* Removes it, if it is there. */
void own_database_remove(const char *name);

#endif
