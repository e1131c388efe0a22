/* SPDX-License-Identifier: Apache-2.0 */
/* Other programs as peers: started, waited for by an event, ended and reaped by their id. */
#ifndef HYP_TEST_COLLECT_PROGRAM_H
#define HYP_TEST_COLLECT_PROGRAM_H

#include "support/rows.h"

#include "base/attr.h"

#include <stdbool.h>
#include <sys/types.h>

struct program {
    pid_t pid;
    int output; /* its standard output and error */
    char line[512];
    char folder[64]; /* a fresh folder of its own; removed at the end */
};

/* Makes the folder. */
void program_prepare(struct program *program);
/* Starts `path` with its output in a pipe. argv[0] is the path. */
void program_start(struct program *program, char *const argv[]);
/* Reads lines of its output until one contains `text`; false when it ends before. */
bool program_wait_for(struct program *program, const char *text);
/* Terminates it, waits for its end and removes the folder. */
void program_stop(struct program *program);
/* path of a file in the folder; valid until the next call on the program */
const char *program_path(struct program *program, const char *name);
bool program_exists(const char *path);
/* Formatted text into `out`; the test fails when it does not fit. */
void program_text(char *out, size_t size, const char *format, ...) HYP_PRINTF(3, 4);
/*
 * A TCP port of the loopback where nobody listens. It is kept until this program ends: the
 * system gives it to nobody else, and who asks for it by number, with SO_REUSEADDR, gets it.
 */
unsigned program_free_port(void);

#endif
