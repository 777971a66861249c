/* The service of every measurement. Its first act is to take the time, so that the time of the first instruction is
 * known exactly, however late the bench reads it. One line "NANOSECONDS PID NAME" goes to ../events, a FIFO which
 * the bench keeps open. Then it waits to be killed, or fails at once when compiled with -DCRASH. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);

    char here[PATH_MAX];
    const char *slash = getcwd(here, sizeof here) ? strrchr(here, '/') : NULL;
    char line[512];
    int length = snprintf(line, sizeof line, "%lld %d %.200s\n",
                          now.tv_sec * 1000000000LL + now.tv_nsec, (int)getpid(), slash ? slash + 1 : "?");
    int events = open("../events", O_WRONLY | O_NONBLOCK);
    if (events >= 0 && write(events, line, length) == length)
        close(events);
#ifdef CRASH
    return 1;
#else
    for (;;)
        pause();
#endif
}
