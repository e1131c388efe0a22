/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/file.h"

#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum hyp_status sim_file_put(const char *path, struct hyp_str text, struct hyp_error *err)
{
    char memory[4096];
    struct hyp_buf hidden;
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    hyp_buf_init_fixed(&hidden, memory, sizeof(memory) - 1);
    hyp_buf_append(&hidden, path, (size_t)(name - path));
    hyp_buf_append_fmt(&hidden, ".%s.new", name);
    if (hyp_buf_status(&hidden) != HYP_OK) {
        return hyp_error_set(err, HYP_INVALID, -1, "the name of %.40s... is too long", path);
    }
    FILE *file = fopen(hyp_buf_terminate(&hidden), "wb");
    bool good = file != NULL && fwrite(text.ptr, 1, text.len, file) == text.len;
    good = (file == NULL || fclose(file) == 0) && good;
    if (!good || rename(memory, path) != 0) {
        int code = errno;
        if (file != NULL) {
            HYP_IGNORE(remove(memory)); /* the first failure is the one to tell */
        }
        return hyp_error_set_code(err, HYP_IO, HYP_ERROR_ERRNO, code,
                                  "cannot write %s: %s; does its folder exist?", path,
                                  strerror(code));
    }
    return HYP_OK;
}
