// SPDX-License-Identifier: Apache-2.0
// 1024 cells of two RC pairs with their own parameters under one profile: eight cells side by side,
// time inside, the open-circuit voltage a cubic. What many cells cost where nothing waits for another.
#include "limits.h"

#define CELLS 1024
#define SIDE 8
#define SHORT 8640

int main(void) {
  static double current[SHORT], p[9][CELLS], sum[CELLS];
  fill_profile(current, SHORT);
  for (int n = 0; n < CELLS; n++) {
    double s = 1 + 0.1 * sin(n * 0.7);
    p[0][n] = 0.05 * s, p[1][n] = exp(-1 / (15 * s)), p[2][n] = 0.001 * s;
    p[3][n] = exp(-1 / (350 * s)), p[4][n] = 1e-4 * s, p[5][n] = 1 / (3600 * s);
    p[6][n] = 2.6 * s, p[7][n] = 1.2 * s, p[8][n] = 0.3 * s;
  }
  double ns[REPETITIONS], sink = 0;
  for (int r = 0; r < REPETITIONS; r++) {
    double begin = seconds_now();
    for (int first = 0; first < CELLS; first += SIDE) {
      double q[9][SIDE], z[SIDE], v1[SIDE] = {0}, v2[SIDE] = {0}, total[SIDE] = {0};
      for (int k = 0; k < 9; k++)
        for (int j = 0; j < SIDE; j++) q[k][j] = p[k][first + j];
      for (int j = 0; j < SIDE; j++) z[j] = 0.5;
      for (int i = 0; i < SHORT; i++) {
        double c = current[i];
        for (int j = 0; j < SIDE; j++) {
          z[j] += c * q[5][j];
          v1[j] = q[1][j] * v1[j] + q[2][j] * c;
          v2[j] = q[3][j] * v2[j] + q[4][j] * c;
          total[j] += q[6][j] + z[j] * (q[7][j] + z[j] * q[8][j]) + q[0][j] * c + v1[j] + v2[j];
        }
      }
      for (int j = 0; j < SIDE; j++) sum[first + j] = total[j];
    }
    ns[r] = (seconds_now() - begin) / ((double)SHORT * CELLS) * 1e9;
    sink += sum[CELLS / 2];
  }
  report("limit.batch", ns, REPETITIONS, sink);
}
