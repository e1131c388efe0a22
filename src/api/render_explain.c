/* SPDX-License-Identifier: Apache-2.0 */
/* An explained telegram: its bytes, what each means, values and info bits. */
#include "api/render.h"

static void render_explain_error(struct hyp_json *json, const struct hyp_error *error)
{
    hyp_json_key(json, "error");
    hyp_json_object_begin(json);
    hyp_json_member_text(json, "code", hyp_status_name(error->status));
    hyp_render_or_null(json, "offset", error->offset, error->offset >= 0);
    hyp_json_member_text(json, "text", error->text);
    hyp_json_object_end(json);
}

static void render_stages(struct hyp_json *json, const struct hyp_explanation *explanation)
{
    hyp_json_key(json, "stages");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < explanation->stage_count; i++) {
        const struct hyp_explain_stage *stage = &explanation->stages[i];
        hyp_json_object_begin(json);
        hyp_json_member_text(json, "title", stage->title);
        hyp_json_key(json, "hex");
        hyp_json_hex(json, stage->bytes, stage->len);
        hyp_json_object_end(json);
    }
    hyp_json_array_end(json);
}

/* What the flags of the telegram say, by the words of its profile. */
static void render_explained_info(struct hyp_json *json,
                                  const struct hyp_explanation *explanation,
                                  const struct hyp_profile *profile)
{
    hyp_json_key(json, "info");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < explanation->value_count; i++) {
        struct hyp_info_bit bits[64];
        const struct hyp_value *value = &explanation->values[i];
        bool flags = value->kind == HYP_VALUE_FLAGS && hyp_quality_is_usable(value->quality) &&
                     value->key.storage == 0;
        size_t active = flags ? hyp_profile_value_bits(profile, value->key.name, value->flags,
                                                       bits, HYP_ARRAY_LEN(bits))
                              : 0;
        for (size_t n = 0; n < active; n++) {
            hyp_render_info_bit(json, &bits[n]);
        }
    }
    hyp_json_array_end(json);
}

void hyp_render_explanation(struct hyp_json *json, const struct hyp_explanation *explanation,
                            const struct hyp_library *library)
{
    const struct hyp_profile *profile =
        hyp_library_find(library, hyp_str_from(explanation->profile));
    hyp_json_object_begin(json);
    hyp_json_member_bool(json, "ok", explanation->ok);
    if (!explanation->ok) {
        render_explain_error(json, &explanation->error);
    }
    hyp_json_member_text(json, "link", explanation->link);
    render_stages(json, explanation);
    hyp_json_key(json, "notes");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < explanation->note_count; i++) {
        hyp_note_write_json(json, &explanation->notes[i]);
    }
    hyp_json_array_end(json);
    hyp_json_key(json, "meter");
    if (explanation->has_meter) {
        hyp_render_meter(json, &explanation->meter);
    } else {
        hyp_json_null(json);
    }
    hyp_json_member_text(json, "profile", explanation->profile);
    hyp_json_member_text(json, "profile_title",
                         profile == NULL ? "" : hyp_profile_info(profile)->title);
    hyp_json_key(json, "encryption");
    hyp_json_object_begin(json);
    hyp_json_member_u64(json, "mode", explanation->security_mode);
    hyp_json_member_text(json, "state", hyp_encryption_state_text(explanation->encryption));
    hyp_json_object_end(json);
    hyp_json_key(json, "values");
    hyp_json_array_begin(json);
    for (size_t i = 0; i < explanation->value_count; i++) {
        hyp_render_value(json, &explanation->values[i], profile);
    }
    hyp_json_array_end(json);
    render_explained_info(json, explanation, profile);
    hyp_json_object_end(json);
}
