// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "transfer.h"

/// A device with its thread. The caller puts a question into it, the thread an answer; the bytes are
/// copied, so that a call that comes back late finds memory that is still its own.
struct i2c_bus {
  struct i2c_device device;
  pthread_mutex_t lock;
  pthread_cond_t asked, answered;
  /// A question waits for the thread, or is being worked on.
  bool is_busy;
  /// The caller is gone; whoever is last frees.
  bool is_closed;
  uint8_t address;
  size_t byte_count, buffer_count;
  int result;
  uint8_t bytes[I2C_LONGEST_MESSAGE];
  uint8_t buffer[I2C_LONGEST_MESSAGE];
};

static int system_open(void *context, const char *path) {
  (void)context;
  return open(path, O_RDWR | O_CLOEXEC);
}

static int system_close(void *context, int file) {
  (void)context;
  return close(file);
}

static int system_control(void *context, int file, unsigned long request, uintptr_t argument) {
  (void)context;
  return ioctl(file, request, argument);
}

const struct i2c_calls *i2c_system_calls(void) {
  static const struct i2c_calls calls = {system_open, system_close, system_control};
  return &calls;
}

static void destroy(struct i2c_bus *bus) {
  bus->device.calls->close(bus->device.context, bus->device.file);
  pthread_cond_destroy(&bus->asked);
  pthread_cond_destroy(&bus->answered);
  pthread_mutex_destroy(&bus->lock);
  free(bus);
}

static void *work(void *argument) {
  struct i2c_bus *bus = argument;
  pthread_mutex_lock(&bus->lock);
  while (true) {
    while (!bus->is_busy && !bus->is_closed) pthread_cond_wait(&bus->asked, &bus->lock);
    if (bus->is_closed) break;
    pthread_mutex_unlock(&bus->lock);
    const int result = i2c_device_transfer(&bus->device, bus->address, bus->bytes, bus->byte_count,
                                           bus->buffer, bus->buffer_count);
    pthread_mutex_lock(&bus->lock);
    bus->result = result;
    bus->is_busy = false;
    pthread_cond_signal(&bus->answered);
  }
  pthread_mutex_unlock(&bus->lock);
  destroy(bus);
  return NULL;
}

static int start_thread(struct i2c_bus *bus) {
  pthread_condattr_t condition;
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all, before;
  pthread_mutex_init(&bus->lock, NULL);
  pthread_cond_init(&bus->asked, NULL);
  pthread_condattr_init(&condition);
  pthread_condattr_setclock(&condition, CLOCK_MONOTONIC);
  pthread_cond_init(&bus->answered, &condition);
  pthread_condattr_destroy(&condition);
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 64 * 1024);
  // Signals are the main thread's: one that ends a transfer early would look like a fault.
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int result = pthread_create(&thread, &attributes, work, bus);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return -result;
}

int i2c_bus_open(const struct i2c_calls *calls, void *context, const char *path,
                 struct i2c_bus **result) {
  *result = NULL;
  struct i2c_bus *bus = calloc(1, sizeof *bus);
  if (!bus) return -ENOMEM;
  bus->device.calls = calls;
  bus->device.context = context;
  bus->device.file = calls->open(context, path);
  if (bus->device.file < 0) {
    const int error = errno ? errno : EIO;
    free(bus);
    return -error;
  }
  if (calls->control(context, bus->device.file, I2C_FUNCS, (uintptr_t)&bus->device.functions) < 0) {
    const int error = errno ? errno : EIO;
    calls->close(context, bus->device.file);
    free(bus);
    return -error;
  }
  const int started = start_thread(bus);
  if (started < 0) {
    destroy(bus);
    return started;
  }
  *result = bus;
  return 0;
}

static struct timespec deadline(int64_t microseconds) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  time.tv_sec += microseconds / 1000000;
  time.tv_nsec += microseconds % 1000000 * 1000;
  if (time.tv_nsec >= 1000000000) {
    time.tv_sec += 1;
    time.tv_nsec -= 1000000000;
  }
  return time;
}

int i2c_bus_transfer(struct i2c_bus *bus, uint8_t address, const uint8_t *bytes, size_t byte_count,
                     uint8_t *buffer, size_t buffer_count, int64_t microseconds) {
  if (byte_count > I2C_LONGEST_MESSAGE || buffer_count > I2C_LONGEST_MESSAGE) return -EINVAL;
  const struct timespec end = deadline(microseconds);
  pthread_mutex_lock(&bus->lock);
  if (bus->is_busy) {
    pthread_mutex_unlock(&bus->lock);
    return I2C_RESULT_STUCK;
  }
  bus->address = address;
  bus->byte_count = byte_count;
  bus->buffer_count = buffer_count;
  if (byte_count > 0) memcpy(bus->bytes, bytes, byte_count);
  bus->is_busy = true;
  pthread_cond_signal(&bus->asked);
  int waited = 0;
  while (bus->is_busy && waited == 0) {
    waited = pthread_cond_timedwait(&bus->answered, &bus->lock, &end);
  }
  int result = I2C_RESULT_LATE;
  if (!bus->is_busy) {
    result = bus->result;
    if (result == 0 && buffer_count > 0) memcpy(buffer, bus->buffer, buffer_count);
  }
  pthread_mutex_unlock(&bus->lock);
  return result;
}

int i2c_bus_is_stuck(struct i2c_bus *bus) {
  pthread_mutex_lock(&bus->lock);
  const bool is_busy = bus->is_busy;
  pthread_mutex_unlock(&bus->lock);
  return is_busy;
}

void i2c_bus_close(struct i2c_bus *bus) {
  pthread_mutex_lock(&bus->lock);
  bus->is_closed = true;
  pthread_cond_signal(&bus->asked);
  pthread_mutex_unlock(&bus->lock);
}
