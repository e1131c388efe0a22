/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without a fuzzer: linked instead of libFuzzer's main, so that the same
 * file is an ordinary test under every compiler.
 *
 *     fuzz_x SEEDS...     files, or folders of files
 *
 * Every seed goes in whole, cut at many places, and changed in one place at a time by a fixed
 * sequence of numbers: the same inputs on every run. A file NAME.hex holds inputs that a fuzzer
 * found (tools/run-fuzz --keep), one a line in hexadecimal digits; they go in as they are.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SEED_MAX 65536
#define PATH_MAX_LEN 1024
#define CUTS_MAX 64
#define MUTATIONS 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t inputs;

/* Each input in memory of exactly its size, so that the sanitizer sees a read past the end. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    inputs++;
}

static uint32_t next_number(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void run_variants(uint8_t *data, size_t size)
{
    uint32_t state = 0x9E3779B9u;
    size_t step = size / CUTS_MAX + 1;
    run(data, size);
    for (size_t cut = 0; cut < size; cut += step) {
        run(data, cut);
    }
    for (int i = 0; i < MUTATIONS && size > 0; i++) {
        size_t at = next_number(&state) % size;
        uint8_t kept = data[at];
        uint32_t kind = next_number(&state);
        uint32_t changed = kind % 3 == 0 ? kept ^ 1u << (kind >> 8) % 8 : kind >> 16;
        data[at] = (uint8_t)changed;
        run(data, size);
        /* Keep every fourth change, so that the input drifts away from the seed. */
        data[at] = i % 4 == 3 ? data[at] : kept;
    }
}

static int digit(int c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* @data SEED_MAX bytes of scratch */
static bool run_lines(FILE *file, const char *path, uint8_t *data)
{
    size_t line = 1;
    size_t digits = 0;
    for (int c = getc(file); c != EOF; c = getc(file)) {
        if (c == '\n') {
            run(data, digits / 2);
            digits = 0;
            line++;
        } else if (digit(c) < 0 || digits >= 2 * (size_t)SEED_MAX) {
            (void)fprintf(stderr, "%s: line %zu: not a line of hexadecimal digits\n", path,
                          line);
            return false;
        } else {
            data[digits / 2] = (uint8_t)(data[digits / 2] << 4 | digit(c));
            digits++;
        }
    }
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

static bool run_file(const char *path)
{
    static uint8_t data[SEED_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    if (ends_with(path, ".hex")) {
        bool ok = run_lines(file, path, data);
        (void)fclose(file);
        return ok;
    }
    size_t size = fread(data, 1, sizeof(data), file);
    (void)fclose(file);
    run_variants(data, size);
    return true;
}

static bool run_folder(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    size_t files = 0;
    bool ok = count >= 0;
    for (int i = 0; i < count; i++) {
        char name[PATH_MAX_LEN];
        struct stat about;
        FILE *text = fmemopen(name, sizeof(name), "w");
        if (text == NULL) {
            abort();
        }
        (void)fprintf(text, "%s/%s", path, entries[i]->d_name);
        (void)fclose(text);
        if (stat(name, &about) == 0 && S_ISREG(about.st_mode)) {
            ok = run_file(name) && ok;
            files++;
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    if (files == 0) {
        (void)fprintf(stderr, "%s: no seeds there\n", path);
        return false;
    }
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = argc > 1;
    for (int i = 1; i < argc; i++) {
        struct stat about;
        bool folder = stat(argv[i], &about) == 0 && S_ISDIR(about.st_mode);
        ok = (folder ? run_folder(argv[i]) : run_file(argv[i])) && ok;
    }
    printf("1..1\n%s 1 - %zu inputs\n", ok ? "ok" : "not ok", inputs);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
