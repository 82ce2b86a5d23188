// SPDX-License-Identifier: Apache-2.0
//
// Transfers over /dev/i2c-N with a thread of their own, so that a call that hangs in the kernel
// cannot hang its caller.
//
// Only the kernel's own headers are used (i2c-dev); libi2c would add a library to link for what is
// one ioctl.

#pragma once
// For those who answer the calls themselves.
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// The system calls that a bus makes; tests put their own in place.
struct i2c_calls {
  int (*open)(void *_Nullable context, const char *path);
  int (*close)(void *_Nullable context, int file);
  /// Gives -1 and sets errno like ioctl(2).
  int (*control)(void *_Nullable context, int file, unsigned long request, uintptr_t argument);
};

/// What a transfer gives besides 0 and a negated errno.
enum i2c_result {
  /// Fewer messages or bytes moved than asked for.
  I2C_RESULT_SHORT = 1,
  /// The call did not come back in time; it may still be hanging.
  I2C_RESULT_LATE = 2,
  /// An earlier call still hangs; nothing was tried.
  I2C_RESULT_STUCK = 3,
};

/// The most bytes of one message; i2c-dev takes no more.
#define I2C_LONGEST_MESSAGE 8192

struct i2c_bus;

/// The system's own calls.
const struct i2c_calls *i2c_system_calls(void);

/// Opens a device and starts its thread; 0 or a negated errno.
int i2c_bus_open(const struct i2c_calls *calls, void *_Nullable context, const char *path,
                 struct i2c_bus *_Nullable *_Nonnull bus);

/// One transaction: a write, a read, or a write and a read with a repeated start.
///
/// Waits `microseconds` at most. The first transfer with an address asks whether a driver of the
/// kernel owns it; then the answer is -EBUSY until the bus is opened again.
int i2c_bus_transfer(struct i2c_bus *bus, uint8_t address, const uint8_t *_Nullable bytes,
                     size_t byte_count, uint8_t *_Nullable buffer, size_t buffer_count,
                     int64_t microseconds);

/// Whether a call still hangs.
int i2c_bus_is_stuck(struct i2c_bus *bus);

/// Closes the device; a call that hangs is left to itself, and cleans up if it ever comes back.
void i2c_bus_close(struct i2c_bus *bus);

#pragma clang assume_nonnull end
