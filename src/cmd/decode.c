/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypocaust decode: telegrams as hex lines in, readings as JSON or a table out.
 */
#include "cmd/command.h"

#include "cmd/decoder.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX ((size_t)16 * 1024 * 1024)
#define KEY_FILE_MAX ((size_t)256 * 1024 * 1024)
/* Written out when the builder holds this much, and before waiting for more input. */
#define OUTPUT_CHUNK 65536

enum format {
    FORMAT_TABLE = 0,
    FORMAT_JSON,
};

struct settings {
    struct hyp_decoder_options decoder;
    enum format format;
    const char *keys;
    const char *input; /* NULL or "-": standard input */
};

static const char usage[] =
    "Usage: hypocaust decode [OPTION]... [FILE]\n"
    "Reads one telegram per line (HEX or HEX;KEY) from FILE or standard input.\n\n"
    "  --format json|table  one JSON object per line, or a table (default)\n"
    "  --keys FILE          keys of meters: \"id;key\" a line, id * for all others\n"
    "  --explain            say what every byte means\n"
    "  --accept-plain       test data: the payload may be plain although its header says\n"
    "                       encrypted, and L may be too small; never use it for\n"
    "                       readings that count\n";

static int parse_arguments(int argc, char **argv, struct settings *settings)
{
    static const struct option options[] = {
        {"format",       required_argument, NULL, 'f'},
        {"keys",         required_argument, NULL, 'k'},
        {"explain",      no_argument,       NULL, 'e'},
        {"accept-plain", no_argument,       NULL, 'p'},
        {"help",         no_argument,       NULL, 'h'},
        {NULL,           0,                 NULL, 0  },
    };
    int option = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'f':
            if (strcmp(optarg, "json") != 0 && strcmp(optarg, "table") != 0) {
                fprintf(stderr, "hypocaust decode: --format is json or table\n");
                return 2;
            }
            settings->format = strcmp(optarg, "json") == 0 ? FORMAT_JSON : FORMAT_TABLE;
            break;
        case 'k': settings->keys = optarg; break;
        case 'e': settings->decoder.explain = true; break;
        case 'p': settings->decoder.accept_plain = true; break;
        case 'h': fputs(usage, stdout); return -1;
        default: fputs(usage, stderr); return 2;
        }
    }
    settings->input = optind < argc ? argv[optind] : NULL;
    return 0;
}

static FILE *open_input(const char *path)
{
    if (path == NULL || strcmp(path, "-") == 0) {
        return stdin;
    }
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "hypocaust decode: cannot read %s: %s\n", path, strerror(errno));
    }
    return file;
}

static enum hyp_status read_all(FILE *file, struct hyp_buf *out)
{
    char chunk[4096];
    size_t got = 0;
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        hyp_buf_append(out, chunk, got);
    }
    return ferror(file) != 0 ? HYP_IO : hyp_buf_status(out);
}

static int load_keys(struct hyp_decoder *decoder, const char *path)
{
    FILE *file = open_input(path);
    if (file == NULL) {
        return 1;
    }
    struct hyp_buf text;
    struct hyp_error err = {.status = HYP_IO, .offset = 0, .text = "cannot be read"};
    hyp_buf_init_heap(&text, KEY_FILE_MAX);
    enum hyp_status status = read_all(file, &text);
    if (status == HYP_OK) {
        status = hyp_decoder_add_keys(decoder, hyp_buf_view(&text), &err);
    }
    if (status != HYP_OK) {
        fprintf(stderr, "hypocaust decode: %s line %lld: %s\n", path, (long long)err.offset,
                err.text);
    }
    if (text.data != NULL) {
        hyp_wipe(text.data, text.len);
    }
    hyp_buf_finish(&text);
    if (file != stdin) {
        fclose(file);
    }
    return status == HYP_OK ? 0 : 1;
}

static int flush(struct hyp_buf *out)
{
    const bool written = fwrite(out->data, 1, out->len, stdout) == out->len;
    const bool whole = hyp_buf_status(out) == HYP_OK;
    hyp_buf_reset(out);
    if (!written || !whole) {
        fprintf(stderr, "hypocaust decode: output failed: %s\n",
                written ? "a telegram's text is too long" : strerror(errno));
        return 1;
    }
    return 0;
}

static int decode_lines(struct hyp_decoder *decoder, FILE *input, enum format format)
{
    struct hyp_buf out;
    struct hyp_decoded decoded;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len = 0;
    int result = 0;
    hyp_buf_init_heap(&out, OUTPUT_MAX);
    for (size_t number = 1; result == 0 && (len = getline(&line, &capacity, input)) >= 0;
         number++) {
        struct hyp_str text = hyp_str_trim((struct hyp_str){.ptr = line, .len = (size_t)len});
        if (text.len == 0 || text.ptr[0] == '#') {
            continue;
        }
        hyp_decoder_line(decoder, text, &decoded);
        if (format == FORMAT_JSON) {
            hyp_decoded_write_json(&out, &decoded, number);
        } else {
            hyp_decoded_write_table(&out, &decoded, number);
        }
        if (out.len >= OUTPUT_CHUNK) {
            result = flush(&out);
        }
    }
    if (result == 0 && out.len > 0) {
        result = flush(&out);
    }
    hyp_buf_finish(&out);
    free(line);
    return result;
}

int hyp_command_decode(int argc, char **argv)
{
    struct settings settings = {.format = FORMAT_TABLE};
    int result = parse_arguments(argc, argv, &settings);
    if (result != 0) {
        return result < 0 ? 0 : result;
    }
    struct hyp_decoder *decoder = NULL;
    struct hyp_error err;
    if (hyp_decoder_create(&settings.decoder, &decoder, &err) != HYP_OK) {
        fprintf(stderr, "hypocaust decode: %s\n", err.text);
        return 1;
    }
    FILE *input = NULL;
    result = settings.keys != NULL ? load_keys(decoder, settings.keys) : 0;
    if (result == 0) {
        input = open_input(settings.input);
        result = input == NULL ? 1 : decode_lines(decoder, input, settings.format);
    }
    if (input != NULL && input != stdin) {
        fclose(input);
    }
    hyp_decoder_destroy(decoder);
    return result;
}
