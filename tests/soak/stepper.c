/* stepper REPORT THREAD KIND NUMBER attach PID       a svscan that runs; an empty line says that we look on
 * stepper REPORT THREAD KIND NUMBER begin COMMAND... a svscan that begins, from the lock of its directory on
 *
 * Counts the system calls of svscan, of its main thread (THREAD: main) and of its other threads (other).
 * KIND: those that may be seen from outside (visible), and those that nobody but svscan can tell of (inner).
 * Kills it just before the NUMBER-th of THREAD and KIND, if that comes. REPORT, a line "THREAD KIND CALL" for
 * each, appears when svscan is dead or we are told to end (TERM). By ptrace, so the code of svscan is as ever. */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

static const char *const names[] = {
#include "calls.h"
};
static const char *const threads[] = {"main", "other"};
static const char *const kinds[] = {"visible", "inner"};

static FILE *report;
static pid_t svscan;
static int deadly, deadly_kind;
static long number, counts[2][2];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void look_at(pid_t task)
{
    if (ptrace(PTRACE_SEIZE, task, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE) < 0)
        fail("stepper: seize");
}

static void look_at_all(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", svscan);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks && (entry = readdir(tasks));)
        if (entry->d_name[0] != '.') {
            look_at(atoi(entry->d_name));
            ptrace(PTRACE_INTERRUPT, atoi(entry->d_name), 0, 0);
        }
    if (tasks)
        closedir(tasks);
}

/* Whether it is a file or a directory that is only read, without a lock: to read or close it leaves no trace. */
static int only_read(pid_t task, int fd)
{
    char path[64], line[256];
    struct stat found;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", task, fd);
    if (stat(path, &found) < 0 || !(S_ISREG(found.st_mode) || S_ISDIR(found.st_mode)))
        return 0;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", task, fd);
    FILE *info = fopen(path, "re");
    int answer = info != NULL;
    for (unsigned flags; info && fgets(line, sizeof line, info);)
        if (strncmp(line, "lock:", 5) == 0 || (sscanf(line, "flags: %o", &flags) == 1 && (flags & O_ACCMODE)))
            answer = 0;
    if (info)
        fclose(info);
    return answer;
}

/* Whether nobody but svscan can tell that the call was made. What we do not know may be seen. A FIFO is opened
 * without waiting, as nothing else but a directory is. */
static int is_inner(pid_t task, unsigned long call, const unsigned long long *words)
{
    switch (call) {
    case SYS_newfstatat: case SYS_fstat: case SYS_statx: case SYS_lseek: case SYS_readlink: case SYS_getcwd:
    case SYS_access: case SYS_getdents64: case SYS_ioctl: case SYS_pread64: case SYS_poll: case SYS_epoll_ctl:
    case SYS_mmap: case SYS_mprotect: case SYS_munmap: case SYS_mremap: case SYS_madvise: case SYS_brk:
    case SYS_futex: case SYS_rseq: case SYS_set_robust_list: case SYS_rt_sigaction: case SYS_rt_sigprocmask:
    case SYS_getpid: case SYS_getppid: case SYS_gettid: case SYS_geteuid: case SYS_prlimit64: case SYS_uname:
    case SYS_getrandom: case SYS_clock_gettime: case SYS_sched_yield:
        return 1;
    case SYS_fcntl:
        return words[1] == F_GETFD || words[1] == F_SETFD || words[1] == F_GETFL;
    case SYS_openat:
        return !(words[2] & (O_ACCMODE | O_CREAT | O_TRUNC)) && (!(words[2] & O_NONBLOCK) || words[2] & O_DIRECTORY);
    case SYS_read: case SYS_close:
        return only_read(task, words[0]);
    }
    return 0;
}

/* Whether it is to be let in. */
static int enters(pid_t task)
{
    struct ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, task, sizeof info, &info) < 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return 1;
    int thread = task != svscan, kind = is_inner(task, info.entry.nr, (unsigned long long *)info.entry.args);
    const char *name = info.entry.nr < sizeof names / sizeof *names ? names[info.entry.nr] : NULL;
    fprintf(report, "%s %s %s\n", threads[thread], kinds[kind], name ? name : "unknown");
    return ++counts[thread][kind] != number || thread != deadly || kind != deadly_kind;
}

/* Whether it is to go on. */
static int stopped(pid_t task, int status)
{
    int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
        if (!enters(task)) {
            kill(svscan, SIGKILL);
            return 0;
        }
        signal = 0;
    } else if (status >> 16 || signal == SIGSTOP) {
        signal = 0; /* a new thread, our own interruption, or the first lock */
    }
    ptrace(PTRACE_SYSCALL, task, 0, signal);
    return 1;
}

static void look_on(const sigset_t *signals)
{
    for (;;) {
        int status;
        pid_t task;
        while ((task = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
            if (WIFSTOPPED(status) ? !stopped(task, status) : task == svscan)
                return;
        if (task < 0 && errno == ECHILD)
            return;
        if (sigwaitinfo(signals, NULL) == SIGTERM)
            return;
    }
}

/* To be traced by a process that is not our child, as svscan has only children of its own. */
static int begins(char **command)
{
    int gate[2];
    char byte;
    svscan = getpid();
    if (pipe(gate) < 0)
        fail("stepper: pipe");
    pid_t child = fork();
    if (child == 0 && fork() > 0)
        _exit(0);
    if (child == 0) {
        close(gate[0]);
        return gate[1];
    }
    close(gate[1]);
    waitpid(child, NULL, 0);
    if (read(gate[0], &byte, 1) == 1) {
        close(gate[0]);
        setenv("SOAK_STEPPED", "", 1);
        execv(command[0], command);
    }
    _exit(111);
}

int main(int count, char **words)
{
    char unready[512];
    sigset_t signals;
    if (count < 7)
        return 100;
    deadly = strcmp(words[2], "main") != 0;
    deadly_kind = strcmp(words[3], "visible") != 0;
    number = atol(words[4]); /* 0: never */
    int begin = strcmp(words[5], "begin") == 0;
    svscan = atoi(words[6]);
    int ready = begin ? begins(words + 6) : 1;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    snprintf(unready, sizeof unready, "%s.unready", words[1]);
    report = fopen(unready, "we");
    if (!report)
        fail("stepper: report");
    if (begin)
        look_at(svscan);
    else
        look_at_all();
    if (write(ready, "\n", 1) < 0)
        fail("stepper: ready");
    close(ready);
    look_on(&signals);
    fclose(report);
    return rename(unready, words[1]) < 0;
}
