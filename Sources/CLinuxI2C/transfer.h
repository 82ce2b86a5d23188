// SPDX-License-Identifier: Apache-2.0

#pragma once
#include "CLinuxI2C.h"

/// One open device.
struct i2c_device {
  const struct i2c_calls *_Nonnull calls;
  void *_Nullable context;
  int file;
  /// What the adapter can do, as I2C_FUNCS says.
  unsigned long functions;
  /// One bit for each address that was asked after, and for each that the kernel owns.
  uint8_t asked[16];
  uint8_t owned[16];
};

/// One transaction with the calling thread; 0, a negated errno or I2C_RESULT_SHORT.
int i2c_device_transfer(struct i2c_device *_Nonnull device, uint8_t address,
                        const uint8_t *_Nullable bytes, size_t byte_count,
                        uint8_t *_Nullable buffer, size_t buffer_count);
