/* What a disk, a clock and a kill can do to a program, on demand: preloaded before the C library (LD_PRELOAD).

   A file that all processes map (struct control) says what is to happen to the operations on files below one folder:
   they are counted, logged, made to fail, or used as the moment of a SIGKILL. Calls to the network are logged as well. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { COUNT, FAIL_ONE, FAIL_FROM, KILL, TEAR };

struct control { /* faults.py writes the same, field by field */
    int32_t mode;
    int32_t error;        /* errno of what fails */
    int64_t nth;          /* operation, from 1 */
    int64_t clock_jump;   /* seconds by which every other look at the clock is off */
    _Atomic int64_t seen; /* operations so far */
    _Atomic int64_t fired;
    char root[1024];
    char log[1024];
    char match[256]; /* only operations whose "KIND PATH" has this in it are counted; empty for all */
};

static struct control *control;

__attribute__((constructor)) static void map_control(void) {
    const char *path = getenv("OVERFITLAB_FAULTS");
    int handle = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
    if (handle < 0) {
        return;
    }
    void *memory = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
    syscall(SYS_close, handle);
    control = memory == MAP_FAILED ? NULL : memory;
}

/* Write one line into the log: process, operation, path. */
static void note(const char *operation, const char *path) {
    char line[2 * PATH_MAX];
    int length = snprintf(line, sizeof line, "%d %s %s\n", (int)getpid(), operation, path);
    int handle = (int)syscall(SYS_openat, AT_FDCWD, control->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (handle >= 0 && length > 0) {
        syscall(SYS_write, handle, line, (size_t)length);
        syscall(SYS_close, handle);
    }
}

/* Put the absolute path into `full`; return what follows the root folder, NULL where it is elsewhere. */
static const char *below_root(const char *path, char *full) {
    size_t length = control ? strlen(control->root) : 0;
    if (!length || !path) {
        return NULL;
    }
    if (path[0] == '/') {
        snprintf(full, PATH_MAX, "%s", path);
    } else {
        char folder[PATH_MAX];
        if (syscall(SYS_getcwd, folder, sizeof folder) < 0) {
            return NULL;
        }
        snprintf(full, PATH_MAX, "%.2000s/%.2000s", folder, path);
    }
    if (strncmp(full, control->root, length) != 0 || (full[length] != '/' && full[length] != 0)) {
        return NULL;
    }
    return full[length] ? full + length + 1 : ".";
}

static const char *file_of(int handle, char *full) {
    char link[64], path[PATH_MAX];
    if (!control || !control->root[0]) {
        return NULL;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length <= 0) {
        return NULL;
    }
    path[length] = 0;
    return path[0] == '/' ? below_root(path, full) : NULL; /* else it is a pipe or a socket */
}

static void die(const char *operation, const char *path) {
    char text[2 * PATH_MAX];
    snprintf(text, sizeof text, "%s %s", operation, path);
    atomic_fetch_add(&control->fired, 1);
    note("killed-at", text);
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) { /* the signal is on its way */
    }
}

enum { GO_ON, REFUSE, HALF };

/* Count an operation, and return what is to become of it. */
static int met(const char *operation, const char *path) {
    if (!path) {
        return GO_ON;
    }
    note(operation, path);
    if (control->match[0]) {
        char text[2 * PATH_MAX];
        snprintf(text, sizeof text, "%s %s", operation, path);
        if (!strstr(text, control->match)) {
            return GO_ON;
        }
    }
    int64_t number = atomic_fetch_add(&control->seen, 1) + 1;
    int mode = control->mode;
    if ((mode == FAIL_ONE && number == control->nth) || (mode == FAIL_FROM && number >= control->nth)) {
        atomic_fetch_add(&control->fired, 1);
        errno = control->error;
        return REFUSE;
    }
    if (mode == KILL && number == control->nth) {
        die(operation, path);
    }
    if (mode == TEAR && number == control->nth) {
        return HALF;
    }
    return GO_ON;
}

ssize_t write(int handle, const void *content, size_t count) {
    char full[PATH_MAX];
    const char *path = file_of(handle, full);
    int then = met("write", path);
    if (then == REFUSE) {
        return -1;
    }
    if (then == HALF) {
        syscall(SYS_write, handle, content, count / 2);
        die("write", path);
    }
    return syscall(SYS_write, handle, content, count);
}

static ssize_t written_at(int handle, const void *content, size_t count, off64_t place) {
    char full[PATH_MAX];
    const char *path = file_of(handle, full);
    int then = met("write", path);
    if (then == REFUSE) {
        return -1;
    }
    if (then == HALF) {
        syscall(SYS_pwrite64, handle, content, count / 2, place);
        die("write", path);
    }
    return syscall(SYS_pwrite64, handle, content, count, place);
}

ssize_t pwrite(int handle, const void *content, size_t count, off_t place) {
    return written_at(handle, content, count, place);
}

ssize_t pwrite64(int handle, const void *content, size_t count, off64_t place) {
    return written_at(handle, content, count, place);
}

static int on_file(const char *operation, int handle) {
    char full[PATH_MAX];
    const char *path = file_of(handle, full);
    int then = met(operation, path);
    if (then == HALF) {
        die(operation, path);
    }
    return then == REFUSE ? -1 : 0;
}

int fsync(int handle) {
    return on_file("fsync", handle) ? -1 : (int)syscall(SYS_fsync, handle);
}

int fdatasync(int handle) {
    return on_file("fsync", handle) ? -1 : (int)syscall(SYS_fdatasync, handle);
}

int ftruncate(int handle, off_t length) {
    return on_file("truncate", handle) ? -1 : (int)syscall(SYS_ftruncate, handle, length);
}

int ftruncate64(int handle, off64_t length) {
    return on_file("truncate", handle) ? -1 : (int)syscall(SYS_ftruncate, handle, length);
}

static int on_path(const char *operation, const char *path, const char *shown) {
    char full[PATH_MAX];
    const char *below = below_root(path, full);
    if (!below) {
        return 0;
    }
    char text[2 * PATH_MAX];
    snprintf(text, sizeof text, "%.4000s%.4000s", below, shown);
    int then = met(operation, text);
    if (then == HALF) {
        die(operation, text);
    }
    return then == REFUSE ? -1 : 0;
}

int rename(const char *from, const char *to) {
    char full[PATH_MAX], shown[PATH_MAX];
    const char *below = below_root(to, full);
    snprintf(shown, sizeof shown, " -> %.4000s", below ? below : to);
    return on_path("rename", from, shown) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path) {
    return on_path("unlink", path, "") ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode) {
    return on_path("mkdir", path, "") ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    if ((flags & (O_CREAT | O_TRUNC)) && (folder == AT_FDCWD || path[0] == '/') && on_path("open", path, "")) {
        return -1;
    }
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

#define OPENING(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(rest, int) : 0; \
        va_end(rest); \
        return opened(AT_FDCWD, path, flags, mode); \
    }
OPENING(open)
OPENING(open64)

/* Names are looked up before anybody is called, and without a network that is where it ends. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (control) {
        note("resolve", name ? name : "nobody");
    }
    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    }
    return real ? real(name, service, hints, found) : EAI_SYSTEM;
}

int connect(int handle, const struct sockaddr *address, socklen_t length) {
    if (control && address && (address->sa_family == AF_INET || address->sa_family == AF_INET6)) {
        note("connect", "network");
    }
    return (int)syscall(SYS_connect, handle, address, length);
}

ssize_t sendto(int handle, const void *content, size_t count, int flags, const struct sockaddr *to, socklen_t length) {
    if (control && to && (to->sa_family == AF_INET || to->sa_family == AF_INET6)) {
        note("connect", "network");
    }
    return syscall(SYS_sendto, handle, content, count, flags, to, length);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int done = (int)syscall(SYS_clock_gettime, clock, time);
    if (!done && control && control->clock_jump && clock == CLOCK_REALTIME) {
        static _Atomic int looks;
        time->tv_sec += atomic_fetch_add(&looks, 1) % 2 ? control->clock_jump : -control->clock_jump;
    }
    return done;
}
