// SPDX-License-Identifier: Apache-2.0
// Loaded before the C library, it lets a program's clock run CLOCK_SPEED times as fast, and its waits
// for an event end so much earlier: for a program in the guest whose chips live faster than the guest.
// Other clocks, such as the one that says how long a bus may take, stay as they are.
#define _GNU_SOURCE
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long speed(void) {
  static long long found;
  if (!found) {
    const char *text = getenv("CLOCK_SPEED");
    found = text && atoll(text) > 0 ? atoll(text) : 1;
  }
  return found;
}

static struct timespec scaled(const struct timespec *time, long long times, long long parts) {
  const long long nanoseconds = (time->tv_sec * 1000000000LL + time->tv_nsec) * times / parts;
  return (struct timespec){nanoseconds / 1000000000, nanoseconds % 1000000000};
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  const long result = syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_BOOTTIME) *time = scaled(time, speed(), 1);
  return (int)result;
}

int ppoll(
    struct pollfd *list, nfds_t count, const struct timespec *time, const sigset_t *signals) {
  struct timespec shorter = {0};
  if (time) shorter = scaled(time, 1, speed());
  return (int)syscall(
      SYS_ppoll, list, count, time ? &shorter : NULL, signals, sizeof(unsigned long));
}
