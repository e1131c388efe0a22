/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include "base/buf.h"

#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void program_prepare(struct program *program)
{
    *program = (struct program){.output = -1, .folder = "/tmp/hyp-collect-XXXXXX"};
    assert_non_null(mkdtemp(program->folder));
}

void program_start(struct program *program, char *const argv[])
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    program->pid = fork();
    assert_true(program->pid >= 0);
    if (program->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to outlive a test that crashed */
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execv(argv[0], argv);
        _exit(127);
    }
    close(ends[1]);
    program->output = ends[0];
}

bool program_wait_for(struct program *program, const char *text)
{
    size_t len = 0;
    for (;;) {
        char c;
        if (read(program->output, &c, 1) != 1) {
            return false;
        }
        if (c == '\n' || len == sizeof(program->line) - 1) {
            program->line[len] = '\0';
            len = 0;
            if (strstr(program->line, text) != NULL) {
                return true;
            }
        } else {
            program->line[len++] = c;
        }
    }
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void program_stop(struct program *program)
{
    if (program->pid > 0) {
        kill(program->pid, SIGTERM);
        waitpid(program->pid, NULL, 0);
        close(program->output);
        program->pid = 0;
    }
    nftw(program->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void program_text(char *out, size_t size, const char *format, ...)
{
    struct hyp_buf text;
    hyp_buf_init_fixed(&text, out, size);
    va_list args;
    va_start(args, format);
    hyp_buf_append_vfmt(&text, format, args);
    va_end(args);
    assert_int_equal(hyp_buf_status(&text), HYP_OK);
    hyp_buf_terminate(&text);
}

const char *program_path(struct program *program, const char *name)
{
    program_text(program->line, sizeof(program->line), "%s/%s", program->folder, name);
    return program->line;
}

bool program_exists(const char *path)
{
    return access(path, X_OK) == 0;
}

unsigned program_free_port(void)
{
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port); /* the socket stays: the port is ours until the end */
}
