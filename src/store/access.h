/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles as the database keeps them: by name.
 */
#ifndef HYP_STORE_ACCESS_H
#define HYP_STORE_ACCESS_H

#include "store/store.h"

/* "none", "reader", "admin"; never NULL. @role a member of the enum */
const char *hyp_access_role_text(enum hyp_role role);
/* HYP_ROLE_NONE for a name that is none. */
enum hyp_role hyp_access_role_find(struct hyp_str text);

#endif
