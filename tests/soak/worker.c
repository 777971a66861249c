/* A service, its logger, its finish and its start-check, by the name it is called by. Each says by
 * itself what must never be: that another one of its kind runs beside it, that what it writes is
 * refused. In C, because one restart takes a millisecond then, and hundreds run on any machine. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const char *top; /* where the service directories lie, seen from ours */

static void append(const char *name, const char *line)
{
    char path[64];
    snprintf(path, sizeof path, "%s%s", top, name);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, line, strlen(line)) < 0)
        abort();
    close(fd);
}

static void violation(const char *what)
{
    char line[512], here[256];
    snprintf(line, sizeof line, "%s: pid %d: %s (%s)\n", getcwd(here, sizeof here), getpid(), what,
             strerror(errno));
    append("violations", line);
}

/* A lock of this process, not of its children, for as long as it lives. 0: another one has it. */
static int only_one(const char *name)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    return fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0;
}

static void rest(long milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* For whoever looks into a failure. */
static void note(const char *what)
{
    char line[512], here[256];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(line, sizeof line, "%ld.%03ld %s: %s\n", now.tv_sec, now.tv_nsec / 1000000,
             getcwd(here, sizeof here), what);
    append("notes", line);
}

static int exists(const char *name)
{
    return access(name, F_OK) == 0;
}

static long content(const char *name)
{
    char text[32] = "";
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        abort();
    close(fd);
    return atol(text);
}

static void wait_while_held(void)
{
    while (exists("hold"))
        rest(2);
}

/* Lines "ID N", N from 1 on. ID is when it began, so later instances have greater ones. How many
 * went out is in acks/ID, which outlives it: killed in between, it has written one more. */
static int run(void)
{
    char line[128];
    struct timespec now;
    if (!only_one("instance.lock"))
        violation("two instances");
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t id = now.tv_sec * 1000000000ull + now.tv_nsec;
    snprintf(line, sizeof line, "acks/%lu", id);
    int fd = open(line, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    uint64_t *acked = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, 8) == 0)
        acked = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (acked == MAP_FAILED)
        abort();
    snprintf(line, sizeof line, "start %lu %d\n", id, getpid());
    int lives = open("lives", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (write(lives, line, strlen(line)) < 0)
        abort();
    if (exists("stubborn"))
        signal(SIGTERM, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    if (exists("leaves") && fork() == 0) {
        close(1);
        rest(content("leaves"));
        _exit(0);
    }
    if (exists("notification-fd")) {
        rest(5);
        if (write(3, "ready\n", 6) < 0)
            violation("cannot tell that it is ready");
    }
    int logged = exists("log"), brief = exists("brief");
    for (uint64_t n = 1; !brief || n < 20; n++) {
        if (logged) {
            snprintf(line, sizeof line, "%lu %lu of a service that says something now and then\n", id, n);
            if (write(1, line, strlen(line)) < 0)
                violation("cannot write");
            *acked = n;
        }
        rest(n < 50 ? 4 : 20);
    }
    return 1;
}

static int finish(char **words)
{
    char line[64];
    if (!only_one("instance.lock"))
        violation("finish beside an instance");
    if (!only_one("finish.lock"))
        violation("two finishes");
    snprintf(line, sizeof line, "finish %s %s %s\n", words[1], words[2], words[4]);
    int lives = open("lives", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (write(lives, line, strlen(line)) < 0)
        abort();
    rest(10);
    wait_while_held();
    return 0;
}

static int check(void)
{
    if (!only_one("instance.lock"))
        violation("start-check beside an instance");
    rest(5);
    wait_while_held();
    if (!exists("refuse"))
        return 0;
    puts("refused");
    return 1;
}

/* What splice has taken out of the pipe is in the file: killed at any moment, it loses nothing. */
static int logger(void)
{
    if (!only_one("logger.lock"))
        violation("two loggers");
    int fd = open("../log.out", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || lseek(fd, 0, SEEK_END) < 0)
        abort();
    note("logger begins");
    for (;;) {
        ssize_t moved = splice(0, NULL, fd, NULL, 65536, 0);
        if (moved < 0 && errno != EINTR)
            violation("cannot read");
        if (moved == 0) {
            note("logger has read to the end");
            return 0;
        }
        if (moved < 0)
            rest(5);
    }
}

int main(int count, char **words)
{
    char *name = strrchr(words[0], '/');
    top = exists("../log.out") || exists("../acks") ? "../../" : "../";
    name = name ? name + 1 : words[0];
    if (strcmp(name, "finish") == 0 && count == 5)
        return finish(words);
    if (strcmp(name, "start-check") == 0)
        return check();
    return strcmp(top, "../") == 0 ? run() : logger();
}
