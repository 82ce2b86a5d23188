// SPDX-License-Identifier: Apache-2.0

#include "transfer.h"

#include <errno.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <string.h>

static int control(struct i2c_device *device, unsigned long request, uintptr_t argument) {
  int result;
  // A signal, such as SIGTERM, is no error of the bus.
  do {
    errno = 0;
    result = device->calls->control(device->context, device->file, request, argument);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -(errno ? errno : EIO) : result;
}

/// I2C_RDWR does not ask whether a driver owns the address; I2C_SLAVE does.
static int check_owner(struct i2c_device *device, uint8_t address) {
  const uint8_t bit = (uint8_t)(1u << (address & 7));
  if (!(device->asked[address >> 3] & bit)) {
    const int result = control(device, I2C_SLAVE, address);
    if (result < 0 && result != -EBUSY) return result;
    device->asked[address >> 3] |= bit;
    if (result == -EBUSY) device->owned[address >> 3] |= bit;
  }
  return device->owned[address >> 3] & bit ? -EBUSY : 0;
}

static int transfer_messages(struct i2c_device *device, uint8_t address, const uint8_t *bytes,
                             size_t byte_count, uint8_t *buffer, size_t buffer_count) {
  struct i2c_msg messages[2];
  struct i2c_rdwr_ioctl_data data = {.msgs = messages, .nmsgs = 0};
  // Nothing at all is the quick write of a scan: one message without bytes.
  if (byte_count > 0 || buffer_count == 0) {
    messages[data.nmsgs++] = (struct i2c_msg){
        .addr = address, .flags = 0, .len = (uint16_t)byte_count, .buf = (uint8_t *)bytes};
  }
  if (buffer_count > 0) {
    messages[data.nmsgs++] = (struct i2c_msg){
        .addr = address, .flags = I2C_M_RD, .len = (uint16_t)buffer_count, .buf = buffer};
  }
  const int moved = control(device, I2C_RDWR, (uintptr_t)&data);
  if (moved < 0) return moved;
  return (uint32_t)moved == data.nmsgs ? 0 : I2C_RESULT_SHORT;
}

static int smbus(struct i2c_device *device, uint8_t address, uint8_t direction, uint8_t command,
                 uint32_t size, union i2c_smbus_data *data) {
  // The address belongs to the file; only this thread uses the file.
  const int selected = control(device, I2C_SLAVE, address);
  if (selected < 0) return selected;
  struct i2c_smbus_ioctl_data call = {
      .read_write = direction, .command = command, .size = size, .data = data};
  return control(device, I2C_SMBUS, (uintptr_t)&call);
}

static int write_smbus(struct i2c_device *device, uint8_t address, const uint8_t *bytes,
                       size_t count) {
  union i2c_smbus_data data;
  switch (count) {
    case 0:
      return smbus(device, address, I2C_SMBUS_WRITE, 0, I2C_SMBUS_QUICK, NULL);
    case 1:
      return smbus(device, address, I2C_SMBUS_WRITE, bytes[0], I2C_SMBUS_BYTE, NULL);
    case 2:
      data.byte = bytes[1];
      return smbus(device, address, I2C_SMBUS_WRITE, bytes[0], I2C_SMBUS_BYTE_DATA, &data);
    case 3:
      if (device->functions & I2C_FUNC_SMBUS_WRITE_WORD_DATA) {
        // The low byte is the first on the wire.
        data.word = (uint16_t)(bytes[1] | bytes[2] << 8);
        return smbus(device, address, I2C_SMBUS_WRITE, bytes[0], I2C_SMBUS_WORD_DATA, &data);
      }
      break;
    default:
      break;
  }
  if (count - 1 > I2C_SMBUS_BLOCK_MAX) return -EOPNOTSUPP;
  data.block[0] = (uint8_t)(count - 1);
  memcpy(data.block + 1, bytes + 1, count - 1);
  return smbus(device, address, I2C_SMBUS_WRITE, bytes[0], I2C_SMBUS_I2C_BLOCK_DATA, &data);
}

static int read_smbus(struct i2c_device *device, uint8_t address, const uint8_t *bytes,
                      size_t byte_count, uint8_t *buffer, size_t count) {
  union i2c_smbus_data data;
  memset(&data, 0, sizeof data);
  int result;
  if (byte_count == 0 && count == 1) {
    result = smbus(device, address, I2C_SMBUS_READ, 0, I2C_SMBUS_BYTE, &data);
    buffer[0] = data.byte;
    return result;
  }
  if (byte_count != 1 || count > I2C_SMBUS_BLOCK_MAX) return -EOPNOTSUPP;
  if (count == 1) {
    result = smbus(device, address, I2C_SMBUS_READ, bytes[0], I2C_SMBUS_BYTE_DATA, &data);
    buffer[0] = data.byte;
    return result;
  }
  if (count == 2 && device->functions & I2C_FUNC_SMBUS_READ_WORD_DATA) {
    result = smbus(device, address, I2C_SMBUS_READ, bytes[0], I2C_SMBUS_WORD_DATA, &data);
    buffer[0] = (uint8_t)data.word;
    buffer[1] = (uint8_t)(data.word >> 8);
    return result;
  }
  data.block[0] = (uint8_t)count;
  result = smbus(device, address, I2C_SMBUS_READ, bytes[0], I2C_SMBUS_I2C_BLOCK_DATA, &data);
  if (result < 0) return result;
  if (data.block[0] != count) return I2C_RESULT_SHORT;
  memcpy(buffer, data.block + 1, count);
  return 0;
}

int i2c_device_transfer(struct i2c_device *device, uint8_t address, const uint8_t *bytes,
                        size_t byte_count, uint8_t *buffer, size_t buffer_count) {
  if (address > 0x7F || byte_count > I2C_LONGEST_MESSAGE || buffer_count > I2C_LONGEST_MESSAGE) {
    return -EINVAL;
  }
  const int owner = check_owner(device, address);
  if (owner < 0) return owner;
  if (device->functions & I2C_FUNC_I2C) {
    return transfer_messages(device, address, bytes, byte_count, buffer, buffer_count);
  }
  const int result = buffer_count > 0
                         ? read_smbus(device, address, bytes, byte_count, buffer, buffer_count)
                         : write_smbus(device, address, bytes, byte_count);
  return result;
}
