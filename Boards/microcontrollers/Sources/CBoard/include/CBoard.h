// SPDX-License-Identifier: Apache-2.0
#ifndef CBOARD_H
#define CBOARD_H

#include <stdint.h>

/// Writes `hash` and sixteen hexadecimal digits to the debugger's console.
void board_report_hash(uint64_t hash);

/// Writes the greatest depth the stack has had since reset. Unit: B.
void board_report_stack(void);

/// Ends the run, with success.
void board_finish(void) __attribute__((noreturn));

#endif
