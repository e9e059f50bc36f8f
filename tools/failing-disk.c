/*
 * A library for LD_PRELOAD: makes calls of the operating system on files below a folder fail, as a full or broken disk would.
 *
 * A fault is written `CALL:ERRNO:FROM:COUNT:FOLDER`, such as `write:28:3:1:/tmp/run`: of the calls of that kind on files below the folder, the
 * third one fails, and COUNT in all (0: each one from then on). Kinds: write (also truncate), sync, open (also rename, mkdir and unlink). The variable
 * PEXEN_FAULT has the first fault. Opening the file `fault:` + FAULT sets another one, and opening `fault:` ends the present one. Its content are the
 * calls since a fault was set: `{"write":12,"sync":3,"open":5,"failed":1}`.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITE, SYNC, OPEN, KINDS };
static const char *names[KINDS] = {"write", "sync", "open"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
  int kind, number, from, count;
  char folder[4096];
} fault = {-1, 0, 0, 0, ""};
static int calls[KINDS];
static int failed;

static void set(const char *text) {
  char name[16] = "";
  fault.kind = -1;
  if (*text == 0) return;
  memset(calls, 0, sizeof calls);
  failed = 0;
  fault.folder[0] = 0;
  if (sscanf(text, "%15[a-z]:%d:%d:%d:%4095s", name, &fault.number, &fault.from, &fault.count, fault.folder) < 5) return;
  for (int kind = 0; kind < KINDS; kind++)
    if (strcmp(name, names[kind]) == 0) fault.kind = kind;
}

__attribute__((constructor)) static void start(void) {
  const char *first = getenv("PEXEN_FAULT");
  if (first != NULL) set(first);
}

/* Does this call fail? Sets errno then. */
static int fails(enum kind kind, const char *path) {
  size_t length = strlen(fault.folder);
  int result = 0;
  if (length == 0 || strncmp(path, fault.folder, length) != 0) return 0;
  pthread_mutex_lock(&lock);
  int call = ++calls[kind];
  if ((int)kind == fault.kind && call >= fault.from && (fault.count == 0 || call < fault.from + fault.count)) {
    failed++;
    result = 1;
  }
  pthread_mutex_unlock(&lock);
  if (result) errno = fault.number;
  return result;
}

static int fails_on(enum kind kind, int descriptor) {
  char link[64], path[4096];
  int before = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = before;
  if (length < 0) return 0;
  path[length] = 0;
  return fails(kind, path);
}

/* The file `fault:…`: its content is what was counted so far. */
static int control(const char *text) {
  int file = memfd_create("fault", 0);
  dprintf(file, "{\"write\":%d,\"sync\":%d,\"open\":%d,\"failed\":%d}", calls[WRITE], calls[SYNC], calls[OPEN], failed);
  lseek(file, 0, SEEK_SET);
  set(text);
  return file;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int open_or_fail(int (*next)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  if (strncmp(path, "fault:", 6) == 0) return control(path + 6);
  if (fails(OPEN, path)) return -1;
  return next(path, flags, mode);
}

#define DEFINE_OPEN(name)                                  \
  int name(const char *path, int flags, ...) {             \
    va_list rest;                                          \
    va_start(rest, flags);                                 \
    mode_t mode = va_arg(rest, mode_t);                    \
    va_end(rest);                                          \
    return open_or_fail(NEXT(name), path, flags, mode);    \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_ON_DESCRIPTOR(kind, result, name, parameters, arguments) \
  result name parameters {                                              \
    if (fails_on(kind, descriptor)) return -1;                          \
    return NEXT(name) arguments;                                        \
  }
DEFINE_ON_DESCRIPTOR(WRITE, ssize_t, write, (int descriptor, const void *bytes, size_t size), (descriptor, bytes, size))
DEFINE_ON_DESCRIPTOR(WRITE, ssize_t, pwrite, (int descriptor, const void *bytes, size_t size, off_t at), (descriptor, bytes, size, at))
DEFINE_ON_DESCRIPTOR(WRITE, ssize_t, pwrite64, (int descriptor, const void *bytes, size_t size, off64_t at), (descriptor, bytes, size, at))
DEFINE_ON_DESCRIPTOR(WRITE, ssize_t, writev, (int descriptor, const struct iovec *parts, int count), (descriptor, parts, count))
DEFINE_ON_DESCRIPTOR(WRITE, ssize_t, pwritev, (int descriptor, const struct iovec *parts, int count, off_t at), (descriptor, parts, count, at))
DEFINE_ON_DESCRIPTOR(WRITE, ssize_t, pwritev64, (int descriptor, const struct iovec *parts, int count, off64_t at), (descriptor, parts, count, at))
DEFINE_ON_DESCRIPTOR(WRITE, int, ftruncate, (int descriptor, off_t size), (descriptor, size))
DEFINE_ON_DESCRIPTOR(WRITE, int, ftruncate64, (int descriptor, off64_t size), (descriptor, size))
DEFINE_ON_DESCRIPTOR(SYNC, int, fsync, (int descriptor), (descriptor))
DEFINE_ON_DESCRIPTOR(SYNC, int, fdatasync, (int descriptor), (descriptor))

#define DEFINE_ON_PATH(name, parameters, arguments) \
  int name parameters {                             \
    if (fails(OPEN, path)) return -1;               \
    return NEXT(name) arguments;                    \
  }
DEFINE_ON_PATH(rename, (const char *path, const char *to), (path, to))
DEFINE_ON_PATH(mkdir, (const char *path, mode_t mode), (path, mode))
DEFINE_ON_PATH(unlink, (const char *path), (path))
