/* SPDX-License-Identifier: Apache-2.0 */
#include "api/render.h"

void hyp_render_list_begin(struct hyp_json *json, size_t total, size_t offset)
{
    hyp_json_object_begin(json);
    hyp_json_member_u64(json, "total", total);
    hyp_json_member_u64(json, "offset", offset);
    hyp_json_key(json, "items");
    hyp_json_array_begin(json);
}

void hyp_render_list_end(struct hyp_json *json)
{
    hyp_json_array_end(json);
    hyp_json_object_end(json);
}
