// SPDX-License-Identifier: Apache-2.0

#include "CProcess.h"

#include <sys/timex.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int process_hold_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  const int held = pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (held != 0) return -held;
  signal(SIGPIPE, SIG_IGN);
  const int file = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return file < 0 ? -errno : file;
}

int process_take_signal(int file) {
  struct signalfd_siginfo information;
  const ssize_t count = read(file, &information, sizeof information);
  return count == (ssize_t)sizeof information ? (int)information.ssi_signo : 0;
}

int process_wait(const int *files, size_t count, int64_t microseconds) {
  struct pollfd list[64];
  if (count > sizeof list / sizeof list[0]) return -EINVAL;
  for (size_t i = 0; i < count; i++) {
    list[i] = (struct pollfd){.fd = files[i], .events = POLLIN};
  }
  const int64_t wait = microseconds > 0 ? microseconds : 0;
  const struct timespec time = {.tv_sec = wait / 1000000, .tv_nsec = wait % 1000000 * 1000};
  const int ready = ppoll(list, count, &time, NULL);
  if (ready < 0) return errno == EINTR ? (int)count : -errno;
  for (size_t i = 0; i < count; i++) {
    if (list[i].revents != 0) return (int)i;
  }
  return (int)count;
}

int process_notify(const char *text) {
  const char *path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (!path || (path[0] != '/' && path[0] != '@')) return 0;
  const size_t length = strlen(path);
  if (length >= sizeof address.sun_path) return -ENAMETOOLONG;
  memcpy(address.sun_path, path, length);
  // A name that begins with @ is in the abstract space.
  if (path[0] == '@') address.sun_path[0] = 0;
  const int file = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (file < 0) return -errno;
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  const ssize_t sent = sendto(file, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
                              (const struct sockaddr *)&address, size);
  const int result = sent < 0 ? -errno : 0;
  close(file);
  return result;
}

int64_t process_used_microseconds(void) {
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * (int64_t)1000000 +
         usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

int64_t process_resident_kibibytes(void) {
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return -1;
  long long whole = 0, resident = -1;
  if (fscanf(file, "%lld %lld", &whole, &resident) != 2) resident = -1;
  fclose(file);
  return resident < 0 ? -1 : resident * (sysconf(_SC_PAGESIZE) / 1024);
}

int process_clock_is_synchronized(void) {
  struct timex now = {0};
  return adjtimex(&now) != TIME_ERROR;
}
