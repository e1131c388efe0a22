/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/historian: what years of readings cost, and how fast they are asked for.
 *
 *     historian --set S|L|C|R [--file FOLDER] [--folder DIR] [--database URL] [--weigh yes]
 *               [--keep yes] [--devices N] [--dump yes]
 *
 * One process takes in the set (historian_sets.h) in batches of a thousand readings, as they
 * would come, with the clock of the store at the time of the readings, so that periods are
 * sealed on the way; then the clock goes on until everything is sealed, and the store is closed
 * and weighed. A second process sends another hour and kills itself with SIGKILL. A third one
 * opens the store, compares what is there with what was acknowledged, and asks the questions:
 *
 *     q1  one register of one meter, the whole span, raw
 *     q2  all registers of one meter: first, last, least, greatest and mean of every day
 *     q3  first and last energy of every month of all meters
 *     q4  the latest value of every register of all meters
 *
 * intake counts the processor time of the first process, all threads, to the last value sealed,
 * without the part of the sending thread that invents values. bytes_per_value is the whole
 * folder. rss_mb is the peak of the first process. restart_s is from opening to the first
 * answer to q1. lost counts acknowledged values that are not there. Receive times are the
 * source times. --weigh yes says where the bytes are; --keep yes ends after the first process
 * and leaves the folder. --devices N takes the first N devices only. --dump yes prints the set,
 * for bench/peers: device, seconds, then a value or nothing for each register. With --database
 * a line more says what the processes of PostgreSQL took meanwhile, in hundredths of a second.
 */
#include "historian_ask.h"
#include "historian_send.h"
#include "historian_sets.h"
#include "historian_weigh.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the processes --- */

static struct told run_process(struct told (*run)(const char *, char, const char *),
                               const char *folder, char name, const char *files, bool killed)
{
    int ends[2];
    if (pipe(ends) != 0) {
        fail("pipe", "cannot be made");
    }
    pid_t child = fork();
    if (child == 0) {
        struct told told = run(folder, name, files);
        if (write(ends[1], &told, sizeof(told)) != (ssize_t)sizeof(told)) {
            exit(1);
        }
        if (killed) {
            raise(SIGKILL);
        }
        exit(0);
    }
    close(ends[1]);
    struct told told = {0};
    if (child < 0 || read(ends[0], &told, sizeof(told)) != (ssize_t)sizeof(told)) {
        fail("process", "ended before its work was done");
    }
    close(ends[0]);
    waitpid(child, NULL, 0);
    return told;
}

/* --- weighing --- */

static int64_t folder_bytes;

static int add_size(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)path;
    (void)walk;
    folder_bytes += type == FTW_F ? (int64_t)about->st_size : 0;
    return 0;
}

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path);
}

/* --- the program --- */

struct options {
    char set;
    const char *file;
    const char *folder;
    bool weigh;
    bool keep;
    bool dump;
};

static void dump_value(struct hyp_buf *line, const struct hyp_value *value)
{
    hyp_buf_append_char(line, ',');
    if (!hyp_quality_is_usable(value->quality)) {
        return;
    }
    if (value->kind == HYP_VALUE_FLAGS) {
        hyp_buf_append_u64(line, value->flags);
    } else {
        hyp_decimal_format(line, value->decimal);
    }
}

static void dump(const struct options *options)
{
    struct set set;
    set_open(&set, options->set, options->file);
    struct hyp_value values[SET_REGISTERS_MAX];
    size_t device;
    int64_t time;
    size_t count;
    char text[1024];
    struct hyp_buf line;
    while (set_next(&set, &device, &time, values, &count)) {
        hyp_buf_init_fixed(&line, text, sizeof(text));
        hyp_buf_append_fmt(&line, "%zu,%lld", device + 1, (long long)(time / 1000));
        for (size_t i = 0; i < count; i++) {
            dump_value(&line, &values[i]);
        }
        puts(hyp_buf_terminate(&line));
    }
    set_close(&set);
}

static void run(const struct options *options)
{
    struct told first =
        run_process(take_in, options->folder, options->set, options->file, false);
    nftw(options->folder, add_size, 16, FTW_PHYS);
    folder_bytes = database == NULL ? folder_bytes : first.bytes;
    if (options->weigh) {
        weigh(options->folder, first.values);
    }
    if (options->keep) {
        printf("kept in %s\n", options->folder);
        return;
    }
    now_ms = first.now;
    struct told second =
        run_process(send_hour, options->folder, options->set, options->file, true);
    struct set set;
    set_open(&set, options->set, options->file);
    struct asker asker = {.begin = set.begin, .end = set.end};
    set_close(&set);
    hyp_arena_init(&asker.arena, (size_t)4 << 30);
    double restart = seconds_of(CLOCK_MONOTONIC);
    double restart_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    asker.store = open_store(options->folder);
    asker.tenant = first_tenant(asker.store, &asker.arena);
    hyp_device_id one = {.id = 1};
    asker.devices = &one;
    asker.device_count = 1;
    ask_q1(&asker);
    restart = seconds_of(CLOCK_MONOTONIC) - restart;
    restart_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - restart_cpu;
    asker.devices = list_devices(asker.store, &asker.arena, &asker.device_count);
    find_energy(&asker);
    asker.days = make_bounds(asker.begin, asker.end, false, &asker.day_count);
    asker.months = make_bounds(asker.begin, asker.end, true, &asker.month_count);
    struct hyp_store_stats stats;
    hyp_store_stats(asker.store, &stats);
    uint64_t sent = first.values + second.values;
    uint64_t lost = sent > stats.values ? sent - stats.values : 0;
    lost += count_wrong(&asker, options->set, options->file);
    struct asked q[QUESTIONS];
    ask_all(&asker, q);
    if (database != NULL) {
        printf("server_cpu_s=%.1f intake_values_per_cpu_s_of_both=%.0f server_q1_ms=%.3f "
               "server_q2_ms=%.3f server_q3_ms=%.3f server_q4_ms=%.3f; of PostgreSQL's "
               "processes\n",
               first.server_cpu, (double)first.values / (first.cpu_s + first.server_cpu),
               q[0].server, q[1].server, q[2].server, q[3].server);
    }
    printf("set=%c devices=%zu restart_cpu_s=%.3f q1_p95_ms=%.3f q2_p95_ms=%.3f "
           "q3_p95_ms=%.3f q4_p95_ms=%.3f; times are of the processor\n",
           options->set, asker.device_count, restart_cpu, q[0].p95, q[1].p95, q[2].p95,
           q[3].p95);
    printf(
        "values=%llu bytes_per_value=%.3f intake_values_per_cpu_s=%.0f q1_ms=%.3f q2_ms=%.3f "
        "q3_ms=%.3f q4_ms=%.3f rss_mb=%.1f restart_s=%.3f lost=%llu\n",
        (unsigned long long)first.values, (double)folder_bytes / (double)first.values,
        (double)first.values / first.cpu_s, q[0].median, q[1].median, q[2].median, q[3].median,
        (double)first.peak_kb / 1024, restart, (unsigned long long)lost);
    hyp_store_close(asker.store);
    hyp_arena_finish(&asker.arena);
    free(asker.devices);
    free(asker.energy);
    free(asker.days);
    free(asker.months);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    char made[] = "/tmp/hypocaust-bench-XXXXXX";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--set") == 0) {
            options.set = argv[i + 1][0];
        } else if (strcmp(argv[i], "--file") == 0) {
            options.file = argv[i + 1];
        } else if (strcmp(argv[i], "--database") == 0) {
            database = argv[i + 1];
        } else if (strcmp(argv[i], "--folder") == 0) {
            options.folder = argv[i + 1];
        } else if (strcmp(argv[i], "--devices") == 0) {
            uint64_t devices;
            if (hyp_str_to_u64(hyp_str_from(argv[i + 1]), &devices) != HYP_OK || devices == 0) {
                fail(argv[i + 1], "is no number of devices");
            }
            set_limit((size_t)devices);
        } else if (strcmp(argv[i], "--dump") == 0) {
            options.dump = strcmp(argv[i + 1], "yes") == 0;
        } else if (strcmp(argv[i], "--weigh") == 0) {
            options.weigh = strcmp(argv[i + 1], "yes") == 0;
        } else if (strcmp(argv[i], "--keep") == 0) {
            options.keep = strcmp(argv[i + 1], "yes") == 0;
        } else {
            fail(argv[i], "is no option");
        }
    }
    if (options.set == 0) {
        fail("--set", "S, L, C or R is missing");
    }
    if (options.dump) {
        dump(&options);
        return 0;
    }
    if (options.folder == NULL) {
        options.folder = mkdtemp(made);
    }
    run(&options);
    if (!options.keep) {
        nftw(options.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    return 0;
}
