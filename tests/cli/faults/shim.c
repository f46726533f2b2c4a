/* Loaded into a server by LD_PRELOAD: fails chosen writes to its database files.
 * The plan is a file that the test writes to while the server runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

struct plan {
  int64_t left;   /* calls until the first that fails */
  int64_t run;    /* how many fail in a row */
  int64_t error;  /* the errno of those */
  int64_t stall;  /* or: how many milliseconds they take */
  int64_t failed; /* how many have failed */
};

static struct plan *plan;

__attribute__((constructor)) static void begin(void) {
  char line[4096] = {0};
  const char *path = getenv("SHIM_PLAN");
  int file = open("/proc/self/cmdline", O_RDONLY);
  if (!path || file < 0) return;
  ssize_t length = read(file, line, sizeof line - 1);
  close(file);
  int serves = 0;
  for (ssize_t at = 0; at < length; at += (ssize_t)strlen(line + at) + 1)
    serves |= !strcmp(line + at, "serve");
  file = serves ? open(path, O_RDWR) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) plan = mapped;
}

static int fails(int file) {
  char link[64], path[4096];
  if (!plan) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (!strstr(path, "keyturn.db")) return 0;
  int64_t left = __sync_sub_and_fetch(&plan->left, 1);
  if (left > 0 || left <= -plan->run) return 0;
  __sync_fetch_and_add(&plan->failed, 1);
  if (plan->stall) {
    usleep((useconds_t)plan->stall * 1000);
    return 0;
  }
  errno = (int)plan->error;
  return 1;
}

#define REAL(name)                 \
  static __typeof__(&name) real;   \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int f, const void *b, size_t n) {
  REAL(write);
  return fails(f) ? -1 : real(f, b, n);
}
ssize_t pwrite(int f, const void *b, size_t n, off_t o) {
  REAL(pwrite);
  return fails(f) ? -1 : real(f, b, n, o);
}
ssize_t pwrite64(int f, const void *b, size_t n, off64_t o) {
  REAL(pwrite64);
  return fails(f) ? -1 : real(f, b, n, o);
}
int fsync(int f) {
  REAL(fsync);
  return fails(f) ? -1 : real(f);
}
int fdatasync(int f) {
  REAL(fdatasync);
  return fails(f) ? -1 : real(f);
}
int ftruncate(int f, off_t n) {
  REAL(ftruncate);
  return fails(f) ? -1 : real(f, n);
}
int ftruncate64(int f, off64_t n) {
  REAL(ftruncate64);
  return fails(f) ? -1 : real(f, n);
}
