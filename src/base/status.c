/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include "base/buf.h"

#include <stdarg.h>

const char *hyp_status_name(enum hyp_status status)
{
    switch (status) {
#define HYP_STATUS_NAME(name, value, text)                                                     \
    case HYP_##name: return #name;
        HYP_STATUS_MAP(HYP_STATUS_NAME)
#undef HYP_STATUS_NAME
    }
    return "UNKNOWN";
}

const char *hyp_status_text(enum hyp_status status)
{
    switch (status) {
#define HYP_STATUS_PHRASE(name, value, text)                                                   \
    case HYP_##name: return text;
        HYP_STATUS_MAP(HYP_STATUS_PHRASE)
#undef HYP_STATUS_PHRASE
    }
    return "unknown status";
}

static void HYP_PRINTF(2, 0) set_text(struct hyp_error *err, const char *format, va_list args)
{
    struct hyp_buf buf;
    hyp_buf_init_fixed(&buf, err->text, sizeof(err->text));
    hyp_buf_append_vfmt(&buf, format, args);
    /* A text that is too long is cut: the terminator is always there. */
    hyp_buf_terminate(&buf);
}

enum hyp_status(hyp_error_set)(struct hyp_error *err, enum hyp_status status, int64_t offset,
                               const char *format, ...)
{
    if (err == NULL) {
        return status;
    }
    *err = (struct hyp_error){.status = status, .offset = offset};
    va_list args;
    va_start(args, format);
    set_text(err, format, args);
    va_end(args);
    return status;
}

enum hyp_status(hyp_error_set_code)(struct hyp_error *err, enum hyp_status status,
                                    enum hyp_error_source source, int code, const char *format,
                                    ...)
{
    if (err == NULL) {
        return status;
    }
    *err = (struct hyp_error){.status = status, .source = source, .code = code, .offset = -1};
    va_list args;
    va_start(args, format);
    set_text(err, format, args);
    va_end(args);
    return status;
}
