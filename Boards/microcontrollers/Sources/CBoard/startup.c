// SPDX-License-Identifier: Apache-2.0

// Reset and fault entry for Cortex-M processors, and the stack's high-water mark.

#include "CBoard.h"
#include "semihosting.h"

extern uint32_t data_start[], data_end[], data_image[], bss_start[], bss_end[];
extern uint32_t stack_bottom[], stack_top[];
extern int main(void);

static const uint32_t untouched = 0x5AFEC0DEu;

void Reset_Handler(void) {
  for (uint32_t *to = data_start, *from = data_image; to < data_end;) *to++ = *from++;
  for (uint32_t *word = bss_start; word < bss_end;) *word++ = 0;
  uint32_t *here = __builtin_frame_address(0);
  for (volatile uint32_t *word = stack_bottom; word < here - 16; word++) *word = untouched;
  main();
  board_finish();
}

// A Swift trap is an undefined instruction and ends here too.
static void Fault_Handler(void) {
  semihosting_write("trapped\n");
  semihosting_exit(0);
}

void board_report_stack(void) {
  const volatile uint32_t *word = stack_bottom;
  while (word < stack_top && *word == untouched) word++;
  uint32_t bytes = (uint32_t)((uintptr_t)stack_top - (uintptr_t)word);
  char digits[11];
  char *at = digits + sizeof digits;
  *--at = 0;
  do {
    *--at = (char)('0' + bytes % 10);
    bytes /= 10;
  } while (bytes != 0);
  semihosting_write("stack ");
  semihosting_write(at);
  semihosting_write("\n");
}

void board_report_hash(uint64_t hash) {
  char digits[17];
  for (int i = 15; i >= 0; i--, hash >>= 4) digits[i] = "0123456789abcdef"[hash & 15];
  digits[16] = 0;
  semihosting_write("hash ");
  semihosting_write(digits);
  semihosting_write("\n");
}

void board_finish(void) { semihosting_exit(1); }

typedef void (*Handler)(void);

// The sixteen entries of the architecture; no interrupt is ever enabled.
__attribute__((used, section(".vectors"))) static const Handler vectors[16] = {
    (Handler)stack_top, Reset_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler,
    Fault_Handler,      0,             0,             0,             0,             Fault_Handler,
    Fault_Handler,      0,             Fault_Handler, Fault_Handler,
};
