/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People: users and API tokens of the tenant, for administrators.
 *
 * There is always one enabled administrator left. Changing a user's role, state or password
 * ends that user's sessions.
 *
 * All return DENIED to others than administrators, and NOT_FOUND for what is of another tenant.
 * Hashes of passwords are wiped in what they give.
 */
#ifndef HYP_SERVICE_PEOPLE_H
#define HYP_SERVICE_PEOPLE_H

#include "base/arena.h"
#include "service/auth.h"

/* All users by login; one of them, whose id is of this tenant. */
HYP_MUST_USE enum hyp_status hyp_people_users(struct hyp_service *service,
                                              const struct hyp_scope *scope,
                                              struct hyp_arena *arena,
                                              struct hyp_user **ret_users, size_t *ret_count,
                                              struct hyp_error *err);
HYP_MUST_USE enum hyp_status hyp_people_user(struct hyp_service *service,
                                             const struct hyp_scope *scope, int64_t id,
                                             struct hyp_user *ret_user, struct hyp_error *err);
/*
 * @user    login, name, role, language, theme, enabled; the rest is filled in
 * Returns  HYP_OK | INVALID (a field, or the password's rules) | EXISTS (the login)
 *        | BUSY (too many passwords at once) | what the store says
 * Context  blocks for an argon2id run; so does update with a password
 */
HYP_MUST_USE enum hyp_status hyp_people_user_add(struct hyp_service *service,
                                                 const struct hyp_scope *scope,
                                                 struct hyp_user *user, struct hyp_str password,
                                                 struct hyp_error *err);
/*
 * @user      as read, with changes; revision must match
 * @password  empty = unchanged
 * Returns    as add | CONFLICT (changed by somebody else, or nobody left to administer)
 */
HYP_MUST_USE enum hyp_status
hyp_people_user_update(struct hyp_service *service, const struct hyp_scope *scope,
                       struct hyp_user *user, struct hyp_str password, struct hyp_error *err);
/* Removes a user with sessions, tokens and streams. CONFLICT: oneself, or the last
 * administrator. */
HYP_MUST_USE enum hyp_status hyp_people_user_remove(struct hyp_service *service,
                                                    const struct hyp_scope *scope, int64_t id,
                                                    struct hyp_error *err);
/* For the shell, which knows users by login. HYP_OK | NOT_FOUND | what the store says */
HYP_MUST_USE enum hyp_status hyp_people_user_by_login(struct hyp_service *service,
                                                      const struct hyp_scope *scope,
                                                      struct hyp_str login,
                                                      struct hyp_user *ret_user,
                                                      struct hyp_error *err);

/* What a list calls somebody: the name, else the login; "" for nobody (0) and who is gone. */
void hyp_people_name(struct hyp_service *service, int64_t user, char *name, size_t size);

/* All tokens of the tenant, of every user. */
HYP_MUST_USE enum hyp_status hyp_people_tokens(struct hyp_service *service,
                                               const struct hyp_scope *scope,
                                               struct hyp_arena *arena,
                                               struct hyp_api_token **ret_tokens,
                                               size_t *ret_count, struct hyp_error *err);
/*
 * @token     name, role, expires; the rest is filled in, and it is of the user of the scope
 * @ret_text  the token itself, to be shown this once
 * Returns    HYP_OK | INVALID (a field) | what the store says
 */
HYP_MUST_USE enum hyp_status hyp_people_token_add(struct hyp_service *service,
                                                  const struct hyp_scope *scope,
                                                  struct hyp_api_token *token,
                                                  char ret_text[static HYP_TOKEN_TEXT_MAX],
                                                  struct hyp_error *err);
/* Revokes a token at once: no request is accepted with it after this. */
HYP_MUST_USE enum hyp_status hyp_people_token_remove(struct hyp_service *service,
                                                     const struct hyp_scope *scope, int64_t id,
                                                     struct hyp_error *err);

#endif
