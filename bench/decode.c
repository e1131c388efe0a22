/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many telegrams a core decodes: to records with value and unit, and on to JSON text.
 *
 *     decode --corpus FILE [--keys] [--meters N] [--accept-plain] [--seconds S] [--soak S]
 *
 * The lines (HEX or HEX;KEY) are parsed before the clock starts and repeated for at least S
 * seconds of CPU time each way. --keys puts the keys of the lines into the key table, as a head
 * end has them. --meters N knows N meters more: the rate must not depend on it. --soak S
 * decodes for S seconds of CPU time, half of them to records and half to JSON, and says how
 * much memory the process had after the first round and at the end: the two must not differ.
 */
#include "cmd/decoder.h"
#include "protocol/mbus/record.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define TELEGRAMS_A_ROUND 10000
#define OUTPUT_MAX ((size_t)16 * 1024 * 1024)

struct frame {
    uint8_t *bytes;
    size_t len;
};

struct bench {
    struct hyp_decoder *decoder;
    struct frame *frames;
    size_t count;
    size_t capacity;
    size_t known_meters;
    struct hyp_telegram telegram;
    struct hyp_buf out;
    /* Results that depend on the work, so that none of it can be left out. */
    uint64_t records;
    uint64_t json_bytes;
    uint64_t refused;
};

struct settings {
    const char *corpus;
    bool keys;
    bool accept_plain;
    uint64_t meters;
    double seconds;
    double soak;
};

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "bench decode: %s: %s\n", what, detail);
    exit(1);
}

static void add_frame(struct bench *bench, const uint8_t *bytes, size_t len)
{
    if (bench->count == bench->capacity) {
        bench->capacity = bench->capacity == 0 ? 256 : bench->capacity * 2;
        bench->frames = reallocarray(bench->frames, bench->capacity, sizeof(*bench->frames));
    }
    uint8_t *copy = malloc(len);
    if (bench->frames == NULL || copy == NULL) {
        fail("corpus", "no memory");
    }
    memcpy(copy, bytes, len);
    bench->frames[bench->count++] = (struct frame){.bytes = copy, .len = len};
}

static void add_line(struct bench *bench, struct hyp_str line, bool keys)
{
    uint8_t bytes[HYP_LIMIT_FRAME_BYTES];
    struct hyp_str hex;
    struct hyp_str key = {.ptr = NULL, .len = 0};
    size_t len = 0;
    struct hyp_error err;
    if (!hyp_str_split_next(&line, ';', &hex) ||
        hyp_hex_decode(hyp_str_trim(hex), bytes, sizeof(bytes), &len, &err) != HYP_OK ||
        len == 0) {
        return;
    }
    add_frame(bench, bytes, len);
    if (!keys || !hyp_str_split_next(&line, ';', &key) || hyp_str_trim(key).len == 0) {
        return;
    }
    /* Opening it, with or without success, tells whose key it is. */
    HYP_IGNORE(hyp_telegram_open(bytes, len, HYP_LINK_UNSET,
                                 hyp_decoder_context(bench->decoder), &bench->telegram, NULL,
                                 NULL));
    if (hyp_decoder_add_key(bench->decoder, hyp_str_from(bench->telegram.meter.id),
                            hyp_str_trim(key), &err) == HYP_OK) {
        bench->known_meters++;
    }
}

static void read_corpus(struct bench *bench, const struct settings *settings)
{
    FILE *file = fopen(settings->corpus, "r");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len = 0;
    if (file == NULL) {
        fail(settings->corpus, strerror(errno));
    }
    while ((len = getline(&line, &capacity, file)) >= 0) {
        struct hyp_str text = hyp_str_trim((struct hyp_str){.ptr = line, .len = (size_t)len});
        if (text.len > 0 && text.ptr[0] != '#') {
            add_line(bench, text, settings->keys);
        }
    }
    free(line);
    fclose(file);
    if (bench->count == 0) {
        fail(settings->corpus, "holds no telegram");
    }
}

/* Ids from F0000000 on are nobody's. */
static void add_meters(struct bench *bench, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        char id[9];
        struct hyp_buf text;
        hyp_buf_init_fixed(&text, id, sizeof(id));
        hyp_buf_append_fmt(&text, "%08X", (unsigned)(0xF0000000U + i));
        if (hyp_decoder_add_key(bench->decoder, hyp_buf_view(&text),
                                HYP_STR("000102030405060708090A0B0C0D0E0F"), NULL) != HYP_OK) {
            fail("meters", "no memory");
        }
        bench->known_meters++;
    }
}

static void to_records(struct bench *bench, const struct frame *frame)
{
    struct hyp_mbus_records records;
    struct hyp_mbus_record record;
    if (hyp_telegram_open(frame->bytes, frame->len, HYP_LINK_UNSET,
                          hyp_decoder_context(bench->decoder), &bench->telegram, NULL,
                          NULL) != HYP_OK) {
        bench->refused++;
        return;
    }
    if (bench->telegram.content != HYP_CONTENT_RECORDS) {
        return;
    }
    hyp_mbus_records_init(&records, bench->telegram.data, bench->telegram.data_len, NULL);
    while (hyp_mbus_records_next(&records, &record, NULL) == HYP_OK) {
        bench->records += (uint64_t)record.unit + 1;
    }
}

static void to_json(struct bench *bench, const struct frame *frame)
{
    struct hyp_decoded decoded;
    hyp_buf_reset(&bench->out);
    hyp_decoder_telegram(bench->decoder, frame->bytes, frame->len, &decoded);
    hyp_decoded_write_json(&bench->out, &decoded, 1);
    bench->json_bytes += bench->out.len;
}

/* Telegrams per CPU second of one way through. */
static double measure(struct bench *bench, double seconds,
                      void (*run)(struct bench *bench, const struct frame *frame))
{
    uint64_t done = 0;
    const double start = cpu_seconds();
    double used = 0;
    do {
        /* Asking for the CPU time costs as much as a telegram: not after each. */
        for (size_t n = 0; n < TELEGRAMS_A_ROUND; n += bench->count) {
            for (size_t i = 0; i < bench->count; i++) {
                run(bench, &bench->frames[i]);
            }
            done += bench->count;
        }
        used = cpu_seconds() - start;
    } while (used < seconds);
    return (double)done / used;
}

/* Memory of the process now, in KiB. */
static uint64_t resident_kib(void)
{
    char line[128];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        struct hyp_str text = hyp_str_from(line);
        struct hyp_str name;
        if (hyp_str_split_next(&text, ':', &name) && hyp_str_equal(name, HYP_STR("VmRSS"))) {
            text = hyp_str_trim(text);
            text.len -= HYP_MIN(text.len, sizeof(" kB") - 1);
            HYP_IGNORE(hyp_str_to_u64(text, &kib)); /* 0 then stands for not known */
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib;
}

static void soak(struct bench *bench, double seconds)
{
    for (size_t i = 0; i < bench->count; i++) {
        to_records(bench, &bench->frames[i]);
        to_json(bench, &bench->frames[i]);
    }
    const uint64_t begin = resident_kib();
    const double records = measure(bench, seconds / 2, to_records);
    const double json = measure(bench, seconds / 2, to_json);
    printf("soak_telegrams=%.0f rss_begin_kib=%llu rss_end_kib=%llu\n",
           (records + json) * seconds / 2, (unsigned long long)begin,
           (unsigned long long)resident_kib());
}

static void parse_arguments(int argc, char **argv, struct settings *settings)
{
    static const struct option options[] = {
        {"corpus",       required_argument, NULL, 'c'},
        {"keys",         no_argument,       NULL, 'k'},
        {"accept-plain", no_argument,       NULL, 'p'},
        {"meters",       required_argument, NULL, 'm'},
        {"seconds",      required_argument, NULL, 's'},
        {"soak",         required_argument, NULL, 'l'},
        {NULL,           0,                 NULL, 0  },
    };
    uint64_t seconds = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        bool good = option != '?';
        if (option == 'c') {
            settings->corpus = optarg;
        } else if (option == 'k') {
            settings->keys = true;
        } else if (option == 'p') {
            settings->accept_plain = true;
        } else if (option == 'm') {
            good = hyp_str_to_u64(hyp_str_from(optarg), &settings->meters) == HYP_OK;
        } else if (option == 's') {
            good = hyp_str_to_u64(hyp_str_from(optarg), &seconds) == HYP_OK;
            settings->seconds = (double)seconds;
        } else if (option == 'l') {
            good = hyp_str_to_u64(hyp_str_from(optarg), &seconds) == HYP_OK;
            settings->soak = (double)seconds;
        }
        if (!good) {
            fail("usage", "--corpus FILE [--keys] [--meters N] [--accept-plain] [--seconds S] "
                          "[--soak S]");
        }
    }
    if (settings->corpus == NULL) {
        fail("usage", "--corpus FILE is needed: lines of HEX or HEX;KEY");
    }
}

int main(int argc, char **argv)
{
    struct settings settings = {.seconds = 3};
    static struct bench bench;
    struct hyp_error err;
    parse_arguments(argc, argv, &settings);
    const struct hyp_decoder_options options = {.accept_plain = settings.accept_plain};
    if (hyp_decoder_create(&options, &bench.decoder, &err) != HYP_OK) {
        fail("decoder", err.text);
    }
    hyp_buf_init_heap(&bench.out, OUTPUT_MAX);
    add_meters(&bench, settings.meters);
    read_corpus(&bench, &settings);
    for (size_t i = 0; i < bench.count; i++) {
        to_records(&bench, &bench.frames[i]); /* formats of compact frames are learned here */
    }
    bench.refused = 0;
    for (size_t i = 0; i < bench.count; i++) {
        to_records(&bench, &bench.frames[i]);
    }
    const uint64_t refused = bench.refused;
    if (settings.soak > 0) {
        soak(&bench, settings.soak);
    }
    const double records = measure(&bench, settings.seconds, to_records);
    const double json = measure(&bench, settings.seconds, to_json);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("telegrams=%zu refused=%llu work=%llu json_bytes=%llu\n", bench.count,
           (unsigned long long)refused, (unsigned long long)bench.records,
           (unsigned long long)bench.json_bytes);
    printf("records_per_cpu_s=%.0f json_per_cpu_s=%.0f meters=%zu rss_mb=%.1f\n", records, json,
           bench.known_meters, (double)usage.ru_maxrss / 1024);
    for (size_t i = 0; i < bench.count; i++) {
        free(bench.frames[i].bytes);
    }
    free(bench.frames);
    hyp_buf_finish(&bench.out);
    hyp_decoder_destroy(bench.decoder);
    return 0;
}
