/* Preloaded: the clock on the wall, with an offset in nanoseconds that lies in the file SOAK_CLOCK.
 * So it can be made to jump for a few processes. The clock of the machine is left alone.
 *
 * Where SOAK_STEPPED is set, the first lock is announced to the stepper, which is spared all before it. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SOAK_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *found = fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
    if (found != MAP_FAILED)
        offset = found;
    if (fd >= 0)
        close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, time);
    if (failed == 0 && clock == CLOCK_REALTIME && offset) {
        int64_t moved = time->tv_sec * 1000000000ll + time->tv_nsec + *offset;
        time->tv_sec = moved / 1000000000;
        time->tv_nsec = moved % 1000000000;
    }
    return failed;
}

int flock(int fd, int operation)
{
    static int (*real)(int, int);
    if (!real) {
        real = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
        if (getenv("SOAK_STEPPED")) {
            unsetenv("SOAK_STEPPED");
            raise(SIGSTOP);
        }
    }
    return real(fd, operation);
}
