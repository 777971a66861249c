/* stepper REPORT THREAD NUMBER attach PID       a svscan that runs; an empty line says that we look on
 * stepper REPORT THREAD NUMBER begin COMMAND... a svscan that begins, from the lock of its directory on
 *
 * Counts the system calls of svscan, of its main thread (THREAD: main) and of its other threads (other),
 * and kills it just before the NUMBER-th of THREAD, if that comes. REPORT, a line "THREAD CALL" for each,
 * appears when svscan is dead or we are told to end (TERM). By ptrace, so the code of svscan is as ever. */

#define _GNU_SOURCE
#include <errno.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

static const char *const names[] = {
#include "calls.h"
};
static const char *const threads[] = {"main", "other"};

static FILE *report;
static pid_t svscan;
static int deadly = -1;
static long number, counts[2];

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

/* Whether it is to be let in. */
static int enters(pid_t task)
{
    struct ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, task, sizeof info, &info) < 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return 1;
    int thread = task != svscan;
    const char *name = info.entry.nr < sizeof names / sizeof *names ? names[info.entry.nr] : NULL;
    fprintf(report, "%s %s\n", threads[thread], name ? name : "unknown");
    return ++counts[thread] != number || thread != deadly;
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
    if (count < 6)
        return 100;
    number = atol(words[3]);
    deadly = number == 0 ? -1 : strcmp(words[2], "main") != 0;
    int begin = strcmp(words[4], "begin") == 0;
    svscan = atoi(words[5]);
    int ready = begin ? begins(words + 5) : 1;
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
