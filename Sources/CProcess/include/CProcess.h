// SPDX-License-Identifier: Apache-2.0
//
// What a program that runs for months needs of its process and its service manager.

#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Holds SIGINT, SIGTERM and SIGHUP back and gives a file to wait for them on, or a negated errno.
/// A pipe that nobody reads is an error of its write and ends nothing.
int process_hold_signals(void);

/// Takes a signal that was waited for; 0 if there is none.
int process_take_signal(int file);

/// Waits until one of the files can be read or the time is up.
///
/// The place of the first file that can, `count` when the time is up, or a negated errno.
int process_wait(const int *_Nullable files, size_t count, int64_t microseconds);

/// Sends a line of sd_notify(3) to the service manager; 0 without one, or a negated errno.
int process_notify(const char *text);

/// Whether the system's calendar clock is kept right by a time server or another reference.
int process_clock_is_synchronized(void);

/// The processor time used so far. Unit: µs.
int64_t process_used_microseconds(void);

/// The memory that is in use now. Unit: KiB; negative if it cannot be told.
int64_t process_resident_kibibytes(void);

#pragma clang assume_nonnull end
