// SPDX-License-Identifier: Apache-2.0
// What the three kernels share: a clock, a fixed current profile and how a figure is printed.
#ifndef LIMITS_H
#define LIMITS_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STEPS 86400
#define REPETITIONS 15

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

// Two comparisons, where fmin and fmax would be calls.
static inline double clamp(double x, double low, double high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

// A new current each second in C, mean zero: xorshift, so that no branch or value can be foreseen.
static void fill_profile(double *c, int count) {
  uint64_t x = 0x9E3779B97F4A7C15u;
  for (int i = 0; i < count; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    c[i] = (double)(x >> 11) * 0x1p-53 - 0.5;
  }
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// One line of JSON; `sink` keeps the compiler from leaving the work out.
static void report(const char *name, double *ns, int count, double sink) {
  qsort(ns, count, sizeof *ns, ascending);
  printf("{\"name\":\"%s\",\"unit\":\"ns\",\"median\":%.4f,\"low\":%.4f,\"high\":%.4f}\n", name,
         ns[count / 2], ns[0], ns[count - 1]);
  if (sink == 1234.5678) fprintf(stderr, "unlikely\n");
}

#endif
