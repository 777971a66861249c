/* The services of a long life, their loggers, `finish` and `start-check`, by the name they are called by
 * and by where they run. They do next to nothing, because a million of them are started. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *last(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int main(int count, char **words)
{
    char here[512], bytes[512];
    (void)count;
    if (strcmp(last(words[0]), "run") != 0)
        return 0;
    const char *service = getcwd(here, sizeof here) ? last(here) : "";
    if (strcmp(service, "log") == 0) {
        while (read(0, bytes, sizeof bytes) > 0)
            ;
        return 0;
    }
    if (access("brief", F_OK) == 0)
        return 1;
    if (access("log", F_OK) == 0 && write(1, "begun\n", 6) < 0)
        return 1;
    /* The number of the service, to whoever drives it. */
    unsigned char number = atoi(service + 1);
    int fd = open("../begun", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && write(fd, &number, 1) < 0)
        return 1;
    pause();
    return 0;
}
