// SPDX-License-Identifier: Apache-2.0
// Inside the guest: `bench i2c N` makes N register reads at 0x48; `bench gpio N` answers N edges of
// line 0 with the same level on line 1.
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

static int transfers(int count) {
  int bus = open("/dev/i2c-0", O_RDWR), bad = 0;
  unsigned char pointer = 0, answer[2];
  struct i2c_msg messages[2] = {{0x48, 0, 1, &pointer}, {0x48, I2C_M_RD, 2, answer}};
  struct i2c_rdwr_ioctl_data both = {messages, 2};
  double begin = seconds();
  for (int index = 0; index < count; index++) bad += ioctl(bus, I2C_RDWR, &both) != 2;
  double taken = seconds() - begin;
  printf("%d transfers in %.3f s, %.0f per s, %d bad\n", count, taken, count / taken, bad);
  return 0;
}

// The chip of the virtual board; an arm64 machine has one of its own besides.
static int virtual_chip(void) {
  for (int number = 0; number < 10; number++) {
    char path[30];
    struct gpiochip_info info;
    snprintf(path, sizeof path, "/dev/gpiochip%d", number);
    int chip = open(path, O_RDWR);
    if (chip < 0) continue;
    if (ioctl(chip, GPIO_GET_CHIPINFO_IOCTL, &info) == 0 && strncmp(info.label, "virtio", 6) == 0)
      return chip;
    close(chip);
  }
  return -1;
}

static int edges(int count) {
  int chip = virtual_chip();
  struct gpio_v2_line_request in = {0}, out = {0};
  in.num_lines = out.num_lines = 1;
  out.offsets[0] = 1;
  in.config.flags = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING |
                    GPIO_V2_LINE_FLAG_EDGE_FALLING;
  out.config.flags = GPIO_V2_LINE_FLAG_OUTPUT;
  strcpy(in.consumer, "bench");
  strcpy(out.consumer, "bench");
  if (ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &in) < 0 || ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &out) < 0)
    return perror("lines"), 1;
  for (int index = 0; index < count; index++) {
    struct gpio_v2_line_event event;
    if (read(in.fd, &event, sizeof event) != sizeof event) return perror("event"), 1;
    struct gpio_v2_line_values values = {event.id == GPIO_V2_LINE_EVENT_RISING_EDGE, 1};
    if (ioctl(out.fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) < 0) return perror("value"), 1;
  }
  printf("echoed %d\n", count);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 3) return 64;
  return strcmp(argv[1], "i2c") == 0 ? transfers(atoi(argv[2])) : edges(atoi(argv[2]));
}
