// SPDX-License-Identifier: Apache-2.0
// The least a battery model can be: two RC pairs and a table of 257 open-circuit voltages, one cell,
// 24 h at 1 s, every voltage stored. Bound by the latency of one multiply-add and one look-up a step.
#include "limits.h"

int main(void) {
  static double current[STEPS], volts[STEPS], table[258];
  fill_profile(current, STEPS);
  for (int i = 0; i < 258; i++) table[i] = 2.0 + 2.2 * i / 256.0 + 0.1 * sin(i * 0.1);
  const double r0 = 0.05, a1 = exp(-1 / 15.0), b1 = (1 - a1) * 0.02;
  const double a2 = exp(-1 / 350.0), b2 = (1 - a2) * 0.03, per_step = 256.0 / 3600;
  double ns[REPETITIONS], sink = 0;
  for (int r = 0; r < REPETITIONS; r++) {
    double begin = seconds_now(), place = 128, v1 = 0, v2 = 0;
    for (int i = 0; i < STEPS; i++) {
      double c = current[i];
      place += c * per_step;
      v1 = a1 * v1 + b1 * c;
      v2 = a2 * v2 + b2 * c;
      double inside = clamp(place, 0, 256);
      int index = (int)inside;
      double low = table[index];
      volts[i] = low + (inside - index) * (table[index + 1] - low) + r0 * c + v1 + v2;
    }
    ns[r] = (seconds_now() - begin) / STEPS * 1e9;
    sink += volts[STEPS / 2] + place;
  }
  report("limit.two-rc", ns, REPETITIONS, sink);
}
