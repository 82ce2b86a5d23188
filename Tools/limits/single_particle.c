// SPDX-License-Identifier: Apache-2.0
// The shape of a single-particle model: ten diffusion modes, two table look-ups, two square roots and
// two inverse hyperbolic sines a step; one cell, 24 h at 1 s, explicit.
#include "limits.h"

static double look_up(const double *table, double theta) {
  double place = clamp(theta, 0, 1) * 256;
  int index = (int)place;
  return table[index] + (place - index) * (table[index + 1] - table[index]);
}

int main(void) {
  static double current[STEPS], volts[STEPS], cathode[258], anode[258];
  fill_profile(current, STEPS);
  for (int i = 0; i < 258; i++) {
    cathode[i] = 4.2 - 1.2 * i / 256.0;
    anode[i] = 1.0 - 0.95 * i / 256.0;
  }
  double decay[10], gain[10], ns[REPETITIONS], sink = 0;
  for (int k = 0; k < 10; k++) {
    double rate = 9.87 * (k + 1) * (k + 1) / 5000;
    decay[k] = exp(-rate);
    gain[k] = (1 - decay[k]) / rate * 1e-4;
  }
  for (int r = 0; r < REPETITIONS; r++) {
    double mode[10] = {0}, mean = 0.5, begin = seconds_now();
    for (int i = 0; i < STEPS; i++) {
      double c = current[i];
      mean += c / 3600;
      double surface = mean;
      for (int k = 0; k < 5; k++) {
        mode[k] = decay[k] * mode[k] + gain[k] * c;
        surface += mode[k];
      }
      double other = 1 - mean;
      for (int k = 5; k < 10; k++) {
        mode[k] = decay[k] * mode[k] + gain[k] * c;
        other -= mode[k];
      }
      double x = clamp(surface, 1e-6, 1 - 1e-6), y = clamp(other, 1e-6, 1 - 1e-6);
      double eta = asinh(c / (4 * sqrt(x * (1 - x)))) - asinh(-c / (4 * sqrt(y * (1 - y))));
      volts[i] = look_up(cathode, y) - look_up(anode, x) + 0.0514 * eta + 0.03 * c;
    }
    ns[r] = (seconds_now() - begin) / STEPS * 1e9;
    sink += volts[STEPS / 2] + mean;
  }
  report("limit.single-particle", ns, REPETITIONS, sink);
}
