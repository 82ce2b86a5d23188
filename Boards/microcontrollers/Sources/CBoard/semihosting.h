// SPDX-License-Identifier: Apache-2.0
#ifndef CBOARD_SEMIHOSTING_H
#define CBOARD_SEMIHOSTING_H

// Arm semihosting (ARM-software/abi-aa, "Semihosting for AArch32 and AArch64"): the debugger, here
// QEMU, answers a breakpoint.

#include <stdint.h>

static inline void semihosting_call(uint32_t operation, uintptr_t argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register uintptr_t r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static inline void semihosting_write(const char *text) {
  semihosting_call(0x04, (uintptr_t)text);
}

// 0x20026 is ADP_Stopped_ApplicationExit, status 0; 0x20023 a run-time error, status 1.
static inline __attribute__((noreturn)) void semihosting_exit(int succeeded) {
  semihosting_call(0x18, succeeded ? 0x20026 : 0x20023);
  for (;;) {
  }
}

#endif
